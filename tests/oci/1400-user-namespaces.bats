# User namespaces of containers: new ones with any map, joined ones, and what is made of devices, hooks and identity in them.
load ../cli/helpers
load bundle

setup_file() {
	make_bundle
	chown -R 100000:100000 "$BUNDLE/rootfs"
	map_of 0 100000 65536
}

setup() {
	test_begin
	cd "$BUNDLE" || return
}

teardown() {
	runtime_clean
	test_end
}

# map_of INNER OUTER COUNT: the base configuration gets a user namespace with this map of uids and gids.
map_of() {
	local base=$BATS_FILE_TMPDIR/base.json
	# shellcheck disable=SC2016 # jq's variables
	jq --argjson map "[{\"containerID\": $1, \"hostID\": $2, \"size\": $3}]" '
		.linux.namespaces |= (map(select(.type != "user")) + [{type: "user"}]) |
		.linux.uidMappings = $map | .linux.gidMappings = $map' "$base" >"$base.new"
	mv "$base.new" "$base"
}

# begin ID: a container that sleeps; its pid is in $pid.
begin() {
	config_of sleep 1000
	runtime create --pid-file "$BATS_TEST_TMPDIR/$1.pid" "$1" </dev/null >/dev/null 2>&1
	runtime start "$1"
	pid=$(<"$BATS_TEST_TMPDIR/$1.pid")
}

@test "root of a container is nobody on the host, and root inside" {
	begin c
	[[ $(awk '/^Uid/ { print $2 }' "/proc/$pid/status") == 100000 ]]
	[[ $(awk '{ print $1, $2, $3 }' "/proc/$pid/uid_map") == "0 100000 65536" ]]
	run runtime exec c id
	[[ $status -eq 0 && $output == "uid=0(root) gid=0(root)"* ]]
	[[ $(readlink "/proc/$pid/ns/user") != $(readlink /proc/self/ns/user) ]]
}

@test "devices have the owners and modes that they are given, and neither suid nor exec; mounts are there" {
	config '.linux.devices = [{path: "/dev/named", type: "c", major: 1, minor: 5, fileMode: 432, uid: 5, gid: 6},
		{path: "/dev/deep/disk", type: "b", major: 7, minor: 0}, {path: "/dev/pipe", type: "p", uid: 7, gid: 8},
		{path: "/dev/unmapped", type: "c", major: 1, minor: 5, uid: 70000}] | .linux.resources.devices = [{allow: true, access: "rwm"}] |
		.process.args = ["sh", "-c", "stat -c \"%n %F %a %u:%g %t:%T\" /dev/null /dev/named /dev/deep/disk /dev/pipe /dev/unmapped; grep \" /dev/zero \" /proc/mounts; echo x >/dev/null && head -c 3 /dev/unmapped | wc -c; grep -c \" / \\| /proc \\| /sys \\| /dev/shm \" /proc/mounts"]'
	umask 077
	run runtime run c
	[[ ${lines[0]} == "/dev/null character special file 666 0:0 1:3" && ${lines[1]} == "/dev/named character special file 660 5:6 1:5" ]]
	[[ ${lines[2]} == "/dev/deep/disk block special file 666 0:0 7:0" && ${lines[3]} == "/dev/pipe fifo 666 7:8 0:0" ]]
	[[ ${lines[4]} == "/dev/unmapped character special file 666 65534:0 1:5" && ${lines[5]} == *" rw,nosuid,noexec,"* && ${lines[6]} == 3 && ${lines[7]} == 4 ]]
	# Nothing of it stays behind, in the container or on the host.
	config_of sh -c 'grep -c " /dev " /proc/self/mountinfo; ls /dev'
	run runtime run c
	[[ ${lines[0]} -eq 1 && $output != *[0-9][0-9][0-9]* ]]
}

@test "devices are owned as a user namespace that is joined has it" {
	begin first
	config --arg pid "$pid" '(.linux.namespaces[] | select(.type == "user")).path = "/proc/\($pid)/ns/user" | .linux.uidMappings = [] | .linux.gidMappings = [] |
		.linux.devices = [{path: "/dev/named", type: "c", major: 1, minor: 5, uid: 5, gid: 6}] | .process.args = ["stat", "-c", "%u:%g", "/dev/named", "/dev/null"]'
	[[ $(runtime run second) == $'5:6\n0:0' ]]
}

@test "a root that its user cannot reach by path is attached all the same" {
	begin c
	locked=$(namei -m "$BUNDLE" | grep -c "^ drwx------")
	[[ $locked -gt 0 ]]
	run runtime exec c cat /proc/self/mountinfo
	[[ $status -eq 0 ]]
}

@test "a path that has another device already is refused" {
	config '.linux.devices = [{path: "/dev/zero", type: "c", major: 1, minor: 3}]'
	failure "/dev/zero" run c
}

