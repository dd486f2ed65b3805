# The bundles of bundles.txt under husk-runtime, crun and runc: a container looks the same from inside. What may differ is in
# `differences`, each with its reason.
load ../cli/helpers
load bundle

setup_file() {
	need_program crun
	need_program runc
	make_bundle
	mkdir -p "$BUNDLE"/rootfs/{target/masked,dir,o}
	echo hidden >"$BUNDLE/rootfs/target/masked/file"
	ln -s target "$BUNDLE/rootfs/link"
	ln -s /proc/kallsyms "$BUNDLE/rootfs/kernel-link"
	ln -s /no/where "$BUNDLE/rootfs/nowhere-link"
	install "$BATS_TEST_DIRNAME/facts" "$BUNDLE/rootfs/facts"
	# The older ones know no newer version.
	jq '.ociVersion = "1.0.2" | .process.args = ["/facts", "a", "b c"]' "$BATS_FILE_TMPDIR/base.json" >"$BATS_FILE_TMPDIR/new.json"
	mv "$BATS_FILE_TMPDIR/new.json" "$BATS_FILE_TMPDIR/base.json"
	export PEER OTHER TREE=$BATS_FILE_TMPDIR/tree
	unshare --net --ipc --uts --pid --cgroup --fork --kill-child sleep 100000 3>&- &
	eventually child_of $!
	PEER=$(child_of $!)
	unshare --user sleep 100000 3>&- &
	OTHER=$!
	eventually in_other_user_namespace
	echo "0 100000 65536" >"/proc/$OTHER/uid_map"
	echo "0 100000 65536" >"/proc/$OTHER/gid_map"
	make_tree
	# runc opens the root by its path when it is somebody else already.
	local kind at
	at=$BUNDLE
	while [[ $at == "$HUSK_TEST_DIR"* ]]; do
		chmod o+x "$at"
		at=${at%/*}
	done
	for kind in mnt pid uts ipc net user cgroup time; do
		echo "$kind $(readlink "/proc/self/ns/$kind") host"
		echo "$kind $(readlink "/proc/$PEER/ns/$kind") peer"
		echo "$kind $(readlink "/proc/$OTHER/ns/$kind") other"
	done >"$BUNDLE/rootfs/namespaces"
}

child_of() {
	pgrep -P "$1" -x sleep
}

in_other_user_namespace() {
	[[ $(readlink "/proc/$OTHER/ns/user") != $(readlink /proc/self/ns/user) && $(<"/proc/$OTHER/comm") == sleep ]]
}

# Below it is a mount of each kind that a bind may find. The same once more, shared, is $TREE-shared.
make_tree() {
	mkdir "$TREE" "$TREE-shared"
	mount -t tmpfs outer "$TREE"
	mkdir "$TREE"/{below,ro,sub}
	mount -t tmpfs -o nosuid,noatime inner "$TREE/below"
	mount -t tmpfs -o ro,nodev read-only "$TREE/ro"
	mount --rbind "$TREE" "$TREE-shared"
	mount --make-rshared "$TREE-shared"
}

teardown_file() {
	kill -KILL "$PEER" "$OTHER" # the first one is the process 1 of a pid namespace
	umount --recursive "$TREE" "$TREE-shared"
}

setup() {
	test_begin
	cd "$BUNDLE" || return
}

teardown() {
	runtime_clean
	test_end
}

# A mount namespace to be joined, which is the container's afterwards: a new one for each.
fresh_mounts() {
	unshare --mount sleep 1000 3>&- &
	fresh=$!
	eventually grep -qx sleep "/proc/$fresh/comm"
	sed -i "s|/proc/[a-z0-9]*/ns/mnt\"|/proc/$fresh/ns/mnt\"|" config.json
	echo "mnt $(readlink "/proc/$fresh/ns/mnt") fresh" >>rootfs/namespaces
}

# facts RUNTIME NAME: what the container says, and its exit code. Not with /dev/null as input: crun gives the user of the
# container that file, the machine's.
facts() {
	local runtime=$1 name=$2 code=0 fresh=
	rm -f rootfs/hook "$BATS_TEST_TMPDIR"/errors.*
	if grep -q '/ns/mnt"' config.json; then
		fresh_mounts
	fi
	(whole "$runtime" --root "$RUNTIME_ROOT" run "$name") < <(:) 2>"$BATS_TEST_TMPDIR/errors.${runtime##*/}" || code=$?
	(whole "$runtime" --root "$RUNTIME_ROOT" delete --force "$name") >/dev/null 2>&1 || true
	# The number of the namespace may be another one's afterwards.
	if [[ $fresh ]]; then
		kill "$fresh"
		sed -i '/ fresh$/d' rootfs/namespaces
	fi
	echo "exit code $code"
}

# differences NAME PEER: leaves out what is not the same on purpose, or cannot be.
differences() {
	local patterns=(
		# How a path is hidden differs; that it is, the facts "masked" say. Ours allow no execution and no suid there.
		'^mount (/proc/(acpi|keys|timer_list|kcore)|/sys/firmware|/etc|/etc/passwd) '
		# The tmpfs above the hierarchies is small and frozen here (a container has no business in it), and the tree of
		# version 2 is there as well; runc mounts a read-only sysfs, which shows in one more place.
		'^mount /sys/fs/cgroup ' '^mount /sys/fs/cgroup/unified ' '^mount /sys '
		# crun links it, and others where the host has no mask.
		'^dev /dev/core '
	)
	case $1 in
	# runc 1.1 does not know the fields.
	domain) patterns+=('^host ') ;;
	personality) patterns+=('^personality ') ;;
	# Whoever is not in /etc/passwd has / here and in runc, in crun what root has.
	# An empty HOME is none here and in runc, and one in crun.
	user | groups | caps-ambient | caps-user-nnp | env-home | userns-shifted) patterns+=('^env HOME=') ;;&
	# Devices of the host that are bound: no suid and no execution, as in crun; not so in runc 1.1.
	userns*) patterns+=('^mount /dev/(full|null|random|tty|urandom|zero) ') ;;&
	# A path of the host's procfs keeps what is forbidden there.
	userns-*-pid) patterns+=('^mount /proc/(bus|fs|irq|sys|sysrq-trigger) ') ;;&
	# All namespaces are made at once, by the host's root: the directory of the queues is that of nobody who is known
	# inside. It is sticky, and everybody may write to it.
	# Devices belong to the owner that they are given here; in the peers they are the host's, and nobody's.
	userns-shifted | userns-joined) patterns+=('^dev /dev/(mqueue|full|null|random|tty|urandom|zero) ') ;;&
	# In a read-only /dev of the image runc takes its null device for the masks, and nothing is hidden.
	no-dev) patterns+=('^masked ') ;;
	# crun says in the environment of hooks that it is a copy of itself.
	hook-*) patterns+=('^hook _LIBCONTAINER_CLONED_BINARY=') ;;&
	# How the state is written differs, and what crun says in it.
	hook-start) patterns+=('^hook [ {}]') ;;
	esac
	case $2:$1 in
	# The runtime library of Go raises the soft limit of its process, and older runc passes that on.
	runc:rlimit-zero) patterns+=('^limit Max open files ') ;;
	# The last of two options that contradict each other wins here. crun takes what is set, in any order; runc one about
	# access times rather than another.
	crun:bind-orders | crun:tmpfs-orders) patterns+=('^mount /o/[0-7]a ' '^mount /o/5b ') ;;
	runc:bind-orders | runc:tmpfs-orders) patterns+=('^mount /o/(4a|5b) ') ;;
	# Private without an r is so with all below it here; in runc what is below is a slave of the host's, as its root is, and
	# what is shared as well.
	runc:propagations) patterns+=('^mount /o/(private|shared|rshared|unbindable)[/ ]') ;;
	# runc sets this on the root of the host before it binds its own, which was private here.
	runc:root-shared | runc:root-rshared) patterns+=('^mount ') ;;
	# What the host has mounted read-only, or without devices or suid, stays so (docs/decisions.md).
	*:bind-of-ro) patterns+=('^mount /[opq] ') ;;
	*:rbind) patterns+=('^mount /dir ') ;;
	crun:bind-of-mount-relative) patterns+=('^mount /o/2 ') ;;
	# What a link leads to is masked with the device of the host here, as read-only as any mask.
	*:mask-link) patterns+=('^mount (/proc/kallsyms|/target/masked) ') ;;
	# A path that is read-only is so with all that is mounted below it; not so in the peers.
	*:readonly-below) patterns+=('^mount /dir') ;;
	*:readonly-above) patterns+=('^mount /o') ;;
	# What the mount of /proc forbids is forbidden in its read-only parts.
	*:proc-options) patterns+=('^mount /proc/(bus|fs|irq|sys|sysrq-trigger) ') ;;&
	# runc makes the file system read-only as well, for all its mounts.
	runc:proc-options) patterns+=('^mount /proc ') ;;
	esac
	local joined
	joined=$(printf '|%s' "${patterns[@]}")
	# A tmpfs has the mode of the directory that it covers as an option here; the peers change the mode afterwards.
	grep -vE "${joined:1}" | sed -E '/^mount \/(o|dir|target).* - tmpfs /s/,mode=755(,|$)/\1/'
}

