/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Create bodies of others and of records: an accepted body that is written is accepted again, with
 * the same content.
 */
#include "records/record.c"

#include "fuzz.h"

static int take(const char *text, size_t size, enum settings_document document, struct arena *a,
	struct container *out, struct strvec *unknown)
{
	auto_of(json) struct json *j = NULL;
	*out = (struct container){0};
	int r = json_parse("body", text, size, &j);
	if (r < 0)
		return r;
	struct json_cursor root = json_root(j);
	r = settings_take(&root, document, a, out, unknown);
	if (r < 0 && err_code() != r)
		BUG("%d without a sentence", r);
	return r;
}

static void document_check(const uint8_t *data, size_t size, enum settings_document document)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_strvec struct strvec unknown = STRVEC_INIT;
	auto_buf struct buf once = BUF_INIT, twice = BUF_INIT, shown = BUF_INIT;
	struct container c, again;
	if (take((const char *)data, size, document, &a, &c, &unknown) < 0)
		return;
	for (size_t i = 0; i < c.mounts.count; i++)
		if (c.mounts.items[i].is_anonymous)
			c.mounts.items[i].volume = "made";
	record_write(&c, &once);
	if (take(once.data, once.len, SETTINGS_RECORD, &a, &again, NULL) < 0)
		BUG("%s: %s", once.data, err_text());
	record_write(&again, &twice);
	if (!str_eq(once.data, twice.data))
		BUG("%s became %s", once.data, twice.data);
	struct json_writer w = {.out = &shown};
	json_open_object(&w, NULL);
	settings_put(&w, SETTING_HOST_CONFIG, SETTINGS_BODY, &c);
	json_close_object(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	document_check(data, size, SETTINGS_BODY);
	document_check(data, size, SETTINGS_CHANGE);
	document_check(data, size, SETTINGS_RECORD);
	return 0;
}
