# Mounts: attributes of whole trees, id-mapped binds, a tmpfs with what it covers.
# shellcheck disable=SC2016 # $ in single quotes is for jq and for the shell inside
load ../cli/helpers
load bundle

setup_file() {
	make_bundle
}

setup() {
	test_begin
	cd "$BUNDLE" || return
	mkdir -p "$BATS_TEST_TMPDIR/source/inner"
}

teardown() {
	runtime_clean
	umount -R "$BATS_TEST_TMPDIR/source" 2>/dev/null || true
	test_end
}

# bind OPTIONS-AS-JSON [JQ-FILTER]: the test's source on /mnt; sh runs $script.
bind() {
	config --arg source "$BATS_TEST_TMPDIR/source" --arg script "$script" --argjson options "$1" \
		'.mounts += [{destination: "/mnt", type: "bind", source: $source, options: $options}] | .process.args = ["sh", "-c", $script] |
		.root.readonly = false '"${2:-}"
}

# flags_of PATH: of the mount there, as the container of $output saw it.
flags_of() {
	awk -v at="$1" '$2 == at { print $4 }' <<<"$output"
}

@test "a document of 12 MiB with 850 bind mounts, and sentences for what is larger" {
	echo shared >"$BATS_TEST_TMPDIR/file"
	config --arg file "$BATS_TEST_TMPDIR/file" '.process.args = ["sh", "-c", "cat /m/* | grep -c shared"]
		| .mounts += [range(850) | {destination: "/m/\(.)", type: "bind", source: $file, options: ["bind", "ro"]}]
		| .annotations = ([range(12) | {"a\(.)": ("x" * 1048576)}] | add)'
	run runtime run --bundle "$BUNDLE" many
	[[ $status -eq 0 && $output == 850 ]]
	runtime create --bundle "$BUNDLE" many >/dev/null 2>&1 </dev/null
	status_is many created
	runtime start many
	eventually status_is many stopped
	runtime delete many
	config --arg file "$BATS_TEST_TMPDIR/file" \
		'.mounts += [range(1000) | {destination: "/m/\(.)", type: "bind", source: $file, options: ["bind"]}]'
	failure "more than 907 bind mounts and joined namespaces" run --bundle "$BUNDLE" many
	# Six bytes each in the state, where they are escaped.
	config '.annotations = ([range(3) | {"a\(.)": ("\u0085" * 1048576)}] | add)'
	failure "the state has" run --bundle "$BUNDLE" many
	[[ -z $(runtime list -q) ]]
	config '.annotations = ([range(17) | {"a\(.)": ("x" * 1048576)}] | add)'
	failure "config.json has more than 16 MiB, which is all that is read" run --bundle "$BUNDLE" many
}

@test "attributes of a whole tree: set, cleared, and times" {
	mount -t tmpfs -o noexec none "$BATS_TEST_TMPDIR/source"
	mkdir -p "$BATS_TEST_TMPDIR/source/inner"
	mount -t tmpfs -o nosuid,noatime none "$BATS_TEST_TMPDIR/source/inner"
	script='cat /proc/mounts'
	bind '["rbind", "rro", "rnodev"]'
	run runtime run c
	[[ $(flags_of /mnt) == ro,nodev,noexec,* && $(flags_of /mnt/inner) == ro,nosuid,nodev,noatime* ]]
	bind '["rbind", "rexec", "rsuid", "rstrictatime"]'
	run runtime run c
	[[ $(flags_of /mnt) != *noexec* && $(flags_of /mnt/inner) != *nosuid* && $(flags_of /mnt/inner) != *atime* ]]
	bind '["rbind", "ro"]'
	run runtime run c
	[[ $(flags_of /mnt) == ro,* && $(flags_of /mnt/inner) == rw,* ]]
}

