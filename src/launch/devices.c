/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The devices of a container in a user namespace: nodes that the host makes, with the owners that
 * the plan names, as the namespace maps them. The map is read from init, which is in the namespace
 * already, so a joined one is no special case.
 */
#include "launch/internal.h"
#include "mount/devices.h"
#include "sys/fd.h"

#include <errno.h>

/* What is not mapped is the host's root, and so nobody's in the container. */
static uint32_t id_outside(const struct ns_idmap_list *maps, uint32_t id)
{
	for (size_t i = 0; i < maps->count; i++)
		if (id >= maps->items[i].inner && id - maps->items[i].inner < maps->items[i].count)
			return maps->items[i].outer + (id - maps->items[i].inner);
	return 0;
}

/* The label of the mount on /dev. */
static const char *label_find(const struct flat *plan)
{
	for (uint32_t i = 0; i < flat_count(plan, PLAN_MOUNT); i++) {
		const struct mount_row *row = flat_row(plan, PLAN_MOUNT, i);
		if (strcmp(flat_str(plan, row->target), "/dev") == 0)
			return flat_str(plan, row->label);
	}
	return NULL;
}

int devices_make(const struct flat *plan, pid_t init)
{
	auto_arena struct arena a = ARENA_INIT;
	struct ns_idmap_list uids = {0}, gids = {0};
	auto_close int devices = mount_devices_open(label_find(plan));
	int r = devices < 0 ? devices : ns_idmap_read(&a, init, "uid", &uids);
	if (r == 0)
		r = ns_idmap_read(&a, init, "gid", &gids);
	for (uint32_t i = 0; r == 0 && i < flat_count(plan, PLAN_NODE); i++) {
		const struct mount_node_row *row = flat_row(plan, PLAN_NODE, i);
		if (row->kind != MOUNT_NODE_CHAR && row->kind != MOUNT_NODE_BLOCK)
			continue;
		r = mount_device_make(
			devices, row, id_outside(&uids, row->uid), id_outside(&gids, row->gid));
	}
	return r < 0 ? r : take_fd(&devices);
}
