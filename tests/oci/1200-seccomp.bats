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

# bats test_tags=any-kernel
@test "mistakes are named by their path" {
	with_profile '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_FOO"}]}' true
	failure 'config.json: linux.seccomp.syscalls[0].action: "SCMP_ACT_FOO" is not an action' \
		create --bundle "$BUNDLE" box
	with_profile '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}' true
	failure 'config.json: linux.seccomp: listenerPath is missing, which SCMP_ACT_NOTIFY needs' create --bundle "$BUNDLE" box
	with_profile '{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/agent", "syscalls": [
		{"names": ["read", "sendmsg"], "action": "SCMP_ACT_NOTIFY"}]}' true
	failure 'config.json: linux.seccomp.syscalls[0].action: sendmsg must be allowed' create --bundle "$BUNDLE" box
}

# agent_start: an agent for the profile of notifying.
agent_start() {
	need_program python3
	"$BATS_TEST_DIRNAME/seccomp-agent" "$BATS_TEST_TMPDIR/agent" "$BATS_TEST_TMPDIR/log" 3>&- &
	agent=$!
	eventually grep -qsx ready "$BATS_TEST_TMPDIR/log"
}

agent_stop() {
	kill "$agent"
	wait "$agent" || true
}

# notifying [JQ-FILTER]: mkdir and uname are the agent's, and some of what init does besides. Connections are in order.
notifying() {
	with_profile "$(jq -n --arg path "$BATS_TEST_TMPDIR/agent" '{defaultAction: "SCMP_ACT_ALLOW", listenerPath: $path,
		listenerMetadata: "of the agent", flags: ["SECCOMP_FILTER_FLAG_TSYNC"], syscalls: [{action: "SCMP_ACT_NOTIFY",
		names: ["mkdir", "mkdirat", "uname", "setsid", "setresuid", "setgroups", "capset", "clone", "close", "execveat"]}]} | '"${1:-.}")" \
		sh -c 'uname -n; mkdir /tmp/x; exec sleep 100'
}

# states: the container process states that the agent was given, one a line.
states() {
	grep '^{' "$BATS_TEST_TMPDIR/log"
}

# Once with no_new_privs, where the filter comes last, and once without, where it comes before the ids.
@test "what a filter notifies of is answered by the agent, in the container and in an exec" {
	local last
	for last in true false; do
		agent_start
		notifying
		jq --argjson last "$last" '.process.noNewPrivileges = $last' "$BUNDLE/config.json" >"$BATS_TEST_TMPDIR/config"
		cp "$BATS_TEST_TMPDIR/config" "$BUNDLE/config.json"
		runtime create --bundle "$BUNDLE" box >"$BATS_TEST_TMPDIR/out" 2>&1
		[[ $(<"$BATS_TEST_TMPDIR/log") == ready ]]
		runtime start box
		eventually grep -q "File descriptor in bad state" "$BATS_TEST_TMPDIR/out"
		[[ $(head -n1 "$BATS_TEST_TMPDIR/out") == agent ]]
		states | jq -e --argjson pid "$(runtime state box | jq .pid)" '.ociVersion == "1.3.0" and .fds == ["seccompFd"] and
			.pid == $pid and .metadata == "of the agent" and .state.id == "box" and .state.pid == $pid and
			.state.status == "created" and (.state.bundle | endswith("/bundle"))'
		grep -q "mkdir of" "$BATS_TEST_TMPDIR/log"
		run runtime exec --pid-file "$BATS_TEST_TMPDIR/pid" box sh -c 'uname -n; mkdir /tmp/y'
		[[ $status -eq 1 && ${lines[0]} == agent && ${lines[1]} == *"File descriptor in bad state" ]]
		[[ $(states | wc -l) -eq 2 ]]
		states | tail -n1 | jq -e --argjson pid "$(<"$BATS_TEST_TMPDIR/pid")" '.pid == $pid and .state.status == "running" and .state.pid != $pid'
		# The payload has no listener of its own, and the agent hears of the end.
		eventually grep -qx "all have ended" "$BATS_TEST_TMPDIR/log"
		runtime delete --force box
		eventually bash -c '[[ $(grep -cx "all have ended" "$1") -eq 2 ]]' - "$BATS_TEST_TMPDIR/log"
		agent_stop
		rm "$BATS_TEST_TMPDIR"/{agent,log}
	done
}

# bats test_tags=any-kernel
@test "where nobody listens nothing runs" {
	notifying
	failure "listenerPath says that somebody listens: No such file" run --bundle "$BUNDLE" box
	[[ -z $(runtime list -q) ]]
	runtime create --bundle "$BUNDLE" box >/dev/null 2>&1
	failure "somebody listens" start box
	status_is box stopped
	runtime delete box
	agent_start
	jq '.process.args = ["sleep", "100"] | .linux.seccomp.syscalls[0].names = ["mkdir"]' "$BUNDLE/config.json" >"$BATS_TEST_TMPDIR/config"
	cp "$BATS_TEST_TMPDIR/config" "$BUNDLE/config.json"
	runtime run --detach --bundle "$BUNDLE" box >/dev/null 2>&1
	agent_stop
	# A socket that nobody serves any more.
	failure "somebody listens: Connection refused" exec box true
	status_is box running
}

@test "a filter that notifies of nothing needs no listener, whatever it says" {
	notifying '.syscalls[0].action = "SCMP_ACT_LOG" | .flags = ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]'
	runtime run --detach --bundle "$BUNDLE" box >"$BATS_TEST_TMPDIR/out" 2>&1
	eventually test -s "$BATS_TEST_TMPDIR/out"
	[[ $(<"$BATS_TEST_TMPDIR/out") != agent* ]]
}

@test "how notifications are waited for reaches the kernel" {
	need_program strace
	agent_start
	notifying '.flags = ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]'
	strace -f -e trace=seccomp -o "$BATS_TEST_TMPDIR/trace" "$RUNTIME" --root "$RUNTIME_ROOT" create --bundle "$BUNDLE" box >/dev/null 2>&1 &
	eventually status_is box created
	runtime start box
	runtime delete --force box
	wait $!
	grep -Eq 'SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER\|(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV|0x20)' "$BATS_TEST_TMPDIR/trace"
	agent_stop
}
