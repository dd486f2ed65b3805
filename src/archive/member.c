/* SPDX-License-Identifier: Apache-2.0 */
/* What a tar header says, taken over only as far as it can be meant: names cleaned, numbers in range. */
#include "archive/internal.h"
#include "base/err.h"
#include "base/str.h"

#include <archive_entry.h>
#include <errno.h>
#include <sys/sysmacros.h>

/* As escaped text for a sentence. */
static int refuse(int code, const char *name, const char *why)
{
	auto_buf struct buf shown = BUF_INIT;
	buf_add_escaped(&shown, name);
	return err_say(code, "member %.200s of a layer: %s", shown.data, why);
}

/* `/a//./b/` is a/b; there is no honest `..` in a layer. */
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

static int name_take(struct archive_entry *entry, struct member *out)
{
	const char *name = archive_entry_pathname(entry);
	if (!name)
		return err_say(-EILSEQ, "a member of a layer has a name that is not valid UTF-8");
	if (!*name)
		return err_say(-EINVAL, "a member of a layer has no name");
	int r = path_take(name, out->path);
	if (r < 0)
		return r;
	const char *link = archive_entry_hardlink(entry);
	out->is_hard_link = link != NULL;
	return link ? path_take(link, out->link_path) : 0;
}

static int numbers_take(struct archive_entry *entry, uint64_t bytes_max, struct member *out)
{
	la_int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
	la_int64_t size = archive_entry_size(entry);
	if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
		return refuse(-EINVAL, out->path, "the owner is not a number from 0 to 4294967294");
	if (size < 0 || (uint64_t)size > bytes_max)
		return refuse(-EFBIG, out->path, "it is too large");
	out->uid = (uid_t)uid;
	out->gid = (gid_t)gid;
	out->size_bytes = (uint64_t)size;
	out->mode = archive_entry_perm(entry) & 07777;
	out->modified.tv_sec = archive_entry_mtime(entry);
	out->modified.tv_nsec = archive_entry_mtime_nsec(entry);
	return 0;
}

int member_read(struct archive_entry *entry, uint64_t bytes_max, struct member *out)
{
	out->entry = entry;
	int r = name_take(entry, out);
	if (r == 0)
		r = numbers_take(entry, bytes_max, out);
	if (r < 0)
		return r;
	out->type = out->is_hard_link ? 0 : archive_entry_filetype(entry);
	out->symlink = out->type == S_IFLNK ? archive_entry_symlink(entry) : NULL;
	out->device = 0;
	if (out->type == S_IFLNK && (!out->symlink || !*out->symlink))
		return refuse(-EINVAL, out->path, "a symlink without a target");
	if (out->type == S_IFCHR || out->type == S_IFBLK) {
		out->device = makedev(
			archive_entry_rdevmajor(entry), archive_entry_rdevminor(entry));
		if (out->device == 0)
			return refuse(-EINVAL, out->path,
				"device 0:0 is how overlayfs writes a deletion");
	}
	if (!out->path[0] && out->type != S_IFDIR)
		return refuse(-EINVAL, "/", "the root is not a directory");
	return 0;
}
