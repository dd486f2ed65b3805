/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks as records: one JSON file each, made by `network create`, or, for the default network
 * `bridge`, by the first container that needs it. The bridge and the rules in the kernel follow
 * from the record, and are made again if they are missing.
 */
#include "network/internal.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/lock.h"

#include <errno.h>
#include <sys/random.h>

enum { NETWORK_BYTES_MAX = 64 << 10 };

static int record_path(char out[static 160], const char *name)
{
	return fmt_n(out, 160, "networks/%s.json", name);
}

static int network_store(struct engine *e, const struct network *n)
{
	char path[160], subnet[NET_SUBNET_TEXT], gateway[NET_ADDRESS_TEXT];
	auto_buf struct buf text = BUF_INIT;
	struct json_writer w = {.out = &text};
	json_open_object(&w, NULL);
	json_put_u64(&w, "version", 1);
	json_put_string(&w, "name", n->name);
	json_put_string(&w, "id", n->id);
	json_put_string(&w, "driver", n->driver);
	json_put_string(&w, "bridge", n->bridge);
	json_put_string(&w, "subnet", net_subnet_format(subnet, &n->subnet));
	json_put_string(&w, "gateway", net_address_format(gateway, &n->gateway));
	json_put_bool(&w, "internal", n->is_internal);
	json_put_u64(&w, "created", n->created_ns);
	json_close_object(&w);
	record_path(path, n->name);
	int r = file_replace_at(e->root_fd, path, text.data, text.len, 0600, true);
	if (r == 0)
		return 0;
	sys_unlink_at(e->root_fd, path, 0); /* it may exist without being durable */
	return err_new(r, "write network %s", n->name);
}

static int network_parse(
	const char *path, const struct buf *text, struct arena *a, struct network *out)
{
	auto_of(json) struct json *document = NULL;
	int r = json_parse(path, text->data, text->len, &document);
	if (r < 0)
		return r;
	struct json_cursor root = json_root(document);
	const char *subnet = NULL, *gateway = NULL;
	struct network n = {0};
	const struct {
		const char *key;
		const char **field;
	} strings[] = {{"name", &n.name}, {"id", &n.id}, {"driver", &n.driver},
		{"bridge", &n.bridge}, {"subnet", &subnet}, {"gateway", &gateway}};
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		r = json_opt_string(&root, strings[i].key, a, strings[i].field);
		if (r < 0)
			return r;
		if (r == 0)
			return json_err(&root, -EBADMSG, "\"%s\" is missing", strings[i].key);
	}
	r = json_opt_bool(&root, "internal", &n.is_internal);
	if (r >= 0)
		r = json_opt_u64(&root, "created", &n.created_ns);
	if (r < 0)
		return r;
	if (net_subnet_parse(subnet, &n.subnet) < 0 || net_address_parse(gateway, &n.gateway) < 0)
		return json_err(&root, -EBADMSG, "the subnet or the gateway is not one");
	*out = n;
	return 0;
}

int network_read(struct engine *e, const char *name, struct arena *a, struct network *out)
{
	char path[160];
	if (!str_is_name(name) || record_path(path, name) < 0)
		return err_say(-ENOENT, "network \"%s\" not found", name);
	auto_buf struct buf text = BUF_INIT;
	int r = file_read_at(e->root_fd, path, NETWORK_BYTES_MAX, &text);
	if (r == -ENOENT)
		return err_say(r, "network \"%s\" not found", name);
	return r < 0 ? err_new(r, "read network %s", name) : network_parse(path, &text, a, out);
}

int network_names(struct engine *e, struct strvec *out)
{
	auto_strvec struct strvec files = STRVEC_INIT;
	int r = file_list_at(e->root_fd, "networks", &files);
	if (r < 0)
		return err_new(r, "list networks");
	strvec_each (file, &files) {
		char *end = strrchr(*file, '.');
		if (!end || !str_eq(end, ".json"))
			continue;
		*end = '\0';
		strvec_push(out, *file);
	}
	return 0;
}

