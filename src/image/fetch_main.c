/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of husk-fetch. It is a program of its own because TLS needs thirty libraries: loading
 * them cost each import of an image 5 ms, and the worker that reads hostile archives needs none. */
#include "base/err.h"
#include "image/fetch.h"
#include "image/image.h"
#include "image/worker.h"
#include "sys/socket.h"

static int ready(void)
{
	const struct worker_packet packet = {.word = WORKER_READY};
	int r = socket_send(WORKER_SOCKET_FD, &packet, sizeof(packet), NULL, 0);
	return r < 0 ? err_new(r, "say that the documents are there") : 0;
}

static int fetch_main(int argc, char **argv)
{
	return fetch(WORKER_FILE_FD, WORKER_STORE_FD, WORKER_BOARD_FD, ready);
}

static int login_main(int argc, char **argv)
{
	return fetch_login(WORKER_FILE_FD);
}

static const struct worker_verb verbs[] = {
	{"fetch", fetch_main, WORKER_BOARD_FD + 1},
	{"login", login_main, WORKER_SOCKET_FD + 1},
	{NULL},
};

int image_fetch_main(int argc, char **argv)
{
	return worker_main(argc, argv, verbs);
}