@test "an id-mapped bind: owners are others inside, and files made there are the host's" {
	echo x >"$BATS_TEST_TMPDIR/source/of-1000"
	chown 1000:1000 "$BATS_TEST_TMPDIR/source/of-1000"
	chown 0:0 "$BATS_TEST_TMPDIR/source"
	script='stat -c %u:%g /mnt/of-1000 /mnt; touch /mnt/made'
	bind '["bind"]' '| .mounts[-1] += {uidMappings: [{containerID: 0, hostID: 5000, size: 10}, {containerID: 1000, hostID: 0, size: 1}],
		gidMappings: [{containerID: 0, hostID: 6000, size: 10}, {containerID: 1000, hostID: 0, size: 1}]} |
		(.process.capabilities[] |= . + ["CAP_DAC_OVERRIDE"])'
	run runtime run c
	[[ $status -eq 0 && ${lines[0]} == 0:0 && ${lines[1]} == 5000:6000 ]]
	[[ $(stat -c %u:%g "$BATS_TEST_TMPDIR/source/made") == 1000:1000 ]]
}

@test "of two id-mapped binds each has its own map" {
	chown 0:0 "$BATS_TEST_TMPDIR/source"
	script='stat -c %u:%g /mnt /other'
	bind '["bind"]' '| [{containerID: 0, hostID: 5000, size: 10}] as $map | [{containerID: 0, hostID: 7000, size: 10}] as $second |
		.mounts[-1] += {uidMappings: $map, gidMappings: $map} |
		.mounts += [.mounts[-1] + {destination: "/other", uidMappings: $second, gidMappings: $second}]'
	run runtime run c
	[[ $status -eq 0 && $output == $'5000:5000\n7000:7000' ]]
	rmdir rootfs/other
}

@test "an id-mapped bind in a user namespace has its ids, without being told" {
	chown -R 100000:100000 rootfs
	chmod go+x "$BATS_TEST_TMPDIR"
	echo x >"$BATS_TEST_TMPDIR/source/of-7"
	chown 7:8 "$BATS_TEST_TMPDIR/source/of-7"
	script='stat -c %u:%g /mnt/of-7; touch /mnt/made'
	user='| ([{containerID: 0, hostID: 100000, size: 65536}]) as $map | .linux.uidMappings = $map | .linux.gidMappings = $map |
		.linux.namespaces += [{type: "user"}]'
	bind '["bind", "idmap"]' "$user"
	run runtime run c
	[[ $status -eq 0 && ${lines[0]} == 7:8 ]]
	[[ $(stat -c %u:%g "$BATS_TEST_TMPDIR/source/made") == 0:0 ]]

	# A user namespace that is joined has its maps itself; an own map of the mount counts more.
	unshare --user sleep 100 3>&- &
	local owner=$! maps
	owner_is_made() {
		[[ $(readlink "/proc/$owner/ns/user") != $(readlink /proc/self/ns/user) ]]
	}
	eventually owner_is_made
	echo "0 100000 65536" | tee "/proc/$owner/uid_map" >"/proc/$owner/gid_map"
	rm "$BATS_TEST_TMPDIR/source/made"
	bind '["bind", "idmap"]' "| .linux.namespaces += [{type: \"user\", path: \"/proc/$owner/ns/user\"}]"
	run runtime run c
	[[ $status -eq 0 && ${lines[0]} == 7:8 ]]
	[[ $(stat -c %u:%g "$BATS_TEST_TMPDIR/source/made") == 0:0 ]]
	maps='{uidMappings: [{containerID: 7, hostID: 100003, size: 1}], gidMappings: [{containerID: 8, hostID: 100004, size: 1}]}'
	script='stat -c %u:%g /mnt/of-7'
	bind '["bind", "idmap"]' "| .linux.namespaces += [{type: \"user\", path: \"/proc/$owner/ns/user\"}] | .mounts[-1] += $maps"
	[[ $(runtime run c) == 3:4 ]]
	kill "$owner"
	chown -R 0:0 rootfs
}

