/* SPDX-License-Identifier: Apache-2.0 */
/* Names and sets of capabilities; with privilege also a child that sets them and compares them with
 * the kernel's status file. */
#include "sec/caps.c"

#include "sys/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sec_liar.h"

static void test_names(void **state)
{
	assert_int_equal(sec_cap_find("CAP_CHOWN"), 0);
	assert_int_equal(sec_cap_find("cap_chown"), 0);
	assert_int_equal(sec_cap_find("ChOwN"), 0);
	assert_int_equal(sec_cap_find("SYS_ADMIN"), CAP_SYS_ADMIN);
	assert_int_equal(sec_cap_find("CHECKPOINT_RESTORE"), 40);
	assert_int_equal(sec_cap_find("CAP_"), -EINVAL);
	assert_int_equal(sec_cap_find(""), -EINVAL);
	assert_int_equal(sec_cap_find("CAP_CAP_CHOWN"), -EINVAL);
	assert_int_equal(sec_cap_find("CHOWN "), -EINVAL);
	for (unsigned i = 0; i < 41; i++)
		assert_int_equal(sec_cap_find(cap_names[i]), i);
}

static void test_numbers(void **state)
{
	/* Fixed points of the kernel's header, so that no row of the table is in a wrong place. */
	assert_string_equal(cap_names[CAP_NET_RAW], "CAP_NET_RAW");
	assert_string_equal(cap_names[CAP_SYS_RESOURCE], "CAP_SYS_RESOURCE");
	assert_string_equal(cap_names[CAP_AUDIT_WRITE], "CAP_AUDIT_WRITE");
	assert_string_equal(cap_names[CAP_SYSLOG], "CAP_SYSLOG");
	assert_string_equal(cap_names[CAP_BPF], "CAP_BPF");
}

static void test_nearest(void **state)
{
	assert_string_equal(sec_cap_nearest("NET_AMDIN"), "CAP_NET_ADMIN");
	assert_string_equal(sec_cap_nearest("cap_sysadmin"), "CAP_SYS_ADMIN");
	assert_null(sec_cap_nearest("a name of more than thirty-two characters"));
	assert_null(sec_cap_nearest("xyzzy_plugh_frob"));
}

static void test_describe(void **state)
{
	auto_buf struct buf out = BUF_INIT;

	sec_caps_describe(sec_caps_default, &out);
	assert_string_equal(out.data,
		"CHOWN,DAC_OVERRIDE,FOWNER,FSETID,KILL,SETGID,SETUID,SETPCAP,"
		"NET_BIND_SERVICE,SYS_CHROOT,SETFCAP");
	buf_clear(&out);
	sec_caps_describe(UINT64_C(1) << 63 | 1, &out);
	assert_string_equal(out.data, "CHOWN,63");
	buf_clear(&out);
	sec_caps_describe(0, &out);
	assert_string_equal(out.data, "");
}

static void test_of_caller(void **state)
{
	uint64_t own = 0;
	unsigned count = 0;

	assert_int_equal(read_set(is_bounding, &own, &count), 0);
	assert_true(count >= CAP_SETFCAP && count <= 64);
	assert_true(count == 64 || own >> count == 0);
	assert_true(sec_caps_of_caller() == own);
}

/* The value of "CapBnd:" and the like in /proc/self/status. */
static uint64_t status_of(const char *which)
{
	auto_buf struct buf text = BUF_INIT;
	if (file_read_at(AT_FDCWD, "/proc/self/status", 65536, &text) < 0)
		return 0xdead;
	const char *at = strstr(text.data, which);
	uint64_t value = 0xdead;
	if (at)
		sscanf(at + strlen(which), "%" SCNx64, &value);
	return value;
}

static bool status_is(const struct sec_caps *caps)
{
	return status_of("CapBnd:") == caps->bounding && status_of("CapEff:") == caps->effective &&
		status_of("CapPrm:") == caps->permitted &&
		status_of("CapInh:") == caps->inheritable && status_of("CapAmb:") == caps->ambient;
}

/* Both ways of asking the kernel: one call for each set, and the status file with all of them. */
static bool has_file;

static int status_file(void)
{
	return has_file ? open("/proc/self/status", O_RDONLY | O_CLOEXEC) : -EBADF;
}

static int set(const struct sec_caps *caps)
{
	auto_close int fd = status_file();
	return sec_caps_set(caps, fd);
}

static int set_as(const struct sec_caps *caps, uid_t uid)
{
	int r = sec_caps_bound(caps);
	if (r >= 0 && uid)
		r = sys_setresuid(uid);
	return r < 0 ? r : set(caps);
}

/* Runs body in a child and returns its exit code; 99 means success. */
static int in_child(int (*body)(void))
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int body_root(void)
{
	const struct sec_caps caps = {.bounding = sec_caps_default,
		.effective = sec_caps_default,
		.permitted = sec_caps_default};
	if (set_as(&caps, 0) < 0)
		return 1;
	return status_is(&caps) ? 99 : 2;
}

/* A user with one explicitly given capability: it is ambient, so that it survives exec. */
static int body_ambient_user(void)
{
	const uint64_t one = CAP(NET_BIND_SERVICE);
	const struct sec_caps caps = {sec_caps_default, one, one, one, one};
	if (set_as(&caps, 12345) < 0)
		return 1;
	return status_is(&caps) ? 99 : 2;
}

