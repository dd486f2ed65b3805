/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What init knows, and its steps; the table in steps.c says when each is done. */
#include "launch/internal.h"

/* Init's whole world. */
struct init {
	struct flat plan;
	int sync_fd;
	int slots[SLOT_MAX];
	struct mount_context mount;
	int proc_fd;
	int console_fd;
	int cwd_fd;
	int state_fd; /* what startContainer hooks read, or -EBADF */
	int label_fds[SEC_LABEL_COUNT]; /* what takes them, or -EBADF */
	bool is_about_payload; /* a failure from here on is the payload's, not the setting up's */
	int gate_read, gate_write; /* for hand_over */
	uint64_t ignored_signals; /* those that it began with; all where nothing told */
	int status_fd; /* what it has, as the host's /proc shows it; or -EBADF */
};

/* The pid namespace that was joined is entered by being born in it: returns in a child of the host's own (CLONE_PARENT),
 * after the host has heard of it; this process has done its part. */
int gate_open(struct init *init);
int hand_over(struct init *init);

int step_namespaces(struct init *init, const void *row);
int step_root(struct init *init, const void *row);
int step_mount(struct init *init, const void *row);
int step_node(struct init *init, const void *row);
int step_guard(struct init *init, const void *row);
int step_terminal(struct init *init, const void *row);
int step_clocks(struct init *init, const void *row);
int step_hostname(struct init *init, const void *row);
int step_sysctl(struct init *init, const void *row);
int step_cwd(struct init *init, const void *row);
int step_enter_root(struct init *init, const void *row);
int step_cgroup_join(struct init *init, const void *row);
int step_cgroup_namespace(struct init *init, const void *row);
int step_hooks(struct init *init, const void *row);
int step_wait_start(struct init *init, const void *row);
int step_rlimit(struct init *init, const void *row);
int step_sched(struct init *init, const void *row);
int step_label_open(struct init *init, const void *row);
int step_label(struct init *init, const void *row);
int step_process(struct init *init, const void *row);
int step_seccomp(struct init *init, const void *row);
int step_credentials(struct init *init, const void *row);
int step_start_hook(struct init *init, const void *row);
/* "HOME=..." of a user, as the container has it. */
enum { HOME_ROOM = 4096 };
void home_find(uint32_t uid, char out[static HOME_ROOM]);
/* For who starts later: a command that cannot be executed by anybody is the creator's mistake, in exec's words. */
int exec_check(const struct init *init);
int step_exec(struct init *init, const void *row);
/* Makes the trail in the words that engines and scripts know from runc; the code it returns decides between 126 and 127.
 * is_searched: in $PATH, and nothing of that name is there. */
int exec_error(int code, const char *program, bool is_searched);