@test "id maps of mounts: recursive or not, and what cannot be mapped" {
	# Of the disk: a tmpfs can be mapped since Linux 6.3.
	mkdir -p "$BATS_TEST_TMPDIR/source/inner"
	mount --bind "$BATS_TEST_TMPDIR/source" "$BATS_TEST_TMPDIR/source"
	mount --bind "$BATS_TEST_TMPDIR/source/inner" "$BATS_TEST_TMPDIR/source/inner"
	maps='| .mounts[-1] += {uidMappings: [{containerID: 0, hostID: 5000, size: 10}], gidMappings: [{containerID: 0, hostID: 5000, size: 10}]}'
	script='stat -c %u /mnt /mnt/inner'
	bind '["rbind", "idmap"]' "$maps"
	run runtime run c
	[[ $output == $'5000\n0' ]]
	bind '["rbind", "ridmap"]' "$maps"
	run runtime run c
	[[ $output == $'5000\n5000' ]]
	config '.mounts += [{destination: "/mnt", type: "bind", source: "/proc/fs", options: ["bind"]}]'"$maps"
	failure "mount on /mnt: this kernel cannot map the ids of its file system" run c
	config '.mounts += [{destination: "/mnt", type: "bind", source: "/", options: ["bind", "idmap"]}]'
	failure "mount on /mnt: to be id-mapped it needs mappings" run c
}

@test "tmpcopyup: names, content, modes, owners, links; and the image is left alone" {
	mkdir -p rootfs/full/deep/er
	echo content >rootfs/full/file
	chown 7:8 rootfs/full/file
	chmod 4755 rootfs/full/file
	touch -d 2001-02-03T04:05:06Z rootfs/full/file
	head -c 300000 /dev/urandom >rootfs/full/deep/er/large
	ln -s /etc/passwd rootfs/full/link
	mkfifo rootfs/full/deep/pipe
	chmod 1770 rootfs/full/deep
	config '.mounts += [{destination: "/full", type: "tmpfs", source: "tmpfs", options: ["nosuid", "tmpcopyup"]}] |
		.process.args = ["sh", "-c", "stat -c \"%a %u:%g %Y\" /full/file; cat /full/file; md5sum </full/deep/er/large; readlink /full/link; stat -c \"%a %F\" /full/deep /full/deep/pipe; echo new >/full/new && rm /full/file"]'
	run runtime run c
	[[ $status -eq 0 && ${lines[0]} == "4755 7:8 981173106" && ${lines[1]} == content && ${lines[2]} == "$(md5sum <rootfs/full/deep/er/large)" ]]
	[[ ${lines[3]} == /etc/passwd && ${lines[4]} == "1770 directory" && ${lines[5]} == *fifo ]]
	[[ -e rootfs/full/file && ! -e rootfs/full/new ]]
	config '.mounts += [{destination: "/full", type: "tmpfs", source: "tmpfs", options: ["size=64k", "tmpcopyup"]}]'
	failure "copy what is on /full: large: No space left on device" run c
	config '.mounts += [{destination: "/nothing/there", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"]}] |
		.root.readonly = false | .process.args = ["ls", "/nothing/there"]'
	run runtime run c
	[[ $status -eq 0 && -z $output ]]
	rm -rf rootfs/full rootfs/nothing
}

@test "a directory that cannot be read to its end is not copied in part" {
	mkdir rootfs/full
	touch rootfs/full/{one,two}
	config '.process.args = ["ls", "/full"] |
		.mounts += [{destination: "/full", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"]}]'
	# The clone of the directory is a root for whoever asks.
	run strace -f -o /dev/null -P / -e trace=getdents64 -e inject=getdents64:error=EIO:when=2 "$RUNTIME" --root "$RUNTIME_ROOT" run c
	rm -r rootfs/full
	[[ $status -eq 1 && $output == "copy what is on /full: read a directory: Input/output error"* && $output != *two* ]]
}

@test "tmpcopyup ends at a tree that is too deep" {
	at=rootfs/deep
	for _ in $(seq 70); do
		at+=/d
	done
	mkdir -p "$at"
	config '.mounts += [{destination: "/deep", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"]}]'
	failure "more than 64 directories deep" run c
	rm -rf rootfs/deep
}

# mounts_of PATH: the optional fields of the mount there, as the container of $output saw its mountinfo.
propagation_of() {
	awk -v at="$1" '$5 == at { for (i = 7; $i != "-"; i++) printf "%s ", $i }' <<<"$output" | sed 's/:[0-9]*//g; s/ $//'
}

@test "rootfsPropagation: private, shared in a group of its own, slave, unbindable" {
	mount --bind rootfs rootfs
	mount --make-shared rootfs
	for kind in "" private rprivate shared rshared slave rslave unbindable; do
		config --arg kind "$kind" '.linux.rootfsPropagation = $kind | .process.args = ["cat", "/proc/self/mountinfo"]'
		run runtime run c
		case $kind in
		*shared) wanted=shared ;;
		*slave) wanted=master ;;
		unbindable) wanted=unbindable ;;
		*) wanted= ;;
		esac
		[[ $status -eq 0 && $(propagation_of /) == "$wanted" ]]
	done
	[[ $(awk -v at="$BUNDLE/rootfs" '$5 == at' /proc/self/mountinfo | wc -l) -eq 1 ]]
	umount rootfs
}

