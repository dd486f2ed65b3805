/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint and restore: their options are runc's. The work is done by the program criu, from PATH
 * or --criu. If criu is not installed, or does not work on this kernel, husk-runtime says so first,
 * in one sentence.
 */
#include "runtime_cli/internal.h"
#include "runtime/checkpoint.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum { CRIU_PATIENCE_MS = 20000 };

struct criu_args {
	const char *image_path, *work_path, *parent_path, *cgroups_mode, *lsm_profile,
		*lsm_mount_context;
	const char *status_fd, *page_server, *bundle, *console_socket, *pid_file;
	struct strvec empty_ns;
	bool tcp_established, tcp_close, tcp_skip_in_flight, ext_unix_sk, shell_job, file_locks;
	bool link_remap, auto_dedup, leaves_running, is_pre_dump, is_lazy;
	bool is_detached, accepted;
};

#define CRIU_OPTS \
	OPT_STRING(0, "image-path", struct criu_args, image_path, "DIR", \
		"where the images are (default: ./checkpoint)"), \
		OPT_STRING(0, "work-path", struct criu_args, work_path, "DIR", \
			"where criu's log goes (default: where the images are)"), \
		OPT_FLAG(0, "tcp-established", struct criu_args, tcp_established, \
			"TCP connections as well"), \
		OPT_FLAG(0, "ext-unix-sk", struct criu_args, ext_unix_sk, \
			"unix sockets whose other end is outside as well"), \
		OPT_FLAG(0, "shell-job", struct criu_args, shell_job, \
			"also with a terminal of the caller's"), \
		OPT_FLAG(0, "file-locks", struct criu_args, file_locks, "file locks as well"), \
		OPT_STRING(0, "manage-cgroups-mode", struct criu_args, cgroups_mode, "MODE", \
			"soft (default), full, strict, props, none or ignore"), \
		OPT_LIST(0, "empty-ns", struct criu_args, empty_ns, "network", \
			"leave the network namespace empty"), \
		OPT_FLAG(0, "auto-dedup", struct criu_args, auto_dedup, \
			"keep no page twice in the images"), \
		OPT_FLAG(0, "lazy-pages", struct criu_args, is_lazy, "(not supported)")

static const struct opt checkpoint_opts[] = {
	CRIU_OPTS,
	OPT_STRING(0, "parent-path", struct criu_args, parent_path, "DIR",
		"images of a --pre-dump, as seen from --image-path"),
	OPT_FLAG(
		'R', "leave-running", struct criu_args, leaves_running, "let the container run on"),
	OPT_FLAG(0, "pre-dump", struct criu_args, is_pre_dump,
		"only the memory, and let the container run on"),
	OPT_STRING(0, "status-fd", struct criu_args, status_fd, "N", "(not supported)"),
	OPT_STRING(0, "page-server", struct criu_args, page_server, "ADDRESS", "(not supported)"),
	OPT_FLAG(0, "tcp-skip-in-flight", struct criu_args, tcp_skip_in_flight,
		"leave out TCP connections that are not accepted yet"),
	OPT_FLAG(0, "link-remap", struct criu_args, link_remap,
		"keep files that were removed and are open, by a link"),
	OPT_END,
};

static const struct opt restore_opts[] = {
	CRIU_OPTS,
	OPT_STRING('b', "bundle", struct criu_args, bundle, "DIR",
		"where config.json is (default: here)"),
	OPT_FLAG('d', "detach", struct criu_args, is_detached, "leave it running and return"),
	OPT_STRING(0, "console-socket", struct criu_args, console_socket, "SOCKET",
		"who gets the terminal"),
	OPT_STRING(0, "pid-file", struct criu_args, pid_file, "FILE",
		"write the first process's number to a file"),
	OPT_FLAG(0, "no-pivot", struct criu_args, accepted,
		"accepted: criu enters the root by itself"),
	OPT_FLAG(0, "no-subreaper", struct criu_args, accepted,
		"accepted: husk-runtime is never one"),
	OPT_STRING(0, "lsm-profile", struct criu_args, lsm_profile, "TYPE:NAME",
		"another profile of AppArmor or label of SELinux"),
	OPT_STRING(0, "lsm-mount-context", struct criu_args, lsm_mount_context, "CONTEXT",
		"another SELinux context of mounts"),
	OPT_FLAG(0, "tcp-close", struct criu_args, tcp_close, "close the TCP connections"),
	OPT_END,
};

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

/* "Error (criu/vdso.c:381): vdso: ..." without the place in criu's sources. */
static void first_error(const char *text, struct buf *out)
{
	const char *line = strstr(text, "Error");
	const char *words = line ? strstr(line, "): ") : NULL;
	words = words ? words + 3 : line ? line : text;
	buf_add(out, words, strcspn(words, "\n"));
}

/* Finds criu and checks that it works here. Without this check a checkpoint fails with words from
 * criu's log that do not name the cause. */
