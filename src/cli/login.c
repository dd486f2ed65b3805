/* SPDX-License-Identifier: Apache-2.0 */
/* `husk login` and `husk logout`: logins at registries. */
#include "base/err.h"
#include "base/str.h"
#include "cli/internal.h"
#include "image/image.h"
#include "sys/fd.h"
#include "sys/term.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { SECRET_MAX = 64 << 10 };

struct login_args {
	const char *user, *password, *tls_verify;
	bool from_stdin;
};

static const struct opt login_opts[] = {
	OPT_STRING('p', "password", struct login_args, password, "PASSWORD",
		"the password, which everybody on this machine can then see"),
	OPT_FLAG(0, "password-stdin", struct login_args, from_stdin,
		"read the password from standard input"),
	OPT_STRING(0, "tls-verify", struct login_args, tls_verify, "BOOL",
		"false: any certificate, or plain HTTP where there is no TLS (default true)"),
	OPT_STRING('u', "username", struct login_args, user, "USER", "who to be"),
	OPT_END,
};

/* Removes the newline that echo and editors put at the end. */
static int stdin_read(struct buf *out)
{
	int r = fd_read_all(STDIN_FILENO, SECRET_MAX, out);
	if (r < 0)
		return err_new(r, "read the password from standard input");
	while (out->len && strchr("\r\n", out->data[out->len - 1]))
		out->data[--out->len] = '\0';
	if (out->len == 0 || memchr(out->data, '\0', out->len))
		return err_say(-EINVAL, "there is no password on standard input");
	return 0;
}

/* Reads a line from the terminal; a secret is not shown while it is typed. */
static int ask(const char *prompt, bool is_secret, struct buf *out)
{
	struct termios saved, silent;
	char line[4096];
	if (tcgetattr(STDIN_FILENO, &saved) < 0)
		return err_say(-ENOTTY,
			"there is no terminal to ask for the %s: use -u and --password-stdin",
			is_secret ? "password" : "user");
	silent = saved;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	fputs(prompt, stderr);
	if (is_secret)
		term_restore(STDIN_FILENO, &silent);
	const char *got = fgets(line, sizeof(line), stdin);
	if (is_secret) {
		term_restore(STDIN_FILENO, &saved);
		fputc('\n', stderr);
	}
	if (!got)
		return err_say(-EINVAL, "nothing was typed");
	buf_addf(out, "%.*s", (int)strcspn(line, "\r\n"), line);
	explicit_bzero(line, sizeof(line));
	return 0;
}

static int words_check(const struct login_args *args)
{
	if (args->password && args->from_stdin)
		return err_say(-EINVAL, "--password and --password-stdin exclude each other");
	if (args->from_stdin && !args->user)
		return err_say(-EINVAL, "--password-stdin needs --username");
	return 0;
}

static int login_main(void *context, void *raw, int argc, char **argv)
{
	const struct login_args *args = raw;
	auto_of(engine) struct engine e;
	auto_arena struct arena a = ARENA_INIT;
	auto_buf struct buf user = BUF_INIT, secret = BUF_INIT;
	const char *where = NULL;
	bool is_unverified = false;
	int r = words_check(args);
	if (r == 0)
		r = cli_tls_verify(args->tls_verify, &is_unverified);
	if (r == 0)
		r = cli_engine_open(context, &e);
	if (r < 0)
		return r;
	if (args->user)
		buf_adds(&user, args->user);
	else
		r = ask("Username: ", false, &user);
	if (r == 0 && args->password)
		buf_adds(&secret, args->password);
	else if (r == 0)
		r = args->from_stdin ? stdin_read(&secret) : ask("Password: ", true, &secret);
	if (r == 0)
		r = image_login(&(struct image_login){.libexec_path = e.libexec_path,
					.server = argc ? argv[0] : "",
					.user = user.data ? user.data : "",
					.secret = secret.data ? secret.data : "",
					.is_unverified = is_unverified},
			&a, &where);
	if (secret.data)
		explicit_bzero(secret.data, secret.len);
	if (r == 0)
		printf("Login succeeded; kept in %s\n", where);
	return r;
}

static int logout_main(void *context, void *raw, int argc, char **argv)
{
	const char *server = argc ? argv[0] : "docker.io";
	int r = image_logout(server);
	if (r == 0)
		printf("Logged out of %s\n", server);
	return r;
}

static const struct opt logout_opts[] = {OPT_END};

const struct command cmd_login = {
	.name = "login",
	.synopsis = "[REGISTRY]",
	.summary = "log in to a registry",
	.flags = COMMAND_OPTIONS_MIXED,
	.max_args = 1,
	.opts = login_opts,
	.args_size = sizeof(struct login_args),
	.run = login_main,
};

const struct command cmd_logout = {
	.name = "logout",
	.synopsis = "[REGISTRY]",
	.summary = "forget a login",
	.max_args = 1,
	.opts = logout_opts,
	.run = logout_main,
};
