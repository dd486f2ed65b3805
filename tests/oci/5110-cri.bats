# Kubernetes' container runtime interface (CRI) of containerd with husk-runtime in runc's place: pods and their containers,
# driven through the socket as the kubelet does. Their network is a bridge of CNI's plugins.
# shellcheck disable=SC2016 # $ in single quotes is for the shell inside
load ../cli/helpers
load bundle
load engines

setup_file() {
	need_root
	need_program containerd
	need_program ctr
	need_program jq
	[[ -x /usr/lib/cni/bridge ]] || skip "needs the plugins of CNI in /usr/lib/cni"
	/usr/bin/python3 -c 'import grpc, google.protobuf' 2>/dev/null || skip "needs grpc and protobuf of Python"
	make_engine_dir
	mkdir -p /run/husk-test "$ENGINE_DIR/cni"
	cat >"$ENGINE_DIR/cni/pods.conflist" <<-END
		{"cniVersion": "0.4.0", "name": "pods", "plugins": [{"type": "bridge", "bridge": "pods0", "isGateway": true,
		"ipam": {"type": "host-local", "dataDir": "$ENGINE_DIR/leases", "ranges": [[{"subnet": "10.87.0.0/24"}]]}}]}
	END
	cat >"$ENGINE_DIR/config.toml" <<-END
		version = 2
		root = "$ENGINE_DIR/root"
		state = "/run/husk-test/state"
		[grpc]
		address = "/run/husk-test/socket"
		[plugins."io.containerd.internal.v1.opt"]
		path = "$ENGINE_DIR/opt"
		[plugins."io.containerd.grpc.v1.cri"]
		sandbox_image = "husk.test/box:1"
		stream_server_address = "127.0.0.1"
		[plugins."io.containerd.grpc.v1.cri".cni]
		bin_dir = "/usr/lib/cni"
		conf_dir = "$ENGINE_DIR/cni"
		[plugins."io.containerd.grpc.v1.cri".containerd]
		default_runtime_name = "husk"
		[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.husk]
		runtime_type = "io.containerd.runc.v2"
		[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.husk.options]
		BinaryName = "$RUNTIME"
		Root = "/run/husk-test/runtime"
	END
	daemon "$ENGINE_DIR/log" "ctr -a /run/husk-test/socket version" -- containerd --config "$ENGINE_DIR/config.toml"
	import_box
	# The bridge and the cgroup of all pods come with the first one.
	pod_make warm
	pod_remove
}

teardown_file() {
	end_daemon
}

setup() {
	rm -rf "$ENGINE_DIR/logs"
	mkdir -p "$ENGINE_DIR/logs"
	test_begin
	POD=
}

teardown() {
	[[ ! $POD ]] || pod_remove
	[[ -z $(ls /run/husk-test/runtime/k8s.io) ]]
	test_end
}

# The root of the engines' tests as an image of Docker's archive format; its own command waits for ever, as a pod's does.
import_box() {
	local at=$ENGINE_DIR/image
	mkdir "$at"
	tar -C "$ENGINE_DIR/rootfs" -cf "$at/layer.tar" .
	jq -n --arg digest "sha256:$(sha256sum "$at/layer.tar" | cut -d ' ' -f 1)" '{architecture: "amd64", os: "linux",
		config: {Env: ["PATH=/bin"], Cmd: ["/bin/sleep", "infinity"]}, rootfs: {type: "layers", diff_ids: [$digest]}}' \
		>"$at/config.json"
	jq -n '[{Config: "config.json", RepoTags: ["husk.test/box:1"], Layers: ["layer.tar"]}]' >"$at/manifest.json"
	tar -C "$at" -c manifest.json config.json layer.tar |
		ctr -a /run/husk-test/socket -n k8s.io images import --no-unpack - >/dev/null
}

# cri METHOD [REQUEST]: prints the answer; fails when that is an error, and says it.
cri() {
	local answer
	answer=$(printf '%s\n' "$1 ${2:-}" | "$BATS_TEST_DIRNAME/cri" /run/husk-test/socket)
	if jq -e 'has("error")' <<<"$answer" >/dev/null; then
		jq -r .error <<<"$answer" >&2
		return 1
	fi
	printf '%s\n' "$answer"
}

