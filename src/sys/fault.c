/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fault table of builds with -Dfaults=true: HUSK_FAULT is read once, the calls of the named
 * wrapper are counted, and the N-th is refused. In other builds this file is empty.
 */
#include "sys/fault.h"

#ifdef HUSK_FAULTS
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct fault_plan {
	bool is_read;
	const char *name; /* points into the environment; name_len bytes, not terminated */
	size_t name_len;
	unsigned nth;
	int error;
	unsigned seen;
};

static struct fault_plan plan;

static const struct {
	const char *name;
	int number;
} fault_errors[] = {
	{"EPERM", EPERM},
	{"ENOENT", ENOENT},
	{"ESRCH", ESRCH},
	{"EINTR", EINTR},
	{"EIO", EIO},
	{"E2BIG", E2BIG},
	{"EBADF", EBADF},
	{"EAGAIN", EAGAIN},
	{"ENOMEM", ENOMEM},
	{"EACCES", EACCES},
	{"EBUSY", EBUSY},
	{"EEXIST", EEXIST},
	{"EXDEV", EXDEV},
	{"ENODEV", ENODEV},
	{"ENOTDIR", ENOTDIR},
	{"EISDIR", EISDIR},
	{"EINVAL", EINVAL},
	{"ENFILE", ENFILE},
	{"EMFILE", EMFILE},
	{"EFBIG", EFBIG},
	{"ENOSPC", ENOSPC},
	{"EROFS", EROFS},
	{"EPIPE", EPIPE},
	{"ENAMETOOLONG", ENAMETOOLONG},
	{"ENOSYS", ENOSYS},
	{"ENOTEMPTY", ENOTEMPTY},
	{"ELOOP", ELOOP},
	{"EOPNOTSUPP", EOPNOTSUPP},
	{"ETIMEDOUT", ETIMEDOUT},
	{"EDQUOT", EDQUOT},
};

static unsigned fault_number(const char **at)
{
	unsigned value = 0;
	for (; **at >= '0' && **at <= '9'; (*at)++)
		value = value * 10 + (unsigned)(**at - '0');
	return value;
}

/* Aborts on a value that it cannot read: a test run with a misspelt HUSK_FAULT must not look like
 * a success. */
static void fault_read(struct fault_plan *p, const char *text)
{
	p->is_read = true;
	if (!text || !*text)
		return;

	const char *at = strchr(text, ':');
	if (!at || at == text)
		abort();
	p->name_len = (size_t)(at++ - text);
	p->nth = fault_number(&at);
	if (*at++ != ':')
		abort();
	for (size_t i = 0; i < sizeof(fault_errors) / sizeof(fault_errors[0]); i++)
		if (strcmp(at, fault_errors[i].name) == 0)
			p->error = fault_errors[i].number;
	if (!p->error && *at >= '0' && *at <= '9')
		p->error = (int)fault_number(&at);
	if (!p->error)
		abort();
	p->name = text;
}

int fault_hit(const char *call)
{
	if (!plan.is_read)
		fault_read(&plan, getenv("HUSK_FAULT"));
	if (!plan.name || strlen(call) != plan.name_len ||
		strncmp(call, plan.name, plan.name_len) != 0)
		return 0;
	plan.seen++;
	return plan.nth == 0 || plan.nth == plan.seen ? -plan.error : 0;
}
#endif
