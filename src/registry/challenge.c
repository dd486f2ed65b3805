/* SPDX-License-Identifier: Apache-2.0 */
/* The header WWW-Authenticate: a scheme, then key="value" pairs with commas between them. */
#include "base/str.h"
#include "registry/internal.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum { VALUE_MAX = 2048 };

static const char *spaces_skip(const char *s, const char *also)
{
	while (*s && (*s == ' ' || *s == '\t' || strchr(also, *s)))
		s++;
	return s;
}

/* "value" or a word. Returns its end; NULL: it is neither. */
static const char *value_take(const char *s, struct arena *a, const char **out)
{
	auto_buf struct buf value = BUF_INIT;
	if (*s != '"') {
		size_t len = strcspn(s, ", \t");
		*out = arena_strn(a, s, len);
		return len && len <= VALUE_MAX ? s + len : NULL;
	}
	for (s++; *s && *s != '"'; s++) {
		if (*s == '\\' && s[1])
			s++;
		buf_addc(&value, *s);
	}
	*out = arena_strn(a, value.data ? value.data : "", value.len);
	return *s == '"' && value.len <= VALUE_MAX ? s + 1 : NULL;
}

int challenge_parse(const char *text, struct arena *a, struct challenge *out)
{
	*out = (struct challenge){0};
	const char *s = spaces_skip(text, "");
	size_t scheme = strcspn(s, " \t");
	out->is_basic = scheme == 5 && strncasecmp(s, "Basic", scheme) == 0;
	if (!out->is_basic && !(scheme == 6 && strncasecmp(s, "Bearer", scheme) == 0))
		return -EINVAL;
	for (s = spaces_skip(s + scheme, ","); *s; s = spaces_skip(s, ",")) {
		size_t key = strcspn(s, "= \t,");
		const char *value = NULL, *after = spaces_skip(s + key, "");
		if (key == 0 || *after != '=')
			return -EINVAL;
		after = value_take(spaces_skip(after + 1, ""), a, &value);
		if (!after)
			return -EINVAL;
		if (key == 5 && strncasecmp(s, "realm", key) == 0)
			out->realm = value;
		else if (key == 7 && strncasecmp(s, "service", key) == 0)
			out->service = value;
		else if (key == 5 && strncasecmp(s, "scope", key) == 0)
			out->scope = value;
		s = after;
	}
	return out->is_basic || out->realm ? 0 : -EINVAL;
}