@test "a slave root and a slave bind get what the host mounts later, a shared bind gives to the host" {
	mkdir -p rootfs/later
	mount --bind rootfs rootfs
	mount --make-shared rootfs
	mount -t tmpfs none "$BATS_TEST_TMPDIR/source"
	mount --make-shared "$BATS_TEST_TMPDIR/source"
	mkdir "$BATS_TEST_TMPDIR"/source/{in,out}
	config --arg source "$BATS_TEST_TMPDIR/source" '.linux.rootfsPropagation = "rslave" | .root.readonly = false |
		.mounts += [{destination: "/slave", type: "bind", source: $source, options: ["rbind", "rslave"]},
			{destination: "/shared", type: "bind", source: $source, options: ["rbind", "rshared"]}] |
		(.process.capabilities[] |= . + ["CAP_SYS_ADMIN"]) | .process.args = ["sleep", "1000"]'
	runtime create c </dev/null >/dev/null 2>&1
	runtime start c
	mount -t tmpfs none rootfs/later
	touch rootfs/later/of-the-host
	mount -t tmpfs none "$BATS_TEST_TMPDIR/source/in"
	touch "$BATS_TEST_TMPDIR/source/in/of-the-host"
	runtime exec c ls /later/of-the-host /slave/in/of-the-host
	runtime exec c sh -c 'mount -t tmpfs none /shared/out && touch /shared/out/of-the-container'
	[[ -e $BATS_TEST_TMPDIR/source/out/of-the-container ]]
	runtime exec c sh -c 'mkdir /own && mount -t tmpfs none /own'
	run grep " $BUNDLE/rootfs/own " /proc/self/mountinfo
	[[ $status -ne 0 ]]
	runtime delete --force c
	umount -R rootfs
	rmdir rootfs/later rootfs/own rootfs/slave rootfs/shared 2>/dev/null || true
}

@test "remount: what is mounted there gets other attributes, and options of its file system" {
	local tmpfs='{destination: "/mnt", type: "tmpfs", source: "x", options: ["nosuid", "size=64k"]}'
	remounted() {
		config ".mounts += [$tmpfs, $1] | .process.args = [\"grep\", \" /mnt \", \"/proc/mounts\"] | .root.readonly = false"
		runtime run one
	}
	[[ $(remounted '{destination: "/mnt", options: ["remount", "ro", "noexec"]}') == "x /mnt tmpfs ro,nosuid,noexec,relatime,size=64k"* ]]
	[[ $(remounted '{destination: "/mnt", type: "tmpfs", source: "x", options: ["remount", "suid", "size=128k"]}') == "x /mnt tmpfs rw,relatime,size=128k"* ]]
	[[ $(remounted '{destination: "/mnt", source: "x", options: ["bind", "remount", "nodev"]}') == "x /mnt tmpfs rw,nosuid,nodev,relatime,size=64k"* ]]
	config ".mounts += [{destination: \"/bin\", options: [\"remount\", \"ro\"]}]"
	failure "remount /bin: nothing is mounted there, or it has no such option" run one
	config ".mounts += [{destination: \"/nowhere\", options: [\"remount\", \"ro\"]}]"
	failure "remount /nowhere: open it: No such file or directory" run one
	config ".mounts += [$tmpfs, {destination: \"/mnt\", options: [\"remount\", \"nosuchthing\"]}]"
	failure "remount /mnt: " run one
	config ".mounts += [$tmpfs, {destination: \"/mnt\", options: [\"remount\", \"bind\", \"size=1m\"]}]"
	failure 'a bind mount has no option "size=1m"' run one
}

