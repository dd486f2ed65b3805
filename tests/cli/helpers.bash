# What every bats file begins with:  load helpers  (or ../cli/helpers).
#
# The file runs in a throwaway test host (tools/test-host): own namespaces, own cgroups, empty state. `setup` remembers
# what exists and `teardown` fails the test when anything is left over. A file with a setup of its own calls test_begin
# first; one with a teardown of its own calls test_end last. What a whole file shares (a network, a warm cache) is made
# in setup_file and so is part of what existed before.
# shellcheck shell=bash

: "${HUSK:?run this with script/test}" "${HUSK_STATE:?}" "${HUSK_ROOT:?}" "${HUSK_TEST_DIR:?}"
bats_require_minimum_version 1.5.0

setup() {
	test_begin
}

teardown() {
	test_end
}

husk() {
	"$HUSK" "$@"
}

# Processes by pid and start time (a name changes by execve: bats becomes its formatter while the first test runs), zombies
# left out. No fork happens here, so the check does not see itself.
leak_processes() {
	local at line fields
	for at in /proc/[0-9]*/stat; do
		{ read -r line <"$at"; } 2>/dev/null || continue
		read -ra fields <<<"${line##*) }"
		[[ ${fields[0]} == Z ]] || printf 'process %s started %s\n' "${line%% *}" "${fields[19]}"
	done
}

# One line for each thing a test could leave behind, except processes.
leak_things() {
	sed 's/^/mount /' /proc/self/mountinfo
	ip -o link show | sed -E 's/^[0-9]+: ([^:]+):.*/link \1/'
	nft list ruleset 2>/dev/null | sed -E 's/ (packets|bytes) [0-9]+//g; s/^/nft /'
	find /sys/fs/cgroup -mindepth 2 -type d -printf 'cgroup %p\n' 2>/dev/null || true
	find /run/netns -mindepth 1 -printf 'netns %p\n' 2>/dev/null || true
	find "$HUSK_STATE/pending" "$HUSK_STATE/leases" "$HUSK_STATE/containers" "$HUSK_ROOT/containers" \
		"$HUSK_ROOT/names" -mindepth 1 -maxdepth 1 -printf 'state %p\n' 2>/dev/null || true
}

# Writes the present state to file $1.
leak_snapshot() {
	leak_processes >"$1.unsorted"
	leak_things >>"$1.unsorted"
	sort -u "$1.unsorted" >"$1"
	rm "$1.unsorted"
}

test_begin() {
	leak_snapshot "$BATS_TEST_TMPDIR/leak.before"
}

# What ends by itself gets three seconds.
test_end() {
	[[ -e $BATS_TEST_TMPDIR/leak.before ]] || return 0
	for _ in {1..30}; do
		leak_snapshot "$BATS_TEST_TMPDIR/leak.after"
		comm -13 "$BATS_TEST_TMPDIR/leak.before" "$BATS_TEST_TMPDIR/leak.after" >"$BATS_TEST_TMPDIR/leak.found"
		[[ -s $BATS_TEST_TMPDIR/leak.found ]] || return 0
		sleep 0.1
	done
	echo "left behind:"
	cat "$BATS_TEST_TMPDIR/leak.found"
	sed -n 's/^process \([0-9]*\) .*/\1/p' "$BATS_TEST_TMPDIR/leak.found" | xargs -r ps -o pid,stat,args -p
	# The next test shall not fail because of this one.
	husk ps -aq | xargs -r "$HUSK" rm -f >/dev/null 2>&1
	return 1
}

need_root() {
	[[ $EUID -eq 0 ]] || skip "needs root"
}

need_program() {
	command -v "$1" >/dev/null || skip "needs the program $1"
}

need_cgroup2() {
	[[ $(stat -f -c %T /sys/fs/cgroup 2>/dev/null) == cgroup2fs ]] || skip "needs a machine with cgroup v2 alone"
}

