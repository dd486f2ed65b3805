/* SPDX-License-Identifier: Apache-2.0 */
/*
 * husk-monitor: holds one detached container. It clones init (so it is its parent and may wait for it), keeps its
 * output flowing into the log, writes down how it ended, and then becomes `husk _ended ID` for what the engine owns.
 */
#include "monitor/internal.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/signal.h"
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

struct holder {
	struct monitor_begin begin;
	int run_directory_fd, log_directory_fd;
	struct cgroup_host cgroup_host;
	struct launch launch;
	struct monitor monitor;
};

static bool is_terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static int begin_receive(struct holder *h, int socket)
{
	int fds[SOCKET_FDS_MAX];
	size_t count = SOCKET_FDS_MAX;
	ssize_t n = socket_receive(socket, &h->begin, sizeof(h->begin), fds, &count);
	const struct monitor_begin *b = &h->begin;
	if (n != sizeof(*b) || count < 3 || !is_terminated(b->id, sizeof(b->id)) ||
		!is_terminated(b->cgroup_path, sizeof(b->cgroup_path)) ||
		!is_terminated(b->engine_path, sizeof(b->engine_path)) ||
		!is_terminated(b->init_path, sizeof(b->init_path)) ||
		!is_terminated(b->root_path, sizeof(b->root_path)) ||
		!is_terminated(b->state_path, sizeof(b->state_path)))
		return err_say(-EPROTO, "a start packet that cannot be");
	h->run_directory_fd = fds[0];
	h->log_directory_fd = fds[1];

	const void *data;
	size_t size, next = 3;
	int r = fd_map(fds[2], &data, &size);
	if (r < 0)
		return err_new(r, "map the plan");
	h->launch.plan_fd = fds[2];
	for (size_t i = 0; i < SLOT_MAX && next < count; i++)
		if (b->slots[i / 64] >> (i % 64) & 1)
			h->launch.slots[i] = fds[next++];
	return plan_open(&h->launch.plan, data, size);
}

/* A FIFO that the payload has open for reading too, so it never sees EPIPE, whatever becomes of this process. */
static int fifo_open(const struct holder *h, const char *name, int *out_payload_end, int *out_own_end, int own_flags)
{
	int r = sys_mknod_at(h->run_directory_fd, name, S_IFIFO | 0600, 0);
	if (r < 0 && r != -EEXIST)
		return err_new(r, "make fifo %s", name);
	*out_payload_end = sys_open_at(h->run_directory_fd, name, O_RDWR | O_NOFOLLOW, 0);
	if (*out_payload_end < 0)
		return err_new(*out_payload_end, "open fifo %s", name);
	*out_own_end = sys_open_at(h->run_directory_fd, name, own_flags | O_NOFOLLOW | O_NONBLOCK, 0);
	return *out_own_end < 0 ? err_new(*out_own_end, "open fifo %s", name) : 0;
}

static int stdio_make(struct holder *h)
{
	int own_end = -EBADF;
	int r = fifo_open(h, "out", &h->launch.stdio[1], &h->monitor.output_fds[0], O_RDONLY);
	if (r == 0)
		r = fifo_open(h, "err", &h->launch.stdio[2], &h->monitor.output_fds[1], O_RDONLY);
	if (r == 0 && h->begin.has_stdin)
		r = fifo_open(h, "in", &h->launch.stdio[0], &own_end, O_WRONLY);
	fd_replace(&own_end, -EBADF);
	if (r < 0 || h->begin.has_stdin)
		return r;
	h->launch.stdio[0] = sys_open_at(AT_FDCWD, "/dev/null", O_RDONLY, 0);
	return h->launch.stdio[0] < 0 ? err_new(h->launch.stdio[0], "open /dev/null") : 0;
}

static int hold_start(struct holder *h, int socket)
{
	int r = begin_receive(h, socket);
	if (r == 0)
		r = cgroup_host_load(&h->cgroup_host);
	if (r == 0)
		r = cgroup_open(&h->cgroup_host, h->begin.cgroup_path, &h->launch.cgroup);
	if (r == 0)
		r = stdio_make(h);
	if (r == 0)
		r = monitor_log_open(h->log_directory_fd, h->begin.log_bytes, h->begin.log_files, &h->monitor.log);
	h->launch.cgroup_host = &h->cgroup_host;
	h->launch.init_path = h->begin.init_path;
	return r < 0 ? r : launch_start(&h->launch);
}

