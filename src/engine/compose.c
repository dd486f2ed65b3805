/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compose: the user's settings for a container, on top of the defaults, become one OCI
 * specification, in which every item has its origin. Nothing here touches the kernel, except the
 * lookup of users in the container's own files.
 */
#include "engine/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "image/image.h"
#include "sec/sec.h"

#include <errno.h>
#include <strings.h>
#include <sys/mount.h>
#include <sys/resource.h>

enum { CPU_PERIOD_US = 100000, DEFAULT_NOFILE_SOFT = 1024, DEFAULT_NOFILE_HARD = 524288 };

struct compose {
	struct engine *e;
	const struct container *c;
	struct arena *a;
	struct oci_spec *spec;
	char peer[CONTAINER_ID_LEN + 1]; /* the container whose network it shares, or "" */
	struct process_id peer_process;
};

static bool has_own_network(const struct container *c)
{
	return !str_eq(c->network, "host") && !str_prefix(c->network, "container:");
}

static void add_namespace(struct compose *m, const char *type, const char *path, const char *origin)
{
	struct oci_namespace *ns = arena_push(m->a, &m->spec->namespaces);
	*ns = (struct oci_namespace){type, path, origin};
}

static int peer_find(struct compose *m)
{
	const char *peer = str_after(m->c->network, "container:");
	if (!peer)
		return 0;
	struct summary summary;
	int r = container_find(m->e, peer, m->peer);
	if (r == 0)
		r = container_summary(m->e, m->peer, &summary);
	if (r < 0)
		return err_wrap(r, "--network container:%s", peer);
	if (summary.state != CONTAINER_RUNNING)
		return err_say(
			-ESRCH, "--network container:%s: that container is not running", peer);
	m->peer_process = summary.process;
	return 0;
}

/* For the text of the plan, the target of container:NAME is a path with the peer's pid. The fd that
 * is joined comes by slot. */
static void add_namespaces(struct compose *m)
{
	static const char *const always[] = {"mount", "uts", "ipc", "pid", "cgroup"};
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		add_namespace(m, always[i], NULL, "default");
	if (m->peer[0] != '\0')
		add_namespace(m, "network",
			arena_printf(m->a, "/proc/%d/ns/net", m->peer_process.pid), "--network");
	else if (has_own_network(m->c))
		add_namespace(m, "network", NULL, "default");
}

static bool is_covered(const struct container *c, const char *destination)
{
	for (size_t i = 0; i < c->mounts.count; i++)
		if (str_eq(c->mounts.items[i].destination, destination))
			return true;
	return false;
}

/* hosts, hostname and resolv.conf are files of husk, one set per container. A container that shares
 * another container's network also shares its set. */
static void add_own_files(struct compose *m)
{
	static const char *const names[] = {"hosts", "hostname", "resolv.conf"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *destination = arena_printf(m->a, "/etc/%s", names[i]);
		if (is_covered(m->c, destination))
			continue;
		struct oci_mount *mount = arena_push(m->a, &m->spec->mounts);
		mount->destination = destination;
		mount->source = arena_printf(m->a, "%s/containers/%s/%s", m->e->state_path,
			m->peer[0] != '\0' ? m->peer : m->c->id, names[i]);
		mount->options = m->c->root_is_readonly ? "bind,rprivate,ro" : "bind,rprivate";
		mount->origin = "husk";
	}
}

static size_t path_depth(const char *path)
{
	size_t depth = 0;
	for (; *path != '\0'; path++)
		depth += path[0] == '/' && path[1] != '/' && path[1] != '\0';
	return depth;
}

/* A deeper destination is mounted later, whatever the order of the options. Otherwise the order of
 * the options stays. */
static void sort_by_depth(struct oci_mount *mounts, size_t count)
{
	for (size_t i = 1; i < count; i++)
		for (size_t j = i; j > 0 &&
			path_depth(mounts[j].destination) < path_depth(mounts[j - 1].destination);
			j--) {
			struct oci_mount swapped = mounts[j];
			mounts[j] = mounts[j - 1];
			mounts[j - 1] = swapped;
		}
}

