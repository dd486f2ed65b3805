/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device rules as an eBPF program, which v2 has instead of files [4.15].
 *
 * The kernel runs it for every open and mknod of a device, with the device and the set of wanted
 * accesses. The program walks the rules from the last to the first with that set in a register. A
 * matching "allow" removes its accesses from the set, and answers yes if nothing is left. A
 * matching "deny" of an access that is still in the set answers no. The end of the program answers
 * no. So two rules together may grant one open(O_RDWR), but not if a rule denies half of it.
 */
#include "cgroup/internal.h"

#include "base/err.h"
#include "base/log.h"
#include "sys/calls.h"
#include "sys/fd.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/resource.h>

enum {
	TYPE = BPF_REG_2,
	WANTED = BPF_REG_3,
	MAJOR = BPF_REG_4,
	MINOR = BPF_REG_5,
	RULE_LEN_MAX = 8,
	EDGE_LEN_MAX = 10,
	ATTACHED_MAX = 64,
};

/* The kernel takes a larger struct than it knows if the rest is zero. It may know more than our
 * headers. */
union padded_attr {
	union bpf_attr attr;
	unsigned char bytes[256];
};
_Static_assert(sizeof(union padded_attr) >= 256, "as large as any kernel's");

static void emit(struct cgroup_device_program *p, struct bpf_insn instruction)
{
	p->instructions[p->count++] = instruction;
}

static void emit_load(struct cgroup_device_program *p, uint8_t to, size_t offset)
{
	emit(p,
		(struct bpf_insn){.code = BPF_LDX | BPF_W | BPF_MEM,
			.dst_reg = to,
			.src_reg = BPF_REG_1,
			.off = (int16_t)offset});
}

static void emit_alu(struct cgroup_device_program *p, uint8_t operation, uint8_t to, int32_t value)
{
	emit(p,
		(struct bpf_insn){
			.code = BPF_ALU | operation | BPF_K, .dst_reg = to, .imm = value});
}

