# A command whose reader takes nothing, or whose input does not come, holds up nobody else.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load helpers

setup_file() {
	need_program python3
	make_image
	husk run --rm --net none busybox true
	husk save busybox >"$BATS_FILE_TMPDIR/archive"
	head -c 300000 "$BATS_FILE_TMPDIR/archive" >"$BATS_FILE_TMPDIR/half"
}

setup() {
	test_begin
	# What box has would fill a pipe of one page many times: a command line, labels, a log, changed files.
	long=$(printf '%*s' 3000 '' | tr ' ' x)
	background --name box --label "one=$long" --label "two=$long" -- sh -c 'i=0; while [ $i -lt 400 ]; do echo "line $i of the log, long enough";
		>/file-with-a-name-of-some-length-$i; i=$((i + 1)); done; >/tmp/done; sleep 1000' "$long" "$long" >/dev/null
	eventually husk exec box test -e /tmp/done
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	exec 8<>"$BATS_TEST_TMPDIR/pipe"
	# F_SETPIPE_SZ
	python3 -c 'import fcntl; fcntl.fcntl(8, 1031, 4096)'
}

teardown() {
	exec 8>&-
	husk ps -aq | xargs -r "$HUSK" rm -f >/dev/null 2>&1
	test_end
}

# is_stalled CLIENT: it waits in a write, or the pipe is full.
is_stalled() {
	grep -q pipe_write "/proc/$1/wchan" || python3 -c 'import array, fcntl, sys, termios; n = array.array("i", [0]); fcntl.ioctl(8, termios.FIONREAD, n); sys.exit(n[0] < 4000)'
}

# within COMMAND...: it is done in a time that says it has waited for nobody.
within() {
	timeout 20 "$HUSK" "$@" >"$BATS_TEST_TMPDIR/said" 2>&1 || {
		echo "husk $*: $? after 20 s, or: $(<"$BATS_TEST_TMPDIR/said")"
		return 1
	}
}

# others_go_on: each kind of command, on the same container and image as well.
others_go_on() {
	within ps -a
	within inspect box
	within exec box true
	within logs --tail 1 box
	within diff box
	within images
	within tag busybox "other:$BATS_TEST_NUMBER"
	within run --rm --net none "other:$BATS_TEST_NUMBER" true
	within rmi "other:$BATS_TEST_NUMBER"
	timeout 20 "$HUSK" load <"$BATS_FILE_TMPDIR/archive" >/dev/null
	within image inspect busybox
	within network create net
	within network rm net
	within volume ls
	within stop --time 0 box
	within start box
	within rm -f box
}

# stalled COMMAND...: while nobody reads what it says, all others go on. It ends when its reader does.
stalled() {
	local client
	"$HUSK" "$@" >"$BATS_TEST_TMPDIR/pipe" 2>/dev/null 8>&- 3>&- &
	client=$!
	eventually is_stalled "$client"
	others_go_on
	kill -0 "$client"
	exec 8>&-
	has_gone() { ! kill -0 "$client" 2>/dev/null; }
	eventually has_gone
}

@test "save" {
	stalled save busybox
}

@test "logs" {
	stalled logs box
}

@test "logs -f" {
	stalled logs -f box
}

@test "diff" {
	stalled diff box
}

@test "inspect" {
	stalled inspect box
}

@test "image inspect" {
	stalled image inspect busybox busybox busybox busybox busybox
}

@test "ps" {
	stalled ps -a --no-trunc --format json
}

@test "exec" {
	stalled exec box yes
}

@test "run" {
	stalled run --rm --net none busybox yes
}

@test "load, whose archive stops in the middle" {
	local client
	"$HUSK" load <"$BATS_TEST_TMPDIR/pipe" >"$BATS_TEST_TMPDIR/said.load" 2>&1 8>&- 3>&- &
	client=$!
	timeout 20 cat "$BATS_FILE_TMPDIR/half" >"$BATS_TEST_TMPDIR/pipe" 8>&-
	others_go_on
	kill -0 "$client"
	exec 8>&-
	wait "$client" && return 1
	[[ $(<"$BATS_TEST_TMPDIR/said.load") == "husk: not a tar stream: it ends within a member" ]]
}

@test "exec -i, run -i and login, whose input does not come" {
	local pids=()
	"$HUSK" exec -i box cat <"$BATS_TEST_TMPDIR/pipe" >/dev/null 2>&1 8>&- 3>&- &
	pids+=($!)
	"$HUSK" run --rm -i --net none busybox cat <"$BATS_TEST_TMPDIR/pipe" >/dev/null 2>&1 8>&- 3>&- &
	pids+=($!)
	HOME=$BATS_TEST_TMPDIR "$HUSK" login -u me --password-stdin localhost:1 <"$BATS_TEST_TMPDIR/pipe" >/dev/null 2>&1 8>&- 3>&- &
	pids+=($!)
	sleep 0.5
	others_go_on
	exec 8>&-
	wait "${pids[@]:1}" || true
}
