# The life of a container of husk-runtime: the commands of the specification, in runc's words.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside, or jq's; bats sets stderr
load ../cli/helpers
load bundle

setup_file() {
	make_bundle
}

teardown() {
	runtime_clean
	test_end
}

@test "run: output, exit code, nothing left" {
	config_of sh -c 'echo out; echo err >&2; exit 7'
	run --separate-stderr runtime run --bundle "$BUNDLE" one
	[[ $status -eq 7 && $output == out && $stderr == err ]]
	[[ -z $(runtime list -q) && -z $(find /sys/fs/cgroup -name one) ]]
}

@test "create, start, state, kill, delete" {
	config '.process.args = ["sh", "-c", "echo started; sleep 100"] | .annotations = {"a.b": "c"}'
	runtime create --bundle "$BUNDLE" --pid-file "$BATS_TEST_TMPDIR/pid" one >"$BATS_TEST_TMPDIR/out" 2>&1
	[[ ! -s $BATS_TEST_TMPDIR/out ]]
	status_is one created
	pid=$(<"$BATS_TEST_TMPDIR/pid")
	runtime state one | jq -e --argjson pid "$pid" --arg bundle "$BUNDLE" '
		.ociVersion == "1.3.0" and .id == "one" and .pid == $pid and .bundle == $bundle and
		.rootfs == $bundle + "/rootfs" and .owner == "root" and .annotations["a.b"] == "c" and (.created | endswith("Z"))'
	failure "already exists" create --bundle "$BUNDLE" one
	runtime start one
	eventually grep -qx started "$BATS_TEST_TMPDIR/out"
	status_is one running
	[[ $(runtime state one | jq .pid) == "$pid" ]]
	failure "already running" start one
	failure "not stopped" delete one
	runtime kill one KILL
	eventually status_is one stopped
	[[ $(runtime state one | jq .pid) == 0 ]]
	failure "stopped" start one
	failure "not running" kill one TERM
	runtime delete one
	failure "does not exist" state one
	failure "does not exist" delete one
	runtime delete --force one
}

@test "a container that was never started can be killed, and deleted" {
	config_of sleep 100
	runtime create --bundle "$BUNDLE" one
	runtime kill one KILL
	eventually status_is one stopped
	runtime delete one
	runtime create --bundle "$BUNDLE" two
	runtime delete two
	[[ -z $(runtime list -q) ]]
}

# bats test_tags=any-kernel
@test "list, as a table, as JSON, and ids alone" {
	config_of sleep 100
	[[ $(runtime list --format json) == null ]]
	runtime create --bundle "$BUNDLE" b
	runtime run --detach --bundle "$BUNDLE" a
	[[ $(runtime list -q | xargs) == "a b" ]]
	runtime list --format json | jq -e '[.[] | .id + " " + .status] == ["a running", "b created"]'
	runtime list | head -n 1 | grep -Eq '^ID +PID +STATUS +BUNDLE +CREATED +OWNER$'
	failure "neither table nor json" list --format yaml
	mkdir "$BATS_TEST_TMPDIR/"$'odd\e[2J'
	jq --arg root "$BUNDLE/rootfs" '.root.path = $root' "$BUNDLE/config.json" >"$BATS_TEST_TMPDIR/"$'odd\e[2J'/config.json
	runtime create --bundle "$BATS_TEST_TMPDIR/"$'odd\e[2J' odd </dev/null >/dev/null 2>&1
	[[ $(runtime list) == *'odd\x1b[2J'* ]]
	runtime delete --force odd
	echo '{' >"$RUNTIME_ROOT/b/state.json"
	run --separate-stderr runtime list --format json
	# shellcheck disable=SC2154 # bats sets stderr
	[[ $status -eq 0 && $(jq -r '.[].id' <<<"$output") == a && $stderr == *state.json* ]]
	[[ $(runtime list -q | xargs) == "a b" ]]
	runtime delete --force b
}

