/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Specification to plan: one function per section translates a list into rows. Every mistake that a
 * specification can contain is found here, before anything exists in the kernel. Nothing is added
 * but what the OCI specification itself demands of a runtime: the default devices and links below
 * /dev.
 */
#include "launch/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/path.h"

#include <errno.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>

/* Devices that every container has by the OCI specification. */
static const struct {
	const char *path;
	uint32_t major, minor;
} standard_devices[] = {
	{"/dev/null", 1, 3},
	{"/dev/zero", 1, 5},
	{"/dev/full", 1, 7},
	{"/dev/random", 1, 8},
	{"/dev/urandom", 1, 9},
	{"/dev/tty", 5, 0},
};

static const struct {
	const char *path, *target;
} standard_links[] = {
	{"/dev/fd", "/proc/self/fd"},
	{"/dev/stdin", "/proc/self/fd/0"},
	{"/dev/stdout", "/proc/self/fd/1"},
	{"/dev/stderr", "/proc/self/fd/2"},
	{"/dev/ptmx", "pts/ptmx"},
};

/* State of one build: the slots given out so far. */
struct build {
	struct flat_builder *flat;
	const struct oci_spec *spec;
	const struct cgroup_host *host;
	uint32_t next_slot;
	uint64_t clone_flags, join_flags;
	uint32_t hook_words;
};

static int slot_new(struct build *b)
{
	if (b->next_slot >= SLOT_MAX)
		return err_say(-E2BIG, "more than %d bind mounts and joined namespaces",
			SLOT_MAX - SLOT_FIRST_FREE);
	return (int)b->next_slot++;
}

static int add_namespaces(struct build *b, enum plan_kind kind)
{
	uint64_t seen = 0;
	for (size_t i = 0; i < b->spec->namespaces.count; i++) {
		const struct oci_namespace *ns = &b->spec->namespaces.items[i];
		int ns_kind = ns_kind_find(ns->type);
		if (ns_kind < 0)
			return err_say(-EINVAL,
				"namespaces[%zu]: \"%s\" is not a kind of namespace", i, ns->type);
		uint64_t flag = ns_info[ns_kind].clone_flag;
		if (seen & flag)
			return err_say(
				-EINVAL, "namespaces[%zu]: \"%s\" is given twice", i, ns->type);
		seen |= flag;

		bool is_join = ns->path || kind == PLAN_KIND_EXEC;
		int slot = kind == PLAN_KIND_EXEC ? SLOT_TARGET : is_join ? slot_new(b) : 0;
		if (slot < 0)
			return slot;
		struct ns_row *row = flat_add(b->flat, PLAN_NAMESPACE);
		row->origin = flat_string(b->flat, ns->origin);
		row->kind = (uint32_t)ns_kind;
		row->mode = is_join ? NS_MODE_JOIN : NS_MODE_NEW;
		row->slot = (uint32_t)slot;
		row->path = flat_string(b->flat, ns->path);
		*(is_join ? &b->join_flags : &b->clone_flags) |= flag;
	}
	/* In another user namespace's mount namespace the container could mount nothing. */
	return b->join_flags & CLONE_NEWNS && b->clone_flags & CLONE_NEWUSER
		? err_say(-EINVAL,
			  "a new user namespace and a mount namespace that is joined exclude each "
			  "other")
		: 0;
}

/* A joined user namespace has its maps already: engines repeat them for each container of a pod. */
static int add_idmaps(struct build *b)
{
	uint64_t own = b->clone_flags | b->join_flags;
	if (b->spec->idmaps.count && !(own & CLONE_NEWUSER))
		return err_say(-EINVAL, "id mappings are given without a user namespace");
	if (!(b->clone_flags & CLONE_NEWUSER))
		return 0;
	for (size_t i = 0; i < b->spec->idmaps.count; i++) {
		const struct oci_idmap *map = &b->spec->idmaps.items[i];
		struct ns_idmap_row *row = flat_add(b->flat, PLAN_IDMAP);
		*row = (struct ns_idmap_row){
			.origin = flat_string(b->flat, map->origin),
			.is_gid = map->is_gid,
			.inner = map->container_id,
			.outer = map->host_id,
			.count = map->size,
		};
	}
	return 0;
}

static int add_clocks(struct build *b)
{
	if (b->spec->clocks.count && !(b->clone_flags & CLONE_NEWTIME))
		return err_say(-EINVAL, "time offsets are given without a new time namespace");
	for (size_t i = 0; i < b->spec->clocks.count; i++) {
		const struct oci_clock *clock = &b->spec->clocks.items[i];
		struct plan_clock_row *row = flat_add(b->flat, PLAN_CLOCK);
		*row = (struct plan_clock_row){
			.origin = flat_string(b->flat, clock->origin),
			.name = flat_string(b->flat, clock->name),
			.seconds = clock->seconds,
			.nanoseconds = clock->nanoseconds,
		};
	}
	return 0;
}

