/* SPDX-License-Identifier: Apache-2.0 */
/* The ids of containers. */
#include "records/internal.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/file.h"

#include <stdlib.h>
#include <sys/random.h>

const char *id_make(struct arena *a)
{
	uint8_t bytes[CONTAINER_ID_LEN / 2];
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		BUG("getrandom");
	auto_buf struct buf hex = BUF_INIT;
	for (size_t i = 0; i < sizeof(bytes); i++)
		buf_addf(&hex, "%02x", bytes[i]);
	return arena_str(a, hex.data);
}

int container_list(struct engine *e, struct container_list *out)
{
	auto_strvec struct strvec names = STRVEC_INIT;
	int r = file_list_at(e->root_fd, "containers", &names);
	if (r < 0)
		return err_new(r, "list %s/containers", e->root_path);
	struct container_list list = {.ids = mem_new(names.count * sizeof(*list.ids))};
	strvec_each (name, &names)
		if (str_is_hex(*name, CONTAINER_ID_LEN))
			memcpy(list.ids[list.count++], *name, CONTAINER_ID_LEN + 1);
	*out = list;
	return 0;
}

void container_list_release(struct container_list *list)
{
	free(list->ids);
	*list = (struct container_list){0};
}
