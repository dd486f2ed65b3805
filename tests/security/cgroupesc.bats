# The ways out through cgroups, device nodes and sysctls.

load ../cli/helpers
load root

setup_file() {
	make_root
}

# Every writable-looking file that has let somebody out of a container before.
try_release_agent='
	mkdir -p /mnt
	for options in memory pids,none devices rdma none,name=systemd none,name=escape; do
		mount -t cgroup -o $options cgroup /mnt 2>/dev/null && echo "mounted cgroup $options"
	done
	mount -t cgroup2 cgroup2 /mnt 2>/dev/null && echo "mounted cgroup2"
	for file in $(find /sys/fs/cgroup -name release_agent -o -name notify_on_release -o -name cgroup.procs 2>/dev/null); do
		(echo /evil >$file) 2>/dev/null && echo "wrote $file"
	done
	mkdir /sys/fs/cgroup/new 2>/dev/null && echo "made a cgroup"
	for at in /sys/fs/cgroup/*; do
		mkdir $at/new 2>/dev/null && echo "made $at/new"
	done
	unshare -UrC true 2>/dev/null && echo "made a user namespace"
	echo done'

@test "no cgroup can be mounted, made or written by default" {
	run in_root -- /bin/sh -c "$try_release_agent"
	expect_status 0
	[[ $output == "done" ]]
}

@test "exec can do no more with cgroups" {
	start_sleeper one
	run husk exec one /bin/sh -c "$try_release_agent"
	husk rm -f one
	expect_status 0
	[[ $output == "done" ]]
}

# With CAP_SYS_ADMIN mounting is allowed, and so is a user namespace. What must not be: to write a release_agent.
@test "no release_agent can be written with --cap-add SYS_ADMIN" {
	run in_root --cap-add SYS_ADMIN -- /bin/sh -c "$try_release_agent"
	echo "$output"
	[[ $output != *"release_agent"* && $output == *"done" ]]
	run in_root --cap-add SYS_ADMIN -- /bin/sh -c '
		mkdir -p /mnt
		for options in memory pids devices freezer none,name=systemd none,name=escape; do
			mount -t cgroup -o $options cgroup /mnt 2>/dev/null || continue
			for file in $(find /mnt -name release_agent 2>/dev/null); do
				(echo /evil >$file) 2>/dev/null && echo "wrote $file of $options"
			done
			umount /mnt
		done
		echo done'
	expect_status 0
	[[ $output == "done" ]]
}

@test "what is below /sys/fs/cgroup is read-only, each mount of it" {
	run in_root -- /bin/probe mounts
	expect_status 0
	[[ $output == */sys/fs/cgroup* ]]
	[[ -z $(awk '$1 ~ "^/sys/fs/cgroup" && $3 !~ /^ro,/' <<<"$output") ]]
	run in_root -- /bin/sh -c 'for at in /sys/fs/cgroup /sys/fs/cgroup/*; do touch $at/x 2>/dev/null && echo "made $at/x"; done; echo done'
	[[ $output == "done" ]]
}

# The root of what a container sees is its own group.
@test "the container sees its own cgroup as /" {
	run in_root -- /bin/cat /proc/self/cgroup
	expect_status 0
	[[ -z $(grep -v ':/$' <<<"$output") ]]
	start_sleeper one
	run husk exec one /bin/cat /proc/self/cgroup
	husk rm -f one
	expect_status 0
	[[ -z $(grep -v ':/$' <<<"$output") ]]
}

@test "a block device can neither be made nor opened by default" {
	run in_root -- /bin/sh -c 'mknod /tmp/disk b 8 0'
	[[ $status -ne 0 && $output == *"not permitted"* ]]
}

# The overlay itself is not nodev: it is the device filter that says no.
@test "a device made with --cap-add MKNOD cannot be opened" {
	local command='
		for node in "b 8 0" "b 259 0" "b 7 0" "c 1 1" "c 1 2" "c 1 4" "c 10 200" "c 10 229" "c 4 1" "c 5 3"; do
			rm -f /tmp/node
			mknod /tmp/node $node 2>/dev/null || { echo "$node mknod"; continue; }
			(cat </tmp/node >/dev/null) 2>/tmp/said && echo "$node open"
			grep -q "not permitted" /tmp/said && echo "$node EPERM"
		done
		rm -f /tmp/node
		mknod /tmp/node c 1 3 && cat /tmp/node && echo null fine'
	run in_root --cap-add MKNOD -- /bin/sh -c "$command"
	echo "$output"
	expect_status 0
	[[ $output != *open* && $output == *"null fine" ]]
	[[ $(grep -c 'EPERM$' <<<"$output") -ge 10 || $(grep -cE '(EPERM|mknod)$' <<<"$output") -eq 10 ]]
	start_sleeper one --cap-add MKNOD
	run husk exec one /bin/sh -c "$command"
	husk rm -f one
	[[ $output != *open* && $output == *"null fine" ]]
}

@test "exec --privileged opens no more devices than the container may" {
	start_sleeper one
	run husk exec --privileged one /bin/sh -c 'mknod /tmp/node b 7 0; exec 3</tmp/node'
	husk rm -f one
	[[ $status -ne 0 && $output == *"not permitted"* ]]
}

@test "sysctls and /proc cannot be written" {
	local core
	core=$(cat /proc/sys/kernel/core_pattern)
	run in_root -- /bin/sh -c '
		for file in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/kernel/modprobe \
			/proc/sys/vm/drop_caches /proc/sys/net/ipv4/ip_forward /proc/sys/fs/mqueue/msg_max \
			/proc/sysrq-trigger /proc/irq/default_smp_affinity /proc/bus/pci/devices /sys/kernel/uevent_helper \
			/sys/power/state /sys/kernel/mm/ksm/run; do
			(echo 1 >$file) 2>/dev/null && echo "wrote $file"
		done
		mount -o remount,rw /proc/sys 2>/dev/null && echo remounted
		umount /proc/sys 2>/dev/null && echo unmounted
		mount -t proc proc /mnt 2>/dev/null && echo mounted
		echo done'
	expect_status 0
	[[ $output == "done" && $(cat /proc/sys/kernel/core_pattern) == "$core" ]]
}

# Even root with CAP_SYS_ADMIN has masks in the way only as long as it leaves them; but nothing is writable as it is.
@test "sysctls are read-only with --cap-add SYS_ADMIN" {
	run in_root --cap-add SYS_ADMIN -- /bin/sh -c '(echo 1 >/proc/sys/kernel/core_pattern) 2>&1'
	[[ $status -ne 0 && $output == *"ead-only"* ]]
}

@test "hidden files show nothing to root either" {
	run in_root --cap-add SYS_ADMIN -- /bin/probe masks
	expect_status 0
	[[ -z $(grep readable <<<"$output") ]]
}
