/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Images as the engine sees them: found by reference or id, with their configuration and the layers
 * to stack. Images are made (import, pull) by the worker husk-image, which is locked in; this
 * process only asks it. Everything speaks.
 */
#include "base/arena.h"
#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What an image says about the workload; nothing in it controls the engine. */
struct image_config {
	struct str_list env, entrypoint, cmd, labels, volumes, ports;
	const char *user, *working_dir, *stop_signal;
};

struct image {
	const char *id; /* "sha256:..." of the configuration */
	const char *digest; /* of the manifest */
	struct str_list references; /* with tags */
	struct str_list digests; /* "NAME@sha256:...": what its registry calls it */
	uint64_t created_ns, size_bytes;
	struct image_config config;
	struct str_list chain_ids; /* layers, lowest first */
	bool is_double; /* in a list: without a name, and another manifest of the image is listed */
};

/* By reference ("busybox", "busybox:latest", "docker.io/library/busybox", "NAME@sha256:...") or id
 * prefix. -ENOENT: no such image ("no such image: busibox. Did you mean busybox?"), -EINVAL: the
 * word can be neither, -EEXIST: several ids match. `references` is only the one it was found by,
 * `digests` empty. */
int image_find(int root_fd, const char *word, struct arena *a, struct image *out);

struct image_list {
	struct image *items;
	size_t count;
};
/* Newest first, each manifest with its names. A damaged image is left out. */
int image_list(int root_fd, struct arena *a, struct image_list *out);

/* Imports share_path/images/NAME, a layout of the installation, through the worker in libexec_path.
 * -ENOENT: no such image, with image_find's message. Two calls at once make one import. */
int image_import_builtin(
	int root_fd, const char *share_path, const char *libexec_path, const char *word);

/* The JSON object of `image inspect`. */
int image_show(int root_fd, const char *word, struct buf *out);
/* The steps that made an image, in order; a step has a layer unless it is empty. */
struct image_step {
	const char *created_by, *comment;
	uint64_t created_ns, size_bytes;
	bool is_empty;
};
struct image_steps {
	const char *image_id;
	struct image_step *items;
	size_t count;
};
int image_history(int root_fd, const char *word, struct arena *a, struct image_steps *out);

/* Gives an image a further name; an image that had this name before loses it. */
int image_tag(int root_fd, const char *word, const char *name);

/* A caller that starts a container holds this lock shared from image_find until the container is
 * recorded; a caller that removes images holds it alone. The fd is the lock. */
int image_uses_lock(int root_fd, bool is_alone);
struct image_use { /* a container */
	const char *container_id, *image_id;
	bool is_running;
	struct str_list layers;
};
struct image_removal {
	int root_fd; /* the lock is held alone */
	const struct image_uses {
		struct image_use *items;
		size_t count;
	} * uses; /* of all containers */
	bool is_forced; /* also with several names, or used by a stopped container */
	struct strvec *said; /* what was removed, a line each, in Docker's words */
};
/* Removes a name of an image; with the last name the image, what only it needed, and what failed
 * imports have left. Layers and documents stay while an import runs. -EBUSY: it is in use. */
int image_remove(const struct image_removal *job, const char *word);
/* Removes all unused images without a name; with named_too also those with a name. */
int image_prune(const struct image_removal *job, bool named_too);
/* Deletes removed layers and interrupted pulls: called after either, without the lock. */
int image_sweep(int root_fd);

/* Writes images as one tar archive to out_fd, through the worker. An image gets the references that
 * it was asked for by, or all its references if it was asked for by id. -EINVAL: unknown format. */
struct image_save {
	int root_fd, out_fd;
	const char *libexec_path;
	const char *format; /* of image_save_formats */
	const char *const *words;
	size_t word_count;
};
extern const char *const image_save_formats[]; /* NULL-terminated */
int image_save(const struct image_save *request);

/* Pulls an image from its registry, under the name in `word`. What an interrupted pull has got is
 * not requested again. -ENOENT: the registry does not have it; -EACCES: it requires a login. */
struct image_pull {
	int root_fd;
	const char *libexec_path;
	const char *word;
	const char *architecture; /* in OCI's words; NULL: this machine's */
	bool is_unverified; /* any certificate, or plain HTTP */
};
int image_pull(const struct image_pull *request);

/* Logs in to the registry `server` ("": docker.io); -EACCES: it refuses the user. *out_where: the
 * file or helper, docker's own, that keeps the login. image_logout: -ENOENT: there is none. */
struct image_login {
	const char *libexec_path, *server, *user, *secret;
	bool is_unverified;
};
int image_login(const struct image_login *login, struct arena *a, const char **out_where);
int image_logout(const char *server);

/* Imports all images of an archive (a file, compressed or not, or a stream that can be read only
 * once) or of the directory of an OCI layout, with their names. A name that another image has is
 * taken from that image. `said` gets a line for each loaded image, in Docker's words. */
int image_load_archive(int root_fd, int fd, const char *libexec_path, struct strvec *said);

/* main() of husk-image: `import-layout REFERENCE`, `pull REFERENCE [ARCHITECTURE]` or `load` with a
 * layout or an archive as fd 3, or `save ...` (save.c) with a file to write; and of husk-fetch:
 * `fetch` and `login` with a request as fd 3 (more in worker.c). Each locks itself in before it
 * reads untrusted bytes. Both return an exit code. */
int image_worker_main(int argc, char **argv);
int image_fetch_main(int argc, char **argv);

/* The users of an image, by etc/passwd and etc/group beneath root_fd: regular files of at most 10
 * MiB. The parser is our own; a name service is never asked. */
struct image_user {
	uint32_t uid, gid;
	uint32_t *groups; /* memberships in /etc/group, without the primary one */
	size_t group_count;
	const char *home;
	const char *name; /* NULL when the number has no entry */
};

/* "", "name", "uid", "name:group", "uid:gid". Digits are never looked up as a name. */
int image_user_resolve(int root_fd, const char *spec, struct arena *a, struct image_user *out);