static void add_mounts(struct compose *m)
{
	size_t first = m->spec->mounts.count;
	for (size_t i = 0; i < m->c->mounts.count; i++) {
		const struct container_mount *wanted = &m->c->mounts.items[i];
		struct oci_mount *mount = arena_push(m->a, &m->spec->mounts);
		mount->destination = wanted->destination;
		mount->source = wanted->source;
		/* As with Docker, ro also applies to mounts below the source. */
		mount->options = wanted->is_readonly ? "rbind,rprivate,ro,rro"
						     : "rbind,rprivate,rw";
		mount->origin = SETTING_ORIGIN(m->c, mounts);
	}
	for (size_t i = 0; i < m->c->tmpfs.count; i++) {
		const struct container_tmpfs *wanted = &m->c->tmpfs.items[i];
		struct oci_mount *mount = arena_push(m->a, &m->spec->mounts);
		mount->destination = wanted->destination;
		mount->type = "tmpfs";
		mount->source = "tmpfs";
		mount->options = arena_printf(m->a, "nosuid,nodev,noexec%s%s",
			wanted->options[0] ? "," : "", wanted->options);
		mount->origin = SETTING_ORIGIN(m->c, tmpfs);
	}
	sort_by_depth(m->spec->mounts.items + first, m->spec->mounts.count - first);
}

static void set_shm(struct compose *m)
{
	for (size_t i = 0; i < m->spec->mounts.count; i++) {
		struct oci_mount *mount = &m->spec->mounts.items[i];
		if (!str_eq(mount->destination, "/dev/shm"))
			continue;
		mount->options = arena_printf(
			m->a, "%s,size=%llu", mount->options, (unsigned long long)m->c->shm_bytes);
		mount->origin = SETTING_ORIGIN(m->c, shm_bytes);
	}
}

static void add_limit(struct compose *m, enum cgroup_limit limit, int64_t value, int64_t second,
	const char *text, const char *origin)
{
	struct oci_limit *item = arena_push(m->a, &m->spec->limits);
	*item = (struct oci_limit){limit, value, second, text, origin};
}

static void add_limits(struct compose *m)
{
	const struct container_limits *l = &m->c->limits;
	if (l->nano_cpus)
		add_limit(m, CGROUP_CPU_MAX, (int64_t)(l->nano_cpus * CPU_PERIOD_US / 1000000000u),
			CPU_PERIOD_US, NULL, SETTING_ORIGIN(m->c, limits.nano_cpus));
	if (l->cpuset_cpus)
		add_limit(m, CGROUP_CPUSET_CPUS, 0, 0, l->cpuset_cpus,
			SETTING_ORIGIN(m->c, limits.cpuset_cpus));
	/* The default limit is left out on hosts without the pids controller. */
	if (l->pids_limit > 0 &&
		(l->pids_limit != PIDS_LIMIT || cgroup_has_controller(&m->e->cgroup, "pids")))
		add_limit(m, CGROUP_PIDS_MAX, l->pids_limit, 0, NULL,
			SETTING_ORIGIN(m->c, limits.pids_limit));
	if (l->memory_bytes)
		add_limit(m, CGROUP_MEMORY_MAX, (int64_t)l->memory_bytes, 0, NULL,
			SETTING_ORIGIN(m->c, limits.memory_bytes));
	/* As with Docker, as much swap as memory. This row limits the sum of both. */
	if (l->memory_bytes && l->memory_bytes <= INT64_MAX / 2)
		add_limit(m, CGROUP_MEMORY_SWAP, 2 * (int64_t)l->memory_bytes, 0, NULL, "default");
}

static void add_sysctl(struct compose *m, const char *key, const char *value)
{
	struct oci_pair *pair = arena_push(m->a, &m->spec->sysctls);
	*pair = (struct oci_pair){key, value, "default"};
}

/* An explicit limit above what the caller may set is an error. A default limit is lowered to it,
 * and its origin says so. */
