/* SPDX-License-Identifier: Apache-2.0 */
/* `husk pull`: images from registries. */
#include "base/err.h"
#include "base/str.h"
#include "cli/internal.h"
#include "image/image.h"

#include <errno.h>

struct pull_args {
	const char *platform, *tls_verify;
	bool is_quiet;
};

static const struct opt pull_opts[] = {
	OPT_STRING(0, "platform", struct pull_args, platform, "OS/ARCH",
		"for another kind of machine, as linux/arm64"),
	OPT_FLAG('q', "quiet", struct pull_args, is_quiet, "say only what was pulled"),
	OPT_STRING(0, "tls-verify", struct pull_args, tls_verify, "BOOL",
		"false: any certificate, or plain HTTP where there is no TLS (default true)"),
	OPT_END,
};

static int platform_take(const char *text, const char **out_architecture)
{
	*out_architecture = NULL;
	if (!text)
		return 0;
	const char *architecture = str_after(text, "linux/");
	if (!architecture || *architecture == '\0' || strchr(architecture, '/'))
		return err_say(-EINVAL, "--platform %s: it is linux/ARCHITECTURE", text);
	*out_architecture = architecture;
	return 0;
}

int cli_tls_verify(const char *text, bool *out_is_unverified)
{
	bool is_verified = true;
	if (text && parse_bool(text, &is_verified) < 0)
		return err_say(-EINVAL, "--tls-verify %s: it is true or false", text);
	*out_is_unverified = !is_verified;
	return 0;
}

static int pull(const struct engine *e, const char *word)
{
	return image_pull(&(struct image_pull){
		.root_fd = e->root_fd, .libexec_path = e->libexec_path, .word = word});
}

/* The engine's error says that the image is not here, and may suggest a similar name. */
static int missing_pull(const struct engine *e, const char *word)
{
	auto_buf struct buf shown = BUF_INIT, local = BUF_INIT;
	buf_adds(&local, err_text());
	buf_add_escaped(&shown, word);
	fprintf(stderr, "Unable to find image '%s' locally\n", shown.data);
	int r = pull(e, word);
	if (r == 0)
		return 0;
	r = err_wrap(r, "image %s is not here, and cannot be pulled", shown.data);
	const char *nearest = strstr(local.data, "Did you mean");
	return nearest ? err_hint(r, "%s", nearest) : r;
}

int cli_pull_policy(struct engine *e, const char *policy, const char *word)
{
	if (!policy || str_eq(policy, "missing")) {
		e->image_get = missing_pull;
		return 0;
	}
	if (str_eq(policy, "always"))
		return word ? pull(e, word) : 0;
	return str_eq(policy, "never")
		? 0
		: err_say(-EINVAL, "--pull %s: it is always, missing or never", policy);
}

static int pull_main(void *context, void *raw, int argc, char **argv)
{
	const struct pull_args *args = raw;
	auto_of(engine) struct engine e;
	const char *architecture;
	bool is_unverified = false;
	int r = platform_take(args->platform, &architecture);
	if (r == 0)
		r = cli_tls_verify(args->tls_verify, &is_unverified);
	if (r == 0)
		r = cli_engine_open(context, &e);
	if (r < 0)
		return r;
	r = image_pull(&(struct image_pull){.root_fd = e.root_fd,
		.libexec_path = e.libexec_path,
		.word = argv[0],
		.architecture = architecture,
		.is_unverified = is_unverified});
	if (r == 0)
		printf("%s\n", argv[0]);
	return r;
}

const struct command cmd_pull = {
	.name = "pull",
	.synopsis = "IMAGE",
	.summary = "get an image from its registry",
	.flags = COMMAND_OPTIONS_MIXED,
	.min_args = 1,
	.max_args = 1,
	.opts = pull_opts,
	.args_size = sizeof(struct pull_args),
	.run = pull_main,
};
