/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conversation with criu. The child may only place fds and execute criu. criu gets /dev/null as
 * 0, 1 and 2 (with --shell-job: the caller's), the socket as 3, and from 4 on the fds that it may
 * put into the restored processes.
 */
#include "runtime/criu.h"
#include "base/err.h"
#include "base/str.h"
#include "runtime/criu_wire.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/signal.h"
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum { SOCKET_FD = 3, IMAGES_FD, WORK_FD, FIRST_FD, SAFE_FD = FIRST_FD + CRIU_FDS_MAX };
enum { MESSAGE_MAX = 65536, LOG_BYTES_MAX = 64 << 20, LOG_LEVEL = 4, STEP_NAME_MAX = 64 };

/* Fields of criu_req, criu_resp and the messages in them, and the options that only this file
 * sets. */
enum {
	REQUEST_TYPE = 1,
	REQUEST_OPTIONS = 2,
	REQUEST_STEP_DONE = 3,
	ANSWER_TYPE = 1,
	ANSWER_SUCCESS = 2,
	ANSWER_RESTORE = 4,
	ANSWER_STEP = 5,
	RESTORE_PID = 1,
	STEP_NAME = 1,
	STEP_PID = 2,
	TYPE_STEP = 6,
	OPTION_IMAGES_FD = 1,
	OPTION_EXT_UNIX_SK = 4,
	OPTION_TCP_ESTABLISHED = 5,
	OPTION_SHELL_JOB = 7,
	OPTION_FILE_LOCKS = 8,
	OPTION_LOG_LEVEL = 9,
	OPTION_LOG_FILE = 10,
	OPTION_NOTIFY = 12,
	OPTION_AUTO_DEDUP = 16,
	OPTION_WORK_FD = 17,
	OPTION_LINK_REMAP = 18,
	OPTION_MANAGE_CGROUPS = 24,
	OPTION_INHERIT_FD = 27,
	OPTION_CGROUPS_MODE = 34,
	OPTION_EMPTY_NS = 38,
	OPTION_TCP_SKIP = 46,
	OPTION_TCP_CLOSE = 52,
	OPTION_LSM_PROFILE = 53,
	OPTION_LSM_MOUNT = 63,
};

void criu_release(struct criu *c)
{
	fd_replace(&c->images_fd, -EBADF);
	fd_replace(&c->work_fd, -EBADF);
	buf_release(&c->options);
}

static int directory_open(const char *path, bool is_made)
{
	int r = is_made ? file_make_dirs_at(AT_FDCWD, path, 0700) : 0;
	int fd = r < 0 ? r : sys_open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
	return fd < 0 ? err_new(fd, "open directory %s", path) : fd;
}

static int cgroups_mode(const char *word)
{
	static const struct {
		const char *word;
		int mode;
	} modes[] = {
		{"ignore", 0}, {"none", 1}, {"props", 2}, {"soft", 3}, {"full", 4}, {"strict", 5}};
	if (!word)
		return 3;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (str_eq(modes[i].word, word))
			return modes[i].mode;
	return err_say(-EINVAL,
		"--manage-cgroups-mode: \"%s\" is not one of ignore, none, props, soft, full and "
		"strict",
		word);
}

static int told_put(struct criu *c)
{
	const struct runtime_criu *told = c->told;
	const struct {
		bool is_on;
		uint32_t option;
	} flags[] = {
		{told->tcp_established, OPTION_TCP_ESTABLISHED},
		{told->tcp_close, OPTION_TCP_CLOSE},
		{told->tcp_skip_in_flight, OPTION_TCP_SKIP},
		{told->ext_unix_sk, OPTION_EXT_UNIX_SK},
		{told->shell_job, OPTION_SHELL_JOB},
		{told->file_locks, OPTION_FILE_LOCKS},
		{told->link_remap, OPTION_LINK_REMAP},
		{told->auto_dedup, OPTION_AUTO_DEDUP},
		{told->leaves_running, CRIU_LEAVE_RUNNING},
		{true, OPTION_NOTIFY},
		{true, OPTION_MANAGE_CGROUPS},
		{!told->shell_job, CRIU_ORPHAN_PTS_MASTER},
		{told->is_pre_dump || told->parent_path, CRIU_TRACK_MEMORY},
	};
	int mode = cgroups_mode(told->cgroups_mode);
	if (mode < 0)
		return mode;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].is_on)
			wire_put_number(&c->options, flags[i].option, 1);
	wire_put_number(&c->options, OPTION_CGROUPS_MODE, (uint64_t)mode);
	if (told->has_empty_network)
		wire_put_number(&c->options, OPTION_EMPTY_NS, CLONE_NEWNET);
	if (told->lsm_profile)
		wire_put_text(&c->options, OPTION_LSM_PROFILE, told->lsm_profile);
	if (told->lsm_mount_context)
		wire_put_text(&c->options, OPTION_LSM_MOUNT, told->lsm_mount_context);
	if (told->parent_path)
		wire_put_text(&c->options, CRIU_PARENT_IMAGES, told->parent_path);
	return 0;
}

