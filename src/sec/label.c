/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The label that a security module gives the process with its next execve: AppArmor's profile or
 * SELinux's context. The file of /proc that takes the label is opened while /proc is still the
 * host's. It is written last of all, because a program that is executed before the payload would
 * get the label as well. The kernel takes the label only from the process that has opened the file.
 */
#include "sec/sec.h"

#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { SWITCH_MAX = 16 };

static const struct {
	const char *name;
	const char *files[2]; /* its own [5.8], or the one that the modules share */
	const char *prefix; /* of what is written */
} modules[SEC_LABEL_COUNT] = {
	[SEC_LABEL_APPARMOR] = {"AppArmor", {"self/attr/apparmor/exec", "self/attr/exec"}, "exec "},
	[SEC_LABEL_SELINUX] = {"SELinux", {"self/attr/exec", "self/attr/exec"}, ""},
};

static bool apparmor_is_enabled(void)
{
	auto_buf struct buf text = BUF_INIT;
	return file_read("/sys/module/apparmor/parameters/enabled", SWITCH_MAX, &text) == 0 &&
		text.len && text.data[0] == 'Y';
}

int sec_label_check(enum sec_label kind)
{
	bool is_enabled = kind == SEC_LABEL_APPARMOR
		? apparmor_is_enabled()
		: sys_access_at(AT_FDCWD, "/sys/fs/selinux/enforce", F_OK, 0) == 0;
	return is_enabled
		? 0
		: err_say(-EOPNOTSUPP, "%s is not enabled on this machine", modules[kind].name);
}

int sec_label_open(int proc_fd, enum sec_label kind)
{
	int fd = -ENOENT;
	for (size_t i = 0; i < 2 && fd == -ENOENT; i++)
		fd = sys_open_at(proc_fd, modules[kind].files[i], O_WRONLY, 0);
	return fd < 0 ? err_new(fd, "open %s", modules[kind].files[1]) : fd;
}

int sec_label_set(int fd, enum sec_label kind, const char *label)
{
	char text[SEC_LABEL_MAX + 8];
	int len = fmt(text, "%s%s", modules[kind].prefix, label);
	ssize_t n = len < 0 ? len : sys_write(fd, text, (size_t)len);
	if (n == -ENOENT)
		return err_say(
			-ENOENT, "%s has no profile \"%s\" loaded", modules[kind].name, label);
	if (n < 0)
		return err_new((int)n, "%s label \"%s\"", modules[kind].name, label);
	return 0;
}

const char *sec_label_name(enum sec_label kind)
{
	return modules[kind].name;
}
