/* SPDX-License-Identifier: Apache-2.0 */
/*
 * husk-monitor: holds one detached container. It clones init (so it is init's parent and may wait
 * for it), keeps the output flowing into the log, writes the exit record, and then executes `husk
 * _ended ID`, which cleans up what the engine owns. husk waits until RUNNING is answered, so work
 * that only this process needs (its OOM score) comes later. After RUNNING no process waits for an
 * answer: even a failure of the supervision itself leaves an exit record.
 */
#include "monitor/internal.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/signal.h"
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RETURN_TRIES = 3, RETURN_STEP_MS = 10 };

struct holder {
	struct monitor_begin begin;
	int run_directory_fd, log_directory_fd;
	const void *plan;
	size_t plan_size;
	int oom_fd;
	struct cgroup_entry home;
	struct launch launch;
	struct monitor monitor;
};

static bool is_terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool begin_is_sane(const struct monitor_begin *b, const char *id)
{
	return is_terminated(b->id, sizeof(b->id)) && str_eq(b->id, id) &&
		is_terminated(b->engine_path, sizeof(b->engine_path)) &&
		is_terminated(b->init_path, sizeof(b->init_path)) &&
		is_terminated(b->root_path, sizeof(b->root_path)) &&
		is_terminated(b->state_path, sizeof(b->state_path)) && b->has_oom <= 1 &&
		b->has_home_tree <= 1 && b->home_count <= CGROUP_HIERARCHIES_MAX;
}

static size_t begin_fd_count(const struct monitor_begin *b)
{
	return MONITOR_FD_SLOTS + slots_count(b->slots) + b->has_oom + b->has_home_tree +
		b->home_count;
}

static void fds_take(struct holder *h, const int *fds)
{
	h->run_directory_fd = fds[MONITOR_FD_RUN];
	h->log_directory_fd = fds[MONITOR_FD_LOG];
	size_t next = MONITOR_FD_SLOTS;
	next += slots_unpack(h->begin.slots, fds + next, h->launch.slots);
	h->oom_fd = h->begin.has_oom ? fds[next++] : -EBADF;
	h->home.tree_fd = h->begin.has_home_tree ? fds[next++] : -EBADF;
	for (; h->home.count < h->begin.home_count; h->home.count++)
		h->home.fds[h->home.count] = fds[next++];
}

static int begin_receive(struct holder *h, const char *id, int socket)
{
	int fds[MONITOR_FDS_MAX];
	size_t count = SOCKET_FDS_MAX;
	ssize_t n = socket_receive(socket, &h->begin, sizeof(h->begin), fds, &count);
	if (n < 0)
		return err_new((int)n, "receive the start packet");
	if (n != sizeof(h->begin) || !begin_is_sane(&h->begin, id))
		return err_say(-EPROTO, "a start packet that cannot be");
	int r = socket_receive_rest(socket, fds, count, begin_fd_count(&h->begin));
	if (r < 0)
		return err_new(r, "receive the fds of a start packet");
	fds_take(h, fds);
	h->monitor.is_adopted = h->begin.is_adoption;
	if (h->begin.is_adoption) {
		h->monitor.pidfd = fds[MONITOR_FD_PAYLOAD];
		return 0;
	}
	h->launch.plan_fd = fds[MONITOR_FD_PAYLOAD];
	r = fd_map(h->launch.plan_fd, &h->plan, &h->plan_size);
	return r < 0 ? err_new(r, "map the plan")
		     : plan_open(&h->launch.plan, h->plan, h->plan_size);
}

/* A FIFO that the payload has open for reading and writing. So the payload never gets EPIPE or the
 * end of its input, even if this process ends. O_NONBLOCK is not set, because the payload would
 * have it too. */
static int fifo_make(const struct holder *h, const char *name)
{
	int r = sys_mknod_at(h->run_directory_fd, name, S_IFIFO | 0600, 0);
	if (r < 0 && r != -EEXIST)
		return err_new(r, "make fifo %s", name);
	int fd = sys_open_at(h->run_directory_fd, name, O_RDWR | O_NOFOLLOW | O_NOCTTY, 0);
	return fd < 0 ? err_new(fd, "open fifo %s", name) : fd;
}

