# linux.seccomp: what a profile refuses is refused in the container and in what is executed in it later.
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

# with_profile PROFILE COMMAND...
with_profile() {
	local profile=$1
	shift
	# shellcheck disable=SC2016 # jq's variables
	config '.linux.seccomp = $profile | .process.args = $ARGS.positional' --argjson profile "$profile" --args -- "$@"
}

# EBADFD, which nothing else returns.
refusing='{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
	{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 77}]}'

@test "a refused call returns the errno of its rule" {
	with_profile "$refusing" mkdir /tmp/x
	run runtime run --bundle "$BUNDLE" box
	[[ $status -eq 1 && $output == *"File descriptor in bad state"* ]]
	config_of mkdir /tmp/x
	run runtime run --bundle "$BUNDLE" box
	[[ $output != *"File descriptor in bad state"* ]]
}

@test "exec is under the container's profile" {
	with_profile "$refusing" sleep 100
	runtime run --detach --bundle "$BUNDLE" box
	run runtime exec box mkdir /tmp/x
	[[ $status -eq 1 && $output == *"File descriptor in bad state"* ]]
	run runtime exec box grep Seccomp: /proc/self/status
	[[ $output == *2 ]]
}

# Docker's refuses unshare, podman's does not.
@test "the profiles of engines let programs run, and refuse what they do not name" {
	local engine
	for engine in docker podman; do
		with_profile "$(<"$BATS_TEST_DIRNAME/../unit/data/seccomp-$engine.json")" \
			sh -c 'grep Seccomp: /proc/self/status; unshare -U true'
		run runtime run --bundle "$BUNDLE" box
		echo "$engine: $status: $output"
		[[ ${lines[0]} == Seccomp:*2 ]]
		if [[ $engine == docker ]]; then
			[[ $status -ne 0 && $output == *"not permitted"* ]]
		else
			[[ $status -eq 0 ]]
		fi
	done
}

@test "flags reach the kernel" {
	need_program strace
	with_profile '{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]}' true
	strace -f -e trace=seccomp -o "$BATS_TEST_TMPDIR/trace" "$RUNTIME" --root "$RUNTIME_ROOT" run --bundle "$BUNDLE" box
	grep -q 'SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG|SECCOMP_FILTER_FLAG_SPEC_ALLOW' "$BATS_TEST_TMPDIR/trace"
}

@test "mistakes are named by their path" {
	with_profile '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_FOO"}]}' true
	failure 'config.json: linux.seccomp.syscalls[0].action: "SCMP_ACT_FOO" is not an action' \
		create --bundle "$BUNDLE" box
	with_profile '{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/agent"}' true
	failure 'config.json: linux.seccomp.listenerPath: husk-runtime does not support this yet' \
		create --bundle "$BUNDLE" box
}
