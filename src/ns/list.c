/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The namespaces that exist: those of visible processes, by /proc, and those bound to files, by the
 * mount table. Namespaces that disappear meanwhile are left out.
 */
#include "ns/internal.h"

#include "base/str.h"
#include "base/err.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>

enum { MOUNTINFO_MAX = 64 << 20, MOUNTINFO_FIELDS = 6 };

/* A process in a namespace. */
struct member {
	uint64_t inode;
	enum ns_kind kind;
	pid_t pid;
};

struct members {
	struct member *items;
	size_t count;
};

void ns_list_release(struct ns_list *list)
{
	free(list->entries);
	*list = (struct ns_list){0};
}

/* "net:[4026531840]" */
static int parse_link(const char *text, enum ns_kind kind, uint64_t *out_inode)
{
	char copy[64];
	const char *rest = str_after(text, ns_info[kind].name);
	rest = rest ? str_after(rest, ":[") : NULL;
	if (!rest || fmt(copy, "%s", rest) < 0 || !str_suffix(copy, "]"))
		return -EINVAL;
	copy[strlen(copy) - 1] = '\0';
	return parse_u64(copy, out_inode);
}

static void add_members(struct arena *a, struct members *list, pid_t pid)
{
	for (int kind = 0; kind < NS_COUNT; kind++) {
		char path[64], target[64];
		uint64_t inode;
		ns_proc_path(path, pid, ns_info[kind].name);
		if (sys_readlink_at(AT_FDCWD, path, target, sizeof(target)) < 0 ||
			parse_link(target, (enum ns_kind)kind, &inode) < 0)
			continue;
		*arena_push(a, list) = (struct member){inode, (enum ns_kind)kind, pid};
	}
}

static int member_order(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

static void read_text(pid_t pid, const char *name, struct buf *out)
{
	char path[64];
	fmt(path, "/proc/%d/%s", pid, name);
	auto_close int fd = sys_open_at(AT_FDCWD, path, O_RDONLY, 0);
	char *room = buf_reserve(out, 4096);
	ssize_t count = fd < 0 ? 0 : sys_read(fd, room, 4095);
	buf_grew(out, count > 0 ? (size_t)count : 0);
}

/* The command line with blanks between the arguments; if it is empty, the name in brackets. */
void ns_process_command(pid_t pid, char *out, size_t size)
{
	auto_buf struct buf text = BUF_INIT;
	read_text(pid, "cmdline", &text);
	while (text.len > 0 && text.data[text.len - 1] == '\0')
		text.len--;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\0')
			text.data[i] = ' ';
	}
	if (text.len == 0) {
		buf_addc(&text, '[');
		read_text(pid, "comm", &text);
		if (str_suffix(text.data, "\n"))
			text.data[--text.len] = '\0';
		buf_addc(&text, ']');
	}
	size_t len = text.len < size - 1 ? text.len : size - 1;
	memcpy(out, text.data, len);
	out[len] = '\0';
}

static uid_t uid_of_process(pid_t pid)
{
	char path[32];
	struct stat st;
	fmt(path, "/proc/%d", pid);
	return sys_stat_at(AT_FDCWD, path, 0, &st) < 0 ? 0 : st.st_uid;
}

