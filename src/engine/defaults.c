/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default sandbox, as tables: file systems, hidden and read-only paths, device rules. These
 * tables have everything that a container gets by default; docs/sandbox.md has the reasons.
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
	{"/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777"},
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

/* The first rule denies everything. The others allow the devices in /dev. */
static const struct oci_device_rule device_rules[] = {
	{false, 'a', -1, -1, "rwm", NULL}, {true, 'c', 1, 3, "rwm", NULL}, /* null */
	{true, 'c', 1, 5, "rwm", NULL}, /* zero */
	{true, 'c', 1, 7, "rwm", NULL}, /* full */
	{true, 'c', 1, 8, "rwm", NULL}, /* random */
	{true, 'c', 1, 9, "rwm", NULL}, /* urandom */
	{true, 'c', 5, 0, "rwm", NULL}, /* tty */
	{true, 'c', 5, 1, "rwm", NULL}, /* console */
	{true, 'c', 5, 2, "rwm", NULL}, /* ptmx */
	{true, 'c', 136, -1, "rwm", NULL}, /* pts */
};

static const struct oci_device_rule every_device = {true, 'a', -1, -1, "rwm", NULL};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void add_path(struct arena *a, void *list, const char *path)
{
	OCI_LIST(struct oci_path) *paths = list;
	struct oci_path *item = arena_push(a, paths);
	*item = (struct oci_path){.path = path, .origin = ORIGIN};
}

static void add_rule(struct arena *a, struct oci_spec *spec, const struct oci_device_rule *rule)
{
	struct oci_device_rule *item = arena_push(a, &spec->device_rules);
	*item = *rule;
	item->origin = ORIGIN;
}

/* Hides one directory per processor, where the kernel has them: the timing of the host's cooling is
 * of no concern to a container. */
static void mask_thermal(struct arena *a, struct oci_spec *spec)
{
	static const char base[] = "/sys/devices/system/cpu";
	if (access("/sys/devices/system/cpu/cpu0/thermal_throttle", F_OK) != 0)
		return;
	auto_strvec struct strvec names = STRVEC_INIT;
	if (file_list_at(AT_FDCWD, base, &names) < 0)
		return;
	strvec_each (name, &names) {
		uint32_t number;
		const char *digits = str_after(*name, "cpu");
		if (digits && parse_u32(digits, &number) == 0)
			add_path(a, &spec->masked,
				arena_printf(a, "%s/%s/thermal_throttle", base, *name));
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
		*mount = (struct oci_mount){
			mounts[i].destination, mounts[i].type, mounts[i].source, options, ORIGIN};
	}
	if (is_privileged) {
		add_rule(a, spec, &every_device);
		return;
	}
	for (size_t i = 0; i < COUNT(masked_paths); i++)
		add_path(a, &spec->masked, masked_paths[i]);
	mask_thermal(a, spec);
	for (size_t i = 0; i < COUNT(readonly_paths); i++)
		add_path(a, &spec->readonly, readonly_paths[i]);
	for (size_t i = 0; i < COUNT(device_rules); i++)
		add_rule(a, spec, &device_rules[i]);
}