static int add_limits(struct build *b)
{
	for (size_t i = 0; i < b->spec->limits.count; i++) {
		const struct oci_limit *limit = &b->spec->limits.items[i];
		struct cgroup_row *row = flat_add(b->flat, PLAN_CGROUP);
		*row = (struct cgroup_row){
			.origin = flat_string(b->flat, limit->origin),
			.limit = limit->limit,
			.value = limit->value,
			.second = limit->second,
			.text = flat_string(b->flat, limit->text),
		};
		int r = b->host ? cgroup_limit_check(b->host, limit) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static void add_device_rules(struct build *b)
{
	for (size_t i = 0; i < b->spec->device_rules.count; i++) {
		const struct oci_device_rule *rule = &b->spec->device_rules.items[i];
		uint32_t access = 0;
		for (const char *c = rule->access; *c != '\0'; c++)
			access |= *c == 'r' ? 1 : *c == 'w' ? 2 : 4;
		struct cgroup_device_row *row = flat_add(b->flat, PLAN_CGROUP_DEVICE);
		*row = (struct cgroup_device_row){
			.origin = flat_string(b->flat, rule->origin),
			.is_allowed = rule->is_allowed,
			.type = (uint32_t)rule->type,
			.major = rule->major,
			.minor = rule->minor,
			.access = access,
		};
	}
}

static void add_text(struct build *b, enum plan_section section, const char *text,
	const char *value, const char *origin)
{
	struct plan_text_row *row = flat_add(b->flat, section);
	row->origin = flat_string(b->flat, origin);
	row->text = flat_string(b->flat, text);
	row->value = flat_string(b->flat, value);
}

/* /proc, /sys, /dev and paths below them are never reached through a symbolic link of the image
 * (SECURITY.md, rule 1). */
static bool is_strict(const char *path)
{
	static const char *const roots[] = {"/proc", "/sys", "/dev"};
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		const char *after = str_after(path, roots[i]);
		if (after && (*after == '\0' || *after == '/'))
			return true;
	}
	return false;
}

static struct mount_guard_row *add_guard(
	struct build *b, enum mount_guard_kind kind, const char *path, const char *origin)
{
	struct mount_guard_row *row = flat_add(b->flat, PLAN_GUARD);
	row->origin = flat_string(b->flat, origin);
	row->kind = kind;
	row->path = flat_string(b->flat, path);
	row->flags = is_strict(path) ? MOUNT_STRICT : 0;
	return row;
}

static struct mount_row *mount_row_new(
	struct build *b, enum plan_section section, const char *target, const char *origin)
{
	struct mount_row *row = flat_add(b->flat, section);
	row->origin = flat_string(b->flat, origin);
	row->target = flat_string(b->flat, target);
	row->flags = is_strict(target) ? MOUNT_STRICT : 0;
	return row;
}

static void mount_row_options(struct build *b, struct mount_row *row, const struct mount_options *o)
{
	row->attr_set = o->attr_set;
	row->attr_clear = o->attr_clear;
	row->attr_set_recursive = o->attr_set_recursive;
	row->propagation = o->propagation;
	row->attr_clear_recursive = o->attr_clear_recursive;
	row->flags |= (o->is_recursive ? MOUNT_RECURSIVE : 0) | (o->copies_up ? MOUNT_COPY_UP : 0) |
		(o->is_idmapped ? MOUNT_IDMAP : 0) |
		(o->is_idmap_recursive ? MOUNT_IDMAP_RECURSIVE : 0);
	row->data = o->data.len ? flat_string(b->flat, o->data.data) : 0;
}

/* The container's own group of one hierarchy, as a tree that the host takes from its own mount of
 * it. Mounting a cgroup file system would give the same tree, but only after the kernel has walked
 * every group of the machine under a lock. */
static int add_cgroup_tree(struct build *b, const struct oci_mount *mount,
	const struct mount_options *o, const char *target, const char *controllers)
{
	int slot = slot_new(b);
	if (slot < 0)
		return slot;
	struct mount_row *row = mount_row_new(b, PLAN_MOUNT, target, mount->origin);
	mount_row_options(b, row, o);
	row->kind = MOUNT_KIND_BIND;
	row->slot = (uint32_t)slot;
	if (!b->spec->opens_inside) {
		row->fstype = flat_string(b->flat, *controllers ? "cgroup" : "cgroup2");
		row->source = flat_string(b->flat, controllers);
		return 0;
	}
	auto_buf struct buf path = BUF_INIT;
	int r = cgroup_future_path(b->host, b->spec->cgroup_path, controllers, &path);
	row->source = flat_string(b->flat, path.data);
	return r;
}

static int add_hierarchy(struct build *b, const struct oci_mount *mount,
	const struct mount_options *o, const char *controllers)
{
	const char *name = str_after(controllers, "name=");
	auto_buf struct buf target = BUF_INIT;
	buf_addf(&target, "%s/%s", mount->destination,
		name		       ? name
			: *controllers ? controllers
				       : "unified");
	return add_cgroup_tree(b, mount, o, target.data, controllers);
}

/* A mount of type cgroup shows what the host has: the v2 tree, or a tmpfs of all v1 hierarchies. */
static int add_cgroup_mount(
	struct build *b, const struct oci_mount *mount, const struct mount_options *o)
{
	if (!b->host)
		return 0;
	if (b->host->is_unified)
		return add_cgroup_tree(b, mount, o, mount->destination, "");

	struct mount_row *row = mount_row_new(b, PLAN_MOUNT, mount->destination, mount->origin);
	mount_row_options(b, row, o);
	row->kind = MOUNT_KIND_NEW;
	row->fstype = flat_string(b->flat, "tmpfs");
	row->data = flat_string(b->flat, "mode=755,size=64k");
	row->label = flat_string(b->flat, b->spec->mount_label);
	/* The mount points in it have to be made first: the guard below makes it read-only. */
	row->attr_set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	int r = 0;
	for (size_t i = 0; i < b->host->count && r == 0; i++)
		r = add_hierarchy(b, mount, o, b->host->hierarchies[i].controllers);
	if (r == 0 && o->attr_set & MOUNT_ATTR_RDONLY)
		add_guard(b, MOUNT_GUARD_READONLY, mount->destination, mount->origin);
	return r;
}

/* husk writes to /proc what confines a process, and reads there what the process is. So only the
 * kernel's own procfs may be there, and no file of an image (SECURITY.md, rule 2, CVE-2019-16884).
 * The exceptions are the files that lxcfs gives each container, as with runc. */
static int proc_check(const struct oci_mount *mount, bool is_bind)
{
	static const char *const files[] = {"/cpuinfo", "/diskstats", "/loadavg", "/meminfo",
		"/net/dev", "/slabinfo", "/stat", "/swaps", "/sys/crypto/fips_enabled",
		"/sys/kernel/ns_last_pid", "/uptime"};
	const char *below = str_after(mount->destination, "/proc");
	if (!below || (*below && *below != '/'))
		return 0;
	bool is_proc = is_bind ? mount->source && str_eq(mount->source, "/proc")
			       : str_eq(mount->type, "proc");
	if (is_proc && (*below == '\0' || str_eq(below, "/")))
		return 0;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (str_eq(below, files[i]))
			return 0;
	return err_say(-EPERM, "mount on %s: nothing but proc may be mounted on /proc or inside it",
		mount->destination);
}

/* A mount without own maps gets those of the container's user namespace, whose ids its files then
 * have. A user namespace that is joined has them itself: then there are no rows here. */
static int add_mount_idmaps(struct build *b, const struct oci_mount *mount, uint32_t slot)
{
	bool has_own = mount->idmap_count > 0;
	size_t count = has_own ? mount->idmap_count : b->spec->idmaps.count;
	if (b->spec->opens_inside)
		return err_say(-EPERM, "mount on %s: only root can map the ids of files",
			mount->destination);
	if (!has_own && b->join_flags & CLONE_NEWUSER)
		return 0;
	if (!has_own && (count == 0 || !(b->clone_flags & CLONE_NEWUSER)))
		return err_say(-EINVAL,
			"mount on %s: to be id-mapped it needs mappings, or the container a user "
			"namespace",
			mount->destination);
	for (size_t i = 0; i < count; i++) {
		const struct oci_idmap *map = has_own ? &mount->idmaps[i]
						      : &b->spec->idmaps.items[i];
		struct ns_idmap_row *row = flat_add(b->flat, PLAN_MOUNT_IDMAP);
		*row = (struct ns_idmap_row){
			.origin = flat_string(b->flat, map->origin),
			.is_gid = map->is_gid,
			.inner = map->container_id,
			.outer = map->host_id,
			.count = map->size,
			.slot = slot,
		};
	}
	return 0;
}

static int bind_data_check(
	struct mount_row *row, const struct oci_mount *mount, const struct mount_options *o)
{
	row->data = 0;
	return mount_options_suit_bind(o)
		? 0
		: err_say(-EINVAL, "mount on %s: a bind mount has no option \"%s\"",
			  mount->destination, o->data.data);
}

static int add_remount(
	struct build *b, const struct oci_mount *mount, const struct mount_options *o)
{
	struct mount_row *row = mount_row_new(b, PLAN_MOUNT, mount->destination, mount->origin);
	mount_row_options(b, row, o);
	row->kind = MOUNT_KIND_REMOUNT;
	return o->is_bind ? bind_data_check(row, mount, o) : 0;
}

/* The kernel labels the files in these file systems itself and takes no context for the mount. */
static bool has_labels_of_its_own(const char *fstype)
{
	return str_eq(fstype, "proc") || str_eq(fstype, "sysfs") || str_eq(fstype, "mqueue");
}

/* The path in the root that the source of a bind is, or NULL. Init opens that one: mounts before it
 * may be in it, and no link of the image leads out of the root. The ids of files can be mapped by
 * the host alone. */
static const char *inner_source(const struct build *b, const struct oci_mount *mount,
	const struct mount_options *o, struct buf *source)
{
	auto_buf struct buf root = BUF_INIT;
	if (!b->spec->root_point || !mount->source || o->is_idmapped)
		return NULL;
	path_clean(&root, b->spec->root_point);
	path_clean(source, mount->source);
	const char *below = str_after(source->data, root.data);
	return below && *below == '/' ? below : NULL;
}

static int add_bind(struct build *b, const struct oci_mount *mount, const struct mount_options *o)
{
	auto_buf struct buf source = BUF_INIT;
	const char *inner = inner_source(b, mount, o, &source);
	int slot = inner ? 0 : slot_new(b);
	if (slot < 0)
		return slot;
	struct mount_row *row = mount_row_new(b, PLAN_MOUNT, mount->destination, mount->origin);
	mount_row_options(b, row, o);
	row->kind = inner ? MOUNT_KIND_INNER : MOUNT_KIND_BIND;
	row->slot = (uint32_t)slot;
	row->source = flat_string(b->flat, inner ? inner : mount->source);
	/* As with runc: what the host has mounted read-only stays so, whatever rw or rrw say. */
	row->attr_clear &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	row->attr_clear_recursive &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	int r = row->flags & MOUNT_IDMAP ? add_mount_idmaps(b, mount, row->slot) : 0;
	return r < 0 ? r : bind_data_check(row, mount, o);
}

static void add_file_system(
	struct build *b, const struct oci_mount *mount, const struct mount_options *o)
{
	struct mount_row *row = mount_row_new(b, PLAN_MOUNT, mount->destination, mount->origin);
	mount_row_options(b, row, o);
	row->kind = MOUNT_KIND_NEW;
	row->source = flat_string(b->flat, mount->source);
	row->fstype = flat_string(b->flat, mount->type);
	if (str_eq(mount->type, "mqueue"))
		row->flags |= MOUNT_OPTIONAL;
	if (!has_labels_of_its_own(mount->type))
		row->label = flat_string(b->flat, b->spec->mount_label);
	/* Mount points in a tmpfs, such as /dev, are made by later rows: it is read-only after
	 * those. */
	if (str_eq(mount->type, "tmpfs") && row->attr_set & MOUNT_ATTR_RDONLY) {
		row->attr_set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
		add_guard(b, MOUNT_GUARD_READONLY, mount->destination, mount->origin)->flags |=
			MOUNT_ALONE;
	}
}

static int add_mount(struct build *b, const struct oci_mount *mount)
{
	auto_of(mount_options) struct mount_options o = {.data = BUF_INIT};
	int r = mount_options_parse(mount->options ? mount->options : "", &o);
	if (r < 0)
		return err_wrap(r, "mount on %s", mount->destination);
	if (mount->destination[0] != '/')
		return err_say(-EINVAL, "mount on \"%s\": the destination must be absolute",
			mount->destination);
	if (o.is_remount)
		return add_remount(b, mount, &o);
	bool is_bind = o.is_bind || !mount->type || str_eq(mount->type, "bind");
	r = proc_check(mount, is_bind);
	if (r < 0)
		return r;
	if (is_bind)
		return add_bind(b, mount, &o);
	if (str_eq(mount->type, "cgroup"))
		return add_cgroup_mount(b, mount, &o);
	add_file_system(b, mount, &o);
	return 0;
}

static int add_mounts(struct build *b)
{
	for (size_t i = 0; i < b->spec->mounts.count; i++) {
		int r = add_mount(b, &b->spec->mounts.items[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* If a directory of the host is mounted on /dev, no nodes are made in it: they are the host's
 * affair. */
static bool has_own_dev(const struct oci_spec *spec)
{
	for (size_t i = 0; i < spec->mounts.count; i++) {
		const struct oci_mount *mount = &spec->mounts.items[i];
		if (str_eq(mount->destination, "/dev"))
			return mount->type && str_eq(mount->type, "tmpfs");
	}
	return true;
}

static void add_nodes(struct build *b)
{
	if (!has_own_dev(b->spec))
		return;
	for (size_t i = 0; i < sizeof(standard_devices) / sizeof(standard_devices[0]); i++) {
		struct mount_node_row *row = flat_add(b->flat, PLAN_NODE);
		row->origin = flat_string(b->flat, "oci");
		row->kind = MOUNT_NODE_CHAR;
		row->path = flat_string(b->flat, standard_devices[i].path);
		row->major = standard_devices[i].major;
		row->minor = standard_devices[i].minor;
		row->mode = 0666;
	}
	for (size_t i = 0; i < b->spec->devices.count; i++) {
		const struct oci_device *device = &b->spec->devices.items[i];
		struct mount_node_row *row = flat_add(b->flat, PLAN_NODE);
		row->origin = flat_string(b->flat, device->origin);
		row->kind = device->type == 'b' ? MOUNT_NODE_BLOCK
			: device->type == 'p'	? MOUNT_NODE_FIFO
						: MOUNT_NODE_CHAR;
		row->path = flat_string(b->flat, device->path);
		row->major = device->major;
		row->minor = device->minor;
		row->mode = device->mode;
		row->uid = device->uid;
		row->gid = device->gid;
	}
	for (size_t i = 0; i < sizeof(standard_links) / sizeof(standard_links[0]); i++) {
		struct mount_node_row *row = flat_add(b->flat, PLAN_NODE);
		row->origin = flat_string(b->flat, "oci");
		row->kind = MOUNT_NODE_LINK;
		row->path = flat_string(b->flat, standard_links[i].path);
		row->target = flat_string(b->flat, standard_links[i].target);
	}
}

static void add_guards(struct build *b)
{
	for (size_t i = 0; i < b->spec->readonly.count; i++)
		add_guard(b, MOUNT_GUARD_READONLY, b->spec->readonly.items[i].path,
			b->spec->readonly.items[i].origin);
	for (size_t i = 0; i < b->spec->masked.count; i++)
		add_guard(b, MOUNT_GUARD_MASK, b->spec->masked.items[i].path,
			b->spec->masked.items[i].origin);
}

/* One name from two places. */
static int name_check(const char *sysctl, const char *key, const char *field, const char *value)
{
	return str_eq(sysctl, key) && value && *value
		? err_say(-EINVAL, "the sysctl %s contradicts the %s \"%s\"", key, field, value)
		: 0;
}

static int add_sysctls(struct build *b)
{
	for (size_t i = 0; i < b->spec->sysctls.count; i++) {
		const struct oci_pair *pair = &b->spec->sysctls.items[i];
		/* That a joined namespace is not the host's is checked when launch.c opens it. */
		int r = sec_sysctl_check(pair->key, pair->value, b->clone_flags | b->join_flags);
		if (r == 0)
			r = name_check(pair->key, "kernel.hostname", "hostname", b->spec->hostname);
		if (r == 0)
			r = name_check(
				pair->key, "kernel.domainname", "domainname", b->spec->domainname);
		if (r < 0)
			return r;
		struct sec_sysctl_row *row = flat_add(b->flat, PLAN_SYSCTL);
		row->origin = flat_string(b->flat, pair->origin);
		row->key = flat_string(b->flat, pair->key);
		row->value = flat_string(b->flat, pair->value);
	}
	return 0;
}

static void add_rlimits(struct build *b)
{
	for (size_t i = 0; i < b->spec->rlimits.count; i++) {
		const struct oci_rlimit *limit = &b->spec->rlimits.items[i];
		struct sec_rlimit_row *row = flat_add(b->flat, PLAN_RLIMIT);
		row->origin = flat_string(b->flat, limit->origin);
		row->resource = limit->resource;
		row->soft = limit->soft;
		row->hard = limit->hard;
	}
}

/* Only an exec may choose its processors. The first of them, CPUS_INITIAL, are taken by the process
 * that makes the exec. */
static void add_scheds(struct build *b, enum plan_kind kind)
{
	for (size_t i = 0; i < b->spec->scheds.count; i++) {
		const struct oci_sched *sched = &b->spec->scheds.items[i];
		if (sched->kind == SEC_SCHED_CPUS_INITIAL ||
			(sched->kind == SEC_SCHED_CPUS && kind != PLAN_KIND_EXEC))
			continue;
		struct flat_blob mask = {0};
		if (sched->mask_words)
			mask = flat_blob(
				b->flat, sched->mask, sched->mask_words * sizeof(sched->mask[0]));
		struct sec_sched_row *row = flat_add(b->flat, PLAN_SCHED);
		*row = (struct sec_sched_row){
			.origin = flat_string(b->flat, sched->origin),
			.kind = sched->kind,
			.mode = sched->mode,
			.priority = sched->priority,
			.nice = sched->nice,
			.flags = sched->flags,
			.runtime_ns = sched->runtime_ns,
			.deadline_ns = sched->deadline_ns,
			.period_ns = sched->period_ns,
			.mask = mask,
		};
	}
}

/* The host runs the hooks of all other kinds. */
static int add_start_hooks(struct build *b)
{
	for (size_t i = 0; i < b->spec->hooks[OCI_HOOK_START_CONTAINER].count; i++) {
		const struct oci_hook *hook = &b->spec->hooks[OCI_HOOK_START_CONTAINER].items[i];
		/* In the container, what is inherited is the payload's. */
		const struct str_list *env = hook->has_env ? &hook->env : &b->spec->process.env;
		if (hook->args.count > PLAN_HOOK_WORDS_MAX || env->count > PLAN_HOOK_WORDS_MAX)
			return err_say(-E2BIG, "hook %s: more than %d arguments or variables",
				hook->path, PLAN_HOOK_WORDS_MAX);
		struct plan_hook_row *row = flat_add(b->flat, PLAN_HOOK);
		*row = (struct plan_hook_row){
			.path = flat_string(b->flat, hook->path),
			.first = b->hook_words,
			.arg_count = (uint32_t)(hook->args.count ? hook->args.count : 1),
			.env_count = (uint32_t)env->count,
			.timeout_s = hook->timeout_s,
		};
		b->hook_words += row->arg_count + row->env_count;
		if (hook->args.count == 0)
			add_text(b, PLAN_HOOK_WORD, hook->path, NULL, NULL);
		for (size_t j = 0; j < hook->args.count; j++)
			add_text(b, PLAN_HOOK_WORD, hook->args.items[j], NULL, NULL);
		for (size_t j = 0; j < env->count; j++)
			add_text(b, PLAN_HOOK_WORD, env->items[j], NULL, NULL);
	}
	return 0;
}

/* Refuses an id that a new user namespace does not map. */
static int id_check(const struct build *b, const char *what, uint32_t id, bool is_gid)
{
	if (!(b->clone_flags & CLONE_NEWUSER) || b->spec->idmaps.count == 0)
		return 0;
	for (size_t i = 0; i < b->spec->idmaps.count; i++) {
		const struct oci_idmap *map = &b->spec->idmaps.items[i];
		if (map->is_gid == is_gid && id >= map->container_id &&
			id - map->container_id < map->size)
			return 0;
	}
	return err_say(-EINVAL, "%s %u is not in the map of the user namespace", what, id);
}

static int ids_check(const struct build *b)
{
	const struct oci_process *p = &b->spec->process;
	int r = id_check(b, "uid", p->uid, false);
	if (r == 0)
		r = id_check(b, "gid", p->gid, true);
	for (size_t i = 0; i < p->group_count && r == 0; i++)
		r = id_check(b, "group", p->groups[i], true);
	return r;
}

/* By name, then by place. Items point to strings of the same array. */
static int variable_compare(const void *a, const void *b)
{
	const char *const *left = *(const char *const *const *)a;
	const char *const *right = *(const char *const *const *)b;
	size_t left_len = strcspn(*left, "="), right_len = strcspn(*right, "=");
	int r = strncmp(*left, *right, left_len < right_len ? left_len : right_len);
	if (r == 0 && left_len != right_len)
		r = left_len < right_len ? -1 : 1;
	return r ? r : (left > right) - (left < right);
}

/* Of variables with the same name the last one counts, and stands there once. An empty HOME is as
 * none: init finds the user's. Both as with runc. */
static int add_env(struct build *b)
{
	const struct str_list *env = &b->spec->process.env;
	for (size_t i = 0; i < env->count; i++)
		if (!strchr(env->items[i], '='))
			return err_say(-EINVAL, "environment[%zu]: \"%s\" is not KEY=VALUE", i,
				env->items[i]);
	auto_free const char *const **sorted = mem_resize(NULL, env->count, sizeof(*sorted));
	auto_free bool *is_last = mem_resize(NULL, env->count, sizeof(*is_last));
	for (size_t i = 0; i < env->count; i++)
		sorted[i] = &env->items[i];
	qsort(sorted, env->count, sizeof(*sorted), variable_compare);
	for (size_t i = 0; i < env->count; i++) {
		const char *variable = *sorted[i];
		size_t name_len = strcspn(variable, "=") + 1;
		is_last[sorted[i] - (const char *const *)env->items] = i + 1 == env->count ||
			strncmp(variable, *sorted[i + 1], name_len) != 0;
	}
	for (size_t i = 0; i < env->count; i++)
		if (is_last[i] && !str_eq(env->items[i], "HOME="))
			add_text(b, PLAN_ENV, env->items[i], NULL, NULL);
	return 0;
}

static int add_process(struct build *b)
{
	const struct oci_process *p = &b->spec->process;
	if (p->args.count == 0 || p->args.items[0][0] == '\0')
		return err_say(-EINVAL, "no command specified");
	if (!p->cwd || p->cwd[0] != '/')
		return err_say(-EINVAL, "the working directory \"%s\" is not an absolute path",
			p->cwd ? p->cwd : "");

	if (p->args.count + p->env.count + 3 > PLAN_POINTERS_MAX)
		return err_say(-E2BIG, "more than %d arguments and environment variables",
			PLAN_POINTERS_MAX - 3);

	int r = ids_check(b);
	if (r < 0)
		return r;
	struct flat_blob seccomp = {0};
	if (p->seccomp)
		seccomp = flat_blob(b->flat, p->seccomp, p->seccomp_size);
	struct plan_process_row *row = flat_add(b->flat, PLAN_PROCESS);
	row->uid = p->uid;
	row->gid = p->gid;
	row->cwd = flat_string(b->flat, p->cwd);
	row->umask = p->umask;
	row->caps = (struct sec_caps){p->caps_bounding, p->caps_effective, p->caps_permitted,
		p->caps_inheritable, p->caps_ambient};
	row->oom_score_adj = p->oom_score_adj;
	row->user_name = flat_string(b->flat, p->user_name);
	row->seccomp_name = flat_string(b->flat, p->seccomp_name);
	row->labels[SEC_LABEL_APPARMOR] = flat_string(b->flat, p->labels.apparmor);
	row->labels[SEC_LABEL_SELINUX] = flat_string(b->flat, p->labels.selinux);
	row->seccomp = seccomp;
	row->seccomp_flags = p->seccomp_flags;
	row->listener_path = flat_string(b->flat, p->listener.path);
	row->listener_metadata = flat_string(b->flat, p->listener.metadata);

	for (size_t i = 0; i < p->group_count; i++)
		((struct plan_group_row *)flat_add(b->flat, PLAN_GROUP))->gid = p->groups[i];
	for (size_t i = 0; i < p->args.count; i++)
		add_text(b, PLAN_ARG, p->args.items[i], NULL, NULL);
	return add_env(b);
}

/* Hooks that run after the container is made and before its root is entered. startContainer hooks
 * count too: they are given the state at that moment. */
static bool has_setup_hooks(const struct oci_spec *spec)
{
	return spec->hooks[OCI_HOOK_PRESTART].count || spec->hooks[OCI_HOOK_CREATE_RUNTIME].count ||
		spec->hooks[OCI_HOOK_CREATE_CONTAINER].count ||
		spec->hooks[OCI_HOOK_START_CONTAINER].count;
}

static int add_net_devices(struct build *b)
{
	bool has_network = (b->clone_flags | b->join_flags) & CLONE_NEWNET;
	if (b->spec->net_devices.count && !has_network)
		return err_say(-EINVAL, "network devices are given without a network namespace");
	for (size_t i = 0; i < b->spec->net_devices.count; i++) {
		const struct oci_pair *pair = &b->spec->net_devices.items[i];
		add_text(b, PLAN_NET_DEVICE, pair->key, pair->value, pair->origin);
	}
	return 0;
}

static void add_head(struct build *b, enum plan_kind kind)
{
	const struct oci_spec *spec = b->spec;
	struct plan_head_row *head = flat_add(b->flat, PLAN_HEAD);
	*head = (struct plan_head_row){
		.kind = kind,
		.flags = (spec->root_is_readonly ? PLAN_ROOT_READONLY : 0) |
			(spec->root_is_volatile ? PLAN_ROOT_VOLATILE : 0) |
			(spec->no_pivot ? PLAN_NO_PIVOT : 0) |
			(spec->wants_reaper ? PLAN_REAPER : 0) |
			(spec->process.has_terminal ? PLAN_TERMINAL : 0) |
			(spec->process.no_new_privileges ? PLAN_NO_NEW_PRIVS : 0) |
			(spec->process.has_oom_score_adj ? PLAN_OOM_SCORE : 0) |
			(spec->cgroup_path ? PLAN_JOINS_CGROUP : 0) |
			(spec->keeps_keyring ? PLAN_KEEPS_KEYRING : 0) |
			(spec->opens_inside ? PLAN_OPENS_INSIDE : 0) |
			(spec->wants_loopback && b->clone_flags & CLONE_NEWNET ? PLAN_LOOPBACK
									       : 0) |
			(has_setup_hooks(spec) ? PLAN_HOOKS : 0),
		.root_propagation = spec->root_propagation,
		.hostname = flat_string(b->flat, spec->hostname),
		.domainname = flat_string(b->flat, spec->domainname),
		.cgroup_path = flat_string(b->flat, spec->cgroup_path),
		.upper = flat_string(b->flat, spec->upper),
		.work = flat_string(b->flat, spec->work),
		/* The path is one of the caller's mount namespace. */
		.root_point = b->join_flags & CLONE_NEWNS ? 0
							  : flat_string(b->flat, spec->root_point),
		/* Init makes the cgroup namespace after it has entered its cgroup, which becomes
		 * the root of the namespace. It also makes a time namespace whose clocks are set:
		 * that must be empty until then. */
		.clone_flags = b->clone_flags &
			~(uint64_t)(CLONE_NEWCGROUP | (spec->clocks.count ? CLONE_NEWTIME : 0)),
	};
}

/* Without a pivot the host's tree is still there below the container's: a process that may unmount
 * could uncover it. */
static int no_pivot_check(const struct oci_spec *spec)
{
	int number = sec_cap_find("SYS_ADMIN");
	if (!spec->no_pivot || number < 0 || !(spec->process.caps_bounding >> number & 1))
		return 0;
	return err_say(-EINVAL,
		"--no-pivot cannot be used with CAP_SYS_ADMIN: with it the container could "
		"unmount its root and find the host's below it");
}

static int add_all(struct build *b, enum plan_kind kind)
{
	int r = no_pivot_check(b->spec);
	if (r == 0)
		r = add_namespaces(b, kind);
	if (r == 0)
		r = add_idmaps(b);
	if (r == 0)
		r = add_clocks(b);
	if (r == 0)
		r = add_limits(b);
	if (r == 0)
		r = add_mounts(b);
	if (r == 0)
		r = add_sysctls(b);
	if (r == 0)
		r = add_process(b);
	if (r == 0)
		r = add_start_hooks(b);
	if (r < 0)
		return r;
	r = add_net_devices(b);
	if (r < 0)
		return r;
	add_device_rules(b);
	for (size_t i = 0; i < b->spec->layers.count; i++)
		add_text(b, PLAN_LAYER, b->spec->layers.items[i], NULL, NULL);
	for (size_t i = 0; i < b->spec->network.count; i++) {
		const struct oci_pair *pair = &b->spec->network.items[i];
		add_text(b, PLAN_NETWORK, pair->key, pair->value, pair->origin);
	}
	if (kind == PLAN_KIND_RUN)
		add_nodes(b);
	add_guards(b);
	add_rlimits(b);
	add_scheds(b, kind);
	add_head(b, kind);
	return 0;
}

int plan_build(const struct oci_spec *spec, enum plan_kind kind, const struct cgroup_host *host,
	struct buf *out)
{
	auto_of(flat_builder) struct flat_builder flat;
	flat_builder_init(&flat, &plan_schema);
	struct build b = {.flat = &flat, .spec = spec, .host = host, .next_slot = SLOT_FIRST_FREE};

	int r = add_all(&b, kind);
	if (r < 0)
		return r;
	flat_finish(&flat, out);
	return 0;
}

/* Builds the rows of limits and of device rules alone. */
static int limits_build(struct build *b, struct buf *bytes, struct flat *out)
{
	int r = add_limits(b);
	if (r < 0)
		return r;
	add_device_rules(b);
	flat_finish(b->flat, bytes);
	return flat_open(out, &plan_schema, bytes->data, bytes->len);
}

static const void *rows_of(const struct flat *plan, enum plan_section section)
{
	return flat_count(plan, section) ? flat_row(plan, section, 0) : NULL;
}

int plan_limits_apply(
	const struct oci_spec *spec, const struct cgroup_host *host, struct cgroup *group)
{
	auto_of(flat_builder) struct flat_builder flat;
	auto_buf struct buf bytes = BUF_INIT;
	struct flat plan;
	flat_builder_init(&flat, &plan_schema);
	struct build b = {.flat = &flat, .spec = spec, .host = host};
	int r = limits_build(&b, &bytes, &plan);
	return r < 0 ? r
		     : cgroup_apply(group, &plan, rows_of(&plan, PLAN_CGROUP),
			       flat_count(&plan, PLAN_CGROUP), rows_of(&plan, PLAN_CGROUP_DEVICE),
			       flat_count(&plan, PLAN_CGROUP_DEVICE));
}

int plan_limits_each(const struct oci_spec *spec, const struct cgroup_host *host,
	const struct cgroup *group, int (*each)(void *context, const char *file, const char *text),
	void *context)
{
	auto_of(flat_builder) struct flat_builder flat;
	auto_buf struct buf bytes = BUF_INIT;
	struct flat plan;
	flat_builder_init(&flat, &plan_schema);
	struct build b = {.flat = &flat, .spec = spec, .host = host};
	int r = limits_build(&b, &bytes, &plan);
	return r < 0 ? r
		     : cgroup_texts_each(group, &plan, rows_of(&plan, PLAN_CGROUP),
			       flat_count(&plan, PLAN_CGROUP), each, context);
}