static int output_make(const struct holder *h, const char *name, int *out_payload, int *out_own)
{
	*out_payload = fifo_make(h, name);
	if (*out_payload < 0)
		return *out_payload;
	*out_own = sys_open_at(
		h->run_directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
	return *out_own < 0 ? err_new(*out_own, "open fifo %s", name) : 0;
}

static int stdio_make(struct holder *h)
{
	int *payload = h->launch.stdio;
	int r = output_make(h, "out", &payload[1], &h->monitor.output_fds[0]);
	if (r == 0)
		r = output_make(h, "err", &payload[2], &h->monitor.output_fds[1]);
	if (r < 0)
		return r;
	if (h->begin.has_stdin)
		payload[0] = fifo_make(h, "in");
	else
		payload[0] = sys_open_at(AT_FDCWD, "/dev/null", O_RDONLY, 0);
	if (payload[0] < 0 && !h->begin.has_stdin)
		return err_new(payload[0], "open /dev/null");
	return payload[0] < 0 ? payload[0] : 0;
}

/* The payload has its ends of the FIFOs; its output of the meantime is still in them. */
static int stdio_adopt(struct holder *h)
{
	static const char *const names[] = {"out", "err"};
	for (size_t i = 0; i < 2; i++) {
		int fd = sys_open_at(h->run_directory_fd, names[i],
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
		if (fd < 0)
			return err_new(fd, "open fifo %s", names[i]);
		h->monitor.output_fds[i] = fd;
	}
	return 0;
}

static int hold_start(struct holder *h, const char *id, int socket)
{
	int r = begin_receive(h, id, socket);
	if (r == 0)
		r = h->begin.is_adoption ? stdio_adopt(h) : stdio_make(h);
	if (r == 0)
		r = monitor_log_open(h->log_directory_fd, h->begin.log_bytes, h->begin.log_files,
			&h->monitor.log);
	h->launch.init_path = h->begin.init_path;
	return r < 0 || h->begin.is_adoption ? r : launch_start(&h->launch);
}

static void say_running(int socket)
{
	struct monitor_message message = {.type = MONITOR_RUNNING};
	socket_send(socket, &message, sizeof(message), NULL, 0); /* it runs even if husk is gone */
}

/* husk sets up the network while init mounts. The payload begins only when husk sends GO. */
static int hold_go(struct holder *h, int socket)
{
	if (h->begin.is_adoption) {
		say_running(socket);
		return 0;
	}
	struct monitor_message message = {.type = MONITOR_INIT, .pid = h->launch.pid};
	int r = socket_send(socket, &message, sizeof(message), &h->launch.pidfd, 1);
	if (r < 0)
		return err_new(r, "tell husk about init");
	size_t none = 0;
	ssize_t n = socket_receive(socket, &message, sizeof(message), NULL, &none);
	if (n < 0)
		return err_new((int)n, "hear from husk in the monitor");
	if (n != sizeof(message) || message.type != MONITOR_GO)
		return err_say(-ECONNRESET, "husk has gone before the container was started");
	r = launch_release(&h->launch);
	if (r < 0)
		return r;
	say_running(socket);
	h->monitor.pidfd = h->launch.pidfd;
	h->monitor.console_fd = h->launch.console_fd;
	if (h->monitor.console_fd >= 0) /* the terminal is the only output then */
		for (int i = 0; i < 2; i++)
			fd_replace(&h->monitor.output_fds[i], -EBADF);
	return 0;
}

static void hold_failed(struct holder *h, int socket)
{
	struct monitor_message message = {.type = MONITOR_FAILED, .phase = h->launch.phase};
	err_pack(&message.error);
	socket_send(socket, &message, sizeof(message), NULL, 0);
	launch_close(&h->launch);
}

/* Gives back what the running container does not need, and sets this process's OOM score. */
static void settle(struct holder *h)
{
	fd_unmap(take_ptr(&h->plan), h->plan_size);
	fd_replace(&h->launch.plan_fd, -EBADF);
	fd_replace(&h->log_directory_fd, -EBADF);
	for (size_t i = 0; i < SLOT_MAX; i++)
		fd_replace(&h->launch.slots[i], -EBADF);
	int r = file_write_at(AT_FDCWD, "/proc/self/oom_score_adj", "-900");
	if (r < 0)
		log_debug("the monitor's oom_score_adj stays as it is (%d)", r);
}

/* Called before anything is removed: the kernel forgets the number of OOM kills with the cgroup. */
static int exit_write(struct holder *h, int code)
{
	struct monitor_exit record = {.code = code, .finished_ns = clock_real_ns()};
	uint64_t oom_kills = 0;
	if (h->oom_fd >= 0 && cgroup_oom_kills(h->oom_fd, &oom_kills) == 0 && oom_kills > 0)
		record.flags |= MONITOR_EXIT_OOM;
	return monitor_exit_store(h->run_directory_fd, &record);
}

/* The monitor returns to the cgroup that it came from, so that the last container of an instance
 * leaves no cgroups behind. If that cgroup is gone, the monitor's own cgroup stays, for the next
 * monitor. */
static int become_ended(const struct holder *h)
{
	char root[sizeof(h->begin.root_path) + 16], state[sizeof(h->begin.state_path) + 16];
	fmt(root, "HUSK_ROOT=%s", h->begin.root_path);
	fmt(state, "HUSK_STATE=%s", h->begin.state_path);
	char *const args[] = {(char *)"husk", (char *)"_ended", (char *)h->begin.id, NULL};
	char *const env[] = {root, state, (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	int moved = cgroup_entry_move_all(&h->home);
	for (int i = 0; moved < 0 && i < RETURN_TRIES; i++) { /* memory may be short for a moment */
		clock_sleep_ms(RETURN_STEP_MS);
		moved = cgroup_entry_move_all(&h->home);
	}
	if (moved < 0)
		log_debug("the monitor cannot go back: %s", err_text());
	signal_reset(UINT64_MAX);
	int r = sys_execve_at(AT_FDCWD, h->begin.engine_path, args, env, 0);
	return err_new(r, "execute %s", h->begin.engine_path);
}

/* Keeps nothing of the caller: neither its directory, its terminal, its files nor its signals.
 * Signals that ask a program to end are ignored: the monitor ends when its container does. */
static int detach_self(int socket)
{
	static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
	signal_reset(UINT64_MAX);
	/* Also SIGXFSZ: after the shell's `ulimit -f` a write to the log fails with EFBIG. */
	signal_ignore_writes();
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal_ignore(ignored[i]);
	umask(077);
	int r = sys_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (r >= 0)
		r = fd_set_cloexec(socket, true);
	if (r >= 0)
		r = fd_close_from((unsigned)socket + 1);
	if (r < 0)
		return err_new(r, "detach the monitor");
	auto_close int null_fd = sys_open_at(AT_FDCWD, "/dev/null", O_RDWR, 0);
	r = null_fd;
	for (int i = 0; i < 3 && r >= 0; i++)
		r = fd_place(null_fd, i);
	if (r >= 0)
		r = sys_chdir("/");
	return r < 0 ? err_new(r, "detach the monitor") : 0;
}

static void holder_init(struct holder *h)
{
	launch_init(&h->launch);
	h->run_directory_fd = h->log_directory_fd = h->oom_fd = -EBADF;
	h->home = (struct cgroup_entry)CGROUP_ENTRY_INIT;
	h->monitor = (struct monitor){
		.pidfd = -EBADF,
		.console_fd = -EBADF,
		.output_fds = {-EBADF, -EBADF},
		.input_fd = -EBADF,
		.user_in = -EBADF,
		.user_out = -EBADF,
		.user_err = -EBADF,
	};
}

int monitor_main(const char *id, int socket)
{
	auto_free struct holder *h = mem_new(sizeof(*h));
	holder_init(h);
	int r = detach_self(socket);
	if (r == 0)
		r = hold_start(h, id, socket);
	if (r == 0)
		r = hold_go(h, socket);
	if (r < 0) {
		hold_failed(h, socket);
		return r;
	}
	fd_close(socket);
	settle(h);

	int code = -1;
	r = monitor_run(&h->monitor, &code);
	if (r < 0) {
		log_debug("supervision failed: %s", err_text());
		r = process_wait(h->monitor.pidfd);
		code = r < 0 ? -1 : r;
	}
	monitor_log_close(h->monitor.log);
	/* Without a record (a full disk) the code is unknown; all else is given back as usual. */
	if (exit_write(h, code) < 0)
		log_debug("%s", err_text());
	return become_ended(h);
}
