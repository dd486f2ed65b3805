/* SPDX-License-Identifier: Apache-2.0 */
#include "image/credentials.h"
#include "base/base64.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/calls.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONFIG_MAX = 1 << 20, HELPER_MS = 60000 };
/* The key of docker's own registry in config.json. */
#define HUB_KEY "https://index.docker.io/v1/"
/* The user name that helpers return with an identity token. */
#define TOKEN_USER "<token>"

/* config.json as it was read, and what it says about one domain. */
struct config {
	struct arena *a;
	const char *domain;
	const char *dir; /* NULL: neither DOCKER_CONFIG nor HOME */
	struct json *document; /* NULL: there is no file */
	struct json_cursor root;
	const char *helper; /* or NULL */
};

static void config_release(struct config *c)
{
	json_free(c->document);
}
AUTO_STRUCT(config, struct config, config_release)

static const char *key_of(const char *domain)
{
	return str_eq(domain, "docker.io") ? HUB_KEY : domain;
}

/* Does a key of the file mean the domain? Users, docker and helpers may add a scheme and /v1/. */
static bool is_of(const char *key, const char *domain)
{
	static const char *const hubs[] = {"index.docker.io", "registry-1.docker.io"};
	const char *rest = strstr(key, "://");
	rest = rest ? rest + strlen("://") : key;
	size_t len = strcspn(rest, "/");
	const char *tail = rest + len;
	if (!str_eq(tail, "") && !str_eq(tail, "/") && !str_prefix(tail, "/v1") &&
		!str_prefix(tail, "/v2"))
		return false;
	for (size_t i = 0; str_eq(domain, "docker.io") && i < sizeof(hubs) / sizeof(hubs[0]); i++)
		if (strlen(hubs[i]) == len && strncmp(rest, hubs[i], len) == 0)
			return true;
	return strlen(domain) == len && strncmp(rest, domain, len) == 0;
}

struct search {
	const char *domain;
	struct json_cursor found;
	bool is_found;
};

static int search_step(const char *key, const struct json_cursor *v, void *arg)
{
	struct search *s = arg;
	if (!s->is_found && is_of(key, s->domain)) {
		s->found = *v;
		s->is_found = true;
	}
	return 0;
}

/* Finds in the object `name` of the file the entry of the domain: 1, or 0. The cursors borrow
 * `object`. */
static int entry_find(const struct config *c, const char *name, struct json_cursor *object,
	struct json_cursor *out)
{
	struct search s = {.domain = c->domain};
	if (!c->document || !json_field(&c->root, name, object))
		return 0;
	int r = json_each(object, search_step, &s);
	*out = s.found;
	return r < 0 ? r : s.is_found;
}

static int helper_choose(struct config *c)
{
	struct json_cursor helpers, entry;
	const char *name = NULL;
	int r = entry_find(c, "credHelpers", &helpers, &entry);
	if (r > 0)
		r = json_string(&entry, c->a, &name);
	else if (r == 0 && c->document)
		r = json_opt_string(&c->root, "credsStore", c->a, &name);
	if (r >= 0 && name && *name) {
		if (!str_is_name(name))
			return json_err(&c->root, -EINVAL, "a credential helper has no such name");
		c->helper = name;
	}
	return r < 0 ? r : 0;
}

static int config_open(struct config *c, struct arena *a, const char *domain)
{
	const char *dir = getenv("DOCKER_CONFIG"), *home = getenv("HOME");
	*c = (struct config){.a = a, .domain = domain};
	if (dir && *dir)
		c->dir = dir;
	else if (home && *home)
		c->dir = arena_printf(a, "%s/.docker", home);
	else
		return 0;
	auto_buf struct buf text = BUF_INIT;
	const char *path = arena_printf(a, "%s/config.json", c->dir);
	int r = file_read(path, CONFIG_MAX, &text);
	if (r == -ENOENT || (r == 0 && text.len == 0))
		return 0;
	if (r < 0)
		return err_new(r, "read %s", path);
	r = json_parse(path, text.data, text.len, &c->document);
	if (r < 0)
		return r;
	c->root = json_root(c->document);
	r = json_need_object(&c->root);
	return r < 0 ? r : helper_choose(c);
}