@test "rbind is recursive before and after bind; rw does not lift what the host has mounted read-only" {
	local options source=$BATS_TEST_TMPDIR/tree
	mkdir "$source"
	mount -t tmpfs outer "$source"
	mkdir "$source/below"
	mount -t tmpfs inner "$source/below"
	touch "$source/below/file"
	for options in '["bind", "rbind"]' '["rbind", "bind"]' '["rbind", "ro", "bind"]' '["bind"]'; do
		config '.mounts += [{destination: "/mnt", type: "bind", source: $source, options: $options}] | .process.args = ["ls", "/mnt/below"]' \
			--arg source "$source" --argjson options "$options"
		run runtime run --bundle "$BUNDLE" one
		echo "$options: $output"
		[[ $status -eq 0 && $output == $([[ $options != *rbind* ]] || echo file) ]]
	done
	mount -o remount,bind,ro "$source"
	for options in '["bind"]' '["bind", "rw"]' '["rbind"]' '["rbind", "rw"]' '["rw", "rbind", "rprivate"]' '["bind", "rrw"]' '["rbind", "rrw"]'; do
		config '.mounts += [{destination: "/mnt", type: "bind", source: $source, options: $options}] | .process.args = ["touch", "/mnt/new"]' \
			--arg source "$source" --argjson options "$options"
		run runtime run --bundle "$BUNDLE" one
		echo "$options: $output"
		[[ $status -ne 0 && $output == *"Read-only file system"* && ! -e $source/new ]]
	done
	umount --recursive "$source"
}

@test "a tmpfs with ro is read-only, when what is mounted in it is there" {
	config '(.mounts[] | select(.destination == "/dev")).options += ["ro"] |
		.mounts += [{destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["ro"]}, {destination: "/mnt/in", type: "tmpfs", source: "tmpfs"}] |
		.process.args = ["sh", "-c", "for place in /dev /dev/shm /mnt /mnt/in; do touch $place/x 2>/dev/null && echo $place; done; echo x >/dev/null && ls /dev/pts/ptmx"]'
	[[ $(runtime run --bundle "$BUNDLE" one | xargs) == "/dev/shm /mnt/in /dev/pts/ptmx" ]]
}

@test "a bind of a path in the root: what is mounted there before is bound, and no link of the image leads out" {
	ln -s /etc/hostname rootfs/leads-out
	mkdir -p rootfs/{etc,src,user}
	echo inner >rootfs/etc/hostname
	local mounts='.root.readonly = false | .mounts += [{destination: "/src", type: "tmpfs", source: "tmpfs"},
		{destination: "/mnt", type: "bind", source: "rootfs/src", options: ["bind"]},
		{destination: "/file", type: "bind", source: ($bundle + "/./rootfs/leads-out"), options: ["bind", "ro"]}] |
		.process.args = ["sh", "-c", "echo both >/src/x; cat /mnt/x /file; echo no >/file"]'
	config "$mounts" --arg bundle "$BUNDLE"
	run runtime run c
	[[ $status -eq 1 && ${lines[0]} == both && ${lines[1]} == inner && ${lines[2]} == *"Read-only file system"* ]]
	[[ $(<rootfs/etc/hostname) == inner && ! -e rootfs/src/x ]]
	run runtime plan
	[[ $output == *"bind /src of the root on /mnt"*"bind /leads-out of the root on /file (ro)"* ]]
	config "$mounts | .linux.namespaces += [{type: \"user\"}] | .linux.uidMappings = [{containerID: 0, hostID: 0, size: 65536}] |
		.linux.gidMappings = .linux.uidMappings" --arg bundle "$BUNDLE"
	run runtime run c
	[[ $status -eq 1 && ${lines[0]} == both && ${lines[1]} == inner ]]
	config '.mounts += [{destination: "/mnt", type: "bind", source: "rootfs/nothere", options: ["bind"]}]'
	failure "open /nothere of the root: No such file or directory" run c
	# Beside the root, though its name begins alike.
	mkdir rootfs-too
	echo beside >rootfs-too/file
	config '.mounts += [{destination: "/mnt", type: "bind", source: "rootfs-too", options: ["bind"]}] | .process.args = ["cat", "/mnt/file"]'
	[[ $(runtime run c) == beside ]]
	rm -rf rootfs/leads-out rootfs/etc/hostname rootfs/src rootfs-too
}
