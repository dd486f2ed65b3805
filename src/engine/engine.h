/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The engine: operations on containers, volumes and images. Their data is in records/, networks are
 * in network/. Everything speaks; nothing prints. Host processes only. Each kind of refusal has one
 * code: -ENOENT it does not exist, -EEXIST the name is taken, -EBUSY it is in use, -ESRCH it does
 * not run, -EINVAL the request makes no sense.
 */
#include "network/network.h"
#include "records/records.h"

/* Calls records_open, and sweeps what dead commands left. */
int engine_open(struct engine *e, const char *root_path, const char *state_path);
void engine_close(struct engine *e);
AUTO_STRUCT(engine, struct engine, engine_close)

/* Does what a killed monitor could not do: a running container gets a new monitor, an ended
 * container gives back what it had. Does nothing for other containers. */
int container_settle(struct engine *e, const char *id, struct summary *summary);
/* Fills in what the image and the defaults decide, checks all of it, and gives the container an id
 * and a name. */
int container_prepare(struct engine *e, struct arena *a, struct container *c);
/* Appends the text of the container's plan. Makes nothing. */
int container_plan_write(struct engine *e, const struct container *c, struct buf *out);
/* Creates, starts and, unless detached, waits. *out_code: the payload's, or after a failure 125,
 * 126 or 127. */
int container_run(struct engine *e, struct container *c, int *out_code);
/* Starts an existing, stopped container, detached. */
int container_start(struct engine *e, const char *id);
struct exec_request {
	struct str_list command, env;
	const char *cwd, *user;
	bool has_tty, has_stdin, is_privileged;
	bool is_detached; /* husk does not wait for it: the code is 0 once it runs */
};
int container_exec(
	struct engine *e, const char *id, const struct exec_request *request, int *out_code);

int container_kill(struct engine *e, const char *id, int signal);
/* Sends the stop signal, then after timeout_ms (UINT64_MAX: the container's own) SIGKILL to all its
 * processes. */
int container_stop(struct engine *e, const char *id, uint64_t timeout_ms);
/* volumes_too: also its volumes without a name. They always go with a container that removes
 * itself. */
int container_remove(struct engine *e, const char *id, bool is_forced, bool volumes_too);
int container_wait(struct engine *e, const char *id, int *out_code);
/* Run by a monitor when its container has ended: gives back everything that the engine owns. */
int container_ended(struct engine *e, const char *id);
/* inspect: the JSON of `inspect`, an object. diff: the changes against the image: "A /path", "C
 * /path", "D /path". */
int container_inspect(struct engine *e, const char *id, struct buf *out);
int container_diff(struct engine *e, const char *id, struct strvec *out);
/* Copies the last `tail` lines of the log (UINT64_MAX: all) to a callback; `follows`: until the
 * container ends. */
struct log_request {
	uint64_t tail;
	bool follows, wants_time;
	int (*write)(void *context, bool is_stderr, const void *data, size_t size);
	void *context;
};
int container_logs(struct engine *e, const char *id, const struct log_request *request);

/* All volumes by name, anonymous ones too. Remove: -ENOENT; -EBUSY if a container has it, even an
 * ended one. */
struct volume_list {
	struct volume_view {
		const char *name, *mountpoint;
	} * items;
	size_t count;
};
int volume_list(struct engine *e, struct arena *a, struct volume_list *out);
int volume_remove(struct engine *e, const char *name);

/* Call image_remove and image_prune of image.h with the uses of all containers, under the lock. */
int engine_image_remove(struct engine *e, const char *word, bool is_forced, struct strvec *said);
int engine_image_prune(struct engine *e, bool named_too, struct strvec *said);
