# What the files about security share: a bundle with the probe of tests/security in it, and canaries outside of it.
# Begins after  load ../cli/helpers  and  load bundle.
# shellcheck shell=bash
load ../security/canary

# For setup_file. The root may be written; $CANARY is a tree of the host beside it.
make_hostile_bundle() {
	make_bundle
	cc -O1 -static -D_GNU_SOURCE -o "$BUNDLE/rootfs/bin/probe" "$BATS_TEST_DIRNAME/../security/probe.c"
	local base=$BATS_FILE_TMPDIR/base.json
	jq '.root.readonly = false' "$base" >"$base.new"
	mv "$base.new" "$base"
	export PRISTINE=$BATS_FILE_TMPDIR/pristine CANARY=$BATS_FILE_TMPDIR/canary
	cp -a "$BUNDLE/rootfs" "$PRISTINE"
}

# For setup: the root as it was made, a new canary, and what the host has mounted.
hostile_begin() {
	test_begin
	rm -rf "$BUNDLE/rootfs" "$CANARY"
	cp -a "$PRISTINE" "$BUNDLE/rootfs"
	evil=$BUNDLE/rootfs
	make_canary "$CANARY"
	canary_print "$CANARY" >"$BATS_TEST_TMPDIR/canary.before"
	cp /proc/self/mountinfo "$BATS_TEST_TMPDIR/mountinfo.before"
	cd "$BUNDLE" || return
}

hostile_end() {
	runtime_clean
	test_end
}

expect_untouched() {
	canary_same "$CANARY" "$BATS_TEST_TMPDIR/canary.before"
	diff "$BATS_TEST_TMPDIR/mountinfo.before" /proc/self/mountinfo
}

# run_one [OPTION...]: one container, for at most ten seconds, and no longer.
run_one() {
	run --separate-stderr timeout --kill-after 5 10 "$RUNTIME" --root "$RUNTIME_ROOT" run "$@" c </dev/null
}

# refused WORDS: what was run ended with 1 and one sentence with the words in it.
refused() {
	# shellcheck disable=SC2154 # bats sets them
	[[ $status -eq 1 && -z $output && $stderr != *$'\n'* && $stderr == *"$1"* ]] || {
		printf 'status %s, not a refusal with "%s":\n%s\n%s\n' "$status" "$1" "$output" "$stderr"
		return 1
	}
}

# begin ID [OPTION...]: what is configured, created and started; its pid is in $pid.
begin() {
	local id=$1
	shift
	runtime create --pid-file "$BATS_TEST_TMPDIR/$id.pid" "$@" "$id" </dev/null >/dev/null 2>&1
	runtime start "$id"
	# shellcheck disable=SC2034 # for the test
	pid=$(<"$BATS_TEST_TMPDIR/$id.pid")
}

# For setup_file: $REFUSE, which can hold a system call up.
refuse_tool() {
	export REFUSE=$BATS_FILE_TMPDIR/refuse
	cc -D_GNU_SOURCE -O1 -o "$REFUSE" "$BATS_TEST_DIRNAME/../fault/refuse.c"
}

# put KIND PATH: makes a thing of KIND at PATH of the image.
put() {
	local at=$evil$2
	mkdir -p "${at%/*}"
	rm -rf "$at"
	case $1 in
	absolute) ln -s "$CANARY" "$at" ;;
	relative) ln -s "../../../../../../../../../../../..$CANARY" "$at" ;;
	dangling) ln -s "$CANARY/missing/deeper" "$at" ;;
	file) echo file >"$at" ;;
	fifo) mkfifo "$at" ;;
	device) mknod "$at" c 1 3 ;;
	esac
}

# refused_or_inside: one sentence, or a container that ran; and the host is as it was.
refused_or_inside() {
	[[ $status -eq 0 ]] || refused ""
	expect_untouched
}
