# SPDX-License-Identifier: Apache-2.0
"""Who is timed: the floor, husk, and what is installed of the peers. Each says how its jobs are done as a table from the
job's name to a function that gives the command of a round."""
import contextlib
import json
import os
import shutil
import subprocess
import time

from host import sh

PROGRAM, SLEEPER = ["/bin/true"], ["/bin/sleep", "100000"]
PORT = "8080:80"


class Contender:
    name = None
    programs = ()  # what must be installed
    version = ()  # the command that prints it

    def __init__(self, place):
        self.place = f"{place}/{self.name.replace(' ', '-')}"
        self.root = f"{place}/root"
        self.commands = {}
        os.makedirs(self.place)

    def start(self):
        """Makes ready what is not timed."""

    def stop(self):
        """Ends what start began."""

    def hold(self):
        """Starts the container in which exec is timed."""

    def release(self):
        """Removes that container."""


class Floor(Contender):
    name = "floor"

    def __init__(self, place, program):
        super().__init__(place)
        command = [program, self.root, *PROGRAM]
        self.commands = dict.fromkeys(("run", "exec", "port", "steps"), lambda number: command)


class Husk(Contender):
    """With the image that it brings along."""
    name = "husk"

    def __init__(self, place):
        super().__init__(place)
        self.program = os.environ["HUSK"]
        self.version = (self.program, "version")
        self.commands = {
            "run": lambda number: [self.program, "run", "--rm", "--net", "none", "busybox", *PROGRAM],
            "exec": lambda number: [self.program, "exec", "bench", *PROGRAM],
            "port": lambda number: [self.program, "run", "--rm", "-p", PORT, "busybox", *PROGRAM],
        }

    def hold(self):
        sh(self.program, "run", "-d", "--name", "bench", "--net", "none", "busybox", *SLEEPER)

    def release(self):
        sh(self.program, "rm", "-f", "bench")


class HuskDirectory(Contender):
    """With the directory that the peers without images have."""
    name = "husk --rootfs"

    def __init__(self, place):
        super().__init__(place)
        command = [os.environ["HUSK"], "run", "--rm", "--net", "none", "--rootfs", self.root, *PROGRAM]
        self.commands = {"run": lambda number: command}


