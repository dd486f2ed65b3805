/* SPDX-License-Identifier: Apache-2.0 */
/* Rebuilding a tar stream: files that were replaced within their layer, and damaged recipes. */
#include "archive/rebuild.c"

#include "archive/recipe.h"
#include "base/cleanup.h"
#include "sys/fd.h"

#include "test_sys_temp.h"
#include "test_archive_forge.h"
#include "test_archive_again.h"

static void rows_check(const struct forged *rows, size_t count)
{
	auto_buf struct buf tar = BUF_INIT;
	for (size_t i = 0; i < count; i++)
		forge_add(&tar, &rows[i]);
	forge_end(&tar);
	file_remove_tree_at(temp_fd, "t");
	mkdirat(temp_fd, "t", 0755);
	assert_int_equal(forge_unpack(&tar, "t", NULL), 0); /* rebuilds it too */
}

#define SAME(...) \
	rows_check((const struct forged[]){__VA_ARGS__}, \
		sizeof((const struct forged[]){__VA_ARGS__}) / sizeof(struct forged))

static void test_replaced(void **state)
{
	SAME({"f", '0', .content = "first"}, {"f", '0', .content = "second"},
		{"f", '0', .content = "third"});
	SAME({"d/f", '0', .content = "1"}, {"d/f", '0', .content = "2"}, {"d", '0', .content = "3"},
		{"d/", '5', .mode = 0755}, {"d/f", '0', .content = "4"});
	SAME({"d/e/f", '0', .content = "1"}, {"d/e", '0', .content = "2"}, {"d", '2', .link = "e"},
		{"d/g", '0', .content = "3"});
	SAME({"f", '0', .content = "1"}, {"g", '1', .link = "f"}, {"f", '0', .content = "2"},
		{"g", '0', .content = "3"});
	SAME({"f", '0', .content = "1"}, {"f", '1', .link = "f"});
	SAME({"f", '0', .content = "1"}, {".wh.f", '0'}, {"f", '0', .content = "2"});
	SAME({"dd", '0', .content = "1"}, {"d", '0', .content = "2"}, {"dd", '0', .content = "3"},
		{"d", '0', .content = "4"});
}

/* Content without a file in the tree stays in the recipe. */
static void test_not_in_the_tree(void **state)
{
	SAME({".wh.gone", '0', .content = "why not"}, {".wh..wh.plnk", '0', .content = "AUFS's"});
	SAME({"l", '2', .link = "x", .size = "00000000000"}, {"f", '0'});
}

static void recipe_write(const char *rows, size_t size, size_t cut)
{
	char data[4096];
	size_t len = ZSTD_compress(data, sizeof(data), rows, size, 1);
	assert_false(ZSTD_isError(len));
	file_remove_tree_at(temp_fd, "side");
	mkdirat(temp_fd, "side", 0700);
	assert_int_equal(file_create_at(temp_fd, "side/recipe", data, len - cut, 0600), 0);
}

static int recipe_read(void)
{
	auto_buf struct buf out = BUF_INIT;
	auto_close int side = openat(temp_fd, "side", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct archive_rebuild told = {
		.tree_fd = temp_fd, .side_fd = side, .write = forge_take, .context = &out};
	int fds = temp_count_fds();
	int r = archive_rebuild_layer(&told);
	assert_int_equal(temp_count_fds(), fds);
	if (r < 0)
		assert_int_equal(err_code(), r);
	return r;
}

#define LEN() "\0\0\0\0\0\0\0"
#define RECIPE(rows, cut) recipe_write(RECIPE_MAGIC rows, sizeof(RECIPE_MAGIC rows) - 1, cut)

static void test_damaged(void **state)
{
	RECIPE("R\3" LEN() "abc", 0);
	assert_int_equal(recipe_read(), 0);
	RECIPE("", 0);
	assert_int_equal(recipe_read(), 0);
	static const struct {
		const char *rows;
		size_t size;
	} bad[] = {
#define BAD(rows) {RECIPE_MAGIC rows, sizeof(RECIPE_MAGIC rows) - 1}
		BAD("R\4" LEN() "abc"),
		BAD("R\3" LEN()),
		BAD("R\3"),
		BAD("Q\3" LEN() "abc"),
		BAD("F\0" LEN() LEN() "\0" LEN() "\0"),
		BAD("F\1\x20" LEN()),
		BAD("F\2" LEN() "a\0"
				"\0" LEN() "\1" LEN()),
		{"husk recipe 9\nR", 15},
		{"", 0},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		recipe_write(bad[i].rows, bad[i].size, 0);
		assert_int_equal(recipe_read(), -EBADMSG);
	}
	RECIPE("R\3" LEN() "abc", 1);
	assert_int_equal(recipe_read(), -EBADMSG);
	RECIPE("R\3" LEN() "abc", 9);
	assert_int_equal(recipe_read(), -EBADMSG);
	assert_int_equal(unlinkat(temp_fd, "side/recipe", 0), 0);
	assert_int_equal(recipe_read(), -ENOENT);
}

/* A recipe can only name files of its tree. */
static void test_elsewhere(void **state)
{
	assert_int_equal(symlinkat("/etc/passwd", temp_fd, "passwd"), 0);
	assert_int_equal(mkfifoat(temp_fd, "fifo", 0600), 0);
	RECIPE("F\x0b" LEN() "/etc/passwd"
			     "\0" LEN() "\1" LEN(),
		0);
	assert_int_equal(recipe_read(), -ENOENT);
	RECIPE("F\x14" LEN() "../../../etc/passwd\n"
			     "\0" LEN() "\1" LEN(),
		0);
	assert_int_equal(recipe_read(), -ENOENT);
	RECIPE("F\6" LEN() "passwd"
			   "\0" LEN() "\1" LEN(),
		0);
	assert_true(recipe_read() < 0);
	RECIPE("F\4" LEN() "fifo"
			   "\0" LEN() "\1" LEN(),
		0);
	assert_int_equal(recipe_read(), -EINVAL);
	temp_write("short", "ab");
	RECIPE("F\5" LEN() "short"
			   "\0" LEN() "\2" LEN(),
		0);
	assert_int_equal(recipe_read(), 0);
	RECIPE("F\5" LEN() "short"
			   "\1" LEN() "\2" LEN(),
		0);
	assert_int_equal(recipe_read(), -EBADMSG);
	RECIPE("F\5" LEN() "short"
			   "\0" LEN() "\2" LEN() "X\5" LEN() "short"
							     "\0" LEN(),
		0);
	assert_true(recipe_read() < 0); /* nothing was replaced here */
}

/* The writer's error is the result. */
static int refuse(void *context, const void *data, size_t size)
{
	return err_say(-EPIPE, "enough");
}

static void test_writer_fails(void **state)
{
	RECIPE("R\3" LEN() "abc", 0);
	auto_close int side = openat(temp_fd, "side", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct archive_rebuild told = {.tree_fd = temp_fd, .side_fd = side, .write = refuse};
	assert_int_equal(archive_rebuild_layer(&told), -EPIPE);
}

int main(void)
{
	umask(0);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_not_in_the_tree),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_writer_fails),
	};
	return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