static int body_plain_user(void)
{
	const struct sec_caps caps = {.bounding = sec_caps_default};
	if (set_as(&caps, 12345) < 0)
		return 1;
	return status_is(&caps) && sys_prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) == 0 ? 99 : 2;
}

static int body_none(void)
{
	const struct sec_caps caps = {0};
	return set_as(&caps, 0) >= 0 && status_is(&caps) ? 99 : 1;
}

/* A capability that the bounding set lacks cannot be set: setting must fail, and not give less. */
static int body_more_than_bound(void)
{
	const struct sec_caps less = {CAP(CHOWN), CAP(CHOWN), CAP(CHOWN), 0, 0};
	const struct sec_caps more = {CAP(CHOWN) | CAP(KILL), CAP(CHOWN), CAP(CHOWN), 0, 0};
	if (sec_caps_bound(&less) < 0 || sec_caps_bound(&more) < 0)
		return 1;
	if (set(&more) != -EPERM)
		return 2;
	return strstr(err_text(), "other bounding capabilities") ? 99 : 3;
}

static int body_unbounded_permitted(void)
{
	const struct sec_caps caps = {.permitted = UINT64_MAX, .effective = UINT64_MAX};
	const struct sec_caps few = {0};
	if (set_as(&few, 0) < 0)
		return 1;
	return set(&caps) == -EPERM ? 99 : 2;
}

static int body_ambient_without_permitted(void)
{
	const struct sec_caps caps = {.ambient = CAP(CHOWN)};
	if (sec_caps_bound(&caps) >= 0 && set(&caps) == -EPERM)
		return strstr(err_text(), "raise ambient capability 0") ? 99 : 2;
	return 1;
}

static int body_bound_without_right(void)
{
	const struct sec_caps none = {0};
	struct cap_header header = {.version = CAP_VERSION_3};
	const struct cap_data data[2] = {0};
	if (sys_capset(&header, data) < 0)
		return 1;
	return sec_caps_bound(&none) == -EPERM ? 99 : 2;
}

/* The kernel reports success without doing anything. */
static int body_lied_to(void)
{
	const struct sec_caps caps = {.bounding = sec_caps_default};
	if (sec_caps_bound(&caps) < 0 || liar_load(SYS_capset, 0) < 0)
		return 1;
	if (set(&caps) != -EPERM)
		return 2;
	return strstr(err_text(), "other effective capabilities") ? 99 : 3;
}

/* What was kept for a filter is given up; neither a refusal nor a lie of the filter passes. */
static int lower_body(bool is_lied_to, int error)
{
	const struct sec_caps less = {.bounding = sec_caps_default};
	struct sec_caps more = less;
	more.effective = more.permitted = UINT64_C(1) << CAP_SYS_ADMIN;
	if (sec_caps_bound(&more) < 0 || set(&more) < 0)
		return 1;
	if (is_lied_to && liar_load(SYS_capset, error) < 0)
		return 2;
	int r = sec_caps_lower(&less);
	if (is_lied_to)
		return r == (error ? -error : -EPERM) ? 99 : 3;
	return r == 0 && status_of("CapEff:") == 0 && status_of("CapPrm:") == 0 &&
			status_of("CapBnd:") == sec_caps_default
		? 99
		: 4;
}

static int body_lowered(void)
{
	return lower_body(false, 0);
}

static int body_lower_lied_to(void)
{
	return lower_body(true, 0);
}

static int body_lower_refused(void)
{
	return lower_body(true, EACCES);
}

/* A failed read is not the end of the list: the set must not be taken for empty. */
static int body_unreadable(void)
{
	const struct sec_caps none = {0};
	if (liar_load(SYS_prctl, EACCES) < 0)
		return 1;
	if (sec_caps_bound(&none) != -EACCES)
		return 2;
	return sec_caps_set(&none, -EBADF) == -EACCES ? 99 : 3;
}

static void test_setting(void **state)
{
	uint64_t needed = sec_caps_default;
	if ((status_of("CapEff:") & needed) != needed) {
		print_message("needs privilege\n");
		skip();
	}
	static int (*const bodies[])(void) = {body_root, body_ambient_user, body_plain_user,
		body_none, body_more_than_bound, body_unbounded_permitted,
		body_ambient_without_permitted, body_bound_without_right, body_lied_to,
		body_unreadable, body_lowered, body_lower_lied_to, body_lower_refused};
	for (int i = 0; i < 2; i++) {
		has_file = i;
		for (size_t j = 0; j < sizeof(bodies) / sizeof(bodies[0]); j++)
			assert_int_equal(in_child(bodies[j]), 99);
	}
	has_file = false;
}

static void test_status(void **state)
{
	struct sec_status status;
	signal(SIGUSR1, SIG_IGN);
	auto_close int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	assert_int_equal(sec_status_read(fd, &status), 0);
	assert_true(status.ignored & 1u << (SIGUSR1 - 1));
	assert_true(status.caps.bounding == status_of("CapBnd:"));
	assert_true(status.caps.permitted == status_of("CapPrm:"));
	signal(SIGUSR1, SIG_DFL);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(sec_status_read(fd, &status), 0);
	assert_false(status.ignored & 1u << (SIGUSR1 - 1));
	assert_int_equal(sec_status_read(fd, &status), -EBADMSG); /* at the end of the file */
	assert_int_equal(sec_status_read(-EBADF, &status), -EBADF);
	auto_close int other = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	assert_int_equal(sec_status_read(other, &status), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_of_caller),
		cmocka_unit_test(test_setting),
		cmocka_unit_test(test_status),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
