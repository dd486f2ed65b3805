# Records that another version of husk has written.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load helpers

setup_file() {
	make_image
	# The bridge and the rules of ports stay from their first use on.
	husk run --rm -p 8080:80 busybox true
}

# The flat records of version 1, out of those of today; the pids limit that nobody asked for was a 0. jq rounds the time.
version1() {
	jq '{version: 1, id: .Husk.Id, name: .Husk.Name, created: .Husk.Created, image: .Image, imageId: .Husk.ImageId,
		layers: .Husk.Layers, entrypoint: .Entrypoint, command: .Cmd, env: .Env, cwd: .WorkingDir, user: .User,
		hostname: .Hostname, labels: (.Labels | to_entries | map(.key + "=" + .value)),
		volumes: (.HostConfig.Binds | map(if startswith("/") then . else capture("^(?<n>[^:]*):(?<r>.*)") |
			$root + "/volumes/" + .n + "/_data:" + .r end)),
		tmpfs: (.HostConfig.Tmpfs | to_entries | map(.key + ":" + .value)), network: .HostConfig.NetworkMode,
		ports: .Husk.Publish, capAdd: .HostConfig.CapAdd, capDrop: .HostConfig.CapDrop,
		ulimits: (.HostConfig.Ulimits | map("\(.Name)=\(.Soft):\(.Hard)")), memory: .HostConfig.Memory, nanoCpus: 0,
		pidsLimit: 0, stopSignal: .StopSignal, stopTimeoutMs: (.StopTimeout * 1000), tty: .Tty, stdin: .OpenStdin,
		autoRemove: .HostConfig.AutoRemove, detached: .Husk.Detached, readOnly: .HostConfig.ReadonlyRootfs} |
		with_entries(select(.value != null and .value != ""))' --arg root "$HUSK_ROOT" "$1" >"$BATS_TEST_TMPDIR/v1"
	cp "$BATS_TEST_TMPDIR/v1" "$1"
}

@test "records of the version before: a container that runs is shown, entered, stopped, started and removed" {
	need_program jq
	mkdir "$BATS_TEST_TMPDIR/bound"
	local id before after
	id=$(husk run -d --name old -l tier=web -e A=1 -v "$BATS_TEST_TMPDIR/bound:/bound:ro" -v named:/data --tmpfs /scratch:size=1m \
		-p 8080:80 --cap-drop NET_RAW --ulimit nofile=64:128 -m 64m --stop-signal INT busybox sh -c 'trap "exit 5" INT; while :; do sleep 0.1; done')
	before=$(husk inspect old | jq 'del(.[].Created)')
	version1 "$HUSK_ROOT/containers/$id/record.json"
	after=$(husk inspect old | jq 'del(.[].Created)')
	diff <(echo "$before") <(echo "$after")
	[[ $(husk ps --format '{{.Names}} {{.Ports}}') == "old 0.0.0.0:8080->80/tcp" ]]
	husk exec old sh -c 'echo kept >/data/file; test -d /scratch'
	husk stop old
	[[ $(field old .State.ExitCode) == 5 ]]
	husk start old
	[[ $(husk exec old cat /data/file) == kept && $(husk exec old sh -c 'ulimit -n') == 64 ]]
	run -1 husk volume rm named
	expect_output "in use"
	husk rm -f old
	husk volume rm named
}

@test "records of the version before: a root that is read-only stays so" {
	need_program jq
	local id
	id=$(husk run -d --name old --read-only --net none busybox sleep 100)
	version1 "$HUSK_ROOT/containers/$id/record.json"
	husk stop -t 0 old
	husk start old
	run -1 husk exec old touch /new
	expect_output "Read-only file system"
	husk rm -f old
}

@test "a record of a version to come is refused by its number, and its container can be removed" {
	need_program jq
	local id
	id=$(husk run -d --name later --net none busybox true)
	jq '.Husk.Version = 3' "$HUSK_ROOT/containers/$id/record.json" >"$BATS_TEST_TMPDIR/v3"
	cp "$BATS_TEST_TMPDIR/v3" "$HUSK_ROOT/containers/$id/record.json"
	run -1 husk inspect later
	expect_output "record.json is of version 3, made by a later husk"
	husk rm later
}
