/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller's side of the workers, husk-image and husk-fetch.
 *
 * The worker is executed with an argv of verbs and names, an empty environment (husk-fetch: the
 * variables that name proxies) and its fds: the layout to read, the file to write or the request
 * (3), the engine's root or what the worker has instead (4), one end of a packet socket (5), and
 * the board of a pull (6). On the socket the worker has one request, which it may repeat:
 * WORKER_OPAQUE, with the fd of a directory, asks husk to mark that directory opaque for overlayfs.
 * This needs the CAP_SYS_ADMIN that the worker has given up; the answer is an int32_t. WORKER_SAY
 * has a line for the user, which is escaped before it is shown. WORKER_READY says that a fetcher
 * has all documents. The last packet is WORKER_RESULT with the error trail (code 0: success). A
 * worker that ends without a result has failed.
 *
 * husk trusts nothing else that the worker says: the worker has read a hostile archive.
 */
#include "image/internal.h"
#include "image/worker.h"
#include "base/log.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { WORKER_FDS = 4, FDS_ABOVE = 10, SAID_MAX = 10000, TICK_MS = 100 };

/* Runs in the child. */
static int worker_prepare(const int fds[static WORKER_FDS])
{
	auto_close int null_fd = sys_open_at(AT_FDCWD, "/dev/null", O_RDWR, 0);
	int r = null_fd < 0 ? null_fd : 0;
	for (int i = 0; i < 2 && r >= 0; i++)
		r = fd_place(null_fd, i);
	fd_replace(&null_fd, -EBADF);
	for (int i = 0; i < WORKER_FDS && r >= 0; i++)
		if (fds[i] >= 0)
			r = fd_place(fds[i], WORKER_FILE_FD + i);
	if (r >= 0)
		r = fd_cloexec_from(WORKER_FILE_FD + WORKER_FDS - (fds[WORKER_FDS - 1] < 0));
	if (r >= 0)
		r = sys_chdir("/");
	if (r >= 0)
		r = sys_prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	signal_reset(UINT64_MAX);
	return r < 0 ? r : 0;
}

static _Noreturn void worker_execute(
	const char *path, const struct worker_call *call, const int fds[static WORKER_FDS])
{
	static const char *const nothing[] = {NULL};
	const char *const *env = call->env ? call->env : nothing;
	int r = worker_prepare(fds);
	if (r == 0)
		r = sys_execve_at(AT_FDCWD, path, (char *const *)call->argv, (char *const *)env, 0);
	struct worker_packet packet = {.word = WORKER_RESULT};
	err_new(r, "start %s", path);
	err_pack(&packet.trail);
	socket_send(fds[WORKER_SOCKET_FD - WORKER_FILE_FD], &packet, sizeof(packet), NULL, 0);
	_exit(127);
}

