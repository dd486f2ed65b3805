/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel parameters of a container. Only those are accepted that belong to a namespace of its own;
 * every other one is the host's. A name that only looks like one of its own is refused too
 * (net/../kernel/core_pattern). The name becomes a path below a private procfs, which is opened
 * without symlinks, mounts or .. in it.
 */
#include "sec/sec.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>

enum { SYSCTL_KEY_MAX = 200, SYSCTL_VALUE_MAX = 1024, SYSCTL_PATH_MAX = SYSCTL_KEY_MAX + 8 };

/* A path below /proc/sys, and the namespace that owns it. A * at the end stands for all paths that
 * begin so. */
struct sysctl_owner {
	const char *pattern;
	uint64_t clone_flag;
	const char *namespace;
};

static const struct sysctl_owner sysctl_owners[] = {
	{"net/*", CLONE_NEWNET, "network"},
	{"kernel/msg*", CLONE_NEWIPC, "ipc"},
	{"kernel/sem", CLONE_NEWIPC, "ipc"},
	{"kernel/shm*", CLONE_NEWIPC, "ipc"},
	{"fs/mqueue/*", CLONE_NEWIPC, "ipc"},
	{"kernel/hostname", CLONE_NEWUTS, "uts"},
	{"kernel/domainname", CLONE_NEWUTS, "uts"},
};

static bool is_separator(char c)
{
	return c == '.' || c == '/';
}

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* [a-z0-9_]+([./][a-z0-9_-]+)*: no empty component, hence no "..". */
static bool has_grammar(const char *key)
{
	size_t word_len = 0, words = 1;

	for (const char *c = key; *c; c++) {
		if (is_separator(*c)) {
			if (word_len == 0)
				return false;
			word_len = 0;
			words++;
		} else if (is_word_char(*c) || (*c == '-' && words > 1)) {
			word_len++;
		} else {
			return false;
		}
	}
	return word_len > 0 && strlen(key) <= SYSCTL_KEY_MAX;
}

/* The path below /proc/sys. As in sysctl(8) the first separator is the separator, and the other
 * kind stands for itself within a name: net/ipv4/conf/eth0.100/forwarding is
 * net.ipv4.conf.eth0/100.forwarding. */
static int path_of(const char *key, char out[static SYSCTL_PATH_MAX])
{
	size_t len = strlen(key);
	bool is_dotted = key[strcspn(key, "./")] == '.';

	if (!has_grammar(key))
		return -EINVAL;
	for (size_t i = 0; i <= len; i++) {
		out[i] = key[i];
		if (is_dotted && is_separator(key[i]))
			out[i] = key[i] == '.' ? '/' : '.';
	}
	return 0;
}

static bool matches(const char *pattern, const char *path)
{
	size_t len = strlen(pattern);

	if (pattern[len - 1] == '*')
		return strncmp(path, pattern, len - 1) == 0 && path[len - 1] != '\0';
	return str_eq(path, pattern);
}

static int check_value(const char *key, const char *value)
{
	size_t len = strlen(value);

	if (len == 0 || len > SYSCTL_VALUE_MAX)
		return err_say(-EINVAL, "sysctl %s: a value of %zu bytes", key, len);
	for (const char *c = value; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return err_say(-EINVAL, "sysctl %s: a control character in the value", key);
	}
	return 0;
}

int sec_sysctl_check(const char *key, const char *value, uint64_t clone_flags)
{
	char path[SYSCTL_PATH_MAX];

	if (path_of(key, path) < 0)
		return err_say(-EINVAL, "\"%.80s\" is not the name of a sysctl", key);
	int r = check_value(key, value);
	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(sysctl_owners) / sizeof(sysctl_owners[0]); i++) {
		const struct sysctl_owner *owner = &sysctl_owners[i];
		if (!matches(owner->pattern, path))
			continue;
		if (clone_flags & owner->clone_flag)
			return 0;
		return err_say(-EPERM,
			"sysctl %s is the host's: the container shares its %s namespace", key,
			owner->namespace);
	}
	return err_say(-EPERM, "sysctl %s is the host's: no namespace has its own", key);
}

/* Silent. */
static int write_beneath(int proc_fd, const char *path, const char *text)
{
	const uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS |
		RESOLVE_NO_SYMLINKS;
	size_t len = strlen(text);

	auto_close int fd = sys_openat2(proc_fd, path, O_WRONLY | O_CLOEXEC, 0, resolve);
	/* A seccomp filter around husk hides the call. Then path_open is enough: no other process
	 * can have mounted anything in this procfs. */
	if (fd == -ENOSYS)
		fd = path_open(proc_fd, path, O_WRONLY | O_CLOEXEC, PATH_STRICT);
	if (fd < 0)
		return fd;
	ssize_t written = sys_write(fd, text, len);
	if (written < 0)
		return (int)written;
	return (size_t)written == len ? 0 : -EIO;
}

int sec_sysctl_set(int proc_fd, const struct flat *plan, const struct sec_sysctl_row *row)
{
	const char *key = flat_str(plan, row->key), *value = flat_str(plan, row->value);
	char path[SYSCTL_PATH_MAX], full[SYSCTL_PATH_MAX + 8];

	int r = path_of(key, path);
	if (r >= 0)
		r = fmt(full, "sys/%s", path);
	if (r >= 0)
		r = write_beneath(proc_fd, full, value);
	return r < 0 ? err_new(r, "set sysctl %s = %s", key, value) : 0;
}

void sec_sysctl_describe(const struct flat *plan, const struct sec_sysctl_row *row, struct buf *out)
{
	buf_addf(out, "set sysctl %s = %s", flat_str(plan, row->key), flat_str(plan, row->value));
}
