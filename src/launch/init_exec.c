/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Init's last steps: from a process in its new root to the confined payload. Only here does a
 * process become confined, for a container's first process and for every exec alike.
 *
 * The filter is loaded last, right before the execve: no call of init needs to be in the profile.
 * Without no_new_privs only a process with CAP_SYS_ADMIN can load a filter, so init keeps that
 * capability in its effective and permitted sets. The execve takes it away: it is not in the
 * bounding, inheritable and ambient sets, from which the kernel computes what a program has.
 *
 * If other code of the container runs between the filter and the execve, or can see init there,
 * init gives the capability up itself, with calls that the profile must allow: with startContainer
 * hooks, with a reaper, and in an exec, which is born in the container's pid namespace only then.
 * So a process that the container can see, and with CAP_SYS_PTRACE take over, can do no more than
 * the container itself (SECURITY.md, rule 5).
 */
#include "launch/init.h"
#include "launch/sync.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/term.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#define CAP_ADMIN (UINT64_C(1) << CAP_SYS_ADMIN)

enum { GROUPS_MAX = 1024, KEPT_ASIDE = 3 + LAUNCH_KEEP_MAX };

int step_rlimit(struct init *init, const void *row)
{
	return sec_rlimit_set(row);
}

/* Opens the files in the host's procfs, in the process that will write to them. An exec does so
 * before it joins the container's mount namespace, a container after its birth in a shared pid
 * namespace. */
int step_label_open(struct init *init, const void *row)
{
	const struct plan_process_row *process = row;
	uint64_t magic;
	auto_close int proc = sys_open_at(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY, 0);
	int r = proc < 0 ? proc : sys_fs_magic(proc, &magic);
	if (r == 0 && magic != PROC_SUPER_MAGIC)
		r = -ENOTSUP;
	if (r < 0)
		return err_new(r, "open /proc of the host");
	for (uint32_t kind = 0; kind < SEC_LABEL_COUNT; kind++) {
		if (!process->labels[kind])
			continue;
		int fd = sec_label_open(proc, kind);
		if (fd < 0)
			return fd;
		init->label_fds[kind] = fd;
	}
	return 0;
}

int step_label(struct init *init, const void *row)
{
	const struct plan_process_row *process = row;
	for (uint32_t kind = 0; kind < SEC_LABEL_COUNT; kind++) {
		auto_close int fd = take_fd(&init->label_fds[kind]);
		if (fd < 0)
			continue;
		int r = sec_label_set(fd, kind, flat_str(&init->plan, process->labels[kind]));
		if (r < 0)
			return r;
	}
	return 0;
}

int step_sched(struct init *init, const void *row)
{
	return sec_sched_set(&init->plan, row);
}

static int session_begin(struct init *init)
{
	int r = sys_setsid();
	if (r < 0)
		return err_new(r, "new session");
	if (init->console_fd < 0)
		return 0;
	r = term_set_controlling(init->console_fd);
	for (int i = 0; i < 3 && r >= 0; i++)
		r = fd_place(init->console_fd, i);
	return r < 0 ? err_new(r, "attach the terminal") : 0;
}

/* Gives the streams to the payload's user, who may open /dev/stdout again. Only pipes, which husk
 * has made for it. They stay the host's if the user namespace does not map the old or the new
 * owner. */
static int stdio_give(uid_t uid)
{
	for (int i = 0; i < 3; i++) {
		struct stat st;
		int r = sys_stat_fd(i, &st);
		if (r == 0 && S_ISFIFO(st.st_mode) && st.st_uid != uid)
			r = sys_chown_at(i, "", uid, (gid_t)-1, AT_EMPTY_PATH);
		if (r < 0 && r != -EPERM && r != -EINVAL)
			return err_new(r, "give the standard streams to uid %u", uid);
	}
	return 0;
}

int step_process(struct init *init, const void *row)
{
	const struct plan_process_row *process = row;
	bool is_run = plan_head(&init->plan)->kind == PLAN_KIND_RUN;
	int r = is_run ? session_begin(init) : 0; /* an exec begins its session after it is born */
	if (r == 0 && !(plan_head(&init->plan)->flags & PLAN_KEEPS_KEYRING))
		r = sec_keyring_new();
	if (r == 0)
		r = stdio_give(process->uid);
	if (r < 0)
		return r;
	r = sys_fchdir(init->cwd_fd);
	if (r < 0)
		return err_new(r, "enter the working directory");
	umask(process->umask);
	return plan_head(&init->plan)->flags & PLAN_NO_NEW_PRIVS ? sec_no_new_privs() : 0;
}

