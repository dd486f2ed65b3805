/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real imports: the installed worker, the built-in image and forged layouts, in a store of the
 * test. Needs root, as the worker does.
 */
#include "image/worker.c"

#include "test_sys_temp.h"
#include "test_archive_forge.h"

#include "base/str.h"
#include "storage/storage.h"

#include <sys/wait.h>
#include <sys/xattr.h>

static char share[128];
static int store = -1;

static int setup(void **state)
{
	archive_begin();
	if (temp_setup(state) < 0 || file_make_dirs_at(temp_fd, "share/images", 0755) < 0)
		return -1;
	snprintf(share, sizeof(share), "%s/share", temp_path);
	return symlinkat(TEST_LAYOUT, temp_fd, "share/images/busybox");
}

static void store_new(void)
{
	fd_replace(&store, -EBADF);
	assert_int_equal(file_remove_tree_at(temp_fd, "store"), 0);
	store = file_make_dir_open_at(temp_fd, "store", 0700);
	assert_true(store >= 0);
}

static size_t count_names(const char *dir)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	return file_list_at(store, dir, &names) < 0 ? 0 : names.count;
}

/* The number of complete layers. */
static size_t count_layers(void)
{
	auto_close int stages = openat(store, "layers/making", O_PATH | O_DIRECTORY);
	return count_names("layers") - (stages >= 0);
}

static int import_builtin(const char *word)
{
	return image_import_builtin(store, share, TEST_LIBEXEC, word);
}

