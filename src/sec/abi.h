/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * System calls by name, for every architecture that a filter can be compiled for. Generated from
 * libseccomp at build time by tools/gen-calls, so that no program of husk links libseccomp.
 */
#include "sec/sec.h"

/* A slot is the number of a call up to 1023; then come ARM's private calls (cacheflush, set_tls),
 * whose numbers begin at 0xf0000. The numbers of x32 are stored without the bit of x32. */
enum {
	ABI_NUMBERS_END = 1024,
	ABI_PRIVATE_COUNT = 16,
	ABI_SLOT_COUNT = ABI_NUMBERS_END + ABI_PRIVATE_COUNT,
	ABI_NO_SLOT = 0xffff,
	ABI_PRIVATE_BEGIN = 0xf0000,
	ABI_X32_BIT = 0x40000000,
};

/* x86 also, or only, has some calls as the first argument of socketcall(2) or ipc(2). */
enum abi_multiplexer { ABI_DIRECT, ABI_SOCKETCALL, ABI_IPC };

struct abi_call {
	uint16_t name; /* where it begins in abi_names */
	uint16_t slots[SEC_ABI_COUNT];
	uint8_t x86_multiplexer; /* enum abi_multiplexer */
	uint8_t x86_multiplexed; /* that first argument */
};

extern const struct abi_call abi_calls[]; /* sorted by name */
extern const size_t abi_call_count;
extern const char abi_names[];
extern const enum sec_abi abi_native; /* of this program */
