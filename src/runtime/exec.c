/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec: starts one more process in a container, either from process.json or as the container's own
 * process changed by the command line. Namespaces, cgroup and filter come from the container's
 * plan.
 */
#include "runtime/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "bundle/bundle.h"
#include "runtime/rdt.h"
#include "sec/sec.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>

struct execution {
	const struct runtime_exec *request;
	struct runtime_state state;
	struct arena arena;
	struct oci_spec spec;
	struct buf stored;
	struct flat plan; /* the container's plan, in `stored` */
	struct launch launch;
	struct {
		struct cgroup_subgroup *items;
		size_t count;
	} subgroups;
	int dir;
};

static void execution_release(struct execution *x)
{
	launch_close(&x->launch);
	fd_replace(&x->dir, -EBADF);
	buf_release(&x->stored);
	arena_release(&x->arena);
}
AUTO_STRUCT(execution, struct execution, execution_release)

static int status_check(const struct execution *x)
{
	const char *id = x->request->id;
	switch (x->state.status) {
	case RUNTIME_RUNNING:
	case RUNTIME_CREATED:
		return 0;
	case RUNTIME_PAUSED:
		return x->request->ignores_pause
			? 0
			: err_say(-EINVAL,
				  "cannot exec in a paused container (use --ignore-paused)");
	case RUNTIME_CREATING:
	case RUNTIME_STOPPED:
		break;
	}
	return err_say(-EINVAL, "cannot exec in a stopped container: \"%s\"", id);
}

static int process_from_file(struct execution *x)
{
	const char *path = x->request->process_file;
	auto_buf struct buf text = BUF_INIT;
	int r = file_read(path, CONFIG_BYTES_MAX, &text);
	if (r < 0)
		return runtime_document_failure(r, path);
	return bundle_process_parse("process.json", text.data, text.len, &x->arena, &x->spec);
}

static int user_set(struct oci_process *process, const char *text)
{
	auto_free char *copy = mem_strdup(text);
	char *rest = copy, *uid = str_cut(&rest, ':');
	if (parse_u32(uid, &process->uid) < 0 || (rest && parse_u32(rest, &process->gid) < 0))
		return err_say(-EINVAL, "--user: \"%s\" is not UID[:GID]", text);
	return 0;
}

static int groups_add(struct execution *x)
{
	const struct strvec *groups = x->request->groups;
	struct oci_process *p = &x->spec.process;
	if (groups->count == 0)
		return 0;
	uint32_t *all = arena_new_array(&x->arena, uint32_t, p->group_count + groups->count);
	for (size_t i = 0; i < p->group_count; i++)
		all[i] = p->groups[i];
	for (size_t i = 0; i < groups->count; i++)
		if (parse_u32(groups->items[i], &all[p->group_count + i]) < 0)
			return err_say(-EINVAL, "--additional-gids: \"%s\" is not a group id",
				groups->items[i]);
	p->groups = all;
	p->group_count += groups->count;
	return 0;
}

static int caps_add(struct oci_process *p, const struct strvec *names)
{
	for (size_t i = 0; i < names->count; i++) {
		int number = sec_cap_find(names->items[i]);
		if (number < 0)
			return err_say(
				-EINVAL, "--cap: \"%s\" is not a capability", names->items[i]);
		uint64_t bit = UINT64_C(1) << number;
		p->caps_bounding |= bit;
		p->caps_effective |= bit;
		p->caps_permitted |= bit;
		p->caps_ambient |= bit & p->caps_inheritable; /* the kernel wants both */
	}
	return 0;
}

/* Takes what belongs to the process. What belongs to the container comes with the container's
 * plan. */
static void scheds_take(struct execution *x, const struct oci_spec *config)
{
	for (size_t i = 0; i < config->scheds.count; i++) {
		const struct oci_sched *sched = &config->scheds.items[i];
		if (sched->kind != SEC_SCHED_MEMORY && sched->kind != SEC_SCHED_PERSONALITY)
			*(struct oci_sched *)arena_push(&x->arena, &x->spec.scheds) = *sched;
	}
}

/* Sets the processors of this process and its clones, until the container's cgroup changes them:
 * its cpuset may not even have these. */
static int initial_cpus_take(struct execution *x)
{
	int r = 0;
	for (size_t i = 0; i < x->spec.scheds.count && r == 0; i++) {
		const struct oci_sched *sched = &x->spec.scheds.items[i];
		if (sched->kind != SEC_SCHED_CPUS_INITIAL)
			continue;
		r = sec_sched_cpus_set(sched->mask, sched->mask_words);
		x->launch.keeps_cpus = true;
	}
	return r;
}

static int process_from_words(struct execution *x)
{
	const struct runtime_exec *request = x->request;
	struct oci_process *p = &x->spec.process;
	struct oci_spec config;
	int r = runtime_config_load(x->dir, &x->state, &x->arena, &config);
	if (r < 0)
		return r;
	*p = config.process;
	x->spec.rlimits.items = config.rlimits.items;
	x->spec.rlimits.count = config.rlimits.count;
	scheds_take(x, &config);
	p->args = (struct str_list){0};
	for (size_t i = 0; i < request->args->count; i++)
		*arena_push(&x->arena, &p->args) = arena_str(&x->arena, request->args->items[i]);
	struct str_list env = {0};
	for (size_t i = 0; i < p->env.count; i++)
		*arena_push(&x->arena, &env) = p->env.items[i];
	for (size_t i = 0; i < request->env->count; i++)
		*arena_push(&x->arena, &env) = arena_str(&x->arena, request->env->items[i]);
	p->env = env;
	p->has_terminal = request->has_tty;
	if (request->cwd)
		p->cwd = request->cwd;
	if (request->user)
		r = user_set(p, request->user);
	if (r == 0)
		r = groups_add(x);
	return r < 0 ? r : caps_add(p, request->caps);
}

