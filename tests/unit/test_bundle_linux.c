/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces, id maps, devices, propagation, paths: errors name the field, and good ones become
 * rows.
 */
#include "bundle/linux.c"
#include "bundle_documents.h"

#define NAMESPACES(more) DOCUMENT("'linux':{'namespaces':[{'type':'mount'}," more "]}")
#define DEVICE(more) IN_LINUX("'devices':[{" more "}]")

static void test_refused(void **state)
{
	static const struct refusal cases[] = {
		{NAMESPACES("{}"), -EINVAL, "linux.namespaces[1]: \"type\" is missing"},
		{NAMESPACES("'pid'"), -EINVAL,
			"linux.namespaces[1]: expected an object, found a string"},
		{NAMESPACES("{'type':'net'}"), -EINVAL,
			"linux.namespaces[1].type: \"net\" is not a kind of namespace"},
		{NAMESPACES("{'type':'mnt'}"), -EINVAL,
			"linux.namespaces[1].type: \"mnt\" is not a kind of namespace"},
		{NAMESPACES("{'type':'mount'}"), -EINVAL,
			"linux.namespaces[1].type: \"mount\" is given twice"},
		{NAMESPACES("{'type':'pid','path':'proc/1/ns/pid'}"), -EINVAL,
			"linux.namespaces[1].path: \"proc/1/ns/pid\" is not an absolute path"},
		{DOCUMENT("'linux':{'namespaces':[{'type':'mount','path':'ns/mnt'}]}"), -EINVAL,
			"linux.namespaces[0].path: \"ns/mnt\" is not an absolute path"},
		{IN_LINUX("'uidMappings':[{'containerID':0,'hostID':1}]"), -EINVAL,
			"linux.uidMappings: uid map 0:1:0: the count is 0"},
		{IN_LINUX("'uidMappings':[{'containerID':0,'hostID':4294967295,'size':1}]"),
			-EINVAL,
			"linux.uidMappings: uid map 0:4294967295:1: the range outside ends above "
			"4294967294"},
		{IN_LINUX("'gidMappings':[{'containerID':0,'hostID':0,'size':10},"
			  "{'containerID':9,'hostID':100,'size':1}]"),
			-EINVAL, "linux.gidMappings: gid map: 0:0:10 and 9:100:1 overlap inside"},
		{IN_LINUX("'gidMappings':[{'containerID':4294967296}]"), -ERANGE,
			"linux.gidMappings[0].containerID: expected a number from 0 to 4294967295, "
			"found 4294967296"},
		{IN_LINUX("'devices':{}"), -EINVAL,
			"linux.devices: expected an array, found an object"},
		{DEVICE("'type':'c'"), -EINVAL, "linux.devices[0]: \"path\" is missing"},
		{DEVICE("'path':'dev/a'"), -EINVAL,
			"linux.devices[0].path: \"dev/a\" is not an absolute path"},
		{DEVICE("'path':'/dev/..'"), -EINVAL,
			"linux.devices[0].path: \"/dev/..\" is the root itself"},
		{DEVICE("'path':'/dev/a'"), -EINVAL, "linux.devices[0]: \"type\" is missing"},
		{DEVICE("'path':'/dev/a','type':'a'"), -EINVAL,
			"linux.devices[0].type: \"a\" is not a type of device: c, b, u or p"},
		{DEVICE("'path':'/dev/a','type':'cb'"), -EINVAL,
			"linux.devices[0].type: \"cb\" is not a type of device: c, b, u or p"},
		{DEVICE("'path':'/dev/a','type':'c','minor':1"), -EINVAL,
			"linux.devices[0]: \"major\" is missing"},
		{DEVICE("'path':'/dev/a','type':'b','major':1"), -EINVAL,
			"linux.devices[0]: \"minor\" is missing"},
		{DEVICE("'path':'/dev/a','type':'c','major':4096,'minor':1"), -ERANGE,
			"linux.devices[0].major: expected a number from 0 to 4095, found 4096"},
		{DEVICE("'path':'/dev/a','type':'c','major':1,'minor':-1"), -ERANGE,
			"linux.devices[0].minor: expected a number from 0 to 1048575, found -1"},
		{DEVICE("'path':'/dev/a','type':'p','uid':4294967295"), -ERANGE,
			"linux.devices[0].uid: expected a number from 0 to 4294967294, found "
			"4294967295"},
		{DEVICE("'path':'/dev/a','type':'p','fileMode':'0666'"), -EINVAL,
			"linux.devices[0].fileMode: expected a number, found a string"},
		{IN_LINUX("'sysctl':[]"), -EINVAL,
			"linux.sysctl: expected an object, found an array"},
		{IN_LINUX("'sysctl':{'net.a':1}"), -EINVAL,
			"linux.sysctl.net.a: expected a string, found a number"},
		{IN_LINUX("'cgroupsPath':'/a/../b'"), -EINVAL,
			"linux.cgroupsPath: \"/a/../b\" leads out of the cgroups by .."},
		{IN_LINUX("'cgroupsPath':'..'"), -EINVAL,
			"linux.cgroupsPath: \"..\" leads out of the cgroups by .."},
		{IN_LINUX("'rootfsPropagation':'public'"), -EINVAL,
			"linux.rootfsPropagation: \"public\" is not a propagation: private, slave, "
			"shared or unbindable"},
		{IN_LINUX("'rootfsPropagation':'r'"), -EINVAL,
			"linux.rootfsPropagation: \"r\" is not a propagation: private, slave, "
			"shared or unbindable"},
		{IN_LINUX("'maskedPaths':['/a','b']"), -EINVAL,
			"linux.maskedPaths[1]: \"b\" is not an absolute path"},
		{IN_LINUX("'readonlyPaths':['']"), -EINVAL,
			"linux.readonlyPaths[0]: \"\" is not an absolute path"},
		{IN_LINUX("'mountLabel':7"), -EINVAL,
			"linux.mountLabel: expected a string, found a number"},
		{IN_LINUX("'personality':{'domain':'LINUX64'}"), -EINVAL,
			"linux.personality.domain: \"LINUX64\" is not a personality. Did you mean "
			"LINUX?"},
		{IN_LINUX("'personality':{'domain':'LINUX','flags':['X']}"), -EINVAL,
			"linux.personality.flags: the specification knows no flags yet"},
		{IN_LINUX("'timeOffsets':{'realtime':{'secs':1}}"), -EINVAL,
			"linux.timeOffsets.realtime: only monotonic and boottime have offsets"},
		{IN_LINUX("'timeOffsets':{'boottime':{'nanosecs':1000000000}}"), -ERANGE,
			"linux.timeOffsets.boottime.nanosecs: expected a number from 0 to "
			"999999999, "
			"found 1000000000"},
		{IN_LINUX("'intelRdt':[]"), -EINVAL,
			"linux.intelRdt: expected an object, found an array"},
		{IN_LINUX("'intelRdt':{'closID':''}"), -EINVAL,
			"linux.intelRdt.closID: \"\" is not a name of a class"},
		{IN_LINUX("'intelRdt':{'closID':'a/b'}"), -EINVAL,
			"linux.intelRdt.closID: \"a/b\" is not a name of a class"},
		{IN_LINUX("'intelRdt':{'closID':'.'}"), -EINVAL,
			"linux.intelRdt.closID: \".\" is not a name of a class"},
		{IN_LINUX("'intelRdt':{'closID':'..'}"), -EINVAL,
			"linux.intelRdt.closID: \"..\" is not a name of a class"},
		{IN_LINUX("'intelRdt':{'closID':'info'}"), -EINVAL,
			"linux.intelRdt.closID: \"info\" is not a name of a class"},
		{IN_LINUX("'intelRdt':{'closID':'mon_data'}"), -EINVAL,
			"linux.intelRdt.closID: \"mon_data\" is not a name of a class"},
		{IN_LINUX("'intelRdt':{'closID':'mon_groups'}"), -EINVAL,
			"linux.intelRdt.closID: \"mon_groups\" is not a name of a class"},
		{IN_LINUX("'intelRdt':{'l3CacheSchema':'L3'}"), -EINVAL,
			"linux.intelRdt.l3CacheSchema: \"L3\" is not as L3:0=f;1=f"},
		{IN_LINUX("'intelRdt':{'schemata':['MB:0=1','x']}"), -EINVAL,
			"linux.intelRdt.schemata[1]: \"x\" is not as L3:0=f;1=f"},
		{IN_LINUX("'intelRdt':{'schemata':'MB:0=1'}"), -EINVAL,
			"linux.intelRdt.schemata: expected an array, found a string"},
		{IN_LINUX("'memoryPolicy':{'mode':'MPOL_BIND'}"), -EINVAL,
			"linux.memoryPolicy: \"nodes\" is missing"},
		{IN_LINUX("'memoryPolicy':{'mode':'MPOL_LOCAL','nodes':'0'}"), -EINVAL,
			"linux.memoryPolicy.nodes: this mode has no nodes"},
		{IN_LINUX("'memoryPolicy':{'mode':'MPOL_BIND','nodes':'0,'}"), -EINVAL,
			"linux.memoryPolicy.nodes: \"0,\" is not a list as 0-3,7"},
		{IN_LINUX("'memoryPolicy':{'mode':'MPOL_BIND','nodes':'0','flags':["
			  "'MPOL_F_STATIC_NODES','MPOL_F_RELATIVE_NODES']}"),
			-EINVAL,
			"linux.memoryPolicy: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude "
			"each "
			"other"},
		{IN_LINUX("'netDevices':{'eth0':1}"), -EINVAL,
			"linux.netDevices.eth0: expected an object, found a number"},
		{IN_LINUX("'netDevices':{'a/b':{}}"), -EINVAL,
			"linux.netDevices.a/b: \"a/b\" is no name of a network device"},
		{IN_LINUX("'netDevices':{'eth0':{'name':'a234567890123456'}}"), -EINVAL,
			"linux.netDevices.eth0.name: \"a234567890123456\" is no name of a network "
			"device"},
		{IN_LINUX("'netDevices':{'a':{'name':'x'},'b':{'name':'x'}}"), -EINVAL,
			"linux.netDevices.b: \"x\" is the name of another as well"},
	};
	refusals_check(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_propagation(void **state)
{
	static const struct {
		const char *text;
		uint32_t value;
	} cases[] = {
		{IN_LINUX("'rootfsPropagation':''"), 0},
		{IN_LINUX("'rootfsPropagation':'private'"), MS_PRIVATE},
		{IN_LINUX("'rootfsPropagation':'rprivate'"), MS_PRIVATE | MS_REC},
		{IN_LINUX("'rootfsPropagation':'slave'"), MS_SLAVE},
		{IN_LINUX("'rootfsPropagation':'rslave'"), MS_SLAVE | MS_REC},
		{IN_LINUX("'rootfsPropagation':'shared'"), MS_SHARED},
		{IN_LINUX("'rootfsPropagation':'rshared'"), MS_SHARED | MS_REC},
		{IN_LINUX("'rootfsPropagation':'unbindable'"), MS_UNBINDABLE},
		{IN_LINUX("'rootfsPropagation':'runbindable'"), MS_UNBINDABLE | MS_REC},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct oci_spec spec;
		config_accepted(cases[i].text, &a, &spec);
		assert_int_equal(spec.root_propagation, cases[i].value);
	}
}

/* The eight kinds by their names in the specification. */
static void test_namespaces(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec;
	config_accepted(
		NAMESPACES("{'type':'pid'},{'type':'network'},{'type':'ipc'},{'type':'uts'},"
			   "{'type':'user','path':'/proc/7/ns/user'},{'type':'cgroup'},"
			   "{'type':'time'}"),
		&a, &spec);
	assert_int_equal(spec.namespaces.count, NS_COUNT);
	assert_string_equal(spec.namespaces.items[5].path, "/proc/7/ns/user");
}

static void test_cgroup_paths(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec;
	config_accepted(IN_LINUX("'cgroupsPath':'system.slice:husk:..a'"), &a, &spec);
	assert_string_equal(spec.cgroup_path, "system.slice:husk:..a");
	config_accepted(IN_LINUX("'cgroupsPath':'/...'"), &a, &spec);
	assert_string_equal(spec.cgroup_path, "/...");
	config_accepted(IN_LINUX("'cgroupsPath':''"), &a, &spec);
	assert_null(spec.cgroup_path);
}

static void rdt_expect(
	const char *text, const char *class_name, bool is_monitored, const char *lines)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_buf struct buf found = BUF_INIT;
	struct oci_spec spec;
	config_accepted(text, &a, &spec);
	assert_non_null(spec.rdt);
	assert_string_equal(spec.rdt->class_name ? spec.rdt->class_name : "(own)", class_name);
	assert_int_equal(spec.rdt->is_monitored, is_monitored);
	for (size_t i = 0; i < spec.rdt->schemata.count; i++)
		buf_addf(&found, "%s|", spec.rdt->schemata.items[i]);
	assert_string_equal(found.data, lines);
}

/* The bandwidth line in the cache schema is replaced by that of memBwSchema. */
static void test_rdt(void **state)
{
	rdt_expect(IN_LINUX("'intelRdt':{}"), "(own)", false, "");
	rdt_expect(IN_LINUX("'intelRdt':{'closID':'/','enableMonitoring':true}"), "/", true, "");
	rdt_expect(IN_LINUX("'intelRdt':{'closID':'gold','enableCMT':true,'enableMBM':false,"
			    "'l3CacheSchema':'L3:0=f;1=f\\nMB:0=10\\n\\n  "
			    "L2:0=3','memBwSchema':'MB:0=50',"
			    "'schemata':['L3CODE:0=7','L3DATA:0=8\\nX:y']}"),
		"gold", true, "L3:0=f;1=f|L2:0=3|MB:0=50|L3CODE:0=7|L3DATA:0=8|X:y|");
	rdt_expect(IN_LINUX("'intelRdt':{'l3CacheSchema':'MB:0=10'}"), "(own)", false, "MB:0=10|");
}

static void bound_check(const char *list, const char *item, int max)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_buf struct buf text = BUF_INIT, sentence = BUF_INIT;
	struct oci_spec spec;
	buf_addf(&text, "{'linux':{'%s':[%s", list, item);
	for (int i = 0; i < max; i++)
		buf_addf(&text, ",%s", item);
	buf_adds(&text, "]}}");
	assert_int_equal(config_read(text.data, &a, &spec), -E2BIG);
	buf_addf(&sentence, "config.json: linux.%s: %d items are more than %d", list, max + 1, max);
	assert_string_equal(err_text(), sentence.data);
}

static void test_bounds(void **state)
{
	bound_check("devices", "{}", 1024);
	bound_check("uidMappings", "{}", 340);
	bound_check("gidMappings", "{}", 340);
	bound_check("maskedPaths", "'/a'", 4096);
	bound_check("readonlyPaths", "'/a'", 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_propagation),
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_cgroup_paths),
		cmocka_unit_test(test_rdt),
		cmocka_unit_test(test_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
