/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Base64 by RFC 4648, with padding. Silent. */
#include "base/buf.h"

void base64_write(const char *data, size_t len, struct buf *out);
/* -EINVAL for text that is not base64; `out` then holds a part of the result. */
int base64_read(const char *text, struct buf *out);
