/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Images as the engine sees them: found by reference or id, with their configuration and the layers to put on each
 * other. Making them (import, pull) is the locked-in worker's work, husk-image; this process only asks it.
 * Everything speaks.
 */
#include "base/arena.h"
#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What an image says about the workload; nothing of it steers the engine. */
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
	bool is_double; /* of a list: a nameless manifest of an image that stands there with another one */
};

/* By reference ("busybox", "busybox:latest", "docker.io/library/busybox", "NAME@sha256:...") or id prefix; -ENOENT when
 * there is none ("no such image: busibox. Did you mean busybox?"), -EINVAL for a word that can be neither, -EEXIST for a
 * prefix of several. `references` holds only the one it was found by; `digests` nothing. */
int image_find(int root_fd, const char *word, struct arena *a, struct image *out);

struct image_list {
	struct image *items;
	size_t count;
};
/* Newest first, each manifest with its names; one that is damaged is left out. */
int image_list(int root_fd, struct arena *a, struct image_list *out);

/* Imports share_path/images/NAME, an OCI layout that came with the installation, through the worker in libexec_path;
 * -ENOENT when there is no such image, in the words of image_find. Two at once make one import. */
int image_import_builtin(
	int root_fd, const char *share_path, const char *libexec_path, const char *word);

/* The JSON object of `image inspect`. */
int image_show(int root_fd, const char *word, struct buf *out);
/* What an image was made by, in order; a step has a layer unless it is empty. */
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

/* A further name for an image; what was called so before loses it. */
int image_tag(int root_fd, const char *word, const char *name);

/* Who begins a container holds it shared from image_find until the container is recorded; who removes, alone. The fd is the
 * lock. */
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
	bool is_forced; /* with all names, and although a stopped container has it */
	struct strvec *said; /* what was removed, a line each, in Docker's words */
};
/* Takes a name from an image, with the last one the image, with that what only it needed, and what failed imports have
 * left; layers and documents stay while an import is at work. -EBUSY: it is in use. */
int image_remove(const struct image_removal *job, const char *word);
/* All images that no container has and that have no name, or not even that. */
int image_prune(const struct image_removal *job, bool named_too);
/* Deletes what was removed, and what interrupted pulls have left: without a lock, after either of the two. */
int image_sweep(int root_fd);

/* Writes images as one tar archive to out_fd, through the worker. An image is named in it by the references that were said,
 * and by all that it has when it was found by its id. -EINVAL: no such format. */
struct image_save {
	int root_fd, out_fd;
	const char *libexec_path;
	const char *format; /* of image_save_formats */
	const char *const *words;
	size_t word_count;
};
extern const char *const image_save_formats[]; /* NULL-terminated */
int image_save(const struct image_save *request);

/* Gets an image from its registry, under the name it is asked for by. What an interrupted pull has got is not asked for
 * again. -ENOENT: the registry does not have it; -EACCES: it wants to be logged in to. */
struct image_pull {
	int root_fd;
	const char *libexec_path;
	const char *word;
	const char *architecture; /* in OCI's words; NULL: this machine's */
	bool is_unverified; /* any certificate, or plain HTTP */
};
int image_pull(const struct image_pull *request);

/* Logs in to the registry that `server` names ("": docker.io): -EACCES when it does not let the user in. Logins are kept
 * where docker keeps them, *out_where says in which file or helper. Out: -ENOENT. */
struct image_login {
	const char *libexec_path, *server, *user, *secret;
	bool is_unverified;
};
int image_login(const struct image_login *login, struct arena *a, const char **out_where);
int image_logout(const char *server);

/* Imports all images of an archive (a file, compressed or not, or something that can only be read once) or of the directory
 * of an OCI layout, under the names that they have there; a name that another image has is taken from that. `said` is told
 * what was loaded, a line each, in Docker's words. */
int image_load_archive(int root_fd, int fd, const char *libexec_path, struct strvec *said);

/*
 * main() of husk-image: `import-layout REFERENCE`, `pull REFERENCE [ARCHITECTURE]` or `load` with a layout or an archive as
 * fd 3, `save ...` (save.c) with a file to write; and of husk-fetch: `fetch` and `login` with a request as fd 3 (worker.c
 * says more). Each locks itself in before it reads a byte of others. Both return an exit code.
 */
int image_worker_main(int argc, char **argv);
int image_fetch_main(int argc, char **argv);

/*
 * Users as the files of an image name them. Our own parser of etc/passwd and etc/group beneath root_fd: regular files
 * of at most 10 MiB, never a name service.
 */
struct image_user {
	uint32_t uid, gid;
	uint32_t *groups; /* memberships in /etc/group, without the primary one */
	size_t group_count;
	const char *home;
	const char *name; /* NULL when the number has no entry */
};

/* "", "name", "uid", "name:group", "uid:gid". Digits are never looked up as a name. */
int image_user_resolve(int root_fd, const char *spec, struct arena *a, struct image_user *out);
