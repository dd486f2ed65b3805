/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The endpoint of a container: its leases, and all that attaching, publishing and giving back need.
 * So a start reads the record of its network once, and an end does not read it. The file `endpoint`
 * of the run directory belongs to one boot, and to the version that wrote it.
 */
#include "network/internal.h"
#include "base/err.h"
#include "sys/calls.h"
#include "sys/file.h"

#include <errno.h>
#include <stddef.h>

enum { ENDPOINT_VERSION = 1 };

static size_t endpoint_size(size_t port_count)
{
	return offsetof(struct endpoint, ports) + port_count * sizeof(struct net_publication);
}

int endpoint_store(const struct engine *e, const char *id, struct endpoint *endpoint)
{
	auto_close int run_dir = container_run_dir_open(e, id);
	endpoint->version = ENDPOINT_VERSION;
	int r = run_dir < 0 ? run_dir
			    : file_replace_at(run_dir, "endpoint", endpoint,
				      endpoint_size(endpoint->port_count), 0600, false);
	return r < 0 ? err_new(r, "write the endpoint of container %.12s", id) : 0;
}

int endpoint_load(const struct engine *e, const char *id, struct endpoint *out)
{
	auto_close int run_dir = container_run_dir_open(e, id);
	auto_buf struct buf bytes = BUF_INIT;
	int r = run_dir < 0 ? run_dir : file_read_at(run_dir, "endpoint", sizeof(*out), &bytes);
	if (r < 0)
		return r;
	if (bytes.len < endpoint_size(0))
		return -EBADMSG;
	memcpy(out, bytes.data, bytes.len);
	bool is_right = out->version == ENDPOINT_VERSION && out->port_count <= ENDPOINT_PORTS_MAX &&
		bytes.len == endpoint_size(out->port_count) &&
		memchr(out->network_id, '\0', sizeof(out->network_id)) &&
		memchr(out->bridge, '\0', sizeof(out->bridge)) &&
		memchr(out->driver, '\0', sizeof(out->driver));
	return is_right ? 0 : -EBADMSG;
}

void endpoint_remove(const struct engine *e, const char *id)
{
	auto_close int run_dir = container_run_dir_open(e, id);
	sys_unlink_at(run_dir, "endpoint", 0);
}
