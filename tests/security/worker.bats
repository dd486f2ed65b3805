# The worker for images, taken over while it works: what it could do then.
# shellcheck disable=SC2154 # bats sets stderr

load ../cli/helpers

setup_file() {
	need_root
	[[ $(uname -m) == x86_64 ]] || skip "registers are written that only x86-64 has"
	"${CC:-cc}" -O1 -D_GNU_SOURCE -o "$BATS_FILE_TMPDIR/inject" "$BATS_TEST_DIRNAME/inject.c"
}

setup() {
	test_begin
	cd "$BATS_TEST_TMPDIR" || return
	export HUSK_ROOT=$BATS_TEST_TMPDIR/store HUSK_STATE=$BATS_TEST_TMPDIR/state
	sleep 1000 3>&- &
	victim=$! held=
}

teardown() {
	# shellcheck disable=SC2086 # one pid, two or none
	kill "$victim" $held 2>/dev/null || true
	wait
	test_end
}

# worker_of PID: its child, once that waits in a system call as a worker does at its work.
worker_of() {
	worker=$(pgrep -P "$1" -x 'husk-(image|fetch)') && grep -q '^Seccomp:.2' "/proc/$worker/status" &&
		[[ $(cat "/proc/$worker/wchan") == *[a-z]* ]]
}

# What each call came to, and that none but these did anything.
expect_refused() {
	local allowed=$1
	cat injected
	[[ $(wc -l <injected) -ge 75 ]]
	run -0 grep ' done$' injected
	[[ $output == "$allowed" ]]
	kill -0 "$victim"
}

@test "the importer, while it reads a pipe" {
	mkfifo archive
	"$HUSK" load -i archive &
	held=$!
	exec 7>archive
	eventually worker_of $held
	"$BATS_FILE_TMPDIR/inject" "$worker" $victim >injected
	exec 7>&-
	wait $held || true
	# Device nodes are a part of images; the mount that they lie in has no devices.
	expect_refused "own:getpid done
own:layers done
file:block done
file:char done"
	[[ $(grep -cE ' (EPERM|ENOSYS|ENOENT|ESRCH|EROFS|EACCES|EBUSY|EFAULT)$' injected) -eq $(($(wc -l <injected) - 4)) ]]
}

# A registry that takes the connection and says nothing.
@test "the fetcher, while it waits for its registry" {
	local port
	python3 -c '
import socket, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
print(s.getsockname()[1], flush=True)
while True:
    s.accept()[0].recv(1)
    time.sleep(1000)' >port 3>&- &
	held=$!
	eventually test -s port
	port=$(<port)
	"$HUSK" pull "127.0.0.1:$port/box:1" &
	held="$held $!"
	eventually worker_of "${held#* }"
	"$BATS_FILE_TMPDIR/inject" "$worker" $victim >injected
	# Its root has no store but the directory of this download.
	expect_refused "own:getpid done"
}
