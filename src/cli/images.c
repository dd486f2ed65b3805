/* SPDX-License-Identifier: Apache-2.0 */
/* `husk images`. */
#include "cli/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "image/image.h"
#include "sys/process.h"

#include <time.h>

struct images_args {
	struct cli_list_args list;
};

static const struct opt images_opts[] = {
	CLI_LIST_FORMAT(struct images_args, list),
	CLI_LIST_WHOLE(struct images_args, list),
	CLI_LIST_QUIET(struct images_args, list, "ids only"),
	OPT_END,
};

/* A row shows an image under one of its names. */
struct images_row {
	const struct image *image;
	const char *reference; /* or NULL */
};
struct images {
	struct images_row *items;
	size_t count;
	bool is_whole;
};

/* An image has a row for each name with a tag; if there is none, for each name with a digest; if
 * there is none either, one row. */
static const struct str_list *row_names(const struct image *image)
{
	return image->references.count ? &image->references : &image->digests;
}

static void rows_add(const struct image *image, bool is_quiet, struct arena *a, struct images *out)
{
	const struct str_list *names = row_names(image);
	size_t count = is_quiet || names->count == 0 ? 1 : names->count;
	for (size_t i = 0; i < count; i++)
		*arena_push(a, out) = (struct images_row){
			image, names->count ? names->items[i] : NULL};
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

enum { CREATED_AT, CREATED_SINCE, DIGEST, ID, REPOSITORY, SIZE, TAG };
static const struct cli_column columns[] = {
	[CREATED_AT] = {"CreatedAt", "CREATED AT", 0},
	[CREATED_SINCE] = {"CreatedSince", "CREATED", 4},
	[DIGEST] = {"Digest", "DIGEST", 0},
	[ID] = {"ID", "IMAGE ID", 3},
	[REPOSITORY] = {"Repository", "REPOSITORY", 1},
	[SIZE] = {"Size", "SIZE", 5},
	[TAG] = {"Tag", "TAG", 2},
};

static int row_fill(void *context, size_t row, uint64_t wanted, struct buf *cells)
{
	const struct images *images = context;
	const struct image *image = images->items[row].image;
	const char *id = str_after(image->id, "sha256:");
	time_t seconds = (time_t)(image->created_ns / 1000000000u);
	uint64_t now = clock_real_ns();
	char ago[32], size[16], created[40];
	struct tm tm;
	gmtime_r(&seconds, &tm);
	strftime(created, sizeof(created), "%Y-%m-%d %H:%M:%S +0000 UTC", &tm);
	format_ago(ago, now > image->created_ns ? (now - image->created_ns) / 1000000000u : 0);
	format_size_decimal(size, image->size_bytes);
	buf_adds(&cells[CREATED_AT], created);
	buf_addf(&cells[CREATED_SINCE], image->created_ns ? "%s ago" : "N/A",
		ago); /* some have no date */
	buf_adds(&cells[DIGEST], image->digest);
	buf_addf(&cells[ID], "%.*s", images->is_whole ? 64 : 12, id ? id : image->id);
	buf_adds(&cells[SIZE], size);
	reference_split(images->items[row].reference, &cells[REPOSITORY], &cells[TAG]);
	return 0;
}

static int images_main(void *context, void *raw, int argc, char **argv)
{
	const struct images_args *args = raw;
	auto_of(engine) struct engine e;
	auto_arena struct arena a = ARENA_INIT;
	struct image_list found;
	struct images images = {.is_whole = args->list.is_whole};
	int r = cli_engine_open(context, &e);
	if (r == 0)
		r = image_list(e.root_fd, &a, &found);
	for (size_t i = 0; r == 0 && i < found.count; i++)
		if (!found.items[i].is_double)
			rows_add(&found.items[i], args->list.is_quiet, &a, &images);
	const struct cli_list list = {
		columns, sizeof(columns) / sizeof(columns[0]), ID, images.count, row_fill, &images};
	return r < 0 ? r : cli_list_print(&list, &args->list);
}

const struct command cmd_images = {
	.name = "images",
	.summary = "list images",
	.opts = images_opts,
	.args_size = sizeof(struct images_args),
	.run = images_main,
};
