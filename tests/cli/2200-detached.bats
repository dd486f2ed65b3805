# Containers in the background: run -d, ps, logs, stop, kill, start, wait, rm, inspect, diff.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load helpers

setup_file() {
	make_image
}

# The payload that most tests use: says ready, ends with 5 at SIGTERM.
handler='trap "echo stopping; exit 5" TERM; echo ready; while :; do sleep 0.1; done'

is_ready() {
	logged "$1" ready
}

@test "run -d prints the id and leaves the container running" {
	run background --name one -- sleep 100
	expect_status 0
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	id=$output
	[[ $(husk ps -q) == "${id:0:12}" ]]
	[[ $(husk ps -q --no-trunc) == "$id" ]]
	husk rm -f one
}

calls_of_ps() {
	strace -o "$BATS_TEST_TMPDIR/calls" "$HUSK" ps >/dev/null
	wc -l <"$BATS_TEST_TMPDIR/calls"
}

@test "ps costs ten system calls a container at most" {
	need_program strace
	background --name first -- sleep 100
	one=$(calls_of_ps)
	for number in 1 2 3 4; do
		background --name "more$number" -- sleep 100
	done
	five=$(calls_of_ps)
	echo "one: $one, five: $five"
	((five > one && five - one <= 4 * 10))
	husk rm -f first more{1,2,3,4}
}