/* Makes these two system calls and no other: the plan's maker has ensured that the filter allows
 * them. The fd is closed here, after an answer, because the filter may notify of close too: while
 * init has it, a dead agent leaves init waiting, and a tracer in the container could take it. */
static int listener_pass_on(struct init *init, int listener)
{
	auto_close int fd = listener;
	struct sync_message message = {.type = SYNC_LISTENER};
	int r = sync_send(init->sync_fd, &message, &fd, 1);
	return r < 0 ? r : sync_expect(init->sync_fd, SYNC_LISTENING, &message, NULL, NULL);
}

int step_seccomp(struct init *init, const void *row)
{
	const struct plan_process_row *process = row;
	int r = sec_seccomp_load(flat_bytes(&init->plan, process->seccomp), process->seccomp.size,
		process->seccomp_flags);
	if (r > 0)
		r = listener_pass_on(init, r);
	bool goes_straight_on = plan_head(&init->plan)->kind == PLAN_KIND_RUN &&
		flat_count(&init->plan, PLAN_HOOK) == 0 &&
		!(plan_head(&init->plan)->flags & PLAN_REAPER);
	if (r < 0 || !init->keeps_admin || goes_straight_on)
		return r;
	init->keeps_admin = false;
	return sec_caps_lower(&process->caps);
}

/* Must it have CAP_SYS_ADMIN, which the payload has not, until its filter is loaded? */
static bool must_keep_admin(const struct init *init)
{
	const struct plan_process_row *process = plan_process(&init->plan);
	return process->seccomp.size && !(plan_head(&init->plan)->flags & PLAN_NO_NEW_PRIVS) &&
		!(process->caps.effective & CAP_ADMIN) && sec_cap_is_effective(CAP_SYS_ADMIN);
}

int step_credentials(struct init *init, const void *row)
{
	const struct plan_process_row *process = row;
	gid_t groups[GROUPS_MAX];
	uint32_t count = flat_count(&init->plan, PLAN_GROUP);
	if (count > GROUPS_MAX)
		return err_say(-E2BIG, "more than %d groups", GROUPS_MAX);
	for (uint32_t i = 0; i < count; i++)
		groups[i] =
			((const struct plan_group_row *)flat_row(&init->plan, PLAN_GROUP, i))->gid;

	struct sec_caps caps = process->caps;
	init->keeps_admin = must_keep_admin(init);
	if (init->keeps_admin) {
		caps.effective |= CAP_ADMIN;
		caps.permitted |= CAP_ADMIN;
	}
	int r = sec_caps_bound(&caps);
	if (r == 0)
		r = plan_user_row(&init->plan)
			? sec_ids_set_mapped(process->uid, process->gid, groups, count)
			: sec_ids_set(process->uid, process->gid, groups, count);
	if (r == 0)
		r = sec_caps_set(&caps, init->status_fd);
	/* it is of the host's /proc: no process inside may see it */
	fd_replace(&init->status_fd, -EBADF);
	if (r < 0)
		return r;
	/* The kernel resets this flag when the ids change. */
	r = sys_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return r < 0 ? err_new(r, "hide from the container") : 0;
}

static const char *env_find(char *const *env, const char *name)
{
	size_t len = strlen(name);
	for (; *env; env++)
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return *env + len + 1;
	return NULL;
}

static const char *plan_word(const struct flat *plan, enum plan_section section, uint32_t index)
{
	const struct plan_text_row *row = flat_row(plan, section, index);
	return flat_str(plan, row->text);
}

static const char *plan_path(const struct flat *plan)
{
	for (uint32_t i = 0; i < flat_count(plan, PLAN_ENV); i++) {
		const char *value = str_after(plan_word(plan, PLAN_ENV, i), "PATH=");
		if (value)
			return value;
	}
	return PATH_DEFAULT;
}

/* 0 for a file that some user might execute. */
static int looks_executable(int dir, const char *path)
{
	struct stat st;
	int r = sys_stat_at(dir, path, 0, &st);
	if (r < 0)
		return r;
	return S_ISREG(st.st_mode) && st.st_mode & 0111 ? 0 : -EACCES;
}

