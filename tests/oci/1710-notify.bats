# Readiness for a service manager: sd_notify(3).
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load ../cli/helpers
load bundle

setup_file() {
	need_program python3
	make_bundle
	cc -O1 -static -D_GNU_SOURCE -o "$BUNDLE/rootfs/bin/probe" "$BATS_TEST_DIRNAME/../security/probe.c"
}

setup() {
	test_begin
	LOG=$BATS_TEST_TMPDIR/log SOCKET=$BATS_TEST_TMPDIR/manager
	: >"$LOG"
	manager_begin "$SOCKET"
}

teardown() {
	kill "$(<"$BATS_TEST_TMPDIR/manager.pid")"
	runtime_clean
	test_end
}

# manager_begin ADDRESS: a service manager there, which writes $LOG.
manager_begin() {
	"$BATS_TEST_DIRNAME/notify-manager" "$1" "$LOG" 3>&- &
	echo $! >"$BATS_TEST_TMPDIR/manager.pid"
	[[ $1 == @* ]] || eventually test -S "$1"
}

# service SCRIPT [JQ-FILTER]: the bundle's command is a shell in which `tell TEXT` sends a message.
service() {
	config ".root.readonly = false | .process.args = [\"sh\", \"-c\", \$script] | ${2:-.}" --arg script "tell() { printf \"\$1\" | probe notify; }; $1"
}

# told TEXT...: these messages have come, and no others; of each the files and the text.
told() {
	[[ $(cut -d ' ' -f 2- "$LOG") == "$(printf '0 %s\n' "$@")" ]] || {
		cat "$LOG"
		return 1
	}
}

@test "run passes on what a service says of itself, from its own process, and nothing that is not the service's to say" {
	service 'tell "STATUS=up\nMAINPID=1\nREADY=1\nNOTIFYACCESS=all\nFDSTORE=1\nFDNAME=x\nWATCHDOG=1\n"
		tell "MAINPID=1"; tell "READY\n=1\n\n"; tell "STATUS=a\0b\nERRNO=2"; tell "STATUS=done\nSTOPPING=1"; exit 3'
	NOTIFY_SOCKET=$SOCKET "$RUNTIME" --root "$RUNTIME_ROOT" run --bundle "$BUNDLE" one >"$BATS_TEST_TMPDIR/out" 3>&- &
	local pid=$! code=0
	wait "$pid" || code=$?
	[[ $code -eq 3 && $(sort -u "$BATS_TEST_TMPDIR/out") == "sent ok" ]]
	eventually told 'STATUS=up|READY=1|WATCHDOG=1' 'ERRNO=2' 'STATUS=done|STOPPING=1'
	[[ $(cut -d ' ' -f 1 "$LOG" | sort -u) == "$pid" ]]
}

@test "a message of 4096 bytes passes, a longer one does not" {
	service 'head -c 4089 /dev/zero | tr "\0" x >/long; (printf STATUS=; cat /long) | probe notify; (printf STATUS=x; cat /long) | probe notify
		tell READY=1'
	NOTIFY_SOCKET=$SOCKET runtime run --bundle "$BUNDLE" one
	eventually told "STATUS=$(head -c 4089 /dev/zero | tr '\0' x)" READY=1
}

@test "run --detach and start return once the container is ready, and say which process is the main one" {
	service 'tell STATUS=begins; while [ ! -e /go ]; do sleep 0.02; done; tell READY=1; tell STATUS=late; sleep 100'
	rm -f "$BUNDLE/rootfs/go"
	NOTIFY_SOCKET=$SOCKET "$RUNTIME" --root "$RUNTIME_ROOT" run --detach --bundle "$BUNDLE" one >/dev/null 3>&- &
	local command=$! main
	eventually told STATUS=begins
	kill -0 "$command"
	# Meanwhile every other command works.
	[[ $(status_of one) == running && $(runtime exec one echo in) == in ]]
	touch "$BUNDLE/rootfs/go"
	wait "$command"
	main=$(runtime state one | jq .pid)
	[[ $(sed -n 2p "$LOG") == "$command 0 READY=1|MAINPID=$main" ]]
	runtime delete --force one

	NOTIFY_SOCKET=$SOCKET runtime create --bundle "$BUNDLE" one >/dev/null
	NOTIFY_SOCKET=$SOCKET runtime start one
	main=$(runtime state one | jq .pid)
	[[ $(grep -c READY "$LOG") -eq 2 && $(grep READY "$LOG" | tail -n 1) == *" 0 READY=1|MAINPID=$main" ]]
}

