/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount table and the caller's groups: mountinfo up to an empty line, then /proc/self/cgroup.
 */
#include "cgroup/host.c"

#include "fuzz.h"

/* The conditions that the rest of the folder relies on. */
static void hierarchy_check(const struct cgroup_hierarchy *h)
{
	char place[CGROUP_PATH_MAX];
	if (h->own_path[0] != '/')
		BUG("the caller is in \"%s\"", h->own_path);
	if (cgroup_place(h, true, "husk/x", place) < 0 || !str_suffix(place, "/husk/x"))
		BUG("no place for a group in %s%s", h->mount_point, h->own_path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf text = BUF_INIT;
	struct cgroup_host host = {.count = 4242};
	buf_add(&text, data, size);
	char *self = strstr(text.data, "\n\n");
	if (self) {
		self[1] = '\0';
		self += 2;
	}
	int r = cgroup_host_parse(text.data, self ? self : "0::/\n", &host);
	if (r < 0) {
		if (host.count != 4242 || r != err_code())
			BUG("refused with %d: %s", r, err_text());
		return 0;
	}
	if (host.count == 0 || host.count > CGROUP_HIERARCHIES_MAX)
		BUG("%zu hierarchies", host.count);
	for (size_t i = 0; i < host.count; i++)
		hierarchy_check(&host.hierarchies[i]);
	if (host.is_unified && host.count != 1 && *host.controllers)
		BUG("a unified host with v1 controllers: %s", host.controllers);
	return 0;
}
