/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device rules: their text, for people and for v1's files, and the choice between v1's files and a
 * program. The last rule that names a device decides, for each access (read, write, mknod) on its
 * own. A device that no rule names is denied.
 */
#include "cgroup/cgroup.h"
#include "cgroup/internal.h"

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

static void add_number(int32_t number, struct buf *out)
{
	if (number < 0)
		buf_addc(out, '*');
	else
		buf_addf(out, "%" PRId32, number);
}

/* "c 1:3 rwm" */
static void add_rule(const struct cgroup_device_row *row, uint32_t type, struct buf *out)
{
	static const char letters[] = {'r', 'w', 'm'};

	buf_addf(out, "%c ", (char)type);
	add_number(row->major, out);
	buf_addc(out, ':');
	add_number(row->minor, out);
	buf_addc(out, ' ');
	for (uint32_t i = 0; i < sizeof(letters); i++) {
		if (row->access & 1U << i)
			buf_addc(out, letters[i]);
	}
}

void cgroup_device_describe(
	const struct flat *plan, const struct cgroup_device_row *row, struct buf *out)
{
	buf_adds(out, row->is_allowed ? "allow device " : "deny device ");
	add_rule(row, row->type, out);
}

static int rule_write(int fd, const char *text)
{
	ssize_t len = sys_write(fd, text, strlen(text));
	return len < 0 ? (int)len : 0;
}

static int rule_error(int r, const struct cgroup_device_row *row, uint32_t type)
{
	auto_buf struct buf text = BUF_INIT;

	add_rule(row, type, &text);
	return err_new(r, "%s device %s", row->is_allowed ? "allow" : "deny", text.data);
}

/* For the kernel "a" means all devices, whatever follows it. So a rule for any type is written as
 * one rule for each type. */
static int rule_apply(const int fds[2], const struct cgroup_device_row *row)
{
	static const char types[] = {'b', 'c'};
	int fd = fds[row->is_allowed ? 1 : 0];

	if (cgroup_device_is_all(row)) {
		int r = rule_write(fd, "a\n");
		/* A group above allows less, and so does this group, which began as its copy. */
		if (r == -EPERM && row->is_allowed) {
			log_debug("not all devices can be allowed here");
			return 0;
		}
		return r < 0 ? rule_error(r, row, 'a') : 0;
	}
	for (size_t i = 0; i < sizeof(types); i++) {
		auto_buf struct buf text = BUF_INIT;
		if (row->type != 'a' && row->type != (uint32_t)types[i])
			continue;
		add_rule(row, (uint32_t)types[i], &text);
		buf_addc(&text, '\n');
		int r = rule_write(fd, text.data);
		if (r < 0)
			return rule_error(r, row, (uint32_t)types[i]);
	}
	return 0;
}

/* One write(2) per rule to files that are opened once. */
static int devices_apply_v1(int dirfd, const struct cgroup_device_row *rows, size_t count)
{
	static const struct cgroup_device_row deny_all = {
		.type = 'a', .major = -1, .minor = -1, .access = CGROUP_ACCESS_ALL};
	auto_close int deny = sys_open_at(dirfd, "devices.deny", O_WRONLY, 0);
	auto_close int allow = sys_open_at(dirfd, "devices.allow", O_WRONLY, 0);

	if (deny < 0 || allow < 0)
		return err_new(deny < 0 ? deny : allow, "open the device rules of the cgroup");
	const int fds[2] = {deny, allow};
	int r = cgroup_device_is_all(&rows[0]) ? 0 : rule_apply(fds, &deny_all);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = rule_apply(fds, &rows[i]);
	return r;
}

static int rules_check(const struct cgroup_device_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct cgroup_device_row *row = &rows[i];
		if ((row->type != 'a' && row->type != 'b' && row->type != 'c') ||
			!(row->access & CGROUP_ACCESS_ALL) || row->access > CGROUP_ACCESS_ALL)
			return err_say(
				-EINVAL, "device rule %zu has an unknown type or no access", i + 1);
	}
	return 0;
}

int cgroup_devices_apply(const struct cgroup *g, const struct cgroup_device_row *rows, size_t count)
{
	int r = count ? rules_check(rows, count) : 0;
	if (r < 0 || count == 0)
		return r;
	int fd = cgroup_dir_find(g, "devices");
	if (fd >= 0 && !g->is_unified)
		return devices_apply_v1(fd, rows, count);
	/* A v1 host may have no devices hierarchy: then the v2 tree beside it takes the rules. */
	fd = cgroup_dir_find(g, NULL);
	if (fd >= 0)
		return cgroup_device_program_attach(fd, rows, count);
	return err_say(
		-EOPNOTSUPP, "the kernel has no cgroup controller \"devices\" here; mount it");
}
