/* SPDX-License-Identifier: Apache-2.0 */
/* `inspect`: a container in Docker's words and shape, from its record and its state. */
#include "engine/internal.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

#include <time.h>

static void put_time(struct json_writer *w, const char *key, uint64_t ns)
{
	char text[64] = "0001-01-01T00:00:00Z";
	if (ns) {
		time_t seconds = (time_t)(ns / 1000000000u);
		struct tm tm;
		char date[32];
		gmtime_r(&seconds, &tm);
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
		fmt(text, "%s.%09uZ", date, (unsigned)(ns % 1000000000u));
	}
	json_put_string(w, key, text);
}

static void put_state(struct json_writer *w, const struct summary *s)
{
	bool is_running = s->state == CONTAINER_RUNNING || s->state == CONTAINER_PAUSED;
	json_open_object(w, "State");
	json_put_string(w, "Status", container_state_words[s->state]);
	json_put_bool(w, "Running", is_running);
	json_put_bool(w, "Paused", s->state == CONTAINER_PAUSED);
	json_put_bool(w, "Restarting", s->state == CONTAINER_RESTARTING);
	json_put_bool(w, "OOMKilled", s->flags & SUMMARY_OOM_KILLED);
	json_put_bool(w, "Dead", s->state == CONTAINER_DEAD || s->state == CONTAINER_BROKEN);
	json_put_i64(w, "Pid", is_running ? s->process.pid : 0);
	json_put_i64(w, "ExitCode", s->state == CONTAINER_EXITED ? s->exit_code : 0);
	json_put_string(w, "Error",
		s->state == CONTAINER_EXITED && s->exit_code < 0 ? "the exit code is unknown" : "");
	put_time(w, "StartedAt", s->started_ns);
	put_time(w, "FinishedAt", s->finished_ns);
	json_close_object(w);
}

static void put_labels(struct json_writer *w, const struct str_list *labels)
{
	json_open_object(w, "Labels");
	for (size_t i = 0; i < labels->count; i++) {
		auto_free char *key = mem_strdup(labels->items[i]);
		char *value = strchr(key, '=');
		if (value)
			*value++ = '\0';
		json_put_string(w, key, value ? value : "");
	}
	json_close_object(w);
}

static void put_config(struct json_writer *w, const struct container *c)
{
	json_open_object(w, "Config");
	json_put_string(w, "Hostname", c->hostname);
	json_put_string(w, "User", c->process.user ? c->process.user : "");
	json_put_bool(w, "Tty", c->process.has_tty);
	json_put_bool(w, "OpenStdin", c->process.has_stdin);
	json_put_list(w, "Env", &c->process.env);
	json_put_list(w, "Cmd", &c->process.command);
	json_put_list(w, "Entrypoint", &c->process.entrypoint);
	json_put_string(w, "Image", c->image ? c->image : c->rootfs);
	json_put_string(w, "WorkingDir", c->process.cwd);
	put_labels(w, &c->labels);
	json_put_string(w, "StopSignal", c->stop_signal);
	json_close_object(w);
}

static void put_host_config(struct json_writer *w, const struct container *c)
{
	json_open_object(w, "HostConfig");
	json_put_list(w, "Binds", &c->volumes);
	json_put_string(w, "NetworkMode", c->network);
	json_put_bool(w, "AutoRemove", c->is_auto_remove);
	json_put_bool(w, "Privileged", c->security.is_privileged);
	json_put_bool(w, "ReadonlyRootfs", c->root_is_readonly);
	json_put_bool(w, "Init", c->process.wants_init);
	json_put_list(w, "CapAdd", &c->security.cap_add);
	json_put_list(w, "CapDrop", &c->security.cap_drop);
	json_put_list(w, "SecurityOpt", &c->security.options);
	json_put_u64(w, "Memory", c->limits.memory_bytes);
	json_put_u64(w, "NanoCpus", c->limits.nano_cpus);
	json_put_string(w, "CpusetCpus", c->limits.cpuset_cpus ? c->limits.cpuset_cpus : "");
	json_put_i64(w, "PidsLimit", c->limits.pids_limit ? c->limits.pids_limit : 2048);
	json_close_object(w);
}

static void put_mount(struct json_writer *w, const char *root_path, const struct volume *volume)
{
	auto_buf struct buf volumes = BUF_INIT;
	buf_addf(&volumes, "%s/volumes/", root_path);
	const char *name = str_after(volume->source, volumes.data);
	json_open_object(w, NULL);
	json_put_string(w, "Type", name ? "volume" : "bind");
	if (name) {
		auto_free char *copy = mem_strdup(name);
		copy[strcspn(copy, "/")] = '\0';
		json_put_string(w, "Name", copy);
		json_put_string(w, "Driver", "local");
	}
	json_put_string(w, "Source", volume->source);
	json_put_string(w, "Destination", volume->destination);
	json_put_string(w, "Mode", volume->options);
	json_put_bool(w, "RW", !str_eq(volume->options, "ro"));
	json_put_string(w, "Propagation", "rprivate");
	json_close_object(w);
}

static void put_mounts(struct json_writer *w, const struct engine *e, const struct container *c)
{
	json_open_array(w, "Mounts");
	for (size_t i = 0; i < c->volumes.count; i++) {
		auto_free char *copy = mem_strdup(c->volumes.items[i]);
		struct volume volume;
		volume_split(copy, &volume);
		put_mount(w, e->root_path, &volume);
	}
	json_close_array(w);
}

static void put_command(struct json_writer *w, const struct container *c)
{
	const struct str_list *lists[] = {&c->process.entrypoint, &c->process.command};
	bool is_first = true;
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < lists[i]->count; j++) {
			if (is_first) {
				json_put_string(w, "Path", lists[i]->items[j]);
				json_open_array(w, "Args");
			} else {
				json_put_string(w, NULL, lists[i]->items[j]);
			}
			is_first = false;
		}
	if (!is_first)
		json_close_array(w);
}

int container_inspect(struct engine *e, const char *id, struct buf *out)
{
	auto_arena struct arena a = ARENA_INIT;
	struct container c;
	struct summary summary;
	int r = container_summary(e, id, &summary);
	if (r == 0)
		r = container_load(e, id, &a, &c);
	if (r < 0)
		return r;

	struct json_writer w = {.out = out, .is_pretty = true};
	json_open_object(&w, NULL);
	json_put_string(&w, "Id", c.id);
	put_time(&w, "Created", c.created_ns);
	put_command(&w, &c);
	put_state(&w, &summary);
	json_put_string(&w, "Image", c.image_id ? c.image_id : "");
	json_put_string(&w, "Name", arena_printf(&a, "/%s", c.name));
	put_host_config(&w, &c);
	put_mounts(&w, e, &c);
	put_config(&w, &c);
	network_inspect(e, &c, &summary, &w);
	json_close_object(&w);
	return 0;
}
