/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The largest amount of memory that a target uses at once for an input. Counted only with the
 * address sanitizer, whose allocator reports each block. Included by targets of one file.
 */
#include "fuzz.h"
#include "base/err.h"

#if defined(__SANITIZE_ADDRESS__)
#define FUZZ_COUNTS_HEAP
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FUZZ_COUNTS_HEAP
#endif
#endif

#ifdef FUZZ_COUNTS_HEAP
#include <stdatomic.h>
#include <stdbool.h>

/* As in sanitizer/allocator_interface.h, which only clang has. */
int __sanitizer_install_malloc_and_free_hooks(
	void (*taken)(const volatile void *, size_t), void (*given)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *block);

static struct {
	_Atomic size_t now, peak;
	bool is_counting;
} fuzz_heap;

static void fuzz_heap_taken(const volatile void *block, size_t size)
{
	size_t now = atomic_fetch_add(&fuzz_heap.now, size) + size;
	size_t peak = atomic_load(&fuzz_heap.peak);
	while (now > peak && !atomic_compare_exchange_weak(&fuzz_heap.peak, &peak, now))
		;
}

static void fuzz_heap_given(const volatile void *block)
{
	if (block)
		atomic_fetch_sub(&fuzz_heap.now, __sanitizer_get_allocated_size(block));
}

/* Call before an input. */
static inline void fuzz_heap_begin(void)
{
	if (!fuzz_heap.is_counting)
		__sanitizer_install_malloc_and_free_hooks(fuzz_heap_taken, fuzz_heap_given);
	fuzz_heap.is_counting = true;
	fuzz_heap.now = fuzz_heap.peak = 0;
}

/* Call after the input. */
static inline void fuzz_heap_check(size_t bytes_max)
{
	if (fuzz_heap.peak > bytes_max)
		BUG("%zu bytes of memory at once, which may be %zu", (size_t)fuzz_heap.peak,
			bytes_max);
}
#else
static inline void fuzz_heap_begin(void)
{
}

static inline void fuzz_heap_check(size_t bytes_max)
{
}
#endif

enum { FUZZ_HEAP_MAX = 64 << 20 }; /* for any document or archive */

/* Checks one input within that bound. */
static inline void fuzz_in_heap(
	void (*check)(const uint8_t *data, size_t size), const uint8_t *data, size_t size)
{
	fuzz_heap_begin();
	check(data, size);
	fuzz_heap_check(FUZZ_HEAP_MAX);
}
