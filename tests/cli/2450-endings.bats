# Ending containers whose image or record is not as it should be, and what others are told of the end.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load helpers

setup_file() {
	make_image
	# The image is unpacked at its first use and stays, and so does what a network needs.
	husk run --rm --rootfs "$ROOTFS" --net bridge -p 9:9 -- true
	husk run --rm --net none busybox true
}

teardown() {
	husk ps -aq | xargs -r "$HUSK" rm -f >/dev/null 2>&1
	test_end
}

# image_config FILTER: the configuration of the image busybox, changed by jq, for this test.
image_config() {
	local config
	config=$HUSK_ROOT/content/sha256/$(husk images -q --no-trunc)
	[[ -e $BATS_TEST_TMPDIR/config ]] || cp "$config" "$BATS_TEST_TMPDIR/config"
	jq -c "$1" "$BATS_TEST_TMPDIR/config" >"$config"
}

image_restore() {
	cp "$BATS_TEST_TMPDIR/config" "$HUSK_ROOT/content/sha256/$(husk images -q --no-trunc)"
}

# ended_by CODE NAME: it has ended, with this code.
ended_by() {
	[[ $(field "$2" '.State | "\(.Status) \(.ExitCode)"') == "exited $1" ]]
}

@test "an image whose StopSignal is not a signal: SIGTERM with a warning, and stop ends it" {
	image_config '.config.StopSignal = "SIGFOO"'
	run --separate-stderr husk run -d --name odd --net none busybox sh -c 'trap "exit 5" TERM; while :; do sleep 0.1; done'
	image_restore
	[[ $status -eq 0 && $stderr == "husk: warning: "*SIGFOO*SIGTERM* && $stderr != *$'\n'* ]]
	[[ $(field odd .Config.StopSignal) == SIGTERM ]]
	run --separate-stderr husk stop odd
	[[ $status -eq 0 && $output == odd ]]
	ended_by 5 odd
	expect_refusal run --rm --rootfs "$ROOTFS" --net none --stop-signal SIGFOO -- true
}

@test "stop, kill and rm do not need the record" {
	local record
	background --name box -- sh -c 'trap "exit 6" TERM; while :; do sleep 0.1; done'
	record=$HUSK_ROOT/containers/$(field box .Id)/record.json
	eventually husk exec box true
	jq -c '.stopSignal = "SIGFOO"' "$record" >"$record.new"
	mv "$record.new" "$record"
	husk stop -t 5 box
	ended_by 6 box
	husk rm box

	background --name box -- sh -c 'trap "exit 6" TERM; while :; do sleep 0.1; done'
	record=$HUSK_ROOT/containers/$(field box .Id)/record.json
	eventually husk exec box true
	echo '{' >"$record"
	run --separate-stderr husk stop box
	[[ $status -eq 0 && $output == box && $stderr == "husk: warning: "*SIGTERM* ]]
	[[ $(husk ps -a) == *"Exited (6)"* ]]
	husk rm box

	background --name box -- sleep 100
	record=$HUSK_ROOT/containers/$(field box .Id)/record.json
	echo '{' >"$record"
	husk kill box
	[[ $(husk ps -a) == *"Exited (137)"* ]]
	husk rm box
	[[ -z $(husk ps -aq) ]]
}

