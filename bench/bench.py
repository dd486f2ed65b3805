#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Side-by-side benchmarks, in two stages: the first builds a release and makes the host, the second, inside of it, starts
the peers, runs the jobs and reports."""
import argparse
import json
import os
import shutil
import sys

sys.dont_write_bytecode = True
import host
import jobs
import peers
import report


def parse(arguments):
    parser = argparse.ArgumentParser(prog="script/bench")
    parser.add_argument("--runs", type=int, default=50, metavar="N", help="rounds of each job (default 50)")
    parser.add_argument("--cold", action="store_true", help=f"also {jobs.COLD_ROUNDS} rounds with a second of idle before each run")
    parser.add_argument("--peers", metavar="NAME,...", default=",".join(peers.PEERS), help="who is compared, or none (default: all)")
    parser.add_argument("--containers", type=int, default=1000, metavar="N", help="how many the job thousand starts")
    parser.add_argument("--json", metavar="FILE", help="keep every figure in FILE")
    parser.add_argument("--inside", metavar="DIR", help=argparse.SUPPRESS)
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=f"{' '.join(jobs.JOBS)} (default: all)")
    options = parser.parse_args(arguments)
    options.peers = [] if options.peers == "none" else options.peers.split(",")
    options.jobs = options.jobs or list(jobs.JOBS)
    for kind, words, known in (("job", options.jobs, jobs.JOBS), ("peer", options.peers, peers.PEERS)):
        for word in words:
            if word not in known:
                parser.error(f"no {kind} {word}")
    if options.runs < 1 or options.containers < 2:
        parser.error("too few")
    return options


def inside(options):
    """The second stage, in the host: the results go into the first stage's directory."""
    sys.stdout.reconfigure(line_buffering=True)
    place = os.environ["HUSK_TEST_DIR"] + "/bench"
    os.mkdir(place)
    host.cover(place)
    host.state_in_run()
    everybody, missing = peers.choose(place, f"{options.inside}/floor", options)
    results = report.machine()
    with peers.started(everybody, missing):
        results.update(versions=report.versions(everybody), missing=report.missing(missing), jobs={})
        for job in options.jobs:
            if job in jobs.TIMED:
                results["jobs"][job] = jobs.JOBS[job](job, everybody, options)
    for job in options.jobs:
        if job not in jobs.TIMED:
            results["jobs"][job] = jobs.JOBS[job](job, everybody, options)
    with open(f"{options.inside}/results.json", "w", encoding="utf-8") as file:
        json.dump(results, file, indent=2)


def main():
    options = parse(sys.argv[1:])
    if options.inside:
        inside(options)
        return 0
    host.own_mounts()
    with host.temporary_directory() as place:
        program = host.build(place)
        with host.hugetlb_as_v1(wanted="crun" in options.peers and shutil.which("crun")):
            status = host.run(program, [sys.executable, os.path.abspath(__file__), "--inside", place, *sys.argv[1:]])
        if status == 0 and options.json:
            shutil.copy(f"{place}/results.json", options.json)
    return status


sys.exit(main())
