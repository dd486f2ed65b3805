# What happens when a program of husk itself is killed.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load helpers

setup_file() {
	make_image
	# The bridge, its rules and what the leases keep come with the first use and stay.
	husk run --rm --rootfs "$ROOTFS" --net bridge -p 9:9 -- true
}

# The monitor is the parent of the container's first process.
monitor_of() {
	awk '{ sub(/.*\) /, ""); print $2 }' "/proc/$(pid_of "$1")/stat"
}

kill_monitor() {
	local monitor
	monitor=$(monitor_of "$1")
	[[ $(<"/proc/$monitor/comm") == husk-monitor ]]
	[[ $(tr '\0' ' ' <"/proc/$monitor/cmdline") == "husk-monitor $(field "$1" .Id) " ]]
	kill -KILL "$monitor"
	eventually is_gone "$monitor"
}

# expect_exited CODE: of a container that was adopted before it ended: since Linux 6.15 whoever holds a pidfd can ask.
expect_exited() {
	local major minor
	IFS=.- read -r major minor _ < <(uname -r)
	run husk ps -a
	if ((major * 1000 + minor >= 6015)); then
		expect_output "Exited ($1)"
	else
		expect_output "Exited (unknown)"
	fi
}

@test "the monitor killed: the container runs on; ps, exec, stop and rm work, and its exit is told" {
	background --name orphan -- sh -c 'trap "exit 3" TERM; echo ready; while :; do sleep 0.1; done'
	eventually logged orphan ready
	pid=$(pid_of orphan)
	kill_monitor orphan
	sleep 0.5
	[[ -e /proc/$pid && $(pid_of orphan) == "$pid" ]]
	[[ $(husk ps) == *"Up "*orphan ]]
	[[ $(husk exec orphan echo in) == in ]]
	run timeout -k 1 20 "$HUSK" stop orphan
	expect_status 0
	eventually is_gone "$pid"
	expect_exited 3
	[[ $(field orphan .State.Status) == exited ]]
	husk rm orphan
}

@test "the monitor killed, and the container ends by itself" {
	background --name orphan -- sh -c 'sleep 2; exit 4'
	kill_monitor orphan
	# This command adopts it.
	husk ps >/dev/null
	eventually has_ended orphan
	expect_exited 4
	run timeout -k 1 20 "$HUSK" wait orphan
	[[ $status -ne 124 ]]
	husk start orphan
	[[ $(timeout -k 1 20 "$HUSK" wait orphan) == 4 ]]
	husk rm orphan
}

@test "the monitor killed, and nobody looks before the container ends: its exit is unknown" {
	local pid
	background --name orphan -- sleep 1
	pid=$(pid_of orphan)
	kill_monitor orphan
	eventually is_gone "$pid"
	run husk ps -a
	expect_output "Exited (unknown)"
	husk rm orphan
}

@test "the monitor killed: a signal that ended the container is told" {
	background --name orphan -- sleep 100
	kill_monitor orphan
	husk ps >/dev/null
	husk kill orphan
	eventually has_ended orphan
	expect_exited 137
	husk rm orphan
}

@test "the monitor killed: the container may go on writing" {
	background --name writer -- sh -c 'i=0; while [ $i -lt 20000 ]; do echo line $i of the output; i=$((i + 1)); done; echo done >/done; sleep 100'
	kill_monitor writer
	sleep 2
	[[ $(field writer .State.Running) == true ]]
	timeout -k 1 20 "$HUSK" rm -f writer
}

one_monitor() {
	[[ $(pgrep -fc "husk-monitor $1") -eq 1 ]]
}

# Both find that its monitor is dead; the first waits before it locks the container.
@test "the monitor killed: of two commands at once one alone starts another" {
	need_program strace
	local id
	id=$(background --name orphan -- sleep 100)
	kill_monitor orphan
	strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=flock -P "$HUSK_STATE/containers/$id/lock" -e inject=flock:delay_enter=1500000:when=1 "$HUSK" ps &
	eventually grep -q flock "$BATS_TEST_TMPDIR/trace"
	husk ps
	wait $!
	eventually one_monitor "$id"
	sleep 0.2
	one_monitor "$id"
	husk rm -f orphan
}

