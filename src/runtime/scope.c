/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container as a unit of systemd. A scope needs a process from its beginning, but init is to be
 * born in the scope's group with the limits already set. So a placeholder process, which only
 * waits, holds the scope until init is in it. The placeholder ends with this process, and a scope
 * without processes ends by itself: a create that is killed leaves no unit.
 */
#include "runtime/groups.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "dbus/dbus.h"
#include "ns/ns.h"
#include "sys/calls.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum { SOCKET_PATH_MAX = 4096, CGROUP_TEXT_MAX = 64 * 1024 };

static const char service[] = "org.freedesktop.systemd1", object[] = "/org/freedesktop/systemd1",
		  manager[] = "org.freedesktop.systemd1.Manager";

/* Root of a user namespace uses the systemd of its user. */
static bool is_user(void)
{
	return geteuid() != 0 || !ns_user_is_initial();
}

struct door {
	char path[SOCKET_PATH_MAX];
	bool is_bus;
};

/* systemd's own socket needs no bus, so it is tried first. */
static size_t doors_list(struct door doors[static 3])
{
	const char *dir = getenv("XDG_RUNTIME_DIR"), *bus = getenv("DBUS_SESSION_BUS_ADDRESS");
	if (!is_user()) {
		fmt(doors[0].path, "/run/systemd/private");
		fmt(doors[1].path, "/run/dbus/system_bus_socket");
		doors[1].is_bus = true;
		return 2;
	}
	size_t count = 0;
	if (dir && dir[0] == '/' && fmt(doors[0].path, "%s/systemd/private", dir) > 0)
		count = 1;
	const char *path = bus ? str_after(bus, "unix:path=") : NULL;
	bool has_path = path && fmt(doors[count].path, "%.*s", (int)strcspn(path, ",;"), path) > 0;
	if (has_path || (count && fmt(doors[count].path, "%s/bus", dir) > 0))
		doors[count++].is_bus = true;
	return count;
}

static int systemd_open(struct dbus **out)
{
	struct door doors[3] = {0};
	size_t count = doors_list(doors);
	struct err_packet first = {0};
	for (size_t i = 0; i < count; i++) {
		int r = dbus_open(doors[i].path, doors[i].is_bus, out);
		if (r == 0)
			return 0;
		if (i == 0)
			err_pack(&first);
	}
	int r = count ? err_unpack(&first) : err_say(-ENOENT, "XDG_RUNTIME_DIR is not set");
	err_wrap(r, "systemd is not running here");
	return err_hint(r, "Leave out --systemd-cgroup");
}

/* Calls a method of systemd's manager with the arguments in `body`. */
static int systemd_ask(struct dbus *d, const char *member, const char *signature,
	const struct dbus_writer *body, struct dbus_message *out)
{
	const struct dbus_call call = {service, object, manager, member, signature, body};
	int r = dbus_ask(d, &call, out);
	return r < 0 ? err_wrap(r, "systemd") : 0;
}

/* Reads a property of systemd that is a string. */
static int systemd_get(struct dbus *d, const char *property, struct arena *a, const char **out)
{
	auto_of(dbus_writer) struct dbus_writer body = DBUS_WRITER_INIT;
	struct dbus_message reply;
	const char *type, *text;
	const struct dbus_call call = {
		service, object, "org.freedesktop.DBus.Properties", "Get", "ss", &body};
	dbus_put_string(&body, manager);
	dbus_put_string(&body, property);
	int r = dbus_ask(d, &call, &reply);
	if (r < 0)
		return err_wrap(r, "systemd");
	if (!str_eq(reply.signature, "v") || dbus_get_signature(&reply.body, &type) < 0 ||
		!str_eq(type, "s") || dbus_get_string(&reply.body, &text) < 0)
		return err_say(-EPROTO, "systemd: property %s is no string", property);
	*out = arena_str(a, text);
	return 0;
}

/* Reads "252.38-1~deb12u1", "v255", "257~rc1". */
static unsigned version_number(const char *text)
{
	char digits[8];
	uint32_t number;
	text += *text == 'v';
	fmt(digits, "%.*s", (int)strspn(text, "0123456789"), text);
	return parse_u32(digits, &number) < 0 ? 0 : number;
}