need_cgroup1() {
	[[ -d /sys/fs/cgroup/$1 && $(stat -f -c %T "/sys/fs/cgroup/$1") == cgroupfs ]] || skip "needs the cgroup v1 hierarchy $1"
}

# lost_hierarchies: the controllers of hierarchies of version 1 that the kernel has and that are mounted nowhere here.
lost_hierarchies() {
	local id controllers
	while IFS=: read -r id controllers _; do
		[[ $id == 0 ]] || awk -v first=",${controllers%%,*}," \
			'$3 == "cgroup" && index("," $4 ",", first) { found = 1 } END { exit !found }' /proc/mounts || echo "$controllers"
	done </proc/self/cgroup
}

# cgroup_lines PID: its groups, but for those of such hierarchies, where nobody can make any.
cgroup_lines() {
	awk -F: -v lost=" $(lost_hierarchies | tr '\n' ' ')" '!index(lost, " " $2 " ")' "/proc/$1/cgroup"
}

# A limit can be tested where either version has the controller.
need_controller() {
	grep -qw "$1" /sys/fs/cgroup/cgroup.controllers 2>/dev/null || need_cgroup1 "$1"
}

# need_kernel 6 3
need_kernel() {
	local major minor
	IFS=.- read -r major minor _ < <(uname -r)
	((major > $1 || (major == $1 && minor >= $2))) || skip "needs Linux $1.$2"
}

need_user_namespaces() {
	unshare --user true 2>/dev/null || skip "needs user namespaces"
}

# Runs a command as an ordinary user without any group or capability.
as_user() {
	setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all -- "$@"
}

# Exit status and one fragment of the output of the last `run`.
expect_status() {
	# shellcheck disable=SC2154 # bats sets both
	[[ $status -eq $1 ]] || {
		echo "exit status $status, expected $1; output:"
		echo "$output"
		return 1
	}
}

expect_output() {
	[[ $output == *"$1"* ]] || {
		echo "no \"$1\" in the output:"
		echo "$output"
		return 1
	}
}

# A root directory with busybox and little else: bin/NAME for each of its commands, and three users.
make_rootfs() {
	mkdir -p "$1"/{bin,etc,tmp,root,home/alice,var,usr}
	chmod 1777 "$1/tmp"
	cp "$(command -v busybox)" "$1/bin/busybox"
	"$1/bin/busybox" --install "$1/bin"
	printf '%s\n' root:x:0:0:root:/root:/bin/sh nobody:x:65534:65534:nobody:/:/bin/false \
		alice:x:1000:1000:Alice:/home/alice:/bin/sh >"$1/etc/passwd"
	printf '%s\n' root:x:0: nogroup:x:65534: alice:x:1000: audio:x:29:alice >"$1/etc/group"
}

# What setup_file of a file about containers calls.
make_image() {
	need_program busybox
	export ROOTFS=$BATS_FILE_TMPDIR/rootfs
	make_rootfs "$ROOTFS"
	# The instance's own cgroups come with its first container and stay.
	husk rm -f "$(husk run -d --rootfs "$ROOTFS" --net none -- true)" >/dev/null
}

# A container without network from that root: container [OPTION...] -- COMMAND...
container() {
	husk run --rm --rootfs "$ROOTFS" --net none "$@"
}

# The same in the background and not removed; prints its id.
background() {
	husk run -d --rootfs "$ROOTFS" --net none "$@"
}

# field CONTAINER .State.Pid: one value of its inspect, as jq writes it.
field() {
	husk inspect "$1" | jq -r ".[0]$2"
}

pid_of() {
	field "$1" .State.Pid
}

running() {
	[[ $(field "$1" .State.Running 2>/dev/null) == true ]]
}

has_ended() {
	[[ $(field "$1" .State.Running) == false ]]
}

# logged CONTAINER TEXT
logged() {
	[[ $(husk logs "$1") == *"$2"* ]]
}

# Is process $1 gone, or a zombie?
is_gone() {
	[[ ! -e /proc/$1 ]] || grep -q '^State:.Z' "/proc/$1/status"
}

