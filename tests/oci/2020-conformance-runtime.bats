# What the specification demands of runtime.md, where no other file tests it; conformance.tsv says which demand is tested where.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside, or jq's; bats sets stderr
load ../cli/helpers
load bundle

setup_file() {
	make_bundle
}

setup() {
	test_begin
	cd "$BUNDLE" || return
}

teardown() {
	runtime_clean
	test_end
}

# create ID: quietly.
create() {
	runtime create "$1" </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1
}

@test "each operation needs an id, and a container of that id" {
	local operation
	config_of true
	for operation in state create start kill delete; do
		failure "requires" "$operation"
	done
	for operation in state start kill delete; do
		failure "does not exist" "$operation" nothere
	done
	[[ -z $(runtime list -q) ]]
}

@test "the state has every property, at each status" {
	config '.process.args = ["sleep", "100"] | .annotations = {"a.b": "c"}'
	create one
	local wanted='.ociVersion == "1.3.0" and .id == "one" and .bundle == $bundle and .annotations == {"a.b": "c"}'
	runtime state one | jq -e --arg bundle "$BUNDLE" "$wanted and .status == \"created\" and .pid > 0"
	[[ $(<"/proc/$(runtime state one | jq .pid)/comm") != sleep ]]
	runtime start one
	runtime state one | jq -e --arg bundle "$BUNDLE" "$wanted and .status == \"running\" and .pid > 0"
	[[ $(<"/proc/$(runtime state one | jq .pid)/comm") == sleep ]]
	runtime kill one KILL
	eventually status_is one stopped
	runtime state one | jq -e --arg bundle "$BUNDLE" "$wanted"
	runtime delete one
	config_of sleep 100
	create one
	runtime state one | jq -e '(.annotations // {}) == {}'
}

@test "create makes everything and runs nothing of the user's; start runs it" {
	config '.process.args = ["sh", "-c", "touch /tmp/ran; sleep 100"] | .root.readonly = false | .mounts += [{destination: "/tmp/made", type: "tmpfs", source: "x"}]'
	create one
	pid=$(runtime state one | jq .pid)
	grep -q " /tmp/made " "/proc/$pid/mountinfo"
	[[ $(readlink "/proc/$pid/ns/net") != "$(readlink /proc/self/ns/net)" && -n $(find /sys/fs/cgroup -name one) ]]
	sleep 0.3
	[[ ! -e rootfs/tmp/ran ]]
	status_is one created
	runtime start one
	eventually test -e rootfs/tmp/ran
	runtime delete --force one
	rm -r rootfs/tmp/*
}

@test "what becomes of config.json after create is no affair of the container" {
	config '.process.args = ["sh", "-c", "echo $A; sleep 100"] | .process.env = ["PATH=/bin", "A=before"] | .annotations = {"a": "before"}'
	create one
	config '.process.args = ["sh", "-c", "echo changed"] | .process.env = ["PATH=/bin", "A=after"] | .annotations = {"a": "after"} |
		.hooks.poststart = [{path: "/bin/false"}]'
	runtime start one
	eventually grep -qx before "$BATS_TEST_TMPDIR/out"
	[[ $(runtime exec one sh -c 'echo $A') == before && $(runtime state one | jq -r .annotations.a) == before ]]
	rm config.json
	[[ $(runtime exec one sh -c 'echo $A') == before ]]
	runtime kill one KILL
	eventually status_is one stopped
	runtime delete one
}

@test "operations at the wrong time are errors, and change nothing" {
	config_of sleep 100
	create one
	pid=$(runtime state one | jq .pid)
	failure "already exists" create one
	runtime start one
	failure "already running" start one
	failure "not stopped" delete one
	status_is one running
	[[ $(runtime state one | jq .pid) == "$pid" && -d /proc/$pid ]]
	runtime kill one KILL
	eventually status_is one stopped
	failure "stopped" start one
	failure "not running" kill one TERM
	status_is one stopped
	runtime delete one
	create one
	runtime delete one
}

@test "kill sends the signal that was said, by name and by number" {
	config '.process.args = ["sh", "-c", "trap \"echo got USR1\" USR1; trap \"echo got TERM; exit 3\" TERM; echo ready; while :; do sleep 0.05; done"]'
	create one
	runtime start one
	eventually grep -qx ready "$BATS_TEST_TMPDIR/out"
	runtime kill one USR1
	eventually grep -qx "got USR1" "$BATS_TEST_TMPDIR/out"
	runtime kill one 10
	eventually bash -c '[[ $(grep -cx "got USR1" "$1") -eq 2 ]]' - "$BATS_TEST_TMPDIR/out"
	runtime kill one 0
	status_is one running
	failure "NOSUCH" kill one NOSUCH
	runtime kill one
	eventually status_is one stopped
	failure "not running" kill one 0
	grep -qx "got TERM" "$BATS_TEST_TMPDIR/out"
	runtime delete one
}

@test "a create that fails leaves everything as it was" {
	local before
	before=$(find rootfs | sort)
	for filter in '.process.args = ["nothere"]' '.linux.devices = [{path: "/bin/sh", type: "c", major: 1, minor: 3}]' \
		'.mounts += [{destination: "/bin", type: "nosuchfs", source: "x"}]' '.linux.sysctl = {"net.nosuch.thing": "1"}' \
		'.hooks.createContainer = [{path: "/bin/false"}]' '.linux.resources.cpu.cpus = "4000"'; do
		config ".process.args = [\"true\"] | $filter"
		run --separate-stderr runtime create one
		[[ $status -eq 1 && $stderr == *?* ]]
		[[ -z $(runtime list -q) && -z $(ls "$RUNTIME_ROOT") && -z $(find /sys/fs/cgroup -name one) ]]
	done
	[[ $(find rootfs | sort) == "$before" ]]
	config_of echo works
	[[ $(runtime run one) == works ]]
}

@test "delete takes what create made, and nothing else" {
	unshare --net sleep 100 &
	local other=$! at
	has_left() {
		[[ $(readlink "/proc/$other/ns/net") != "$(readlink /proc/self/ns/net)" ]]
	}
	eventually has_left
	mkdir "$BATS_TEST_TMPDIR/source"
	touch "$BATS_TEST_TMPDIR/source/file"
	# A group above the container's that was there before.
	at=$(find /sys/fs/cgroup -maxdepth 2 -name cgroup.procs -path '*pids*' -printf '%h\n' | head -n 1)
	at=${at:-/sys/fs/cgroup}
	mkdir "$at/before"
	config '.process.args = ["sleep", "100"] | .mounts += [{destination: "/mnt", source: $source, options: ["bind"]}] | .linux.cgroupsPath = "/before/one" |
		(.linux.namespaces[] | select(.type == "network")).path = $net' --arg source "$BATS_TEST_TMPDIR/source" --arg net "/proc/$other/ns/net"
	mkdir -p rootfs/mnt
	create one
	runtime start one
	runtime delete --force one
	[[ -e $BATS_TEST_TMPDIR/source/file && -e config.json && -d rootfs && -d $at/before && ! -e $at/before/one ]]
	kill -0 "$other"
	kill "$other"
	[[ -z $(ls "$RUNTIME_ROOT") ]]
	find /sys/fs/cgroup -depth -type d -name before -exec rmdir {} +
	config_of true
	runtime delete --force one
	runtime run one
}
