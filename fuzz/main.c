/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replays a corpus through a fuzz target as an ordinary program: every file on the command line, or
 * every file of a directory there. No file at all is a failure, so that a missing corpus is
 * noticed.
 */
#include "fuzz.h"

#include <dirent.h>
#include <limits.h>

static unsigned replayed;

static int replay_file(const char *path)
{
	FILE *file = fopen(path, "rbe");
	if (!file) {
		fprintf(stderr, "cannot open %s\n", path);
		return 1;
	}
	static uint8_t data[1 << 20];
	size_t len = fread(data, 1, sizeof(data), file);
	fclose(file);
	/* A block of the right size, so that a sanitizer sees a read beyond the end. */
	uint8_t *exact = malloc(len ? len : 1);
	if (!exact)
		return 1;
	memcpy(exact, data, len);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	replayed++;
	return 0;
}

static int replay_directory(const char *path, DIR *dir)
{
	int failures = 0;
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		char file[PATH_MAX];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		failures += replay_file(file);
	}
	return failures;
}

int main(int argc, char **argv)
{
	int failures = 0;
	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		if (dir) {
			failures += replay_directory(argv[i], dir);
			closedir(dir);
		} else {
			failures += replay_file(argv[i]);
		}
	}
	printf("%u inputs\n", replayed);
	return failures > 0 || replayed == 0;
}
