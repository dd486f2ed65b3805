/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of a registry, each kept in memory as a whole. */
#include "base/str.h"
#include "registry/internal.h"
#include "sys/process.h"

enum { ENTRANCE_MAX = 64 << 10 };

/* The media type without its parameters. A type that is too long counts as none. */
static void type_take(struct exchange *x, struct registry_document *out)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789!#$&^_.+-/";
	char *type = NULL;
	curl_easy_getinfo(x->easy, CURLINFO_CONTENT_TYPE, &type);
	fmt(out->media_type, "%.*s", type ? (int)strspn(type, letters) : 0, type ? type : "");
}

/* Sends a request that is answered by a document. A failure that may pass is tried again. */
static int document_ask(struct exchange *x, const char *tail, const char *accept, const char *what)
{
	int r;
	do {
		r = exchange_begin(x, tail, accept);
		if (r == 0)
			r = exchange_judge(x, curl_easy_perform(x->easy), what);
		if (r > 0)
			clock_sleep_ms((uint64_t)r);
	} while (r > 0);
	return r;
}

int registry_enter(struct registry *registry)
{
	auto_of(exchange) struct exchange x = {
		.registry = registry, .body = BUF_INIT, .body_max = ENTRANCE_MAX};
	return document_ask(&x, NULL, NULL, "log in");
}

int registry_get(struct registry *registry, const char *tail, const char *accept, size_t max,
	struct registry_document *out)
{
	auto_of(exchange) struct exchange x = {
		.registry = registry, .body = BUF_INIT, .body_max = max};
	auto_buf struct buf what = BUF_INIT;
	buf_addf(&what, "%s/%s", registry->place->path, tail);
	int r = document_ask(&x, tail, accept, what.data);
	if (r < 0)
		return r;
	type_take(&x, out);
	buf_clear(&out->body);
	buf_add(&out->body, x.body.data, x.body.len);
	return 0;
}
