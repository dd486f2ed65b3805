/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands of `husk ns` share: how a process is named, and how failures are reported. */
#include "cli/ns.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/user.h"

#include <errno.h>
#include <stdio.h>

int ns_opt_user(const char *text, void *field)
{
	if (parse_id(text, field) == 0)
		return 0;
	struct user_entry user;
	if (user_find(text, &user) < 0)
		return -EINVAL;
	*(uint32_t *)field = user.id;
	return 0;
}

int ns_opt_group(const char *text, void *field)
{
	if (parse_id(text, field) == 0)
		return 0;
	struct user_entry group;
	if (user_group_find(text, &group) < 0)
		return -EINVAL;
	*(uint32_t *)field = group.id;
	return 0;
}

int ns_finish(int r, int code, const char *words)
{
	if (r >= 0)
		return code;
	if (code != 126 && code != 127)
		return err_wrap(r, "%s", words);
	fprintf(stderr, "%s: %s\n", words, err_text());
	return code;
}

/* 812 or 812:3107 */
static int parse_pid(const char *word, struct ns_target *out)
{
	char copy[64];
	uint32_t pid = 0;
	if (fmt(copy, "%s", word) < 0)
		return -EINVAL;
	char *inode = copy;
	const char *number = str_cut(&inode, ':');
	if (parse_u32(number, &pid) < 0 || pid == 0 || pid > INT32_MAX)
		return -EINVAL;
	out->pid = (pid_t)pid;
	return inode ? (parse_u64(inode, &out->inode) < 0 || out->inode == 0 ? -EINVAL : 0) : 0;
}

static int say_no_target(const char *word, bool with_files)
{
	return err_say(-ENOENT, "no such process%s container: %s",
		with_files ? ", namespace file or" : " or", word);
}

int ns_target_parse(
	struct cli_context *context, const char *word, bool with_files, struct ns_target *out)
{
	*out = (struct ns_target){0};
	int r = parse_pid(word, out);
	/* An inode is only checked when the process is opened, which only `enter` does. */
	if (r == 0 && out->inode && !with_files)
		return say_no_target(word, with_files);
	if (r == 0)
		return 0;
	bool is_path = strchr(word, '/') != NULL;
	*out = (struct ns_target){0};
	if (!is_path) {
		struct process_id process = {0};
		r = ns_container_process(context, word, &process);
		out->pid = process.pid;
		out->start_ticks = process.start_ticks;
		if (r != -ENOENT)
			return r;
	}
	r = with_files ? ns_file_kind_find(word) : -ENOENT;
	if (r == -ENOENT || (r < 0 && !is_path))
		return say_no_target(word, with_files);
	if (r == -EINVAL || r == -ENOTTY)
		return err_say(-EINVAL, "%s is not a namespace file", word);
	if (r < 0)
		return err_new(r, "open %s", word);
	out->file = word;
	return 0;
}
