/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint and restore, which this runtime does not do: engines call them with runc's options, and are told so in one
 * sentence, which also says whether the program that it takes would work here. Neither is in the help.
 */
#include "runtime_cli/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum { CRIU_PATIENCE_MS = 20000 };

/* Nothing is done with what is given. */
struct refused_args {
	const char *value;
	bool flag;
};

#define REFUSED_VALUE(name) OPT_STRING(0, name, struct refused_args, value, "VALUE", "(refused)")
#define REFUSED_FLAG(name) OPT_FLAG(0, name, struct refused_args, flag, "(refused)")
#define REFUSED_OPTS \
	REFUSED_VALUE("image-path"), REFUSED_VALUE("work-path"), REFUSED_FLAG("tcp-established"), \
		REFUSED_FLAG("ext-unix-sk"), REFUSED_FLAG("shell-job"), \
		REFUSED_FLAG("file-locks"), REFUSED_VALUE("manage-cgroups-mode"), \
		REFUSED_VALUE("empty-ns"), REFUSED_FLAG("auto-dedup"), REFUSED_FLAG("lazy-pages")

static const struct opt checkpoint_opts[] = {
	REFUSED_OPTS,
	REFUSED_VALUE("parent-path"),
	REFUSED_FLAG("leave-running"),
	REFUSED_FLAG("pre-dump"),
	REFUSED_VALUE("status-fd"),
	REFUSED_VALUE("page-server"),
	REFUSED_FLAG("tcp-skip-in-flight"),
	REFUSED_FLAG("link-remap"),
	OPT_END,
};

static const struct opt restore_opts[] = {
	REFUSED_OPTS,
	OPT_STRING('b', "bundle", struct refused_args, value, "DIR", "(refused)"),
	OPT_FLAG('d', "detach", struct refused_args, flag, "(refused)"),
	REFUSED_VALUE("console-socket"),
	REFUSED_VALUE("pid-file"),
	REFUSED_FLAG("no-pivot"),
	REFUSED_FLAG("no-subreaper"),
	REFUSED_VALUE("lsm-profile"),
	REFUSED_VALUE("lsm-mount-context"),
	REFUSED_FLAG("tcp-close"),
	OPT_END,
};

/* A program by the caller's PATH. */
static bool program_find(const char *name, char out[static PATH_MAX])
{
	const char *path = getenv("PATH");
	if (strchr(name, '/'))
		return fmt_n(out, PATH_MAX, "%s", name) >= 0 && name[0] == '/' &&
			sys_access_at(AT_FDCWD, name, X_OK, 0) == 0;
	for (const char *end; path && *path; path = *end ? end + 1 : NULL) {
		end = strchrnul(path, ':');
		if (*path == '/' &&
			fmt_n(out, PATH_MAX, "%.*s/%s", (int)(end - path), path, name) >= 0 &&
			sys_access_at(AT_FDCWD, out, X_OK, 0) == 0)
			return true;
	}
	return false;
}

static int criu_run(const char *program, const char *argument, struct buf *out)
{
	static const char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	const char *const argv[] = {program, argument, NULL};
	struct process_request request = {.path = program,
		.argv = argv,
		.env = env,
		.stdin_fd = -EBADF,
		.cwd_fd = -EBADF,
		.join_pidfd = -EBADF,
		.timeout_ms = CRIU_PATIENCE_MS};
	int r = process_run_request(&request, out);
	buf_adds(out, "");
	return r;
}

/* "Error (criu/vdso.c:381): vdso: ..." without the place in its sources. */
static void first_error(const char *text, struct buf *out)
{
	const char *line = strstr(text, "Error");
	const char *words = line ? strstr(line, "): ") : NULL;
	words = words ? words + 3 : line ? line : text;
	buf_add(out, words, strcspn(words, "\n"));
}

static void criu_describe(const char *name, struct buf *out)
{
	char program[PATH_MAX];
	auto_buf struct buf version = BUF_INIT, check = BUF_INIT;
	if (!program_find(name, program)) {
		buf_addf(out, "%s is not installed", name);
		return;
	}
	if (criu_run(program, "--version", &version) != 0) {
		buf_addf(out, "%s does not run", program);
		return;
	}
	const char *number = str_after(version.data, "Version: ");
	number = number ? number : version.data;
	buf_addf(out, "criu %.*s ", (int)strcspn(number, "\n"), number);
	if (criu_run(program, "check", &check) == 0) {
		buf_adds(out, "works on this kernel");
		return;
	}
	buf_adds(out, "does not work on this kernel: ");
	first_error(check.data, out);
}

static int refuse(const struct runtime_cli_context *context, const char *verb)
{
	auto_buf struct buf criu = BUF_INIT;
	criu_describe(context->criu ? context->criu : "criu", &criu);
	return err_say(-EOPNOTSUPP, "husk-runtime does not support %s yet (%s)", verb, criu.data);
}

static int checkpoint_main(void *context, void *args, int argc, char **argv)
{
	return refuse(context, "checkpoint");
}

static int restore_main(void *context, void *args, int argc, char **argv)
{
	return refuse(context, "restore");
}

const struct command runtime_cmd_checkpoint = {
	.name = "checkpoint",
	.synopsis = "ID",
	.summary = "refused: not supported yet",
	.flags = COMMAND_OPTIONS_MIXED | COMMAND_HIDDEN,
	.min_args = 1,
	.max_args = 1,
	.opts = checkpoint_opts,
	.args_size = sizeof(struct refused_args),
	.run = checkpoint_main,
};

const struct command runtime_cmd_restore = {
	.name = "restore",
	.synopsis = "ID",
	.summary = "refused: not supported yet",
	.flags = COMMAND_OPTIONS_MIXED | COMMAND_HIDDEN,
	.min_args = 1,
	.max_args = 1,
	.opts = restore_opts,
	.args_size = sizeof(struct refused_args),
	.run = restore_main,
};
