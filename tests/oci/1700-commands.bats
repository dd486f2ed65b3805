# Options of runc's commands that the other files do not meet.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
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

is_version2() {
	[[ $(stat -f -c %T /sys/fs/cgroup) == cgroup2fs ]]
}

sleeper() {
	config_of sleep 100
	runtime run --detach --bundle "$BUNDLE" one
}

# groups_make NAME: a group below the container's in each hierarchy that limits something.
groups_make() {
	local at
	find /sys/fs/cgroup -type d -name one | while read -r at; do
		[[ $at == */unified/* ]] || mkdir "$at/$1"
		if [[ -e $at/$1/cpuset.cpus && ! -e $at/cgroup.controllers ]]; then
			cat "$at/cpuset.cpus" >"$at/$1/cpuset.cpus"
			cat "$at/cpuset.mems" >"$at/$1/cpuset.mems"
		fi
	done
}

# where [OPTION...]: the groups of an exec, as the host sees them.
where() {
	runtime exec --detach --pid-file "$BATS_TEST_TMPDIR/pid" "$@" one sleep 50 </dev/null >/dev/null 2>&1
	cgroup_lines "$(<"$BATS_TEST_TMPDIR/pid")"
}

@test "exec goes into a group below the container's" {
	sleeper
	groups_make sub
	local groups
	groups=$(where)
	[[ $groups == */one* && $groups != */one/sub* ]]
	groups=$(where --cgroup sub)
	if is_version2; then
		[[ $groups == 0::*/one/sub ]]
		failure 'leave out "cpu:"' exec --cgroup cpu:sub one true
		return
	fi
	# All of version 1; the tree beside it has no such group.
	[[ $(grep -c '/one/sub$' <<<"$groups") -eq $(grep -vc '^0::' <<<"$groups") && $groups == *0::*/one ]]
	groups=$(where --cgroup memory,pids:sub --cgroup cpu:/)
	[[ $(grep -c '/one/sub$' <<<"$groups") -eq 2 ]]
	grep -q ':memory:.*/one/sub$' <<<"$groups"
	grep -q ':pids:.*/one/sub$' <<<"$groups"
	grep -Eq ':cpu(,cpuacct)?:.*/one$' <<<"$groups"
	failure 'no cgroup hierarchy with the controller "foo"' exec --cgroup foo:sub one true
	failure 'the controller "cpu" has one already' exec --cgroup cpu:sub --cgroup cpu:sub one true
	failure "beside another one it needs a controller" exec --cgroup cpu:sub --cgroup sub one true
	failure "a controller without a name" exec --cgroup cpu,:sub one true
}

@test "exec refuses groups that are not there, and ways out of the container's" {
	sleeper
	local at
	failure "open cgroup none of the container below" exec --cgroup none one true
	for at in .. ../.. sub/../.. sub//x .; do
		failure "is no path of a cgroup" exec --cgroup "$at" one true
	done
	runtime exec --cgroup / one true
}

# As runc: ambient only if it may be inherited, and then a user who is not root has it.
@test "exec --cap raises an ambient capability that is inheritable" {
	config '.process.args = ["sleep", "1000"] | .process.user = {uid: 1000, gid: 1000} | .process.capabilities.inheritable = ["CAP_KILL"]'
	runtime run --detach --bundle "$BUNDLE" one </dev/null >/dev/null 2>&1
	[[ $(runtime exec --cap CAP_KILL one grep -E 'Cap(Eff|Amb)' /proc/self/status | awk '{ print $2 }' | xargs) == "0000000000000020 0000000000000020" ]]
	[[ $(runtime exec --cap CAP_NET_ADMIN one grep -E 'Cap(Eff|Amb)' /proc/self/status | awk '{ print $2 }' | xargs) == "0000000000000000 0000000000000000" ]]
	runtime delete --force one
}

