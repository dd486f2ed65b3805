/* SPDX-License-Identifier: Apache-2.0 */
/* Signals of the calling process. See signal.h. */
#include "sys/signal.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

static const int of_writes[] = {SIGPIPE, SIGXFSZ};

void signal_default_writes(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	for (size_t i = 0; i < sizeof(of_writes) / sizeof(of_writes[0]); i++)
		sigaction(of_writes[i], &action, NULL);
}

void signal_reset(uint64_t ignored)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	/* sigaction fails for SIGKILL, SIGSTOP and the signals that libc uses: they need no
	 * reset. */
	for (size_t i = 0; i < sizeof(of_writes) / sizeof(of_writes[0]); i++)
		ignored |= 1ull << (of_writes[i] - 1);
	for (int i = 1; i < NSIG; i++)
		if (ignored & 1ull << (i - 1))
			sigaction(i, &action, NULL);

	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void signal_begin(void)
{
	const struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGALRM);
	sigaction(SIGCHLD, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void signal_block_all(void)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

void signal_block(const int *numbers)
{
	sigset_t set;
	sigemptyset(&set);
	for (; *numbers; numbers++)
		sigaddset(&set, *numbers);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

void signal_ignore(int number)
{
	struct sigaction action = {.sa_handler = SIG_IGN};
	sigaction(number, &action, NULL);
}

void signal_ignore_writes(void)
{
	for (size_t i = 0; i < sizeof(of_writes) / sizeof(of_writes[0]); i++)
		signal_ignore(of_writes[i]);
}

int signal_wait(void)
{
	sigset_t all;
	sigfillset(&all);
	int number;
	do
		number = sigwaitinfo(&all, NULL);
	while (number < 0 && errno == EINTR);
	return number < 0 ? -errno : number;
}

pid_t signal_reap(int *out_code)
{
	int status;
	pid_t pid = waitpid(-1, &status, WNOHANG);
	if (pid < 0)
		return -errno;
	if (pid > 0)
		*out_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return pid;
}
