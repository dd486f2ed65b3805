/* SPDX-License-Identifier: Apache-2.0 */
/* husk ns ls, show and tree: what lsns(8) and pstree(1) show, with the names of containers. */
#include "cli/internal.h"
#include "cli/ns.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "sys/user.h"

#include <errno.h>
#include <inttypes.h>

struct ls_args {
	bool wants_json, has_no_heads, is_persistent;
	const char *task;
	struct strvec types;
};

static const struct opt ls_opts[] = {
	OPT_FLAG('J', "json", struct ls_args, wants_json, "as JSON"),
	OPT_FLAG('n', "noheadings", struct ls_args, has_no_heads, "without the line of headings"),
	OPT_FLAG('P', "persistent", struct ls_args, is_persistent,
		"only those without processes, and where they are kept"),
	OPT_STRING('p', "task", struct ls_args, task, "PID",
		"only those of a process, as the argument"),
	OPT_LIST('t', "type", struct ls_args, types, "TYPE",
		"only these: mnt, net, ipc, user, pid, uts, cgroup or time"),
	OPT_END,
};

/* A running container and its namespaces. */
struct owner {
	char name[64];
	uint64_t inodes[NS_COUNT];
};

struct owners {
	struct arena *arena;
	struct owner *items;
	size_t count;
	uint64_t host[NS_COUNT];
};

static void owner_add(const char *name, pid_t pid, void *data)
{
	struct owners *owners = data;
	struct owner *o = arena_push(owners->arena, owners);
	fmt(o->name, "%.63s", name);
	for (int kind = 0; kind < NS_COUNT; kind++) {
		if (ns_inode(pid, (enum ns_kind)kind, &o->inodes[kind]) < 0)
			o->inodes[kind] = 0;
	}
}

/* A container that shares a namespace with the caller does not own it. */
static void owners_load(struct cli_context *context, struct owners *out)
{
	for (int kind = 0; kind < NS_COUNT; kind++) {
		if (ns_inode(0, (enum ns_kind)kind, &out->host[kind]) < 0)
			out->host[kind] = 0;
	}
	ns_container_each(context, owner_add, out);
}

static const char *owner_of(const struct owners *owners, const struct ns_entry *e)
{
	for (size_t i = 0; i < owners->count && e->inode != owners->host[e->kind]; i++) {
		if (owners->items[i].inodes[e->kind] == e->inode)
			return owners->items[i].name;
	}
	return NULL;
}

static bool is_wanted(const struct ls_args *args, uint32_t kinds, const struct ns_entry *e)
{
	return (kinds == 0 || kinds & 1u << e->kind) &&
		(!args->is_persistent || e->process_count == 0);
}

/* The name of a user, or the number. The last one is remembered, because a lookup may start a
 * process. */
static const char *user_name(uid_t uid, struct user_entry *last)
{
	bool is_known = *last->name && last->id == uid;
	if (!is_known && user_find_id(uid, last) < 0) {
		last->id = uid;
		fmt(last->name, "%u", uid);
	}
	return last->name;
}

static void print_row(
	struct table *table, const struct ns_entry *e, const char *user, const char *owner)
{
	table_addf(table, "%" PRIu64, e->inode);
	table_add(table, ns_info[e->kind].name);
	table_addf(table, "%u", e->process_count);
	if (e->first_pid)
		table_addf(table, "%d", e->first_pid);
	else
		table_addf(table, "-");
	table_add(table, user);
	table_add(table, owner ? owner : "-");
	if (e->process_count)
		table_add(table, e->command);
	else
		table_addf(table, "(kept at %s)", e->bound_path);
}

static void print_json(
	struct json_writer *w, const struct ns_entry *e, const char *user, const char *owner)
{
	json_open_object(w, NULL);
	json_put_u64(w, "ns", e->inode);
	json_put_string(w, "type", ns_info[e->kind].name);
	json_put_u64(w, "nprocs", e->process_count);
	if (e->first_pid)
		json_put_i64(w, "pid", e->first_pid);
	else
		json_put_null(w, "pid");
	json_put_string(w, "user", user);
	json_put_string(w, "command", e->process_count ? e->command : NULL);
	json_put_string(w, "container", owner);
	json_put_string(w, "path", *e->bound_path ? e->bound_path : NULL);
	json_close_object(w);
}

