/* SPDX-License-Identifier: Apache-2.0 */
/* The mount table as `husk ns ls` reads it, and the links of /proc/PID/ns: one a line. */
#include "ns/list.c"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf text = BUF_INIT;
	buf_add(&text, data, size);
	char *rest = text.data;
	for (char *line = str_cut(&rest, '\n'); line; line = str_cut(&rest, '\n')) {
		struct bound b;
		uint64_t inode = 4242;
		for (int kind = 0; kind < NS_COUNT; kind++) {
			if (parse_link(line, (enum ns_kind)kind, &inode) < 0 && inode != 4242)
				BUG("a link was read and refused: %s", line);
			inode = 4242;
		}
		if (!parse_bound(line, &b))
			continue;
		if ((unsigned)b.kind >= NS_COUNT || !memchr(b.path, '\0', sizeof(b.path)))
			BUG("namespace of kind %d", (int)b.kind);
	}
	return 0;
}