int exec_check(const struct init *init)
{
	const char *program = plan_word(&init->plan, PLAN_ARG, 0);
	if (strchr(program, '/')) {
		int r = looks_executable(init->cwd_fd, program);
		return r < 0 ? exec_error(r, program, false) : 0;
	}
	int worst = -ENOENT;
	for (const char *path = plan_path(&init->plan); path;) {
		const char *end = strchrnul(path, ':');
		char candidate[PATH_MAX];
		int r = fmt(candidate, "%.*s/%s", (int)(end - path), path, program);
		if (r >= 0)
			r = looks_executable(init->cwd_fd, candidate);
		if (r == 0)
			return 0;
		worst = r == -EACCES ? r : worst;
		path = *end ? end + 1 : NULL;
	}
	return exec_error(worst, program, true);
}

/* Finds the first file of that name in PATH. It exists but could not be executed, because its
 * interpreter or loader does not exist. */
static bool broken_find(const char *path, const char *program, char out[static PATH_MAX])
{
	while (path) {
		const char *end = strchrnul(path, ':');
		if (fmt_n(out, PATH_MAX, "%.*s/%s", (int)(end - path), path, program) >= 0 &&
			sys_access_at(AT_FDCWD, out, F_OK, 0) == 0)
			return true;
		path = *end ? end + 1 : NULL;
	}
	return false;
}

static const char *path_of(const struct init *init)
{
	const char *path = env_find(init->env, "PATH");
	return path ? path : PATH_DEFAULT;
}

/* execvp(3) without its shell fallback. A directory that may not be read does not end the search,
 * but its error is remembered. `found` is the file that failed otherwise than with these two. */
static int exec_search(const struct init *init, char found[static PATH_MAX])
{
	int worst = -ENOENT;
	for (const char *at = path_of(init); at;) {
		const char *end = strchrnul(at, ':');
		int r = fmt_n(found, PATH_MAX, "%.*s/%s", (int)(end - at), at, init->args[0]);
		if (r >= 0)
			r = sys_execve_at(AT_FDCWD, found, init->args, init->env, 0);
		if (r == -EACCES)
			worst = r;
		else if (r != -ENOENT && r != -ENOTDIR && r != -ENAMETOOLONG)
			return r;
		at = *end ? end + 1 : NULL;
	}
	return worst;
}

/* The kernel prints "(unreachable)" when a directory lies outside the root. */
static int cwd_verify(void)
{
	char cwd[PATH_MAX];
	int r = sys_getcwd(cwd, sizeof(cwd));
	if (r < 0)
		return err_new(r, "look at the working directory");
	return cwd[0] == '/'
		? 0
		: err_say(-EPERM, "the working directory is outside the container's root");
}

/* PID 1 for --init: forwards signals to the payload and reaps all children, until the payload
 * ends. */
static _Noreturn void reap(pid_t payload, int payload_pidfd)
{
	for (;;) {
		int number = signal_wait();
		if (number > 0 && number != SIGCHLD)
			sys_pidfd_send_signal(payload_pidfd, number);
		int code;
		pid_t pid;
		while ((pid = signal_reap(&code)) > 0)
			if (pid == payload)
				process_exit(code);
	}
}

/* Returns only in the child, which becomes the payload. The reaper is as confined as the payload,
 * because the filter is loaded by now. It never executes a program, so close-on-exec does nothing
 * for it: here it closes all fds but the payload's pidfd, which is on 0. */
int step_reaper(struct init *init, const void *row)
{
	init->is_about_payload = true;
	signal_block_all();
	int pidfd;
	int pid = sys_fork(0, &pidfd);
	if (pid < 0)
		return err_new(pid, "start the payload below the reaper");
	if (pid > 0) {
		if (fd_place(pidfd, 0) < 0 || fd_close_from(1) < 0)
			process_exit(1);
		reap(pid, 0);
	}
	int r = term_is(0) ? term_set_foreground(0) : 0;
	signal_reset(init->ignored_signals); /* the reaper blocks them */
	return r;
}

/* Everything that is open and not the payload's ends at the execve. */
static int rest_close(struct init *init)
{
	int r = fd_cloexec_from(init->open_from);
	if (r < 0)
		return err_new(r, "close what is left open");
	init->open_from = 0;
	return 0;
}

