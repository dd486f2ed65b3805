/* SPDX-License-Identifier: Apache-2.0 */
/* `husk images`, `husk info`, `husk version`: what there is. */
#include "cli/internal.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "image/image.h"
#include "sys/process.h"

#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

struct images_args {
	bool is_quiet, is_whole;
	const char *format;
};

static const struct opt images_opts[] = {
	OPT_STRING(0, "format", struct images_args, format, "TEMPLATE",
		"print by a Go template, \"table TEMPLATE\" or \"json\""),
	OPT_FLAG(0, "no-trunc", struct images_args, is_whole, "do not shorten"),
	OPT_FLAG('q', "quiet", struct images_args, is_quiet, "ids only"),
	OPT_END,
};

/* A row for each name with a tag, or else for each with a digest, and one for an image without any. */
static const struct str_list *row_names(const struct image *image)
{
	return image->references.count ? &image->references : &image->digests;
}

static size_t row_count(const struct image *image)
{
	size_t count = row_names(image)->count;
	return image->is_double ? 0 : count ? count : 1;
}

/* "docker.io/library/busybox:latest" is shown as busybox and latest. */
static void reference_split(const char *reference, struct buf *name, struct buf *tag)
{
	if (!reference) {
		buf_adds(name, "<none>");
		buf_adds(tag, "<none>");
		return;
	}
	const char *at = str_after(reference, "docker.io/");
	const char *library = at ? str_after(at, "library/") : NULL;
	at = library ? library : at ? at : reference;
	const char *digest = strchr(at, '@'), *colon = digest ? NULL : strrchr(at, ':');
	const char *end = digest ? digest : colon ? colon : at + strlen(at);
	buf_add(name, at, (size_t)(end - at));
	buf_adds(tag, colon ? colon + 1 : "<none>");
}

/* What the columns show, as texts. */
struct image_words {
	struct buf name, tag;
	char id[72], size[16], since[40], created[40];
};

static void image_words_release(struct image_words *w)
{
	buf_release(&w->name);
	buf_release(&w->tag);
}
AUTO_STRUCT(image_words, struct image_words, image_words_release)

static void image_words_fill(
	const struct image *image, size_t row, bool is_whole, struct image_words *out)
{
	const struct str_list *names = row_names(image);
	const char *reference = names->count ? names->items[row] : NULL;
	char ago[32];
	const char *id = str_after(image->id, "sha256:");
	uint64_t now = clock_real_ns();
	time_t seconds = (time_t)(image->created_ns / 1000000000u);
	struct tm tm;
	*out = (struct image_words){.name = BUF_INIT, .tag = BUF_INIT};
	reference_split(reference, &out->name, &out->tag);
	fmt(out->id, "%.*s", is_whole ? 64 : 12, id ? id : image->id);
	format_size_decimal(out->size, image->size_bytes);
	format_ago(ago, now > image->created_ns ? (now - image->created_ns) / 1000000000u : 0);
	if (image->created_ns)
		fmt(out->since, "%s ago", ago);
	else
		fmt(out->since, "N/A"); /* it does not say */
	gmtime_r(&seconds, &tm);
	strftime(out->created, sizeof(out->created), "%Y-%m-%d %H:%M:%S +0000 UTC", &tm);
}

static void images_print(const struct image_list *list, bool is_whole)
{
	static const char *const heads[] = {
		"REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", NULL};
	auto_of(table) struct table table = {0};
	table_heads(&table, heads);
	for (size_t i = 0; i < list->count; i++) {
		const struct image *image = &list->items[i];
		for (size_t j = 0; j < row_count(image); j++) {
			auto_of(image_words) struct image_words words;
			image_words_fill(image, j, is_whole, &words);
			table_add(&table, words.name.data);
			table_add(&table, words.tag.data);
			table_add(&table, words.id);
			table_add(&table, words.since);
			table_add(&table, words.size);
		}
	}
	table_print(&table, stdout);
}