# configured FILTER: the bundle has it.
configured() {
	config "$1" --arg peer "$PEER" --arg other "$OTHER" --arg tree "$TREE" --arg rootfs "$BUNDLE/rootfs"
}

# What a peer cannot do: crun sets rnoatime as a flag that the kernel refuses, and makes every bind private; runc binds its root
# after it has made it unbindable.
FAILS="crun:bind-recursive crun:propagations runc:root-unbindable"

# same_as PEER NAME: what it says is what ours has said. On a busy machine crun now and then runs a container that says nothing:
# then once more.
same_as() {
	for _ in 1 2 3; do
		facts "$1" "$2" >"$BATS_TEST_TMPDIR/theirs"
		diff -u --label husk-runtime --label "$1" <(differences "$2" "$1" <"$BATS_TEST_TMPDIR/ours") \
			<(differences "$2" "$1" <"$BATS_TEST_TMPDIR/theirs") >"$BATS_TEST_TMPDIR/diff" && return
	done
	cat "$BATS_TEST_TMPDIR/diff"
	return 1
}

# compare NAME FILTER
compare() {
	local peer same=0
	configured "$2"
	facts "$RUNTIME" "$1" >"$BATS_TEST_TMPDIR/ours"
	for peer in crun runc; do
		[[ " $FAILS " == *" $peer:$1 "* ]] || same_as "$peer" "$1" || same=1
	done
	grep -q "^exit code 0$" "$BATS_TEST_TMPDIR/ours" && [[ $same -eq 0 && $(wc -l <"$BATS_TEST_TMPDIR/ours") -gt 50 ]]
}

