# Images, volumes and configurations that want the runtime to touch what is outside of the root.
# shellcheck disable=SC2016 # $ in single quotes is for jq and for the shell inside
# shellcheck disable=SC2154 # bats sets stderr, and hostile.bash evil and pid
load ../cli/helpers
load bundle
load hostile

setup_file() {
	make_hostile_bundle
	cc -O1 -static -D_GNU_SOURCE -o "$PRISTINE/bin/racer" "$BATS_TEST_DIRNAME/../security/racer.c"
}

setup() {
	hostile_begin
	volume=$BATS_TEST_TMPDIR/volume
	mkdir "$volume"
}

teardown() {
	hostile_end
}

# has_mount PATH TYPE: `probe mounts` has it there, or where a link led to inside.
has_mount() {
	awk -v path="$1" -v type="$2" '$2 == type && ($1 == path || index($1, "/canary")) { found = 1 } END { exit !found }' <<<"$output"
}

# Whether the kernel's own file system is there, or nothing was started.
expect_kernels_own() {
	if [[ $status -eq 0 ]]; then
		has_mount "$1" "$2" || {
			printf 'started, but no %s at %s:\n%s\n' "$2" "$1" "$output"
			return 1
		}
	else
		refused "$1"
	fi
	expect_untouched
}

@test "something else where the kernel's file systems belong, six kinds of it in seven places" {
	local kind path type cgroup=tmpfs
	[[ $(stat -f -c %T /sys/fs/cgroup) != cgroup2fs ]] || cgroup=cgroup2
	config_of /bin/probe mounts
	for kind in absolute relative dangling file fifo device; do
		while read -r path type; do
			rm -rf "${evil:?}"/{proc,sys,dev}
			put "$kind" "$path"
			run_one
			expect_kernels_own "$path" "$type"
		done <<-END
			/proc proc
			/sys sysfs
			/dev tmpfs
			/dev/pts devpts
			/dev/shm tmpfs
			/dev/mqueue mqueue
			/sys/fs/cgroup $cgroup
		END
	done
}

# Without a mount on /dev nodes and links are made in the image's own directory.
@test "links in place of devices, of the console and of /dev, where /dev is the image's" {
	local name kind target
	for name in null zero tty ptmx console fd stdin pts pts/0 extra; do
		for kind in absolute relative dangling; do
			rm -rf "${evil:?}/dev"
			put "$kind" "/dev/$name"
			config 'del(.mounts[] | select(.destination == "/dev")) | .linux.devices = [{path: "/dev/extra", type: "c", major: 1, minor: 3}] |
				.process.args = ["true"]'
			run_one
			refused_or_inside
			for target in file null ptmx console; do
				ln -sfn "$CANARY/$target" "$evil/dev/${name%/0}"
				run_one
				refused_or_inside
			done
		done
	done
	for kind in absolute relative dangling; do
		put "$kind" /dev
		run_one
		refused "/dev"
		expect_untouched
	done
}

@test "links in place of the console and of the terminal multiplexer of a container with a terminal" {
	local name kind
	for name in console ptmx pts/0 pts/ptmx tty; do
		for kind in absolute relative dangling file device; do
			rm -rf "${evil:?}/dev"
			put "$kind" "/dev/$name"
			for filter in . 'del(.mounts[] | select(.destination == "/dev"))' 'del(.mounts[] | select(.destination | startswith("/dev")))'; do
				config "$filter"' | .process.terminal = true | .process.args = ["/bin/probe", "devices"]'
				run script -qec "timeout 10 $RUNTIME --root $RUNTIME_ROOT run c" /dev/null
				[[ $status -eq 0 || $status -eq 1 ]]
				[[ $status -ne 0 ]] || grep -qE '/dev/console 0206[0-9]{2} 136:0 ' <<<"$output"
				expect_untouched
			done
		done
	done
}

# Its input is the caller's, and never what the image has at /dev/null.
@test "a file of the host mounted where the image's /dev/null leads is neither read nor given away" {
	mkdir -p "$evil/dev"
	for filter in . 'del(.mounts[] | select(.destination | startswith("/dev")))'; do
		ln -sfn /hf "$evil/dev/null"
		config --arg file "$CANARY/file" "$filter"' | .process.user = {uid: 1000, gid: 1000} | .process.args = ["true"] |
			.mounts += [{destination: "/hf", type: "bind", source: $file, options: ["bind"]}]'
		run_one
		refused_or_inside
		run_one --detach
		refused_or_inside
		runtime delete --force c
	done
}

@test "mounts, the working directory and devices behind links" {
	local kind destination
	for kind in absolute relative dangling; do
		put "$kind" /data
		for destination in /data /data/a/b; do
			config --arg at "$destination" --arg source "$volume" '.mounts += [{destination: $at, type: "bind", source: $source, options: ["bind"]}] |
				.process.args = ["touch", $at + "/new"]'
			run_one
			refused_or_inside
			config --arg at "$destination" --arg source "$BUNDLE/config.json" '.process.args = ["true"] |
				.mounts += [{destination: ($at + "/file"), type: "bind", source: $source, options: ["bind", "ro"]}]'
			run_one
			refused_or_inside
			config --arg at "$destination" '.mounts += [{destination: $at, type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"]}] |
				.process.args = ["touch", $at + "/new"]'
			run_one
			refused_or_inside
			config --arg at "$destination" '.process.cwd = $at + "/w" | .process.args = ["touch", "new"]'
			run_one
			refused_or_inside
			config --arg at "$destination" '.linux.devices = [{path: ($at + "/device"), type: "c", major: 1, minor: 3}] | .process.args = ["true"]'
			run_one
			refused_or_inside
		done
	done
	[[ -e $volume/new ]]
}