# Its processes are listed in the group above; it refuses to list them itself.
@test "a threaded group that a container made below its own changes nothing for ps, kill, pause, update and delete" {
	local at
	at=$(awk '{ for (i = 7; $i != "-"; i++); if ($(i + 1) == "cgroup2") print $5 }' /proc/self/mountinfo | tail -n 1)
	config_of sleep 100
	runtime run -d --bundle "$BUNDLE" one
	at=$at$(sed -n 's/^0:://p' "/proc/$(runtime state one | jq .pid)/cgroup")
	mkdir -p "$at/first" "$at/threads/deep"
	echo threaded >"$at/threads/cgroup.type"
	run cat "$at/threads/cgroup.procs"
	[[ $output == *"not supported"* ]]
	runtime exec -d one sleep 100
	[[ $(runtime ps --format json one | jq length) -eq 2 ]]
	runtime pause one
	runtime resume one
	runtime update --pids-limit 100 one
	runtime kill --all one KILL
	eventually status_is one stopped
	runtime delete one
	[[ ! -e $at ]]
}

@test "exec: its code, environment, user, directory, and cgroup" {
	config_of sleep 100
	runtime run -d --bundle "$BUNDLE" one
	[[ $(runtime exec --env A=b one sh -c 'echo $A') == b ]]
	[[ $(runtime exec --user 5:6 -g 7 --cwd /tmp one sh -c 'id -u; id -g; id -G; pwd' | xargs) == "5 6 6 7 /tmp" ]]
	run runtime exec one sh -c 'exit 9'
	[[ $status -eq 9 ]]
	[[ $(runtime exec one cat /proc/1/comm) == sleep ]]
	[[ $(runtime exec one cat /proc/self/cgroup) == "$(runtime exec one cat /proc/1/cgroup)" ]]
	failure 'executable file not found in $PATH' exec one nothere
	failure "permission denied" exec one /etc/passwd
	failure "is needed" exec one
	jq -n '{args: ["sh", "-c", "echo $X; id -u"], env: ["X=y", "PATH=/bin"], cwd: "/", user: {uid: 4, gid: 4}}' >"$BATS_TEST_TMPDIR/process.json"
	[[ $(runtime exec --process "$BATS_TEST_TMPDIR/process.json" one | xargs) == "y 4" ]]
	runtime exec -d --pid-file "$BATS_TEST_TMPDIR/pid" one sleep 50
	[[ $(runtime ps --format json one | jq length) -eq 2 ]]
	grep -q sleep "/proc/$(<"$BATS_TEST_TMPDIR/pid")/comm"
	runtime kill --all one KILL
	eventually status_is one stopped
	failure "stopped container" exec one true
}

@test "lo is up in a new network namespace, and one that is joined is left alone" {
	config_of cat /sys/class/net/lo/flags
	[[ $(runtime run --bundle "$BUNDLE" one) == 0x9 ]]
	config '.linux.namespaces += [{type: "user"}] | .process.args = ["cat", "/sys/class/net/lo/flags"] |
		.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	[[ $(runtime run --bundle "$BUNDLE" one) == 0x9 ]]
	unshare --net sleep 1000 3>&- &
	other=$!
	other_is_made() {
		[[ $(readlink "/proc/$other/ns/net") != $(readlink /proc/self/ns/net) ]]
	}
	eventually other_is_made
	config --arg path "/proc/$other/ns/net" '(.linux.namespaces[] | select(.type == "network")).path = $path |
		.process.args = ["cat", "/sys/class/net/lo/flags"]'
	[[ $(runtime run --bundle "$BUNDLE" one) == 0x8 ]]
	kill "$other"
}

@test "of variables with the same name the last one counts, once; an empty HOME is none" {
	config '.process.env = ["A=first", "PATH=/bin", "AB=other", "A=last", "HOME=", "B=", "A_B=x"] | .process.args = ["cat", "/proc/self/environ"]'
	[[ $(runtime run --bundle "$BUNDLE" one | tr '\0' '\n' | sort | xargs) == "A=last AB=other A_B=x B= HOME=/root PATH=/bin" ]]
	config '.process.env = ["A=first", "PATH=/bin", "HOME=/x"] | .process.args = ["sleep", "1000"]'
	runtime run --detach --bundle "$BUNDLE" one </dev/null >/dev/null 2>&1
	[[ $(runtime exec --env A=1 --env C=1 --env A=2 one cat /proc/self/environ | tr '\0' '\n' | sort | xargs) == "A=2 C=1 HOME=/x PATH=/bin" ]]
	runtime delete --force one
}