static int add_rlimit(struct compose *m, struct sec_rlimit_row row, const char *origin)
{
	bool is_default = str_eq(origin, "default");
	int r = sec_rlimit_clamp(&row);
	if (r < 0)
		return r;
	if (r > 0 && !is_default)
		return err_say(-EPERM, "--ulimit %s: this user may not set more than %lld:%lld",
			sec_rlimit_name(row.resource), (long long)row.soft, (long long)row.hard);
	for (size_t i = 0; i < m->spec->rlimits.count; i++)
		if (m->spec->rlimits.items[i].resource == row.resource)
			return 0;
	struct oci_rlimit *limit = arena_push(m->a, &m->spec->rlimits);
	*limit = (struct oci_rlimit){row.resource, row.soft, row.hard,
		r > 0 ? "default, lowered to what may be set" : origin};
	return 0;
}

static int add_rlimits(struct compose *m)
{
	static const struct sec_rlimit_row defaults[] = {
		{.resource = RLIMIT_NOFILE,
			.soft = DEFAULT_NOFILE_SOFT,
			.hard = DEFAULT_NOFILE_HARD},
		{.resource = RLIMIT_CORE, .soft = 0, .hard = UINT64_MAX},
	};
	for (size_t i = 0; i < m->c->limits.ulimits.count; i++) {
		int r = add_rlimit(
			m, m->c->limits.ulimits.items[i], SETTING_ORIGIN(m->c, limits.ulimits));
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		int r = add_rlimit(m, defaults[i], "default");
		if (r < 0)
			return r;
	}
	return 0;
}

static int caps_change(const struct str_list *names, uint64_t all, bool is_added, uint64_t *set)
{
	for (size_t i = 0; i < names->count; i++) {
		bool is_all = strcasecmp(names->items[i], "ALL") == 0;
		int number = is_all ? 0 : sec_cap_find(names->items[i]);
		if (number < 0) {
			const char *nearest = sec_cap_nearest(names->items[i]);
			int r = err_say(-EINVAL, "--cap-%s: \"%s\" is not a capability",
				is_added ? "add" : "drop", names->items[i]);
			return nearest ? err_hint(r, "Did you mean %s?", nearest) : r;
		}
		uint64_t bits = is_all ? all : 1ull << number;
		*set = is_added ? *set | (bits & all) : *set & ~bits;
	}
	return 0;
}

/* Root gets the whole set. Another user gets only the capabilities that were added by name, as
 * ambient ones, since no others survive its execve. */
static int set_caps(struct compose *m, bool is_privileged)
{
	struct oci_process *p = &m->spec->process;
	uint64_t all = sec_caps_of_caller(); /* the caller cannot give more than it has */
	uint64_t set = is_privileged ? all : sec_caps_default & all;
	uint64_t added = 0;
	/* As with Docker: --cap-add ALL --cap-drop X means all but X, and --cap-drop ALL --cap-add
	 * X means only X. */
	bool drops_all = false;
	for (size_t i = 0; i < m->c->security.cap_drop.count; i++)
		drops_all |= strcasecmp(m->c->security.cap_drop.items[i], "ALL") == 0;
	int r = caps_change(&m->c->security.cap_add, all, true, &added);
	uint64_t dropped = all;
	if (r == 0)
		r = caps_change(&m->c->security.cap_drop, all, false, &dropped);
	if (r < 0)
		return r;
	set = drops_all ? added : (set | added) & dropped;
	p->caps_bounding = set;
	uint64_t own = p->uid == 0 ? set : added & set;
	p->caps_effective = own;
	p->caps_permitted = own;
	p->caps_inheritable = p->uid == 0 ? 0 : own;
	p->caps_ambient = p->caps_inheritable;
	return 0;
}

/* exec --privileged: all capabilities, also those that the container was denied by name. */
static void set_all_caps(struct oci_process *p)
{
	p->caps_bounding = sec_caps_of_caller();
	if (p->uid == 0)
		p->caps_effective = p->caps_permitted = p->caps_bounding;
}

