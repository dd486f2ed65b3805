/* SPDX-License-Identifier: Apache-2.0 */
/* `husk save` and `husk load`: images as an archive, and back. */
#include "cli/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "image/image.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/term.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct save_args {
	const char *format, *output;
};

static const struct opt save_opts[] = {
	OPT_STRING(0, "format", struct save_args, format, "FORMAT",
		"docker-archive (default) or oci-archive"),
	OPT_STRING('o', "output", struct save_args, output, "FILE",
		"where to write (default standard output)"),
	OPT_END,
};

/* An output file is written under another name first, so that FILE is either complete or unchanged.
 * A device or a pipe is written directly. */
struct output {
	const char *path;
	char temporary[4096]; /* "": none */
	int fd;
};

static int output_open(struct output *o, const char *path)
{
	struct stat st;
	*o = (struct output){.path = path, .fd = -EBADF};
	int r = sys_stat_at(AT_FDCWD, path, 0, &st);
	if (r == 0 && S_ISDIR(st.st_mode))
		r = -EISDIR;
	bool is_plain = r == -ENOENT || (r == 0 && S_ISREG(st.st_mode));
	if (is_plain)
		r = fmt(o->temporary, "%s.husk-%llx", path, (unsigned long long)clock_real_ns());
	if (r >= 0)
		r = o->fd = is_plain
			? sys_open_at(AT_FDCWD, o->temporary, O_WRONLY | O_CREAT | O_EXCL, 0644)
			: sys_open_at(AT_FDCWD, path, O_WRONLY, 0);
	if (o->fd < 0)
		o->temporary[0] = '\0';
	return r < 0 ? err_new(r, "write %s", path) : 0;
}

/* The error trail is kept after a failure. */
static void output_close(struct output *o)
{
	fd_replace(&o->fd, -EBADF);
	if (o->temporary[0])
		sys_unlink_at(AT_FDCWD, o->temporary, 0);
}
AUTO_STRUCT(output, struct output, output_close)

static int output_finish(struct output *o)
{
	if (!o->temporary[0])
		return 0;
	int r = sys_rename_at(AT_FDCWD, o->temporary, AT_FDCWD, o->path, 0);
	if (r < 0)
		return err_new(r, "write %s", o->path);
	o->temporary[0] = '\0';
	return 0;
}

static int save_main(void *context, void *raw, int argc, char **argv)
{
	const struct save_args *args = raw;
	auto_of(engine) struct engine e;
	auto_of(output) struct output output = {.fd = -EBADF};
	if (!args->output && term_is(STDOUT_FILENO))
		return err_say(-EINVAL,
			"save: an archive is not for a terminal: -o FILE, or redirect the output");
	int r = cli_engine_open(context, &e);
	if (r == 0 && args->output)
		r = output_open(&output, args->output);
	if (r < 0)
		return r;
	r = image_save(&(struct image_save){.root_fd = e.root_fd,
		.out_fd = args->output ? output.fd : STDOUT_FILENO,
		.libexec_path = e.libexec_path,
		.format = args->format ? args->format : image_save_formats[0],
		.words = (const char *const *)argv,
		.word_count = (size_t)argc});
	return r < 0 ? r : output_finish(&output);
}

const struct command cmd_save = {
	.name = "save",
	.synopsis = "IMAGE...",
	.summary = "write images as an archive",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.opts = save_opts,
	.args_size = sizeof(struct save_args),
	.run = save_main,
};

struct load_args {
	const char *input;
	bool is_quiet;
};

static const struct opt load_opts[] = {
	OPT_STRING('i', "input", struct load_args, input, "FILE",
		"archive, or directory of an OCI layout (default standard input)"),
	OPT_FLAG('q', "quiet", struct load_args, is_quiet, "say nothing of what was loaded"),
	OPT_END,
};

static int load_main(void *context, void *raw, int argc, char **argv)
{
	const struct load_args *args = raw;
	auto_of(engine) struct engine e;
	auto_strvec struct strvec said = STRVEC_INIT;
	if (!args->input && term_is(STDIN_FILENO))
		return err_say(-EINVAL,
			"load: an archive does not come from a terminal: -i FILE, or redirect the "
			"input");
	auto_close int file = args->input
		? sys_open_at(AT_FDCWD, args->input, O_RDONLY | O_NOCTTY, 0)
		: STDIN_FILENO;
	if (file < 0)
		return err_new(file, "read %s", args->input);
	int r = cli_engine_open(context, &e);
	if (r < 0)
		return r;
	r = image_load_archive(e.root_fd, file, e.libexec_path, &said);
	/* Also printed if a later image failed. */
	if (!args->is_quiet)
		cli_print_lines(&said);
	return r < 0 && args->input ? err_wrap(r, "load %s", args->input) : r;
}

const struct command cmd_load = {
	.name = "load",
	.summary = "load images from an archive",
	.opts = load_opts,
	.args_size = sizeof(struct load_args),
	.run = load_main,
};
