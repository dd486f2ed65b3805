# Limits of memory, processors and processes: held, readable inside and in the host's cgroups, and gone afterwards.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load helpers

setup_file() {
	make_image
}

# limit_file CONTAINER CONTROLLER V1-NAME V2-NAME: the content of a limit's file, from the host.
limit_file() {
	local pid path
	pid=$(pid_of "$1")
	if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
		path=$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
		cat "/sys/fs/cgroup$path/$4"
	else
		path=$(awk -F: -v controller="$2" '{ n = split($2, names, ","); for (i = 1; i <= n; i++) if (names[i] == controller) print $3 }' "/proc/$pid/cgroup")
		cat "/sys/fs/cgroup/$2$path/$3"
	fi
}

# The same from the inside, where the container's own group is the root of what it sees.
limit_inside() {
	if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
		husk exec "$1" cat "/sys/fs/cgroup/$4"
	else
		husk exec "$1" cat "/sys/fs/cgroup/$2/$3"
	fi
}

@test "each container has a cgroup of its own" {
	background --name a -- sleep 100
	background --name b -- sleep 100
	mapfile -t of_a < <(cgroup_lines "$(pid_of a)")
	mapfile -t of_b < <(cgroup_lines "$(pid_of b)")
	[[ ${#of_a[@]} -gt 0 && ${of_a[*]} != "${of_b[*]}" ]]
	for line in "${of_a[@]}"; do
		[[ ${line##*:} == *"$(field a .Id)"* ]]
	done
	husk rm -f a b
}

@test "-m: the kernel's files say so, outside and inside" {
	need_controller memory
	background --name limited -m 100m -- sleep 100
	[[ $(limit_file limited memory memory.limit_in_bytes memory.max) == 104857600 ]]
	[[ $(limit_inside limited memory memory.limit_in_bytes memory.max) == 104857600 ]]
	husk rm -f limited
}

@test "-m: stress beyond the limit is killed; 137 and OOMKilled" {
	need_controller memory
	need_program stress
	need_program perl
	husk run -d --name eater --net none -m 100m --rootfs / -- perl -e '$x = "a" x 300_000_000; print length($x)'
	[[ $(timeout -k 1 60 "$HUSK" wait eater) == 137 ]]
	[[ $(field eater .State.OOMKilled) == true && $(field eater .State.ExitCode) == 137 ]]
	husk rm eater
	run timeout -k 1 60 "$HUSK" run --rm --net none -m 100m --rootfs / -- stress --vm 1 --vm-bytes 200m --timeout 30
	[[ $status -ne 0 ]]
	run timeout -k 1 60 "$HUSK" run --rm --net none -m 300m --rootfs / -- stress --vm 1 --vm-bytes 100m --timeout 1
	expect_status 0
}

@test "without a limit nobody is killed, and OOMKilled is false" {
	background --name modest -- sh -c 'head -c 50m /dev/zero | tail -c 50m >/dev/null 2>&1; exit 3'
	husk wait modest
	[[ $(field modest .State.OOMKilled) == false ]]
	husk rm modest
}

@test "-m 512k: it starts, or one sentence says why it cannot" {
	need_controller memory
	husk run --plan --net none -m 512k --rootfs "$ROOTFS" -- true >/dev/null
	run --separate-stderr husk run --plan --net none -m 524287 --rootfs "$ROOTFS" -- true
	[[ $status -eq 125 && $stderr == *512k* ]]
	run --separate-stderr timeout -k 1 30 "$HUSK" run --rm --net none -m 512k --rootfs "$ROOTFS" -- true
	if [[ $status -ne 0 ]]; then
		[[ $status -eq 125 || $status -eq 137 ]]
		[[ $stderr == *memory* && $stderr != *$'\n'* ]]
	fi
}

@test "--cpus: the quota, outside and inside, and it holds" {
	need_controller cpu
	background --name half --cpus 0.5 -- sh -c 'while :; do :; done'
	if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
		[[ $(limit_file half cpu x cpu.max) == "50000 100000" ]]
	else
		[[ $(limit_file half cpu cpu.cfs_quota_us x) == 50000 && $(limit_file half cpu cpu.cfs_period_us x) == 100000 ]]
		[[ $(limit_inside half cpu cpu.cfs_quota_us x) == 50000 ]]
	fi
	pid=$(pid_of half)
	before=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
	sleep 2
	after=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
	# Half of two seconds is 100 ticks.
	[[ $((after - before)) -le 130 ]]
	husk rm -f half
}

@test "--cpuset-cpus" {
	need_controller cpuset
	background --name pinned --cpuset-cpus 0 -- sleep 100
	[[ $(limit_file pinned cpuset cpuset.cpus cpuset.cpus) == 0 ]]
	[[ $(husk exec pinned grep Cpus_allowed_list /proc/self/status) == *$'\t0' ]]
	grep -qP '^Cpus_allowed_list:\t0$' "/proc/$(pid_of pinned)/status"
	husk rm -f pinned
	expect_refusal run --rm --rootfs "$ROOTFS" --net none --cpuset-cpus 4000 -- true
	expect_refusal run --rm --rootfs "$ROOTFS" --net none --cpuset-cpus one -- true
}

@test "--pids-limit: the number, and it holds" {
	need_controller pids
	background --name few --pids-limit 10 -- sleep 100
	[[ $(limit_file few pids pids.max pids.max) == 10 ]]
	run husk exec few sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1 & done; wait'
	expect_output "fork"
	husk rm -f few
}

@test "--pids-limit has a default, and -1 or 0 is no limit" {
	local none
	need_controller pids
	background --name usual -- sleep 100
	[[ $(limit_file usual pids pids.max pids.max) == 2048 ]]
	husk rm -f usual
	for none in -1 0; do
		background --name boundless --pids-limit "$none" -- sleep 100
		[[ $(limit_file boundless pids pids.max pids.max) == max ]]
		husk rm -f boundless
	done
}

@test "a fork bomb is held and ends with the container" {
	need_controller pids
	background --name bomb --pids-limit 64 -- sh -c 'f() { f | f & }; f; sleep 100'
	sleep 1
	[[ $(limit_file bomb pids pids.current pids.current) -le 64 ]]
	timeout -k 1 20 "$HUSK" rm -f bomb
}

@test "nothing is left in the cgroups when it ends by itself, is killed, or never starts" {
	before=$(find /sys/fs/cgroup -type d | sort)
	container -m 64m --cpus 1 --cpuset-cpus 0 --pids-limit 20 -- true
	run -127 container -m 64m -- /no/such/thing
	id=$(background --rm -m 64m -- sleep 100)
	husk kill "$id"
	same() { [[ $(find /sys/fs/cgroup -type d | sort) == "$before" ]]; }
	eventually same
	background --name ended -m 64m -- true
	eventually has_ended ended
	eventually same
	husk rm ended
}

@test "--shm-size: the size of /dev/shm, 64 MiB if nothing is said" {
	[[ $(husk run --rm --net none busybox df -k /dev/shm | awk 'END { print $2 }') -eq 65536 ]]
	[[ $(husk run --rm --net none --shm-size 1m busybox df -k /dev/shm | awk 'END { print $2 }') -eq 1024 ]]
	run husk run --plan --rm --net none --shm-size 1m busybox true
	expect_output "size=1048576)  [--shm-size]"
	husk run -d --name shm --shm-size 2m --net none busybox sleep 100
	[[ $(field shm .HostConfig.ShmSize) == 2097152 ]]
	husk rm -f shm
	run -125 husk run --rm --shm-size x busybox true
	expect_output '"x" is not a size'
}
