/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image references: [DOMAIN/]PATH[:TAG][@DIGEST]. The first component is a domain when it could be
 * a host (a dot, a colon, upper case, "localhost"), otherwise Docker Hub is meant, and its official
 * images when there is no slash.
 */
#include "image/internal.h"
#include "base/str.h"

#include <errno.h>

static const char hub[] = "docker.io", official[] = "library/", latest[] = "latest";
static const char lower_digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
static const char word_letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
enum { TAG_MAX = 128, PORT_MAX = 5 };

const char *digest_hex(const char *digest)
{
	const char *hex = str_after(digest, "sha256:");
	return hex && str_is_hex(hex, DIGEST_HEX_LEN) ? hex : NULL;
}

/* Separators between runs of letters: ".", "_", "__", or any number of "-". */
static size_t separator_length(const char *s)
{
	if (*s == '.')
		return 1;
	if (*s == '_')
		return s[1] == '_' ? 2 : 1;
	return strspn(s, "-");
}

/* [a-z0-9]+(separator[a-z0-9]+)* between slashes. */
static bool path_is_valid(const char *s)
{
	for (;;) {
		size_t run = strspn(s, lower_digits);
		if (run == 0)
			return false;
		s += run;
		if (*s == '\0')
			return true;
		size_t separator = *s == '/' ? 1 : separator_length(s);
		if (separator == 0)
			return false;
		s += separator;
	}
}

static bool port_is_valid(const char *s)
{
	size_t len = strspn(s, "0123456789");
	return len > 0 && len <= PORT_MAX && s[len] == '\0';
}

/* Labels joined by dots, or [IPv6], then optionally a port. */
bool reference_domain_is_valid(const char *s)
{
	if (*s == '[') {
		size_t len = strspn(s + 1, "0123456789abcdefABCDEF:");
		if (len == 0 || s[len + 1] != ']')
			return false;
		s += len + 2;
		return *s == '\0' || (*s == ':' && port_is_valid(s + 1));
	}
	for (;;) {
		size_t len = strcspn(s, ".:");
		size_t letters = 0;
		for (size_t i = 0; i < len; i++)
			letters += strchr(word_letters, s[i]) ||
				(s[i] == '-' && i > 0 && i < len - 1);
		if (len == 0 || letters != len)
			return false;
		s += len;
		if (*s != '.')
			return *s == '\0' || port_is_valid(s + 1);
		s++;
	}
}

static bool tag_is_valid(const char *s)
{
	size_t len = strlen(s);
	if (len == 0 || len > TAG_MAX || *s == '.' || *s == '-')
		return false;
	for (; *s; s++)
		if (!strchr(word_letters, *s) && !strchr("_.-", *s))
			return false;
	return true;
}

static bool is_domain(const char *first)
{
	if (str_eq(first, "localhost") || strpbrk(first, ".:"))
		return true;
	return first[strspn(first, "abcdefghijklmnopqrstuvwxyz0123456789_-")] != '\0';
}

/* Splits the name into domain and path, and fills in Docker's defaults. */
static void name_split(char *name, struct arena *a, struct image_reference *out)
{
	char *slash = strchr(name, '/');
	out->domain = hub;
	out->path = name;
	if (slash) {
		*slash = '\0';
		if (is_domain(name)) {
			out->domain = str_eq(name, "index.docker.io") ? hub : name;
			out->path = slash + 1;
		} else {
			*slash = '/';
		}
	}
	if (str_eq(out->domain, hub) && !strchr(out->path, '/'))
		out->path = arena_printf(a, "%s%s", official, out->path);
}

static int refuse(const char *text, const char *why)
{
	auto_buf struct buf shown = BUF_INIT;
	buf_add_escaped(&shown, text);
	return err_say(-EINVAL, "invalid image reference \"%.300s\": %s", shown.data, why);
}

int reference_parse(const char *text, struct arena *a, struct image_reference *out)
{
	if (strlen(text) > REFERENCE_NAME_MAX + TAG_MAX + DIGEST_TEXT_LEN + 2)
		return refuse(text, "it is too long");
	auto_buf struct buf copy = BUF_INIT;
	buf_adds(&copy, text);
	struct image_reference r = {0};

	char *digest = strchr(copy.data, '@');
	if (digest) {
		*digest++ = '\0';
		if (!digest_hex(digest))
			return refuse(text, "a digest is sha256: and 64 lower-case hex digits");
		r.digest = arena_str(a, digest);
	}
	char *last = strrchr(copy.data, '/');
	char *tag = strchr(last ? last : copy.data, ':');
	if (tag) {
		*tag++ = '\0';
		if (!tag_is_valid(tag))
			return refuse(
				text, "a tag is at most 128 letters, digits, `_`, `.` and `-`");
		r.tag = arena_str(a, tag);
	} else if (!digest) {
		r.tag = latest;
	}
	if (str_is_hex(copy.data, DIGEST_HEX_LEN))
		return refuse(text, "64 hex digits are an image id");
	size_t len = strlen(copy.data);
	char *name = arena_new(a, len + 1);
	memcpy(name, copy.data, len);
	name_split(name, a, &r);
	if (!reference_domain_is_valid(r.domain))
		return refuse(text, "its first part is not a host name");
	if (!path_is_valid(r.path))
		return refuse(text,
			"a name is lower-case letters and digits, with `.`, `_` and `-` between "
			"them");
	if (strlen(r.domain) + strlen(r.path) + 1 > REFERENCE_NAME_MAX)
		return refuse(text, "the name is longer than 255 characters");
	*out = r;
	return 0;
}

static void rest_write(const struct image_reference *r, struct buf *out)
{
	if (r->tag)
		buf_addf(out, ":%s", r->tag);
	if (r->digest)
		buf_addf(out, "@%s", r->digest);
}

void reference_write(const struct image_reference *r, struct buf *out)
{
	buf_addf(out, "%s/%s", r->domain, r->path);
	rest_write(r, out);
}

void reference_write_short(const struct image_reference *r, struct buf *out)
{
	const char *name = str_eq(r->domain, hub) ? str_after(r->path, official) : NULL;
	if (name && !strchr(name, '/'))
		buf_adds(out, name);
	else if (str_eq(r->domain, hub))
		buf_adds(out, r->path);
	else
		buf_addf(out, "%s/%s", r->domain, r->path);
	rest_write(r, out);
}

int reference_file(const struct image_reference *r, struct buf *out)
{
	auto_buf struct buf text = BUF_INIT;
	reference_write(r, &text);
	size_t begin = out->len;
	for (const char *s = text.data; *s; s++) {
		if (strchr(word_letters, *s) || strchr("._-", *s))
			buf_addc(out, *s);
		else
			buf_addf(out, "%%%02X", (unsigned char)*s);
	}
	return out->len - begin > STORE_NAME_MAX ? -ENAMETOOLONG : 0;
}

static int hex_value(char c)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -EINVAL;
}

int reference_of_file(const char *file_name, struct buf *out)
{
	if (*file_name == '.')
		return -EINVAL; /* the new content of a file that is being replaced */
	for (const char *s = file_name; *s; s++) {
		if (*s != '%') {
			buf_addc(out, *s);
			continue;
		}
		int high = hex_value(s[1]);
		int low = high < 0 ? high : hex_value(s[2]);
		if (low < 0 || (high == 0 && low == 0))
			return -EINVAL;
		buf_addc(out, (char)(high * 16 + low));
		s += 2;
	}
	return 0;
}
