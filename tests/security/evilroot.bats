# Images that have something else where husk mounts: nothing outside of the container's root may notice.

load ../cli/helpers
load root

setup_file() {
	make_root
}

setup() {
	test_begin
	evil=$BATS_TEST_TMPDIR/evil
	canary=$HUSK_TEST_DIR/canary-$BATS_TEST_NUMBER
	copy_root "$evil"
	make_canary "$canary"
	canary_print "$canary" >"$BATS_TEST_TMPDIR/canary.before"
	cp /proc/self/mountinfo "$BATS_TEST_TMPDIR/mountinfo.before"
}


# The path from directory $1 of the root to the canary: enough ".." for any depth.
relative_canary() {
	printf '../../../../../../../../../../../..%s' "$canary"
}

# put KIND PATH: makes a thing of KIND at PATH of the evil root.
put() {
	local at=$evil$2
	mkdir -p "$(dirname "$at")"
	rm -rf "$at"
	case $1 in
	absolute) ln -s "$canary" "$at" ;;
	relative) ln -s "$(relative_canary)" "$at" ;;
	dangling) ln -s "$canary/missing/deeper" "$at" ;;
	file) echo file >"$at" ;;
	fifo) mkfifo "$at" ;;
	device) mknod "$at" c 1 3 ;;
	esac
}

expect_untouched() {
	canary_same "$canary" "$BATS_TEST_TMPDIR/canary.before"
	diff "$BATS_TEST_TMPDIR/mountinfo.before" /proc/self/mountinfo
	# The layer, too: what husk makes it makes in the container's own writes.
	[[ ! -e $canary/missing ]]
}

# mounted_inside PATH FSTYPE: whether the output of `probe mounts` has a mount of the type there or where PATH leads.
expect_refused_or_inside() {
	local path=$1 fstype=$2
	if [[ $status -eq 0 ]]; then
		awk -v path="$path" -v fstype="$fstype" '$2 == fstype && ($1 == path || index($1, "/canary")) { found = 1 }
			END { exit !found }' <<<"$output" || {
			echo "started, but no $fstype at $path:"
			echo "$output"
			return 1
		}
	else
		expect_refusal
		[[ $output == *"$path"* ]] || {
			echo "the refusal does not name $path: $output"
			return 1
		}
	fi
}

# The rows: path and the type of what belongs there.
targets() {
	cat <<-END
		/proc proc
		/sys sysfs
		/dev tmpfs
		/dev/pts devpts
		/dev/shm tmpfs
		/dev/mqueue mqueue
		/sys/fs/cgroup $(cgroup_fstype)
	END
}

cgroup_fstype() {
	[[ $(stat -f -c %T /sys/fs/cgroup) == cgroup2fs ]] && echo cgroup2 || echo tmpfs
}

try_kind() {
	local path fstype
	while read -r path fstype; do
		rm -rf "${evil:?}"/{proc,sys,dev}
		put "$1" "$path"
		run in_directory "$evil" -- /bin/probe mounts </dev/null
		echo "# $1 $path: $status $(head -1 <<<"$output")"
		expect_refused_or_inside "$path" "$fstype"
		expect_untouched
	done < <(targets)
}

@test "an absolute link in place of a mount point" {
	try_kind absolute
}

@test "a relative link in place of a mount point" {
	try_kind relative
}

@test "a dangling link in place of a mount point" {
	try_kind dangling
}

@test "a file in place of a mount point" {
	try_kind file
}

@test "a fifo in place of a mount point" {
	try_kind fifo
}

@test "a device in place of a mount point" {
	try_kind device
}

# Files that husk puts over the image's: in place of each a link to the canary, once by an absolute and once by a
# relative path; -t for /dev/console.
try_file() {
	local path=$1 kind where
	for kind in absolute relative; do
		for where in file null missing; do
			mkdir -p "$(dirname "$evil$path")"
			rm -rf "${evil:?}$path"
			[[ $kind == absolute ]] && ln -s "$canary/$where" "$evil$path" ||
				ln -s "$(relative_canary)/$where" "$evil$path"
			run in_directory "$evil" -- /bin/sh -c "exec 2>&1; echo x >>$path; probe devices" </dev/null
			[[ $status -eq 0 ]] || expect_refusal
			expect_untouched
			run script -qec "timeout 10 '$HUSK' run --rm --net none --rootfs '$evil' -t -- /bin/probe devices" /dev/null
			[[ $status -eq 0 || $status -eq 125 ]]
			expect_untouched
		done
	done
}

