/* SPDX-License-Identifier: Apache-2.0 */
/* layer.json: what is known of a layer besides its files. */
#include "image/layout.h"
#include "base/json.h"
#include "storage/storage.h"
#include "sys/fd.h"
#include "sys/file.h"

enum { FACTS_BYTES_MAX = 64 << 10 };
#define FACTS_FILE "layer.json"

int layer_facts_store(int side_fd, const struct layer_facts *facts)
{
	auto_buf struct buf text = BUF_INIT;
	struct json_writer w = {.out = &text};
	json_open_object(&w, NULL);
	json_put_u64(&w, "tarBytes", facts->sizes.tar_bytes);
	json_put_u64(&w, "fileBytes", facts->sizes.file_bytes);
	json_close_object(&w);
	buf_addc(&text, '\n');
	int r = file_create_at(side_fd, FACTS_FILE, text.data, text.len, 0600);
	return r < 0 ? err_new(r, "write down what a layer is") : 0;
}

int layer_facts_load(int store_fd, const char *chain_id, struct layer_facts *out)
{
	auto_buf struct buf text = BUF_INIT;
	auto_of(json) struct json *document = NULL;
	auto_close int side = storage_layer_open_side(store_fd, chain_id);
	if (side < 0)
		return side;
	int r = file_read_at(side, FACTS_FILE, FACTS_BYTES_MAX, &text);
	if (r < 0)
		return err_new(r, "read what is known of layer %.12s", chain_id);
	r = json_parse(FACTS_FILE, text.data, text.len, &document);
	if (r < 0)
		return r;
	struct json_cursor root = json_root(document);
	*out = (struct layer_facts){0};
	r = json_opt_u64(&root, "tarBytes", &out->sizes.tar_bytes);
	if (r >= 0)
		r = json_opt_u64(&root, "fileBytes", &out->sizes.file_bytes);
	return r < 0 ? r : 0;
}