/* The process that joined the namespaces hands over to a child in the container's pid namespace. */
int step_birth(struct init *init, const void *row)
{
	init->is_about_payload = true;
	int r = plan_is_born_late(&init->plan) ? hand_over(init) : 0;
	if (r == 0 && init->open_from)
		r = rest_close(init);
	return r < 0 ? r : session_begin(init);
}

static int move_aside(int *fd)
{
	if (*fd < 0)
		return 0;
	int moved = sys_fcntl(*fd, F_DUPFD_CLOEXEC, KEPT_ASIDE);
	if (moved < 0)
		return err_new(moved, "move a file descriptor");
	fd_replace(fd, moved);
	return 0;
}

/* Places the fds that the payload gets as 3, 4, ... All of them, and those that init still needs,
 * are first moved above these numbers. */
static int kept_place(struct init *init, int *out_next)
{
	int kept[LAUNCH_KEEP_MAX], count = 0;
	int *const needed[] = {&init->sync_fd, &init->console_fd};
	for (uint32_t i = SLOT_KEEP_FIRST; i < SLOT_FIRST_FREE && init->slots[i] >= 0; i++) {
		int fd = sys_fcntl(init->slots[i], F_DUPFD_CLOEXEC, KEPT_ASIDE);
		if (fd < 0)
			return err_new(fd, "keep file descriptor %d", 3 + count);
		kept[count++] = fd;
	}
	*out_next = 3 + count;
	if (count == 0)
		return 0;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		int r = move_aside(needed[i]);
		if (r < 0)
			return r;
	}
	int r = 0;
	for (int i = 0; i < count && r >= 0; i++)
		r = fd_place(kept[i], 3 + i);
	return r < 0 ? err_new(r, "keep file descriptors") : 0;
}

/* Prepares everything that needs a system call before the filter. */
int step_payload(struct init *init, const void *row)
{
	static char *pointers[PLAN_POINTERS_MAX];
	uint32_t arg_count = flat_count(&init->plan, PLAN_ARG);
	uint32_t env_count = flat_count(&init->plan, PLAN_ENV);
	if (arg_count + env_count + 3 > PLAN_POINTERS_MAX)
		return err_say(-E2BIG, "too many arguments");

	char **args = pointers, **env = pointers + arg_count + 1;
	for (uint32_t i = 0; i < arg_count; i++)
		args[i] = (char *)plan_word(&init->plan, PLAN_ARG, i);
	for (uint32_t i = 0; i < env_count; i++)
		env[i] = (char *)plan_word(&init->plan, PLAN_ENV, i);
	if (!env_find(env, "HOME")) {
		home_find(plan_process(&init->plan)->uid, init->home);
		env[env_count] = init->home;
	}
	init->args = args;
	init->env = env;

	int next = 3;
	init->is_about_payload = true;
	int r = cwd_verify();
	init->is_about_payload = r < 0;
	if (r == 0)
		r = kept_place(init, &next);
	if (r < 0)
		return r;
	init->open_from = (unsigned)next;
	/* Without close_range(2) the fds are looked up in /proc, where the container's pid
	 * namespace has an exec only after its birth. */
	r = rest_close(init);
	if (r < 0 && !plan_is_born_late(&init->plan))
		return r;
	signal_reset(init->ignored_signals);
	return 0;
}

int step_exec(struct init *init, const void *row)
{
	init->is_about_payload = true;
	const struct sync_message executes = {.type = SYNC_EXECUTES};
	const char *program = init->args[0];
	char found[PATH_MAX];
	bool is_searched = !strchr(program, '/');
	sync_report_write(init->report, &executes);
	int r = is_searched ? exec_search(init, found)
			    : sys_execve_at(AT_FDCWD, program, init->args, init->env, 0);
	if (r >= 0)
		r = -ENOSYS; /* a filter has answered in the kernel's place */
	/* To say more takes system calls, and the filter may kill the process for one. */
	err_new(r, "exec: \"%s\"", program);
	init_failed(init);
	/* The files of the container that are read to say more are read as by the payload. */
	if (init->keeps_admin && sec_caps_lower(&plan_process(&init->plan)->caps) < 0)
		return err_new(r, "exec: \"%s\"", program);
	if (is_searched && r != -ENOENT && r != -EACCES)
		return exec_error(r, found, true);
	if (is_searched && r == -ENOENT && broken_find(path_of(init), program, found))
		return exec_error(r, found, false);
	return exec_error(r, program, is_searched);
}
