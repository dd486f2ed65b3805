# How the process runs: scheduler, I/O priority, processors of an exec, memory policy, personality, clocks, labels.
# shellcheck disable=SC2016 # $ in single quotes is for jq and for the shell inside
load ../cli/helpers
load bundle

setup_file() {
	make_bundle
}

setup() {
	test_begin
	cd "$BUNDLE" || return
}

teardown() {
	runtime_clean
	test_end
}

# begin JQ-FILTER: the container c, which sleeps; its pid is in $pid.
begin() {
	config "$1"' | .process.args = ["sleep", "1000"]'
	runtime create --pid-file "$BATS_TEST_TMPDIR/pid" c </dev/null >/dev/null 2>&1
	runtime start c
	pid=$(<"$BATS_TEST_TMPDIR/pid")
}

@test "scheduler: nice, batch, real time, deadline, in the container and in an exec" {
	begin '.process.scheduler = {policy: "SCHED_BATCH", nice: 7}'
	[[ $(chrt -p "$pid") == *SCHED_BATCH* && $(ps -o ni= -p "$pid" | tr -d " ") == 7 ]]
	run runtime exec c sh -c 'ps -o pid,nice 2>/dev/null; cut -d " " -f 19 /proc/self/stat'
	[[ ${lines[-1]} == 7 ]]
	runtime delete --force c
	begin '.process.scheduler = {policy: "SCHED_IDLE"}'
	[[ $(chrt -p "$pid") == *SCHED_IDLE* ]]
	runtime delete --force c
	begin '.process.scheduler = {policy: "SCHED_DEADLINE", runtime: 10000000, deadline: 50000000, period: 100000000,
		flags: ["SCHED_FLAG_RESET_ON_FORK"]} | .linux.namespaces |= map(select(.type != "cgroup"))'
	[[ $(chrt -p "$pid") == *SCHED_DEADLINE*10000000/50000000/100000000* ]]
}

@test "ioPriority" {
	begin '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}'
	[[ $(ionice -p "$pid") == "best-effort: prio 6" ]]
	runtime delete --force c
	begin '.process.ioPriority = {class: "IOPRIO_CLASS_IDLE"}'
	[[ $(ionice -p "$pid") == idle ]]
}

@test "the processors of the caller are not the container's" {
	config_of grep Cpus_allowed_list /proc/self/status
	all=$(awk '/^Cpus_allowed_list/ { print $2 }' /proc/self/status)
	[[ $all != 0 ]] || skip "one processor"
	[[ $(taskset --cpu-list 0 "$RUNTIME" --root "$RUNTIME_ROOT" run --bundle "$BUNDLE" one) == *"$all" ]]
	begin .
	[[ $(taskset --cpu-list 0 "$RUNTIME" --root "$RUNTIME_ROOT" exec c grep Cpus_allowed_list /proc/self/status) == *"$all" ]]
}

@test "execCPUAffinity is an exec's alone" {
	last=$(($(nproc) - 1))
	begin ".process.execCPUAffinity = {initial: \"0\", final: \"$last\"}"
	[[ $(awk '/^Cpus_allowed_list/ { print $2 }' "/proc/$pid/status") == "0-$last" ]]
	[[ $(runtime exec c awk '/^Cpus_allowed_list/ { print $2 }' /proc/self/status) == "$last" ]]
	jq '.process | .execCPUAffinity = {final: "0"} | .args = ["awk", "/^Cpus_allowed_list/ { print $2 }", "/proc/self/status"] | .terminal = false' \
		config.json >"$BATS_TEST_TMPDIR/process.json"
	[[ $(runtime exec --process "$BATS_TEST_TMPDIR/process.json" c) == 0 ]]
	jq '.execCPUAffinity = {final: "8191"}' "$BATS_TEST_TMPDIR/process.json" >"$BATS_TEST_TMPDIR/far.json"
	failure "choose processors: Invalid argument" exec --process "$BATS_TEST_TMPDIR/far.json" c
}

@test "memoryPolicy, and that an exec has it as well" {
	begin '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"]}'
	[[ $(head -n 1 "/proc/$pid/numa_maps") == *"bind=static:0 "* ]]
	[[ $(runtime exec c head -n 1 /proc/self/numa_maps) == *"bind=static:0 "* ]]
	config '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "1000"}'
	failure "set the memory policy" run other
}

@test "personality" {
	begin '.linux.personality = {domain: "LINUX32"}'
	[[ $(<"/proc/$pid/personality") == 00000008 ]]
	[[ $(runtime exec c uname -m) == i686 ]]
}

@test "timeOffsets: uptime is another, for an exec and for hooks inside as well" {
	begin '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {monotonic: {secs: 1000000, nanosecs: 5}, boottime: {secs: 2000000}}'
	[[ $(runtime exec c cut -d . -f 1 /proc/uptime) -ge 2000000 ]]
	[[ $(awk '{ print $1, $2, $3 }' "/proc/$pid/timens_offsets" | tr "\n" " ") == "monotonic 1000000 5 boottime 2000000 0 " ]]
	[[ $(readlink "/proc/$pid/ns/time") != $(readlink /proc/self/ns/time) ]]
	runtime delete --force c
	config '.linux.namespaces += [{type: "time"}, {type: "user"}] | .linux.timeOffsets = {boottime: {secs: 3000000}} |
		([{containerID: 0, hostID: 100000, size: 65536}]) as $map | .linux.uidMappings = $map | .linux.gidMappings = $map |
		.process.args = ["cut", "-d", ".", "-f", "1", "/proc/uptime"]'
	run runtime run c
	[[ $status -eq 0 && $output -ge 3000000 ]]
	config '.linux.timeOffsets = {boottime: {secs: 1}}'
	failure "time offsets are given without a new time namespace" run c
}

@test "labels that cannot be given are refused, and unconfined is nothing without AppArmor" {
	apparmor="process.apparmorProfile: AppArmor is not enabled on this machine"
	selinux="process.selinuxLabel: SELinux is not enabled on this machine"
	if [[ $(cat /sys/module/apparmor/parameters/enabled 2>/dev/null) == Y ]]; then
		apparmor='AppArmor has no profile "husk-has-none" loaded'
	fi
	if [[ -e /sys/fs/selinux/enforce ]]; then
		selinux='SELinux label "husk:has:none:s0"'
	fi
	config '.process.apparmorProfile = "husk-has-none"'
	failure "$apparmor" run c
	config '.process.selinuxLabel = "husk:has:none:s0"'
	failure "$selinux" run c
	if [[ ! -e /sys/fs/selinux/enforce ]]; then
		config '.linux.mountLabel = "husk:has:none:s0"'
		failure "linux.mountLabel: SELinux is not enabled on this machine" run c
		config '.linux.mountLabel = "" | .process.args = ["true"]'
		runtime run c
	fi
	begin '.process.apparmorProfile = "unconfined"'
	failure "$apparmor" exec --apparmor husk-has-none c true
	failure "$selinux" exec --process-label husk:has:none:s0 c true
}
