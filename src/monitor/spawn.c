/* SPDX-License-Identifier: Apache-2.0 */
/* The host's side of a detached container: starts its monitor, hands all over, and sends GO. */
#include "monitor/internal.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

enum { SOCKET_FD = 3, SAFE_FD = 10, END_MS = 2000 };

void monitor_handle_close(struct monitor_handle *handle)
{
	fd_replace(&handle->socket, -EBADF);
	if (handle->pidfd < 0)
		return;
	/* The monitor sees that the socket is closed, ends its init and then itself. */
	struct pollfd end = {.fd = handle->pidfd, .events = POLLIN};
	sys_poll(&end, 1, END_MS);
	process_kill(take_fd(&handle->pidfd));
}

static void group_enter(const struct cgroup_entry *group)
{
	for (size_t i = 0; i < group->count; i++)
		if (cgroup_entry_move(group->fds[i]) < 0)
			log_debug("the monitor stays in a cgroup of its caller");
}

/* The child: enters its cgroup and its own session, gets the socket as fd 3, and nothing else. */
static _Noreturn void child_main(const struct monitor_parts *parts, int socket)
{
	char name[] = "husk-monitor";
	char *const args[] = {name, (char *)parts->begin->id, NULL};
	char *const env[] = {NULL};
	group_enter(parts->group);
	int r = sys_setsid();
	if (r >= 0)
		r = fd_place(socket, SOCKET_FD);
	if (r >= 0)
		r = sys_execve_at(AT_FDCWD, parts->program, args, env, 0);
	struct monitor_message message = {.type = MONITOR_FAILED, .phase = LAUNCH_PHASE_SETUP};
	err_new(r, "execute %s", parts->program);
	err_pack(&message.error);
	socket_send(socket, &message, sizeof(message), NULL, 0);
	_exit(1);
}

/* Sends the start packet. `l` is NULL for an adoption: the payload is then known only by its
 * pidfd. */
static int begin_send(
	int socket, const struct monitor_parts *parts, const struct launch *l, int payload_fd)
{
	struct monitor_begin packet = *parts->begin;
	int fds[MONITOR_FDS_MAX] = {parts->run_directory_fd, parts->log_directory_fd, payload_fd};
	size_t count = MONITOR_FD_SLOTS;
	if (l)
		count += slots_pack(l->slots, packet.slots, fds + count);
	packet.is_adoption = !l;
	packet.has_oom = parts->oom_fd >= 0;
	if (packet.has_oom)
		fds[count++] = parts->oom_fd;
	packet.has_home_tree = parts->home->tree_fd >= 0;
	if (packet.has_home_tree)
		fds[count++] = parts->home->tree_fd;
	packet.home_count = (uint32_t)parts->home->count;
	for (size_t i = 0; i < parts->home->count; i++)
		fds[count++] = parts->home->fds[i];
	int r = socket_send(socket, &packet, sizeof(packet), fds, count);
	/* A monitor that has ended has sent the reason. */
	return r < 0 && r != -EPIPE ? err_new(r, "hand the container to its monitor") : 0;
}

/* Receives the next answer; the error in a FAILED answer becomes the trail. */
static int answer(
	int socket, enum monitor_message_type type, struct monitor_message *out, int *out_fd)
{
	ssize_t n = -ECONNRESET;
	*out_fd = -EBADF;
	/* A process that closes a socket with unread data in it resets the socket. The reset is
	 * reported first, and messages that were sent before it after that: so after a reset it is
	 * tried once more. */
	for (int i = 0; i < 2 && n == -ECONNRESET; i++) {
		size_t count = 1;
		n = socket_receive(socket, out, sizeof(*out), out_fd, &count);
	}
	if (n == 0)
		return err_say(-ECONNRESET, "the monitor has died");
	if (n < 0)
		return err_new((int)n, "hear from the monitor");
	if ((size_t)n == sizeof(*out) && out->type == type)
		return 0;
	fd_replace(out_fd, -EBADF);
	if ((size_t)n == sizeof(*out) && out->type == MONITOR_FAILED)
		return err_unpack(&out->error);
	return err_say(-EPROTO, "the monitor said something out of turn");
}

/* Starts the process and makes the socket to it; nothing is sent yet. */
static int spawn(const struct monitor_parts *parts, struct monitor_handle *out)
{
	int pair[2];
	int r = socket_pair(pair);
	if (r < 0)
		return err_new(r, "make the monitor's socket");
	auto_close int socket = pair[0];
	auto_close int child_end = pair[1];
	auto_close int safe_end = sys_fcntl(child_end, F_DUPFD_CLOEXEC, SAFE_FD);
	if (safe_end < 0)
		return err_new(safe_end, "place the monitor's socket");
	int tree_fd = parts->group->tree_fd;
	struct clone_args args = {
		.flags = CLONE_PIDFD | (tree_fd >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uintptr_t)&out->pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = tree_fd >= 0 ? (uint64_t)tree_fd : 0,
	};
	int pid = sys_clone3(&args);
	if (pid == 0)
		child_main(parts, safe_end);
	if (pid < 0)
		return err_new(pid, "start the monitor");
	r = process_identify(pid, &out->process);
	if (r < 0 && r != -ESRCH) /* a monitor that has ended sends the reason */
		return err_new(r, "look at the monitor");
	out->socket = take_fd(&socket);
	return 0;
}

int monitor_spawn(const struct monitor_parts *parts, struct launch *l, struct monitor_handle *out)
{
	int r = spawn(parts, out);
	if (r < 0)
		return r;
	struct monitor_message message;
	int pidfd = -EBADF;
	r = begin_send(out->socket, parts, l, l->plan_fd);
	if (r == 0)
		r = answer(out->socket, MONITOR_INIT, &message, &pidfd);
	if (r < 0)
		return r;
	if (pidfd < 0)
		return err_say(-EPROTO, "the monitor sent no pidfd");
	l->pid = message.pid;
	fd_replace(&l->pidfd, pidfd);
	return 0;
}

int monitor_adopt(
	const struct monitor_parts *parts, int payload_pidfd, struct process_id *out_monitor)
{
	auto_of(monitor_handle) struct monitor_handle handle = MONITOR_HANDLE_INIT;
	int r = spawn(parts, &handle);
	if (r == 0)
		r = begin_send(handle.socket, parts, NULL, payload_pidfd);
	if (r < 0)
		return r;
	struct monitor_message message;
	int none;
	r = answer(handle.socket, MONITOR_RUNNING, &message, &none);
	if (r < 0)
		return r;
	*out_monitor = handle.process;
	fd_replace(&handle.pidfd, -EBADF);
	return 0;
}

int monitor_go(struct monitor_handle *handle, enum launch_phase *out_phase)
{
	struct monitor_message message = {.type = MONITOR_GO};
	int r = socket_send(handle->socket, &message, sizeof(message), NULL, 0);
	if (r < 0 && r != -EPIPE) /* a monitor that has ended has sent the reason */
		return err_new(r, "let the monitor go");
	int none;
	r = answer(handle->socket, MONITOR_RUNNING, &message, &none);
	if (r == 0)
		fd_replace(&handle->pidfd, -EBADF);
	else if (message.type == MONITOR_FAILED)
		*out_phase = (enum launch_phase)message.phase;
	return r;
}