class OciRuntime(Contender):
    """One that is given a bundle."""

    def __init__(self, place, program=None):
        super().__init__(place)
        self.program = program or self.name
        self.programs = (self.program,)
        self.version = (self.program, "--version")
        self.commands = {
            "run": lambda number: [self.program, "run", "--bundle", f"{self.place}/once", f"bench-{number}"],
            "exec": lambda number: [self.program, "exec", "bench", *PROGRAM],
            "steps": lambda number: [
                [self.program, "create", "--bundle", f"{self.place}/once", f"bench-{number}"],
                [self.program, "start", f"bench-{number}"],
                [self.program, "delete", "--force", f"bench-{number}"],
            ],
        }

    def start(self):
        for bundle, command in (("once", PROGRAM), ("held", SLEEPER)):
            os.makedirs(f"{self.place}/{bundle}")
            sh(self.program, "spec", cwd=f"{self.place}/{bundle}")
            with open(f"{self.place}/{bundle}/config.json", "r+", encoding="utf-8") as file:
                config = json.load(file)
                config["root"] = {"path": self.root, "readonly": False}
                config["process"].update(terminal=False, args=command)
                file.seek(0)
                file.truncate()
                json.dump(config, file)

    def hold(self):
        # Not sh: the container would keep the pipe of the output.
        subprocess.run([self.program, "run", "--detach", "--bundle", f"{self.place}/held", "bench"], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def release(self):
        sh(self.program, "delete", "--force", "bench")


class HuskRuntime(OciRuntime):
    """The one that is installed beside husk."""
    name = "husk-runtime"

    def __init__(self, place):
        super().__init__(place, os.path.join(os.path.dirname(os.environ["HUSK"]), "husk-runtime"))


class Crun(OciRuntime):
    name = "crun"


class Runc(OciRuntime):
    name = "runc"


class Bwrap(Contender):
    name = "bwrap"
    programs = ("bwrap",)
    version = ("bwrap", "--version")

    def __init__(self, place):
        super().__init__(place)
        command = ["bwrap", "--unshare-all", "--bind", self.root, "/", "--proc", "/proc", "--dev", "/dev", *PROGRAM]
        self.commands = {"run": lambda number: command}


class Engine(Contender):
    """One with images: the peers' root becomes the image bench. `command` is how a call of it begins."""

    def __init__(self, place, *command):
        super().__init__(place)
        self.command = command
        self.commands = {
            "run": lambda number: [*command, "run", "--rm", "--network", "none", "bench", *PROGRAM],
            "exec": lambda number: [*command, "exec", "bench", *PROGRAM],
            "port": lambda number: [*command, "run", "--rm", "-p", PORT, "bench", *PROGRAM],
        }

    def start(self):
        sh("tar", "-C", self.root, "-cf", f"{self.place}/root.tar", ".")
        sh(*self.command, "import", f"{self.place}/root.tar", "bench")

    def hold(self):
        sh(*self.command, "run", "-d", "--name", "bench", "--network", "none", "bench", *SLEEPER)

    def release(self):
        sh(*self.command, "rm", "-f", "bench")


class Podman(Engine):
    name = "podman"
    programs = ("podman", "conmon", "iptables")
    # The bridge of husk has the subnet that is podman's default.
    CONFIG = '[containers]\nlog_driver = "k8s-file"\n[engine]\nevents_logger = "file"\n' \
        '[network]\ndefault_subnet = "10.89.0.0/16"\nnetwork_config_dir = "%s/networks"\n'

    def __init__(self, place):
        super().__init__(place, "podman", "--root", f"{place}/podman/root", "--runroot", "/run/bench/podman", "--tmpdir",
                         "/run/bench/podman-tmp", "--storage-driver", "overlay", "--cgroup-manager", "cgroupfs")
        self.version = ("podman", "--version")

    def start(self):
        with open(f"{self.place}/containers.conf", "w", encoding="utf-8") as file:
            file.write(self.CONFIG % self.place)
        os.environ["CONTAINERS_CONF"] = f"{self.place}/containers.conf"
        super().start()


class Docker(Engine):
    """Its daemon has a network of its own within the host: husk would adapt its rules to a firewall that drops."""
    name = "docker"
    programs = ("docker", "dockerd", "containerd", "iptables")

    def __init__(self, place):
        super().__init__(place, "docker", "--host", f"unix://{place}/docker/socket")
        self.version = (*self.command, "version", "--format", "client {{.Client.Version}}, server {{.Server.Version}}")
        self.daemon = None

    def start(self):
        at = self.place
        with open(f"{at}/daemon.json", "w", encoding="utf-8") as file:
            file.write("{}")
        daemon = ["dockerd", "--config-file", f"{at}/daemon.json", "--data-root", f"{at}/data", "--exec-root", "/run/bench/docker",
                  "--pidfile", f"{at}/pid", "--host", f"unix://{at}/socket", "--iptables=true"]
        with open(f"{at}/log", "w", encoding="utf-8") as log:
            self.daemon = subprocess.Popen(["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *daemon],
                                           stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait_until_ready()
        super().start()

    def wait_until_ready(self):
        for _ in range(300):
            if self.daemon.poll() is not None:
                with open(f"{self.place}/log", encoding="utf-8") as log:
                    raise RuntimeError(f"dockerd: exit {self.daemon.returncode}: {log.read().strip()[-300:]}")
            if subprocess.run(self.version, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise RuntimeError("dockerd does not answer within 30 seconds")

    def stop(self):
        if not self.daemon:
            return
        self.daemon.terminate()
        try:
            self.daemon.wait(30)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()


PEERS = {kind.name: kind for kind in (Crun, Runc, Bwrap, Podman, Docker)}


def make_root(place):
    """The smallest root that every contender can run."""
    root = f"{place}/root"
    for name in ("bin", "proc", "dev", "sys", "etc", "tmp"):
        os.makedirs(f"{root}/{name}")
    shutil.copy(shutil.which("busybox"), f"{root}/bin/busybox")
    for name in ("sh", "true", "sleep"):
        os.symlink("busybox", f"{root}/bin/{name}")


def choose(place, floor, options):
    """Who takes part in these jobs, and why the others do not: {name: reason}."""
    make_root(place)
    everybody = [Floor(place, floor), Husk(place), HuskDirectory(place), HuskRuntime(place)]
    missing = {name: "not asked for" for name in PEERS if name not in options.peers}
    for name in options.peers:
        peer = PEERS[name](place)
        absent = [program for program in peer.programs if not shutil.which(program)]
        if absent:
            missing[name] = f"not installed: {', '.join(absent)}"
        elif any(job in peer.commands for job in options.jobs):
            everybody.append(peer)
    return everybody, missing


@contextlib.contextmanager
def started(everybody, missing):
    """Starts them all; a peer that cannot run `true` once leaves the list, with its reason."""
    try:
        for peer in list(everybody):
            try:
                peer.start()
                sh(*peer.commands["run"]("trial"))
            except RuntimeError as error:
                if peer.name not in PEERS:
                    raise
                missing[peer.name] = f"does not run here: {error}"
                everybody.remove(peer)
                peer.stop()
        yield
    finally:
        for peer in everybody:
            peer.stop()