static int parse_types(const struct strvec *types, uint32_t *out)
{
	for (size_t i = 0; i < types->count; i++) {
		int kind = ns_kind_find(types->items[i]);
		if (kind < 0)
			return err_say(-EINVAL,
				"--type: \"%s\" is not mnt, net, ipc, user, pid, uts, cgroup or "
				"time",
				types->items[i]);
		*out |= 1u << kind;
	}
	return 0;
}

static void ls_print(const struct ls_args *args, uint32_t kinds, const struct ns_list *list,
	const struct owners *owners)
{
	static const char *const heads[] = {
		"NS", "TYPE", "NPROCS", "PID", "USER", "CONTAINER", "COMMAND", NULL};
	auto_of(table) struct table table = {0};
	auto_buf struct buf text = BUF_INIT;
	struct user_entry last = {0};
	struct json_writer w = {.out = &text, .is_pretty = true};
	if (args->has_no_heads)
		table.columns = sizeof(heads) / sizeof(*heads) - 1;
	else
		table_heads(&table, heads);
	json_open_object(&w, NULL);
	json_open_array(&w, "namespaces");
	for (size_t i = 0; i < list->count; i++) {
		const struct ns_entry *e = &list->entries[i];
		const char *owner = owner_of(owners, e);
		if (!is_wanted(args, kinds, e))
			continue;
		const char *user = user_name(e->owner_uid, &last);
		if (args->wants_json)
			print_json(&w, e, user, owner);
		else
			print_row(&table, e, user, owner);
	}
	json_close_array(&w);
	json_close_object(&w);
	if (args->wants_json)
		printf("%s\n", text.data);
	else
		table_print(&table, stdout);
}

static int ls_main(void *context, void *raw, int argc, char **argv)
{
	const struct ls_args *args = raw;
	auto_arena struct arena a = ARENA_INIT;
	auto_of(ns_list) struct ns_list list = {0};
	struct owners owners = {.arena = &a};
	struct ns_target target = {0};
	uint32_t kinds = 0;
	const char *word = argc ? argv[0] : args->task;
	int r = parse_types(&args->types, &kinds);
	if (r == 0 && word)
		r = ns_target_parse(context, word, false, &target);
	if (r == 0)
		r = ns_list_load(target.pid, &list);
	if (r < 0)
		return err_wrap(r, "husk ns ls");
	owners_load(context, &owners);
	ls_print(args, kinds, &list, &owners);
	return 0;
}

const struct command cmd_ns_ls = {
	.name = "ls",
	.synopsis = "[PID|CONTAINER]",
	.summary = "list namespaces",
	.alias = "list",
	.flags = COMMAND_OPTIONS_MIXED | COMMAND_TAKES_PREFIXES,
	.max_args = 1,
	.opts = ls_opts,
	.args_size = sizeof(struct ls_args),
	.run = ls_main,
};

static const struct opt no_opts[] = {OPT_END};

/* The namespace of the host, from its first process. A caller that may not read that gets its own
 * for comparison. */
static int host_inode(enum ns_kind kind, uint64_t *out, const char **out_words)
{
	bool is_host = ns_inode(1, kind, out) >= 0;
	*out_words = is_host ? "shared with the host" : "shared with the caller";
	return is_host ? 0 : ns_inode(0, kind, out);
}

static int show_main(void *context, void *args, int argc, char **argv)
{
	auto_of(table) struct table table = {.columns = 3};
	struct ns_target target;
	int r = ns_target_parse(context, argv[0], false, &target);
	for (int kind = 0; r == 0 && kind < NS_COUNT; kind++) {
		uint64_t host = 0, inode = 0;
		const char *shared = NULL;
		r = ns_inode(target.pid, (enum ns_kind)kind, &inode);
		if (r == 0)
			r = host_inode((enum ns_kind)kind, &host, &shared);
		table_add(&table, ns_info[kind].name);
		table_addf(&table, "%" PRIu64, inode);
		table_add(&table, inode == 0 ? "none" : inode == host ? shared : "own");
	}
	if (r < 0)
		return err_wrap(r, "husk ns show");
	table_print(&table, stdout);
	return 0;
}

