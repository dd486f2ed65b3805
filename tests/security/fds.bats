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

# The end of script's own input arrives in the container's terminal as an echoed character, sooner or later.
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

# What a joining process shows before it executes, to root in the container: only what can be found inside.
@test "a watcher inside never sees a path of the host during 100 execs" {
	start_sleeper one
	husk exec one /bin/probe watch >"$BATS_TEST_TMPDIR/seen" &
	local watcher=$!
	for _ in {1..100}; do
		husk exec one /bin/true
	done
	husk exec one /bin/touch /stop
	wait "$watcher"
	husk rm -f one
	cat "$BATS_TEST_TMPDIR/seen"
	grep -qx 'watched [0-9]* processes' "$BATS_TEST_TMPDIR/seen"
	[[ $(wc -l <"$BATS_TEST_TMPDIR/seen") -eq 1 ]]
}
