/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Numbers, structs and flags of the kernel that Debian 12's headers (Linux 6.1) or older ones may lack, each tagged
 * with the kernel that brought it. Nothing here is probed: support is learned at run time.
 */
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <stdint.h>
#include <sys/stat.h>
/* Only some libcs have struct statx there. */
#ifndef STATX_BASIC_STATS
#include <linux/stat.h>
#endif

/* <linux/capability.h> clashes with libcap's; only these two structs are needed. */
struct cap_header {
	uint32_t version;
	int32_t pid;
};

struct cap_data {
	uint32_t effective;
	uint32_t permitted;
	uint32_t inheritable;
};

enum { CAP_VERSION_3 = 0x20080522 };

/* What getdents64(2) writes; libc's names for it depend on its age. */
struct dir_row {
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	uint8_t type; /* DT_ of <dirent.h> */
	char name[];
};

/* 5.19 */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* 5.11 */
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/* 6.3: refuse or demand executable memfds (vm.memfd_noexec). */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

/* 5.14 */
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

/* 6.5 */
#ifndef FSCONFIG_CMD_CREATE_EXCL
#define FSCONFIG_CMD_CREATE_EXCL 8
#endif

/* Filesystem magics that linux/magic.h of some ages lacks. */
#ifndef CGROUP2_SUPER_MAGIC
#define CGROUP2_SUPER_MAGIC 0x63677270
#endif
#ifndef RDTGROUP_SUPER_MAGIC
#define RDTGROUP_SUPER_MAGIC 0x7655821
#endif
#ifndef NSFS_MAGIC
#define NSFS_MAGIC 0x6e736673
#endif
