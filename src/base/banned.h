/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Force-included into every file: functions that must not be called, with what to use instead. The
 * headers that declare them come first, so that only calls are errors.
 */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#undef basename
#undef strdupa

#define BANNED(name, instead) name##_is_banned__use_##instead

#define strcpy(d, s) BANNED(strcpy, fmt_or_buf_add)
#define stpcpy(d, s) BANNED(stpcpy, fmt_or_buf_add)
#define strcat(d, s) BANNED(strcat, fmt_or_buf_add)
#define strncpy(d, s, n) BANNED(strncpy, fmt_or_buf_add)
#define strncat(d, s, n) BANNED(strncat, fmt_or_buf_add)
#define sprintf(...) BANNED(sprintf, fmt_or_buf_addf)
#define vsprintf(...) BANNED(vsprintf, fmt_or_buf_addf)
#define strtok(s, d) BANNED(strtok, str_cut)
#define strtok_r(s, d, p) BANNED(strtok_r, str_cut)
#define atoi(s) BANNED(atoi, parse_u32)
#define atol(s) BANNED(atol, parse_u64)
#define atoll(s) BANNED(atoll, parse_u64)
#define strtol(s, e, b) BANNED(strtol, parse_u64)
#define strtoll(s, e, b) BANNED(strtoll, parse_u64)
#define strtoul(s, e, b) BANNED(strtoul, parse_u32)
#define strtoull(s, e, b) BANNED(strtoull, parse_u64)
#define basename(p) BANNED(basename, path_last)
#define dirname(p) BANNED(dirname, path_parent)
#define system(c) BANNED(system, process_spawn)
#define popen(c, m) BANNED(popen, process_spawn)
#define gmtime(t) BANNED(gmtime, gmtime_r)
#define localtime(t) BANNED(localtime, localtime_r)
#define ctime(t) BANNED(ctime, strftime)
#define strerror(e) BANNED(strerror, err_new)
#define perror(s) BANNED(perror, err_new)
