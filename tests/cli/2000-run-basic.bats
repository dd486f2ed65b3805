# husk run in the foreground: the process, its surroundings, its input, output and exit code.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load helpers

setup_file() {
	make_image
}

@test "the command is PID 1 and sees only itself" {
	run container -- ps -o pid,comm
	expect_status 0
	[[ ${#lines[@]} -eq 2 && ${lines[1]} =~ ^\ *1\ +ps ]]
}

@test "on the host the command has another PID" {
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	container --name seen -i -- sh -c 'echo $$; read -r line' <"$BATS_TEST_TMPDIR/fifo" >"$BATS_TEST_TMPDIR/out" &
	exec 5>"$BATS_TEST_TMPDIR/fifo"
	eventually test -s "$BATS_TEST_TMPDIR/out"
	[[ $(<"$BATS_TEST_TMPDIR/out") == 1 ]]
	pid=$(pid_of seen)
	[[ $pid -gt 1 && $(<"/proc/$pid/comm") == sh ]]
	echo go >&5
	exec 5>&-
	wait $!
}

@test "exit codes pass through" {
	for code in 0 1 7 42 125 126 127 255; do
		run -"$code" container -- sh -c "exit $code"
	done
}

@test "a command that does not exist: 127 and one sentence" {
	run -127 --separate-stderr container -- /no/such/thing
	[[ $stderr == *"/no/such/thing"* && $stderr != *$'\n'* ]]
	run -127 --separate-stderr container -- nosuchthing
	[[ $stderr == *"nosuchthing"* && $stderr != *$'\n'* ]]
}

@test "a program whose interpreter or loader is missing: 127, and which it is" {
	local dir=$BATS_TEST_TMPDIR/bin word
	mkdir "$dir"
	printf '#! /opt/none/python3 -u\nprint(1)\n' >"$dir/script"
	printf '#!/opt/\e[31m\n' >"$dir/red"
	: >"$dir/empty"
	printf 'int main(void) { return 0; }' | cc -x c -o "$dir/dynamic" -Wl,--dynamic-linker=/opt/none/ld.so.1 -
	head -c 100 "$dir/dynamic" >"$dir/cut"
	chmod +x "$dir"/*
	for word in /opt/script script; do
		run -127 --separate-stderr container -v "$dir:/opt" -e PATH=/bin:/opt:/sbin -- "$word"
		[[ $stderr == *"exec: \"/opt/script\": no such file or directory: the file is there, its interpreter or loader /opt/none/python3 is not"* ]]
	done
	run -127 --separate-stderr container -v "$dir:/opt" -- /opt/dynamic
	[[ $stderr == *"its interpreter or loader /opt/none/ld.so.1 is not"* ]]
	run -127 --separate-stderr container -v "$dir:/opt" -- /opt/red
	[[ $stderr == *"its interpreter or loader /opt/"* && $stderr != *$'\e'* ]]
	run -126 --separate-stderr container -v "$dir:/opt" -- /opt/empty
	run -126 --separate-stderr container -v "$dir:/opt" -- /opt/cut
	# What comes later in the path is found.
	mkdir "$dir/later"
	printf '#!/bin/sh\necho later\n' >"$dir/later/script"
	chmod +x "$dir/later/script"
	run -0 container -v "$dir:/opt" -e PATH=/opt:/opt/later -- script
	[[ $output == later ]]
	container --name hinted -d -v "$dir:/opt" -- sleep 100
	run -127 --separate-stderr husk exec hinted /opt/script
	[[ $stderr == *"its interpreter or loader /opt/none/python3 is not"* ]]
	husk rm -f hinted
}

@test "a program with capabilities that the container may not have: which" {
	local dir=$BATS_TEST_TMPDIR/bin
	need_program setcap
	mkdir "$dir"
	cp "$(command -v busybox)" "$dir/busybox"
	setcap cap_net_raw,cap_chown+ep "$dir/busybox"
	run -126 --separate-stderr container -v "$dir:/opt" -- /opt/busybox echo hello
	[[ $stderr == *"operation not permitted: the file has capabilities that this container may not have (--cap-add NET_RAW)"* ]]
	run -0 container --cap-add NET_RAW -v "$dir:/opt" -- /opt/busybox echo hello
	[[ $output == hello ]]
}

@test "a command that is no program: 126 and one sentence" {
	run -126 --separate-stderr container -- /etc/passwd
	[[ $stderr == *"/etc/passwd"* && $stderr != *$'\n'* ]]
	run -126 container -- /etc
}

@test "a death by signal is 128 plus its number" {
	run -3 container -- sh -c 'kill -KILL $$; exit 3'
	run -143 container -- sh -c 'sh -c "kill -TERM \$\$"; exit $?'
	container --name dying -- sleep 100 &
	eventually running dying
	husk kill dying
	wait $! && return 1 || [[ $? -eq 137 ]]
}

@test "arguments with spaces, newlines, quotes and none at all arrive as they are" {
	run container -- sh -c 'printf "<%s>" "$@"' sh "a b" $'c\nd' '' '"e"' '$HOME' '*' 'ü'
	[[ $output == $'<a b><c\nd><><"e"><$HOME><*><ü>' ]]
}

@test "environment: spaces, the caller's by name, a file, and nothing else of the host" {
	printf '# comment\n\nFROM_FILE=one two\nCALLER\n' >"$BATS_TEST_TMPDIR/env"
	CALLER=called LEAK=secret run container -e 'A=b  c' -e 'E=' -e CALLER -e MISSING -e $'N=x\ny' \
		--env-file "$BATS_TEST_TMPDIR/env" -- sh -c 'printf "%s|" "$A" "$E" "$CALLER" "${MISSING-unset}" "$N" "$FROM_FILE"'
	[[ $output == $'b  c||called|unset|x\ny|one two|' ]]
	printf '\xef\xbb\xbfWINDOWS=mark\r\nEND=\r\n' >"$BATS_TEST_TMPDIR/env"
	run container --env-file "$BATS_TEST_TMPDIR/env" -- sh -c 'printf "%s|" "$WINDOWS" "$END"'
	[[ $output == 'mark||' ]]
	run container --env-file <(echo PIPE=read) -- sh -c 'echo "$PIPE"'
	[[ $output == read ]]
	LEAK=secret run container -- env
	[[ $output != *LEAK* && $output != *HUSK* && $output != *BATS* ]]
	run container -- sh -c 'tr "\0" "\n" </proc/1/environ | sed "s/=.*//" | sort | tr "\n" " "'
	[[ $output == "HOME HOSTNAME PATH " ]]
}

@test "working directory, made when it is missing" {
	run container -w /tmp -- pwd
	[[ $output == /tmp ]]
	run container -w /not/there/yet -- sh -c 'pwd; stat -c "%u %a" /not/there'
	[[ $output == $'/not/there/yet\n0 755' ]]
	[[ ! -e $ROOTFS/not ]]
	run container -- pwd
	[[ $output == / ]]
}

@test "user by number, by name, with a group, and its supplementary groups and home" {
	run container -u 12:34 -- sh -c 'id -u; id -g'
	[[ $output == $'12\n34' ]]
	run container -u alice -- sh -c 'id -u; id -g; id -G; echo $HOME'
	[[ $output == $'1000\n1000\n1000 29\n/home/alice' ]]
	run container -u alice:audio -- id -g
	[[ $output == 29 ]]
	run container -u 4242 -- sh -c 'id -u; id -g; echo $HOME'
	[[ $output == $'4242\n0\n/' ]]
	expect_refusal run --rm --rootfs "$ROOTFS" --net none -u nosuchuser -- true
	expect_refusal run --rm --rootfs "$ROOTFS" --net none -u root:nosuchgroup -- true
}

@test "another user than root has no capability" {
	run container -u alice -- grep -E 'Cap(Eff|Prm|Inh|Amb)' /proc/self/status
	[[ $(grep -c 0000000000000000 <<<"$output") -eq 4 ]]
}

@test "host name: the given one, else the short id; /etc/hostname says the same" {
	run container -h box -- sh -c 'hostname; cat /etc/hostname; echo $HOSTNAME'
	[[ $output == $'box\nbox\nbox' ]]
	run container -- hostname
	[[ $output =~ ^[0-9a-f]{12}$ ]]
	[[ $(hostname) == test-host ]]
}

@test "--entrypoint goes before the command" {
	run container --entrypoint /bin/echo -- one "two three"
	[[ $output == "one two three" ]]
}

@test "-i connects standard input; without it there is /dev/null" {
	run bash -c 'printf "a\nb\n" | "$HUSK" run --rm -i --rootfs "$ROOTFS" --net none -- wc -l'
	[[ $output == 2 ]]
	run bash -c 'printf "a\nb\n" | "$HUSK" run --rm --rootfs "$ROOTFS" --net none -- wc -l'
	[[ $output == 0 ]]
	run bash -c 'head -c 3000000 /dev/zero | "$HUSK" run --rm -i --rootfs "$ROOTFS" --net none -- wc -c'
	[[ $output == 3000000 ]]
}

@test "a command that ends before its input does" {
	run timeout -k 1 20 bash -c 'yes | "$HUSK" run --rm -i --rootfs "$ROOTFS" --net none -- head -n 1'
	expect_status 0
	[[ $output == y ]]
}

@test "standard output and error stay apart" {
	run --separate-stderr container -- sh -c 'echo out; echo err >&2'
	[[ $output == out && $stderr == err ]]
}

@test "ten megabytes of output arrive complete" {
	run bash -c '"$HUSK" run --rm --rootfs "$ROOTFS" --net none -- sh -c "yes 0123456789abcde | head -c 10000000" | cksum'
	expected=$(yes 0123456789abcde | head -c 10000000 | cksum)
	[[ $output == "$expected" ]]
}

@test "binary output arrives as it is" {
	head -c 100000 /dev/urandom >"$BATS_TEST_TMPDIR/random"
	container -i -- cat <"$BATS_TEST_TMPDIR/random" >"$BATS_TEST_TMPDIR/out"
	cmp "$BATS_TEST_TMPDIR/random" "$BATS_TEST_TMPDIR/out"
}

@test "a slow reader gets everything" {
	run bash -c '"$HUSK" run --rm --rootfs "$ROOTFS" --net none -- sh -c "yes | head -c 300000" | (sleep 1; wc -c)'
	[[ $output == 300000 ]]
}

# Read by nobody any more, as `husk run ... | head` leaves it.
closed_output() {
	set +o pipefail
	timeout -k 1 10 "$HUSK" run --rm --rootfs "$ROOTFS" --net none -- yes | head -n 1
	echo "${PIPESTATUS[0]}"
}

@test "a closed output ends a command that writes" {
	run closed_output
	[[ ${lines[0]} == y && ${lines[1]} != 137 && ${lines[1]} != 124 ]]
}

@test "the output of 200 short commands is never lost" {
	for i in {1..200}; do
		[[ $(container -- echo "this is number $i") == "this is number $i" ]]
	done
}

@test "--read-only: the root cannot be written, /dev/shm and a tmpfs can" {
	run container --read-only -- touch /file
	expect_status 1
	expect_output "Read-only file system"
	run container --read-only --tmpfs /tmp -- sh -c 'touch /dev/shm/a /tmp/b && echo fine'
	[[ $output == fine ]]
}

@test "--tmpfs with options" {
	run container --tmpfs /scratch:size=1m,mode=700 -- sh -c 'stat -c %a /scratch; grep " /scratch " /proc/mounts'
	[[ ${lines[0]} == 700 && ${lines[1]} == tmpfs*size=1024k* ]]
	run container --tmpfs /scratch:size=1m -- sh -c 'dd if=/dev/zero of=/scratch/big bs=2M count=1'
	expect_output "No space left"
}

@test "--init reaps orphans, forwards signals and passes the exit code" {
	run container --init -- sh -c 'echo $$; (sleep 0.2 & :); sleep 0.6; ps -o stat,comm | grep -c "^Z"'
	[[ ${lines[0]} -gt 1 && ${lines[1]} == 0 ]]
	run -9 container --init -- sh -c 'exit 9'
	id=$(background --init -- sh -c 'trap "echo got it; exit 4" TERM; echo ready; while :; do sleep 0.1; done')
	eventually logged "$id" ready
	husk kill -s TERM "$id"
	[[ $(husk wait "$id") == 4 ]]
	run husk logs "$id"
	expect_output "got it"
	husk rm "$id"
}

@test "labels are in inspect" {
	id=$(background -l plain=1 --label 'spaced=a b' -l empty -- true)
	[[ $(field "$id" .Config.Labels.plain) == 1 ]]
	[[ $(field "$id" .Config.Labels.spaced) == "a b" ]]
	[[ $(field "$id" .Config.Labels.empty) == "" ]]
	husk wait "$id"
	husk rm "$id"
}

@test "--ulimit" {
	run container --ulimit nofile=100:200 --ulimit core=0 -- sh -c 'ulimit -n; ulimit -Hn; ulimit -c'
	[[ $output == $'100\n200\n0' ]]
}

@test "the root is the container's own, complete, and nothing of the host is in sight" {
	run container -- sh -c 'ls /dev; for name in fd stdin stdout stderr ptmx; do readlink /dev/$name; done'
	for name in null zero full random urandom tty fd stdin stdout stderr ptmx pts shm mqueue; do
		grep -qx "$name" <<<"$output"
	done
	expect_output $'/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx'
	run container -- cat /proc/mounts
	[[ ${lines[0]} == "overlay / overlay "* ]]
	for at in /proc /dev /dev/pts /dev/shm /dev/mqueue /sys; do
		grep -q " $at " <<<"$output"
	done
	grep -q '^sysfs /sys sysfs ro' <<<"$output"
	[[ $output != *"$HUSK_TEST_DIR"* && $output != *oldroot* ]]
	run container -- sh -c 'ls -A / | tr "\n" " "'
	[[ $output == "bin dev etc home proc root sys tmp usr var " ]]
}

@test "nothing of the host's kernel settings can be written" {
	for at in /proc/sys/kernel/hostname /proc/sysrq-trigger /proc/irq/default_smp_affinity; do
		run container -- sh -c "echo 1 >$at"
		[[ $status -ne 0 ]]
	done
	run container -- sh -c 'mkdir /sys/fs/cgroup/mine || mkdir /sys/fs/cgroup/pids/mine'
	[[ $status -ne 0 ]]
	run container -- mount -t tmpfs none /tmp
	[[ $status -ne 0 ]]
}

# A procfs of the host below the root would let a nested user namespace mount one in which nothing is masked.
@test "--no-pivot leaves no file system of the host in the mount namespace" {
	local option user bundle=$BATS_TEST_TMPDIR/bundle
	mkdir "$bundle"
	cp -a "$ROOTFS" "$bundle/rootfs"
	mkdir -p "$bundle"/rootfs/{proc,sys,dev,mnt}
	"${HUSK%/*}/husk-runtime" spec --bundle "$bundle"
	jq '.process.terminal = false | .root.readonly = false | .process.noNewPrivileges = false | .process.user = {uid: 1000, gid: 1000} |
		.process.args = ["unshare", "-Urmpf", "sh", "-c", "id -u; mount -t proc p /mnt && echo revealed; mount -t sysfs s /mnt && echo revealed; wc -l </proc/self/mountinfo"]' \
		"$bundle/config.json" >"$bundle/new"
	mv "$bundle/new" "$bundle/config.json"
	mkdir "$BATS_TEST_TMPDIR/with blank" "$BATS_TEST_TMPDIR/proc"
	mount -t proc proc "$BATS_TEST_TMPDIR/with blank"
	mount -t proc proc "$BATS_TEST_TMPDIR/proc"
	mount -t tmpfs over "$BATS_TEST_TMPDIR/proc"
	# In a user namespace of its own the container may not detach what it has of the host: that is covered.
	jq '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 0, size: 65536}] |
		.linux.gidMappings = .linux.uidMappings' "$bundle/config.json" >"$bundle/user"
	cp "$bundle/config.json" "$bundle/none"
	for user in none user; do
		cp "$bundle/$user" "$bundle/config.json"
		for option in "" --no-pivot; do
			# shellcheck disable=SC2086 # no word
			run "${HUSK%/*}/husk-runtime" run $option --bundle "$bundle" one
			echo "$user $option: $output"
			[[ ${lines[0]} == 0 && $output != *revealed* && ${lines[-1]} -gt 10 ]]
		done
	done
	umount "$BATS_TEST_TMPDIR/proc" "$BATS_TEST_TMPDIR/proc" "$BATS_TEST_TMPDIR/with blank"
	# The host itself has lost nothing.
	[[ -e /proc/self/status && -d /sys/kernel ]]
}

@test "--no-pivot gives the same root" {
	run container --no-pivot -- sh -c 'ls -A / | tr "\n" " "; ls /../..; touch /file && echo written; cat /proc/mounts'
	expect_status 0
	[[ $output == "bin dev etc home proc root sys tmp usr var "* ]]
	expect_output written
	[[ $output != *"$HUSK_TEST_DIR"* ]]
	[[ ! -e $ROOTFS/file ]]
}

@test "mounts stay inside: the host has the same before, during and after" {
	before=$(</proc/self/mountinfo)
	id=$(background --tmpfs /scratch -- sleep 100)
	[[ $(</proc/self/mountinfo) == "$before" ]]
	husk exec "$id" true
	[[ $(</proc/self/mountinfo) == "$before" ]]
	husk rm -f "$id"
	[[ $(</proc/self/mountinfo) == "$before" ]]
}

@test "--rootfs /: any installed program, and writes do not reach the host" {
	run husk run --rm --net none --rootfs / -- bash -c 'echo changed >/etc/passwd; rm -rf /usr/share/doc; cat /etc/passwd; type jq'
	expect_status 0
	expect_output changed
	expect_output "jq is /"
	grep -q ^root: /etc/passwd
	[[ -d /usr/share/doc ]]
}

@test "the directory of --rootfs is never written" {
	before=$(find "$ROOTFS" -printf '%p %i %T@ %m\n' | sort)
	run container -- sh -c 'rm /bin/ls; echo x >>/etc/passwd; mkdir /new; mv /home /house; chmod 700 /root; ls / 2>&1'
	expect_status 0
	[[ $output == *house*new* ]]
	[[ $(find "$ROOTFS" -printf '%p %i %T@ %m\n' | sort) == "$before" ]]
}

@test "-i -t without a terminal is refused, -t alone is given one" {
	expect_refusal run --rm --rootfs "$ROOTFS" --net none -it -- true
	[[ $stderr == *TTY* ]]
	run container -t -- sh -c 'tty; test -t 0 && test -t 1 && test -t 2 && echo terminal; exit 6'
	[[ $status -eq 6 && ${lines[0]} == /dev/* && ${lines[1]%$'\r'} == terminal ]]
	background --name box -- sleep 100
	expect_failure exec -it box true
	[[ $stderr == *TTY* ]]
	run husk exec -t box sh -c 'test -t 0 && test -t 1 && echo terminal; exit 7'
	[[ $status -eq 7 && ${lines[0]%$'\r'} == terminal ]]
	husk rm -f box
}

@test "-t: a terminal of its own, with the caller's size" {
	need_program script
	run timeout 30 script -qec 'stty rows 31 cols 97; "$HUSK" run --rm -it --rootfs "$ROOTFS" --net none -- \
		sh -c "tty; stty size; test -t 0 && test -t 1 && test -t 2 && echo terminal; exit 6"' /dev/null </dev/null
	expect_status 6
	expect_output /dev/pts/0
	expect_output "31 97"
	expect_output terminal
}

@test "-t: the terminal is as before when the command has ended" {
	need_program script
	run timeout 30 script -qec 'before=$(stty -g); "$HUSK" run --rm -it --rootfs "$ROOTFS" --net none -- true
		[[ $(stty -g) == "$before" ]] && echo same' /dev/null </dev/null
	expect_output same
}

# ends_at_once OPTIONS: within 1.5 s, since it waits 2 s for the output of whoever is left.
ends_at_once() {
	local begun=$EPOCHREALTIME
	# shellcheck disable=SC2016 # for script's shell
	run timeout 30 script -qec '"$HUSK" run --rm '"$1"' --rootfs "$ROOTFS" --net none -- echo out' /dev/null </dev/null
	[[ $output == *out* && $(((${EPOCHREALTIME/./} - ${begun/./}) / 1000)) -lt 1500 ]]
}

# A busy machine may need several tries; one that waits needs more than it has.
@test "-t: it is over as soon as the command has ended" {
	need_program script
	eventually ends_at_once -t
	eventually ends_at_once -it
}

@test "a TERM to husk reaches the command, and the exit code comes back" {
	container --name receiver -- sh -c 'trap "exit 8" TERM; echo ready; while :; do sleep 0.1; done' >"$BATS_TEST_TMPDIR/out" &
	pid=$!
	eventually grep -q ready "$BATS_TEST_TMPDIR/out"
	# The child of the shell function's subshell is husk itself.
	kill -TERM "$(pgrep -P "$pid")"
	wait "$pid" && return 1 || [[ $? -eq 8 ]]
}

@test "open descriptors of the caller do not reach the command" {
	exec 7<"$BATS_TEST_TMPDIR"
	run container -- sh -c 'ls /proc/self/fd'
	exec 7<&-
	[[ $output == $'0\n1\n2\n3' ]]
}

@test "--plan says what would be done, and does nothing" {
	before=$(find "$HUSK_ROOT" "$HUSK_STATE" | sort)
	run husk run --plan --rootfs "$ROOTFS" --net none -- true
	expect_status 0
	[[ ${#lines[@]} -gt 10 ]]
	diff <(echo "$before") <(find "$HUSK_ROOT" "$HUSK_STATE" | sort)
}

@test "another user may open /dev/stdout and /dev/stderr: run, run -d and exec" {
	run --separate-stderr container -u alice -- sh -c 'echo out >/dev/stdout; echo err >/dev/stderr'
	expect_status 0
	[[ $output == out && $stderr == err ]]
	[[ $(echo in | container -u alice -i -- cat /dev/stdin) == in ]]
	background --name loud -u alice -- sh -c 'echo out >/dev/stdout; exec sleep 100' >/dev/null
	eventually logged loud out
	[[ $(husk exec loud sh -c 'echo again >/dev/stdout') == again ]]
	husk rm -f loud
}

@test "-t: what was closed and opened again is still the terminal" {
	need_program script
	run timeout 30 script -qec '"$HUSK" run --rm -t --rootfs "$ROOTFS" --net none -- \
		sh -c "echo one; exec </dev/null >/dev/null 2>&1; sleep 0.5; echo two >/dev/console; exec >/dev/tty; echo three"' /dev/null </dev/null
	expect_output one
	expect_output two
	expect_output three
}

@test "a default limit is lowered to what the caller may set, and the plan says so; one that was asked for is not" {
	limited() {
		prlimit --nofile=900:900 setpriv --bounding-set -sys_resource --inh-caps -sys_resource "$HUSK" run --rm \
			--rootfs "$ROOTFS" --net none "$@"
	}
	limited --plan -- true | grep -F 'set rlimit nofile to 900:900  [default, lowered to what may be set]'
	[[ $(limited -- sh -c 'ulimit -n; ulimit -Hn') == $'900\n900' ]]
	run --separate-stderr limited --ulimit nofile=901 -- true
	[[ $status -eq 125 && -z $output && $stderr == *nofile*900:900* && $stderr != *$'\n'* ]]
}
