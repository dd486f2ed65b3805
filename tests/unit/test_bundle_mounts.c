/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts: which are binds, the resulting sources and destinations, and options that could be
 * misread.
 */
#include "bundle/mounts.c"
#include "bundle_documents.h"

#define DATA "'destination':'/data',"

static void test_refused(void **state)
{
	static const struct refusal cases[] = {
		{"{'mounts':['/data']}", -EINVAL, "mounts[0]: expected an object, found a string"},
		{IN_MOUNT("'type':'tmpfs'"), -EINVAL, "mounts[0]: \"destination\" is missing"},
		{IN_MOUNT("'destination':''"), -EINVAL,
			"mounts[0].destination: the string is empty"},
		{IN_MOUNT("'destination':'/','type':'tmpfs'"), -EINVAL,
			"mounts[0].destination: \"/\" is the root itself"},
		{IN_MOUNT("'destination':'/a/../..//.','type':'tmpfs'"), -EINVAL,
			"mounts[0].destination: \"/a/../..//.\" is the root itself"},
		{IN_MOUNT(DATA "'type':1"), -EINVAL,
			"mounts[0].type: expected a string, found a number"},
		{IN_MOUNT(DATA "'source':'/a'"), -EINVAL,
			"mounts[0]: a mount needs a \"type\", or the option \"bind\" or \"rbind\""},
		{IN_MOUNT(DATA "'type':'none','source':'/a','options':['ro']"), -EINVAL,
			"mounts[0]: a mount needs a \"type\", or the option \"bind\" or \"rbind\""},
		{IN_MOUNT(DATA "'type':'bind'"), -EINVAL, "mounts[0]: \"source\" is missing"},
		{IN_MOUNT(DATA "'source':'','options':['rbind']"), -EINVAL,
			"mounts[0].source: the string is empty"},
		{IN_MOUNT(DATA "'type':'tmpfs','options':'ro'"), -EINVAL,
			"mounts[0].options: expected an array, found a string"},
		{IN_MOUNT(DATA "'type':'tmpfs','options':['ro',1]"), -EINVAL,
			"mounts[0].options[1]: expected a string, found a number"},
		{IN_MOUNT(DATA "'type':'overlay','options':['lowerdir=/a,b']"), -EINVAL,
			"mounts[0].options[0]: \"lowerdir=/a,b\" has a comma in it, which would "
			"end the option"},
		{IN_MOUNT(DATA "'type':'tmpfs','options':['=7']"), -EINVAL,
			"mounts[0].options[0]: \"=7\" is not a mount option"},
		{IN_MOUNT(DATA "'options':['remount','bind','idmap']"), -EINVAL,
			"mounts[0]: what is remounted keeps its ids and its content"},
		{IN_MOUNT(DATA "'type':'tmpfs','options':['remount','tmpcopyup']"), -EINVAL,
			"mounts[0]: what is remounted keeps its ids and its content"},
		{IN_MOUNT(DATA "'type':'proc','options':['tmpcopyup']"), -EINVAL,
			"mounts[0]: only a tmpfs can have the option \"tmpcopyup\""},
		{IN_MOUNT(DATA "'type':'tmpfs','options':['idmap']"), -EINVAL,
			"mounts[0]: only bind mounts can be id-mapped"},
		{IN_MOUNT(DATA "'source':'/a','options':['bind'],'uidMappings':[{'containerID':0,"
			       "'hostID':1,'size':1}]"),
			-EINVAL, "mounts[0]: \"uidMappings\" and \"gidMappings\" go together"},
		{IN_MOUNT(DATA "'source':'/a','options':['bind'],'uidMappings':[{'containerID':0,"
			       "'hostID':1}]"),
			-EINVAL, "mounts[0].uidMappings: uid map 0:1:0: the count is 0"},
		{IN_MOUNT(DATA "'source':'/a','options':['bind'],'gidMappings':1"), -EINVAL,
			"mounts[0].gidMappings: expected an array, found a number"},
	};
	refusals_check(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_too_many_options(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_buf struct buf text = BUF_INIT;
	struct oci_spec spec;
	buf_adds(&text, "{'mounts':[{'destination':'/a','type':'tmpfs','options':['ro'");
	for (int i = 0; i < OPTIONS_MAX; i++)
		buf_adds(&text, ",'ro'");
	buf_adds(&text, "]}]}");
	assert_int_equal(config_read(text.data, &a, &spec), -E2BIG);
	assert_string_equal(
		err_text(), "config.json: mounts[0].options: 1025 options are more than 1024");
}

struct mount_case {
	const char *text;
	const char *destination, *type, *source, *options;
};

static void same(const char *found, const char *expected)
{
	if (expected)
		assert_string_equal(found, expected);
	else
		assert_null(found);
}

static void test_read(void **state)
{
	static const struct mount_case cases[] = {
		{IN_MOUNT(DATA "'type':'tmpfs'"), "/data", "tmpfs", NULL, NULL},
		{IN_MOUNT(DATA "'type':'tmpfs','source':'shm','options':['mode=1777','size=1m']"),
			"/data", "tmpfs", "shm", "mode=1777,size=1m"},
		{IN_MOUNT("'destination':'data','type':'tmpfs','options':[]"), "/data", "tmpfs",
			NULL, NULL},
		{IN_MOUNT("'destination':'//proc/./x/..','type':'proc'"), "/proc", "proc", NULL,
			NULL},
		{IN_MOUNT(DATA "'type':'bind','source':'/srv'"), "/data", NULL, "/srv", NULL},
		{IN_MOUNT(DATA "'type':'none','source':'srv','options':['bind','ro']"), "/data",
			NULL, "/bundle/srv", "bind,ro"},
		{IN_MOUNT(DATA "'type':'ext4','source':'../srv','options':['','rbind','']"),
			"/data", NULL, "/bundle/../srv", "rbind"},
		{IN_MOUNT(DATA "'source':'/srv','options':['rbind','rprivate']"), "/data", NULL,
			"/srv", "rbind,rprivate"},
		{IN_MOUNT(DATA "'type':'tmpfs','uidMappings':[],'gidMappings':null"), "/data",
			"tmpfs", NULL, NULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct oci_spec spec;
		config_accepted(cases[i].text, &a, &spec);
		const struct oci_mount *mount = &spec.mounts.items[0];
		assert_int_equal(spec.mounts.count, 1);
		same(mount->destination, cases[i].destination);
		same(mount->type, cases[i].type);
		same(mount->source, cases[i].source);
		same(mount->options, cases[i].options);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_many_options),
		cmocka_unit_test(test_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
