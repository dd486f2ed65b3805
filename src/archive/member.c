/* SPDX-License-Identifier: Apache-2.0 */
/* Checks what a tar header says: names are cleaned, numbers must be in range. */
#include "archive/internal.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <sys/sysmacros.h>

/* The message has the name escaped. */
static int refuse(int code, const char *name, const char *why)
{
	auto_buf struct buf shown = BUF_INIT;
	buf_add_escaped(&shown, name);
	return err_say(code, "member %.200s: %s", shown.data, why);
}

/* `/a//./b/` becomes a/b; an honest layer has no `..`. */
static int path_take(const char *raw, char out[static ARCHIVE_NAME_MAX + 1])
{
	size_t len = 0;
	if (strlen(raw) > ARCHIVE_NAME_MAX)
		return refuse(-EINVAL, raw, "the name is longer than 4096 bytes");
	for (const char *at = raw; *at;) {
		at += strspn(at, "/");
		size_t part = strcspn(at, "/");
		if (part == 2 && at[0] == '.' && at[1] == '.')
			return refuse(-EINVAL, raw, "the name has a component `..`");
		if (part > 0 && !(part == 1 && at[0] == '.')) {
			if (len > 0)
				out[len++] = '/';
			memcpy(out + len, at, part);
			len += part;
		}
		at += part;
	}
	out[len] = '\0';
	return 0;
}

static int name_take(const struct tar_entry *entry, struct member *out)
{
	if (!*entry->path)
		return err_say(-EINVAL, "a member has no name");
	int r = path_take(entry->path, out->path);
	out->is_hard_link = entry->type == '1';
	return r < 0 || !out->is_hard_link ? r : path_take(entry->link, out->link_path);
}

static int numbers_take(const struct tar_entry *entry, uint64_t bytes_max, struct member *out)
{
	if (entry->uid < 0 || entry->uid >= UINT32_MAX || entry->gid < 0 ||
		entry->gid >= UINT32_MAX)
		return refuse(-EINVAL, out->path, "the owner is not a number from 0 to 4294967294");
	if (entry->size > bytes_max)
		return refuse(-EFBIG, out->path, "it is too large");
	out->uid = (uid_t)entry->uid;
	out->gid = (gid_t)entry->gid;
	out->size_bytes = entry->size;
	out->mode = entry->mode;
	out->modified = entry->modified;
	return 0;
}

static int type_take(const struct tar_entry *entry, struct member *out)
{
	static const struct {
		char type;
		mode_t mode;
	} types[] = {{'0', S_IFREG}, {'1', 0}, {'2', S_IFLNK}, {'3', S_IFCHR}, {'4', S_IFBLK},
		{'5', S_IFDIR}, {'6', S_IFIFO}};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == entry->type) {
			out->type = types[i].mode;
			return 0;
		}
	return refuse(-EINVAL, out->path, "a kind of member that is not known");
}

int member_read(const struct tar_entry *entry, uint64_t bytes_max, struct member *out)
{
	out->entry = entry;
	int r = name_take(entry, out);
	if (r == 0)
		r = numbers_take(entry, bytes_max, out);
	if (r == 0)
		r = type_take(entry, out);
	if (r < 0)
		return r;
	out->symlink = out->type == S_IFLNK ? entry->link : NULL;
	out->device = 0;
	if (out->symlink && !*out->symlink)
		return refuse(-EINVAL, out->path, "a symlink without a target");
	if (out->type == S_IFCHR || out->type == S_IFBLK) {
		out->device = makedev(entry->major, entry->minor);
		if (out->device == 0)
			return refuse(-EINVAL, out->path,
				"device 0:0 is how overlayfs writes a deletion");
	}
	if (!out->path[0] && out->type != S_IFDIR)
		return refuse(-EINVAL, "/", "the root is not a directory");
	return 0;
}