@test "pause and resume" {
	config '.process.args = ["sh", "-c", "while :; do date +%N >/tmp/count; sleep 0.02; done"] | .root.readonly = false'
	runtime run -d --bundle "$BUNDLE" one
	eventually test -s "$BUNDLE/rootfs/tmp/count"
	runtime pause one
	status_is one paused
	before=$(<"$BUNDLE/rootfs/tmp/count")
	sleep 0.2
	[[ $(<"$BUNDLE/rootfs/tmp/count") == "$before" ]]
	failure "paused" exec one true
	failure "it is paused" pause one
	runtime resume one
	status_is one running
	failure "it is running" resume one
	rm -f "$BUNDLE/rootfs/tmp/count"
}

# On version 1 a frozen process does not even die of SIGKILL.
@test "a paused container can be killed, and deleted with force, at once" {
	local command
	for command in "kill one KILL" "delete --force one"; do
		config_of sleep 1000
		runtime run -d --bundle "$BUNDLE" one </dev/null >/dev/null 2>&1
		runtime pause one
		# shellcheck disable=SC2086 # words
		timeout 5 "$RUNTIME" --root "$RUNTIME_ROOT" $command
		[[ $command == delete* ]] || eventually status_is one stopped
		runtime delete --force one
	done
}

@test "KILL ends all processes of a container without a pid namespace of its own; other signals only the first" {
	config '.process.args = ["sh", "-c", "trap \"\" TERM; sleep 1001 & sleep 1002 & wait; wait"] | .linux.namespaces |= map(select(.type != "pid"))'
	runtime run -d --bundle "$BUNDLE" one </dev/null >/dev/null 2>&1
	all_run() {
		[[ $(runtime ps --format json one | jq length) -eq 3 ]]
	}
	eventually all_run
	runtime kill one TERM
	sleep 0.2
	all_run
	runtime kill one KILL
	none_runs() {
		[[ -z $(find /sys/fs/cgroup -path '*/one/cgroup.procs' -exec cat {} + 2>/dev/null) ]]
	}
	eventually none_runs
	runtime delete one
	# As in a pod.
	unshare --pid --fork --kill-child sleep 1000 3>&- &
	other=$!
	eventually pgrep -P "$other" -x sleep
	config --arg path "/proc/$(pgrep -P "$other" -x sleep)/ns/pid" '(.linux.namespaces[] | select(.type == "pid")).path = $path |
		.process.args = ["sh", "-c", "sleep 1001 & sleep 1002 & wait"]'
	runtime run -d --bundle "$BUNDLE" one </dev/null >/dev/null 2>&1
	eventually all_run
	runtime kill one KILL
	eventually none_runs
	runtime delete one
	kill -KILL "$other"
	wait "$other" || true
}

@test "update: no processes are no limit, and memory without a limit takes that of swap with it" {
	config '.process.args = ["sleep", "100"] | .linux.resources.memory = {limit: 33554432, swap: 67108864} | .linux.resources.pids.limit = 30'
	runtime run -d --bundle "$BUNDLE" one </dev/null >/dev/null 2>&1
	runtime update --pids-limit 0 one
	limit_is pids/pids.max max pids.max max
	runtime update --memory -1 one
	limit_is memory/memory.limit_in_bytes 9223372036854771712 memory.max max
	limit_is memory/memory.memsw.limit_in_bytes 9223372036854771712 memory.swap.max max
	runtime delete --force one
}

