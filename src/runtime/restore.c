/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore: creates a container from a bundle, with processes that criu makes from the files of a
 * checkpoint in place of an init. The cgroup, the directory, the hooks of the network and the end
 * are those of create. The container's first process is a child of this one.
 */
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "runtime/creation.h"
#include "runtime/criu.h"
#include "runtime/criu_wire.h"
#include "ns/ns.h"
#include "sys/calls.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>

enum { DESCRIPTORS_BYTES_MAX = 64 << 10 };

struct restoration {
	struct creation creation;
	struct criu criu;
};

static void restoration_release(struct restoration *r)
{
	criu_release(&r->criu);
	creation_release(&r->creation);
}
AUTO_STRUCT(restoration, struct restoration, restoration_release)

static int mounts_put(struct restoration *r)
{
	struct plan_outside outside;
	struct arena *a = &r->creation.arena;
	int result = plan_outside_find(&r->creation.launch.plan, a, &outside);
	for (size_t i = 0; result == 0 && i < outside.mounts.count; i++) {
		const struct plan_outside_mount *mount = &outside.mounts.items[i];
		wire_put_text(&r->criu.options, CRIU_EXTERNAL,
			arena_printf(a, "mnt[%s]:%s", mount->target, mount->source));
	}
	return result;
}

static void fd_put(struct restoration *r, const char *key, int fd)
{
	for (size_t i = 0; i < r->criu.fd_count; i++)
		if (str_eq(r->criu.fds[i].key, key))
			return;
	r->criu.fds[r->criu.fd_count++] = (struct criu_fd){key, fd};
}

static int streams_read(struct restoration *r, const struct json *document)
{
	struct json_cursor root = json_root(document);
	int count = json_count(&root);
	for (int i = 0; i < count && i < 3; i++) {
		struct json_cursor item = json_item(&root, (size_t)i);
		const char *name = NULL;
		int result = json_string(&item, &r->creation.arena, &name);
		if (result < 0)
			return result;
		if (r->creation.launch.stdio[i] >= 0 &&
			(str_prefix(name, "pipe:") || str_prefix(name, "file[")))
			fd_put(r, name, r->creation.launch.stdio[i]);
	}
	return count < 0 ? count : 0;
}

static int streams_put(struct restoration *r)
{
	auto_buf struct buf text = BUF_INIT;
	auto_of(json) struct json *document = NULL;
	int result = file_read_at(
		r->criu.images_fd, DESCRIPTORS_FILE, DESCRIPTORS_BYTES_MAX, &text);
	if (result < 0)
		return err_new(result, "read %s/" DESCRIPTORS_FILE, r->criu.told->image_path);
	result = json_parse(DESCRIPTORS_FILE, text.data, text.len, &document);
	return result < 0 ? result : streams_read(r, document);
}

/* The opened fds belong to the launch. */
static int namespaces_put(struct restoration *r)
{
	static const struct {
		const char *type, *key, *word;
	} rows[] = {{"network", "extRootNetNS", NULL}, {"pid", "extRootPidNS", NULL},
		{"ipc", NULL, "ipc"}, {"uts", NULL, "uts"}};
	const struct oci_spec *spec = &r->creation.spec;
	for (size_t i = 0; i < spec->namespaces.count; i++) {
		const struct oci_namespace *ns = &spec->namespaces.items[i];
		for (size_t j = 0; j < sizeof(rows) / sizeof(rows[0]); j++) {
			if (!ns->path || !str_eq(ns->type, rows[j].type))
				continue;
			if (rows[j].word)
				criu_put_pair(&r->criu, CRIU_JOIN_NS, rows[j].word, ns->path);
			int fd = rows[j].key ? sys_open_at(AT_FDCWD, ns->path, O_RDONLY, 0) : 0;
			if (fd < 0)
				return err_new(fd, "open namespace %s", ns->path);
			if (rows[j].key) {
				r->creation.launch.slots[SLOT_KEEP_FIRST + j] = fd;
				fd_put(r, rows[j].key, fd);
			}
		}
	}
	return 0;
}

/* The cgroup may differ from that of the checkpoint. */
static void group_put(struct restoration *r)
{
	auto_buf struct buf path = BUF_INIT;
	if (!*r->creation.state.cgroup_path)
		return;
	buf_addf(&path, "/%s", r->creation.state.cgroup_path);
	criu_put_pair(&r->criu, CRIU_CGROUP_ROOT, NULL, path.data);
}

