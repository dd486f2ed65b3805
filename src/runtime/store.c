/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers as directories. A command that makes, starts or deletes a container holds the `lock`
 * in its directory. A command that only reads takes no lock, because state.json is either complete
 * or missing.
 */
#include "runtime/internal.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "bundle/bundle.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/lock.h"
#include "sys/socket.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ID_MAX = 255, STATE_BYTES_MAX = 16 << 20 /* as JSON_BYTES_MAX */ };

const char *const runtime_status_words[] = {"creating", "created", "running", "paused", "stopped"};

const char *const runtime_manager_words[RUNTIME_MANAGER_COUNT + 1] = {
	"cgroupfs", "systemd", "disabled", NULL};

int runtime_manager_find(const char *word, enum runtime_manager *out)
{
	for (int i = 0; i < RUNTIME_MANAGER_COUNT; i++) {
		if (!str_eq(runtime_manager_words[i], word))
			continue;
		*out = (enum runtime_manager)i;
		return 0;
	}
	return -EINVAL;
}

/* The files there are trusted: they say which process is the container's, and what an exec in it is
 * allowed. */
static int root_check(const struct runtime *rt)
{
	uid_t owner = 0;
	int r = file_check_private(rt->root_fd, &owner);
	if (r == -EPERM)
		return err_say(r,
			"the root directory %s belongs to uid %u, who could make any process a "
			"container",
			rt->root_path, owner);
	if (r == -EACCES)
		return err_say(-EPERM,
			"the root directory %s may be written by everybody, who could make any "
			"process a container",
			rt->root_path);
	return r < 0 ? err_new(r, "look at the root directory %s", rt->root_path) : 0;
}

int runtime_open(struct runtime *rt, const char *root_path)
{
	*rt = (struct runtime){.root_path = mem_strdup(root_path), .root_fd = -EBADF};
	int r = file_make_dirs_at(AT_FDCWD, root_path, 0700);
	if (r == 0)
		r = rt->root_fd = sys_open_at(AT_FDCWD, root_path, O_RDONLY | O_DIRECTORY, 0);
	if (r < 0)
		return err_new(r, "open the root directory %s", root_path);
	r = root_check(rt);
	return r < 0 ? r : cgroup_host_load(&rt->cgroup);
}

void runtime_close(struct runtime *rt)
{
	free(rt->root_path);
	rt->root_path = NULL;
	fd_replace(&rt->root_fd, -EBADF);
}

/* The ids that runc allows. */
int runtime_id_check(const char *id)
{
	size_t len = strlen(id);
	bool is_right = len > 0 && len <= ID_MAX && !str_eq(id, ".") && !str_eq(id, "..");
	for (size_t i = 0; is_right && i < len; i++)
		is_right = isalnum((unsigned char)id[i]) || strchr("_+-.", id[i]);
	return is_right
		? 0
		: err_say(-EINVAL,
			  "invalid container ID \"%s\": letters, digits, _ + - . are allowed, at "
			  "most %d",
			  id, ID_MAX);
}

int runtime_dir_open(const struct runtime *rt, const char *id)
{
	int r = runtime_id_check(id);
	if (r == 0)
		r = file_open_dir_at(rt->root_fd, id);
	if (r == -ENOENT)
		return err_say(r, "container \"%s\" does not exist", id);
	return r < 0 && r != -EINVAL ? err_new(r, "open %s/%s", rt->root_path, id) : r;
}

int runtime_dir_lock(int dir, bool is_waiting)
{
	int lock = lock_file_at(dir, "lock", is_waiting);
	if (lock == -EWOULDBLOCK)
		return err_say(-EBUSY, "another command is at work on this container");
	/* The previous lock holder may have deleted the container: in a directory that is deleted
	 * no lock can be made. The directory of that name is a new one. */
	if (lock == -ENOENT)
		return err_say(lock, "the container does not exist any more");
	return lock < 0 ? err_new(lock, "lock the container") : lock;
}

/* A create that died left no state. None of its processes runs, because its init dies with it. */
static int container_take_over(int dir, const char *id)
{
	auto_close int lock = lock_file_at(dir, "lock", false);
	if (lock < 0 || sys_access_at(dir, "state.json", F_OK, 0) == 0)
		return err_say(-EEXIST, "container with given ID already exists: %s", id);
	/* That init may need a moment to end. Without the socket it cannot be started. */
	int r = sys_unlink_at(dir, "start", 0);
	return r < 0 && r != -ENOENT ? err_new(r, "remove the start socket") : 0;
}