# pod_make NAME [JQ-FILTER]: a pod whose configuration is so changed; its id in $POD, its configuration in $POD_CONFIG.
pod_make() {
	POD_CONFIG=$(jq -cn --arg name "$1" --arg logs "$ENGINE_DIR/logs" '{metadata: {$name, uid: $name, namespace: "test"},
		hostname: $name, log_directory: $logs, linux: {cgroup_parent: "/kubepods", security_context: {}}} | '"${2:-.}")
	local answer
	answer=$(cri RunPodSandbox "{\"config\": $POD_CONFIG}") || return
	POD=$(jq -r .pod_sandbox_id <<<"$answer")
}

pod_remove() {
	cri StopPodSandbox "{\"pod_sandbox_id\": \"$POD\"}" >/dev/null
	cri RemovePodSandbox "{\"pod_sandbox_id\": \"$POD\"}" >/dev/null
	POD=
}

# create NAME SCRIPT [JQ-FILTER]: a container of the pod that runs a shell; prints its id.
create() {
	local config answer
	config=$(jq -cn --arg name "$1" --arg script "$2" '{metadata: {$name}, image: {image: "husk.test/box:1"},
		command: ["/bin/sh", "-c", $script], log_path: "\($name).log", linux: {resources: {}, security_context:
		{namespace_options: {pid: 1}}}} | '"${3:-.}")
	answer=$(cri CreateContainer "{\"pod_sandbox_id\": \"$POD\", \"config\": $config, \"sandbox_config\": $POD_CONFIG}") || return
	jq -r .container_id <<<"$answer"
}

# make NAME SCRIPT [JQ-FILTER]: and starts it.
make() {
	local id
	id=$(create "$@") || return
	cri StartContainer "{\"container_id\": \"$id\"}" >/dev/null || return
	printf '%s\n' "$id"
}

# inside ID SCRIPT: what an ExecSync prints; its code.
inside() {
	local answer
	answer=$(cri ExecSync "$(jq -cn --arg id "$1" --arg script "$2" '{container_id: $id, cmd: ["sh", "-c", $script], timeout: 10}')") ||
		return
	jq -rj '.stdout // "", .stderr // ""' <<<"$answer"
	return "$(jq '.exit_code // 0' <<<"$answer")"
}

# status_of_container ID JQ-FILTER
status_of_container() {
	cri ContainerStatus "{\"container_id\": \"$1\"}" | jq -r ".status | $2"
}

# States are 0 created, 1 running, 2 ended.
state_is() {
	[[ $(status_of_container "$1" '.state // 0') -eq $2 ]]
}

# written NAME: what a container has written so far, without the times of the lines.
written() {
	sed -E 's/^[^ ]+ (stdout|stderr) [FP] //' "$ENGINE_DIR/logs/$1.log"
}

# What a container that ends by itself has written.
said() {
	local id
	id=$(make "$@") || return
	eventually state_is "$id" 2
	written "$1"
}

@test "a pod: ready, with an address; gone when removed" {
	[[ $(cri Status | jq -c '[.status.conditions[] | [.type, .status]]') == '[["RuntimeReady",true],["NetworkReady",true]]' ]]
	pod_make one
	[[ $(cri PodSandboxStatus "{\"pod_sandbox_id\": \"$POD\"}" | jq -r '.status | "\(.state // 0) \(.network.ip)"') == "0 10.87.0."* ]]
	[[ $(ctr -a /run/husk-test/socket -n k8s.io task ls -q) == "$POD" ]]
	[[ $("$RUNTIME" --root /run/husk-test/runtime/k8s.io state "$POD" | jq -r .status) == running ]]
	cri StopPodSandbox "{\"pod_sandbox_id\": \"$POD\"}"
	[[ $(cri PodSandboxStatus "{\"pod_sandbox_id\": \"$POD\"}" | jq .status.state) -eq 1 ]]
	pod_remove
	[[ $(cri ListPodSandbox) == "{}" && -z $(ls "$ENGINE_DIR"/leases/pods/10.* 2>/dev/null) ]]
}