int criu_prepare(struct criu *c, const struct runtime_criu *told, enum criu_type type)
{
	c->told = told;
	c->type = type;
	c->log_name = type == CRIU_RESTORE ? "restore.log" : "dump.log";
	c->images_fd = directory_open(told->image_path, type != CRIU_RESTORE);
	if (c->images_fd < 0)
		return c->images_fd;
	c->work_fd = directory_open(told->work_path ? told->work_path : told->image_path, true);
	if (c->work_fd < 0)
		return c->work_fd;
	wire_put_number(&c->options, OPTION_IMAGES_FD, IMAGES_FD);
	wire_put_number(&c->options, OPTION_WORK_FD, WORK_FD);
	wire_put_number(&c->options, OPTION_LOG_LEVEL, LOG_LEVEL);
	wire_put_text(&c->options, OPTION_LOG_FILE, c->log_name);
	return told_put(c);
}

void criu_put_pair(struct criu *c, enum criu_option option, const char *first, const char *second)
{
	auto_buf struct buf pair = BUF_INIT;
	if (first)
		wire_put_text(&pair, 1, first);
	wire_put_text(&pair, 2, second);
	wire_put_bytes(&c->options, option, pair.data, pair.len);
}

/* criu takes the root as it finds it: the root must be a mount of its own and must have its final
 * flags. This copy of the host's mounts disappears when criu ends. */
static int root_prepare(const struct criu *c)
{
	struct mount_attr private = {.propagation = MS_PRIVATE};
	struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
	int r = sys_unshare(CLONE_NEWNS);
	if (r == 0)
		r = sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &private);
	if (r < 0)
		return r;
	auto_close int tree = sys_open_tree(
		AT_FDCWD, c->rootfs, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	r = tree < 0 ? tree : 0;
	if (r == 0 && c->is_readonly)
		r = sys_mount_setattr(tree, "", AT_EMPTY_PATH, &readonly);
	if (r == 0)
		r = sys_move_mount(tree, "", AT_FDCWD, c->rootfs, MOVE_MOUNT_F_EMPTY_PATH);
	return r;
}

/* Places criu's fds 0, 1, 2, ... First each fd is duplicated above every number that is used, so
 * that placing one fd never closes another. */
static int fds_place(const struct criu *c, int socket)
{
	const char *images = c->told->image_path;
	const char *work = c->told->work_path ? c->told->work_path : images;
	/* A shell job keeps the caller's terminal. */
	bool is_job = c->told->shell_job;
	int null = is_job ? 0 : sys_open_at(AT_FDCWD, "/dev/null", O_RDWR | O_NOCTTY, 0);
	int sources[SAFE_FD] = {null, is_job ? 1 : null, is_job ? 2 : null, socket,
		sys_open_at(AT_FDCWD, images, O_RDONLY | O_DIRECTORY, 0),
		sys_open_at(AT_FDCWD, work, O_RDONLY | O_DIRECTORY, 0)};
	for (size_t i = 0; i < c->fd_count; i++)
		sources[FIRST_FD + i] = c->fds[i].fd;
	int count = FIRST_FD + (int)c->fd_count, r = 0;
	for (int i = 0; i < count && r >= 0; i++)
		r = sources[i] = sources[i] < 0 ? sources[i]
						: sys_fcntl(sources[i], F_DUPFD_CLOEXEC, SAFE_FD);
	for (int i = 0; i < count && r >= 0; i++)
		r = fd_place(sources[i], i);
	return r < 0 ? r : fd_cloexec_from((unsigned)count);
}

