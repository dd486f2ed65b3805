# linux.resources: what is asked for is in the kernel's files, on either version of cgroups, or it is refused by name.
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

# with_resources JSON: a container that sleeps, with these resources beside the rules of devices.
with_resources() {
	# shellcheck disable=SC2016 # jq's variables
	config '.linux.resources += $resources | .process.args = ["sleep", "100"]' --argjson resources "$1"
}

update() {
	runtime update --resources - one <<<"$1"
}

@test "cpu: shares, quota, period, burst, idle; an update changes what it names" {
	with_resources '{"cpu": {"shares": 2000, "quota": 50000, "period": 100000, "burst": 20000, "cpus": "0"}}'
	runtime run -d --bundle "$BUNDLE" one
	limit_is cpu/cpu.shares 2000 cpu.weight 170
	limit_is cpu/cpu.cfs_quota_us 50000 cpu.max "50000 100000"
	limit_is cpu/cpu.cfs_burst_us 20000 cpu.max.burst 20000
	limit_is cpuset/cpuset.cpus 0 cpuset.cpus 0
	# The quota goes below the burst that is in force, and back above.
	update '{"cpu": {"quota": 10000, "burst": 5000}}'
	limit_is cpu/cpu.cfs_quota_us 10000 cpu.max "10000 100000"
	limit_is cpu/cpu.cfs_burst_us 5000 cpu.max.burst 5000
	update '{"cpu": {"quota": 90000, "burst": 80000}}'
	limit_is cpu/cpu.cfs_burst_us 80000 cpu.max.burst 80000
	update '{"cpu": {"period": 200000}}'
	limit_is cpu/cpu.cfs_quota_us 90000 cpu.max "90000 200000"
	runtime update --cpu-period 150000 one
	limit_is cpu/cpu.cfs_quota_us 90000 cpu.max "90000 150000"
	limit_is cpu/cpu.cfs_period_us 150000 cpu.max "90000 150000"
	limit_is cpu/cpu.shares 2000 cpu.weight 170
	update '{"cpu": {"idle": 1}}'
	limit_is cpu/cpu.idle 1 cpu.idle 1
}

@test "memory: raised and lowered with swap; what is not set stays" {
	with_resources '{"memory": {"limit": 67108864, "swap": 134217728, "kernel": 1}, "pids": {"limit": 20}}'
	runtime run -d --bundle "$BUNDLE" one
	limit_is memory/memory.limit_in_bytes 67108864 memory.max 67108864
	update '{"memory": {"limit": 33554432, "swap": 33554432}}'
	limit_is memory/memory.limit_in_bytes 33554432 memory.max 33554432
	update '{"memory": {"limit": 268435456, "swap": 268435456}}'
	limit_is memory/memory.limit_in_bytes 268435456 memory.max 268435456
	limit_is memory/memory.memsw.limit_in_bytes 268435456 memory.swap.max 0
	# 0 asks for nothing.
	update '{"memory": {"limit": 0, "swap": 0}, "pids": {"limit": 0}}'
	limit_is memory/memory.limit_in_bytes 268435456 memory.max 268435456
	limit_is pids/pids.max 20 pids.max 20
	update '{"pids": {"limit": -1}}'
	limit_is pids/pids.max max pids.max max
	failure "in use" update --resources <(echo '{"memory": {"limit": 4096, "swap": 4096, "checkBeforeUpdate": true}}') one
	limit_is memory/memory.limit_in_bytes 268435456 memory.max 268435456
}

@test "what a version of cgroups or the kernel does not have is refused by name, and nothing is left" {
	local -A wrong=(
		['{"hugepageLimits": [{"pageSize": "../2MB", "limit": 1}]}']='linux.resources.hugepageLimits[0]: "../2MB" is not a size of page'
		['{"cpu": {"idle": 2}}']='linux.resources.cpu.idle: 2 is not between 0 and 1'
		['{"unified": {"cgroup.procs": "1"}}']='linux.resources.unified.cgroup.procs: this is not a file of settings'
		['{"blockIO": {"weight": 5}}']='linux.resources.blockIO.weight: 5 is not between'
	)
	if is_version2; then
		wrong['{"memory": {"swappiness": 5}}']='cgroup version 2 has no linux.resources.memory.swappiness'
		wrong['{"memory": {"disableOOMKiller": true}}']='cgroup version 2 has no linux.resources.memory.disableOOMKiller'
	else
		wrong['{"unified": {"memory.high": "1"}}']='cgroup version 1 has no linux.resources.unified; drop "memory.high"'
	fi
	for resources in "${!wrong[@]}"; do
		with_resources "$resources"
		failure "${wrong[$resources]}" create --bundle "$BUNDLE" one
		[[ -z $(runtime list -q) && -z $(find /sys/fs/cgroup -name one) ]]
	done
}

@test "a container with half a mebibyte of memory starts" {
	config '.linux.resources.memory.limit = 524288 | .process.args = ["echo", "there"]'
	run runtime run --bundle "$BUNDLE" one
	[[ $status -eq 0 && $output == there ]]
}

@test "a create into a group that is in use leaves that group, and what is below it, alone" {
	local hierarchy
	config '.linux.cgroupsPath = "/taken" | .process.args = ["sleep", "100"]'
	runtime create --bundle "$BUNDLE" one </dev/null >/dev/null 2>&1
	hierarchy=$(dirname "$(find /sys/fs/cgroup -type d -name taken | head -n 1)")
	mkdir "$hierarchy/taken/inner"
	failure "is in use" create --bundle "$BUNDLE" two
	[[ -d $hierarchy/taken/inner ]]
	status_is one created
	rmdir "$hierarchy/taken/inner"
}
