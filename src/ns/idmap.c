/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id maps as text and as lists: parsing, and the words auto, subids and all.
 */
#include "ns/internal.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/file.h"
#include "sys/user.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { ID_FILE_MAX = 1 << 20 };

static int parse_three(char *text, char separator, uint32_t out[static 3])
{
	char *rest = text;
	for (int i = 0; i < 3; i++) {
		const char *word = str_cut(&rest, separator);
		int r = word ? parse_u32(word, &out[i]) : -EINVAL;
		if (r < 0)
			return r;
	}
	return rest ? -EINVAL : 0;
}

/* "INNER:OUTER:COUNT" or, as in older unshare(1), "OUTER,INNER,COUNT". */
static int ns_idmap_parse(const char *text, struct ns_idmap *out)
{
	char copy[64];
	uint32_t n[3];
	int r = fmt(copy, "%s", text) < 0 ? -EINVAL : 0;
	bool is_old = strchr(text, ',') != NULL;
	if (r == 0)
		r = parse_three(copy, is_old ? ',' : ':', n);
	if (r == -ERANGE)
		return err_say(-EINVAL, "id map \"%s\": a number is larger than 4294967295", text);
	if (r < 0)
		return err_say(-EINVAL,
			"id map \"%s\": expected INNER:OUTER:COUNT, as 0:100000:65536", text);
	*out = is_old ? (struct ns_idmap){n[1], n[0], n[2]} : (struct ns_idmap){n[0], n[1], n[2]};
	return 0;
}

/* "name:first:count" or "uid:first:count". */
static bool subid_line(
	char *line, const char *user, uid_t uid, uint32_t *out_first, uint32_t *out_count)
{
	uint32_t number;
	const char *name = str_cut(&line, ':');
	const char *first = str_cut(&line, ':');
	if (!name || !first || !line)
		return false;
	bool is_user = (user && str_eq(name, user)) ||
		(parse_u32(name, &number) == 0 && number == uid);
	return is_user && parse_u32(first, out_first) == 0 && parse_u32(line, out_count) == 0 &&
		*out_count > 0;
}

/* Adds each range of `user` (name or number) in /etc/subuid or /etc/subgid, mapped to itself or one
 * after another from 0 on. -ENOENT when there is none. */
static int add_ranges(struct arena *a, const char *path, const char *user, uid_t uid,
	bool is_identity, struct ns_idmap_list *list)
{
	auto_buf struct buf text = BUF_INIT;
	int r = file_read(path, ID_FILE_MAX, &text);
	if (r < 0 && r != -ENOENT)
		return err_new(r, "read %s", path);
	uint32_t first, count;
	uint64_t sum = 0;
	char *rest = text.data;
	for (char *line = str_cut(&rest, '\n'); line; line = str_cut(&rest, '\n')) {
		if (!subid_line(line, user, uid, &first, &count))
			continue;
		*arena_push(a, list) = (struct ns_idmap){
			is_identity ? first : (uint32_t)sum, first, count, !is_identity};
		sum += count;
		if (sum > UINT32_MAX)
			return err_say(-ERANGE, "%s: the ranges of uid %u are more than all ids",
				path, uid);
	}
	if (sum > 0)
		return 0;
	return err_say(-ENOENT,
		"no range for %s (uid %u) in %s: an administrator can add one with usermod "
		"--add-subuids "
		"and --add-subgids",
		user ? user : "this user", uid, path);
}

static int add_subids(
	struct arena *a, const char *which, bool is_identity, struct ns_idmap_list *list)
{
	char path[16];
	fmt(path, "/etc/sub%s", which);
	struct user_entry user;
	bool has_name = user_find_id(geteuid(), &user) == 0;
	return add_ranges(a, path, has_name ? user.name : NULL, geteuid(), is_identity, list);
}

int ns_idmap_read(struct arena *a, pid_t pid, const char *which, struct ns_idmap_list *list)
{
	char path[32];
	auto_buf struct buf text = BUF_INIT;
	fmt(path, "/proc/%d/%s_map", pid, which);
	int r = file_read_at(AT_FDCWD, path, ID_FILE_MAX, &text);
	if (r < 0)
		return err_new(r, "read %s", path);
	char *rest = text.data;
	for (char *line = str_cut(&rest, '\n'); line && *line; line = str_cut(&rest, '\n')) {
		uint32_t numbers[3];
		size_t found = 0;
		for (char *word = str_cut(&line, ' '); word && found < 3;
			word = str_cut(&line, ' ')) {
			if (*word && parse_u32(word, &numbers[found++]) < 0)
				return err_say(-EPROTO, "%s is not a map", path);
		}
		if (found == 3)
			*arena_push(a, list) = (struct ns_idmap){
				numbers[0], numbers[1], numbers[2]};
	}
	return 0;
}

