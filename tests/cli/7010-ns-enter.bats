#!/usr/bin/env bats
# husk ns enter: joining namespaces of processes and files.

load helpers

# Starts a command with `husk ns run` and waits for its first line; $target is the pid of its inner process.
start() {
	coproc TARGET { exec "$HUSK" ns run "$@" -- sh -c 'echo ready; exec sleep 1000'; }
	local line
	host=$TARGET_PID
	read -r -t 20 line <&"${TARGET[0]}"
	[[ $line == ready ]]
	target=$(pgrep -P "$host" || true)
	[[ $target ]] || target=$host
}

stop() {
	[[ ${target:-} ]] || return 0
	kill -KILL "$target"
	wait "$host" || true
	target=
}

teardown() {
	stop
	test_end
}

ns_of() {
	readlink "/proc/$1/ns/$2"
}

@test "A9: by namespace file, the kind is found" {
	start --net --uts
	run husk ns enter "/proc/$target/ns/net" -- ip -br addr
	expect_status 0
	[[ ${#lines[@]} -eq 1 && $output == lo*DOWN* ]]
	run husk ns enter "/proc/$target/ns/uts" -- readlink /proc/self/ns/uts /proc/self/ns/net
	expect_status 0
	[[ $output == "$(ns_of "$target" uts)"$'\n'"$(ns_of self net)" ]]
}

@test "A9: chosen namespaces of a process" {
	start --net --uts --ipc
	run husk ns enter "$target" --net --uts -- readlink /proc/self/ns/net /proc/self/ns/uts /proc/self/ns/ipc
	expect_status 0
	[[ $output == "$(ns_of "$target" net)"$'\n'"$(ns_of "$target" uts)"$'\n'"$(ns_of self ipc)" ]]
}

@test "A9: options stand before or after the target" {
	start --net
	for words in "--net $target" "$target --net" "-n $target" "$target -n" "--target $target --net" "-t $target -n"; do
		# shellcheck disable=SC2086 # several words
		run husk ns enter $words -- readlink /proc/self/ns/net
		expect_status 0
		[[ $output == "$(ns_of "$target" net)" ]]
	done
}

@test "A9: all of them, by --all and by no option" {
	start --net --uts --ipc --pid --mount-proc --cgroup
	for words in "$target --all" "$target -a" "$target"; do
		# shellcheck disable=SC2086 # several words
		run husk ns enter $words -- sh -c 'for n in net uts ipc pid mnt cgroup; do readlink /proc/self/ns/$n; done; ps -e -o comm='
		expect_status 0
		for kind in net uts ipc pid mnt cgroup; do
			expect_output "$(ns_of "$target" "$kind")"
		done
		expect_output sleep
		[[ ${#lines[@]} -eq 9 ]]
	done
}

@test "A9: a process of it has a pid inside" {
	start --pid --mount-proc
	# shellcheck disable=SC2016 # for the inner shell
	run husk ns enter "$target" --pid --mount -- sh -c 'echo $$; readlink /proc/self'
	expect_status 0
	[[ ${lines[0]} -gt 1 && ${lines[0]} -lt 50 ]]
	run husk ns enter "$target" --pid --no-fork -- readlink /proc/self/ns/pid /proc/self/ns/pid_for_children
	expect_status 0
	[[ $output == "$(ns_of self pid)"$'\n'"$(ns_of "$target" pid)" ]]
}

@test "A9: exit codes pass through" {
	start --uts --pid
	for words in "--uts" "--uts --pid"; do
		# shellcheck disable=SC2086 # several words
		run husk ns enter "$target" $words -- sh -c 'exit 7'
		expect_status 7
		# shellcheck disable=SC2086
		run -127 husk ns enter "$target" $words -- /no/such/command
		# shellcheck disable=SC2086
		run husk ns enter "$target" $words -- /etc/passwd
		expect_status 126
	done
	# shellcheck disable=SC2016 # for the inner shell
	run husk ns enter "$target" --pid -- sh -c 'kill -KILL $$'
	expect_status 137
}

@test "A9: an ordinary user joins what he made" {
	need_user_namespaces
	coproc TARGET { exec setpriv --reuid=65534 --regid=65534 --clear-groups -- "$HUSK" ns run -r --net --uts -- \
		sh -c 'echo ready; exec sleep 1000'; }
	host=$TARGET_PID target=$TARGET_PID
	read -r -t 20 _ <&"${TARGET[0]}"
	run as_user "$HUSK" ns enter "$target" -- sh -c 'id -u; readlink /proc/self/ns/net'
	expect_status 0
	[[ $output == $'0\n'"$(ns_of "$target" net)" ]]
	run as_user "$HUSK" ns enter "$target" --user --preserve-credentials --net -- id -u
	expect_status 0
	run as_user "$HUSK" ns enter "$target" --net -- true
	expect_status 125
	expect_output "needs root, or their user namespace joined with them"
	[[ ${#lines[@]} -eq 1 ]]
}

@test "A9: PID:INODE refuses a recycled pid" {
	need_kernel 6 9
	need_program python3
	start --uts
	local inode
	inode=$(python3 -c 'import os,sys; print(os.fstat(os.pidfd_open(int(sys.argv[1]))).st_ino)' "$target")
	run husk ns enter "$target:$inode" --uts -- readlink /proc/self/ns/uts
	expect_status 0
	[[ $output == "$(ns_of "$target" uts)" ]]
	run husk ns enter "$target:$((inode + 1))" --uts -- true
	expect_status 125
	expect_output "process $target is another one by now"
}

@test "environment, root and working directory of the target" {
	HUSK_TEST_WORD=there start --mount --wd /usr
	run husk ns enter "$target" --env --wd -- sh -c 'pwd; env'
	expect_status 0
	expect_output HUSK_TEST_WORD=there
	[[ ${lines[0]} == /usr ]]
	run husk ns enter "$target" --mount --wdns=/etc -- pwd
	[[ $output == /etc ]]
	run husk ns enter "$target" --mount --root=/usr -- /bin/true
	expect_status 0
	run husk ns enter "$target" --wd --wdns=/ -- true
	expect_status 125
	expect_output "--wd and --wdns exclude each other"
}

@test "ids of the command" {
	start --uts
	run husk ns enter "$target" --uts --setuid 65534 --setgid 65534 -- sh -c 'id -u; id -G'
	expect_status 0
	[[ $output == $'65534\n65534' ]]
}

@test "a file for each option, without a target" {
	start --net --uts
	run husk ns enter --net="/proc/$target/ns/net" --uts="/proc/$target/ns/uts" -- readlink /proc/self/ns/net
	expect_status 0
	[[ $output == "$(ns_of "$target" net)" ]]
	run husk ns enter --net="/proc/$target/ns/uts" -- true
	expect_status 125
	expect_output "is a uts namespace, not a net namespace"
}

@test "a file for one kind, and all others of a process" {
	start --net --uts
	run husk ns enter "$target" --all --net="/proc/$$/ns/net" -- readlink /proc/self/ns/net /proc/self/ns/uts
	expect_status 0
	[[ $output == "$(ns_of self net)"$'\n'"$(ns_of "$target" uts)" ]]
}

@test "a FIFO is no namespace file, and nobody waits for its other end" {
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	for words in "$BATS_TEST_TMPDIR/fifo" "--net=$BATS_TEST_TMPDIR/fifo"; do
		run timeout --kill-after 5 10 "$HUSK" ns enter "$words" -- true
		expect_status 125
		expect_output "$BATS_TEST_TMPDIR/fifo is not a namespace file"
	done
}

@test "nothing of husk is left in the command" {
	start --uts --pid
	run husk ns enter "$target" --uts --pid -- sh -c 'ls /proc/self/fd | wc -l; ulimit -Hn >/dev/null'
	expect_status 0
	local inside=$output
	run sh -c 'ls /proc/self/fd | wc -l'
	[[ $inside == "$output" ]]
}

@test "wrong targets are one sentence" {
	while IFS='|' read -r words message; do
		# shellcheck disable=SC2086 # several words
		run husk ns enter $words -- true
		expect_status 125
		expect_output "$message"
		[[ ${#lines[@]} -eq 1 ]]
	done <<'END'
4194305 --net|no such process: 4194305
no-such-thing --net|no such process, namespace file or container: no-such-thing
/etc/passwd|/etc/passwd is not a namespace file
/no/such/file|no such process, namespace file or container: /no/such/file
/proc/self/ns/net --uts|--uts needs a process
1:0|no such process, namespace file or container: 1:0
END
	run husk ns enter
	expect_status 125
	expect_output "requires a target"
}
