# events: numbers in runc's words, and news of memory that ran out, as lines of JSON.
load ../cli/helpers
load bundle

setup_file() {
	make_bundle
}

setup() {
	test_begin
}

teardown() {
	runtime_clean
	test_end
}

sleeper() {
	config '.process.args = ["sleep", "100"] | .linux.resources += {memory: {limit: 20000000}, pids: {limit: 50}}'
}

@test "the numbers, once" {
	sleeper
	runtime run --detach --bundle "$BUNDLE" one
	runtime exec one sh -c 'i=0; while [ $i -lt 50000 ]; do i=$((i + 1)); done; exit 0'
	runtime events --stats one >"$BATS_TEST_TMPDIR/line"
	[[ $(wc -l <"$BATS_TEST_TMPDIR/line") -eq 1 ]]
	# 20000000 in whole pages.
	jq -e '.type == "stats" and .id == "one" and (.data | .cpu.usage.total > 10000000 and .pids.current == 1 and .pids.limit == 50 and
		.memory.usage.limit == 19996672 and .memory.usage.usage > 10000 and (.memory.raw | length > 10) and
		(.memory.swap | has("failcnt")) and (.blkio | type == "object") and (.hugetlb | type == "object") and
		.intel_rdt == {} and .network_interfaces == null)' "$BATS_TEST_TMPDIR/line"
	runtime events one --stats | jq -e '.data.cpu.throttling == {}'
}

@test "the numbers are those that runc prints, by the same names" {
	need_program runc
	sleeper
	(cd "$BUNDLE" && runc --root "$BATS_TEST_TMPDIR/runc" run --detach theirs </dev/null >/dev/null 2>&1)
	runtime run --detach --bundle "$BUNDLE" ours
	runc --root "$BATS_TEST_TMPDIR/runc" events --stats theirs >"$BATS_TEST_TMPDIR/theirs"
	runc --root "$BATS_TEST_TMPDIR/runc" delete --force theirs
	runtime events --stats ours >"$BATS_TEST_TMPDIR/ours"
	local line
	# Not cpuset's settings, processors by user and kernel, nor what happened to be 0 in one of both, as reading from a disk.
	for line in theirs ours; do
		jq -r '[paths(scalars) | map(select(type == "string")) | join(".")] | unique[]' "$BATS_TEST_TMPDIR/$line" |
			grep -Ev '\.cpuset\.|\.ioServic|percpu_|\.(cache|max|usage)$' >"$BATS_TEST_TMPDIR/$line.names"
	done
	diff "$BATS_TEST_TMPDIR"/{theirs,ours}.names
	jq -e --slurpfile theirs "$BATS_TEST_TMPDIR/theirs" '.data.memory as $ours | $theirs[0].data.memory |
		.usage.limit == $ours.usage.limit and .swap.limit == $ours.swap.limit and .kernel.limit == $ours.kernel.limit' "$BATS_TEST_TMPDIR/ours"
}

@test "numbers at each interval until the container ends, or nobody reads" {
	sleeper
	runtime run --detach --bundle "$BUNDLE" one
	runtime events --interval 100ms one >"$BATS_TEST_TMPDIR/lines" 3>&- &
	eventually bash -c '[[ $(grep -c "\"type\":\"stats\",\"id\":\"one\"" "$1") -ge 3 ]]' - "$BATS_TEST_TMPDIR/lines"
	runtime kill one KILL
	wait $!
	jq -es 'length > 0 and all(.type == "stats")' "$BATS_TEST_TMPDIR/lines"
	runtime delete one
	runtime run --detach --bundle "$BUNDLE" two
	run bash -c '(timeout 60 "$RUNTIME" --root "$RUNTIME_ROOT" events --interval 50ms two; echo "status $?" >&2) | head -n1 | wc -l'
	[[ ${#lines[@]} -eq 3 && $output == *"standard output cannot be written"* && $output == *"status 1"* ]]
}

@test "that memory ran out is told at once" {
	config '.process.args = ["sh", "-c", "a=x; while :; do a=$a$a; done"] | .linux.resources += {memory: {limit: 20000000}}'
	runtime create --bundle "$BUNDLE" one >/dev/null 2>&1
	"$RUNTIME" --root "$RUNTIME_ROOT" events --interval 1h one >"$BATS_TEST_TMPDIR/lines" 3>&- &
	events=$!
	eventually bash -c '[[ $(readlink /proc/'$events'/fd/* | grep -Ec "memory.events|eventfd") -gt 0 ]]'
	runtime start one
	wait $events
	[[ $(head -n 1 "$BATS_TEST_TMPDIR/lines" | jq -c .) == '{"type":"oom","id":"one"}' ]]
}

# Stopped meanwhile, it hears of both at the same time.
@test "that memory ran out is told as well when that has ended the container" {
	config '.process.args = ["sh", "-c", "a=x; while :; do a=$a$a; done"] | .linux.resources += {memory: {limit: 20000000}}'
	runtime create --bundle "$BUNDLE" one >/dev/null 2>&1
	"$RUNTIME" --root "$RUNTIME_ROOT" events --interval 1h one >"$BATS_TEST_TMPDIR/lines" 3>&- &
	events=$!
	eventually bash -c '[[ $(readlink /proc/'$events'/fd/* | grep -Ec "memory.events|eventfd") -gt 0 ]]'
	kill -STOP $events
	runtime start one
	eventually status_is one stopped
	kill -CONT $events
	wait $events
	[[ $(head -n 1 "$BATS_TEST_TMPDIR/lines" | jq -c .) == '{"type":"oom","id":"one"}' ]]
}

@test "an end in peace is no news" {
	sleeper
	runtime run --detach --bundle "$BUNDLE" one
	"$RUNTIME" --root "$RUNTIME_ROOT" events --interval 1h one >"$BATS_TEST_TMPDIR/lines" 3>&- &
	events=$!
	eventually bash -c '[[ $(readlink /proc/'$events'/fd/* | grep -Ec "memory.events|eventfd") -gt 0 ]]'
	runtime delete --force one
	wait $events
	[[ ! -s $BATS_TEST_TMPDIR/lines ]]
}

@test "events of what does not run, and mistakes" {
	sleeper
	failure 'container "one" does not exist' events --stats one
	runtime create --bundle "$BUNDLE" one >/dev/null 2>&1
	runtime events --stats one | jq -e '.data.pids.current == 1'
	runtime kill one KILL
	eventually status_is one stopped
	failure 'container "one" is not running' events --stats one
	failure '"5" is not a span of time' events --interval 5 one
	failure "--interval: at least 1ms" events --interval 0s one
}
