/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is on disk, and what is true of it now: the two directories of an instance, and in them the containers with their
 * ids, names, records, summaries and states. Nothing here ends, starts or gives back anything. The disk is the database;
 * every call finds the truth (pidfd, boot id) instead of believing a file. One struct engine, no globals; everything
 * speaks, unless said otherwise; nothing prints. Host processes only.
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
	char instance[9]; /* hash of root and user: part of the name of every kernel object */
	char boot_id[37];
	struct cgroup_host cgroup;
	const char *libexec_path, *share_path;
	/* Gets an image that a container needs and that is not here, while no lock is held. NULL: nobody does. Speaks. */
	int (*image_get)(const struct engine *e, const char *word);
	struct arena arena;
	struct net *net; /* the handle of the host's network: of the folder network */
};

/* NULL paths: HUSK_ROOT, HUSK_STATE, then the defaults. Makes the directories (0700) and drops the state of another
 * boot. On failure nothing is open. */
int records_open(struct engine *e, const char *root_path, const char *state_path);
void records_close(struct engine *e);

/* Directories of one container: root/containers/ID and state/containers/ID. -ENOENT silent. */
int container_dir_open(const struct engine *e, const char *id);
int container_run_dir_open(const struct engine *e, const char *id);
int container_run_dir_make(const struct engine *e, const char *id);
/* The container's lock: state/containers/ID/lock. */
int container_lock(const struct engine *e, const char *id);
/* Adds to a sentence about ENOSPC which of our two disks is full, if one is. Before anything is cleaned up. */
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

/* A full id by name, full id or unique id prefix; -ENOENT "no such container: web". */
int container_find(struct engine *e, const char *word, char out_id[static CONTAINER_ID_LEN + 1]);
/* names/NAME -> id: claiming and saying who owns it are one step. -EEXIST: a container that is there has it: `out_owner`
 * is its id, or "" where it is just being removed. */
int name_claim(struct engine *e, const char *name, const char *id,
	char out_owner[static CONTAINER_ID_LEN + 1]);
int name_release(const struct engine *e, const char *name, const char *id);
/* Whatever name it has: for a container whose record cannot be read. */
int name_release_all(const struct engine *e, const char *id);
/* A name nobody has, "brave_turing" style. */
void name_invent(const struct engine *e, struct arena *a, const char **out);

/* Items of a container's lists as people write them, for options: appended to the list. Speaking. */
int mount_add(const char *text, struct arena *a, void *mounts); /* "SRC:DST[:OPTIONS]", "DST" */
int tmpfs_add(const char *text, struct arena *a, void *tmpfses); /* "DST[:OPTIONS]" */
int port_add(const char *text, struct arena *a,
	void *ports); /* "[ADDRESS:][HOSTPORT]:PORT[/PROTOCOL]" */
int ulimit_add(const char *text, struct arena *a, void *ulimits); /* "NAME=SOFT[:HARD]" */
/* And back, the shortest text that means the same. */
void mount_write(const struct container_mount *m, struct buf *out);
void port_write(const struct net_publication *p, struct buf *out);
/* As `ps` shows it; and as a field of Docker's documents, into an object that is open. */
void port_format(const struct net_publication *p, struct buf *out);
void ports_put(struct json_writer *w, const struct net_publication *all, size_t count);
/* Where volumes are on the host. */
void mounts_resolve(const struct engine *e, struct arena *a, struct container_mounts *mounts);

/* The record; -E2BIG where it would be too large to be read again. */
int container_record_check(const struct container *c);
int container_record_store(const struct engine *e, const struct container *c, bool is_durable);
int container_load(struct engine *e, const char *id, struct arena *a, struct container *out);
/* Its command as one line: entrypoint and arguments with blanks between, an argument with a blank in single quotes. */
void container_command(const struct container *c, struct buf *out);

/* The summary of a new container. */
int summary_make(const struct engine *e, const struct container *c);
/* A row that cannot be right is made again from the record, as of one that ended unseen. Without both the container is
 * "broken": shown, and removable. Silent; -ENOENT. */
int summary_read(struct engine *e, const char *id, struct summary *out);
/* The only other writer of a summary: an event, where the state allows it. Otherwise -EINVAL, "container x is running". */
int container_change(struct engine *e, const char *id, enum container_event event,
	const struct container_facts *facts);
/* The summary as it is now: a process that is gone does not run, whatever the file says. */
int container_summary(struct engine *e, const char *id, struct summary *out);
/* A pidfd of its first process; -ESRCH when it does not run. Another code is no news about the container. */
int container_process_open(const char *id, const struct summary *summary);

/* state/pending/ID, locked while a command makes or removes something; what a dead command left is undone by the next
 * one. So is what a command could not undo itself: it keeps the file. */
int pending_begin(const struct engine *e, const char *id);
/* The same without waiting: -EBADF where another command is at it already, or there is no room for the file. Silent. */
int pending_try(const struct engine *e, const char *id);
void pending_end(const struct engine *e, const char *id, int *lock_fd);
void pending_keep(int *lock_fd);
bool pending_exists(const struct engine *e, const char *id);
