# husk pull: from a real registry, and from one that has nothing.
# shellcheck disable=SC2154 # bats sets stderr
load helpers

setup_file() {
	need_root
	need_program skopeo
	need_program umoci
	make_registry
	husk run --rm --net none busybox true
	husk save --format oci-archive -o "$BATS_FILE_TMPDIR/busybox" busybox
	skopeo copy -q --insecure-policy --dest-tls-verify=false \
		"oci-archive:$BATS_FILE_TMPDIR/busybox" "docker://$REGISTRY/test/box:1"
	# A layer that takes a moment, and does not end on a block: umoci leaves the padding out.
	(
		cd "$BATS_FILE_TMPDIR" || exit
		head -c 150000001 /dev/urandom >big
		umoci init --layout layout
		umoci new --image layout:big
		umoci insert --image layout:big big /big
		skopeo copy -q --insecure-policy --dest-tls-verify=false \
			oci:layout:big "docker://$REGISTRY/test/big:1"
	) >/dev/null 2>&1
}

teardown_file() {
	end_registry
}

setup() {
	test_begin
	export HUSK_ROOT=$BATS_TEST_TMPDIR/store HUSK_STATE=$BATS_TEST_TMPDIR/state
}

@test "what was pulled runs, and nothing of the download is left" {
	run -0 husk pull "$REGISTRY/test/box:1"
	expect_output "$REGISTRY/test/box:1"
	run -0 husk run --rm --net none "$REGISTRY/test/box:1" echo hello
	expect_output hello
	[[ -z $(find "$HUSK_ROOT/downloads" -type d -mindepth 1) ]]
}

@test "a layer that is there is not asked for again" {
	husk pull "$REGISTRY/test/box:1"
	skopeo copy -q --insecure-policy --src-tls-verify=false --dest-tls-verify=false \
		"docker://$REGISTRY/test/box:1" "docker://$REGISTRY/test/box:2"
	local before after
	before=$(grep -c 'GET /v2/test/box/blobs' "$BATS_FILE_TMPDIR/log")
	husk pull "$REGISTRY/test/box:2"
	after=$(grep -c 'GET /v2/test/box/blobs' "$BATS_FILE_TMPDIR/log")
	# The configuration, which is written down twice: by the registry and by its access log.
	((after - before <= 2))
}

# Has the download begun?
has_some() {
	[[ -n $(find "$HUSK_ROOT/downloads" -size +1M 2>/dev/null) ]]
}

@test "a pull that was killed goes on where it was" {
	husk pull "$REGISTRY/test/big:1" &
	local pid=$! blobs
	eventually has_some
	kill -9 $pid
	wait $pid || true
	husk pull "$REGISTRY/test/big:1"
	blobs=$(find "$HUSK_ROOT"/layers/*/tree -name big)
	cmp "$blobs" "$BATS_FILE_TMPDIR/big"
}

@test "a pull that hangs keeps neither a removal nor another pull waiting" {
	husk run --rm --net none busybox true
	"$HUSK" pull "$REGISTRY/test/big:1" &
	local pid=$!
	eventually has_some
	kill -STOP $pid
	timeout 20 "$HUSK" image prune -f
	timeout 20 "$HUSK" pull "$REGISTRY/test/box:1"
	timeout 20 "$HUSK" rmi busybox
	kill -CONT $pid
	wait $pid
	[[ $(husk images) == *test/big* ]]
}

@test "what the registry does not have is one sentence" {
	run -1 --separate-stderr husk pull "$REGISTRY/test/none:1"
	[[ $stderr == "husk: test/none/manifests/1: the registry $REGISTRY does not have it (404)"* ]]
	run -1 --separate-stderr husk pull 127.0.0.1:1/test/none:1
	[[ $stderr == "husk: "*"Couldn't connect to server" ]]
}

@test "run gets an image that is not here, when it is missing, always or never" {
	local asked
	run -125 --separate-stderr husk run --rm --net none --pull never "$REGISTRY/test/box:1" echo hello
	[[ $stderr == "husk: no such image: $REGISTRY/test/box:1" ]]
	run -125 --separate-stderr husk run --rm --net none --pull sometimes "$REGISTRY/test/box:1" true
	[[ $stderr == "husk: --pull sometimes: it is always, missing or never" ]]
	run -125 husk run --plan "$REGISTRY/test/box:1" true
	run -0 --separate-stderr husk run --rm --net none "$REGISTRY/test/box:1" echo hello
	[[ $output == hello && $stderr == "Unable to find image '$REGISTRY/test/box:1' locally" ]]
	asked=$(grep -c 'GET /v2/test/box/manifests' "$BATS_FILE_TMPDIR/log")
	run -0 --separate-stderr husk run --rm --net none "$REGISTRY/test/box:1" echo hello
	[[ $output == hello && -z $stderr && $(grep -c 'GET /v2/test/box/manifests' "$BATS_FILE_TMPDIR/log") -eq $asked ]]
	run -0 --separate-stderr husk run --rm --net none --pull always "$REGISTRY/test/box:1" echo hello
	[[ $output == hello && $(grep -c 'GET /v2/test/box/manifests' "$BATS_FILE_TMPDIR/log") -gt $asked ]]
	husk run -d --name held --net none "$REGISTRY/test/box:1" sleep 100
	husk rm -f held
}

@test "a name that is nowhere: what the registry says, and what may have been meant" {
	run -125 --separate-stderr husk run --rm --net none "$REGISTRY/test/none:1" true
	[[ $stderr == *"husk: image $REGISTRY/test/none:1 is not here, and cannot be pulled: "*"does not have it (404)"* ]]
	run -125 --separate-stderr husk run --rm --net none busibox true
	[[ $stderr == *"image busibox is not here, and cannot be pulled: "*"Did you mean busybox?" ]]
	[[ -z $(husk ps -aq) ]]
}
