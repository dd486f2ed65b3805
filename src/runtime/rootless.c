/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers of callers without root of the machine. Root of a user namespace, as podman gives its
 * users, prepares mounts as usual. A caller that may not even mount leaves all mounts to init, in
 * the container's user namespace. Such a container has a cgroup only where one has been delegated.
 */
#include "runtime/internal.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "ns/ns.h"
#include "sec/sec.h"

#include <errno.h>
#include <linux/capability.h>

static bool has_user_namespace(const struct oci_spec *spec)
{
	for (size_t i = 0; i < spec->namespaces.count; i++)
		if (str_eq(spec->namespaces.items[i].type, "user"))
			return true;
	return false;
}

static bool is_root(void)
{
	return sec_cap_is_effective(CAP_SYS_ADMIN) && ns_user_is_initial();
}

/* A container without limits can do without a cgroup. Its processes are then found by its pid
 * namespace. */
int runtime_rootless_cgroup(struct oci_spec *spec, const struct cgroup_host *host, bool is_named)
{
	if (is_root() || cgroup_may_create(host, spec->cgroup_path))
		return 0;
	if (spec->limits.count)
		return err_say(-EPERM,
			"config.json: linux.resources: limits need a cgroup, and this user may not "
			"make "
			"%s: none has been delegated",
			spec->cgroup_path);
	if (is_named)
		log_warn("the container has no cgroup of its own: this user may not make %s",
			spec->cgroup_path);
	spec->cgroup_path = NULL;
	return 0;
}

int runtime_rootless_adapt(struct oci_spec *spec)
{
	bool may_mount = sec_cap_is_effective(CAP_SYS_ADMIN);
	if (is_root())
		return 0;
	if (!may_mount && !has_user_namespace(spec))
		return err_say(-EPERM,
			"config.json: linux.namespaces: without root a container needs a user "
			"namespace "
			"(husk-runtime spec --rootless writes such a configuration)");
	spec->opens_inside = !may_mount;
	/* No process can make a device in a user namespace, and only root of the machine can set
	 * rules. */
	spec->device_rules.count = 0;
	return 0;
}
