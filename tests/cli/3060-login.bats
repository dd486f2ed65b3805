# husk login, logout, and pulling with a login: a real registry with TLS and passwords, its own CA, and credential helpers.
# shellcheck disable=SC2154 # bats sets stderr
load helpers

# The password is "secret"; bcrypt is all that the registry takes, and perl has it from the C library.
setup_file() {
	need_root
	need_program skopeo
	need_program docker-registry
	need_program openssl
	cd "$BATS_FILE_TMPDIR" || exit
	REGISTRY=localhost:$((20000 + RANDOM % 10000))
	export REGISTRY
	(
		openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-ca -keyout ca.key -out ca.crt
		openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr
		openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 \
			-extfile <(echo subjectAltName=DNS:localhost) -out server.crt
	) >/dev/null 2>&1
	# shellcheck disable=SC2016 # perl's dollars
	perl -e 'print "alice:", crypt("secret", "\$2b\$05\$abcdefghijklmnopqrstuu"), "\n"' >htpasswd
	cat >config.yml <<-END
		version: 0.1
		storage: {filesystem: {rootdirectory: $PWD/data}}
		http: {addr: $REGISTRY, tls: {certificate: $PWD/server.crt, key: $PWD/server.key}}
		auth: {htpasswd: {realm: test, path: $PWD/htpasswd}}
	END
	docker-registry serve config.yml >log 2>&1 3>&- &
	echo $! >pid
	eventually curl -sf --cacert ca.crt -u alice:secret "https://$REGISTRY/v2/"
	husk run --rm --net none busybox true
	husk save --format oci-archive -o busybox busybox
	skopeo copy -q --insecure-policy --dest-tls-verify=false --dest-creds alice:secret \
		oci-archive:busybox "docker://$REGISTRY/test/box:1"
}

teardown_file() {
	kill "$(<"$BATS_FILE_TMPDIR/pid")"
}

setup() {
	test_begin
	export HUSK_ROOT=$BATS_TEST_TMPDIR/store HUSK_STATE=$BATS_TEST_TMPDIR/state
	export DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker
	trust
}

# As docker and podman have it: a directory of the registry's name.
trust() {
	mkdir -p "/etc/husk/certs.d/$REGISTRY"
	cp "$BATS_FILE_TMPDIR/ca.crt" "/etc/husk/certs.d/$REGISTRY/"
}

teardown() {
	rm -rf /etc/husk/certs.d
	test_end
}

@test "who logged in pulls, and nobody after the logout" {
	run -1 --separate-stderr husk pull "$REGISTRY/test/box:1"
	[[ $stderr == *"$REGISTRY wants a user and a password"* ]]
	run -0 husk login -u alice --password-stdin "$REGISTRY" <<<secret
	expect_output "Login succeeded; kept in $DOCKER_CONFIG/config.json"
	[[ $(stat -c %a "$DOCKER_CONFIG/config.json") == 600 ]]
	husk pull "$REGISTRY/test/box:1"
	run -0 husk run --rm --net none "$REGISTRY/test/box:1" echo hello
	expect_output hello
	run -0 husk logout "$REGISTRY"
	run -1 husk pull "$REGISTRY/test/box:1"
	run -1 --separate-stderr husk logout "$REGISTRY"
	[[ $stderr == "husk: nobody is logged in to $REGISTRY" ]]
}

@test "a wrong password is refused and changes nothing" {
	husk login -u alice --password-stdin "$REGISTRY" <<<secret
	cp "$DOCKER_CONFIG/config.json" "$BATS_TEST_TMPDIR/before"
	run -1 --separate-stderr husk login -u alice --password-stdin "$REGISTRY" <<<wrong
	[[ $stderr == "husk: log in: $REGISTRY does not let this user have in"* || $stderr == *"does not let this user in"* ]]
	cmp "$DOCKER_CONFIG/config.json" "$BATS_TEST_TMPDIR/before"
}

@test "the terminal is asked, and does not show the password" {
	script -qec "husk login $REGISTRY" /dev/null >"$BATS_TEST_TMPDIR/shown" < <(
		sleep 0.5
		echo alice
		sleep 0.5
		echo secret
		sleep 0.5
	)
	cat "$BATS_TEST_TMPDIR/shown"
	grep -q 'Login succeeded' "$BATS_TEST_TMPDIR/shown"
	[[ $(grep -c secret "$BATS_TEST_TMPDIR/shown") == 0 ]]
}

@test "a terminal whose user gives up at the password shows again what is typed" {
	script -qec "husk login -u alice $REGISTRY; stty -a" /dev/null >"$BATS_TEST_TMPDIR/shown" < <(
		sleep 0.5
		printf '\004'
		sleep 0.5
	)
	cat "$BATS_TEST_TMPDIR/shown"
	grep -q 'nothing was typed' "$BATS_TEST_TMPDIR/shown"
	grep -q ' echo ' "$BATS_TEST_TMPDIR/shown"
}

