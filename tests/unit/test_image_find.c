/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding and listing in a store written by hand: complete images, damaged ones, and missing ones.
 */
#include "image/find.c"

#include "test_sys_temp.h"

/* Digests that no file has: finding compares names, and importing compares bytes. */
#define HEX_OF(four) four four four four four four four four four four four four four four four four
#define MANIFEST_A HEX_OF("a100")
#define MANIFEST_B HEX_OF("b200")
#define CONFIG_A HEX_OF("c111")
#define CONFIG_B HEX_OF("c122")
#define LAYER_LOW HEX_OF("d300")
#define LAYER_TOP HEX_OF("d400")

static void config_write(const char *hex, const char *created, int layers)
{
	auto_buf struct buf text = BUF_INIT, path = BUF_INIT;
	buf_addf(&text, "{\"created\":\"%s\",\"config\":{\"Cmd\":[\"sh\"]},", created);
	buf_adds(&text, "\"rootfs\":{\"diff_ids\":[");
	for (int i = 0; i < layers; i++)
		buf_addf(&text, "%s\"sha256:" LAYER_LOW "\"", i ? "," : "");
	buf_adds(&text, "]}}");
	buf_addf(&path, "content/sha256/%s", hex);
	temp_write(path.data, text.data);
}

static void image_write(
	const char *manifest, const char *config, const char *const *layers, size_t count)
{
	auto_buf struct buf text = BUF_INIT, path = BUF_INIT;
	struct image image = {.size_bytes = 4711};
	auto_arena struct arena a = ARENA_INIT;
	image.id = arena_printf(&a, "sha256:%s", config);
	for (size_t i = 0; i < count; i++) {
		auto_buf struct buf tree = BUF_INIT;
		buf_addf(&tree, "layers/%s/tree", layers[i]);
		assert_int_equal(file_make_dirs_at(temp_fd, tree.data, 0700), 0);
		*arena_push(&a, &image.chain_ids) = layers[i];
	}
	record_write(&image, &text);
	buf_addf(&path, "images/%s.json", manifest);
	temp_write(path.data, text.data);
}

static void name_write(const char *name, const char *content)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_buf struct buf path = BUF_INIT;
	struct image_reference reference;
	buf_adds(&path, "refs/");
	assert_int_equal(reference_parse(name, &a, &reference), 0);
	assert_int_equal(reference_file(&reference, &path), 0);
	temp_write(path.data, content);
}

/* A: two layers, busybox and a name at a registry. B: newer, one layer, tools:1. */
static void store_new(void)
{
	static const char *const names[] = {"images", "content/sha256", "refs", "layers"};
	static const char *const two[] = {LAYER_LOW, LAYER_TOP};
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(file_remove_tree_at(temp_fd, names[i]), 0);
		assert_int_equal(file_make_dirs_at(temp_fd, names[i], 0700), 0);
	}
	image_write(MANIFEST_A, CONFIG_A, two, 2);
	config_write(CONFIG_A, "2020-01-01T00:00:00Z", 2);
	image_write(MANIFEST_B, CONFIG_B, two, 1);
	config_write(CONFIG_B, "2021-01-01T00:00:00Z", 1);
	name_write("busybox", "sha256:" MANIFEST_A "\n");
	name_write("example.org:5000/team/busybox:v1", "sha256:" MANIFEST_A "\n");
	name_write("tools:1", "sha256:" MANIFEST_B "\n");
}

static int find(const char *word, struct arena *a, struct image *out)
{
	int fds = temp_count_fds();
	int r = image_find(temp_fd, word, a, out);
	assert_int_equal(temp_count_fds(), fds);
	assert_true(r <= 0);
	if (r < 0)
		assert_int_equal(err_code(), r);
	return r;
}

static void test_found(void **state)
{
	static const struct {
		const char *word, *digest, *reference;
	} rows[] = {
		{"busybox", "sha256:" MANIFEST_A, "busybox:latest"},
		{"busybox:latest", "sha256:" MANIFEST_A, "busybox:latest"},
		{"library/busybox", "sha256:" MANIFEST_A, "busybox:latest"},
		{"docker.io/busybox", "sha256:" MANIFEST_A, "busybox:latest"},
		{"docker.io/library/busybox:latest", "sha256:" MANIFEST_A, "busybox:latest"},
		{"index.docker.io/library/busybox", "sha256:" MANIFEST_A, "busybox:latest"},
		{"example.org:5000/team/busybox:v1", "sha256:" MANIFEST_A,
			"example.org:5000/team/busybox:v1"},
		{"tools:1", "sha256:" MANIFEST_B, "tools:1"},
		{"busybox@sha256:" MANIFEST_A, "sha256:" MANIFEST_A, NULL},
		{"c111", "sha256:" MANIFEST_A, NULL},
		{"sha256:c12", "sha256:" MANIFEST_B, NULL},
		{CONFIG_B, "sha256:" MANIFEST_B, NULL},
		{"sha256:" CONFIG_A, "sha256:" MANIFEST_A, NULL},
	};
	store_new();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct image image;
		if (find(rows[i].word, &a, &image) < 0)
			fail_msg("%s: %s", rows[i].word, err_text());
		assert_string_equal(image.digest, rows[i].digest);
		assert_int_equal(image.references.count, rows[i].reference != NULL);
		if (rows[i].reference)
			assert_string_equal(image.references.items[0], rows[i].reference);
		assert_int_equal(image.size_bytes, 4711);
		assert_string_equal(image.config.cmd.items[0], "sh");
		assert_string_equal(image.chain_ids.items[0], LAYER_LOW);
	}
}

