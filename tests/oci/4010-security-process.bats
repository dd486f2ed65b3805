# What a container's processes hold, may look at, are and may do: by the configuration alone, and in an exec no more.
# shellcheck disable=SC2016 # $ in single quotes is for jq and for the shell inside
# shellcheck disable=SC2154 # bats sets stderr, and hostile.bash evil and pid
load ../cli/helpers
load bundle
load hostile

setup_file() {
	make_hostile_bundle
	local n
	ln -s /proc/self/fd "$PRISTINE/fds"
	for n in {3..16}; do
		ln -s "/proc/self/fd/$n" "$PRISTINE/fd$n"
	done
}

setup() {
	hostile_begin
}

teardown() {
	hostile_end
}

FILTER='.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["kexec_load"], action: "SCMP_ACT_ERRNO"}]}'

# numbers WANTED: of the open files in $output.
numbers() {
	[[ $status -eq 0 && $(awk '$1 ~ /^[0-9]+$/ { print $1 }' <<<"$output" | tr -d '\r' | xargs) == "$1" ]] || {
		printf 'status %s, open files:\n%s\n%s\n' "$status" "$output" "$stderr"
		return 1
	}
}

@test "run, create and exec have the files 0, 1 and 2, whatever the caller has open" {
	config_of /bin/probe fds
	run_one 7</ 9</etc/passwd 33<>/dev/null
	numbers "0 1 2"
	runtime create c </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1 5</ 77</etc
	runtime start c 6</
	eventually grep -q ^2 "$BATS_TEST_TMPDIR/out"
	[[ $(awk '{ print $1 }' "$BATS_TEST_TMPDIR/out" | xargs) == "0 1 2" ]]
	runtime delete --force c
	config_of sleep 1000
	begin c
	run --separate-stderr "$RUNTIME" --root "$RUNTIME_ROOT" exec c probe fds 7</ 9</etc/passwd </dev/null
	numbers "0 1 2"
	[[ $(find "/proc/$pid/fd" -type l -printf '%f\n' | sort -n | xargs) == "0 1 2" ]]
}

