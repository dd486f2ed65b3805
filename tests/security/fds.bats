# What a container's processes hold and may look at: nothing of the host's.

load ../cli/helpers
load root

setup_file() {
	make_root
	ln -s /proc/self/fd "$ROOT/fds"
	for n in 3 4 5 6 7 8 9 10 11 12; do
		ln -s "/proc/self/fd/$n" "$ROOT/fd$n"
	done
}

# Standard error, too, may only hold 0, 1 and 2.
expect_three() {
	expect_status 0
	[[ $(awk '{ print $1 }' <<<"$output" | tr -d '\r' | xargs) == "0 1 2" ]] || {
		echo "open files:"
		echo "$output"
		return 1
	}
}

@test "run has the files 0, 1 and 2" {
	run in_root -- /bin/probe fds
	expect_three
}

@test "run -i has the files 0, 1 and 2" {
	run in_root -i -- /bin/probe fds </dev/null
	expect_three
}

@test "run with files of the caller left open has the files 0, 1 and 2" {
	run in_root -- /bin/probe fds 7</ 9</etc/passwd 33<>/dev/null
	expect_three
}

@test "run -t has the files 0, 1 and 2" {
	run script -qec "'$HUSK' run --rm --net none --rootfs '$ROOT' -t -- /bin/probe fds" /dev/null
	expect_three
}

