/* SPDX-License-Identifier: Apache-2.0 */
/* An env-file: every word of the result is a KEY=VALUE that can be given to a process. */
#include "cli/container_run.c"

#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

/* The reader takes a path. */
static int file_of(const uint8_t *data, size_t size, char out_path[static 32])
{
	int fd = memfd_create("env", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		BUG("memfd");
	fmt_n(out_path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena a = ARENA_INIT;
	struct str_list env = {0}, files = {0}, words = {0};
	char path[32];
	int fd = file_of(data, size, path);
	*arena_push(&a, &files) = path;
	int r = cli_env(&a, &env, &files, &words);
	close(fd);
	if (r < 0 && (err_code() != r || !strstr(err_text(), path)))
		BUG("refused with %d: %s", r, err_text());
	if (r < 0)
		return 0;
	if (memchr(data, '\0', size))
		BUG("a file with a NUL was taken in part");
	for (size_t i = 0; i < env.count; i++) {
		const char *equals = strchr(env.items[i], '=');
		if (!equals || equals == env.items[i] || strchr(env.items[i], '\n'))
			BUG("the word \"%s\"", env.items[i]);
		if (strcspn(env.items[i], " \t") < (size_t)(equals - env.items[i]))
			BUG("a name with blanks: \"%s\"", env.items[i]);
	}
	return 0;
}
