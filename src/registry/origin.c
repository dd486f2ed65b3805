/* SPDX-License-Identifier: Apache-2.0 */
/* Which host serves a domain, and which hosts may get its credentials. */
#include "base/str.h"
#include "registry/internal.h"

#include <string.h>
#include <strings.h>

const char *origin_host(const char *domain)
{
	return str_eq(domain, "docker.io") ? "registry-1.docker.io" : domain;
}

/* The length of the host in "host[:port][/...]"; an IPv6 address includes its brackets. */
static size_t host_length(const char *text)
{
	if (*text == '[')
		return strcspn(text, "]") + (strchr(text, ']') ? 1 : 0);
	return strcspn(text, ":/?#");
}

bool origin_is_loopback(const char *host)
{
	size_t len = host_length(host);
	if ((len == 9 && strncasecmp(host, "localhost", len) == 0) ||
		(len == 5 && strncmp(host, "[::1]", len) == 0))
		return true;
	if (!str_prefix(host, "127."))
		return false;
	size_t dots = 0;
	for (size_t i = 0; i < len; i++) {
		if (!strchr("0123456789.", host[i]))
			return false;
		dots += host[i] == '.';
	}
	return dots == 3;
}

/* Is `name` the domain `above`, or below it? */
static bool is_within(const char *name, size_t name_len, const char *above, size_t above_len)
{
	if (name_len < above_len || strncasecmp(name + name_len - above_len, above, above_len) != 0)
		return false;
	return name_len == above_len || name[name_len - above_len - 1] == '.';
}

bool origin_trusts_realm(const char *domain, const char *base, const char *url)
{
	/* The same origin, with https or plain HTTP: it gets the requests anyway. */
	if (str_prefix(url, base))
		return true;
	const char *host = str_after(url, "https://");
	if (!host || strchr(host, '@'))
		return false;
	size_t host_len = host_length(host), domain_len = host_length(domain);
	/* An address has no domain, and a name without a dot is not accepted as a parent domain. */
	if (!memchr(host, '.', host_len) || !memchr(domain, '.', domain_len) || *host == '[' ||
		(strchr("0123456789", host[host_len - 1]) && host_len > 0))
		return false;
	return is_within(host, host_len, domain, domain_len) ||
		is_within(domain, domain_len, host, host_len);
}
