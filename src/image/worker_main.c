/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of husk-image. Each locks the process in and does one thing to images. */
#include "image/board.h"
#include "image/layout.h"
#include "image/worker.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>

static int ask_opaque(void *context, int dir_fd)
{
	const struct worker_packet packet = {.word = WORKER_OPAQUE};
	int32_t answer = -EPROTO;
	int r = socket_send(WORKER_SOCKET_FD, &packet, sizeof(packet), &dir_fd, 1);
	if (r < 0)
		return err_new(r, "ask for an opaque directory");
	ssize_t size = socket_receive(WORKER_SOCKET_FD, &answer, sizeof(answer), NULL, NULL);
	if (size < 0)
		return err_new((int)size, "wait for an opaque directory");
	if (size != sizeof(answer) || answer > 0)
		return err_say(-EPROTO, "no answer about an opaque directory");
	return answer < 0 ? err_new(answer, "make a directory opaque") : 0;
}

#define LOCK_IN "lock the worker for images in"
#define CAP_BIT(number) (1ULL << (number))

/* What an import needs to give files their owners and modes. */
static const uint64_t import_caps = CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) |
	CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_MKNOD) | CAP_BIT(CAP_SETFCAP);

/* The parts of the engine's root that a worker gets: what images are made of, and the locks of
 * it. */
static const char *const store_parts[] = {
	"content/", "images/", "layers/", "refs/", IMAGES_LOCK, IMAGES_MAKING_LOCK, NULL};
static const char *const saved_parts[] = {"content/", "images/", "layers/", "refs/", NULL};

static int say(void *context, const char *text)
{
	struct worker_packet packet = {.word = WORKER_SAY};
	err_say(-EINVAL, "%s", text);
	err_pack(&packet.trail);
	int r = socket_send(WORKER_SOCKET_FD, &packet, sizeof(packet), NULL, 0);
	return r < 0 ? err_new(r, "say what was loaded") : 0;
}

/* Locks an importer in, with the store and, unless it is NULL, the directory of a layout. */
static int importer_confine(int *layout_fd, int *store_fd)
{
	int r = worker_confine(&(struct confinement){.layout_fd = layout_fd,
		.store_fd = store_fd,
		.store_parts = store_parts,
		.caps = import_caps});
	return r < 0 ? err_wrap(r, LOCK_IN) : 0;
}

static int import_main(int argc, char **argv)
{
	int fd = WORKER_FILE_FD, store = WORKER_STORE_FD;
	auto_of(layout) struct layout layout = {0};
	if (argc != 1)
		return err_say(-EINVAL, "import-layout takes a reference");
	int r = importer_confine(&fd, &store);
	if (r < 0)
		return r;
	r = layout_open(&layout, fd);
	struct archive_budget budget = archive_budget_default;
	const struct import i = {.layout = &layout,
		.budget = &budget,
		.is_short = true,
		.store_fd = store,
		.make_opaque = ask_opaque};
	return r < 0 ? r : import_layout(&i, argv[0]);
}

/* Replaces *fd by an unnamed, plain copy of the archive, unless it is a plain regular file
 * already. */
static int plain_make(int store, int *fd, mode_t type)
{
	enum archive_compression compression = ARCHIVE_PLAIN;
	int r = S_ISREG(type) ? archive_compression_find(*fd, 0, &compression) : 0;
	if (r < 0 || (S_ISREG(type) && compression == ARCHIVE_PLAIN))
		return r;
	auto_close int plain = sys_open_at(store, "layers", O_RDWR | O_TMPFILE, 0600);
	if (plain < 0)
		return err_new(plain, "make room for the archive");
	r = archive_spool(*fd, S_ISREG(type), plain, archive_budget_default.bytes);
	if (r == 0)
		fd_replace(fd, take_fd(&plain));
	return r;
}

static int load_main(int argc, char **argv)
{
	int fd = WORKER_FILE_FD, store = WORKER_STORE_FD;
	auto_of(layout) struct layout layout = {0};
	struct stat st;
	int r = sys_stat_fd(fd, &st);
	if (r < 0)
		return err_new(r, "look at the archive");
	r = importer_confine(S_ISDIR(st.st_mode) ? &fd : NULL, &store);
	if (r < 0)
		return r;
	if (!S_ISDIR(st.st_mode))
		r = plain_make(store, &fd, st.st_mode);
	if (r == 0)
		r = layout_open(&layout, fd);
	struct archive_budget budget = archive_budget_default;
	const struct import i = {.layout = &layout,
		.budget = &budget,
		.store_fd = store,
		.make_opaque = ask_opaque,
		.say = say};
	return r < 0 ? r : import_all(&i);
}

/* The arguments: a reference, and the architecture if it is not this machine's. */
static int pull_main(int argc, char **argv)
{
	int fd = WORKER_FILE_FD, store = WORKER_STORE_FD;
	auto_of(layout) struct layout layout = {0};
	struct board *board = NULL;
	if (argc < 1 || argc > 2)
		return err_say(-EINVAL, "pull takes a reference and an architecture");
	int r = importer_confine(&fd, &store);
	if (r < 0)
		return r;
	r = board_map(WORKER_BOARD_FD, true, &board);
	if (r < 0)
		return err_new(r, "map the board of the pull");
	r = layout_open(&layout, fd);
	layout.architecture = argc > 1 ? argv[1] : NULL;
	struct archive_budget budget = archive_budget_default;
	const struct import i = {.layout = &layout,
		.budget = &budget,
		.store_fd = store,
		.make_opaque = ask_opaque,
		.board = board};
	if (r == 0)
		r = import_layout(&i, argv[0]);
	board_unmap(board);
	return r;
}

static int save_main(int argc, char **argv)
{
	int store = WORKER_STORE_FD;
	int r = worker_confine(&(struct confinement){.store_fd = &store,
		.store_parts = saved_parts,
		.store_is_readonly = true,
		.caps = CAP_BIT(CAP_DAC_READ_SEARCH)});
	return r < 0 ? err_wrap(r, LOCK_IN) : save_images(store, WORKER_FILE_FD, argc, argv);
}

static const struct worker_verb verbs[] = {
	{"import-layout", import_main, WORKER_BOARD_FD},
	{"load", load_main, WORKER_BOARD_FD},
	{"save", save_main, WORKER_BOARD_FD},
	{"pull", pull_main, WORKER_BOARD_FD + 1},
	{NULL},
};

int image_worker_main(int argc, char **argv)
{
	archive_begin();
	return worker_main(argc, argv, verbs);
}
