/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Every fuzz target defines this function: one call with one input must neither crash nor leak.
 * Conditions that must hold are checked with BUG, which also works in release builds.
 */
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
