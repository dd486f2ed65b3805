/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making namespaces for a command.
 *
 * The caller unshares. A process that must stay outside of the new namespaces has to exist before.
 * This process is the keeper, a child that writes the id maps and binds namespaces to files from
 * the caller's old namespaces. It removes the files again when the command could not be started.
 *
 *   host:   fork keeper, unshare, time offsets, [fork init] -> keeper: map, bind -> prepare, exec
 *   keeper: waits, maps ids, binds, answers, waits: done or (end of file) undone
 *
 * Offsets of a time namespace can be set only while no process is in it: before the second fork.
 */
#include "ns/internal.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <unistd.h>

enum { EXIT_HUSK = 125 };

struct keeper {
	int pidfd, fd;
};

static void keeper_release(struct keeper *k)
{
	fd_close(k->fd);
	/* When its socket closes, the keeper undoes its work (unless told "done") and ends. */
	if (k->pidfd >= 0)
		process_wait(k->pidfd);
	fd_close(k->pidfd);
	k->fd = k->pidfd = -EBADF;
}
AUTO_STRUCT(keeper, struct keeper, keeper_release)

struct bound {
	bool is_bound[NS_COUNT], is_made[NS_COUNT];
};

static void unbind(const struct ns_run_request *request, const struct bound *b)
{
	for (int kind = 0; kind < NS_COUNT; kind++) {
		if (b->is_bound[kind])
			sys_umount(request->files[kind], MNT_DETACH);
		if (b->is_made[kind])
			sys_unlink_at(AT_FDCWD, request->files[kind], 0);
	}
}

static bool is_persistent(const struct ns_run_request *request, int kind)
{
	return request->files[kind] && request->files[kind][0] != '\0';
}

static int bind_all(const struct ns_run_request *request, pid_t pid, struct bound *b)
{
	for (int kind = 0; kind < NS_COUNT; kind++) {
		if (!is_persistent(request, kind))
			continue;
		bool is_made = sys_access_at(AT_FDCWD, request->files[kind], F_OK, 0) == -ENOENT;
		int r = ns_persist(pid, (enum ns_kind)kind, request->files[kind]);
		if (r < 0)
			return r;
		b->is_bound[kind] = true;
		b->is_made[kind] = is_made;
	}
	return 0;
}

static _Noreturn void keeper_main(const struct ns_run_request *request, pid_t pid, int fd)
{
	char word;
	struct bound bound = {0};
	if (socket_receive(fd, &word, 1, NULL, NULL) != 1)
		_exit(0);
	int r = ns_idmap_write(pid, request->uids.items, request->uids.count, request->gids.items,
		request->gids.count);
	if (r == 0)
		r = bind_all(request, pid, &bound);
	struct err_packet answer = {0};
	if (r < 0)
		err_pack(&answer);
	bool is_done = socket_send(fd, &answer, sizeof(answer), NULL, 0) >= 0 && r == 0 &&
		socket_receive(fd, &word, 1, NULL, NULL) == 1;
	if (!is_done)
		unbind(request, &bound);
	_exit(0);
}

static bool wants_keeper(const struct ns_run_request *request)
{
	bool wants = request->uids.count || request->gids.count;
	for (int kind = 0; kind < NS_COUNT; kind++)
		wants |= is_persistent(request, kind);
	return wants;
}

static int keeper_fork(struct keeper *k, const struct ns_run_request *request)
{
	int pair[2];
	if (!wants_keeper(request))
		return 0;
	int r = socket_pair(pair);
	if (r < 0)
		return err_new(r, "make a socket pair");
	auto_close int host_end = pair[0], keeper_end = pair[1];
	pid_t pid = getpid();
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uintptr_t)&k->pidfd,
		.exit_signal = SIGCHLD,
	};
	r = sys_clone3(&args);
	if (r < 0)
		return err_new(r, "fork");
	if (r == 0) {
		fd_close(take_fd(&host_end));
		setpgid(0, 0); /* ^C must not end the keeper before it has cleaned up */
		keeper_main(request, pid, keeper_end);
	}
	k->fd = take_fd(&host_end);
	return 0;
}

/* Lets the keeper map and bind, and waits for its answer. */
static int keeper_work(const struct keeper *k)
{
	struct err_packet answer;
	if (k->fd < 0)
		return 0;
	int r = socket_send(k->fd, "", 1, NULL, 0);
	ssize_t count = r < 0 ? r : socket_receive(k->fd, &answer, sizeof(answer), NULL, NULL);
	if (count < 0)
		return err_new((int)count, "hear from the process that writes id maps");
	if (count != sizeof(answer))
		return err_say(-EPROTO, "the process that writes id maps has died");
	return answer.code < 0 ? err_unpack(&answer) : 0;
}