@test "exec in a paused container waits for its resumption when that is wanted" {
	sleeper
	runtime pause one
	failure "use --ignore-paused" exec one true
	"$RUNTIME" --root "$RUNTIME_ROOT" exec --ignore-paused one echo hello >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	sleep 0.3
	[[ ! -s $BATS_TEST_TMPDIR/out ]]
	runtime resume one
	wait $!
	[[ $(<"$BATS_TEST_TMPDIR/out") == hello ]]
}

@test "ps takes options of ps, and shows the container's processes alone" {
	sleeper
	local pid
	pid=$(runtime state one | jq .pid)
	run runtime ps one
	[[ $status -eq 0 && ${#lines[@]} -eq 2 && ${lines[0]} == *PID* && ${lines[1]} == *" $pid "*"sleep 100" ]]
	run runtime ps one aux
	[[ $status -eq 0 && ${#lines[@]} -eq 2 && ${lines[0]} == USER* && ${lines[1]} == *" $pid "*"sleep 100" ]]
	run runtime ps one -e -o comm,pid
	[[ $status -eq 0 && ${#lines[@]} -eq 2 && ${lines[1]} =~ ^sleep\ +$pid$ ]]
	failure "show no column PID" ps one -e -o comm
	failure "/bin/ps failed with exit code 1: error" ps one --nonsense
	runtime ps --format json one | jq -e --argjson pid "$pid" '. == [$pid]'
}

@test "words before the command" {
	local word
	for word in true false auto; do
		runtime --rootless="$word" list -q
		runtime --rootless "$word" list -q
	done
	failure '--rootless: "maybe" is neither' --rootless=maybe list
}

@test "--version after other options, and the file of --log: there from the beginning, or a failure" {
	[[ $(runtime --log-format json --version | head -n 1) == "husk-runtime version "* ]]
	[[ $(runtime -v | sed -n 2p) == "spec: "* ]]
	[[ $("$HUSK" --root /nowhere --version) == "husk version "* ]]
	runtime --log "$BATS_TEST_TMPDIR/log" list -q
	[[ -e $BATS_TEST_TMPDIR/log && ! -s $BATS_TEST_TMPDIR/log ]]
	failure "open the log $BATS_TEST_TMPDIR/none/log: No such file or directory" --log "$BATS_TEST_TMPDIR/none/log" list -q
	failure "open the log /: Is a directory" --log / list -q
}

@test "spec: the terminals' group, and a cgroup namespace where version 2 is alone, as runc" {
	mkdir "$BATS_TEST_TMPDIR/ours" "$BATS_TEST_TMPDIR/theirs"
	"$RUNTIME" spec --bundle "$BATS_TEST_TMPDIR/ours"
	runc spec --bundle "$BATS_TEST_TMPDIR/theirs"
	for file in ours theirs; do
		jq -S '.mounts, .linux.namespaces | sort_by(.type, .destination)' "$BATS_TEST_TMPDIR/$file/config.json" >"$BATS_TEST_TMPDIR/$file.json"
	done
	diff "$BATS_TEST_TMPDIR/ours.json" "$BATS_TEST_TMPDIR/theirs.json"
}

# As a service manager passes them, and no other process: sd_listen_fds(3).
@test "sockets that are passed to the runtime are the container's, before other kept descriptors" {
	echo first >"$BATS_TEST_TMPDIR/first"
	echo second >"$BATS_TEST_TMPDIR/second"
	config '.process.args = ["sh", "-c", "echo $LISTEN_FDS $LISTEN_PID; cat <&3; cat <&4"] | .process.env = ["PATH=/bin", "LISTEN_FDS=9"]'
	export BUNDLE RUNTIME RUNTIME_ROOT
	run bash -c 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$RUNTIME" --root "$RUNTIME_ROOT" run --preserve-fds 1 --bundle "$BUNDLE" one \
		3<"$1/first" 4<"$1/second"' - "$BATS_TEST_TMPDIR"
	[[ $status -eq 0 && $output == $'1 1\nfirst\nsecond' ]]
	run bash -c 'LISTEN_FDS=1 LISTEN_PID=1 exec "$RUNTIME" --root "$RUNTIME_ROOT" run --bundle "$BUNDLE" one 3<"$1/first"' - "$BATS_TEST_TMPDIR"
	[[ ${lines[0]} == 9 && $output != *first* ]]
	run bash -c 'LISTEN_FDS=40 LISTEN_PID=$$ exec "$RUNTIME" --root "$RUNTIME_ROOT" run --bundle "$BUNDLE" one'
	[[ $status -eq 1 && $output == *"at most 32"* ]]
}

@test "create and run take what runc and crun take" {
	config_of true
	runtime create --no-subreaper --no-mount-fallback --no-new-keyring --preserve-fds 0 --bundle "$BUNDLE" one >/dev/null 2>&1
	runtime start one
	eventually status_is one stopped
	runtime delete one
	runtime run --keep --no-subreaper --no-mount-fallback --bundle "$BUNDLE" two
	status_is two stopped
	[[ $(runtime list --quiet) == two ]]
	runtime delete --force two
	runtime delete --force two
}

@test "checkpoint and restore say what is the matter with criu, and refuse what cannot be had" {
	local criu=$BATS_TEST_TMPDIR/criu
	failure "checkpoint and restore need criu: $criu is not installed" --criu "$criu" checkpoint \
		--image-path /tmp/x --work-path /tmp/y --leave-running --tcp-established --manage-cgroups-mode full one
	failure "checkpoint and restore need criu: $criu is not installed" --criu "$criu" restore -d --bundle "$BUNDLE" \
		--image-path /tmp/x --pid-file /tmp/p --no-subreaper one
	printf '#!/bin/sh\nif [ "$1" = check ]; then echo "Error (x.c:1): no such luck"; exit 1; fi\necho Version: 9.9' >"$criu"
	chmod +x "$criu"
	failure "criu 9.9 does not work on this kernel: no such luck" --criu "$criu" checkpoint one
	printf '#!/bin/sh\nexit 1' >"$criu"
	failure "$criu does not run" --criu "$criu" checkpoint one
	PATH=$BATS_TEST_TMPDIR:$PATH failure "$criu does not run" checkpoint one
	failure "--lazy-pages is not supported" checkpoint --lazy-pages one
	failure "--page-server is not supported" checkpoint --page-server 127.0.0.1:1 one
	failure '--empty-ns: "ipc" is not "network"' restore --empty-ns ipc one
	failure "--parent-path /tmp is not seen from --image-path" checkpoint --parent-path /tmp one
}

# A criu that does what this test wants to see: the service speaks over its fd 3.
@test "what criu answers is heard: its failure, its end, nonsense, and that it has done it, which ends the container or does not" {
	local criu=$BATS_TEST_TMPDIR/criu images=$BATS_TEST_TMPDIR/images
	config_of sleep 100
	jq '.mounts |= map(select(.type != "cgroup"))' "$BUNDLE/config.json" >"$BATS_TEST_TMPDIR/config.json"
	mv "$BATS_TEST_TMPDIR/config.json" "$BUNDLE/config.json"
	runtime run --detach --bundle "$BUNDLE" one
	printf '%s\n' '#!/bin/sh' 'case $1 in --version) echo Version: 9.9 ;; check) ;; swrk) . "$(dirname "$0")/serve" ;; esac' >"$criu"
	chmod +x "$criu"
	checkpoint_fails() {
		printf '%s\n' "$2" >"$BATS_TEST_TMPDIR/serve"
		rm -rf "$images"
		failure "$1" --criu "$criu" checkpoint --image-path "$images" one
		status_is one running
	}
	checkpoint_fails "criu could not checkpoint, and $images/dump.log does not say why" 'exit 1'
	checkpoint_fails "criu could not checkpoint: bad luck (see $images/dump.log)" \
		'printf "(0.1) Error (a.c:1): bad luck\n(0.2) Error (b.c:2): Dumping FAILED.\n" >/proc/self/fd/4/dump.log; exit 1'
	checkpoint_fails "criu could not checkpoint, and" 'printf "\010\001\020\000" >&3'
	checkpoint_fails "understand criu" 'printf "\010" >&3'
	jq -e 'length == 3' "$images/descriptors.json"
	printf '%s\n' 'printf "\010\003\020\001" >&3' >"$BATS_TEST_TMPDIR/serve"
	runtime --criu "$criu" checkpoint --pre-dump --image-path "$images" one
	status_is one running
	runtime --criu "$criu" checkpoint --leave-running --image-path "$images" one
	status_is one running
	runtime --criu "$criu" checkpoint --image-path "$images" one
	[[ -z $(runtime list -q) ]]
}

@test "kill --all reaches every process" {
	config_of sh -c 'sleep 100 & sleep 100 & trap : TERM; wait; wait; wait'
	runtime run --detach --bundle "$BUNDLE" one
	eventually bash -c '[[ $("$RUNTIME" --root "$RUNTIME_ROOT" ps --format json one | jq length) -eq 3 ]]'
	runtime kill --all one TERM
	eventually bash -c '[[ $("$RUNTIME" --root "$RUNTIME_ROOT" ps --format json one | jq length) -le 1 ]]'
}

@test "update knows runc's options" {
	need_program jq
	sleeper
	local file=/sys/fs/cgroup/cpu/cpu.cfs_burst_us wanted=5000
	if is_version2; then
		file=/sys/fs/cgroup/cpu.max.burst
	fi
	runtime update --cpu-quota 20000 --cpu-period 100000 one
	runtime update --cpu-burst "$wanted" one
	[[ $(runtime exec one cat "$file") == "$wanted" ]]
	runtime update --cpu-idle 1 one
	[[ $(runtime exec one cat "${file%/*}/cpu.idle") == 1 ]]
	local cpus
	cpus=$(awk '/^Cpus_allowed_list/ { print $2 }' /proc/self/status)
	runtime update --cpuset-cpus "$cpus" one
	runtime update --cpuset-mems 0 one
	limit_is cpuset/cpuset.cpus "$cpus" cpuset.cpus "$cpus"
	limit_is cpuset/cpuset.mems 0 cpuset.mems 0
	failure '--cpu-burst: "x" is not a number' update --cpu-burst x one
	failure 'container "one" has no class of resctrl' update --l3-cache-schema "L3:0=f" one
	failure 'container "one" has no class of resctrl' update --mem-bw-schema "MB:0=20" one
}

@test "completion for each shell is what the shell accepts, and proposes commands" {
	local shell
	for shell in bash zsh fish; do
		"$RUNTIME" completion "$shell" >"$BATS_TEST_TMPDIR/$shell"
		grep -qw pidfd-socket "$BATS_TEST_TMPDIR/$shell"
		grep -qw leave-running "$BATS_TEST_TMPDIR/$shell"
		if command -v "$shell" >/dev/null; then
			"$shell" -n "$BATS_TEST_TMPDIR/$shell"
		fi
	done
	run bash -c 'source "$1"
		function=$(complete -p husk-runtime | sed "s/.*-F \([^ ]*\).*/\1/")
		COMP_WORDS=(husk-runtime ev) COMP_CWORD=1 COMP_LINE="husk-runtime ev" COMP_POINT=15
		"$function" husk-runtime ev husk-runtime
		printf "%s\n" "${COMPREPLY[@]}"
		COMP_WORDS=(husk-runtime events --int) COMP_CWORD=2 COMP_LINE="husk-runtime events --int" COMP_POINT=25
		"$function" husk-runtime --int events
		printf "%s\n" "${COMPREPLY[@]}"' bash "$BATS_TEST_TMPDIR/bash"
	[[ $output == events$'\n'--interval ]]
	failure nosuchshell completion nosuchshell
}