/* --security-opt seccomp=unconfined, no-new-privileges[:true]. */
static int set_security(struct compose *m, bool is_privileged)
{
	struct oci_process *p = &m->spec->process;
	bool is_filtered = !is_privileged;
	for (size_t i = 0; i < m->c->security.options.count; i++) {
		const char *option = m->c->security.options.items[i];
		if (str_eq(option, "seccomp=unconfined") || str_eq(option, "seccomp:unconfined"))
			is_filtered = false;
		else if (str_eq(option, "no-new-privileges") ||
			str_eq(option, "no-new-privileges:true") ||
			str_eq(option, "no-new-privileges=true"))
			p->no_new_privileges = true;
		else if (!str_eq(option, "no-new-privileges:false") &&
			!str_eq(option, "no-new-privileges=false"))
			return err_say(-EINVAL,
				"--security-opt \"%s\" is not one of seccomp=unconfined, "
				"no-new-privileges",
				option);
	}
	if (!is_filtered)
		return 0;
	auto_buf struct buf program = BUF_INIT;
	sec_seccomp_default(p->caps_bounding, &program);
	p->seccomp = arena_strn(m->a, program.data, program.len);
	p->seccomp_size = program.len;
	p->seccomp_name = "default";
	return 0;
}

static int set_user(struct compose *m, const char *user, int root_fd)
{
	struct image_user resolved = {0};
	int r = image_user_resolve(root_fd, user, m->a, &resolved);
	if (r < 0)
		return r;
	struct oci_process *p = &m->spec->process;
	p->uid = resolved.uid;
	p->gid = resolved.gid;
	/* The primary group is added too: otherwise a setgid program would leave that group
	 * (CVE-2022-2989). */
	p->groups = arena_new_array(m->a, uint32_t, resolved.group_count + 1);
	p->groups[p->group_count++] = resolved.gid;
	for (size_t i = 0; i < resolved.group_count; i++)
		p->groups[p->group_count++] = resolved.groups[i];
	p->user_name = user;
	for (size_t i = 0; i < p->env.count; i++)
		if (str_prefix(p->env.items[i], "HOME="))
			return 0;
	*arena_push(m->a, &p->env) = arena_printf(m->a, "HOME=%s", resolved.home);
	return 0;
}

/* A later variable of the same name replaces an earlier one in its place. */
static void env_put(struct arena *a, struct str_list *env, const char *pair)
{
	size_t len = strcspn(pair, "=");
	for (size_t i = 0; i < env->count; i++)
		if (strncmp(env->items[i], pair, len) == 0 && env->items[i][len] == '=') {
			env->items[i] = pair;
			return;
		}
	*arena_push(a, env) = pair;
}