@test "update: by options, by a file, by standard input; what is not named stays" {
	config '.process.args = ["sleep", "100"] | .linux.resources.memory.limit = 33554432 | .linux.resources.pids.limit = 30'
	runtime run -d --bundle "$BUNDLE" one
	memory_is() {
		limit_is memory/memory.limit_in_bytes "$1" memory.max "$1"
	}
	processes_are() {
		limit_is pids/pids.max "$1" pids.max "$1"
	}
	memory_is 33554432
	processes_are 30
	runtime update --memory 64m one
	memory_is 67108864
	processes_are 30
	runtime update --pids-limit 40 --cpu-quota 50000 --cpu-period 100000 --cpu-share 512 one
	processes_are 40
	limit_is cpu/cpu.cfs_quota_us 50000 cpu.max "50000 100000"
	limit_is cpu/cpu.shares 512 cpu.weight 59
	echo '{"pids": {"limit": 50}}' | runtime update --resources - one
	processes_are 50
	memory_is 67108864
	echo '{"pids": {"limit": "x"}}' >"$BATS_TEST_TMPDIR/bad"
	failure "resources: pids.limit" update -r "$BATS_TEST_TMPDIR/bad" one
	failure '--memory: "lots" is not a size' update --memory lots one
	processes_are 50
	# The devices are as they were.
	runtime exec one sh -c ': >/dev/null'
}

@test "fds: 0, 1, 2 and what was to be kept, nothing else" {
	config_of sh -c 'ls /proc/self/fd | xargs; read line <&3; echo "$line"; read line <&4; echo "$line"'
	run bash -c '"$1" --root "$2" run --bundle "$3" --preserve-fds 2 one 3< <(echo three) 4< <(echo four) 5</dev/null 6</dev/null' - \
		"$RUNTIME" "$RUNTIME_ROOT" "$BUNDLE"
	[[ $status -eq 0 && $output == $'0 1 2 3 4 5\nthree\nfour' ]]
	failure "file descriptor 103" run --bundle "$BUNDLE" --preserve-fds 33 one ||
		failure "at most 32" run --bundle "$BUNDLE" --preserve-fds 33 one
}

@test "a terminal goes to the console socket" {
	config '.process.terminal = true | .process.args = ["sh", "-c", "tty; stty size; echo done"] | .process.consoleSize = {height: 33, width: 44}'
	failure "console socket" create --bundle "$BUNDLE" one
	python3 - "$BATS_TEST_TMPDIR/socket" >"$BATS_TEST_TMPDIR/terminal" <<-'END' &
		import array, os, socket, sys
		server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
		server.bind(sys.argv[1])
		server.listen(1)
		data, fds, _, _ = socket.recv_fds(server.accept()[0], 100, 1)
		text = b""
		try:
		    while chunk := os.read(fds[0], 4096):
		        text += chunk
		except OSError:
		    pass
		sys.stdout.write(text.decode())
	END
	eventually test -S "$BATS_TEST_TMPDIR/socket"
	runtime create --bundle "$BUNDLE" --console-socket "$BATS_TEST_TMPDIR/socket" one
	runtime start one
	wait
	tr -d '\r' <"$BATS_TEST_TMPDIR/terminal" | diff - <(printf '/dev/pts/0\n33 44\ndone\n')
}

@test "a create that is killed leaves nothing that runs, and its id can be used again" {
	config '.process.args = ["sleep", "100"] | .hooks.prestart = [{path: "/bin/sleep", args: ["sleep", "2"]}]'
	"$RUNTIME" --root "$RUNTIME_ROOT" create --bundle "$BUNDLE" one &
	create=$!
	eventually status_is one creating
	failure "already exists" create --bundle "$BUNDLE" one
	kill -KILL "$create"
	wait "$create" || true
	status_is one stopped
	config_of true
	runtime run --bundle "$BUNDLE" one
}