static int criu_find(const char *name, char program[static PATH_MAX])
{
	auto_buf struct buf version = BUF_INIT, check = BUF_INIT, reason = BUF_INIT;
	if (!process_find(name, program))
		return err_say(
			-ENOENT, "checkpoint and restore need criu: %s is not installed", name);
	if (criu_run(program, "--version", &version) != 0)
		return err_say(
			-ENOEXEC, "checkpoint and restore need criu: %s does not run", program);
	if (criu_run(program, "check", &check) == 0)
		return 0;
	const char *number = str_after(version.data, "Version: ");
	number = number ? number : version.data;
	first_error(check.data, &reason);
	return err_say(-EOPNOTSUPP, "criu %.*s does not work on this kernel: %s",
		(int)strcspn(number, "\n"), number, reason.data);
}

static const char *absolute(const char *path, struct arena *a)
{
	char here[PATH_MAX];
	if (!path || path[0] == '/' || sys_getcwd(here, sizeof(here)) < 0)
		return path;
	return arena_printf(a, "%s/%s", here, path);
}

static int args_check(const struct criu_args *args)
{
	const struct {
		const char *name;
		bool is_given;
	} missing[] = {{"lazy-pages", args->is_lazy}, {"page-server", args->page_server},
		{"status-fd", args->status_fd}};
	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++)
		if (missing[i].is_given)
			return err_say(-EOPNOTSUPP, "--%s is not supported: pages come from files",
				missing[i].name);
	strvec_each (name, &args->empty_ns)
		if (!str_eq(*name, "network"))
			return err_say(-EINVAL, "--empty-ns: \"%s\" is not \"network\"", *name);
	if (args->leaves_running && args->is_pre_dump)
		return err_say(-EINVAL, "--leave-running and --pre-dump exclude each other");
	if (args->parent_path && args->parent_path[0] == '/')
		return err_say(-EINVAL, "--parent-path %s is not seen from --image-path",
			args->parent_path);
	return 0;
}

static struct runtime_criu told_of(
	const struct criu_args *args, const char *program, struct arena *a)
{
	return (struct runtime_criu){
		.program = program,
		.image_path = absolute(args->image_path ? args->image_path : "checkpoint", a),
		.work_path = absolute(args->work_path, a),
		.parent_path = args->parent_path,
		.cgroups_mode = args->cgroups_mode,
		.lsm_profile = args->lsm_profile,
		.lsm_mount_context = args->lsm_mount_context,
		.tcp_established = args->tcp_established,
		.tcp_close = args->tcp_close,
		.tcp_skip_in_flight = args->tcp_skip_in_flight,
		.ext_unix_sk = args->ext_unix_sk,
		.shell_job = args->shell_job,
		.file_locks = args->file_locks,
		.link_remap = args->link_remap,
		.auto_dedup = args->auto_dedup,
		.leaves_running = args->leaves_running,
		.is_pre_dump = args->is_pre_dump,
		.has_empty_network = args->empty_ns.count > 0,
	};
}

static int checkpoint_main(void *raw_context, void *raw, int argc, char **argv)
{
	const struct runtime_cli_context *context = raw_context;
	char program[PATH_MAX];
	auto_of(runtime) struct runtime rt = {.root_fd = -EBADF};
	auto_arena struct arena a = ARENA_INIT;
	int r = args_check(raw);
	if (r == 0)
		r = criu_find(context->criu ? context->criu : "criu", program);
	if (r == 0)
		r = runtime_cli_open(context, &rt);
	if (r < 0)
		return r;
	struct runtime_criu told = told_of(raw, program, &a);
	return runtime_checkpoint(&rt, argv[0], &told);
}

/* Waits in the foreground for a restored container, like `run`. */
static int restored_wait(struct runtime *rt, struct runtime_child *child, const char *id)
{
	int code = 0, r = runtime_wait(child, &code);
	if (r == 0)
		r = runtime_delete(rt, id, true);
	return r < 0 ? r : code;
}

static int restore_main(void *raw_context, void *raw, int argc, char **argv)
{
	const struct runtime_cli_context *context = raw_context;
	const struct criu_args *args = raw;
	char program[PATH_MAX];
	auto_of(runtime) struct runtime rt = {.root_fd = -EBADF};
	auto_of(runtime_child) struct runtime_child child = RUNTIME_CHILD_INIT;
	auto_arena struct arena a = ARENA_INIT;
	int r = args_check(args);
	if (r == 0)
		r = criu_find(context->criu ? context->criu : "criu", program);
	if (r == 0)
		r = runtime_cli_open(context, &rt);
	if (r < 0)
		return r;
	struct runtime_criu told = told_of(args, program, &a);
	struct runtime_create request = {
		.id = argv[0],
		.bundle = args->bundle,
		.stdio = {.console_socket = args->console_socket,
			.pid_file = args->pid_file,
			.is_detached = args->is_detached},
	};
	r = runtime_restore(&rt, &request, &told, &child);
	return r < 0 || args->is_detached ? r : restored_wait(&rt, &child, argv[0]);
}

const struct command runtime_cmd_checkpoint = {
	.name = "checkpoint",
	.synopsis = "ID",
	.summary = "write a running container to files, by criu",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.max_args = 1,
	.opts = checkpoint_opts,
	.args_size = sizeof(struct criu_args),
	.run = checkpoint_main,
};

const struct command runtime_cmd_restore = {
	.name = "restore",
	.synopsis = "ID",
	.summary = "let a container go on where a checkpoint was written",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.max_args = 1,
	.opts = restore_opts,
	.args_size = sizeof(struct criu_args),
	.run = restore_main,
};
