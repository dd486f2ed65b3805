# What the specification demands of config.md, where no other file tests it; conformance.tsv says which demand is tested where.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside, or jq's; bats sets stderr
load ../cli/helpers
load bundle

setup_file() {
	make_bundle
	mkdir -p "$BUNDLE"/rootfs/{mnt,other} "$BUNDLE/beside"
	echo beside >"$BUNDLE/beside/file"
	echo inside >"$BUNDLE/rootfs/mnt/file"
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

@test "ociVersion: 1.x is taken, with what may stand behind it; anything else, and none, is refused" {
	local version
	for version in 1.0.0 1.0.2-dev 1.1.0+build.5 1.3.0 1.99.0; do
		[[ $(told 'echo ran' ".ociVersion = \"$version\"") == ran ]]
	done
	for version in 0.5.0 2.0.0 1 1. 1.0. one ""; do
		refused 'is not a version 1.x' ".ociVersion = \"$version\""
	done
	refused '"ociVersion" is missing' 'del(.ociVersion)'
}

@test "the configuration is the bundle's config.json" {
	config_of echo there
	(cd / && [[ $("$RUNTIME" --root "$RUNTIME_ROOT" run --bundle "$BUNDLE" one) == there ]])
	[[ $(runtime run one) == there ]]
	mv config.json other.json
	failure "config.json: No such file or directory" create one
	rm other.json
	failure "open nothere: No such file or directory" create --bundle nothere one ||
		failure "nothere/config.json: No such file or directory" create --bundle nothere one
}

@test "root: relative to the bundle or absolute, a directory that is there" {
	[[ $(told 'cat /mnt/file') == inside ]]
	[[ $(told 'cat /mnt/file' ".root.path = \"$BUNDLE/rootfs\"") == inside ]]
	refused '"root" is missing' 'del(.root)'
	refused '"path" is missing' 'del(.root.path)'
	refused "nothere: No such file or directory" '.root.path = "nothere"'
	refused "config.json: Not a directory" '.root.path = "config.json"'
}

@test "root.readonly: nothing can be written, and by default it can" {
	[[ $(told 'touch /made 2>/dev/null && echo written || echo not' '.root.readonly = true') == not && ! -e rootfs/made ]]
	[[ $(told 'touch /made 2>/dev/null && echo written || echo not' 'del(.root.readonly)') == written ]]
	rm rootfs/made
}

@test "mounts: in their order, sources relative to the bundle, destinations beneath the root" {
	local bind='{destination: "/mnt", type: "none", source: "beside", options: ["bind"]}'
	local tmpfs='{destination: "/mnt", type: "tmpfs", source: "x"}'
	[[ $(told 'cat /mnt/file' ".mounts += [$bind]") == beside ]]
	[[ $(told 'ls /mnt' ".mounts += [$bind, $tmpfs]") == "" ]]
	[[ $(told 'ls /mnt' ".mounts += [$tmpfs, $bind]") == file ]]
	[[ $(told 'grep -c " /mnt " /proc/mounts' ".mounts += [$tmpfs | .destination = \"mnt\"]") == 1 ]]
	[[ $(told 'cat /mnt/file' ".mounts += [$bind | .type = \"nosuchthing\" | .options = [\"rbind\"]]") == beside ]]
	[[ $(told 'cat /other/file; ls /mnt' ".mounts += [$bind | .destination = \"/other\"]" | xargs) == "beside file" ]]
	refused '"destination" is missing' ".mounts += [$tmpfs | del(.destination)]"
	refused 'needs a "type"' ".mounts += [{destination: \"/mnt\"}]"
}

# remount is in 1900-mounts.bats.
@test "mount options: every word that must be understood is, on a file system and on a bind" {
	local words=(async atime defaults dev diratime exec loud noatime nodev nodiratime noexec noiversion nolazytime norelatime
		nostrictatime nosuid private relatime ro rprivate rshared rslave runbindable rw shared silent slave strictatime suid unbindable)
	local whole=(dirsync lazytime sync) word
	config --args '.process.args = ["sh", "-c", "grep -c t- /proc/mounts"] | .mounts += [$ARGS.positional[] |
		{destination: ("/tmp/t-" + .), type: "tmpfs", source: "x", options: [.]}] | .root.readonly = false' "${words[@]}" "${whole[@]}"
	[[ $(runtime run one) -eq $((${#words[@]} + ${#whole[@]})) ]]
	config --args '.process.args = ["sh", "-c", "grep -c b- /proc/mounts"] | .mounts += [$ARGS.positional[] |
		{destination: ("/tmp/b-" + .), source: "beside", options: ["bind", .]}] | .root.readonly = false' "${words[@]}"
	[[ $(runtime run one) -eq ${#words[@]} ]]
	rm -r rootfs/tmp/[bt]-*
	# What a bind cannot have is not passed over.
	for word in "${whole[@]}"; do
		refused "a bind mount has no option \"$word\"" ".mounts += [{destination: \"/mnt\", source: \"beside\", options: [\"bind\", \"$word\"]}]"
	done
	[[ $(told 'grep " /mnt " /proc/mounts' '.mounts += [{destination: "/mnt", type: "tmpfs", source: "x",
		options: ["sync", "dirsync", "lazytime", "nosuid", "ro"]}]') == *" ro,sync,dirsync,lazytime,nosuid,"* ]]
}

@test "process: args and cwd are needed, cwd is absolute, a size without a terminal is nothing" {
	refused '"args" is missing' 'del(.process.args)'
	refused '"args" is missing' '.process.args = []'
	refused '"cwd" is missing' 'del(.process.cwd)'
	refused '"tmp" is not an absolute path' '.process.cwd = "tmp"'
	refused 'no command specified' 'del(.process)'
	[[ $(told 'tty; pwd' '.process.consoleSize = {height: 5, width: 6} | .process.cwd = "/tmp"' </dev/null) == $'not a tty\n/tmp' ]]
}

@test "process.env is what the program has, and args are found as execvp finds them" {
	config '.process.args = ["env"] | .process.env = ["PATH=/nothere:/bin", "A=1", "B=two words", "C="]'
	run runtime run one
	[[ $status -eq 0 && $output == *$'A=1\nB=two words\nC='* ]]
	config '.process.args = ["/bin/sh", "-c", "echo $0 $1", "zero", "one"]'
	[[ $(runtime run one) == "zero one" ]]
	config '.process.args = ["env"] | .process.env = ["PATH=/nothere"]'
	failure 'executable file not found in $PATH' create one
}

@test "rlimits: soft and hard are what was said; a name of none, and one twice, are refused" {
	[[ $(told 'ulimit -Sn; ulimit -Hn' '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 111, hard: 222}]' | xargs) == "111 222" ]]
	refused '"RLIMIT_FOO" is not a resource limit' '.process.rlimits = [{type: "RLIMIT_FOO", soft: 1, hard: 1}]'
	refused 'RLIMIT_CORE is given twice' '.process.rlimits = [{type: "RLIMIT_CORE", soft: 1, hard: 1}, {type: "RLIMIT_CORE", soft: 1, hard: 1}]'
	refused '"hard" is missing' '.process.rlimits = [{type: "RLIMIT_CORE", soft: 1}]'
}

@test "capabilities: each set as it was said, and what is no capability is refused" {
	local sets='{bounding: ["CAP_CHOWN", "CAP_KILL"], permitted: ["CAP_CHOWN"], effective: ["CAP_CHOWN"], inheritable: ["CAP_KILL"], ambient: []}'
	[[ $(told 'grep ^Cap /proc/self/status | cut -f 2 | xargs' ".process.capabilities = $sets | .process.user.uid = 5") == \
		"0000000000000020 0000000000000000 0000000000000000 0000000000000021 0000000000000000" ]]
	refused 'process.capabilities.bounding[2]: "CAP_FOO" is not a capability' ".process.capabilities = ($sets | .bounding += [\"CAP_FOO\"])"
}

@test "oom_score_adj is what was said, and without a word the caller's" {
	[[ $(told 'cat /proc/self/oom_score_adj' '.process.oomScoreAdj = 321') == 321 ]]
	config '.process.args = ["cat", "/proc/self/oom_score_adj"] | del(.process.oomScoreAdj)'
	run bash -c 'echo 123 >/proc/self/oom_score_adj; exec "$@"' - "$RUNTIME" --root "$RUNTIME_ROOT" run one
	[[ $output == 123 ]]
}

@test "user: ids, groups and umask" {
	[[ $(told 'id -u; id -g; id -G; umask' '.process.user = {uid: 5, gid: 6, additionalGids: [7, 8], umask: 63}' | xargs) == "5 6 6 7 8 0077" ]]
	[[ $(told 'grep NoNewPrivs /proc/self/status' '.process.noNewPrivileges = true') == *1 ]]
	[[ $(told 'hostname; cat /proc/sys/kernel/domainname' '.hostname = "h" | .domainname = "d"' | xargs) == "h d" ]]
}

@test "annotations: any key that is not empty, values that are strings" {
	config '.process.args = ["true"] | .annotations = {"com.example.x": "", "org.opencontainers.nobody.knows": "y"}'
	runtime create one
	runtime state one | jq -e '.annotations == {"com.example.x": "", "org.opencontainers.nobody.knows": "y"}'
	runtime delete one
	refused 'an annotation needs a name' '.annotations = {"": "x"}'
	refused 'annotations.a: expected a string' '.annotations = {a: 1}'
	refused 'annotations: expected an object' '.annotations = ["a"]'
}

@test "a property that nobody knows is ignored, a value that is wrong is not" {
	[[ $(told 'echo ran' '.nobody = {a: [1]} | .process.knows = 2 | .linux.this = "x" | .linux.resources.one = {} |
		.mounts[0].here = null | .root.at = 1 | .linux.namespaces[0].all = true') == ran ]]
	refused 'process.terminal: expected true or false' '.process.terminal = "yes"'
	refused 'is for another platform' '.windows = {}'
	refused 'mounts: expected an array' '.mounts = {}'
	printf '{"ociVersion": "1.0.0",' >config.json
	failure "config.json" create one
}

@test "hooks are called in the order of their list, with args and env as they are" {
	config --arg out "$BATS_TEST_TMPDIR/out" '.process.args = ["true"] | .hooks.createRuntime = [range(5) |
		{path: "/bin/sh", args: ["sh", "-c", ("echo $0 $A $(env | grep -c ^LEAK=) >>" + $out), "hook\(.)"], env: ["A=\(.)", "PATH=/bin:/usr/bin"]}]'
	LEAK=1 runtime run one
	[[ $(<"$BATS_TEST_TMPDIR/out") == $'hook0 0 0\nhook1 1 0\nhook2 2 0\nhook3 3 0\nhook4 4 0' ]]
}