/* Runs the helper with `verb` and with `input` on its standard input; returns its exit code. */
static int helper_run(const struct config *c, const char *verb, const char *input, struct buf *out)
{
	char path[PATH_MAX];
	if (!process_find(arena_printf(c->a, "docker-credential-%s", c->helper), path))
		return err_say(-ENOENT,
			"docker-credential-%s, which %s/config.json names, is not in PATH",
			c->helper, c->dir);
	auto_close int stdin_fd = fd_memfd_sealed("husk-credentials", input, strlen(input));
	if (stdin_fd < 0)
		return err_new(stdin_fd, "ask %s", path);
	const struct process_request request = {.path = path,
		.argv = (const char *const[]){path, verb, NULL},
		.env = (const char *const *)environ,
		.stdin_fd = stdin_fd,
		.cwd_fd = -EBADF,
		.join_pidfd = -EBADF,
		.timeout_ms = HELPER_MS};
	int r = process_run_request(&request, out);
	return r < 0 ? err_new(r, "run %s", path) : r;
}

/* The error of a helper that failed: the first line of its output. */
static int helper_error(const struct config *c, const char *verb, const struct buf *out)
{
	auto_buf struct buf words = BUF_INIT;
	auto_free char *line = mem_strdup(out->data ? out->data : "");
	line[strcspn(line, "\n")] = '\0';
	buf_add_escaped(&words, line);
	return err_say(-EIO, "docker-credential-%s %s: %.200s", c->helper, verb, words.data);
}

static int helper_find(const struct config *c, struct fetch_request *out)
{
	auto_buf struct buf text = BUF_INIT;
	auto_of(json) struct json *document = NULL;
	const char *user = NULL, *secret = NULL;
	int r = helper_run(c, "get", key_of(c->domain), &text);
	if (r < 0)
		return r;
	if (r > 0)
		return text.data && strstr(text.data, "not found") ? 0
								   : helper_error(c, "get", &text);
	r = json_parse("answer of the credential helper", text.data, text.len, &document);
	if (r < 0)
		return r;
	struct json_cursor root = json_root(document);
	r = json_opt_string(&root, "Username", c->a, &user);
	if (r >= 0)
		r = json_opt_string(&root, "Secret", c->a, &secret);
	if (r < 0 || !user || !secret)
		return r < 0 ? r : 0;
	if (str_eq(user, TOKEN_USER)) {
		out->identity_token = secret;
	} else {
		out->user = user;
		out->secret = secret;
	}
	return 0;
}

/* "auth": base64 of USER:SECRET. */
static int auth_split(const struct json_cursor *entry, const char *auth, struct arena *a,
	struct fetch_request *out)
{
	auto_buf struct buf plain = BUF_INIT;
	if (base64_read(auth, &plain) < 0 || plain.len == 0 || memchr(plain.data, '\0', plain.len))
		return json_err(entry, -EINVAL, "its auth is not base64 of a user and a password");
	const char *colon = strchr(plain.data, ':');
	if (!colon)
		return json_err(entry, -EINVAL, "its auth has no password");
	out->user = arena_strn(a, plain.data, (size_t)(colon - plain.data));
	out->secret = arena_str(a, colon + 1);
	return 0;
}

static int file_find(const struct config *c, struct fetch_request *out)
{
	struct json_cursor auths, entry;
	const char *auth = NULL;
	int r = entry_find(c, "auths", &auths, &entry);
	if (r <= 0)
		return r;
	r = json_opt_string(&entry, "identitytoken", c->a, &out->identity_token);
	if (r >= 0 && !out->identity_token)
		r = json_opt_string(&entry, "auth", c->a, &auth);
	if (r < 0)
		return r;
	return auth && *auth ? auth_split(&entry, auth, c->a, out) : 0;
}

int credentials_find(struct arena *a, struct fetch_request *request)
{
	auto_of(config) struct config c;
	int r = config_open(&c, a, request->domain);
	if (r < 0)
		return r;
	if (!c.helper)
		return file_find(&c, request);
	if (helper_find(&c, request) < 0)
		log_warn("%s: %s is asked as anybody", err_text(), request->domain);
	return 0;
}

/* How the entry of a domain is changed. */
struct edit {
	const struct config *config;
	struct json_writer *w;
	const char *auth; /* NULL: the helper has the secret */
	bool is_erased, was_there;
};

static void entry_put(const struct edit *e)
{
	json_open_object(e->w, key_of(e->config->domain));
	if (e->auth)
		json_put_string(e->w, "auth", e->auth);
	json_close_object(e->w);
}

