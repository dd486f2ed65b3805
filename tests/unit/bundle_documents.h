/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Documents for the tests of bundle/: written with ' in place of ", so that they are readable here.
 * linux.resources and linux.seccomp have tests of their own; here a double shows that each was
 * read.
 */
#include "base/json.h"
#include "bundle/internal.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define DOCUMENT(more) "{'ociVersion':'1.3.0','root':{'path':'rootfs'}," more "}"
#define CONFIG(more) DOCUMENT("'linux':{'namespaces':[{'type':'mount'}]}," more)
#define IN_LINUX(more) DOCUMENT("'linux':{'namespaces':[{'type':'mount'}]," more "}")
#define IN_MOUNT(more) CONFIG("'mounts':[{" more "}]")
#define IN_PROCESS(more) CONFIG("'process':{'args':['sh'],'cwd':'/'," more "}")

struct refusal {
	const char *text;
	int code;
	const char *sentence; /* without "config.json: " */
};

int bundle_resources_read(struct bundle_reader *r, const struct json_cursor *c)
{
	*arena_push(r->a, &r->spec->limits) = (struct oci_limit){.text = "resources were read"};
	return 0;
}

int bundle_seccomp_read(struct bundle_reader *r, const struct json_cursor *c)
{
	r->spec->process.seccomp_name = "seccomp was read";
	return 0;
}

static inline char *with_quotes(const char *text)
{
	char *copy = mem_strdup(text);
	for (char *at = copy; *at; at++)
		*at = *at == '\'' ? '"' : *at;
	return copy;
}

static inline int config_read(const char *text, struct arena *a, struct oci_spec *out)
{
	auto_free char *document = with_quotes(text);
	return bundle_config_parse(document, strlen(document), "/bundle", a, out);
}

static inline void config_accepted(const char *text, struct arena *a, struct oci_spec *out)
{
	if (config_read(text, a, out) != 0)
		fail_msg("%s: %s", text, err_text());
}

static inline void refusals_check(const struct refusal *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct oci_spec spec = {.hostname = "untouched"};
		auto_buf struct buf sentence = BUF_INIT;
		buf_addf(&sentence, "config.json: %s", cases[i].sentence);
		int r = config_read(cases[i].text, &a, &spec);
		if (r != cases[i].code || strcmp(err_text(), sentence.data) != 0)
			fail_msg("%s: %d, %s", cases[i].text, r, err_text());
		assert_string_equal(spec.hostname, "untouched");
		assert_int_equal(spec.layers.count, 0);
	}
}