@test "ps has the columns of Docker" {
	[[ $(husk ps) == 'CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES' ]]
	id=$(background --name shown -- sleep 100)
	run husk ps
	[[ ${#lines[@]} -eq 2 ]]
	[[ ${lines[1]} =~ ^${id:0:12}\ .*\"sleep\ 100\".*\ ago\ .*Up\ .*\ shown$ ]]
	husk kill shown
	husk wait shown
	run husk ps
	[[ ${#lines[@]} -eq 1 ]]
	run husk ps -a
	[[ ${lines[1]} == *"Exited (137) "*" ago"*shown ]]
	run husk ps -aq
	[[ $output == "${id:0:12}" ]]
	husk rm shown
}

@test "ps: the newest first, long commands shortened" {
	background --name older -- sh -c 'echo a rather long command; sleep 100'
	background --name newer -- sleep 100
	run husk ps
	[[ ${lines[1]} == *newer && ${lines[2]} == *older ]]
	expect_output "\"sh -c 'echo a rathe…\""
	run husk ps --no-trunc
	expect_output "\"sh -c 'echo a rather long command; sleep 100'\""
	husk rm -f older newer
}

@test "logs: all, the last lines, with times, and standard error" {
	background --name talker -- sh -c 'for i in 1 2 3 4 5; do echo line $i; done; echo error >&2; printf "no end"'
	husk wait talker
	run --separate-stderr husk logs talker
	[[ $output == $'line 1\nline 2\nline 3\nline 4\nline 5\nno end' && $stderr == error ]]
	run husk logs -n 0 talker
	[[ -z $output ]]
	run --separate-stderr husk logs -n 3 talker
	[[ $output$stderr == *"no end"* && $output$stderr == *error* && $output$stderr == *"line 5"* && $output$stderr != *"line 4"* ]]
	run --separate-stderr husk logs -t -n 6 talker
	while read -r time text; do
		[[ $time =~ ^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}Z$ && -n $text ]]
	done <<<"$output"
	husk rm talker
}

@test "logs: a long line and one that is not ended yet are lines, with one time each; a fast writer does not keep it" {
	local stamp='^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z '
	background --name long -- sh -c 'echo first; head -c 50000 /dev/zero | tr "\\0" x; sleep 3; echo; printf open; sleep 100'
	is_open() { [[ $(husk logs --tail 1 long) == open ]]; }
	eventually is_open
	[[ $(husk logs long | wc -l) -eq 2 && $(husk logs --tail 2 long | wc -c) -eq 50005 ]]
	[[ $(husk logs --tail 2 -t long | grep -cE "$stamp") -eq 2 && $(husk logs -t long | grep -oE "[0-9]{4}-[0-9]{2}-[0-9]{2}T" | wc -l) -eq 3 ]]
	husk rm -f long
	background --name fast -- sh -c 'while :; do echo line; done'
	eventually logged fast line
	[[ $(timeout 20 "$HUSK" logs --tail 1 fast | wc -l) -le 2 ]]
	timeout 20 "$HUSK" logs fast >/dev/null
	husk rm -f fast
}

@test "logs -f follows and ends when the container ends" {
	background --name talker -- sh -c 'for i in 1 2 3; do echo line $i; sleep 0.3; done'
	run timeout -k 1 20 "$HUSK" logs -f talker
	expect_status 0
	[[ $output == $'line 1\nline 2\nline 3' ]]
	run timeout -k 1 20 "$HUSK" logs -f talker
	[[ $output == $'line 1\nline 2\nline 3' ]]
	husk rm talker
}

@test "stop: the stop signal is handled, the exit code is the handler's" {
	id=$(background --name polite -- sh -c "$handler")
	eventually is_ready polite
	run timeout -k 1 20 "$HUSK" stop polite
	expect_status 0
	[[ $output == polite ]]
	[[ $(field polite .State.Status) == exited && $(field polite .State.ExitCode) == 5 ]]
	[[ $(husk logs polite) == $'ready\nstopping' ]]
	husk rm "${id:0:12}"
}

@test "stop: who does not end in time is killed, and not before" {
	background --name deaf -- sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
	eventually is_ready deaf
	start=$SECONDS
	timeout -k 1 20 "$HUSK" stop -t 2 deaf
	took=$((SECONDS - start))
	[[ $took -ge 1 && $took -le 15 ]]
	[[ $(field deaf .State.ExitCode) == 137 && $(field deaf .State.Running) == false ]]
	husk rm deaf
}

@test "stop uses the container's own stop signal; stopping a stopped one is fine" {
	background --name usr1 --stop-signal USR1 -- sh -c 'trap "exit 6" USR1; echo ready; while :; do sleep 0.1; done'
	eventually is_ready usr1
	timeout -k 1 20 "$HUSK" stop usr1
	[[ $(field usr1 .State.ExitCode) == 6 ]]
	husk stop usr1
	husk rm usr1
}

@test "kill sends the signal asked for" {
	background --name target -- sh -c 'trap "echo usr1" USR1; trap "exit 7" INT; echo ready; while :; do sleep 0.1; done'
	eventually is_ready target
	husk kill -s USR1 target
	eventually logged target usr1
	husk kill --signal SIGINT target
	[[ $(husk wait target) == 7 ]]
	run husk kill target
	[[ $status -ne 0 ]]
	expect_output "not running"
	husk rm target
}

@test "kill without a signal kills: 137" {
	background --name target -- sleep 100
	husk kill target
	[[ $(husk wait target) == 137 ]]
	[[ $(field target .State.ExitCode) == 137 && $(field target .State.OOMKilled) == false ]]
	husk rm target
}

@test "start runs it again, on its own files; logs go on" {
	background --name again -- sh -c 'echo x >>/count; wc -l </count; exec sleep 0.2'
	husk wait again
	husk start again
	husk wait again
	[[ $(husk logs again) == $'1\n2' ]]
	run husk start again
	[[ $output == again ]]
	husk wait again
	husk rm again
}

@test "start of a running container changes nothing" {
	background --name up -- sleep 100
	pid=$(pid_of up)
	husk start up
	[[ $(pid_of up) == "$pid" ]]
	husk rm -f up
}

@test "wait prints the exit code of each, also of those that ended before" {
	background --name w3 -- sh -c 'exit 3'
	background --name w4 -- sh -c 'sleep 0.5; exit 4'
	run timeout -k 1 20 "$HUSK" wait w3 w4
	[[ $output == $'3\n4' ]]
	husk rm w3 w4
}

@test "what ends at once is recorded as exited, with its code and output" {
	for i in {1..20}; do
		background --name "quick$i" -- sh -c "echo output $i; exit $i"
	done
	for i in {1..20}; do
		eventually has_ended "quick$i"
		[[ $(field "quick$i" .State.ExitCode) == "$i" ]]
		[[ $(husk logs "quick$i") == "output $i" ]]
		husk rm "quick$i"
	done
}

@test "rm -f of what is not there says so and is content, as docker" {
	run --separate-stderr husk rm -f nosuch
	[[ $status -eq 0 && $stderr == *nosuch* && $output == "" ]]
	# What a script gets that forgot to set its variable.
	run --separate-stderr husk rm -f ''
	[[ $status -eq 1 && $stderr == 'husk: the name of a container is empty' ]]
	run --separate-stderr husk rm nosuch
	[[ $status -eq 1 && $stderr == *nosuch* ]]
}

@test "rm refuses a running container, rm -f removes it" {
	background --name busy -- sleep 100
	pid=$(pid_of busy)
	run husk rm busy
	expect_status 1
	expect_output "is running"
	[[ -e /proc/$pid ]]
	run husk rm -f busy
	[[ $status -eq 0 && $output == busy ]]
	eventually is_gone "$pid"
	[[ -z $(husk ps -aq) ]]
	[[ -z $(find "$HUSK_ROOT/containers" "$HUSK_ROOT/names" -mindepth 1) ]]
}

@test "rm --rm: a detached container with --rm is gone when it has ended" {
	background --rm --name fleeting -- sleep 0.3
	husk inspect fleeting >/dev/null
	eventually bash -c '[[ -z $("$HUSK" ps -aq) ]]'
}

@test "a name is taken once, and free again after rm" {
	background --name same -- sleep 100
	expect_refusal run -d --rootfs "$ROOTFS" --net none --name same -- sleep 100
	[[ $stderr == *same* && $stderr == *"$(husk ps -q)"* ]]
	husk rm -f same
	background --name same -- true
	husk wait same
	husk rm same
}

@test "two at once with one name: exactly one succeeds" {
	for i in {1..6}; do
		background --name contested -- sleep 100 >"$BATS_TEST_TMPDIR/$i" 2>&1 &
	done
	wait
	[[ $(cat "$BATS_TEST_TMPDIR"/[1-6] | grep -Ecx '[0-9a-f]{64}') -eq 1 ]]
	[[ $(husk ps -aq | wc -l) -eq 1 ]]
	husk rm -f contested
}

@test "containers are found by name, id and beginning of the id" {
	id=$(background --name found -- sleep 100)
	for word in found "$id" "${id:0:12}" "${id:0:4}"; do
		[[ $(field "$word" .Id) == "$id" ]]
	done
	run husk inspect nosuch
	expect_status 1
	expect_output nosuch
	husk rm -f "${id:0:6}"
}

@test "a beginning that two ids have means neither" {
	local id other
	id=$(husk run -d --net none --rootfs "$ROOTFS" -- true)
	husk wait "$id"
	other=${id:0:63}$([[ $id == *0 ]] && echo 1 || echo 0)
	mkdir "$HUSK_ROOT/containers/$other"
	run -1 husk rm -f "${id:0:12}"
	expect_output "the id prefix ${id:0:12} means 2 containers"
	rmdir "$HUSK_ROOT/containers/$other"
	husk rm "${id:0:12}"
}

@test "what is done to many goes on after one that fails" {
	background --name a -- true
	background --name b -- true
	husk wait a b
	run husk rm a nosuch b
	expect_status 1
	expect_output nosuch
	[[ -z $(husk ps -aq) ]]
}

@test "inspect says what was asked for and what became of it" {
	id=$(background --name told -e A=b -w /tmp -u alice -h box -m 64m --cpus 0.5 --pids-limit 50 --read-only \
		--cap-add NET_ADMIN --label k=v --stop-signal INT -- sleep 100)
	husk inspect told >"$BATS_TEST_TMPDIR/json"
	check() {
		jq -e ".[0] | $1" "$BATS_TEST_TMPDIR/json" >/dev/null || {
			echo "not so: $1"
			return 1
		}
	}
	check ".Id == \"$id\" and .Name == \"/told\""
	check '.Created | test("^20..-..-..T..:..:..[.][0-9]+Z$")'
	check '.Path == "sleep" and .Args == ["100"]'
	check '.State | .Status == "running" and .Running and .Pid > 1 and .ExitCode == 0 and .OOMKilled == false'
	check '.State.StartedAt | test("^20")'
	check '.Config | .Hostname == "box" and .User == "alice" and .WorkingDir == "/tmp" and .Labels.k == "v"'
	check '.Config | .Cmd == ["sleep", "100"] and .StopSignal == "SIGINT" and (.Env | index("A=b") != null)'
	check '.HostConfig | .Memory == 67108864 and .NanoCpus == 500000000 and .PidsLimit == 50 and .ReadonlyRootfs'
	check '.HostConfig | .NetworkMode == "none" and .AutoRemove == false and .Privileged == false'
	check '.HostConfig.CapAdd | index("CAP_NET_ADMIN") != null or index("NET_ADMIN") != null'
	check '.NetworkSettings.SandboxKey | test("^/proc/[0-9]+/ns/net$")'
	husk kill told
	husk wait told
	husk inspect told >"$BATS_TEST_TMPDIR/json"
	check '.State | .Status == "exited" and (.Running | not) and .Pid == 0 and .ExitCode == 137'
	check '.State.FinishedAt >= .State.StartedAt'
	husk rm told
}

@test "diff lists what was added, changed and deleted, and nothing else" {
	background --name changed -- sh -c 'touch /new; mkdir /dir; echo >/dir/file; echo x >>/etc/passwd; rm /bin/ls; chmod 700 /root'
	husk wait changed
	run husk diff changed
	sorted=$(sort <<<"$output")
	[[ $sorted == "$(printf '%s\n' 'A /dir' 'A /dir/file' 'A /new' 'C /bin' 'C /etc' 'C /etc/passwd' 'C /root' 'D /bin/ls' | sort)" ]] || {
		echo "$output"
		false
	}
	husk rm changed
}

@test "two containers of one root do not see each other's writes" {
	background --name left -- sh -c 'echo left >/file; sleep 100'
	background --name right -- sh -c 'sleep 100'
	eventually husk exec left test -s /file
	run husk exec right cat /file
	[[ $status -ne 0 ]]
	husk rm -f left right
	[[ ! -e $ROOTFS/file ]]
}

@test "the log is bounded and its newest line is there" {
	background --name flood -- sh -c 'yes "0123456789 0123456789 0123456789 0123456789 0123456789" | head -c 25000000; echo; echo the newest line'
	timeout -k 1 100 "$HUSK" wait flood
	total=0
	while read -r size; do
		total=$((total + size))
	done < <(find "$HUSK_ROOT/containers" -path '*/upper' -prune -o -type f -name 'log*' -printf '%s\n')
	[[ $total -gt 1000000 && $total -le $((31 << 20)) ]]
	[[ $(husk logs -n 1 flood) == "the newest line" ]]
	husk rm flood
}

@test "a detached container does not hold the caller's output or terminal" {
	out=$(timeout -k 1 20 "$HUSK" run -d --rootfs "$ROOTFS" --net none --name quiet -- sleep 100 | cat)
	[[ $out =~ ^[0-9a-f]{64}$ ]]
	pid=$(pid_of quiet)
	[[ $(ps -o sid= -p "$pid") != "$(ps -o sid= -p $$)" ]]
	husk rm -f quiet
}

@test "run -d of a command that does not exist: an error, and the container is recorded as never started" {
	run -127 --separate-stderr background --name broken -- /no/such/thing
	[[ $stderr == *"/no/such/thing"* ]]
	run husk ps -a
	[[ $output == *broken* && $output != *" Up "* ]]
	husk rm broken
}
