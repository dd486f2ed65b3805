/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings that only Linux has: namespaces, id maps, devices, sysctls, masked and read-only
 * paths.
 */
#include "bundle/internal.h"
#include "base/str.h"
#include "ns/ns.h"

#include <errno.h>
#include <sys/mount.h>

/* The kernel has 12 bits for a major number and 20 bits for a minor number. */
enum {
	DEVICES_MAX = 1024,
	PATHS_MAX = 4096,
	MAJOR_MAX = 0xfff,
	MINOR_MAX = 0xfffff,
	NANOSECONDS_MAX = 999999999,
	DEVICE_NAME_ROOM = 16
};

static int namespace_path_check(const struct json_cursor *c, const struct oci_namespace *ns)
{
	struct json_cursor path;
	if (!ns->path || *ns->path == '/' || !json_field(c, "path", &path))
		return 0;
	return json_err(&path, -EINVAL, "\"%s\" is not an absolute path", ns->path);
}

static int namespace_read(struct bundle_reader *r, const struct json_cursor *c)
{
	struct oci_namespace ns = {.origin = BUNDLE_ORIGIN};
	struct json_cursor type;
	int result = bundle_need_string(r, c, "type", &ns.type);
	if (result >= 0)
		result = json_opt_string(c, "path", r->a, &ns.path);
	if (result < 0 || !json_field(c, "type", &type))
		return result;
	int kind = ns_kind_find(ns.type);
	if (kind < 0 || !str_eq(ns_info[kind].oci_name, ns.type))
		return json_err(&type, -EINVAL, "\"%s\" is not a kind of namespace", ns.type);
	for (size_t i = 0; i < r->spec->namespaces.count; i++)
		if (str_eq(r->spec->namespaces.items[i].type, ns.type))
			return json_err(&type, -EINVAL, "\"%s\" is given twice", ns.type);
	if (ns.path && *ns.path == '\0')
		ns.path = NULL;
	result = namespace_path_check(c, &ns);
	if (result < 0)
		return result;
	*(struct oci_namespace *)arena_push(r->a, &r->spec->namespaces) = ns;
	return 0;
}

static int namespaces_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return bundle_array_read(r, c, SIZE_MAX, namespace_read);
}

int bundle_idmap_read(const struct json_cursor *c, bool is_gid, struct oci_idmap *out)
{
	*out = (struct oci_idmap){.is_gid = is_gid, .origin = BUNDLE_ORIGIN};
	int result = bundle_u32(c, "containerID", &out->container_id);
	if (result >= 0)
		result = bundle_u32(c, "hostID", &out->host_id);
	if (result >= 0)
		result = bundle_u32(c, "size", &out->size);
	return result < 0 ? result : 0;
}

static int idmap_read(struct bundle_reader *r, const struct json_cursor *c, bool is_gid)
{
	return bundle_idmap_read(c, is_gid, arena_push(r->a, &r->spec->idmaps));
}

static int uid_map_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return idmap_read(r, c, false);
}

static int gid_map_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return idmap_read(r, c, true);
}

int bundle_idmaps_check(
	const struct json_cursor *c, const struct oci_idmap *all, size_t all_count, bool is_gid)
{
	struct ns_idmap maps[NS_IDMAP_MAX];
	size_t count = 0;
	for (size_t i = 0; i < all_count; i++) {
		if (all[i].is_gid != is_gid)
			continue;
		if (count == NS_IDMAP_MAX)
			return json_err(c, -E2BIG, "more than %d lines", NS_IDMAP_MAX);
		maps[count++] = (struct ns_idmap){all[i].container_id, all[i].host_id, all[i].size};
	}
	int result = count ? ns_idmap_check(maps, count, is_gid ? "gid" : "uid") : 0;
	return result < 0 ? json_err(c, result, "%s", err_text()) : 0;
}

static int uid_maps_read(struct bundle_reader *r, const struct json_cursor *c)
{
	int result = bundle_array_read(r, c, NS_IDMAP_MAX, uid_map_read);
	return result < 0
		? result
		: bundle_idmaps_check(c, r->spec->idmaps.items, r->spec->idmaps.count, false);
}

static int gid_maps_read(struct bundle_reader *r, const struct json_cursor *c)
{
	int result = bundle_array_read(r, c, NS_IDMAP_MAX, gid_map_read);
	return result < 0
		? result
		: bundle_idmaps_check(c, r->spec->idmaps.items, r->spec->idmaps.count, true);
}

