# Kernels, and filters around us, that lack a system call: what there is another way for makes the same container; for the rest
# one sentence names the kernel that has it, and nothing is left.
# shellcheck disable=SC2016 # $ in single quotes is for jq and for the shell inside
# shellcheck disable=SC2154 # bats sets stderr, and hostile.bash evil and pid
load ../cli/helpers
load bundle
load hostile

setup_file() {
	make_hostile_bundle
	refuse_tool
	export MASK=$BATS_FILE_TMPDIR/mask
	cc -O1 -static -D_GNU_SOURCE -o "$MASK" "$BATS_TEST_DIRNAME/../fault/mask.c"
}

setup() {
	hostile_begin
}

teardown() {
	hostile_end
}

# masked CALL...: from here on $RUNTIME is husk-runtime where these calls are not there.
masked() {
	local name="$*"
	UNMASKED=${UNMASKED:-$RUNTIME}
	RUNTIME=$BATS_TEST_TMPDIR/without-${name// /-}
	printf '#!/bin/sh\nexec %s %s -- %s "$@"\n' "$MASK" "$name" "$UNMASKED" >"$RUNTIME"
	chmod 755 "$RUNTIME"
}

unmasked() {
	RUNTIME=${UNMASKED:-$RUNTIME}
}

# What a container can see of itself, with mounts, sysctls, a read-only root, masks and devices, and an exec in it.
facts() {
	mkdir -p "$BATS_TEST_TMPDIR/source/inner"
	config --arg source "$BATS_TEST_TMPDIR/source" '.root.readonly = true | .linux.sysctl = {"kernel.msgmax": "9000", "net.ipv4.ip_forward": "1"} |
		.linux.devices = [{path: "/dev/extra/null", type: "c", major: 1, minor: 3, fileMode: 384}] |
		.mounts += [{destination: "/made/on/the/way", type: "bind", source: $source, options: ["rbind", "ro", "nosuid"]},
			{destination: "/var/run/x", type: "tmpfs", source: "tmpfs", options: ["size=64k", "mode=1750"]}] |
		.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["kexec_load"], action: "SCMP_ACT_ERRNO"}]} |
		.process.cwd = "/made" | .process.args = ["sleep", "1000"]'
	runtime create c </dev/null >/dev/null 2>&1
	runtime start c
	runtime exec c probe caps cwd devices env fds ids limits masks mounts | sed -E 's/pipe:\[[0-9]+\]/pipe/; s/pid [0-9]+ sid [0-9]+ pgid [0-9]+//'
	runtime exec c sh -c 'cat /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_forward; grep -E "Cap|Seccomp:|NoNew|Groups" /proc/1/status
		cat /proc/1/limits; ls /proc/1/fd; touch /made/on/the/way/x; touch /x' 2>&1 || true
	runtime delete --force c
}

@test "mask takes exactly what it is told away" {
	run "$MASK" openat2 no_such_call -- true
	[[ $status -eq 99 ]]
	[[ $(facts | wc -l) -gt 100 ]]
	masked clone3
	run ! "$RUNTIME" run c
	unmasked
	config_of true
	runtime run c
}

@test "without openat2, and without close_range, a container is the same" {
	mkdir -p "$evil/made/on/the/way" "$evil/run" "$evil/var/run/x"
	cp -a "$evil" "$BATS_TEST_TMPDIR/before"
	facts >"$BATS_TEST_TMPDIR/wanted"
	for call in openat2 close_range "openat2 close_range"; do
		masked $call
		facts >"$BATS_TEST_TMPDIR/seen"
		unmasked
		diff "$BATS_TEST_TMPDIR/wanted" "$BATS_TEST_TMPDIR/seen"
	done
	expect_untouched
}

# What is in the way of a link is refused by the walker as by the kernel.
@test "without openat2 no link of the image leads out" {
	masked openat2
	ln -s "$CANARY" "$evil/data"
	rm -rf "$evil/proc"
	config --arg source "$BATS_TEST_TMPDIR" '.mounts += [{destination: "/data/x", type: "bind", source: $source, options: ["bind"]}] |
		.process.args = ["ls", "/data/x"]'
	ln -s "$CANARY" "$evil/proc"
	run_one
	refused "/proc"
	expect_untouched
	rm "$evil/proc"
	run_one
	[[ $status -eq 0 ]]
	expect_untouched
	config '.process.cwd = "/proc/self/fd/3" | .process.args = ["true"]'
	run_one
	refused "/proc/self/fd/3"
}