static int options_put(struct restoration *r)
{
	wire_put_number(&r->criu.options, CRIU_RESTORE_SIBLING, 1);
	wire_put_text(&r->criu.options, CRIU_ROOT, r->creation.state.rootfs);
	r->criu.rootfs = r->creation.state.rootfs;
	r->criu.is_readonly = r->creation.spec.root_is_readonly;
	int result = mounts_put(r);
	if (result == 0)
		result = namespaces_put(r);
	if (result == 0 && !r->creation.spec.process.has_terminal)
		result = streams_put(r);
	if (result == 0)
		group_put(r);
	return result;
}

/* Hooks make the network of a container: they run when its namespaces exist and none of its
 * processes runs. */
static int hooks_run(struct restoration *r, pid_t pid)
{
	struct creation *c = &r->creation;
	int result = process_identify(pid, &c->state.process);
	if (result < 0)
		return err_new(result, "look at the restored process");
	c->state.status = RUNTIME_CREATING;
	result = runtime_hooks(&c->spec, OCI_HOOK_PRESTART, &c->state, -EBADF);
	return result < 0 ? result
			  : runtime_hooks(&c->spec, OCI_HOOK_CREATE_RUNTIME, &c->state, -EBADF);
}

static int step(void *context, const char *name, pid_t pid, int fd)
{
	struct restoration *r = context;
	if (str_eq(name, "setup-namespaces"))
		return hooks_run(r, pid);
	if (!str_eq(name, "orphan-pts-master"))
		return 0;
	int console = fd_dup(fd);
	fd_replace(&r->creation.launch.console_fd, console);
	return console < 0 ? err_new(console, "take the terminal") : 0;
}

static int processes_restore(struct restoration *r)
{
	struct launch *launch = &r->creation.launch;
	struct cgroup_entry group = {.tree_fd = launch->slots[SLOT_CGROUP_TREE]};
	for (size_t i = SLOT_CGROUP_FIRST; i < SLOT_KEEP_FIRST; i++)
		if (launch->slots[i] >= 0)
			group.fds[group.count++] = launch->slots[i];
	r->criu.group = &group;
	r->criu.step = step;
	r->criu.context = r;
	int result = criu_serve(&r->criu, &launch->pid);
	if (result < 0)
		return result;
	launch->pidfd = sys_pidfd_open(launch->pid, 0);
	return launch->pidfd < 0 ? err_new(launch->pidfd, "hold the restored process") : 0;
}

static int container_restore(struct restoration *r, struct runtime_child *out)
{
	struct creation *c = &r->creation;
	struct launch *launch = &c->launch;
	launch->cgroup_host = &c->rt->cgroup;
	int result = runtime_stdio_prepare(
		&c->request->stdio, c->spec.process.has_terminal, launch);
	if (result == 0)
		result = launch_prepare(launch);
	if (result == 0)
		result = options_put(r);
	if (result == 0)
		result = processes_restore(r);
	if (result == 0)
		result = creation_store(c);
	if (result == 0)
		result = creation_report(c, out);
	if (result == 0)
		fd_replace(&launch->pidfd, -EBADF); /* the process must outlive this one */
	return result;
}

int runtime_restore(struct runtime *rt, const struct runtime_create *request,
	const struct runtime_criu *told, struct runtime_child *out)
{
	auto_of(restoration) struct restoration r = {.criu = CRIU_INIT};
	struct creation *c = &r.creation;
	int result = creation_begin(c, rt, request);
	if (result == 0 && rt->manager == RUNTIME_SYSTEMD)
		result = err_say(-EOPNOTSUPP,
			"restore into a unit of systemd is not supported: only "
			"--cgroup-manager cgroupfs or disabled");
	if (result == 0 && c->spec.rdt)
		result = err_say(-EOPNOTSUPP,
			"config.json: linux.intelRdt: a class is not restored: processes that criu "
			"makes cannot be put into it before they run");
	if (result == 0)
		result = criu_prepare(&r.criu, told, CRIU_RESTORE);
	if (result == 0)
		result = launch_set_plan(&c->launch, c->plan.data, c->plan.len);
	if (result == 0)
		result = creation_claim(c);
	if (result < 0)
		return result;
	result = container_restore(&r, out);
	if (result < 0)
		creation_undo(c);
	return result;
}
