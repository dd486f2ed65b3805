# What a container's processes hold and may look at: nothing of the host's.

load ../cli/helpers
load sandbox

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

@test "run -it has the files 0, 1 and 2" {
	run script -qec "'$HUSK' run --rm --net none --rootfs '$ROOT' -it -- /bin/probe fds" /dev/null
	expect_three
}

@test "run --init has the files 0, 1 and 2" {
	run in_root --init -- /bin/probe fds
	expect_three
}
