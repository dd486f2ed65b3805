/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that answers the notifications of a container's seccomp filter. The filter's listener
 * is sent to the socket linux.seccomp.listenerPath, with the container process state of the
 * specification. There is one connection for each process. It is made before any code of the
 * payload runs, so a missing receiver is found early.
 */
#include "runtime/internal.h"
#include "base/err.h"
#include "base/json.h"
#include "bundle/bundle.h"
#include "sys/fd.h"
#include "sys/socket.h"

#include <errno.h>

void runtime_listener_close(struct runtime_listener *listener)
{
	fd_replace(&listener->stream, -EBADF);
}

static void process_state_write(const struct runtime_listener *listener, pid_t pid, struct buf *out)
{
	struct json_writer w = {.out = out};
	json_open_object(&w, NULL);
	json_put_string(&w, "ociVersion", BUNDLE_OCI_VERSION);
	json_open_array(&w, "fds");
	json_put_string(&w, NULL, "seccompFd");
	json_close_array(&w);
	json_put_i64(&w, "pid", pid);
	if (listener->metadata)
		json_put_string(&w, "metadata", listener->metadata);
	runtime_state_put(&w, "state", listener->state);
	json_close_object(&w);
}

/* Closes the connection after sending: one state on each connection, as the specification has
 * it. */
static int listener_send(struct launch *launch, void *context, int fd)
{
	struct runtime_listener *listener = context;
	auto_buf struct buf text = BUF_INIT;
	process_state_write(listener, launch->pid, &text);
	int r = socket_send(listener->stream, text.data, text.len, &fd, 1);
	runtime_listener_close(listener);
	return r < 0 ? err_new(r, "send the seccomp listener to %s", listener->path) : 0;
}

int runtime_listener_connect(
	struct launch *launch, const struct runtime_state *state, struct runtime_listener *out)
{
	*out = (struct runtime_listener){.state = state, .stream = -EBADF};
	out->path = plan_listener(&launch->plan, &out->metadata);
	if (!out->path)
		return 0;
	out->stream = socket_stream_connect(out->path);
	if (out->stream < 0)
		return err_new(out->stream,
			"connect to %s, where linux.seccomp.listenerPath says that somebody "
			"listens",
			out->path);
	launch->listener = listener_send;
	launch->listener_context = out;
	return 0;
}
