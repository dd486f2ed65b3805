# husk pull from a registry that lies (tools/lying-registry): each lie is one sentence, and leaves nothing behind.
# shellcheck disable=SC2154 # bats sets stderr
load helpers

setup_file() {
	need_root
	need_program umoci
	need_program python3
	cd "$BATS_FILE_TMPDIR" || exit
	head -c 3000000 /dev/urandom >data
	(
		umoci init --layout layout
		umoci new --image layout:1
		umoci insert --image layout:1 data /data
		umoci config --image layout:1 --config.cmd /data
	) >/dev/null 2>&1
	"$BATS_TEST_DIRNAME/../../tools/lying-registry" layout log port 3>&- &
	echo $! >pid
	eventually test -s port
	REGISTRY=127.0.0.1:$(<port)
	export REGISTRY
}

teardown_file() {
	kill "$(<"$BATS_FILE_TMPDIR/pid")"
}

setup() {
	test_begin
	export HUSK_ROOT=$BATS_TEST_TMPDIR/store HUSK_STATE=$BATS_TEST_TMPDIR/state
}

# Are there, below the store, only its own directories and locks?
expect_empty_store() {
	husk image prune -f
	[[ -z $(husk images -q) ]]
	[[ -z $(find "$HUSK_ROOT"/{layers,images,refs,content/sha256,downloads} -mindepth 1 ! -name making) ]]
}

# What a lie is answered with: a sentence that has these words.
refused() {
	cat <<-'TABLE'
		wrong_digest	the digest of a layer is sha256:*, not sha256:
		damaged	layer 1 of 1:
		wrong_config	sent other bytes than sha256:
		cut	the registry 127.0.0.1:*
		other_range	another part than the one that was asked for
		too_long	it has more than the * bytes that its manifest says
		too_short	it has * bytes, not * as its manifest says
		broken	has failed (500): disk?x1b?31m full
		loop	Maximum (5) redirects followed
		to_file	Protocol "file" not supported
		two_faced	it is something else than it was announced as
		other_type	it is something else than it was announced as
		no_type	it is of the type "text/html", which is no image
		endless	more than 4194304 bytes where a document belongs
		mute	does not say how to log in
		basic	wants a user and a password
		refusing	wants a user and a password
	TABLE
}

@test "each lie is refused in one sentence, and nothing is kept" {
	local lie words
	while IFS=$'\t' read -r lie words; do
		echo "$lie"
		run -1 --separate-stderr husk pull "$REGISTRY/$lie/box:1"
		echo "$stderr"
		# shellcheck disable=SC2053 # a pattern
		[[ $stderr == husk:\ *$words* && $(wc -l <<<"$stderr") -le 2 ]]
		expect_empty_store
	done < <(refused)
}

@test "what is not there is said in the registry's words" {
	run -1 --separate-stderr husk pull "$REGISTRY/own_realm/box:2"
	[[ $stderr == *"does not have it (404): manifest unknown" ]]
}

# $1: lie and repository; the requests for a layer that it takes.
expect_pull() {
	: >"$BATS_FILE_TMPDIR/log"
	husk pull "$REGISTRY/$1:1"
	cmp "$BATS_FILE_TMPDIR/data" "$HUSK_ROOT"/layers/*/tree/data
	husk rmi "$REGISTRY/$1:1"
	expect_empty_store
}

@test "a login goes to the token service of the registry itself, and to no other that it names" {
	export DOCKER_CONFIG=$BATS_TEST_TMPDIR
	jq -n --arg name "$REGISTRY" '{auths: {($name): {auth: ("alice:secret" | @base64)}}}' >"$DOCKER_CONFIG/config.json"
	: >"$BATS_FILE_TMPDIR/log"
	husk pull "$REGISTRY/own_realm/box:1"
	grep 'GET /token.* Basic' "$BATS_FILE_TMPDIR/log"
	: >"$BATS_FILE_TMPDIR/log"
	husk pull "$REGISTRY/foreign_realm/box:1" || true
	grep 'GET /token' "$BATS_FILE_TMPDIR/log"
	run ! grep 'Basic' "$BATS_FILE_TMPDIR/log"
}

@test "a registry with TLS leads nobody to plain HTTP" {
	need_program openssl
	local pid status=0
	cd "$BATS_TEST_TMPDIR"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
		-keyout key -out cert 2>/dev/null
	"$BATS_TEST_DIRNAME/../../tools/lying-registry" "$BATS_FILE_TMPDIR/layout" log port --tls cert key 3>&- &
	pid=$!
	eventually test -s port
	mkdir -p "/etc/husk/certs.d/localhost:$(<port)"
	cp cert "/etc/husk/certs.d/localhost:$(<port)/ca.crt"
	husk pull "localhost:$(<port)/honest/box:1"
	husk rmi "localhost:$(<port)/honest/box:1"
	husk pull "localhost:$(<port)/downgrade/box:1" 2>err || status=$?
	kill "$pid"
	rm -r /etc/husk/certs.d
	cat err
	[[ $status -eq 1 && $(<err) == *'Protocol "http" not supported'* ]]
}

@test "what passes is waited for" {
	local lie
	for lie in honest flaky restarting busy away redirect own_realm; do
		echo "$lie"
		expect_pull $lie/box
	done
}

@test "a layer that broke off is gone on with where it was" {
	expect_pull flaky/other
	cut -d' ' -f3 "$BATS_FILE_TMPDIR/log"
	grep -q ' bytes=[1-9][0-9]*- ' "$BATS_FILE_TMPDIR/log"
}

@test "other bytes after a break are found out, and not kept for the next pull" {
	run -1 --separate-stderr husk pull "$REGISTRY/other_bytes/box:1"
	[[ $stderr == "husk: layer 1 of 1: "* ]]
	husk pull "$REGISTRY/other_bytes/box:1"
	cmp "$BATS_FILE_TMPDIR/data" "$HUSK_ROOT"/layers/*/tree/data
}
