#!/usr/bin/env bats
# husk ns run: making namespaces, as root and as an ordinary user.

load helpers

# The inode of a namespace of this shell.
own() {
	readlink "/proc/self/ns/$1"
}

ranges_for_user() {
	printf '65534:100000:65536\n' >"$BATS_TEST_TMPDIR/sub"
	chmod 644 "$BATS_TEST_TMPDIR/sub"
	touch /etc/subuid /etc/subgid
	mount --bind "$BATS_TEST_TMPDIR/sub" /etc/subuid
	mount --bind "$BATS_TEST_TMPDIR/sub" /etc/subgid
}

teardown() {
	umount /etc/subuid /etc/subgid 2>/dev/null || true
	test_end
}

@test "A1: a host name of one's own" {
	local before
	before=$(hostname)
	run husk ns run --uts -- sh -c 'hostname bash; hostname; readlink /proc/self/ns/uts'
	expect_status 0
	[[ ${lines[0]} == bash ]]
	[[ ${lines[1]} == uts:* && ${lines[1]} != "$(own uts)" ]]
	[[ $(hostname) == "$before" ]]
}

@test "A2: neither side sees the other's queues and shared memory" {
	local queue inside
	queue=$(ipcmk -Q | sed 's/.*: //')
	run husk ns run --ipc -- sh -c 'ipcs -q; ipcmk -M 4096; ipcs -m'
	ipcrm -q "$queue"
	expect_status 0
	inside=$(sed -n 's/^Shared memory id: //p' <<<"$output")
	[[ $inside ]]
	[[ $(grep -c ^0x <<<"$output") -eq 1 ]]
	[[ $(ipcs -m | grep -c ^0x) -eq 0 ]]
}

@test "A2: POSIX message queues as well" {
	mkdir "$BATS_TEST_TMPDIR/queues"
	mount -t mqueue queues "$BATS_TEST_TMPDIR/queues"
	touch "$BATS_TEST_TMPDIR/queues/outside"
	# shellcheck disable=SC2016 # for the inner shell
	run husk ns run --ipc --mount -- sh -c 'mount -t mqueue q "$1"; ls "$1"; touch "$1/inside"; ls "$1"' - "$BATS_TEST_TMPDIR/queues"
	local outside
	outside=$(ls "$BATS_TEST_TMPDIR/queues")
	umount "$BATS_TEST_TMPDIR/queues"
	expect_status 0
	[[ $output == inside && $outside == outside ]]
}

