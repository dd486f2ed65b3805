# The default sandbox as a whole: what probe sees in real containers, compared with golden files.
#
# A golden file changes only when the sandbox is meant to change:  HUSK_GOLDEN=write script/test --only sandbox

load ../cli/helpers
load root

setup_file() {
	make_root
}

setup() {
	test_begin
	names=$BATS_TEST_DIRNAME
}

# What depends on the machine: kernels without a file have nothing to hide, cgroup hierarchies come in two versions,
# file systems have options of their own, and only root with CAP_SYS_RESOURCE may raise limits.
normalise() {
	tr -d '\r' | sed -E \
		-e '/^\/(proc|sys)[^ ]* (absent|empty directory|empty 0)$/s/ (absent|empty.*)$/ hidden/' \
		-e '/^\/sys\/fs\/cgroup\//d' \
		-e 's/^(\/sys\/fs\/cgroup) (tmpfs|cgroup2) (ro,[a-z,]*) .*/\1 cgroup \3/' \
		-e 's/^(\/ overlay [^ ]*) .*/\1/' \
		-e 's/^(\/etc\/[a-z.]*) [a-z0-9]+ ([^ ]*) .*/\1 host-file \2/' \
		-e 's/^(\/[^ ]*) devtmpfs ([^ ]*) .*/\1 null \2/' \
		-e 's/^(HOSTNAME=)[0-9a-f]{12}$/\1ID/' \
		-e 's/^(nproc|sigpending|memlock|stack|msgqueue) .*/\1 inherited/' \
		-e '/^nofile/s/ [0-9]+$/ inherited/' \
		-e "s/^(Cap(Prm|Eff|Bnd)) $(awk '/^CapBnd/ { print $2 }' /proc/self/status)$/\1 all/" \
		-e '/^(\/(proc|sys)\/[^ ]*) (tmpfs|null) /d' \
		-e '/^pid/d'
}

# compare FILE: standard input is what the file says, but for the system calls of 32 bits where a process cannot make any.
compare() {
	local seen=$BATS_TEST_TMPDIR/seen.$RANDOM
	cat >"$seen"
	if grep -qx 'i386 absent' "$seen"; then
		diff -u <(grep -v '^i386 ' "$1") <(grep -v '^i386 ' "$seen")
	else
		diff -u "$1" "$seen"
	fi
}

# golden FILE: standard input is what the golden file says.
golden() {
	if [[ ${HUSK_GOLDEN:-} == write ]]; then
		cat >"$names/$1"
	else
		compare "$names/$1"
	fi
}

looks=(caps cwd devices env exe ids keys limits masks mounts sockets tiocsti)

@test "run is as golden-run-default.txt has it" {
	in_root -- /bin/probe "${looks[@]}" | normalise | golden golden-run-default.txt
}

@test "exec is as golden-exec-default.txt has it" {
	start_sleeper one
	husk exec one /bin/probe "${looks[@]}" | normalise >"$BATS_TEST_TMPDIR/seen"
	husk rm -f one
	golden golden-exec-default.txt <"$BATS_TEST_TMPDIR/seen"
}

@test "run --privileged is as golden-run-privileged.txt has it" {
	in_root --privileged -- /bin/probe caps cwd env exe ids limits mounts tiocsti | normalise | golden golden-run-privileged.txt
}

# The profile of the filter itself has its golden file already; here it goes through all of husk.
@test "system calls in run and exec are as golden-default.txt has them" {
	sed -n '/^\[syscalls\]/,/^\[/{/^\[/d;p}' "$names/golden-default.txt" >"$BATS_TEST_TMPDIR/expected"
	[[ -s $BATS_TEST_TMPDIR/expected ]]
	in_root -- /bin/probe syscalls | compare "$BATS_TEST_TMPDIR/expected"
	start_sleeper one
	husk exec one /bin/probe syscalls >"$BATS_TEST_TMPDIR/seen"
	husk rm -f one
	compare "$BATS_TEST_TMPDIR/expected" <"$BATS_TEST_TMPDIR/seen"
}

# There are machines without system calls of 32 bits, where they kill who makes them.
@test "looking at a machine without 32-bit system calls" {
	"$PROBE" no-i386 sockets syscalls >"$BATS_TEST_TMPDIR/seen"
	[[ $(grep -cx 'i386 absent' "$BATS_TEST_TMPDIR/seen") == 2 ]]
	[[ $(grep '^i386 ' "$BATS_TEST_TMPDIR/seen" | sort -u) == "i386 absent" ]]
	grep '^x32 ' "$BATS_TEST_TMPDIR/seen"
	printf '%s\n' 'i386 absent' 'x86_64 0-1 other' | compare <(printf '%s\n' 'i386 0-1 other' 'x86_64 0-1 other')
	run compare <(printf '%s\n' 'i386 0-1 other' 'x86_64 0-1 EPERM') < <(printf '%s\n' 'i386 absent' 'x86_64 0-1 other')
	expect_status 1
}