@test "a network namespace that is joined, its sysctls, and never the host's" {
	unshare --net sleep 100 &
	other=/proc/$!/ns/net
	has_left() {
		[[ $(readlink "$other") == net:* && $(readlink "$other") != "$(readlink /proc/self/ns/net)" ]]
	}
	eventually has_left
	config '.process.args = ["sh", "-c", "readlink /proc/self/ns/net; cat /proc/sys/net/ipv4/ip_forward"] | .linux.sysctl = {"net.ipv4.ip_forward": "1"} |
		(.linux.namespaces[] | select(.type == "network")).path = $path' --arg path "$other"
	run runtime run --bundle "$BUNDLE" one
	[[ $status -eq 0 && $output == "$(readlink "$other")"$'\n'1 ]]
	kill $!
	config '.process.args = ["true"] | .linux.sysctl = {"net.ipv4.ip_forward": "1"} | (.linux.namespaces[] | select(.type == "network")).path = "/proc/self/ns/net"'
	failure "the network namespace that is joined is the host's" run --bundle "$BUNDLE" one
	config '.process.args = ["true"] | .linux.sysctl = {"kernel.core_pattern": "x"}'
	failure "kernel.core_pattern" run --bundle "$BUNDLE" one
}

@test "nothing but proc on /proc, and inside it only what lxcfs gives" {
	local destination
	for destination in /proc /proc/self /proc/sys/kernel /proc/1/../self; do
		config '.process.args = ["true"] | .mounts += [{destination: $to, type: "bind", source: "/etc", options: ["bind"]}]' --arg to "$destination"
		failure "nothing but proc may be mounted on /proc or inside it" run --bundle "$BUNDLE" one
	done
	config '.process.args = ["true"] | .mounts += [{destination: "/proc/sys", type: "tmpfs", source: "tmpfs"}]'
	failure "nothing but proc" run --bundle "$BUNDLE" one
	echo 5 >"$BATS_TEST_TMPDIR/uptime"
	config '.process.args = ["cat", "/proc/uptime"] | .mounts += [{destination: "/proc/uptime", type: "bind", source: $from, options: ["bind"]}]' --arg from "$BATS_TEST_TMPDIR/uptime"
	[[ $(runtime run --bundle "$BUNDLE" one) == 5 ]]
	config '.process.args = ["true"] | (.mounts[] | select(.destination == "/proc")) |= {destination: "/proc", type: "bind", source: "/proc", options: ["rbind"]}'
	runtime run --bundle "$BUNDLE" one
}

# bats test_tags=any-kernel
@test "ids" {
	config_of true
	for id in a/b . .. '' 'a b' $'a\nb' "$(printf 'x%.0s' {1..300})"; do
		failure "invalid container ID" create --bundle "$BUNDLE" -- "$id"
	done
	runtime run --bundle "$BUNDLE" A-z_0.9+
}

# bats test_tags=any-kernel
@test "errors as engines read them: the log file, JSON and text, one below the other" {
	config_of nothere
	failure 'executable file not found in $PATH' --log "$BATS_TEST_TMPDIR/log" --log-format json run --bundle "$BUNDLE" one
	jq -e '.level == "error" and (.msg | contains("executable file not found in $PATH")) and (.time | endswith("Z"))' "$BATS_TEST_TMPDIR/log"
	failure "No such file" --log "$BATS_TEST_TMPDIR/text" run --bundle /nowhere one
	grep -Eq '^time="[^"]+" level=error msg="read /nowhere/config.json: No such file or directory"$' "$BATS_TEST_TMPDIR/text"
	failure "does not exist" --log "$BATS_TEST_TMPDIR/text" state one
	[[ $(wc -l <"$BATS_TEST_TMPDIR/text") -eq 2 && $(head -n 1 "$BATS_TEST_TMPDIR/text") == *"No such file"* ]]
}

# bats test_tags=any-kernel
@test "a command that cannot be executed is found by create" {
	config_of nothere
	failure 'exec: "nothere": executable file not found in $PATH' create --bundle "$BUNDLE" one
	config_of /bin/nothere
	failure 'exec: "/bin/nothere": no such file or directory' create --bundle "$BUNDLE" one
	config_of /etc/passwd
	failure 'exec: "/etc/passwd": permission denied' create --bundle "$BUNDLE" one
	config_of /tmp
	failure 'exec: "/tmp": is a directory' create --bundle "$BUNDLE" one
	[[ -z $(runtime list -q) ]]
}

