/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarding of the host. The kernel forwards between all interfaces or none, and the first bridge
 * needs forwarding. That alone would make the host a router between its other interfaces. If husk
 * switched it on, a rule keeps those closed that existed then; interfaces made later are not
 * husk's. Forwarding is switched off with the last network, unless others need it by then: then the
 * rule stays.
 *
 *   forwarding      in the state directory: the boot id, then these interfaces, a line each
 */
#include "base/err.h"
#include "base/str.h"
#include "network/internal.h"
#include "net/net.h"
#include "sys/calls.h"
#include "sys/file.h"

#include <errno.h>

#define FORWARDING_FILE "forwarding"
enum { FORWARDING_BYTES_MAX = 1 << 20 };

/* -ENOENT: husk did not switch forwarding on. */
static int closed_load(const struct engine *e, struct strvec *out)
{
	auto_buf struct buf text = BUF_INIT;
	int r = file_read_at(e->state_fd, FORWARDING_FILE, FORWARDING_BYTES_MAX, &text);
	if (r < 0)
		return r;
	char *rest = text.data;
	const char *boot = str_cut(&rest, '\n');
	if (!str_eq(boot, e->boot_id))
		return -ENOENT;
	for (char *name = str_cut(&rest, '\n'); name && *name; name = str_cut(&rest, '\n'))
		strvec_push(out, name);
	return 0;
}

static int closed_store(const struct engine *e, const struct strvec *names)
{
	auto_buf struct buf text = BUF_INIT;
	buf_addf(&text, "%s\n", e->boot_id);
	strvec_each (name, names)
		buf_addf(&text, "%s\n", *name);
	int r = file_replace_at(e->state_fd, FORWARDING_FILE, text.data, text.len, 0600, false);
	return r < 0 ? err_new(r, "write %s/" FORWARDING_FILE, e->state_path) : 0;
}

/* The rule is added before forwarding opens what the rule closes. */
static int switch_on(const struct engine *e, struct net *net)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	int r = net_link_names(net, &names);
	if (r == 0)
		r = closed_store(e, &names);
	if (r == 0)
		r = net_rules_close(net, &names);
	if (r == 0)
		r = net_forwarding_enable(false);
	return r < 0 ? r : 0;
}

int forwarding_ensure(const struct engine *e, struct net *net)
{
	int r = net_forwarding_is_on();
	return r == 0 ? switch_on(e, net) : r < 0 ? r : 0;
}

int forwarding_restore(const struct engine *e, struct net *net)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	int r = closed_load(e, &names);
	if (r < 0)
		return r == -ENOENT ? 0 : err_new(r, "read %s/" FORWARDING_FILE, e->state_path);
	return net_rules_close(net, &names);
}

int forwarding_return(const struct engine *e, struct net *net)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	int r = closed_load(e, &names);
	if (r < 0)
		return r == -ENOENT ? 1 : err_new(r, "read %s/" FORWARDING_FILE, e->state_path);
	r = net_foreign_forwards(net);
	if (r != 0)
		return r < 0 ? r : 0;
	r = net_forwarding_disable();
	if (r < 0)
		return r;
	r = sys_unlink_at(e->state_fd, FORWARDING_FILE, 0);
	return r < 0 ? err_new(r, "remove %s/" FORWARDING_FILE, e->state_path) : 1;
}
