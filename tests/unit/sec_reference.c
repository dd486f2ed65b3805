/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The meaning of a profile according to libseccomp as runc uses it, for comparison with the result
 * of sec/filter.c; and the kernel's classic BPF, to run both programs. Included by tests.
 */
#include "sec/sec.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

struct bpf {
	struct sock_filter code[BPF_MAXINSNS + 8];
	size_t count;
};

static const uint32_t reference_tokens[SEC_ABI_COUNT] = {
	[SEC_ABI_X86_64] = SCMP_ARCH_X86_64,
	[SEC_ABI_X32] = SCMP_ARCH_X32,
	[SEC_ABI_X86] = SCMP_ARCH_X86,
	[SEC_ABI_AARCH64] = SCMP_ARCH_AARCH64,
	[SEC_ABI_ARM] = SCMP_ARCH_ARM,
};

/* A program that the kernel would refuse to load fails the test. */
static void bpf_check(const struct bpf *bpf)
{
	assert_in_range(bpf->count, 1, BPF_MAXINSNS);
	for (size_t i = 0; i < bpf->count; i++) {
		const struct sock_filter *f = &bpf->code[i];
		if (f->code == (BPF_JMP | BPF_JA))
			assert_true(f->k < bpf->count - i - 1);
		else if (BPF_CLASS(f->code) == BPF_JMP)
			assert_true((size_t)(f->jt > f->jf ? f->jt : f->jf) < bpf->count - i - 1);
	}
	assert_int_equal(bpf->code[bpf->count - 1].code, BPF_RET | BPF_K);
}

/* Runs the instructions that seccomp programs of husk and libseccomp use. Any other fails the
 * test. */
static uint32_t bpf_run(const struct bpf *bpf, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t at = 0; at < bpf->count; at++) {
		const struct sock_filter *f = &bpf->code[at];
		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(f->k % 4 == 0 && f->k + 4 <= sizeof(*data));
			memcpy(&a, (const char *)data + f->k, 4);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= f->k;
			break;
		case BPF_JMP | BPF_JA:
			at += f->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			at += a == f->k ? f->jt : f->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			at += a >= f->k ? f->jt : f->jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			at += a > f->k ? f->jt : f->jf;
			break;
		case BPF_RET | BPF_K:
			return f->k;
		default:
			fail_msg("instruction %zu: code %#x", at, f->code);
		}
	}
	fail_msg("the program runs off its end");
	return 0;
}

/* libseccomp's program for a filter on a machine with two architectures and perhaps x32. */
struct reference {
	struct bpf bpf;
	/* not asked; or libseccomp 2.5 did not load the number of the call, which happens at
	 * times */
	bool is_mute;
	const struct sec_filter *filter;
	uint32_t abis; /* a bit for each architecture */
	uint32_t newest[SEC_ABI_COUNT + 1]; /* highest number that the profile names; 0: none */
};

static void reference_rule(scmp_filter_ctx filter, int number, const struct sec_rule *rule)
{
	static const enum scmp_compare compares[] = {
		[SEC_EQ] = SCMP_CMP_EQ,
		[SEC_NE] = SCMP_CMP_NE,
		[SEC_GT] = SCMP_CMP_GT,
		[SEC_GE] = SCMP_CMP_GE,
		[SEC_LT] = SCMP_CMP_LT,
		[SEC_LE] = SCMP_CMP_LE,
		[SEC_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
	};
	struct scmp_arg_cmp args[6];
	unsigned seen = 0;
	bool is_twice = false;

	if (rule->condition_count == 0) {
		assert_int_equal(seccomp_rule_add_array(filter, rule->action, number, 0, NULL), 0);
		return;
	}
	for (size_t i = 0; i < rule->condition_count; i++) {
		const struct sec_condition *c = &rule->conditions[i];
		is_twice = is_twice || (seen & 1u << c->arg);
		seen |= 1u << c->arg;
	}
	for (size_t i = 0; i < rule->condition_count; i++) {
		const struct sec_condition *c = &rule->conditions[i];
		struct scmp_arg_cmp *arg = &args[is_twice ? 0 : i];
		*arg = (struct scmp_arg_cmp){c->arg, compares[c->compare], c->value, c->second};
		if (is_twice)
			assert_int_equal(
				seccomp_rule_add_array(filter, rule->action, number, 1, args), 0);
	}
	if (!is_twice)
		assert_int_equal(seccomp_rule_add_array(filter, rule->action, number,
					 (unsigned)rule->condition_count, args),
			0);
}

/* The number of a call as runc's stub sees it. For x86's multiplexed calls, which libseccomp
 * resolves to pseudo numbers, it is the call's own number: without it runc refuses the very call
 * that the profile allows. */
static uint32_t reference_number(unsigned abi, const char *name)
{
	int number = seccomp_syscall_resolve_name_arch(reference_tokens[abi], name);
	bool is_multiplexed = abi == SEC_ABI_X86 && number < -100 && number > -300;

	for (int i = 0; is_multiplexed && i < 1024; i++) {
		char *other = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86, i);
		if (other && strcmp(other, name) == 0)
			number = i;
		free(other);
	}
	uint32_t ordinary = (uint32_t)number & ~UINT32_C(0x40000000);
	return number > 0 && ordinary < 0xf0000 ? ordinary : 0;
}

