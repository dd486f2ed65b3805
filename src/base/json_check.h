/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The gate before json-c, which takes the last of two equal keys, clamps numbers and knows no line. A text that passes
 * is one document of RFC 8259 within the bounds of json.h. Only json.c calls it.
 */
#include <stddef.h>

/* A value of two bytes ("{}") becomes almost a kilobyte in memory, so values are counted too. */
enum { JSON_BYTES_MAX = 4 << 20, JSON_DEPTH_MAX = 64, JSON_VALUES_MAX = 1 << 17 };

/* Speaking; the sentence begins with line and column. */
int json_check(const char *text, size_t len);
