# A container that swaps a directory of a shared volume with a link to the host, while others mount below it.

load ../cli/helpers
load root

setup_file() {
	make_root
	"${CC:-cc}" -O1 -static -D_GNU_SOURCE -o "$ROOT/bin/racer" "$BATS_TEST_DIRNAME/racer.c"
}

setup() {
	test_begin
	canary=$HUSK_TEST_DIR/canary
	shared=$HUSK_TEST_DIR/shared
	mkdir "$shared" "$shared/sub" "$HUSK_TEST_DIR/payload"
	make_canary "$canary"
	canary_print "$canary" >"$BATS_TEST_TMPDIR/canary.before"
	cp /proc/self/mountinfo "$BATS_TEST_TMPDIR/mountinfo.before"
}

teardown_race() {
	rm -rf "$canary" "$shared" "$HUSK_TEST_DIR/payload"
}

# race COUNT DESTINATION LINK: starts COUNT containers with a mount at DESTINATION of the shared volume.
race() {
	local number=0 started=0 refused=0 status
	husk run -d --name racer --net none --rootfs "$ROOT" -v "$shared:/vol" -- \
		/bin/racer /vol/sub "$3" 60 >/dev/null
	while [[ ! -L $shared/sub/other && ! -L $shared/sub/target ]]; do
		sleep 0.01
	done
	for ((number = 0; number < $1; number++)); do
		status=0
		in_root -v "$shared:/vol" -v "$HUSK_TEST_DIR/payload:$2" -- /bin/true 2>"$BATS_TEST_TMPDIR/said" || status=$?
		case $status in
		0) started=$((started + 1)) ;;
		125) refused=$((refused + 1)) ;;
		*)
			echo "status $status: $(cat "$BATS_TEST_TMPDIR/said")"
			return 1
			;;
		esac
	done
	touch "$shared/sub/stop"
	husk wait racer >/dev/null
	husk logs racer >"$BATS_TEST_TMPDIR/raced"
	husk rm racer >/dev/null
	echo "# $started started, $refused refused; $(cat "$BATS_TEST_TMPDIR/raced")"
	grep -q ^raced "$BATS_TEST_TMPDIR/raced"
	canary_same "$canary" "$BATS_TEST_TMPDIR/canary.before"
	diff "$BATS_TEST_TMPDIR/mountinfo.before" /proc/self/mountinfo
	[[ -z $(ls -A "$HUSK_TEST_DIR/payload") ]]
	teardown_race
}

@test "100 mounts on a directory that is swapped with an absolute link" {
	race 100 /vol/sub/target "$HUSK_TEST_DIR/canary"
}

@test "60 mounts on a directory to be made below one that is swapped with a relative link" {
	race 60 /vol/sub/target/new/deep "../../../../../../../../../..$HUSK_TEST_DIR/canary"
}
