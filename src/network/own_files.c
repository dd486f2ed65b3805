/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files in the run directory that become /etc/hosts, /etc/hostname and /etc/resolv.conf. A
 * container in the host's network gets copies of the host's files. A container in another
 * container's network gets that container's files (compose.c).
 */
#include "network/internal.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "net/net.h"
#include "sys/file.h"

enum { FILE_BYTES_MAX = 1 << 20, SERVER_TEXT = 96 /* an address, and perhaps a zone */ };

/* Here systemd-resolved writes the servers that it asks itself. */
static const char resolved_path[] = "/run/systemd/resolve/resolv.conf";

/* A container cannot reach the host's loopback, which is not its own, and IPv6, which no network
 * has yet. */
static bool is_out_of_reach(const char *server)
{
	struct net_address address;
	if (strchr(server, ':')) /* may have a zone ("%eth0"), which is a name of the host */
		return true;
	return net_address_parse(server, &address) == 0 && address.bytes[0] == 127;
}

/* The server of a line "nameserver ADDRESS", into `out`; false for any other line. */
static bool server_of(const char *line, char out[static SERVER_TEXT])
{
	const char *at = str_after(line, "nameserver");
	if (!at || (*at != ' ' && *at != '\t'))
		return false;
	at += strspn(at, " \t");
	return fmt_n(out, SERVER_TEXT, "%.*s", (int)strcspn(at, " \t\r"), at) >= 0;
}

/* Appends the text without the nameservers that the container cannot reach. */
static void servers_filter(
	const struct buf *text, struct buf *out, size_t *out_kept, size_t *out_dropped)
{
	auto_free char *copy = mem_strdup(text->data);
	char *rest = copy, *line, server[SERVER_TEXT];
	*out_kept = *out_dropped = 0;
	while ((line = str_cut(&rest, '\n'))) {
		bool is_server = server_of(line, server);
		if (is_server && is_out_of_reach(server)) {
			(*out_dropped)++;
			continue;
		}
		*out_kept += is_server;
		buf_addf(out, "%s%s", line, rest ? "\n" : "");
	}
}

/* If the host has no nameserver, none is invented: queries from this network would be sent to
 * strangers. */
static void resolv_fill(const struct container *c, const struct buf *host, struct buf *out)
{
	size_t kept, dropped, other_kept, other_dropped;
	servers_filter(host, out, &kept, &dropped);
	if (kept || !dropped)
		return;
	auto_buf struct buf resolved = BUF_INIT, other = BUF_INIT;
	if (file_read(resolved_path, FILE_BYTES_MAX, &resolved) == 0)
		servers_filter(&resolved, &other, &other_kept, &other_dropped);
	else
		other_kept = 0;
	if (other_kept) {
		buf_clear(out);
		buf_adds(out, other.data);
		return;
	}
	buf_adds(out,
		"# husk: all nameservers of the host are on its loopback or have IPv6 addresses, "
		"out of "
		"reach from here.\n");
	if (!str_eq(c->network, "none"))
		log_warn(
			"container %.12s has no nameserver: all of the host's /etc/resolv.conf are "
			"on its loopback or have IPv6 addresses",
			c->id);
}

static int own_file_write(
	int run_dir, const struct container *c, const char *name, const struct buf *content)
{
	int r = file_replace_at(run_dir, name, content->data, content->len, 0644, false);
	return r < 0 ? err_new(r, "write %s for container %.12s", name, c->id) : 0;
}

int own_files_make(const struct container *c, int run_dir)
{
	if (str_prefix(c->network, "container:"))
		return 0;
	bool is_host = str_eq(c->network, "host");
	auto_buf struct buf hosts = BUF_INIT, hostname = BUF_INIT, resolv = BUF_INIT,
			    host_resolv = BUF_INIT;
	/* A missing file of the host counts as an empty one. */
	if (!is_host)
		buf_adds(&hosts,
			"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
	else if (file_read("/etc/hosts", FILE_BYTES_MAX, &hosts) < 0)
		buf_clear(&hosts);
	if (file_read("/etc/resolv.conf", FILE_BYTES_MAX, &host_resolv) < 0)
		buf_clear(&host_resolv);
	if (is_host)
		buf_add(&resolv, host_resolv.data, host_resolv.len);
	else
		resolv_fill(c, &host_resolv, &resolv);
	buf_addf(&hostname, "%s\n", c->hostname);

	int r = own_file_write(run_dir, c, "hosts", &hosts);
	if (r == 0)
		r = own_file_write(run_dir, c, "hostname", &hostname);
	return r < 0 ? r : own_file_write(run_dir, c, "resolv.conf", &resolv);
}
