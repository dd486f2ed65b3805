/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handle of an instance, its marks on kernel objects, and errors that every file of this folder
 * needs.
 */
#include "net/internal.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/file.h"
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>

int net_open(struct net **out, const char *instance)
{
	if (!str_is_hex(instance, sizeof(((struct net *)NULL)->instance) - 1))
		return err_say(-EINVAL, "the instance of the network is not 8 hex digits");

	auto_of(net) struct net *net = mem_new(sizeof(*net));
	net->route = net->filter = (struct netlink)NETLINK_INIT;
	fmt(net->instance, "%s", instance);
	int r = netlink_open(&net->route, NETLINK_ROUTE);
	if (r < 0)
		return err_new(r, "open a route socket");
	*out = take_ptr(&net);
	return 0;
}

void net_close(struct net *net)
{
	if (!net)
		return;
	netlink_close(&net->route);
	/* Closing a netfilter socket blocks until all that any socket deleted is freed: 12 ms. */
	if (net->filter.fd >= 0)
		socket_close_later(net->filter.fd);
	free(net);
}

int net_filter_open(struct net *net)
{
	if (net->filter.fd >= 0)
		return 0;
	int r = netlink_open(&net->filter, NETLINK_NETFILTER);
	if (r == -EPROTONOSUPPORT || r == -ESOCKTNOSUPPORT)
		return net_err_module(r, "nfnetlink");
	return r < 0 ? err_new(r, "open a netfilter socket") : 0;
}

int net_err(const struct netlink *n, int code, const char *format, ...)
{
	char words[400];
	va_list args;

	va_start(args, format);
	if (vsnprintf(words, sizeof(words), format, args) < 0)
		words[0] = '\0';
	va_end(args);
	err_new(code, "%s", words);
	return n->text[0] ? err_hint(code, "the kernel says: %s", n->text) : code;
}

int net_err_module(int code, const char *kind)
{
	static const struct {
		const char *kind;
		const char *module;
		const char *what;
	} modules[] = {
		{"bridge", "bridge", "bridges"},
		{"veth", "veth", "veth pairs"},
		{"macvlan", "macvlan", "macvlan interfaces"},
		{"ipvlan", "ipvlan", "ipvlan interfaces"},
		{"nfnetlink", "nfnetlink", "packet filter sockets"},
		{"nf_tables", "nf_tables", "nftables"},
	};

	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++)
		if (str_eq(modules[i].kind, kind))
			return err_say(code, "this kernel has no %s: the module %s is missing",
				modules[i].what, modules[i].module);
	return err_say(code, "this kernel has no interfaces of the kind %s", kind);
}

void net_mark(char out[static NET_ALIAS_TEXT], const struct net *net, const char *owner)
{
	if (fmt_n(out, NET_ALIAS_TEXT, "husk:%s:%s", net->instance, owner ? owner : "") < 0)
		BUG("the owner of a network object has a name of %zu bytes", strlen(owner));
}

bool net_mark_matches(const struct net *net, const char *text, const char *owner)
{
	char mark[NET_ALIAS_TEXT];

	net_mark(mark, net, owner);
	return owner ? str_eq(text, mark) : str_prefix(text, mark);
}

int net_sysctl_set(const char *path, const char *value)
{
	auto_close int dir = file_open_dir_at(AT_FDCWD, "/proc/sys/net");
	auto_buf struct buf now = BUF_INIT;

	if (dir < 0)
		return dir;
	int r = file_read_at(dir, path, 32, &now);
	if (r < 0)
		return r;
	size_t len = strlen(value);
	if (now.len >= len && memcmp(now.data, value, len) == 0 &&
		(now.len == len || now.data[len] == '\n'))
		return 0;
	r = file_write_at(dir, path, value);
	return r < 0 ? r : 1;
}
