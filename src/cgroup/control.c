/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Freezing, thawing and killing whole groups. On a hybrid host the v2 tree does what it can do,
 * also if limits are set by v1: cgroup.kill reaches every process at once, forks included. No
 * failure here leaves a group frozen, because frozen processes of v1 cannot even die.
 */
#include "cgroup/cgroup.h"
#include "cgroup/internal.h"

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>

enum {
	FREEZE_MS = 2000,
	KILL_AGAIN_MS = 50,
	KILL_MS = 5000,
	SLEEP_MAX_MS = 20,
	STATE_MAX = 4096,
};

/* What to write to which file, and the line of the state file that says that all are frozen. */
struct freezer {
	int fd;
	const char *file, *freeze, *thaw;
	const char *state_file, *is_frozen;
};

/* The v1 freezer if there is one, otherwise the v2 tree's [5.2]. */
static int freezer_find(const struct cgroup *g, struct freezer *out)
{
	int v1 = g->is_unified ? -EBADF : cgroup_dir_find(g, "freezer");
	int tree = cgroup_dir_find(g, NULL);

	if (v1 >= 0)
		*out = (struct freezer){
			v1, "freezer.state", "FROZEN", "THAWED", "freezer.state", "FROZEN"};
	else if (tree >= 0)
		*out = (struct freezer){
			tree, "cgroup.freeze", "1", "0", "cgroup.events", "frozen 1"};
	else
		return -EOPNOTSUPP;
	return 0;
}

/* Does the file have this line? */
static int state_is(int fd, const char *file, const char *line)
{
	auto_buf struct buf state = BUF_INIT;

	int r = file_read_at(fd, file, STATE_MAX, &state);
	if (r < 0)
		return r;
	char *rest = state.data;
	for (char *each; (each = str_cut(&rest, '\n'));) {
		if (str_eq(each, line))
			return 1;
	}
	return 0;
}

static uint64_t longer(uint64_t sleep_ms)
{
	return sleep_ms < SLEEP_MAX_MS ? 2 * sleep_ms : sleep_ms;
}

/* v1 must be asked again while it is FREEZING: it has missed a process that forked. Silent. */
static int freeze_until(const struct freezer *f, uint64_t timeout_ms)
{
	uint64_t end_ms = 0;

	for (uint64_t sleep_ms = 1;; sleep_ms = longer(sleep_ms)) {
		int r = file_write_at(f->fd, f->file, f->freeze);
		if (r == 0)
			r = state_is(f->fd, f->state_file, f->is_frozen);
		if (r != 0)
			return r < 0 ? r : 0;
		end_ms = end_ms ? end_ms : clock_boot_ms() + timeout_ms;
		if (clock_boot_ms() >= end_ms)
			return -ETIMEDOUT;
		clock_sleep_ms(sleep_ms);
	}
}

bool cgroup_is_frozen(const struct cgroup *g)
{
	struct freezer f;
	return freezer_find(g, &f) == 0 && state_is(f.fd, f.state_file, f.is_frozen) == 1;
}

static int freezer_missing(const struct cgroup *g, int r)
{
	return err_say(r, "cgroup %s cannot be frozen: the kernel has no freezer here", g->path);
}

int cgroup_freeze(struct cgroup *g)
{
	struct freezer f;

	int r = freezer_find(g, &f);
	if (r == 0)
		r = freeze_until(&f, FREEZE_MS);
	if (r == 0)
		return 0;
	if (r == -EOPNOTSUPP || r == -ENOENT)
		return freezer_missing(g, -EOPNOTSUPP);
	file_write_at(f.fd, f.file, f.thaw);
	return err_new(r, "freeze cgroup %s", g->path);
}

int cgroup_thaw(struct cgroup *g)
{
	struct freezer f;

	int r = freezer_find(g, &f);
	if (r == 0)
		r = file_write_at(f.fd, f.file, f.thaw);
	if (r == -EOPNOTSUPP || r == -ENOENT)
		return freezer_missing(g, -EOPNOTSUPP);
	return r < 0 ? err_new(r, "thaw cgroup %s", g->path) : 0;
}

/* Thaws if there is something to thaw; a group that does not exist counts as thawed. */
static void thaw_quietly(const struct cgroup *g)
{
	struct freezer f;

	if (freezer_find(g, &f) == 0 && file_write_at(f.fd, f.file, f.thaw) < 0)
		log_debug("cgroup %s could not be thawed", g->path);
}

/* Reads cgroup.events and, while a process is in the group, waits for the file to change. The
 * kernel reports a change since the last reading of the same open file as POLLPRI. 1: look
 * again. */