@test "a container: created, started, exec, its log, its end" {
	pod_make one
	id=$(create main 'echo out; echo err >&2; echo "$WORD $(pwd)"; trap "exit 3" TERM; while :; do sleep 0.05; done' \
		'.envs = [{key: "WORD", value: "two words"}] | .working_dir = "/tmp"')
	state_is "$id" 0
	cri StartContainer "{\"container_id\": \"$id\"}"
	state_is "$id" 1
	[[ $(inside "$id" 'hostname; pwd; cat /proc/1/comm' | xargs) == "one /tmp sh" ]]
	run inside "$id" 'echo no >&2; exit 6'
	[[ $status -eq 6 && $output == no ]]
	run cri ExecSync "{\"container_id\": \"$id\", \"cmd\": [\"nothere\"]}"
	[[ $status -ne 0 && $output == *'exec: "nothere": executable file not found in $PATH'* ]]
	run cri ExecSync "{\"container_id\": \"$id\", \"cmd\": [\"sleep\", \"20\"], \"timeout\": 1}"
	[[ $status -ne 0 && $output == *"timeout 1s exceeded"* ]]
	eventually test "$(written main | sort | xargs)" = "err out two words /tmp"
	cri StopContainer "{\"container_id\": \"$id\", \"timeout\": 10}"
	[[ $(status_of_container "$id" '"\(.state) \(.exit_code) \(.reason)"') == "2 3 Error" ]]
	cri RemoveContainer "{\"container_id\": \"$id\"}"
	[[ $(cri ListContainers) == "{}" ]]
}

@test "stop kills after its time; what ends by itself; what cannot start" {
	pod_make one
	id=$(make deaf 'trap "" TERM; while :; do sleep 0.05; done')
	cri StopContainer "{\"container_id\": \"$id\", \"timeout\": 1}"
	[[ $(status_of_container "$id" '"\(.state) \(.exit_code)"') == "2 137" ]]
	id=$(make short 'exit 0')
	eventually state_is "$id" 2
	[[ $(status_of_container "$id" '"\(.exit_code // 0) \(.reason)"') == "0 Completed" ]]
	id=$(create wrong '' '.command = ["nothere"]')
	run cri StartContainer "{\"container_id\": \"$id\"}"
	[[ $status -ne 0 && $output == *'executable file not found in $PATH'* ]]
	[[ $(status_of_container "$id" '"\(.state) \(.reason)"') == "2 StartError" ]]
}

@test "a log that was moved away is opened anew" {
	pod_make one
	id=$(make talker 'while :; do echo word; sleep 0.05; done')
	eventually grep -q word "$ENGINE_DIR/logs/talker.log"
	mv "$ENGINE_DIR/logs/talker.log" "$ENGINE_DIR/logs/talker.old"
	cri ReopenContainerLog "{\"container_id\": \"$id\"}"
	eventually grep -q word "$ENGINE_DIR/logs/talker.log"
}

@test "containers of a pod share network, ipc and host name; pids when it is asked for" {
	pod_make one '.linux.security_context.namespace_options = {pid: 0}'
	first=$(make first 'exec sleep 100' '.linux.security_context.namespace_options.pid = 0')
	second=$(make second 'nc -l -p 80 -e cat & exec sleep 100' '.linux.security_context.namespace_options.pid = 0')
	third=$(make third 'exec sleep 100')
	for name in net ipc uts; do
		[[ $(inside "$first" "readlink /proc/self/ns/$name") == "$(inside "$second" "readlink /proc/self/ns/$name")" ]]
		[[ $(inside "$first" "readlink /proc/self/ns/$name") == "$(inside "$third" "readlink /proc/self/ns/$name")" ]]
		[[ $(inside "$first" "readlink /proc/self/ns/$name") != "$(readlink "/proc/self/ns/$name")" ]]
	done
	[[ $(inside "$first" 'readlink /proc/self/ns/pid') == "$(inside "$second" 'readlink /proc/self/ns/pid')" ]]
	[[ $(inside "$first" 'readlink /proc/self/ns/pid') != "$(inside "$third" 'readlink /proc/self/ns/pid')" ]]
	# The pod's own process is 1, and all sleep.
	[[ $(inside "$first" 'cat /proc/1/cmdline | tr "\0" " "') == "/bin/sleep infinity " ]]
	[[ $(inside "$second" 'ps | grep -c "sleep 10[0]"') -eq 2 && $(inside "$third" 'cat /proc/1/comm') == sleep ]]
	[[ $(inside "$first" 'echo hello | nc -w 1 127.0.0.1 80') == hello ]]
	inside "$first" 'echo shared >/dev/shm/x'
	[[ $(inside "$third" 'cat /dev/shm/x') == shared ]]
	# One ends, the others go on.
	cri StopContainer "{\"container_id\": \"$first\"}"
	[[ $(inside "$second" 'echo alive') == alive ]]
}