static int systemd_connect(struct runtime_group *g, const char **out_root)
{
	const char *version = NULL;
	int r = systemd_open(&g->systemd);
	if (r < 0)
		return r;
	if (!g->rt->cgroup.is_unified)
		return err_say(-EOPNOTSUPP,
			"the cgroup manager systemd needs control groups of version 2 alone, and "
			"this machine has version 1: use cgroupfs");
	if (!dbus_shares_pids(g->systemd))
		return err_say(-EOPNOTSUPP,
			"the systemd that answers lives in another pid namespace: use cgroupfs");
	r = systemd_get(g->systemd, "ControlGroup", g->arena, out_root);
	if (r == 0)
		r = systemd_get(g->systemd, "Version", g->arena, &version);
	if (r == 0)
		g->version = version_number(version);
	return r;
}

int runtime_scope_place(struct runtime_group *g)
{
	struct runtime_unit unit;
	const char *root = "";
	int r = runtime_unit_parse(g->spec->cgroup_path, g->state->id, is_user(), g->arena, &unit);
	if (r == 0)
		r = systemd_connect(g, &root);
	if (r < 0)
		return r;
	const char *path = runtime_unit_path(&unit, g->arena);
	root += strspn(root, "/");
	g->slice = unit.is_slice ? NULL : unit.slice;
	g->state->unit = unit.name;
	g->spec->cgroup_path = arena_printf(g->arena, "%s%s%s", root, *root ? "/" : "", path);
	return 0;
}

static void put_bool(struct dbus_writer *w, const char *name, bool value)
{
	dbus_put_struct(w);
	dbus_put_string(w, name);
	dbus_put_signature(w, "b");
	dbus_put_bool(w, value);
}

static void put_text(struct dbus_writer *w, const char *name, const char *value)
{
	dbus_put_struct(w);
	dbus_put_string(w, name);
	dbus_put_signature(w, "s");
	dbus_put_string(w, value);
}

static void put_pid(struct dbus_writer *w, pid_t pid)
{
	dbus_put_struct(w);
	dbus_put_string(w, "PIDs");
	dbus_put_signature(w, "au");
	size_t pids = dbus_array_begin(w, 4);
	dbus_put_u32(w, (uint32_t)pid);
	dbus_array_end(w, pids);
}

struct limits {
	struct dbus_writer *properties;
	unsigned version;
};

static int limit_put(void *context, const char *file, const char *text)
{
	struct limits *limits = context;
	runtime_unit_limit(limits->properties, limits->version, file, text);
	return 0;
}

/* Sets what runc sets, and no device policy: with one, systemd would replace husk's rules at each
 * daemon-reload. */
static int properties_put(struct runtime_group *g, pid_t pid, struct dbus_writer *w)
{
	static const char *const counted[] = {
		"MemoryAccounting", "CPUAccounting", "IOAccounting", "TasksAccounting"};
	struct limits limits = {w, g->version};
	auto_free char *description = mem_printf("container %s of husk-runtime", g->state->id);
	size_t begin = dbus_array_begin(w, 8);
	put_text(w, "Description", description);
	put_bool(w, "DefaultDependencies", false);
	for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
		put_bool(w, counted[i], true);
	if (g->slice) {
		put_text(w, "Slice", g->slice);
		put_text(w, "CollectMode", "inactive-or-failed");
		put_bool(w, "Delegate", true);
		put_pid(w, pid);
	}
	int r = plan_limits_each(g->spec, &g->rt->cgroup, NULL, limit_put, &limits);
	dbus_array_end(w, begin);
	return r;
}

struct job {
	const char *path;
	bool is_done;
	char result[64];
};

