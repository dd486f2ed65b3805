/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts of options and of networks: volumes, published ports, addresses, subnets, mount options.
 * One text for all.
 */
#include "records/records.h"

#include "base/err.h"
#include "base/str.h"
#include "fuzz.h"
#include "mount/mount.h"

#include <errno.h>
#include <linux/mount.h>

static void mount_check(const char *text)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_buf struct buf once = BUF_INIT, twice = BUF_INIT;
	struct engine e = {.root_path = "/var/lib/husk"};
	struct container_mounts mounts = {0};
	int r = mount_add(text, &a, &mounts);
	if (r < 0 && err_code() != r)
		BUG("%d without a sentence", r);
	if (r < 0)
		return;
	if (mounts.items[0].is_anonymous)
		mounts.items[0].volume = id_make(&a);
	mounts_resolve(&e, &a, &mounts);
	const struct container_mount *m = &mounts.items[0];
	mount_write(m, &once);
	if (m->source[0] != '/' || m->destination[0] != '/')
		BUG("\"%s\" became %s", text, once.data);
	if (mount_add(once.data, &a, &mounts) < 0)
		BUG("\"%s\" became %s, which is none", text, once.data);
	mount_write(&mounts.items[1], &twice);
	if (!str_eq(once.data, twice.data))
		BUG("%s became %s", once.data, twice.data);
}

static void tmpfs_check(const char *text)
{
	auto_arena struct arena a = ARENA_INIT;
	struct container_tmpfses list = {0};
	if (tmpfs_add(text, &a, &list) == 0 &&
		(list.items[0].destination[0] != '/' || !list.items[0].options))
		BUG("\"%s\" became %s", text, list.items[0].destination);
}

static void port_check(const char *text)
{
	auto_arena struct arena a = ARENA_INIT;
	struct container_ports ports = {0};
	auto_buf struct buf shown = BUF_INIT, once = BUF_INIT, twice = BUF_INIT;
	int r = port_add(text, &a, &ports);
	if (r < 0 && err_code() != r)
		BUG("%d without a sentence", r);
	if (r < 0)
		return;
	const struct net_publication *p = &ports.items[0];
	if (p->port == 0 || p->count == 0 || p->port + p->count - 1 > UINT16_MAX ||
		p->host_port + p->count - 1 > UINT16_MAX || p->count > NET_PORTS_MAX)
		BUG("ports %u + %u from %u", p->port, p->count, p->host_port);
	if (p->protocol >= NET_PROTOCOL_COUNT || p->host.size != 4)
		BUG("protocol %d, address of %u bytes", (int)p->protocol, p->host.size);
	port_format(p, &shown);
	port_write(p, &once);
	if (port_add(once.data, &a, &ports) < 0)
		BUG("\"%s\" became %s, which is none", text, once.data);
	port_write(&ports.items[1], &twice);
	if (!str_eq(once.data, twice.data))
		BUG("%s became %s", once.data, twice.data);
}

static void address_check(const char *text)
{
	struct net_address a, again;
	char shown[NET_ADDRESS_TEXT];
	if (net_address_parse(text, &a) < 0)
		return;
	if (net_address_parse(net_address_format(shown, &a), &again) < 0 ||
		!net_address_equal(&a, &again))
		BUG("%s became %s", text, shown);
}

static void subnet_check(const char *text)
{
	struct net_subnet s, again;
	struct net_address host;
	char shown[NET_SUBNET_TEXT];
	int r = net_subnet_parse(text, &s);
	if (r < 0 && r != -ERANGE)
		return;
	if (net_subnet_parse(net_subnet_format(shown, &s), &again) < 0 ||
		!net_address_equal(&s.address, &again.address) || s.length != again.length)
		BUG("%s became %s", text, shown);
	if (!net_subnet_overlaps(&s, &again) || !net_subnet_has(&s, &s.address))
		BUG("%s is not in itself", shown);
	if (net_subnet_host(&s, 1, &host) == 0 && !net_subnet_has(&s, &host))
		BUG("the first host of %s is not in it", shown);
}

/* Known options become bits. The others go to the file system unchanged. */
static void options_check(const char *text)
{
	auto_of(mount_options) struct mount_options o = {.data = BUF_INIT};
	auto_of(mount_options) struct mount_options again = {.data = BUF_INIT};
	if (mount_options_parse(text, &o) < 0)
		return;
	uint64_t atime = o.attr_set & MOUNT_ATTR__ATIME;
	if (atime && atime != MOUNT_ATTR_NOATIME && atime != MOUNT_ATTR_STRICTATIME)
		BUG("\"%s\" has two opinions of access times", text);
	if (mount_options_parse(o.data.data, &again) < 0 || !str_eq(again.data.data, o.data.data))
		BUG("\"%s\" became \"%s\"", o.data.data, again.data.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf text = BUF_INIT;
	buf_add(&text, data, size);
	mount_check(text.data);
	tmpfs_check(text.data);
	port_check(text.data);
	address_check(text.data);
	subnet_check(text.data);
	options_check(text.data);
	return 0;
}
