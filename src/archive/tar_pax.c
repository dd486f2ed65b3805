/* SPDX-License-Identifier: Apache-2.0 */
/* pax records, "LENGTH KEY=VALUE\n": a table of the keys that husk uses. Of several records with
 * one key the last counts; an empty value counts as none. */
#include "archive/tar_fields.h"
#include "base/err.h"
#include "base/str.h"

#include <ctype.h>
#include <errno.h>

/* Pointers into the header, both NUL-terminated. What is kept is copied into the arena. */
struct record {
	const char *key;
	char *value;
	size_t size; /* of the value, which may have NULs */
	struct arena *a;
};

static int broken(const char *what)
{
	return err_say(-EBADMSG, "not a tar stream: a pax header has %s", what);
}

static int text_take(const struct record *r, const char **out)
{
	if (strlen(r->value) != r->size)
		return broken("a name with a NUL");
	*out = *r->value ? arena_strn(r->a, r->value, r->size) : NULL;
	return 0;
}

static int number_take(const struct record *r, uint64_t *out, bool *out_has)
{
	*out_has = r->size > 0;
	return r->size == 0 || (strlen(r->value) == r->size && parse_u64(r->value, out) == 0)
		? 0
		: broken("a number that is none");
}

static int owner_take(const struct record *r, int64_t *out, bool *out_has)
{
	*out_has = r->size > 0;
	return r->size == 0 || (strlen(r->value) == r->size && parse_i64(r->value, out) == 0)
		? 0
		: broken("an owner that is no number");
}

static int path_take(struct tar_pending *p, const struct record *r)
{
	return text_take(r, &p->path);
}

static int link_take(struct tar_pending *p, const struct record *r)
{
	return text_take(r, &p->link);
}

static int size_take(struct tar_pending *p, const struct record *r)
{
	return number_take(r, &p->size, &p->has_size);
}

static int uid_take(struct tar_pending *p, const struct record *r)
{
	return owner_take(r, &p->uid, &p->has_uid);
}

static int gid_take(struct tar_pending *p, const struct record *r)
{
	return owner_take(r, &p->gid, &p->has_gid);
}

/* An ACL as text, of tar --acls: "user::rw-,user:lisa:rw-,group::r--,mask::rw-,other::---". Its
 * names are those of another machine, so it is left out. The group bits of the mode were its mask;
 * without the ACL they must not give more than `group::` did. */
static int acl_take(struct tar_pending *p, const struct record *r)
{
	static const char letters[] = "rwx";
	const char *group = r->value;
	while (group && !str_prefix(group, "group::"))
		group = (group = strpbrk(group, ",\n")) ? group + 1 : NULL;
	p->has_group_mode = true;
	p->group_mode = 0;
	group = group ? group + strlen("group::") : "";
	for (unsigned i = 0; i < 3 && group[i]; i++)
		if (group[i] == letters[i])
			p->group_mode |= (mode_t)S_IRGRP >> i;
	return 0;
}

/* Digits after the ninth are dropped. */
static long fraction_read(const char *digits)
{
	long value = 0;
	for (int i = 0; i < 9; i++) {
		value = value * 10 + (*digits ? *digits - '0' : 0);
		digits += *digits != '\0';
	}
	return value;
}

/* "-1.5" is half a second before minus one. */
static int time_take(struct tar_pending *p, const struct record *r)
{
	int64_t seconds = 0;
	p->has_time = r->size > 0;
	if (!p->has_time)
		return 0;
	char *rest = r->value;
	bool has_nul = strlen(r->value) != r->size;
	const char *whole = str_cut(&rest, '.'), *fraction = rest ? rest : "";
	if (has_nul || parse_i64(whole, &seconds) < 0 || fraction[strspn(fraction, "0123456789")])
		return broken("a time that is none");
	long nanoseconds = fraction_read(fraction);
	bool is_before = *whole == '-' && nanoseconds;
	p->modified = (struct timespec){.tv_sec = seconds - is_before,
		.tv_nsec = is_before ? 1000000000 - nanoseconds : nanoseconds};
	return 0;
}

static int sparse_major(struct tar_pending *p, const struct record *r)
{
	p->sparse.has_version = true;
	return parse_u32(r->value, &p->sparse.major) < 0 ? broken("a version that is none") : 0;
}

static int sparse_minor(struct tar_pending *p, const struct record *r)
{
	return parse_u32(r->value, &p->sparse.minor) < 0 ? broken("a version that is none") : 0;
}

static int sparse_name(struct tar_pending *p, const struct record *r)
{
	return text_take(r, &p->sparse.name);
}

static int sparse_size(struct tar_pending *p, const struct record *r)
{
	return number_take(r, &p->sparse.size, &p->sparse.has_size);
}

static int region_push(struct tar_pending *p, struct arena *a, uint64_t offset)
{
	if (p->sparse.map.count == TAR_REGIONS_MAX)
		return err_say(-E2BIG, "a file has more than %d regions", TAR_REGIONS_MAX);
	*arena_push(a, &p->sparse.map) = (struct tar_region){.offset = offset};
	return 0;
}

