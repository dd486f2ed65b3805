/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Numbers, structs and flags of the kernel that Debian 12's headers (Linux 6.1) or older ones may
 * lack, each with the kernel version that introduced it. Nothing here is probed: what the running
 * kernel supports is learned at run time.
 */
#include <linux/landlock.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
/* Only some libcs have struct statx in <sys/stat.h>. */
#ifndef STATX_BASIC_STATS
#include <linux/stat.h>
#endif

/* <linux/capability.h> clashes with libcap's header; only these two structs are needed. */
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

/* What getdents64(2) writes; the name of this struct in libc depends on the libc's version. */
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

/* Filesystem magics that some versions of linux/magic.h lack. */
#ifndef CGROUP2_SUPER_MAGIC
#define CGROUP2_SUPER_MAGIC 0x63677270
#endif
#ifndef RDTGROUP_SUPER_MAGIC
#define RDTGROUP_SUPER_MAGIC 0x7655821
#endif
#ifndef NSFS_MAGIC
#define NSFS_MAGIC 0x6e736673
#endif

/* Landlock: 5.13. Later versions of its interface brought further rights, and fields of the
 * ruleset. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13) /* 5.19 */
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14) /* 6.2 */
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15) /* 6.10 */
#endif
#ifndef LANDLOCK_ACCESS_NET_BIND_TCP
#define LANDLOCK_ACCESS_NET_BIND_TCP (1ULL << 0) /* 6.7 */
#define LANDLOCK_ACCESS_NET_CONNECT_TCP (1ULL << 1)
#endif
#ifndef LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0) /* 6.12 */
#define LANDLOCK_SCOPE_SIGNAL (1ULL << 1)
#endif
struct landlock_ruleset {
	uint64_t handled_fs;
	uint64_t handled_net; /* 6.7 */
	uint64_t scoped; /* 6.12 */
};

/* 6.13: what a pidfd knows about its process. Since 6.15 also the exit status, even after another
 * process has reaped it. */
struct pidfd_facts {
	uint64_t mask;
	uint64_t cgroup_id;
	uint32_t ids[11];
	int32_t exit_status; /* as of wait(2) */
};
#define PIDFD_GET_FACTS _IOWR(0xff, 11, struct pidfd_facts)
#define PIDFD_FACTS_EXIT (1ULL << 3)