@test "the monitor lives on when it is asked to end, and is the last that a lack of memory ends" {
	local monitor signal
	background --name box -- sleep 100
	monitor=$(monitor_of box)
	for signal in TERM HUP INT QUIT; do
		kill -s "$signal" "$monitor"
	done
	# A caller without CAP_SYS_RESOURCE keeps its own number.
	[[ $(<"/proc/$monitor/oom_score_adj") =~ ^(-900|$(</proc/self/oom_score_adj))$ ]]
	husk kill box
	husk wait box
	[[ $(field box .State.ExitCode) == 137 ]]
	husk rm box
}

@test "the monitor killed: rm -f" {
	background --name orphan -- sleep 100
	pid=$(pid_of orphan)
	kill_monitor orphan
	timeout -k 1 20 "$HUSK" rm -f orphan
	eventually is_gone "$pid"
}

@test "husk run killed in the foreground: the next command sweeps all" {
	"$HUSK" run --name cut --rootfs "$ROOTFS" --net none -- sleep 1000 &
	husk_pid=$!
	eventually running cut
	pid=$(pid_of cut)
	kill -KILL "$husk_pid"
	wait "$husk_pid" || true
	container -- true
	eventually is_gone "$pid"
	run husk ps -q
	[[ -z $output ]]
	husk rm -f cut || true
}

@test "husk run --rm killed in the foreground: nothing is left after the next command" {
	"$HUSK" run --rm --name cut --rootfs "$ROOTFS" --net none -m 64m -- sh -c 'sleep 1000 & sleep 1000' &
	husk_pid=$!
	eventually running cut
	kill -KILL "$husk_pid"
	wait "$husk_pid" || true
	container --name cut -- true
}

@test "husk run -d killed at any moment: nothing is left, and the name is free" {
	# $RANDOM is seeded: the same delays every time, though not the same moments.
	RANDOM=4711
	for i in {1..20}; do
		delay=$((RANDOM % 8000))
		"$HUSK" run -d --name cut --rootfs "$ROOTFS" --net none -m 64m -- sleep 1000 >/dev/null 2>&1 &
		husk_pid=$!
		sleep "$(printf '0.%06d' "$delay")"
		kill -KILL "$husk_pid" 2>/dev/null || true
		wait "$husk_pid" || true
		container -- true
		# Either it had come far enough to be a container, or there is nothing of it.
		if husk inspect cut >/dev/null 2>&1; then
			husk rm -f cut >/dev/null
		fi
		container --name cut -- true || {
			echo "round $i, delay $delay us"
			return 1
		}
		test_end || {
			echo "round $i, delay $delay us"
			return 1
		}
	done
}

@test "husk run --rm killed at any moment" {
	RANDOM=815
	for i in {1..20}; do
		delay=$((RANDOM % 12000))
		"$HUSK" run --rm --name cut --rootfs "$ROOTFS" --net none -m 64m -- sleep 1000 >/dev/null 2>&1 &
		husk_pid=$!
		sleep "$(printf '0.%06d' "$delay")"
		kill -KILL "$husk_pid" 2>/dev/null || true
		wait "$husk_pid" || true
		container --name cut -- true && test_end || {
			echo "round $i, delay $delay us"
			return 1
		}
	done
}

# The child that will be init has a copy of its parent's fds, and with them the locks, until it executes.
@test "the name of a container whose command was killed, and whose locks live a moment longer" {
	need_program strace
	strace -o /dev/null -e trace=clone3 -e inject=clone3:signal=KILL:when=1 \
		"$HUSK" run --rm --name cut --rootfs "$ROOTFS" --net none -- true || true
	id=$(basename "$(readlink "$HUSK_ROOT/names/cut")")
	[[ -e $HUSK_STATE/pending/$id ]]
	flock "$HUSK_STATE/pending/$id" sleep 0.3 3>&- &
	eventually bash -c '! flock -n "$1" true' - "$HUSK_STATE/pending/$id"
	container --name cut -- true
	[[ ! -e $HUSK_STATE/pending/$id ]]
	wait
}

@test "a foreign process with the number of a dead one is never touched" {
	id=$(background --name old -- sleep 100)
	kill_monitor old
	pid=$(pid_of old)
	kill -KILL "$pid"
	eventually is_gone "$pid"
	[[ $(field old .State.Running) == false ]]
	run husk kill old
	[[ $status -ne 0 ]]
	husk rm "$id"
}

# The delay stands for a loaded machine: the command runs, and its supervision has not begun.
@test "a signal before the supervision has begun is the command's" {
	need_program strace
	strace -f -o /dev/null -e inject=signalfd4:delay_enter=1500000 "$HUSK" run --rm --name early --rootfs "$ROOTFS" --net none -- \
		sh -c 'trap "exit 9" TERM; while :; do sleep 0.1; done' &
	tracer=$!
	eventually running early
	kill -TERM "$(pgrep -P "$tracer" husk)"
	wait "$tracer" && return 1 || [[ $? -eq 9 ]]
}

