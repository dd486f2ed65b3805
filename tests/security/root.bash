# What the files here share: a root directory of busybox and probe, and canaries. Begins after  load ../cli/helpers.
# shellcheck shell=bash

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

# make_canary DIR: a tree nobody may touch.
make_canary() {
	mkdir -p "$1/sub"
	echo precious >"$1/file"
	echo precious too >"$1/sub/file"
	ln -s file "$1/link"
	mkfifo "$1/fifo"
	touch "$1/ptmx" "$1/console" "$1/null"
	find "$1" -exec touch -h -d '2001-02-03 04:05:06' {} +
}

# All that can be seen of tree $1 without changing it. The access times of files, too, for reading is no right either;
# those of directories and links move when they are looked at here.
canary_print() {
	local file
	find "$1" \( -type d -o -type l \) -printf '%P %y %m %U:%G %s %n %l %i %T@ %C@\n' -o \
		-printf '%P %y %m %U:%G %s %n %i %T@ %C@ %A@\n' | sort
	find "$1" -type f | sort | while read -r file; do
		dd if="$file" iflag=noatime status=none | sha256sum
	done
}

# canary_same DIR FILE: whether DIR is as it was when FILE was printed.
canary_same() {
	canary_print "$1" >"$BATS_TEST_TMPDIR/canary.now"
	diff "$2" "$BATS_TEST_TMPDIR/canary.now"
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
