/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's own price of a container: new mount, uts, ipc, pid, cgroup and network namespaces,
 * six mounts, pivot_root, exec of a static program, wait. There is no plan, no sandbox and no
 * cleanup: no program that runs a container can be faster, so the benchmarks are ratios to it.
 *
 *   floor ROOT PROGRAM [ARG...]      ROOT needs the directories proc, dev and sys
 */
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	const char *source, *target, *type, *data;
	unsigned long flags;
} mounts[] = {
	{"proc", "proc", "proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC},
	{"tmpfs", "dev", "tmpfs", "mode=755,size=65536k", MS_NOSUID | MS_NOEXEC},
	{"devpts", "dev/pts", "devpts", "newinstance,ptmxmode=0666,mode=0620",
		MS_NOSUID | MS_NOEXEC},
	{"shm", "dev/shm", "tmpfs", "mode=1777,size=65536k", MS_NOSUID | MS_NODEV | MS_NOEXEC},
	{"mqueue", "dev/mqueue", "mqueue", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC},
	{"sysfs", "sys", "sysfs", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY},
};

static int fail(const char *what)
{
	dprintf(2, "floor: %s: %m\n", what);
	_exit(125);
}

static int child(const char *root, char **args)
{
	static char *const env[] = {"PATH=/bin:/usr/bin", NULL};
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount(root, root, NULL, MS_BIND, NULL) < 0 || chdir(root) < 0)
		return fail(root);
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].target, 0755);
		if (mount(mounts[i].source, mounts[i].target, mounts[i].type, mounts[i].flags,
			    mounts[i].data) < 0)
			return fail(mounts[i].target);
	}
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return fail("pivot_root");
	execve(args[0], args, env);
	return fail(args[0]);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		dprintf(2, "usage: floor ROOT PROGRAM [ARG...]\n");
		return 125;
	}
	struct clone_args args = {
		.flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID |
			CLONE_NEWCGROUP | CLONE_NEWNET,
		.exit_signal = SIGCHLD,
	};
	long pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		return child(argv[1], argv + 2);
	int status;
	if (pid < 0 || waitpid((pid_t)pid, &status, 0) < 0)
		return fail("clone3");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
