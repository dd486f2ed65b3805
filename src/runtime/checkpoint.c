/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint: criu writes a container's processes, memory and mounts to files. What the container
 * uses from outside is passed to criu by name: mounts by their paths in the container, input and
 * output by what they are, and the namespaces that the container joined.
 */
#include "runtime/checkpoint.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "runtime/criu.h"
#include "runtime/criu_wire.h"
#include "ns/ns.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/path.h"

#include <errno.h>
#include <inttypes.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

enum { STREAM_NAME_MAX = 64, MOUNTINFO_MAX = 8 << 20 };

struct checkpoint {
	struct criu criu;
	struct arena arena;
	struct oci_spec spec;
	struct runtime_state state;
	struct buf plan_bytes;
	struct flat plan;
	int root; /* the container's root, as its first process sees it */
};

static void checkpoint_release(struct checkpoint *c)
{
	criu_release(&c->criu);
	buf_release(&c->plan_bytes);
	fd_replace(&c->root, -EBADF);
	arena_release(&c->arena);
}
AUTO_STRUCT(checkpoint, struct checkpoint, checkpoint_release)

static void external_put(struct checkpoint *c, const char *text)
{
	wire_put_text(&c->criu.options, CRIU_EXTERNAL, text);
}

/* A mount's target may lead through symbolic links of the root: criu knows the mount by its real
 * path. */
static int mount_put(struct checkpoint *c, const struct plan_outside_mount *mount)
{
	char real[PATH_MAX];
	struct stat st;
	auto_close int at = path_open(c->root, mount->target, O_PATH, 0);
	if (at == -ENOENT || at == -ENOTDIR)
		return 0;
	int r = at < 0 ? at : sys_stat_fd(at, &st);
	if (r == 0 && mount->is_mask && S_ISDIR(st.st_mode))
		return 0; /* hidden by a tmpfs of the container */
	if (r == 0)
		r = sys_readlink_at(AT_FDCWD, PROC_FD_PATH(at), real, sizeof(real));
	if (r < 0)
		return err_new(r, "look at mount %s", mount->target);
	/* The image chose the names that its links lead to. A "]" in such a name would end criu's
	 * brackets. */
	if (strchr(real, ']') || strchr(mount->target, ']'))
		return err_say(-EINVAL, "mount %s is on %s, and criu takes no \"]\" there",
			mount->target, real);
	external_put(c, arena_printf(&c->arena, "mnt[%s]:%s", real, mount->target));
	return 0;
}

static int mounts_put(struct checkpoint *c)
{
	struct plan_outside outside;
	int r = plan_outside_find(&c->plan, &c->arena, &outside);
	for (size_t i = 0; r == 0 && i < outside.mounts.count; i++)
		r = mount_put(c, &outside.mounts.items[i]);
	return r;
}

/* The two kinds that criu can leave alone. criu saves other joined namespaces, and joins them
 * again. */
static int namespaces_put(struct checkpoint *c)
{
	static const struct {
		const char *type, *word, *key;
		enum ns_kind kind;
	} rows[] = {
		{"network", "net", "extRootNetNS", NS_NET}, {"pid", "pid", "extRootPidNS", NS_PID}};
	for (size_t i = 0; i < c->spec.namespaces.count; i++) {
		const struct oci_namespace *ns = &c->spec.namespaces.items[i];
		for (size_t j = 0; j < sizeof(rows) / sizeof(rows[0]); j++) {
			uint64_t inode;
			if (!ns->path || !str_eq(ns->type, rows[j].type))
				continue;
			int r = ns_inode(c->state.process.pid, rows[j].kind, &inode);
			if (r < 0)
				return r;
			external_put(c,
				arena_printf(&c->arena, "%s[%" PRIu64 "]:%s", rows[j].word, inode,
					rows[j].key));
		}
	}
	return 0;
}

/* The number of the mount that a file descriptor is on: "mnt_id:\t23". */
static int mount_id(struct arena *a, pid_t pid, int number, uint64_t *out)
{
	char path[64];
	auto_buf struct buf text = BUF_INIT;
	fmt(path, "/proc/%d/fdinfo/%d", pid, number);
	int r = file_read(path, PATH_MAX, &text);
	const char *value = r < 0 ? NULL : strstr(text.data, "mnt_id:\t");
	if (!value)
		return r < 0 ? r : -ENODATA;
	value += strlen("mnt_id:\t");
	return parse_u64(arena_printf(a, "%.*s", (int)strcspn(value, "\n"), value), out);
}

