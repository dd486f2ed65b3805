/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What every fuzz target defines: one call with one input, which must neither crash nor leak. What must hold is
 * asserted with BUG, which also works in release builds.
 */
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
