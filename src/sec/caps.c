/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capabilities: their names, the default set, and setting all five sets of the calling process.
 * What was set is read back from the kernel; a difference ends the container. The functions for
 * init do not allocate.
 */
#include "sec/sec.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>

#define CAP(name) (UINT64_C(1) << CAP_##name)

/* By number; 41 since 5.9. */
static const char *const cap_names[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

enum {
	CAP_NAME_COUNT = sizeof(cap_names) / sizeof(cap_names[0]),
	CAP_PREFIX_LEN = 4,
	CAP_NAME_MAX = 32,
};
_Static_assert(CAP_NAME_COUNT == 41, "a capability is missing");

const uint64_t sec_caps_default = CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FSETID) | CAP(FOWNER) |
	CAP(SETGID) | CAP(SETUID) | CAP(SETFCAP) | CAP(SETPCAP) | CAP(NET_BIND_SERVICE) |
	CAP(SYS_CHROOT) | CAP(KILL);

int sec_cap_find(const char *name)
{
	if (strncasecmp(name, "CAP_", CAP_PREFIX_LEN) == 0)
		name += CAP_PREFIX_LEN;
	for (int i = 0; i < CAP_NAME_COUNT; i++) {
		if (strcasecmp(name, cap_names[i] + CAP_PREFIX_LEN) == 0)
			return i;
	}
	return -EINVAL;
}

uint64_t sec_caps_known(void)
{
	return (UINT64_C(1) << CAP_NAME_COUNT) - 1;
}

const char *sec_cap_nearest(const char *name)
{
	char full[CAP_NAME_MAX];
	bool has_prefix = strncasecmp(name, "CAP_", CAP_PREFIX_LEN) == 0;

	if (fmt(full, "%s%s", has_prefix ? "" : "CAP_", name) < 0)
		return NULL;
	for (char *c = full; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return str_nearest(full, cap_names, CAP_NAME_COUNT);
}

static int is_bounding(unsigned number)
{
	return sys_prctl(PR_CAPBSET_READ, number, 0, 0, 0);
}

static int is_ambient(unsigned number)
{
	return sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, number, 0, 0);
}

/* Asks for every capability until the kernel says with -EINVAL that it knows no more. Any other
 * failure is returned: taken for the end, it would hide capabilities that are set. Silent. */
static int read_set(int (*is_set)(unsigned number), uint64_t *out_set, unsigned *out_count)
{
	uint64_t set = 0;
	unsigned count = 0;
	int has = 0;

	for (; count < 64 && (has = is_set(count)) >= 0; count++) {
		if (has)
			set |= UINT64_C(1) << count;
	}
	if (has < 0 && (has != -EINVAL || count == 0))
		return has;
	*out_set = set;
	*out_count = count;
	return 0;
}

uint64_t sec_caps_of_caller(void)
{
	uint64_t set;
	unsigned count;
	struct sec_status status;
	auto_close int fd = sys_open_at(AT_FDCWD, "/proc/self/status", O_RDONLY, 0);
	if (sec_status_read(fd, &status) == 0)
		return status.caps.bounding;
	return read_set(is_bounding, &set, &count) < 0 ? 0 : set;
}

bool sec_cap_is_effective(unsigned number)
{
	struct cap_header header = {.version = CAP_VERSION_3};
	struct cap_data data[2] = {0};
	return sys_capget(&header, data) >= 0 &&
		data[number / 32].effective & UINT32_C(1) << number % 32;
}

void sec_caps_describe(uint64_t set, struct buf *out)
{
	const char *separator = "";
	for (unsigned i = 0; i < 64; i++) {
		if (!(set & UINT64_C(1) << i))
			continue;
		if (i < CAP_NAME_COUNT)
			buf_addf(out, "%s%s", separator, cap_names[i] + CAP_PREFIX_LEN);
		else
			buf_addf(out, "%s%u", separator, i);
		separator = ",";
	}
}

/* Returns 1 after the last capability that the kernel knows. It does not ask first whether the
 * capability is in the bounding set, because dropping one that is not there succeeds as well. A
 * process that may not drop capabilities may still have nothing to drop. */
static int bound_without(unsigned number)
{
	int r = sys_prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
	if (r == -EINVAL && number > 0)
		return 1;
	if (r == -EPERM && is_bounding(number) == 0)
		return 0;
	return r < 0 ? err_new(r, "drop capability %u from the bounding set", number) : 0;
}

