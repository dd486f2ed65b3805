/* SPDX-License-Identifier: Apache-2.0 */
/*
 * startContainer hooks: programs of the container. Init runs them when it is already confined, one
 * after the other, before the payload.
 */
#include "launch/init.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/signal.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static char *word(const struct flat *plan, uint32_t index)
{
	const struct plan_text_row *row = flat_row(plan, PLAN_HOOK_WORD, index);
	return (char *)flat_str(plan, row->text);
}

static _Noreturn void hook_child(const struct init *init, const struct plan_hook_row *row)
{
	char *args[PLAN_HOOK_WORDS_MAX + 1] = {0}, *env[PLAN_HOOK_WORDS_MAX + 1] = {0};
	for (uint32_t i = 0; i < row->arg_count; i++)
		args[i] = word(&init->plan, row->first + i);
	for (uint32_t i = 0; i < row->env_count; i++)
		env[i] = word(&init->plan, row->first + row->arg_count + i);
	int r = init->state_fd < 0 ? 0 : sys_seek_start(init->state_fd);
	if (r == 0 && init->state_fd >= 0)
		r = fd_place(init->state_fd, 0);
	if (r == 0)
		r = fd_cloexec_from(3);
	signal_reset(init->ignored_signals);
	if (r == 0)
		r = sys_execve_at(AT_FDCWD, flat_str(&init->plan, row->path), args, env, 0);
	process_exit(r == -ENOENT ? 127 : 126);
}

int step_start_hook(struct init *init, const void *data)
{
	const struct plan_hook_row *row = data;
	const char *path = flat_str(&init->plan, row->path);
	auto_kill int pidfd = -EBADF;
	int pid = sys_fork(0, &pidfd);
	if (pid < 0)
		return err_new(pid, "start the hook %s", path);
	if (pid == 0)
		hook_child(init, row);
	int r = row->timeout_s ? process_wait_gone(pidfd, row->timeout_s * UINT64_C(1000)) : 0;
	if (r == -ETIMEDOUT)
		return err_say(r, "the startContainer hook %s ran longer than its %u seconds", path,
			row->timeout_s);
	int code = r < 0 ? r : process_wait(pidfd);
	if (code < 0)
		return err_new(code, "wait for the hook %s", path);
	fd_close(take_fd(&pidfd));
	return code == 0
		? 0
		: err_say(-ECANCELED, "the startContainer hook %s failed with exit code %d", path,
			  code);
}
