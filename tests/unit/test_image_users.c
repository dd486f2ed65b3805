/* SPDX-License-Identifier: Apache-2.0 */
/* Users of an image: the content of its files, and the kinds of these files. */
#include "image/users.c"

#include "test_sys_temp.h"

#include <sys/sysmacros.h>

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "\n"
			     "garbage\n"
			     ":x:7:7::/:\n"
			     "web:x:1000:1001:,,,:/srv/web:/bin/sh\n"
			     "relative:x:1002:1002::srv:\n"
			     "1234:x:0:0::/root:/bin/sh\n"
			     "4294967296:x:0:0::/root:/bin/sh\n"
			     "minus:x:-1:0::/:\n"
			     "big:x:4294967296:0::/:\n"
			     "none:x:4294967295:0::/:\n"
			     "web:x:0:0::/root:/bin/sh\n"
			     "last:x:2000:2000::/last:/bin/sh";
static const char group[] = "root:x:0:\n"
			    "web:x:1001:web\n"
			    "staff:x:50:root,web\n"
			    "webmasters:x:51:webmaster\n"
			    "77:x:0:\n"
			    "odd:x:4294967295:web\n"
			    "media:x:52:web,root";

static void files_new(void)
{
	file_remove_tree_at(temp_fd, "etc");
	file_remove_tree_at(temp_fd, "real");
	assert_int_equal(mkdirat(temp_fd, "etc", 0755), 0);
	temp_write("etc/passwd", passwd);
	temp_write("etc/group", group);
}

static void test_resolved(void **state)
{
	static const struct {
		const char *spec;
		uint32_t uid, gid;
		const char *home, *name;
		size_t group_count;
		uint32_t groups[2];
	} rows[] = {
		{"", 0, 0, "/root", "root", 2, {50, 52}},
		{"root", 0, 0, "/root", "root", 2, {50, 52}},
		{"0", 0, 0, "/root", "root", 2, {50, 52}},
		{":50", 0, 50, "/root", "root", 0, {0}},
		{"web", 1000, 1001, "/srv/web", "web", 2, {50, 52}},
		{"web:", 1000, 1001, "/srv/web", "web", 2, {50, 52}},
		{"web:staff", 1000, 50, "/srv/web", "web", 0, {0}},
		{"web:77", 1000, 77, "/srv/web", "web", 0, {0}},
		{"1000", 1000, 1001, "/srv/web", "web", 2, {50, 52}},
		{"1000:5", 1000, 5, "/srv/web", "web", 0, {0}},
		/* Digits are a number, even if passwd has a user of that name. */
		{"1234", 1234, 0, "/", NULL, 0, {0}},
		{"4294967294", 4294967294U, 0, "/", NULL, 0, {0}},
		{"2147483648:2147483648", 2147483648U, 2147483648U, "/", NULL, 0, {0}},
		{"00", 0, 0, "/root", "root", 2, {50, 52}},
		{"relative", 1002, 1002, "/", "relative", 0, {0}},
		{"last", 2000, 2000, "/last", "last", 0, {0}},
	};
	files_new();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct image_user user;
		assert_int_equal(image_user_resolve(temp_fd, rows[i].spec, &a, &user), 0);
		assert_int_equal(user.uid, rows[i].uid);
		assert_int_equal(user.gid, rows[i].gid);
		assert_string_equal(user.home, rows[i].home);
		if (rows[i].name)
			assert_string_equal(user.name, rows[i].name);
		else
			assert_null(user.name);
		assert_int_equal(user.group_count, rows[i].group_count);
		for (size_t g = 0; g < user.group_count; g++)
			assert_int_equal(user.groups[g], rows[i].groups[g]);
	}
}

static int resolve(const char *spec)
{
	auto_arena struct arena a = ARENA_INIT;
	struct image_user user;
	int fds = temp_count_fds();
	int r = image_user_resolve(temp_fd, spec, &a, &user);
	assert_int_equal(temp_count_fds(), fds);
	if (r < 0)
		assert_int_equal(err_code(), r);
	return r;
}

/* None of these may become user 0. */
static void test_refused(void **state)
{
	static const struct {
		const char *spec;
		int code;
	} rows[] = {
		{"4294967295", -EINVAL},
		{"4294967296", -EINVAL},
		{"99999999999999999999", -EINVAL},
		{"-1", -EINVAL},
		{"0x0", -EINVAL},
		{"1e0", -EINVAL},
		{" 0", -EINVAL},
		{"0 ", -EINVAL},
		{"nobody", -ENOENT},
		{"minus", -ENOENT},
		{"big", -ENOENT},
		{"none", -ENOENT},
		{"garbage", -ENOENT},
		{"web:nosuch", -ENOENT},
		{"web:4294967295", -EINVAL},
		{"web:odd", -ENOENT},
		{"web:staff:x", -ENOENT},
		{"web\n", -EINVAL},
	};
	files_new();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(resolve(rows[i].spec), rows[i].code);
}