static void reference_name(struct reference *reference, scmp_filter_ctx filter, const char *name,
	const struct sec_rule *rule)
{
	for (unsigned abi = 0; abi < SEC_ABI_COUNT; abi++) {
		uint32_t number = reference_number(abi, name);
		if (number > reference->newest[abi])
			reference->newest[abi] = number;
	}
	int number = seccomp_syscall_resolve_name(name);
	if (!reference->is_mute && rule->action != reference->filter->default_action &&
		number != __NR_SCMP_ERROR)
		reference_rule(filter, number, rule);
}

static void reference_export(scmp_filter_ctx filter, struct bpf *out)
{
	int fd = memfd_create("bpf", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(seccomp_export_bpf(filter, fd), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	ssize_t size = read(fd, out->code, sizeof(out->code));
	assert_true(size > 0 && size % 8 == 0);
	out->count = (size_t)size / 8;
	close(fd);
}

/* At times libseccomp 2.5 does not load the number of the call for one of the architectures. */
static bool reference_forgets(const struct reference *reference)
{
	const struct bpf *bpf = &reference->bpf;

	for (size_t i = 1; i + 1 < bpf->count; i++) {
		const struct sock_filter *f = &bpf->code[i];
		bool is_architecture = f->code == (BPF_JMP | BPF_JEQ | BPF_K) && f->k >= 0x40000000;
		if (is_architecture && f[1].code == (BPF_JMP | BPF_JEQ | BPF_K) &&
			f->k != UINT32_MAX && f->jf > f->jt)
			return true;
	}
	return false;
}

static void reference_init(struct reference *out, const struct sec_filter *profile,
	enum sec_abi native, bool asks_libseccomp)
{
	scmp_filter_ctx filter = seccomp_init(profile->default_action);

	memset(out, 0, sizeof(*out));
	out->filter = profile;
	out->is_mute = !asks_libseccomp;
	out->abis = profile->abis | 1u << native;
	assert_non_null(filter);
	assert_int_equal(
		seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), 0);
	assert_int_equal(seccomp_arch_remove(filter, SCMP_ARCH_NATIVE), 0);
	for (unsigned abi = 0; abi < SEC_ABI_COUNT; abi++) {
		if (out->abis & 1u << abi)
			assert_int_equal(seccomp_arch_add(filter, reference_tokens[abi]), 0);
	}
	for (size_t i = 0; i < profile->count; i++) {
		const struct sec_rule *rule = &profile->items[i];
		for (size_t n = 0; n < rule->names.count; n++)
			reference_name(out, filter, rule->names.items[n], rule);
	}
	reference_export(filter, &out->bpf);
	out->is_mute = out->is_mute || reference_forgets(out);
	seccomp_release(filter);
}

/* The architecture of a call, or SEC_ABI_COUNT. Numbers above x32's bit belong to x32, as in
 * libseccomp; runc's stub tests only the bit. */
static unsigned reference_abi(const struct seccomp_data *data)
{
	if (data->arch == SCMP_ARCH_X86_64)
		return (uint32_t)data->nr >= 0x40000000 ? SEC_ABI_X32 : SEC_ABI_X86_64;
	for (unsigned abi = 0; abi < SEC_ABI_COUNT; abi++) {
		if (reference_tokens[abi] == data->arch)
			return abi;
	}
	return SEC_ABI_COUNT;
}

/* The result of runc's stub in front of libseccomp's program, or 0. A skipped call (-1) passes the
 * stub, and so do ARM's private calls, for which the stub is useless. */
static uint32_t reference_stub(const struct reference *reference, const struct seccomp_data *data)
{
	uint32_t kind = reference->filter->default_action & SECCOMP_RET_ACTION_FULL;
	uint32_t number = (uint32_t)data->nr;
	unsigned abi = reference_abi(data);

	if (abi == SEC_ABI_X32)
		number -= 0x40000000;
	bool is_refusal = kind != SECCOMP_RET_ALLOW && kind != SECCOMP_RET_LOG &&
		kind != SECCOMP_RET_TRACE;
	bool is_private = abi == SEC_ABI_ARM && number >= 0xf0000 && number < 0xf0010;
	bool has_stub = is_refusal && (reference->abis & 1u << abi) && reference->newest[abi] > 0;
	bool is_newer = data->nr != -1 && !is_private && number > reference->newest[abi];
	return has_stub && is_newer ? SECCOMP_RET_ERRNO | ENOSYS : 0;
}

static uint32_t reference_run(const struct reference *reference, const struct seccomp_data *data)
{
	uint32_t stub = reference_stub(reference, data);
	return stub ? stub : bpf_run(&reference->bpf, data);
}