@test "a terminal's container has the files 0, 1 and 2" {
	config '.process.terminal = true | .process.args = ["/bin/probe", "fds"]'
	stderr=
	run script -qec "$RUNTIME --root $RUNTIME_ROOT run c 7</ 9</etc/passwd" /dev/null
	output=${output//^@/}
	numbers "0 1 2"
}

@test "of what is to be kept exactly that many are, and those" {
	config_of /bin/probe fds
	run_one --preserve-fds 2 3</etc/passwd 4</etc/group 5</ 6</
	numbers "0 1 2 3 4"
	[[ $output == *"3 100000 /etc/passwd"* && $output == *"4 100000 /etc/group"* ]]
	config_of sleep 1000
	begin c
	run --separate-stderr "$RUNTIME" --root "$RUNTIME_ROOT" exec --preserve-fds 1 c probe fds 3</etc/passwd 4</ </dev/null
	numbers "0 1 2 3"
	runtime delete --force c
	config_of /bin/probe fds
	run_one --preserve-fds 3 3</etc/passwd 4<&- 5<&-
	refused "preserve-fds"
}

# No number leads anywhere: an error, or a directory of the container's.
@test "a working directory in /proc/self/fd is refused for every number, in links of the image as well" {
	local n
	for n in {3..40}; do
		config --arg cwd "/proc/self/fd/$n" '.process.cwd = $cwd | .process.args = ["/bin/probe", "cwd"]'
		run_one 7</ 9</
		refused "/proc/self/fd/$n"
	done
	for n in {3..16}; do
		config --arg cwd "/fd$n" '.process.cwd = $cwd | .process.args = ["/bin/probe", "cwd"]'
		run_one --preserve-fds 1 3</
		refused "/fd$n"
	done
	config_of sleep 1000
	begin c
	for n in {3..40}; do
		run --separate-stderr "$RUNTIME" --root "$RUNTIME_ROOT" exec --cwd "/proc/self/fd/$n" c probe cwd 7</ 9</
		[[ $status -ne 0 && -z $output ]]
	done
	for n in /fd3 /fd7 /fds/7/../../etc /proc/1/root/../.. /proc/self/cwd/..; do
		run --separate-stderr "$RUNTIME" --root "$RUNTIME_ROOT" exec --cwd "$n" c probe cwd 7</
		[[ $status -ne 0 || $output == /etc || $output == / || $output == /proc/* ]]
	done
}

# What a joining process shows before it executes: nothing that cannot be found inside, and no more than the container may.
watched_execs() {
	config "$FILTER"' | .process.args = ["sh", "-c", "probe watch; sleep 1000"]'"$1"
	runtime create c </dev/null > >(cat >"$BATS_TEST_TMPDIR/seen") 2>&1
	runtime start c
	for _ in {1..40}; do
		runtime exec c true </dev/null 2>&1 77<"$BATS_TEST_TMPDIR" | cat
		runtime exec --user 1000 --cwd /etc c true </dev/null 2>&1 9</etc/passwd | cat
	done
	for _ in {1..5}; do
		script -qec "$RUNTIME --root $RUNTIME_ROOT exec -t c true" /dev/null </dev/null
	done
	touch "$evil/stop"
	until_written ^watched "$BATS_TEST_TMPDIR/seen" runtime exec c true </dev/null
	cat "$BATS_TEST_TMPDIR/seen"
	[[ $(wc -l <"$BATS_TEST_TMPDIR/seen") -eq 1 ]]
}

@test "a watcher inside sees nothing of the host during 85 execs" {
	watched_execs ""
}

@test "a watcher who may trace sees nothing of the host during 85 execs" {
	watched_execs ' | .process.capabilities[] |= . + ["CAP_SYS_PTRACE"]'
}

@test "a watcher who may trace in its user namespace sees nothing of the host during 85 execs" {
	chown -R 100000:100000 "$evil"
	watched_execs ' | ([{containerID: 0, hostID: 100000, size: 65536}]) as $map | .linux.uidMappings = $map | .linux.gidMappings = $map |
		.linux.namespaces += [{type: "user"}] | .process.capabilities[] |= . + ["CAP_SYS_PTRACE"]'
}

# An image may run the copy of the runtime that ran it, which is as confined as anything of its own; it cannot write to it.
@test "the program of the runtime cannot be written, neither by what it executes nor during execs" {
	local sum command
	sum=$(sha256sum "$RUNTIME")
	printf '#!/proc/self/exe\n' >"$evil/bin/self"
	chmod 755 "$evil/bin/self"
	ln -s /proc/self/exe "$evil/bin/linked"
	for command in /bin/self /bin/linked /proc/self/exe; do
		config_of "$command" list
		run_one
		[[ $(sha256sum "$RUNTIME") == "$sum" ]]
		expect_untouched
	done
	for more in . '.process.capabilities[] |= . + ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_SYS_PTRACE", "CAP_FOWNER"] | .process.noNewPrivileges = false'; do
		rm -f "$evil/stop"
		config "$more"' | .process.args = ["sh", "-c", "probe overwrite; sleep 1000"]'
		runtime create c </dev/null > >(cat >"$BATS_TEST_TMPDIR/tried") 2>&1
		runtime start c
		for _ in {1..60}; do
			runtime exec c true </dev/null 2>&1 | cat
		done
		for command in /bin/self /bin/linked /proc/self/exe /proc/1/exe; do
			runtime exec c "$command" list </dev/null >/dev/null 2>&1 || true
		done
		touch "$evil/stop"
		eventually grep -q ^tried "$BATS_TEST_TMPDIR/tried"
		runtime delete --force c
		[[ $(wc -l <"$BATS_TEST_TMPDIR/tried") -eq 1 && $(sha256sum "$RUNTIME") == "$sum" ]]
	done
	[[ -z $(find "${RUNTIME%/*}/.." -perm /6000) ]]
}

# Where memory may not be executed the copy is a file of a read-only file system, and no container can write that either.
@test "a host whose sysctl forbids to execute memory runs containers all the same" {
	config '.process.capabilities[] |= . + ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_SYS_PTRACE", "CAP_FOWNER"] |
		.process.noNewPrivileges = false | .process.args = ["sh", "-c", "probe overwrite; sleep 1000"]'
	export evil
	cat >"$BATS_TEST_TMPDIR/script" <<-'END'
		set -e
		echo 2 >/proc/sys/vm/memfd_noexec
		runtime() {
			"$RUNTIME" --root "$RUNTIME_ROOT" "$@"
		}
		runtime create c
		runtime start c
		for _ in {1..30}; do
			runtime exec c true
		done
		strace -f -e trace=memfd_create -o "$BATS_TEST_TMPDIR/trace" "$RUNTIME" --root "$RUNTIME_ROOT" exec c echo hello
		runtime exec c /proc/1/exe list || true
		touch "$evil/stop"
		timeout 20 sh -c 'until grep -q ^tried "$1"; do sleep 0.1; done' - "$BATS_TEST_TMPDIR/out"
		runtime delete --force c
	END
	unshare --pid --fork --mount-proc timeout -k 1 60 bash "$BATS_TEST_TMPDIR/script" </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1
	grep -q '^hello$' "$BATS_TEST_TMPDIR/out"
	grep -q 'memfd_create("husk-init", .*EACCES' "$BATS_TEST_TMPDIR/trace"
	grep -q "^tried$" "$BATS_TEST_TMPDIR/out"
	run ! grep "^opened" "$BATS_TEST_TMPDIR/out"
}

# caps of the sets in one line: inheritable permitted effective bounding ambient.
caps() {
	awk '/^Cap/ { printf "%s%s", n++ ? " " : "", $2 } END { print "" }' <<<"$output"
}

@test "capabilities are those of the configuration, in run and in exec, for root and others; nothing is inherited" {
	local none=0000000000000000 kill=0000000000000020 base=0000000020000420 user set wanted had
	for user in 0 1000; do
		for set in default none ambient alone; do
			# Whoever is not root keeps over an execve what is ambient, and nothing else.
			had=$base
			[[ $user == 0 ]] || had=$none
			wanted="$none $had $had $base $none"
			filter=.
			# What cannot be inherited is not ambient either.
			[[ $set != alone ]] || filter='.process.capabilities.ambient = ["CAP_KILL"]'
			[[ $set != none ]] || { filter='.process.capabilities = {}'; wanted="$none $none $none $none $none"; }
			[[ $set != ambient ]] || {
				filter='.process.capabilities.inheritable = ["CAP_KILL"] | .process.capabilities.ambient = ["CAP_KILL"]'
				[[ $user == 0 ]] || had=$kill
				wanted="$kill $had $had $base $kill"
			}
			config --argjson uid "$user" "$filter"' | .process.user.uid = $uid | .process.args = ["/bin/probe", "caps"]'
			run_one
			[[ $(caps) == "$wanted" ]] || { echo "run $user $set: $(caps), not $wanted"; return 1; }
			config --argjson uid "$user" "$filter"' | .process.user.uid = $uid | .process.args = ["sleep", "1000"]'
			begin c
			run --separate-stderr "$RUNTIME" --root "$RUNTIME_ROOT" exec c probe caps
			[[ $(caps) == "$wanted" ]] || { echo "exec $user $set: $(caps), not $wanted"; return 1; }
			runtime delete --force c
		done
	done
}

# All of /proc/PID that says how confined a process is.
status_of='
	grep -E "^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|Shd|Sig(Ign|Blk|Cgt)|Cpus_allowed_list|Speculation|Umask)" /proc/self/status | grep -vE "^(Seccomp_filters|ShdPnd)"
	cat /proc/self/limits /proc/self/cgroup /proc/self/oom_score_adj /proc/self/personality /proc/self/uid_map /proc/self/gid_map
	for ns in cgroup ipc mnt net pid pid_for_children time user uts; do readlink /proc/self/ns/$ns; done
	readlink /proc/self/root /proc/self/cwd; cat /proc/self/timerslack_ns; grep -E "^(policy|prio)" /proc/self/sched; env'

@test "a process of exec is as confined as the container's first" {
	local filter user='([{containerID: 0, hostID: 100000, size: 65536}]) as $map | .linux.uidMappings = $map | .linux.gidMappings = $map | .linux.namespaces += [{type: "user"}]'
	chown -R 100000:100000 "$evil"
	for filter in . "$FILTER" '.process.user = {uid: 1000, gid: 1001, additionalGids: [7, 8], umask: 63}' '.process.capabilities = {} | .process.noNewPrivileges = false' \
		'.process.cwd = "/etc" | .process.oomScoreAdj = 100 | .process.rlimits += [{type: "RLIMIT_CORE", soft: 1, hard: 2}]' \
		"$user | $FILTER" '.linux.personality = {domain: "LINUX32"}'; do
		config --arg script "$status_of" "$filter"' | .process.args = ["sh", "-c", "(\($script)) >/dev/shm/part; mv /dev/shm/part /dev/shm/first; exec sleep 1000"]'
		begin c
		eventually runtime exec c test -e /dev/shm/first
		runtime exec c cat /dev/shm/first >"$BATS_TEST_TMPDIR/first"
		runtime exec c sh -c "$status_of" >"$BATS_TEST_TMPDIR/second"
		runtime delete --force c
		[[ $(wc -l <"$BATS_TEST_TMPDIR/first") -gt 40 ]]
		diff <(grep -v ^SHLVL "$BATS_TEST_TMPDIR/first") <(grep -v ^SHLVL "$BATS_TEST_TMPDIR/second")
	done
}

@test "a number that is none, or too large, is no user: never root" {
	local user
	for user in 4294967296 4294967295 -1 0x0 1e0 ' 1' '1 ' 99999999999 +0 '0 ' 0.0 '' root 00000000000000000000; do
		config_of sleep 1000
		[[ $(ls "$RUNTIME_ROOT") == c ]] || begin c
		run --separate-stderr "$RUNTIME" --root "$RUNTIME_ROOT" exec --user "$user" c probe ids
		[[ $status -ne 0 && -z $output ]] || grep -qx "uid $user $user $user" <<<"$output" || [[ $user == 0000* ]]
		run --separate-stderr "$RUNTIME" --root "$RUNTIME_ROOT" exec --user "1:$user" c probe ids
		[[ $status -ne 0 && -z $output || $user == 0000* ]]
	done
	for user in 0 1 999 65534 65535 65536 70000 2147483647 2147483648 4294967294; do
		run --separate-stderr "$RUNTIME" --root "$RUNTIME_ROOT" exec --user "$user:77" c probe ids
		[[ $status -eq 0 && ${lines[0]} == "uid $user $user $user" && ${lines[1]} == "gid 77 77 77" ]]
	done
	runtime delete --force c
	for user in 4294967296 4294967295 -1 '"0"' 1.5 true null; do
		for field in uid gid additionalGids; do
			value=$user
			[[ $field != additionalGids ]] || value="[$user]"
			[[ $user != null || $field == additionalGids ]] || continue
			config --argjson value "$value" ".process.user.$field = \$value"' | .process.args = ["/bin/probe", "ids"]'
			run_one
			refused "process.user.$field"
		done
	done
}

@test "groups are the primary and the additional ones; those of the caller are gone" {
	config '.process.user = {uid: 1000, gid: 2000, additionalGids: [2001, 2002]} | .process.args = ["/bin/probe", "ids"]'
	run --separate-stderr setpriv --groups 4,20,24 "$RUNTIME" --root "$RUNTIME_ROOT" run c
	[[ $status -eq 0 && ${lines[1]} == "gid 2000 2000 2000" ]]
	[[ $(tr ' ' '\n' <<<"${lines[2]#groups }" | sort -n | xargs) =~ ^(2000 )?2001\ 2002$ ]]
	# A file that a group may not read stays shut for its members.
	echo secret >"$evil/secret"
	chown 0:2000 "$evil/secret"
	chmod 604 "$evil/secret"
	config '.process.user = {uid: 1000, gid: 2000} | .process.args = ["cat", "/secret"]'
	run_one
	[[ $status -ne 0 && $stderr == *"ermission denied"* ]]
}

@test "what the caller has is not what the container gets: environment, umask, signals, limits, session" {
	config_of sh -c 'umask; grep -E "^Sig(Ign|Blk)" /proc/self/status; probe env ids'
	run --separate-stderr env SECRET=value LD_PRELOAD= LD_LIBRARY_PATH=/evil bash -c 'umask 077; trap "" USR1 PIPE; exec "$@"' - "$RUNTIME" --root "$RUNTIME_ROOT" run c
	[[ $status -eq 0 && ${lines[0]} == 0022 && $output == *$'SigIgn:\t0000000000000000'* && $output == *$'SigBlk:\t0000000000000000'* ]]
	[[ $output != *SECRET* && $output != *LD_* && $output == *"sid 1 "* ]]
	config '.process.env = ["*", "PATH", "AWS_*"]'
	run_one
	refused "process.env"
	config '.process.env = ["HOME=x\nroot2::0:0::/:/bin/sh", "PATH=/bin"] | .process.args = ["cat", "/etc/passwd"]'
	run_one
	[[ $status -eq 0 && $output == "$(<"$PRISTINE/etc/passwd")" ]]
}

@test "the keyring of the caller's session stays behind, unless it is wanted" {
	run "$RUNTIME" plan --bundle "$BUNDLE"
	config_of sleep 1000
	run "$RUNTIME" plan --bundle "$BUNDLE"
	[[ $output == *"session and keyring"* ]]
	# A key that only who has it may see, in a session of its own.
	cat >"$BATS_TEST_TMPDIR/with-key" <<-'END'
		import ctypes, os, sys
		libc = ctypes.CDLL(None, use_errno=True)
		assert libc.syscall(250, 1, b"husk-test") > 0
		key = libc.syscall(248, b"user", b"husk-secret", b"x", 1, -3)
		assert key > 0 and libc.syscall(250, 5, key, 0x3f000000) == 0
		os.execv(sys.argv[1], sys.argv[1:])
	END
	with_key() {
		run --separate-stderr python3 "$BATS_TEST_TMPDIR/with-key" "$RUNTIME" --root "$RUNTIME_ROOT" "$@"
		[[ $status -eq 0 ]]
		[[ $option || $output != *husk-secret* ]]
		[[ ! $option || $output == *husk-secret* ]]
	}
	for option in "" --no-new-keyring; do
		config '.linux.maskedPaths -= ["/proc/keys"] | .process.args = ["cat", "/proc/keys"]'
		# shellcheck disable=SC2086 # no word, or one
		with_key run $option c
		config '.linux.maskedPaths -= ["/proc/keys"] | .process.args = ["sleep", "1000"]'
		# shellcheck disable=SC2086
		begin c $option
		with_key exec c cat /proc/keys
		runtime delete --force c
	done
}

@test "files that the caller has redirected the streams to stay the caller's" {
	local at=$BATS_TEST_TMPDIR
	touch "$at"/{in,out,err}
	config '.process.user.uid = 1000 | .process.args = ["sh", "-c", "echo out; echo err >&2; exec sleep 1000"]'
	runtime create c <"$at/in" >"$at/out" 2>"$at/err"
	runtime start c
	eventually grep -qx err "$at/err"
	[[ $(stat -c %u "$at"/{in,out,err} | xargs) == "0 0 0" && $(<"$at/out") == out ]]
	runtime exec --user 1001 c sh -c 'echo out; echo err >&2' <"$at/in" >"$at/out" 2>"$at/err"
	[[ $(stat -c %u "$at"/{in,out,err} | xargs) == "0 0 0" && $(<"$at/out") == out && $(<"$at/err") == err ]]
}

# in_terminal COMMAND: below a terminal of its own, as from an interactive shell.
in_terminal() {
	script -qec "$1" /dev/null </dev/null | tr -d '\r'
}

@test "nothing is typed into the caller's terminal" {
	local seen
	config '.process.capabilities[] |= . + ["CAP_SYS_ADMIN"] | .process.args = ["/bin/probe", "push"]'
	cat >"$BATS_TEST_TMPDIR/shell" <<-END
		'$RUNTIME' --root '$RUNTIME_ROOT' run c >'$BATS_TEST_TMPDIR/pushed'
		IFS= read -r -t 1 -n 1 typed && echo "typed: [\$typed]"
		echo shell done
	END
	config '.process.args = ["/bin/probe", "push"]'
	seen=$({ sleep 3; } | script -qec "bash '$BATS_TEST_TMPDIR/shell'" /dev/null | tr -d '\r')
	[[ $seen == *"shell done"* && $seen != *"typed:"* ]]
	grep -q "/dev/tty ENXIO" "$BATS_TEST_TMPDIR/pushed"
	run ! grep -E '^[012] TIOC[^ ]* ok' "$BATS_TEST_TMPDIR/pushed"
	config_of sleep 1000
	begin c
	seen=$(in_terminal "'$RUNTIME' --root '$RUNTIME_ROOT' exec c /bin/probe push")
	[[ $seen == *"/dev/tty ENXIO"* && -z $(grep -E 'TIOC[^ ]* ok' <<<"$seen") ]]
}

@test "a terminal is one of the container's own" {
	local seen
	config '.process.terminal = true | .process.args = ["sh", "-c", "tty; ls /dev/pts; probe ids devices"]'
	seen=$(in_terminal "'$RUNTIME' --root '$RUNTIME_ROOT' run c")
	[[ $seen == *"/dev/pts/0"* ]]
	grep -qE '^/dev/console 0206[0-9]{2} 136:0 0:' <<<"$seen"
	grep -qx 'pid [0-9]* sid 1 pgid 1' <<<"$seen"
	[[ -z $(grep -E '^/dev/pts/[1-9]' <<<"$seen") ]]
}