int sec_caps_bound(const struct sec_caps *caps)
{
	int r = 0;
	for (unsigned i = 0; i < 64 && r == 0; i++)
		if (!(caps->bounding & UINT64_C(1) << i))
			r = bound_without(i);
	if (r < 0)
		return r;
	/* The permitted set survives setresuid. The effective set does not: it is set later. */
	r = sys_prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	return r < 0 ? err_new(r, "keep capabilities over the change of user") : 0;
}

static int set_ambient(uint64_t set)
{
	int r = sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (r < 0)
		return err_new(r, "clear the ambient capabilities");
	for (unsigned i = 0; i < 64; i++) {
		if (!(set & UINT64_C(1) << i))
			continue;
		r = sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0);
		if (r < 0)
			return err_new(r, "raise ambient capability %u", i);
	}
	return 0;
}

/* The five sets as the kernel has them. */
static int read_back(int status_fd, struct sec_caps *out)
{
	struct sec_status status;
	if (sec_status_read(status_fd, &status) == 0) {
		*out = status.caps;
		return 0;
	}
	struct cap_header header = {.version = CAP_VERSION_3};
	struct cap_data data[2] = {0};
	unsigned count;

	int r = sys_capget(&header, data);
	if (r >= 0)
		r = read_set(is_bounding, &out->bounding, &count);
	if (r >= 0)
		r = read_set(is_ambient, &out->ambient, &count);
	if (r < 0)
		return err_new(r, "read the capabilities back");
	out->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	out->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	out->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	return 0;
}

static int compare(const char *which, uint64_t wanted, uint64_t got)
{
	if (wanted == got)
		return 0;
	return err_say(-EPERM,
		"the kernel has other %s capabilities than were set: %#" PRIx64
		" in place of %#" PRIx64,
		which, got, wanted);
}

static int verify(const struct sec_caps *wanted, int status_fd)
{
	struct sec_caps got = {0};
	int r = read_back(status_fd, &got);

	if (r >= 0)
		r = compare("bounding", wanted->bounding, got.bounding);
	if (r >= 0)
		r = compare("effective", wanted->effective, got.effective);
	if (r >= 0)
		r = compare("permitted", wanted->permitted, got.permitted);
	if (r >= 0)
		r = compare("inheritable", wanted->inheritable, got.inheritable);
	if (r >= 0)
		r = compare("ambient", wanted->ambient, got.ambient);
	/* Kept capabilities would survive a later setuid of the payload. */
	if (r >= 0 && sys_prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) != 0)
		r = err_say(-EPERM, "capabilities are still kept over changes of user");
	return r;
}

static int set_three(const struct sec_caps *caps)
{
	const struct cap_header header = {.version = CAP_VERSION_3};
	const struct cap_data data[2] = {
		{(uint32_t)caps->effective, (uint32_t)caps->permitted, (uint32_t)caps->inheritable},
		{(uint32_t)(caps->effective >> 32), (uint32_t)(caps->permitted >> 32),
			(uint32_t)(caps->inheritable >> 32)},
	};
	int r = sys_capset(&header, data);
	return r < 0 ? err_new(r, "set the capabilities") : 0;
}

int sec_caps_lower(const struct sec_caps *caps)
{
	struct cap_header header = {.version = CAP_VERSION_3};
	struct cap_data data[2];
	int r = set_three(caps);
	if (r < 0)
		return r;
	/* A filter may answer 0 in the kernel's place: then this stays as it is here. */
	memset(data, 0xff, sizeof(data));
	r = sys_capget(&header, data);
	if (r < 0)
		return err_new(r, "read the capabilities back");
	r = compare("effective", caps->effective,
		data[0].effective | (uint64_t)data[1].effective << 32);
	return r < 0 ? r
		     : compare("permitted", caps->permitted,
			       data[0].permitted | (uint64_t)data[1].permitted << 32);
}

int sec_caps_set(const struct sec_caps *caps, int status_fd)
{
	int r = set_three(caps);
	if (r < 0)
		return r;
	r = set_ambient(caps->ambient);
	if (r < 0)
		return r;
	r = sys_prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	if (r < 0)
		return err_new(r, "stop keeping capabilities over changes of user");
	return verify(caps, status_fd);
}