# All of /proc/PID that says how confined a process is.
status_of='
	grep -E "^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|Shd|Sig(Ign|Blk|Cgt)|NStgid|Cpus_allowed_list|Speculation|CoreDumping|THP)" \
		/proc/$1/status | grep -vE "^(Seccomp_filters|NStgid|ShdPnd)"
	cat /proc/$1/limits /proc/$1/cgroup /proc/$1/oom_score_adj /proc/$1/personality
	cat /proc/$1/attr/current 2>/dev/null
	for ns in cgroup ipc mnt net pid pid_for_children time user uts; do readlink /proc/$1/ns/$ns; done
	cat /proc/$1/uid_map /proc/$1/gid_map /proc/$1/loginuid 2>/dev/null
	grep -E "^(policy|prio)" /proc/$1/sched
	readlink /proc/$1/root
	readlink /proc/$1/cwd
	cat /proc/$1/timerslack_ns
	grep Umask /proc/$1/status
	true'

@test "a process of exec is as confined as the container's first" {
	local options
	for options in "" "-u 1000" "--cap-add NET_ADMIN" "--cap-drop ALL" "--security-opt no-new-privileges" "--ulimit nofile=99:100" \
		"--security-opt seccomp=unconfined" "-w /tmp"; do
		# shellcheck disable=SC2086 # words
		husk run -d --name one --net none --rootfs "$ROOT" $options -- \
			/bin/sh -c "status() { $status_of; }; status self >/dev/shm/part; mv /dev/shm/part /dev/shm/first; exec sleep 1000"
		# shellcheck disable=SC2086
		husk exec one /bin/sh -c "status() { $status_of; }; while [ ! -e /dev/shm/first ]; do :; done; status self >/dev/shm/second"
		husk exec one /bin/sh -c 'cat /dev/shm/first' >"$BATS_TEST_TMPDIR/first"
		husk exec one /bin/sh -c 'cat /dev/shm/second' >"$BATS_TEST_TMPDIR/second"
		husk rm -f one
		echo "# $options"
		[[ $(wc -l <"$BATS_TEST_TMPDIR/first") -gt 40 ]]
		diff -u "$BATS_TEST_TMPDIR/first" "$BATS_TEST_TMPDIR/second"
	done
}

@test "namespaces are the container's own, but for user and time" {
	local kind host
	start_sleeper one
	husk exec one /bin/sh -c 'for n in /proc/self/ns/*; do echo ${n##*/} $(readlink $n); done' >"$BATS_TEST_TMPDIR/ns"
	husk rm -f one
	for kind in cgroup ipc mnt net pid uts; do
		host=$(readlink "/proc/self/ns/$kind")
		grep -qE "^$kind $kind:\[[0-9]+\]$" "$BATS_TEST_TMPDIR/ns"
		[[ -z $(grep -F "$host" "$BATS_TEST_TMPDIR/ns") ]]
	done
}

@test "sysctls of the container's own network, umask, OOM score and names" {
	run in_root -h inside -- /bin/sh -c 'cat /proc/sys/net/ipv4/ping_group_range /proc/sys/net/ipv4/ip_unprivileged_port_start \
		/proc/self/oom_score_adj; umask; hostname; cat /proc/sys/kernel/domainname; ls /sys/class/net'
	expect_status 0
	[[ ${lines[0]} == $'0\t2147483647' && ${lines[1]} == 0 && ${lines[2]} == 0 && ${lines[3]} == 0022 ]]
	[[ ${lines[4]} == inside && ${lines[6]} == lo ]]
}

@test "what the caller has is not what the container gets: umask, OOM score, niceness, signals, groups" {
	run env -i HUSK_ROOT="$HUSK_ROOT" HUSK_STATE="$HUSK_STATE" PATH="$PATH" LD_PRELOAD=/evil.so SECRET=value \
		setpriv --groups 4,20,24 bash -c 'umask 077; trap "" USR1 PIPE; echo 300 >/proc/self/oom_score_adj; ulimit -c 0
		exec "$@"' - "$HUSK" run --rm --net none --rootfs "$ROOT" -- \
		/bin/sh -c 'umask; cat /proc/self/oom_score_adj; grep -E "^Sig(Ign|Blk)" /proc/self/status; probe ids env'
	echo "$output"
	[[ $output == *0022*$'\n'0$'\n'* ]]
	[[ $output == *$'SigBlk:\t0000000000000000'* && $output == *$'SigIgn:\t0000000000000000'* ]]
	[[ $output == *"groups 0"$'\n'* && $output != *SECRET* && $output != *LD_PRELOAD=* ]]
}

# The keyring of the caller's session.
@test "keys of the caller's session cannot be seen" {
	run in_root --security-opt seccomp=unconfined -- /bin/probe keys
	expect_status 0
	[[ $output == *"/proc/keys empty"* || $output == *"/proc/keys absent"* || $output == *"/proc/keys ENOENT"* ]]
}

@test "limits: 2048 processes, 1024 files, no core file" {
	run in_root -- /bin/probe limits
	expect_status 0
	grep -qE '^nofile 1024 ' <<<"$output"
	grep -qx 'core 0 unlimited' <<<"$output"
}

@test "no more than 2048 processes" {
	need_controller pids
	run in_root -- /bin/sh -c 'cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null'
	[[ $output == 2048 ]]
}

# Mounts of the container do not come back to the host, and the host's do not get in by themselves.
@test "mounts are private to the container" {
	run in_root -- /bin/cat /proc/self/mountinfo
	expect_status 0
	[[ $output != *shared:* && $output != *master:* && $output != *propagate_from:* ]]
}
