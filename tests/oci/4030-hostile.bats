# Found by looking at the runtime as somebody would who wants out: user namespaces, hooks, races, state.
# shellcheck disable=SC2016 # $ in single quotes is for jq and for the shell inside
# shellcheck disable=SC2154 # bats sets stderr, and hostile.bash evil and pid
load ../cli/helpers
load bundle
load hostile

setup_file() {
	make_hostile_bundle
	refuse_tool
}

setup() {
	hostile_begin
}

teardown() {
	hostile_end
}

# The image has another program where the hook is on the host.
@test "a createContainer hook is the host's program, with --no-pivot as well" {
	hook=$BATS_TEST_TMPDIR/hook
	printf '#!/bin/sh\necho of the host >%s/ran\n' "$BATS_TEST_TMPDIR" >"$hook"
	mkdir -p "$evil$BATS_TEST_TMPDIR" "$evil/bin"
	printf '#!/bin/sh\necho of the image >/ran\n' >"$evil$hook"
	chmod 755 "$hook" "$evil$hook"
	for option in "" --no-pivot; do
		rm -f "$BATS_TEST_TMPDIR/ran"
		config --arg hook "$hook" '.hooks.createContainer = [{path: $hook}] | .process.args = ["ls", "/"] |
			.process.capabilities = {}'
		run_one $option
		[[ ! -e $evil/ran ]] || { echo "with \"$option\" the image ran: $(<"$evil/ran")"; return 1; }
		echo "$stderr"
		[[ $(<"$BATS_TEST_TMPDIR/ran") == "of the host" && $status -eq 0 && $output == *proc* ]]
	done
	expect_untouched
}

@test "a namespace that is a FIFO, a device or a file is refused at once" {
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	touch "$BATS_TEST_TMPDIR/file"
	for kind in network ipc uts pid cgroup user; do
		for path in "$BATS_TEST_TMPDIR/fifo" "$BATS_TEST_TMPDIR/file" /dev/null /proc/self/ns/mnt; do
			config --arg kind "$kind" --arg path "$path" 'del(.hostname) |
				.linux.namespaces |= (map(select(.type != $kind)) + [{type: $kind, path: $path}])'
			run_one
			refused "$path"
		done
	done
	expect_untouched
}

# The file is one when it is looked at, and something else when it is opened.
@test "tmpcopyup opens what it has looked at, and nothing that was put in its place" {
	mkdir "$evil/full"
	config '.mounts += [{destination: "/full", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"]}] | .process.args = ["ls", "/full"]'
	for kind in p "c 1 5" link; do
		rm -f "$evil/full/victim"
		echo image >"$evil/full/victim"
		timeout --kill-after 5 10 "$REFUSE" --log "$BATS_TEST_TMPDIR/held" openat~victim:LATER -- "$RUNTIME" --root "$RUNTIME_ROOT" run c </dev/null >out 2>err &
		command=$!
		eventually grep -q LATER "$BATS_TEST_TMPDIR/held" || {
			cat out err
			return 1
		}
		rm "$evil/full/victim" "$BATS_TEST_TMPDIR/held"
		case $kind in
		link) ln -s "$CANARY/file" "$evil/full/victim" ;;
		*) mknod "$evil/full/victim" $kind ;;
		esac
		status=0
		wait "$command" || status=$?
		[[ $status -eq 1 && $(wc -l <err) -eq 1 && $(<err) == *victim* ]] || {
			echo "$kind: status $status"
			cat out err
			return 1
		}
	done
	expect_untouched
}

# watched_pod JQ-FILTER NAMESPACE...: a container whose root may trace looks at all that happens in the pid namespace, while 20
# others begin that share the namespaces with it. $BATS_TEST_TMPDIR/seen is what it saw.
watched_pod() {
	local filter=$1 kinds
	shift
	kinds=$(jq -nc '$ARGS.positional' --args "$@")
	filter+=' | (.process.capabilities[] |= . + ["CAP_SYS_PTRACE"]) |
		.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["kexec_load"], action: "SCMP_ACT_ERRNO"}]}'
	config "$filter"' | .process.args = ["sh", "-c", "probe peek; sleep 1000"]'
	runtime create --pid-file "$BATS_TEST_TMPDIR/first.pid" first </dev/null > >(cat >"$BATS_TEST_TMPDIR/seen") 2>&1
	runtime start first
	config --arg pid "$(<"$BATS_TEST_TMPDIR/first.pid")" --argjson kinds "$kinds" "$filter"' | .process.args = ["true"] |
		.linux.namespaces |= map(.type as $type | if any($kinds[]; . == $type) then .path = "/proc/\($pid)/ns/\($type)" else . end)'
	for _ in {1..20}; do
		"$RUNTIME" --root "$RUNTIME_ROOT" run c </dev/null 2>&1 | cat
	done
	touch "$evil/stop"
	until_written ^watched "$BATS_TEST_TMPDIR/seen" "$RUNTIME" --root "$RUNTIME_ROOT" run c </dev/null
	sort "$BATS_TEST_TMPDIR/seen" | uniq -c | head -40
}

# A pod whose containers share the user and the pid namespace: the second one's init is seen by the first, and is nothing
# that it may look into.
@test "init is closed to who may trace in the user namespace that it joins" {
	chown -R 100000:100000 "$evil"
	watched_pod '([{containerID: 0, hostID: 100000, size: 65536}]) as $map | .linux.uidMappings = $map |
		.linux.gidMappings = $map | .linux.namespaces += [{type: "user"}]' user pid
	! grep -E '^saw [^ ]*/(cwd|root|exe|fd)' "$BATS_TEST_TMPDIR/seen"
}

@test "a state directory of somebody else, or that others may write, is refused" {
	theirs=$BATS_TEST_TMPDIR/theirs
	mkdir -m 700 "$theirs"
	"$RUNTIME" --root "$theirs" list
	chown 1234 "$theirs"
	run --separate-stderr "$RUNTIME" --root "$theirs" list
	refused "$theirs"
	chown 0 "$theirs"
	chmod 777 "$theirs"
	run --separate-stderr "$RUNTIME" --root "$theirs" list
	refused "$theirs"
	chmod 1777 "$theirs"
	run --separate-stderr "$RUNTIME" --root "$theirs" list
	refused "$theirs"
	chmod 711 "$theirs"
	"$RUNTIME" --root "$theirs" list
}

# Whoever comes late finds the directory of a container that is gone, and by its name another one.
@test "a delete that waits for another one leaves a new container of the same id alone" {
	config_of sleep 1000
	for call in openat~lock flock; do
		begin c
		rm -f held
		"$REFUSE" --log held "$call:LATER" -- "$RUNTIME" --root "$RUNTIME_ROOT" delete --force c </dev/null >out 2>err &
		late=$!
		eventually grep -q LATER held
		runtime delete --force c
		begin c
		wait "$late"
		status_is c running
		runtime delete --force c
	done
}
