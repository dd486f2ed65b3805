/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container gets of the host's trees: its root and the sources of bind mounts, each cloned
 * and detached. The host does it, because the paths are the host's and it may look where the
 * container's user may not. A caller that may not mount on the host can do so only in the
 * container's user namespace: then init does it, with the caller's own rights, before its root is
 * attached.
 */
#include "launch/internal.h"
#include "sys/calls.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>

enum { LAYERS_MAX = 128 };

struct trees {
	const struct flat *plan;
	const struct cgroup_host *host;
	const struct cgroup *cgroup; /* the container's, where it is open */
	int *slots;
};

static int directory_open(const char *path)
{
	int fd = sys_open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);
	return fd < 0 ? err_new(fd, "open %s", path) : fd;
}

static int overlay_of_plan(const struct trees *t, const int *layers, size_t count)
{
	const struct plan_head_row *head = plan_head(t->plan);
	auto_close int upper = directory_open(flat_str(t->plan, head->upper));
	if (upper < 0)
		return upper;
	auto_close int work = directory_open(flat_str(t->plan, head->work));
	if (work < 0)
		return work;
	struct mount_overlay overlay = {
		.layers = layers,
		.layer_count = count,
		.upper_fd = upper,
		.work_fd = work,
		.is_volatile = head->flags & PLAN_ROOT_VOLATILE,
	};
	return mount_overlay_open(&overlay);
}

/* One directory without a writable layer is the root itself; anything else is an overlay. */
static int root_of_layers(const struct trees *t, const int *layers, size_t count)
{
	if (plan_head(t->plan)->upper)
		return overlay_of_plan(t, layers, count);
	bool is_slave = plan_head(t->plan)->root_propagation & MS_SLAVE;
	struct mount_row row = {
		.flags = MOUNT_RECURSIVE, .propagation = is_slave ? MS_SLAVE : MS_PRIVATE};
	return mount_clone_fd(layers[0], &row);
}

static int root_take(struct trees *t)
{
	uint32_t count = flat_count(t->plan, PLAN_LAYER);
	if (t->slots[SLOT_ROOT] >= 0 || plan_head(t->plan)->kind != PLAN_KIND_RUN)
		return 0;
	if (count == 0 || count > LAYERS_MAX)
		return err_say(-EINVAL, "a root of %u layers", count);

	int layers[LAYERS_MAX];
	int root = -EBADF;
	uint32_t opened = 0;
	for (; opened < count; opened++) {
		const struct plan_text_row *row = flat_row(t->plan, PLAN_LAYER, opened);
		layers[opened] = directory_open(flat_str(t->plan, row->text));
		if (layers[opened] < 0)
			break;
	}
	if (opened == count)
		root = root_of_layers(t, layers, count);
	for (uint32_t i = 0; i < opened; i++)
		fd_close(layers[i]);
	if (opened < count)
		return layers[opened];
	t->slots[SLOT_ROOT] = root;
	return root < 0 ? err_wrap(root, "assemble the root") : 0;
}

/* The container's own group or, if it has none, the group that init will be in. */
static int cgroup_tree_open(const struct trees *t, const struct mount_row *row)
{
	const char *controllers = flat_str(t->plan, row->source);
	int open_already = cgroup_dir_of(t->cgroup, controllers ? controllers : "");
	if (open_already >= 0)
		return mount_clone_fd(open_already, row);
	auto_close int group = cgroup_dir_open(t->host,
		flat_str(t->plan, plan_head(t->plan)->cgroup_path), controllers ? controllers : "");
	return group < 0 ? group : mount_clone_fd(group, row);
}

static int bind_open(const struct trees *t, const struct mount_row *row)
{
	const char *source = flat_str(t->plan, row->source);
	if (row->fstype)
		return t->host ? cgroup_tree_open(t, row) : err_say(-EINVAL, "no cgroups here");
	return source ? mount_bind_open(source, row) : err_say(-EINVAL, "nothing to bind there");
}

static size_t maps_take(
	const struct trees *t, uint32_t slot, bool is_gid, struct ns_idmap out[static NS_IDMAP_MAX])
{
	size_t count = 0;
	for (uint32_t i = 0; i < flat_count(t->plan, PLAN_MOUNT_IDMAP); i++) {
		const struct ns_idmap_row *row = flat_row(t->plan, PLAN_MOUNT_IDMAP, i);
		if (row->slot == slot && (row->is_gid != 0) == is_gid && count < NS_IDMAP_MAX)
			out[count++] = (struct ns_idmap){row->inner, row->outer, row->count};
	}
	return count;
}

static int idmap_set(const struct trees *t, const struct mount_row *row, int tree)
{
	struct ns_idmap uids[NS_IDMAP_MAX], gids[NS_IDMAP_MAX];
	size_t uid_count = maps_take(t, row->slot, false, uids);
	size_t gid_count = maps_take(t, row->slot, true, gids);
	const struct ns_row *joined = plan_user_row(t->plan);
	/* Without maps of its own it has those of the user namespace that is joined. */
	auto_close int user_ns = uid_count || gid_count
		? ns_user_make(uids, uid_count, gids, gid_count)
		: fd_dup(t->slots[joined->slot]);
	return user_ns < 0 ? user_ns
			   : mount_tree_idmap(tree, user_ns, row->flags & MOUNT_IDMAP_RECURSIVE);
}

static int prepare_binds(struct trees *t)
{
	for (uint32_t i = 0; i < flat_count(t->plan, PLAN_MOUNT); i++) {
		const struct mount_row *row = flat_row(t->plan, PLAN_MOUNT, i);
		if (row->kind != MOUNT_KIND_BIND || t->slots[row->slot] >= 0)
			continue;
		int tree = bind_open(t, row);
		if (tree < 0)
			return err_wrap(tree, "mount on %s", flat_str(t->plan, row->target));
		t->slots[row->slot] = tree;
		int r = row->flags & MOUNT_IDMAP ? idmap_set(t, row, tree) : 0;
		if (r < 0)
			return err_wrap(r, "mount on %s", flat_str(t->plan, row->target));
	}
	return 0;
}

int prepare_root(const struct flat *plan, int slots[static SLOT_MAX])
{
	struct trees t = {plan, NULL, NULL, slots};
	return root_take(&t);
}

int prepare_trees(const struct flat *plan, const struct cgroup_host *host,
	const struct cgroup *cgroup, int slots[static SLOT_MAX])
{
	struct trees t = {plan, host, cgroup, slots};
	int r = root_take(&t);
	return r < 0 ? r : prepare_binds(&t);
}
