/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create and start. Every possible error of the configuration is found before the directory is
 * made. After that, a failure ends init and removes what was made. Until state.json is written and
 * init was told to continue alone, init dies with this process, so a create that is killed leaves
 * no running process.
 */
#include "runtime/creation.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "runtime/rdt.h"
#include "bundle/bundle.h"
#include "sec/sec.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/socket.h"
#include "sys/user.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { START_PATIENCE_MS = 5000 };

void creation_release(struct creation *c)
{
	launch_close(&c->launch);
	runtime_group_close(&c->group);
	fd_replace(&c->lock, -EBADF);
	fd_replace(&c->dir, -EBADF);
	buf_release(&c->config);
	buf_release(&c->plan);
	arena_release(&c->arena);
}

static void creation_init(struct creation *c, struct runtime *rt)
{
	*c = (struct creation){.rt = rt,
		.arena = ARENA_INIT,
		.config = BUF_INIT,
		.plan = BUF_INIT,
		.dir = -EBADF,
		.lock = -EBADF};
	c->group = (struct runtime_group){.rt = rt,
		.spec = &c->spec,
		.state = &c->state,
		.arena = &c->arena,
		.placeholder = -EBADF,
		.pipe = -EBADF};
	launch_init(&c->launch);
}

static int bundle_load(struct creation *c, const char *bundle)
{
	int r = runtime_absolute(&c->arena, bundle, &c->state.bundle);
	if (r < 0)
		return r;
	auto_close int dir = sys_open_at(AT_FDCWD, c->state.bundle, O_RDONLY | O_DIRECTORY, 0);
	r = dir < 0 ? dir : file_read_at(dir, "config.json", CONFIG_BYTES_MAX, &c->config);
	if (r < 0)
		return runtime_document_failure(
			r, arena_printf(&c->arena, "%s/config.json", c->state.bundle));
	return bundle_config_parse(
		c->config.data, c->config.len, c->state.bundle, &c->arena, &c->spec);
}

static const char *time_text(struct arena *a)
{
	uint64_t now = clock_real_ns();
	time_t seconds = (time_t)(now / 1000000000u);
	struct tm parts;
	char date[32];
	gmtime_r(&seconds, &parts);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts);
	return arena_printf(a, "%s.%09uZ", date, (unsigned)(now % 1000000000u));
}

static const char *owner_text(struct arena *a)
{
	struct user_entry user;
	uid_t uid = getuid();
	return user_find_id(uid, &user) == 0 ? arena_str(a, user.name) : arena_printf(a, "%u", uid);
}

void runtime_caps_reduce(struct oci_spec *spec)
{
	struct oci_process *p = &spec->process;
	uint64_t *const sets[] = {&p->caps_bounding, &p->caps_effective, &p->caps_permitted,
		&p->caps_inheritable, &p->caps_ambient};
	uint64_t granted = sec_caps_of_caller(), missing = 0;
	for (size_t i = 0; i < spec->namespaces.count; i++)
		if (str_eq(spec->namespaces.items[i].type, "user"))
			return;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		missing |= *sets[i] & ~granted;
		*sets[i] &= granted;
	}
	if (missing == 0)
		return;
	auto_buf struct buf names = BUF_INIT;
	sec_caps_describe(missing, &names);
	log_warn("capabilities that cannot be granted here are left out: %s", names.data);
}

/* Devices that every container may open, whatever its rules say. The specification requires these
 * nodes. */
static void device_rules_complete(struct creation *c)
{
	static const struct {
		char type;
		int32_t major, minor;
		const char *access;
	} rules[] = {
		{'c', -1, -1, "m"}, {'b', -1, -1, "m"}, {'c', 1, 3, "rwm"}, /* null */
		{'c', 1, 5, "rwm"}, /* zero */
		{'c', 1, 7, "rwm"}, /* full */
		{'c', 1, 8, "rwm"}, /* random */
		{'c', 1, 9, "rwm"}, /* urandom */
		{'c', 5, 0, "rwm"}, /* tty */
		{'c', 5, 1, "rwm"}, /* console */
		{'c', 5, 2, "rwm"}, /* ptmx */
		{'c', 136, -1, "rwm"}, /* pts */
	};
	for (size_t i = 0; c->spec.device_rules.count && i < sizeof(rules) / sizeof(rules[0]);
		i++) {
		struct oci_device_rule *rule = arena_push(&c->arena, &c->spec.device_rules);
		*rule = (struct oci_device_rule){true, rules[i].type, rules[i].major,
			rules[i].minor, rules[i].access, "oci"};
	}
}

