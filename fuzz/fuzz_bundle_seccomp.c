/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.seccomp of a config.json: every compiled program must be one that the kernel accepts, and
 * must end for every call.
 */
#include "fuzz.h"
#include "bundle/internal.h"

#include <linux/filter.h>
#include <linux/seccomp.h>

static void check_instruction(const struct sock_filter *f, size_t left, bool has_listener)
{
	switch (f->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		if (f->k % 4 != 0 || f->k >= sizeof(struct seccomp_data))
			BUG("a load of %u", f->k);
		break;
	case BPF_ALU | BPF_AND | BPF_K:
		break;
	case BPF_JMP | BPF_JA:
		if (f->k >= left)
			BUG("a jump over %u of %zu", f->k, left);
		return;
	case BPF_JMP | BPF_JEQ | BPF_K:
	case BPF_JMP | BPF_JGE | BPF_K:
	case BPF_JMP | BPF_JGT | BPF_K:
		if (f->jt >= left || f->jf >= left)
			BUG("a jump over %u or %u of %zu", f->jt, f->jf, left);
		return;
	case BPF_RET | BPF_K:
		if ((f->k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF && !has_listener)
			BUG("a notification without a listener");
		return;
	default:
		BUG("instruction %#x", f->code);
	}
	if (left == 0)
		BUG("the program runs off its end");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_of(json) struct json *j = NULL;
	auto_of(arena) struct arena a = ARENA_INIT;
	struct oci_spec spec = {0};
	struct oci_process *process = &spec.process;
	struct bundle_reader reader = {.a = &a, .spec = &spec, .bundle_path = "/"};

	if (json_parse(BUNDLE_ORIGIN, (const char *)data, size, &j) < 0)
		return 0;
	struct json_cursor root = json_root(j);
	int r = bundle_seccomp_read(&reader, &root);
	if (r < 0 && (r != err_code() || process->seccomp))
		BUG("refused with %d", r);
	if (r < 0)
		return 0;
	const struct sock_filter *code = process->seccomp;
	size_t count = process->seccomp_size / sizeof(*code);
	if (count == 0 || count > BPF_MAXINSNS)
		BUG("%zu instructions", count);
	for (size_t i = 0; i < count; i++)
		check_instruction(&code[i], count - i - 1, process->listener.path);
	return 0;
}
