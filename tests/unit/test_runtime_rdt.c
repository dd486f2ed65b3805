/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A class of resctrl, in a directory where the test makes the files that the kernel makes in a new
 * class: tasks, schemata.
 */
#include "runtime/rdt.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

struct fixture {
	struct rdt rdt;
	char path[64];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	fmt(f->path, "/tmp/husk-rdt.XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->rdt = (struct rdt){.root = sys_open_at(AT_FDCWD, f->path, O_RDONLY | O_DIRECTORY, 0),
		.name = "gold",
		.group = "gold/mon_groups/one"};
	assert_true(f->rdt.root >= 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	rdt_close(&f->rdt);
	file_remove_tree_at(AT_FDCWD, f->path);
	free(f);
	return 0;
}

static void put(struct fixture *f, const char *path, const char *text)
{
	assert_int_equal(file_replace_at(f->rdt.root, path, text, strlen(text), 0644, false), 0);
}

static void expect(struct fixture *f, const char *path, const char *text)
{
	auto_buf struct buf found = BUF_INIT;
	assert_int_equal(file_read_at(f->rdt.root, path, RDT_BYTES_MAX, &found), 0);
	assert_string_equal(found.data, text);
}

static const char *lines[] = {"L3:0=f;1=f", "MB:0=50"};
static const struct oci_rdt gold = {.class_name = "gold", .schemata = {lines, 2}},
			    member = {.class_name = "gold"}, own = {.schemata = {lines, 2}};

static void test_new_class(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(class_make(&f->rdt, &gold), 1);
	put(f, "gold/schemata", "");
	put(f, "gold/tasks", "");
	assert_int_equal(class_fill(&f->rdt, &gold, true), 0);
	expect(f, "gold/schemata", "L3:0=f;1=f\nMB:0=50\n");
	assert_int_equal(pid_enter(&f->rdt, 17), 0);
	expect(f, "gold/tasks", "17");
}

/* A container whose schemata match joins the class, even if the kernel pads the lines. A container
 * with other schemata is refused. */
static void test_class_of_others(void **state)
{
	struct fixture *f = *state;
	sys_mkdir_at(f->rdt.root, "gold", 0755);
	put(f, "gold/schemata", "    L3:0=f;1=f\n    MB:0=50\n    L2:0=3\n");
	assert_int_equal(class_make(&f->rdt, &gold), 0);
	assert_int_equal(class_fill(&f->rdt, &gold, false), 0);
	assert_int_equal(class_make(&f->rdt, &member), 0);
	assert_int_equal(class_fill(&f->rdt, &member, false), 0);
	put(f, "gold/schemata", "    L3:0=f;1=ff\n    MB:0=50\n");
	assert_int_equal(class_fill(&f->rdt, &gold, false), -EINVAL);
	assert_string_equal(err_text(),
		"config.json: linux.intelRdt: the class \"gold\" is there already, "
		"without \"L3:0=f;1=f\" in its schemata");
	/* A leftover class with the container's own name gets the container's schemata. */
	put(f, "gold/schemata", "");
	assert_int_equal(class_fill(&f->rdt, &own, false), 0);
	expect(f, "gold/schemata", "L3:0=f;1=f\nMB:0=50\n");
}

static void test_class_that_is_missing(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(class_make(&f->rdt, &member), -ENOENT);
	assert_string_equal(err_text(),
		"config.json: linux.intelRdt: there is no class \"gold\", and nothing of "
		"what it should be");
}

static void test_monitoring(void **state)
{
	struct fixture *f = *state;
	sys_mkdir_at(f->rdt.root, "gold", 0755);
	sys_mkdir_at(f->rdt.root, "gold/mon_groups", 0755);
	put(f, "gold/tasks", "");
	assert_int_equal(group_make(&f->rdt), 0);
	assert_int_equal(group_make(&f->rdt), 0);
	put(f, "gold/mon_groups/one/tasks", "");
	assert_int_equal(pid_enter(&f->rdt, 17), 0);
	expect(f, "gold/tasks", "17");
	expect(f, "gold/mon_groups/one/tasks", "17");
}

static void test_removal(void **state)
{
	struct fixture *f = *state;
	sys_mkdir_at(f->rdt.root, "gold", 0755);
	sys_mkdir_at(f->rdt.root, "gold/mon_groups", 0755);
	assert_int_equal(group_make(&f->rdt), 0);
	assert_int_equal(class_remove(&f->rdt, false), 0);
	assert_int_equal(sys_access_at(f->rdt.root, "gold/mon_groups/one", F_OK, 0), -ENOENT);
	assert_int_equal(sys_access_at(f->rdt.root, "gold", F_OK, 0), 0);
	sys_unlink_at(
		f->rdt.root, "gold/mon_groups", AT_REMOVEDIR); /* the kernel removes it itself */
	assert_int_equal(class_remove(&f->rdt, true), 0);
	assert_int_equal(sys_access_at(f->rdt.root, "gold", F_OK, 0), -ENOENT);
	assert_int_equal(class_remove(&f->rdt, true), 0);
}

/* A class without its files stands for a refusal of the kernel: the write fails with the kernel's
 * reason, if there is one. */
static void test_reason(void **state)
{
	struct fixture *f = *state;
	sys_mkdir_at(f->rdt.root, "info", 0755);
	assert_int_equal(pid_enter(&f->rdt, 17), -ENOENT);
	assert_null(strstr(err_text(),
		"task"
		" 17"));
	put(f, "info/last_cmd_status", "ok\n");
	assert_int_equal(pid_enter(&f->rdt, 17), -ENOENT);
	assert_null(strstr(err_text(), "ok"));
	put(f, "info/last_cmd_status", "Can't move task 17\n");
	assert_int_equal(pid_enter(&f->rdt, 17), -ENOENT);
	assert_non_null(strstr(err_text(), "write gold/tasks of resctrl: Can't move task 17"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_new_class, setup, teardown),
		cmocka_unit_test_setup_teardown(test_class_of_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_class_that_is_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_monitoring, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reason, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