/* Adds what the command says, and what the specification leaves to the runtime. */
static int spec_complete(struct creation *c)
{
	struct oci_spec *spec = &c->spec;
	if (spec->layers.count == 0)
		return err_say(-EINVAL, "config.json: root: is missing");
	spec->root_point = spec->layers.items[0];
	device_rules_complete(c);
	runtime_caps_reduce(spec);
	int r = runtime_labels_check(spec);
	if (r == 0)
		r = runtime_clocks_check(spec);
	if (r == 0)
		r = runtime_rootless_adapt(spec);
	if (r == 0)
		r = runtime_rdt_place(spec, &c->state);
	if (r == 0)
		r = runtime_group_place(&c->group);
	if (r < 0)
		return r;
	c->state.rootfs = spec->layers.items[0];
	c->state.annotations.items = spec->annotations.items;
	c->state.annotations.count = spec->annotations.count;
	return 0;
}

static int plan_make(struct creation *c)
{
	int r = spec_complete(c);
	return r < 0 ? r : plan_build(&c->spec, PLAN_KIND_RUN, &c->rt->cgroup, &c->plan);
}

int runtime_plan(struct runtime *rt, const char *bundle, struct buf *out)
{
	auto_of(creation) struct creation c;
	struct flat plan;
	creation_init(&c, rt);
	c.state.id = "ID";
	int r = bundle_load(&c, bundle);
	if (r == 0)
		r = plan_make(&c);
	if (r == 0)
		r = plan_open(&plan, c.plan.data, c.plan.len);
	if (r == 0)
		plan_write(&plan, out);
	return r;
}

/* Called while init waits before it enters its root: the container exists, and hooks find it by its
 * pid. */
static int setup_hooks(struct launch *launch, void *context, int *out_state_fd)
{
	struct creation *c = context;
	int r = process_identify(launch->pid, &c->state.process);
	if (r < 0)
		return err_new(r, "look at init");
	c->state.status = RUNTIME_CREATING;
	r = runtime_hooks(&c->spec, OCI_HOOK_PRESTART, &c->state, -EBADF);
	if (r == 0)
		r = runtime_hooks(&c->spec, OCI_HOOK_CREATE_RUNTIME, &c->state, -EBADF);
	if (r == 0)
		r = runtime_hooks(&c->spec, OCI_HOOK_CREATE_CONTAINER, &c->state, launch->pidfd);
	if (r < 0 || c->spec.hooks[OCI_HOOK_START_CONTAINER].count == 0)
		return r;
	auto_buf struct buf text = BUF_INIT;
	c->state.status = RUNTIME_CREATED;
	runtime_state_write(&c->state, false, &text);
	*out_state_fd = fd_memfd_sealed("state", text.data, text.len);
	return *out_state_fd < 0 ? err_new(*out_state_fd, "write the state for hooks") : 0;
}

static int init_start(struct creation *c)
{
	struct launch *launch = &c->launch;
	int r = launch_set_plan(launch, c->plan.data, c->plan.len);
	if (r == 0)
		r = runtime_stdio_prepare(&c->request->stdio, c->spec.process.has_terminal, launch);
	if (r < 0)
		return r;
	launch->slots[SLOT_STARTER] = socket_listen_at(c->dir, "start");
	if (launch->slots[SLOT_STARTER] < 0)
		return err_new(launch->slots[SLOT_STARTER], "make the start socket");
	launch->cgroup_host = &c->rt->cgroup;
	launch->hooks = setup_hooks;
	launch->hooks_context = c;
	launch->rows = c->spec.process.cells.rows;
	launch->columns = c->spec.process.cells.columns;
	r = runtime_group_launch(&c->group, launch);
	if (r == 0)
		r = runtime_rdt_enter(&c->spec, &c->state, launch->pid);
	return r < 0 ? r : launch_ready(launch);
}