# The end of script's own input arrives in the container's terminal as an echoed character, at any place.
@test "run -it has the files 0, 1 and 2" {
	run script -qec "'$HUSK' run --rm --net none --rootfs '$ROOT' -it -- /bin/probe fds" /dev/null
	output=${output//^@/}
	expect_three
}

@test "run --init has the files 0, 1 and 2" {
	run in_root --init -- /bin/probe fds
	expect_three
}

@test "run -d has the files 0, 1 and 2" {
	husk run -d --name one --net none --rootfs "$ROOT" -- /bin/probe fds
	husk wait one
	run husk logs one
	expect_three
	husk rm one
}

@test "exec, with and without a terminal, has the files 0, 1 and 2" {
	start_sleeper one
	run husk exec one /bin/probe fds
	expect_three
	run husk exec -i one /bin/probe fds </dev/null
	expect_three
	run husk exec --privileged one /bin/probe fds 5</
	expect_three
	run script -qec "'$HUSK' exec -t one /bin/probe fds" /dev/null
	expect_three
	husk rm -f one
}

@test "process 1 itself has the files 0, 1 and 2" {
	start_sleeper one
	run husk exec one /bin/sh -c 'ls /proc/1/fd'
	expect_status 0
	[[ $(xargs <<<"$output") == "0 1 2" ]]
	husk rm -f one
	start_sleeper two --init
	run husk exec two /bin/sh -c 'ls -l /proc/1/fd /proc/1/exe /proc/1/cwd /proc/1/root'
	expect_status 0
	echo "$output"
	[[ $output != *"$HUSK_TEST_DIR"* && $output != *"$HUSK"* ]]
	husk rm -f two
}

# No number leads anywhere: what the container gets is an error, or a directory of its own.
@test "run -w /proc/self/fd/N fails for every N" {
	local n
	for n in {3..64}; do
		run in_root -w "/proc/self/fd/$n" -- /bin/probe cwd
		[[ $status -ne 0 && $output != /* ]] || {
			echo "-w /proc/self/fd/$n: status $status: $output"
			return 1
		}
	done
}

@test "run -w through a link of the image to /proc/self/fd/N fails" {
	local n
	for n in 3 4 5 6 7 8 9 10 11 12; do
		run in_root -w "/fd$n" -- /bin/probe cwd
		[[ $status -ne 0 && $output != /* ]] || {
			echo "-w /fd$n: status $status: $output"
			return 1
		}
	done
	run in_root -w /fds/7/../../etc -- /bin/probe cwd
	[[ $status -ne 0 ]] || [[ $output == /etc || $output == /proc/* ]]
}

@test "exec -w /proc/self/fd/N fails for every N" {
	local n
	start_sleeper one
	for n in {3..64}; do
		run husk exec -w "/proc/self/fd/$n" one /bin/probe cwd
		[[ $status -ne 0 && $output != /* ]] || {
			echo "-w /proc/self/fd/$n: status $status: $output"
			return 1
		}
	done
	for n in 3 4 5 6 7 8 9 10 11 12; do
		run husk exec -w "/fd$n" one /bin/probe cwd
		[[ $status -ne 0 && $output != /* ]]
	done
	husk rm -f one
}

@test "the working directory is one inside, also one that was missing" {
	run in_root -w /not/there/yet -- /bin/probe cwd
	expect_status 0
	[[ $output == /not/there/yet ]]
	run in_root -w /proc/self/cwd -- /bin/probe cwd
	[[ $status -ne 0 || $output == / ]]
	run in_root -w /proc/self/root/etc -- /bin/probe cwd
	[[ $status -ne 0 || $output == /etc ]]
}

# What a joining process shows before it executes, to root in the container, even to one who may trace: only what can be
# found inside, and never more power than the container has. The caller's own files and terminal are out of sight.
watched_execs() {
	husk run -d --name one --net none --rootfs "$ROOT" "$@" -- /bin/sleep 1000
	husk exec one /bin/probe watch >"$BATS_TEST_TMPDIR/seen" &
	local watcher=$!
	for _ in {1..50}; do
		husk exec one /bin/true 77<"$BATS_TEST_TMPDIR"
		husk exec -u 1000 one /bin/true 9</etc/passwd
	done
	for _ in {1..10}; do
		script -qec "'$HUSK' exec -t one /bin/true" /dev/null
	done
	husk exec one /bin/touch /stop
	until_written ^watched "$BATS_TEST_TMPDIR/seen" husk exec one /bin/true
	wait "$watcher"
	husk rm -f one
	cat "$BATS_TEST_TMPDIR/seen"
	[[ $(wc -l <"$BATS_TEST_TMPDIR/seen") -eq 1 ]]
}

@test "a watcher inside sees nothing of the host during 100 execs" {
	watched_execs
}

@test "a watcher who may trace sees nothing of the host during 100 execs" {
	watched_execs --cap-add SYS_PTRACE
}

@test "the reaper of --init keeps nothing that a tracer could use" {
	husk run -d --name one --net none --rootfs "$ROOT" --init --cap-add SYS_PTRACE -- /bin/sleep 1000 77<"$BATS_TEST_TMPDIR" 9</etc/passwd
	run husk exec one /bin/sh -c 'for fd in /proc/1/fd/*; do readlink $fd; done'
	expect_status 0
	[[ $output == *pidfd* && $(wc -l <<<"$output") -eq 1 ]] || {
		echo "$output"
		return 1
	}
	husk rm -f one
}

@test "--init that cannot start the payload says why" {
	run in_root --init --ulimit nofile=3:3 -- /bin/true
	expect_status 126
	[[ $output == *"Too many open files"* ]]
}

# The delay stands for a loaded machine: init is still among the host's mounts when exec comes.
@test "exec into a container that is still being set up is refused" {
	need_program strace
	local call
	for call in move_mount mknodat pivot_root; do
		strace -f -o /dev/null -e "inject=$call:delay_enter=700000:when=1" "$HUSK" run -d --name one --net none --rootfs "$ROOT" \
			-- /bin/sleep 1000 &
		local starting=$!
		eventually husk inspect one
		for _ in {1..10}; do
			run husk exec one /bin/sh -c 'echo inside; ls /; cat /proc/timer_list; cat /proc/self/cgroup'
			# Either it is said that it does not run yet, or the command ran inside all the walls.
			[[ $output != *timer* ]]
			[[ $status -eq 0 || $output == *"not running"* ]]
			[[ $status -ne 0 ]] || break
			sleep 0.05
		done
		eventually husk exec one /bin/true
		husk rm -f one
		wait "$starting" # strace stays as long as the monitor
	done
}