# nested JQ-FILTER: what a container says whose host is root of a user namespace, and may make no devices.
nested() {
	config '.process.args = ["sh", "-c", "ls -ln /dev; echo x >/dev/null"] | .root.readonly = false | del(.linux.resources) |
		.linux.namespaces |= map(select(.type as $type | ["pid", "mount", "user"] | index($type))) | .linux.uidMappings = [{containerID: 0, hostID: 0, size: 1}] |
		.linux.gidMappings = .linux.uidMappings | del(.hostname) | .mounts |= map(select(.destination | IN("/proc", "/dev"))) |
		.linux.maskedPaths = [] | .linux.readonlyPaths = [] | '"$1"
	mkdir -p "$BATS_TEST_TMPDIR/inner"
	chown 0:0 rootfs rootfs/*
	run unshare --user --map-root-user --mount --pid --fork --mount-proc "$RUNTIME" --root "$BATS_TEST_TMPDIR/inner" --cgroup-manager disabled run c
	chown -R 100000:100000 rootfs
}

@test "a host that may make no devices gives those that it has at their paths, and no others" {
	nested .
	[[ $status -eq 0 && $output == *" 1,   3 "*" null"* ]]
	nested '.linux.devices = [{path: "/dev/nosuchdevice", type: "c", major: 1, minor: 3}]'
	[[ $status -eq 1 && $output == *"device 1:3 may not be made here, and of the host's /dev/nosuchdevice: No such file"* ]]
	nested '.linux.devices = [{path: "/dev/mem", type: "c", major: 1, minor: 5}]'
	[[ $status -eq 1 && $output == *"device 1:5 may not be made here, and"*"/dev/mem"* ]]
}

@test "a user other than root, groups included" {
	config '.process.user = {uid: 33, gid: 44, additionalGids: [7]} | .process.args = ["id"]'
	run runtime run c
	[[ $status -eq 0 && $output == "uid=33 gid=44 groups=7" ]]
}

@test "without an id for root the first one that is mapped sets it up" {
	cp "$BATS_FILE_TMPDIR/base.json" "$BATS_TEST_TMPDIR"
	map_of 1000 100000 1
	config '.process.user = {uid: 1000, gid: 1000} | .mounts |= map(select(.type != "devpts")) |
		.process.args = ["sh", "-c", "id; stat -c %u /dev/shm; grep CapEff /proc/self/status"]'
	mv "$BATS_TEST_TMPDIR/base.json" "$BATS_FILE_TMPDIR"
	run runtime run c
	[[ $status -eq 0 && ${lines[0]} == "uid=1000(alice) gid=1000(alice)" && ${lines[1]} == 1000 && ${lines[2]} == *0000000000000000 ]]
}

@test "root sets it up, whichever line of the map has its id" {
	config '([{containerID: 1000, hostID: 101000, size: 1}, {containerID: 0, hostID: 100000, size: 1000}]) as $map |
		.linux.uidMappings = $map | .linux.gidMappings = $map | .process.args = ["stat", "-c", "%u:%g", "/dev/shm"]'
	run runtime run c
	[[ $status -eq 0 && $output == 0:0 ]]
}

# A pod's namespaces often belong to the host: they are joined while the capabilities there are still had.
@test "a user namespace, new or joined, beside each other namespace that is joined and the host's" {
	local kind user name
	unshare --net --ipc --uts --pid --fork sleep 1000 3>&- &
	made_by=$!
	sleeper_is_there() {
		other=$(pgrep -P "$made_by")
	}
	eventually sleeper_is_there
	unshare --user sleep 1000 3>&- &
	owner=$!
	owner_is_made() {
		[[ $(readlink "/proc/$owner/ns/user") != $(readlink /proc/self/ns/user) ]]
	}
	eventually owner_is_made
	echo "0 100000 65536" | tee "/proc/$owner/uid_map" >"/proc/$owner/gid_map"
	for kind in network ipc uts pid "network ipc uts pid"; do
		for user in new joined; do
			config '.root.readonly = false | .linux.sysctl = {} | .hostname = "" |
				.mounts |= map(select(.type != "sysfs" and .type != "cgroup" and .type != "mqueue")) | .linux.maskedPaths = [] | .linux.readonlyPaths = [] |
				.linux.namespaces |= map(select(.type as $type | $ARGS.positional + ["user"] | index($type) | not)) |
				.linux.namespaces += [$ARGS.positional[] as $type | {type: $type, path: "/proc/\($other)/ns/\({network: "net"}[$type] // $type)"}] |
				.linux.namespaces += [{type: "user"} + if $user == "joined" then {path: "/proc/\($owner)/ns/user"} else {} end] |
				if $user == "new" then .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings else . end |
				if $ARGS.positional | index("pid") then .mounts |= map(select(.type != "proc")) else . end |
				.process.args = ["sleep", "1000"]' --argjson other "$other" --argjson owner "$owner" --arg user "$user" --args $kind
			echo "$kind $user"
			runtime run --detach --pid-file "$BATS_TEST_TMPDIR/pid" --bundle "$BUNDLE" one </dev/null >/dev/null
			pid=$(<"$BATS_TEST_TMPDIR/pid")
			[[ $(awk '/^Uid/ { print $2 }' "/proc/$pid/status") == 100000 ]]
			for name in $kind; do
				name=${name/network/net}
				[[ $(readlink "/proc/$pid/ns/$name") == "$(readlink "/proc/$other/ns/$name")" ]]
			done
			[[ $user == new || $(readlink "/proc/$pid/ns/user") == "$(readlink "/proc/$owner/ns/user")" ]]
			runtime delete --force one
		done
	done
	kill -KILL "$other" "$owner"
	wait "$made_by" "$owner" || true
}

@test "a user namespace that is joined owns what is new, and is not mapped again" {
	begin first
	config --arg pid "$pid" '(.linux.namespaces[] | select(.type == "user" or .type == "pid" or .type == "network")) |=
			(.path = "/proc/\($pid)/ns/" + ({user: "user", pid: "pid", network: "net"}[.type])) |
		.process.capabilities.bounding = ["CAP_SYS_ADMIN"] | .process.capabilities.effective = ["CAP_SYS_ADMIN"] |
		.process.capabilities.permitted = ["CAP_SYS_ADMIN"] |
		.process.args = ["sh", "-c", "id; ps | grep -c [s]leep; hostname joined && hostname; ls -l /proc/self/ns/net"]'
	run runtime run second
	[[ $status -eq 0 && ${lines[0]} == "uid=0(root) gid=0(root)" && ${lines[1]} == 1 && ${lines[2]} == joined ]]
	[[ ${lines[3]} == *"$(readlink "/proc/$pid/ns/net")" ]]
}

# It has a copy of the runtime's memory and its files.
@test "the process that joins a namespace cannot be traced from there" {
	need_program strace
	local kinds
	begin first
	for kinds in '["user"]' '["user", "pid"]'; do
		config --arg pid "$pid" --argjson kinds "$kinds" '.linux.namespaces |= map(if IN(.type; $kinds[]) then .path = "/proc/\($pid)/ns/\(.type)" else . end) |
			.process.args = ["true"]'
		strace -f -qq -o "$BATS_TEST_TMPDIR/trace" -e trace=prctl,setns "$RUNTIME" --root "$RUNTIME_ROOT" run second
		sed -E 's/^([0-9]+) +/\1 /' "$BATS_TEST_TMPDIR/trace" >"$BATS_TEST_TMPDIR/calls"
		awk '/prctl\(PR_SET_DUMPABLE, (0|SUID_DUMP_DISABLE)/ { hidden[$1] = 1 } /setns\(/ { joined++; if (!hidden[$1]) { print; bad = 1 } }
			END { exit bad || !joined }' "$BATS_TEST_TMPDIR/calls"
	done
}

@test "joining a namespace that is none is one sentence, and leaves nothing" {
	config '(.linux.namespaces[] | select(.type == "user")).path = "/etc/passwd"'
	failure "/etc/passwd" run c
}

@test "a terminal belongs to the container's user" {
	config '.process.terminal = true | .process.user.uid = 5 | .process.args = ["sh", "-c", "tty; stat -c %u /dev/pts/0"]'
	run script -qec "$RUNTIME --root $RUNTIME_ROOT run c" /dev/null
	[[ $status -eq 0 && $output == *"/dev/pts/0"*5* ]]
}

@test "a createContainer hook runs in the container's namespaces" {
	hook=$BATS_TEST_TMPDIR/hook
	printf '#!/bin/sh\nreadlink /proc/self/ns/uts >%s/uts\n' "$BATS_TEST_TMPDIR" >"$hook"
	chmod 755 "$hook"
	config --arg hook "$hook" '.hooks.createContainer = [{path: $hook}] | .process.args = ["ls", "-l", "/proc/self/ns/uts"]'
	run runtime run c
	[[ $status -eq 0 && $output == *"$(<"$BATS_TEST_TMPDIR/uts")" ]]
}

@test "a lower oom_score_adj is set from outside, where it may be" {
	config '.process.oomScoreAdj = 77 | .process.args = ["cat", "/proc/self/oom_score_adj"]'
	run runtime run c
	[[ $status -eq 0 && $output == 77 ]]
}

@test "ids that are not mapped are told before anything is made" {
	config '.process.user.uid = 70000'
	failure "uid 70000 is not in the map" run c
	config '.process.user.additionalGids = [1, 65536]'
	failure "group 65536 is not in the map" run c
}

@test "a map that the kernel refuses is a sentence with its lines" {
	config '.linux.uidMappings = [{containerID: 0, hostID: 0, size: 10}, {containerID: 5, hostID: 100, size: 10}]'
	failure "linux.uidMappings" run c
}
