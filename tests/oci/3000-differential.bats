# The bundles of bundles.txt under husk-runtime, crun and runc: a container looks the same from inside. What may differ is in
# `differences`, each with its reason.
load ../cli/helpers
load bundle

setup_file() {
	need_program crun
	need_program runc
	make_bundle
	mkdir -p "$BUNDLE"/rootfs/{target,dir}
	ln -s target "$BUNDLE/rootfs/link"
	install "$BATS_TEST_DIRNAME/facts" "$BUNDLE/rootfs/facts"
	for kind in mnt pid uts ipc net user cgroup time; do
		echo "$kind $(readlink "/proc/self/ns/$kind")"
	done >"$BUNDLE/rootfs/host-namespaces"
	# The older ones know no newer version.
	jq '.ociVersion = "1.0.2" | .process.args = ["/facts", "a", "b c"]' "$BATS_FILE_TMPDIR/base.json" >"$BATS_FILE_TMPDIR/new.json"
	mv "$BATS_FILE_TMPDIR/new.json" "$BATS_FILE_TMPDIR/base.json"
}

setup() {
	test_begin
	cd "$BUNDLE" || return
}

teardown() {
	runtime_clean
	test_end
}

# facts RUNTIME NAME: what the container says, and its exit code. Not with /dev/null as input: crun gives the user of the
# container that file, the machine's.
facts() {
	local runtime=$1 name=$2 code=0
	(whole "$runtime" --root "$RUNTIME_ROOT" run "$name") < <(:) 2>"$BATS_TEST_TMPDIR/errors" || code=$?
	(whole "$runtime" --root "$RUNTIME_ROOT" delete --force "$name") >/dev/null 2>&1 || true
	echo "exit code $code"
}

# differences NAME: leaves out what is not the same on purpose, or cannot be.
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
	user | groups | caps-ambient) patterns+=('^env HOME=') ;;
	# Devices of the host that are bound: no suid and no execution, as in crun; not so in runc 1.1.
	userns) patterns+=('^mount /dev/(full|null|random|tty|urandom|zero) ') ;;
	# In a read-only /dev of the image runc takes its null device for the masks, and nothing is hidden.
	no-dev) patterns+=('^masked ') ;;
	esac
	local joined
	joined=$(printf '|%s' "${patterns[@]}")
	grep -vE "${joined:1}"
}

# compare NAME FILTER
compare() {
	local runtime
	config "$2"
	facts "$RUNTIME" "$1" | differences "$1" >"$BATS_TEST_TMPDIR/ours"
	for runtime in crun runc; do
		facts "$runtime" "$1" | differences "$1" >"$BATS_TEST_TMPDIR/$runtime"
		diff -u --label husk-runtime --label "$runtime" "$BATS_TEST_TMPDIR/ours" "$BATS_TEST_TMPDIR/$runtime" || return 1
	done
	grep -q "^exit code 0$" "$BATS_TEST_TMPDIR/ours" && [[ $(wc -l <"$BATS_TEST_TMPDIR/ours") -gt 50 ]]
}

@test "forty bundles are the same under husk-runtime, crun and runc" {
	local name filter failed=0 count=0
	while IFS='|' read -r name filter; do
		[[ $name != \#* ]] || continue
		count=$((count + 1))
		compare "${name// /}" "$filter" || {
			echo "$name differs: $(<"$BATS_TEST_TMPDIR/errors")"
			failed=1
		}
	done <"$BATS_TEST_DIRNAME/bundles.txt"
	[[ $failed -eq 0 && $count -ge 40 ]]
}