@test "a login is for the registry of that whole name" {
	mkdir "$DOCKER_CONFIG"
	jq -n '{auths: {localhost: {auth: ("alice:secret" | @base64)}}}' >"$DOCKER_CONFIG/config.json"
	run -1 husk pull "$REGISTRY/test/box:1"
	expect_output "wants a user and a password"
}

@test "a certificate of nobody is refused, and taken when it is asked for" {
	rm -r "/etc/husk/certs.d/$REGISTRY"
	run -1 --separate-stderr husk login -u alice --password-stdin "$REGISTRY" <<<secret
	[[ $stderr == *"SSL certificate problem"*"--tls-verify=false takes any certificate"* ]]
	run -0 husk login --tls-verify=false -u alice --password-stdin "$REGISTRY" <<<secret
	husk pull --tls-verify=false "$REGISTRY/test/box:1"
}

# What docker and skopeo write is read, whatever is written around the name; what husk writes is read by skopeo.
@test "logins are shared with docker and skopeo" {
	mkdir "$DOCKER_CONFIG"
	printf '{"auths":{"https://%s/v1/":{"auth":"%s"},"other.example":{"auth":"b3RoZXI6eA=="}},"detachKeys":"ctrl-x","x":[1,{"y":null}]}' \
		"$REGISTRY" "$(printf alice:secret | base64)" >"$DOCKER_CONFIG/config.json"
	husk pull "$REGISTRY/test/box:1"
	husk login -u alice --password-stdin "$REGISTRY" <<<secret
	skopeo inspect --cert-dir "/etc/husk/certs.d/$REGISTRY" --authfile "$DOCKER_CONFIG/config.json" \
		"docker://$REGISTRY/test/box:1" >/dev/null
	husk logout "$REGISTRY"
	run -0 python3 -c 'import json, sys; print(json.load(open(sys.argv[1])))' "$DOCKER_CONFIG/config.json"
	expect_output "{'auths': {'other.example': {'auth': 'b3RoZXI6eA=='}}, 'detachKeys': 'ctrl-x', 'x': [1, {'y': None}]}"
}

# A helper that keeps what it is given in a file.
helper_make() {
	mkdir -p "$BATS_TEST_TMPDIR/bin" "$DOCKER_CONFIG"
	cat >"$BATS_TEST_TMPDIR/bin/docker-credential-test" <<-END
		#!/bin/sh
		echo "\$1" >>$BATS_TEST_TMPDIR/asked
		case \$1 in
		store) cat >$BATS_TEST_TMPDIR/kept ;;
		get) cat $BATS_TEST_TMPDIR/kept 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
		erase) rm $BATS_TEST_TMPDIR/kept ;;
		esac
	END
	chmod 755 "$BATS_TEST_TMPDIR/bin/docker-credential-test"
	export PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

@test "a credential helper keeps the secret, for one registry or for all" {
	local config
	helper_make
	for config in "{\"credHelpers\":{\"$REGISTRY\":\"test\"}}" '{"credsStore":"test"}'; do
		echo "$config" >"$DOCKER_CONFIG/config.json"
		run -0 husk login -u alice --password-stdin "$REGISTRY" <<<secret
		expect_output "Login succeeded; kept in docker-credential-test"
		run -0 cat "$BATS_TEST_TMPDIR/kept"
		expect_output "{\"ServerURL\":\"$REGISTRY\",\"Username\":\"alice\",\"Secret\":\"secret\"}"
		[[ $(grep -c 'auth"' "$DOCKER_CONFIG/config.json") == 0 ]]
		husk pull "$REGISTRY/test/box:1"
		husk rmi "$REGISTRY/test/box:1"
		husk logout "$REGISTRY"
		[[ ! -e $BATS_TEST_TMPDIR/kept ]]
	done
}

@test "what is wrong with logins is one sentence" {
	local words
	run -1 --separate-stderr husk login -u alice "$REGISTRY" </dev/null
	[[ $stderr == "husk: there is no terminal to ask for the password: use -u and --password-stdin" ]]
	run -1 --separate-stderr husk login --password-stdin "$REGISTRY" <<<secret
	[[ $stderr == "husk: --password-stdin needs --username" ]]
	run -1 --separate-stderr husk login -u alice -p x 'not a host'
	[[ $stderr == 'husk: "not a host" is not the name of a registry' ]]
	run -1 --separate-stderr husk login -u a:b -p x "$REGISTRY"
	[[ $stderr == "husk: a user's name is not empty and has no colon" ]]
	run -1 --separate-stderr husk login -u alice --password-stdin "$REGISTRY" </dev/null
	[[ $stderr == "husk: there is no password on standard input" ]]
	mkdir "$DOCKER_CONFIG"
	for words in '{' '[]' '{"auths":[]}' '{"auths":{"'"$REGISTRY"'":{"auth":"%"}}}' '{"credsStore":"../x"}'; do
		echo "$words" >"$DOCKER_CONFIG/config.json"
		run -1 --separate-stderr husk pull "$REGISTRY/test/box:1"
		[[ $stderr == "husk: $DOCKER_CONFIG/config.json"* && $(wc -l <<<"$stderr") == 1 ]]
	done
}