@test "links in place of /etc/hosts" {
	try_file /etc/hosts
}

@test "links in place of /etc/hostname" {
	try_file /etc/hostname
}

@test "links in place of /etc/resolv.conf" {
	try_file /etc/resolv.conf
}

@test "links in place of /dev/null" {
	try_file /dev/null
}

@test "links in place of /dev/console" {
	try_file /dev/console
}

@test "links in place of /dev/ptmx" {
	try_file /dev/ptmx
}

@test "links in place of /dev/pts/0 and of the masked and read-only paths" {
	local path
	for path in /dev/pts/0 /proc/kcore /proc/sys /proc/sysrq-trigger /sys/firmware; do
		rm -rf "${evil:?}"/{proc,sys,dev}
		put absolute "$path"
		run in_directory "$evil" -- /bin/probe masks
		[[ $status -eq 0 ]] || expect_refusal
		expect_untouched
	done
}

@test "/etc itself a link to the canary" {
	local kind
	for kind in absolute relative dangling; do
		put "$kind" /etc
		run in_directory "$evil" -- /bin/true
		[[ $status -eq 0 ]] || expect_refusal
		expect_untouched
	done
}

# The mount point of a volume is made inside, wherever the image's links lead.
@test "volumes, tmpfs and the working directory behind links to the canary" {
	local kind
	mkdir "$BATS_TEST_TMPDIR/volume"
	for kind in absolute relative dangling; do
		put "$kind" /data
		run in_directory "$evil" -v "$BATS_TEST_TMPDIR/volume:/data" -- /bin/touch /data/new
		[[ $status -eq 0 ]] || expect_refusal
		expect_untouched
		run in_directory "$evil" -v "$BATS_TEST_TMPDIR/volume:/data/a/b" -- /bin/touch /data/a/b/new
		[[ $status -eq 0 ]] || expect_refusal
		expect_untouched
		run in_directory "$evil" --tmpfs /data/t -- /bin/touch /data/t/new
		[[ $status -eq 0 ]] || expect_refusal
		expect_untouched
		run in_directory "$evil" -w /data/w -- /bin/touch new
		[[ $status -eq 0 || $status -eq 125 ]]
		expect_untouched
	done
	[[ -e $BATS_TEST_TMPDIR/volume/new ]]
}

# A read-only directory of the host gets no mount point made in it.
@test "a missing mount point inside a read-only volume is an error and is not made" {
	mkdir "$BATS_TEST_TMPDIR/volume" "$BATS_TEST_TMPDIR/other"
	run in_root -v "$BATS_TEST_TMPDIR/volume:/data:ro" -v "$BATS_TEST_TMPDIR/other:/data/new" -- /bin/true
	expect_refusal
	[[ -z $(ls -A "$BATS_TEST_TMPDIR/volume") ]]
}

# A volume with links in it that another container has put there.
@test "links inside a volume lead to nothing outside" {
	local kind
	mkdir "$BATS_TEST_TMPDIR/volume" "$BATS_TEST_TMPDIR/other"
	ln -s "$canary" "$BATS_TEST_TMPDIR/volume/absolute"
	ln -s "$(relative_canary)" "$BATS_TEST_TMPDIR/volume/relative"
	ln -s "$canary/missing" "$BATS_TEST_TMPDIR/volume/dangling"
	for kind in absolute relative dangling; do
		run in_root -v "$BATS_TEST_TMPDIR/volume:/vol" -v "$BATS_TEST_TMPDIR/other:/vol/$kind" -- /bin/true
		[[ $status -eq 0 ]] || expect_refusal
		expect_untouched
		run in_root -v "$BATS_TEST_TMPDIR/volume:/vol" -v "$BATS_TEST_TMPDIR/other:/vol/$kind/deep/er" -- /bin/true
		[[ $status -eq 0 ]] || expect_refusal
		expect_untouched
	done
}

# Standard input of a detached container is /dev/null: never the image's.
@test "a host file mounted where /dev/null leads is neither read nor given away" {
	rm -rf "${evil:?}/dev"
	mkdir "$evil/dev"
	ln -s /hf "$evil/dev/null"
	run in_directory "$evil" -u 1000 -v "$canary/file:/hf" -- /bin/true
	[[ $status -eq 0 ]] || expect_refusal
	run husk run -d --name one --net none --rootfs "$evil" -u 1000 -v "$canary/file:/hf" -- /bin/true
	[[ $status -ne 0 ]] || husk wait one
	husk rm -f one || true
	expect_untouched
}