const struct command cmd_ns_show = {
	.name = "show",
	.synopsis = "PID|CONTAINER",
	.summary = "compare the namespaces of a process with the host's",
	.min_args = 1,
	.max_args = 1,
	.opts = no_opts,
	.run = show_main,
};

struct tree {
	const struct ns_process_list *list;
	struct table table;
	struct buf prefix;
};

static void tree_row(struct tree *t, const struct ns_process *p, const char *branch)
{
	table_addf(&t->table, "%d", p->pid);
	table_add(&t->table, *p->inner ? p->inner : "-");
	table_addf(&t->table, "%s%s%s", t->prefix.data, branch, p->command);
}

static const struct ns_process *next_child(
	const struct tree *t, pid_t parent, const struct ns_process *after)
{
	const struct ns_process *end = t->list->items + t->list->count;
	for (const struct ns_process *p = after ? after + 1 : t->list->items; p < end; p++) {
		if (p->parent == parent && p->pid != parent)
			return p;
	}
	return NULL;
}

enum { TREE_DEPTH_MAX = 200 };

/* A pid may be reused while the processes are read, so there may be a loop: the depth is
 * bounded. */
static void tree_children(struct tree *t, pid_t parent, unsigned depth)
{
	const struct ns_process *child = next_child(t, parent, NULL);
	while (child && depth < TREE_DEPTH_MAX) {
		const struct ns_process *next = next_child(t, parent, child);
		size_t len = t->prefix.len;
		tree_row(t, child, next ? "├─" : "└─");
		buf_adds(&t->prefix, next ? "│ " : "  ");
		tree_children(t, child->pid, depth + 1);
		t->prefix.len = len;
		t->prefix.data[len] = '\0';
		child = next;
	}
}

/* A process that entered a container later is not a child of its first process. Its pid namespace
 * shows where it belongs. */
static bool is_root(const struct ns_process *p, uint64_t inode)
{
	uint64_t own = 0, of_parent = 0;
	if (inode == 0 || *p->inner == '\0' || ns_inode(p->pid, NS_PID, &own) < 0 || own != inode)
		return false;
	return p->parent == 0 || ns_inode(p->parent, NS_PID, &of_parent) < 0 || of_parent != inode;
}

/* The pid namespace that has this process as its first, or 0. */
static uint64_t first_of(const struct ns_process_list *list, pid_t pid)
{
	uint64_t inode = 0;
	for (size_t i = 0; i < list->count; i++) {
		const char *inner = list->items[i].inner;
		if (list->items[i].pid == pid && (str_eq(inner, "1") || str_suffix(inner, " 1")) &&
			ns_inode(pid, NS_PID, &inode) < 0)
			return 0;
	}
	return inode;
}

static int tree_main(void *context, void *args, int argc, char **argv)
{
	static const char *const heads[] = {"PID", "INNER", "COMMAND", NULL};
	auto_arena struct arena a = ARENA_INIT;
	struct ns_process_list list;
	struct ns_target target = {0};
	int r = argc ? ns_target_parse(context, argv[0], false, &target) : 0;
	if (r == 0)
		r = ns_process_load(&a, &list);
	if (r < 0)
		return err_wrap(r, "husk ns tree");
	struct tree t = {.list = &list, .prefix = BUF_INIT};
	table_heads(&t.table, heads);
	bool is_found = false;
	uint64_t inode = target.pid ? first_of(&list, target.pid) : 0;
	for (size_t i = 0; i < list.count; i++) {
		const struct ns_process *p = &list.items[i];
		if (target.pid ? p->pid != target.pid && !is_root(p, inode) : p->parent != 0)
			continue;
		is_found = true;
		tree_row(&t, p, "");
		tree_children(&t, p->pid, 0);
	}
	if (is_found)
		table_print(&t.table, stdout);
	table_release(&t.table);
	buf_release(&t.prefix);
	return is_found ? 0 : err_say(-ESRCH, "husk ns tree: no such process: %d", target.pid);
}

const struct command cmd_ns_tree = {
	.name = "tree",
	.synopsis = "[PID|CONTAINER]",
	.summary = "show processes as a tree, with their pids on the host and inside",
	.max_args = 1,
	.opts = no_opts,
	.run = tree_main,
};
