/* SPDX-License-Identifier: Apache-2.0 */
/* Every cell of the table of states and events, and the data that each event stores. */
#include "records/change.c"

#include "base/str.h"
#include "test_sys_temp.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* In the order of the events; "-": refused, and nothing has changed. */
static const struct {
	enum container_state from;
	const char *to;
} expected[] = {
	/* start, start failed, exit, adopt, pause, unpause, restart, remove, not removed */
	{CONTAINER_CREATED, "running created - - - - - removing -"},
	{CONTAINER_RUNNING, "- exited exited running paused - restarting - -"},
	{CONTAINER_EXITED, "running exited exited - - - - removing -"},
	{CONTAINER_PAUSED, "- - exited paused - running - - -"},
	{CONTAINER_RESTARTING, "running exited exited restarting - - - - -"},
	{CONTAINER_REMOVING, "- - removing - - - - removing dead"},
	{CONTAINER_DEAD, "- - dead - - - - removing -"},
	{CONTAINER_BROKEN, "- - exited - - - - - -"},
};
_Static_assert(
	sizeof(expected) / sizeof(expected[0]) == CONTAINER_STATE_COUNT, "a row for each state");

static struct engine engine(void)
{
	return (struct engine){.root_fd = temp_fd, .state_fd = -1, .boot_id = "this-boot"};
}

/* Writes the row before the event; a broken container has none. */
static void row_put(struct engine *e, enum container_state state, uint32_t flags)
{
	unlinkat(temp_fd, "containers/" ID "/summary", 0);
	const struct summary row = {.state = state,
		.flags = flags,
		.exit_code = 9,
		.started_ns = 1,
		.finished_ns = 2,
		.process = {.pid = 10, .start_ticks = 11},
		.monitor = {.pid = 20, .start_ticks = 21},
		.name = "web"};
	if (state != CONTAINER_BROKEN)
		assert_int_equal(summary_store(e, ID, &row), 0);
}

static struct summary row_get(struct engine *e)
{
	struct summary row;
	assert_int_equal(summary_read(e, ID, &row), 0);
	return row;
}

static void test_cells(void **state)
{
	struct engine e = engine();
	const struct container_facts facts = {.exit_code = 3};
	for (size_t i = 0; i < CONTAINER_STATE_COUNT; i++) {
		char words[128];
		fmt(words, "%s", expected[i].to);
		char *rest = words;
		for (size_t event = 0; event < CONTAINER_EVENT_COUNT; event++) {
			const char *word = str_cut(&rest, ' ');
			assert_non_null(word);
			row_put(&e, expected[i].from, 0);
			int r = container_change(&e, ID, (enum container_event)event, &facts);
			struct summary row = row_get(&e);
			if (str_eq(word, "-")) {
				assert_int_equal(r, -EINVAL);
				assert_int_equal(row.state, expected[i].from);
				auto_buf struct buf sentence = BUF_INIT;
				buf_addf(&sentence, "container %.12s is %s", ID,
					container_state_words[expected[i].from]);
				assert_string_equal(err_text(), sentence.data);
			} else {
				assert_int_equal(r, 0);
				assert_string_equal(container_state_words[row.state], word);
			}
		}
		assert_null(rest);
	}
}

static void test_start(void **state)
{
	struct engine e = engine();
	const struct container_facts facts = {.process = {.pid = 30, .start_ticks = 31},
		.monitor = {.pid = 40, .start_ticks = 41},
		.is_detached = true,
		.address = "10.0.0.2",
		.ports = "80/tcp"};
	row_put(&e, CONTAINER_EXITED, SUMMARY_OOM_KILLED | SUMMARY_STAYS);
	assert_int_equal(container_change(&e, ID, CONTAINER_EVENT_START, &facts), 0);
	struct summary row = row_get(&e);
	assert_int_equal(row.process.pid, 30);
	assert_int_equal(row.monitor.start_ticks, 41);
	assert_true(row.started_ns > 1);
	assert_int_equal(row.flags, SUMMARY_DETACHED | SUMMARY_STAYS);
	assert_string_equal(row.address, "10.0.0.2");
	assert_string_equal(row.ports, "80/tcp");
	assert_string_equal(row.name, "web");
}

static void test_exit(void **state)
{
	struct engine e = engine();
	const struct container_facts told = {
		.exit_code = 3, .finished_ns = 77, .is_oom_killed = true};
	row_put(&e, CONTAINER_RUNNING, SUMMARY_DETACHED);
	assert_int_equal(container_change(&e, ID, CONTAINER_EVENT_EXIT, &told), 0);
	struct summary row = row_get(&e);
	assert_int_equal(row.exit_code, 3);
	assert_int_equal(row.finished_ns, 77);
	assert_int_equal(row.flags, SUMMARY_DETACHED | SUMMARY_OOM_KILLED);
	const struct container_facts unseen = {.exit_code = -1};
	row_put(&e, CONTAINER_RUNNING, 0);
	assert_int_equal(container_change(&e, ID, CONTAINER_EVENT_EXIT, &unseen), 0);
	row = row_get(&e);
	assert_int_equal(row.exit_code, -1);
	assert_true(row.finished_ns > 77);
}

static void test_failed_and_adopted(void **state)
{
	struct engine e = engine();
	const struct container_facts facts = {.monitor = {.pid = 40}, .exit_code = -1};
	row_put(&e, CONTAINER_CREATED, 0);
	assert_int_equal(container_change(&e, ID, CONTAINER_EVENT_START_FAILED, &facts), 0);
	struct summary row = row_get(&e);
	assert_int_equal(row.flags, SUMMARY_STAYS);
	assert_int_equal(row.exit_code, 9);
	assert_int_equal(row.finished_ns, 2);
	row_put(&e, CONTAINER_RUNNING, 0);
	const struct container_facts began = {.exit_code = 9};
	assert_int_equal(container_change(&e, ID, CONTAINER_EVENT_EXIT, &began), 0);
	assert_int_equal(container_change(&e, ID, CONTAINER_EVENT_START, &began), 0);
	assert_int_equal(container_change(&e, ID, CONTAINER_EVENT_START_FAILED, &facts), 0);
	row = row_get(&e);
	assert_int_equal(row.exit_code, -1);
	assert_true(row.finished_ns >= row.started_ns);
	row_put(&e, CONTAINER_RUNNING, 0);
	assert_int_equal(container_change(&e, ID, CONTAINER_EVENT_ADOPT, &facts), 0);
	row = row_get(&e);
	assert_int_equal(row.monitor.pid, 40);
	assert_int_equal(row.process.pid, 10);
}

/* A damaged row: its state would be looked up beyond the end of the table of words. */
static void test_no_such_state(void **state)
{
	struct engine e = engine();
	row_put(&e, (enum container_state)CONTAINER_STATE_COUNT, 0);
	assert_int_equal(row_get(&e).state, CONTAINER_BROKEN);
}

/* A container that is being removed meanwhile. */
static void test_missing(void **state)
{
	struct engine e = engine();
	const struct container_facts none = {0};
	assert_int_equal(container_change(&e, "gone", CONTAINER_EVENT_EXIT, &none), -ENOENT);
}

static int setup(void **state)
{
	int r = temp_setup(state);
	if (r == 0)
		r = mkdirat(temp_fd, "containers", 0700);
	return r < 0 ? r : mkdirat(temp_fd, "containers/" ID, 0700);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_exit),
		cmocka_unit_test(test_failed_and_adopted),
		cmocka_unit_test(test_no_such_state),
		cmocka_unit_test(test_missing),
	};
	return cmocka_run_group_tests(tests, setup, temp_teardown);
}
