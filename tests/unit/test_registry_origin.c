/* SPDX-License-Identifier: Apache-2.0 */
/* Which hosts may use plain HTTP, and which token services get a login. */
#include "registry/origin.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void test_loopback(void **state)
{
	static const struct {
		const char *host;
		bool is;
	} rows[] = {
		{"localhost", true},
		{"LOCALHOST:5000", true},
		{"127.0.0.1", true},
		{"127.1.2.3:5000", true},
		{"[::1]", true},
		{"[::1]:5000", true},
		{"localhost.example", false},
		{"127.0.0.1.example", false},
		{"127.example.com.x", false},
		{"127.0.0", false},
		{"127", false},
		{"128.0.0.1", false},
		{"[::2]", false},
		{"[::1", false},
		{"registry.example", false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (origin_is_loopback(rows[i].host) != rows[i].is)
			fail_msg("%s", rows[i].host);
}

static void test_realm(void **state)
{
	static const struct {
		const char *domain, *url;
		bool is;
	} rows[] = {
		/* The registry itself, and domains above or below it. */
		{"docker.io", "https://auth.docker.io/token", true},
		{"docker.io", "https://registry-1.docker.io/token", true},
		{"registry.example.com", "https://registry.example.com/auth", true},
		{"registry.example.com:5000", "https://registry.example.com:5000/auth", true},
		{"registry.example.com:5000", "https://auth.registry.example.com/x", true},
		{"registry.example.com", "https://example.com/auth", true},
		{"Registry.Example.Com", "https://AUTH.registry.example.COM/x", true},
		/* Other domains, and domains that only look similar. */
		{"registry.example.com", "https://auth.example.org/token", false},
		{"registry.example.com", "https://evilregistry.example.com/token", false},
		{"registry.example.com", "https://registry.example.com.evil.org/token", false},
		{"registry.example.com", "https://registry.example.com@evil.org/token", false},
		{"registry.example.com", "https://evil.org/registry.example.com/", false},
		{"registry.example.com", "https://evil.org#registry.example.com", false},
		{"registry.example.com", "https://evil.org?.registry.example.com", false},
		{"registry.example.com", "https://com/token", false},
		{"registry.example.com", "https:///token", false},
		{"registry.example.com", "https://", false},
		/* Never without TLS, except the origin itself. */
		{"docker.io", "http://auth.docker.io/token", false},
		{"docker.io", "ftp://auth.docker.io/token", false},
		/* Addresses have no domain. */
		{"10.0.0.1:5000", "https://10.0.0.1:5000/token", true},
		{"10.0.0.1:5000", "https://0.0.1/token", false},
		{"10.0.0.1", "https://1.10.0.0.1/token", false},
		{"localhost:5000", "https://auth.localhost/token", false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_buf struct buf base = BUF_INIT;
		buf_addf(&base, "https://%s/", origin_host(rows[i].domain));
		if (origin_trusts_realm(rows[i].domain, base.data, rows[i].url) != rows[i].is)
			fail_msg("%s and %s", rows[i].domain, rows[i].url);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_realm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
