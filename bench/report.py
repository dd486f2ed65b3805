# SPDX-License-Identifier: Apache-2.0
"""The goals, and how figures are shown: what is printed is what the JSON keeps."""
import os
import statistics

from host import sh

GOALS = (  # job, of, to, at most this ratio of the two, round by round
    ("run", "husk", "floor", 2.5),
    ("run", "husk", "podman", 0.05),
    ("run", "husk-runtime", "floor", 1.6),
    ("run", "husk-runtime", "crun", 0.5),
    ("exec", "husk-runtime", "crun", 0.5),
    ("steps", "husk-runtime", "crun", 0.5),
    ("exec", "husk", "floor", 1.0),
    ("port", "husk", "floor", 4.0),
    ("port", "husk", "docker", 0.03),
)
LIMITS = {  # what one job measures of husk alone: at most this, and its unit
    "monitor, Pss": (250, "KiB"),
    "monitor, Private_Dirty": (100, "KiB"),
    "cpu at once / one after another": (1.2, "x"),
    "1,000 published / none": (1.1, "x"),
    "start of the last / the first": (1.2, "x"),
    "ps": (15, "ms"),
}


def machine():
    with open("/proc/mounts", encoding="utf-8") as file:
        mounts = [line.split() for line in file]
    cgroups = sorted({kind for _, at, kind, *_ in mounts if kind.startswith("cgroup") and at.startswith("/sys/fs/cgroup")})
    found = {"kernel": os.uname().release, "processors": os.cpu_count(), "cgroups": cgroups}
    print(f"Linux {found['kernel']}, {found['processors']} processors, {' and '.join(cgroups)}")
    return {"machine": found}


def versions(everybody):
    found = {peer.name: sh(*peer.version).splitlines()[0] for peer in everybody if peer.version}
    for name, version in found.items():
        print(f"  {name:14} {version}")
    return found


def missing(reasons):
    for name, reason in reasons.items():
        print(f"  {name:14} not compared: {reason}")
    return reasons


def verdict(value, limit):
    return "met" if value <= limit else "MISSED"


def ratio(of, to):
    """The median of the ratios of each round: a slow moment of the machine hits both."""
    return statistics.median(a / b for a, b in zip(of, to))


def rows_of(warm, cold, base):
    rows = {}
    for name, times in warm.items():
        rows[name] = {"median_ms": statistics.median(times), "min_ms": min(times), "max_ms": max(times),
                      f"x_{base}": ratio(times, warm[base]), "all_ms": times}
        if cold:
            rows[name].update(cold_median_ms=statistics.median(cold[name]), cold_all_ms=cold[name])
            rows[name][f"cold_x_{base}"] = ratio(cold[name], cold[base])
    return rows


def comparison(job, warm, cold, base):
    """Prints one job that several contenders did, warm and cold, and what it is for the JSON."""
    rows = rows_of(warm, cold, base)
    print(f"\n{job:14} {'median':>8} {'least':>8} {'most':>8} ms   x {base}" + ("     cold ms   x " + base if cold else ""))
    for name, row in rows.items():
        line = f"  {name:14} {row['median_ms']:6.2f} {row['min_ms']:8.2f} {row['max_ms']:8.2f}   {row[f'x_{base}']:9.2f}"
        if cold:
            line += f"   {row['cold_median_ms']:9.2f}   {row[f'cold_x_{base}']:9.2f}"
        print(line)
    goals = [goal(of, to, limit, warm) for in_job, of, to, limit in GOALS if in_job == job]
    return {"rows": rows, "goals": goals}


def goal(of, to, limit, times):
    found = {"of": of, "to": to, "limit": limit, "ratio": None, "verdict": "not compared"}
    if to in times:
        found["ratio"] = ratio(times[of], times[to])
        found["verdict"] = verdict(found["ratio"], limit)
    measured = "" if found["ratio"] is None else f"{found['ratio']:.3f} x, "
    print(f"  goal: {of} at most {limit} x {to}: {measured}{found['verdict']}")
    return found


def figures(title, values, judged=True):
    """Prints and gives named numbers of husk alone: {name: (value, unit)}."""
    print(f"\n{title}")
    found = {}
    for name, (value, unit) in values.items():
        found[name] = {"value": value, "unit": unit}
        line = f"  {name:34} {value:9.2f} {unit}"
        if judged and name in LIMITS:
            limit, _ = LIMITS[name]
            found[name].update(limit=limit, verdict=verdict(value, limit))
            line += f"   goal: at most {limit}: {found[name]['verdict']}"
        print(line)
    return found