static void test_missing_files(void **state)
{
	files_new();
	unlinkat(temp_fd, "etc/passwd", 0);
	unlinkat(temp_fd, "etc/group", 0);
	assert_int_equal(resolve(""), 0);
	assert_int_equal(resolve("5:6"), 0);
	assert_int_equal(resolve("web"), -ENOENT);
	file_remove_tree_at(temp_fd, "etc");
	assert_int_equal(resolve("0"), 0);
	temp_write("etc", "a file");
	assert_int_equal(resolve("0"), 0);
	unlinkat(temp_fd, "etc", 0);
}

/* A fifo would block and a device would never end: both are refused without being opened. */
static void test_hostile_kinds(void **state)
{
	static const char *const names[] = {"etc/passwd", "etc/group"};
	for (size_t i = 0; i < 2; i++) {
		files_new();
		unlinkat(temp_fd, names[i], 0);
		assert_int_equal(mkfifoat(temp_fd, names[i], 0666), 0);
		assert_int_equal(resolve("web"), -EINVAL);
		unlinkat(temp_fd, names[i], 0);
		assert_int_equal(mkdirat(temp_fd, names[i], 0777), 0);
		assert_int_equal(resolve("web"), -EINVAL);
		unlinkat(temp_fd, names[i], AT_REMOVEDIR);
		/* Outside the image the link leads to /dev/zero. Inside the image there is no such
		 * file. */
		assert_int_equal(symlinkat("/dev/zero", temp_fd, names[i]), 0);
		assert_int_equal(resolve("0"), 0);
		unlinkat(temp_fd, names[i], 0);
		assert_int_equal(symlinkat("passwd", temp_fd, "etc/loop"), 0);
		assert_int_equal(symlinkat("/etc/loop2", temp_fd, names[i]), 0);
		assert_int_equal(symlinkat("/etc/loop2", temp_fd, "etc/loop2"), 0);
		assert_int_equal(resolve("0"), -ELOOP);
		if (geteuid() != 0)
			continue;
		unlinkat(temp_fd, names[i], 0);
		assert_int_equal(mknodat(temp_fd, names[i], S_IFCHR | 0666, makedev(1, 5)), 0);
		assert_int_equal(resolve("web"), -EINVAL);
	}
}

static void test_links_stay_inside(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct image_user user;
	files_new();
	assert_int_equal(mkdirat(temp_fd, "real", 0755), 0);
	temp_write("real/passwd", "web:x:77:78::/inside:\n");
	unlinkat(temp_fd, "etc/passwd", 0);
	assert_int_equal(symlinkat("../../../../real/passwd", temp_fd, "etc/passwd"), 0);
	assert_int_equal(image_user_resolve(temp_fd, "web", &a, &user), 0);
	assert_int_equal(user.uid, 77);
	/* The host's file of that name is never read. */
	unlinkat(temp_fd, "etc/passwd", 0);
	assert_int_equal(symlinkat("/proc/self/root/etc/passwd", temp_fd, "etc/passwd"), 0);
	assert_int_equal(resolve("daemon"), -ENOENT);
}

static void test_huge(void **state)
{
	files_new();
	int fd = openat(temp_fd, "etc/passwd", O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)2 << 30), 0);
	assert_int_equal(resolve("web"), -EFBIG);
	/* A line of the maximum length, without a single field. */
	assert_int_equal(ftruncate(fd, 0), 0);
	auto_buf struct buf line = BUF_INIT;
	for (int i = 0; i < 1 << 20; i++)
		buf_addc(&line, 'x');
	buf_adds(&line, "\nweb:x:5:6::/:\n");
	assert_int_equal(pwrite(fd, line.data, line.len, 0), line.len);
	assert_int_equal(resolve("web"), 0);
	close(fd);

	files_new();
	buf_clear(&line);
	for (int i = 0; i <= GROUPS_MAX; i++)
		buf_addf(&line, "g%d:x:%d:web\n", i, 3000 + i);
	temp_write("etc/group", line.data);
	assert_int_equal(resolve("web"), -E2BIG);
	assert_int_equal(resolve("root"), 0);
}

/* Bytes after a NUL are not a second file. */
static void test_nul(void **state)
{
	files_new();
	int fd = openat(temp_fd, "etc/passwd", O_WRONLY | O_TRUNC | O_CLOEXEC);
	static const char text[] = "a:x:1:1::/:\n\0b:x:2:2::/:\n";
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	assert_int_equal(resolve("a"), 0);
	assert_int_equal(resolve("b"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resolved),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_missing_files),
		cmocka_unit_test(test_hostile_kinds),
		cmocka_unit_test(test_links_stay_inside),
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_nul),
	};
	return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
