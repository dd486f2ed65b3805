# What is done to a mount is done to what is mounted below it, or is not, as each option says: every test has a mount in the mount.
# shellcheck disable=SC2016 # $ in single quotes is for jq and for the shell inside
load ../cli/helpers
load bundle

setup_file() {
	make_bundle
}

# $tree and, mounted in it, $tree/below, both shared with the host.
setup() {
	test_begin
	cd "$BUNDLE" || return
	tree=$BATS_TEST_TMPDIR/tree
	mkdir "$tree"
	mount -t tmpfs outer "$tree"
	mkdir "$tree/below"
	mount -t tmpfs inner "$tree/below"
	mkdir "$tree/below/dir"
	mount --make-rshared "$tree"
}

teardown() {
	runtime_clean
	umount --recursive "$tree" 2>/dev/null || true
	umount --recursive rootfs 2>/dev/null || true
	test_end
}

# config_bind OPTIONS-AS-JSON JQ-FILTER: the tree on /mnt.
config_bind() {
	config --arg source "$tree" --argjson options "$1" \
		'.mounts += [{destination: "/mnt", type: "bind", source: $source, options: $options}] | '"$2"
}

# propagation_of PATH: of the mount there, as $output shows it.
propagation_of() {
	awk -v at="$1" '$5 == at { for (i = 7; $i != "-"; i++) printf "%s ", $i }' <<<"$output" | sed 's/:[0-9]*//g; s/ $//'
}

@test "the propagation of a recursive bind holds for the mount below" {
	local row word wanted
	for row in rbind= rprivate= private= rslave=master slave=master rshared=shared shared=shared; do
		word=${row%=*} wanted=${row#*=}
		config_bind "[\"rbind\", \"$word\"]" '.process.args = ["cat", "/proc/self/mountinfo"]'
		run runtime run one
		echo "$word: $(propagation_of /mnt), $(propagation_of /mnt/below)"
		[[ $status -eq 0 && $(propagation_of /mnt) == "$wanted" && $(propagation_of /mnt/below) == "$wanted" ]]
	done
}

@test "a mount that a container makes below a bind is not the host's, unless it is shared" {
	local word
	for word in rprivate rslave rshared; do
		config_bind "[\"rbind\", \"$word\"]" '(.process.capabilities[] |= . + ["CAP_SYS_ADMIN"]) |
			.process.args = ["mount", "-t", "tmpfs", "from-inside", "/mnt/below/dir"]'
		runtime run one
		[[ $(grep -c from-inside /proc/self/mountinfo) -eq $([[ $word != rshared ]]; echo $?) ]]
	done
}

@test "a path that is read-only is so with what is mounted below it, be it the root of a mount or not" {
	mkdir -p rootfs/mnt
	config_bind '["rbind", "rw"]' '.root.readonly = false | .linux.readonlyPaths = ["/mnt"] |
		.process.args = ["sh", "-c", "touch /mnt/x /mnt/below/x; true"]'
	run runtime run one
	[[ $(grep -c "Read-only file system" <<<"$output") -eq 2 && ! -e $tree/x && ! -e $tree/below/x ]]
	config --arg source "$tree" '.root.readonly = false | .linux.readonlyPaths = ["/etc"] |
		.mounts += [{destination: "/etc/tree", type: "bind", source: $source, options: ["rbind", "rw"]}] |
		.process.args = ["sh", "-c", "touch /etc/x /etc/tree/x /etc/tree/below/x; true"]'
	run runtime run one
	[[ $(grep -c "Read-only file system" <<<"$output") -eq 3 && ! -e $tree/x && ! -e $tree/below/x ]]
	rmdir rootfs/etc/tree
}

@test "a path that is masked hides what is mounted below it" {
	config_bind '["rbind"]' '.linux.maskedPaths = ["/mnt"] | .process.args = ["sh", "-c", "ls -A /mnt; ls /mnt/below"]'
	run runtime run one
	[[ $output == "ls: /mnt/below: No such file or directory" ]]
}

@test "options of a whole tree, and of its root alone" {
	local row
	for row in ro=rw rro=ro; do
		config_bind "[\"rbind\", \"${row%=*}\"]" '.process.args = ["sh", "-c", "touch /mnt/x; touch /mnt/below/x && echo below"]'
		run runtime run one
		[[ $output == *"/mnt/x: Read-only"* && ! -e $tree/x ]]
		[[ -e $tree/below/x && $output == *below || ${row#*=} == ro && $output == *"/mnt/below/x: Read-only"* ]]
		rm -f "$tree/below/x"
	done
	config_bind '["bind", "rro"]' '.process.args = ["touch", "/mnt/x"]'
	run runtime run one
	[[ $output == *"/mnt/x: Read-only"* && ! -e $tree/x ]]
}

@test "a bind that is not recursive has nothing of what is mounted below" {
	config_bind '["bind"]' '.process.args = ["sh", "-c", "ls /mnt /mnt/below"]'
	run runtime run one
	[[ $status -eq 0 && $output != *dir* ]]
}

# Two mounts over the root file system itself.
@test "what is mounted below the root is in the container; the propagation of the root holds for it" {
	local row wanted
	mount --bind rootfs rootfs
	mkdir -p rootfs/mnt
	mount --rbind "$tree" rootfs/mnt
	mount --make-rshared rootfs
	for row in = private= rprivate= slave=master rslave=master shared=shared rshared=shared; do
		wanted=${row#*=}
		config --arg kind "${row%=*}" '.linux.rootfsPropagation = $kind | .process.args = ["cat", "/proc/self/mountinfo"]'
		run runtime run one
		echo "$row: $(propagation_of /), $(propagation_of /mnt), $(propagation_of /mnt/below)"
		[[ $status -eq 0 && $(propagation_of /) == "$wanted" && $output == *" /mnt/below "* ]]
		# Only what is shared has a word for the root alone.
		[[ $row != shared* ]] || wanted=
		[[ $(propagation_of /mnt) == "$wanted" && $(propagation_of /mnt/below) == "$wanted" ]]
	done
}
