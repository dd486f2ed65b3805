/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks of the host: programs that the configuration names. Each gets its own arguments and
 * environment (without `env` the runtime's, as from runc and crun), the state on its standard
 * input, and the bundle as its working directory.
 */
#include "runtime/internal.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "ns/ns.h"
#include "sec/sec.h"
#include "sys/calls.h"
#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <unistd.h>

static const char *const hook_words[OCI_HOOK_COUNT] = {
	"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"};

enum { HOOK_NAMESPACES = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET };

static const char *const *list_of(struct arena *a, const struct str_list *list, const char *alone)
{
	const char **words = arena_new_array(a, const char *, list->count + 2);
	for (size_t i = 0; i < list->count; i++)
		words[i] = list->items[i];
	if (list->count == 0)
		words[0] = alone;
	return words;
}

static int hook_run(const struct oci_hook *hook, const char *kind, struct process_request *request)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_buf struct buf output = BUF_INIT;
	request->path = hook->path;
	request->argv = list_of(&a, &hook->args, hook->path);
	request->env = hook->has_env ? list_of(&a, &hook->env, NULL) : (const char *const *)environ;
	request->timeout_ms = hook->timeout_s * UINT64_C(1000);
	int r = sys_seek_start(request->stdin_fd);
	if (r == 0)
		r = process_run_request(request, &output);
	if (r == 0)
		return 0;
	if (r == -ETIMEDOUT)
		return err_say(r, "%s hook %s ran longer than its %u seconds", kind, hook->path,
			hook->timeout_s);
	if (r < 0)
		return err_new(r, "run %s hook %s", kind, hook->path);
	while (output.len > 0 && output.data[output.len - 1] == '\n')
		output.data[--output.len] = '\0';
	return err_say(-ECANCELED, "%s hook %s failed with exit code %d%s%s", kind, hook->path, r,
		output.len > 0 ? ": " : "", output.data);
}

/* The namespaces that the container does not share with the host. A caller without root may enter
 * them only through the user namespace. */
static int flags_of(const struct oci_spec *spec)
{
	uint64_t flags = 0;
	for (size_t i = 0; i < spec->namespaces.count; i++) {
		int kind = ns_kind_find(spec->namespaces.items[i].type);
		flags |= kind < 0 ? 0 : ns_info[kind].clone_flag;
	}
	bool is_root = sec_cap_is_effective(CAP_SYS_ADMIN);
	return (int)(flags & (HOOK_NAMESPACES | (is_root ? 0 : CLONE_NEWUSER)));
}

int runtime_hooks(const struct oci_spec *spec, enum oci_hook_kind kind,
	const struct runtime_state *state, int pidfd)
{
	if (spec->hooks[kind].count == 0)
		return 0;
	auto_buf struct buf text = BUF_INIT;
	runtime_state_write(state, false, &text);
	auto_close int state_fd = fd_memfd_sealed("state", text.data, text.len);
	auto_close int bundle = sys_open_at(AT_FDCWD, state->bundle, O_PATH | O_DIRECTORY, 0);
	if (state_fd < 0 || bundle < 0)
		return err_new(
			state_fd < 0 ? state_fd : bundle, "prepare the %s hooks", hook_words[kind]);
	struct process_request request = {.stdin_fd = state_fd,
		.cwd_fd = bundle,
		.join_pidfd = pidfd,
		.join_flags = flags_of(spec)};
	int r = 0;
	for (size_t i = 0; i < spec->hooks[kind].count && r == 0; i++) {
		r = hook_run(&spec->hooks[kind].items[i], hook_words[kind], &request);
		if (r < 0 && kind == OCI_HOOK_POSTSTOP) {
			log_warn("%s", err_text());
			r = 0;
		}
	}
	return r;
}
