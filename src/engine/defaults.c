/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default sandbox, as tables: file systems, hidden and read-only paths, device rules. Everything that a container
 * gets without asking stands here; docs/sandbox.md says why.
 */
#include "engine/internal.h"
#include "base/str.h"
#include "sys/file.h"

#include <fcntl.h>
#include <unistd.h>

#define ORIGIN "default"

static const struct {
	const char *destination, *type, *source, *options;
} mounts[] = {
	{"/proc", "proc", "proc", "nosuid,noexec,nodev"},
	{"/dev", "tmpfs", "tmpfs", "nosuid,noexec,strictatime,mode=755,size=65536k"},
	{"/dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5"},
	{"/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k"},
	{"/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev"},
	{"/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro"},
	{"/sys/fs/cgroup", "cgroup", "cgroup", "ro,nosuid,noexec,nodev"},
};

static const char *const masked_paths[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/interrupts",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/sys/devices/virtual/powercap",
	"/sys/firmware",
	"/sys/fs/selinux",
	"/sys/kernel/debug",
	"/sys/kernel/security",
	"/sys/kernel/tracing",
	"/sys/kernel/vmcoreinfo",
};

static const char *const readonly_paths[] = {
	"/proc/bus",
	"/proc/fs",
	"/proc/irq",
	"/proc/sys",
	"/proc/sysrq-trigger",
};

static const struct {
	char type;
	int32_t major, minor;
	const char *access;
} device_rules[] = {
	{'c', 1, 3, "rwm"},   /* null */
	{'c', 1, 5, "rwm"},   /* zero */
	{'c', 1, 7, "rwm"},   /* full */
	{'c', 1, 8, "rwm"},   /* random */
	{'c', 1, 9, "rwm"},   /* urandom */
	{'c', 5, 0, "rwm"},   /* tty */
	{'c', 5, 1, "rwm"},   /* console */
	{'c', 5, 2, "rwm"},   /* ptmx */
	{'c', 136, -1, "rwm"} /* pts */
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void add_path(struct arena *a, void *list, const char *path)
{
	OCI_LIST(struct oci_path) *paths = list;
	struct oci_path *item = arena_push(a, paths);
	*item = (struct oci_path){.path = path, .origin = ORIGIN};
}

static void add_rule(struct arena *a, struct oci_spec *spec, bool is_allowed, char type, int32_t major, int32_t minor,
	const char *access)
{
	struct oci_device_rule *rule = arena_push(a, &spec->device_rules);
	*rule = (struct oci_device_rule){is_allowed, type, major, minor, access, ORIGIN};
}

/* One directory per processor, where the kernel shows it: timing of the host's cooling is the host's affair. */
static void mask_thermal(struct arena *a, struct oci_spec *spec)
{
	static const char base[] = "/sys/devices/system/cpu";
	if (access("/sys/devices/system/cpu/cpu0/thermal_throttle", F_OK) != 0)
		return;
	auto_strvec struct strvec names = STRVEC_INIT;
	if (file_list_at(AT_FDCWD, base, &names) < 0)
		return;
	strvec_each(name, &names) {
		uint32_t number;
		const char *digits = str_after(*name, "cpu");
		if (digits && parse_u32(digits, &number) == 0)
			add_path(a, &spec->masked, arena_printf(a, "%s/%s/thermal_throttle", base, *name));
	}
}

static bool is_frozen_by_default(const char *destination)
{
	return str_eq(destination, "/sys") || str_eq(destination, "/sys/fs/cgroup");
}

void defaults_add(struct arena *a, struct oci_spec *spec, bool is_privileged)
{
	for (size_t i = 0; i < COUNT(mounts); i++) {
		const char *options = mounts[i].options;
		if (is_privileged && is_frozen_by_default(mounts[i].destination))
			options = "nosuid,noexec,nodev";
		struct oci_mount *mount = arena_push(a, &spec->mounts);
		*mount = (struct oci_mount){mounts[i].destination, mounts[i].type, mounts[i].source, options, ORIGIN};
	}
	if (is_privileged) {
		add_rule(a, spec, true, 'a', -1, -1, "rwm");
		return;
	}
	for (size_t i = 0; i < COUNT(masked_paths); i++)
		add_path(a, &spec->masked, masked_paths[i]);
	mask_thermal(a, spec);
	for (size_t i = 0; i < COUNT(readonly_paths); i++)
		add_path(a, &spec->readonly, readonly_paths[i]);
	add_rule(a, spec, false, 'a', -1, -1, "rwm");
	for (size_t i = 0; i < COUNT(device_rules); i++)
		add_rule(a, spec, true, device_rules[i].type, device_rules[i].major, device_rules[i].minor,
			device_rules[i].access);
}