int creation_store(struct creation *c)
{
	int r = process_identify(c->launch.pid, &c->state.process);
	if (r < 0)
		return err_new(r, "look at init");
	r = file_create_at(c->dir, "config.json", c->config.data, c->config.len, 0600);
	if (r == 0)
		r = file_create_at(c->dir, "plan", c->plan.data, c->plan.len, 0600);
	return r < 0 ? err_new(r, "write the configuration")
		     : runtime_state_store(c->dir, &c->state);
}

int creation_report(struct creation *c, struct runtime_child *out)
{
	int r = runtime_stdio_report(&c->request->stdio, &c->launch);
	int pidfd = r < 0 ? r : fd_dup(c->launch.pidfd);
	if (r == 0 && pidfd < 0)
		r = err_new(pidfd, "keep the container's first process");
	if (r < 0)
		return r;
	out->pidfd = pidfd;
	out->console_fd = take_fd(&c->launch.console_fd);
	return 0;
}

static int container_begin(struct creation *c, struct runtime_child *out)
{
	int r = init_start(c);
	if (r == 0)
		r = creation_store(c);
	if (r == 0)
		r = creation_report(c, out);
	return r < 0 ? r : launch_leave(&c->launch);
}

void creation_undo(struct creation *c)
{
	struct err_packet trail;
	err_pack(&trail);
	/* A group that was in use already belongs to another container, and so do the groups below
	 * it. */
	bool has_group = c->launch.cgroup || c->state.manager != RUNTIME_CGROUPFS;
	launch_close(&c->launch);
	runtime_group_close(&c->group);
	c->state.status = RUNTIME_STOPPED;
	int r = runtime_hooks(&c->spec, OCI_HOOK_POSTSTOP, &c->state, -EBADF);
	if (r == 0 && has_group)
		r = runtime_group_remove(c->rt, &c->state);
	if (r == 0)
		r = runtime_rdt_remove(&c->state);
	if (r == 0)
		r = runtime_dir_remove(c->rt, c->request->id);
	if (r < 0)
		log_warn("after a failure: %s", err_text());
	err_unpack(&trail);
}

/* The process is number 1 of its pid namespace, as runc assumes too. */
static void listen_tell(struct creation *c)
{
	struct str_list *env = &c->spec.process.env;
	*arena_push(&c->arena, env) = arena_printf(
		&c->arena, "LISTEN_FDS=%u", c->request->listen_fds);
	*arena_push(&c->arena, env) = "LISTEN_PID=1";
}

int creation_begin(struct creation *c, struct runtime *rt, const struct runtime_create *request)
{
	creation_init(c, rt);
	c->request = request;
	c->state.id = request->id;
	c->state.created = time_text(&c->arena);
	c->state.owner = owner_text(&c->arena);
	int r = runtime_kernel_check(KERNEL_LAUNCH);
	if (r == 0)
		r = runtime_id_check(request->id);
	if (r == 0)
		r = bundle_load(c, request->bundle);
	if (r < 0)
		return r;
	c->spec.no_pivot = request->no_pivot;
	c->spec.keeps_keyring = request->no_new_keyring;
	c->spec.wants_loopback = true;
	if (request->listen_fds)
		listen_tell(c);
	if (request->notifies)
		r = runtime_notify_plan(c);
	return r < 0 ? r : plan_make(c);
}

int creation_claim(struct creation *c)
{
	c->dir = runtime_dir_make(c->rt, c->request->id);
	if (c->dir < 0)
		return c->dir;
	c->lock = runtime_dir_lock(c->dir, false);
	if (c->lock < 0)
		return c->lock;
	return c->request->notifies ? runtime_notify_make(c->dir) : 0;
}

