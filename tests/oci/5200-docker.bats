# Docker's daemon with husk-runtime as its default runtime.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load ../cli/helpers
load bundle
load engines

setup_file() {
	need_root
	need_program dockerd
	need_program docker
	make_engine_dir
	mkdir -p /run/husk-test
	echo '{}' >"$ENGINE_DIR/daemon.json"
	export DOCKER_HOST=unix:///run/husk-test/docker DOCKER_CONFIG=$ENGINE_DIR
	daemon "$ENGINE_DIR/log" "docker version" -- dockerd --config-file "$ENGINE_DIR/daemon.json" --data-root "$ENGINE_DIR/data" \
		--exec-root /run/husk-test/exec --pidfile /run/husk-test/pid --host "$DOCKER_HOST" --iptables=false --bridge=none \
		--add-runtime "husk=$RUNTIME" --default-runtime husk
	tar -C "$ENGINE_DIR/rootfs" -c . | docker import - box >/dev/null
	# The cgroup of all its containers comes with the first one.
	docker_run --rm true
}

teardown_file() {
	end_daemon
}

teardown() {
	docker ps -aq | xargs -r docker rm -f >/dev/null
	test_end
}

# docker_run OPTION... SCRIPT
docker_run() {
	docker run --network none "${@:1:$#-1}" box sh -c "${!#}"
}

restarted() {
	[[ $(docker inspect -f '{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}' "$1") == "$2" ]]
}

@test "run: the default profile, capabilities, code, 126 and 127" {
	[[ $(docker_run --rm 'grep -E "Seccomp:|CapEff" /proc/self/status | xargs') == "CapEff: 00000000a80425fb Seccomp: 2" ]]
	run docker_run --rm 'exit 5'
	[[ $status -eq 5 ]]
	run -127 docker run --rm --network none box nothere
	[[ $output == *'executable file not found in $PATH'* ]]
	run docker run --rm --network none box /tmp
	[[ $status -eq 126 && $output == *"is a directory"* ]]
	run docker run --rm --network none box /etc/passwd
	[[ $status -eq 126 && $output == *"permission denied"* ]]
}

@test "in the background: exec, pause, update, top, stats, logs, stop, start" {
	docker_run -d --name one -m 64m --pids-limit 30 --cpus 0.5 'echo begun; trap "exit 3" TERM; while :; do sleep 0.05; done'
	[[ $(docker exec one sh -c 'cat /proc/1/comm') == sh ]]
	run docker exec one sh -c 'exit 6'
	[[ $status -eq 6 ]]
	run docker exec one nothere
	[[ $status -eq 127 || $status -eq 126 ]]
	[[ $(docker exec -t one sh -c '[ -t 0 ] && echo terminal' | tr -d '\r') == terminal ]]
	docker pause one
	restarted one "0 paused 0"
	docker unpause one
	docker update --memory 128m --memory-swap 256m one
	[[ $(docker exec one cat /sys/fs/cgroup/memory/memory.limit_in_bytes) == 134217728 ]]
	[[ $(docker stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' one) =~ ^[1-9][0-9]*\ [1-9][0-9.]*[KM]iB\ /\ 128MiB$ ]]
	[[ $(docker top one | wc -l) -ge 2 && $(docker logs one) == begun ]]
	docker stop -t 5 one
	restarted one "0 exited 3"
	docker start one
	restarted one "0 running 0"
}

@test "a restart policy, an out of memory kill, an init, a terminal" {
	docker_run -d --name two --restart on-failure:2 'exit 3'
	eventually restarted two "2 exited 3"
	docker_run --name three -m 16m 'head -c 64m /dev/zero | tail -n 1' || true
	[[ $(docker inspect -f '{{.State.ExitCode}}' three) != 0 ]]
	[[ $(docker_run --rm --init 'cat /proc/1/comm') == docker-init ]]
	[[ $(docker_run --rm -t 'stat -c %t /dev/console' | tr -d '\r') == 88 ]]
}

@test "a read-only root, tmpfs, volumes, users, devices, sysctls, --privileged" {
	run docker_run --rm --read-only --tmpfs /tmp 'touch /tmp/x && touch /y'
	[[ $status -eq 1 && $output == *"/y: Read-only file system" ]]
	mkdir "$BATS_TEST_TMPDIR/volume"
	docker_run --rm -v "$BATS_TEST_TMPDIR/volume:/v" 'echo x >/v/file'
	run docker_run --rm -v "$BATS_TEST_TMPDIR/volume:/v:ro" 'echo y >/v/file'
	[[ $output == *"Read-only file system"* && $(<"$BATS_TEST_TMPDIR/volume/file") == x ]]
	[[ $(docker_run --rm -u 7:8 'id -u; id -g' | xargs) == "7 8" ]]
	[[ $(docker_run --rm --device /dev/fuse 'stat -c %t:%T /dev/fuse; : >/dev/fuse && echo open' | xargs) == "a:e5 open" ]]
	[[ $(docker_run --rm --sysctl net.ipv4.ip_forward=1 'cat /proc/sys/net/ipv4/ip_forward') == 1 ]]
	[[ $(docker_run --rm --ulimit nofile=100:200 'ulimit -n; ulimit -H -n' | xargs) == "100 200" ]]
	[[ $(docker_run --rm --privileged 'ls -d /dev/loop-control') == /dev/loop-control ]]
}

@test "docker load takes what husk save writes: the same image" {
	husk run --rm --net none busybox true
	husk save busybox | docker load
	[[ $(docker images --no-trunc --format '{{.Repository}}:{{.Tag}} {{.ID}}') == *"busybox:latest sha256:$(husk images -q --no-trunc)"* ]]
	[[ $(docker run --rm --network none busybox echo hello) == hello ]]
	docker rmi busybox >/dev/null
}

@test "husk load takes what docker save writes: the same image, and docker commit's layers" {
	docker run --name changed --network none box sh -c 'echo new >/new; rm /bin/true; mkdir /etc/more; chown 7:8 /etc/more'
	docker commit changed made:one >/dev/null
	docker rm changed >/dev/null
	run bash -c 'docker save made:one | "$HUSK" load'
	[[ $status -eq 0 && $output == "Loaded image: made:one" ]]
	[[ sha256:$(husk images -q --no-trunc | head -n 1) == "$(docker images -q --no-trunc made:one)" ]]
	[[ $(husk run --rm --net none made:one sh -c 'cat /new; stat -c %u:%g /etc/more; test -e /bin/true || echo gone' | xargs) == "new 7:8 gone" ]]
	# And back again.
	docker rmi made:one >/dev/null
	husk save made:one | docker load >/dev/null
	[[ $(docker run --rm --network none made:one cat /new) == new ]]
	# What is said of it is the same, but for sizes, which Docker counts a little larger.
	facts='.[0] | [.Id, .RepoTags, .Architecture, .Os, .Author, .RootFS, .Config.Env, .Config.Cmd, .Config.Labels // {}, .Config.WorkingDir]'
	[[ $(husk image inspect made:one | jq -c "$facts") == "$(docker image inspect made:one | jq -c "$facts")" ]]
	columns='{{.ID}}|{{.CreatedBy}}|{{.Comment}}'
	[[ $(husk history --no-trunc --format "$columns" made:one) == "$(docker history --no-trunc --format "$columns" made:one)" ]]
	[[ $(husk history made:one | head -n 1 | xargs) == "$(docker history made:one | head -n 1 | xargs)" ]]
	docker rmi made:one >/dev/null
}