/* criu takes fds from the process that made its socket. So the child, which becomes criu, makes the
 * socket: fds of another mount namespace are of no use to criu. */
static int socket_make(int parent)
{
	int pair[2], r = socket_pair(pair);
	if (r == 0)
		r = socket_send(parent, "", 1, &pair[0], 1);
	return r < 0 ? r : pair[1];
}

static _Noreturn void child_main(const struct criu *c, int parent)
{
	static const char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	static const char *const args[] = {"criu", "swrk", "3", NULL};
	int r = c->group ? cgroup_entry_move_all(c->group) : 0;
	if (r == 0 && c->rootfs)
		r = root_prepare(c);
	int socket = r < 0 ? r : socket_make(parent);
	r = socket < 0 ? socket : fds_place(c, socket);
	if (r == 0)
		r = sys_chdir("/");
	signal_reset(UINT64_MAX);
	if (r == 0)
		sys_execve_at(
			AT_FDCWD, c->told->program, (char *const *)args, (char *const *)env, 0);
	_exit(127);
}

/* If criu has ended (EPIPE), this is no error here: its last message, or its end, tells more. */
static int say(int socket, const struct buf *message)
{
	int r = socket_send(socket, message->data, message->len, NULL, 0);
	return r < 0 && r != -EPIPE ? err_new(r, "speak to criu") : 0;
}

static int request_say(struct criu *c, int socket)
{
	auto_buf struct buf message = BUF_INIT;
	for (size_t i = 0; i < c->fd_count; i++) {
		auto_buf struct buf pair = BUF_INIT;
		wire_put_text(&pair, 1, c->fds[i].key);
		wire_put_number(&pair, 2, FIRST_FD + i);
		wire_put_bytes(&c->options, OPTION_INHERIT_FD, pair.data, pair.len);
	}
	wire_put_number(&message, REQUEST_TYPE, c->type);
	wire_put_bytes(&message, REQUEST_OPTIONS, c->options.data, c->options.len);
	return say(socket, &message);
}

struct answer {
	uint64_t type;
	bool is_success;
	pid_t restored, pid;
	char step[STEP_NAME_MAX];
};

/* Reads the message inside a step, or inside the answer to a restore. */
static int inner_read(struct answer *a, bool is_step, const char *data, size_t len)
{
	struct wire_field f;
	int r;
	while ((r = wire_next(&data, &len, &f)) > 0) {
		if (is_step && f.field == STEP_NAME && f.data)
			fmt_n(a->step, sizeof(a->step), "%.*s",
				(int)(f.len < STEP_NAME_MAX ? f.len : 0), f.data);
		else if (is_step && f.field == STEP_PID)
			a->pid = (pid_t)f.value;
		else if (!is_step && f.field == RESTORE_PID)
			a->restored = (pid_t)f.value;
	}
	return r;
}

static int answer_read(struct answer *a, const char *data, size_t len)
{
	struct wire_field f;
	int r;
	*a = (struct answer){0};
	while ((r = wire_next(&data, &len, &f)) > 0) {
		if (f.field == ANSWER_TYPE)
			a->type = f.value;
		else if (f.field == ANSWER_SUCCESS)
			a->is_success = f.value;
		else if (f.data && (f.field == ANSWER_RESTORE || f.field == ANSWER_STEP))
			r = inner_read(a, f.field == ANSWER_STEP, f.data, f.len);
		if (r < 0)
			return r;
	}
	return r;
}

static bool is_reason(const char *line, size_t len)
{
	static const char *const noise[] = {"ailed with", "FAILED", "finished with error",
		"exited, status", "No such file or directory\n"};
	if (!memmem(line, len, "Error (", 7))
		return false;
	for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++)
		if (memmem(line, len, noise[i], strlen(noise[i])))
			return false;
	return true;
}

/* Reports the last error of the log that is not only a consequence of an earlier one, without its
 * place in criu's sources. */
