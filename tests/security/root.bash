# What the files here share: a root directory of busybox and probe, and canaries. Begins after  load ../cli/helpers.
# shellcheck shell=bash
load canary

# To be called from setup_file: builds probe and $ROOT, the root directory the containers of the file run from.
make_root() {
	local applet
	need_root
	need_program busybox
	export ROOT=$BATS_FILE_TMPDIR/root PROBE=$BATS_FILE_TMPDIR/probe
	"${CC:-cc}" -O1 -static -D_GNU_SOURCE -o "$PROBE" "$BATS_TEST_DIRNAME/probe.c"
	mkdir -p "$ROOT"/{bin,etc,root,var,usr}
	mkdir -m 1777 "$ROOT/tmp"
	cp "$(command -v busybox)" "$ROOT/bin/busybox"
	cp "$PROBE" "$ROOT/bin/probe"
	for applet in $(busybox --list); do
		[[ $applet == busybox ]] || ln -s busybox "$ROOT/bin/$applet"
	done
	printf 'root:x:0:0:root:/root:/bin/sh\n' >"$ROOT/etc/passwd"
	printf 'root:x:0:\n' >"$ROOT/etc/group"
	chmod 755 "$BATS_FILE_TMPDIR" "$ROOT"
	# While one container runs the groups of the instance stay: they are part of what exists before each test.
	WARM=$(husk run -d --name warm --net none --rootfs "$ROOT" -- /bin/sleep 1000)
	export WARM
}

teardown_file() {
	husk rm -f warm >/dev/null
}

# What a failed test has left must not fail the ones after it.
teardown() {
	local id
	if [[ -z ${BATS_TEST_COMPLETED:-} ]]; then
		for id in $(husk ps -aq --no-trunc); do
			[[ $id == "$WARM" ]] || husk rm -f "$id"
		done
	fi
	test_end
}

# copy_root DIR: a root directory of one's own, to be spoilt.
copy_root() {
	cp -a "$ROOT" "$1"
}

# in_root [OPTION...] -- COMMAND...: one container of $ROOT, gone when it ends.
in_root() {
	husk run --rm --net none --rootfs "$ROOT" "$@"
}

# in_directory DIR [OPTION...] -- COMMAND...: the same from another root directory, for at most ten seconds.
in_directory() {
	local directory=$1
	shift
	timeout --kill-after 5 10 "$HUSK" run --rm --net none --rootfs "$directory" "$@"
}

# Starts container $1 of $ROOT in the background, which sleeps.
start_sleeper() {
	local name=$1
	shift
	husk run -d --name "$name" --net none --rootfs "$ROOT" "$@" -- /bin/sleep 1000 >/dev/null
}

# A refusal: exit status 125 and one sentence on standard error that husk wrote.
expect_refusal() {
	expect_status 125
	# shellcheck disable=SC2154 # bats sets both
	[[ ${#lines[@]} -eq 1 && $output == "husk: "* ]] || {
		echo "not one sentence:"
		echo "$output"
		return 1
	}
}
