/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacking: honest layers are unpacked unchanged, and forged ones never reach the canary beside
 * the target.
 */
#include "archive/unpack.c"

#include "test_sys_temp.h"
#include "test_archive_forge.h"
#include "test_archive_again.h"

#include "sys/path.h"

#include <sys/sysmacros.h>
#include <sys/xattr.h>

static int setup(void **state)
{
	archive_begin();
	umask(0);
	if (temp_setup(state) < 0)
		return -1;
	mkdirat(temp_fd, "canary", 0755);
	int fd = openat(temp_fd, "canary/file", O_WRONLY | O_CREAT, 0600);
	return write(fd, "alive", 5) == 5 ? close(fd) : -1;
}

static void expect_canary(void)
{
	auto_buf struct buf got = BUF_INIT;
	auto_strvec struct strvec names = STRVEC_INIT;
	struct stat st;
	assert_int_equal(file_read_at(temp_fd, "canary/file", 100, &got), 0);
	assert_string_equal(got.data, "alive");
	assert_int_equal(fstatat(temp_fd, "canary/file", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(file_list_at(temp_fd, "canary", &names), 0);
	assert_int_equal(names.count, 1);
}

static void target_new(void)
{
	assert_int_equal(file_remove_tree_at(temp_fd, "t"), 0);
	assert_int_equal(mkdirat(temp_fd, "t", 0755), 0);
	opaque_calls = 0;
}

static int unpack_rows(const struct forged *rows, size_t count)
{
	auto_buf struct buf tar = BUF_INIT;
	for (size_t i = 0; i < count; i++)
		forge_add(&tar, &rows[i]);
	forge_end(&tar);
	target_new();
	int fds = temp_count_fds();
	int r = forge_unpack(&tar, "t", NULL);
	assert_int_equal(temp_count_fds(), fds);
	if (r < 0)
		assert_int_equal(err_code(), r);
	expect_canary();
	return r;
}

#define UNPACK(...) \
	unpack_rows((const struct forged[]){__VA_ARGS__}, \
		sizeof((const struct forged[]){__VA_ARGS__}) / sizeof(struct forged))

static struct stat stat_of(const char *path)
{
	struct stat st;
	assert_int_equal(fstatat(temp_fd, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static void expect_text(const char *path, const char *text)
{
	auto_buf struct buf got = BUF_INIT;
	assert_int_equal(file_read_at(temp_fd, path, 10000, &got), 0);
	assert_string_equal(got.data, text);
}

static void test_honest(void **state)
{
	assert_int_equal(UNPACK({"./", '5', .mode = 0711}, {"./bin/", '5', .mode = 01777},
				 {"bin/a", '0', .content = "hello", .mode = 04755},
				 {"bin/b", '1', .link = "bin/a"}, {"/bin/c", '1', .link = "/bin/a"},
				 {"l", '2', .link = "/etc/passwd"}, {"pipe", '6', .mode = 0640},
				 {"deep/er/file", '0', .content = "x"}),
		0);
	assert_int_equal(stat_of("t").st_mode, S_IFDIR | 0711);
	assert_int_equal(stat_of("t").st_mtime, 1000000000);
	assert_int_equal(stat_of("t/bin").st_mode, S_IFDIR | 01777);
	assert_int_equal(stat_of("t/bin").st_mtime, 1000000000);
	assert_int_equal(stat_of("t/bin/a").st_mode, S_IFREG | 04755);
	assert_int_equal(stat_of("t/bin/a").st_nlink, 3);
	assert_int_equal(stat_of("t/bin/a").st_mtime, 1000000000);
	assert_int_equal(stat_of("t/pipe").st_mode, S_IFIFO | 0640);
	assert_int_equal(stat_of("t/deep/er").st_mode, S_IFDIR | 0755);
	expect_text("t/bin/c", "hello");
	char link[64] = {0};
	assert_int_equal(readlinkat(temp_fd, "t/l", link, sizeof(link)), 11);
	assert_string_equal(link, "/etc/passwd");
}

static void test_empty(void **state)
{
	auto_buf struct buf nothing = BUF_INIT;
	target_new();
	assert_int_equal(forge_unpack(&nothing, "t", NULL), 0);
	forge_end(&nothing);
	assert_int_equal(forge_unpack(&nothing, "t", NULL), 0);
}

/* Each layer is refused, or stays beneath the target; expect_canary runs in either case. */
static void test_traversal(void **state)
{
	assert_int_equal(UNPACK({"../canary/file", '0', .content = "dead"}), -EINVAL);
	assert_int_equal(UNPACK({"a/../../canary/file", '0', .content = "dead"}), -EINVAL);
	assert_int_equal(UNPACK({"..", '5', .mode = 0777}), -EINVAL);
	assert_int_equal(UNPACK({"a/..", '5', .mode = 0777}), -EINVAL);
	assert_int_equal(UNPACK({"h", '1', .link = "../canary/file"}), -EINVAL);
	assert_int_equal(
		UNPACK({"s", '2', .link = "../canary"}, {"s/file", '0', .content = "in"}), 0);
	expect_text("t/canary/file", "in");
	assert_int_equal(UNPACK({"s", '2', .link = "../canary"}, {"s/file", '1', .link = "s/file"}),
		-EINVAL);
	assert_int_equal(
		UNPACK({"s", '2', .link = "../canary"}, {"h", '1', .link = "s/file"}), -EINVAL);
	assert_int_equal(
		UNPACK({"s", '2', .link = "../canary/file"}, {"s", '0', .content = "in"}), 0);
	expect_text("t/s", "in");
	assert_int_equal(UNPACK({"s", '2', .link = "../canary/file"}, {"h", '1', .link = "s"},
				 {"h", '0', .content = "in"}),
		0);
	expect_text("t/h", "in");
	assert_true(S_ISLNK(stat_of("t/s").st_mode));
	assert_int_equal(UNPACK({"s", '2', .link = "../canary"}, {"s/", '5', .mode = 0777}), 0);
	assert_true(S_ISDIR(stat_of("t/s").st_mode));
	assert_int_equal(UNPACK({"/etc/x", '0', .content = "in"}), 0);
	expect_text("t/etc/x", "in");
	/* A directory, then a symlink in its place, then a file through the symlink. */
	assert_int_equal(
		UNPACK({"d/", '5', .mode = 0755}, {"d/f", '0', .content = "1"},
			{"d", '2', .link = "/../../canary"}, {"d/file", '0', .content = "2"}),
		0);
	expect_text("t/canary/file", "2");
	assert_int_equal(UNPACK({"s", '2', .link = "s"}, {"s/f", '0', .content = "1"}), -ELOOP);
	assert_int_equal(
		UNPACK({"s", '2', .link = "../canary"}, {".wh.s", '0'}, {"s/.wh.file", '0'}), 0);
	assert_true(S_ISCHR(stat_of("t/canary/file").st_mode));
}

static void test_absolute_link(void **state)
{
	char outside[128];
	auto_buf struct buf got = BUF_INIT;
	snprintf(outside, sizeof(outside), "%s/canary", temp_path);
	assert_int_equal(UNPACK({"s", '2', .link = outside}, {"s/file", '0', .content = "in"}), 0);
	snprintf(outside, sizeof(outside), "t%s/canary/file", temp_path);
	assert_int_equal(file_read_at(temp_fd, outside, 9, &got), 0);
	snprintf(outside, sizeof(outside), "%s/canary/file", temp_path);
	assert_int_equal(UNPACK({"h", '1', .link = outside}), -EINVAL);
}

static void test_replaced(void **state)
{
	assert_int_equal(UNPACK({"f", '0', .content = "first"}, {"f", '0', .content = "2"}), 0);
	expect_text("t/f", "2");
	/* A second name keeps the first content: the file is replaced, not rewritten. */
	assert_int_equal(UNPACK({"f", '0', .content = "1"}, {"g", '1', .link = "f"},
				 {"f", '0', .content = "2"}),
		0);
	expect_text("t/g", "1");
	assert_int_equal(
		UNPACK({"d/", '5', .mode = 0700}, {"d/f", '0'}, {"d/", '5', .mode = 0755}), 0);
	assert_int_equal(stat_of("t/d").st_mode & 0777, 0755);
	assert_true(temp_exists("t/d/f"));
	assert_int_equal(
		UNPACK({"d/", '5', .mode = 0700}, {"d/f", '0'}, {"d", '0', .content = "x"}), 0);
	expect_text("t/d", "x");
	assert_int_equal(UNPACK({"f", '0', .content = "1"}, {"f", '1', .link = "f"}), 0);
	expect_text("t/f", "1");
	/* After the parent was replaced, the cached parent is not used. */
	assert_int_equal(
		UNPACK({"d/a", '0'}, {"d", '2', .link = "e"}, {"d/b", '0', .content = "b"}), 0);
	expect_text("t/e/b", "b");
}

static void test_whiteouts(void **state)
{
	assert_int_equal(
		UNPACK({"d/.wh.gone", '0'}, {"d/.wh..wh..opq", '0'}, {".wh..wh.plnk", '0'}), 0);
	assert_int_equal(stat_of("t/d/gone").st_mode & S_IFMT, S_IFCHR);
	assert_int_equal(stat_of("t/d/gone").st_rdev, 0);
	assert_int_equal(opaque_calls, 1);
	assert_non_null(strstr(opaque_last, "/t/d"));
	assert_false(temp_exists("t/.wh..wh.plnk"));
	/* In either order, a directory in the place of a deleted one hides the deletion. */
	assert_int_equal(UNPACK({".wh.d", '0'}, {"d/", '5', .mode = 0755}), 0);
	assert_true(S_ISDIR(stat_of("t/d").st_mode));
	assert_int_equal(opaque_calls, 1);
	assert_int_equal(UNPACK({"d/", '5', .mode = 0755}, {".wh.d", '0'}), 0);
	assert_true(S_ISDIR(stat_of("t/d").st_mode));
	assert_int_equal(opaque_calls, 1);
	assert_int_equal(UNPACK({"f", '0', .content = "kept"}, {".wh.f", '0'}), 0);
	expect_text("t/f", "kept");
	assert_int_equal(UNPACK({".wh.f", '0'}, {"f", '0', .content = "new"}), 0);
	expect_text("t/f", "new");

	assert_int_equal(UNPACK({".wh.", '0'}), -EINVAL);
	assert_int_equal(UNPACK({".wh..", '0'}), -EINVAL);
	assert_int_equal(UNPACK({".wh...", '0'}), -EINVAL);
	assert_int_equal(UNPACK({".wh.../x", '0'}), -EINVAL);
	assert_int_equal(UNPACK({"a/.wh.b/x", '0'}), -EINVAL);
	assert_int_equal(UNPACK({".wh..wh..opq/", '5', .mode = 0755}), -EINVAL);
	assert_int_equal(UNPACK({".wh.x", '2', .link = "y"}), -EINVAL);
	assert_int_equal(UNPACK({"gone", '3', .mode = 0600}), -EINVAL);
}

static void test_devices(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(UNPACK({"null", '3', .mode = 0666, .major = 1, .minor = 3},
				 {"loop", '4', .mode = 0660, .major = 7, .minor = 1}),
		0);
	assert_int_equal(stat_of("t/null").st_mode, S_IFCHR | 0666);
	assert_true(stat_of("t/null").st_rdev == makedev(1, 3));
	assert_true(S_ISBLK(stat_of("t/loop").st_mode));
	/* A file replaces a device: the device is not opened. */
	assert_int_equal(UNPACK({"n", '3', .mode = 0666, .major = 1, .minor = 3},
				 {"n", '0', .content = "text"}),
		0);
	expect_text("t/n", "text");
}

static void test_bad_numbers(void **state)
{
	assert_int_equal(UNPACK({"f", '0', .owner = "\x80\0\0\0\377\377\377\377"}), -EINVAL);
	auto_buf struct buf tar = BUF_INIT;
	forge_pax(&tar, "gid", "4294967295");
	forge_add(&tar, &(struct forged){"f", '0'});
	forge_end(&tar);
	target_new();
	assert_int_equal(forge_unpack(&tar, "t", NULL), -EINVAL);
	assert_int_equal(UNPACK({"f", '0', .size = "77777777777"}), -EBADMSG);
	assert_int_equal(UNPACK({"f", '9', .content = "x"}), -EINVAL);
	assert_int_equal(UNPACK({"f", '7', .content = "x"}), 0);
	expect_text("t/f", "x");
}

static void test_names(void **state)
{
	char name[5000];
	auto_buf struct buf tar = BUF_INIT, got = BUF_INIT;
	memset(name, 'a', sizeof(name));
	name[4097] = '\0';
	forge_pax(&tar, "path", name);
	forge_add(&tar, &(struct forged){"short", '0'});
	forge_end(&tar);
	target_new();
	assert_int_equal(forge_unpack(&tar, "t", NULL), -EINVAL);

	buf_clear(&tar);
	for (int i = 0; i < 1000; i += 100)
		name[i] = '/';
	name[1000] = '\0';
	forge_pax(&tar, "path", name);
	forge_add(&tar, &(struct forged){"short", '0', .content = "deep"});
	forge_pax(&tar, "path", "na\xc3\xafve/e\xcc\x81");
	forge_add(&tar, &(struct forged){"short", '0', .content = "utf"});
	forge_pax(&tar, "linkpath", "t\xc3\xa9/e\xcc\x81");
	forge_add(&tar, &(struct forged){"accent", '2', .link = "x"});
	forge_pax(&tar, "linkpath", "na\xc3\xafve/e\xcc\x81");
	forge_add(&tar, &(struct forged){"second", '1', .link = "x"});
	forge_pax(&tar, "path", "raw\377");
	forge_add(&tar, &(struct forged){"x", '0'});
	forge_pax(&tar, "path", "../canary/file");
	forge_add(&tar, &(struct forged){"harmless", '0', .content = "dead"});
	forge_end(&tar);
	target_new();
	assert_int_equal(forge_unpack(&tar, "t", NULL), -EINVAL);
	expect_canary();
	auto_free char *path = mem_printf("t%s", name);
	assert_int_equal(file_read_at(temp_fd, path, 9, &got), 0);
	assert_string_equal(got.data, "deep");
	assert_true(temp_exists("t/na\xc3\xafve/e\xcc\x81"));
	char link[16] = {0};
	assert_int_equal(readlinkat(temp_fd, "t/accent", link, sizeof(link) - 1), 7);
	assert_string_equal(link, "t\xc3\xa9/e\xcc\x81");
	expect_text("t/second", "utf");
	assert_true(temp_exists("t/raw\377"));
}

static void test_xattrs(void **state)
{
	auto_buf struct buf tar = BUF_INIT;
	char value[16] = {0};
	forge_pax(&tar, "SCHILY.xattr.user.kind", "seed");
	forge_add(&tar, &(struct forged){"f", '0', .content = "x"});
	forge_pax(&tar, "SCHILY.xattr.trusted.overlay.opaque", "y");
	forge_add(&tar, &(struct forged){"d/", '5', .mode = 0755});
	forge_pax(&tar, "SCHILY.xattr.user.overlay.opaque", "y");
	forge_add(&tar, &(struct forged){"e/", '5', .mode = 0755});
	forge_end(&tar);
	target_new();
	int r = forge_unpack(&tar, "t", NULL);
	if (r == -EOPNOTSUPP)
		skip(); /* a file system without xattrs */
	assert_int_equal(r, 0);
	int fd = openat(temp_fd, "t/f", O_RDONLY);
	assert_int_equal(fgetxattr(fd, "user.kind", value, sizeof(value)), 4);
	assert_string_equal(value, "seed");
	close(fd);
	fd = openat(temp_fd, "t/d", O_RDONLY);
	assert_int_equal(fgetxattr(fd, "trusted.overlay.opaque", value, sizeof(value)), -1);
	close(fd);
	fd = openat(temp_fd, "t/e", O_RDONLY);
	assert_int_equal(fgetxattr(fd, "user.overlay.opaque", value, sizeof(value)), -1);
	close(fd);
}

/* The kernel's format: version 2, then tag, permissions and id of each entry. */
#define ACL_ENTRY(tag, permissions, id) tag, 0, permissions, 0, id, 0, 0, 0
#define ACL_NOBODY 255, 255, 255, 255
static const uint8_t acl[] = {2, 0, 0, 0, 1, 0, 6, 0, ACL_NOBODY, ACL_ENTRY(2, 6, 99), 4, 0, 0, 0,
	ACL_NOBODY, 16, 0, 6, 0, ACL_NOBODY, 32, 0, 0, 0, ACL_NOBODY};

static void assert_acl(const char *path, const char *name, bool has_one)
{
	char value[128];
	auto_close int fd = openat(temp_fd, path, O_RDONLY);
	assert_true(fd >= 0);
	ssize_t size = fgetxattr(fd, name, value, sizeof(value));
	assert_int_equal(size, has_one ? (ssize_t)sizeof(acl) : -1);
	if (has_one)
		assert_memory_equal(value, acl, sizeof(acl));
}

static void test_acls(void **state)
{
	static const char access[] = "system.posix_acl_access",
			  later[] = "system.posix_acl_default";
	auto_buf struct buf tar = BUF_INIT, bad = BUF_INIT;
	forge_xattr(&tar, access, acl, sizeof(acl));
	forge_add(&tar, &(struct forged){"f", '0', .mode = 0660, .content = "x"});
	forge_xattr(&tar, later, acl, sizeof(acl));
	forge_add(&tar, &(struct forged){"d/", '5', .mode = 0750});
	forge_add(&tar, &(struct forged){"d/plain", '0', .mode = 0644, .content = "x"});
	forge_add(&tar, &(struct forged){"d/below/", '5', .mode = 0755});
	forge_end(&tar);
	target_new();
	int r = forge_unpack(&tar, "t", NULL);
	if (r == -EOPNOTSUPP)
		skip(); /* a file system without ACLs */
	assert_int_equal(r, 0);
	/* The file's group has no permissions, although the mode shows some: these are the mask. */
	assert_acl("t/f", access, true);
	assert_int_equal(stat_of("t/f").st_mode & 07777, 0660);
	assert_acl("t/d", later, true);
	assert_int_equal(stat_of("t/d").st_mode & 07777, 0750);
	assert_int_equal(stat_of("t/d").st_mtime, 1000000000);
	/* Members of that directory have what the layer says, and inherit nothing. */
	assert_acl("t/d/plain", access, false);
	assert_acl("t/d/below", later, false);
	assert_int_equal(stat_of("t/d/plain").st_mode & 07777, 0644);
	/* An ACL that the kernel refuses. */
	forge_xattr(&bad, access, acl, sizeof(acl) - 3);
	forge_add(&bad, &(struct forged){"f", '0', .content = "x"});
	forge_end(&bad);
	target_new();
	assert_int_equal(forge_unpack(&bad, "t", NULL), -EINVAL);
}

static void assert_group_mode(const char *text, mode_t mode, mode_t wanted)
{
	auto_buf struct buf tar = BUF_INIT;
	forge_pax(&tar, "SCHILY.acl.access", text);
	forge_add(&tar, &(struct forged){"f", '0', .mode = mode, .content = "x"});
	forge_end(&tar);
	target_new();
	assert_int_equal(forge_unpack(&tar, "t", NULL), 0);
	assert_int_equal(stat_of("t/f").st_mode & 07777, wanted);
}

/* An ACL in text form is not applied. Then its mask must not become the group's permissions. */
static void test_acls_as_text(void **state)
{
	assert_group_mode("user::rwx,user:lisa:rwx,group::r-x,mask::rwx,other::---", 04770, 04750);
	assert_group_mode(
		"user::rw-\ngroup::---\nuser:99:rw-\nmask::rw-\nother::r--\n", 0664, 0604);
	assert_group_mode("group::rwx,user::rwx,other::r-x,user:lisa:rwx:99", 0755, 0755);
	assert_group_mode("user::rwx,other::---,subgroup::rwx", 0770, 0700);
	assert_group_mode("", 0770, 0700);
	assert_group_mode("group::r", 0770, 0740);
}

/* The kernel clears set-id bits when the owner changes. */
static void test_nodes_keep_their_modes(void **state)
{
	auto_buf struct buf tar = BUF_INIT;
	forge_add(&tar, &(struct forged){"fifo", '6', .mode = 07751, .owner = "0000005"});
	forge_add(&tar,
		&(struct forged){
			"null", '3', .mode = 06666, .major = 1, .minor = 3, .owner = "0000005"});
	forge_end(&tar);
	target_new();
	int r = forge_unpack(&tar, "t", NULL);
	if (r == -EPERM)
		skip(); /* not root */
	assert_int_equal(r, 0);
	assert_int_equal(stat_of("t/fifo").st_mode & 07777, 07751);
	assert_int_equal(stat_of("t/fifo").st_uid, 5);
	assert_int_equal(stat_of("t/null").st_mode & 07777, 06666);
}

/* The kernel takes the capabilities of a file away when the owner changes. */
static void test_files_keep_their_capabilities(void **state)
{
	static const char name[] = "security.capability";
	/* Version 2 of the format, effective: CAP_NET_RAW is permitted. */
	static const uint8_t capabilities[20] = {1, 0, 0, 2, 0, 0x20};
	char value[32];
	auto_buf struct buf tar = BUF_INIT;
	forge_xattr(&tar, name, capabilities, sizeof(capabilities));
	forge_add(&tar, &(struct forged){"ping", '0', .mode = 0755, .content = "x"});
	forge_end(&tar);
	target_new();
	int r = forge_unpack(&tar, "t", NULL);
	if (r == -EPERM || r == -EOPNOTSUPP)
		skip(); /* not root, or a file system without xattrs */
	assert_int_equal(r, 0);
	auto_close int fd = openat(temp_fd, "t/ping", O_RDONLY);
	assert_int_equal(fgetxattr(fd, name, value, sizeof(value)), sizeof(capabilities));
	assert_memory_equal(value, capabilities, sizeof(capabilities));
}

static void test_sparse(void **state)
{
	auto_buf struct buf tar = BUF_INIT, records = BUF_INIT;
	forge_pax_record(&records, "GNU.sparse.size", "2097152");
	forge_pax_record(&records, "GNU.sparse.map", "1048576,4");
	forge_add(&tar, &(struct forged){.name = "pax", .type = 'x', .content = records.data});
	forge_add(&tar, &(struct forged){"holes", '0', .content = "data"});
	forge_end(&tar);
	target_new();
	assert_int_equal(forge_unpack(&tar, "t", NULL), 0);
	struct stat st = stat_of("t/holes");
	assert_int_equal(st.st_size, 2097152);
	assert_true(st.st_blocks < 1000);
	int fd = openat(temp_fd, "t/holes", O_RDONLY);
	char bytes[5] = {0};
	assert_int_equal(pread(fd, bytes, 4, 1048576), 4);
	assert_string_equal(bytes, "data");
	close(fd);
}

static void test_limits(void **state)
{
	auto_buf struct buf tar = BUF_INIT;
	for (int i = 0; i < 20; i++) {
		char name[16];
		snprintf(name, sizeof(name), "d%d/", i);
		forge_add(&tar, &(struct forged){name, '5', .mode = 0755});
	}
	forge_end(&tar);
	static const struct {
		struct archive_budget budget;
		int code;
	} rows[] = {
		{{.bytes = 1 << 20, .members = 20}, 0},
		{{.bytes = 1 << 20, .members = 19}, -E2BIG},
		{{.bytes = 5000, .members = 100}, -EFBIG},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct archive_budget budget = rows[i].budget;
		target_new();
		const struct archive_target like = {.budget = &budget};
		assert_int_equal(forge_unpack(&tar, "t", &like), rows[i].code);
		if (rows[i].code == 0) {
			assert_int_equal(budget.members, 0);
			assert_int_equal(budget.bytes, (1 << 20) - tar.len);
		}
	}
}

/* A path of `levels` directories and a file, each with the same letter as its name. */
static void forge_deep(struct buf *tar, char letter, int levels)
{
	auto_buf struct buf path = BUF_INIT;
	for (int i = 0; i < levels; i++)
		buf_addf(&path, "%c/", letter);
	buf_addc(&path, letter);
	forge_pax(tar, "path", path.data);
	forge_add(tar, &(struct forged){"short", '0'});
}

/* Directories that are made for a member count as members. There may be as many levels as fit into
 * a name. */
static void test_parents_made(void **state)
{
	auto_buf struct buf tar = BUF_INIT;
	struct archive_budget budget = {.bytes = 1 << 20, .members = 302 + 2};
	const struct archive_target like = {.budget = &budget};
	forge_deep(&tar, 'a', 300);
	forge_add(&tar, &(struct forged){"a/a/b/c", '0'});
	forge_end(&tar);
	target_new();
	assert_int_equal(forge_unpack(&tar, "t", &like), 0);
	assert_int_equal(budget.members, 1);
	assert_int_equal(stat_of("t/a/a/b").st_mode & 07777, 0755);
	budget = (struct archive_budget){.bytes = 1 << 20, .members = 302};
	target_new();
	assert_int_equal(forge_unpack(&tar, "t", &like), -E2BIG);
	assert_non_null(strstr(err_text(), "more members than are taken"));
}

/* Parents behind a dangling symlink are made at its target, inside the layer, and count against the
 * budget. */
static void test_parents_linked(void **state)
{
	auto_buf struct buf tar = BUF_INIT;
	struct archive_budget budget = {.bytes = 1 << 20, .members = 2 + PATH_LEVELS_MAX + 2};
	const struct archive_target like = {.budget = &budget};
	forge_add(&tar, &(struct forged){"l", '2', .link = "/far/away"});
	forge_add(&tar, &(struct forged){"l/x/file", '0'});
	forge_end(&tar);
	target_new();
	assert_int_equal(forge_unpack(&tar, "t", &like), 0);
	assert_true(S_ISREG(stat_of("t/far/away/x/file").st_mode));
	budget = (struct archive_budget){.bytes = 1 << 20, .members = 3 + PATH_LEVELS_MAX - 1};
	target_new();
	assert_int_equal(forge_unpack(&tar, "t", &like), -E2BIG);
}

/* More directories than fit into one chunk of remembered times. */
static void test_many_times(void **state)
{
	enum { COUNT = 1200 };
	auto_buf struct buf tar = BUF_INIT;
	char name[64], there[80], time[16];
	for (int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "directory-with-a-rather-long-name-%d/", i);
		snprintf(time, sizeof(time), "%d.5", 1000 + i);
		forge_pax(&tar, "mtime", time);
		forge_add(&tar, &(struct forged){name, '5', .mode = 0755});
	}
	/* A file is added to the first directory later. */
	forge_add(&tar, &(struct forged){"directory-with-a-rather-long-name-0/file", '0'});
	forge_end(&tar);
	target_new();
	assert_int_equal(forge_unpack(&tar, "t", NULL), 0);
	for (int i = 0; i < COUNT; i++) {
		snprintf(there, sizeof(there), "t/directory-with-a-rather-long-name-%d", i);
		struct stat st = stat_of(there);
		assert_int_equal(st.st_mtim.tv_sec, 1000 + i);
		assert_int_equal(st.st_mtim.tv_nsec, 500000000);
	}
}

/* The headers before one member are bounded: in number, and in the memory that they need. */
static void test_specials(void **state)
{
	for (int extra = 0; extra < 2; extra++) {
		auto_buf struct buf tar = BUF_INIT;
		for (int i = 0; i < TAR_SPECIALS_MAX + extra; i++)
			forge_pax(&tar, "comment", "nothing");
		forge_add(&tar, &(struct forged){"file", '0'});
		forge_end(&tar);
		target_new();
		assert_int_equal(forge_unpack(&tar, "t", NULL), extra ? -E2BIG : 0);
	}
	auto_buf struct buf tar = BUF_INIT, records = BUF_INIT;
	for (int i = 0; i < 50000; i++)
		forge_pax_record(&records, "SCHILY.xattr.a", "");
	for (int i = 0; i < 10; i++) {
		forge_header(&tar, &(struct forged){"pax", 'x'}, records.len);
		buf_add(&tar, records.data, records.len);
		forge_pad(&tar);
	}
	forge_add(&tar, &(struct forged){"file", '0'});
	forge_end(&tar);
	target_new();
	assert_int_equal(forge_unpack(&tar, "t", NULL), -E2BIG);
	assert_non_null(strstr(err_text(), "takes more than"));
}

/* Parents that a layer leaves out get the attributes that they have in the layers below. */
static void test_lower(void **state)
{
	auto_buf struct buf tar = BUF_INIT;
	forge_add(&tar, &(struct forged){"tmp/x/file", '0'});
	forge_end(&tar);
	assert_int_equal(mkdirat(temp_fd, "low", 0711), 0);
	assert_int_equal(mkdirat(temp_fd, "low/tmp", 0), 0);
	assert_int_equal(fchmodat(temp_fd, "low/tmp", 01777, 0), 0);
	int low = openat(temp_fd, "low", O_PATH | O_DIRECTORY);
	auto_close int sticky = openat(temp_fd, "low/tmp", O_RDONLY | O_DIRECTORY);
	bool has_acls = fsetxattr(sticky, "system.posix_acl_default", acl, sizeof(acl), 0) == 0 &&
		fsetxattr(sticky, "system.posix_acl_access", acl, sizeof(acl), 0) == 0;
	mode_t mode = stat_of("low/tmp").st_mode;
	struct archive_budget budget = archive_budget_default;
	const struct archive_target like = {.budget = &budget, .lower_fds = &low, .lower_count = 1};
	target_new();
	assert_int_equal(forge_unpack(&tar, "t", &like), 0);
	assert_int_equal(stat_of("t").st_mode & 07777, 0711);
	assert_int_equal(stat_of("t/tmp").st_mode, mode);
	assert_int_equal(stat_of("t/tmp/x").st_mode & 07777, 0755);
	assert_acl("t/tmp", "system.posix_acl_default", has_acls);
	assert_acl("t/tmp", "system.posix_acl_access", has_acls);
	assert_acl("t/tmp/x", "system.posix_acl_access", false);
	/* The topmost layer that has a directory decides. */
	assert_int_equal(mkdirat(temp_fd, "high", 0700), 0);
	int both[] = {low, openat(temp_fd, "high", O_PATH | O_DIRECTORY)};
	const struct archive_target two = {.budget = &budget, .lower_fds = both, .lower_count = 2};
	target_new();
	assert_int_equal(forge_unpack(&tar, "t", &two), 0);
	assert_int_equal(stat_of("t").st_mode & 07777, 0700);
	assert_int_equal(stat_of("t/tmp").st_mode, mode);
	close(both[1]);
	close(low);
}

/* Any single wrong byte leads to an error or a harmless file, never to a crash or a changed
 * canary. */
static void test_mutations(void **state)
{
	auto_buf struct buf tar = BUF_INIT;
	forge_add(&tar, &(struct forged){"s", '2', .link = "../canary"});
	forge_pax(&tar, "path", "s/file");
	forge_add(&tar, &(struct forged){"f", '0', .content = "x"});
	forge_end(&tar);
	uint32_t random = 1;
	for (int i = 0; i < 300; i++) {
		auto_buf struct buf copy = BUF_INIT;
		buf_add(&copy, tar.data, tar.len);
		random = random * 1664525 + 1013904223;
		copy.data[(random >> 8) % (tar.len - 1024)] ^= (char)(1 << (random >> 29));
		target_new();
		forge_unpack(&copy, "t", NULL);
		expect_canary();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_honest),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_traversal),
		cmocka_unit_test(test_absolute_link),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_whiteouts),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_bad_numbers),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_xattrs),
		cmocka_unit_test(test_acls),
		cmocka_unit_test(test_acls_as_text),
		cmocka_unit_test(test_nodes_keep_their_modes),
		cmocka_unit_test(test_files_keep_their_capabilities),
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_parents_made),
		cmocka_unit_test(test_parents_linked),
		cmocka_unit_test(test_many_times),
		cmocka_unit_test(test_specials),
		cmocka_unit_test(test_lower),
		cmocka_unit_test(test_mutations),
	};
	return cmocka_run_group_tests(tests, setup, temp_teardown);
}
