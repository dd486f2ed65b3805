# Who makes cgroups, on a host without systemd: tests/vm/systemd is where there is one.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is jq's; bats sets stderr
load ../cli/helpers
load bundle

setup_file() {
	make_bundle
}

setup() {
	test_begin
}

teardown() {
	runtime_clean
	test_end
}

@test "systemd is asked and not there: one sentence, and nothing is left" {
	config_of true
	failure "systemd is not running here: connect to /run/systemd/private: No such file or directory. Leave out --systemd-cgroup" \
		--systemd-cgroup create --bundle "$BUNDLE" one
	failure "systemd is not running here" --cgroup-manager systemd run --bundle "$BUNDLE" one
	failure "systemd is not running here" --systemd-cgroup --cgroup-manager systemd plan --bundle "$BUNDLE"
	[[ -z $(runtime list -q) ]]
	[[ -z $(find /sys/fs/cgroup -type d -name '*one*') ]]
}

# pretend FILE: says that to whoever asks systemd first.
pretend() {
	python3 -c '
import socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind("/run/systemd/private")
listener.listen(1)
peer, _ = listener.accept()
peer.sendall(open(sys.argv[1], "rb").read())
peer.shutdown(socket.SHUT_WR)
peer.recv(4096)' "$1"
}

@test "who calls itself systemd and is not" {
	local said=$BATS_TEST_TMPDIR/said words
	config_of true
	mkdir -p /run/systemd
	for words in 'REJECTED\r\n:this user is not let in' ':the connection was closed' \
		'DATA\r\nOK 0123\r\nxxxxxxxxxxxxxxxxxxxxxxxx:use cgroupfs\|is no message of D-Bus'; do
		# shellcheck disable=SC2059 # the words are the format
		printf "${words%:*}" >"$said"
		rm -f /run/systemd/private
		pretend "$said" 3>&- &
		eventually test -S /run/systemd/private
		run --separate-stderr runtime --systemd-cgroup create --bundle "$BUNDLE" one
		[[ $status -eq 1 && $stderr != *$'\n'* ]]
		grep -q "${words##*:}" <<<"$stderr"
		wait
	done
	rm -f /run/systemd/private
	[[ -z $(runtime list -q) ]]
}

@test "managers that there are not, and two at once" {
	failure '--cgroup-manager: "nobody" is neither cgroupfs, systemd nor disabled' --cgroup-manager nobody list
	failure "contradict each other" --systemd-cgroup --cgroup-manager cgroupfs list
	runtime --cgroup-manager cgroupfs list
	# Only who makes a container asks.
	runtime --systemd-cgroup list
}

@test "disabled: no cgroup is made or joined" {
	local own
	own=$(cat /proc/self/cgroup)
	config '.process.args = ["cat", "/proc/self/cgroup"] | .linux.namespaces |= map(select(.type != "cgroup")) | .linux.cgroupsPath = "/never/made"'
	[[ $(runtime --cgroup-manager disabled run --bundle "$BUNDLE" one) == "$own" ]]
	config '.process.args = ["sleep", "100"] | .linux.cgroupsPath = "/never/made"'
	runtime --cgroup-manager disabled run --detach --bundle "$BUNDLE" one
	[[ -z $(find /sys/fs/cgroup -name made) ]]
	[[ $(jq -r .cgroupManager "$RUNTIME_ROOT/one/state.json") == disabled ]]
	runtime exec one true
	failure 'container "one" has no cgroup' pause one
	failure 'container "one" has no cgroup' update --pids-limit 5 one
	runtime delete --force one
}

@test "disabled: what needs a cgroup is refused by its path" {
	config '.linux.resources = {pids: {limit: 5}}'
	failure 'config.json: linux.resources: limits need a cgroup' --cgroup-manager disabled create --bundle "$BUNDLE" one
	config '.linux.resources = {devices: [{allow: false, access: "rwm"}]} | .process.capabilities[] += ["CAP_MKNOD"]'
	failure 'config.json: linux.resources.devices: rules need a cgroup' --cgroup-manager disabled create --bundle "$BUNDLE" one
	# Without CAP_MKNOD there is no node but those that it is given.
	config '.linux.resources = {devices: [{allow: false, access: "rwm"}]} | .process.args = ["sh", "-c", "mknod /x c 1 3; echo $?"] |
		.process.capabilities[] -= ["CAP_MKNOD"] | .root.readonly = false'
	[[ $(runtime --cgroup-manager disabled run --bundle "$BUNDLE" one 2>/dev/null) == 1 ]]
}

@test "a state of before there were managers" {
	config_of sleep 100
	runtime run --detach --bundle "$BUNDLE" one
	jq -c 'del(.cgroupManager, .unit)' "$RUNTIME_ROOT/one/state.json" >"$BATS_TEST_TMPDIR/state"
	cat "$BATS_TEST_TMPDIR/state" >"$RUNTIME_ROOT/one/state.json"
	runtime pause one
	runtime resume one
	runtime delete --force one
	[[ -z $(find /sys/fs/cgroup -name one) ]]
}