@test "a mount whose destination is a link into /proc, /sys or /dev is refused" {
	local target
	for target in /proc /proc/sys /proc/self /sys /sys/kernel /dev /dev/shm/../null /proc/self/root/proc; do
		ln -sfn "$target" "$evil/link"
		config --arg source "$volume" '.mounts += [{destination: "/link", type: "bind", source: $source, options: ["bind"]}] | .process.args = ["true"]'
		run_one
		refused "/link"
		config --arg source "$volume" '.mounts += [{destination: "/link/new", type: "bind", source: $source, options: ["bind"]}] | .process.args = ["true"]'
		run_one
		refused "/link"
		expect_untouched
	done
}

@test "nothing is put over what the runtime itself writes to in /proc" {
	local at
	for at in /proc /proc/self /proc/self/attr/exec /proc/thread-self/attr/exec /proc/self/fd /proc/1/attr /proc/sys/kernel/core_pattern \
		/proc/sysrq-trigger /proc/../proc/self/attr; do
		config --arg at "$at" --arg source "$volume" '.process.args = ["true"] |
			.mounts += [{destination: $at, type: "bind", source: $source, options: ["bind"]}]'
		run_one
		refused "/proc"
		config --arg at "$at" '.process.args = ["true"] |
			.mounts += [{destination: $at, type: "bind", source: "/proc/self/sched", options: ["bind"]}]'
		run_one
		refused "/proc"
		expect_untouched
	done
	# Instead of procfs, too.
	config --arg source "$volume" '(.mounts[] | select(.destination == "/proc")) = {destination: "/proc", type: "bind", source: $source, options: ["bind"]}'
	run_one
	refused "/proc"
}

@test "masks and read-only paths behind links hide what they name, or nothing is started" {
	local kind path
	echo secret >"$evil/etc/secret"
	for path in /masked /etc/deep/masked /proc/kcore /sys/firmware; do
		for kind in absolute relative dangling file fifo device; do
			rm -rf "${evil:?}"/{proc,sys,dev,masked} "$evil/etc/deep"
			put "$kind" "$path"
			for list in maskedPaths readonlyPaths; do
				config --arg path "$path" ".linux.$list += [\$path, \"/etc/secret\"]"' |
					.process.args = ["sh", "-c", "cat /etc/secret; echo x >/etc/secret; ls -A $0", $path]'
				run_one
				[[ $list != maskedPaths || $output != *secret* ]]
				[[ $(<"$evil/etc/secret") == secret ]]
				expect_untouched
			done
		done
	done
}

@test "what is masked shows nothing, and the sources of masks are the kernel's own" {
	config '.linux.maskedPaths += ["/etc/passwd", "/etc", "/sys/devices/virtual/powercap", "/proc/interrupts", "/proc/sysrq-trigger", "/not/there"] |
		.linux.maskedPaths -= ["/etc"] | .process.args = ["sh", "-c", "probe masks; cat /etc/passwd; (echo x >/proc/sysrq-trigger); probe mounts"]'
	run_one
	echo "$output"; echo "$stderr"
	[[ $status -eq 0 && $output != *root:* ]]
	[[ $(grep -cE "^/(proc/kcore|proc/interrupts|etc/passwd) devtmpfs " <<<"$output") -ge 2 || $(grep -cE "^/(proc/kcore|proc/interrupts|etc/passwd) " <<<"$output") -ge 2 ]]
	[[ -z $(grep -E "^/(proc/kcore|proc/interrupts|etc/passwd) (ext4|overlay|proc) " <<<"$output") ]]
}

@test "a missing mount point inside a read-only bind is an error and is not made" {
	mkdir "$BATS_TEST_TMPDIR/other"
	config --arg volume "$volume" --arg other "$BATS_TEST_TMPDIR/other" '.process.args = ["true"] |
		.mounts += [{destination: "/data", type: "bind", source: $volume, options: ["rbind", "ro"]},
			{destination: "/data/new", type: "bind", source: $other, options: ["bind"]}]'
	run_one
	refused "/data/new"
	[[ -z $(ls -A "$volume") ]]
}

@test "links inside a volume lead to nothing outside" {
	local kind name
	ln -s "$CANARY" "$volume/absolute"
	ln -s "../../../../../../../../../../../..$CANARY" "$volume/relative"
	ln -s "$CANARY/missing" "$volume/dangling"
	for kind in absolute relative dangling; do
		for name in "$kind" "$kind/deep/er"; do
			config --arg volume "$volume" --arg at "/vol/$name" '.process.args = ["true"] | .linux.maskedPaths += [$at] |
				.mounts += [{destination: "/vol", type: "bind", source: $volume, options: ["bind"]},
					{destination: $at, type: "tmpfs", source: "tmpfs"}]'
			run_one
			refused_or_inside
		done
	done
}

