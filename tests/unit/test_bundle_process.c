/* SPDX-License-Identifier: Apache-2.0 */
/* The process: strict ids, capabilities by name, limits, and what is not supported yet. */
#include "bundle/process.c"
#include "bundle_documents.h"

static void test_refused(void **state)
{
	static const struct refusal cases[] = {
		{"{'process':[]}", -EINVAL, "process: expected an object, found an array"},
		{"{'process':{}}", -EINVAL, "process: \"args\" is missing"},
		{"{'process':{'args':[],'cwd':'/'}}", -EINVAL, "process: \"args\" is missing"},
		{"{'process':{'args':['a']}}", -EINVAL, "process: \"cwd\" is missing"},
		{"{'process':{'args':'a'}}", -EINVAL,
			"process.args: expected an array, found a string"},
		{"{'process':{'args':['a',1]}}", -EINVAL,
			"process.args[1]: expected a string, found a number"},
		{"{'process':{'cwd':'bin'}}", -EINVAL,
			"process.cwd: \"bin\" is not an absolute path"},
		{"{'process':{'cwd':''}}", -EINVAL, "process.cwd: \"\" is not an absolute path"},
		{IN_PROCESS("'terminal':'yes'"), -EINVAL,
			"process.terminal: expected true or false, found a string"},
		{IN_PROCESS("'noNewPrivileges':1"), -EINVAL,
			"process.noNewPrivileges: expected true or false, found a number"},
		{IN_PROCESS("'consoleSize':{'height':65536}"), -ERANGE,
			"process.consoleSize.height: expected a number from 0 to 65535, found "
			"65536"},
		{IN_PROCESS("'consoleSize':{'width':-1}"), -ERANGE,
			"process.consoleSize.width: expected a number from 0 to 65535, found -1"},
		{IN_PROCESS("'env':['A=1','B']"), -EINVAL,
			"process.env[1]: \"B\" is not KEY=VALUE"},
		{IN_PROCESS("'env':['=x']"), -EINVAL, "process.env[0]: \"=x\" is not KEY=VALUE"},
		{IN_PROCESS("'env':{}"), -EINVAL,
			"process.env: expected an array, found an object"},
		{IN_PROCESS("'user':7"), -EINVAL,
			"process.user: expected an object, found a number"},
		{IN_PROCESS("'user':{'uid':4294967295}"), -ERANGE,
			"process.user.uid: expected a number from 0 to 4294967294, found "
			"4294967295"},
		{IN_PROCESS("'user':{'uid':4294967296}"), -ERANGE,
			"process.user.uid: expected a number from 0 to 4294967294, found "
			"4294967296"},
		{IN_PROCESS("'user':{'uid':-1}"), -ERANGE,
			"process.user.uid: expected a number from 0 to 4294967294, found -1"},
		{IN_PROCESS("'user':{'uid':'0'}"), -EINVAL,
			"process.user.uid: expected a number, found a string"},
		{IN_PROCESS("'user':{'uid':1e3}"), -EINVAL,
			"process.user.uid: expected a number, found a number with a fraction or "
			"an exponent"},
		{IN_PROCESS("'user':{'gid':4294967295}"), -ERANGE,
			"process.user.gid: expected a number from 0 to 4294967294, found "
			"4294967295"},
		{IN_PROCESS("'user':{'umask':512}"), -ERANGE,
			"process.user.umask: expected a number from 0 to 511, found 512"},
		{IN_PROCESS("'user':{'additionalGids':[1,4294967295]}"), -ERANGE,
			"process.user.additionalGids[1]: expected a number from 0 to 4294967294, "
			"found 4294967295"},
		{IN_PROCESS("'user':{'additionalGids':['wheel']}"), -EINVAL,
			"process.user.additionalGids[0]: expected a number, found a string"},
		{IN_PROCESS("'capabilities':{'bounding':['CAP_CHOWN','CAP_KILLL']}"), -EINVAL,
			"process.capabilities.bounding[1]: \"CAP_KILLL\" is not a capability. Did "
			"you mean CAP_KILL?"},
		{IN_PROCESS("'capabilities':{'effective':['cap_chown']}"), -EINVAL,
			"process.capabilities.effective[0]: \"cap_chown\" is not a capability. Did "
			"you mean CAP_CHOWN?"},
		{IN_PROCESS("'capabilities':{'effective':['']}"), -EINVAL,
			"process.capabilities.effective[0]: \"\" is not a capability"},
		{IN_PROCESS("'capabilities':{'permitted':['NO_SUCH_THING_AT_ALL']}"), -EINVAL,
			"process.capabilities.permitted[0]: \"NO_SUCH_THING_AT_ALL\" is not a "
			"capability"},
		{IN_PROCESS("'capabilities':{'permitted':'CAP_KILL'}"), -EINVAL,
			"process.capabilities.permitted: expected an array, found a string"},
		{IN_PROCESS("'capabilities':['CAP_KILL']"), -EINVAL,
			"process.capabilities: expected an object, found an array"},
		{IN_PROCESS("'capabilities':{'effective':['CAP_KILL','CAP_CHOWN'],"
			    "'permitted':['CAP_KILL']}"),
			-EINVAL,
			"process.capabilities.effective: CHOWN not in \"permitted\" as well"},
		{IN_PROCESS("'oomScoreAdj':1001"), -ERANGE,
			"process.oomScoreAdj: expected a number from -1000 to 1000, found 1001"},
		{IN_PROCESS("'oomScoreAdj':-1001"), -ERANGE,
			"process.oomScoreAdj: expected a number from -1000 to 1000, found -1001"},
		{IN_PROCESS("'rlimits':[{}]"), -EINVAL, "process.rlimits[0]: \"type\" is missing"},
		{IN_PROCESS("'rlimits':[{'type':'RLIMIT_CORE','hard':1}]"), -EINVAL,
			"process.rlimits[0]: \"soft\" is missing"},
		{IN_PROCESS("'rlimits':[{'type':'RLIMIT_CORE','soft':1}]"), -EINVAL,
			"process.rlimits[0]: \"hard\" is missing"},
		{IN_PROCESS("'rlimits':[{'type':'RLIMIT_FOO','soft':1,'hard':1}]"), -EINVAL,
			"process.rlimits[0].type: \"RLIMIT_FOO\" is not a resource limit"},
		{IN_PROCESS("'rlimits':[{'type':'CORE','soft':1,'hard':1}]"), -EINVAL,
			"process.rlimits[0].type: \"CORE\" is not a resource limit"},
		{IN_PROCESS("'rlimits':[{'type':'RLIMIT_core','soft':1,'hard':1}]"), -EINVAL,
			"process.rlimits[0].type: \"RLIMIT_core\" is not a resource limit"},
		{IN_PROCESS("'rlimits':[{'type':'RLIMIT_CORE','soft':2,'hard':1}]"), -EINVAL,
			"process.rlimits[0]: the soft limit is above the hard one"},
		{IN_PROCESS("'rlimits':[{'type':'RLIMIT_CORE','soft':-1,'hard':1}]"), -ERANGE,
			"process.rlimits[0].soft: expected a number from 0 to "
			"18446744073709551615, found -1"},
		{IN_PROCESS("'rlimits':[{'type':'RLIMIT_CORE','soft':1,'hard':1},"
			    "{'type':'RLIMIT_CORE','soft':1,'hard':1}]"),
			-EINVAL, "process.rlimits[1].type: RLIMIT_CORE is given twice"},
	};
	refusals_check(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_sched(void **state)
{
	static const struct refusal cases[] = {
		{IN_PROCESS("'scheduler':1"), -EINVAL, "process.scheduler: \"policy\" is missing"},
		{IN_PROCESS("'scheduler':{}"), -EINVAL, "process.scheduler: \"policy\" is missing"},
		{IN_PROCESS("'scheduler':{'policy':'SCHED_FIF0'}"), -EINVAL,
			"process.scheduler.policy: \"SCHED_FIF0\" is not a scheduling policy. Did "
			"you mean "
			"SCHED_FIFO?"},
		{IN_PROCESS("'scheduler':{'policy':'SCHED_OTHER','nice':20}"), -ERANGE,
			"process.scheduler.nice: expected a number from -20 to 19, found 20"},
		{IN_PROCESS("'scheduler':{'policy':'SCHED_FIFO','priority':1,'nice':1}"), -EINVAL,
			"process.scheduler.nice: only SCHED_OTHER or SCHED_BATCH has it"},
		{IN_PROCESS("'scheduler':{'policy':'SCHED_OTHER','priority':1}"), -EINVAL,
			"process.scheduler.priority: only SCHED_FIFO or SCHED_RR has it"},
		{IN_PROCESS("'scheduler':{'policy':'SCHED_RR'}"), -EINVAL,
			"process.scheduler: \"priority\" must be from 1 to 99"},
		{IN_PROCESS("'scheduler':{'policy':'SCHED_RR','priority':100}"), -ERANGE,
			"process.scheduler.priority: expected a number from 0 to 99, found 100"},
		{IN_PROCESS("'scheduler':{'policy':'SCHED_IDLE','period':5}"), -EINVAL,
			"process.scheduler.period: only SCHED_DEADLINE has it"},
		{IN_PROCESS("'scheduler':{'policy':'SCHED_DEADLINE','runtime':5,'deadline':4}"),
			-EINVAL,
			"process.scheduler: \"runtime\" must be more than 0 and at most "
			"\"deadline\""},
		{IN_PROCESS("'scheduler':{'policy':'SCHED_OTHER','flags':['SCHED_FLAG_FOO']}"),
			-EINVAL,
			"process.scheduler.flags[0]: \"SCHED_FLAG_FOO\" is not a scheduling flag"},
		{IN_PROCESS("'ioPriority':{'priority':1}"), -EINVAL,
			"process.ioPriority: \"class\" is missing"},
		{IN_PROCESS("'ioPriority':{'class':'RT'}"), -EINVAL,
			"process.ioPriority.class: \"RT\" is not a class of I/O priority"},
		{IN_PROCESS("'ioPriority':{'class':'IOPRIO_CLASS_BE','priority':8}"), -ERANGE,
			"process.ioPriority.priority: expected a number from 0 to 7, found 8"},
		{IN_PROCESS("'execCPUAffinity':{'initial':'0-'}"), -EINVAL,
			"process.execCPUAffinity.initial: \"0-\" is not a list as 0-3,7"},
		{IN_PROCESS("'execCPUAffinity':{'final':'3-1'}"), -EINVAL,
			"process.execCPUAffinity.final: \"3-1\" is not a list as 0-3,7"},
		{IN_PROCESS("'execCPUAffinity':{'final':'8192'}"), -ERANGE,
			"process.execCPUAffinity.final: \"8192\": the last number is 8191"},
	};
	refusals_check(cases, sizeof(cases) / sizeof(cases[0]));
}

/* A refused field is accepted while it asks for nothing. */
static void test_nothing_asked(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec;
	config_accepted(IN_PROCESS("'apparmorProfile':'','selinuxLabel':null,'scheduler':null,"
				   "'ioPriority':null,'execCPUAffinity':{}"),
		&a, &spec);
}

static void test_defaults(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	struct oci_spec spec;
	config_accepted(IN_PROCESS("'user':{'username':7},'commandLine':[1]"), &a, &spec);
	assert_int_equal(spec.process.umask, 0022);
	assert_int_equal(spec.process.uid, 0);
	assert_int_equal(spec.process.group_count, 0);
	assert_int_equal(spec.process.caps_bounding, 0);
	assert_false(spec.process.has_oom_score_adj);
	assert_false(spec.process.no_new_privileges);
	config_accepted(IN_PROCESS("'user':{'umask':0}"), &a, &spec);
	assert_int_equal(spec.process.umask, 0);
}

static void list_fill(struct buf *text, const char *item, int count)
{
	buf_addc(text, '[');
	for (int i = 0; i < count; i++)
		buf_addf(text, "%s%s", i ? "," : "", item);
	buf_addc(text, ']');
}

/* One word more than the bound, counted over both lists; one group more than the kernel takes. */
static void test_bounds(void **state)
{
	auto_arena struct arena a = ARENA_INIT;
	auto_buf struct buf text = BUF_INIT;
	struct oci_spec spec;
	buf_adds(&text, "{'process':{'cwd':'/','args':");
	list_fill(&text, "''", WORDS_MAX / 2);
	buf_adds(&text, ",'env':");
	list_fill(&text, "'a='", WORDS_MAX / 2 + 1);
	buf_adds(&text, "}}");
	assert_int_equal(config_read(text.data, &a, &spec), -E2BIG);
	assert_string_equal(err_text(),
		"config.json: process.env[32768]: more than 65536 arguments and environment "
		"variables");

	buf_clear(&text);
	buf_adds(&text, "{'process':{'user':{'additionalGids':");
	list_fill(&text, "1", NGROUPS_MAX + 1);
	buf_adds(&text, "}}}");
	assert_int_equal(config_read(text.data, &a, &spec), -E2BIG);
	assert_string_equal(err_text(),
		"config.json: process.user.additionalGids: 65537 groups are more than 65536");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_sched),
		cmocka_unit_test(test_nothing_asked),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
