/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens the two directories of an instance, root and state. The content of the state directory
 * belongs to one boot: if state/boot has another boot id, the content is removed, since /run is not
 * a tmpfs everywhere.
 */
#include "records/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { FILES_MIN = 96, PATH_LEN_MAX = 1024 };

static const char *const root_dirs[] = {
	"containers", "names", "layers", "content", "refs", "networks", "volumes", "tmp"};
static const char *const state_dirs[] = {"containers", "pending", "leases"};

/* Two instances on one machine never touch each other's kernel objects: FNV-1a of root, state
 * directory and user. */
static void instance_set(struct engine *e)
{
	uint32_t hash = 2166136261u;
	for (const char *c = e->root_path; *c != '\0'; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	for (const char *c = e->state_path; *c != '\0'; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	hash = (hash ^ geteuid()) * 16777619u;
	fmt(e->instance, "%08x", hash);
}

/* Reports what this user, the disk or the mount refuses for everything below `path`, and what the
 * user can do. */
static int directory_error(int r, const char *verb, const char *path)
{
	err_new(r, "%s %s", verb, path);
	if (r == -EACCES || r == -EPERM)
		return err_hint(r,
			"husk must be root of the machine; root of a user namespace is not enough");
	if (r == -EROFS)
		return err_hint(r,
			"Choose another place by --root and --state, or HUSK_ROOT and HUSK_STATE");
	return r;
}

/* The uid of an owner that has no number in this user namespace. */
enum { OVERFLOW_UID = 65534 };

static int directory_make(const char *path)
{
	auto_close int fd = file_open_dir_at(AT_FDCWD, path);
	int r = fd == -ENOENT ? file_make_dirs_at(AT_FDCWD, path, 0700) : 0;
	if (r < 0)
		return directory_error(r, "make directory", path);
	if (fd == -ENOENT)
		fd = file_open_dir_at(AT_FDCWD, path);
	if (fd < 0)
		return directory_error(fd, "open directory", path);
	uid_t owner = 0;
	r = file_check_private(fd, &owner);
	if (r == -EPERM && owner == OVERFLOW_UID)
		return directory_error(r, "use directory", path);
	if (r == -EPERM)
		return err_say(r,
			"the directory %s belongs to uid %u, who could make husk do anything", path,
			owner);
	if (r == -EACCES) {
		r = err_say(-EPERM,
			"the directory %s may be written by everybody, who could make husk do "
			"anything",
			path);
		return err_hint(r, "chmod go-w takes that away");
	}
	return r < 0 ? err_new(r, "look at directory %s", path) : take_fd(&fd);
}

static int subdirectories_make(int dir, const char *path, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int r = sys_mkdir_at(dir, names[i], 0700);
		if (r < 0 && r != -EEXIST)
			return err_new(r, "make directory %s/%s", path, names[i]);
	}
	return 0;
}

/* Under a lock, so that two first commands after a boot do not both remove the content. */
static int state_begin_boot(struct engine *e)
{
	auto_close int lock = lock_file_at(e->state_fd, "lock", true);
	if (lock < 0)
		return directory_error(lock, "lock", e->state_path);
	auto_buf struct buf boot = BUF_INIT;
	int r = file_read_at(e->state_fd, "boot", 64, &boot);
	if (r >= 0 && str_eq(boot.data, e->boot_id))
		return 0;
	for (size_t i = 0; i < sizeof(state_dirs) / sizeof(state_dirs[0]); i++) {
		r = file_remove_tree_at(e->state_fd, state_dirs[i]);
		if (r < 0)
			return err_new(
				r, "drop %s/%s of another boot", e->state_path, state_dirs[i]);
	}
	r = subdirectories_make(
		e->state_fd, e->state_path, state_dirs, sizeof(state_dirs) / sizeof(state_dirs[0]));
	if (r < 0)
		return r;
	r = file_replace_at(e->state_fd, "boot", e->boot_id, strlen(e->boot_id), 0600, false);
	return r < 0 ? err_new(r, "write %s/boot", e->state_path) : 0;
}

/* If the last directory of the list exists, all of them do. Checked at every command: the root may
 * be a new one. */
static int root_check(struct engine *e)
{
	size_t count = sizeof(root_dirs) / sizeof(root_dirs[0]);
	if (sys_access_at(e->root_fd, root_dirs[count - 1], F_OK, 0) == 0)
		return 0;
	return subdirectories_make(e->root_fd, e->root_path, root_dirs, count);
}

static int state_check_boot(struct engine *e)
{
	int r = process_boot_id(e->boot_id);
	if (r < 0)
		return err_new(r, "read the boot id");
	char boot[sizeof(e->boot_id)] = "";
	auto_close int fd = sys_open_at(e->state_fd, "boot", O_RDONLY | O_NOFOLLOW, 0);
	ssize_t n = fd < 0 ? fd : sys_read(fd, boot, sizeof(boot) - 1);
	return n > 0 && str_eq(boot, e->boot_id) ? 0 : state_begin_boot(e);
}

static const char *path_of(
	struct engine *e, const char *given, const char *variable, const char *fallback)
{
	const char *from_env = getenv(variable);
	const char *path = given ? given : from_env && from_env[0] ? from_env : fallback;
	return arena_str(&e->arena, path);
}

/* With fewer fds a command would fail somewhere in the middle, and have none left for the
 * cleanup. */
static int files_check(void)
{
	uint64_t soft, hard;
	if (sys_getrlimit(RLIMIT_NOFILE, &soft, &hard) < 0 || soft >= FILES_MIN)
		return 0;
	return err_say(-EMFILE,
		"the limit of open files is %llu, and husk needs %d: ulimit -n 1024",
		(unsigned long long)soft, FILES_MIN);
}

static int paths_check(const struct engine *e)
{
	if (e->root_path[0] != '/' || e->state_path[0] != '/')
		return err_say(-EINVAL,
			"the root \"%s\" and the state directory \"%s\" must be absolute paths",
			e->root_path, e->state_path);
	if (strlen(e->root_path) > PATH_LEN_MAX || strlen(e->state_path) > PATH_LEN_MAX)
		return err_say(-ENAMETOOLONG,
			"the path of the root or of the state directory is too long: at most %d "
			"bytes",
			PATH_LEN_MAX);
	return 0;
}

static int records_fill(struct engine *e, const char *root_path, const char *state_path)
{
	e->root_path = path_of(e, root_path, "HUSK_ROOT", "/var/lib/husk");
	e->state_path = path_of(e, state_path, "HUSK_STATE", "/run/husk");
	int r = paths_check(e);
	if (r == 0)
		r = files_check();
	if (r < 0)
		return r;
	if (geteuid() != 0)
		return err_say(-EPERM,
			"husk needs root to run containers: try again with sudo. "
			"Only `husk ns` works as a normal user so far");
	instance_set(e);
	e->root_fd = directory_make(e->root_path);
	if (e->root_fd < 0)
		return e->root_fd;
	e->state_fd = directory_make(e->state_path);
	if (e->state_fd < 0)
		return e->state_fd;
	r = root_check(e);
	if (r == 0)
		r = state_check_boot(e);
	if (r == 0)
		r = records_pair(e);
	if (r < 0)
		return space_explain(e, r);
	return cgroup_host_load(&e->cgroup);
}

int records_open(struct engine *e, const char *root_path, const char *state_path)
{
	*e = (struct engine){
		.root_fd = -EBADF,
		.image_use_fd = -EBADF,
		.state_fd = -EBADF,
		.libexec_path = HUSK_LIBEXEC,
		.share_path = HUSK_SHARE,
	};
	int r = records_fill(e, root_path, state_path);
	if (r < 0)
		records_close(e);
	return r;
}

void records_close(struct engine *e)
{
	fd_replace(&e->image_use_fd, -EBADF);
	fd_replace(&e->root_fd, -EBADF);
	fd_replace(&e->state_fd, -EBADF);
	arena_release(&e->arena);
}