static void image_put(const struct image *image, const struct image_words *words, struct buf *out)
{
	struct json_writer w = {.out = out};
	json_open_object(&w, NULL);
	json_put_string(&w, "CreatedAt", words->created);
	json_put_string(&w, "CreatedSince", words->since);
	json_put_string(&w, "Digest", image->digest);
	json_put_string(&w, "ID", words->id);
	json_put_string(&w, "Repository", words->name.data);
	json_put_string(&w, "Size", words->size);
	json_put_string(&w, "Tag", words->tag.data);
	json_close_object(&w);
}

static int images_print_format(const char *text, const struct image_list *list, bool is_whole)
{
	static const char *const heads[][2] = {{"CreatedAt", "CREATED AT"},
		{"CreatedSince", "CREATED"}, {"Digest", "DIGEST"}, {"ID", "IMAGE ID"},
		{"Repository", "REPOSITORY"}, {"Size", "SIZE"}, {"Tag", "TAG"}, {NULL}};
	auto_of(cli_format) struct cli_format format = {.lines = BUF_INIT};
	int r = cli_format_open(&format, text, heads);
	for (size_t i = 0; i < list->count && r == 0; i++) {
		const struct image *image = &list->items[i];
		for (size_t j = 0; j < row_count(image) && r == 0; j++) {
			auto_of(image_words) struct image_words words;
			auto_buf struct buf row = BUF_INIT;
			image_words_fill(image, j, is_whole, &words);
			image_put(image, &words, &row);
			r = cli_format_add(&format, &row);
		}
	}
	if (r == 0)
		cli_format_print(&format, stdout);
	return r;
}

static void images_print_ids(const struct image_list *list, bool is_whole)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *id = str_after(list->items[i].id, "sha256:");
		if (!list->items[i].is_double)
			printf("%.*s\n", is_whole ? 64 : 12, id ? id : list->items[i].id);
	}
}

static int images_main(void *context, void *raw, int argc, char **argv)
{
	const struct images_args *args = raw;
	auto_of(engine) struct engine e;
	auto_arena struct arena a = ARENA_INIT;
	struct image_list list;
	int r = cli_engine_open(context, &e);
	if (r == 0)
		r = image_list(e.root_fd, &a, &list);
	if (r < 0)
		return r;
	if (args->is_quiet)
		images_print_ids(&list, args->is_whole);
	else if (!cli_format_is_usual(args->format))
		r = images_print_format(args->format, &list, args->is_whole);
	else
		images_print(&list, args->is_whole);
	return r;
}

const struct command cmd_images = {
	.name = "images",
	.summary = "list images",
	.opts = images_opts,
	.args_size = sizeof(struct images_args),
	.run = images_main,
};

struct info {
	size_t containers, running, images;
	struct utsname host;
};

static int info_load(struct engine *e, struct info *out)
{
	auto_of(container_list) struct container_list list = {0};
	auto_arena struct arena a = ARENA_INIT;
	struct image_list images;
	int r = container_list(e, &list);
	if (r == 0)
		r = image_list(e->root_fd, &a, &images);
	if (r < 0)
		return r;
	*out = (struct info){.containers = list.count};
	for (size_t i = 0; i < images.count; i++)
		out->images += !images.items[i].is_double;
	for (size_t i = 0; i < list.count; i++) {
		struct summary summary;
		out->running += container_summary(e, list.ids[i], &summary) == 0 &&
			summary.state == CONTAINER_RUNNING;
	}
	uname(&out->host);
	return 0;
}

/* What the user should know of this machine. */
static void warnings_list(const struct engine *e, struct strvec *out)
{
	auto_buf struct buf text = BUF_INIT;
	buf_addf(&text,
		"cgroup hierarchies that are mounted nowhere here, so nothing is limited or "
		"counted by them: %s",
		e->cgroup.unreachable);
	if (*e->cgroup.unreachable)
		strvec_push(out, text.data);
}

