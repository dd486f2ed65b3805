/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command of `run` and `enter`: setting its ids, finding it in PATH, executing it. Umask,
 * signals, file descriptors and terminal stay as the caller had them, as for unshare(1) and
 * nsenter(1).
 */
#include "ns/internal.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/path.h"
#include "sys/signal.h"

#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { EXIT_HUSK = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127, CAPS_MAX = 64 };

/* In a user namespace whose gid map was written without privilege, no process can drop its groups.
 * That was the choice of the process that made the namespace. */
static bool setgroups_is_denied(void)
{
	auto_buf struct buf text = BUF_INIT;
	return file_read_at(AT_FDCWD, "/proc/self/setgroups", 64, &text) == 0 &&
		str_prefix(text.data, "deny");
}

static int drop_groups(void)
{
	bool is_denied = setgroups_is_denied();
	int r = sys_setgroups(0, NULL);
	if (r == 0 || (r == -EPERM && is_denied))
		return 0;
	if (r == -EPERM)
		return err_say(r,
			"drop supplementary groups: not permitted: it needs root, and in a user "
			"namespace a gid map");
	return err_new(r, "drop supplementary groups");
}

static int say_no_id(int code, const char *which, uint32_t id)
{
	if (code == -EINVAL)
		return err_say(code, "%s %u is not mapped in the user namespace", which, id);
	return err_new(code, "become %s %u", which, id);
}

/* Permitted capabilities become ambient, so that they outlast the exec of a program without file
 * capabilities. */
static int keep_caps(void)
{
	struct cap_header header = {.version = CAP_VERSION_3};
	struct cap_data data[2];
	int r = sys_capget(&header, data);
	for (int i = 0; i < 2; i++)
		data[i].effective = data[i].inheritable = data[i].permitted;
	if (r == 0)
		r = sys_capset(&header, data);
	for (unsigned number = 0; r == 0 && number < CAPS_MAX; number++) {
		if (data[number / 32].permitted & 1u << number % 32)
			r = sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0);
	}
	return r < 0 ? err_new(r, "keep capabilities") : 0;
}

int ns_command_credentials(const struct ns_command *c)
{
	int r = c->keeps_caps ? sys_prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) : 0;
	if (r < 0)
		return err_new(r, "keep capabilities");
	if (c->has_gid) {
		r = drop_groups();
		if (r < 0)
			return r;
		r = sys_setresgid(c->gid);
		if (r < 0)
			return say_no_id(r, "gid", c->gid);
	}
	if (c->has_uid) {
		r = sys_setresuid(c->uid);
		if (r < 0)
			return say_no_id(r, "uid", c->uid);
	}
	return c->keeps_caps ? keep_caps() : 0;
}

static const char *env_value(char *const *env, const char *name)
{
	for (; *env; env++) {
		const char *value = str_after(*env, name);
		if (value && *value == '=')
			return value + 1;
	}
	return NULL;
}

/* As execvp(3): the shell runs a file that has no interpreter line. */
static int exec_file(const char *path, char *const *argv, char *const *env)
{
	int r = sys_execve_at(AT_FDCWD, path, argv, env, 0);
	if (r != -ENOEXEC)
		return r;
	auto_strvec struct strvec shell = STRVEC_INIT;
	strvec_push(&shell, _PATH_BSHELL);
	strvec_push(&shell, path);
	for (size_t i = 1; argv[i]; i++)
		strvec_push(&shell, argv[i]);
	return sys_execve_at(AT_FDCWD, _PATH_BSHELL, shell.items, env, 0);
}

/* The command's arguments; without any, the caller's shell. */
static char *const *arguments(const struct ns_command *c, char *const *env, char *shell[static 2])
{
	if (c->argv && c->argv[0])
		return c->argv;
	const char *own = env_value(env, "SHELL");
	shell[0] = (char *)(own && *own == '/' ? own : _PATH_BSHELL);
	shell[1] = NULL;
	return shell;
}

static int check_file(const char *path)
{
	struct stat st;
	int r = sys_stat_at(AT_FDCWD, path, 0, &st);
	if (r < 0)
		return r;
	return S_ISREG(st.st_mode) ? sys_access_at(AT_FDCWD, path, X_OK, AT_EACCESS) : -EACCES;
}

/* Tries every directory of PATH. If none has the command, a refusal met on the way is returned. */
static int search(const char *name, char *const *env, struct buf *out)
{
	const char *path = env_value(env, "PATH");
	auto_free char *dirs = mem_strdup(path ? path : "/usr/sbin:/usr/bin:/sbin:/bin");
	int worst = -ENOENT;
	char *rest = dirs;
	for (const char *dir = str_cut(&rest, ':'); dir && *name; dir = str_cut(&rest, ':')) {
		buf_clear(out);
		path_join(out, *dir ? dir : ".", name);
		int r = check_file(out->data);
		if (r >= 0)
			return 0;
		if (r != -ENOENT && r != -ENOTDIR)
			worst = r;
	}
	return worst;
}

static int exit_code_of(int code)
{
	return code == -ENOENT || code == -ENOTDIR ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

int ns_command_find(
	const struct ns_command *c, char *const *env, struct buf *out_path, int *out_code)
{
	char *shell[2];
	const char *name = arguments(c, env, shell)[0];
	int r = 0;
	if (strchr(name, '/')) {
		buf_adds(out_path, name);
		r = check_file(name);
	} else {
		r = search(name, env, out_path);
	}
	if (r >= 0)
		return 0;
	*out_code = exit_code_of(r);
	return err_new(r, "execute %s", name);
}

/* Set last, because changing ids clears it. If the parent has ended before, its end of the socket
 * is closed. */
static int set_kill_signal(const struct ns_command *c, const struct ns_child *child)
{
	int r = sys_prctl(PR_SET_PDEATHSIG, (unsigned long)c->kill_signal, 0, 0, 0);
	if (r < 0)
		return err_new(r, "ask for a signal at the end of husk");
	struct pollfd wait = {.fd = child->fd, .events = POLLIN};
	r = sys_poll(&wait, 1, 0);
	if (r < 0)
		return err_new(r, "look for the parent");
	return wait.revents & POLLHUP
		? err_say(-ECONNRESET, "husk has ended before its command began")
		: 0;
}

int ns_command_exec(
	const struct ns_command *c, const struct ns_child *child, char *const *env, int *out_code)
{
	char *shell[2];
	char *const *argv = arguments(c, env, shell);
	auto_buf struct buf path = BUF_INIT;
	*out_code = EXIT_HUSK;
	int r = child && c->kill_signal ? set_kill_signal(c, child) : 0;
	if (r == 0)
		r = ns_command_find(c, env, &path, out_code);
	if (r < 0)
		return r;
	signal_default_writes(); /* bin/ ignores these signals for husk itself */
	if (child)
		sigprocmask(SIG_SETMASK, &child->mask, NULL);
	r = exec_file(path.data, argv, env);
	signal_ignore_writes();
	*out_code = exit_code_of(r);
	return err_new(r, "execute %s", argv[0]);
}