@test "A3: process 1, and a proc that shows no others" {
	# shellcheck disable=SC2016 # for the inner shell
	run husk ns run --pid -- sh -c 'echo $$'
	expect_status 0
	[[ $output == 1 ]]
	run husk ns run --pid --mount-proc -- ps -e -o pid=,comm=
	expect_status 0
	[[ ${#lines[@]} -eq 1 && $output == *"1 ps" ]]
}

@test "A3: the host's proc is as it was" {
	local before
	before=$(cat /proc/self/mountinfo)
	husk ns run --pid --mount-proc -- true
	[[ $(cat /proc/self/mountinfo) == "$before" && -d /proc/$$ ]]
}

@test "A4: mounts stay inside" {
	local before
	before=$(cat /proc/self/mountinfo)
	run husk ns run --mount -- sh -c 'mount -t tmpfs inside /mnt && grep -c " /mnt " /proc/self/mountinfo'
	expect_status 0
	[[ $output == 1 && $(cat /proc/self/mountinfo) == "$before" ]]
}

@test "A4: --propagation chooses otherwise" {
	local seen slaves private at=$BATS_TEST_TMPDIR/shared
	mkdir "$at"
	mount -t tmpfs shared "$at"
	mount --make-shared "$at"
	mkdir "$at/x"
	husk ns run --mount --propagation unchanged -- mount -t tmpfs inside "$at/x"
	seen=$(grep -c " $at/x " /proc/self/mountinfo || true)
	slaves=$(husk ns run --mount --propagation slave -- grep -c " $at .* master:" /proc/self/mountinfo || true)
	private=$(husk ns run --mount --propagation private -- grep -c " $at .* \(master\|shared\):" /proc/self/mountinfo || true)
	umount -R "$at"
	[[ $seen -eq 1 && $slaves -eq 1 && $private -eq 0 ]]
	run husk ns run --mount --propagation sideways -- true
	expect_status 125
	expect_output '--propagation: "sideways" is not private, slave, shared or unchanged'
}

@test "A5: nobody without a map" {
	need_user_namespaces
	run husk ns run --user -- id -u
	expect_status 0
	[[ $output == "$(cat /proc/sys/kernel/overflowuid)" ]]
	run as_user "$HUSK" ns run --user -- id -u
	expect_status 0
	[[ $output == 65534 ]]
}

@test "A6: an ordinary user is root inside and himself outside" {
	need_user_namespaces
	# shellcheck disable=SC2016 # for the inner shell
	run as_user "$HUSK" ns run --map-root-user -- sh -c 'id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map'
	expect_status 0
	[[ ${lines[0]} == 0 && ${lines[1]} == 0 ]]
	[[ $(tr -s ' ' <<<"${lines[2]}") == " 0 65534 1" && $(tr -s ' ' <<<"${lines[3]}") == " 0 65534 1" ]]
	run as_user "$HUSK" ns run -r sh -c 'touch "$1"; stat -c %u:%g "$1"' - "$TMPDIR/made-inside"
	[[ $output == 0:0 && $(stat -c %u:%g "$TMPDIR/made-inside") == 65534:65534 ]]
}

@test "A6: --map-current-user and chosen ids" {
	need_user_namespaces
	run as_user "$HUSK" ns run --map-current-user -- id -u
	expect_status 0
	[[ $output == 65534 ]]
	run as_user "$HUSK" ns run --map-user 7 --map-group 8 -- sh -c 'id -u; id -g'
	expect_status 0
	[[ $output == $'7\n8' ]]
}

# A static program has no name service of its own; the directory service is one that getent stands for.
@test "A6: a user whom only a directory service knows" {
	printf '#!/bin/sh\n[ "$2" = ann ] && echo "$2:x:4242:4242::/:/bin/sh"\n' >"$BATS_TEST_TMPDIR/getent"
	chmod +x "$BATS_TEST_TMPDIR/getent"
	run unshare -m sh -c 'mount --bind "$1" /usr/bin/getent && shift && exec "$@"' sh "$BATS_TEST_TMPDIR/getent" \
		"$HUSK" ns run --setuid ann --setgid ann -- id -u
	expect_status 0
	[[ $output == 4242 ]]
	run husk ns run --setuid ann -- id -u
	expect_status 125
}

@test "A6: ranges, written by root" {
	need_user_namespaces
	run husk ns run --map-users 0:100000:10 --map-users 20:200000:5 --map-groups 0:100000:10 -- \
		sh -c 'cat /proc/self/uid_map /proc/self/gid_map'
	expect_status 0
	[[ $(tr -s ' ' <<<"$output") == $' 0 100000 10\n 20 200000 5\n 0 100000 10' ]]
	run husk ns run --map-users 100000,0,10 -- cat /proc/self/uid_map
	[[ $(tr -s ' ' <<<"$output") == ' 0 100000 10' ]]
}

@test "A6: --map-auto takes the user's ranges by newuidmap" {
	need_user_namespaces
	need_program newuidmap
	ranges_for_user
	run as_user "$HUSK" ns run --map-auto --map-root-user -- sh -c 'id -u; cat /proc/self/uid_map'
	expect_status 0
	[[ ${lines[0]} == 0 ]]
	[[ $(tr -s ' ' <<<"$output") == *$'\n 0 65534 1\n 1 100000 65536' ]]
	# More ranges follow one another; none of their ids is lost.
	printf '65534:200000:10\n65534:300000:5\n' >"$BATS_TEST_TMPDIR/sub"
	run as_user "$HUSK" ns run --map-auto --map-root-user -- cat /proc/self/uid_map /proc/self/gid_map
	[[ $(tr -s ' ' <<<"$output") == $' 0 65534 1\n 1 200000 10\n 11 300000 5\n 0 65534 1\n 1 200000 10\n 11 300000 5' ]]
	run as_user "$HUSK" ns run --map-auto --map-user 12 --map-group 0 -- cat /proc/self/uid_map
	[[ $(tr -s ' ' <<<"$output" | sort -n) == $' 0 200000 10\n 10 300000 2\n 12 65534 1\n 13 300002 3' ]]
	printf '65534:100000:65536\n' >"$BATS_TEST_TMPDIR/sub"
	run as_user "$HUSK" ns run --map-users 0:100000:65536 --map-groups 0:100000:65536 --setuid 0 --setgid 0 -- id -u
	expect_status 0
	[[ $output == 0 ]]
	run as_user "$HUSK" ns run --map-users 0:300000:10 -- true
	expect_status 125
	expect_output "uid map 0:300000:10: newuidmap: "
}

@test "A6: a user without ranges is told so" {
	need_user_namespaces
	: >"$BATS_TEST_TMPDIR/empty"
	chmod 644 "$BATS_TEST_TMPDIR/empty"
	touch /etc/subuid
	mount --bind "$BATS_TEST_TMPDIR/empty" /etc/subuid
	run as_user "$HUSK" ns run --map-auto -- true
	expect_status 125
	expect_output "no range for nobody (uid 65534) in /etc/subuid"
}

@test "A6: an illegal map says which rule it breaks" {
	local words
	while IFS='|' read -r words message; do
		# shellcheck disable=SC2086 # several words
		run husk ns run $words -- true
		expect_status 125
		expect_output "$message"
		[[ ${#lines[@]} -eq 1 ]]
	done <<'END'
--map-users 0:1:0|uid map 0:1:0: the count is 0
--map-users 0:1|"0:1": expected INNER:OUTER:COUNT
--map-users 0:1:99999999999|a number is larger than 4294967295
--map-users 0:0:10 --map-users 5:100:10|0:0:10 and 5:100:10 overlap inside
--map-users 0:0:10 --map-users 50:9:10|0:0:10 and 50:9:10 overlap outside
--map-groups 0:4294967295:1|gid map 0:4294967295:1: the range outside ends above
--map-users 4294967290:0:10|the range inside ends above
--map-root-user --map-current-user|--map-root-user and --map-current-user exclude each other
END
}

@test "A7: only lo, and it is down" {
	need_program ip
	run husk ns run --net -- ip -br addr
	expect_status 0
	[[ ${#lines[@]} -eq 1 && $output == lo*DOWN* ]]
	run as_user "$HUSK" ns run -r --net -- ip -br link
	expect_status 0
	[[ ${#lines[@]} -eq 1 && $output == lo* ]]
}

@test "A7: two namespaces can listen on one port" {
	need_program python3
	local listen='import socket,sys; s=socket.create_server(("0.0.0.0", 8080)); print("bound", flush=True); sys.stdin.read()'
	coproc FIRST { "$HUSK" ns run --net -- python3 -c "$listen"; }
	local first=$FIRST_PID in=${FIRST[1]} out=${FIRST[0]}
	read -r -t 20 line <&"$out"
	[[ $line == bound ]]
	run husk ns run --net -- python3 -c "$listen" </dev/null
	exec {in}>&-
	wait "$first"
	expect_status 0
	[[ $output == bound ]]
}

@test "A8: the own cgroup is the root" {
	run husk ns run --cgroup -- cat /proc/self/cgroup
	expect_status 0
	! grep -v ':/$' <<<"$output"
}

@test "A8: a clock a day ahead" {
	[[ -e /proc/self/ns/time ]] || skip "needs time namespaces"
	local now inside
	now=$(cut -d. -f1 /proc/uptime)
	inside=$(husk ns run --time --boottime +86400 -- cut -d. -f1 /proc/uptime)
	((inside >= now + 86400 && inside < now + 86400 + 30))
	run husk ns run --time --monotonic -99999999999 -- true
	expect_status 125
	expect_output "--monotonic -99999999999: a clock cannot be"
	run husk ns run --boottime 1 -- true
	expect_status 125
	expect_output "add --time"
	run husk ns run --time --boottime later -- true
	expect_status 125
	expect_output "a number of seconds"
}

@test "A12: a kept namespace outlives its last process" {
	local at=$BATS_TEST_TMPDIR/net kept
	kept=$(husk ns run --net="$at" -- sh -c 'ip addr add 10.9.8.7/32 dev lo; readlink /proc/self/ns/net')
	[[ $(stat -f -c %T "$at") == nsfs || $(stat -f -c %t "$at") == 6e736673 ]]
	[[ $kept == "net:[$(stat -c %i "$at")]" && $kept != "$(own net)" ]]
	run husk ns enter "$at" -- ip -br addr show dev lo
	umount "$at"
	expect_status 0
	expect_output 10.9.8.7
}

@test "a namespace is kept at nothing that it would hide" {
	need_root
	local before
	echo content >"$BATS_TEST_TMPDIR/file"
	mkdir "$BATS_TEST_TMPDIR/directory"
	before=$(wc -l </proc/self/mountinfo)
	for at in file directory; do
		run ! husk ns run --net="$BATS_TEST_TMPDIR/$at" -- true
		[[ $output == *"that is no empty file, and would be hidden"* ]]
	done
	run ! husk ns run --net=/dev/null -- true
	[[ $(wc -l </proc/self/mountinfo) -eq $before && $(<"$BATS_TEST_TMPDIR/file") == content && -c /dev/null ]]
}

@test "A12: one of every kind" {
	[[ -e /proc/self/ns/time ]] || skip "needs time namespaces"
	local dir=$BATS_TEST_TMPDIR/kept kind cpu words=()
	mkdir "$dir"
	mount -t tmpfs kept "$dir"
	mount --make-private "$dir"
	for kind in mount uts ipc net pid user cgroup time; do
		words+=("--$kind=$dir/$kind")
	done
	# Linux 6.18 numbers namespaces by CPU and refuses a mount namespace with a lower number than the one of the file:
	# on the CPU where the test host was made the number is higher.
	for ((cpu = 0; cpu < $(nproc); cpu++)); do
		run taskset -c "$cpu" "$HUSK" ns run "${words[@]}" --map-root-user -- true
		[[ $output == *"takes it for a loop"* ]] || break
	done
	local status_of_run=$status said=$output
	for kind in uts ipc net cgroup mount time; do
		run husk ns enter "$dir/$kind" -- readlink "/proc/self/ns/${kind/mount/mnt}"
		[[ $output == *"[$(stat -c %i "$dir/$kind")]" ]] || said+=" $kind: $output"
	done
	umount -R "$dir"
	output=$said status=$status_of_run
	expect_status 0
	[[ -z $said ]]
}

# A shell that waits for a command of its own would reap it.
@test "A12: the command has no child that it has not started" {
	# shellcheck disable=SC2016 # for the inner shell
	run husk ns run --uts="$BATS_TEST_TMPDIR/uts" -- sh -c 'echo begun; exec grep -ls "^PPid:.$$\$" /proc/[0-9]*/status'
	umount "$BATS_TEST_TMPDIR/uts"
	[[ $output == begun ]]
}

@test "A12: nothing stays when the command cannot be started" {
	run -127 husk ns run --uts="$BATS_TEST_TMPDIR/uts" -- /no/such/command
	[[ ! -e $BATS_TEST_TMPDIR/uts ]]
	run -127 husk ns run --net --fork --uts="$BATS_TEST_TMPDIR/uts" -- /no/such/command
	[[ ! -e $BATS_TEST_TMPDIR/uts ]]
	run as_user "$HUSK" ns run -r --net="$BATS_TEST_TMPDIR/net" -- true
	expect_status 125
	[[ ! -e $BATS_TEST_TMPDIR/net ]]
}

@test "exit codes pass through" {
	for options in "--uts" "--uts --fork" "--pid"; do
		# shellcheck disable=SC2086 # several words
		run husk ns run $options -- sh -c 'exit 7'
		expect_status 7
		# shellcheck disable=SC2086
		run -127 husk ns run $options -- /no/such/command
		expect_output "execute /no/such/command: No such file or directory"
		# shellcheck disable=SC2086
		run husk ns run $options -- /etc/passwd
		expect_status 126
		# shellcheck disable=SC2086
		run -127 husk ns run $options -- no-such-command-anywhere
		[[ ${#lines[@]} -eq 1 ]]
	done
	# shellcheck disable=SC2016 # for the inner shell
	run husk ns run --uts --fork -- sh -c 'kill -TERM $$'
	expect_status 143
}

@test "--kill-child ends the command with husk" {
	"$HUSK" ns run --pid --kill-child --mount-proc -- sleep 1000 &
	local host=$! child
	for _ in {1..50}; do
		child=$(pgrep -P "$host" sleep) && break
		sleep 0.1
	done
	[[ $child ]]
	kill -KILL "$host"
	wait "$host" || true
	for _ in {1..50}; do
		[[ -e /proc/$child ]] || break
		sleep 0.1
	done
	[[ ! -e /proc/$child ]]
}

@test "--forward-signals passes them on, otherwise they are held" {
	# shellcheck disable=SC2016 # for the inner shell
	local script='trap "exit 9" TERM; echo ready; while :; do sleep 0.1; done' line
	coproc RUN { exec "$HUSK" ns run --uts --forward-signals -- bash -c "$script"; }
	local host=$RUN_PID out=${RUN[0]} code=0
	read -r -t 20 line <&"$out"
	kill -TERM "$host"
	wait "$host" || code=$?
	[[ $code -eq 9 ]]
}

@test "root directory, working directory, ids" {
	run husk ns run --mount --wd /usr -- pwd
	[[ $output == /usr ]]
	run husk ns run --uts --setuid 65534 --setgid 65534 -- sh -c 'id -u; id -G'
	expect_status 0
	[[ $output == $'65534\n65534' ]]
	run husk ns run --mount --root /no/such/dir -- true
	expect_status 125
	expect_output "change the root to /no/such/dir: No such file or directory"
	run husk ns run --map-root-user --setuid 5 -- true
	expect_status 125
	expect_output "uid 5 is not mapped in the user namespace"
}

@test "--keep-caps keeps what the user namespace gave" {
	need_user_namespaces
	run as_user "$HUSK" ns run --map-current-user --keep-caps -- grep CapEff /proc/self/status
	expect_status 0
	[[ $output != *0000000000000000 ]]
	run as_user "$HUSK" ns run --map-current-user -- grep CapEff /proc/self/status
	[[ $output == *0000000000000000 ]]
}

@test "--setgroups" {
	need_user_namespaces
	run as_user "$HUSK" ns run --map-root-user -- cat /proc/self/setgroups
	[[ $output == deny ]]
	run husk ns run --user --setgroups deny -- cat /proc/self/setgroups
	[[ $output == deny ]]
	run husk ns run --user --setgroups maybe -- true
	expect_status 125
	expect_output '--setgroups: "maybe" is not allow or deny'
}

@test "short options, alone and together, and unique prefixes" {
	# shellcheck disable=SC2016 # for the inner shell
	run husk ns run -muinpf --mount-p -- sh -c 'echo $$; hostname x'
	expect_status 0
	[[ $output == 1 ]]
	run husk ns run --map-r -- id -u
	[[ $output == 0 ]]
}

@test "an ordinary user is told what is missing" {
	run as_user "$HUSK" ns run --net -- true
	expect_status 125
	expect_output "needs root, or a user namespace made with them (--user"
	[[ ${#lines[@]} -eq 1 ]]
}

@test "a limit of zero is named" {
	need_user_namespaces
	# In a user namespace of its own the limit is nobody else's.
	run husk ns run --map-root-user --pid --mount-proc -- \
		sh -c 'echo 0 >/proc/sys/user/max_uts_namespaces && exec "$0" ns run --uts -- true' "$HUSK"
	expect_status 125
	expect_output "this system allows no uts namespaces: user.max_uts_namespaces is 0"
	run husk ns run --map-root-user --pid --mount-proc -- \
		sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$0" ns run --user -- true' "$HUSK"
	expect_status 125
	expect_output "user.max_user_namespaces is 0"
}

@test "wrong words are one sentence" {
	for words in "--no-such-option" "--setuid no-such-user" "--kill-child=NOSUCH" "--setgroups allow" "--map-users some"; do
		# shellcheck disable=SC2086 # several words
		run husk ns run $words -- true
		expect_status 125
		[[ ${#lines[@]} -eq 1 && $output == "husk ns run: "* ]]
	done
}