int runtime_dir_make(const struct runtime *rt, const char *id)
{
	int r = runtime_id_check(id);
	if (r < 0)
		return r;
	r = sys_mkdir_at(rt->root_fd, id, 0700);
	if (r < 0 && r != -EEXIST)
		return err_new(r, "make directory %s/%s", rt->root_path, id);
	auto_close int dir = file_open_dir_at(rt->root_fd, id);
	if (dir < 0)
		return err_new(dir, "open %s/%s", rt->root_path, id);
	if (r == -EEXIST)
		r = container_take_over(dir, id);
	return r < 0 ? r : take_fd(&dir);
}

int runtime_dir_remove(const struct runtime *rt, const char *id)
{
	int r = file_remove_tree_at(rt->root_fd, id);
	return r < 0 ? err_new(r, "remove %s/%s", rt->root_path, id) : 0;
}

static void put_annotations(struct json_writer *w, const struct runtime_state *state)
{
	if (state->annotations.count == 0)
		return;
	json_open_object(w, "annotations");
	for (size_t i = 0; i < state->annotations.count; i++)
		json_put_string(
			w, state->annotations.items[i].key, state->annotations.items[i].value);
	json_close_object(w);
}

void runtime_state_put(struct json_writer *w, const char *key, const struct runtime_state *state)
{
	bool has_process = state->status != RUNTIME_STOPPED;
	json_open_object(w, key);
	json_put_string(w, "ociVersion", BUNDLE_OCI_VERSION);
	json_put_string(w, "id", state->id);
	json_put_i64(w, "pid", has_process ? state->process.pid : 0);
	json_put_string(w, "status", runtime_status_words[state->status]);
	json_put_string(w, "bundle", state->bundle);
	json_put_string(w, "rootfs", state->rootfs);
	json_put_string(w, "created", state->created);
	put_annotations(w, state);
	json_put_string(w, "owner", state->owner);
	json_close_object(w);
}

void runtime_state_write(const struct runtime_state *state, bool is_for_list, struct buf *out)
{
	struct json_writer w = {.out = out, .is_pretty = !is_for_list};
	runtime_state_put(&w, NULL, state);
}

int runtime_state_store(int dir, const struct runtime_state *state)
{
	auto_buf struct buf text = BUF_INIT;
	struct json_writer w = {.out = &text};
	json_open_object(&w, NULL);
	json_put_i64(&w, "pid", state->process.pid);
	json_put_u64(&w, "startTicks", state->process.start_ticks);
	json_put_string(&w, "bundle", state->bundle);
	json_put_string(&w, "rootfs", state->rootfs);
	json_put_string(&w, "cgroupPath", state->cgroup_path);
	json_put_string(&w, "cgroupManager", runtime_manager_words[state->manager]);
	json_put_string(&w, "unit", state->unit);
	json_put_string(&w, "rdtClass", state->rdt);
	json_put_bool(&w, "rdtClassIsOwn", state->rdt_is_own);
	json_put_string(&w, "created", state->created);
	json_put_string(&w, "owner", state->owner);
	put_annotations(&w, state);
	json_close_object(&w);
	if (text.len > STATE_BYTES_MAX)
		return err_say(-E2BIG,
			"the state has %zu bytes with its annotations: at most %d are possible",
			text.len, STATE_BYTES_MAX);
	int r = file_replace_at(dir, "state.json", text.data, text.len, 0600, false);
	return r < 0 ? err_new(r, "write the state") : 0;
}

struct annotations_reading {
	struct arena *a;
	struct runtime_state *state;
};

static int annotation_read(const char *key, const struct json_cursor *value, void *context)
{
	struct annotations_reading *reading = context;
	struct oci_pair *pair = arena_push(reading->a, &reading->state->annotations);
	pair->key = arena_str(reading->a, key);
	return json_string(value, reading->a, &pair->value);
}

static int state_read(const struct json *document, struct arena *a, struct runtime_state *out)
{
	struct json_cursor root = json_root(document), annotations;
	const char *manager;
	const struct {
		const char *key;
		const char **field;
	} strings[] = {
		{"cgroupManager", &manager},
		{"unit", &out->unit},
		{"rdtClass", &out->rdt},
		{"bundle", &out->bundle},
		{"rootfs", &out->rootfs},
		{"cgroupPath", &out->cgroup_path},
		{"created", &out->created},
		{"owner", &out->owner},
	};
	int64_t pid = 0;
	int r = json_opt_i64(&root, "pid", &pid);
	if (r >= 0)
		r = json_opt_u64(&root, "startTicks", &out->process.start_ticks);
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]) && r >= 0; i++) {
		*strings[i].field = "";
		r = json_opt_string(&root, strings[i].key, a, strings[i].field);
	}
	if (r >= 0)
		r = json_opt_bool(&root, "rdtClassIsOwn", &out->rdt_is_own);
	struct annotations_reading reading = {a, out};
	if (r >= 0 && json_field(&root, "annotations", &annotations))
		r = json_each(&annotations, annotation_read, &reading);
	if (r >= 0 && (pid <= 0 || pid > INT32_MAX))
		r = err_say(-EBADMSG, "state.json: pid %" PRId64 " is none", pid);
	if (r >= 0 && *manager && runtime_manager_find(manager, &out->manager) < 0)
		r = err_say(-EBADMSG, "state.json: cgroupManager \"%s\" is none", manager);
	out->process.pid = (int32_t)pid;
	return r < 0 ? r : 0;
}

