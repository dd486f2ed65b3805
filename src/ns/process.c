/* SPDX-License-Identifier: Apache-2.0 */
/* Processes with their parents and their pids in inner pid namespaces, from /proc/PID/status. */
#include "ns/internal.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>

enum { STATUS_MAX = 65536 };

/* "NSpid:\t812\t7\t1": the first number is the pid in the caller's namespace. */
static void parse_inner(char *rest, char out[static 64])
{
	str_cut(&rest, '\t');
	for (char *at = rest; at && *at; at++)
		*at = *at == '\t' ? ' ' : *at;
	fmt_n(out, 64, "%s", rest ? rest : "");
}

static int parse_status(char *text, struct ns_process *out)
{
	uint32_t parent = 0;
	bool has_parent = false;
	for (char *line = str_cut(&text, '\n'); line; line = str_cut(&text, '\n')) {
		const char *value = str_after(line, "PPid:\t");
		if (value)
			has_parent = parse_u32(value, &parent) == 0;
		if (str_prefix(line, "NSpid:\t"))
			parse_inner(line + strlen("NSpid:\t"), out->inner);
	}
	out->parent = (pid_t)parent;
	return has_parent ? 0 : -EPROTO;
}

static int process_order(const void *a, const void *b)
{
	const struct ns_process *x = a, *y = b;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

int ns_process_load(struct arena *a, struct ns_process_list *out)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	*out = (struct ns_process_list){0};
	int r = file_list_at(AT_FDCWD, "/proc", &names);
	if (r < 0)
		return err_new(r, "read /proc");
	strvec_each (name, &names) {
		char path[64];
		uint32_t number;
		auto_buf struct buf text = BUF_INIT;
		struct ns_process process = {0};
		if (parse_u32(*name, &number) < 0 || fmt(path, "/proc/%s/status", *name) < 0 ||
			file_read_at(AT_FDCWD, path, STATUS_MAX, &text) < 0 ||
			parse_status(text.data, &process) < 0)
			continue;
		process.pid = (pid_t)number;
		ns_process_command(process.pid, process.command, sizeof(process.command));
		*arena_push(a, out) = process;
	}
	if (out->count > 0)
		qsort(out->items, out->count, sizeof(*out->items), process_order);
	return 0;
}
