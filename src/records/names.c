/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding containers: a name is a symlink to an id, so claiming a name is a single symlink(2),
 * which either succeeds or finds the owner. Ids and their prefixes are directory names.
 */
#include "records/internal.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/file.h"
#include "sys/lock.h"

#include <errno.h>
#include <sys/random.h>

static int name_path(char out[static 160], const char *name)
{
	return fmt_n(out, 160, "names/%s", name);
}

static int name_find(
	const struct engine *e, const char *name, char out_id[static CONTAINER_ID_LEN + 1])
{
	char path[160], target[CONTAINER_ID_LEN + 2];
	if (!str_is_name(name) || name_path(path, name) < 0)
		return -ENOENT;
	int r = sys_readlink_at(e->root_fd, path, target, sizeof(target));
	if (r < 0)
		return r == -EINVAL ? -ENOENT : r; /* something else than a link names nobody */
	if (!str_is_hex(target, CONTAINER_ID_LEN))
		return -ENOENT;
	memcpy(out_id, target, CONTAINER_ID_LEN + 1);
	return 0;
}

/* The container that a name belongs to: 0, or -ENOENT if there is none (any more). Any other
 * failure says nothing about that. */
static int name_owner(
	const struct engine *e, const char *name, char out_id[static CONTAINER_ID_LEN + 1])
{
	int r = name_find(e, name, out_id);
	auto_close int dir = r < 0 ? r : container_dir_open(e, out_id);
	return dir < 0 ? dir : 0;
}

/*
 * Takes a name from a container that is gone (for example after a power cut). Only one command at a
 * time: of two commands that found the same dead owner, the second would unlink the first one's
 * claim. The link that is read under the lock is the one that is unlinked: only its owner releases
 * a name, and the owner is gone. A removal releases the name before it removes the container.
 */
static int name_take_over(const struct engine *e, const char *name, const char *id)
{
	char path[160], owner[CONTAINER_ID_LEN + 1];
	name_path(path, name);
	auto_close int lock = lock_file_at(e->state_fd, "names", true);
	if (lock < 0)
		return err_new(lock, "lock the names of containers");
	int r = name_owner(e, name, owner);
	if (r != -ENOENT)
		return r == 0 ? -EEXIST : r;
	sys_unlink_at(e->root_fd, path, 0);
	return sys_symlink_at(id, e->root_fd, path);
}

int name_claim(struct engine *e, const char *name, const char *id,
	char out_owner[static CONTAINER_ID_LEN + 1])
{
	char path[160];
	if (!str_is_name(name))
		return err_say(-EINVAL,
			"invalid container name \"%s\": only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
			name);
	name_path(path, name);
	int r = sys_symlink_at(id, e->root_fd, path);
	if (r != -EEXIST)
		return r < 0 ? err_new(r, "claim the name %s", name) : 0;
	int owner = name_owner(e, name, out_owner);
	if (owner < 0)
		r = owner == -ENOENT ? name_take_over(e, name, id) : owner;
	if (r != -EEXIST)
		return r < 0 ? err_new(r, "claim the name %s", name) : 0;
	if (name_find(e, name, out_owner) < 0)
		out_owner[0] = '\0';
	return err_say(r,
		"the container name \"%s\" is already in use by container %s. Remove it "
		"to use the name again",
		name, out_owner[0] ? out_owner : "that is being removed");
}

int name_release(const struct engine *e, const char *name, const char *id)
{
	char path[160], owner[CONTAINER_ID_LEN + 1];
	int r = name_find(e, name, owner);
	if (r == 0 && str_eq(owner, id) && name_path(path, name) >= 0)
		r = sys_unlink_at(e->root_fd, path, 0);
	return r < 0 && r != -ENOENT ? err_new(r, "give back the name %s", name) : 0;
}

int name_release_all(const struct engine *e, const char *id)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	int r = file_list_at(e->root_fd, "names", &names);
	if (r < 0)
		return err_new(r, "list %s/names", e->root_path);
	strvec_each (name, &names) {
		r = name_release(e, *name, id);
		if (r < 0)
			return r;
	}
	return 0;
}

static const char *const adjectives[] = {"amber", "bold", "brave", "bright", "calm", "clever",
	"crisp", "deft", "eager", "fair", "fleet", "fond", "frank", "gentle", "glad", "hardy",
	"keen", "kind", "lively", "loyal", "lucid", "mellow", "merry", "neat", "nimble", "noble",
	"patient", "plain", "proud", "quick", "quiet", "sharp", "sober", "solid", "steady", "sunny",
	"swift", "tidy", "warm", "wise"};

static const char *const grains[] = {"acorn", "almond", "amaranth", "barley", "bean", "buckwheat",
	"cashew", "chestnut", "chickpea", "coconut", "corn", "cowpea", "emmer", "flax", "fonio",
	"hazel", "hemp", "kamut", "lentil", "linseed", "lupin", "maize", "millet", "mustard", "oat",
	"peanut", "pecan", "pine", "pistachio", "poppy", "quinoa", "rice", "rye", "sesame",
	"sorghum", "soy", "spelt", "teff", "walnut", "wheat"};

void name_invent(const struct engine *e, struct arena *a, const char **out)
{
	char owner[CONTAINER_ID_LEN + 1];
	for (unsigned attempt = 0;; attempt++) {
		uint32_t dice[2] = {0};
		if (getrandom(dice, sizeof(dice), 0) != sizeof(dice))
			BUG("getrandom");
		const char *first =
			adjectives[dice[0] % (sizeof(adjectives) / sizeof(adjectives[0]))];
		const char *second = grains[dice[1] % (sizeof(grains) / sizeof(grains[0]))];
		*out = attempt ? arena_printf(a, "%s_%s%u", first, second, attempt)
			       : arena_printf(a, "%s_%s", first, second);
		if (name_find(e, *out, owner) == -ENOENT)
			return;
	}
}

static int prefix_find(
	struct engine *e, const char *prefix, char out_id[static CONTAINER_ID_LEN + 1])
{
	auto_of(container_list) struct container_list list = {0};
	int r = container_list(e, &list);
	if (r < 0)
		return r;
	size_t found = 0;
	for (size_t i = 0; i < list.count; i++)
		if (str_prefix(list.ids[i], prefix) && found++ == 0)
			memcpy(out_id, list.ids[i], sizeof(list.ids[i]));
	if (found > 1)
		return err_say(-EINVAL, "the id prefix %s means %zu containers", prefix, found);
	return found ? 0 : err_say(-ENOENT, "no such container: %s", prefix);
}

int container_find(struct engine *e, const char *word, char out_id[static CONTAINER_ID_LEN + 1])
{
	if (*word == '\0')
		return err_say(-EINVAL, "the name of a container is empty");
	if (name_find(e, word, out_id) == 0)
		return 0;
	size_t len = strlen(word);
	if (len > 0 && len <= CONTAINER_ID_LEN && str_is_hex(word, len))
		return prefix_find(e, word, out_id);
	return err_say(-ENOENT, "no such container: %s", word);
}
