/* SPDX-License-Identifier: Apache-2.0 */
/* linux.resources: the rows that a document makes, and the messages for wrong values. */
#include "bundle/resources.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* A document with ' in place of ". */
static int parse(const char *text, struct arena *a, struct oci_spec *out)
{
	auto_free char *json = mem_strdup(text);

	for (char *quote = json; (quote = strchr(quote, '\'')); quote++)
		*quote = '"';
	int r = bundle_resources_parse("resources", json, strlen(json), a, out);
	if (r < 0)
		assert_int_equal(err_code(), r);
	return r;
}

static void assert_limit(const struct oci_spec *spec, size_t index, enum cgroup_limit limit,
	int64_t value, int64_t second, const char *text)
{
	assert_true(index < spec->limits.count);
	const struct oci_limit *row = &spec->limits.items[index];
	assert_int_equal(row->limit, limit);
	assert_int_equal(row->value, value);
	assert_int_equal(row->second, second);
	if (text)
		assert_string_equal(row->text, text);
	else
		assert_null(row->text);
	assert_string_equal(row->origin, BUNDLE_ORIGIN);
}

/* A document and the only row that it makes; without a row: it asks for nothing. */
static void single_rows(void **state)
{
	static const struct {
		const char *text;
		enum cgroup_limit limit;
		int64_t value, second;
		const char *row_text;
	} cases[] = {
		{"{}", 0, 0, 0, NULL},
		{"{'memory':null,'cpu':null,'pids':null,'blockIO':null,'hugepageLimits':null,"
		 "'network':null,'rdma':null,'unified':null,'devices':null,'x':1}",
			0, 0, 0, NULL},
		{"{'memory':{},'cpu':{},'pids':{},'blockIO':{},'hugepageLimits':[],'network':{},"
		 "'rdma':{},'unified':{},'devices':[]}",
			0, 0, 0, NULL},
		/* What engines always send. */
		{"{'memory':{'limit':0,'swap':0,'reservation':0,'kernel':0,'kernelTCP':0,"
		 "'swappiness':null,'disableOOMKiller':false,'useHierarchy':true,"
		 "'checkBeforeUpdate':false},'cpu':{'shares':0,'quota':0,'period':0,"
		 "'realtimeRuntime':0,'realtimePeriod':0,'cpus':'','mems':'','idle':null,"
		 "'burst':null},'pids':{'limit':0},'blockIO':{'weight':0,'leafWeight':0,"
		 "'weightDevice':null,'throttleReadBpsDevice':[]},'network':{'classID':0,"
		 "'priorities':null}}",
			0, 0, 0, NULL},
		{"{'memory':{'kernel':1048576}}", 0, 0, 0, NULL},
		{"{'memory':{'limit':104857600}}", CGROUP_MEMORY_MAX, 104857600, 0, NULL},
		{"{'memory':{'limit':5,'checkBeforeUpdate':true}}", CGROUP_MEMORY_MAX, 5, 1, NULL},
		{"{'memory':{'swap':-1}}", CGROUP_MEMORY_SWAP, -1, 0, NULL},
		{"{'memory':{'reservation':7}}", CGROUP_MEMORY_LOW, 7, 0, NULL},
		{"{'memory':{'kernelTCP':-1}}", CGROUP_MEMORY_KERNEL_TCP, -1, 0, NULL},
		{"{'memory':{'swappiness':0}}", CGROUP_MEMORY_SWAPPINESS, 0, 0, NULL},
		{"{'memory':{'disableOOMKiller':true}}", CGROUP_MEMORY_OOM_DISABLE, 1, 0, NULL},
		{"{'cpu':{'shares':1024}}", CGROUP_CPU_WEIGHT, 1024, 0, NULL},
		{"{'cpu':{'quota':50000}}", CGROUP_CPU_MAX, 50000, 0, NULL},
		{"{'cpu':{'quota':-5,'period':20000}}", CGROUP_CPU_MAX, -1, 20000, NULL},
		{"{'cpu':{'period':20000}}", CGROUP_CPU_PERIOD, 20000, 0, NULL},
		{"{'cpu':{'burst':0}}", CGROUP_CPU_BURST, 0, 0, NULL},
		{"{'cpu':{'idle':0}}", CGROUP_CPU_IDLE, 0, 0, NULL},
		{"{'cpu':{'realtimeRuntime':950000}}", CGROUP_CPU_RT_RUNTIME, 950000, 0, NULL},
		{"{'cpu':{'realtimePeriod':1000000}}", CGROUP_CPU_RT_PERIOD, 1000000, 0, NULL},
		{"{'cpu':{'cpus':'0-2,7'}}", CGROUP_CPUSET_CPUS, 0, 0, "0-2,7"},
		{"{'cpu':{'mems':'0'}}", CGROUP_CPUSET_MEMS, 0, 0, "0"},
		{"{'pids':{'limit':64}}", CGROUP_PIDS_MAX, 64, 0, NULL},
		{"{'pids':{'limit':-1}}", CGROUP_PIDS_MAX, -1, 0, NULL},
		{"{'pids':{'limit':-7}}", CGROUP_PIDS_MAX, -1, 0, NULL},
		{"{'blockIO':{'weight':10}}", CGROUP_BLKIO_WEIGHT, 10, 0, NULL},
		{"{'blockIO':{'leafWeight':1000}}", CGROUP_BLKIO_LEAF_WEIGHT, 1000, 0, NULL},
		{"{'blockIO':{'weightDevice':[{'major':8,'minor':0,'weight':500}]}}",
			CGROUP_BLKIO_WEIGHT_DEVICE, 500, 0, "8:0"},
		{"{'blockIO':{'weightDevice':[{'major':8,'minor':1,'leafWeight':300}]}}",
			CGROUP_BLKIO_LEAF_WEIGHT_DEVICE, 300, 0, "8:1"},
		{"{'blockIO':{'throttleReadBpsDevice':[{'major':8,'minor':0,'rate':600}]}}",
			CGROUP_BLKIO_READ_BPS, 600, 0, "8:0"},
		{"{'blockIO':{'throttleWriteBpsDevice':[{'major':8,'minor':0,'rate':0}]}}",
			CGROUP_BLKIO_WRITE_BPS, 0, 0, "8:0"},
		{"{'blockIO':{'throttleReadIOPSDevice':[{'major':8,'minor':0,'rate':6}]}}",
			CGROUP_BLKIO_READ_IOPS, 6, 0, "8:0"},
		{"{'blockIO':{'throttleWriteIOPSDevice':[{'major':8,'minor':0,'rate':7}]}}",
			CGROUP_BLKIO_WRITE_IOPS, 7, 0, "8:0"},
		{"{'hugepageLimits':[{'pageSize':'2MB','limit':0}]}", CGROUP_HUGETLB, 0, 0, "2MB"},
		{"{'hugepageLimits':[{'pageSize':'64KB','limit':9223372036854775807}]}",
			CGROUP_HUGETLB, INT64_MAX, 0, "64KB"},
		{"{'network':{'classID':1048577}}", CGROUP_NET_CLASS, 1048577, 0, NULL},
		{"{'network':{'priorities':[{'name':'eth0','priority':500}]}}", CGROUP_NET_PRIORITY,
			500, 0, "eth0"},
		{"{'rdma':{'mlx5_1':{'hcaHandles':3,'hcaObjects':10000}}}", CGROUP_RDMA, 3, 10000,
			"mlx5_1"},
		{"{'rdma':{'mlx4_0':{'hcaObjects':0}}}", CGROUP_RDMA, -1, 0, "mlx4_0"},
		{"{'rdma':{'mlx4_0':{'hcaHandles':0}}}", CGROUP_RDMA, 0, -1, "mlx4_0"},
		{"{'unified':{'memory.high':'1024'}}", CGROUP_UNIFIED, 0, 0, "memory.high=1024"},
		{"{'unified':{'io.max':'8:0 rbps=1\\n'}}", CGROUP_UNIFIED, 0, 0,
			"io.max=8:0 rbps=1\n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct oci_spec spec = {0};
		if (parse(cases[i].text, &a, &spec) < 0)
			fail_msg("%s: %s", cases[i].text, err_text());
		assert_int_equal(spec.device_rules.count, 0);
		assert_int_equal(spec.limits.count, cases[i].limit ? 1 : 0);
		if (cases[i].limit)
			assert_limit(&spec, 0, cases[i].limit, cases[i].value, cases[i].second,
				cases[i].row_text);
	}
}

static void many_rows(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec = {0};

	assert_int_equal(parse("{'memory':{'limit':10,'swap':30,'checkBeforeUpdate':true},"
			       "'blockIO':{'weightDevice':[{'major':8,'minor':0,'weight':10,"
			       "'leafWeight':20},{'major':8,'minor':16,'weight':30}]}}",
				 &a, &spec),
		0);
	assert_int_equal(spec.limits.count, 5);
	assert_limit(&spec, 0, CGROUP_MEMORY_MAX, 10, 1, NULL);
	assert_limit(&spec, 1, CGROUP_MEMORY_SWAP, 30, 1, NULL);
	assert_limit(&spec, 2, CGROUP_BLKIO_WEIGHT_DEVICE, 10, 0, "8:0");
	assert_limit(&spec, 3, CGROUP_BLKIO_LEAF_WEIGHT_DEVICE, 20, 0, "8:0");
	assert_limit(&spec, 4, CGROUP_BLKIO_WEIGHT_DEVICE, 30, 0, "8:16");
	/* Another document replaces all of it. */
	assert_int_equal(parse("{'memory':{'limit':-1}}", &a, &spec), 0);
	assert_int_equal(spec.limits.count, 2);
	assert_limit(&spec, 0, CGROUP_MEMORY_MAX, -1, 0, NULL);
	assert_limit(&spec, 1, CGROUP_MEMORY_SWAP, -1, 0, NULL); /* or v1 keeps memory limited */
}

static void unified_by_name(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec = {0};

	assert_int_equal(parse("{'unified':{'memory.swap.max':'0','memory.max':'a=b','io.max.x':'',"
			       "'io.max':'1','cgroup.max.depth':'3'},'pids':{'limit':5}}",
				 &a, &spec),
		0);
	static const char *const texts[] = {"cgroup.max.depth=3", "io.max=1",
		"io.max.x=", "memory.max=a=b", "memory.swap.max=0"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_limit(&spec, i, CGROUP_UNIFIED, 0, 0, texts[i]);
	assert_limit(&spec, 5, CGROUP_PIDS_MAX, 5, 0, NULL);
}

static void device_rules(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec = {0};
	static const struct oci_device_rule expected[] = {
		{false, 'a', -1, -1, "rwm", NULL},
		{true, 'c', 1, 3, "rw", NULL},
		{true, 'b', 8, -1, "m", NULL},
		{false, 'a', -1, -1, "rwm", NULL},
	};
	assert_int_equal(
		parse("{'devices':[{'allow':false,'access':'rwm'},{'allow':true,'type':'c',"
		      "'major':1,'minor':3,'access':'rw'},{'allow':true,'type':'b','major':8,"
		      "'minor':-1,'access':'m'},{'type':'','access':''}]}",
			&a, &spec),
		0);
	assert_int_equal(spec.device_rules.count, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct oci_device_rule *rule = &spec.device_rules.items[i];
		assert_int_equal(rule->is_allowed, expected[i].is_allowed);
		assert_int_equal(rule->type, expected[i].type);
		assert_int_equal(rule->major, expected[i].major);
		assert_int_equal(rule->minor, expected[i].minor);
		assert_string_equal(rule->access, expected[i].access);
		assert_string_equal(rule->origin, BUNDLE_ORIGIN);
	}
	/* An update without rules has no rules, and so does not change devices. */
	assert_int_equal(parse("{}", &a, &spec), 0);
	assert_int_equal(spec.device_rules.count, 0);
}

static void bad_values(void **state)
{
	static const struct {
		const char *text;
		int r;
		const char *words;
	} cases[] = {
		{"[]", -EINVAL, NULL},
		{"{'memory':[]}", -EINVAL, "resources: memory: "},
		{"{'memory':{'limit':'1g'}}", -EINVAL, "resources: memory.limit: "},
		{"{'memory':{'limit':1.5}}", -EINVAL, "resources: memory.limit: "},
		{"{'memory':{'limit':-2}}", -ERANGE, "resources: memory.limit: -2 is below -1"},
		{"{'memory':{'limit':9223372036854775808}}", -ERANGE, "resources: memory.limit: "},
		{"{'memory':{'swap':-2}}", -ERANGE, "resources: memory.swap: -2 is below -1"},
		{"{'memory':{'swappiness':101}}", -ERANGE,
			"resources: memory.swappiness: 101 is not between 0 and 100"},
		{"{'memory':{'swappiness':-1}}", -ERANGE,
			"resources: memory.swappiness: -1 is not between 0 and 100"},
		{"{'memory':{'kernel':'x'}}", -EINVAL, "resources: memory.kernel: "},
		{"{'memory':{'useHierarchy':1}}", -EINVAL, "resources: memory.useHierarchy: "},
		{"{'memory':{'disableOOMKiller':1}}", -EINVAL,
			"resources: memory.disableOOMKiller: "},
		{"{'memory':{'checkBeforeUpdate':'no'}}", -EINVAL,
			"resources: memory.checkBeforeUpdate: "},
		{"{'cpu':{'shares':-1}}", -ERANGE, "resources: cpu.shares: -1 is below 0"},
		{"{'cpu':{'period':-1}}", -ERANGE, "resources: cpu.period: -1 is below 1"},
		{"{'cpu':{'idle':2}}", -ERANGE, "resources: cpu.idle: 2 is not between 0 and 1"},
		{"{'cpu':{'burst':-1}}", -ERANGE, "resources: cpu.burst: -1 is below 0"},
		{"{'cpu':{'realtimePeriod':-1}}", -ERANGE, "resources: cpu.realtimePeriod: "},
		{"{'cpu':{'cpus':'0-'}}", -EINVAL,
			"resources: cpu.cpus: \"0-\" is not a list of numbers"},
		{"{'cpu':{'cpus':'0\\nx'}}", -EINVAL, "resources: cpu.cpus: "},
		{"{'cpu':{'mems':'99999999'}}", -EINVAL, "resources: cpu.mems: "},
		{"{'cpu':{'mems':0}}", -EINVAL, "resources: cpu.mems: "},
		{"{'pids':{'limit':'max'}}", -EINVAL, "resources: pids.limit: "},
		{"{'pids':5}", -EINVAL, "resources: pids: "},
		{"{'blockIO':{'weight':9}}", -ERANGE,
			"resources: blockIO.weight: 9 is not between 10 and 1000"},
		{"{'blockIO':{'leafWeight':1001}}", -ERANGE, "resources: blockIO.leafWeight: "},
		{"{'blockIO':{'weightDevice':{}}}", -EINVAL, "resources: blockIO.weightDevice: "},
		{"{'blockIO':{'weightDevice':[3]}}", -EINVAL,
			"resources: blockIO.weightDevice[0]: "},
		{"{'blockIO':{'weightDevice':[{'minor':0}]}}", -EINVAL,
			"resources: blockIO.weightDevice[0]: \"major\" is missing"},
		{"{'blockIO':{'weightDevice':[{'major':8,'minor':0,'weight':5}]}}", -ERANGE,
			"resources: blockIO.weightDevice[0].weight: 5 is not between"},
		{"{'blockIO':{'weightDevice':[{'major':8,'minor':0}]}}", -EINVAL,
			"resources: blockIO.weightDevice[0]: \"weight\" and \"leafWeight\" are "
			"missing"},
		{"{'blockIO':{'throttleReadBpsDevice':[{'major':8,'minor':0}]}}", -EINVAL,
			"resources: blockIO.throttleReadBpsDevice[0]: \"rate\" is missing"},
		{"{'blockIO':{'throttleReadIOPSDevice':[{'major':-1,'minor':0,'rate':1}]}}",
			-ERANGE, "resources: blockIO.throttleReadIOPSDevice[0].major: "},
		{"{'blockIO':{'throttleWriteIOPSDevice':[{'major':4294967296,'minor':0,"
		 "'rate':1}]}}",
			-ERANGE,
			"resources: blockIO.throttleWriteIOPSDevice[0].major: 4294967296 is above "
			"4294967295"},
		{"{'hugepageLimits':{}}", -EINVAL, "resources: hugepageLimits: "},
		{"{'hugepageLimits':[{'limit':1}]}", -EINVAL,
			"resources: hugepageLimits[0]: \"pageSize\" is missing"},
		{"{'hugepageLimits':[{'pageSize':'2MB'}]}", -EINVAL,
			"resources: hugepageLimits[0]: \"limit\" is missing"},
		{"{'hugepageLimits':[{'pageSize':'../2MB','limit':1}]}", -EINVAL,
			"resources: hugepageLimits[0]: \"../2MB\" is not a size of page"},
		{"{'hugepageLimits':[{'pageSize':'02MB','limit':1}]}", -EINVAL, NULL},
		{"{'hugepageLimits':[{'pageSize':'2','limit':1}]}", -EINVAL, NULL},
		{"{'hugepageLimits':[{'pageSize':'2M','limit':1}]}", -EINVAL, NULL},
		{"{'hugepageLimits':[{'pageSize':'2MBx','limit':1}]}", -EINVAL, NULL},
		{"{'network':{'classID':-1}}", -ERANGE, "resources: network.classID: "},
		{"{'network':{'classID':4294967296}}", -ERANGE, "resources: network.classID: "},
		{"{'network':{'priorities':[{'priority':1}]}}", -EINVAL,
			"resources: network.priorities[0]: \"name\" is missing"},
		{"{'network':{'priorities':[{'name':'a b','priority':1}]}}", -EINVAL,
			"resources: network.priorities[0]: \"a b\" is not a name"},
		{"{'network':{'priorities':[{'name':'0123456789abcdef','priority':1}]}}", -EINVAL,
			NULL},
		{"{'network':{'priorities':[{'name':'eth0'}]}}", -EINVAL,
			"resources: network.priorities[0]: \"priority\" is missing"},
		{"{'rdma':{'a/b':{'hcaHandles':1}}}", -EINVAL, "resources: rdma.a/b: "},
		{"{'rdma':{'':{'hcaHandles':1}}}", -EINVAL, "resources: rdma."},
		{"{'rdma':{'mlx4_0':{}}}", -EINVAL,
			"resources: rdma.mlx4_0: \"hcaHandles\" and \"hcaObjects\" are missing"},
		{"{'rdma':{'mlx4_0':5}}", -EINVAL, "resources: rdma.mlx4_0: "},
		{"{'rdma':{'mlx4_0':{'hcaHandles':2147483648}}}", -ERANGE,
			"resources: rdma.mlx4_0: a number is above 2147483647"},
		{"{'unified':{'memory.high':5}}", -EINVAL, "resources: unified.memory.high: "},
		{"{'unified':{'../x.y':'5'}}", -EINVAL,
			"resources: unified.../x.y: this is not a file of settings"},
		{"{'unified':{'cgroup.procs':'1'}}", -EINVAL, "resources: unified.cgroup.procs: "},
		{"{'unified':{'a.b=c':'1'}}", -EINVAL, NULL},
		{"{'unified':[]}", -EINVAL, "resources: unified: "},
		{"{'devices':{}}", -EINVAL, "resources: devices: "},
		{"{'devices':[{'type':'u'}]}", -EINVAL, "resources: devices[0]: "},
		{"{'devices':[{'access':'x'}]}", -EINVAL, "resources: devices[0]: "},
		{"{'devices':[{'major':-2}]}", -ERANGE, "resources: devices[0]: "},
		{"{'devices':[{'allow':'yes'}]}", -EINVAL, "resources: devices[0].allow: "},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct oci_spec spec = {0};
		int r = parse(cases[i].text, &a, &spec);
		if (r != cases[i].r || (cases[i].words && !strstr(err_text(), cases[i].words)))
			fail_msg("%s: %d %s", cases[i].text, r, r < 0 ? err_text() : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_rows),
		cmocka_unit_test(many_rows),
		cmocka_unit_test(unified_by_name),
		cmocka_unit_test(device_rules),
		cmocka_unit_test(bad_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
