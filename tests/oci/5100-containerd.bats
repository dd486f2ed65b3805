# containerd with husk-runtime in runc's place, by ctr.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load ../cli/helpers
load bundle
load engines

setup_file() {
	need_root
	need_program containerd
	need_program ctr
	make_engine_dir
	mkdir -p /run/husk-test
	cat >"$ENGINE_DIR/config.toml" <<-END
		version = 2
		root = "$ENGINE_DIR/root"
		state = "/run/husk-test/state"
		disabled_plugins = ["io.containerd.grpc.v1.cri"]
		[grpc]
		address = "/run/husk-test/socket"
	END
	daemon "$ENGINE_DIR/log" "ctr -a /run/husk-test/socket version" -- containerd --config "$ENGINE_DIR/config.toml"
	# The cgroup of all its containers comes with the first one.
	ctr_run --rm warm true
}

teardown_file() {
	end_daemon
}

control() {
	ctr -a /run/husk-test/socket "$@"
}

ctr_run() {
	control run --runc-binary "$RUNTIME" "${@:1:$#-2}" --rootfs "$ENGINE_DIR/rootfs" "${@: -2:1}" sh -c "${!#}"
}

task_is() {
	[[ $(control task ls | awk -v id="$1" '$1 == id { print $3 }') == "$2" ]]
}

@test "run: output and code" {
	[[ $(ctr_run --rm one 'echo hello; cat /proc/1/comm; true' | xargs) == "hello sh" ]]
	run ctr_run --rm one 'exit 5'
	[[ $status -eq 5 ]]
	run control run --rm --runc-binary "$RUNTIME" --rootfs "$ENGINE_DIR/rootfs" one nothere
	[[ $status -eq 1 && $output == *'OCI runtime create failed: exec: "nothere": executable file not found in $PATH'* ]]
	[[ -z $(control c ls -q) ]]
}

@test "with containerd's seccomp profile" {
	[[ $(ctr_run --rm --seccomp one 'grep Seccomp: /proc/self/status | xargs') == "Seccomp: 2" ]]
}

@test "tasks: exec, pause, ps, kill, rm" {
	ctr_run -d two 'sleep 100'
	task_is two RUNNING
	[[ $(control task exec --exec-id a two cat /proc/1/comm) == sleep ]]
	run control task exec --exec-id b two sh -c 'exit 6'
	[[ $status -eq 6 ]]
	control task pause two
	task_is two PAUSED
	control task resume two
	[[ $(control task ps two | wc -l) -eq 2 ]]
	control task kill -s KILL two
	eventually task_is two STOPPED
	control task rm two || true # says the exit code
	control c rm two
	[[ -z $(control c ls -q) ]]
}