static void keeper_done(struct keeper *k)
{
	if (k->fd >= 0)
		socket_send(k->fd, "", 1, NULL, 0);
	keeper_release(k);
}

static uint32_t clone_flags(const struct ns_run_request *request)
{
	uint32_t flags = 0;
	for (int kind = 0; kind < NS_COUNT; kind++)
		flags |= request->files[kind] ? ns_info[kind].clone_flag : 0;
	return flags;
}

static int propagation_find(const char *word, unsigned long *out)
{
	static const struct {
		const char *word;
		unsigned long flags;
	} rows[] = {{"private", MS_REC | MS_PRIVATE}, {"slave", MS_REC | MS_SLAVE},
		{"shared", MS_REC | MS_SHARED}, {"unchanged", 0}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (str_eq(word ? word : "private", rows[i].word)) {
			*out = rows[i].flags;
			return 0;
		}
	}
	return err_say(
		-EINVAL, "--propagation: \"%s\" is not private, slave, shared or unchanged", word);
}

/* Refuses a wrong request before anything is made. */
static int check_request(const struct ns_run_request *request)
{
	unsigned long propagation;
	int r = propagation_find(request->propagation, &propagation);
	if (r == 0 && request->uids.count)
		r = ns_idmap_check(request->uids.items, request->uids.count, "uid");
	if (r == 0 && request->gids.count)
		r = ns_idmap_check(request->gids.items, request->gids.count, "gid");
	if (r < 0)
		return r;
	if ((request->has_monotonic || request->has_boottime) && !request->files[NS_TIME])
		return err_say(-EINVAL,
			"--monotonic and --boottime need a new time namespace: add --time");
	if (request->setgroups != NS_SETGROUPS_KEEP && !request->files[NS_USER])
		return err_say(-EINVAL, "--setgroups needs a new user namespace: add --user");
	if (is_persistent(request, NS_PID) && !request->forks)
		return err_say(-EINVAL,
			"a pid namespace can be kept only with a first process in it: add --fork");
	return 0;
}

static int write_time_offset(const char *clock, int64_t seconds)
{
	char line[64];
	fmt(line, "%s %" PRId64 " 0", clock, seconds);
	int r = file_write_at(AT_FDCWD, "/proc/self/timens_offsets", line);
	if (r == -ERANGE)
		return err_say(r, "--%s %" PRId64 ": a clock cannot be below 0 or above 146 years",
			clock, seconds);
	return r < 0 ? err_new(r, "set the offset of the %s clock", clock) : 0;
}

static int write_time_offsets(const struct ns_run_request *request)
{
	int r = request->has_monotonic ? write_time_offset("monotonic", request->monotonic_s) : 0;
	if (r == 0 && request->has_boottime)
		r = write_time_offset("boottime", request->boottime_s);
	return r;
}

/* unshare(2) puts only the caller's children into the new time namespace, and [6.3] the program
 * that the caller executes. So the caller joins it by setns(2). */
static int enter_time(uint32_t flags)
{
	if (!(flags & CLONE_NEWTIME))
		return 0;
	auto_close int ns = sys_open_at(AT_FDCWD, "/proc/self/ns/time_for_children", O_RDONLY, 0);
	int r = ns < 0 ? ns : sys_setns(ns, CLONE_NEWTIME);
	return r < 0 ? err_new(r, "enter the time namespace") : 0;
}

/* Written before the maps: a written map fixes this setting for good. */
static int write_setgroups(const struct ns_run_request *request)
{
	static const char *const words[] = {
		[NS_SETGROUPS_ALLOW] = "allow", [NS_SETGROUPS_DENY] = "deny"};
	if (request->setgroups == NS_SETGROUPS_KEEP)
		return 0;
	int r = file_write_at(AT_FDCWD, "/proc/self/setgroups", words[request->setgroups]);
	if (r == -EPERM)
		return err_say(r,
			"--setgroups %s: it is denied for good in the caller's user namespace",
			words[request->setgroups]);
	return r < 0 ? err_new(r, "--setgroups %s", words[request->setgroups]) : 0;
}

static int set_propagation(const struct ns_run_request *request, unsigned long propagation)
{
	if (!request->files[NS_MNT] || propagation == 0)
		return 0;
	int r = sys_mount(NULL, "/", NULL, propagation, NULL);
	return r < 0 ? err_new(r, "set the propagation of mounts") : 0;
}

