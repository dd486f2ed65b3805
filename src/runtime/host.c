/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks what a configuration needs from this machine. What the machine does not have is refused
 * before anything is made.
 */
#include "runtime/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sec/sec.h"

#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>

int runtime_labels_check(struct oci_spec *spec)
{
	struct oci_process *p = &spec->process;
	bool has_apparmor = p->labels.apparmor && sec_label_check(SEC_LABEL_APPARMOR) == 0;
	/* Without AppArmor every process is unconfined. */
	if (p->labels.apparmor && !has_apparmor && str_eq(p->labels.apparmor, "unconfined"))
		p->labels.apparmor = NULL;
	if (p->labels.apparmor && !has_apparmor)
		return err_wrap(err_code(), "process.apparmorProfile");
	int r = p->labels.selinux ? sec_label_check(SEC_LABEL_SELINUX) : 0;
	if (r < 0)
		return err_wrap(r, "process.selinuxLabel");
	r = spec->mount_label ? sec_label_check(SEC_LABEL_SELINUX) : 0;
	return r < 0 ? err_wrap(r, "linux.mountLabel") : 0;
}

int runtime_clocks_check(const struct oci_spec *spec)
{
	struct utsname host;
	unsigned major = 0, minor = 0;
	if (spec->clocks.count == 0 || uname(&host) != 0)
		return 0;
	sscanf(host.release, "%u.%u", &major, &minor);
	if (major > 6 || (major == 6 && minor >= 1))
		return 0;
	return err_say(-EOPNOTSUPP,
		"config.json: linux.timeOffsets: this needs Linux 6.1, where an execve enters a "
		"time "
		"namespace; here is %s",
		host.release);
}

int runtime_kernel_check(enum kernel_need need)
{
	const struct kernel_call *missing = kernel_call_missing(need);
	return missing
		? err_say(-ENOSYS,
			  "the system call %s is missing: Linux has it since %s, and husk-runtime "
			  "needs 5.12 (or a seccomp filter around it hides the call)",
			  missing->name, missing->since)
		: 0;
}
