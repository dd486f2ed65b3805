# Podman with husk-runtime in runc's place.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load ../cli/helpers
load bundle
load engines

setup_file() {
	need_root
	need_program podman
	make_engine_dir
	printf '[containers]\nlog_driver = "k8s-file"\n[engine]\nevents_logger = "file"\n' >"$ENGINE_DIR/containers.conf"
	export CONTAINERS_CONF=$ENGINE_DIR/containers.conf
	# What podman mounts and makes for all its containers comes with the first ones.
	pod run --network none --rootfs "$ENGINE_DIR/rootfs" true
	pod ps -a
	pod rm -a
}

# Podman binds the directory of its storage to itself, and lets go of it when its last process, which may be one that tidies
# up in the background, has ended.
eval "$(declare -f leak_things | sed '1s/leak_things/leak_all_things/')"
leak_things() {
	leak_all_things | grep -vF " $ENGINE_DIR/root/overlay "
}

teardown() {
	pod rm -a -f -t 0 >/dev/null
	test_end
}

# pod COMMAND...
pod() {
	podman --root "$ENGINE_DIR/root" --runroot "$ENGINE_DIR/run" --tmpdir "$ENGINE_DIR/tmp" --storage-driver overlay \
		--cgroup-manager cgroupfs --runtime "$RUNTIME" "$@"
}

# pod_run OPTION... COMMAND...
pod_run() {
	pod run --network none "${@:1:$#-1}" --rootfs "$ENGINE_DIR/rootfs" sh -c "${!#}"
}

@test "run: with the default profile of seccomp and the default capabilities" {
	[[ $(pod_run --rm 'grep -E "Seccomp:|CapEff|NoNewPrivs" /proc/self/status | xargs') == "CapEff: 00000000a80425fb NoNewPrivs: 0 Seccomp: 2" ]]
	run pod_run --rm 'exit 5'
	[[ $status -eq 5 ]]
	run -127 pod run --rm --network none --rootfs "$ENGINE_DIR/rootfs" nothere
	[[ $output == *"executable file not found"* ]]
	run pod run --rm --network none --rootfs "$ENGINE_DIR/rootfs" /etc/passwd
	[[ $status -eq 126 && $output == *"ermission denied"* ]]
}

@test "in the background: ps, exec, a terminal, logs, stop, rm" {
	pod_run -d --name one 'echo begun; trap "exit 3" TERM; while :; do sleep 0.05; done'
	[[ $(pod ps --format '{{.Names}} {{.State}}') == "one Up "* ]]
	[[ $(pod exec one sh -c 'echo in; cat /proc/1/comm' | xargs) == "in sh" ]]
	run pod exec one sh -c 'exit 6'
	[[ $status -eq 6 ]]
	[[ $(pod exec -t one sh -c '[ -t 0 ] && echo terminal' | tr -d '\r') == terminal ]]
	[[ $(pod logs one) == begun ]]
	pod pause one
	[[ $(pod inspect -f '{{.State.Status}}' one) == paused ]]
	pod unpause one
	pod stop -t 5 one
	[[ $(pod inspect -f '{{.State.ExitCode}}' one) == 3 ]]
	pod rm one
}

@test "limits, a read-only root, volumes, a user" {
	local files='/sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max'
	is_version2 && files='/sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max'
	[[ $(pod_run --rm -m 32m --pids-limit 20 "cat $files" | xargs) == "33554432 20" ]]
	mkdir "$BATS_TEST_TMPDIR/volume"
	pod_run --rm -v "$BATS_TEST_TMPDIR/volume:/v" 'echo x >/v/file'
	[[ $(<"$BATS_TEST_TMPDIR/volume/file") == x ]]
	run pod_run --rm -v "$BATS_TEST_TMPDIR/volume:/v:ro" 'echo y >/v/file'
	[[ $output == *"Read-only file system"* && $(<"$BATS_TEST_TMPDIR/volume/file") == x ]]
	[[ $(pod_run --rm --user 7:8 'id -u; id -g' | xargs) == "7 8" ]]
	[[ $(pod_run --rm --privileged 'ls -d /dev/kmsg') == /dev/kmsg ]]
}

@test "--tmpfs has what the image has there, --read-only with its writable places" {
	mkdir -p "$ENGINE_DIR/rootfs/kept"
	echo kept >"$ENGINE_DIR/rootfs/kept/file"
	run pod_run --rm --tmpfs /kept 'cat /kept/file; echo new >/kept/new; stat -f -c %T /kept'
	[[ $status -eq 0 && ${lines[0]} == kept && ${lines[1]} == tmpfs && ! -e $ENGINE_DIR/rootfs/kept/new ]]
	run pod_run --rm --read-only 'touch /run/a /tmp/b && echo written; touch /c'
	[[ ${lines[0]} == written && ${lines[1]} == *"Read-only file system"* ]]
}

# Podman gives the container a socket of its own, and conmon passes on the readiness.
# bats test_tags=any-kernel
@test "--sdnotify: a container says itself that it is ready, or podman does" {
	local log=$BATS_TEST_TMPDIR/log manager
	cc -O1 -static -D_GNU_SOURCE -o "$ENGINE_DIR/rootfs/bin/probe" "$BATS_TEST_DIRNAME/../security/probe.c"
	"$BATS_TEST_DIRNAME/notify-manager" "$BATS_TEST_TMPDIR/manager" "$log" 3>&- &
	manager=$!
	eventually test -S "$BATS_TEST_TMPDIR/manager"
	export NOTIFY_SOCKET=$BATS_TEST_TMPDIR/manager
	pod_run -d --sdnotify=container --name one 'printf READY=1 | probe notify >/out; sleep 100' 3>&-
	eventually grep -q 'READY=1' "$log"
	[[ $(pod exec one cat /out) == "sent ok" ]]
	[[ $(grep -o 'MAINPID=[0-9]*' "$log") == MAINPID=$(pod inspect -f '{{.State.ConmonPid}}' one) ]]
	: >"$log"
	[[ $(pod_run --rm --sdnotify=ignore 'echo ${NOTIFY_SOCKET-none}') == none && ! -s $log ]]
	kill "$manager"
}
