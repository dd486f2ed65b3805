/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's side of worker.c: finds the verb, which locks itself in and does its work, and
 * reports the result. */
#include "base/err.h"
#include "base/str.h"
#include "image/worker.h"
#include "sys/fd.h"
#include "sys/signal.h"
#include "sys/socket.h"

#include <errno.h>
#include <sys/stat.h>

static int verb_main(int argc, char **argv, const struct worker_verb *verbs)
{
	umask(0);
	for (const struct worker_verb *v = verbs; argc > 1 && v->name; v++) {
		if (!str_eq(v->name, argv[1]))
			continue;
		int r = fd_close_from((unsigned)v->fds_end);
		return r < 0 ? err_new(r, "close inherited fds") : v->main(argc - 2, argv + 2);
	}
	return err_say(-EINVAL, "this program is run by husk, not by people");
}

int worker_main(int argc, char **argv, const struct worker_verb *verbs)
{
	struct worker_packet packet = {.word = WORKER_RESULT};
	if (fd_open_standard() < 0 || fd_set_cloexec(WORKER_SOCKET_FD, true) < 0)
		return 125;
	signal_begin();
	signal_ignore_writes();
	int r = verb_main(argc, argv, verbs);
	if (r < 0)
		err_pack(&packet.trail);
	r = socket_send(WORKER_SOCKET_FD, &packet, sizeof(packet), NULL, 0);
	return r < 0 ? 125 : 0;
}
