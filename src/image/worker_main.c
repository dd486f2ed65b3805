/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's side of worker.c: lock in, do the one thing, say how it went. */
#include "image/internal.h"
#include "archive/archive.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/signal.h"
#include "sys/socket.h"

#include <errno.h>
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

static int import(const char *reference)
{
	int layout = WORKER_LAYOUT_FD, store = WORKER_STORE_FD;
	int r = fd_close_from(WORKER_SOCKET_FD + 1);
	if (r < 0)
		return err_new(r, "close inherited fds");
	umask(0);
	archive_begin();
	r = worker_confine(&layout, &store);
	if (r < 0)
		return err_wrap(r, "lock the worker for images in");
	const struct import i = {.layout_fd = layout,
		.store_fd = store,
		.reference = reference,
		.make_opaque = ask_opaque};
	return import_layout(&i);
}

int image_worker_main(int argc, char **argv)
{
	struct worker_packet packet = {.word = WORKER_RESULT};
	if (fd_open_standard() < 0 || fd_set_cloexec(WORKER_SOCKET_FD, true) < 0)
		return 125;
	signal_ignore_writes();
	int r = argc == 3 && str_eq(argv[1], "import-layout")
		? import(argv[2])
		: err_say(-EINVAL, "husk-image is run by husk, not by people");
	if (r < 0)
		err_pack(&packet.trail);
	r = socket_send(WORKER_SOCKET_FD, &packet, sizeof(packet), NULL, 0);
	return r < 0 ? 125 : 0;
}
