/* SPDX-License-Identifier: Apache-2.0 */
/* One request to a registry: how it is made, and what its result means. */
#include "base/json.h"
#include "base/str.h"
#include "registry/internal.h"

#include <errno.h>

enum {
	CONNECT_SECONDS = 20,
	STALL_SECONDS = 30,
	REDIRECTS_MAX = 5,
	TRIES_MAX = 5,
	FIRST_DELAY_MS = 250, /* doubled with every try */
	RETRY_AFTER_MAX_S = 30,
	WORDS_MAX = 200,
	BUFFER_BYTES = 256 << 10,
};

int registry_begin(void)
{
	CURLcode code = curl_global_init(CURL_GLOBAL_ALL);
	return code ? err_say(-ENOMEM, "libcurl: %s", curl_easy_strerror(code)) : 0;
}

static void base_set(struct registry *r, const char *scheme)
{
	r->base = arena_printf(&r->arena, "%s://%s/", scheme, origin_host(r->place->domain));
}

int registry_open(const struct registry_place *place, struct registry **out)
{
	struct registry *r = mem_new(sizeof(*r));
	*r = (struct registry){.place = place, .token = BUF_INIT};
	base_set(r, "https");
	*out = r;
	return 0;
}

void registry_close(struct registry *r)
{
	if (!r)
		return;
	buf_release(&r->token);
	arena_release(&r->arena);
	free(r);
}

size_t exchange_keep(char *data, size_t size, size_t count, void *exchange)
{
	struct exchange *x = exchange;
	if (count > x->body_max - x->body.len) {
		x->failure = err_say(-EFBIG,
			"%s sends more than %zu bytes where a document belongs",
			origin_host(x->registry->place->domain), x->body_max);
		return 0;
	}
	buf_add(&x->body, data, count);
	return count;
}

/* Makes a request to `url`, with the options that all requests have. */
static int request_new(struct exchange *x, const char *url)
{
	const struct registry_place *place = x->registry->place;
	bool is_plain = str_prefix(x->registry->base, "http:");
	const char *schemes = is_plain ? "http,https" : "https";
	curl_easy_cleanup(x->easy);
	x->easy = curl_easy_init();
	if (!x->easy)
		return err_new(-ENOMEM, "make a request");
	x->why[0] = '\0';
	buf_clear(&x->body);
	struct curl_blob authorities = {.data = place->authorities->data,
		.len = place->authorities->len,
		.flags = CURL_BLOB_NOCOPY};
	const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{CURLOPT_NOSIGNAL, 1},
		{CURLOPT_FOLLOWLOCATION, 1},
		{CURLOPT_MAXREDIRS, REDIRECTS_MAX},
		{CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS},
		{CURLOPT_LOW_SPEED_LIMIT, 1},
		{CURLOPT_LOW_SPEED_TIME, STALL_SECONDS},
		{CURLOPT_BUFFERSIZE, BUFFER_BYTES},
		{CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
		{CURLOPT_SSL_VERIFYPEER, !place->is_unverified},
		{CURLOPT_SSL_VERIFYHOST, place->is_unverified ? 0 : 2},
	};
	int worst = curl_easy_setopt(x->easy, CURLOPT_URL, url);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		worst |= (int)curl_easy_setopt(x->easy, numbers[i].option, numbers[i].value);
	worst |= (int)curl_easy_setopt(x->easy, CURLOPT_PROTOCOLS_STR, schemes);
	worst |= (int)curl_easy_setopt(x->easy, CURLOPT_REDIR_PROTOCOLS_STR, schemes);
	worst |= (int)curl_easy_setopt(x->easy, CURLOPT_USERAGENT, "husk/" HUSK_VERSION);
	worst |= (int)curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->why);
	worst |= (int)curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, exchange_keep);
	worst |= (int)curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
	if (authorities.len)
		worst |= (int)curl_easy_setopt(x->easy, CURLOPT_CAINFO_BLOB, &authorities);
	return worst ? err_say(-ENOMEM, "libcurl refuses an option, or has no memory") : 0;
}

