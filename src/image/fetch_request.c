/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "image/fetch.h"
#include "sys/fd.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

enum { REQUEST_MAX = 256 << 10 };
#define UNVERIFIED "isUnverified"

static const struct {
	const char *key;
	size_t offset; /* of a const char * */
} strings[] = {
	{"domain", offsetof(struct fetch_request, domain)},
	{"path", offsetof(struct fetch_request, path)},
	{"reference", offsetof(struct fetch_request, reference)},
	{"version", offsetof(struct fetch_request, version)},
	{"architecture", offsetof(struct fetch_request, architecture)},
	{"user", offsetof(struct fetch_request, user)},
	{"secret", offsetof(struct fetch_request, secret)},
	{"identityToken", offsetof(struct fetch_request, identity_token)},
};
enum { STRINGS = sizeof(strings) / sizeof(strings[0]) };

int fetch_request_write(const struct fetch_request *request)
{
	auto_buf struct buf text = BUF_INIT;
	struct json_writer w = {.out = &text};
	json_open_object(&w, NULL);
	for (size_t i = 0; i < STRINGS; i++) {
		const char *const *value = (const void *)((const char *)request +
			strings[i].offset);
		if (*value)
			json_put_string(&w, strings[i].key, *value);
	}
	json_put_bool(&w, UNVERIFIED, request->is_unverified);
	json_close_object(&w);
	int fd = fd_memfd_sealed("husk-fetch", text.data, text.len);
	return fd < 0 ? err_new(fd, "say what to ask of the registry") : fd;
}

int fetch_request_read(int fd, struct arena *a, struct fetch_request *out)
{
	auto_buf struct buf text = BUF_INIT;
	auto_of(json) struct json *document = NULL;
	*out = (struct fetch_request){0};
	int r = fd_read_all(fd, REQUEST_MAX, &text);
	if (r < 0)
		return err_new(r, "read what to ask of the registry");
	r = json_parse("request", text.data, text.len, &document);
	if (r < 0)
		return r;
	struct json_cursor root = json_root(document);
	for (size_t i = 0; i < STRINGS && r >= 0; i++)
		r = json_opt_string(
			&root, strings[i].key, a, (void *)((char *)out + strings[i].offset));
	if (r >= 0)
		r = json_opt_bool(&root, UNVERIFIED, &out->is_unverified);
	if (r >= 0 && !out->domain)
		r = json_err(&root, -EINVAL, "it names no registry");
	return r < 0 ? r : 0;
}

const char *const *fetch_environment(struct arena *a)
{
	static const char *const names[] = {"http_proxy=", "https_proxy=", "HTTPS_PROXY=",
		"all_proxy=", "ALL_PROXY=", "no_proxy=", "NO_PROXY="};
	struct str_list found = {0};
	for (char **entry = environ; *entry; entry++)
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (str_prefix(*entry, names[i]))
				*arena_push(a, &found) = *entry;
	*arena_push(a, &found) = NULL;
	return found.items;
}