@test "the namespaces of the node" {
	pod_make one '.hostname = "" | .linux.security_context.namespace_options = {network: 2, pid: 2, ipc: 2}'
	id=$(make main 'exec sleep 100' '.linux.security_context.namespace_options = {network: 2, pid: 2, ipc: 2}')
	for name in net pid ipc; do
		[[ $(inside "$id" "readlink /proc/self/ns/$name") == "$(readlink "/proc/self/ns/$name")" ]]
	done
	[[ $(inside "$id" 'readlink /proc/self/ns/mnt') != "$(readlink /proc/self/ns/mnt)" ]]
}

@test "security: capabilities, seccomp, user, groups, new privileges" {
	pod_make one
	[[ $(said plain 'sed -n "s/^\(CapEff\|Seccomp\|NoNewPrivs\):.//p" /proc/self/status | xargs') == "00000000a80425fb 0 0" ]]
	[[ $(said added 'grep CapEff /proc/self/status' '.linux.security_context.capabilities = {add_capabilities: ["NET_ADMIN"],
		drop_capabilities: ["CHOWN", "MKNOD"]}') == *00000000a00435fa ]]
	[[ $(said dropped 'grep CapEff /proc/self/status' '.linux.security_context.capabilities.drop_capabilities = ["ALL"]') == *0000000000000000 ]]
	[[ $(said filtered 'grep Seccomp: /proc/self/status | xargs; unshare -U true 2>&1' '.linux.security_context += {seccomp: {profile_type: 0}}' |
		xargs) == "Seccomp: 2 unshare: "*"Operation not permitted" ]]
	echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}' \
		>"$ENGINE_DIR/seccomp.json"
	[[ $(said profiled 'mkdir /tmp/x 2>&1 || ls /tmp' ".linux.security_context.seccomp = {profile_type: 2,
		localhost_ref: \"localhost/$ENGINE_DIR/seccomp.json\"}") == *"/tmp/x"*"Operation not permitted" ]]
	[[ $(said user 'id -u; id -g; id -G; grep NoNewPrivs /proc/self/status' '.linux.security_context += {run_as_user: {value: 1234},
		run_as_group: {value: 56}, supplemental_groups: [7, 8], no_new_privs: true}' | xargs) == "1234 56 56 7 8 NoNewPrivs: 1" ]]
	[[ $(said named 'id -u; id -G' '.linux.security_context.run_as_username = "alice"' | xargs) == "1000 1000 29" ]]
}

@test "a root that cannot be written, paths that are masked, what is mounted" {
	pod_make one
	mkdir "$ENGINE_DIR/volume"
	echo volume >"$ENGINE_DIR/volume/file"
	id=$(make main 'exec sleep 100' ".mounts = [{container_path: \"/data\", host_path: \"$ENGINE_DIR/volume\"},
		{container_path: \"/fixed\", host_path: \"$ENGINE_DIR/volume\", readonly: true}] | .linux.security_context +=
		{readonly_rootfs: true, masked_paths: [\"/proc/keys\", \"/proc/acpi\", \"/etc\"], readonly_paths: [\"/proc/sys\"]}")
	run inside "$id" 'echo x >/file'
	[[ $status -ne 0 && $output == *"Read-only file system"* ]]
	[[ -z $(inside "$id" 'ls /etc; cat /proc/keys') && -n $(inside "$id" 'head -n 1 /proc/timer_list /proc/cpuinfo') ]]
	run inside "$id" 'echo x >/proc/sys/kernel/domainname'
	[[ $status -ne 0 && $output == *"Read-only file system"* ]]
	[[ $(inside "$id" 'cat /fixed/file; echo more >/data/other; cat /fixed/other' | xargs) == "volume more" ]]
	run inside "$id" 'echo x >/fixed/file'
	[[ $status -ne 0 && $output == *"Read-only file system"* ]]
	rm -r "$ENGINE_DIR/volume"
}

@test "privileged" {
	pod_make one '.linux.security_context.privileged = true'
	id=$(make main 'exec sleep 100' '.linux.security_context.privileged = true')
	[[ $(inside "$id" 'grep CapBnd /proc/self/status') == $(grep CapBnd /proc/self/status) ]]
	inside "$id" 'test -c /dev/kmsg && ! grep -q " /sys sysfs ro," /proc/mounts && mkdir /x && mount -t tmpfs x /x'
	pod_remove
	pod_make two
	run create main 'exec sleep 100' '.linux.security_context.privileged = true'
	[[ $status -ne 0 && $output == *"no privileged container allowed in sandbox"* ]]
}

@test "sysctls of a pod" {
	pod_make one '.linux.sysctls = {"net.ipv4.ip_unprivileged_port_start": "99", "kernel.shm_rmid_forced": "1"}'
	[[ $(said main 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shm_rmid_forced' | xargs) == "99 1" ]]
}

# limits_vN ID: as they are in its group.
limits_v1() {
	local at
	for at in memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us cpu/cpu.shares; do
		cat "/sys/fs/cgroup/${at%/*}/kubepods/$1/${at#*/}"
	done | xargs
}

limits_v2() {
	(cd "/sys/fs/cgroup/kubepods/$1" && cat memory.max cpu.max cpu.weight) | xargs
}

@test "resources, what it uses, and other limits later" {
	pod_make one
	id=$(make main 'while :; do :; done' '.linux.resources = {memory_limit_in_bytes: 67108864, cpu_period: 100000, cpu_quota: 50000,
		cpu_shares: 512, oom_score_adj: 321}')
	version=v1
	first="67108864 50000 512" second="33554432 20000 256"
	[[ $(stat -f -c %T /sys/fs/cgroup) != cgroup2fs ]] || version=v2 first="67108864 50000 100000 20" second="33554432 20000 100000 10"
	[[ $("limits_$version" "$id") == "$first" && $(inside "$id" 'cat /proc/1/oom_score_adj') -eq 321 ]]
	used() {
		cri ContainerStats "{\"container_id\": \"$id\"}" |
			jq -e '.stats | .cpu.usage_core_nano_seconds.value > 100000000 and .memory.working_set_bytes.value > 4096'
	}
	eventually used
	cri UpdateContainerResources "$(jq -cn --arg id "$id" '{container_id: $id, linux: {memory_limit_in_bytes: 33554432,
		cpu_period: 100000, cpu_quota: 20000, cpu_shares: 256}}')"
	[[ $("limits_$version" "$id") == "$second" ]]
}

@test "out of memory is told" {
	pod_make one
	# tail keeps what is one line. containerd hears of it by an eventfd of the group, beside the exit, and forgets what it
	# has not read when the group is gone: the container lives on for a moment.
	id=$(make main 'tail -n 1 /dev/zero; code=$?; sleep 1; exit $code' '.linux.resources = {memory_limit_in_bytes: 16777216}')
	eventually state_is "$id" 2
	told() {
		[[ $(status_of_container "$id" '"\(.exit_code) \(.reason)"') == "137 OOMKilled" ]]
	}
	eventually told
}

@test "a terminal, and a device" {
	pod_make one
	[[ $(said main '[ -t 1 ] && echo terminal' '.tty = true' | tr -d '\r') == terminal ]]
	[[ $(said device 'head -c 3 /dev/nothing | wc -c; head -c 3 /dev/kmsg 2>&1' \
		'.devices = [{container_path: "/dev/nothing", host_path: "/dev/zero", permissions: "r"}]' | head -n 1) -eq 3 ]]
}

@test "a pod that is removed takes its running containers along" {
	pod_make one
	make a 'exec sleep 100'
	make b 'sleep 99 & exec sleep 100'
	pod_remove
	[[ $(cri ListContainers) == "{}" && $(cri ListPodSandbox) == "{}" ]]
}
