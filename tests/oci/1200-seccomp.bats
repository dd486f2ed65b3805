# linux.seccomp: what a profile refuses is refused in the container and in what is executed in it later.
load ../cli/helpers
load bundle

setup_file() {
	make_bundle
	# Programs that make one system call: exit_group(7), and pause.
	one_call seven 231
	one_call pause 34
}

# one_call NAME NUMBER: a program for x86-64, written by hand because the virtual machine has no compiler: a header, one segment,
# and mov $7,%edi; mov $NUMBER,%eax; syscall; jmp to the begin.
one_call() {
	{
		printf '\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0\x78\0\x40\0\0\0\0\0\x40\0\0\0\0\0\0\0'
		printf '\0\0\0\0\0\0\0\0\0\0\0\0\x40\0\x38\0\x01\0\0\0\0\0\0\0'
		printf '\x01\0\0\0\x05\0\0\0\0\0\0\0\0\0\0\0\0\0\x40\0\0\0\0\0\0\0\x40\0\0\0\0\0\x86\0\0\0\0\0\0\0\x86\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0'
		# shellcheck disable=SC2059 # the number is part of the format
		printf "\xbf\x07\0\0\0\xb8\x$(printf %02x "$2")\0\0\0\x0f\x05\xeb\xf2"
	} >"$BUNDLE/rootfs/bin/$1"
	chmod 755 "$BUNDLE/rootfs/bin/$1"
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

# only CALL...: a profile of which any other call is the end of the process.
only() {
	jq -n '{defaultAction: "SCMP_ACT_KILL_PROCESS", syscalls: [{names: $ARGS.positional, action: "SCMP_ACT_ALLOW"}]}' --args -- "$@"
}

# with_ids NNP UID
with_ids() {
	jq --argjson nnp "$1" --argjson uid "$2" '.process.noNewPrivileges = $nnp | .process.user = {uid: $uid, gid: $uid}' \
		"$BUNDLE/config.json" >"$BATS_TEST_TMPDIR/config"
	cp "$BATS_TEST_TMPDIR/config" "$BUNDLE/config.json"
}

@test "a profile needs only what the program itself calls, and the execve" {
	local nnp uid program
	for nnp in true false; do
		for uid in 0 1000; do
			for program in /bin/seven seven; do
				with_profile "$(only execve exit_group)" "$program"
				with_ids "$nnp" "$uid"
				run runtime run --bundle "$BUNDLE" box
				[[ $status -eq 7 && ! $output ]] || { echo "$nnp $uid $program: $status $output"; return 1; }
			done
		done
	done
}

# Init then says in memory that it shares with the host why nothing runs.
@test "a filter that refuses every report hides no failure" {
	local profile words nnp
	printf 'neither a script nor a program' >"$BUNDLE/rootfs/bin/broken"
	chmod 755 "$BUNDLE/rootfs/bin/broken"
	for profile in "$(only execve)" '{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["execve"], "action": "SCMP_ACT_ALLOW"}]}' \
		'{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 0, "syscalls": [{"names": ["execve"], "action": "SCMP_ACT_ALLOW"}]}' \
		'{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["execve"], "action": "SCMP_ACT_ERRNO", "errnoRet": 8}]}'; do
		for nnp in true false; do
			with_profile "$profile" /bin/broken
			with_ids "$nnp" 0
			for words in "run --bundle $BUNDLE" "run --detach --bundle $BUNDLE" start; do
				[[ $words != start ]] || runtime create --bundle "$BUNDLE" box </dev/null >/dev/null 2>&1
				# shellcheck disable=SC2086 # words
				run timeout 20 "$RUNTIME" --root "$RUNTIME_ROOT" $words box </dev/null
				echo "$profile $nnp $words: $status $output"
				[[ $status -ne 0 && ${output,,} == *'exec: "/bin/broken": exec format error'* ]]
				runtime delete --force box
			done
		done
	done
	rm "$BUNDLE/rootfs/bin/broken"
}

# A process that its filter kills has begun, as far as anybody can know: its end is an end like others.
@test "a filter that kills the execve ends the container by SIGSYS" {
	with_profile '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["execve"], "action": "SCMP_ACT_KILL_PROCESS"}]}' seven
	run runtime run --bundle "$BUNDLE" box
	[[ $status -eq 159 ]]
}

@test "a filter that lets the execve seem to succeed is found out" {
	local words
	with_profile '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["execve"], "action": "SCMP_ACT_ERRNO", "errnoRet": 0}]}' seven
	for words in "" --detach; do
		# shellcheck disable=SC2086 # no word
		run runtime run $words --bundle "$BUNDLE" box
		[[ $status -eq 1 && $output == *'exec: "'*seven* ]]
	done
}

@test "an exec whose birth the filter refuses fails, and says so" {
	local nnp refused action
	for nnp in "true ERRNO" "false ERRNO" "true KILL_PROCESS"; do
		action=${nnp#* } nnp=${nnp% *}
		for refused in clone sendmsg read setsid; do
			with_profile "$(jq -n --arg call "$refused" --arg action "SCMP_ACT_$action" '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: [$call], action: $action}]}')" pause
			with_ids "$nnp" 0
			runtime run --detach --bundle "$BUNDLE" box </dev/null >/dev/null 2>&1
			run timeout 20 "$RUNTIME" --root "$RUNTIME_ROOT" exec box seven
			echo "$nnp $action $refused: $status $output"
			[[ $status -ne 0 && $status -ne 124 && $status -ne 7 && $output && $output != *"Broken pipe"* ]]
			runtime delete --force box
		done
	done
}

# It is born in the container's pid namespace only when it is confined: see src/launch/init_exec.c.
@test "an exec needs few calls more of its profile" {
	local nnp
	for nnp in true false; do
		with_profile "$(only pause execve exit_group sendmsg clone close read setsid capset capget)" pause
		with_ids "$nnp" 0
		runtime run --detach --bundle "$BUNDLE" box </dev/null >/dev/null 2>&1
		run runtime exec box seven
		[[ $status -eq 7 && ! $output ]] || { echo "$nnp: $status $output"; return 1; }
		runtime delete --force box
	done
}

# The file is the container's own: what it leads to is opened with no more than the program would have.
@test "why a program could not be executed is looked for without the capability that the filter needed" {
	need_program strace
	printf '#!/no/such/interpreter\n' >"$BUNDLE/rootfs/script"
	chmod +x "$BUNDLE/rootfs/script"
	with_profile '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}]}' /script
	with_ids false 0
	run strace -f -qq -o "$BATS_TEST_TMPDIR/trace" -e trace=execve,capset,openat,open "$RUNTIME" --root "$RUNTIME_ROOT" run --bundle "$BUNDLE" box
	[[ $status -eq 1 && $output == *"its interpreter or loader /no/such/interpreter is not"* ]]
	grep -A3 'execve.*/script.*ENOENT' "$BATS_TEST_TMPDIR/trace" | sed -E 's/^[0-9]+ +//' >"$BATS_TEST_TMPDIR/after"
	cat "$BATS_TEST_TMPDIR/after"
	[[ $(sed -n 2p "$BATS_TEST_TMPDIR/after") == capset* && $(sed -n 3p "$BATS_TEST_TMPDIR/after") == open*/script* ]]
	[[ $(sed -n 2p "$BATS_TEST_TMPDIR/after") != *CAP_SYS_ADMIN* ]]
	rm "$BUNDLE/rootfs/script"
}

# What the filter needed is not left: neither with a hook, nor with a reaper, nor in the program.
@test "CAP_SYS_ADMIN, with which the filter was loaded, is gone" {
	local hook nnp set
	for hook in null '[{"path": "/bin/sh", "args": ["sh", "-c", "grep Cap /proc/1/status /proc/self/status >/tmp/caps"]}]'; do
		for nnp in true false; do
			with_profile "$refusing" sh -c 'cat /tmp/caps 2>/dev/null; grep Cap /proc/self/status; grep Seccomp: /proc/self/status; rm -f /tmp/caps'
			with_ids "$nnp" 0
			jq --argjson hook "$hook" '.hooks.startContainer = $hook | .root.readonly = false |
				.process.capabilities.bounding += ["CAP_KILL"]' "$BUNDLE/config.json" >"$BATS_TEST_TMPDIR/config"
			cp "$BATS_TEST_TMPDIR/config" "$BUNDLE/config.json"
			run runtime run --bundle "$BUNDLE" box
			echo "$hook $nnp: $output"
			[[ $status -eq 0 && $output == *Seccomp:*2 ]]
			[[ $hook == null || $output == */proc/1/status:CapEff:* ]]
			for set in $(sed -n 's/.*Cap.*:\t*\([0-9a-f]*\)$/\1/p' <<<"$output"); do
				((!(16#$set & 1 << 21)))
			done
		done
	done
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
		names: ["mkdir", "mkdirat", "uname", "setsid", "setresuid", "setgroups", "capset", "clone", "close", "execve"]}]} | '"${1:-.}")" \
		sh -c 'uname -n; mkdir /tmp/x; exec sleep 100'
}

# states: the container process states that the agent was given, one a line.
states() {
	grep '^{' "$BATS_TEST_TMPDIR/log"
}

# Once with no_new_privs, and once without, where init keeps a capability for the filter.
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

# The process that joins the namespaces makes its last calls when the agent has not been told: the host lets them pass.
@test "an exec whose filter notifies of each call of its birth comes to life, and the agent hears of the program's" {
	agent_start
	notifying '.syscalls[0].names = ["mkdir", "read", "write", "exit_group", "clone", "close", "setsid", "capset", "capget", "rt_sigprocmask", "execve", "openat"]'
	runtime run --detach --bundle "$BUNDLE" box >/dev/null 2>&1
	for _ in {1..10}; do
		run timeout 10 "$RUNTIME" --root "$RUNTIME_ROOT" exec box mkdir /tmp/z
		[[ $status -eq 1 && $output == *"File descriptor in bad state" ]]
	done
	runtime delete --force box
	agent_stop
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
