/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount options as words: one table for the names of mount(8), fstab and the OCI specification. A
 * word that the table does not know belongs to the file system and is collected in data.
 */
#include "mount/mount.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <sys/mount.h>
#include <linux/mount.h>

enum option_effect {
	EFFECT_SET, /* attr_set */
	EFFECT_CLEAR, /* attr_clear */
	EFFECT_SET_RECURSIVE, /* attr_set_recursive */
	EFFECT_CLEAR_RECURSIVE, /* attr_clear_recursive */
	EFFECT_IDMAP,
	EFFECT_COPY_UP,
	EFFECT_PROPAGATION,
	EFFECT_BIND,
	EFFECT_REMOUNT,
	EFFECT_DATA, /* of the file system as a whole, which a bind cannot change */
	EFFECT_DATA_DEFAULT, /* the same, but every bind has it anyway */
	/* accepted without effect: defaults, and words that only readers of fstab use */
	EFFECT_NOTHING,
};

struct option_word {
	const char *word;
	enum option_effect effect;
	bool is_recursive;
	uint64_t value;
};

static const struct option_word option_words[] = {
	{"defaults", EFFECT_NOTHING, false, 0},
	{"auto", EFFECT_NOTHING, false, 0},
	{"loud", EFFECT_NOTHING, false, 0},
	{"silent", EFFECT_NOTHING, false, 0},
	{"noiversion", EFFECT_NOTHING, false,
		0}, /* the kernel's file systems decide it themselves since 6.1 */
	{"sync", EFFECT_DATA, false, 0},
	{"async", EFFECT_DATA_DEFAULT, false, 0},
	{"dirsync", EFFECT_DATA, false, 0},
	{"lazytime", EFFECT_DATA, false, 0},
	{"nolazytime", EFFECT_DATA_DEFAULT, false, 0},
	{"mand", EFFECT_DATA, false, 0},
	{"nomand", EFFECT_DATA_DEFAULT, false, 0},
	{"ro", EFFECT_SET, false, MOUNT_ATTR_RDONLY},
	{"rw", EFFECT_CLEAR, false, MOUNT_ATTR_RDONLY},
	{"nosuid", EFFECT_SET, false, MOUNT_ATTR_NOSUID},
	{"suid", EFFECT_CLEAR, false, MOUNT_ATTR_NOSUID},
	{"nodev", EFFECT_SET, false, MOUNT_ATTR_NODEV},
	{"dev", EFFECT_CLEAR, false, MOUNT_ATTR_NODEV},
	{"noexec", EFFECT_SET, false, MOUNT_ATTR_NOEXEC},
	{"exec", EFFECT_CLEAR, false, MOUNT_ATTR_NOEXEC},
	{"noatime", EFFECT_SET, false, MOUNT_ATTR_NOATIME},
	{"atime", EFFECT_CLEAR, false, MOUNT_ATTR_NOATIME},
	{"strictatime", EFFECT_SET, false, MOUNT_ATTR_STRICTATIME},
	{"nostrictatime", EFFECT_CLEAR, false, MOUNT_ATTR_STRICTATIME},
	{"relatime", EFFECT_SET, false, MOUNT_ATTR_RELATIME},
	{"norelatime", EFFECT_NOTHING, false, 0}, /* the kernel has no other default since 2.6.30 */
	{"nodiratime", EFFECT_SET, false, MOUNT_ATTR_NODIRATIME},
	{"diratime", EFFECT_CLEAR, false, MOUNT_ATTR_NODIRATIME},
	{"nosymfollow", EFFECT_SET, false, MOUNT_ATTR_NOSYMFOLLOW},
	{"symfollow", EFFECT_CLEAR, false, MOUNT_ATTR_NOSYMFOLLOW},
	{"rro", EFFECT_SET_RECURSIVE, false, MOUNT_ATTR_RDONLY},
	{"rrw", EFFECT_CLEAR_RECURSIVE, false, MOUNT_ATTR_RDONLY},
	{"rnosuid", EFFECT_SET_RECURSIVE, false, MOUNT_ATTR_NOSUID},
	{"rsuid", EFFECT_CLEAR_RECURSIVE, false, MOUNT_ATTR_NOSUID},
	{"rnodev", EFFECT_SET_RECURSIVE, false, MOUNT_ATTR_NODEV},
	{"rdev", EFFECT_CLEAR_RECURSIVE, false, MOUNT_ATTR_NODEV},
	{"rnoexec", EFFECT_SET_RECURSIVE, false, MOUNT_ATTR_NOEXEC},
	{"rexec", EFFECT_CLEAR_RECURSIVE, false, MOUNT_ATTR_NOEXEC},
	{"rnoatime", EFFECT_SET_RECURSIVE, false, MOUNT_ATTR_NOATIME},
	{"ratime", EFFECT_CLEAR_RECURSIVE, false, MOUNT_ATTR_NOATIME},
	{"rstrictatime", EFFECT_SET_RECURSIVE, false, MOUNT_ATTR_STRICTATIME},
	{"rnostrictatime", EFFECT_CLEAR_RECURSIVE, false, MOUNT_ATTR_STRICTATIME},
	{"rrelatime", EFFECT_SET_RECURSIVE, false, MOUNT_ATTR_RELATIME},
	{"rnorelatime", EFFECT_NOTHING, false, 0},
	{"rnodiratime", EFFECT_SET_RECURSIVE, false, MOUNT_ATTR_NODIRATIME},
	{"rdiratime", EFFECT_CLEAR_RECURSIVE, false, MOUNT_ATTR_NODIRATIME},
	{"rnosymfollow", EFFECT_SET_RECURSIVE, false, MOUNT_ATTR_NOSYMFOLLOW},
	{"rsymfollow", EFFECT_CLEAR_RECURSIVE, false, MOUNT_ATTR_NOSYMFOLLOW},
	{"idmap", EFFECT_IDMAP, false, 0},
	{"ridmap", EFFECT_IDMAP, true, 0},
	{"tmpcopyup", EFFECT_COPY_UP, false, 0},
	{"private", EFFECT_PROPAGATION, false, MS_PRIVATE},
	{"rprivate", EFFECT_PROPAGATION, true, MS_PRIVATE},
	{"slave", EFFECT_PROPAGATION, false, MS_SLAVE},
	{"rslave", EFFECT_PROPAGATION, true, MS_SLAVE},
	{"shared", EFFECT_PROPAGATION, false, MS_SHARED},
	{"rshared", EFFECT_PROPAGATION, true, MS_SHARED},
	{"unbindable", EFFECT_PROPAGATION, false, MS_UNBINDABLE},
	{"runbindable", EFFECT_PROPAGATION, true, MS_UNBINDABLE},
	{"bind", EFFECT_BIND, false, 0},
	{"rbind", EFFECT_BIND, true, 0},
	{"remount", EFFECT_REMOUNT, false, 0},
};