# compare_all GROUP NUMBER: the bundles of bundles.txt below [GROUP], of which there are so many.
compare_all() {
	local name filter failed=0 count=0
	while IFS='|' read -r name filter; do
		count=$((count + 1))
		compare "${name// /}" "$filter" || {
			echo "$name differs: $(cat "$BATS_TEST_TMPDIR"/errors.*)"
			failed=1
		}
	done < <(awk -v group="[$1]" '/^\[/ { here = $0 == group; next } here && NF' "$BATS_TEST_DIRNAME/bundles.txt")
	[[ $failed -eq 0 && $count -eq $2 ]] || {
		echo "$count bundles"
		return 1
	}
}

@test "bundles with processes of all kinds are the same under husk-runtime, crun and runc" {
	compare_all process 29
}

@test "bundles with namespaces of all kinds are the same under husk-runtime, crun and runc" {
	compare_all namespaces 26
}

@test "bundles with mounts of all kinds are the same under husk-runtime, crun and runc" {
	compare_all mounts 44
}

@test "bundles with hooks are the same under husk-runtime, crun and runc" {
	compare_all hooks 6
}

# The calls nearest to the execve, each refused by a profile: a container that runs under one of the peers runs here.
@test "a profile that refuses one of forty calls keeps no container from running that the peers run" {
	local call runtime failed=0
	for call in capget capset chdir clock_gettime close close_range dup2 dup3 epoll_pwait fchdir fcntl fstat futex getcwd getdents64 \
		getpid gettid getuid ioctl keyctl kill lseek mkdirat newfstatat nanosleep openat personality poll ppoll prctl prlimit64 read readlinkat \
		rt_sigaction rt_sigprocmask sched_setaffinity seccomp setgid setgroups setns setresgid setresuid setsid setuid sigaltstack \
		statx umask unshare write; do
		config --arg call "$call" '.process.args = ["/bin/true"] | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW",
			architectures: ["SCMP_ARCH_X86_64"], syscalls: [{names: [$call], action: "SCMP_ACT_ERRNO", errnoRet: 1}]}'
		[[ $(facts "$RUNTIME" "$call") != "exit code 0" ]] || continue
		for runtime in crun runc; do
			[[ $(facts "$runtime" "$call") != "exit code 0" ]] || {
				echo "$call: not here, and under $runtime"
				failed=1
			}
		done
	done
	[[ $failed -eq 0 ]]
}
