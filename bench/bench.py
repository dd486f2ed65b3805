#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Side-by-side benchmarks: builds a release, makes a root with busybox in a temporary place, runs every job interleaved
with what is installed of crun, runc, bwrap, podman and docker, and prints medians and the ratio pair by pair."""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TREE = os.getcwd()
GOALS = {  # (job, of, to): what performance asks, as a ratio
    ("run", "husk", "floor"): 2.5,
    ("exec", "husk", "floor"): 1.0,
}


def sh(*args, **more):
    return subprocess.run(args, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more).stdout


def build(place):
    """A release build, installed in the temporary place, and the floor program."""
    sh("meson", "setup", f"{place}/build", TREE, "--buildtype=release", "-Dtests=false", f"--prefix={place}/prefix")
    sh("ninja", "-C", f"{place}/build", "install")
    sh("gcc", "-O2", "-static", "-D_GNU_SOURCE", "-o", f"{place}/floor", "bench/floor.c")


def make_root(place):
    root = f"{place}/root"
    for name in ("bin", "proc", "dev", "sys", "etc", "tmp"):
        os.makedirs(f"{root}/{name}")
    shutil.copy("/bin/busybox", f"{root}/bin/busybox")
    for name in ("sh", "true", "sleep"):
        os.symlink("busybox", f"{root}/bin/{name}")
    return root


def oci_bundle(place, root, args):
    bundle = f"{place}/bundle-{args[0].strip('/').replace('/', '-')}"
    os.makedirs(bundle)
    subprocess.run(["runc", "spec"], cwd=bundle, check=True)
    config = json.load(open(f"{bundle}/config.json"))
    config["root"] = {"path": root, "readonly": False}
    config["process"].update(terminal=False, args=args)
    json.dump(config, open(f"{bundle}/config.json", "w"))
    return bundle


def timed(command, env):
    start = time.perf_counter()
    result = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True)
    spent = time.perf_counter() - start
    if result.returncode != 0:
        raise SystemExit(f"bench: {' '.join(command)}: exit {result.returncode}: {result.stderr.strip()[:300]}")
    return spent * 1000


def interleave(contenders, runs, env, pause):
    """Each round runs every contender once, so a slow moment of the machine hits all of them."""
    times = {name: [] for name in contenders}
    for number in range(runs + 3):
        for name, make in contenders.items():
            if pause:
                time.sleep(1)
            spent = timed(make(number), env)
            if number >= 3:
                times[name].append(spent)
    return times


def report(job, times, base):
    print(f"\n{job}")
    rows = {}
    for name, values in times.items():
        ratios = [a / b for a, b in zip(values, times[base])]
        rows[name] = {"median_ms": statistics.median(values), "min_ms": min(values), "max_ms": max(values),
                      "ratio": statistics.median(ratios)}
        goal = GOALS.get((job.split()[0], name, base))
        verdict = "" if goal is None else f"   goal {goal} x: {'met' if rows[name]['ratio'] <= goal else 'MISSED'}"
        print(f"  {name:10} {rows[name]['median_ms']:8.2f} ms  (min {rows[name]['min_ms']:.2f}, max {rows[name]['max_ms']:.2f})"
              f"  {rows[name]['ratio']:6.2f} x {base}{verdict}")
    return rows


class Bench:
    def __init__(self, place, options):
        self.place, self.options = place, options
        build(place)
        self.root = make_root(place)
        self.husk = f"{place}/prefix/bin/husk"
        self.env = dict(os.environ, HUSK_ROOT=f"{place}/var", HUSK_STATE=f"{place}/run", PATH=os.environ["PATH"])
        self.results = {}

    def run(self, *args):
        return sh(*args, env=self.env)

    def job_run(self):
        contenders = {
            "floor": lambda n: [f"{self.place}/floor", self.root, "/bin/true"],
            "husk": lambda n: [self.husk, "run", "--rm", "--net", "none", "--rootfs", self.root, "/bin/true"],
        }
        for peer in ("crun", "runc"):
            if shutil.which(peer):
                bundle = oci_bundle(f"{self.place}/{peer}", self.root, ["/bin/true"])
                contenders[peer] = lambda n, p=peer, b=bundle: [p, "run", "--bundle", b, f"bench-{os.getpid()}-{n}"]
        if shutil.which("bwrap"):
            contenders["bwrap"] = lambda n: ["bwrap", "--unshare-all", "--bind", self.root, "/", "--proc", "/proc",
                                             "--dev", "/dev", "/bin/true"]
        times = interleave(contenders, self.options.runs, self.env, self.options.cold)
        self.results["run"] = report("run" + (" (cold)" if self.options.cold else ""), times, "floor")

    def job_exec(self):
        self.run(self.husk, "run", "-d", "--name", "bench", "--net", "none", "--rootfs", self.root, "/bin/sleep", "1000")
        contenders = {
            "floor": lambda n: [f"{self.place}/floor", self.root, "/bin/true"],
            "husk": lambda n: [self.husk, "exec", "bench", "/bin/true"],
        }
        started = []
        for peer in ("crun", "runc"):
            if shutil.which(peer):
                bundle = oci_bundle(f"{self.place}/{peer}", self.root, ["/bin/sleep", "1000"])
                name = f"bench-{peer}-{os.getpid()}"
                subprocess.run([peer, "run", "--detach", "--bundle", bundle, name], check=True, env=self.env,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
                started.append((peer, name))
                contenders[peer] = lambda n, p=peer, i=name: [p, "exec", i, "/bin/true"]
        try:
            times = interleave(contenders, self.options.runs, self.env, self.options.cold)
        finally:
            self.run(self.husk, "rm", "-f", "bench")
            for peer, name in started:
                subprocess.run([peer, "delete", "--force", name], check=True, env=self.env)
        self.results["exec"] = report("exec" + (" (cold)" if self.options.cold else ""), times, "floor")

    def job_memory(self):
        """What stays for each detached container: the monitor, with eight of them running."""
        names = [f"bench{i}" for i in range(8)]
        for name in names:
            self.run(self.husk, "run", "-d", "--name", name, "--net", "none", "--rootfs", self.root, "/bin/sleep", "1000")
        totals = {"Pss": [], "Private_Dirty": []}
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                if not open(f"/proc/{entry}/cmdline").read().startswith("husk-monitor\0"):
                    continue
                for line in open(f"/proc/{entry}/smaps_rollup"):
                    key = line.split(":")[0]
                    if key in totals:
                        totals[key].append(int(line.split()[1]))
            except (FileNotFoundError, ProcessLookupError):
                continue
        self.run(self.husk, "rm", "-f", *names)
        print(f"\nmemory of one monitor, {len(totals['Pss'])} running")
        self.results["memory"] = {}
        for key, goal in (("Pss", 250), ("Private_Dirty", 100)):
            value = statistics.median(totals[key])
            self.results["memory"][key] = value
            print(f"  {key:14} {value:6.0f} KiB   goal {goal} KiB: {'met' if value <= goal else 'MISSED'}")

    def job_many(self):
        """32 starts at once on all processors against 32 one after another: wall and CPU time."""
        command = [self.husk, "run", "--rm", "--net", "none", "--rootfs", self.root, "/bin/true"]
        spent = {}
        for kind in ("one after another", "at once", "one after another", "at once"):
            before, start = os.times(), time.perf_counter()
            if kind == "at once":
                children = [subprocess.Popen(command, env=self.env, stdin=subprocess.DEVNULL) for _ in range(32)]
                codes = [child.wait() for child in children]
            else:
                codes = [subprocess.run(command, env=self.env, stdin=subprocess.DEVNULL).returncode for _ in range(32)]
            if any(codes):
                raise SystemExit(f"bench: 32 starts {kind}: exit codes {codes}")
            after = os.times()
            cpu = after.children_user + after.children_system - before.children_user - before.children_system
            spent.setdefault(kind, []).append((time.perf_counter() - start, cpu))
        print("\n32 starts")
        self.results["many"] = {}
        for kind, values in spent.items():
            wall, cpu = min(v[0] for v in values), min(v[1] for v in values)
            self.results["many"][kind] = {"wall_s": wall, "cpu_s": cpu}
            print(f"  {kind:18} wall {wall * 1000:7.0f} ms   cpu {cpu * 1000:7.0f} ms")
        ratio = self.results["many"]["at once"]["cpu_s"] / self.results["many"]["one after another"]["cpu_s"]
        print(f"  cpu at once / one after another: {ratio:.2f}   goal 1.2: {'met' if ratio <= 1.2 else 'MISSED'}")


def own_namespaces():
    """A mount and network namespace of our own; crun refuses a hybrid set-up until hugetlb is mounted as v1 too."""
    if os.environ.get("HUSK_BENCH_INSIDE"):
        return
    os.environ["HUSK_BENCH_INSIDE"] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--net", "--propagation", "private", sys.executable, *sys.argv])


def mount_hugetlb():
    if os.path.exists("/sys/fs/cgroup/cgroup.controllers") or os.path.ismount("/sys/fs/cgroup/hugetlb"):
        return False
    os.makedirs("/sys/fs/cgroup/hugetlb", exist_ok=True)
    if subprocess.run(["mount", "-t", "cgroup", "-o", "hugetlb", "cgroup", "/sys/fs/cgroup/hugetlb"]).returncode:
        print("bench: hugetlb cannot be mounted as v1: crun may refuse to run here")
        return False
    return True


def unmount_hugetlb():
    """The kernel keeps a hierarchy whose groups have only just been removed: once more, a moment later."""
    for _ in range(3):
        subprocess.run(["umount", "/sys/fs/cgroup/hugetlb"], check=True)
        time.sleep(1)
        if ":hugetlb:" not in open("/proc/self/cgroup").read():
            break
        subprocess.run(["mount", "-t", "cgroup", "-o", "hugetlb", "cgroup", "/sys/fs/cgroup/hugetlb"], check=True)
    os.rmdir("/sys/fs/cgroup/hugetlb")


def main():
    parser = argparse.ArgumentParser(prog="script/bench")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--cold", action="store_true", help="a second of idle before each run")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("jobs", nargs="*", metavar="JOB", help="run exec memory many (default: all)")
    options = parser.parse_args()
    jobs = options.jobs or ["run", "exec", "memory", "many"]
    for job in jobs:
        if not hasattr(Bench, f"job_{job}"):
            parser.error(f"no job {job}")
    own_namespaces()
    missing = [p for p in ("crun", "runc", "bwrap") if not shutil.which(p)]
    if missing:
        print("bench: not installed, so not compared:", ", ".join(missing))
    has_mounted = bool(shutil.which("crun")) and mount_hugetlb()
    with tempfile.TemporaryDirectory(prefix="husk-bench-") as place:
        bench = Bench(place, options)
        for job in jobs:
            getattr(bench, f"job_{job}")()
        if options.json:
            json.dump(bench.results, open(options.json, "w"), indent=2)
    if has_mounted:
        unmount_hugetlb()


main()