/* Adds every line of the caller's own map, mapped to itself. */
static int add_all(struct arena *a, const char *which, struct ns_idmap_list *list)
{
	size_t before = list->count;
	int r = ns_idmap_read(a, getpid(), which, list);
	for (size_t i = before; i < list->count; i++)
		list->items[i].outer = list->items[i].inner;
	return r;
}

int ns_idmap_add(struct arena *a, const char *word, const char *which, struct ns_idmap_list *list)
{
	if (str_eq(word, "auto") || str_eq(word, "subids"))
		return add_subids(a, which, str_eq(word, "subids"), list);
	if (str_eq(word, "all"))
		return add_all(a, which, list);
	struct ns_idmap map;
	int r = ns_idmap_parse(word, &map);
	if (r == 0)
		*arena_push(a, list) = map;
	return r;
}

static uint32_t offset_in(uint32_t id, uint32_t first, uint32_t count)
{
	uint32_t offset = id > first ? id - first : 0;
	return offset < count ? offset : count;
}

static void add_range(
	struct arena *a, struct ns_idmap_list *list, uint32_t inner, uint32_t outer, uint32_t count)
{
	if (count > 0)
		*arena_push(a, list) = (struct ns_idmap){inner, outer, count};
}

/* Takes an id out of a range on both sides (inside and outside). Up to three parts stay: before the
 * first of both places, between them, and after the second. */
static void add_cut(struct arena *a, struct ns_idmap_list *list, struct ns_idmap m, uint32_t inner,
	uint32_t outer)
{
	bool holds_inner = inner >= m.inner && inner - m.inner < m.count;
	bool holds_outer = outer >= m.outer && outer - m.outer < m.count;
	if (!holds_inner && !holds_outer) {
		add_range(a, list, m.inner, m.outer, m.count);
		return;
	}
	uint32_t total = m.count - 1;
	uint32_t at_inner = holds_inner ? offset_in(inner, m.inner, total) : total;
	uint32_t at_outer = holds_outer ? offset_in(outer, m.outer, total) : total;
	uint32_t near = at_inner < at_outer ? at_inner : at_outer;
	uint32_t far = at_inner < at_outer ? at_outer : at_inner;
	add_range(a, list, m.inner, m.outer, near);
	m.inner += near + (holds_inner && at_inner == near);
	m.outer += near + (holds_outer && at_outer == near);
	add_range(a, list, m.inner, m.outer, far - near);
	m.inner += far - near;
	m.outer += far - near;
	m.inner += holds_inner && at_inner == far && far != near;
	m.outer += holds_outer && at_outer == far && far != near;
	add_range(a, list, m.inner, m.outer, total - far);
}

/* Adds a range whose ids inside begin at *next and leave out `inner`. */
static void add_around(struct arena *a, struct ns_idmap_list *list, uint32_t *next, uint32_t inner,
	uint32_t outer, uint32_t count)
{
	*next += *next == inner;
	uint32_t before = inner > *next && inner - *next < count ? inner - *next : count;
	add_range(a, list, *next, outer, before);
	*next += before;
	if (before == count)
		return;
	++*next;
	add_range(a, list, *next, outer + before, count - before);
	*next += count - before;
}

/* Adds a range of "auto", whose ids inside no one chose: those after the new id move up, and none
 * is lost. */
static void add_shifted(struct arena *a, struct ns_idmap_list *list, struct ns_idmap m,
	uint32_t *next, uint32_t inner, uint32_t outer)
{
	bool holds_outer = outer >= m.outer && outer - m.outer < m.count;
	uint32_t before = holds_outer ? outer - m.outer : m.count;
	add_around(a, list, next, inner, m.outer, before);
	if (holds_outer)
		add_around(a, list, next, inner, outer + 1, m.count - before - 1);
}

void ns_idmap_add_one(struct arena *a, struct ns_idmap_list *list, uint32_t inner, uint32_t outer)
{
	struct ns_idmap_list cut = {0};
	uint32_t next = 0;
	*arena_push(a, &cut) = (struct ns_idmap){inner, outer, 1};
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].can_move)
			add_shifted(a, &cut, list->items[i], &next, inner, outer);
		else
			add_cut(a, &cut, list->items[i], inner, outer);
	}
	*list = cut;
}