@test "the socket is there before the container's process runs" {
	service 'tell READY=1; sleep 100'
	NOTIFY_SOCKET=$SOCKET runtime create --bundle "$BUNDLE" one >/dev/null
	NOTIFY_SOCKET=$SOCKET timeout 20 strace -qq -o /dev/null -e trace=bind -e inject=bind:delay_enter=1000000 "$RUNTIME" --root "$RUNTIME_ROOT" start one
	[[ $(<"$LOG") == *READY=1* ]]
}

@test "a container that ends before it is ready is waited for no longer" {
	service 'tell STATUS=begins; sleep 0.2; exit 4'
	NOTIFY_SOCKET=$SOCKET timeout 20 "$RUNTIME" --root "$RUNTIME_ROOT" run --detach --bundle "$BUNDLE" one >/dev/null
	eventually told STATUS=begins
	status_is one stopped
	# Another command ends it while start waits.
	runtime delete one
	service 'sleep 100'
	NOTIFY_SOCKET=$SOCKET runtime create --bundle "$BUNDLE" one >/dev/null
	NOTIFY_SOCKET=$SOCKET "$RUNTIME" --root "$RUNTIME_ROOT" start one 3>&- &
	eventually status_is one running
	runtime kill one KILL
	wait $!
}

@test "a manager that receives nothing stops neither the container's output nor its end, and gets all when it goes on" {
	touch "$LOG.wait"
	sleep 0.2
	service 'i=0; while [ $i -lt 40 ]; do tell STATUS=$i >/dev/null; i=$((i + 1)); echo $i; done; while [ ! -e /go ]; do sleep 0.02; done'
	rm -f "$BUNDLE/rootfs/go"
	NOTIFY_SOCKET=$SOCKET "$RUNTIME" --root "$RUNTIME_ROOT" run --bundle "$BUNDLE" one >"$BATS_TEST_TMPDIR/out" 3>&- &
	local pid=$! taken=-1
	# The queues of both sockets are full when no more lines come.
	while [[ $taken -ne $(wc -l <"$BATS_TEST_TMPDIR/out") || $taken -lt 10 ]]; do
		taken=$(wc -l <"$BATS_TEST_TMPDIR/out")
		sleep 0.5
	done
	[[ $(runtime exec one echo in) == in ]]
	rm "$LOG.wait"
	touch "$BUNDLE/rootfs/go"
	wait "$pid"
	eventually told STATUS={0..39}

	# It ends although the manager never goes on.
	touch "$LOG.wait"
	service 'i=0; while [ $i -lt 40 ]; do tell STATUS=$i >/dev/null & i=$((i + 1)); done; sleep 0.3; exit 5'
	run -5 env NOTIFY_SOCKET="$SOCKET" timeout 20 "$RUNTIME" --root "$RUNTIME_ROOT" run --bundle "$BUNDLE" two
}

@test "an abstract socket; a container with a user and a network of its own, a read-only root; its directory is not to be written" {
	kill "$(<"$BATS_TEST_TMPDIR/manager.pid")"
	manager_begin "@husk-test-$$"
	eventually grep -q "@husk-test-$$" /proc/net/unix
	service 'tell READY=1; echo x >/run/notify/x; rm /run/notify/notify.sock; true' '.root.readonly = true | .process.user = {uid: 7, gid: 7}
		| .linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}]
		| .linux.gidMappings = .linux.uidMappings | .mounts += [{destination: "/run", type: "tmpfs", source: "tmpfs"}]'
	run env NOTIFY_SOCKET="@husk-test-$$" "$RUNTIME" --root "$RUNTIME_ROOT" run --bundle "$BUNDLE" one
	echo "$output"
	[[ $status -eq 0 && $output == *"sent ok"*"x: Read-only file system"*"Read-only file system"* ]]
	eventually told READY=1
}

@test "a manager that is not there: one sentence, and nothing is left; without a manager nothing is made" {
	service true
	run --separate-stderr env NOTIFY_SOCKET=/nothing/there "$RUNTIME" --root "$RUNTIME_ROOT" run --bundle "$BUNDLE" one
	[[ $status -eq 1 && $stderr == *"reach the service manager at NOTIFY_SOCKET=/nothing/there: No such file or directory"* ]]
	[[ -z $(ls "$RUNTIME_ROOT") ]]
	service 'echo "${NOTIFY_SOCKET-none}"; grep -c /run/notify /proc/self/mountinfo'
	run env NOTIFY_SOCKET= "$RUNTIME" --root "$RUNTIME_ROOT" run --bundle "$BUNDLE" one
	[[ $output == $'none\n0' ]]
	# Created for one, started without: nobody is told, and nobody waits.
	service 'tell READY=1; sleep 100'
	NOTIFY_SOCKET=$SOCKET runtime create --bundle "$BUNDLE" one >/dev/null
	runtime start one
	[[ $(status_of one) == running && ! -s $LOG ]]
}
