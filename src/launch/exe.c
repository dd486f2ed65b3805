/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that init is executed from. /proc/PID/exe leads to it, also for what the payload may
 * make of "#!/proc/self/exe". So it is never a file of the host but a sealed copy in memory of the
 * small program that the build has put into this one: 150 KiB, made, executed and dropped in 60 us.
 * Where the host forbids to execute such memory (vm.memfd_noexec=2), it lies in a file system of
 * its own, which is read-only before any process sees it. An init that stays, as the reaper of its
 * container, would keep the copy. It is executed from the installed file, through a read-only
 * overlay of its directory (two lower layers, no upper: nothing can be written), and shares its
 * pages with all others; 195 us. All figures are from a virtual machine.
 */
#include "launch/internal.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <unistd.h>

static int image_write(int fd)
{
	return fd_write_full(
		fd, launch_init_image, (size_t)(launch_init_image_end - launch_init_image));
}

/* The second layer is needed only because the kernel refuses a single one. /dev is a directory on
 * every host, overlayfs accepts it (it does not accept /proc), and it has no file of the opened
 * name. */
static int overlay_exe(const char *path)
{
	auto_buf struct buf directory = BUF_INIT;
	const char *name = path_last(path);
	buf_add(&directory, path, (size_t)(name - path));

	auto_close int layer = sys_open_at(AT_FDCWD, directory.data, O_PATH | O_DIRECTORY, 0);
	auto_close int other = sys_open_at(AT_FDCWD, "/dev", O_PATH | O_DIRECTORY, 0);
	if (layer < 0 || other < 0)
		return layer < 0 ? layer : other;
	int layers[] = {other, layer};
	struct mount_overlay overlay = {
		.layers = layers, .layer_count = 2, .upper_fd = -EBADF, .work_fd = -EBADF};
	auto_close int root = mount_overlay_open(&overlay);
	return root < 0 ? root
			: sys_openat2(root, name, O_PATH, 0, RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH);
}

/* Hidden means not readable. If a process executes a file that it may not read, the kernel lets
 * only processes that could read the file trace it or look into it through /proc. In a user
 * namespace that does not map the file's owner no process could, even with CAP_SYS_PTRACE there. So
 * init is hidden from its first instruction, and not only from its first prctl(2). memfd_create(2)
 * with MFD_EXEC is 6.3; before that every memfd is executable and the flag is unknown. */
static int memfd_exe(mode_t mode)
{
	auto_close int copy = sys_memfd_create("husk-init", MFD_ALLOW_SEALING | MFD_EXEC);
	if (copy == -EINVAL)
		fd_replace(&copy, sys_memfd_create("husk-init", MFD_ALLOW_SEALING));
	if (copy < 0)
		return copy;
	int r = image_write(copy);
	if (r == 0)
		r = sys_chmod_fd(copy, mode);
	if (r == 0)
		r = sys_fcntl(copy, F_ADD_SEALS,
			F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	return r < 0 ? r : take_fd(&copy);
}

static int tmpfs_exe(mode_t mode)
{
	auto_close int fs_fd = sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	int r = fs_fd < 0 ? fs_fd : sys_fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (r < 0)
		return r;
	auto_close int root = sys_fsmount(
		fs_fd, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	auto_close int file = root < 0
		? root
		: sys_open_at(root, "husk-init", O_WRONLY | O_CREAT | O_EXCL, mode);
	r = file < 0 ? file : image_write(file);
	fd_replace(&file, -EBADF);
	if (r == 0)
		r = sys_fsconfig(fs_fd, FSCONFIG_SET_FLAG, "ro", NULL, 0);
	if (r == 0)
		r = sys_fsconfig(fs_fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0);
	return r < 0 ? r : sys_open_at(root, "husk-init", O_PATH, 0);
}

int launch_sealed_exe(const char *stays_path, bool is_hidden)
{
	mode_t mode = is_hidden ? 0111 : 0555;
	int fd = stays_path ? overlay_exe(stays_path) : -ENOENT;
	if (fd < 0)
		fd = memfd_exe(mode);
	if (fd < 0)
		fd = tmpfs_exe(mode);
	return fd < 0 ? err_new(fd, "make the program that becomes the container's first process")
		      : fd;
}
