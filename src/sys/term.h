/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Terminals: pseudo terminals, raw mode and window sizes. Silent, -errno. */
#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

bool term_is(int fd);
/* Raw mode; the old state goes to *out_saved. */
int term_raw(int fd, struct termios *out_saved);
int term_restore(int fd, const struct termios *saved);
int term_get_size(int fd, uint16_t *out_rows, uint16_t *out_columns);
int term_set_size(int fd, uint16_t rows, uint16_t columns);
/* Opens the slave of a pty master by TIOCGPTPEER, never by path. */
int term_open_slave(int master_fd);
/* Makes fd the controlling terminal of this session leader. */
int term_set_controlling(int fd);
/* Makes the caller a process group of its own, and that group the foreground group of its
 * terminal. */
int term_set_foreground(int fd);