/* The owner of the user namespace that a bound namespace without processes belongs to. */
static uid_t uid_of_file(const char *path)
{
	uid_t uid = 0;
	auto_close int fd = sys_open_at(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return 0;
	auto_close int user = sys_ns_ioctl(fd, NS_GET_USERNS, NULL);
	if (user >= 0)
		sys_ns_ioctl(user, NS_GET_OWNER_UID, &uid);
	return uid;
}

/* Merges the sorted members into one entry for each namespace; out->entries has room for all. */
static void fold(const struct members *members, struct ns_list *out)
{
	for (size_t i = 0; i < members->count; i++) {
		const struct member *m = &members->items[i];
		struct ns_entry *last = out->count ? &out->entries[out->count - 1] : NULL;
		if (last && last->inode == m->inode) {
			last->process_count++;
			continue;
		}
		last = &out->entries[out->count++];
		*last = (struct ns_entry){
			.inode = m->inode,
			.kind = m->kind,
			.process_count = 1,
			.first_pid = m->pid,
			.owner_uid = uid_of_process(m->pid),
		};
		ns_process_command(m->pid, last->command, sizeof(last->command));
	}
}

struct bound {
	uint64_t inode;
	enum ns_kind kind;
	char path[128];
};

/* One line of mountinfo: "36 35 0:4 net:[4026531840] /run/x rw shared:1 - nsfs nsfs rw". */
static bool parse_bound(char *line, struct bound *out)
{
	char *fields[MOUNTINFO_FIELDS];
	for (size_t i = 0; i < MOUNTINFO_FIELDS; i++) {
		fields[i] = str_cut(&line, ' ');
		if (!fields[i])
			return false;
	}
	const char *word = str_cut(&line, ' ');
	while (word && !str_eq(word, "-"))
		word = str_cut(&line, ' ');
	const char *type = str_cut(&line, ' ');
	if (!word || !type || !str_eq(type, "nsfs"))
		return false;
	for (int kind = 0; kind < NS_COUNT; kind++) {
		if (parse_link(fields[3], (enum ns_kind)kind, &out->inode) < 0)
			continue;
		out->kind = (enum ns_kind)kind;
		fmt(out->path, "%.*s", (int)sizeof(out->path) - 1, str_octal_decode(fields[4]));
		return true;
	}
	return false;
}

static struct ns_entry *entry_find(const struct ns_list *list, uint64_t inode)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->entries[i].inode == inode)
			return &list->entries[i];
	}
	return NULL;
}

static int add_bound(struct ns_list *list)
{
	auto_buf struct buf text = BUF_INIT;
	int r = file_read_at(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text);
	if (r < 0)
		return err_new(r, "read the mount table");
	char *rest = text.data;
	for (char *line = str_cut(&rest, '\n'); line; line = str_cut(&rest, '\n')) {
		struct bound b;
		if (!parse_bound(line, &b))
			continue;
		struct ns_entry *entry = entry_find(list, b.inode);
		if (!entry) {
			list->entries = mem_resize(
				list->entries, list->count + 1, sizeof(*list->entries));
			entry = &list->entries[list->count++];
			*entry = (struct ns_entry){
				.inode = b.inode, .kind = b.kind, .owner_uid = uid_of_file(b.path)};
		}
		memcpy(entry->bound_path, b.path, sizeof(b.path));
	}
	return 0;
}

/* Keeps the namespaces that the process is in. */
static int keep_only(struct ns_list *list, pid_t pid)
{
	size_t kept = 0;
	uint64_t inodes[NS_COUNT];
	for (int kind = 0; kind < NS_COUNT; kind++) {
		int r = ns_inode(pid, (enum ns_kind)kind, &inodes[kind]);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < list->count; i++) {
		if (list->entries[i].inode == inodes[list->entries[i].kind])
			list->entries[kept++] = list->entries[i];
	}
	list->count = kept;
	return 0;
}

static int entry_order(const void *a, const void *b)
{
	const struct ns_entry *x = a, *y = b;
	return (x->inode > y->inode) - (x->inode < y->inode);
}

int ns_list_load(pid_t pid, struct ns_list *out)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	auto_arena struct arena a = ARENA_INIT;
	auto_of(ns_list) struct ns_list list = {0};
	struct members members = {0};
	int r = file_list_at(AT_FDCWD, "/proc", &names);
	if (r < 0)
		return err_new(r, "read /proc");
	strvec_each (name, &names) {
		uint32_t number;
		if (parse_u32(*name, &number) == 0)
			add_members(&a, &members, (pid_t)number);
	}
	if (members.count > 0)
		qsort(members.items, members.count, sizeof(*members.items), member_order);
	list.entries = mem_new((members.count + 1) * sizeof(*list.entries));
	fold(&members, &list);
	r = add_bound(&list);
	if (r == 0 && pid)
		r = keep_only(&list, pid);
	if (r < 0)
		return r;
	qsort(list.entries, list.count, sizeof(*list.entries), entry_order);
	*out = list;
	list = (struct ns_list){0};
	return 0;
}
