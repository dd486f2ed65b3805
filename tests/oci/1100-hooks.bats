# Hooks: when each kind runs, where, and what follows from a failure.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside, or jq's; bats sets stderr
load ../cli/helpers
load bundle

setup_file() {
	make_bundle
}

setup() {
	test_begin
	marks=$BATS_TEST_TMPDIR/marks
	mkdir "$marks"
}

teardown() {
	runtime_clean
	test_end
}

# hook KIND SCRIPT: appended to the bundle's configuration; $MARKS is where scripts leave what they saw.
hook() {
	jq --arg kind "$1" --arg script "$2" --arg marks "$marks" '.hooks[$kind] += [{path: "/bin/sh",
		args: ["sh", "-c", $script], env: ["MARKS=" + $marks, "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}]' "$BUNDLE/config.json" >"$BUNDLE/new.json"
	mv "$BUNDLE/new.json" "$BUNDLE/config.json"
}

@test "all six, in their order, with the state" {
	local kind
	config_of sh -c 'echo process'
	for kind in prestart createRuntime createContainer poststart poststop; do
		hook "$kind" "cat >\$MARKS/$kind; echo $kind >>\$MARKS/order; pwd >>\$MARKS/pwd; env >\$MARKS/env.$kind"
	done
	hook startContainer 'echo startContainer; cat >/tmp/state; ls /bin/busybox'
	jq '.root.readonly = false' "$BUNDLE/config.json" >"$BUNDLE/new.json" && mv "$BUNDLE/new.json" "$BUNDLE/config.json"
	export LEAKED=1
	runtime create --bundle "$BUNDLE" one >"$BATS_TEST_TMPDIR/out"
	[[ $(xargs <"$marks/order") == "prestart createRuntime createContainer" && ! -s $BATS_TEST_TMPDIR/out ]]
	pid=$(runtime state one | jq .pid)
	for kind in prestart createRuntime createContainer; do
		jq -e --argjson pid "$pid" '.id == "one" and .pid == $pid and .status == "creating"' "$marks/$kind"
	done
	runtime start one
	eventually status_is one stopped
	[[ $(xargs <"$BATS_TEST_TMPDIR/out") == "startContainer /bin/busybox process" ]]
	jq -e --argjson pid "$pid" '.pid == $pid and .status == "created"' "$BUNDLE/rootfs/tmp/state"
	jq -e '.status == "running"' "$marks/poststart"
	runtime delete one
	jq -e '.status == "stopped"' "$marks/poststop"
	[[ $(xargs <"$marks/order") == "prestart createRuntime createContainer poststart poststop" ]]
	[[ $(sort -u "$marks/pwd") == "$BUNDLE" ]]
	[[ -z $(grep -l LEAKED "$marks"/env.*) ]]
	rm -f "$BUNDLE/rootfs/tmp/state"
}

@test "a hook without env has the caller's environment, and inside the container's; an empty one is empty" {
	config '.process.args = ["true"] | .process.env = ["PATH=/bin", "INSIDE=1"] | .root.readonly = false |
		.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "env >\($marks)/host"]}, {path: "/bin/sh", args: ["sh", "-c", "env >\($marks)/none"], env: []}] |
		.hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "env >/tmp/inside"]}]' --arg marks "$marks"
	(cd / && LEAKED=1 runtime run --bundle "$BUNDLE" one)
	grep -qx LEAKED=1 "$marks/host"
	[[ $(grep -vE '^(PWD|SHLVL|_)=' "$marks/none") == "" ]]
	grep -qx INSIDE=1 "$BUNDLE/rootfs/tmp/inside"
	! grep -q LEAKED "$BUNDLE/rootfs/tmp/inside" || return 1
	rm "$BUNDLE/rootfs/tmp/inside"
}

@test "createContainer runs in the container's namespaces, before its root is entered" {
	config_of true
	hook createRuntime 'readlink /proc/self/ns/mnt >$MARKS/host; hostname >$MARKS/host.name'
	hook createContainer 'readlink /proc/self/ns/mnt >$MARKS/inside; hostname >$MARKS/inside.name; ls $(dirname $MARKS) >/dev/null; ls '"$BUNDLE"'/rootfs/dev >$MARKS/dev'
	runtime run --bundle "$BUNDLE" one
	[[ $(<"$marks/host") == "$(readlink /proc/self/ns/mnt)" && $(<"$marks/inside") != "$(<"$marks/host")" ]]
	[[ $(<"$marks/inside.name") == husk && $(<"$marks/host.name") != husk ]]
	grep -qx null "$marks/dev"
	[[ -z $(ls "$BUNDLE/rootfs/dev") ]]
}

