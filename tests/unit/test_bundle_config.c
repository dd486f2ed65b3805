/* SPDX-License-Identifier: Apache-2.0 */
/* The document as a whole: the messages of refusals, a document with every field, and the document
 * that Docker writes for an ordinary container. */
#include "bundle/config.c"
#include "bundle_documents.h"

#include <sys/mount.h>
#include <sys/resource.h>

static void test_refused(void **state)
{
	static const struct refusal cases[] = {
		{"", -EBADMSG, "line 1, column 1: expected a value, found the end of the text"},
		{"[]", -EINVAL, "expected an object, found an array"},
		{"{}", -EINVAL, "\"ociVersion\" is missing"},
		{"{'ociVersion':'1.0.0'}", -EINVAL, "\"root\" is missing"},
		{"{'ociVersion':null,'root':{'path':'r'}}", -EINVAL, "\"ociVersion\" is missing"},
		{"{'ociVersion':1}", -EINVAL, "ociVersion: expected a string, found a number"},
		{"{'ociVersion':'2.0.0'}", -EINVAL,
			"ociVersion: \"2.0.0\" is not a version 1.x of the specification"},
		{"{'ociVersion':'1.x'}", -EINVAL,
			"ociVersion: \"1.x\" is not a version 1.x of the specification"},
		{"{'ociVersion':'1.0.'}", -EINVAL,
			"ociVersion: \"1.0.\" is not a version 1.x of the specification"},
		{"{'ociVersion':'1.0.0-'}", -EINVAL,
			"ociVersion: \"1.0.0-\" is not a version 1.x of the specification"},
		{"{'ociVersion':'1.0.0 '}", -EINVAL,
			"ociVersion: \"1.0.0 \" is not a version 1.x of the specification"},
		{"{'ociVersion':'10.0.0'}", -EINVAL,
			"ociVersion: \"10.0.0\" is not a version 1.x of the specification"},
		{"{'ociVersion':'1.0.0','ociVersion':'1.0.0'}", -EBADMSG,
			"line 1, column 23: the key \"ociVersion\" stands twice"},
		{"{'root':{}}", -EINVAL, "root: \"path\" is missing"},
		{"{'root':{'path':''}}", -EINVAL, "root.path: the string is empty"},
		{"{'root':{'path':'r','readonly':1}}", -EINVAL,
			"root.readonly: expected true or false, found a number"},
		{"{'root':[]}", -EINVAL, "root: expected an object, found an array"},
		{"{'hostname':7}", -EINVAL, "hostname: expected a string, found a number"},
		{"{'hostname':'0123456789012345678901234567890123456789012345678901234567890123x'}",
			-ENAMETOOLONG, "hostname: 65 bytes are more than 64"},
		{"{'domainname':'0123456789012345678901234567890123456789012345678901234567890123x'"
		 "}",
			-ENAMETOOLONG, "domainname: 65 bytes are more than 64"},
		{"{'mounts':{}}", -EINVAL, "mounts: expected an array, found an object"},
		{"{'annotations':[]}", -EINVAL, "annotations: expected an object, found an array"},
		{"{'annotations':{'a':1}}", -EINVAL,
			"annotations.a: expected a string, found a number"},
		{"{'annotations':{'':'x'}}", -EINVAL, "annotations.: an annotation needs a name"},
		{"{'windows':{}}", -EOPNOTSUPP, "windows: is for another platform, this is Linux"},
		{"{'solaris':{}}", -EOPNOTSUPP, "solaris: is for another platform, this is Linux"},
		{"{'vm':{}}", -EOPNOTSUPP, "vm: is for another platform, this is Linux"},
		{"{'zos':{}}", -EOPNOTSUPP, "zos: is for another platform, this is Linux"},
		{"{'freebsd':{}}", -EOPNOTSUPP, "freebsd: is for another platform, this is Linux"},
		{"{'linux':1}", -EINVAL, "linux: expected an object, found a number"},
		{DOCUMENT("'linux':{}"), -EINVAL,
			"linux.namespaces has no \"mount\", without which a root would be the "
			"host's"},
		{CONFIG("'hostname':'h'"), -EINVAL, "hostname needs a \"uts\" in linux.namespaces"},
		{CONFIG("'domainname':'h'"), -EINVAL,
			"domainname needs a \"uts\" in linux.namespaces"},
		{DOCUMENT("'linux':{'namespaces':[{'type':'mount'},{'type':'user'}]}"), -EINVAL,
			"linux.uidMappings is missing for the user namespace"},
		{DOCUMENT("'linux':{'namespaces':[{'type':'mount'},{'type':'user'}],"
			  "'uidMappings':[{'containerID':0,'hostID':1,'size':1}]}"),
			-EINVAL, "linux.gidMappings is missing for the user namespace"},
	};
	refusals_check(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_versions(void **state)
{
	static const char *const versions[] = {"1.0", "1.0.0", "1.0.2-dev", "1.3-dev", "1.0.0-rc5",
		"1.2.1+dev", "1.0.0-rc.1+build.7", "1.99.12"};
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		assert_true(is_version_1(versions[i]));
}

/* Fields that ask for nothing, and unknown fields. */
static void test_ignored(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec;
	config_accepted(CONFIG("'windows':null,'process':null,'mounts':null,'hooks':{},"
			       "'hostname':'','domainname':'','x-vendor':{'a':[1]}"),
		&a, &spec);
	assert_int_equal(spec.process.args.count, 0);
	assert_null(spec.hostname);
	assert_null(spec.domainname);
	assert_string_equal(spec.layers.items[0], "/bundle/rootfs");
}

static void test_too_many_mounts(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_buf struct buf text = BUF_INIT;
	struct oci_spec spec;
	buf_adds(&text, "{'mounts':[0");
	for (int i = 0; i < MOUNTS_MAX; i++)
		buf_adds(&text, ",0");
	buf_adds(&text, "]}");
	assert_int_equal(config_read(text.data, &a, &spec), -E2BIG);
	assert_string_equal(err_text(), "config.json: mounts: 4097 items are more than 4096");
}

static const char everything[] =
	"{'ociVersion':'1.2.0','root':{'path':'/srv/root','readonly':true},"
	"'process':{'terminal':true,'consoleSize':{'height':40,'width':100},"
	"'user':{'uid':1000,'gid':1001,'umask':63,'additionalGids':[5,4294967294],'username':'x'},"
	"'args':['sh','-c',''],'env':['PATH=/bin','EMPTY='],'cwd':'/home',"
	"'capabilities':{'bounding':['CAP_CHOWN','KILL'],'effective':['CAP_CHOWN'],"
	"'permitted':['CAP_CHOWN','CAP_KILL'],'inheritable':['CAP_KILL'],'ambient':['CAP_KILL']},"
	"'rlimits':[{'type':'RLIMIT_NOFILE','soft':1,'hard':18446744073709551615},"
	"{'type':'RLIMIT_CORE','soft':0,'hard':0}],"
	"'noNewPrivileges':true,'oomScoreAdj':-500,'apparmorProfile':'','selinuxLabel':''},"
	"'hostname':'web','domainname':'example.org',"
	"'mounts':[{'destination':'proc','type':'proc','source':'proc'},"
	"{'destination':'/etc/../data/','type':'bind','source':'data',"
	"'options':['rbind','','ro','rslave']}],"
	"'annotations':{'org.example':'yes','empty':''},"
	"'hooks':{'poststop':[{'path':'/bin/c','args':['c','-x'],'env':['A=1'],'timeout':7}],"
	"'prestart':[{'path':'/bin/a'},{'path':'/bin/b'}]},"
	"'linux':{'namespaces':[{'type':'mount'},{'type':'uts','path':''},{'type':'user'},"
	"{'type':'network','path':'/run/netns/a'}],"
	"'uidMappings':[{'containerID':0,'hostID':100000,'size':65536}],"
	"'gidMappings':[{'containerID':0,'hostID':200000,'size':10},"
	"{'containerID':10,'hostID':300000,'size':1}],"
	"'devices':[{'path':'/dev/fuse','type':'u','major':10,'minor':229,'fileMode':33206,"
	"'uid':1,'gid':2},{'path':'/dev//pipe','type':'p'}],"
	"'sysctl':{'net.core.somaxconn':'256'},'cgroupsPath':'/a/b','rootfsPropagation':'rshared',"
	"'resources':{},'seccomp':{},"
	"'maskedPaths':['/proc/kcore'],'readonlyPaths':['/proc/sys','/proc/bus'],"
	"'mountLabel':'','timeOffsets':{},'netDevices':{}}}";

static void check_process(const struct oci_process *p)
{
	assert_true(p->has_terminal);
	assert_int_equal(p->cells.rows, 40);
	assert_int_equal(p->cells.columns, 100);
	assert_int_equal(p->uid, 1000);
	assert_int_equal(p->gid, 1001);
	assert_int_equal(p->umask, 077);
	assert_int_equal(p->group_count, 2);
	assert_int_equal(p->groups[0], 5);
	assert_int_equal(p->groups[1], 4294967294);
	assert_null(p->user_name);
	assert_int_equal(p->args.count, 3);
	assert_string_equal(p->args.items[1], "-c");
	assert_string_equal(p->args.items[2], "");
	assert_int_equal(p->env.count, 2);
	assert_string_equal(p->env.items[1], "EMPTY=");
	assert_string_equal(p->cwd, "/home");
	assert_int_equal(p->caps_bounding, 1 | 1 << 5);
	assert_int_equal(p->caps_effective, 1);
	assert_int_equal(p->caps_permitted, 1 | 1 << 5);
	assert_int_equal(p->caps_inheritable, 1 << 5);
	assert_int_equal(p->caps_ambient, 1 << 5);
	assert_true(p->no_new_privileges);
	assert_true(p->has_oom_score_adj);
	assert_int_equal(p->oom_score_adj, -500);
	assert_string_equal(p->seccomp_name, "seccomp was read");
}

static void check_lists(const struct oci_spec *spec)
{
	assert_int_equal(spec->rlimits.count, 2);
	assert_int_equal(spec->rlimits.items[0].resource, RLIMIT_NOFILE);
	assert_int_equal(spec->rlimits.items[0].soft, 1);
	assert_true(spec->rlimits.items[0].hard == UINT64_MAX);
	assert_string_equal(spec->rlimits.items[0].origin, "config.json");
	assert_int_equal(spec->mounts.count, 2);
	assert_string_equal(spec->mounts.items[0].destination, "/proc");
	assert_string_equal(spec->mounts.items[0].type, "proc");
	assert_null(spec->mounts.items[0].options);
	assert_string_equal(spec->mounts.items[1].destination, "/data");
	assert_null(spec->mounts.items[1].type);
	assert_string_equal(spec->mounts.items[1].source, "/bundle/data");
	assert_string_equal(spec->mounts.items[1].options, "rbind,ro,rslave");
	assert_string_equal(spec->mounts.items[1].origin, "config.json");
	assert_int_equal(spec->annotations.count, 2);
	assert_string_equal(spec->annotations.items[0].key, "org.example");
	assert_string_equal(spec->annotations.items[0].value, "yes");
	assert_string_equal(spec->annotations.items[1].value, "");
	assert_int_equal(spec->hooks[OCI_HOOK_PRESTART].count, 2);
	assert_string_equal(spec->hooks[OCI_HOOK_PRESTART].items[1].path, "/bin/b");
	assert_int_equal(spec->hooks[OCI_HOOK_PRESTART].items[1].args.count, 0);
	assert_int_equal(spec->hooks[OCI_HOOK_PRESTART].items[1].timeout_s, 0);
	const struct oci_hook *hook = &spec->hooks[OCI_HOOK_POSTSTOP].items[0];
	assert_int_equal(hook->args.count, 2);
	assert_string_equal(hook->args.items[1], "-x");
	assert_string_equal(hook->env.items[0], "A=1");
	assert_int_equal(hook->timeout_s, 7);
}

static void check_linux(const struct oci_spec *spec)
{
	assert_int_equal(spec->namespaces.count, 4);
	assert_string_equal(spec->namespaces.items[1].type, "uts");
	assert_null(spec->namespaces.items[1].path);
	assert_string_equal(spec->namespaces.items[3].path, "/run/netns/a");
	assert_string_equal(spec->namespaces.items[3].origin, "config.json");
	assert_int_equal(spec->idmaps.count, 3);
	assert_false(spec->idmaps.items[0].is_gid);
	assert_int_equal(spec->idmaps.items[0].host_id, 100000);
	assert_int_equal(spec->idmaps.items[0].size, 65536);
	assert_true(spec->idmaps.items[2].is_gid);
	assert_int_equal(spec->idmaps.items[2].container_id, 10);
	assert_int_equal(spec->devices.count, 2);
	const struct oci_device *fuse = &spec->devices.items[0];
	assert_string_equal(fuse->path, "/dev/fuse");
	assert_int_equal(fuse->type, 'c');
	assert_int_equal(fuse->major, 10);
	assert_int_equal(fuse->minor, 229);
	assert_int_equal(fuse->mode, 0666);
	assert_int_equal(fuse->uid, 1);
	assert_int_equal(fuse->gid, 2);
	assert_string_equal(spec->devices.items[1].path, "/dev/pipe");
	assert_int_equal(spec->devices.items[1].type, 'p');
	assert_int_equal(spec->devices.items[1].mode, 0666);
	assert_int_equal(spec->sysctls.count, 1);
	assert_string_equal(spec->sysctls.items[0].key, "net.core.somaxconn");
	assert_string_equal(spec->sysctls.items[0].value, "256");
	assert_string_equal(spec->cgroup_path, "/a/b");
	assert_int_equal(spec->root_propagation, MS_SHARED | MS_REC);
	assert_int_equal(spec->masked.count, 1);
	assert_string_equal(spec->masked.items[0].path, "/proc/kcore");
	assert_int_equal(spec->readonly.count, 2);
	assert_string_equal(spec->readonly.items[1].path, "/proc/bus");
	assert_string_equal(spec->readonly.items[1].origin, "config.json");
	assert_int_equal(spec->limits.count, 1);
	assert_string_equal(spec->limits.items[0].text, "resources were read");
}

static void test_everything(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec;
	config_accepted(everything, &a, &spec);
	assert_int_equal(spec.layers.count, 1);
	assert_string_equal(spec.layers.items[0], "/srv/root");
	assert_null(spec.upper);
	assert_true(spec.root_is_readonly);
	assert_string_equal(spec.hostname, "web");
	assert_string_equal(spec.domainname, "example.org");
	check_process(&spec.process);
	check_lists(&spec);
	check_linux(&spec);
}

/* As Docker 27 writes it, without device rules and the list of system calls. */
static const char docker[] =
	"{'ociVersion':'1.2.0','process':{'user':{'uid':0,'gid':0,'additionalGids':[0,10]},"
	"'args':['sh'],'env':['PATH=/usr/bin:/bin','HOSTNAME=0123456789ab'],'cwd':'/',"
	"'capabilities':{'bounding':['CAP_CHOWN','CAP_DAC_OVERRIDE','CAP_FSETID','CAP_FOWNER',"
	"'CAP_MKNOD','CAP_NET_RAW','CAP_SETGID','CAP_SETUID','CAP_SETFCAP','CAP_SETPCAP',"
	"'CAP_NET_BIND_SERVICE','CAP_SYS_CHROOT','CAP_KILL','CAP_AUDIT_WRITE'],"
	"'effective':['CAP_CHOWN','CAP_KILL'],'permitted':['CAP_CHOWN','CAP_KILL']},"
	"'oomScoreAdj':0},"
	"'root':{'path':'/var/lib/docker/overlay2/0123/merged'},'hostname':'0123456789ab',"
	"'mounts':[{'destination':'/proc','type':'proc','source':'proc',"
	"'options':['nosuid','noexec','nodev']},"
	"{'destination':'/dev','type':'tmpfs','source':'tmpfs',"
	"'options':['nosuid','strictatime','mode=755','size=65536k']},"
	"{'destination':'/dev/pts','type':'devpts','source':'devpts',"
	"'options':['nosuid','noexec','newinstance','ptmxmode=0666','mode=0620','gid=5']},"
	"{'destination':'/sys','type':'sysfs','source':'sysfs',"
	"'options':['nosuid','noexec','nodev','ro']},"
	"{'destination':'/sys/fs/cgroup','type':'cgroup','source':'cgroup',"
	"'options':['ro','nosuid','noexec','nodev']},"
	"{'destination':'/dev/mqueue','type':'mqueue','source':'mqueue',"
	"'options':['nosuid','noexec','nodev']},"
	"{'destination':'/dev/shm','type':'tmpfs','source':'shm',"
	"'options':['nosuid','noexec','nodev','mode=1777','size=67108864']},"
	"{'destination':'/etc/hosts','type':'bind','source':'/var/lib/docker/containers/0/hosts',"
	"'options':['rbind','rprivate']}],"
	"'hooks':{'prestart':[{'path':'/proc/1234/exe','args':['libnetwork-setkey',"
	"'-exec-root=/var/run/docker','0123','4567']}]},"
	"'linux':{'sysctl':{'net.ipv4.ip_unprivileged_port_start':'0',"
	"'net.ipv4.ping_group_range':'0 2147483647'},'resources':{'devices':[]},"
	"'cgroupsPath':'/docker/0123','namespaces':[{'type':'mount'},{'type':'network'},"
	"{'type':'uts'},{'type':'pid'},{'type':'ipc'},{'type':'cgroup'}],'seccomp':{},"
	"'maskedPaths':['/proc/asound','/proc/acpi','/sys/firmware'],"
	"'readonlyPaths':['/proc/bus','/proc/sysrq-trigger']}}";

static void test_docker(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec;
	config_accepted(docker, &a, &spec);
	assert_int_equal(spec.mounts.count, 8);
	assert_string_equal(spec.mounts.items[2].options,
		"nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5");
	assert_string_equal(spec.mounts.items[7].source, "/var/lib/docker/containers/0/hosts");
	assert_null(spec.mounts.items[7].type);
	assert_int_equal(spec.process.umask, 0022);
	assert_true(spec.process.has_oom_score_adj);
	assert_int_equal(spec.process.oom_score_adj, 0);
	assert_int_equal(spec.hooks[OCI_HOOK_PRESTART].items[0].args.count, 4);
	assert_int_equal(spec.namespaces.count, 6);
	assert_int_equal(spec.root_propagation, 0);
	assert_int_equal(spec.sysctls.count, 2);
}

static int process_read(const char *text, struct arena *a, struct oci_spec *spec)
{
	auto_free char *document = with_quotes(text);
	return bundle_process_parse("process.json", document, strlen(document), a, spec);
}

/* rlimits are added, and replace those of the same resource. */
static void test_process_alone(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec = {.hostname = "kept"};
	*arena_push(&a, &spec.rlimits) = (struct oci_rlimit){RLIMIT_CORE, 1, 1, "before"};
	*arena_push(&a, &spec.rlimits) = (struct oci_rlimit){RLIMIT_CPU, 1, 1, "before"};
	assert_int_equal(process_read("{'args':['id'],'cwd':'/','user':{'uid':7},'rlimits':["
				      "{'type':'RLIMIT_NPROC','soft':2,'hard':3},"
				      "{'type':'RLIMIT_CORE','soft':4,'hard':5}]}",
				 &a, &spec),
		0);
	assert_string_equal(spec.hostname, "kept");
	assert_int_equal(spec.process.uid, 7);
	assert_int_equal(spec.process.umask, 0022);
	assert_int_equal(spec.rlimits.count, 3);
	assert_int_equal(spec.rlimits.items[0].hard, 5);
	assert_int_equal(spec.rlimits.items[1].hard, 1);
	assert_int_equal(spec.rlimits.items[2].resource, RLIMIT_NPROC);

	assert_int_equal(process_read("{'args':['id']}", &a, &spec), -EINVAL);
	assert_string_equal(err_text(), "process.json: \"cwd\" is missing");
	assert_int_equal(process_read("{'args':['id'],'cwd':'bin'}", &a, &spec), -EINVAL);
	assert_string_equal(err_text(), "process.json: cwd: \"bin\" is not an absolute path");
	assert_int_equal(process_read("null", &a, &spec), -EINVAL);
	assert_string_equal(err_text(), "process.json: expected an object, found null");
	assert_int_equal(spec.process.uid, 7);
}

static void test_resources_alone(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec = {.hostname = "kept"};
	*arena_push(&a, &spec.limits) = (struct oci_limit){.text = "before"};
	*arena_push(&a, &spec.limits) = (struct oci_limit){.text = "before"};
	assert_int_equal(bundle_resources_parse("-", "{}", 2, &a, &spec), 0);
	assert_int_equal(spec.limits.count, 1);
	assert_string_equal(spec.limits.items[0].text, "resources were read");
	assert_string_equal(spec.hostname, "kept");
	assert_int_equal(bundle_resources_parse("-", "{", 1, &a, &spec), -EBADMSG);
	assert_int_equal(spec.limits.count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_ignored),
		cmocka_unit_test(test_too_many_mounts),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_docker),
		cmocka_unit_test(test_process_alone),
		cmocka_unit_test(test_resources_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
