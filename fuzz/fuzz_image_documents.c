/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts from an image's maker: references, names of reference files, and configurations, as one
 * text.
 */
#include "heap.h"
#include "image/internal.h"

#include <string.h>

static void reference_check(const char *text)
{
	auto_of(arena) struct arena a = ARENA_INIT;
	auto_of(buf) struct buf first = BUF_INIT, second = BUF_INIT, file = BUF_INIT,
				back = BUF_INIT;
	struct image_reference r, again;
	if (reference_parse(text, &a, &r) < 0)
		return;
	reference_write(&r, &first);
	if (reference_parse(first.data, &a, &again) < 0)
		BUG("a canonical reference is refused: %s", first.data);
	reference_write(&again, &second);
	if (strcmp(first.data, second.data) != 0)
		BUG("%s and %s", first.data, second.data);
	if (reference_file(&r, &file) < 0)
		return;
	if (strchr(file.data, '/') || file.data[0] == '.')
		BUG("a reference becomes the file %s", file.data);
	if (reference_of_file(file.data, &back) < 0 || strcmp(back.data, first.data) != 0)
		BUG("the file %s becomes %s", file.data, back.data);
}

static void documents_check(const uint8_t *data, size_t size)
{
	auto_of(arena) struct arena a = ARENA_INIT;
	auto_of(buf) struct buf text = BUF_INIT, name = BUF_INIT;
	struct config_facts facts;
	buf_add(&text, data, size);
	reference_check(text.data);
	reference_of_file(text.data, &name);
	if (config_parse(text.data, text.len, &a, &facts) < 0)
		return;
	for (size_t i = 0; i < facts.config.env.count; i++)
		if (!strchr(facts.config.env.items[i], '='))
			BUG("env %s", facts.config.env.items[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_in_heap(documents_check, data, size);
	return 0;
}