/* Returns a pidfd. The fds are higher than the numbers that they get in the child. */
static int worker_start(
	const char *path, const struct worker_call *call, const int fds[static WORKER_FDS])
{
	int pidfd = -EBADF;
	struct clone_args args = {
		.flags = CLONE_PIDFD | CLONE_NEWPID,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	int pid = sys_clone3(&args);
	if (pid == 0)
		worker_execute(path, call, fds);
	return pid < 0 ? err_new(pid, "start the worker for images") : pidfd;
}

/* The worker sees only the layout, read-only, and the store, so it cannot send another
 * directory. */
static int opaque_mark(int dir_fd)
{
	struct stat st;
	int r = sys_stat_fd(dir_fd, &st);
	if (r == 0 && !S_ISDIR(st.st_mode))
		r = -ENOTDIR;
	return r < 0 ? r : sys_set_xattr(dir_fd, "trusted.overlay.opaque", "y", 1);
}

static int ended_early(struct worker *w)
{
	int code = process_wait(w->pidfd);
	w->has_ended = true;
	if (code <= 128)
		return err_say(-EPROTO, "the worker for images ended without a result");
	return err_say(-EPROTO,
		"the worker for images was ended by signal %d: either its memory or an hour of "
		"processor time was not "
		"enough, or it has a fault",
		code - 128);
}

/* Reads one packet of the worker: 1: go on, 0: it is done. */
static int worker_listen(struct worker *w)
{
	struct worker_packet packet;
	int fds[1];
	size_t fd_count = 1;
	ssize_t size = socket_receive(w->socket, &packet, sizeof(packet), fds, &fd_count);
	auto_close int dir = size > 0 && fd_count == 1 ? fds[0] : -EBADF;
	if (size == 0)
		return ended_early(w);
	if (size < 0)
		return err_new((int)size, "listen to the worker for images");
	if (size != sizeof(packet))
		return err_say(-EPROTO, "the worker for images sent %zd bytes", size);
	if (packet.word == WORKER_RESULT)
		return packet.trail.code == 0 ? 0 : err_unpack(&packet.trail);
	if (packet.word == WORKER_READY) {
		w->is_ready = true;
		return 1;
	}
	if (packet.word == WORKER_SAY && w->said && w->said->count < SAID_MAX) {
		err_unpack(&packet.trail);
		strvec_push(w->said, err_text());
		return 1;
	}
	if (packet.word != WORKER_OPAQUE || dir < 0)
		return err_say(-EPROTO, "the worker for images sent what has no meaning");
	int32_t answer = opaque_mark(dir);
	int r = socket_send(w->socket, &answer, sizeof(answer), NULL, 0);
	return r < 0 ? err_new(r, "answer the worker for images") : 1;
}

int worker_serve(struct worker *w)
{
	int r = worker_listen(w);
	if (r != 0)
		return r;
	int code = process_wait(w->pidfd);
	w->has_ended = true;
	return code ? err_say(-EPROTO, "the worker for images ended with code %d", code) : 0;
}

void worker_release(struct worker *w)
{
	process_kill(w->pidfd);
	w->pidfd = -EBADF;
	fd_replace(&w->socket, -EBADF);
}

/* -EBADF: there is no fd to lift. */
static int fd_lift(int fd)
{
	return fd < 0 ? -EBADF : sys_fcntl(fd, F_DUPFD_CLOEXEC, FDS_ABOVE);
}

/* The error of an fd that could not be lifted, or 0. */
static int lost(int fd, int lifted)
{
	return fd >= 0 && lifted < 0 ? lifted : 0;
}

int worker_begin(const struct worker_call *call, struct worker *out)
{
	auto_buf struct buf path = BUF_INIT;
	buf_addf(&path, "%s/%s", call->libexec_path, call->argv[0]);
	int pair[2];
	int r = socket_pair(pair);
	if (r < 0)
		return err_new(r, "make a socket");
	auto_close int ours = pair[0], theirs = pair[1];
	auto_close int file = fd_lift(call->file_fd), root = fd_lift(call->root_fd);
	auto_close int end = fd_lift(theirs), board = fd_lift(call->board_fd);
	const int failures[] = {lost(theirs, end), lost(call->file_fd, file),
		lost(call->root_fd, root), lost(call->board_fd, board)};
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
		if (failures[i] < 0)
			return err_new(failures[i], "hand fds to the worker for images");
	log_debug("the worker %s begins to %s", call->argv[0], call->argv[1]);
	int pidfd = worker_start(path.data, call, (const int[]){file, root, end, board});
	if (pidfd < 0)
		return pidfd;
	*out = (struct worker){.socket = take_fd(&ours), .pidfd = pidfd, .said = call->said};
	return 0;
}

int worker_run(const struct worker_call *call)
{
	auto_of(worker) struct worker w = WORKER_INIT;
	int r = worker_begin(call, &w);
	if (r < 0)
		return r;
	do
		r = worker_serve(&w);
	while (r > 0);
	return r;
}
