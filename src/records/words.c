/* SPDX-License-Identifier: Apache-2.0 */
/* The text form of list items: -v, --tmpfs, --ulimit. Each text becomes a struct. */
#include "records/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/path.h"

#include <errno.h>

/* "/", and "/." and "/x/..", which are the same directory. */
static bool mount_is_root(const char *destination)
{
	auto_buf struct buf clean = BUF_INIT;
	path_clean(&clean, destination);
	return str_eq(clean.data, "/");
}

/* "ro", "rw" and "nocopy", with commas between them. */
static int options_take(const char *options, struct container_mount *out)
{
	auto_free char *copy = mem_strdup(options);
	char *rest = copy, *word;
	while ((word = str_cut(&rest, ','))) {
		if (str_eq(word, "nocopy"))
			out->keeps_empty = true;
		else if (str_eq(word, "ro") || str_eq(word, "rw"))
			out->is_readonly = word[1] == 'o';
		else
			return -EINVAL;
	}
	return 0;
}

/* "SRC:DST[:OPTIONS]" or "DST"; a source without a slash is a volume. */
int mount_add(const char *text, struct arena *a, void *list)
{
	struct container_mount m = {0};
	char *rest = (char *)arena_str(a, text);
	const char *source = str_cut(&rest, ':');
	m.destination = rest ? str_cut(&rest, ':') : NULL;
	const char *options = rest;
	if (!m.destination) {
		m.destination = source;
		m.is_anonymous = true;
	} else if (source[0] == '/') {
		m.source = source;
	} else {
		m.volume = source;
	}
	if (m.destination[0] != '/')
		return err_say(-EINVAL,
			"-v \"%s\": \"%s\" is not an absolute path in the container", text,
			m.destination);
	if (strchr(m.destination, '\n') || mount_is_root(m.destination))
		return err_say(
			-EINVAL, "-v \"%s\": the destination can't be \"%s\"", text, m.destination);
	if (options && options_take(options, &m) < 0)
		return err_say(-EINVAL, "-v \"%s\": the option \"%s\" is not ro, rw or nocopy",
			text, options);
	if (m.volume && !str_is_name(m.volume))
		return err_say(-EINVAL,
			"-v \"%s\": \"%s\" is neither an absolute path nor a volume name", text,
			m.volume);
	*arena_push(a, (struct container_mounts *)list) = m;
	return 0;
}

void mount_write(const struct container_mount *m, struct buf *out)
{
	buf_addf(out, "%s:%s:%s%s", m->volume ? m->volume : m->source, m->destination,
		m->is_readonly ? "ro" : "rw", m->keeps_empty ? ",nocopy" : "");
}

/* "DST[:OPTIONS]" */
int tmpfs_add(const char *text, struct arena *a, void *list)
{
	char *rest = (char *)arena_str(a, text);
	struct container_tmpfs t = {.destination = str_cut(&rest, ':')};
	t.options = rest ? rest : "";
	if (t.destination[0] != '/')
		return err_say(
			-EINVAL, "--tmpfs \"%s\": not an absolute path in the container", text);
	if (mount_is_root(t.destination))
		return err_say(-EINVAL, "--tmpfs \"%s\": the destination can't be \"%s\"", text,
			t.destination);
	*arena_push(a, (struct container_tmpfses *)list) = t;
	return 0;
}

int ulimit_add(const char *text, struct arena *a, void *list)
{
	struct sec_rlimit_row row;
	int r = sec_rlimit_parse(text, &row);
	if (r == 0)
		*arena_push(a, (struct container_ulimits *)list) = row;
	return r < 0 ? err_wrap(r, "--ulimit") : 0;
}
