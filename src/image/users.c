/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolves the user of an image. The image is hostile: its passwd may be a fifo, a device, a link
 * or gigabytes long, and its entries may name numbers (SECURITY.md, rules 3, 8 and 9).
 */
#include "image/image.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>

enum { DATABASE_BYTES_MAX = 10 << 20, GROUPS_MAX = 1000 };

/* A missing file counts as an empty one: many images have neither passwd nor group. */
static int database_read(int root_fd, const char *path, struct buf *out)
{
	auto_close int found = path_open(root_fd, path, O_PATH, 0);
	if (found == -ENOENT || found == -ENOTDIR)
		return 0;
	if (found < 0)
		return err_new(found, "open %s of the image", path);
	struct stat st;
	int r = sys_stat_fd(found, &st);
	if (r < 0)
		return err_new(r, "stat %s of the image", path);
	if (!S_ISREG(st.st_mode))
		return err_say(-EINVAL, "%s of the image is not a regular file", path);
	/* Opened only when it is known to be a regular file: opening a device can have side
	 * effects. */
	auto_close int fd = sys_open_at(
		AT_FDCWD, PROC_FD_PATH(found), O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return err_new(fd, "open %s of the image", path);
	r = fd_read_all(fd, DATABASE_BYTES_MAX, out);
	return r < 0 ? err_new(r, "read %s of the image", path) : 0;
}

enum { ENTRY_FIELDS_MAX = 7 };

/* The next line of a database, split at its colons. Lines with fewer than `needed` fields are
 * skipped. */
static bool entry_next(char **rest, char *fields[static ENTRY_FIELDS_MAX], size_t needed)
{
	char *line;
	while ((line = str_cut(rest, '\n'))) {
		size_t count = 0;
		char *at = line;
		while (count < ENTRY_FIELDS_MAX && (fields[count] = str_cut(&at, ':')))
			count++;
		if (count >= needed && fields[0][0] != '\0')
			return true;
	}
	return false;
}

static bool is_digits(const char *s)
{
	return *s != '\0' && s[strspn(s, "0123456789")] == '\0';
}

/* A word that could be taken for a number is not a name: an image may have an entry "-1" or "0x0"
 * for uid 0. */
static bool is_name(const char *s)
{
	if (*s == '\0' || strchr("0123456789+-", *s))
		return false;
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f)
			return false;
	return true;
}

/* passwd: name:password:uid:gid:gecos:home:shell */
static int user_find(
	const struct buf *passwd, const char *word, struct arena *a, struct image_user *out)
{
	uint32_t uid = 0;
	bool is_number = is_digits(word);
	if (is_number && parse_id(word, &uid) < 0)
		return err_say(-EINVAL, "user %s: not a number from 0 to 4294967294", word);
	if (!is_number && !is_name(word))
		return err_say(-EINVAL, "user %s: neither a number nor a name", word);

	auto_free char *copy = mem_strdup(passwd->data);
	char *rest = copy;
	char *fields[ENTRY_FIELDS_MAX];
	while (entry_next(&rest, fields, 6)) {
		uint32_t entry_uid, entry_gid;
		if (parse_id(fields[2], &entry_uid) < 0 || parse_id(fields[3], &entry_gid) < 0)
			continue;
		if (is_number ? entry_uid != uid : !str_eq(fields[0], word))
			continue;
		out->uid = entry_uid;
		out->gid = entry_gid;
		out->name = arena_str(a, fields[0]);
		out->home = fields[5][0] == '/' ? arena_str(a, fields[5]) : "/";
		return 0;
	}
	if (!is_number)
		return err_say(-ENOENT,
			"unable to find user %s: no matching entries in passwd file", word);
	out->uid = uid;
	return 0;
}

/* group: name:password:gid:members */
static int group_find(const struct buf *group, const char *word, uint32_t *out_gid)
{
	if (is_digits(word)) {
		int r = parse_id(word, out_gid);
		return r < 0 ? err_say(-EINVAL, "group %s: not a number from 0 to 4294967294", word)
			     : 0;
	}
	if (!is_name(word))
		return err_say(-EINVAL, "group %s: neither a number nor a name", word);
	auto_free char *copy = mem_strdup(group->data);
	char *rest = copy;
	char *fields[ENTRY_FIELDS_MAX];
	while (entry_next(&rest, fields, 3))
		if (str_eq(fields[0], word) && parse_id(fields[2], out_gid) == 0)
			return 0;
	return err_say(-ENOENT, "unable to find group %s: no matching entries in group file", word);
}

static bool has_member(const char *members, const char *name)
{
	size_t len = strlen(name);
	while (*members != '\0') {
		size_t word = strcspn(members, ",");
		if (word == len && strncmp(members, name, len) == 0)
			return true;
		members += word + (members[word] == ',');
	}
	return false;
}

static int memberships(const struct buf *group, struct arena *a, struct image_user *out)
{
	auto_free char *copy = mem_strdup(group->data);
	char *rest = copy;
	char *fields[ENTRY_FIELDS_MAX];
	out->groups = arena_new_array(a, uint32_t, GROUPS_MAX);
	while (entry_next(&rest, fields, 4)) {
		uint32_t gid;
		if (!has_member(fields[3], out->name) || parse_id(fields[2], &gid) < 0 ||
			gid == out->gid)
			continue;
		if (out->group_count == GROUPS_MAX)
			return err_say(
				-E2BIG, "user %s is in more than %d groups", out->name, GROUPS_MAX);
		out->groups[out->group_count++] = gid;
	}
	return 0;
}

int image_user_resolve(int root_fd, const char *spec, struct arena *a, struct image_user *out)
{
	auto_buf struct buf passwd = BUF_INIT, group = BUF_INIT;
	auto_free char *copy = mem_strdup(spec);
	char *group_word = copy;
	const char *user_word = str_cut(&group_word, ':');
	struct image_user user = {.home = "/"};

	int r = database_read(root_fd, "etc/passwd", &passwd);
	if (r == 0)
		r = database_read(root_fd, "etc/group", &group);
	if (r == 0)
		r = user_find(&passwd, user_word[0] ? user_word : "0", a, &user);
	if (r < 0)
		return r;
	/* An explicit group replaces all memberships. */
	if (group_word && group_word[0] != '\0')
		r = group_find(&group, group_word, &user.gid);
	else if (user.name)
		r = memberships(&group, a, &user);
	if (r < 0)
		return r;
	*out = user;
	return 0;
}
