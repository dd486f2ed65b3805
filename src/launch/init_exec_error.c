/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a program could not be executed, in words. The file is the container's: it is read with the
 * privileges that the process would have had, and nothing in it is trusted.
 */
#include "base/err.h"
#include "base/str.h"
#include "launch/init.h"
#include "sec/sec.h"
#include "sys/calls.h"
#include "sys/fd.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { SCRIPT_LINE_MAX = 256 /* the kernel's BINPRM_BUF_SIZE */, PROGRAM_HEADERS_MAX = 64 };

/* `line` begins after "#!". */
static void script_interpreter(char *line, char out[static PATH_MAX])
{
	char *name = line + strspn(line, " \t");
	name[strcspn(name, " \t\r\n")] = '\0';
	fmt_n(out, PATH_MAX, "%s", name);
}

/* The loader of a program for this machine's architecture. */
static void elf_interpreter(int fd, const ElfW(Ehdr) * head, char out[static PATH_MAX])
{
	for (unsigned i = 0; i < head->e_phnum && i < PROGRAM_HEADERS_MAX; i++) {
		ElfW(Phdr) part;
		uint64_t at = head->e_phoff + (uint64_t)i * sizeof(part);
		if (sys_read_at(fd, &part, sizeof(part), at) != (ssize_t)sizeof(part))
			return;
		if (part.p_type != PT_INTERP || part.p_filesz == 0 || part.p_filesz > PATH_MAX)
			continue;
		ssize_t len = sys_read_at(fd, out, part.p_filesz, part.p_offset);
		out[len > 0 ? len - 1 : 0] = '\0';
		return;
	}
}

/* The file that the kernel missed when it returned -ENOENT for a program that exists; "" if
 * unknown. */
static void interpreter_find(const char *program, char out[static PATH_MAX])
{
	union {
		char line[SCRIPT_LINE_MAX + 1];
		ElfW(Ehdr) head;
	} begin = {0};
	*out = '\0';
	auto_close int fd = sys_open_at(AT_FDCWD, program, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	ssize_t len = fd < 0 ? fd : sys_read_at(fd, &begin, SCRIPT_LINE_MAX, 0);
	if (len >= 2 && str_prefix(begin.line, "#!"))
		script_interpreter(begin.line + 2, out);
	else if (len >= (ssize_t)sizeof(begin.head) && str_prefix(begin.line, ELFMAG))
		elf_interpreter(fd, &begin.head, out);
}

static int interpreter_missing(int code, const char *program)
{
	char interpreter[PATH_MAX];
	interpreter_find(program, interpreter);
	return err_say(code,
		"exec: \"%s\": no such file or directory: the file is there, its interpreter or "
		"loader%s%s is not",
		program, *interpreter ? " " : "", interpreter);
}

/* The capabilities of the file that this process may not have: the kernel refuses to execute it. */
static uint64_t file_caps_missing(const char *program)
{
	struct vfs_ns_cap_data data;
	uint64_t missing = 0;
	auto_close int fd = sys_open_at(AT_FDCWD, program, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	ssize_t size = fd < 0 ? fd : sys_get_xattr(fd, "security.capability", &data, sizeof(data));
	if (size < (ssize_t)XATTR_CAPS_SZ_2)
		return 0;
	uint64_t promised = le32toh(data.data[0].permitted) |
		(uint64_t)le32toh(data.data[1].permitted) << 32;
	for (unsigned i = 0; i < 64; i++)
		if (promised >> i & 1 && sys_prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 0)
			missing |= UINT64_C(1) << i;
	return missing;
}

static int not_permitted(int code, const char *program)
{
	auto_buf struct buf names = BUF_INIT;
	uint64_t missing = file_caps_missing(program);
	if (!missing)
		return err_new(code, "exec: \"%s\"", program);
	sec_caps_describe(missing, &names);
	return err_say(code,
		"exec: \"%s\": operation not permitted: the file has capabilities that this "
		"container may not have (--cap-add %s)",
		program, names.data);
}

int exec_error(int code, const char *program, bool is_searched)
{
	struct stat st;
	bool is_there = sys_stat_at(AT_FDCWD, program, 0, &st) == 0;
	if (code == -ENOENT && is_searched)
		return err_say(code, "exec: \"%s\": executable file not found in $PATH", program);
	if (code == -ENOENT && is_there)
		return interpreter_missing(code, program);
	if (code == -ENOENT || code == -ENOTDIR)
		return err_say(code, "exec: \"%s\": no such file or directory", program);
	if (code == -EACCES && is_there && S_ISDIR(st.st_mode))
		/* Older clients of Docker know only the second half, newer ones both. */
		return err_say(-EISDIR, "exec: \"%s\": is a directory: permission denied", program);
	if (code == -EACCES)
		return err_say(code, "exec: \"%s\": permission denied", program);
	if (code == -ENOEXEC)
		return err_say(code, "exec: \"%s\": exec format error", program);
	return code == -EPERM ? not_permitted(code, program)
			      : err_new(code, "exec: \"%s\"", program);
}
