/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the command line's options to a container that can be created: finds the image and merges
 * its configuration in, checks names and limits, gives volumes their directory. Nothing is made, so
 * `husk run --plan` stops after this.
 */
#include "engine/internal.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "image/image.h"
#include "sys/path.h"
#include "sys/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/utsname.h>

enum { MEMORY_MIN_BYTES = 512 << 10, CPUS_MAX = 8192, HOSTNAME_MAX = 64 };

static bool env_has(const struct str_list *env, const char *pair)
{
	size_t len = strcspn(pair, "=");
	for (size_t i = 0; i < env->count; i++)
		if (strncmp(env->items[i], pair, len) == 0 && env->items[i][len] == '=')
			return true;
	return false;
}

/* Keeps the image's layers from being removed until the container is recorded. */
static int image_hold(struct engine *e)
{
	int fd = image_uses_lock(e->root_fd, false);
	if (fd >= 0)
		fd_replace(&e->image_use_fd, fd);
	return fd < 0 ? fd : 0;
}

/* Two mounts on one path would hide one of them. As with Docker, this is an error. */
static int destination_take(struct arena *a, struct str_list *taken, const char *path)
{
	auto_buf struct buf clean = BUF_INIT;
	path_clean(&clean, path);
	for (size_t i = 0; i < taken->count; i++)
		if (str_eq(taken->items[i], clean.data))
			return err_say(-EINVAL, "two mounts on %s in the container", clean.data);
	*arena_push(a, taken) = arena_str(a, clean.data);
	return 0;
}

/* An image's VOLUMEs become anonymous volumes, except where the user has mounted something. */
static int image_volumes_add(struct arena *a, struct container *c, const struct str_list *volumes,
	struct str_list *taken)
{
	for (size_t i = 0; i < volumes->count; i++) {
		if (destination_take(a, taken, volumes->items[i]) < 0)
			continue;
		int r = strchr(volumes->items[i], ':')
			? err_say(-EINVAL, "\"%s\" has a colon in it", volumes->items[i])
			: mount_add(volumes->items[i], a, &c->mounts);
		if (r < 0)
			return err_wrap(r, "the image's volumes");
	}
	return 0;
}

/* The lock is released while the network is used, because image removals wait for it. */
static int image_get(struct engine *e, const char *word)
{
	fd_replace(&e->image_use_fd, -EBADF);
	int r = e->image_get(e, word);
	return r < 0 ? r : image_hold(e);
}

/* Only fields of the workload are taken from an image. Its labels never steer the engine
 * (SECURITY.md, rule 7). */
static int image_merge(
	struct engine *e, struct arena *a, struct container *c, struct str_list *taken)
{
	struct image image;
	int r = image_hold(e);
	if (r == 0)
		r = image_find(e->root_fd, c->image, a, &image);
	if (r == -ENOENT) {
		r = image_import_builtin(e->root_fd, e->share_path, e->libexec_path, c->image);
		if (r == -ENOENT && e->image_get)
			r = image_get(e, c->image);
		if (r == 0)
			r = image_find(e->root_fd, c->image, a, &image);
	}
	if (r < 0)
		return r;
	const struct image_config *config = &image.config;
	c->image_id = image.id;
	c->layers = image.chain_ids;
	if (c->process.entrypoint.count == 0 && !c->process.entrypoint_is_reset) {
		c->process.entrypoint = config->entrypoint;
		if (c->process.command.count == 0)
			c->process.command = config->cmd;
	}
	for (size_t i = 0; i < config->env.count; i++)
		if (!env_has(&c->process.env, config->env.items[i]))
			*arena_push(a, &c->process.env) = config->env.items[i];
	if (!c->process.cwd)
		c->process.cwd = config->working_dir;
	if (!c->process.user)
		c->process.user = config->user;
	if (!c->stop_signal)
		c->stop_signal = config->stop_signal;
	return image_volumes_add(a, c, &config->volumes, taken);
}

static int rootfs_check(struct arena *a, struct container *c)
{
	auto_free char *resolved = realpath(c->rootfs, NULL);
	if (!resolved)
		return err_say(-ENOENT, "--rootfs %s: no such directory", c->rootfs);
	struct stat st;
	int r = sys_stat_at(AT_FDCWD, resolved, 0, &st);
	if (r < 0 || !S_ISDIR(st.st_mode))
		return err_say(-ENOTDIR, "--rootfs %s: not a directory", c->rootfs);
	c->rootfs = arena_str(a, resolved);
	return 0;
}

/* `taken`: the paths in the container where the user mounts something. */
static int mounts_check(struct arena *a, const struct container *c, struct str_list *taken)
{
	int r = 0;
	for (size_t i = 0; i < c->mounts.count && r == 0; i++)
		r = destination_take(a, taken, c->mounts.items[i].destination);
	for (size_t i = 0; i < c->tmpfs.count && r == 0; i++)
		r = destination_take(a, taken, c->tmpfs.items[i].destination);
	return r;
}

/* A volume without a name is given one. */
static void volumes_name(struct engine *e, struct arena *a, struct container *c)
{
	for (size_t i = 0; i < c->mounts.count; i++)
		if (c->mounts.items[i].is_anonymous)
			c->mounts.items[i].volume = id_make(a);
	mounts_resolve(e, a, &c->mounts);
}

