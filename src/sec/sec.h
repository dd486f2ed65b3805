/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a process may do: capabilities, seccomp, resource limits, keyring, sysctls. Names are
 * resolved when a plan is made (host). Init only gets numbers, sets them, reads them back and fails
 * if they differ.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/flat.h"
#include "sec/caps.h"
#include "sec/landlock.h"
#include "sec/sched.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Supplementary groups exactly as listed, then gid, then uid. Init. */
int sec_ids_set(uid_t uid, gid_t gid, const gid_t *groups, size_t group_count);
/* The same in a user namespace, where setting no groups at all may be forbidden. */
int sec_ids_set_mapped(uid_t uid, gid_t gid, const gid_t *groups, size_t group_count);

/*
 * seccomp. The default profile is compiled at build time. Where it depends on capabilities, the
 * program has marked return instructions, which sec_seccomp_default patches for a set of
 * capabilities: no compiler at run time. Returns the number of bytes of the program added to out
 * (struct sock_filter, 8 bytes each). Any process.
 */
size_t sec_seccomp_default(uint64_t caps, struct buf *out);
/* Loads a program (bytes of struct sock_filter). With SECCOMP_FILTER_FLAG_NEW_LISTENER the fd of
 * its notifications (close-on-exec) is returned, otherwise 0. Init; needs no_new_privs or
 * CAP_SYS_ADMIN. */
int sec_seccomp_load(const void *program, size_t size_bytes, unsigned flags);
int sec_no_new_privs(void);

/* Architectures that filters are compiled for. Each has its own numbers of system calls. */
enum sec_abi {
	SEC_ABI_X86_64,
	SEC_ABI_X32,
	SEC_ABI_X86,
	SEC_ABI_AARCH64,
	SEC_ABI_ARM,
	SEC_ABI_COUNT
};

enum sec_compare { SEC_EQ, SEC_NE, SEC_GT, SEC_GE, SEC_LT, SEC_LE, SEC_MASKED_EQ };

/* Compares all 64 bits of an argument, unsigned; on 32-bit architectures and x32 the low half.
 * SEC_MASKED_EQ: arg & value is second & value. */
struct sec_condition {
	uint32_t arg; /* 0 to 5 */
	enum sec_compare compare;
	uint64_t value, second;
};

/* All conditions must hold. If two of them test the same argument, any one condition is enough, as
 * in runc. */
struct sec_rule {
	struct str_list names; /* unknown ones are skipped */
	uint32_t action; /* SECCOMP_RET_* with its data */
	struct sec_condition *conditions;
	size_t condition_count;
};

struct sec_filter {
	uint32_t default_action;
	/* bits 1 << SEC_ABI_; the native one is always in, other processors' are not */
	uint32_t abis;
	struct sec_rule *items;
	size_t count;
};

/* Compiles a filter and adds the program to out, as sec_seccomp_default does; -E2BIG if it is
 * longer than the kernel takes. Speaking. It does what libseccomp and runc would do: see filter.c.
 * Any process. */
int sec_filter_compile(const struct sec_filter *filter, struct buf *out);

/* Security modules that give a process a label with its next execve. */
enum sec_label { SEC_LABEL_NONE, SEC_LABEL_APPARMOR, SEC_LABEL_SELINUX, SEC_LABEL_COUNT };
enum { SEC_LABEL_MAX = 1024 };
/* -EOPNOTSUPP with a sentence where the module is not enabled. Host. */
int sec_label_check(enum sec_label kind);
const char *sec_label_name(enum sec_label kind);
/* sec_label_open opens the file below a procfs that takes the label. sec_label_set writes the label
 * for the next execve of this process, which must have opened the file, and of its children.
 * Init. */
int sec_label_open(int proc_fd, enum sec_label kind);
int sec_label_set(int fd, enum sec_label kind, const char *label);

struct sec_rlimit_row {
	uint32_t origin;
	uint32_t resource; /* RLIMIT_* */
	uint64_t soft, hard; /* RLIM_INFINITY: UINT64_MAX */
};

/* "nofile=1024:2048", "nproc=512" as --ulimit takes it. Speaking. Any process. */
int sec_rlimit_parse(const char *text, struct sec_rlimit_row *out);
/* "RLIMIT_NOFILE" or "nofile", or -EINVAL. Silent. Any process. */
int sec_rlimit_find(const char *name);
const char *sec_rlimit_name(uint32_t resource); /* "nofile" */
/* May the caller set this? If not, the row gets the nearest values that it may set, and 1 is
 * returned. Host. */
int sec_rlimit_clamp(struct sec_rlimit_row *row);
int sec_rlimit_set(const struct sec_rlimit_row *row);
void sec_rlimit_describe(
	const struct flat *plan, const struct sec_rlimit_row *row, struct buf *out);

struct sec_sysctl_row {
	uint32_t origin;
	uint32_t key; /* "net.ipv4.ping_group_range" */
	uint32_t value;
	uint32_t reserved;
};

/* A sysctl is the container's own if it belongs to a namespace that the container has of its own:
 * clone_flags, bits of CLONE_NEW*. Speaking: -EINVAL for grammar, -EPERM for one that is the
 * host's. Any process. */
int sec_sysctl_check(const char *key, const char *value, uint64_t clone_flags);
/* Writes it below a private procfs (mount_proc_private). Init. */
int sec_sysctl_set(int proc_fd, const struct flat *plan, const struct sec_sysctl_row *row);
void sec_sysctl_describe(
	const struct flat *plan, const struct sec_sysctl_row *row, struct buf *out);

/* A new anonymous session keyring (a kernel without keyrings is fine). Init. */
int sec_keyring_new(void);
