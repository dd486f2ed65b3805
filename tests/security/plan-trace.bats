# `husk run --plan` tells the truth: the rows are what init does, in their order.

load ../cli/helpers
load root

setup_file() {
	need_program strace
	make_root
	mkdir "$BATS_FILE_TMPDIR/volume"
}

calls=openat,openat2,fsopen,fsmount,open_tree,mount_setattr,move_mount,mount,umount2,mknodat,symlinkat,sethostname
calls+=,mkdirat,write,fsconfig,clone,clone3,bpf,pivot_root,chroot,unshare,setns,prlimit64,setsid,seccomp,setgroups,setresuid,execve,execveat

# trace OPTION...
trace() {
	husk run --plan --rm --net none --rootfs "$ROOT" -h traced "$@" -- /bin/true >"$BATS_TEST_TMPDIR/plan"
	strace -ff -s 4096 -o "$BATS_TEST_TMPDIR/trace" -e "trace=$calls" -e signal=none \
		"$HUSK" run --rm --net none --rootfs "$ROOT" -h traced "$@" -- /bin/true
}

# compare OPTION...
compare() {
	trace "$@"
	"$BATS_TEST_DIRNAME/plan-trace" "$BATS_TEST_TMPDIR/plan" "$BATS_TEST_TMPDIR/trace"
	# No program of the host is run for any of it: no mount, no modprobe, no tar.
	[[ -z $(grep -h 'execve.* = 0' "$BATS_TEST_TMPDIR"/trace.* | grep -vE '"(husk|/bin/true)|/husk"|husk-(init|monitor)') ]]
	[[ -z $(grep -hE '^(mount|chroot)\(.* = 0' "$BATS_TEST_TMPDIR"/trace.*) ]]
}

@test "the default plan" {
	compare
}

@test "the cgroup namespace is made where the plan says so" {
	trace
	"$BATS_TEST_DIRNAME/plan-trace" "$BATS_TEST_TMPDIR/plan" "$BATS_TEST_TMPDIR/trace" cgroupns
}

@test "a plan with volumes, tmpfs, another user, a working directory and --read-only" {
	compare -v "$BATS_FILE_TMPDIR/volume:/data:ro" -v "$BATS_FILE_TMPDIR/volume:/srv/more" --tmpfs /scratch \
		-u 1000:1000 -w /srv --read-only --ulimit nofile=64:128 --cap-add NET_ADMIN
}

@test "a plan with --privileged" {
	compare --privileged
}

@test "the root of an image is made of the layers that the plan names" {
	husk run --rm --net none busybox true
	husk run --plan --rm --net none -h traced -m 64m --cpus 1 busybox /bin/true >"$BATS_TEST_TMPDIR/plan"
	strace -ff -s 4096 -o "$BATS_TEST_TMPDIR/trace" -e "trace=$calls" -e signal=none \
		"$HUSK" run --rm --net none -h traced -m 64m --cpus 1 busybox /bin/true
	[[ $(grep -c 'open layer' "$BATS_TEST_TMPDIR/plan") -eq 2 ]]
	"$BATS_TEST_DIRNAME/plan-trace" "$BATS_TEST_TMPDIR/plan" "$BATS_TEST_TMPDIR/trace"
	# The comparison can fail: another layer, another limit, a row more.
	for change in 's,open layer .*/tree,&2,' 's/limit memory to .*/limit memory to 1MiB (1048576 bytes)/' '/open layer/d'; do
		sed "$change" "$BATS_TEST_TMPDIR/plan" >"$BATS_TEST_TMPDIR/changed"
		run "$BATS_TEST_DIRNAME/plan-trace" "$BATS_TEST_TMPDIR/changed" "$BATS_TEST_TMPDIR/trace"
		expect_status 1
	done
}

@test "--plan changes nothing" {
	husk run --plan --rm --net none --rootfs "$ROOT" -v "$BATS_TEST_TMPDIR/missing:/data" -- /bin/true || true
	[[ ! -e $BATS_TEST_TMPDIR/missing ]]
	[[ $(husk ps -aq | wc -l) -eq 1 ]]
}
