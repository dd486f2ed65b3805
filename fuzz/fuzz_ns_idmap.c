/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id maps, one word a line: ranges are collected, "+INNER:OUTER:1" adds a single id, and another
 * line with colons is one of /etc/subuid. A map that follows the rules must still follow them after
 * ids were added.
 */
#include "ns/idmap.c"

#include "fuzz.h"

/* The check is quadratic, and meant for maps that the kernel would accept. */
enum { LINES_MAX = 64 };

static bool is_right(const struct ns_idmap_list *list)
{
	return list->count == 0 || ns_idmap_check(list->items, list->count, "uid") == 0;
}

static uint64_t ids_of(const struct ns_idmap_list *list)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < list->count; i++)
		sum += list->items[i].count;
	return sum;
}

static void one_add(struct arena *a, const struct ns_idmap *one, struct ns_idmap_list *list)
{
	bool was_right = is_right(list);
	uint64_t before = ids_of(list);
	if (one->inner == UINT32_MAX || one->outer == UINT32_MAX)
		return;
	ns_idmap_add_one(a, list, one->inner, one->outer);
	if (was_right && !is_right(list))
		BUG("%u:%u broke a map: %s", one->inner, one->outer, err_text());
	/* An added id brings one id. It may replace one id on each side, of two lines or of one. */
	if (was_right && (ids_of(list) > before + 1 || ids_of(list) + 1 < before))
		BUG("%llu ids became %llu", (unsigned long long)before,
			(unsigned long long)ids_of(list));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_buf struct buf text = BUF_INIT;
	struct ns_idmap_list list = {0};
	struct ns_idmap map;
	uint32_t first, count;
	buf_add(&text, data, size);
	char *rest = text.data;
	for (char *line = str_cut(&rest, '\n'); line; line = str_cut(&rest, '\n')) {
		bool is_one = *line == '+';
		int r = ns_idmap_parse(line + is_one, &map);
		if (r < 0 && (r != -EINVAL || err_code() != r))
			BUG("refused with %d: %s", r, err_text());
		if (r == 0 && is_one)
			one_add(&a, &map, &list);
		else if (r == 0 && list.count < LINES_MAX)
			*arena_push(&a, &list) = map;
		else if (r < 0 && subid_line(line, "root", 0, &first, &count) && count == 0)
			BUG("an empty range of subordinate ids");
	}
	is_right(&list);
	return 0;
}
