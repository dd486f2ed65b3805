# husk exec: one more process in a running container, confined as the container is.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load helpers

setup_file() {
	make_image
}

setup() {
	test_begin
	background --name box -e INSIDE=yes -w /tmp -m 128m -- sleep 1000 >/dev/null
}

teardown() {
	husk rm -f box >/dev/null || true
	test_end
}

@test "exec is in every namespace of PID 1" {
	pid=$(pid_of box)
	for type in cgroup ipc mnt net pid uts user time; do
		[[ $(husk exec box readlink "/proc/self/ns/$type") == "$(readlink "/proc/$pid/ns/$type")" ]]
	done
}

@test "exec is in the cgroups of PID 1" {
	pid=$(pid_of box)
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	husk exec -i box sh -c 'echo up; read -r line' <"$BATS_TEST_TMPDIR/fifo" >"$BATS_TEST_TMPDIR/out" &
	exec 5>"$BATS_TEST_TMPDIR/fifo"
	eventually test -s "$BATS_TEST_TMPDIR/out"
	other=$(find_other "$pid")
	[[ $other && $(</proc/"$other"/cgroup) == "$(</proc/"$pid"/cgroup)" ]]
	echo >&5
	exec 5>&-
	wait $!
}

# The other process of the PID namespace that $1 is in.
find_other() {
	local at here
	here=$(readlink "/proc/$1/ns/pid")
	for at in /proc/[0-9]*; do
		[[ ${at#/proc/} != "$1" && $(readlink "$at/ns/pid" 2>/dev/null) == "$here" ]] && echo "${at#/proc/}"
	done
	return 0
}

@test "exec is confined as PID 1: capabilities, seccomp, no new privileges" {
	pid=$(pid_of box)
	fields='^(Cap...|NoNewPrivs|Seccomp|Seccomp_filters|Uid|Gid|Groups):'
	[[ $(husk exec box cat /proc/self/status | grep -E "$fields") == "$(grep -E "$fields" "/proc/$pid/status")" ]]
	run husk exec box mount -t tmpfs none /tmp
	[[ $status -ne 0 ]]
}

@test "exec of an unprivileged container's user stays without capabilities" {
	run husk exec -u alice box grep CapEff /proc/self/status
	expect_output 0000000000000000
	id=$(background -u alice --security-opt no-new-privileges -- sleep 1000)
	run husk exec "$id" sh -c 'id -u; grep -E "CapEff|NoNewPrivs" /proc/self/status'
	expect_output 1000
	expect_output 0000000000000000
	[[ ${lines[2]} == NoNewPrivs*1 ]]
	husk rm -f "$id"
}

@test "exec: exit codes pass through" {
	for code in 0 1 7 125 126 127 255; do
		run -"$code" husk exec box sh -c "exit $code"
	done
	run -143 husk exec box sh -c 'kill -TERM $$; sleep 5'
}

@test "exec: 127 for what does not exist, 126 for what cannot be run" {
	run -127 --separate-stderr husk exec box /no/such/thing
	[[ $stderr == *"/no/such/thing"* && $stderr != *$'\n'* ]]
	run -126 --separate-stderr husk exec box /etc/passwd
	[[ $stderr == *"/etc/passwd"* && $stderr != *$'\n'* ]]
	[[ $(field box .State.Running) == true ]]
}

@test "exec: environment, working directory, user" {
	run husk exec box sh -c 'echo $INSIDE; pwd; id -u'
	[[ $output == $'yes\n/tmp\n0' ]]
	LEAK=secret CALLER=called run husk exec -e 'A=b c' -e CALLER -w /etc -u alice box sh -c 'echo "$A|$CALLER|${LEAK-none}"; pwd; id -u; echo $HOME'
	[[ $output == $'b c|called|none\n/etc\n1000\n/home/alice' ]]
	run husk exec -u 5:6 box sh -c 'id -u; id -g'
	[[ $output == $'5\n6' ]]
}

@test "exec makes no working directory" {
	run -127 husk exec -w /no/such box true
	[[ $output == *"working directory /no/such: No such file or directory"* ]]
	husk exec box test ! -e /no
	run -126 husk exec -w /proc/1/root box true
}

@test "exec sees and changes what PID 1 does" {
	husk exec box sh -c 'echo written >/file'
	[[ $(husk exec box cat /file) == written ]]
	run husk exec box sh -c 'ps -o pid,comm | grep -c sleep'
	[[ $output == 1 ]]
	[[ $(husk exec box hostname) == "$(field box .Config.Hostname)" ]]
}

@test "exec: input with -i, none without, arguments as they are" {
	run bash -c 'printf "a\nb\n" | "$HUSK" exec -i box wc -l'
	[[ $output == 2 ]]
	run bash -c 'printf "a\nb\n" | "$HUSK" exec box wc -l'
	[[ $output == 0 ]]
	run bash -c 'head -c 3000000 /dev/zero | "$HUSK" exec -i box cat | wc -c'
	[[ $output == 3000000 ]]
	run husk exec box sh -c 'printf "<%s>" "$@"' sh "a b" $'c\nd' ''
	[[ $output == $'<a b><c\nd><>' ]]
}

@test "exec: standard output and error stay apart" {
	run --separate-stderr husk exec box sh -c 'echo out; echo err >&2'
	[[ $output == out && $stderr == err ]]
}

@test "exec -t: a terminal" {
	need_program script
	run timeout -k 1 30 script -qec 'stty rows 31 cols 97; "$HUSK" exec -it box sh -c "test -t 0 && stty size; tty; exit 6"' /dev/null </dev/null
	expect_status 6
	expect_output "31 97"
	expect_output /dev/pts/
}

@test "20 at once" {
	for i in {1..20}; do
		husk exec box sh -c "echo number $i; exit $i" >"$BATS_TEST_TMPDIR/$i" &
		pids[i]=$!
	done
	for i in {1..20}; do
		code=0
		wait "${pids[i]}" || code=$?
		[[ $code -eq $i && $(<"$BATS_TEST_TMPDIR/$i") == "number $i" ]]
	done
}

@test "what exec started in the background dies with the container" {
	husk exec box sh -c 'sleep 1000 >/dev/null 2>&1 </dev/null &'
	other=$(find_other "$(pid_of box)")
	[[ $other ]]
	husk rm -f box
	eventually is_gone "$other"
}

has_other() {
	[[ $(find_other "$(pid_of "$1")") ]]
}

@test "exec of a container that ends is told so" {
	husk exec box sleep 1000 &
	eventually has_other box
	husk kill box
	wait $! && return 1 || [[ $? -eq 137 ]]
}

@test "exec in a stopped container and in none is refused" {
	expect_failure exec nosuch true
	[[ $stderr == *nosuch* ]]
	husk kill box
	husk wait box
	expect_failure exec box true
	[[ $stderr == *"not running"* ]]
}

@test "exec -d returns at once, and the command runs on" {
	background --name rear -- sleep 100
	run --separate-stderr husk exec -d rear sh -c 'echo nowhere; until [ -e /tmp/go ]; do sleep 0.1; done; echo done >/tmp/done; exec sleep 100'
	[[ $status -eq 0 && -z $output && -z $stderr ]]
	husk exec rear touch /tmp/go
	eventually husk exec rear test -s /tmp/done
	[[ $(husk logs rear) == "" ]]
	run husk exec -d rear /no/such/command
	expect_status 127
	run husk exec -d nosuch true
	[[ $status -ne 0 ]]
	husk rm -f rear
}

@test "exec -d -t has a terminal for as long as it runs" {
	background --name rear -- sleep 100
	husk exec -dt rear sh -c 'sleep 1; test -t 0 && tty >/tmp/tty; exec sleep 100'
	eventually husk exec rear grep pts /tmp/tty
	husk exec rear grep -v "not a tty" /tmp/tty
	[[ $(husk exec rear ps) == *"sleep 100"*"sleep 100"* ]]
	husk rm -f rear
}
