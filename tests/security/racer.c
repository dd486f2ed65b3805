/* SPDX-License-Identifier: Apache-2.0 */
/*
 * racer DIR TARGET SECONDS: swaps DIR/target, a directory, with DIR/other, a link to TARGET, as
 * fast as it can. A program that mounts below DIR meanwhile finds sometimes the directory and
 * sometimes the link, also between a check and its use.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned seconds;
	if (argc != 4 || sscanf(argv[3], "%u", &seconds) != 1 || chdir(argv[1]) != 0) {
		fprintf(stderr, "usage: racer DIR TARGET SECONDS\n");
		return 2;
	}
	if ((mkdir("target", 0755) != 0 && errno != EEXIST) || symlink(argv[2], "other") != 0) {
		perror("racer");
		return 1;
	}
	unsigned long swaps = 0, busy = 0;
	time_t end = time(NULL) + (time_t)seconds;
	while (time(NULL) < end && access("stop", F_OK) != 0) {
		for (int i = 0; i < 1000; i++) {
			if (renameat2(AT_FDCWD, "target", AT_FDCWD, "other", RENAME_EXCHANGE) == 0)
				swaps++;
			else
				busy++;
		}
	}
	printf("%s %lu swaps, %lu refused\n", swaps > 1000 ? "raced" : "idle", swaps, busy);
	return swaps <= 1000;
}
