/* SPDX-License-Identifier: Apache-2.0 */
/* `husk images`, `husk info`, `husk version`: what there is. */
#include "cli/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "image/image.h"
#include "sys/process.h"

#include <sys/utsname.h>

static const struct opt no_opts[] = {OPT_END};

struct images_args {
	bool is_quiet, is_whole;
};

static const struct opt images_opts[] = {
	OPT_FLAG(0, "no-trunc", struct images_args, is_whole, "do not shorten"),
	OPT_FLAG('q', "quiet", struct images_args, is_quiet, "ids only"),
	OPT_END,
};

/* "docker.io/library/busybox:latest" is shown as busybox and latest. */
static void reference_split(const char *reference, struct buf *name, struct buf *tag)
{
	const char *at = str_after(reference, "docker.io/");
	const char *library = at ? str_after(at, "library/") : NULL;
	at = library ? library : at ? at : reference;
	const char *colon = strrchr(at, ':');
	buf_add(name, at, colon ? (size_t)(colon - at) : strlen(at));
	buf_adds(tag, colon ? colon + 1 : "<none>");
}

static void image_row(
	struct cli_table *table, const struct image *image, const char *reference, bool is_whole)
{
	auto_buf struct buf name = BUF_INIT, tag = BUF_INIT;
	char size[16], ago[32];
	const char *id = str_after(image->id, "sha256:");
	uint64_t now = clock_real_ns();
	reference_split(reference, &name, &tag);
	format_size(size, image->size_bytes);
	format_ago(ago, now > image->created_ns ? (now - image->created_ns) / 1000000000u : 0);
	cli_table_addf(table, "%s", name.data);
	cli_table_addf(table, "%s", tag.data);
	cli_table_addf(table, "%.*s", is_whole ? 64 : 12, id ? id : image->id);
	cli_table_addf(table, "%s ago", ago);
	cli_table_addf(table, "%s", size);
}

static int images_main(void *context, void *raw, int argc, char **argv)
{
	static const char *const heads[] = {
		"REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", NULL};
	const struct images_args *args = raw;
	auto_of(engine) struct engine e;
	auto_arena struct arena a = ARENA_INIT;
	auto_of(cli_table) struct cli_table table = {0};
	struct image_list list;
	int r = cli_engine_open(context, &e);
	if (r == 0)
		r = image_list(e.root_fd, &a, &list);
	if (r < 0)
		return r;
	if (!args->is_quiet)
		cli_table_heads(&table, heads);
	for (size_t i = 0; i < list.count; i++) {
		const struct image *image = &list.items[i];
		const char *id = str_after(image->id, "sha256:");
		if (args->is_quiet)
			printf("%.*s\n", args->is_whole ? 64 : 12, id ? id : image->id);
		for (size_t j = 0; j < image->references.count && !args->is_quiet; j++)
			image_row(&table, image, image->references.items[j], args->is_whole);
	}
	cli_table_print(&table, stdout);
	return 0;
}

const struct command cmd_images = {
	.name = "images",
	.summary = "list images",
	.opts = images_opts,
	.args_size = sizeof(struct images_args),
	.run = images_main,
};

static int info_main(void *context, void *args, int argc, char **argv)
{
	auto_of(engine) struct engine e;
	auto_of(container_list) struct container_list list = {0};
	int r = cli_engine_open(context, &e);
	if (r == 0)
		r = container_list(&e, &list);
	if (r < 0)
		return r;
	size_t running = 0;
	for (size_t i = 0; i < list.count; i++) {
		struct summary summary;
		running += container_summary(&e, list.ids[i], &summary) == 0 &&
			summary.state == CONTAINER_RUNNING;
	}
	struct utsname host;
	uname(&host);
	printf("Containers: %zu\n Running: %zu\n Stopped: %zu\n", list.count, running,
		list.count - running);
	printf("Server Version: %s\nStorage Driver: overlay\n", HUSK_VERSION);
	printf("Cgroup Driver: cgroupfs\nCgroup Version: %d\nCgroup Controllers: %s\n",
		e.cgroup.is_unified ? 2 : 1, e.cgroup.controllers);
	printf("Kernel Version: %s\nArchitecture: %s\n", host.release, host.machine);
	printf("Husk Root Dir: %s\nHusk State Dir: %s\nInstance: %s\n", e.root_path, e.state_path,
		e.instance);
	return 0;
}

const struct command cmd_info = {
	.name = "info",
	.summary = "show what this machine and this instance of husk have",
	.opts = no_opts,
	.run = info_main,
};

static int version_main(void *context, void *args, int argc, char **argv)
{
	printf("husk version %s\n", HUSK_VERSION);
	return 0;
}

const struct command cmd_version = {
	.name = "version",
	.summary = "show the version",
	.opts = no_opts,
	.run = version_main,
};