static const struct option_word *option_find(const char *word)
{
	for (size_t i = 0; i < sizeof(option_words) / sizeof(option_words[0]); i++)
		if (str_eq(option_words[i].word, word))
			return &option_words[i];
	return NULL;
}

void mount_option_words(struct strvec *out)
{
	for (size_t i = 0; i < sizeof(option_words) / sizeof(option_words[0]); i++)
		strvec_push(out, option_words[i].word);
}

static void attr_set(uint64_t *set, uint64_t *clear, uint64_t value)
{
	/* atime is one field of three values, not bits: the kernel refuses two of them at once. */
	if (value == MOUNT_ATTR_RELATIME || (value & MOUNT_ATTR__ATIME)) {
		*set &= ~(uint64_t)MOUNT_ATTR__ATIME;
		*clear |= MOUNT_ATTR__ATIME;
	}
	*set |= value;
}

static void attr_clear(uint64_t *set, uint64_t *clear, uint64_t value)
{
	*set &= ~value;
	*clear |= value & MOUNT_ATTR__ATIME ? MOUNT_ATTR__ATIME : value;
}

static void data_add(struct mount_options *o, const char *word)
{
	if (o->data.len)
		buf_addc(&o->data, ',');
	buf_adds(&o->data, word);
}

/* Later words win over earlier ones of the same attribute, as with mount(8). */
static void option_take(struct mount_options *o, const struct option_word *word)
{
	switch (word->effect) {
	case EFFECT_SET:
		attr_set(&o->attr_set, &o->attr_clear, word->value);
		break;
	case EFFECT_CLEAR:
		attr_clear(&o->attr_set, &o->attr_clear, word->value);
		break;
	case EFFECT_SET_RECURSIVE:
		attr_set(&o->attr_set_recursive, &o->attr_clear_recursive, word->value);
		break;
	case EFFECT_CLEAR_RECURSIVE:
		attr_clear(&o->attr_set_recursive, &o->attr_clear_recursive, word->value);
		break;
	case EFFECT_IDMAP:
		o->is_idmapped = true;
		o->is_idmap_recursive = word->is_recursive;
		break;
	case EFFECT_COPY_UP:
		o->copies_up = true;
		break;
	case EFFECT_PROPAGATION:
		o->propagation = (uint32_t)word->value | (word->is_recursive ? MS_REC : 0);
		break;
	case EFFECT_BIND:
		o->is_bind = true;
		o->is_recursive |= word->is_recursive;
		break;
	case EFFECT_REMOUNT:
		o->is_remount = true;
		break;
	case EFFECT_DATA:
	case EFFECT_DATA_DEFAULT:
		data_add(o, word->word);
		break;
	case EFFECT_NOTHING:
		break;
	}
}

void mount_options_release(struct mount_options *o)
{
	buf_release(&o->data);
}

int mount_options_parse(const char *text, struct mount_options *out)
{
	auto_free char *copy = mem_strdup(text);
	char *rest = copy;
	char *word;

	while ((word = str_cut(&rest, ','))) {
		if (word[0] == '\0')
			continue;
		const struct option_word *known = option_find(word);
		if (known) {
			option_take(out, known);
			continue;
		}
		if (word[0] == '=')
			return err_say(-EINVAL, "\"%s\" is not a mount option", word);
		data_add(out, word);
	}
	return 0;
}

bool mount_options_suit_bind(const struct mount_options *o)
{
	auto_free char *copy = mem_strdup(o->data.len ? o->data.data : "");
	char *rest = copy;

	for (char *word = str_cut(&rest, ','); word; word = str_cut(&rest, ',')) {
		const struct option_word *known = option_find(word);
		if (*word && !(known && known->effect == EFFECT_DATA_DEFAULT))
			return false;
	}
	return true;
}

void mount_attr_words(uint64_t attr, struct buf *out)
{
	size_t start = out->len;
	for (size_t i = 0; i < sizeof(option_words) / sizeof(option_words[0]); i++) {
		const struct option_word *word = &option_words[i];
		if (word->effect != EFFECT_SET || word->value == 0 || !(attr & word->value))
			continue;
		if (out->len > start)
			buf_addc(out, ',');
		buf_adds(out, word->word);
	}
}
