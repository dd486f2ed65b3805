/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The state of init, and its steps; the table in steps.c says when each step is done. */
#include "launch/internal.h"

enum { HOME_ROOM = 4096 };

/* All that init knows. */
struct init {
	struct flat plan;
	int sync_fd;
	struct sync_message *report; /* after START, see sync.h */
	int slots[SLOT_MAX];
	struct mount_context mount;
	int proc_fd;
	int console_fd;
	int cwd_fd;
	int state_fd; /* what startContainer hooks read, or -EBADF */
	int label_fds[SEC_LABEL_COUNT]; /* files in /proc that take the labels, or -EBADF */
	uint32_t step; /* the number of the present one */
	bool is_about_payload; /* a failure from now on is the payload's, not the setup's */
	uint64_t ignored_signals; /* signals ignored when init began; if unknown, all */
	bool keeps_admin; /* it has a CAP_SYS_ADMIN that is not the payload's, to load the filter */
	unsigned open_from; /* fds from here on are still to be made close-on-exec; 0: none */
	char **args, **env; /* of the payload, from step_payload on */
	char home[HOME_ROOM]; /* its HOME=..., if the plan has none */
	int status_fd; /* its /proc/self/status of the host's procfs, or -EBADF */
};

/* Only a new child can be in a pid namespace that was joined. Returns in a child of the host
 * (CLONE_PARENT), once the host knows it; the calling process ends. */
int hand_over(struct init *init);

int step_namespaces(struct init *init, const void *row);
int step_root(struct init *init, const void *row);
int step_mount(struct init *init, const void *row);
int step_node(struct init *init, const void *row);
int step_guard(struct init *init, const void *row);
int step_terminal(struct init *init, const void *row);
int step_clocks(struct init *init, const void *row);
int step_loopback(struct init *init, const void *row);
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
int step_payload(struct init *init, const void *row);
int step_birth(struct init *init, const void *row);
int step_reaper(struct init *init, const void *row);
int step_start_hook(struct init *init, const void *row);
/* "HOME=..." of a user, from the container's /etc/passwd. */
void home_find(uint32_t uid, char out[static HOME_ROOM]);
/* For a container that is started later: a command that no process can execute is reported to the
 * command that creates the container, in the words of exec. */
int exec_check(const struct init *init);
int step_exec(struct init *init, const void *row);
/* Writes the trail as the failure of this step into the report, or sends it before START. */
void init_failed(const struct init *init);
/* Makes the trail in the words that engines and scripts know from runc; the code it returns decides
 * between 126 and 127. is_searched: -ENOENT means that $PATH has no file of that name. */
int exec_error(int code, const char *program, bool is_searched);