# A container that swaps a directory of a shared volume with a link to the host, while others mount there, or have it masked.
@test "100 containers that mount, mask and make below a directory that is being swapped with a link" {
	local number started=0 target=$CANARY
	mkdir "$volume/sub" "$BATS_TEST_TMPDIR/payload"
	config --arg volume "$volume" --arg target "$target" '.mounts += [{destination: "/vol", type: "bind", source: $volume, options: ["bind"]}] |
		.process.args = ["/bin/racer", "/vol/sub", $target, "60"]'
	runtime create racer </dev/null > >(cat >"$BATS_TEST_TMPDIR/raced") 2>&1
	runtime start racer
	while [[ ! -L $volume/sub/other && ! -L $volume/sub/target ]]; do
		sleep 0.01
	done
	for ((number = 0; number < 100; number++)); do
		case $((number % 4)) in
		0) filter='.mounts += [{destination: "/vol/sub/target", type: "bind", source: $payload, options: ["bind"]}]' ;;
		1) filter='.mounts += [{destination: "/vol/sub/target/new/deep", type: "tmpfs", source: "tmpfs"}]' ;;
		2) filter='.linux.maskedPaths += ["/vol/sub/target", "/vol/sub/target/file"] | .linux.readonlyPaths += ["/vol/sub/target/sub"]' ;;
		3) filter='.process.cwd = "/vol/sub/target/made" | .linux.devices = [{path: "/vol/sub/target/null", type: "c", major: 1, minor: 3}]' ;;
		esac
		config --arg volume "$volume" --arg payload "$BATS_TEST_TMPDIR/payload" \
			'.process.args = ["true"] | .mounts += [{destination: "/vol", type: "bind", source: $volume, options: ["bind"]}] | '"$filter"
		run_one
		[[ $status -eq 0 || $status -eq 1 ]]
		[[ $status -ne 0 ]] || started=$((started + 1))
	done
	touch "$volume/sub/stop"
	eventually grep -q ^raced "$BATS_TEST_TMPDIR/raced"
	runtime delete --force racer
	echo "# $started of 100 started; $(<"$BATS_TEST_TMPDIR/raced")"
	[[ $started -gt 0 && -z $(ls -A "$BATS_TEST_TMPDIR/payload") ]]
	expect_untouched
}

@test "a read-only root is read-only, whatever the image has in /proc" {
	mkdir -p "$evil/proc/self/fd" "$evil/proc/self/attr"
	ln -s /tmp "$evil/proc/self/fd/5"
	config '.root.readonly = true | .process.args = ["sh", "-c", "touch /x; probe mounts"]'
	run_one
	[[ $status -eq 0 && $stderr == *"Read-only"* ]]
	grep -qE '^/ [a-z0-9]+ ro,' <<<"$output"
	config '.root.readonly = true | del(.mounts[] | select(.destination == "/proc")) | .linux.maskedPaths = [] | .linux.readonlyPaths = [] |
		.process.args = ["touch", "/x"]'
	run_one
	[[ $status -eq 1 && $stderr == *"Read-only"* && ! -e $evil/x ]]
}

# What would be done to the host's own mounts.
@test "the host's mount namespace is neither used nor joined, and its propagation stays" {
	config '.linux.namespaces |= map(select(.type != "mount"))'
	run_one
	refused "mount"
	config '(.linux.namespaces[] | select(.type == "mount")).path = "/proc/self/ns/mnt"'
	run_one
	refused "is the host's"
	expect_untouched
	mount -t tmpfs shared "$volume"
	mount --make-rshared "$volume"
	findmnt -no TARGET,PROPAGATION | sort >"$BATS_TEST_TMPDIR/before"
	config --arg volume "$volume" '.linux.rootfsPropagation = "rprivate" | .process.args = ["true"] |
		.mounts += [{destination: "/vol", type: "bind", source: $volume, options: ["rbind", "rprivate"]}]'
	run_one
	findmnt -no TARGET,PROPAGATION | sort | diff "$BATS_TEST_TMPDIR/before" -
	umount "$volume"
	[[ $status -eq 0 ]]
}

@test "no program of the host is run to mount, to join or to unpack" {
	need_program strace
	config_of true
	strace -f -qq -o "$BATS_TEST_TMPDIR/trace" -e trace=execve,execveat "$RUNTIME" --root "$RUNTIME_ROOT" run c </dev/null
	grep -oE 'exec[a-z]*\([^,]*, *"[^"]*"|execve\("[^"]*"' "$BATS_TEST_TMPDIR/trace" | sort -u >"$BATS_TEST_TMPDIR/programs"
	cat "$BATS_TEST_TMPDIR/programs"
	[[ -s $BATS_TEST_TMPDIR/programs ]]
	! grep -E '(^|/)(mount|umount|nsenter|unshare|modprobe|tar|sh)"' "$BATS_TEST_TMPDIR/programs"
}