static void emit_return(struct cgroup_device_program *p, int32_t value)
{
	emit(p,
		(struct bpf_insn){
			.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = value});
	emit(p, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

/* Jumps over `skip` instructions if the register does not have the value. Device numbers and types
 * are below 2^31. */
static void emit_unless_equal(
	struct cgroup_device_program *p, uint8_t reg, int32_t value, int16_t skip)
{
	emit(p,
		(struct bpf_insn){.code = BPF_JMP | BPF_JNE | BPF_K,
			.dst_reg = reg,
			.off = skip,
			.imm = value});
}

static void emit_prologue(struct cgroup_device_program *p)
{
	emit_load(p, TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	emit(p,
		(struct bpf_insn){
			.code = BPF_ALU | BPF_MOV | BPF_X, .dst_reg = WANTED, .src_reg = TYPE});
	emit_alu(p, BPF_AND, TYPE, 0xffff);
	emit_alu(p, BPF_RSH, WANTED, 16);
	emit_load(p, MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	emit_load(p, MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
}

/* husk's bits are 1 r, 2 w, 4 m. */
static int32_t kernel_access(uint32_t access)
{
	return (access & 1 ? BPF_DEVCG_ACC_READ : 0) | (access & 2 ? BPF_DEVCG_ACC_WRITE : 0) |
		(access & 4 ? BPF_DEVCG_ACC_MKNOD : 0);
}

static void emit_rule(struct cgroup_device_program *p, const struct cgroup_device_row *row)
{
	int32_t access = kernel_access(row->access);
	int tests = (row->type != 'a') + (row->major >= 0) + (row->minor >= 0);
	/* Four instructions follow the tests, for an "allow" and for a "deny". */
	int16_t skip = (int16_t)(tests + 3);

	if (row->type != 'a')
		emit_unless_equal(p, TYPE,
			row->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR, skip--);
	if (row->major >= 0)
		emit_unless_equal(p, MAJOR, row->major, skip--);
	if (row->minor >= 0)
		emit_unless_equal(p, MINOR, row->minor, skip--);
	if (row->is_allowed) {
		emit_alu(p, BPF_AND, WANTED, CGROUP_ACCESS_ALL & ~access);
		emit_unless_equal(p, WANTED, 0, 2);
		emit_return(p, 1);
		return;
	}
	emit(p,
		(struct bpf_insn){.code = BPF_JMP | BPF_JSET | BPF_K,
			.dst_reg = WANTED,
			.off = 1,
			.imm = access});
	emit(p, (struct bpf_insn){.code = BPF_JMP | BPF_JA, .off = 2});
	emit_return(p, 0);
}

static void cgroup_device_program_build(
	struct cgroup_device_program *out, const struct cgroup_device_row *rows, size_t count)
{
	*out = (struct cgroup_device_program){
		.instructions = mem_new(
			(count * RULE_LEN_MAX + EDGE_LEN_MAX) * sizeof(struct bpf_insn)),
	};
	emit_prologue(out);
	for (size_t i = count; i-- > 0;) {
		emit_rule(out, &rows[i]);
		/* Rules before a rule for all devices have no effect. */
		if (cgroup_device_is_all(&rows[i]))
			break;
	}
	emit_return(out, 0);
}

void cgroup_device_program_release(struct cgroup_device_program *program)
{
	free(program->instructions);
}

static int program_load_once(const struct cgroup_device_program *p)
{
	union padded_attr a = {0};

	a.attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	a.attr.insns = (uintptr_t)p->instructions;
	a.attr.insn_cnt = (uint32_t)p->count;
	a.attr.license = (uintptr_t) "Apache-2.0";
	return sys_bpf(BPF_PROG_LOAD, &a, sizeof(a));
}

/* Before 5.11 programs count as locked memory, whose limit may be too low. */
static int program_load(const struct cgroup_device_program *p)
{
	uint64_t soft, hard;

	int fd = program_load_once(p);
	if (fd != -EPERM || sys_getrlimit(RLIMIT_MEMLOCK, &soft, &hard) < 0 ||
		sys_setrlimit(RLIMIT_MEMLOCK, UINT64_MAX, UINT64_MAX) < 0)
		return fd;
	fd = program_load_once(p);
	if (sys_setrlimit(RLIMIT_MEMLOCK, soft, hard) < 0)
		log_debug("the limit of locked memory stays raised");
	return fd;
}

struct attached {
	uint32_t ids[ATTACHED_MAX];
	uint32_t count;
};

/* The programs that are attached to this group itself. */
static int attached_query(int fd, struct attached *out)
{
	union padded_attr a = {0};

	a.attr.query.target_fd = (uint32_t)fd;
	a.attr.query.attach_type = BPF_CGROUP_DEVICE;
	a.attr.query.prog_ids = (uintptr_t)out->ids;
	a.attr.query.prog_cnt = ATTACHED_MAX;
	int r = sys_bpf(BPF_PROG_QUERY, &a, sizeof(a));
	out->count = r < 0 ? 0 : a.attr.query.prog_cnt;
	return r;
}

static int program_id(int program, uint32_t *out_id)
{
	union padded_attr a = {0};
	struct bpf_prog_info info = {0};

	a.attr.info.bpf_fd = (uint32_t)program;
	a.attr.info.info_len = sizeof(info);
	a.attr.info.info = (uintptr_t)&info;
	int r = sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &a, sizeof(a));
	if (r == 0)
		*out_id = info.id;
	return r;
}

static int program_attach(int fd, int program)
{
	union padded_attr a = {0};

	a.attr.target_fd = (uint32_t)fd;
	a.attr.attach_bpf_fd = (uint32_t)program;
	a.attr.attach_type = BPF_CGROUP_DEVICE;
	a.attr.attach_flags = BPF_F_ALLOW_MULTI;
	return sys_bpf(BPF_PROG_ATTACH, &a, sizeof(a));
}

static int program_detach(int fd, uint32_t id)
{
	union padded_attr a = {0};

	a.attr.prog_id = id;
	auto_close int program = sys_bpf(BPF_PROG_GET_FD_BY_ID, &a, sizeof(a));
	if (program < 0)
		return program;
	a = (union padded_attr){0};
	a.attr.target_fd = (uint32_t)fd;
	a.attr.attach_bpf_fd = (uint32_t)program;
	a.attr.attach_type = BPF_CGROUP_DEVICE;
	return sys_bpf(BPF_PROG_DETACH, &a, sizeof(a));
}

/* The new program is attached before the old ones are detached: until then both must say yes. */
static int replace_attached(int fd, int program)
{
	struct attached before = {.count = 0}, after = {.count = 0};

	int r = attached_query(fd, &before);
	if (r < 0)
		return err_new(r, "ask for the device programs of the cgroup");
	r = program_attach(fd, program);
	if (r < 0)
		return err_new(r, "attach the device program to the cgroup");
	for (uint32_t i = 0; i < before.count; i++) {
		r = program_detach(fd, before.ids[i]);
		if (r < 0 && r != -ENOENT)
			return err_new(r, "detach the former device program of the cgroup");
	}

	uint32_t id = 0;
	r = program_id(program, &id);
	if (r == 0)
		r = attached_query(fd, &after);
	if (r < 0)
		return err_new(r, "ask for the device programs of the cgroup");
	if (after.count != 1 || after.ids[0] != id)
		return err_say(-EPERM, "the device program did not stay attached to the cgroup");
	return 0;
}

/* True if everything is allowed and nothing is attached, as in a new group. */
static bool is_needless(int fd, const struct cgroup_device_row *rows, size_t count)
{
	struct attached before = {.count = 0};

	return cgroup_device_is_all(&rows[count - 1]) && rows[count - 1].is_allowed &&
		(attached_query(fd, &before) < 0 || before.count == 0);
}

int cgroup_device_program_attach(int fd, const struct cgroup_device_row *rows, size_t count)
{
	auto_of(cgroup_device_program) struct cgroup_device_program p = {0};

	if (is_needless(fd, rows, count))
		return 0;
	cgroup_device_program_build(&p, rows, count);
	auto_close int program = program_load(&p);
	if (program == -EPERM)
		return err_say(program,
			"not allowed to load the program that confines devices (root is needed)");
	if (program < 0)
		return err_new(program, "load the program that confines devices");
	return replace_attached(fd, program);
}