@test "what the monitor could not do is said, not that it has died" {
	mount -t tmpfs nothing "$(dirname "$(readlink -f "$HUSK")")/../libexec/husk"
	for _ in {1..10}; do
		run --separate-stderr husk run -d --rootfs "$ROOTFS" --net none -- true
		umounted=$stderr
		[[ $status -eq 125 && $umounted == *"husk-monitor: No such file or directory"* ]] || break
	done
	umount "$(dirname "$(readlink -f "$HUSK")")/../libexec/husk"
	[[ $status -eq 125 && $umounted == *"husk-monitor: No such file or directory"* ]] || {
		echo "$status: $umounted"
		return 1
	}
}

# starting CALL COMMAND...: husk COMMAND in the background, its CALL (of init's or its own) held up for a second.
starting() {
	local call=$1
	shift
	strace -f -o /dev/null -e "inject=$call:delay_enter=1000000:when=1" "$HUSK" "$@" >"$BATS_TEST_TMPDIR/started" 2>&1 &
	starter=$!
}

@test "rm, rm -f and stop of a container that is just starting come before or after, never in between" {
	need_program strace
	for call in move_mount pivot_root renameat2; do
		starting "$call" run -d --name late --rootfs "$ROOTFS" --net bridge -p 7400:80 -- sleep 100
		eventually husk inspect late >/dev/null
		run husk rm late
		# Refused because it runs, or it was faster and there is no container: never both.
		[[ $status -eq 0 || $output == *"is running"* ]]
		husk rm -f late >/dev/null || true
		wait "$starter" || true
		[[ -z $(husk ps -aq) ]]
		starting "$call" run -d --name late --rootfs "$ROOTFS" --net bridge -p 7400:80 -- sleep 100
		eventually husk inspect late >/dev/null
		husk stop -t 0 late || true
		run ! running late
		husk rm -f late >/dev/null || true
		wait "$starter" || true
	done
	# The port is free again.
	husk run -d --name late --rootfs "$ROOTFS" --net bridge -p 7400:80 -- sleep 100
	husk rm -f late
}

# The removal is at its slowest between its steps; the start knows the id.
@test "a start beside a removal finds no container, and leaves nothing of one" {
	need_program strace
	local id
	id=$(background --name going -- sleep 100)
	husk kill going
	strace -f -o /dev/null -e inject=unlinkat:delay_enter=200000 "$HUSK" rm going &
	eventually test ! -L "$HUSK_ROOT/names/going"
	for _ in {1..10}; do
		husk start "$id" || true
		sleep 0.1
	done
	wait $!
	run ! husk start "$id"
	[[ -z $(husk ps -aq) && -z $(find "$HUSK_ROOT/containers" "$HUSK_STATE/containers" -mindepth 1) ]]
}

at_second_flock() {
	[[ $(grep -c flock "$BATS_TEST_TMPDIR/trace") -ge 2 ]]
}

@test "rm that has waited for a start looks again" {
	need_program strace
	local id status=0
	id=$(background --name again -- sleep 100)
	husk kill again
	strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=flock -P "$HUSK_STATE/containers/$id/lock" -e inject=flock:delay_enter=1500000:when=2 \
		"$HUSK" rm again >"$BATS_TEST_TMPDIR/said" 2>&1 &
	eventually at_second_flock
	husk start again
	wait $! || status=$?
	cat "$BATS_TEST_TMPDIR/said"
	[[ $status -eq 1 && $(<"$BATS_TEST_TMPDIR/said") == *"is running"* ]]
	husk exec again true
	husk rm -f again
}

@test "the end of a container that nobody saw gives back its port, and --rm its files" {
	husk run -d --name one --rootfs "$ROOTFS" --net bridge -p 7400:80 -- sleep 100
	husk run -d --rm --name two --rootfs "$ROOTFS" --net bridge -p 7401:80 -- sleep 100
	for name in one two; do
		pid=$(pid_of "$name")
		monitor=$(cut -d ' ' -f 4 "/proc/$pid/stat")
		kill -KILL "$monitor" "$pid"
		eventually is_gone "$pid"
	done
	# Whoever wants the port is told nothing of it.
	husk run -d --name three --rootfs "$ROOTFS" --net bridge -p 7400-7401:80-81 -- sleep 100
	[[ $(husk ps -a --format '{{.Names}}' | sort | xargs) == "one three" ]]
	[[ $(husk ps -a --format '{{.Status}}' --filter name=one 2>/dev/null || husk ps -a | grep one) != *years* ]]
	husk rm -f one three
}