/* `u` is an unbuffered character device, which Linux does not distinguish. */
static int device_type_read(struct bundle_reader *r, const struct json_cursor *c, char *out)
{
	struct json_cursor field;
	const char *type;
	int result = bundle_need_string(r, c, "type", &type);
	if (result < 0 || !json_field(c, "type", &field))
		return result;
	if (strlen(type) != 1 || !strchr("cbup", *type))
		return json_err(
			&field, -EINVAL, "\"%s\" is not a type of device: c, b, u or p", type);
	*out = *type == 'u' ? 'c' : *type;
	return 0;
}

static int device_numbers_read(const struct json_cursor *c, struct oci_device *device)
{
	if (device->type == 'p')
		return 0;
	int result = bundle_opt_number(c, "major", MAJOR_MAX, &device->major);
	if (result == 0)
		return json_err(c, -EINVAL, "\"major\" is missing");
	if (result > 0)
		result = bundle_opt_number(c, "minor", MINOR_MAX, &device->minor);
	return result == 0 ? json_err(c, -EINVAL, "\"minor\" is missing") : result;
}

static int device_path_read(struct bundle_reader *r, const struct json_cursor *c, const char **out)
{
	struct json_cursor field;
	const char *path;
	int result = bundle_need_path(r, c, "path", &path);
	if (result < 0 || !json_field(c, "path", &field))
		return result;
	return bundle_inner_path(r, &field, path, out);
}

static int device_read(struct bundle_reader *r, const struct json_cursor *c)
{
	struct oci_device device = {.mode = 0666, .origin = BUNDLE_ORIGIN};
	int result = device_path_read(r, c, &device.path);
	if (result >= 0)
		result = device_type_read(r, c, &device.type);
	if (result >= 0)
		result = device_numbers_read(c, &device);
	if (result >= 0)
		result = bundle_u32(c, "fileMode", &device.mode);
	if (result >= 0)
		result = bundle_opt_number(c, "uid", BUNDLE_ID_MAX, &device.uid);
	if (result >= 0)
		result = bundle_opt_number(c, "gid", BUNDLE_ID_MAX, &device.gid);
	if (result < 0)
		return result;
	device.mode &= 07777; /* engines copy st_mode with its type bits */
	*(struct oci_device *)arena_push(r->a, &r->spec->devices) = device;
	return 0;
}

static int devices_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return bundle_array_read(r, c, DEVICES_MAX, device_read);
}

/* The plan knows the container's namespaces, so the plan decides whether the container may have
 * this sysctl. */
static int sysctl_read(const char *key, const struct json_cursor *value, void *context)
{
	struct bundle_reader *r = context;
	struct oci_pair pair = {.key = arena_str(r->a, key), .origin = BUNDLE_ORIGIN};
	int result = json_string(value, r->a, &pair.value);
	if (result < 0)
		return result;
	*(struct oci_pair *)arena_push(r->a, &r->spec->sysctls) = pair;
	return 0;
}

static int sysctls_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return json_each(c, sysctl_read, r);
}

static int cgroups_path_read(struct bundle_reader *r, const struct json_cursor *c)
{
	const char *path;
	int result = json_string(c, r->a, &path);
	if (result < 0)
		return result;
	for (const char *at = path; *at; at += strcspn(at, "/")) {
		at += strspn(at, "/");
		if (strcspn(at, "/") == 2 && str_prefix(at, ".."))
			return json_err(c, -EINVAL, "\"%s\" leads out of the cgroups by ..", path);
	}
	r->spec->cgroup_path = *path ? path : NULL;
	return 0;
}

/* The prefix r means the whole tree. Private and slave hold for the whole tree in any case. */
static int propagation_read(struct bundle_reader *r, const struct json_cursor *c)
{
	static const struct {
		const char *word;
		uint32_t value;
	} words[] = {
		{"private", MS_PRIVATE},
		{"slave", MS_SLAVE},
		{"shared", MS_SHARED},
		{"unbindable", MS_UNBINDABLE},
	};
	const char *text;
	int result = json_string(c, r->a, &text);
	if (result < 0 || *text == '\0')
		return result;
	const char *plain = *text == 'r' ? text + 1 : text;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eq(plain, words[i].word)) {
			r->spec->root_propagation = words[i].value | (plain == text ? 0 : MS_REC);
			return 0;
		}
	return json_err(c, -EINVAL,
		"\"%s\" is not a propagation: private, slave, shared or unbindable", text);
}

