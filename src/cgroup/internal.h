/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A group's parts, for the files of this folder. */
#include "cgroup/cgroup.h"

enum {
	CGROUP_LEVELS_MAX = 32, /* parts of a group's path */
	CGROUP_PATH_MAX = 1024, /* mount point + own path + the group's path */
	CGROUP_FILE_MAX = 64 * 1024,
	CGROUP_PROCS_MAX = 16 * 1024 * 1024,
	CGROUP_NAME_MAX = 256, /* of a file or a field */
};

/* v1 says "no limit" with the greatest multiple of a page size that fits in a signed number. */
#define CGROUP_UNLIMITED_V1 (INT64_MAX - 65535)

struct cgroup_dir {
	int fd; /* O_PATH; -EBADF when this hierarchy does not have the group */
	bool is_own; /* below the caller's own group */
	bool is_made; /* by this handle */
	char controllers[sizeof(((struct cgroup_hierarchy *)NULL)->controllers)];
};

struct cgroup {
	bool is_unified;
	size_t count;
	struct cgroup_dir dirs[CGROUP_HIERARCHIES_MAX];
	char *path;
};

/* One word of a comma separated list. */
bool cgroup_list_has(const char *list, const char *word);

/* The directory that has a v1 controller, or the v2 tree for NULL; -EBADF. On a unified host every
 * controller is in the tree. Silent. */
int cgroup_dir_find(const struct cgroup *g, const char *controller);

/* Where `path` is in a hierarchy: at its root, or below the caller's own group. -ENAMETOOLONG. */
int cgroup_place(const struct cgroup_hierarchy *hierarchy, bool is_own, const char *path,
	char out[static CGROUP_PATH_MAX]);
/* 1, or 2 when the caller's own group is another place than the root. */
int cgroup_place_count(const struct cgroup_hierarchy *hierarchy);

/* The first enables every controller of this host in the directories above the group (v2). The
 * second fills empty cpuset.cpus and cpuset.mems from above (v1). Both start at a directory fd of
 * the group itself and climb, because a handle has nothing else. They are needed only after a lost
 * race. */
int cgroup_enable_controllers(int fd, size_t levels);
int cgroup_cpuset_inherit(int fd, size_t levels);
/* True if another start has made the directory above and not filled it yet. Silent. */
bool cgroup_cpuset_is_empty(int fd);
/* A path of plain names, without its leading slash. -EINVAL, speaking. */
int cgroup_path_check(const char *path, const char **out_path);
/* The number of directories above the group that are ours: components of the path. */
size_t cgroup_levels(const char *path);

/* For qsort and bsearch. */
int cgroup_compare_pids(const void *a, const void *b);

/* Applies device rules; the last rule for a device wins. */
int cgroup_devices_apply(
	const struct cgroup *g, const struct cgroup_device_row *rows, size_t count);

/* A program of BPF_PROG_TYPE_CGROUP_DEVICE made of rules, in instructions; see device_program.c. */
struct bpf_insn;
struct cgroup_device_program {
	struct bpf_insn *instructions;
	size_t count;
};
void cgroup_device_program_release(struct cgroup_device_program *program);
AUTO_STRUCT(cgroup_device_program, struct cgroup_device_program, cgroup_device_program_release)
/* Replaces the programs that are attached to the group by one program of these rules. */
int cgroup_device_program_attach(int fd, const struct cgroup_device_row *rows, size_t count);
/* "a *:* rwm" means all devices: rules before it have no effect. */
enum { CGROUP_ACCESS_ALL = 7 };
static inline bool cgroup_device_is_all(const struct cgroup_device_row *row)
{
	return row->type == 'a' && row->major < 0 && row->minor < 0 &&
		(row->access & CGROUP_ACCESS_ALL) == CGROUP_ACCESS_ALL;
}

/* A row, with everything else that decides the text to write. */
struct cgroup_limit_value {
	const struct cgroup_row *row;
	const char *text; /* of the row, or NULL */
	int64_t memory_bytes; /* of CGROUP_MEMORY_MAX, 0 when not given */
	int fd; /* of the group, to read the values in force */
	bool is_unified;
};

struct cgroup_limit_file {
	const char *name; /* * stands for the row's text */
	/* An empty text: there is nothing to write. */
	int (*write)(const struct cgroup_limit_value *value, struct buf *out);
	bool is_optional; /* the kernel may lack the file */
};

struct cgroup_limit_side {
	const char *controller; /* NULL: this version cannot express the limit */
	bool is_choice; /* only the first file that exists is written, not all */
	struct cgroup_limit_file files[2];
};

struct cgroup_limit_info {
	const char *option; /* of husk run, or NULL */
	const char *field; /* below linux.resources */
	struct cgroup_limit_side v1, v2;
	int64_t min, max;
	bool is_keyed; /* may occur many times */
	const char *says, *says_unlimited;
};

/* NULL for a number that is no limit. Silent. */
const struct cgroup_limit_info *cgroup_limit_info(uint32_t limit);
/* The name of the limit in messages: the option, or the field if that was the origin. */
void cgroup_limit_name(
	const struct cgroup_limit_info *info, const char *origin, char out[static CGROUP_NAME_MAX]);

/* One number of a group, with a column per version. */
struct cgroup_stat_file {
	const char *name; /* NULL: this version does not count it */
	const char *key; /* of a line "key value"; NULL: the file is the value */
	uint64_t factor;
};

struct cgroup_stat_info {
	const char *controller;
	size_t member; /* a uint64_t of the struct that is filled */
	struct cgroup_stat_file v1, v2;
};

/* Writes the member of *out: `none` for no limit. Without a controller, file or line the member
 * stays as it is. */
int cgroup_stat_read(
	const struct cgroup *g, const struct cgroup_stat_info *info, uint64_t none, void *out);
