/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates: a line of JSON, then the template. Every refusal leaves a sentence, and the output is
 * bounded.
 */
#include "fuzz.h"
#include "base/err.h"
#include "base/str.h"
#include "template/template.h"

#include <errno.h>

static const char usual[] =
	"{\"A\":{\"B\":[1,2.5,\"x\",null,true]},\"Labels\":{\"k\":\"v\"},\"Text\":\"words\"}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_of(json) struct json *j = NULL;
	auto_of(template) struct template *t = NULL;
	auto_buf struct buf input = BUF_INIT, out = BUF_INIT;
	buf_add(&input, data, size);
	char *rest = input.data;
	const char *document = str_cut(&rest, '\n');
	if (!rest || json_parse("fuzz", document, strlen(document), &j) < 0)
		if (json_parse("usual", usual, sizeof(usual) - 1, &j) < 0)
			BUG("%s", err_text());
	int r = template_parse(rest ? rest : document, &t);
	if (r == 0)
		r = template_execute(t, j, TEMPLATE_RAW, &out);
	if (r == 0)
		r = template_execute_heads(t, j, &out);
	if (r < 0 && ((r != -EINVAL && r != -EFBIG) || !strstr(err_text(), "template: ")))
		BUG("refused with %d: %s", r, err_text());
	if (out.len > 2 * (TEMPLATE_OUTPUT_MAX + (8u << 20)))
		BUG("%zu bytes", out.len);
	return 0;
}
