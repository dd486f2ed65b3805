/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Init: the container side before the payload. A static program, executed from a copy of itself
 * that no process can write, with nothing open but 0, 1, 2 and the sync socket on 3. It receives
 * the plan and the fds that the plan names by slot, walks the table of steps, and becomes the
 * payload. It must not parse, allocate, or choose. Paths below the new root, which only init can
 * know, are resolved beneath a dirfd, as a row says. The first step that fails is reported with its
 * number and its sentence, and init ends.
 *
 * Privileges: until "enter the root" init has all capabilities of its user namespace, in its own
 * new namespaces. After that the host's tree is out of reach. step_wait_start closes what only the
 * setup needed. step_credentials drops to the payload's capabilities and reads them back. step_exec
 * closes what is left.
 */
#include "launch/init.h"
#include "launch/sync.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/signal.h"
#include "sys/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { SYNC_FD = 3 };

/* Receives the start packet. After this the plan is mapped, and all its offsets are checked. */
static int begin(struct init *init)
{
	struct sync_message message;
	int fds[1 + SLOT_MAX];
	size_t fd_count = SOCKET_FDS_MAX;

	int r = sync_expect(init->sync_fd, SYNC_BEGIN, &message, fds, &fd_count);
	if (r < 0)
		return r;
	r = socket_receive_rest(init->sync_fd, fds, fd_count, 1 + slots_count(message.slots));
	if (r < 0)
		return err_new(r, "receive the plan and the fds of its slots");

	const void *data;
	size_t size;
	r = fd_map(fds[0], &data, &size);
	if (r < 0)
		return err_new(r, "map the plan");
	fd_close(fds[0]);
	r = plan_open(&init->plan, data, size);
	if (r == 0)
		slots_unpack(message.slots, fds + 1, init->slots);
	return r;
}

/* Reads while /proc is still the host's. If this fails, later steps ask the kernel call by call. */
static void status_open(struct init *init)
{
	struct sec_status status;
	init->ignored_signals = UINT64_MAX;
	init->status_fd = sys_open_at(AT_FDCWD, "/proc/self/status", O_RDONLY | O_NOFOLLOW, 0);
	if (sec_status_read(init->status_fd, &status) == 0 && sys_seek_start(init->status_fd) >= 0)
		init->ignored_signals = status.ignored;
	else
		fd_replace(&init->status_fd, -EBADF);
}

static _Noreturn void fail(const struct init *init)
{
	init_failed(init);
	process_exit(1);
}

_Noreturn void launch_init_main(void)
{
	static struct init init;
	init = (struct init){
		.sync_fd = SYNC_FD,
		.proc_fd = -EBADF,
		.console_fd = -EBADF,
		.cwd_fd = -EBADF,
		.state_fd = -EBADF,
		.label_fds = {-EBADF, -EBADF, -EBADF},
		.status_fd = -EBADF,
		.mount = {.root_fd = -EBADF,
			.null_fd = -EBADF,
			.empty_fd = -EBADF,
			.devices_fd = -EBADF,
			.node_dir_fd = -EBADF},
	};

	/* No process of a shared pid namespace may look into init (SECURITY.md, rule 5). */
	int r = sys_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (r == 0)
		r = fd_set_cloexec(init.sync_fd, true);
	if (r < 0) {
		err_new(r, "begin");
		fail(&init);
	}
	status_open(&init);
	signal_ignore_writes();
	r = begin(&init);
	if (r < 0)
		fail(&init);
	init.mount.plan = &init.plan;
	init.mount.slots = init.slots;
	init.mount.devices_fd = init.slots[SLOT_DEVICES];
	init.mount.slot_count = SLOT_MAX;

	for (size_t i = 0; i < step_kind_count; i++) {
		const struct step_kind *kind = &step_kinds[i];
		uint32_t rows = step_rows(&init.plan, kind);
		for (uint32_t j = 0; j < rows; j++) {
			init.step++;
			if (kind->role != STEP_INIT)
				continue;
			r = kind->apply(&init, flat_row(&init.plan, kind->section, j));
			if (r < 0)
				fail(&init);
		}
	}
	BUG("a plan without a payload");
}