@test "a record that could not be read again is refused before anything is made" {
	local words=() before
	for _ in {1..12}; do
		words+=("$(head -c 100000 /dev/zero | tr '\0' x)")
	done
	# More than a command line can have.
	local i files=()
	for i in {1..90}; do
		printf 'A%d=%s\n' "$i" "${words[0]}" >"$BATS_TEST_TMPDIR/environment.$i"
		files+=(--env-file "$BATS_TEST_TMPDIR/environment.$i")
	done
	before=$(find "$HUSK_ROOT" "$HUSK_STATE" | sort)
	expect_refusal run -d --rootfs "$ROOTFS" --net none "${files[@]}" -- true
	[[ $stderr == *bytes* && ${#stderr} -lt 300 ]]
	[[ $(find "$HUSK_ROOT" "$HUSK_STATE" | sort) == "$before" ]]
	run container -- sh -c 'echo $#' sh "${words[@]:0:10}"
	[[ $status -eq 0 && $output -eq 10 ]]
}

@test "stop -t: as many seconds as can be typed are not few" {
	background --name slow -- sh -c 'trap "sleep 2; exit 7" TERM; while :; do sleep 0.1; done'
	eventually husk exec slow true
	sleep 0.3
	husk stop -t 18446744073709552 slow
	ended_by 7 slow
	husk rm slow
	background --name slow -- sh -c 'trap "sleep 2; exit 7" TERM; while :; do sleep 0.1; done'
	eventually husk exec slow true
	sleep 0.3
	husk stop -t 18446744073709551615 slow
	ended_by 7 slow
}

@test "wait on a container in the foreground: its code, also with --rm" {
	local options waiters
	for options in --rm ''; do
		# shellcheck disable=SC2086 # none or one option
		husk run $options --name front --rootfs "$ROOTFS" --net none -- sh -c 'while [ ! -e /go ]; do sleep 0.05; done; exit 3' &
		eventually running front
		: >"$BATS_TEST_TMPDIR/codes"
		husk wait front >>"$BATS_TEST_TMPDIR/codes" &
		waiters=$!
		husk wait front >>"$BATS_TEST_TMPDIR/codes" &
		waiters+=" $!"
		sleep 0.3
		husk exec front touch /go
		# shellcheck disable=SC2086 # two pids
		wait $waiters
		[[ $(<"$BATS_TEST_TMPDIR/codes") == $'3\n3' ]]
		husk rm -f front 2>/dev/null || true
	done
}

# A reader that takes nothing for a while: "stalled COMMAND...", whose output nobody reads until the end of the test.
stalled() {
	mkfifo "$BATS_TEST_TMPDIR/out"
	exec 8<>"$BATS_TEST_TMPDIR/out"
	"$HUSK" "$@" >"$BATS_TEST_TMPDIR/out" 2>/dev/null 8>&- &
	client=$!
}

@test "behind a reader that takes nothing the end is recorded, waited for, and its port is free" {
	local i
	stalled run --name slow --rootfs "$ROOTFS" --net bridge -p 8085:80 -- sh -c 'head -c 1000000 /dev/zero | tr "\\0" x >/dev/stdout & sleep 1; exit 7'
	eventually has_ended slow
	[[ $(timeout 20 "$HUSK" wait slow) == 7 ]]
	[[ $(husk ps -a --format '{{.Status}}') == "Exited (7)"* ]]
	kill -0 $client
	husk run --rm --name second --rootfs "$ROOTFS" --net bridge -p 8085:80 -- true
	husk rm slow
	# The client still has output to give; one TERM ends it.
	kill -TERM $client
	i=0
	wait $client || i=$?
	[[ $i -eq 7 ]]
	exec 8>&-
}

@test "behind a reader that takes nothing --rm removes the container" {
	stalled run --rm --name slow --rootfs "$ROOTFS" --net none -- sh -c 'head -c 1000000 /dev/zero | tr "\\0" x >/dev/stdout & sleep 1; exit 7'
	is_removed() { [[ -z $(husk ps -aq) ]]; }
	eventually is_removed
	kill -0 $client
	kill -TERM $client
	wait $client || true
	exec 8>&-
}

@test "a TERM that is passed on ends the client, too, when nobody reads" {
	stalled run --name slow --rootfs "$ROOTFS" --net none -- sh -c 'trap "exit 9" TERM; head -c 1000000 /dev/zero | tr "\\0" x >/dev/stdout & while :; do sleep 0.1; done'
	eventually running slow
	sleep 0.5
	kill -TERM $client
	i=0
	wait $client || i=$?
	[[ $i -eq 9 && $(field slow .State.ExitCode) == 9 ]]
	husk rm slow
	exec 8>&-
}
