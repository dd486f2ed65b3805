/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller's side of a pull: downloads/KEY, the two workers, and the board between them. What a
 * failed pull has downloaded is kept for the next pull of the same reference, unless it was wrong.
 */
#include "base/str.h"
#include "image/board.h"
#include "image/fetch.h"
#include "image/credentials.h"
#include "image/internal.h"
#include "image/worker.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"

#include <errno.h>
#include <poll.h>

enum { ABANDONED_S = 24 * 60 * 60 };

struct pull {
	const struct image_pull *request;
	struct arena arena;
	const char *reference; /* canonical */
	struct buf key;
	struct download_place place;
	int request_fd, board_fd;
	struct board *board;
	struct worker fetcher, importer;
};

static void pull_end(struct pull *p)
{
	worker_release(&p->importer);
	worker_release(&p->fetcher);
	if (p->board)
		board_unmap(p->board);
	int *fds[] = {&p->place.dir_fd, &p->place.lock_fd, &p->request_fd, &p->board_fd};
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		fd_replace(fds[i], -EBADF);
	buf_release(&p->key);
	arena_release(&p->arena);
}
AUTO_STRUCT(pull, struct pull, pull_end)

static int request_make(struct pull *p, const struct image_reference *reference)
{
	struct fetch_request request = {.domain = reference->domain,
		.path = reference->path,
		.reference = p->reference,
		.version = reference->digest ? reference->digest : reference->tag,
		.architecture = p->request->architecture,
		.is_unverified = p->request->is_unverified};
	int r = credentials_find(&p->arena, &request);
	if (r < 0)
		return r;
	p->request_fd = fetch_request_write(&request);
	return p->request_fd < 0 ? p->request_fd : 0;
}

static int reference_take(struct pull *p)
{
	struct image_reference reference;
	auto_buf struct buf text = BUF_INIT;
	int r = reference_parse(p->request->word, &p->arena, &reference);
	if (r < 0)
		return r;
	if (reference.digest)
		reference.tag = NULL;
	reference_write(&reference, &text);
	p->reference = arena_str(&p->arena, text.data);
	r = reference_file(&reference, &p->key);
	return r < 0 ? err_new(r, "pull %s", p->reference) : request_make(p, &reference);
}

static int place_take(struct pull *p)
{
	int r = downloads_sweep(p->request->root_fd, ABANDONED_S);
	if (r == 0)
		r = download_open(p->request->root_fd, p->key.data, &p->place);
	if (r < 0)
		return r;
	r = p->board_fd = board_create();
	if (r >= 0)
		r = board_map(p->board_fd, true, &p->board);
	return r < 0 ? err_new(r, "make the board of a pull") : 0;
}

static int fetcher_begin(struct pull *p)
{
	return worker_begin(
		&(struct worker_call){
			.libexec_path = p->request->libexec_path,
			.argv = (const char *const[]){"husk-fetch", "fetch", NULL},
			.env = fetch_environment(&p->arena),
			.file_fd = p->request_fd,
			.root_fd = p->place.dir_fd,
			.board_fd = p->board_fd,
		},
		&p->fetcher);
}

static int importer_begin(struct pull *p)
{
	return worker_begin(
		&(struct worker_call){
			.libexec_path = p->request->libexec_path,
			.argv = (const char *const[]){"husk-image", "pull", p->reference,
				p->request->architecture, NULL},
			.file_fd = p->place.dir_fd,
			.root_fd = p->request->root_fd,
			.board_fd = p->board_fd,
		},
		&p->importer);
}

/* Serves the workers until both have ended well, or one has failed. */
static int workers_serve(struct pull *p)
{
	while (!p->fetcher.has_ended || !p->importer.has_ended) {
		struct worker *workers[] = {&p->fetcher, &p->importer};
		struct pollfd fds[2] = {{.fd = -1}, {.fd = -1}};
		for (size_t i = 0; i < 2; i++)
			if (!workers[i]->has_ended)
				fds[i] = (struct pollfd){workers[i]->socket, POLLIN, 0};
		int r = sys_poll(fds, 2, -1);
		if (r < 0)
			return err_new(r, "wait for the workers for images");
		for (size_t i = 0; i < 2; i++) {
			r = fds[i].revents ? worker_serve(workers[i]) : 0;
			if (r < 0)
				return r;
		}
		if (p->fetcher.has_ended)
			board_over(p->board);
		if (p->fetcher.is_ready && p->importer.socket < 0) {
			r = importer_begin(p);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* May the download be removed? Wrong data will be wrong again; missing data may still come. */
static bool is_final(int code)
{
	return code == 0 || code == -EBADMSG || code == -EINVAL || code == -EFBIG ||
		code == -ENOENT;
}

/* If there are two errors, the first is reported. */
static int place_leave(const struct pull *p, int code)
{
	struct err_packet trail;
	if (!is_final(code) || p->place.dir_fd < 0)
		return code;
	err_pack(&trail);
	int r = download_remove(p->request->root_fd, p->key.data);
	return code < 0 ? err_unpack(&trail) : r;
}

int image_pull(const struct image_pull *request)
{
	auto_of(pull) struct pull p = {.request = request,
		.key = BUF_INIT,
		.place = {.lock_fd = -EBADF, .dir_fd = -EBADF},
		.request_fd = -EBADF,
		.board_fd = -EBADF,
		.fetcher = WORKER_INIT,
		.importer = WORKER_INIT};
	int r = reference_take(&p);
	if (r == 0)
		r = place_take(&p);
	if (r == 0)
		r = fetcher_begin(&p);
	if (r == 0)
		r = workers_serve(&p);
	return place_leave(&p, r);
}