static int guard_read(struct bundle_reader *r, const struct json_cursor *c, struct oci_path *out)
{
	out->origin = BUNDLE_ORIGIN;
	return bundle_path(r, c, &out->path);
}

static int masked_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return guard_read(r, c, arena_push(r->a, &r->spec->masked));
}

static int masked_paths_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return bundle_array_read(r, c, PATHS_MAX, masked_read);
}

static int readonly_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return guard_read(r, c, arena_push(r->a, &r->spec->readonly));
}

static int readonly_paths_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return bundle_array_read(r, c, PATHS_MAX, readonly_read);
}

static int clock_read(const char *key, const struct json_cursor *value, void *context)
{
	struct bundle_reader *r = context;
	struct oci_clock clock = {.name = arena_str(r->a, key), .origin = BUNDLE_ORIGIN};
	if (!str_eq(key, "monotonic") && !str_eq(key, "boottime"))
		return json_err(value, -EINVAL, "only monotonic and boottime have offsets");
	int result = json_need_object(value);
	if (result >= 0)
		result = json_opt_i64(value, "secs", &clock.seconds);
	if (result >= 0)
		result = bundle_opt_number(value, "nanosecs", NANOSECONDS_MAX, &clock.nanoseconds);
	if (result < 0)
		return result;
	*(struct oci_clock *)arena_push(r->a, &r->spec->clocks) = clock;
	return 0;
}

static int clocks_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return json_each(c, clock_read, r);
}

/* The names that the kernel takes for an interface. */
static bool is_device_name(const char *name)
{
	size_t len = strlen(name);
	return len > 0 && len < DEVICE_NAME_ROOM && !str_eq(name, ".") && !str_eq(name, "..") &&
		!strpbrk(name, "/: \t\n\v\f\r");
}

static int net_device_read(const char *key, const struct json_cursor *value, void *context)
{
	struct bundle_reader *r = context;
	struct oci_pair pair = {.key = arena_str(r->a, key), .origin = BUNDLE_ORIGIN};
	struct json_cursor name;
	int result = json_need_object(value);
	if (result >= 0)
		result = json_opt_string(value, "name", r->a, &pair.value);
	if (result < 0)
		return result;
	if (!is_device_name(key))
		return json_err(value, -EINVAL, "\"%s\" is no name of a network device", key);
	if (!pair.value || *pair.value == '\0')
		pair.value = pair.key;
	if (!is_device_name(pair.value) && json_field(value, "name", &name))
		return json_err(
			&name, -EINVAL, "\"%s\" is no name of a network device", pair.value);
	for (size_t i = 0; i < r->spec->net_devices.count; i++)
		if (str_eq(r->spec->net_devices.items[i].value, pair.value))
			return json_err(value, -EINVAL, "\"%s\" is the name of another as well",
				pair.value);
	*(struct oci_pair *)arena_push(r->a, &r->spec->net_devices) = pair;
	return 0;
}

static int net_devices_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return json_each(c, net_device_read, r);
}

static int mount_label_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return bundle_label_read(r, c, &r->spec->mount_label);
}

static const struct bundle_field linux_fields[] = {
	{"namespaces", namespaces_read},
	{"uidMappings", uid_maps_read},
	{"gidMappings", gid_maps_read},
	{"devices", devices_read},
	{"sysctl", sysctls_read},
	{"cgroupsPath", cgroups_path_read},
	{"resources", bundle_resources_read},
	{"rootfsPropagation", propagation_read},
	{"maskedPaths", masked_paths_read},
	{"readonlyPaths", readonly_paths_read},
	{"seccomp", bundle_seccomp_read},
	{"mountLabel", mount_label_read},
	{"personality", bundle_personality_read},
	{"timeOffsets", clocks_read},
	{"intelRdt", bundle_rdt_read},
	{"memoryPolicy", bundle_memory_policy_read},
	{"netDevices", net_devices_read},
	{0},
};

int bundle_linux_read(struct bundle_reader *r, const struct json_cursor *c)
{
	return bundle_object_read(r, c, linux_fields);
}
