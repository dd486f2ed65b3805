/* SPDX-License-Identifier: Apache-2.0 */
/* A message of the kernel: whatever its lengths say, nothing outside it is read. */
#include "fuzz.h"
#include "base/err.h"
#include "sys/netlink_message.h"

#include <linux/netlink.h>

static void read_all(struct netlink_reader reader, unsigned depth)
{
	static volatile char sink;
	struct netlink_attribute attribute;
	uint32_t u32;
	uint64_t u64;
	while (netlink_next(&reader, &attribute)) {
		const char *bytes = attribute.data;
		for (size_t i = 0; i < attribute.size; i++)
			sink = bytes[i];
		const char *text = netlink_get_string(&attribute);
		if (text && strlen(text) >= attribute.size)
			BUG("a string leaves its attribute");
		netlink_get_u32(&attribute, &u32);
		netlink_get_u64(&attribute, &u64);
		if (depth < 16)
			read_all(netlink_nested(&attribute), depth + 1);
	}
	(void)sink;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < sizeof(struct nlmsghdr))
		return 0;
	/* The transport has already checked that the message is as long as it says. */
	auto_free char *copy = mem_new(size);
	memcpy(copy, data, size);
	struct nlmsghdr *message = (struct nlmsghdr *)(void *)copy;
	message->nlmsg_len = (uint32_t)size;
	for (size_t header = 0; header <= 16; header += 4) {
		netlink_header(message, header);
		read_all(netlink_attributes(message, header), 0);
	}
	return 0;
}
