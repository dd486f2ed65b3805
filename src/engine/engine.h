/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The engine: what can be done to containers, volumes and images. What they are is in records/, networks are in network/.
 * Everything speaks; nothing prints. Host processes only. One code for one kind of refusal: -ENOENT there is no such thing,
 * -EEXIST the name is taken, -EBUSY somebody uses it, -ESRCH it does not run, -EINVAL what was asked for makes no sense.
 */
#include "network/network.h"
#include "records/records.h"

/* records_open; what dead commands left is swept. */
int engine_open(struct engine *e, const char *root_path, const char *state_path);
void engine_close(struct engine *e);
AUTO_STRUCT(engine, struct engine, engine_close)

/* What a monitor that was killed could not do: a container that runs gets a new one, what one that has ended had is
 * given back. Nothing for any other. */
int container_settle(struct engine *e, const char *id, struct summary *summary);
/* Fills what the image and the defaults decide, checks all of it, and gives it an id and a name. */
int container_prepare(struct engine *e, struct arena *a, struct container *c);
/* Appends the text of its plan, without making anything. */
int container_plan_write(struct engine *e, const struct container *c, struct buf *out);
/* Creates, starts and, unless detached, waits. *out_code: the payload's, or with a failure 125, 126 or 127. */
int container_run(struct engine *e, struct container *c, int *out_code);
/* Starts an existing, stopped container, detached. */
int container_start(struct engine *e, const char *id);
struct exec_request {
	struct str_list command, env;
	const char *cwd, *user;
	bool has_tty, has_stdin, is_privileged;
	bool is_detached; /* nobody waits for it: the code is 0 once it runs */
};
int container_exec(
	struct engine *e, const char *id, const struct exec_request *request, int *out_code);

int container_kill(struct engine *e, const char *id, int signal);
/* The stop signal, then after timeout_ms (UINT64_MAX: its own) SIGKILL to all of it. */
int container_stop(struct engine *e, const char *id, uint64_t timeout_ms);
/* volumes_too: also those it was given without a name, as for one that removes itself. */
int container_remove(struct engine *e, const char *id, bool is_forced, bool volumes_too);
int container_wait(struct engine *e, const char *id, int *out_code);
/* What a monitor runs when its container has ended: everything that the engine owns is given back. */
int container_ended(struct engine *e, const char *id);
/* The JSON of `inspect`, an object; the changes against the image: "A /path", "C /path", "D /path". */
int container_inspect(struct engine *e, const char *id, struct buf *out);
int container_diff(struct engine *e, const char *id, struct strvec *out);
/* Copies the log to a callback, from the last `tail` lines on (UINT64_MAX: all), and follows it until it ends. */
struct log_request {
	uint64_t tail;
	bool follows, wants_time;
	int (*write)(void *context, bool is_stderr, const void *data, size_t size);
	void *context;
};
int container_logs(struct engine *e, const char *id, const struct log_request *request);

/* Volumes, named and anonymous, by name. -ENOENT, -EBUSY: a container has it, one that has ended as well. */
struct volume_list {
	struct volume_view {
		const char *name, *mountpoint;
	} * items;
	size_t count;
};
int volume_list(struct engine *e, struct arena *a, struct volume_list *out);
int volume_remove(struct engine *e, const char *name);

/* Images: image_remove and image_prune of image.h, with all containers known and the lock held. */
int engine_image_remove(struct engine *e, const char *word, bool is_forced, struct strvec *said);
int engine_image_prune(struct engine *e, bool named_too, struct strvec *said);
