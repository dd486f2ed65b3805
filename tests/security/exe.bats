# The program files of husk: nobody inside may write them, or run them again.

load ../cli/helpers
load root

setup_file() {
	make_root
}

setup() {
	test_begin
	programs=("$HUSK" "$(dirname "$HUSK")/../libexec/husk/"*)
	[[ -e ${programs[1]} ]]
	sha256sum "${programs[@]}" >"$BATS_TEST_TMPDIR/sums"
	evil=$BATS_TEST_TMPDIR/evil
	copy_root "$evil"
	# For root inside, and as a script whose interpreter is whatever runs it.
	printf '#!/proc/self/exe\n' >"$evil/bin/self"
	chmod 755 "$evil/bin/self"
	ln -s /proc/self/exe "$evil/bin/linked"
}

expect_same_programs() {
	sha256sum --quiet -c "$BATS_TEST_TMPDIR/sums"
}

@test "an entry point with the interpreter /proc/self/exe runs no husk" {
	run in_directory "$evil" -- /bin/self
	[[ $status -ne 0 ]]
	[[ $output != *Usage* && $output != *"Containers on Linux"* ]]
	expect_same_programs
}

@test "a command that is a link to /proc/self/exe runs no husk" {
	rm "$evil/bin/sh"
	ln -s /proc/self/exe "$evil/bin/sh"
	run in_directory "$evil" -- /bin/sh
	echo "$output"
	[[ $status -ne 0 ]]
	[[ $output != *Usage* && $output != *"Containers on Linux"* ]]
	expect_same_programs
}

@test "exec of /proc/self/exe, directly, linked and as an interpreter, runs no husk" {
	local command
	husk run -d --name one --net none --rootfs "$evil" -- /bin/sleep 1000
	for command in /bin/self /bin/linked /proc/self/exe /proc/1/exe; do
		output=$(husk exec one "$command" run 2>&1) || true
		echo "$command: $output"
		[[ $output != *"husk run"* && $output != *"Containers on Linux"* ]]
	done
	husk rm -f one
	expect_same_programs
}

# Only root with every capability even has the chance.
during_execs() {
	husk run -d --name one --net none --rootfs "$ROOT" "$@" -- /bin/sh -c 'probe overwrite; sleep 1'
	for _ in {1..60}; do
		husk exec one /bin/true
		husk exec --privileged one /bin/true
	done
	husk exec one /bin/touch /stop
	husk wait one
	run husk logs one
	husk rm -f one
	echo "$output"
	[[ $output == tried ]]
	expect_same_programs
}

@test "no program file can be opened for writing during execs" {
	during_execs
}

@test "no program file can be opened for writing during execs, with --privileged" {
	during_execs --privileged
}

@test "probe exe: the programs of the container itself, and of process 1" {
	run in_root -- /bin/probe exe
	expect_status 0
	[[ ${lines[0]} == "/proc/self/exe -> /bin/probe" && ${lines[5]} == "/proc/1/exe -> /bin/probe" ]]
	[[ $output == *"/proc/1/exe write ETXTBSY"* ]]
}

# With --init process 1 is husk's own: a copy that can be neither written nor seen by name.
@test "process 1 of --init cannot be written, not even with --privileged" {
	local options
	for options in --init "--init --privileged"; do
		# shellcheck disable=SC2086 # two words
		run in_root $options -- /bin/probe exe
		expect_status 0
		echo "$output"
		[[ $(grep -cE '^/proc/1/exe (write|readwrite|append) (ETXTBSY|EPERM|EACCES|EROFS)$' <<<"$output") -eq 3 ]]
		[[ $output != *"$HUSK"* ]]
	done
	expect_same_programs
}

@test "husk has no setuid program" {
	[[ -z $(find "$(dirname "$HUSK")/.." -perm /6000) ]]
}
