# SPDX-License-Identifier: Apache-2.0
"""What the measurements happen in: a release build, the controller that crun asks for, and a throwaway test host."""
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time

HUGETLB = "/sys/fs/cgroup/hugetlb"
COVERED = ("/etc", "/var/lib")  # where peers keep things that no option moves


def sh(*command, **more):
    """The output of a command that must succeed; what it said is in the error."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **more)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {done.stdout.strip()[-300:]}")
    return done.stdout


def own_mounts():
    """Goes on in a mount namespace of its own."""
    if "HUSK_BENCH_MOUNTS" not in os.environ:
        os.environ["HUSK_BENCH_MOUNTS"] = "own"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])


def temporary_directory():
    """Not in /tmp, which may be a tmpfs: a real file system is what is measured."""
    return tempfile.TemporaryDirectory(prefix="husk-bench-", dir="/var/tmp")


def setup(place):
    """Configures the release build."""
    sh("meson", "setup", f"{place}/build", os.getcwd(), "--buildtype=release", "-Dtests=disabled", f"--prefix={place}/prefix")


def build(place):
    """The program to measure: $HUSK, or a release build in the temporary directory. The floor is always built."""
    sh("gcc", "-O2", "-static", "-D_GNU_SOURCE", "-o", f"{place}/floor", "bench/floor.c")
    if "HUSK" in os.environ:
        return os.environ["HUSK"]
    setup(place)
    sh("ninja", "-C", f"{place}/build", "install")
    return f"{place}/prefix/bin/husk"


def run(husk, command):
    """The command in a test host, whose processes, mounts, networks and cgroups end with it."""
    child = None

    def stop(number, _):
        # A terminal sends SIGINT to the child as well; it cleans up and ends.
        if child and number == signal.SIGTERM:
            child.terminate()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    child = subprocess.Popen(["tools/test-host", "--run", *command], env=dict(os.environ, HUSK=husk))
    return child.wait()


@contextlib.contextmanager
def hugetlb_as_v1(wanted):
    """On a hybrid machine crun wants every controller it knows as v1. Only our mount namespace sees the mount."""
    if not wanted or not os.path.isdir("/sys/fs/cgroup/unified") or os.path.ismount(HUGETLB):
        yield
        return
    os.makedirs(HUGETLB, exist_ok=True)
    try:
        sh("mount", "-t", "cgroup", "-o", "hugetlb", "cgroup", HUGETLB)
    except RuntimeError as error:
        print(f"bench: crun may refuse to run: {error}")
        os.rmdir(HUGETLB)
        yield
        return
    try:
        yield
    finally:
        give_back_hugetlb()


def give_back_hugetlb():
    """The kernel keeps a hierarchy whose groups have only just been removed: once more, a moment later."""
    for _ in range(10):
        sh("umount", HUGETLB)
        time.sleep(1)
        with open("/proc/self/cgroup", encoding="ascii") as file:
            if ":hugetlb:" not in file.read():
                break
        sh("mount", "-t", "cgroup", "-o", "hugetlb", "cgroup", HUGETLB)
    else:
        sh("umount", HUGETLB)
        print("bench: the kernel keeps the v1 hierarchy hugetlb: somebody else uses it too")
    os.rmdir(HUGETLB)


def state_in_run():
    """As everywhere but in this host: what lives no longer than a boot is in /run, which is a tmpfs here too."""
    os.environ["HUSK_STATE"] = "/run/husk"
    os.makedirs("/run/husk", mode=0o755)


def cover(place):
    """Inside of the host: what is written to these directories goes to the temporary one."""
    for directory in COVERED:
        upper, work = f"{place}/cover{directory}", f"{place}/work{directory}"
        os.makedirs(upper)
        os.makedirs(work)
        sh("mount", "-t", "overlay", "-o", f"lowerdir={directory},upperdir={upper},workdir={work}", "overlay", directory)
