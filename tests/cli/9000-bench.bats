# The benchmarks work: what they measure is not judged here, a machine that tests is busy.
# shellcheck disable=SC2154 # bats sets status and output
load helpers

setup_file() {
	need_program gcc
	need_program jq
}

bench() {
	"$BATS_TEST_DIRNAME/../../script/bench" "$@"
}

@test "script/bench measures the floor and husk, and keeps every figure" {
	run bench --runs 2 --peers none --containers 4 --cold --json "$BATS_TEST_TMPDIR/kept" run exec port published thousand
	expect_status 0
	expect_output "goal: husk at most 1.0 x floor: "
	run jq -c '[.jobs | to_entries[] | .key], ([.jobs | .run, .exec, .port | .rows[].all_ms[]] | length, min > 0),
		(.jobs.run | .rows.husk.cold_all_ms, (.goals | map(.ratio)) | length), .jobs.run.goals[1].verdict,
		(.jobs.thousand.ps.value > 0)' "$BATS_TEST_TMPDIR/kept"
	[[ $output == $'["run","exec","port","published","thousand"]\n18\ntrue\n2\n4\n"not compared"\ntrue' ]]
}

@test "the release that script/bench builds when \$HUSK names none can be configured" {
	cd "$BATS_TEST_DIRNAME/../.."
	PYTHONPATH=bench PYTHONDONTWRITEBYTECODE=1 run python3 -c 'import host, sys; host.setup(sys.argv[1])' "$BATS_TEST_TMPDIR"
	expect_status 0
	[[ -e $BATS_TEST_TMPDIR/build/build.ninja ]]
}

@test "script/bench names the peers that it does not compare with" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	ln -s /usr/bin/* /bin/* /usr/sbin/* "$BATS_TEST_TMPDIR/bin" 2>/dev/null || true
	rm -f "$BATS_TEST_TMPDIR"/bin/{bwrap,podman}
	# One that is there and cannot run.
	printf '#!/bin/sh\nexit 3\n' >"$BATS_TEST_TMPDIR/runc"
	chmod +x "$BATS_TEST_TMPDIR/runc"
	ln -sf "$BATS_TEST_TMPDIR/runc" "$BATS_TEST_TMPDIR/bin/runc"
	PATH=$BATS_TEST_TMPDIR/bin run bench --runs 1 --peers bwrap,podman,runc run
	expect_status 0
	expect_output "not installed: bwrap"
	expect_output "not installed: podman"
	expect_output "does not run here: runc spec: exit 3"
	expect_output "not asked for"
}

@test "script/bench refuses what it does not know" {
	run bench sleep
	expect_status 2
	expect_output "no job sleep"
	run bench --peers rocket
	expect_status 2
	run bench --runs 0
	expect_status 2
}
