# Podman of an ordinary user: husk-runtime is root of the user namespace that podman has made, and of nothing else.
# shellcheck disable=SC2016 # $ in single quotes is for the shell inside
load ../cli/helpers
load bundle
load tester

setup_file() {
	need_program podman
	export RUNTIME=${HUSK%/*}/husk-runtime
	make_tester
	make_rootfs "$BATS_FILE_TMPDIR/rootfs"
	printf '[containers]\nlog_driver = "k8s-file"\n[engine]\nevents_logger = "file"\n' >"$BATS_FILE_TMPDIR/containers.conf"
	tar --owner=0 --group=0 -C "$BATS_FILE_TMPDIR/rootfs" -cf "$BATS_FILE_TMPDIR/rootfs.tar" .
	cd "$TESTER_HOME" || return # podman wants a directory that its user may see
	pod import "$BATS_FILE_TMPDIR/rootfs.tar" box
}

teardown_file() {
	# The process that keeps podman's user namespace.
	kill "$(<"/run/tester/libpod/tmp/pause.pid")"
	end_tester
}

setup() {
	test_begin
	cd "$TESTER_HOME" || return
}

teardown() {
	pod rm -a -f -t 0
	test_end
}

# Files that other users own cannot go on this disk's overlay here: their content is copied.
pod() {
	as_tester env CONTAINERS_CONF="$BATS_FILE_TMPDIR/containers.conf" podman --storage-driver vfs \
		--cgroup-manager cgroupfs --runtime "$RUNTIME" "$@"
}

box() {
	pod run --network none "$@"
}

@test "run: root inside is the user outside, the others are subordinate ids" {
	run box --rm box sh -c 'id -u; cat /proc/self/uid_map; touch /new && stat -c %u /new'
	[[ $status -eq 0 && ${lines[0]} == 0 && ${lines[1]} =~ ^\ +0\ +4242\ +1$ && ${lines[2]} =~ ^\ +1\ +200000\ +65536$ && ${lines[3]} == 0 ]]
}

@test "another user, volumes, a device, a terminal" {
	echo mine >"$TESTER_HOME/file"
	run box --rm --user 1000:1000 -v "$TESTER_HOME/file:/f:ro" box sh -c 'id -u; cat /f; echo >/f'
	[[ ${lines[0]} == 1000 && ${lines[1]} == mine && ${lines[2]} == *"Read-only file system"* ]]
	run box --rm --device /dev/fuse box stat -c %t:%T /dev/fuse
	[[ $output == a:e5 ]]
	run box --rm -t box tty
	[[ $output == *"/dev/pts/0"* ]]
}

@test "--userns keep-id" {
	run box --rm --userns keep-id box sh -c 'id -u; stat -c %u /tmp'
	[[ $status -eq 0 && ${lines[0]} == 4242 && ${lines[1]} == 0 ]]
}

@test "detached: exec, ps, logs, stop, exit codes" {
	box -d --name c box sh -c 'echo out; trap "exit 7" TERM; while :; do sleep 0.1; done'
	run pod exec -u 5 c id -u
	[[ $output == 5 ]]
	run pod exec c sh -c 'exit 9'
	[[ $status -eq 9 ]]
	[[ $(pod ps --format '{{.Names}}') == c && $(pod logs c) == out ]]
	pod stop -t 5 c
	[[ $(pod inspect --format '{{.State.ExitCode}}' c) == 7 ]]
	run -127 box --rm box nothere
	[[ $output == *"executable file not found"* ]]
}