/* `wanted` may be NULL: then overlaps are not refused here but avoided later. */
static int taken_collect(struct engine *e, struct arena *a, const struct net_subnet *wanted,
	struct net_subnet *out, size_t room)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	int r = network_names(e, &names);
	if (r < 0)
		return r;
	size_t count = 0;
	strvec_each (name, &names) {
		struct network n;
		r = network_read(e, *name, a, &n);
		if (r < 0)
			return r;
		if (count == room)
			return err_say(
				-E2BIG, "there are %zu networks, as many as there may be", room);
		out[count++] = n.subnet;
		if (wanted && net_subnet_overlaps(wanted, &n.subnet)) {
			char text[2][NET_SUBNET_TEXT];
			return err_say(-EEXIST, "the subnet %s overlaps %s of network %s",
				net_subnet_format(text[0], wanted),
				net_subnet_format(text[1], &n.subnet), n.name);
		}
	}
	return (int)count;
}

/* Removes files that dead commands have half written. The caller holds the lock. */
static void torn_remove(struct engine *e)
{
	auto_strvec struct strvec files = STRVEC_INIT;
	if (file_list_at(e->root_fd, "networks", &files) < 0)
		return;
	strvec_each (file, &files) {
		auto_buf struct buf path = BUF_INIT;
		buf_addf(&path, "networks/%s", *file);
		if (str_prefix(*file, ".new."))
			sys_unlink_at(e->root_fd, path.data, 0);
	}
}

enum { NETWORKS_MAX = 1024 };

int network_make(struct engine *e, struct network *n, struct arena *a)
{
	struct net *net;
	int r = engine_net(e, &net);
	if (r < 0)
		return r;
	torn_remove(e);
	struct net_subnet *taken = arena_new_array(a, struct net_subnet, NETWORKS_MAX);
	bool is_chosen = n->subnet.address.size > 0;
	int count = taken_collect(e, a, is_chosen ? &n->subnet : NULL, taken, NETWORKS_MAX);
	if (count < 0)
		return count;
	if (is_chosen)
		r = net_subnet_check(net, &n->subnet, NULL);
	else
		r = net_subnet_find_free(net, taken, (size_t)count, &n->subnet);
	if (r < 0)
		return r;
	if (n->gateway.size == 0 && net_subnet_host(&n->subnet, 1, &n->gateway) < 0)
		return err_say(-EINVAL,
			"the subnet %s is too small for a gateway and a container: a /30 is the "
			"least",
			net_subnet_format((char[NET_SUBNET_TEXT]){0}, &n->subnet));
	uint8_t bytes[32];
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		BUG("getrandom");
	auto_buf struct buf hex = BUF_INIT;
	for (size_t i = 0; i < sizeof(bytes); i++)
		buf_addf(&hex, "%02x", bytes[i]);
	n->id = arena_str(a, hex.data);
	n->bridge = arena_printf(a, "hk%.11s", n->id);
	n->created_ns = clock_real_ns();
	return network_store(e, n);
}

int network_load(struct engine *e, const char *name, struct arena *a, struct network *out)
{
	int r = network_read(e, name, a, out);
	if (r != -ENOENT || !str_eq(name, "bridge"))
		return r;
	auto_close int lock = lock_file_at(e->root_fd, "networks/lock", true);
	if (lock < 0)
		return err_new(lock, "lock the networks");
	r = network_read(e, name, a, out);
	if (r != -ENOENT)
		return r;
	*out = (struct network){.name = "bridge", .driver = "bridge"};
	return network_make(e, out, a);
}

int network_hold(struct engine *e, const char *name, struct arena *a, struct network *out)
{
	for (;;) {
		auto_close int lock = lock_shared_at(e->root_fd, "networks/lock");
		if (lock < 0)
			return err_new(lock, "lock the networks");
		int r = network_read(e, name, a, out);
		if (r == 0)
			return take_fd(&lock);
		if (r != -ENOENT || !str_eq(name, "bridge"))
			return r;
		fd_replace(&lock, -EBADF);
		r = network_load(e, name, a, out);
		if (r < 0)
			return r;
	}
}
