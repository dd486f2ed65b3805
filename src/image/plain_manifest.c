/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a manifest of layers that are not compressed, from their layer.json. */
#include "image/layout.h"
#include "base/json.h"

static void descriptor_put(struct json_writer *w, const char *key, const char *media_type,
	const char *hex, uint64_t size)
{
	auto_buf struct buf digest = BUF_INIT;
	buf_addf(&digest, "sha256:%s", hex);
	json_open_object(w, key);
	json_put_string(w, "mediaType", media_type);
	json_put_string(w, "digest", digest.data);
	json_put_u64(w, "size", size);
	json_close_object(w);
}

int plain_manifest_write(const struct plain_manifest *m, struct buf *out)
{
	struct json_writer w = {.out = out};
	json_open_object(&w, NULL);
	json_put_u64(&w, "schemaVersion", 2);
	json_put_string(&w, "mediaType", MEDIA_MANIFEST);
	descriptor_put(&w, "config", "application/vnd.oci.image.config.v1+json", m->config_hex,
		m->config_size);
	json_open_array(&w, "layers");
	for (size_t i = 0; i < m->chain_ids->count; i++) {
		struct layer_facts facts;
		int r = layer_facts_load(m->store_fd, m->chain_ids->items[i], &facts);
		if (r < 0)
			return r;
		descriptor_put(&w, NULL, "application/vnd.oci.image.layer.v1.tar",
			m->diff_hex->items[i], facts.sizes.tar_bytes);
	}
	json_close_array(&w);
	json_close_object(&w);
	return 0;
}