# eventually COMMAND...: tries for ten seconds until it succeeds.
eventually() {
	for _ in {1..100}; do
		"$@" && return 0
		sleep 0.1
	done
	echo "never came true: $*"
	return 1
}

# `jq -e` of jq 1.6 says yes to no input at all; here it must have said something.
jq() {
	local said
	if [[ ${1:-} != -e* ]]; then
		command jq "$@"
		return
	fi
	said=$(command jq "$@") && [[ $said ]] && echo "$said"
}

# blind_for PATH ARGUMENT...: husk finds no descriptor left for that path, as it names it. As `run`.
blind_for() {
	local path=$1
	shift
	run strace -f -o /dev/null -e trace=openat,openat2 -P "$path" -e inject=openat,openat2:error=EMFILE "$HUSK" "$@"
}

# until_written PATTERN FILE COMMAND...: runs COMMAND over and over, for a minute at most, until a line of FILE fits. For what a
# probe is to have seen often enough, however slow the machine.
until_written() {
	local pattern=$1 file=$2 end=$((SECONDS + 60))
	shift 2
	until grep -q "$pattern" "$file"; do
		"$@" >/dev/null 2>&1 || true
		((SECONDS < end)) || return 1
	done
}

# expect_refusal COMMAND...: 125, one line on stderr, nothing on stdout.
expect_refusal() {
	expect_error 125 "$@"
}

# expect_failure COMMAND...: the same with 1, of a command that was understood and could not be done.
expect_failure() {
	expect_error 1 "$@"
}

expect_error() {
	local code=$1
	shift
	run --separate-stderr husk "$@"
	# shellcheck disable=SC2154 # bats sets stderr
	[[ $status -eq $code && -z $output && $stderr != *$'\n'* && $stderr == *?* ]] || {
		printf 'husk %s: status %s, stdout "%s", stderr:\n%s\n' "$*" "$status" "$output" "$stderr"
		return 1
	}
}

# whole COMMAND...: becomes the command (so it is called in a subshell), where all hierarchies are mounted. Where one is
# mounted nowhere, crun makes plain directories in its place, and containerd hears nothing of memory.
whole() {
	local lost
	mapfile -t lost < <(lost_hierarchies)
	[[ ${#lost[@]} -gt 0 ]] || exec "$@"
	mkdir -p "$BATS_FILE_TMPDIR/whole"
	# shellcheck disable=SC2016 # $ is for the shell inside
	exec unshare --mount bash -ec '
		at=$1 count=$2
		shift 2
		mount -t tmpfs -o mode=0755 cgroup "$at"
		for mount in /sys/fs/cgroup/*/; do
			mountpoint -q "$mount" || continue
			mkdir "$at/$(basename "$mount")"
			mount --bind "$mount" "$at/$(basename "$mount")"
		done
		for lost in "${@:1:count}"; do
			mkdir "$at/$lost"
			mount -t cgroup -o "$lost" cgroup "$at/$lost"
		done
		mount --move "$at" /sys/fs/cgroup
		exec "${@:count + 1}"' whole "$BATS_FILE_TMPDIR/whole" ${#lost[@]} "${lost[@]}" "$@"
}

# For setup_file and teardown_file: a registry without a login at $REGISTRY.
make_registry() {
	need_program docker-registry
	REGISTRY=127.0.0.1:$((20000 + RANDOM % 10000))
	export REGISTRY
	cat >"$BATS_FILE_TMPDIR/config.yml" <<-END
		version: 0.1
		storage: {filesystem: {rootdirectory: $BATS_FILE_TMPDIR/data}}
		http: {addr: $REGISTRY}
	END
	docker-registry serve "$BATS_FILE_TMPDIR/config.yml" >"$BATS_FILE_TMPDIR/log" 2>&1 3>&- &
	echo $! >"$BATS_FILE_TMPDIR/pid"
	eventually curl -sf "http://$REGISTRY/v2/"
}

end_registry() {
	kill "$(<"$BATS_FILE_TMPDIR/pid")"
}