/* JobRemoved(u id, o job, s unit, s result) */
static int job_look(void *context, const struct dbus_message *signal)
{
	struct job *job = context;
	struct dbus_reader body = signal->body;
	uint32_t id;
	const char *path, *unit, *result;
	if (!str_eq(signal->signature, "uoss") || dbus_get_u32(&body, &id) < 0 ||
		dbus_get_string(&body, &path) < 0 || dbus_get_string(&body, &unit) < 0 ||
		dbus_get_string(&body, &result) < 0)
		return err_say(-EPROTO, "systemd: a JobRemoved that is none");
	if (!str_eq(path, job->path))
		return 0;
	job->is_done = str_eq(result, "done");
	fmt(job->result, "%s", result);
	return 1;
}

/* Calls a method that starts a job, and waits until the job is done. */
static int job_run(
	struct dbus *d, const char *member, const char *signature, const struct dbus_writer *body)
{
	auto_arena struct arena a = ARENA_INIT;
	struct dbus_message reply;
	struct job job = {0};
	int r = dbus_listen(d, manager, "JobRemoved");
	if (r == 0)
		r = systemd_ask(d, "Subscribe", NULL, NULL, NULL);
	if (r == -EALREADY)
		r = 0;
	if (r == 0)
		r = systemd_ask(d, member, signature, body, &reply);
	if (r < 0)
		return r;
	if (!str_eq(reply.signature, "o") || dbus_get_string(&reply.body, &job.path) < 0)
		return err_say(-EPROTO, "systemd: %s has made no job", member);
	job.path = arena_str(&a, job.path);
	r = dbus_wait(d, job_look, &job);
	if (r < 0)
		return err_wrap(r, "systemd: the end of %s", member);
	return job.is_done
		? 0
		: err_say(-EREMOTEIO, "systemd: %s ended with \"%s\"", member, job.result);
}

static int unit_forget(struct dbus *d, const char *unit)
{
	auto_of(dbus_writer) struct dbus_writer body = DBUS_WRITER_INIT;
	dbus_put_string(&body, unit);
	return systemd_ask(d, "ResetFailedUnit", "s", &body, NULL);
}

static int unit_start(struct runtime_group *g, const char *unit, pid_t pid)
{
	auto_of(dbus_writer) struct dbus_writer body = DBUS_WRITER_INIT;
	dbus_put_string(&body, unit);
	dbus_put_string(&body, "replace");
	int r = properties_put(g, pid, &body);
	if (r < 0)
		return r;
	dbus_array_end(&body, dbus_array_begin(&body, 8)); /* no other units */
	r = job_run(g->systemd, "StartTransientUnit", "ssa(sv)a(sa(sv))", &body);
	/* A unit of that name that has failed is no longer in use. */
	if (r == -EEXIST && unit_forget(g->systemd, unit) == 0)
		r = job_run(g->systemd, "StartTransientUnit", "ssa(sv)a(sa(sv))", &body);
	return r;
}

/* Waits until the other end of the pipe is closed. Closes all other fds of this process. */
static _Noreturn void placeholder_main(int pipe)
{
	char byte;
	if (fd_place(pipe, 0) >= 0 && fd_close_from(1) >= 0)
		sys_read(0, &byte, 1);
	_exit(0);
}

static int placeholder_start(struct runtime_group *g)
{
	int pipe[2];
	int r = sys_pipe(pipe);
	if (r < 0)
		return err_new(r, "make a pipe");
	int pid = sys_fork(0, &g->placeholder);
	if (pid == 0)
		placeholder_main(pipe[0]);
	fd_close(pipe[0]);
	g->pipe = pipe[1];
	return pid < 0 ? err_new(pid, "start a process for the scope") : pid;
}

/* Checks that the group is where it is expected, and that systemd moved the right process into
 * it. */
static int place_check(const struct runtime_group *g, pid_t pid)
{
	auto_buf struct buf text = BUF_INIT;
	char path[64];
	fmt(path, "/proc/%d/cgroup", pid);
	int r = file_read_at(AT_FDCWD, path, CGROUP_TEXT_MAX, &text);
	if (r < 0)
		return err_new(r, "read %s", path);
	char *rest = text.data;
	const char *line = str_cut(&rest, '\n'), *found = str_after(line, "0::/");
	if (found && str_eq(found, g->spec->cgroup_path))
		return 0;
	return err_say(-EREMOTEIO, "systemd has made %s as cgroup %s, and not as /%s",
		g->state->unit, line, g->spec->cgroup_path);
}

