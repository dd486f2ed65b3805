/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The data on disk and its present truth: the two directories of an instance, and in them the
 * containers with their ids, names, records, summaries and states. Nothing here ends, starts or
 * gives back anything. The disk is the database. Every call checks the present state (pidfd, boot
 * id) instead of trusting a file. One struct engine, no globals. Everything speaks unless said
 * otherwise; nothing prints. Host processes only.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "cgroup/cgroup.h"
#include "records/container.h"
#include "records/settings.h"
#include "records/state.h"

struct net;

struct engine {
	const char *root_path, *state_path; /* /var/lib/husk, /run/husk */
	int root_fd, state_fd;
	int image_use_fd; /* held while a container begins: image_uses_lock */
	char instance[9]; /* hash of paths and user: in the name of each kernel object */
	char boot_id[37];
	struct cgroup_host cgroup;
	const char *libexec_path, *share_path;
	/* Gets an image that a container needs and that is missing; no lock is held. NULL: not
	 * possible. Speaks. */
	int (*image_get)(const struct engine *e, const char *word);
	struct arena arena;
	struct net *net; /* handle of the host's network, for network/ */
};

/* NULL paths: HUSK_ROOT, HUSK_STATE, then the defaults. Makes the directories (0700) and removes
 * the state of another boot. After a failure nothing is open. */
int records_open(struct engine *e, const char *root_path, const char *state_path);
void records_close(struct engine *e);

/* Directories of one container: root/containers/ID and state/containers/ID. -ENOENT silent. */
int container_dir_open(const struct engine *e, const char *id);
int container_run_dir_open(const struct engine *e, const char *id);
int container_run_dir_make(const struct engine *e, const char *id);
/* The container's lock: state/containers/ID/lock. */
int container_lock(const struct engine *e, const char *id);
/* If a disk of ours is full, adds to an ENOSPC message which one. Call before any cleanup. */
int space_explain(const struct engine *e, int code);

/* 64 random hex digits: the id of a container, the name of an anonymous volume. */
const char *id_make(struct arena *a);
struct container_list {
	char (*ids)[CONTAINER_ID_LEN + 1];
	size_t count;
};
int container_list(struct engine *e, struct container_list *out);
void container_list_release(struct container_list *list);
AUTO_STRUCT(container_list, struct container_list, container_list_release)

/* Finds a full id by name, full id or unique id prefix; -ENOENT "no such container: web". */
int container_find(struct engine *e, const char *word, char out_id[static CONTAINER_ID_LEN + 1]);
/* Makes names/NAME -> id: claims the name or finds its owner in one step. -EEXIST: an existing
 * container has the name: `out_owner` is its id, or "" if it is being removed. */
int name_claim(struct engine *e, const char *name, const char *id,
	char out_owner[static CONTAINER_ID_LEN + 1]);
int name_release(const struct engine *e, const char *name, const char *id);
/* Releases any names of a container whose record cannot be read. */
int name_release_all(const struct engine *e, const char *id);
/* Invents a free name, such as "brave_walnut". */
void name_invent(const struct engine *e, struct arena *a, const char **out);

/* Parse items in their text form, for options, and append them to a list. Speaking. */
int mount_add(const char *text, struct arena *a, void *mounts); /* "SRC:DST[:OPTIONS]", "DST" */
int tmpfs_add(const char *text, struct arena *a, void *tmpfses); /* "DST[:OPTIONS]" */
int port_add(const char *text, struct arena *a,
	void *ports); /* "[ADDRESS:][HOSTPORT]:PORT[/PROTOCOL]" */
int ulimit_add(const char *text, struct arena *a, void *ulimits); /* "NAME=SOFT[:HARD]" */
/* Write the shortest text with the same meaning. */
void mount_write(const struct container_mount *m, struct buf *out);
void port_write(const struct net_publication *p, struct buf *out);
/* As `ps` shows it; and as a field of Docker's documents, into an open object. */
void port_format(const struct net_publication *p, struct buf *out);
void ports_put(struct json_writer *w, const struct net_publication *all, size_t count);
/* Sets the paths of volumes on the host. */
void mounts_resolve(const struct engine *e, struct arena *a, struct container_mounts *mounts);

/* The record; check: -E2BIG if it would be too large to be read again. */
int container_record_check(const struct container *c);
int container_record_store(const struct engine *e, const struct container *c, bool is_durable);
int container_load(struct engine *e, const char *id, struct arena *a, struct container *out);
/* Also true when that cannot be told. */
bool container_has_record(const struct engine *e, const char *id);
/* The command as one line: entrypoint and arguments, separated by blanks; in single quotes if with
 * a blank. */
void container_command(const struct container *c, struct buf *out);

/* Writes the summary of a new container. */
int summary_make(const struct engine *e, const struct container *c);
/* A damaged row is made again from the record, as for a container whose end was not seen. Without
 * both, the container is "broken": it is shown, and can be removed. Silent; -ENOENT. */
int summary_read(struct engine *e, const char *id, struct summary *out);
/* Changes the summary by an event, if its state allows it; else -EINVAL, "container x is
 * running". */
int container_change(struct engine *e, const char *id, enum container_event event,
	const struct container_facts *facts);
/* The summary as it is now: a container whose process is gone does not run, whatever the file
 * says. */
int container_summary(struct engine *e, const char *id, struct summary *out);
/* A pidfd of its first process; -ESRCH: it does not run. Other codes say nothing about the
 * container. */
int container_process_open(const char *id, const struct summary *summary);

/* state/pending/ID is locked while a command makes or removes something. What a dead command left
 * is undone by the next one, and so is what a command could not undo itself: it keeps the file. */
int pending_begin(const struct engine *e, const char *id);
/* The same without waiting: -EBADF if another command holds it, or the file cannot be made.
 * Silent. */
int pending_try(const struct engine *e, const char *id);
void pending_end(const struct engine *e, const char *id, int *lock_fd);
void pending_keep(int *lock_fd);
bool pending_exists(const struct engine *e, const char *id);