static int limits_check(const struct engine *e, const struct container *c)
{
	if (c->limits.memory_bytes && c->limits.memory_bytes < MEMORY_MIN_BYTES)
		return err_say(-EINVAL, "-m: the minimum memory limit is 512k");
	if (c->limits.memory_bytes > INT64_MAX)
		return err_say(-EINVAL, "-m: the memory limit is beyond what a kernel can count");
	if (c->limits.nano_cpus > (uint64_t)CPUS_MAX * 1000000000u)
		return err_say(-EINVAL, "--cpus: more than %d processors", CPUS_MAX);
	if (c->limits.nano_cpus && c->limits.nano_cpus < 10000000u)
		return err_say(-EINVAL, "--cpus: at least 0.01 is needed");
	if (c->limits.cpuset_cpus && parse_ranges(c->limits.cpuset_cpus, CPUS_MAX) < 0)
		return err_say(-EINVAL,
			"--cpuset-cpus: \"%s\" is not a list of processors such as 0-2,4",
			c->limits.cpuset_cpus);
	if (c->shm_bytes > INT64_MAX)
		return err_say(-EINVAL, "--shm-size: more than a kernel can count");
	if (c->limits.pids_limit < -1)
		return err_say(-EINVAL,
			"--pids-limit: %lld is not a number of processes, or -1 for no limit",
			(long long)c->limits.pids_limit);
	return 0;
}

/* Of several labels with one name, the last is used. */
static void labels_merge(struct container *c)
{
	size_t kept = 0;
	for (size_t i = 0; i < c->labels.count; i++) {
		const char *label = c->labels.items[i];
		size_t len = strcspn(label, "=");
		bool is_replaced = false;
		for (size_t j = i + 1; j < c->labels.count; j++) {
			const char *later = c->labels.items[j];
			is_replaced |= strcspn(later, "=") == len &&
				strncmp(label, later, len) == 0;
		}
		if (!is_replaced)
			c->labels.items[kept++] = label;
	}
	c->labels.count = kept;
}

static int labels_check(const struct container *c)
{
	for (size_t i = 0; i < c->labels.count; i++) {
		const char *label = c->labels.items[i];
		if (*label == '\0' || *label == '=')
			return err_say(-EINVAL, "invalid label \"%s\": the name is empty", label);
	}
	return 0;
}

static int texts_check(const struct container *c)
{
	if (c->name && !str_is_name(c->name))
		return err_say(-EINVAL,
			"invalid container name \"%s\": only [a-zA-Z0-9][a-zA-Z0-9_.-] are "
			"allowed, at most 128 characters",
			c->name);
	if (c->hostname && (strlen(c->hostname) > HOSTNAME_MAX || !str_is_name(c->hostname)))
		return err_say(-EINVAL,
			"--hostname: \"%s\" is not a host name of at most %d characters",
			c->hostname, HOSTNAME_MAX);
	if (c->process.cwd && c->process.cwd[0] != '/')
		return err_say(
			-EINVAL, "--workdir: \"%s\" is not an absolute path", c->process.cwd);
	if (c->stop_signal && signal_parse(c->stop_signal) < 0)
		return err_say(-EINVAL, "\"%s\" is not a signal", c->stop_signal);
	return 0;
}

/* A container in the host's network has the host's name, and a container in another container's
 * network has that container's name: it has their /etc/hostname too. */
static int hostname_set(struct engine *e, struct arena *a, struct container *c)
{
	const char *peer = str_after(c->network, "container:");
	if (peer && c->hostname)
		return err_say(-EINVAL,
			"--hostname: a container in the network of another one has that one's host "
			"name");
	if (c->hostname)
		return 0;
	c->hostname = arena_strn(a, c->id, CONTAINER_ID_SHORT);
	struct utsname host;
	if (str_eq(c->network, "host") && uname(&host) == 0)
		c->hostname = arena_str(a, host.nodename);
	if (!peer)
		return 0;
	char id[CONTAINER_ID_LEN + 1];
	struct container other;
	int r = container_find(e, peer, id);
	if (r == 0)
		r = container_load(e, id, a, &other);
	if (r < 0)
		return err_wrap(r, "--network container:%s", peer);
	c->hostname = other.hostname;
	/* The id, because another container may get the name later. */
	c->network = arena_printf(a, "container:%s", id);
	return 0;
}

int container_prepare(struct engine *e, struct arena *a, struct container *c)
{
	struct str_list taken = {0};
	labels_merge(c);
	int r = labels_check(c);
	if (r == 0)
		r = mounts_check(a, c, &taken);
	if (r == 0)
		r = texts_check(c);
	if (r == 0)
		r = limits_check(e, c);
	if (r == 0)
		r = c->rootfs ? rootfs_check(a, c) : image_merge(e, a, c, &taken);
	if (r < 0)
		return r;
	if (c->process.entrypoint.count + c->process.command.count == 0)
		return err_say(-EINVAL, "no command specified");

	c->id = id_make(a);
	c->created_ns = clock_real_ns();
	c->has_invented_name = !c->name;
	if (c->has_invented_name)
		name_invent(e, a, &c->name);
	if (c->network && str_eq(c->network, "default"))
		c->network = NULL;
	if (c->rootfs)
		c->image = c->rootfs;
	if (c->process.cwd && !*c->process.cwd)
		c->process.cwd = NULL;
	if (c->stop_signal && !*c->stop_signal) /* an image may have an empty one */
		c->stop_signal = NULL;
	settings_default(c);
	volumes_name(e, a, c);
	r = network_check(c);
	if (r == 0)
		r = hostname_set(e, a, c);
	if (r < 0)
		return r;
	int signal = signal_parse(c->stop_signal);
	/* only from an image: Docker runs such an image too, without its stop signal */
	if (signal < 0) {
		log_warn("the image's stop signal \"%s\" is not a signal: SIGTERM instead",
			c->stop_signal);
		signal = SIGTERM;
	}
	if (signal_name(signal)) /* one spelling: an image may say 15, a user INT */
		c->stop_signal = signal_name(signal);
	return container_record_check(c);
}