# Where close_range is not there the open files are looked up, in what may be the image's directory.
@test "without close_range what is not procfs is not believed" {
	masked close_range
	mkdir -p "$evil/proc/self/fd"
	config 'del(.mounts[] | select(.destination == "/proc")) | .linux.maskedPaths = [] | .linux.readonlyPaths = [] | .process.args = ["true"]'
	run_one
	refused "close what is left open"
}

@test "the files about the lifecycle pass without openat2, and without close_range" {
	local path
	path=$(tr : '\n' <<<"$PATH" | grep -v bats | paste -sd :) # without the parts of the bats that runs this
	for call in openat2 close_range; do
		masked $call
		for file in 1000-lifecycle 1100-hooks; do
			env -i PATH="$path" HUSK="$HUSK" HUSK_STATE="$HUSK_STATE" HUSK_ROOT="$HUSK_ROOT" HUSK_TEST_DIR="$HUSK_TEST_DIR" TMPDIR="$TMPDIR" \
				LC_ALL=C.UTF-8 TERM=dumb HOME=/root RUNTIME="$RUNTIME" bats --formatter tap "$BATS_TEST_DIRNAME/$file.bats" >seen 2>&1 || {
				cat seen
				return 1
			}
			[[ $(grep -c ^ok seen) -ge 4 ]]
		done
		unmasked
	done
}

# is_named CALL VERSION COMMAND...: ends with 1 and one sentence that names both.
is_named() {
	local call=$1 version=$2
	shift 2
	run --separate-stderr timeout --kill-after 5 10 "$RUNTIME" --root "$RUNTIME_ROOT" "$@" </dev/null
	refused "the system call $call is missing: Linux has it since $version"
}

@test "what a container cannot be made without is named, with the kernel that has it, and nothing is made" {
	config_of sleep 1000
	runtime create there </dev/null >/dev/null 2>&1
	runtime start there
	config '.hooks.createRuntime = [{path: "/bin/false"}]'
	while read -r call version; do
		masked "$call"
		is_named "$call" "$version" create c
		is_named "$call" "$version" run c
		is_named "$call" "$version" exec there true
		[[ $(ls "$RUNTIME_ROOT") == there ]]
		# Looking works everywhere.
		status_is there running
		runtime ps there >/dev/null
		unmasked
		[[ -z $(find /sys/fs/cgroup -type d -name c) ]]
	done <<-END
		fsopen 5.2
		fsconfig 5.2
		fsmount 5.2
		open_tree 5.2
		move_mount 5.2
		mount_setattr 5.12
		clone3 5.3
		pidfd_open 5.3
		pidfd_send_signal 5.1
	END
	runtime exec there true
	runtime delete --force there
	expect_untouched
}

@test "without pidfds nobody is said to be gone, killed or started who is not" {
	config_of sleep 1000
	runtime create created </dev/null >/dev/null 2>&1
	runtime create running </dev/null >/dev/null 2>&1
	runtime start running
	while read -r call version; do
		masked "$call"
		is_named "$call" "$version" kill running KILL
		is_named "$call" "$version" delete --force running
		is_named "$call" "$version" delete created
		is_named "$call" "$version" start created
		unmasked
		status_is running running
		status_is created created
	done <<-END
		pidfd_open 5.3
		pidfd_send_signal 5.1
	END
	runtime start created
	runtime delete --force created
	runtime delete --force running
}

# Before 5.14 there is no such file. What forks all the time, and what lies in groups below, ends all the same.
@test "without cgroup.kill everybody in the group ends" {
	config '.process.args = ["sh", "-c", "sh -c \"while :; do sleep 1000 & sleep 0.01; done\" & sleep 1000"] |
		.linux.namespaces |= map(select(.type != "pid"))'
	for how in "kill --all c KILL" "delete --force c"; do
		runtime create c </dev/null >/dev/null 2>&1
		runtime start c
		eventually more_than 10
		"$REFUSE" --log log openat~cgroup.kill:ENOENT -- "$RUNTIME" --root "$RUNTIME_ROOT" $how
		grep -q "openat cgroup.kill" log
		[[ $how == delete* ]] || eventually status_is c stopped
		[[ $how == delete* ]] || [[ -z $(runtime ps c 2>/dev/null | grep sleep) ]]
		runtime delete --force c
	done
}

more_than() {
	[[ $(runtime ps c | grep -c sleep) -gt $1 ]]
}