static void basic_add(struct exchange *x)
{
	curl_easy_setopt(x->easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
	curl_easy_setopt(x->easy, CURLOPT_USERNAME, x->registry->place->user);
	curl_easy_setopt(x->easy, CURLOPT_PASSWORD, x->registry->place->secret);
}

int exchange_begin(struct exchange *x, const char *tail, const char *accept)
{
	const struct registry *registry = x->registry;
	auto_buf struct buf url = BUF_INIT, header = BUF_INIT;
	buf_addf(&url, "%sv2/", registry->base);
	if (tail)
		buf_addf(&url, "%s/%s", registry->place->path, tail);
	int r = request_new(x, url.data);
	if (r < 0)
		return r;
	if (accept && !x->headers) {
		buf_addf(&header, "Accept: %s", accept);
		x->headers = curl_slist_append(NULL, header.data);
	}
	curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
	if (registry->token.len) {
		curl_easy_setopt(x->easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
		curl_easy_setopt(x->easy, CURLOPT_XOAUTH2_BEARER, registry->token.data);
	} else if (registry->sends_basic) {
		basic_add(x);
	}
	return 0;
}

void exchange_end(struct exchange *x)
{
	curl_easy_cleanup(x->easy);
	curl_slist_free_all(x->headers);
	buf_release(&x->body);
}

/* The first challenge that husk can answer. */
static int challenge_find(struct exchange *x, struct arena *a, struct challenge *out)
{
	struct curl_header *header;
	for (size_t i = 0; curl_easy_header(x->easy, "WWW-Authenticate", i, CURLH_HEADER, -1,
				   &header) == CURLHE_OK;
		i++)
		if (challenge_parse(header->value, a, out) == 0)
			return 0;
	return err_say(-EPROTO, "%s does not say how to log in", x->registry->place->domain);
}

static void parameter_add(struct buf *query, CURL *easy, const char *key, const char *value)
{
	char *escaped = curl_easy_escape(easy, value, 0);
	buf_addf(query, "%s%s=%s", query->len ? "&" : "", key, escaped ? escaped : "");
	curl_free(escaped);
}

static int token_take(struct registry *r, const struct buf *body)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_of(json) struct json *document = NULL;
	const char *token = NULL;
	int code = json_parse("answer of the token service", body->data, body->len, &document);
	if (code < 0)
		return code;
	struct json_cursor root = json_root(document);
	code = json_opt_string(&root, "token", &a, &token);
	if (code == 0)
		code = json_opt_string(&root, "access_token", &a, &token);
	if (code < 0)
		return code;
	/* The token becomes part of a header. */
	if (!token || *token == '\0' || strpbrk(token, "\r\n \t"))
		return json_err(&root, -EPROTO, "there is no token in it");
	buf_clear(&r->token);
	buf_adds(&r->token, token);
	return 0;
}

static int token_request(struct exchange *x, const struct challenge *c)
{
	const struct registry_place *place = x->registry->place;
	bool is_trusted = origin_trusts_realm(place->domain, x->registry->base, c->realm);
	auto_buf struct buf url = BUF_INIT, query = BUF_INIT, scope = BUF_INIT;
	buf_adds(&url, c->realm);
	buf_addf(&scope, "repository:%s:pull", place->path ? place->path : "");
	int r = request_new(x, url.data);
	if (r < 0)
		return r;
	if (c->service)
		parameter_add(&query, x->easy, "service", c->service);
	if (c->scope || place->path)
		parameter_add(&query, x->easy, "scope", c->scope ? c->scope : scope.data);
	if (is_trusted && place->identity_token) {
		parameter_add(&query, x->easy, "grant_type", "refresh_token");
		parameter_add(&query, x->easy, "client_id", "husk");
		parameter_add(&query, x->easy, "refresh_token", place->identity_token);
		curl_easy_setopt(x->easy, CURLOPT_COPYPOSTFIELDS, query.data);
	} else {
		if (is_trusted && place->user) {
			basic_add(x);
			parameter_add(&query, x->easy, "account", place->user);
		}
		buf_addf(&url, "%c%s", strchr(c->realm, '?') ? '&' : '?',
			query.data ? query.data : "");
		curl_easy_setopt(x->easy, CURLOPT_URL, url.data);
	}
	CURLcode result = curl_easy_perform(x->easy);
	long status = 0;
	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	if (x->failure)
		return x->failure;
	if (result)
		return err_say(-EIO, "the token service of %s: %s", place->domain,
			*x->why ? x->why : curl_easy_strerror(result));
	if (status == 401 || status == 403)
		return err_say(-EACCES, "the token service of %s refuses %s", place->domain,
			place->user ? "this user or password" : "to let anybody in");
	return status == 200 ? token_take(x->registry, &x->body)
			     : err_say(-EIO, "the token service of %s answered with status %ld",
				       place->domain, status);
}

static int authenticate(struct exchange *x)
{
	auto_arena struct arena a = ARENA_INIT;
	struct challenge challenge;
	const struct registry_place *place = x->registry->place;
	bool has_login = place->user || place->identity_token;
	if (x->has_authenticated)
		return err_say(-EACCES, "%s does not let %s have %s", place->domain,
			has_login ? "this user" : "anybody", place->path ? place->path : "in");
	int r = challenge_find(x, &a, &challenge);
	if (r < 0)
		return r;
	x->has_authenticated = true;
	if (!challenge.is_basic) {
		auto_of(exchange) struct exchange token = {
			.registry = x->registry, .body = BUF_INIT, .body_max = 256 << 10};
		return token_request(&token, &challenge);
	}
	if (!place->user)
		return err_say(-EACCES, "%s wants a user and a password", place->domain);
	x->registry->sends_basic = true;
	return 0;
}

/* Adds the registry's own message about the error, if there is one. */
static void words_add(const struct exchange *x, struct buf *out)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_of(json) struct json *document = NULL;
	struct json_cursor root, list, item;
	const char *message = NULL;
	if (x->body.len == 0 || json_parse("", x->body.data, x->body.len, &document) < 0)
		return;
	root = json_root(document);
	if (json_need_object(&root) < 0 || !json_field(&root, "errors", &list) ||
		json_count(&list) <= 0)
		return;
	item = json_item(&list, 0);
	if (json_opt_string(&item, "message", &a, &message) != 1 || *message == '\0')
		return;
	auto_buf struct buf shown = BUF_INIT;
	buf_add_escaped(&shown, message);
	buf_addf(out, ": %.*s", WORDS_MAX, shown.data);
}