# tracee PROGRAM...: makes its parent its tracer, gets a signal that it handles, and becomes PROGRAM.
make_tracee() {
	cat >"$BATS_TEST_TMPDIR/tracee.c" <<-'END'
		#include <signal.h>
		#include <stdio.h>
		#include <sys/ptrace.h>
		#include <unistd.h>
		static void handled(int number) { write(1, "handled\n", 8); }
		int main(int argc, char **argv)
		{
			signal(SIGUSR1, handled);
			if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
				return 3;
			raise(SIGUSR1);
			execv(argv[1], argv + 1);
			return 4;
		}
	END
	"${CC:-cc}" -static -o "$ROOTFS/bin/tracee" "$BATS_TEST_TMPDIR/tracee.c"
}

@test "a payload that wants to be traced goes on untraced: run, exec, detached, husk-runtime, ns run" {
	need_program cc
	make_tracee
	run -7 timeout 60 husk run --rm --rootfs "$ROOTFS" --net none -- tracee /bin/sh -c 'exit 7'
	expect_output handled
	husk run -d --name traced --rootfs "$ROOTFS" --net none -- tracee /bin/sh -c 'trap "exit 9" TERM; echo up; while :; do sleep 0.1; done'
	is_up() { [[ $(husk logs traced) == *up* ]]; }
	eventually is_up
	run -5 timeout 60 husk exec traced tracee /bin/sh -c 'exit 5'
	expect_output handled
	husk stop -t 60 traced
	[[ $(husk wait traced) == 9 && $(husk logs traced) == $'handled\nup' ]]
	husk rm traced
	run -6 timeout 60 husk ns run --pid -- "$ROOTFS/bin/tracee" /bin/sh -c 'exit 6'
	expect_output handled
	mkdir "$BATS_TEST_TMPDIR/bundle"
	(cd "$BATS_TEST_TMPDIR/bundle" && husk-runtime spec)
	jq --arg root "$ROOTFS" '.root.path = $root | .process.terminal = false | .process.args = ["tracee", "/bin/sh", "-c", "exit 8"]' \
		"$BATS_TEST_TMPDIR/bundle/config.json" >"$BATS_TEST_TMPDIR/new"
	mv "$BATS_TEST_TMPDIR/new" "$BATS_TEST_TMPDIR/bundle/config.json"
	run -8 timeout 60 husk-runtime run --bundle "$BATS_TEST_TMPDIR/bundle" traced
	expect_output handled
}

# with_signals DISPOSITION COMMAND...: as a caller that ignores its children, or blocks signals, would start it.
with_signals() {
	python3 -c '
import os, signal, sys
if sys.argv[1] == "ignored":
    for s in (signal.SIGCHLD, signal.SIGALRM, signal.SIGPIPE):
        signal.signal(s, signal.SIG_IGN)
else:
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
os.umask(0o777)
os.execvp(sys.argv[2], sys.argv[2:])' "$@"
}

@test "a caller that ignores or blocks signals, with a strange umask, gets true answers" {
	local how
	husk run --rm --net none busybox true
	for how in ignored blocked; do
		run -7 timeout 60 bash -c "$(declare -f with_signals); with_signals $how '$HUSK' run --rm --rootfs '$ROOTFS' --net none -- sh -c 'sleep 0.2; exit 7'"
		husk save -o "$BATS_TEST_TMPDIR/archive" busybox
		run -0 timeout 60 bash -c "$(declare -f with_signals); with_signals $how '$HUSK' load -i '$BATS_TEST_TMPDIR/archive'"
		expect_output "Loaded image: busybox:latest"
		run -0 timeout 60 bash -c "$(declare -f with_signals); with_signals $how '$HUSK' run -d --name quiet$how --rootfs '$ROOTFS' --net none -- sh -c 'umask; exit 3'"
		[[ $(husk wait quiet$how) == 3 && $(husk logs quiet$how) == 0022 ]]
		husk rm quiet$how
		rm "$BATS_TEST_TMPDIR/archive"
	done
	# What it made can be read by those that may.
	run -0 find "$HUSK_ROOT" "$HUSK_STATE" -maxdepth 2 -type d ! -perm -u=rwx
	expect_output ""
}