static int enter_root(const struct ns_command *c)
{
	int r = c->root ? sys_chroot(c->root) : 0;
	if (r < 0)
		return err_new(r, "change the root to %s", c->root);
	r = c->root ? sys_chdir("/") : 0;
	if (r == 0 && c->cwd)
		r = sys_chdir(c->cwd);
	return r < 0 ? err_new(r, "change the working directory to %s", c->cwd ? c->cwd : "/") : 0;
}

static int say_no_proc(int code, const char *path)
{
	if (code == -EPERM)
		return err_say(code,
			"mount proc on %s: the kernel refuses it: it needs a new pid namespace "
			"(--pid), and a /proc "
			"that is not partly covered, as in a container",
			path);
	return err_new(code, "mount proc on %s", path);
}

static int mount_proc(const struct ns_run_request *request, unsigned long propagation)
{
	const char *path = request->proc_path;
	if (!path)
		return 0;
	/* With any other propagation than private the new proc would appear on the host, too. */
	struct mount_attr private = {.propagation = MS_PRIVATE};
	if (propagation != (MS_REC | MS_PRIVATE) || request->command.root) {
		int r = sys_mount_setattr(AT_FDCWD, path, AT_RECURSIVE, &private);
		if (r < 0)
			return r == -EINVAL ? err_say(r,
						      "mount proc on %s: with --propagation or "
						      "--root it must be a mount point",
						      path)
					    : err_new(r, "make %s private", path);
	}
	auto_close int fs = sys_fsopen("proc", 0);
	if (fs < 0)
		return say_no_proc(fs, path);
	int r = sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (r < 0)
		return say_no_proc(r, path);
	auto_close int tree = sys_fsmount(
		fs, 0, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (tree < 0)
		return say_no_proc(tree, path);
	r = sys_move_mount(
		tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS);
	return r < 0 ? say_no_proc(r, path) : 0;
}

/* Runs in the process that becomes the command, in its namespaces and with its ids mapped. */
static int prepare(const struct ns_run_request *request)
{
	unsigned long propagation = 0;
	int r = propagation_find(request->propagation, &propagation);
	if (r == 0)
		r = set_propagation(request, propagation);
	if (r == 0)
		r = enter_root(&request->command);
	if (r == 0)
		r = mount_proc(request, propagation);
	return r < 0 ? r : ns_command_credentials(&request->command);
}

static _Noreturn void child_main(const struct ns_run_request *request, const struct ns_child *child)
{
	int code = EXIT_HUSK;
	int r = ns_child_await(child);
	if (r == 0)
		r = prepare(request);
	if (r == 0)
		ns_command_exec(&request->command, child, environ, &code);
	ns_child_fail(child, code);
}

static int run_forked(const struct ns_run_request *request, struct keeper *keeper, int *out_code)
{
	struct ns_child child = {.pidfd = -EBADF, .fd = -EBADF};
	int r = ns_child_fork(&child);
	if (r < 0)
		return r;
	if (r == 0) {
		fd_close(take_fd(&keeper->fd));
		child_main(request, &child);
	}
	auto_close int fd = child.fd;
	auto_kill int pidfd = child.pidfd;
	r = keeper_work(keeper);
	if (r == 0)
		r = ns_child_release(&child, out_code);
	if (r < 0)
		return r;
	keeper_done(keeper);
	child.pidfd = take_fd(&pidfd);
	return ns_child_wait(&child, &request->command, out_code);
}

static int run_here(const struct ns_run_request *request, struct keeper *keeper, int *out_code)
{
	auto_buf struct buf path = BUF_INIT;
	int r = keeper_work(keeper);
	if (r == 0)
		r = prepare(request);
	/* The keeper must end before the exec: the executed program would not reap it. */
	if (r == 0)
		r = ns_command_find(&request->command, environ, &path, out_code);
	if (r < 0)
		return r;
	keeper_done(keeper);
	return ns_command_exec(&request->command, NULL, environ, out_code);
}

int ns_run(const struct ns_run_request *request, int *out_code)
{
	auto_of(keeper) struct keeper keeper = {.pidfd = -EBADF, .fd = -EBADF};
	*out_code = EXIT_HUSK;
	int r = check_request(request);
	if (r == 0)
		r = keeper_fork(&keeper, request);
	if (r < 0)
		return r;
	uint32_t flags = clone_flags(request);
	r = sys_unshare((int)flags);
	if (r < 0)
		return ns_explain_unshare(r, flags);
	r = write_setgroups(request);
	if (r == 0)
		r = write_time_offsets(request);
	if (r == 0)
		r = enter_time(flags);
	if (r < 0)
		return r;
	return request->forks ? run_forked(request, &keeper, out_code)
			      : run_here(request, &keeper, out_code);
}