int runtime_scope_make(struct runtime_group *g, struct launch *launch)
{
	int pid = g->slice ? placeholder_start(g) : 0;
	const char *path = g->state->cgroup_path, *unit = g->state->unit;
	/* Until this is checked, a failure must not stop a unit or remove a group of that name:
	 * they may belong to another container. */
	g->state->cgroup_path = g->state->unit = "";
	int r = pid < 0 ? pid : unit_start(g, unit, pid);
	if (r < 0)
		return r;
	g->state->unit = unit;
	r = g->slice ? place_check(g, pid) : 0;
	if (r < 0)
		return r;
	g->state->cgroup_path = path;
	return cgroup_open(&g->rt->cgroup, g->spec->cgroup_path, &launch->cgroup);
}

static const struct oci_limit *tasks_limit(const struct oci_spec *spec)
{
	const struct oci_limit *found = NULL;
	for (size_t i = 0; i < spec->limits.count; i++)
		if (spec->limits.items[i].limit == CGROUP_PIDS_MAX)
			found = &spec->limits.items[i];
	return found && found->value > 0 ? found : NULL;
}

static int tasks_allow(struct runtime_group *g, struct launch *launch, int extra)
{
	const struct oci_limit *limit = tasks_limit(g->spec);
	struct oci_spec spec = {0};
	if (!limit || !g->slice)
		return 0;
	struct oci_limit changed = *limit;
	changed.value += extra;
	spec.limits.items = &changed;
	spec.limits.count = 1;
	return plan_limits_apply(&spec, &g->rt->cgroup, launch->cgroup);
}

/* The placeholder counts as a task as well. */
int runtime_scope_loosen(struct runtime_group *g, struct launch *launch)
{
	return tasks_allow(g, launch, 1);
}

int runtime_scope_settle(struct runtime_group *g, struct launch *launch)
{
	if (g->placeholder >= 0)
		process_kill(take_fd(&g->placeholder));
	return tasks_allow(g, launch, 0);
}

int runtime_scope_update(struct runtime *rt, const struct runtime_state *state,
	const struct oci_spec *spec, struct cgroup *group)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_of(dbus_writer) struct dbus_writer body = DBUS_WRITER_INIT;
	auto_of(runtime_group) struct runtime_group g = {
		.rt = rt, .arena = &a, .placeholder = -EBADF, .pipe = -EBADF};
	const char *root;
	int r = systemd_connect(&g, &root);
	if (r < 0)
		return r;
	struct limits limits = {&body, g.version};
	dbus_put_string(&body, state->unit);
	dbus_put_bool(&body, true); /* runtime only: valid until the next boot */
	size_t begin = dbus_array_begin(&body, 8), empty = body.bytes.len;
	r = plan_limits_each(spec, &rt->cgroup, group, limit_put, &limits);
	dbus_array_end(&body, begin);
	return r < 0 || body.bytes.len == empty
		? r
		: systemd_ask(g.systemd, "SetUnitProperties", "sba(sv)", &body, NULL);
}

static int unit_stop(struct dbus *d, const char *unit)
{
	auto_of(dbus_writer) struct dbus_writer body = DBUS_WRITER_INIT;
	dbus_put_string(&body, unit);
	dbus_put_string(&body, "replace");
	int r = job_run(d, "StopUnit", "ss", &body);
	if (r == -ENOENT)
		return 0;
	unit_forget(d, unit);
	return r;
}

/* A scope that was empty may have ended by itself. If systemd cannot be reached, the group is
 * removed as any other directory. */
int runtime_scope_remove(struct runtime *rt, const struct runtime_state *state)
{
	auto_of(dbus) struct dbus *d = NULL;
	int r = *state->unit ? systemd_open(&d) : 0;
	if (r == 0 && d)
		r = unit_stop(d, state->unit);
	if (r < 0)
		log_warn("%s is left to systemd: %s", state->unit, err_text());
	return !*state->cgroup_path ? 0 : cgroup_remove(&rt->cgroup, state->cgroup_path);
}
