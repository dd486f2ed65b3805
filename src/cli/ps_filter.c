/* SPDX-License-Identifier: Apache-2.0 */
/*
 * -f of `husk ps`, in Docker's words: name and id are regular expressions that may match anywhere,
 * label is KEY or KEY=VALUE, ancestor an image by name or id, status a word for the state.
 */
#include "cli/ps.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "image/image.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>

struct ps_key;

struct ps_condition {
	const struct ps_key *key;
	const char *value; /* borrowed from argv */
	regex_t pattern; /* of name and id */
	char image_id[72]; /* of ancestor: the image that the name means now, or "" */
};

struct ps_key {
	const char *name;
	bool needs_all, needs_record;
	int (*open)(struct ps_condition *condition, struct engine *e);
	bool (*holds)(const struct ps_condition *condition, const struct ps_row *row,
		const struct container *c);
	void (*release)(struct ps_condition *condition);
};

static int pattern_open(struct ps_condition *condition, struct engine *e)
{
	int r = regcomp(&condition->pattern, condition->value, REG_EXTENDED | REG_NOSUB);
	return r ? err_say(-EINVAL, "--filter %s: \"%s\" is not a regular expression",
			   condition->key->name, condition->value)
		 : 0;
}

static void pattern_release(struct ps_condition *condition)
{
	regfree(&condition->pattern);
}

static bool has_match(const struct ps_condition *condition, const char *text)
{
	return regexec(&condition->pattern, text, 0, NULL, 0) == 0;
}

/* Docker's own names begin with a slash, so patterns that were written for Docker may too. */
static bool name_holds(
	const struct ps_condition *condition, const struct ps_row *row, const struct container *c)
{
	auto_buf struct buf slashed = BUF_INIT;
	buf_addf(&slashed, "/%s", row->summary.name);
	return has_match(condition, row->summary.name) || has_match(condition, slashed.data);
}

static bool id_holds(
	const struct ps_condition *condition, const struct ps_row *row, const struct container *c)
{
	return has_match(condition, row->id);
}

/* Also accepts the states that only Docker has: no container is in one of them. */
static int status_open(struct ps_condition *condition, struct engine *e)
{
	for (size_t i = 0; i < CONTAINER_STATE_COUNT; i++)
		if (str_eq(condition->value, container_state_words[i]))
			return 0;
	return err_say(-EINVAL,
		"--filter status: \"%s\" is not one of created, restarting, running, removing, "
		"paused, exited, dead",
		condition->value);
}

static bool status_holds(
	const struct ps_condition *condition, const struct ps_row *row, const struct container *c)
{
	return str_eq(condition->value, container_state_words[row->summary.state]);
}

static bool label_holds(
	const struct ps_condition *condition, const struct ps_row *row, const struct container *c)
{
	bool has_value = strchr(condition->value, '=');
	for (size_t i = 0; i < c->labels.count; i++) {
		const char *label = c->labels.items[i];
		const char *after = str_after(label, condition->value);
		if (after && (*after == '\0' || (!has_value && *after == '=')))
			return true;
		/* --label KEY is stored without "=" and means KEY= */
		if (has_value && !strchr(label, '=') &&
			(after = str_after(condition->value, label)) && str_eq(after, "="))
			return true;
	}
	return false;
}

/* A name that no image has now may still be the name that a container was made from. */
static int ancestor_open(struct ps_condition *condition, struct engine *e)
{
	auto_arena struct arena a = ARENA_INIT;
	struct image image;
	if (image_find(e->root_fd, condition->value, &a, &image) == 0)
		fmt(condition->image_id, "%s", image.id);
	return 0;
}

static bool ancestor_holds(
	const struct ps_condition *condition, const struct ps_row *row, const struct container *c)
{
	if (condition->image_id[0] != '\0')
		return c->image_id && str_eq(c->image_id, condition->image_id);
	return str_eq(condition->value, c->image ? c->image : c->rootfs ? c->rootfs : "");
}

static const struct ps_key keys[] = {
	{"ancestor", false, true, ancestor_open, ancestor_holds, NULL},
	{"id", false, false, pattern_open, id_holds, pattern_release},
	{"label", true, true, NULL, label_holds, NULL},
	{"name", false, false, pattern_open, name_holds, pattern_release},
	{"status", false, false, status_open, status_holds, NULL},
};

enum { KEY_COUNT = sizeof(keys) / sizeof(keys[0]) };

static int condition_open(struct ps_filter *f, struct engine *e, const char *word)
{
	const char *value = strchr(word, '=');
	if (!value)
		return err_say(-EINVAL, "--filter \"%s\" is not KEY=VALUE", word);
	struct ps_condition *condition = &f->conditions[f->count];
	*condition = (struct ps_condition){.value = value + 1};
	for (size_t i = 0; i < KEY_COUNT && !condition->key; i++)
		if (strlen(keys[i].name) == (size_t)(value - word) &&
			str_prefix(word, keys[i].name))
			condition->key = &keys[i];
	if (!condition->key)
		return err_say(-EINVAL,
			"--filter: \"%.*s\" is not one of ancestor, id, label, name, status",
			(int)(value - word), word);
	int r = condition->key->open ? condition->key->open(condition, e) : 0;
	if (r < 0)
		return r;
	f->has_status |= condition->key->holds == status_holds;
	f->needs_record |= condition->key->needs_record;
	f->count++;
	return 0;
}

int ps_filter_open(struct ps_filter *f, struct engine *e, const struct strvec *words)
{
	*f = (struct ps_filter){.conditions = mem_new(words->count * sizeof(*f->conditions))};
	int r = 0;
	for (size_t i = 0; i < words->count && r == 0; i++)
		r = condition_open(f, e, words->items[i]);
	return r;
}

static bool key_passes(const struct ps_filter *f, const struct ps_key *key,
	const struct ps_row *row, const struct container *c)
{
	size_t asked = 0, held = 0;
	for (size_t i = 0; i < f->count; i++) {
		if (f->conditions[i].key != key)
			continue;
		asked++;
		held += key->holds(&f->conditions[i], row, c);
	}
	return key->needs_all ? held == asked : asked == 0 || held > 0;
}

bool ps_filter_passes(const struct ps_filter *f, struct engine *e, const struct ps_row *row)
{
	auto_arena struct arena a = ARENA_INIT;
	struct container c = {0};
	if (f->needs_record && container_load(e, row->id, &a, &c) < 0)
		return false;
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (!key_passes(f, &keys[i], row, &c))
			return false;
	return true;
}

void ps_filter_release(struct ps_filter *f)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->conditions[i].key->release)
			f->conditions[i].key->release(&f->conditions[i]);
	free(f->conditions);
	*f = (struct ps_filter){0};
}
