# SPDX-License-Identifier: Apache-2.0
"""The jobs. TIMED ones are one command that several contenders have; the others are of husk alone.

  run        a container without network runs `true` and is removed
  exec       `true` in a container that runs
  port       as run, on the bridge with a published port
  steps      create, start and delete of an OCI runtime, three commands
  memory     of one monitor, eight running
  many       32 starts at once against 32 one after another
  published  publishing a port while no other and while 1,000 others are published
  thousand   the 1,000th detached container against the first, and ps of them
"""
import os
import resource
import statistics
import subprocess
import tempfile
import time

import report
from host import sh

TIMED = ("run", "exec", "port", "steps")
WARM_UP = 3
COLD_ROUNDS = 10
EDGE = 20  # containers at each end of the thousand
BLOCK = 10  # runs between two changes of what is published
SLEEPER = ("busybox", "sleep", "100000")


def husk(*arguments):
    return [os.environ["HUSK"], *arguments]


def timed(command):
    """Milliseconds of a command that must succeed, or of several. Its messages go to a file: what it leaves running would keep a pipe."""
    if isinstance(command[0], list):
        return sum(timed(one) for one in command)
    with tempfile.TemporaryFile("w+") as messages:
        start = time.perf_counter()
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=messages, check=False)
        spent = time.perf_counter() - start
        if done.returncode:
            messages.seek(0)
            raise SystemExit(f"bench: {' '.join(command)}: exit {done.returncode}: {messages.read().strip()[-300:]}")
    return spent * 1000


def interleave(commands, rounds, idle_s=0):
    """Each round runs every contender once, so a slow moment of the machine hits all of them."""
    times = {name: [] for name in commands}
    for number in range(rounds):
        for name, command in commands.items():
            time.sleep(idle_s)
            times[name].append(timed(command(number)))
    return times


def compare(job, everybody, options):
    taking_part = [peer for peer in everybody if job in peer.commands]
    commands = {peer.name: peer.commands[job] for peer in taking_part}
    held = []
    try:
        for peer in taking_part if job == "exec" else ():
            peer.hold()
            held.append(peer)
        interleave(commands, min(WARM_UP, options.runs))
        warm = interleave(commands, options.runs)
        cold = interleave(commands, min(COLD_ROUNDS, options.runs), idle_s=1) if options.cold else None
    finally:
        for peer in held:
            peer.release()
    return report.comparison(job, warm, cold, "floor")


def memory_of_monitors():
    """KiB of each process that is a monitor."""
    totals = {"Pss": [], "Private_Dirty": []}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/cmdline", encoding="utf-8") as file:
                if not file.read().startswith("husk-monitor\0"):
                    continue
            with open(f"/proc/{entry}/smaps_rollup", encoding="utf-8") as file:
                for line in file:
                    key = line.split(":")[0]
                    if key in totals:
                        totals[key].append(int(line.split()[1]))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return totals


def memory(*_):
    names = [f"bench{number}" for number in range(8)]
    for name in names:
        sh(*husk("run", "-d", "--name", name, "--net", "none", *SLEEPER))
    totals = memory_of_monitors()
    sh(*husk("rm", "-f", *names))
    return report.figures(f"memory, {len(totals['Pss'])} monitors run",
                          {f"monitor, {key}": (statistics.median(values), "KiB") for key, values in totals.items()})


def start_32(at_once):
    """Wall and CPU seconds."""
    command = husk("run", "--rm", "--net", "none", "busybox", "true")
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    if at_once:
        children = [subprocess.Popen(command, stdin=subprocess.DEVNULL) for _ in range(32)]
        codes = [child.wait() for child in children]
    else:
        codes = [subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode for _ in range(32)]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if any(codes):
        raise SystemExit(f"bench: 32 starts: exit codes {codes}")
    return time.perf_counter() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def many(*_):
    """The least of several tries of each: whatever else the machine does only adds."""
    alone, together = [], []
    for _ in range(3):
        alone.append(start_32(at_once=False))
        together.append(start_32(at_once=True))
    figures = {}
    for kind, tries in (("one after another", alone), ("at once", together)):
        for number, what in enumerate(("wall", "cpu")):
            figures[f"{kind}, {what}"] = (min(values[number] for values in tries) * 1000, "ms")
    figures["cpu at once / one after another"] = (figures["at once, cpu"][0] / figures["one after another, cpu"][0], "x")
    return report.figures("many: 32 starts", figures)


def published(_, __, options):
    """The others are one container's range of 1,000 ports, which comes and goes between blocks of runs."""
    command = husk("run", "--rm", "-p", "8080:80", "busybox", "true")
    times = {"none": [], "1,000": []}
    interleave({"warm-up": lambda number: command}, WARM_UP)
    for done in range(0, options.runs, BLOCK):
        block = min(BLOCK, options.runs - done)
        times["none"] += [timed(command) for _ in range(block)]
        sh(*husk("run", "-d", "--name", "thousand", "-p", "20000-20999:20000-20999", *SLEEPER))
        times["1,000"] += [timed(command) for _ in range(block)]
        sh(*husk("rm", "-f", "thousand"))
    medians = {key: statistics.median(values) for key, values in times.items()}
    return report.figures("published: run --rm -p 8080:80 while others are published", {
        "none": (medians["none"], "ms"), "1,000": (medians["1,000"], "ms"),
        "1,000 published / none": (medians["1,000"] / medians["none"], "x")})


def start_all(names, floor):
    """How long each start took, and the floor beside those of the two edges."""
    edge = min(EDGE, len(names) // 2)
    starts, floors = [], []
    for number, name in enumerate(names):
        if number < edge or number >= len(names) - edge:
            floors.append(timed(floor))
        starts.append(timed(husk("run", "-d", "--name", name, "--net", "none", *SLEEPER)))
    return {kind: (statistics.median(values[:edge]), statistics.median(values[-edge:]))
            for kind, values in (("start", starts), ("floor", floors))}


def thousand(_, everybody, options):
    """Without network: a bridge of the kernel has no more than 1,023 ports. One container runs before the first, so that
    it does not pay for the instance's own cgroups. The floor tells a machine that became slower from a husk that did."""
    names = [f"bench{number}" for number in range(options.containers)]
    sh(*husk("run", "-d", "--name", "before", "--net", "none", *SLEEPER))
    medians = start_all(names, everybody[0].commands["run"](0))
    running = len(sh(*husk("ps", "-q")).split()) - 1
    ps = [timed(husk("ps")) for _ in range(21)]
    removal = timed(husk("rm", "-f", "before", *names))
    if running != options.containers:
        raise SystemExit(f"bench: {running} of {options.containers} containers ran")
    values = {}
    for kind, (first, last) in medians.items():
        values[f"{kind}, first {EDGE}"], values[f"{kind}, last {EDGE}"] = (first, "ms"), (last, "ms")
        values[f"{kind} of the last / the first"] = (last / first, "x")
    values.update({"ps": (statistics.median(ps), "ms"), "removal of one": (removal / (running + 1), "ms")})
    title = f"thousand: {running} detached containers, medians" + (", the goals are for 1,000" if running != 1000 else "")
    return report.figures(title, values, judged=running == 1000)


JOBS = {**dict.fromkeys(TIMED, compare), "memory": memory, "many": many, "published": published, "thousand": thousand}
