/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Signals of the own process, for init: dispositions, waiting, and reaping whatever ends. Silent. */
#include <stdint.h>
#include <sys/types.h>

/* What every program of husk begins with: children can be waited for and SIGALRM comes, whatever the caller ignored or
 * blocked. The rest of the caller's dispositions (nohup, shells' background jobs) stays. */
void signal_begin(void);
/* Every signal to its default action, none blocked: what a payload expects to begin with. Before an execve, which does that
 * for handlers; `ignored` are those that this process began with as ignored (bit 0 is signal 1), UINT64_MAX: not known. */
void signal_reset(uint64_t ignored);
/* Blocks all signals that can be blocked. */
void signal_block_all(void);
/* Blocks those of a list that ends in 0. */
void signal_block(const int *numbers);
/* Ignores SIGPIPE and SIGXFSZ (of `ulimit -f`): every program of husk handles -EPIPE and -EFBIG instead. */
void signal_ignore_writes(void);
/* The opposite, for a command of the user's. */
void signal_default_writes(void);
/* Ignores one more. */
void signal_ignore(int number);
/* Waits for the next blocked signal and returns its number. */
int signal_wait(void);
/* Reaps one ended child, whichever: its pid, and its exit code as shells count in *out_code. 0 when none has ended,
 * -ECHILD when there is none. */
pid_t signal_reap(int *out_code);
