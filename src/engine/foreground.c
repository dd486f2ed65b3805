/* SPDX-License-Identifier: Apache-2.0 */
/* A container or an exec in the foreground: this process supervises it. */
#include "engine/internal.h"
#include "base/err.h"
#include "base/log.h"
#include "monitor/monitor.h"
#include "sys/calls.h"
#include "sys/term.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Pipes between the payload and this process: the payload's ends are in l->stdio, ours in m. The
 * payload never holds a terminal of the host (SECURITY.md, rule 11): without -t its output is a
 * pipe, and its input a pipe or /dev/null. */
static int pipes_make(struct launch *l, struct monitor *m, bool has_stdin)
{
	int pair[2];
	for (int i = 0; i < 2; i++) {
		int r = sys_pipe(pair);
		if (r < 0)
			return err_new(r, "make a pipe");
		m->output_fds[i] = pair[0];
		l->stdio[i + 1] = pair[1];
	}
	if (!has_stdin) {
		l->stdio[0] = sys_open_at(AT_FDCWD, "/dev/null", O_RDONLY, 0);
		return l->stdio[0] < 0 ? err_new(l->stdio[0], "open /dev/null") : 0;
	}
	int r = sys_pipe(pair);
	if (r < 0)
		return err_new(r, "make a pipe");
	l->stdio[0] = pair[0];
	m->input_fd = pair[1];
	return 0;
}

/* The container's terminal gets the size of the user's terminal. */
int streams_make(struct launch *l, struct monitor *m, bool has_tty, bool has_stdin)
{
	if (!has_tty)
		return pipes_make(l, m, has_stdin);
	if (term_get_size(0, &l->rows, &l->columns) < 0)
		term_get_size(1, &l->rows, &l->columns);
	return 0;
}

void foreground_init(struct monitor *m, bool has_stdin)
{
	*m = (struct monitor){
		.pidfd = -EBADF,
		.console_fd = -EBADF,
		.output_fds = {-EBADF, -EBADF},
		.input_fd = -EBADF,
		.user_in = has_stdin ? 0 : -EBADF,
		.user_out = 1,
		.user_err = 2,
		.forwards_signals = true,
	};
}

void foreground_close(struct monitor *m)
{
	fd_replace(&m->output_fds[0], -EBADF);
	fd_replace(&m->output_fds[1], -EBADF);
	fd_replace(&m->input_fd, -EBADF);
	monitor_log_close(m->log);
	m->log = NULL;
}

/* From here on signals are for the payload: they stay pending until the supervision takes them. */
int foreground_release(struct launch *l)
{
	monitor_signals_hold();
	return launch_release(l);
}

/* The payload runs: this process is its monitor until the payload ends. */
int foreground_supervise(struct launch *l, struct monitor *m, int *out_code)
{
	m->pidfd = l->pidfd;
	m->console_fd = l->console_fd;
	int r = monitor_run(m, out_code);
	if (r == 0)
		fd_replace(&l->pidfd, -EBADF); /* the process was reaped: nothing to kill */
	return r;
}

/* The exit code stays the payload's, even if the cleanup fails. The next command cleans up then. */
static void on_ended(void *context, int code)
{
	struct start *s = context;
	s->has_ended = true;
	s->left = foreground_ended(s->e, s->c, &s->launch, code);
	if (s->left < 0)
		log_warn("%s", err_text());
}

int foreground_run(struct start *s, int *out_code)
{
	struct launch *l = &s->launch;
	bool has_stdin = s->c->process.has_stdin;
	struct monitor m;
	struct process_id self, payload;
	foreground_init(&m, has_stdin);
	m.ended = on_ended;
	m.context = s;
	auto_close int dir = container_dir_open(s->e, s->c->id);
	int r = streams_make(l, &m, s->c->process.has_tty, has_stdin);
	if (r == 0)
		r = monitor_log_open(dir, MONITOR_LOG_BYTES, MONITOR_LOG_FILES, &m.log);
	if (r == 0)
		r = launch_start(l);
	if (r == 0)
		r = network_attach(s->e, s->c, l->pid);
	if (r == 0)
		r = process_identify(getpid(), &self);
	if (r == 0)
		r = payload_identify(l, &payload);
	if (r == 0)
		r = foreground_release(l);
	if (r == 0)
		r = started_record(s, &self, &payload);
	if (r == 0)
		r = foreground_supervise(l, &m, out_code);
	foreground_close(&m);
	return r;
}
