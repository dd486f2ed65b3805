# How many system calls a command costs: where a kernel is emulated or nested each costs a microsecond. Counted with all
# processes, the payload's too, on a host with ten hierarchies of version 1; others have fewer. docs/bench.md has the history.
# shellcheck disable=SC2154 # bats sets stderr
load helpers

setup_file() {
	need_program strace
	need_program jq
	make_image
	husk run --rm --net none busybox true
}

# calls COMMAND...: leaves their number in $count.
calls() {
	strace -f -o "$BATS_TEST_TMPDIR/calls" "$@" </dev/null
	count=$(grep -cE '^[0-9]+ +[a-z_0-9]+\(' "$BATS_TEST_TMPDIR/calls")
	echo "$count calls: $*"
	grep -oE '^[0-9]+ +[a-z_0-9]+\(' "$BATS_TEST_TMPDIR/calls" | awk '{ print $2 }' | sort | uniq -c | sort -rn | head -n 12
}

@test "exec" {
	husk run -d --name c --net none busybox sleep 100
	calls "$HUSK" exec c true
	husk rm -f c
	[[ $count -le 340 ]]
}

@test "run --rm --net none" {
	calls "$HUSK" run --rm --net none busybox true
	[[ $count -le 1140 ]]
}

@test "husk-runtime run" {
	mkdir -p "$BATS_TEST_TMPDIR/bundle/rootfs/bin"
	cp "$(command -v busybox)" "$BATS_TEST_TMPDIR/bundle/rootfs/bin/true"
	cd "$BATS_TEST_TMPDIR/bundle" || return
	"${HUSK%/*}/husk-runtime" spec
	jq '.process.args = ["true"] | .process.terminal = false' config.json >"$BATS_TEST_TMPDIR/config"
	mv "$BATS_TEST_TMPDIR/config" config.json
	calls "${HUSK%/*}/husk-runtime" run counted
	[[ $count -le 860 ]]
}