int runtime_state_load(int dir, const char *id, struct arena *a, struct runtime_state *out)
{
	*out = (struct runtime_state){.id = arena_str(a, id),
		.bundle = "",
		.rootfs = "",
		.cgroup_path = "",
		.created = "",
		.owner = "",
		.unit = "",
		.rdt = ""};
	auto_buf struct buf text = BUF_INIT;
	int r = file_read_at(dir, "state.json", STATE_BYTES_MAX, &text);
	if (r == -ENOENT)
		return r;
	if (r < 0)
		return err_new(r, "read the state of container \"%s\"", id);
	auto_of(json) struct json *document = NULL;
	r = json_parse("state.json", text.data, text.len, &document);
	if (r == 0)
		r = state_read(document, a, out);
	return r < 0 ? err_wrap(r, "container \"%s\"", id) : 0;
}

int runtime_starter_connect(int dir)
{
	return socket_connect_at(dir, "start");
}

void runtime_state_find(int dir, struct runtime_state *state)
{
	if (!process_is_alive(&state->process)) {
		state->status = RUNTIME_STOPPED;
		return;
	}
	/* Only an init that waits answers: a started init has closed its socket, and the socket of
	 * a dead init refuses. */
	auto_close int starter = sys_access_at(dir, "start", F_OK, 0) == 0
		? runtime_starter_connect(dir)
		: -ENOENT;
	state->status = starter >= 0 || starter == -EAGAIN ? RUNTIME_CREATED : RUNTIME_RUNNING;
}

static void paused_find(const struct runtime *rt, struct runtime_state *state)
{
	auto_of(cgroup) struct cgroup *group = NULL;
	if (state->status == RUNTIME_RUNNING && *state->cgroup_path &&
		cgroup_open(&rt->cgroup, state->cgroup_path, &group) == 0 &&
		cgroup_is_frozen(group))
		state->status = RUNTIME_PAUSED;
}

int runtime_state(struct runtime *rt, const char *id, struct arena *a, struct runtime_state *out)
{
	auto_close int dir = runtime_dir_open(rt, id);
	if (dir < 0)
		return dir;
	int r = runtime_state_load(dir, id, a, out);
	if (r == -ENOENT) {
		auto_close int lock = lock_file_at(dir, "lock", false);
		out->status = lock == -EWOULDBLOCK ? RUNTIME_CREATING : RUNTIME_STOPPED;
		return 0;
	}
	if (r < 0)
		return r;
	runtime_state_find(dir, out);
	paused_find(rt, out);
	return 0;
}

static int id_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int runtime_list(struct runtime *rt, struct strvec *out)
{
	int r = file_list_at(rt->root_fd, ".", out);
	if (r < 0)
		return err_new(r, "list %s", rt->root_path);
	qsort(out->items, out->count, sizeof(*out->items), id_order);
	return 0;
}

int runtime_absolute(struct arena *a, const char *path, const char **out)
{
	char here[PATH_MAX];
	bool is_absolute = path && path[0] == '/';
	int r = is_absolute ? 0 : sys_getcwd(here, sizeof(here));
	if (r < 0)
		return err_new(r, "look at the working directory");
	*out = is_absolute ? arena_str(a, path)
		: path	   ? arena_printf(a, "%s/%s", here, path)
			   : arena_str(a, here);
	return 0;
}

int runtime_document_failure(int code, const char *path)
{
	if (code == -EFBIG)
		return err_say(code, "%s has more than %d MiB, which is all that is read", path,
			CONFIG_BYTES_MAX >> 20);
	return err_new(code, "read %s", path);
}

int runtime_config_load(
	int dir, const struct runtime_state *state, struct arena *a, struct oci_spec *out)
{
	auto_buf struct buf text = BUF_INIT;
	int r = file_read_at(dir, "config.json", CONFIG_BYTES_MAX, &text);
	if (r < 0)
		return err_new(r, "read the configuration of container \"%s\"", state->id);
	return bundle_config_parse(text.data, text.len, state->bundle, a, out);
}
