# Containers of a user who is not root: one id or ranges, without a cgroup and with one that was delegated.
load ../cli/helpers
load bundle
load tester

setup_file() {
	make_bundle
	make_tester
	chown -R "$TESTER:$TESTER" "$BUNDLE" "$RUNTIME_ROOT"
	(cd "$BUNDLE" && rm config.json && as_tester "$RUNTIME" spec --rootless)
	jq '.process.terminal = false' "$BUNDLE/config.json" >"$BATS_FILE_TMPDIR/base.json"
}

teardown_file() {
	end_tester
}

setup() {
	test_begin
	cd "$BUNDLE" || return
}

teardown() {
	runtime list -q | while read -r id; do
		runtime delete --force "$id"
	done
	[[ -z $(ls "$RUNTIME_ROOT") ]]
	test_end
}

runtime() {
	as_tester "$RUNTIME" --root "$RUNTIME_ROOT" "$@"
}

# begin ID
begin() {
	config_of sleep 1000
	runtime create --pid-file "$BUNDLE/$1.pid" "$1" </dev/null >/dev/null 2>&1
	runtime start "$1"
	pid=$(<"$BUNDLE/$1.pid")
}

# ranges FILTER: root is the user, everybody else from the subordinate ids; a root file system that can be written.
ranges() {
	config '([{containerID: 0, hostID: 4242, size: 1}, {containerID: 1, hostID: 200000, size: 65535}]) as $map |
		.linux.uidMappings = $map | .linux.gidMappings = $map | .root.readonly = false | '"$1"
}

@test "from create to delete with one id" {
	begin c
	status_is c running
	[[ $(stat -c %u "/proc/$pid") == "$TESTER" ]]
	run runtime exec c sh -c 'id; ps | grep -c "[s]leep 1000"; touch /new; cat /proc/self/uid_map'
	[[ ${lines[0]} == "uid=0(root) gid=0(root)"* && ${lines[1]} == 1 && ${lines[2]} == *"Read-only file system"* && ${lines[3]} =~ ^\ +0\ +4242\ +1$ ]]
	runtime kill c KILL
	eventually status_is c stopped
	runtime delete c
}

# Nothing then says which process is the container's, and it has no group: only its files can be removed.
@test "a container without a group whose state cannot be read is deleted with force" {
	begin c
	: >"$RUNTIME_ROOT/c/state.json"
	run runtime delete --force c
	[[ $status -eq 0 && $output == *state.json* && $output != *$'\n'*$'\n'* ]]
	[[ ! -e $RUNTIME_ROOT/c ]]
	kill -KILL "$pid"
}

@test "bind mounts keep their flags, and what lies below /sys is read-only as well" {
	mkdir -p "$BUNDLE/source"
	echo "of the user" >"$BUNDLE/source/file"
	config '.mounts += [{destination: "/mnt", type: "bind", source: "source", options: ["rbind", "ro", "nosuid"]}] |
		.process.args = ["sh", "-c", "cat /mnt/file; grep \" /mnt \" /proc/mounts; grep \" /sys/\" /proc/mounts | grep -vc \" ro,\""]'
	run runtime run c
	[[ ${lines[0]} == "of the user" && ${lines[1]} == *" ro,nosuid,"* && ${lines[2]} == 0 ]]
}

@test "a root that only root inside can reach" {
	chown 200000:200000 "$BUNDLE/rootfs"
	chmod 700 "$BUNDLE/rootfs"
	# shellcheck disable=SC2016 # jq's variable
	config '([{containerID: 0, hostID: 200000, size: 1000}]) as $map | .linux.uidMappings = $map | .linux.gidMappings = $map |
		.process.args = ["id", "-u"]'
	run runtime run c
	chown "$TESTER:$TESTER" "$BUNDLE/rootfs"
	chmod 755 "$BUNDLE/rootfs"
	[[ $status -eq 0 && $output == 0 ]]
}

@test "what the user cannot reach is not bound" {
	mkdir -p "$BATS_TEST_TMPDIR/locked/inner"
	chmod 700 "$BATS_TEST_TMPDIR/locked"
	config --arg source "$BATS_TEST_TMPDIR/locked/inner" '.mounts += [{destination: "/mnt", type: "bind", source: $source, options: ["bind"]}]'
	failure "Permission denied" run c
}

@test "ranges of subordinate ids, by newuidmap and newgidmap" {
	chmod 1777 "$BUNDLE/rootfs/tmp"
	ranges '.process.user = {uid: 33, gid: 44, additionalGids: [7]} | .process.args = ["sh", "-c", "id; touch /tmp/made"]'
	run runtime run c
	[[ $status -eq 0 && $output == "uid=33 gid=44 groups=7" ]]
	[[ $(stat -c %u:%g "$BUNDLE/rootfs/tmp/made") == 200032:200043 ]]
	rm "$BUNDLE/rootfs/tmp/made"
}

@test "ids that are not the user's are refused by newuidmap, in its words" {
	config '.linux.uidMappings = [{containerID: 0, hostID: 4242, size: 1}, {containerID: 1, hostID: 1, size: 10}]'
	failure "uid map 0:4242:1, 1:1:10" run c
}

@test "groups cannot be set with a single id, and that is said" {
	config '.process.user.additionalGids = [0]'
	failure "supplementary groups" run c
}

@test "a pod: the second container joins the first one's user and pid namespaces" {
	begin first
	config --arg pid "$pid" '(.linux.namespaces[] | select(.type == "user" or .type == "pid")) |= (.path = "/proc/\($pid)/ns/\(.type)") |
		.process.args = ["sh", "-c", "id; ps | grep -c [s]leep"]'
	run runtime run second
	[[ $status -eq 0 && ${lines[0]} == "uid=0(root) gid=0(root)"* && ${lines[1]} == 1 ]]
}

