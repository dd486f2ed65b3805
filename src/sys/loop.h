/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A small epoll loop: fds and timers with callbacks. It allocates nothing after loop_new. Used by
 * the monitor and by `husk` in the foreground. Silent, -errno.
 */
#include <stdint.h>

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 };
enum { LOOP_SOURCES_MAX = 64 };

struct loop;

/* `events` says what is ready. A negative return ends loop_run with that code. */
typedef int (*loop_callback)(void *context, int fd, unsigned events);

int loop_new(struct loop **out);
void loop_free(struct loop *l);
/* Watches an fd, which the caller still owns. A second call with other events changes them; 0
 * events keeps only hangup. */
int loop_watch(struct loop *l, int fd, unsigned events, loop_callback callback, void *context);
int loop_forget(struct loop *l, int fd);
/* One-shot timer by CLOCK_BOOTTIME. Returns its id, which the callback gets as `fd`. */
int loop_timer(struct loop *l, uint64_t after_ms, loop_callback callback, void *context);
int loop_timer_cancel(struct loop *l, int id);
/* Runs until loop_quit (returns its code) or until a callback fails. */
int loop_run(struct loop *l);
void loop_quit(struct loop *l, int code);
/* A signalfd for these signals (0-terminated list), which it blocks in the process. */
int loop_signal_fd(const int *signals);
/* The next signal of a signalfd, or -EAGAIN. */
int loop_signal_next(int fd);