/* husk sets the network up while init mounts; its word lets the payload begin. */
static int hold_go(struct holder *h, int socket)
{
	struct monitor_message message = {.type = MONITOR_INIT, .pid = h->launch.pid};
	int r = socket_send(socket, &message, sizeof(message), &h->launch.pidfd, 1);
	if (r < 0)
		return err_new(r, "tell husk about init");
	size_t none = 0;
	ssize_t n = socket_receive(socket, &message, sizeof(message), NULL, &none);
	if (n != sizeof(message) || message.type != MONITOR_GO)
		return err_say(-ECONNRESET, "husk has gone before the container was started");
	r = launch_release(&h->launch);
	if (r < 0)
		return r;
	h->monitor.pidfd = h->launch.pidfd;
	h->monitor.console_fd = h->launch.console_fd;
	message = (struct monitor_message){.type = MONITOR_RUNNING};
	socket_send(socket, &message, sizeof(message), NULL, 0);
	return 0;
}

static int exit_write(struct holder *h, int code)
{
	struct cgroup_stats stats = {0};
	struct monitor_exit record = {.code = code, .finished_ns = clock_real_ns()};
	if (cgroup_stats_load(h->launch.cgroup, &stats) == 0 && stats.oom_kills > 0)
		record.flags |= MONITOR_EXIT_OOM;
	return monitor_exit_store(h->run_directory_fd, &record);
}

static int become_ended(const struct holder *h)
{
	char root[sizeof(h->begin.root_path) + 16], state[sizeof(h->begin.state_path) + 16];
	fmt(root, "HUSK_ROOT=%s", h->begin.root_path);
	fmt(state, "HUSK_STATE=%s", h->begin.state_path);
	char name[] = "husk", verb[] = "_ended", path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *const args[] = {name, verb, (char *)h->begin.id, NULL};
	char *const env[] = {root, state, path, NULL};
	return sys_execve_at(AT_FDCWD, h->begin.engine_path, args, env, 0);
}

/* Nothing of the caller's stays: not its directory, its terminal, its files. */
static int detach_self(int socket)
{
	int r = sys_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (r == 0)
		r = fd_set_cloexec(socket, true);
	if (r == 0)
		r = fd_close_from((unsigned)socket + 1);
	auto_close int null_fd = sys_open_at(AT_FDCWD, "/dev/null", O_RDWR, 0);
	for (int i = 0; i < 3 && r >= 0; i++)
		r = null_fd < 0 ? null_fd : fd_place(null_fd, i);
	if (r >= 0)
		r = sys_chdir("/");
	umask(077);
	signal_ignore_pipe();
	return r < 0 ? err_new(r, "detach the monitor") : 0;
}

int monitor_main(const char *id, int socket)
{
	static struct holder holder;
	struct holder *h = &holder;
	launch_init(&h->launch);
	h->monitor = (struct monitor){
		.output_fds = {-EBADF, -EBADF}, .input_fd = -EBADF, .user_in = -EBADF, .user_out = -EBADF, .user_err = -EBADF,
		.console_fd = -EBADF, .control_fd = -EBADF};

	int r = detach_self(socket);
	if (r == 0)
		r = hold_start(h, socket);
	if (r == 0 && !str_eq(h->begin.id, id))
		r = err_say(-EPROTO, "the start packet is for container %s", h->begin.id);
	if (r == 0)
		r = hold_go(h, socket);
	if (r < 0) {
		struct monitor_message message = {.type = MONITOR_FAILED, .phase = h->launch.phase};
		err_pack(&message.error);
		socket_send(socket, &message, sizeof(message), NULL, 0);
		launch_close(&h->launch);
		return r;
	}
	fd_close(socket);

	int code = -1;
	r = monitor_run(&h->monitor, &code);
	monitor_log_close(h->monitor.log);
	if (r == 0)
		r = exit_write(h, code);
	return r < 0 ? r : become_ended(h);
}