static int wait_change(int tree, uint64_t timeout_ms)
{
	char text[256];
	auto_close int events = sys_open_at(tree, "cgroup.events", O_RDONLY, 0);

	ssize_t len = events < 0 ? events : fd_read_full(events, text, sizeof(text) - 1);
	if (len < 0)
		return (int)len;
	text[len] = '\0';
	if (str_prefix(text, "populated 0") || strstr(text, "\npopulated 0"))
		return 0;
	struct pollfd change = {.fd = events, .events = POLLPRI};
	int r = sys_poll(&change, 1, (int)timeout_ms);
	return r < 0 && r != -EINTR ? r : 1;
}

static int wait_empty(int tree, uint64_t timeout_ms)
{
	uint64_t end_ms = clock_boot_ms() + timeout_ms;

	for (uint64_t now_ms = 0; now_ms < end_ms; now_ms = clock_boot_ms()) {
		int r = wait_change(tree, now_ms ? end_ms - now_ms : timeout_ms);
		if (r <= 0)
			return r;
	}
	return -ETIMEDOUT;
}

static int kill_error(const struct cgroup *g, int r)
{
	if (r == -ETIMEDOUT)
		return err_say(r, "processes of cgroup %s were killed but did not end within %d s",
			g->path, KILL_MS / 1000);
	return err_new(r, "kill the processes of cgroup %s", g->path);
}

static void close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fd_close(fds[i]);
}

/* A pid may belong to another process by the time it is opened. Only processes that are still in
 * the group afterwards are killed. */
static int kill_pidfds(const struct cgroup *g, const pid_t *pids, size_t count)
{
	auto_free int *fds = mem_new(count * sizeof(*fds));
	auto_free pid_t *still = NULL;
	size_t still_count = 0;

	for (size_t i = 0; i < count; i++)
		fds[i] = pids[i] ? sys_pidfd_open(pids[i], 0) : -ESRCH;
	int r = cgroup_pids(g, &still, &still_count);
	for (size_t i = 0; r == 0 && i < count; i++) {
		bool is_still = still_count &&
			bsearch(&pids[i], still, still_count, sizeof(*still), cgroup_compare_pids);
		if (fds[i] >= 0 && is_still)
			sys_pidfd_send_signal(fds[i], SIGKILL);
	}
	close_all(fds, count);
	return r;
}

/* One round: 1 if there was a process. At most KILL_BATCH fds are open at once. */
static int kill_round(struct cgroup *g)
{
	enum { KILL_BATCH = 256 };
	auto_free pid_t *pids = NULL;
	size_t count = 0;
	struct freezer f;

	int r = cgroup_pids(g, &pids, &count);
	if (r < 0 || count == 0) {
		thaw_quietly(g);
		return r;
	}
	/* A frozen process cannot fork. Without a freezer more rounds are needed. */
	if (freezer_find(g, &f) == 0 && freeze_until(&f, SLEEP_MAX_MS) < 0)
		log_debug("cgroup %s is killed without being frozen", g->path);
	for (size_t at = 0; r == 0 && at < count; at += KILL_BATCH)
		r = kill_pidfds(g, pids + at, count - at < KILL_BATCH ? count - at : KILL_BATCH);
	thaw_quietly(g);
	return r < 0 ? r : 1;
}

/* For kernels before 5.14 and hosts without the v2 tree. */
static int kill_by_pids(struct cgroup *g)
{
	uint64_t end_ms = clock_boot_ms() + KILL_MS;

	for (uint64_t sleep_ms = 1;; sleep_ms = longer(sleep_ms)) {
		int r = kill_round(g);
		if (r <= 0)
			return r;
		if (clock_boot_ms() >= end_ms)
			return kill_error(g, -ETIMEDOUT);
		clock_sleep_ms(sleep_ms);
	}
}

/* Kills repeatedly: a process that was being started at the first kill may enter the group after
 * it. */
static int kill_tree(struct cgroup *g, int tree)
{
	uint64_t end_ms = clock_boot_ms() + KILL_MS;

	for (;;) {
		int r = file_write_at(tree, "cgroup.kill", "1");
		if (r == -ENOENT || r == -EOPNOTSUPP)
			return r;
		thaw_quietly(g);
		if (r == 0)
			r = wait_empty(tree, KILL_AGAIN_MS);
		if (r != -ETIMEDOUT || clock_boot_ms() >= end_ms)
			return r;
	}
}

int cgroup_kill_all(struct cgroup *g)
{
	int tree = cgroup_dir_find(g, NULL);
	int r = tree < 0 ? -ENOENT : kill_tree(g, tree);

	/* EOPNOTSUPP: a threaded group. */
	if (r == -ENOENT || r == -EOPNOTSUPP)
		return kill_by_pids(g);
	return r == 0 || r == -ENODEV ? 0 : kill_error(g, r);
}