static void set_env(struct compose *m, const struct str_list *extra, bool has_tty)
{
	struct str_list *env = &m->spec->process.env;
	env_put(m->a, env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	if (m->c->hostname)
		env_put(m->a, env, arena_printf(m->a, "HOSTNAME=%s", m->c->hostname));
	if (has_tty)
		env_put(m->a, env, "TERM=xterm");
	for (size_t i = 0; i < m->c->process.env.count; i++)
		env_put(m->a, env, m->c->process.env.items[i]);
	for (size_t i = 0; extra && i < extra->count; i++)
		env_put(m->a, env, extra->items[i]);
}

static int set_root(struct compose *m)
{
	struct oci_spec *spec = m->spec;
	spec->upper = arena_printf(m->a, "%s/containers/%s/upper", m->e->root_path, m->c->id);
	spec->work = arena_printf(m->a, "%s/containers/%s/work", m->e->root_path, m->c->id);
	spec->root_is_readonly = m->c->root_is_readonly;
	spec->root_is_volatile = m->c->is_auto_remove;
	spec->no_pivot = m->c->no_pivot;
	spec->root_propagation = MS_PRIVATE;
	return root_layers(m->e, m->c, m->a, &spec->layers);
}

static void set_process(struct compose *m)
{
	struct oci_process *p = &m->spec->process;
	p->cwd = m->c->process.cwd;
	p->umask = 0022;
	p->has_oom_score_adj = true;
	p->oom_score_adj = 0;
}

/* A container that may make device nodes may make any node. Other rules decide which devices it may
 * open. */
static void add_node_rules(struct compose *m)
{
	static const char types[] = {'c', 'b'};
	int mknod_number = sec_cap_find("MKNOD");
	if (m->c->security.is_privileged || !(m->spec->process.caps_bounding >> mknod_number & 1))
		return;
	for (size_t i = 0; i < sizeof(types); i++) {
		struct oci_device_rule *rule = arena_push(m->a, &m->spec->device_rules);
		*rule = (struct oci_device_rule){true, types[i], -1, -1, "m", "--cap-add"};
	}
}

int compose_run(struct engine *e, const struct container *c, int root_fd, struct arena *a,
	struct oci_spec *out)
{
	*out = (struct oci_spec){0};
	struct compose m = {.e = e, .c = c, .a = a, .spec = out};
	int r = peer_find(&m);
	if (r < 0)
		return r;
	auto_buf struct buf cgroup = BUF_INIT;
	container_cgroup_path(e, c->id, &cgroup);
	out->cgroup_path = arena_str(a, cgroup.data);
	out->hostname = c->hostname;
	out->wants_reaper = c->process.wants_init;
	out->process.has_terminal = c->process.has_tty;
	for (size_t i = 0; i < c->process.entrypoint.count; i++)
		*arena_push(a, &out->process.args) = c->process.entrypoint.items[i];
	for (size_t i = 0; i < c->process.command.count; i++)
		*arena_push(a, &out->process.args) = c->process.command.items[i];

	r = set_root(&m);
	if (r < 0)
		return r;
	set_process(&m);
	set_env(&m, NULL, c->process.has_tty);
	defaults_add(a, out, c->security.is_privileged);
	add_own_files(&m);
	set_shm(&m);
	add_mounts(&m);
	add_limits(&m);
	network_plan(e, c, a, out);
	if (has_own_network(c)) {
		add_sysctl(&m, "net.ipv4.ping_group_range", "0 2147483647");
		add_sysctl(&m, "net.ipv4.ip_unprivileged_port_start", "0");
	}
	add_namespaces(&m);
	r = add_rlimits(&m);
	if (r == 0)
		r = set_user(&m, c->process.user ? c->process.user : "", root_fd);
	if (r == 0)
		r = set_caps(&m, c->security.is_privileged);
	if (r == 0)
		add_node_rules(&m);
	return r < 0 ? r : set_security(&m, c->security.is_privileged);
}

/* A further process: the confinement of the first one, with its own command, user and terminal. */
int compose_exec(struct engine *e, const struct container *c, const struct exec_request *request,
	int root_fd, struct arena *a, struct oci_spec *out)
{
	*out = (struct oci_spec){0};
	struct compose m = {.e = e, .c = c, .a = a, .spec = out};
	static const char *const joined[] = {"mount", "uts", "ipc", "pid", "cgroup", "network"};
	for (size_t i = 0; i < sizeof(joined) / sizeof(joined[0]); i++)
		if (!(str_eq(joined[i], "network") && str_eq(c->network, "host")))
			add_namespace(&m, joined[i], "of the container", "default");
	auto_buf struct buf cgroup = BUF_INIT;
	container_cgroup_path(e, c->id, &cgroup);
	out->cgroup_path = arena_str(a, cgroup.data);

	out->process.args = request->command;
	out->process.has_terminal = request->has_tty;
	set_process(&m);
	if (request->cwd)
		out->process.cwd = request->cwd;
	set_env(&m, &request->env, request->has_tty);
	int r = add_rlimits(&m);
	if (r == 0)
		r = set_user(&m,
			request->user		  ? request->user
				: c->process.user ? c->process.user
						  : "",
			root_fd);
	if (r == 0)
		r = set_caps(&m, c->security.is_privileged);
	if (r == 0 && request->is_privileged)
		set_all_caps(&out->process);
	return r < 0 ? r : set_security(&m, c->security.is_privileged || request->is_privileged);
}