@test "capabilities that the caller does not have are left out, with a warning" {
	local all
	all=$(printf '"CAP_%s"\n' CHOWN KILL SYS_RESOURCE SYS_ADMIN | jq -s .)
	config '.process.args = ["sh", "-c", "grep Cap /proc/self/status"] | .process.capabilities = {bounding: $all, effective: $all, permitted: $all}' --argjson all "$all"
	run --separate-stderr setpriv --bounding-set -sys_resource -- "$RUNTIME" --root "$RUNTIME_ROOT" run --bundle "$BUNDLE" one
	[[ $status -eq 0 && $stderr == *"left out: SYS_RESOURCE" && $output == *$'CapEff:\t0000000000200021'* ]]
	# Standard error is the container's: with a log the warning goes there alone.
	run --separate-stderr setpriv --bounding-set -sys_resource -- "$RUNTIME" --root "$RUNTIME_ROOT" --log "$BATS_TEST_TMPDIR/log" run --bundle "$BUNDLE" one
	[[ $status -eq 0 && -z $stderr ]]
	grep -q 'level=warning msg="capabilities .* SYS_RESOURCE"' "$BATS_TEST_TMPDIR/log"
}

# bats test_tags=any-kernel
@test "features and version" {
	runtime features | jq -e '.ociVersionMax == "1.3.0" and (.hooks | length == 6) and (.linux.namespaces | index("time")) and
		(.mountOptions | index("rro")) and .linux.cgroup.v1 and .linux.cgroup.systemd and .linux.cgroup.systemdUser and
		.linux.seccomp.enabled and (.linux.seccomp.actions | index("SCMP_ACT_ERRNO")) and (.linux.seccomp.actions | index("SCMP_ACT_NOTIFY")) and
		(.linux.seccomp.supportedFlags | index("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV")) and
		(.linux.seccomp.archs | index("SCMP_ARCH_X86_64"))'
	"$RUNTIME" --version | grep -qx 'spec: 1.3.0'
}

# bats test_tags=any-kernel
@test "the plan of a bundle, and nothing is made" {
	config_of true
	runtime plan --bundle "$BUNDLE" >"$BATS_TEST_TMPDIR/plan"
	grep -q 'init  mount proc on /proc  \[config.json\]' "$BATS_TEST_TMPDIR/plan"
	grep -q 'execute true' "$BATS_TEST_TMPDIR/plan"
	[[ -z $(runtime list -q) ]]
}

# bats test_tags=any-kernel
@test "HOME is what the container's passwd says, where nobody has set it" {
	config '.process.args = ["sh", "-c", "echo $HOME"] | .process.env = ["PATH=/bin"]'
	[[ $(runtime run --bundle "$BUNDLE" c) == /root ]]
	config '.process.args = ["sh", "-c", "echo $HOME"] | .process.env = ["PATH=/bin"] | .process.user.uid = 1000'
	[[ $(runtime run --bundle "$BUNDLE" c) == /home/alice ]]
	config '.process.args = ["sh", "-c", "echo $HOME"] | .process.env = ["PATH=/bin"] | .process.user.uid = 4711'
	[[ $(runtime run --bundle "$BUNDLE" c) == / ]]
	config '.process.args = ["sh", "-c", "echo $HOME"] | .process.env = ["PATH=/bin", "HOME=/mine"]'
	[[ $(runtime run --bundle "$BUNDLE" c) == /mine ]]
	mv "$BUNDLE/rootfs/etc/passwd" "$BUNDLE/rootfs/etc/passwd.away"
	mkfifo "$BUNDLE/rootfs/etc/passwd"
	config '.process.args = ["sh", "-c", "echo $HOME"] | .process.env = ["PATH=/bin"]'
	run timeout 10 "$RUNTIME" --root "$RUNTIME_ROOT" run --bundle "$BUNDLE" c
	rm "$BUNDLE/rootfs/etc/passwd"
	mv "$BUNDLE/rootfs/etc/passwd.away" "$BUNDLE/rootfs/etc/passwd"
	[[ $status -eq 0 && $output == / ]]
}