# As podman calls it for its users.
@test "the state of root in the user's namespace is where the user's is" {
	as_tester unshare --user --map-root-user "$RUNTIME" list --quiet
	[[ -d /run/tester/husk-runtime && ! -e /run/husk-runtime ]]
	rmdir /run/tester/husk-runtime
}

@test "a terminal" {
	config '.process.terminal = true | .process.args = ["sh", "-c", "tty; echo to the console >/dev/console"]'
	run as_tester script -qec "$RUNTIME --root $RUNTIME_ROOT run --bundle $BUNDLE c" /dev/null
	[[ $status -eq 0 && $output == */dev/pts/0*"to the console"* ]]
}

@test "hooks: the host's run as the user, createContainer as root inside" {
	hook=$BUNDLE/hook
	printf '#!/bin/sh\necho "$1 $(id -u)" >>%s/hooks\n' "$BUNDLE" >"$hook"
	chmod 755 "$hook"
	config --arg hook "$hook" '.hooks = {createRuntime: [{path: $hook, args: ["hook", "outside"]}], createContainer: [{path: $hook, args: ["hook", "inside"]}]} | .process.args = ["true"]'
	runtime run c
	[[ $(<"$BUNDLE/hooks") == $'outside 4242\ninside 0' ]]
	rm "$BUNDLE/hooks"
}

@test "without a user namespace nothing is made" {
	config 'del(.linux.namespaces[] | select(.type == "user")) | del(.linux.uidMappings, .linux.gidMappings)'
	failure "linux.namespaces: without root a container needs a user namespace" run c
}

@test "limits without a delegated cgroup are refused, pause and ps say what is missing" {
	config '.linux.resources.memory.limit = 10000000'
	failure "linux.resources: limits need a cgroup" run c
	begin c
	failure 'container "c" has no cgroup' pause c
	failure 'container "c" has no cgroup' ps c
	failure 'no cgroup' update --pids-limit 5 c
	failure 'container "c" has no cgroup' events --stats c
	failure 'has no cgroup, and so none below it' exec --cgroup sub c true
}

# delegate: /delegated in every hierarchy is the user's, and this test lives in a group below it.
delegate() {
	local at
	for at in $(awk '{ for (i = 7; $i != "-"; i++); if ($(i + 1) ~ /^cgroup2?$/) print $5 }' /proc/self/mountinfo | sort -u); do
		mkdir -p "$at/delegated"
		if [[ -e $at/delegated/cpuset.cpus && ! -e $at/cgroup.controllers ]]; then
			cat "$at/cpuset.cpus" >"$at/delegated/cpuset.cpus"
			cat "$at/cpuset.mems" >"$at/delegated/cpuset.mems"
		fi
		mkdir -p "$at/delegated/shell"
		if [[ -e $at/delegated/shell/cpuset.cpus && ! -e $at/cgroup.controllers ]]; then
			cat "$at/cpuset.cpus" >"$at/delegated/shell/cpuset.cpus"
			cat "$at/cpuset.mems" >"$at/delegated/shell/cpuset.mems"
		fi
		# Where it comes from has groups with controllers below it, in version 2, and takes it back only as what it was.
		[[ ! -e $at/cgroup.controllers ]] || unified_home=$(sed -n 's/^0:://p' /proc/self/cgroup)
		echo $$ >"$at/delegated/shell/cgroup.procs"
		chown "$TESTER" "$at/delegated" "$at"/delegated/{cgroup.procs,cgroup.subtree_control} 2>/dev/null || true
	done
}

undelegate() {
	local at
	for at in $(awk '{ for (i = 7; $i != "-"; i++); if ($(i + 1) ~ /^cgroup2?$/) print $5 }' /proc/self/mountinfo | sort -u); do
		if [[ -e $at/cgroup.controllers ]]; then
			echo $$ >"$at$unified_home/cgroup.procs"
		else
			echo $$ >"$at/cgroup.procs"
		fi
		rmdir "$at/delegated/shell" "$at/delegated"
	done
}

@test "a delegated cgroup: limits, pause, ps, update, all processes killed" {
	delegate
	config '.linux.cgroupsPath = "/delegated/box" | .linux.resources = {memory: {limit: 30000000}, pids: {limit: 33}} |
		.process.args = ["sh", "-c", "sleep 1000 & sleep 1000"]'
	runtime create --pid-file "$BUNDLE/c.pid" c </dev/null >/dev/null 2>&1
	runtime start c
	pid=$(<"$BUNDLE/c.pid")
	group=$(find /sys/fs/cgroup -path '*/delegated/box/pids.max' | head -n 1)
	[[ $(<"$group") == 33 ]]
	runtime update --pids-limit 44 c
	[[ $(<"$group") == 44 ]]
	runtime pause c
	status_is c paused
	failure "paused" exec c true
	runtime resume c
	[[ $(runtime ps --format json c | jq length) -ge 2 ]]
	runtime kill --all c KILL
	eventually status_is c stopped
	runtime delete c
	[[ ! -e ${group%/*} ]]
	undelegate
}

@test "a paused container is killed and deleted" {
	delegate
	config '.linux.cgroupsPath = "/delegated/box" | .process.args = ["sleep", "1000"]'
	runtime create c </dev/null >/dev/null 2>&1
	runtime start c
	runtime pause c
	runtime kill c KILL
	eventually status_is c stopped
	runtime delete c
	undelegate
}
