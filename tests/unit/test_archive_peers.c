/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers of other programs: GNU tar's formats and kinds of sparse files, Python's tarfile. The
 * unpacked tree must be the one that GNU tar unpacks, by a listing of everything that stat knows,
 * and the stream is rebuilt byte for byte.
 */
#include "archive/archive.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/process.h"

#include "test_sys_temp.h"
#include "test_archive_forge.h"
#include "test_archive_again.h"

#include <stdlib.h>

/* Makes the files that are packed, in the directory of the test. */
static const char tree_script[] =
	"set -e; mkdir -p in/dir/$(printf 'long%.0s' $(seq 30))/$(printf 'name%.0s' $(seq 40)); cd "
	"in\n"
	"echo one >dir/one; (cd dir/long*/name*; echo two >two); a=dir/$(printf 'a%.0s' $(seq "
	"60))/$(printf 'b%.0s' $(seq 70)); mkdir -p $a; echo three >$a/three; ln dir/one "
	"dir/second; ln -s one "
	"dir/symlink\n"
	"ln -s \"$(printf '/target%.0s' $(seq 40))\" dir/far; mkfifo pipe; : >empty; chmod 4755 "
	"dir/one; chmod 1777 dir\n"
	"head -c 3000000 /dev/urandom >large; touch -d '1969-12-31 23:00:00.25 UTC' empty\n"
	"touch -d '2024-02-03 04:05:06.123456789 UTC' large; printf 'caf\\303\\251' >\"$(printf "
	"'caf\\303\\251')\"\n"
	"truncate -s 5M holes; printf x | dd of=holes bs=1 seek=1000000 conv=notrunc status=none\n"
	"printf yyyy | dd of=holes bs=1 seek=4000001 conv=notrunc status=none; truncate -s 1M "
	"hollow\n"
	"i=0; truncate -s 1200000 holey; while [ $i -lt 60 ]; do\n"
	"	printf z | dd of=holey bs=1 seek=$((i * 20000)) conv=notrunc status=none; i=$((i + "
	"1)); done\n";

/* A listing without the sizes of directories and the links of the fifo, which belong to the file
 * system. */
static const char list_script[] =
	"find . -mindepth 1 -printf '%p %y %m %U %G %T@ %n %l\\n' | sort; "
	"find . -type f -exec sha256sum {} + | sort";

/* Runs in the directory of the test. The output is shown if the script fails. */
static int shell(const char *format, ...)
{
	auto_buf struct buf script = BUF_INIT, said = BUF_INIT;
	va_list args;
	buf_addf(&script, "PATH=/usr/bin:/bin; cd %s && { ", temp_path);
	va_start(args, format);
	buf_vaddf(&script, format, args);
	va_end(args);
	buf_adds(&script, "\n}");
	int code = process_run((const char *const[]){"/bin/sh", "-c", script.data, NULL}, &said);
	if (code != 0)
		print_error("%s\n", said.data);
	return code;
}

static void stream_check(const char *what)
{
	auto_buf struct buf tar = BUF_INIT;
	auto_close int fd = openat(temp_fd, "tar", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fd_read_all(fd, 64 << 20, &tar), 0);
	file_remove_tree_at(temp_fd, "t");
	file_remove_tree_at(temp_fd, "x");
	mkdirat(temp_fd, "t", 0755);
	mkdirat(temp_fd, "x", 0755);
	int r = forge_unpack(&tar, "t", NULL);
	if (r < 0)
		fail_msg("%s: %s", what, err_text());
	assert_int_equal(shell("tar -xpf tar -C x --numeric-owner"), 0);
	assert_int_equal(shell("(cd t && %s) >t.list; (cd x && %s) >x.list; diff t.list x.list >&2",
				 list_script, list_script),
		0);
}

static void test_formats(void **state)
{
	static const char *const formats[] = {"gnu", "oldgnu", "posix",
		"posix --pax-option=delete=atime", "gnu --sparse",
		"posix --sparse --sparse-version=0.0", "posix --sparse --sparse-version=0.1",
		"posix --sparse --sparse-version=1.0", "oldgnu --sparse", "gnu --blocking-factor=1",
		"posix --numeric-owner --sort=name --owner=70000 --group=3000000"};
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		assert_int_equal(shell("tar -C in -cf tar --format=%s .", formats[i]), 0);
		stream_check(formats[i]);
	}
	/* Members that these formats cannot hold are left out. */
	assert_int_equal(shell("tar -C in -cf tar --format=ustar --exclude=far --exclude='long*' "
			       "--exclude=empty ."),
		0);
	stream_check("ustar");
	assert_int_equal(shell("tar -C in -cf tar --format=v7 --exclude='long*' --exclude='aaa*' "
			       "--exclude=empty --exclude=far "
			       "--exclude=pipe ."),
		0);
	stream_check("v7");
}

static void test_python(void **state)
{
	static const char *const formats[] = {"USTAR", "GNU", "PAX"};
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		assert_int_equal(
			shell("python3 -c '\n"
			      "import os, tarfile\n"
			      "os.chdir(\"in\")\n"
			      "with tarfile.open(\"../tar\", \"w\", "
			      "format=tarfile.%s_FORMAT) as t:\n"
			      "    t.add(\".\", filter=lambda m: None if \"long\" in "
			      "m.name or \"far\" in m.name or \"empty\" in m.name else m)\n"
			      "'",
				formats[i]),
			0);
		stream_check(formats[i]);
	}
}

/* Two archives in one file, as `cat` makes them: only the first is unpacked, and the whole file is
 * rebuilt. */
static void test_garbage_behind_the_end(void **state)
{
	assert_int_equal(shell("tar -C in -cf tar dir; cat tar tar >both; mv both tar; head -c 777 "
			       "/dev/urandom >>tar"),
		0);
	stream_check("something behind the end");
}

static int setup(void **state)
{
	archive_begin();
	umask(0);
	if (temp_setup(state) < 0)
		return -1;
	return shell("%s", tree_script);
}

int main(void)
{
	if (geteuid() != 0)
		return 77; /* the tests set owners */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_python),
		cmocka_unit_test(test_garbage_behind_the_end),
	};
	return cmocka_run_group_tests(tests, setup, temp_teardown);
}
