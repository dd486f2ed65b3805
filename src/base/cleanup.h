/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Ownership by scope. Every variable that owns something begins empty and has a cleanup function.
 * What it owns leaves the scope only by a take: `return take_fd(&fd);`, `*out = take_ptr(&p);`.
 * Types that own a kernel object (auto_close, auto_kill, ...) are declared beside their functions
 * in sys/; this header is the part that needs no kernel.
 */
#include <stdlib.h>

/* Frees heap memory at the end of the scope: `auto_free char *name = NULL;` */
#define auto_free __attribute__((cleanup(cleanup_free_ptr)))

static inline void cleanup_free_ptr(void *p)
{
	free(*(void **)p);
}

/*
 * Declares auto_NAME for a type whose release function accepts NULL: AUTO_TYPE(plan, struct plan *,
 * plan_free) makes `auto_plan struct plan *p = NULL;` possible through the cleanup function
 * auto_release_plan.
 */
#define AUTO_TYPE(name, type, release) \
	static inline void auto_release_##name(type *p) \
	{ \
		release(*p); \
	}

/* The same for a struct that lives in the caller's storage and is released by pointer. */
#define AUTO_STRUCT(name, type, release) \
	static inline void auto_release_##name(type *p) \
	{ \
		release(p); \
	}

#define auto_of(name) __attribute__((cleanup(auto_release_##name)))

/* Moves a pointer out of its variable, which becomes NULL. */
#define take_ptr(p) \
	({ \
		typeof(p) take_from = (p); \
		typeof(*take_from) take_value = *take_from; \
		*take_from = NULL; \
		take_value; \
	})
