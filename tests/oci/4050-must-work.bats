# What hardening elsewhere has broken for ordinary images and engines, and has to go on working.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for jq and for the shell inside; bats sets stderr, hostile.bash evil and pid
load ../cli/helpers
load bundle
load hostile

setup_file() {
	make_hostile_bundle
}

setup() {
	hostile_begin
}

teardown() {
	hostile_end
}

# bound JQ-MOUNT SCRIPT: a container that has this bind, and says what SCRIPT says.
bound() {
	config --arg script "$2" ".mounts += [$1] | .process.args = [\"sh\", \"-c\", \$script]"
	run_one
	[[ $status -eq 0 ]] || { echo "$stderr"; return 1; }
}

@test "mounts and the working directory through absolute links of the image" {
	echo bound >"$BATS_TEST_TMPDIR/file"
	mkdir -p "$evil/run" "$evil/var" "$evil/usr/lib"
	ln -s /run "$evil/var/run"
	ln -s /usr/lib "$evil/lib"
	bound "{destination: \"/var/run/x\", source: \"$BATS_TEST_TMPDIR/file\", options: [\"bind\"]}" 'cat /var/run/x'
	[[ $output == bound && -f $evil/run/x ]]
	config '.process.cwd = "/lib" | .process.args = ["sh", "-c", "pwd -P"]'
	run_one
	[[ $output == /usr/lib ]]
	expect_untouched
}

@test "what a dangling link leads to is made inside, at its end and on the way" {
	echo bound >"$BATS_TEST_TMPDIR/file"
	ln -s /made/here "$evil/there"
	bound "{destination: \"/there\", source: \"$BATS_TEST_TMPDIR/file\", options: [\"bind\"]}" 'cat /there'
	[[ $output == bound && -f $evil/made/here ]]
	ln -s /way "$evil/on"
	bound "{destination: \"/on/the/way\", source: \"$BATS_TEST_TMPDIR\", options: [\"bind\"]}" 'cat /way/the/way/file'
	[[ $output == bound && -d $evil/way/the/way ]]
	expect_untouched
}

@test "shared memory: for everybody, and files without a name can be given one" {
	config '.process.user = {uid: 1000, gid: 1000} | .process.args = ["sh", "-c", "stat -c %a /dev/shm; touch /dev/shm/mine && probe tmpfile"]'
	run_one
	echo "$output" "$stderr"
	[[ $status -eq 0 && ${lines[0]} == 1777 && $output != *E[A-Z]* ]]
}

@test "a read-only root with a terminal, and with what engines mount in it" {
	config '.root.readonly = true | .process.terminal = true | .mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs"}] |
		.process.args = ["sh", "-c", "touch /tmp/x && ! touch /x 2>/dev/null && stat -c %t /dev/console && echo fine"]'
	run script -qec "$RUNTIME --root $RUNTIME_ROOT run c" /dev/null </dev/null
	[[ $output == *88*fine* ]]
}

@test "in a user namespace too: /sys is read-only, devices are neither suid nor executable, flags of mounts stay" {
	chown -R 100000:100000 "$evil"
	config '([{containerID: 0, hostID: 100000, size: 65536}]) as $map | .linux.uidMappings = $map | .linux.gidMappings = $map |
		.linux.namespaces += [{type: "user"}] | .process.args = ["cat", "/proc/self/mounts"]'
	run_one
	[[ $status -eq 0 ]]
	awk '$2 == "/sys" || $2 ~ "^/sys/" { if ($4 !~ /(^|,)ro(,|$)/) exit 1 }
		$2 ~ "^/dev/(null|zero|full|random|urandom|tty)$" { n++; if ($4 !~ /nosuid/ || $4 !~ /noexec/) exit 1 }
		$2 == "/dev/shm" || $2 == "/dev/mqueue" { if ($4 !~ /nosuid/ || $4 !~ /nodev/ || $4 !~ /noexec/) exit 1 }
		END { exit n != 6 }' <<<"$output"
}

@test "HOME: of whom passwd knows, of a number that it does not know, and in an exec that says no environment" {
	mkdir -p "$evil/etc"
	echo 'known:x:1000:1000::/home/known:/bin/sh' >"$evil/etc/passwd"
	home() {
		config ".process.env = [\"PATH=/bin\"] | .process.user = {uid: $1, gid: 7} | .process.args = [\"sh\", \"-c\", \"echo \$HOME\"]"
		run_one
		[[ $status -eq 0 && $output == "$2" ]]
	}
	home 1000 /home/known
	home 4711 /
	rm "$evil/etc/passwd"
	home 0 /
	echo 'root:x:0:0::/root:/bin/sh' >"$evil/etc/passwd"
	config_of sleep 1000
	begin c
	jq -n '{args: ["/bin/sh", "-c", "echo $HOME"], cwd: "/"}' >"$BATS_TEST_TMPDIR/process.json"
	[[ $(runtime exec --process "$BATS_TEST_TMPDIR/process.json" c) == /root ]]
}

@test "umask, and a limit of processes that is none" {
	config '.process.user.umask = 7 | .process.args = ["sh", "-c", "umask"]'
	run_one
	[[ $output == 0007 ]]
	config '.linux.resources.pids.limit = -1 | .process.args = ["sh", "-c", "(true) && (true) && echo fine"]'
	run_one
	[[ $output == fine ]]
}
