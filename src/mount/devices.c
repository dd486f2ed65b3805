/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes that the host makes. See the header. */
#include "mount/devices.h"
#include "mount/internal.h"
#include "base/err.h"
#include "sys/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

int mount_devices_open(const char *label)
{
	return mount_tmpfs_open("mode=0711", label, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
}

/* Each path of a plan is at one place in it. */
void mount_device_name(const struct mount_node_row *row, char out[static DEVICE_NAME_ROOM])
{
	snprintf(out, DEVICE_NAME_ROOM, "%u", row->path);
}

int mount_device_make(int devices_fd, const struct mount_node_row *row, uid_t uid, gid_t gid)
{
	char name[DEVICE_NAME_ROOM];
	mode_t mode = (row->kind == MOUNT_NODE_BLOCK ? S_IFBLK : S_IFCHR) | row->mode;
	mount_device_name(row, name);
	int r = sys_mknod_at(devices_fd, name, mode, makedev(row->major, row->minor));
	if (r == -EEXIST) /* the path is given twice */
		return 0;
	if (r == -EPERM)
		return r;
	if (r == 0) /* the umask has no part in this */
		r = sys_chmod_at(devices_fd, name, row->mode);
	if (r == 0)
		r = sys_chown_at(devices_fd, name, uid, gid, AT_SYMLINK_NOFOLLOW);
	return r < 0 ? err_new(r, "make device %u:%u", row->major, row->minor) : 0;
}
