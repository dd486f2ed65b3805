/* SPDX-License-Identifier: Apache-2.0 */
/* husk-monitor: supervises a detached container, as `husk-monitor FULL-ID`. */
#include "base/str.h"
#include "monitor/monitor.h"
#include "sys/fd.h"
#include "sys/signal.h"

#include <unistd.h>

enum { EXIT_HUSK = 125, SOCKET_FD = 3 };

int main(int argc, char **argv)
{
	if (fd_open_standard() < 0)
		return EXIT_HUSK;
	if (argc != 2 || !str_is_hex(argv[1], 64)) {
		static const char words[] =
			"husk-monitor: is started by husk, as `husk-monitor FULL-ID`\n";
		fd_write_full(2, words, sizeof(words) - 1);
		return EXIT_HUSK;
	}
	signal_begin();
	return monitor_main(argv[1], SOCKET_FD) < 0 ? EXIT_HUSK : 0;
}
