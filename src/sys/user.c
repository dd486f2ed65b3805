/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of /etc/passwd and /etc/group begin with the same fields: name, password, number.
 * getent prints the same lines.
 */
#include "sys/user.h"

#include "base/buf.h"
#include "base/str.h"
#include "sys/file.h"
#include "sys/process.h"

#include <errno.h>

enum { DATABASE_MAX = 4 << 20 };

static int line_parse(char *line, struct user_entry *out)
{
	const char *name = str_cut(&line, ':');
	const char *password = line ? str_cut(&line, ':') : NULL;
	const char *number = line ? str_cut(&line, ':') : NULL;
	if (!name || !*name || !password || !number || parse_u32(number, &out->id) < 0)
		return -EINVAL;
	return fmt(out->name, "%s", name) < 0 ? -EINVAL : 0;
}

static int text_find(char *text, const char *key, struct user_entry *out)
{
	uint32_t id;
	bool is_number = parse_u32(key, &id) == 0;
	char *rest = text;
	for (char *line = str_cut(&rest, '\n'); line; line = str_cut(&rest, '\n')) {
		struct user_entry entry;
		if (line_parse(line, &entry) < 0 ||
			!(is_number ? entry.id == id : str_eq(entry.name, key)))
			continue;
		*out = entry;
		return 0;
	}
	return -ENOENT;
}

static int find(const char *database, const char *key, struct user_entry *out)
{
	char path[32];
	auto_buf struct buf text = BUF_INIT;
	fmt(path, "/etc/%s", database);
	int r = file_read(path, DATABASE_MAX, &text);
	if (r >= 0)
		r = text_find(text.data, key, out);
	if (r >= 0)
		return r;

	const char *const argv[] = {"/usr/bin/getent", database, key, NULL};
	buf_clear(&text);
	r = process_run(argv, &text);
	return r == 0 ? text_find(text.data, key, out) : -ENOENT;
}

int user_find(const char *key, struct user_entry *out)
{
	return find("passwd", key, out);
}

int user_group_find(const char *key, struct user_entry *out)
{
	return find("group", key, out);
}

int user_find_id(uint32_t uid, struct user_entry *out)
{
	char key[16];
	fmt(key, "%u", uid);
	return user_find(key, out);
}