/* In how many milliseconds to try again after a failure that may pass, or `code`. The error is in
 * the trail already. */
static int again(struct exchange *x, int code)
{
	curl_off_t seconds = 0;
	if (++x->tries >= TRIES_MAX)
		return code;
	curl_easy_getinfo(x->easy, CURLINFO_RETRY_AFTER, &seconds);
	if (seconds > RETRY_AFTER_MAX_S)
		return code;
	return seconds > 0 ? (int)seconds * 1000 : FIRST_DELAY_MS << (x->tries - 1);
}

static int status_judge(struct exchange *x, long status, const char *what)
{
	static const struct {
		long status;
		int code;
		bool may_pass;
		const char *words;
	} rows[] = {
		{403, -EACCES, false, "does not let it be had"},
		{404, -ENOENT, false, "does not have it"},
		{408, -EIO, true, "has lost patience"},
		{429, -EBUSY, true, "has been asked too often"},
		{500, -EIO, true, "has failed"},
		{502, -EIO, true, "cannot be reached behind its gateway"},
		{503, -EIO, true, "is not available"},
		{504, -EIO, true, "is too slow for its gateway"},
	};
	const char *domain = x->registry->place->domain;
	auto_buf struct buf words = BUF_INIT;
	words_add(x, &words);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].status == status) {
			int code = err_say(rows[i].code, "%s: the registry %s %s (%ld)%s", what,
				domain, rows[i].words, status, words.len ? words.data : "");
			return rows[i].may_pass ? again(x, code) : code;
		}
	return err_say(-EPROTO, "%s: the registry %s answered with status %ld%s", what, domain,
		status, words.len ? words.data : "");
}

/* Judges a request without an answer, or with only a part of one. */
static int result_judge(struct exchange *x, CURLcode result, const char *what)
{
	struct registry *registry = x->registry;
	const char *domain = registry->place->domain;
	bool may_be_plain = registry->place->is_unverified ||
		origin_is_loopback(origin_host(domain));
	if (result == CURLE_SSL_CONNECT_ERROR && !registry->base_is_known && may_be_plain &&
		str_prefix(registry->base, "https:")) {
		base_set(registry, "http");
		return 1;
	}
	int code = err_say(-EIO, "%s: the registry %s: %s", what, domain,
		*x->why ? x->why : curl_easy_strerror(result));
	switch ((int)result) {
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_COULDNT_CONNECT:
		return registry->base_is_known ? again(x, code) : code;
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return again(x, code);
	case CURLE_PEER_FAILED_VERIFICATION:
		return err_hint(code, "--tls-verify=false takes any certificate");
	default:
		return code;
	}
}

int exchange_judge(struct exchange *x, CURLcode result, const char *what)
{
	long status = 0;
	if (x->failure)
		return x->failure;
	if (result)
		return result_judge(x, result, what);
	x->registry->base_is_known = true;
	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200 || status == 206)
		return 0;
	if (status != 401)
		return status_judge(x, status, what);
	int r = authenticate(x);
	return r < 0 ? err_wrap(r, "%s", what) : 1;
}