int runtime_create(
	struct runtime *rt, const struct runtime_create *request, struct runtime_child *out)
{
	auto_of(creation) struct creation c;
	int r = creation_begin(&c, rt, request);
	if (r == 0)
		r = creation_claim(&c);
	if (r < 0)
		return r;
	r = container_begin(&c, out);
	if (r < 0)
		creation_undo(&c);
	return r;
}

/* Only an init that still waits can be started. */
static int start_connect(int dir, const struct runtime_state *state)
{
	if (!process_is_alive(&state->process))
		return err_say(-EINVAL, "cannot start a container that has stopped");
	int starter = runtime_starter_connect(dir);
	if (starter == -ENOENT || starter == -ECONNREFUSED)
		return err_say(-EINVAL, "cannot start an already running container");
	return starter < 0 ? err_new(starter, "reach the container's init") : starter;
}

/* After a failed start, init may wait forever for an answer, so it is killed. The error trail is
 * kept. */
static void start_undo(const struct runtime_state *state)
{
	auto_close int pidfd = process_open(&state->process);
	if (pidfd < 0)
		return;
	sys_pidfd_send_signal(pidfd, SIGKILL);
	process_wait_gone(pidfd, START_PATIENCE_MS);
}

static int start_by(struct launch *launch, const struct runtime_state *state)
{
	auto_of(runtime_listener) struct runtime_listener listener = {.stream = -EBADF};
	launch->pid = state->process.pid;
	int r = runtime_listener_connect(launch, state, &listener);
	if (r == 0)
		r = launch_go(launch);
	if (r < 0)
		start_undo(state);
	return r;
}

static int start_locked(int dir, struct runtime_state *state)
{
	struct launch launch;
	launch_init(&launch);
	auto_buf struct buf plan = BUF_INIT;
	state->status = RUNTIME_CREATED;
	int r = file_read_at(dir, "plan", PLAN_BYTES_MAX, &plan);
	r = r < 0 ? err_new(r, "read the plan") : launch_set_plan(&launch, plan.data, plan.len);
	if (r == 0)
		r = launch.sync_fd = start_connect(dir, state);
	if (r >= 0)
		r = start_by(&launch, state);
	launch_close(&launch);
	if (r == 0)
		sys_unlink_at(dir, "start", 0);
	return r;
}

/* Does what the specification requires for a container whose poststart hook failed. */
static int poststart(struct runtime *rt, int dir, struct runtime_state *state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec;
	int r = runtime_config_load(dir, state, &a, &spec);
	if (r < 0)
		return r;
	state->status = RUNTIME_RUNNING;
	r = runtime_hooks(&spec, OCI_HOOK_POSTSTART, state, -EBADF);
	if (r == 0)
		return 0;
	struct err_packet trail;
	err_pack(&trail);
	if (runtime_kill(rt, state->id, SIGKILL, false) < 0)
		log_warn("%s", err_text());
	return err_unpack(&trail);
}

/* The way is made before the payload runs: it may tell its readiness at once. */
static int notify_prepare(int dir, const struct runtime_state *state, const char *manager,
	struct runtime_child *child)
{
	child->pid = state->process.pid;
	if (child->pidfd < 0)
		child->pidfd = process_open(&state->process);
	return runtime_notify_open(dir, manager, &child->notify);
}

int runtime_start(
	struct runtime *rt, const char *id, const char *manager, struct runtime_child *child)
{
	auto_arena struct arena a = ARENA_INIT;
	struct runtime_state state;
	int r = runtime_kernel_check(KERNEL_SIGNALS);
	if (r < 0)
		return r;
	auto_close int dir = runtime_dir_open(rt, id);
	auto_close int lock = dir < 0 ? dir : runtime_dir_lock(dir, true);
	if (lock < 0)
		return lock;
	r = runtime_state_load(dir, id, &a, &state);
	if (r == -ENOENT)
		return err_say(-EINVAL, "container \"%s\" was not created whole", id);
	if (r == 0 && manager)
		r = notify_prepare(dir, &state, manager, child);
	if (r == 0)
		r = start_locked(dir, &state);
	return r < 0 ? r : poststart(rt, dir, &state);
}