static int plan_load(struct execution *x)
{
	int r = file_read_at(x->dir, "plan", PLAN_BYTES_MAX, &x->stored);
	if (r < 0)
		return err_new(r, "read the plan of container \"%s\"", x->request->id);
	return plan_open(&x->plan, x->stored.data, x->stored.len);
}

static int plan_make(struct execution *x)
{
	auto_buf struct buf plan = BUF_INIT;
	int r = x->request->process_file ? process_from_file(x) : process_from_words(x);
	if (r == 0)
		r = plan_load(x);
	if (r < 0)
		return r;
	struct oci_labels *labels = &x->spec.process.labels;
	if (x->request->apparmor && *x->request->apparmor)
		labels->apparmor = x->request->apparmor;
	if (x->request->selinux && *x->request->selinux)
		labels->selinux = x->request->selinux;
	r = runtime_labels_check(&x->spec);
	if (r < 0)
		return r;
	plan_inherit(&x->plan, &x->arena, &x->spec);
	runtime_caps_reduce(&x->spec);
	x->spec.process.no_new_privileges |= x->request->no_new_privileges;
	r = plan_build(&x->spec, PLAN_KIND_EXEC, NULL, &plan);
	return r < 0 ? r : launch_set_plan(&x->launch, plan.data, plan.len);
}

static int subgroup_add(
	struct execution *x, const char *option, const char *controller, const char *path)
{
	for (size_t i = 0; controller && i < x->subgroups.count; i++)
		if (str_eq(x->subgroups.items[i].controller, controller))
			return err_say(-EINVAL,
				"--cgroup %s: the controller \"%s\" has one already", option,
				controller);
	struct cgroup_subgroup *subgroup = arena_push(&x->arena, &x->subgroups);
	*subgroup = (struct cgroup_subgroup){controller, path};
	return 0;
}

/* "sub" for all controllers, or one option for each "cpu,cpuacct:sub", as runc has it. */
static int subgroups_parse(struct execution *x, const struct strvec *options)
{
	int r = 0;
	for (size_t i = 0; i < options->count && r == 0; i++) {
		const char *option = options->items[i];
		size_t size = strlen(option) + 1;
		char *path = memcpy(arena_new(&x->arena, size), option, size);
		char *controllers = str_cut(&path, ':');
		if (!path && options->count > 1)
			return err_say(-EINVAL,
				"--cgroup %s: beside another one it needs a controller", option);
		if (!path)
			return subgroup_add(x, option, NULL, *controllers ? controllers : "/");
		while (controllers && r == 0) {
			const char *controller = str_cut(&controllers, ',');
			r = *controller
				? subgroup_add(x, option, controller, *path ? path : "/")
				: err_say(-EINVAL, "--cgroup %s: a controller without a name",
					  option);
		}
	}
	return r;
}

static int exec_start(struct runtime *rt, struct execution *x)
{
	struct launch *launch = &x->launch;
	launch->slots[SLOT_TARGET] = process_open(&x->state.process);
	if (launch->slots[SLOT_TARGET] < 0 && launch->slots[SLOT_TARGET] != -ESRCH)
		return err_new(launch->slots[SLOT_TARGET], "hold the container's first process");
	if (launch->slots[SLOT_TARGET] < 0)
		return err_say(
			-ESRCH, "cannot exec in a stopped container: \"%s\"", x->request->id);
	int r = plan_make(x);
	if (r == 0)
		r = subgroups_parse(x, x->request->cgroups);
	if (r == 0)
		r = runtime_stdio_prepare(&x->request->stdio, x->spec.process.has_terminal, launch);
	if (r < 0)
		return r;
	launch->cgroup_host = &rt->cgroup;
	launch->subgroups = x->subgroups.items;
	launch->subgroup_count = x->subgroups.count;
	if (x->spec.process.cells.rows) {
		launch->rows = x->spec.process.cells.rows;
		launch->columns = x->spec.process.cells.columns;
	}
	r = initial_cpus_take(x);
	if (r == 0)
		r = launch_prepare(launch);
	if (r == 0)
		r = launch_start(launch);
	if (r == 0)
		r = runtime_rdt_join(&x->state, launch->pid);
	return r < 0 ? r : launch_ready(launch);
}

int runtime_exec(struct runtime *rt, const struct runtime_exec *request, struct runtime_child *out)
{
	auto_of(execution) struct execution x = {
		.request = request, .arena = ARENA_INIT, .stored = BUF_INIT, .dir = -EBADF};
	auto_of(runtime_listener) struct runtime_listener listener = {.stream = -EBADF};
	launch_init(&x.launch);
	int r = runtime_kernel_check(KERNEL_LAUNCH);
	if (r == 0)
		r = x.dir = runtime_dir_open(rt, request->id);
	if (r >= 0)
		r = runtime_state(rt, request->id, &x.arena, &x.state);
	if (r == 0)
		r = status_check(&x);
	if (r == 0)
		r = exec_start(rt, &x);
	/* The terminal's owner is connected before anything is written to the terminal. The
	 * process's number is reported once the process runs. */
	if (r == 0)
		r = runtime_listener_connect(&x.launch, &x.state, &listener);
	if (r == 0)
		r = launch_go(&x.launch);
	if (r == 0)
		r = runtime_stdio_report(&request->stdio, &x.launch);
	if (r < 0)
		return r;
	out->pidfd = take_fd(&x.launch.pidfd);
	out->console_fd = take_fd(&x.launch.console_fd);
	return 0;
}
