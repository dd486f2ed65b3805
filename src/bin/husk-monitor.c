/* SPDX-License-Identifier: Apache-2.0 */
/*
 * husk-monitor: one static program in two roles. As `husk-monitor FULL-ID` it supervises a detached container; as
 * `husk-init`, executed from a copy of itself that nobody can write, it is the container's first process until the
 * payload begins.
 */
#include "base/str.h"
#include "monitor/monitor.h"
#include "runtime/runtime.h"
#include "sys/fd.h"

#include <unistd.h>

enum { EXIT_HUSK = 125, SOCKET_FD = 3 };

int main(int argc, char **argv)
{
	if (argc == 1 && str_eq(argv[0], "husk-init"))
		runtime_init_main();
	if (fd_open_standard() < 0)
		return EXIT_HUSK;
	if (argc != 2 || !str_is_hex(argv[1], 64)) {
		static const char words[] =
			"husk-monitor: is started by husk, as `husk-monitor FULL-ID`\n";
		fd_write_full(2, words, sizeof(words) - 1);
		return EXIT_HUSK;
	}
	return monitor_main(argv[1], SOCKET_FD) < 0 ? EXIT_HUSK : 0;
}
