/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readiness of a container for a service manager, sd_notify(3), as in runc: the payload's socket is
 * at /run/notify/notify.sock, in a directory of the container that is bound there read-only. The
 * directory is made by `create`, which makes the mounts. The socket is made by `start`, because a
 * socket lives as long as a process holds it.
 */
#include "runtime/creation.h"
#include "base/err.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>

int runtime_notify_plan(struct creation *c)
{
	const char *root;
	int r = runtime_absolute(&c->arena, c->rt->root_path, &root);
	if (r < 0)
		return r;
	struct oci_mount *mount = arena_push(&c->arena, &c->spec.mounts);
	*mount = (struct oci_mount){
		.destination = "/run/notify",
		.source = arena_printf(&c->arena, "%s/%s/notify", root, c->request->id),
		.options = "bind,ro,nosuid,nodev,noexec",
		.origin = "NOTIFY_SOCKET",
	};
	*arena_push(&c->arena, &c->spec.process.env) = "NOTIFY_SOCKET=/run/notify/notify.sock";
	return 0;
}

int runtime_notify_make(int dir)
{
	int r = sys_mkdir_at(dir, "notify", 0755);
	if (r == -EEXIST) /* of a create that died */
		r = 0;
	return r < 0 ? err_new(r, "make the directory of the notify socket") : 0;
}

int runtime_notify_open(int dir, const char *manager, struct notify *out)
{
	auto_close int notify = file_open_dir_at(dir, "notify");
	if (notify == -ENOENT)
		return 0;
	if (notify < 0)
		return err_new(notify, "open the directory of the notify socket");
	auto_close int manager_fd = socket_datagram_connect(manager);
	if (manager_fd < 0)
		return err_new(
			manager_fd, "reach the service manager at NOTIFY_SOCKET=%s", manager);
	out->payload_fd = socket_datagram_bind_at(notify, "notify.sock");
	if (out->payload_fd < 0)
		return err_new(out->payload_fd, "make the notify socket");
	out->manager_fd = take_fd(&manager_fd);
	return 0;
}

int runtime_wait_ready(struct runtime_child *child)
{
	int r = child->notify.payload_fd < 0
		? 0
		: notify_wait(&child->notify, child->pidfd, child->pid);
	return r < 0 ? err_new(r, "wait until the container is ready") : 0;
}
