/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A directory that stands for a cgroup file system: hierarchies are directories in it, and a group
 * has the files that the test makes. Limits come as a plan of two sections.
 */
#include "cgroup/internal.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/flat.h"
#include "base/str.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char fake_dir[40];
static struct cgroup_host fake_host;

static inline int fake_setup(void **state)
{
	fmt(fake_dir, "/tmp/husk-cgroup-XXXXXX");
	fake_host = (struct cgroup_host){0};
	return mkdtemp(fake_dir) ? 0 : -1;
}

static inline int fake_teardown(void **state)
{
	return file_remove_tree_at(AT_FDCWD, fake_dir);
}

static inline const char *fake_path(const char *name)
{
	static char path[512];
	assert_true(fmt(path, "%s/%s", fake_dir, name) > 0);
	return path;
}

static inline void fake_write(const char *name, const char *text)
{
	assert_int_equal(
		file_replace_at(AT_FDCWD, fake_path(name), text, strlen(text), 0600, false), 0);
}

static inline void fake_mkdir(const char *name)
{
	assert_int_equal(file_make_dirs_at(AT_FDCWD, fake_path(name), 0700), 0);
}

static inline bool fake_exists(const char *name)
{
	return access(fake_path(name), F_OK) == 0;
}

static inline void assert_file(const char *name, const char *text)
{
	auto_buf struct buf got = BUF_INIT;
	assert_int_equal(file_read_at(AT_FDCWD, fake_path(name), 100000, &got), 0);
	assert_string_equal(got.data, text);
}

/* A hierarchy at DIR/name; "" for the v2 tree. */
static inline void fake_hierarchy(const char *controllers, const char *name, const char *own_path)
{
	struct cgroup_hierarchy *h = &fake_host.hierarchies[fake_host.count++];
	fake_mkdir(name);
	fmt(h->mount_point, "%s", fake_path(name));
	fmt(h->controllers, "%s", controllers);
	fmt(h->own_path, "%s", own_path);
}

static inline void fake_unified(void)
{
	fake_hierarchy("", "tree", "/");
	fake_host.is_unified = true;
	fmt(fake_host.controllers, "cpuset,cpu,io,memory,pids");
}

enum { FAKE_LIMITS, FAKE_DEVICES, FAKE_SECTIONS };

static const struct flat_section_schema fake_sections[FAKE_SECTIONS] = {
	[FAKE_LIMITS] = {"limits", sizeof(struct cgroup_row), 2,
		{offsetof(struct cgroup_row, origin), offsetof(struct cgroup_row, text)}, 0, {0}},
	[FAKE_DEVICES] = {"devices", sizeof(struct cgroup_device_row), 1,
		{offsetof(struct cgroup_device_row, origin)}, 0, {0}},
};
static const struct flat_schema fake_schema = {"faketest", 1 << 16, FAKE_SECTIONS, fake_sections};

struct fake_plan {
	struct flat_builder builder;
	struct buf data;
	struct flat flat;
};

static inline void fake_plan_init(struct fake_plan *p)
{
	*p = (struct fake_plan){.data = BUF_INIT};
	flat_builder_init(&p->builder, &fake_schema);
}

static inline void fake_plan_release(struct fake_plan *p)
{
	flat_builder_release(&p->builder);
	buf_release(&p->data);
}
AUTO_STRUCT(fake_plan, struct fake_plan, fake_plan_release)

static inline void fake_limit(struct fake_plan *p, enum cgroup_limit limit, int64_t value,
	int64_t second, const char *text, const char *origin)
{
	uint32_t text_offset = flat_string(&p->builder, text);
	uint32_t origin_offset = flat_string(&p->builder, origin);
	struct cgroup_row *row = flat_add(&p->builder, FAKE_LIMITS);
	*row = (struct cgroup_row){origin_offset, limit, value, second, text_offset, 0};
}

static inline void fake_device(
	struct fake_plan *p, bool is_allowed, char type, int major, int minor, uint32_t access)
{
	struct cgroup_device_row *row = flat_add(&p->builder, FAKE_DEVICES);
	*row = (struct cgroup_device_row){.is_allowed = is_allowed,
		.type = (uint32_t)type,
		.major = major,
		.minor = minor,
		.access = access};
}

static inline void fake_plan_open(struct fake_plan *p)
{
	flat_finish(&p->builder, &p->data);
	assert_int_equal(flat_open(&p->flat, &fake_schema, p->data.data, p->data.len), 0);
}

static inline int fake_apply(struct fake_plan *p, struct cgroup *g)
{
	fake_plan_open(p);
	uint32_t limits = flat_count(&p->flat, FAKE_LIMITS);
	uint32_t devices = flat_count(&p->flat, FAKE_DEVICES);
	return cgroup_apply(g, &p->flat, limits ? flat_row(&p->flat, FAKE_LIMITS, 0) : NULL, limits,
		devices ? flat_row(&p->flat, FAKE_DEVICES, 0) : NULL, devices);
}
