/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json and process.json: an accepted document has what the plan relies on, and every refusal
 * has a sentence.
 */
#include "heap.h"
#include "base/err.h"
#include "base/str.h"
#include "bundle/internal.h"

#include <string.h>

enum { ROWS_ROOM = 1 << 16, ROOM_FOR_BYTE = 128 };

static void refusal_check(int r, const char *name)
{
	if (r == 0)
		return;
	if (r > 0 || err_code() != r || !str_prefix(err_text(), name))
		BUG("refused with %d: %s", r, err_text());
}

static void process_check(const struct oci_process *p)
{
	if (p->args.count == 0 || p->cwd[0] != '/' || p->umask > 0777)
		BUG("a process without args, directory or umask");
	for (size_t i = 0; i < p->env.count; i++)
		if (!strchr(p->env.items[i], '='))
			BUG("env %s", p->env.items[i]);
	for (size_t i = 0; i < p->group_count; i++)
		if (p->groups[i] == UINT32_MAX)
			BUG("no group");
	if (p->uid == UINT32_MAX || p->gid == UINT32_MAX)
		BUG("no id");
	if (p->caps_effective & ~p->caps_permitted ||
		p->caps_ambient & ~(p->caps_inheritable & p->caps_permitted))
		BUG("capabilities that the kernel refuses");
}

static void mount_check(const struct oci_mount *mount)
{
	if (mount->destination[0] != '/' || mount->destination[1] == '\0' ||
		strstr(mount->destination, "/../") || strstr(mount->destination, "//"))
		BUG("destination %s", mount->destination);
	if (!mount->type && (!mount->source || mount->source[0] != '/'))
		BUG("bind of %s", mount->source);
}

static void spec_check(const struct oci_spec *spec)
{
	bool has_mount = false, has_uts = false;
	if (spec->layers.count != 1 || spec->layers.items[0][0] != '/')
		BUG("%zu layers", spec->layers.count);
	for (size_t i = 0; i < spec->namespaces.count; i++) {
		const struct oci_namespace *ns = &spec->namespaces.items[i];
		has_mount |= str_eq(ns->type, "mount") && !ns->path;
		has_uts |= str_eq(ns->type, "uts");
		if (ns->path && ns->path[0] != '/')
			BUG("namespace %s", ns->path);
	}
	if (!has_mount || ((spec->hostname || spec->domainname) && !has_uts))
		BUG("a container that would change the host");
	for (size_t i = 0; i < spec->mounts.count; i++)
		mount_check(&spec->mounts.items[i]);
	for (size_t i = 0; i < spec->devices.count; i++)
		if (spec->devices.items[i].path[0] != '/' || spec->devices.items[i].mode > 07777)
			BUG("device %s", spec->devices.items[i].path);
	for (size_t i = 0; i < spec->masked.count; i++)
		if (spec->masked.items[i].path[0] != '/')
			BUG("masked path %s", spec->masked.items[i].path);
	for (size_t kind = 0; kind < OCI_HOOK_COUNT; kind++)
		for (size_t i = 0; i < spec->hooks[kind].count; i++)
			if (spec->hooks[kind].items[i].path[0] != '/')
				BUG("hook %s", spec->hooks[kind].items[i].path);
}

static void documents_check(const uint8_t *data, size_t size)
{
	auto_of(arena) struct arena a = ARENA_INIT;
	struct oci_spec spec = {0}, process = {0};
	int r = bundle_config_parse((const char *)data, size, "/bundle", &a, &spec);
	refusal_check(r, "config.json: ");
	if (r == 0)
		spec_check(&spec);
	if (r == 0 && spec.process.args.count)
		process_check(&spec.process);
	r = bundle_process_parse("process.json", (const char *)data, size, &a, &process);
	refusal_check(r, "process.json: ");
	if (r == 0)
		process_check(&process.process);
	/* A hook has the smallest text for the largest row. Both documents are read, and arrays
	 * double when they grow. */
	if (a.total_bytes > ROWS_ROOM + size * ROOM_FOR_BYTE)
		BUG("%zu bytes of memory for %zu", a.total_bytes, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_in_heap(documents_check, data, size);
	return 0;
}