/* In Docker's words, where it has them. */
static void info_put(const struct engine *e, const struct info *info, struct buf *out)
{
	struct json_writer w = {.out = out};
	auto_strvec struct strvec warnings = STRVEC_INIT;
	warnings_list(e, &warnings);
	json_open_object(&w, NULL);
	json_put_u64(&w, "Containers", info->containers);
	json_put_u64(&w, "ContainersRunning", info->running);
	json_put_u64(&w, "ContainersPaused", 0);
	json_put_u64(&w, "ContainersStopped", info->containers - info->running);
	json_put_u64(&w, "Images", info->images);
	json_put_string(&w, "Driver", "overlay");
	json_put_string(&w, "CgroupDriver", "cgroupfs");
	json_put_string(&w, "CgroupVersion", e->cgroup.is_unified ? "2" : "1");
	json_put_string(&w, "CgroupControllers", e->cgroup.controllers);
	json_put_string(&w, "KernelVersion", info->host.release);
	json_put_string(&w, "OSType", "linux");
	json_put_string(&w, "Architecture", info->host.machine);
	json_put_i64(&w, "NCPU", sysconf(_SC_NPROCESSORS_ONLN));
	json_put_string(&w, "Name", info->host.nodename);
	json_put_string(&w, "DockerRootDir", e->root_path);
	json_put_string(&w, "StateDir", e->state_path);
	json_put_string(&w, "Instance", e->instance);
	json_put_string(&w, "ServerVersion", HUSK_VERSION);
	json_open_array(&w, "Warnings");
	for (size_t i = 0; i < warnings.count; i++)
		json_put_string(&w, NULL, warnings.items[i]);
	json_close_array(&w);
	json_close_object(&w);
}

static void info_print(const struct engine *e, const struct info *info)
{
	auto_strvec struct strvec warnings = STRVEC_INIT;
	warnings_list(e, &warnings);
	printf("Containers: %zu\n Running: %zu\n Stopped: %zu\nImages: %zu\n", info->containers,
		info->running, info->containers - info->running, info->images);
	printf("Server Version: %s\nStorage Driver: overlay\n", HUSK_VERSION);
	printf("Cgroup Driver: cgroupfs\nCgroup Version: %d\nCgroup Controllers: %s\n",
		e->cgroup.is_unified ? 2 : 1, e->cgroup.controllers);
	printf("Kernel Version: %s\nArchitecture: %s\n", info->host.release, info->host.machine);
	printf("Husk Root Dir: %s\nHusk State Dir: %s\nInstance: %s\n", e->root_path, e->state_path,
		e->instance);
	for (size_t i = 0; i < warnings.count; i++)
		printf("WARNING: %s\n", warnings.items[i]);
}

static int info_main(void *context, void *raw, int argc, char **argv)
{
	const struct cli_format_args *args = raw;
	auto_of(engine) struct engine e;
	auto_buf struct buf document = BUF_INIT;
	struct info info;
	int r = cli_engine_open(context, &e);
	if (r == 0)
		r = info_load(&e, &info);
	if (r < 0)
		return r;
	if (cli_format_is_none(args->format)) {
		info_print(&e, &info);
		return 0;
	}
	info_put(&e, &info, &document);
	return cli_print_document(args->format, &document);
}

const struct command cmd_info = {
	.name = "info",
	.summary = "show what this machine and this instance of husk have",
	.opts = cli_format_opts,
	.args_size = sizeof(struct cli_format_args),
	.run = info_main,
};

/* There is no server: both halves are this program. */
static int version_main(void *context, void *raw, int argc, char **argv)
{
	static const char *const halves[] = {"Client", "Server"};
	const struct cli_format_args *args = raw;
	auto_buf struct buf document = BUF_INIT;
	struct json_writer w = {.out = &document};
	struct utsname host;
	if (cli_format_is_none(args->format)) {
		printf("husk version %s\n", HUSK_VERSION);
		return 0;
	}
	uname(&host);
	json_open_object(&w, NULL);
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		json_open_object(&w, halves[i]);
		json_put_string(&w, "Version", HUSK_VERSION);
		json_put_string(&w, "Os", "linux");
		json_put_string(&w, "Arch", host.machine);
		json_put_string(&w, "KernelVersion", host.release);
		json_close_object(&w);
	}
	json_close_object(&w);
	return cli_print_document(args->format, &document);
}

const struct command cmd_version = {
	.name = "version",
	.summary = "show the version",
	.opts = cli_format_opts,
	.args_size = sizeof(struct cli_format_args),
	.run = version_main,
};
