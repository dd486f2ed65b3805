# What the specification demands of config-linux.md and features.md, where no other file tests it; conformance.tsv says which
# demand is tested where.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside, or jq's; bats sets stderr
load ../cli/helpers
load bundle

setup_file() {
	make_bundle
	mkdir -p "$BUNDLE/rootfs/mnt"
}

setup() {
	test_begin
	cd "$BUNDLE" || return
}

teardown() {
	runtime_clean
	test_end
}

# refused WORDS JQ-FILTER: create fails with the words, and leaves nothing.
refused() {
	config ".process.args = [\"true\"] | $2"
	failure "$1" create one
	[[ -z $(runtime list -q) && -z $(find /sys/fs/cgroup -name one) ]]
}

# told SCRIPT [JQ-FILTER]: what a container with this script says.
told() {
	config --arg script "$1" '.process.args = ["sh", "-c", $script] | '"${2:-.}"
	runtime run one
}

ids='[{containerID: 0, hostID: 0, size: 65536}]'

@test "namespaces: new ones, those of the runtime where none is listed" {
	local kind name all="{mnt: \"mount\", net: \"network\", ipc: \"ipc\", uts: \"uts\", pid: \"pid\", user: \"user\", cgroup: \"cgroup\", time: \"time\"}"
	config "($all | [.[] | {type: .}]) as \$all | .linux.namespaces = \$all | .linux.uidMappings = $ids | .linux.gidMappings = $ids |
		.process.args = [\"sh\", \"-c\", \"cd /proc/self/ns; for i in mnt net ipc uts pid user cgroup time; do echo \$(readlink \$i); done\"]"
	run runtime run one
	[[ $status -eq 0 && ${#lines[@]} -eq 8 ]]
	for kind in mnt net ipc uts pid user cgroup time; do
		[[ $output == *"$kind:["* && $output != *"$(readlink "/proc/self/ns/$kind")"* ]]
	done
	for name in network ipc uts pid cgroup; do
		kind=${name/network/net}
		[[ $(told "readlink /proc/self/ns/$kind" "del(.hostname) | .mounts |= map(select(.type != \"mqueue\" and .type != \"sysfs\")) |
			.linux.namespaces |= map(select(.type != \"$name\"))") == "$(readlink "/proc/self/ns/$kind")" ]]
	done
}

@test "namespaces: one that is joined, by a path that is absolute and of its kind; none twice" {
	local kind name
	unshare --net --ipc --uts --pid --cgroup --fork --kill-child sleep 100 &
	local outer=$! inner
	eventually pgrep -P "$outer" -x sleep
	inner=$(pgrep -P "$outer" -x sleep)
	for name in network ipc uts pid cgroup; do
		kind=${name/network/net}
		[[ $(told "readlink /proc/self/ns/$kind" "del(.hostname) |
			(.linux.namespaces[] | select(.type == \"$name\")).path = \"/proc/$inner/ns/$kind\"") == "$(readlink "/proc/$inner/ns/$kind")" ]]
	done
	refused "network namespace /proc/$inner/ns/uts: Invalid argument" \
		"(.linux.namespaces[] | select(.type == \"network\")).path = \"/proc/$inner/ns/uts\""
	kill -KILL "$inner"
	wait "$outer" || true
	refused '"ns/net" is not an absolute path' '(.linux.namespaces[] | select(.type == "network")).path = "ns/net"'
	refused "/nothere: No such file" '(.linux.namespaces[] | select(.type == "network")).path = "/nothere"'
	refused '"ipc" is given twice' '.linux.namespaces += [{type: "ipc"}]'
	refused '"nosuch" is not a kind of namespace' '.linux.namespaces += [{type: "nosuch"}]'
}

# sleeper_in OPTION...: a process in new namespaces; its pid is in $sleeper.
sleeper_in() {
	unshare "$@" sleep 100 3>&- &
	sleeper=$!
	eventually grep -qx sleep "/proc/$sleeper/comm"
}

@test "namespaces: a mount namespace that is joined gets the container's root and its mounts, and the host's stay as they are" {
	local path jq='(.linux.namespaces[] | select(.type == "mount")).path'
	mkdir -p "$BATS_TEST_TMPDIR/shared"
	mount -t tmpfs shared "$BATS_TEST_TMPDIR/shared"
	mount --make-rshared "$BATS_TEST_TMPDIR/shared"
	mkdir "$BATS_TEST_TMPDIR/shared/below"
	sleeper_in --mount --propagation unchanged
	findmnt -no TARGET,PROPAGATION,FSTYPE | sort >"$BATS_TEST_TMPDIR/before"
	config "$jq = \"/proc/$sleeper/ns/mnt\" | .process.args = [\"sleep\", \"100\"] |
		.mounts += [{destination: \"/mnt\", type: \"tmpfs\", source: \"tmpfs\"}]"
	runtime run --detach one </dev/null >/dev/null
	[[ $(runtime exec one readlink /proc/self/ns/mnt) == "$(readlink "/proc/$sleeper/ns/mnt")" ]]
	[[ $(runtime exec one sh -c 'cat /proc/mounts' | grep -cE '^[^ ]+ /(mnt|proc|dev)? ') -eq 4 ]]
	[[ $(runtime exec one cat /proc/mounts) != *"$BATS_TEST_TMPDIR"* ]]
	findmnt -no TARGET,PROPAGATION,FSTYPE | sort | diff "$BATS_TEST_TMPDIR/before" -
	runtime delete --force one
	kill "$sleeper"
	umount "$BATS_TEST_TMPDIR/shared"

	# In a user namespace it is the namespace's own; the path of the root need not be there.
	sleeper_in --user --map-root-user --mount
	nsenter --target "$sleeper" --user --mount mount -t tmpfs tmpfs "$HUSK_TEST_DIR"
	[[ $(told 'readlink /proc/self/ns/mnt; ls /bin/sh' "del(.linux.resources) | .mounts |= map(select(.type != \"sysfs\" and .type != \"cgroup\" and .type != \"devpts\")) | $jq = \"/proc/$sleeper/ns/mnt\" |
		.linux.namespaces += [{type: \"user\", path: \"/proc/$sleeper/ns/user\"}]") == "$(readlink "/proc/$sleeper/ns/mnt")"$'\n'/bin/sh ]]
	refused "a new user namespace and a mount namespace that is joined exclude each other" "$jq = \"/proc/$sleeper/ns/mnt\" |
		.linux.namespaces += [{type: \"user\"}] | .linux.uidMappings = $ids | .linux.gidMappings = $ids"
	kill "$sleeper"
	for path in self $$; do
		refused "the mount namespace /proc/$path/ns/mnt is the host's" "$jq = \"/proc/$path/ns/mnt\""
	done
	# The first process's is not to be joined either, when the runtime has another one.
	config "$jq = \"/proc/1/ns/mnt\""
	run unshare --mount --pid --fork --mount-proc bash -c 'unshare --mount "$@"; exit $?' - "$RUNTIME" --root "$RUNTIME_ROOT" create one
	[[ $status -eq 1 && $output == *"the mount namespace /proc/1/ns/mnt is the host's"* ]]
	refused "join mount namespace /proc/self/ns/uts: Invalid argument" "$jq = \"/proc/self/ns/uts\""
}

@test "time offsets need a new time namespace, id maps a user namespace has" {
	refused "without a new time namespace" '.linux.timeOffsets = {monotonic: {secs: 1}}'
	refused "only monotonic and boottime have offsets" '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {realtime: {secs: 1}}'
	refused 'linux.uidMappings is missing' '.linux.namespaces += [{type: "user"}]'
	[[ $(told 'cat /proc/self/uid_map | xargs' ".linux.namespaces += [{type: \"user\"}] | .linux.gidMappings = $ids |
		.linux.uidMappings = [{containerID: 0, hostID: 0, size: 1}, {containerID: 1, hostID: 5000, size: 7}]") == "0 0 1 1 5000 7" ]]
}

@test "devices: those that are listed, with owner and mode, anywhere; what else is there is an error" {
	[[ $(told 'stat -c "%n %F %a %u:%g %t:%T" /dev/x/one /mnt/two /dev/three' '.root.readonly = false | .linux.devices = [
		{path: "/dev/x/one", type: "c", major: 10, minor: 229, fileMode: 432, uid: 3, gid: 4},
		{path: "/mnt/two", type: "b", major: 7, minor: 5, fileMode: 384, gid: 6}, {path: "/dev/three", type: "p"}]') == \
		$'/dev/x/one character special file 660 3:4 a:e5\n/mnt/two block special file 600 0:6 7:5\n/dev/three fifo 666 0:0 0:0' ]]
	rm -f rootfs/mnt/two
	refused "something else is there already" '.linux.devices = [{path: "/bin/sh", type: "c", major: 1, minor: 3}]'
	refused '"major" is missing' '.linux.devices = [{path: "/dev/x", type: "c", minor: 3}]'
	refused 'is not a type of device' '.linux.devices = [{path: "/dev/x", type: "q", major: 1, minor: 3}]'
}

@test "devices that every container has, their links, and the console of a terminal" {
	[[ $(told 'stat -c "%n %a %t:%T" /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty') == "/dev/null 666 1:3
/dev/zero 666 1:5
/dev/full 666 1:7
/dev/random 666 1:8
/dev/urandom 666 1:9
/dev/tty 666 5:0" ]]
	[[ $(told 'for i in ptmx fd stdin stdout stderr; do readlink /dev/$i; done | xargs; ls -d /dev/console 2>/dev/null || true') == \
		"pts/ptmx /proc/self/fd /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2" ]]
	[[ $(told 'echo there >/dev/stdout; echo x | cat /dev/fd/0') == $'there\nx' ]]
	need_program script
	config '.process.terminal = true | .process.args = ["sh", "-c", "tty; test -c /dev/console && echo said >/dev/console"]'
	seen=$(script -qec "$RUNTIME --root $RUNTIME_ROOT run one" /dev/null </dev/null | tr -d '\r' | xargs)
	echo "$seen"
	[[ $seen == */dev/pts/0*said* ]] # the end of script's own input is echoed somewhere
}

# Two rules for one device: the later one counts. The device is opened, not made.
@test "the rules of devices are applied in their order" {
	local kmsg='{type: "c", major: 1, minor: 11, access: "r"}' common='.process.capabilities[] += ["CAP_SYSLOG"] |
		.linux.devices = [{path: "/dev/kmsg", type: "c", major: 1, minor: 11}] | .linux.resources.devices ='
	local deny='{allow: false, access: "rwm"}' script='{ : </dev/kmsg; } 2>&1 && echo opened'
	[[ $(told "$script" "$common [$deny, ($kmsg | .allow = true)]") == opened ]]
	[[ $(told "$script" "$common [($kmsg | .allow = true), $deny]" || true) == *"not permitted"* ]]
	[[ $(told "$script" "$common [$deny, ($kmsg | .allow = true), ($kmsg | .allow = false)]" || true) == *"not permitted"* ]]
	# Unset numbers and types are all.
	[[ $(told "$script" "$common [$deny, {allow: true, type: \"c\", access: \"r\"}]") == opened ]]
	[[ $(told "$script" "$common [$deny, {allow: true}]") == opened ]]
	refused 'is not a type of device: a, b or c' '.linux.resources.devices = [{allow: true, type: "x"}]'
}

# group_of ID: the path of its cgroup (of the first hierarchy).
group_of() {
	cut -d : -f 3 "/proc/$(runtime state "$1" | jq .pid)/cgroup" | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }'
}

@test "cgroupsPath: an absolute one is below the mount point, the same is the same place, and a way out is refused" {
	config '.process.args = ["sleep", "100"] | .linux.cgroupsPath = "/husk/of/one"'
	runtime create one </dev/null >/dev/null 2>&1
	[[ $(group_of one) == /husk/of/one && -n $(find /sys/fs/cgroup -path '*/husk/of/one' -type d) ]]
	runtime delete one
	runtime create one </dev/null >/dev/null 2>&1
	[[ $(group_of one) == /husk/of/one ]]
	runtime delete one
	config '.process.args = ["sleep", "100"] | .linux.cgroupsPath = "relative/one"'
	runtime create one </dev/null >/dev/null 2>&1
	[[ $(group_of one) == *relative/one ]]
	runtime delete one
	find /sys/fs/cgroup -depth \( -path '*/husk/of' -o -path '*/husk' -o -name relative \) -type d -exec rmdir {} +
	refused 'leads out of the cgroups' '.linux.cgroupsPath = "/a/../../b"'
}

@test "limits that contradict each other, and devices without a limit, are refused" {
	refused "burst" '.linux.resources.cpu = {quota: 10000, period: 100000, burst: 50000}'
	refused '"weight" and "leafWeight" are missing' '.linux.resources.blockIO = {weightDevice: [{major: 8, minor: 0}]}'
	refused '"rate" is missing' '.linux.resources.blockIO = {throttleReadBpsDevice: [{major: 8, minor: 0}]}'
	refused '"hcaHandles" and "hcaObjects" are missing' '.linux.resources.rdma = {mlx: {}}'
	refused '"limit" is missing' '.linux.resources.hugepageLimits = [{pageSize: "2MB"}]'
}

# On version 1 there is nothing unified, which is an error as well.
@test "unified: what is known and what is not is written, and a controller that is not there is an error" {
	if ! is_version2; then
		refused 'cgroup version 1 has no linux.resources.unified' '.linux.resources.unified = {"memory.high": "1048576"}'
		return
	fi
	config '.process.args = ["sleep", "100"] | .linux.resources.unified = {"memory.high": "33554432", "pids.max": "17", "cgroup.max.depth": "5",
		"memory.oom.group": "1", "cpu.max": "30000 90000"}'
	runtime create one </dev/null >/dev/null 2>&1
	[[ $(cd "/sys/fs/cgroup$(group_of one)" && cat memory.high pids.max cgroup.max.depth memory.oom.group cpu.max | xargs) == \
		"33554432 17 5 1 30000 90000" ]]
	runtime delete one
	refused "nosuch" '.linux.resources.unified = {"nosuch.max": "1"}'
	refused "memory.nosuch" '.linux.resources.unified = {"memory.nosuch": "1"}'
	refused "this is not a file of settings" '.linux.resources.unified = {"../memory.max": "1"}'
}

@test "resctrl: without it an error before anything is made, and without a word nothing is done there" {
	[[ ! -e /sys/fs/resctrl/schemata ]]
	refused 'linux.intelRdt: no resctrl is mounted at /sys/fs/resctrl' '.linux.intelRdt = {closID: "guaranteed"}'
	refused 'linux.intelRdt.closID: "../x" is not a name of a class' '.linux.intelRdt = {closID: "../x"}'
	[[ $(told 'echo ran' '.linux.intelRdt = null') == ran ]]
}

@test "sysctls, and seccomp's fields that need each other" {
	[[ $(told 'cat /proc/sys/net/ipv4/ip_forward' '.linux.sysctl = {"net.ipv4.ip_forward": "1"}') == 1 ]]
	refused 'SCMP_ACT_ALLOW returns no errno' '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", defaultErrnoRet: 5}'
	refused 'SCMP_ACT_KILL returns no errno' \
		'.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir"], action: "SCMP_ACT_KILL", errnoRet: 5}]}'
	refused 'expected at least one name' '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: [], action: "SCMP_ACT_ERRNO"}]}'
	refused 'may not be given without listenerPath' '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerMetadata: "x"}'
	refused 'defaultAction is missing' '.linux.seccomp = {}'
	# EPERM where nothing else is said.
	[[ $(told 'mkdir /tmp/x 2>&1 || true' '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW",
		syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO"}]}') == *"Operation not permitted" ]]
}

# Resolved inside the root, as a mount is; below /proc, /sys and /dev no link is followed.
@test "masked and read-only paths through symbolic links of the root; those that lead nowhere are passed over" {
	local root=$BUNDLE/rootfs
	mkdir -p "$root/real/deep"
	echo told >"$root/real/secret"
	echo open >"$root/real/deep/file"
	ln -sf /real "$root/link"
	ln -sf secret "$root/real/short"
	ln -sf /nowhere "$root/dangling"
	ln -sf /loop "$root/loop"
	ln -sf ../../../../../../etc "$root/out"
	config '.root.readonly = false | .linux.maskedPaths = ["/link/short", "/dangling", "/loop", "/out/passwd"] |
		.linux.readonlyPaths = ["/link/deep", "/dangling", "/loop"] |
		.process.args = ["sh", "-c", "wc -c </real/secret; wc -c </etc/passwd; { echo x >/real/deep/file; } 2>/dev/null || echo not written"]'
	[[ $(runtime run --bundle "$BUNDLE" one | xargs) == "0 0 not written" ]]
	[[ -s /etc/passwd ]]
	rm -r "$root"/{real,link,dangling,loop,out}
}

@test "cgroupsPath: empty parts and single dots are no parts" {
	local path
	for path in //husk//of/./one ./husk/of/one /husk/of/one/; do
		config '.process.args = ["sleep", "100"] | .linux.cgroupsPath = $path' --arg path "$path"
		runtime run --detach --bundle "$BUNDLE" one </dev/null >/dev/null 2>&1
		[[ $(jq -r .cgroupPath "$RUNTIME_ROOT/one/state.json") == husk/of/one ]]
		runtime delete --force one
	done
	find /sys/fs/cgroup -depth \( -path '*/husk/of' -o -path '*/husk' \) -type d -exec rmdir {} +
}

@test "a sysctl that contradicts the host name or the domain name is refused" {
	refused "the sysctl kernel.hostname contradicts the hostname" '.hostname = "one" | .linux.sysctl = {"kernel.hostname": "other"}'
	refused "the sysctl kernel.domainname contradicts the domainname" '.domainname = "one" | .linux.sysctl = {"kernel.domainname": "other"}'
}

@test "masked and read-only paths: nothing to read, nothing to write; absolute ones" {
	echo secret >rootfs/mnt/secret
	[[ $(told 'cat /mnt/secret; ls /etc | wc -l; touch /mnt/x 2>/dev/null || echo not; touch /tmp/x && echo written' '.root.readonly = false |
		.linux.maskedPaths = ["/mnt/secret", "/etc", "/not/there"] | .linux.readonlyPaths = ["/mnt", "/not/there"]' | xargs) == "0 not written" ]]
	rm rootfs/mnt/secret rootfs/tmp/x
	refused '"proc" is not an absolute path' '.linux.maskedPaths = ["proc"]'
	refused '"proc" is not an absolute path' '.linux.readonlyPaths = ["proc"]'
	refused 'is not a propagation' '.linux.rootfsPropagation = "public"'
}

@test "features: both versions are taken, hooks, mount options and namespaces that it names are known" {
	local features word
	features=$(runtime features)
	jq -e '(keys - ["ociVersionMin", "ociVersionMax", "hooks", "mountOptions", "linux", "annotations", "potentiallyUnsafeConfigAnnotations"]) == []' <<<"$features"
	jq -e '(.linux | keys - ["namespaces", "capabilities", "cgroup", "seccomp", "apparmor", "selinux", "intelRdt", "mountExtensions",
		"netDevices", "memoryPolicy"]) == []' <<<"$features"
	for word in $(jq -r '.ociVersionMin, .ociVersionMax' <<<"$features"); do
		[[ $(told 'echo ran' ".ociVersion = \"$word\"") == ran ]]
	done
	[[ $(jq -r '.ociVersionMin, .ociVersionMax' <<<"$features" | sort -V | xargs) == "1.0.0 1.3.0" ]]
	# Each word by its own: where it is not understood it would be the file system's, which refuses it.
	for word in $(jq -r '.mountOptions - ["idmap", "ridmap", "bind", "rbind"] | .[]' <<<"$features"); do
		config --arg word "$word" '.process.args = ["true"] | .mounts += [{destination: "/mnt", type: "tmpfs", source: "x", options: [$word]}]'
		runtime run one || {
			echo "the option $word is not taken"
			return 1
		}
	done
	jq '[.linux.namespaces[] | {type: .}]' <<<"$features" >"$BATS_TEST_TMPDIR/namespaces"
	config --slurpfile all "$BATS_TEST_TMPDIR/namespaces" ".process.args = [\"true\"] | .linux.namespaces = \$all[0] |
		.linux.uidMappings = $ids | .linux.gidMappings = $ids"
	runtime run one
	config --argjson features "$features" '.process.args = ["true"] | .hooks = ([$features.hooks[] | {key: ., value: [{path: "/bin/true"}]}] | from_entries)'
	runtime run one
}

@test "features: capabilities and words of seccomp that it names are known" {
	local features word
	features=$(runtime features)
	[[ $(jq -r '.linux.capabilities | length' <<<"$features") -eq 41 ]]
	config --argjson features "$features" '.process.args = ["true"] | .process.capabilities.bounding = $features.linux.capabilities'
	run --separate-stderr runtime run one
	[[ $status -eq 0 && $stderr != *"no capability"* ]]
	config --argjson features "$features" '.process.args = ["true"] | .linux.seccomp = ($features.linux.seccomp | {defaultAction: "SCMP_ACT_ALLOW",
		architectures: .archs, flags: (.supportedFlags - ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]),
		syscalls: ([.actions[] | select(. != "SCMP_ACT_NOTIFY") | {names: ["acct"], action: .}] +
			[.operators[] | {names: ["kexec_load"], action: "SCMP_ACT_ERRNO", args: [{index: 0, value: 1, op: .}]}])})'
	runtime run one
	jq -e '.linux.seccomp | (.supportedFlags - .knownFlags) == [] and (.knownFlags | length) > 0' <<<"$features"
}
