/* SPDX-License-Identifier: Apache-2.0 */
/* What init does to itself besides capabilities and ids: no_new_privs and the session keyring. */
#include "sec/sec.h"

#include "base/err.h"
#include "sys/calls.h"

#include <errno.h>
#include <sys/prctl.h>

int sec_no_new_privs(void)
{
	int r = sys_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (r < 0)
		return err_new(r, "set no_new_privs");
	if (sys_prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return err_say(-EPERM, "no_new_privs did not stay set");
	return 0;
}

/*
 * Two failures leave nothing to protect. ENOSYS is a kernel without keyrings. EPERM is an outer
 * sandbox whose seccomp filter refuses keyctl, and the container inherits that filter. With EDQUOT
 * the container would keep the caller's session keyring, so it does not start.
 */
int sec_keyring_new(void)
{
	int r = sys_keyctl_join_session(NULL);
	if (r >= 0 || r == -ENOSYS || r == -EPERM)
		return 0;
	err_new(r, "make a session keyring");
	return r == -EDQUOT ? err_hint(r, "kernel.keys.maxkeys limits them per user") : r;
}