static void test_builtin(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct image image, again;
	struct stat st;
	store_new();
	int fds = temp_count_fds();
	assert_int_equal(image_find(store, "busybox", &a, &image), -ENOENT);
	assert_string_equal(err_text(), "no such image: busybox");
	int r = import_builtin("busybox");
	if (r < 0)
		fail_msg("%s", err_text());
	assert_int_equal(temp_count_fds(), fds);
	assert_int_equal(image_find(store, "busybox", &a, &image), 0);
	assert_int_equal(image.references.count, 1);
	assert_string_equal(image.references.items[0], "busybox:latest");
	assert_int_equal(image.config.cmd.count, 1);
	assert_string_equal(image.config.cmd.items[0], "sh");
	assert_true(str_prefix(image.config.env.items[0], "PATH=/usr/local/sbin:"));
	assert_true(image.size_bytes > 100000 && image.created_ns > 0);
	assert_int_equal(image.chain_ids.count, 1);
	auto_close int tree = storage_layer_open(store, image.chain_ids.items[0]);
	assert_int_equal(fstatat(tree, "bin/sh", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode) && st.st_nlink > 10);
	assert_int_equal(fstatat(tree, "tmp", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 01777);
	assert_int_equal(fstatat(tree, "usr/bin/env", &st, 0), 0);
	assert_int_equal(fstatat(tree, ".", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0755);

	/* A second import changes nothing. */
	struct stat before;
	assert_int_equal(fstatat(store, "refs", &before, 0), 0);
	assert_int_equal(import_builtin("docker.io/library/busybox:latest"), 0);
	assert_int_equal(fstatat(store, "refs", &st, 0), 0);
	assert_int_equal(st.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	assert_int_equal(count_names("layers/making"), 0);

	struct image_list list = {0};
	assert_int_equal(image_list(store, &a, &list), 0);
	assert_int_equal(list.count, 1);
	assert_string_equal(list.items[0].references.items[0], "busybox:latest");
	assert_int_equal(image_find(store, image.id, &a, &again), 0);
	char prefix[13];
	fmt(prefix, "%.12s", image.id + 7);
	assert_int_equal(image_find(store, prefix, &a, &again), 0);
	assert_string_equal(again.digest, image.digest);
	const char *by_digest = arena_printf(&a, "busybox@%s", image.digest);
	assert_int_equal(image_find(store, by_digest, &a, &again), 0);
	assert_int_equal(image_find(store, "busibox", &a, &again), -ENOENT);
	assert_non_null(strstr(err_text(), "Did you mean busybox?"));
	assert_int_equal(image_find(store, "BusyBox", &a, &again), -EINVAL);
	assert_int_equal(fstatat(store, "content/sha256", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);

	/* A layer that was removed is made again. */
	const char *layer = arena_printf(&a, "layers/%s", image.chain_ids.items[0]);
	assert_int_equal(file_remove_tree_at(store, layer), 0);
	assert_int_equal(image_find(store, "busybox", &a, &again), -ENOENT);
	assert_int_equal(import_builtin("busybox"), 0);
	assert_int_equal(image_find(store, "busybox", &a, &again), 0);
}

/* A layer was removed: the image is not found, and a new import completes it. */
static void test_healed(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct image image;
	store_new();
	assert_int_equal(import_builtin("busybox"), 0);
	assert_int_equal(image_find(store, "busybox", &a, &image), 0);
	assert_int_equal(file_remove_tree_at(store, "layers"), 0);
	assert_int_equal(image_find(store, "busybox", &a, &image), -ENOENT);
	assert_string_equal(err_text(), "image busybox is incomplete and has to be imported again");
	/* The next import removes what a killed import left behind. */
	assert_int_equal(file_create_at(store, "refs/.new.1.0", "x", 1, 0600), 0);
	assert_int_equal(file_create_at(store, "content/sha256/.new.1.0", "x", 1, 0600), 0);
	assert_int_equal(import_builtin("busybox"), 0);
	assert_int_equal(image_find(store, "busybox", &a, &image), 0);
	assert_int_equal(count_names("refs"), 1);
	assert_int_equal(count_names("content/sha256"), 2);
}

static void test_missing(void **state)
{
	store_new();
	assert_int_equal(import_builtin("nosuch"), -ENOENT);
	assert_string_equal(err_text(), "no such image: nosuch");
	assert_int_equal(import_builtin("busibox"), -ENOENT);
	assert_non_null(strstr(err_text(), "Did you mean busybox?"));
	assert_int_equal(import_builtin("busybox:1.0"), -ENOENT);
	assert_int_equal(import_builtin("quay.io/library/busybox"), -ENOENT);
	assert_int_equal(import_builtin("user/busybox"), -ENOENT);
	assert_int_equal(import_builtin("../busybox"), -EINVAL);
	assert_int_equal(image_import_builtin(store, share, "/nowhere", "busybox"), -ENOENT);
	assert_non_null(strstr(err_text(), "start /nowhere/husk-image"));
	assert_int_equal(count_names("refs"), 0);
}

static void test_two_at_once(void **state)
{
	pid_t pids[3];
	store_new();
	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(import_builtin("busybox") == 0 ? 0 : 1);
	}
	for (int i = 0; i < 3; i++) {
		int status;
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(count_layers(), 1);
	assert_int_equal(count_names("images"), 1);
	assert_int_equal(count_names("layers/making"), 0);
}

/* A layout "temp/NAME" of plain layers, with the name forged:latest. */
struct forgery {
	const struct buf *layers;
	size_t count;
	const char *extra; /* in the manifest: ",\"key\":value" */
	const char *wrong_diff; /* of the first layer */
	const char *reference;
};

static void blob_write(const char *layout, const struct buf *data, char hex[static 65])
{
	archive_digest_of(data->data, data->len, hex);
	auto_free char *path = mem_printf("%s/blobs/sha256/%s", layout, hex);
	assert_int_equal(file_replace_at(temp_fd, path, data->data, data->len, 0644, false), 0);
}

static void text_write(const char *layout, const char *name, const struct buf *text)
{
	auto_free char *path = mem_printf("%s/%s", layout, name);
	assert_int_equal(file_replace_at(temp_fd, path, text->data, text->len, 0644, false), 0);
}

static void layout_write(const char *name, const struct forgery *f)
{
	auto_buf struct buf config = BUF_INIT, layers = BUF_INIT, manifest = BUF_INIT,
			    index = BUF_INIT, version = BUF_INIT;
	char hex[65];
	auto_free char *dir = mem_printf("%s/blobs/sha256", name);
	assert_int_equal(file_remove_tree_at(temp_fd, name), 0);
	assert_int_equal(file_make_dirs_at(temp_fd, dir, 0755), 0);
	buf_adds(&config, "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[");
	for (size_t i = 0; i < f->count; i++) {
		blob_write(name, &f->layers[i], hex);
		buf_addf(&config, "%s\"sha256:%s\"", i ? "," : "",
			i == 0 && f->wrong_diff ? f->wrong_diff : hex);
		buf_addf(&layers,
			"%s{\"mediaType\":\"application/"
			"vnd.oci.image.layer.v1.tar\",\"digest\":\"sha256:%s\",\"size\":%zu}",
			i ? "," : "", hex, f->layers[i].len);
	}
	buf_adds(&config, "]}}");
	blob_write(name, &config, hex);
	buf_addf(&manifest,
		"{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/"
		"vnd.oci.image.config.v1+json\","
		"\"digest\":\"sha256:%s\",\"size\":%zu},\"layers\":[%s]%s}",
		hex, config.len, layers.data, f->extra ? f->extra : "");
	blob_write(name, &manifest, hex);
	buf_addf(&index,
		"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/"
		"vnd.oci.image.manifest.v1+json\","
		"\"digest\":\"sha256:%s\",\"size\":%zu,"
		"\"annotations\":{\"org.opencontainers.image.ref.name\":\"%s\"}}]}",
		hex, manifest.len, f->reference ? f->reference : "forged:latest");
	text_write(name, "index.json", &index);
	buf_adds(&version, "{\"imageLayoutVersion\":\"1.0.0\"}");
	text_write(name, "oci-layout", &version);
}

static int import_layout_of(const char *name)
{
	auto_close int layout = file_open_dir_at(temp_fd, name);
	int r = worker_run(&(struct worker_call){.libexec_path = TEST_LIBEXEC,
		.argv = (const char *const[]){"husk-image", "import-layout",
			"docker.io/library/forged:latest", NULL},
		.file_fd = layout,
		.root_fd = store});
	assert_int_equal(r < 0 ? err_code() : r, r);
	return r;
}

static void test_layers(void **state)
{
	struct buf layers[2] = {BUF_INIT, BUF_INIT};
	auto_arena struct arena a = ARENA_INIT;
	struct image image;
	struct stat st;
	forge_add(&layers[0], &(struct forged){"tmp/", '5', .mode = 01777});
	forge_add(&layers[0], &(struct forged){"d/f", '0', .content = "1", .owner = "0001750"});
	forge_pax(&layers[0], "path", "caf\xc3\xa9");
	forge_add(&layers[0], &(struct forged){"x", '0'});
	forge_end(&layers[0]);
	forge_add(&layers[1], &(struct forged){"tmp/new", '0', .content = "2"});
	forge_add(&layers[1], &(struct forged){"d/.wh..wh..opq", '0'});
	forge_add(&layers[1], &(struct forged){".wh.gone", '0'});
	forge_add(&layers[1], &(struct forged){"null", '3', .mode = 0666, .major = 1, .minor = 3});
	forge_pax(&layers[1], "SCHILY.xattr.user.kind", "seed");
	forge_add(&layers[1], &(struct forged){"suid", '0', .mode = 06755, .owner = "0001750"});
	forge_end(&layers[1]);
	store_new();
	layout_write("forged", &(struct forgery){.layers = layers, .count = 2});
	if (import_layout_of("forged") < 0)
		fail_msg("%s", err_text());
	assert_int_equal(image_find(store, "forged", &a, &image), 0);
	assert_int_equal(image.chain_ids.count, 2);
	auto_close int lower = storage_layer_open(store, image.chain_ids.items[0]);
	auto_close int upper = storage_layer_open(store, image.chain_ids.items[1]);
	assert_int_equal(fstatat(lower, "d/f", &st, 0), 0);
	assert_int_equal(st.st_uid, 1000);
	assert_int_equal(fstatat(lower, "caf\xc3\xa9", &st, 0), 0);
	assert_int_equal(fstatat(upper, "tmp", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 01777);
	assert_int_equal(fstatat(upper, "gone", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISCHR(st.st_mode) && st.st_rdev == 0);
	assert_int_equal(fstatat(upper, "null", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode, S_IFCHR | 0666);
	assert_int_equal(fstatat(upper, "suid", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode & 07777, 06755);
	assert_int_equal(st.st_uid, 1000);
	auto_close int d = openat(upper, "d", O_RDONLY | O_DIRECTORY);
	char value[4] = {0};
	assert_int_equal(fgetxattr(d, "trusted.overlay.opaque", value, sizeof(value)), 1);
	assert_string_equal(value, "y");
	buf_release(&layers[0]);
	buf_release(&layers[1]);
}

static void expect_nothing(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct image image;
	struct image_list list;
	assert_int_equal(image_find(store, "forged", &a, &image), -ENOENT);
	assert_int_equal(image_list(store, &a, &list), 0);
	assert_int_equal(list.count, 0);
	assert_int_equal(count_layers(), 0);
	assert_int_equal(count_names("layers/making"), 0);
}

static void test_lies(void **state)
{
	struct buf tar = BUF_INIT, evil = BUF_INIT;
	static const char hex[] =
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	forge_add(&tar, &(struct forged){"f", '0', .content = "x"});
	forge_end(&tar);
	forge_add(&evil, &(struct forged){"../../escaped", '0', .content = "x"});
	forge_end(&evil);
	store_new();
	static const struct {
		struct forgery f;
		bool is_evil;
		int code;
	} rows[] = {
		{{.extra = ",\"manifests\":[]"}, false, -EINVAL},
		{{.extra = ",\"mediaType\":\"application/vnd.oci.image.index.v1+json\""}, false,
			-EINVAL},
		{{.extra = ",\"schemaVersion\":2"}, false, -EBADMSG},
		{{.wrong_diff = hex}, false, -EBADMSG},
		{{.wrong_diff = "../../etc"}, false, -EINVAL},
		{{.reference = "other:latest"}, false, -ENODATA},
		{{.extra = ""}, true, -EINVAL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct forgery f = rows[i].f;
		f.layers = rows[i].is_evil ? &evil : &tar;
		f.count = 1;
		layout_write("lies", &f);
		assert_int_equal(import_layout_of("lies"), rows[i].code);
		expect_nothing();
	}
	/* Files of the layout that are links or not regular files: nothing outside is read. */
	layout_write("lies", &(struct forgery){.layers = &tar, .count = 1});
	assert_int_equal(renameat(temp_fd, "lies/index.json", temp_fd, "index.json"), 0);
	assert_int_equal(symlinkat("../index.json", temp_fd, "lies/index.json"), 0);
	assert_int_equal(import_layout_of("lies"), -EINVAL);
	assert_int_equal(unlinkat(temp_fd, "lies/index.json", 0), 0);
	assert_int_equal(mkfifoat(temp_fd, "lies/index.json", 0600), 0);
	assert_int_equal(import_layout_of("lies"), -EINVAL);
	assert_int_equal(unlinkat(temp_fd, "lies/index.json", 0), 0);
	assert_int_equal(import_layout_of("lies"), -ENOENT);
	expect_nothing();
	buf_release(&tar);
	buf_release(&evil);
}

static void expect_line(const char *text, const char *line)
{
	if (!strstr(text, line))
		fail_msg("no line \"%s\" in:\n%s", line, text);
}

/* Only the worker's root, and the parts of the store that it needs. */
static void expect_mounts(char *text)
{
	static const char *const places[] = {" / / ro,", "/content /store/content rw,",
		"/images /store/images rw,", "/layers /store/layers rw,", "/refs /store/refs rw,",
		"/images.lock /store/images.lock rw,", "/images.making /store/images.making rw,"};
	enum { PLACES = sizeof(places) / sizeof(places[0]) };
	size_t lines = 0;
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	if (lines != PLACES)
		fail_msg("%s", text);
	for (size_t i = 0; i < PLACES; i++)
		if (!strstr(text, places[i]))
			fail_msg("no %s in %s", places[i], text);
}

/* The confinement of the worker while it works. */
static void expect_confined(pid_t worker)
{
	auto_buf struct buf status = BUF_INIT, mounts = BUF_INIT, net = BUF_INIT;
	char path[64];
	fmt(path, "/proc/%d/status", worker);
	assert_int_equal(file_read_at(AT_FDCWD, path, 1 << 16, &status), 0);
	const char *pids = strstr(status.data, "NSpid:\t");
	assert_true(pids && strstr(pids, "\t1\n") < strchr(pids, '\n'));
	expect_line(status.data, "NoNewPrivs:\t1\n");
	expect_line(status.data, "Seccomp:\t2\n");
	expect_line(status.data, "CapEff:\t000000008800001b\n");
	expect_line(status.data, "CapPrm:\t000000008800001b\n");
	expect_line(status.data, "CapBnd:\t000000008800001b\n");
	expect_line(status.data, "CapInh:\t0000000000000000\n");
	expect_line(status.data, "CapAmb:\t0000000000000000\n");
	fmt(path, "/proc/%d/mountinfo", worker);
	assert_int_equal(file_read_at(AT_FDCWD, path, 1 << 16, &mounts), 0);
	expect_mounts(mounts.data);
	fmt(path, "/proc/%d/net/dev", worker);
	assert_int_equal(file_read_at(AT_FDCWD, path, 1 << 16, &net), 0);
	assert_null(strstr(net.data, "eth"));
}

static pid_t child_of(pid_t pid)
{
	char path[64];
	auto_buf struct buf text = BUF_INIT;
	uint32_t child = 0;
	fmt(path, "/proc/%d/task/%d/children", pid, pid);
	if (file_read_at(AT_FDCWD, path, 100, &text) < 0)
		return 0;
	char *rest = text.data;
	return parse_u32(str_cut(&rest, ' '), &child) == 0 ? (pid_t)child : 0;
}

/* Killed during an import: nothing is listed, and the next import is complete. */
static void test_killed(void **state)
{
	struct buf tar = BUF_INIT;
	for (int i = 0; i < 2000; i++) {
		char name[32];
		fmt(name, "d%d/f%d", i % 100, i);
		forge_add(&tar, &(struct forged){name, '0', .content = "x"});
	}
	forge_end(&tar);
	store_new();
	layout_write("large", &(struct forgery){.layers = &tar, .count = 1});
	buf_release(&tar);
	pid_t pid = fork();
	if (pid == 0)
		_exit(import_layout_of("large") == 0 ? 0 : 1);
	pid_t worker = 0;
	for (int i = 0; i < 5000 && (count_names("layers/making") < 2 || !worker); i++) {
		clock_sleep_ms(1);
		worker = child_of(pid);
	}
	assert_true(worker > 0);
	auto_close int pidfd = sys_pidfd_open(worker, 0);
	assert_int_equal(sys_pidfd_send_signal(pidfd, SIGSTOP), 0);
	assert_int_equal(count_names("layers/making"), 2);
	expect_confined(worker);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* The worker dies with its caller. */
	assert_int_equal(process_wait_gone(pidfd, 5000), 0);

	auto_arena struct arena a = ARENA_INIT;
	struct image image;
	assert_int_equal(image_find(store, "forged", &a, &image), -ENOENT);
	assert_int_equal(count_layers(), 0);
	assert_int_equal(count_names("layers/making"), 2);
	assert_int_equal(import_layout_of("large"), 0);
	assert_int_equal(image_find(store, "forged", &a, &image), 0);
	assert_int_equal(count_names("layers/making"), 0);
}

static void test_by_hand(void **state)
{
	const char *const argv[] = {TEST_LIBEXEC "/husk-image", "--help", NULL};
	auto_buf struct buf out = BUF_INIT;
	assert_int_equal(process_run(argv, &out), 125);
}

int main(void)
{
	if (geteuid() != 0)
		return 77;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_builtin),
		cmocka_unit_test(test_healed),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_two_at_once),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_by_hand),
	};
	return cmocka_run_group_tests(tests, setup, temp_teardown);
}
