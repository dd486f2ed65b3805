/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and listing in a store written by hand, whole and damaged. */
#include "image/find.c"

#include "test_sys_temp.h"

#define A "aaaa456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define B "bbbb456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID1 "1234aaaa89abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2 "1234bbbb89abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void put(const char *path, const char *text)
{
	assert_int_equal(file_replace_at(temp_fd, path, text, strlen(text), 0600, false), 0);
}

static void image_put(const char *manifest, const char *id, const char *created)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_buf struct buf record = BUF_INIT;
	auto_free char *config = mem_printf(
		"{\"created\":\"%s\",\"config\":{\"Cmd\":[\"sh\"]},"
		"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:%s\"]}}",
		created, manifest);
	struct image image = {.id = arena_printf(&a, "sha256:%s", id),
		.digest = arena_printf(&a, "sha256:%s", manifest),
		.size_bytes = 7};
	*arena_push(&a, &image.chain_ids) = manifest;
	record_write(&image, &record);
	const char *tree = arena_printf(&a, "layers/%s/tree", manifest);
	assert_int_equal(file_make_dirs_at(temp_fd, tree, 0755), 0);
	put(arena_printf(&a, "content/sha256/%s", id), config);
	put(arena_printf(&a, "images/%s.json", manifest), record.data);
}

static int setup(void **state)
{
	if (temp_setup(state) < 0)
		return -1;
	mkdirat(temp_fd, "content", 0700);
	mkdirat(temp_fd, "content/sha256", 0700);
	mkdirat(temp_fd, "images", 0700);
	return mkdirat(temp_fd, "refs", 0700);
}

static int find(const char *word, struct arena *a, struct image *out)
{
	int r = image_find(temp_fd, word, a, out);
	if (r < 0)
		assert_int_equal(err_code(), r);
	return r;
}

static void test_empty(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct image image;
	struct image_list list;
	assert_int_equal(find("busybox", &a, &image), -ENOENT);
	assert_int_equal(find("12", &a, &image), -ENOENT);
	assert_int_equal(image_list(temp_fd, &a, &list), 0);
	assert_int_equal(list.count, 0);
	assert_int_equal(find("a\x1b[2J", &a, &image), -EINVAL);
}

static void test_found(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct image image;
	struct image_list list;
	image_put(A, ID1, "2024-01-01T00:00:00Z");
	image_put(B, ID2, "2025-01-01T00:00:00Z");
	put("refs/docker.io%2Flibrary%2Ftool%3Alatest", "sha256:" A "\n");
	put("refs/docker.io%2Flibrary%2Ftool%3A2", "sha256:" A "\n");
	put("refs/docker.io%2Flibrary%2F12%3Alatest", "sha256:" B "\n");
	put("refs/.new.1.0", "half");
	put("images/unrelated", "");
	assert_int_equal(find("tool", &a, &image), 0);
	assert_string_equal(image.digest, "sha256:" A);
	assert_string_equal(image.id, "sha256:" ID1);
	assert_int_equal(image.size_bytes, 7);
	assert_string_equal(image.config.cmd.items[0], "sh");
	assert_string_equal(image.references.items[0], "tool:latest");
	assert_int_equal(find("12", &a, &image), 0); /* a name goes before an id */
	assert_string_equal(image.id, "sha256:" ID2);
	assert_int_equal(find("1234", &a, &image), -EEXIST);
	assert_int_equal(find("1234a", &a, &image), 0);
	assert_string_equal(image.id, "sha256:" ID1);
	assert_int_equal(find(ID2, &a, &image), 0);
	assert_int_equal(find("sha256:1234bb", &a, &image), 0);
	assert_string_equal(image.id, "sha256:" ID2);
	assert_int_equal(find("tool@sha256:" B, &a, &image), 0);
	assert_int_equal(find("tool@sha256:" ID1, &a, &image), -ENOENT);
	assert_int_equal(find("toll", &a, &image), -ENOENT);
	assert_string_equal(err_text(), "no such image: toll. Did you mean tool?");

	assert_int_equal(image_list(temp_fd, &a, &list), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].id, "sha256:" ID2);
	assert_int_equal(list.items[0].references.count, 1);
	assert_int_equal(list.items[1].references.count, 2);
}

/* What is damaged is said to be, and not listed. */
static void test_damaged(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct image image;
	struct image_list list;
	put("refs/docker.io%2Flibrary%2Ftool%3Alatest", "sha256:../../../etc/passwd");
	assert_int_equal(find("tool", &a, &image), -EBADMSG);
	put("refs/docker.io%2Flibrary%2Ftool%3Alatest", "sha256:" A "\n");
	put("images/" A ".json", "{\"config\":\"sha256:../../x\"}");
	assert_int_equal(find("tool", &a, &image), -EBADMSG);
	assert_int_equal(image_list(temp_fd, &a, &list), 0);
	assert_int_equal(list.count, 1);
	put("images/" A ".json", "{");
	assert_int_equal(find("tool", &a, &image), -EBADMSG);
	image_put(A, ID1, "2024-01-01T00:00:00Z");
	assert_int_equal(unlinkat(temp_fd, "layers/" A "/tree", AT_REMOVEDIR), 0);
	assert_int_equal(find("tool", &a, &image), -ENOENT);
	assert_non_null(strstr(err_text(), "incomplete"));
	image_put(A, ID1, "2024-01-01T00:00:00Z");
	assert_int_equal(find("tool", &a, &image), 0);
	assert_int_equal(unlinkat(temp_fd, "content/sha256/" ID1, 0), 0);
	assert_int_equal(find("tool", &a, &image), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_empty),
		cmocka_unit_test(test_found), cmocka_unit_test(test_damaged)};
	return cmocka_run_group_tests(tests, setup, temp_teardown);
}