@test "a hook that fails: no container, its words in the message, poststop runs" {
	local kind
	for kind in prestart createRuntime createContainer; do
		config_of true
		hook "$kind" 'echo because of this; exit 3'
		hook poststop 'echo >$MARKS/stopped'
		failure "$kind hook /bin/sh failed with exit code 3: because of this" run --bundle "$BUNDLE" one
		[[ -z $(runtime list -q) && -e $marks/stopped ]]
		rm "$marks/stopped"
	done
	config_of true
	hook startContainer 'exit 4'
	failure "startContainer hook /bin/sh failed with exit code 4" run --bundle "$BUNDLE" one
	config_of sleep 100
	hook poststart 'exit 5'
	failure "poststart hook /bin/sh failed with exit code 5" run -d --bundle "$BUNDLE" one
	config_of true
	hook poststop 'exit 6'
	hook poststop 'echo >$MARKS/stopped'
	runtime run --bundle "$BUNDLE" one
	[[ -e $marks/stopped ]]
}

@test "a poststart hook that fails: run ends the container and deletes it, start leaves it stopped; those after it do not run" {
	config_of sleep 1000
	hook poststart 'cat >$MARKS/state; exit 5'
	hook poststart 'echo >$MARKS/second'
	hook poststop 'echo >>$MARKS/stopped'
	for options in "" --detach; do
		# shellcheck disable=SC2086 # no word, or one
		failure "poststart hook /bin/sh failed with exit code 5" run $options --bundle "$BUNDLE" one
		[[ -z $(runtime list -q) && -z $(find /sys/fs/cgroup -name one) ]]
		is_gone "$(jq .pid "$marks/state")"
	done
	[[ $(wc -l <"$marks/stopped") -eq 2 ]]
	runtime create --bundle "$BUNDLE" one </dev/null >/dev/null 2>&1
	failure "poststart hook /bin/sh failed with exit code 5" start one
	eventually status_is one stopped
	runtime delete one
	[[ $(wc -l <"$marks/stopped") -eq 3 && ! -e $marks/second ]]
}

@test "a startContainer hook alone has the state as well, and all the seconds of its timeout" {
	config '.process.args = ["true"] | .root.readonly = false | .hooks.startContainer =
		[{path: "/bin/sh", args: ["sh", "-c", "sleep 0.3; cat >/tmp/state"], timeout: 60}]'
	runtime run --bundle "$BUNDLE" one </dev/null
	[[ $(jq -r '.id + " " + .status' "$BUNDLE/rootfs/tmp/state") == "one created" ]]
	rm "$BUNDLE/rootfs/tmp/state"
}

# The poststart hook sends it, when the process is ready for it.
@test "a signal that run gets during the start is the container's" {
	config '.root.readonly = false |
		.process.args = ["sh", "-c", "trap \"exit 9\" TERM; touch /tmp/ready; while :; do sleep 0.05; done"]'
	hook poststart "until [ -e '$BUNDLE/rootfs/tmp/ready' ]; do sleep 0.05; done; kill -TERM \$PPID"
	status=0
	runtime run --bundle "$BUNDLE" one </dev/null >/dev/null 2>&1 || status=$?
	rm "$BUNDLE/rootfs/tmp/ready"
	[[ $status -eq 9 && -z $(runtime list -q) ]]
}

# bats test_tags=any-kernel
@test "a hook that takes too long is killed" {
	local kind
	for kind in createRuntime startContainer; do
		config_of true
		hook "$kind" 'sleep 20'
		jq --arg kind "$kind" '.hooks[$kind][0].timeout = 1' "$BUNDLE/config.json" >"$BUNDLE/new.json" && mv "$BUNDLE/new.json" "$BUNDLE/config.json"
		failure "ran longer than its 1 seconds" run --bundle "$BUNDLE" one
	done
	config '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "sleep 1000.25 & wait"], timeout: 1}]'
	failure "ran longer than its 1 seconds" run --bundle "$BUNDLE" one
	eventually bash -c '! pgrep -fx "sleep 1000.25"'
	config '.hooks.prestart = [{path: "relative"}]'
	failure 'config.json: hooks.prestart[0].path: "relative" is not an absolute path' run --bundle "$BUNDLE" one
	config '.hooks.prestart = [{path: "/bin/true", timeout: 0}]'
	failure "a timeout is at least one second" run --bundle "$BUNDLE" one
}
