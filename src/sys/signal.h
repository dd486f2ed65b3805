/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Signals of the calling process, for init: dispositions, waiting, and reaping ended children.
 * Silent. */
#include <stdint.h>
#include <sys/types.h>

/* Every program of husk begins with this. Children can be waited for and SIGALRM arrives,
 * whatever the program's caller ignored or blocked. The caller's other dispositions (nohup,
 * background jobs of a shell) stay. */
void signal_begin(void);
/* Sets every signal to its default action and blocks none, as a payload expects at its start. To
 * be called before an execve, which itself resets only handlers. `ignored` are the signals that
 * this process began with as ignored (bit 0 is signal 1); UINT64_MAX: not known. */
void signal_reset(uint64_t ignored);
/* Blocks all signals that can be blocked. */
void signal_block_all(void);
/* Blocks the signals of a list that ends in 0. */
void signal_block(const int *numbers);
/* Ignores SIGPIPE and SIGXFSZ (of `ulimit -f`): every program of husk handles -EPIPE and -EFBIG
 * instead. */
void signal_ignore_writes(void);
/* Sets both to their default action, for a command of the user. */
void signal_default_writes(void);
/* Ignores one more signal. */
void signal_ignore(int number);
/* Waits for the next blocked signal and returns its number. */
int signal_wait(void);
/* Reaps any one child that has ended. Returns its pid, and in *out_code its exit code as shells
 * count it. 0: no child has ended; -ECHILD: there is no child. */
pid_t signal_reap(int *out_code);