/* A name is preferred to the beginning of an id. */
static void test_name_first(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct image image;
	store_new();
	name_write("c111", "sha256:" MANIFEST_B "\n");
	assert_int_equal(find("c111", &a, &image), 0);
	assert_string_equal(image.digest, "sha256:" MANIFEST_B);
	assert_int_equal(find("sha256:c111", &a, &image), 0);
	assert_string_equal(image.digest, "sha256:" MANIFEST_A);
}

static void test_not_found(void **state)
{
	static const struct {
		const char *word;
		int code;
		const char *text;
	} rows[] = {
		{"nosuch", -ENOENT, "no such image: nosuch"},
		{"busibox", -ENOENT, "no such image: busibox. Did you mean busybox?"},
		{"tools:2", -ENOENT, "no such image: tools:2. Did you mean tools:1?"},
		{"tools", -ENOENT, "no such image: tools"},
		{"quay.io/library/busybox", -ENOENT, "no such image: quay.io/library/busybox"},
		{"busybox@sha256:" CONFIG_A, -ENOENT, NULL},
		{"c1", -EEXIST, "the id c1 is the beginning of several images' ids"},
		{"c3", -ENOENT, "no such image: c3"},
		{"../refs/busybox", -EINVAL, NULL},
		{"/etc/passwd", -EINVAL, NULL},
		{"", -EINVAL, NULL},
		{"..", -EINVAL, NULL},
		{"BusyBox", -EINVAL, NULL},
		{"busybox:../x", -EINVAL, NULL},
		{"busybox@sha256:../../x", -EINVAL, NULL},
		{"busy\x1b[2Jbox", -EINVAL, NULL},
	};
	store_new();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct image image;
		assert_int_equal(find(rows[i].word, &a, &image), rows[i].code);
		assert_null(strchr(err_text(), '\x1b'));
		if (rows[i].text)
			assert_string_equal(err_text(), rows[i].text);
	}
}

static void list_expect(size_t count)
{
	auto_arena struct arena a = ARENA_INIT;
	struct image_list list;
	assert_int_equal(image_list(temp_fd, &a, &list), 0);
	assert_int_equal(list.count, count);
}

static void test_listed(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct image_list list;
	store_new();
	/* Half-written files of a replacement, and other files. */
	temp_write("refs/.new.1.0", "sha256:" MANIFEST_B "\n");
	temp_write("refs/%ZZ", "sha256:" MANIFEST_B "\n");
	temp_write("images/.new.1.0", "{");
	temp_write("images/README", "");
	assert_int_equal(image_list(temp_fd, &a, &list), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].digest, "sha256:" MANIFEST_B);
	assert_int_equal(list.items[0].references.count, 1);
	assert_string_equal(list.items[0].references.items[0], "tools:1");
	assert_string_equal(list.items[1].digest, "sha256:" MANIFEST_A);
	assert_int_equal(list.items[1].references.count, 2);
	assert_string_equal(list.items[1].references.items[0], "busybox:latest");
	assert_string_equal(list.items[1].references.items[1], "example.org:5000/team/busybox:v1");
}

static void test_empty_store(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct image image;
	store_new();
	assert_int_equal(file_remove_tree_at(temp_fd, "images"), 0);
	assert_int_equal(file_remove_tree_at(temp_fd, "refs"), 0);
	list_expect(0);
	assert_int_equal(find("busybox", &a, &image), -ENOENT);
	assert_int_equal(find("c111", &a, &image), -ENOENT);
}

/* If any part of one image is missing or wrong, the other image is still listed and found. */
static void test_damaged(void **state)
{
	static const char record_a[] = "images/" MANIFEST_A ".json";
	static const struct {
		const char *path, *text; /* NULL: removed */
		int code;
	} rows[] = {
		{"layers/" LAYER_TOP, NULL, -ENOENT},
		{record_a, NULL, -ENOENT},
		{"content/sha256/" CONFIG_A, NULL, -ENOENT},
		{record_a, "", -EBADMSG},
		{record_a, "[]", -EINVAL},
		{record_a, "{\"config\":\"sha256:../../x\"}", -EBADMSG},
		{record_a, "{\"config\":\"sha256:" CONFIG_A "\",\"layers\":[\"../x\"]}", -EBADMSG},
		{record_a, "{\"config\":\"sha256:" CONFIG_A "\",\"layers\":[\"" LAYER_LOW "\"]}",
			-EBADMSG},
		{"content/sha256/" CONFIG_A, "{", -EBADMSG},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct image image;
		store_new();
		if (rows[i].text)
			temp_write(rows[i].path, rows[i].text);
		else
			assert_int_equal(file_remove_tree_at(temp_fd, rows[i].path), 0);
		assert_int_equal(find("busybox", &a, &image), rows[i].code);
		assert_null(strstr(err_text(), "Did you mean"));
		assert_int_equal(find("tools:1", &a, &image), 0);
		list_expect(1);
	}
}

static void test_damaged_name(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct image image;
	store_new();
	name_write("busybox", "sha256:../../../etc/passwd\n");
	assert_int_equal(find("busybox", &a, &image), -EBADMSG);
	name_write("busybox", "");
	assert_int_equal(find("busybox", &a, &image), -EBADMSG);
	auto_buf struct buf huge = BUF_INIT;
	for (int i = 0; i < 1000; i++)
		buf_adds(&huge, "sha256:");
	name_write("busybox", huge.data);
	assert_int_equal(find("busybox", &a, &image), -EFBIG);
	list_expect(2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_name_first),
		cmocka_unit_test(test_not_found),
		cmocka_unit_test(test_listed),
		cmocka_unit_test(test_empty_store),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_damaged_name),
	};
	return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
