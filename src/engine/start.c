/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run and start: a prepared container is created, planned and launched. In the foreground this
 * process supervises and cleans up; for a detached container a husk-monitor does.
 */
#include "engine/internal.h"
#include "base/err.h"
#include "base/log.h"
#include "monitor/monitor.h"
#include "sys/lock.h"

#include <errno.h>

/* With more starts at once, they would only wait for each other in the kernel, and spin there. */
enum { GATE_PLACES_PER_CPU = 2, GATE_PATIENCE_MS = 10000 };

static int plan_of(struct engine *e, const struct container *c, int root_fd, struct buf *out)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec;
	int r = compose_run(e, c, root_fd, &a, &spec);
	return r < 0 ? r : plan_build(&spec, PLAN_KIND_RUN, &e->cgroup, out);
}

int container_plan_write(struct engine *e, const struct container *c, struct buf *out)
{
	auto_close int root = container_image_root_open(e, c);
	auto_buf struct buf bytes = BUF_INIT;
	struct flat plan;
	int r = root < 0 ? root : network_find(e, c);
	if (r == 0)
		r = plan_of(e, c, root, &bytes);
	if (r == 0)
		r = plan_open(&plan, bytes.data, bytes.len);
	if (r == 0)
		plan_write(&plan, out);
	return r;
}

/* Everything up to the clone: root, plan, cgroup, mounts. */
static int launch_make(struct engine *e, const struct container *c, struct launch *l)
{
	auto_close int root = root_open(e, c);
	if (root < 0)
		return root;
	auto_buf struct buf plan = BUF_INIT;
	int r = plan_of(e, c, root, &plan);
	if (r == 0)
		r = launch_set_plan(l, plan.data, plan.len);
	if (r < 0)
		return r;
	l->slots[SLOT_ROOT] = take_fd(&root);
	l->cgroup_host = &e->cgroup;
	l->init_path = INIT_PATH;
	return launch_prepare(l);
}

/* The place only protects other starts from too many at once. If a hanging start holds each place,
 * starts still continue after the timeout, only slowly. */
static void start_init(struct start *s, struct engine *e, struct container *c)
{
	*s = (struct start){.e = e, .c = c, .lock = -EBADF};
	launch_init(&s->launch);
	s->gate = lock_gate_at(
		e->state_fd, "lock", GATE_PLACES_PER_CPU * process_cpus(), GATE_PATIENCE_MS);
	if (s->gate == -ETIMEDOUT)
		log_warn("other containers have been starting for %d seconds",
			GATE_PATIENCE_MS / 1000);
}

static void start_close(struct start *s)
{
	launch_close(&s->launch);
	fd_replace(&s->lock, -EBADF);
	fd_replace(&s->gate, -EBADF);
}

/* The port may be held by an ended container whose end is not collected. So all containers are
 * settled, and the port is tried once more. */
static int network_lease(struct engine *e, const struct container *c)
{
	int r = network_address_lease(e, c);
	if (r == 0)
		r = network_ports_lease(e, c);
	if (r == -EADDRINUSE && containers_settle(e) == 0)
		r = network_ports_lease(e, c);
	return r;
}

/* Starts an existing container, from its network to its first process. */
static int start_run(struct start *s, int *out_code)
{
	int r = network_lease(s->e, s->c);
	if (r == 0)
		r = launch_make(s->e, s->c, &s->launch);
	if (r < 0)
		return r;
	if (!s->c->is_detached)
		return foreground_run(s, out_code);
	*out_code = 0;
	r = detached_run(s);
	if (r == 0)
		fd_replace(&s->launch.pidfd, -EBADF); /* the monitor's child lives on */
	return r;
}

static int create_and_run(struct start *s, int *out_code)
{
	int r = container_create(s->e, s->c);
	if (r == 0)
		r = s->lock = container_lock(s->e, s->c->id);
	return r < 0 ? r : start_run(s, out_code);
}

int container_run(struct engine *e, struct container *c, int *out_code)
{
	*out_code = 125;
	struct start s;
	start_init(&s, e, c);
	auto_close int pending = pending_begin(e, c->id);
	if (pending < 0) {
		start_close(&s);
		return pending;
	}
	int left = 0, r = create_and_run(&s, out_code);
	if (r < 0 && !s.has_ended) {
		space_explain(e, r);
		*out_code = exit_code_of(r, s.launch.phase);
		launch_close(&s.launch);
		/* A command that is missing or not executable is the container's own error: without
		 * --rm the container stays, created and never started, as with Docker. */
		left = start_failed(
			e, c, s.launch.phase == LAUNCH_PHASE_EXEC && !c->is_auto_remove);
	} else {
		left = s.left;
	}
	start_close(&s);
	if (left < 0)
		pending_keep(&pending);
	else
		pending_end(e, c->id, &pending);
	return r;
}

/* Starts a created or ended container in the background. Waiting for the lock lets another start or
 * a removal finish first. */
static int start_again(struct start *s, int *out_left)
{
	struct summary before;
	int none, r = s->lock = container_lock(s->e, s->c->id);
	if (r >= 0)
		r = container_summary(s->e, s->c->id, &before);
	if (r < 0 || before.state == CONTAINER_RUNNING)
		return r;
	r = container_run_dir_begin(s->e, s->c);
	if (r == 0)
		r = start_run(s, &none);
	if (r == 0)
		return 0;
	space_explain(s->e, r);
	launch_close(&s->launch);
	*out_left = start_failed(s->e, s->c, true);
	return r;
}

/* The caller holds the pending lock, and keeps the pending file if *out_left is negative. */
static int start_locked(struct engine *e, const char *id, int *out_left)
{
	auto_arena struct arena a = ARENA_INIT;
	struct container c;
	int r = container_load(e, id, &a, &c);
	if (r == 0)
		r = container_ended(e, id);
	if (r < 0)
		return r;
	c.is_detached = true;
	struct start s;
	start_init(&s, e, &c);
	r = start_again(&s, out_left);
	start_close(&s);
	return r;
}

int container_start(struct engine *e, const char *id)
{
	struct summary summary;
	int r = container_summary(e, id, &summary);
	if (r < 0 || summary.state == CONTAINER_RUNNING)
		return r;
	if (summary.state == CONTAINER_BROKEN)
		return err_say(-EBADMSG,
			"the summary of container %.12s is damaged; husk rm -f removes it", id);
	auto_close int pending = pending_begin(e, id);
	if (pending < 0)
		return pending;
	int left = 0;
	r = start_locked(e, id, &left);
	if (left < 0)
		pending_keep(&pending);
	else
		pending_end(e, id, &pending);
	return r;
}