/* 0.0: a record for each number. */
static int sparse_offset(struct tar_pending *p, const struct record *r)
{
	uint64_t offset;
	if (p->sparse.has_offset || parse_u64(r->value, &offset) < 0)
		return broken("a map of a sparse file that is none");
	p->sparse.has_map = p->sparse.has_offset = true;
	return region_push(p, r->a, offset);
}

static int sparse_length(struct tar_pending *p, const struct record *r)
{
	uint64_t length;
	if (!p->sparse.has_offset || parse_u64(r->value, &length) < 0)
		return broken("a map of a sparse file that is none");
	p->sparse.has_offset = false;
	p->sparse.map.items[p->sparse.map.count - 1].length = length;
	return 0;
}

/* 0.1: all numbers in one record, "OFFSET,LENGTH,...". */
static int sparse_map(struct tar_pending *p, const struct record *r)
{
	char *rest = r->value;
	p->sparse.map.items = NULL;
	p->sparse.map.count = 0;
	p->sparse.has_map = true;
	for (char *word = *rest ? str_cut(&rest, ',') : NULL; word; word = str_cut(&rest, ',')) {
		const char *length = rest ? str_cut(&rest, ',') : "";
		uint64_t offset, size;
		if (parse_u64(word, &offset) < 0 || parse_u64(length, &size) < 0)
			return broken("a map of a sparse file that is none");
		int result = region_push(p, r->a, offset);
		if (result < 0)
			return result;
		p->sparse.map.items[p->sparse.map.count - 1].length = size;
	}
	return 0;
}

static const struct {
	const char *key;
	int (*take)(struct tar_pending *p, const struct record *r);
} keys[] = {
	{"path", path_take},
	{"linkpath", link_take},
	{"size", size_take},
	{"uid", uid_take},
	{"gid", gid_take},
	{"mtime", time_take},
	{"SCHILY.acl.access", acl_take},
	{"GNU.sparse.major", sparse_major},
	{"GNU.sparse.minor", sparse_minor},
	{"GNU.sparse.name", sparse_name},
	{"GNU.sparse.size", sparse_size},
	{"GNU.sparse.realsize", sparse_size},
	{"GNU.sparse.offset", sparse_offset},
	{"GNU.sparse.numbytes", sparse_length},
	{"GNU.sparse.map", sparse_map},
};

static int record_take(struct tar_pending *p, const struct record *r)
{
	const char *name = str_after(r->key, "SCHILY.xattr.");
	if (name && *name)
		*arena_push(r->a, &p->xattrs) = (struct tar_xattr){
			arena_str(r->a, name), arena_strn(r->a, r->value, r->size), r->size};
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (str_eq(keys[i].key, r->key))
			return keys[i].take(p, r);
	return 0;
}

/* The length includes itself, the blank and the newline. 0: there is no length that fits. */
static size_t length_read(const char *text, size_t len, size_t *out_digits)
{
	size_t value = 0, i = 0;
	for (; i < len && isdigit((unsigned char)text[i]) && value <= len; i++)
		value = value * 10 + (size_t)(text[i] - '0');
	*out_digits = i;
	return i > 0 && i < len && text[i] == ' ' && value <= len && value > i + 1 ? value : 0;
}

int tar_pax_read(char *text, size_t len, struct arena *a, struct tar_pending *out)
{
	while (len > 0) {
		size_t digits, size = length_read(text, len, &digits);
		if (size == 0 || text[size - 1] != '\n')
			return broken("a record without its length");
		const char *key = text + digits + 1;
		char *end = text + size - 1;
		char *equals = memchr(key, '=', (size_t)(end - key));
		if (!equals || equals == key)
			return broken("a record without a key");
		*equals = *end = '\0';
		const struct record r = {.key = key,
			.value = equals + 1,
			.size = (size_t)(end - equals - 1),
			.a = a};
		int result = record_take(out, &r);
		if (result < 0)
			return result;
		text += size;
		len -= size;
	}
	return 0;
}

int tar_map_number(const char *text, size_t len, size_t *at, uint64_t *out)
{
	const char *end = memchr(text + *at, '\n', len - *at);
	char digits[24];
	if (!end)
		return len - *at >= sizeof(digits) ? broken("a map of a sparse file that is none")
						   : 0;
	if (fmt(digits, "%.*s", (int)(end - text - (ptrdiff_t)*at), text + *at) < 0 ||
		parse_u64(digits, out) < 0)
		return broken("a map of a sparse file that is none");
	*at = (size_t)(end + 1 - text);
	return 1;
}

int tar_regions_check(const struct tar_entry *e, uint64_t stored)
{
	uint64_t end = 0, sum = 0;
	for (size_t i = 0; i < e->regions.count; i++) {
		const struct tar_region *region = &e->regions.items[i];
		if (region->offset < end || region->offset > e->size ||
			region->length > e->size - region->offset)
			return broken("a map of a sparse file that is out of order");
		end = region->offset + region->length;
		sum += region->length;
	}
	return sum == stored ? 0 : broken("a map of a sparse file that is not its content's");
}
