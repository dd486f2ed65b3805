/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The workers: husk-image, which reads and writes archives, and husk-fetch, which talks to
 * registries. How husk starts a worker and listens to it, and how a worker locks itself in.
 * Everything speaks.
 */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What husk and its worker say to each other, one packet each (described in worker.c). */
enum worker_word { WORKER_OPAQUE = 1, WORKER_RESULT = 2, WORKER_SAY = 3, WORKER_READY = 4 };
struct worker_packet {
	uint32_t word;
	uint32_t reserved;
	struct err_packet trail;
};
enum { WORKER_FILE_FD = 3, WORKER_STORE_FD = 4, WORKER_SOCKET_FD = 5, WORKER_BOARD_FD = 6 };

/* husk: runs the worker that argv names, with a layout to read or a file to write as file_fd. */
struct worker_call {
	const char *libexec_path;
	const char *const *argv; /* argv[0] is the program, below libexec_path; NULL-terminated */
	const char *const *env; /* NULL: empty */
	int file_fd, root_fd, board_fd; /* -EBADF: none; only a pull has a board */
	struct strvec *said; /* lines for the user, or NULL */
};
int worker_run(const struct worker_call *call);
/* One of several workers that run at once. When its socket is readable, call worker_serve: 1: call
 * it again later, 0: the worker has ended well. */
struct worker {
	int socket, pidfd;
	struct strvec *said;
	bool is_ready, has_ended;
};
#define WORKER_INIT \
	{ \
		.socket = -9, .pidfd = -9 \
	}
int worker_begin(const struct worker_call *call, struct worker *out);
int worker_serve(struct worker *w);
/* Kills the worker if it still runs. */
void worker_release(struct worker *w);
AUTO_STRUCT(worker, struct worker, worker_release)

/* Worker: the body of main(). `verbs` ends with a row without a name. */
struct worker_verb {
	const char *name;
	int (*main)(int argc, char **argv);
	int fds_end; /* the first fd above those that the verb uses */
};
int worker_main(int argc, char **argv, const struct worker_verb *verbs);
/* Worker: locks the process in with these directories. Each is replaced by a clone with nothing
 * above it. */
enum { WORKER_PARTS_MAX = 8, WORKER_PART_NAME_MAX = 32 };
struct confinement {
	int *layout_fd; /* read-only; NULL: there is none */
	int *store_fd; /* NULL: there is none */
	/* The parts of the store that the worker gets: directories, whose names end in a slash, and
	 * files; NULL-terminated. NULL: the whole store. Missing parts are made. */
	const char *const *store_parts;
	bool store_is_readonly;
	/* Files in /etc of the worker's root: with a network, which is the host's, those of the
	 * resolver. */
	const struct confined_file {
		const char *name;
		struct buf text;
	} * files;
	size_t file_count;
	bool has_network;
	uint64_t caps;
};
int worker_confine(const struct confinement *c);
/* The last step of worker_confine: limits what the process may do, now that it has only these
 * directories. */
struct sec_landlock;
int worker_restrict(const struct confinement *c, const struct sec_landlock *reach);
