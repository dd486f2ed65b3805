/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.json: damaged ones are refused with a sentence, and a state that was read is written as
 * valid JSON.
 */
#include "runtime/store.c"

#include "fuzz.h"

static void written_check(const struct runtime_state *state)
{
	auto_buf struct buf text = BUF_INIT;
	auto_of(json) struct json *document = NULL;
	runtime_state_write(state, true, &text);
	if (json_parse("output", text.data, text.len, &document) < 0)
		BUG("written and not JSON: %s", err_text());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_of(json) struct json *document = NULL;
	struct runtime_state state = {.id = "id"};
	int r = json_parse("state.json", (const char *)data, size, &document);
	if (r == 0)
		r = state_read(document, &a, &state);
	if (r < 0 && (err_code() != r || *err_text() == '\0'))
		BUG("refused with %d: %s", r, err_text());
	if (r < 0)
		return 0;
	if (state.process.pid <= 0 || !state.bundle || !state.rootfs || !state.cgroup_path ||
		!state.created || !state.owner)
		BUG("a state with holes");
	written_check(&state);
	return 0;
}