static bool is_inside(const char *mountinfo, uint64_t id)
{
	char start[32];
	int len = fmt(start, "%" PRIu64 " ", id);
	for (const char *line = mountinfo; *line;) {
		if (strncmp(line, start, (size_t)len) == 0)
			return true;
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return false;
}

/* The name of file descriptor 0, 1 or 2 in the images: a pipe is named by its number, a file
 * outside the container by its mount and inode, anything else by its path. criu needs no option for
 * a path. */
static int stream_name(struct checkpoint *c, const char *mountinfo, int number, const char **out)
{
	char path[64], target[PATH_MAX];
	struct stat st;
	uint64_t id;
	pid_t pid = c->state.process.pid;
	fmt(path, "/proc/%d/fd/%d", pid, number);
	int r = sys_readlink_at(AT_FDCWD, path, target, sizeof(target));
	if (r == -ENOENT) /* the process has closed it */
		target[0] = '\0';
	else if (r < 0)
		return r;
	*out = arena_str(&c->arena, target);
	if (target[0] != '/')
		return 0;
	r = mount_id(&c->arena, pid, number, &id);
	if (r < 0 || is_inside(mountinfo, id))
		return r;
	r = sys_stat_at(AT_FDCWD, path, 0, &st);
	if (r == 0)
		*out = arena_printf(
			&c->arena, "file[%" PRIx64 ":%" PRIx64 "]", id, (uint64_t)st.st_ino);
	return r;
}

static int streams_store(const struct checkpoint *c, const char *const names[static 3])
{
	auto_buf struct buf text = BUF_INIT;
	struct json_writer w = {.out = &text};
	json_open_array(&w, NULL);
	for (int i = 0; i < 3; i++)
		json_put_string(&w, NULL, names[i]);
	json_close_array(&w);
	int r = file_replace_at(
		c->criu.images_fd, DESCRIPTORS_FILE, text.data, text.len, 0600, false);
	return r < 0 ? err_new(r, "write " DESCRIPTORS_FILE) : 0;
}

static int streams_put(struct checkpoint *c)
{
	char path[64];
	const char *names[3] = {"", "", ""};
	auto_buf struct buf mountinfo = BUF_INIT;
	fmt(path, "/proc/%d/mountinfo", c->state.process.pid);
	int r = file_read(path, MOUNTINFO_MAX, &mountinfo);
	for (int i = 0; i < 3 && r == 0; i++)
		r = stream_name(c, mountinfo.data, i, &names[i]);
	if (r < 0)
		return err_new(r, "look at the container's input and output");
	for (int i = 0; i < 3; i++) {
		bool is_known = (i > 0 && str_eq(names[i], names[0])) ||
			(i > 1 && str_eq(names[i], names[1]));
		if (str_prefix(names[i], "file[") && !is_known)
			external_put(c, names[i]);
	}
	return streams_store(c, names);
}

static int options_put(struct checkpoint *c)
{
	char path[64];
	fmt(path, "/proc/%d/root", c->state.process.pid);
	c->root = sys_open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);
	if (c->root < 0)
		return err_new(c->root, "open the container's root");
	wire_put_number(&c->criu.options, CRIU_PID, (uint64_t)c->state.process.pid);
	wire_put_text(&c->criu.options, CRIU_ROOT, c->state.rootfs);
	int r = mounts_put(c);
	if (r == 0)
		r = namespaces_put(c);
	return r < 0 ? r : streams_put(c);
}

static int container_load(struct checkpoint *c, struct runtime *rt, int dir, const char *id)
{
	int r = runtime_state_load(dir, id, &c->arena, &c->state);
	if (r == -ENOENT)
		return err_say(-EINVAL, "container \"%s\" was not created whole", id);
	if (r < 0)
		return r;
	runtime_state_find(dir, &c->state);
	auto_of(cgroup) struct cgroup *group = NULL;
	if (c->state.status == RUNTIME_RUNNING && *c->state.cgroup_path &&
		cgroup_open(&rt->cgroup, c->state.cgroup_path, &group) == 0 &&
		cgroup_is_frozen(group))
		c->state.status = RUNTIME_PAUSED;
	if (c->state.status != RUNTIME_RUNNING)
		return err_say(-EINVAL, "cannot checkpoint container \"%s\": it is %s", id,
			runtime_status_words[c->state.status]);
	if (c->state.manager == RUNTIME_SYSTEMD)
		return err_say(
			-EOPNOTSUPP, "a container in a unit of systemd cannot be checkpointed");
	r = runtime_config_load(dir, &c->state, &c->arena, &c->spec);
	if (r < 0)
		return r;
	r = file_read_at(dir, "plan", PLAN_BYTES_MAX, &c->plan_bytes);
	return r < 0 ? err_new(r, "read the plan")
		     : plan_open(&c->plan, c->plan_bytes.data, c->plan_bytes.len);
}

int runtime_checkpoint(struct runtime *rt, const char *id, const struct runtime_criu *told)
{
	auto_of(checkpoint) struct checkpoint c = {
		.criu = CRIU_INIT, .arena = ARENA_INIT, .plan_bytes = BUF_INIT, .root = -EBADF};
	pid_t none;
	auto_close int dir = runtime_dir_open(rt, id);
	auto_close int lock = dir < 0 ? dir : runtime_dir_lock(dir, true);
	int r = lock < 0 ? lock : container_load(&c, rt, dir, id);
	if (r == 0)
		r = criu_prepare(&c.criu, told, told->is_pre_dump ? CRIU_PRE_DUMP : CRIU_DUMP);
	if (r == 0)
		r = options_put(&c);
	if (r == 0)
		r = criu_serve(&c.criu, &none);
	fd_replace(&lock, -EBADF);
	if (r < 0 || told->leaves_running || told->is_pre_dump)
		return r;
	return runtime_delete(rt, id, true);
}