static int auths_step(const char *key, const struct json_cursor *v, void *arg)
{
	struct edit *e = arg;
	if (is_of(key, e->config->domain))
		e->was_there = true;
	else
		json_put_value(e->w, key, v);
	return 0;
}

static int auths_put(struct edit *e, const struct json_cursor *auths)
{
	json_open_object(e->w, "auths");
	int r = auths ? json_each(auths, auths_step, e) : 0;
	if (r == 0 && !e->is_erased)
		entry_put(e);
	json_close_object(e->w);
	return r;
}

static int root_step(const char *key, const struct json_cursor *v, void *arg)
{
	struct edit *e = arg;
	if (str_eq(key, "auths"))
		return auths_put(e, v);
	json_put_value(e->w, key, v);
	return 0;
}

/* The real path of the file: users may keep it elsewhere, behind a symlink. */
static const char *file_path(const struct config *c)
{
	const char *path = arena_printf(c->a, "%s/config.json", c->dir);
	auto_free char *real = realpath(path, NULL);
	return real ? arena_str(c->a, real) : path;
}

static int file_write(struct edit *e)
{
	const struct config *c = e->config;
	auto_buf struct buf text = BUF_INIT;
	struct json_writer w = {.out = &text, .is_pretty = true};
	struct json_cursor auths;
	e->w = &w;
	json_open_object(&w, NULL);
	int r = c->document ? json_each(&c->root, root_step, e) : 0;
	if (r == 0 && (!c->document || !json_field(&c->root, "auths", &auths)))
		r = auths_put(e, NULL);
	json_close_object(&w);
	buf_addc(&text, '\n');
	if (r < 0 || (e->is_erased && !e->was_there))
		return r;
	r = file_make_dirs_at(AT_FDCWD, c->dir, 0700);
	if (r == 0)
		r = file_replace_at(AT_FDCWD, file_path(c), text.data, text.len, 0600, true);
	return r < 0 ? err_new(r, "write %s/config.json", c->dir) : 0;
}

static int home_need(const struct config *c)
{
	return c->dir
		? 0
		: err_say(-ENOENT, "neither DOCKER_CONFIG nor HOME says where logins are kept");
}

static int helper_store(const struct config *c, const struct fetch_request *request)
{
	auto_buf struct buf text = BUF_INIT, out = BUF_INIT;
	struct json_writer w = {.out = &text};
	json_open_object(&w, NULL);
	json_put_string(&w, "ServerURL", key_of(c->domain));
	json_put_string(&w, "Username", request->user);
	json_put_string(&w, "Secret", request->secret);
	json_close_object(&w);
	int r = helper_run(c, "store", text.data, &out);
	return r > 0 ? helper_error(c, "store", &out) : r;
}

int credentials_store(struct arena *a, const struct fetch_request *request, const char **out_where)
{
	auto_of(config) struct config c;
	auto_buf struct buf plain = BUF_INIT, auth = BUF_INIT;
	struct edit edit = {.config = &c};
	int r = config_open(&c, a, request->domain);
	if (r == 0)
		r = home_need(&c);
	if (r < 0)
		return r;
	if (c.helper) {
		r = helper_store(&c, request);
		*out_where = arena_printf(a, "docker-credential-%s", c.helper);
	} else {
		buf_addf(&plain, "%s:%s", request->user, request->secret);
		base64_write(plain.data, plain.len, &auth);
		edit.auth = auth.data;
		*out_where = arena_printf(a, "%s/config.json", c.dir);
	}
	return r < 0 ? r : file_write(&edit);
}

int credentials_erase(struct arena *a, const char *domain)
{
	auto_of(config) struct config c;
	auto_buf struct buf out = BUF_INIT;
	struct edit edit = {.config = &c, .is_erased = true};
	int r = config_open(&c, a, domain);
	if (r == 0)
		r = home_need(&c);
	if (r == 0)
		r = file_write(&edit);
	if (r < 0)
		return r;
	bool was_there = edit.was_there;
	if (c.helper) {
		r = helper_run(&c, "erase", key_of(domain), &out);
		if (r > 0 && !was_there)
			r = helper_error(&c, "erase", &out);
		was_there |= r == 0;
	}
	if (r < 0)
		return r;
	return was_there ? 0 : err_say(-ENOENT, "nobody is logged in to %s", domain);
}