static int failure(const struct criu *c)
{
	auto_buf struct buf text = BUF_INIT;
	const char *reason = NULL, *verb = c->type == CRIU_RESTORE ? "restore" : "checkpoint";
	const char *at = c->told->work_path ? c->told->work_path : c->told->image_path;
	if (file_read_at(c->work_fd, c->log_name, LOG_BYTES_MAX, &text) == 0) {
		for (const char *line = text.data; *line;) {
			size_t len = strcspn(line, "\n");
			reason = is_reason(line, len) ? line : reason;
			line += len + (line[len] == '\n');
		}
	}
	if (!reason)
		return err_say(-EIO, "criu could not %s, and %s/%s does not say why", verb, at,
			c->log_name);
	const char *words = strstr(reason, "): ");
	words = words ? words + 3 : reason;
	return err_say(-EIO, "criu could not %s: %.*s (see %s/%s)", verb, (int)strcspn(words, "\n"),
		words, at, c->log_name);
}

/* If the step failed, the error trail is that of the step. */
static int step_serve(struct criu *c, int socket, const struct answer *a, int fd)
{
	struct err_packet trail;
	auto_buf struct buf message = BUF_INIT;
	int r = c->step ? c->step(c->context, a->step, a->pid, fd) : 0;
	err_pack(&trail);
	wire_put_number(&message, REQUEST_TYPE, TYPE_STEP);
	wire_put_number(&message, REQUEST_STEP_DONE, r == 0);
	if (r == 0)
		return say(socket, &message);
	socket_send(socket, message.data, message.len, NULL, 0);
	return err_unpack(&trail);
}

/* Returns 1 while the conversation continues. */
static int hear(struct criu *c, int socket, pid_t *out_pid)
{
	auto_free char *data = malloc(MESSAGE_MAX);
	struct answer answer;
	auto_close int fd = -EBADF;
	size_t count = 1;
	if (!data)
		return err_new(-ENOMEM, "hear criu");
	ssize_t len = socket_receive(socket, data, MESSAGE_MAX, &fd, &count);
	/* A peer that ends with unread data resets the socket. The kernel reports the reset first,
	 * and criu's earlier message after it. */
	if (len == -ECONNRESET) {
		count = 1;
		len = socket_receive(socket, data, MESSAGE_MAX, &fd, &count);
	}
	if (len == 0 || len == -ECONNRESET)
		return failure(c);
	if (len < 0)
		return err_new((int)len, "hear criu");
	int r = answer_read(&answer, data, (size_t)len);
	if (r < 0)
		return err_new(r, "understand criu");
	if (answer.type == TYPE_STEP) {
		r = step_serve(c, socket, &answer, fd);
		return r < 0 ? r : 1;
	}
	if (!answer.is_success)
		return failure(c);
	*out_pid = answer.restored;
	return 0;
}

static int conversation(struct criu *c, int child, pid_t *out_pid)
{
	char nothing;
	auto_close int socket = -EBADF;
	size_t count = 1;
	ssize_t len = socket_receive(child, &nothing, 1, &socket, &count);
	if (len <= 0 || socket < 0)
		return err_say(len < 0 ? (int)len : -ECHILD, "criu did not begin");
	int r = request_say(c, socket);
	for (r = r < 0 ? r : 1; r > 0;)
		r = hear(c, socket, out_pid);
	return r;
}

int criu_serve(struct criu *c, pid_t *out_pid)
{
	int pair[2], r = socket_pair(pair);
	if (r < 0)
		return err_new(r, "make a socket for criu");
	auto_close int ours = pair[0], theirs = pair[1];
	int pidfd = -EBADF;
	struct clone_args args = {
		.flags = CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd, .exit_signal = SIGCHLD};
	int pid = sys_clone3(&args);
	if (pid == 0)
		child_main(c, theirs);
	if (pid < 0)
		return err_new(pid, "start criu");
	fd_replace(&theirs, -EBADF);
	*out_pid = 0;
	r = conversation(c, ours, out_pid);
	/* criu ends when its socket is closed. By then it has undone what it had begun. */
	int code = process_wait(pidfd);
	fd_close(pidfd);
	return code == 127 && r < 0 ? err_say(-ENOEXEC, "criu (%s) cannot be run", c->told->program)
				    : r;
}
