/* SPDX-License-Identifier: Apache-2.0 */
/* The host's side of a detached container: starting its monitor, handing everything over, and letting it go. */
#include "monitor/internal.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

enum { SOCKET_FD = 3, SAFE_FD = 10 };

/* The child: a session of its own, the socket on 3, nothing else. */
static _Noreturn void child_main(
	const char *monitor_path, const struct monitor_begin *begin, int socket)
{
	char name[] = "husk-monitor";
	char *const args[] = {name, (char *)begin->id, NULL};
	char *const env[] = {NULL};
	int r = sys_setsid();
	if (r >= 0)
		r = fd_place(socket, SOCKET_FD);
	if (r >= 0)
		r = sys_execve_at(AT_FDCWD, monitor_path, args, env, 0);
	struct monitor_message message = {.type = MONITOR_FAILED, .phase = LAUNCH_PHASE_SETUP};
	err_new(r, "execute %s", monitor_path);
	err_pack(&message.error);
	socket_send(socket, &message, sizeof(message), NULL, 0);
	_exit(1);
}

static int begin_send(int socket, const struct monitor_begin *begin, const struct launch *l,
	int run_directory_fd, int log_directory_fd)
{
	struct monitor_begin packet = *begin;
	int fds[SLOT_MAX + 3] = {run_directory_fd, log_directory_fd, l->plan_fd};
	size_t count = 3;
	for (size_t i = 0; i < SLOT_MAX; i++) {
		if (l->slots[i] < 0)
			continue;
		packet.slots[i / 64] |= 1ull << (i % 64);
		fds[count++] = l->slots[i];
	}
	int r = socket_send(socket, &packet, sizeof(packet), fds, count);
	return r < 0 ? err_new(r, "hand the container to its monitor") : 0;
}

/* The next answer; a failure becomes the trail. */
static int answer(
	int socket, enum monitor_message_type type, struct monitor_message *out, int *out_fd)
{
	size_t count = 1;
	*out_fd = -EBADF;
	ssize_t n = socket_receive(socket, out, sizeof(*out), out_fd, &count);
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

/* The process and the conversation with it, nothing said yet. */
static int spawn(
	const char *monitor_path, const struct monitor_begin *begin, struct monitor_handle *out)
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
	struct clone_args args = {.exit_signal = SIGCHLD};
	int pid = sys_clone3(&args);
	if (pid == 0)
		child_main(monitor_path, begin, safe_end);
	if (pid < 0)
		return err_new(pid, "start the monitor");
	r = process_identify(pid, &out->process);
	if (r < 0)
		return err_new(r, "look at the monitor");
	out->socket = take_fd(&socket);
	return 0;
}

int monitor_spawn(const char *monitor_path, const struct monitor_begin *begin, struct launch *l,
	int run_directory_fd, int log_directory_fd, struct monitor_handle *out)
{
	int r = spawn(monitor_path, begin, out);
	if (r < 0)
		return r;
	struct monitor_message message;
	int pidfd = -EBADF;
	r = begin_send(out->socket, begin, l, run_directory_fd, log_directory_fd);
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

int monitor_adopt(const char *monitor_path, const struct monitor_begin *begin, int payload_pidfd,
	int run_directory_fd, int log_directory_fd, struct process_id *out_monitor)
{
	struct monitor_handle handle = {.socket = -EBADF};
	int r = spawn(monitor_path, begin, &handle);
	auto_close int socket = handle.socket;
	if (r < 0)
		return r;
	struct monitor_begin packet = *begin;
	packet.is_adoption = true;
	const int fds[] = {run_directory_fd, log_directory_fd, payload_pidfd};
	r = socket_send(socket, &packet, sizeof(packet), fds, 3);
	if (r < 0)
		return err_new(r, "hand the container to a new monitor");
	struct monitor_message message;
	int none;
	r = answer(socket, MONITOR_RUNNING, &message, &none);
	if (r == 0)
		*out_monitor = handle.process;
	return r;
}

int monitor_go(int socket, enum launch_phase *out_phase)
{
	struct monitor_message message = {.type = MONITOR_GO};
	int r = socket_send(socket, &message, sizeof(message), NULL, 0);
	if (r < 0)
		return err_new(r, "let the monitor go");
	int none;
	r = answer(socket, MONITOR_RUNNING, &message, &none);
	if (r < 0 && message.type == MONITOR_FAILED)
		*out_phase = (enum launch_phase)message.phase;
	return r;
}
