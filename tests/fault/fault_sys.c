/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fault sweep over sys/: every scenario runs again and again, with the first, second, ... call
 * of every wrapper failing, until a run meets no fault any more. A failed run must say so, and
 * leave no fd, no child and no half-made file behind. When all calls of a kind fail, as on an old
 * kernel, the fallbacks must still succeed.
 */
#include "sys/file.h"
#include "sys/path.h"
#include "sys/process.h"
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALLS_MAX = 200 };
enum outcome { PASSED = 0, FAILED_CLEAN = 1, LEAKED = 2, WRONG_ERROR = 3 };

static char directory[] = "/tmp/husk-fault-XXXXXX";

static int replace(int dir)
{
	return file_replace_at(dir, "f", "new", 3, 0600, true);
}

static int make(int dir)
{
	int fd = path_make_file(dir, "x/y/z", 0);
	fd_close(fd);
	return fd < 0 ? fd : 0;
}

static int removing(int dir)
{
	return file_remove_tree_at(dir, "tree");
}

static int running(int dir)
{
	auto_buf struct buf out = BUF_INIT;
	return process_run((const char *const[]){"/bin/true", NULL}, &out);
}

static int listening(int dir)
{
	int fd = socket_listen_at(dir, "sock");
	fd_close(fd);
	return fd < 0 ? fd : 0;
}

static int sealing(int dir)
{
	int fd = fd_memfd_sealed("fault", "data", 4);
	fd_close(fd);
	return fd < 0 ? fd : 0;
}

static const struct {
	const char *name;
	int (*run)(int dir);
	const char *leaves; /* when it fails: nothing of this name may be there */
} scenarios[] = {
	{"replace", replace, ".new."},
	{"make", make, NULL},
	{"remove", removing, NULL},
	{"run", running, NULL},
	{"listen", listening, NULL},
	{"seal", sealing, NULL},
};

static const char *const wrappers[] = {"open_at", "openat2", "mkdir_at", "unlink_at", "rename_at",
	"stat_at", "stat_fd", "statx", "chmod_fd", "fsync", "read", "write", "read_dir", "pipe",
	"fcntl", "memfd_create", "clone3", "poll", "wait_pidfd", "socket", "bind", "listen"};

/* What an old kernel, or a seccomp filter, lacks. */
static const struct {
	int scenario;
	const char *fault;
} old_kernels[] = {
	{1, "openat2:0:ENOSYS"},
	{1, "openat2:0:EPERM"},
	{1, "openat2:0:EAGAIN"},
	{3, "clone3:0:ENOSYS"},
	{3, "close_range:0:ENOSYS"},
	{3, "close_range:0:EINVAL"},
	{5, "memfd_create:1:EINVAL"},
};

static int count_fds(void)
{
	int count = 0;
	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static int has_leftover(int dir, const char *prefix)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	if (prefix && file_list_at(dir, ".", &names) == 0)
		strvec_each (name, &names)
			if (strncmp(*name, prefix, strlen(prefix)) == 0)
				return 1;
	return 0;
}

/* In a child, which alone reads HUSK_FAULT. */
static enum outcome run_faulty(int scenario, const char *fault)
{
	int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int before = count_fds();
	setenv("HUSK_FAULT", fault, 1);
	int r = scenarios[scenario].run(dir);
	if (count_fds() != before || waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD ||
		(r < 0 && has_leftover(dir, scenarios[scenario].leaves)))
		return LEAKED;
	if (r == 0)
		return PASSED;
	return r == -EDQUOT || strstr(fault, "EDQUOT") == NULL ? FAILED_CLEAN : WRONG_ERROR;
}

static void prepare(void)
{
	int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	file_remove_tree_at(dir, "x");
	file_remove_tree_at(dir, "sock");
	file_make_dirs_at(dir, "tree/a/b", 0700);
	file_create_at(dir, "tree/a/file", "", 0, 0600);
	close(dir);
}

/* Each in a process of its own, as a process reads HUSK_FAULT once. */
static int run_child(int scenario, const char *fault)
{
	pid_t pid = fork();
	if (pid == 0) {
		prepare();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	pid = fork();
	if (pid == 0)
		_exit(run_faulty(scenario, fault));
	int status = -1;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int complain(int scenario, const char *fault, int outcome)
{
	fprintf(stderr, "%s with %s: %d\n", scenarios[scenario].name, fault, outcome);
	return 1;
}

/* How many runs met the fault and failed; bad ones are counted in *bad. */
static int sweep(int scenario, const char *wrapper, int *bad)
{
	int failed = 0, passed_in_a_row = 0;
	for (int n = 1; n < CALLS_MAX && passed_in_a_row < 3; n++) {
		char fault[64];
		snprintf(fault, sizeof(fault), "%s:%d:EDQUOT", wrapper, n);
		int outcome = run_child(scenario, fault);
		passed_in_a_row = outcome == PASSED ? passed_in_a_row + 1 : 0;
		failed += outcome == FAILED_CLEAN;
		if (outcome != PASSED && outcome != FAILED_CLEAN) {
			*bad += complain(scenario, fault, outcome);
			break;
		}
	}
	return failed;
}

int main(void)
{
	int bad = 0;
	if (!mkdtemp(directory))
		return 1;
	for (size_t s = 0; s < sizeof(scenarios) / sizeof(scenarios[0]); s++) {
		int failed = 0;
		for (size_t w = 0; w < sizeof(wrappers) / sizeof(wrappers[0]); w++)
			failed += sweep((int)s, wrappers[w], &bad);
		printf("%s: %d faults\n", scenarios[s].name, failed);
		/* None would mean that nobody asks the table. */
		if (failed < 3)
			bad += complain((int)s, "any fault", failed);
	}
	for (size_t i = 0; i < sizeof(old_kernels) / sizeof(old_kernels[0]); i++) {
		int outcome = run_child(old_kernels[i].scenario, old_kernels[i].fault);
		if (outcome != PASSED)
			bad += complain(old_kernels[i].scenario, old_kernels[i].fault, outcome);
	}
	unsetenv("HUSK_FAULT");
	if (file_remove_tree_at(AT_FDCWD, directory) < 0)
		bad++;
	return bad > 0;
}
