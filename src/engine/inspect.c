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

static void put_mounts(struct json_writer *w, const struct container *c)
{
	json_open_array(w, "Mounts");
	for (size_t i = 0; i < c->mounts.count; i++) {
		const struct container_mount *m = &c->mounts.items[i];
		json_open_object(w, NULL);
		json_put_string(w, "Type", m->volume ? "volume" : "bind");
		if (m->volume) {
			json_put_string(w, "Name", m->volume);
			json_put_string(w, "Driver", "local");
		}
		json_put_string(w, "Source", m->source);
		json_put_string(w, "Destination", m->destination);
		json_put_string(w, "Mode", m->is_readonly ? "ro" : "rw");
		json_put_bool(w, "RW", !m->is_readonly);
		json_put_string(w, "Propagation", "rprivate");
		json_close_object(w);
	}
	json_close_array(w);
}

static void put_settings(struct json_writer *w, const char *key, enum setting_section section,
	const struct container *c)
{
	json_open_object(w, key);
	settings_put(w, section, SETTINGS_BODY, c);
	json_close_object(w);
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
	put_settings(&w, "HostConfig", SETTING_HOST_CONFIG, &c);
	put_mounts(&w, &c);
	put_settings(&w, "Config", SETTING_CONFIG, &c);
	network_inspect(e, &c, &summary, &w);
	json_close_object(&w);
	return 0;
}
