# What is on disk of a container when power is cut or a name is long.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load helpers

setup_file() {
	make_image
}

teardown() {
	husk ps -aq | xargs -r "$HUSK" rm -f >/dev/null 2>&1
	test_end
}

@test "a summary that was lost is made again from the record: name, listing, start, and what was written" {
	local damage id
	for damage in ': >"$at"' 'truncate -s 100 "$at"' 'head -c 5000 /dev/urandom >"$at"' \
		'dd if=/dev/zero of="$at" bs=1 count=8 conv=notrunc status=none'; do
		id=$(background --name lost -- sh -c 'echo run >>/runs; sleep 100')
		eventually husk exec lost test -s /runs
		husk kill lost
		# shellcheck disable=SC2034 # read by eval
		at=$HUSK_ROOT/containers/$id/summary
		eval "$damage"
		run husk ps -a --format '{{.Names}} {{.State}} {{.Status}} {{.Command}}'
		[[ $status -eq 0 && $output == 'lost exited Exited (unknown) '* ]]
		[[ $(field lost .State.Status) == exited && $(field "${id:0:8}" .Name) == /lost ]]
		run husk start lost
		[[ $status -eq 0 && $output == lost ]]
		eventually husk exec lost sh -c '[ "$(wc -l </runs)" = 2 ]'
		[[ $(husk ps) == *lost* ]]
		husk rm -f lost
		[[ -z $(find "$HUSK_ROOT/containers" "$HUSK_ROOT/names" -mindepth 1) ]]
	done
}

@test "a power cut: after the next boot the containers are there, ended, and can be started" {
	local id
	id=$(background --name survivor -- sh -c 'echo run >>/runs; sleep 100')
	eventually husk exec survivor test -s /runs
	husk kill survivor
	: >"$HUSK_ROOT/containers/$id/summary"
	rm -r "${HUSK_STATE:?}"/*
	[[ $(husk ps -a) == *"Exited (unknown)"*survivor ]]
	husk start survivor
	eventually husk exec survivor sh -c '[ "$(wc -l </runs)" = 2 ]'
	husk rm -f survivor
}

@test "the summary is there before the record is synced" {
	need_program strace
	run strace -f -y -o "$BATS_TEST_TMPDIR/trace" -e trace=renameat,renameat2,fsync,fdatasync "$HUSK" run -d \
		--rootfs "$ROOTFS" --net none --name synced -- true
	[[ $status -eq 0 ]]
	husk rm -f synced
	grep -nE '"summary"|"record.json"|fsync' "$BATS_TEST_TMPDIR/trace"
	# The file has its bytes before its name.
	[[ $(grep -B1 '"record.json"' "$BATS_TEST_TMPDIR/trace" | head -n 1) == *fsync*/.new.* ]]
	# The first of the two that gets its name is the summary, and the directory is synced after the second.
	[[ $(grep ' = 0$' "$BATS_TEST_TMPDIR/trace" | grep -oE '"(summary|record.json)"' | head -n 2 | tr '\n' ' ') == '"summary" "record.json" ' ]]
	[[ $(grep -nE '"record.json"|fsync' "$BATS_TEST_TMPDIR/trace" | tail -n 1) == *fsync* ]]
}

@test "a name of 128 characters: shown whole, found, and free again after" {
	local name
	name=$(printf 'n%.0s' {1..128})
	background --name "$name" -- sleep 100
	[[ $(husk ps --format '{{.Names}}') == "$name" ]]
	[[ $(husk ps) == *" $name" ]]
	run husk rm -f "$name"
	[[ $status -eq 0 && -z $(find "$HUSK_ROOT/names" -mindepth 1) ]]
	container --name "$name" -- true
	[[ -z $(find "$HUSK_ROOT/names" -mindepth 1) ]]
	expect_refusal run --rm --rootfs "$ROOTFS" --net none --name "n$name" -- true
}

@test "a name whose owner is gone is taken over by one alone" {
	need_program strace
	local first
	ln -s "$(printf '0%.0s' {1..64})" "$HUSK_ROOT/names/stale"
	# The first stops between finding out that the owner is gone and the unlink.
	strace -o "$BATS_TEST_TMPDIR/trace" -e trace=unlinkat -e inject=unlinkat:delay_enter=1500000:when=1 -P "names/stale" \
		"$HUSK" run -d --rootfs "$ROOTFS" --net none --name stale -- sleep 100 >"$BATS_TEST_TMPDIR/first" 2>&1 &
	first=$!
	sleep 0.7
	run husk run -d --rootfs "$ROOTFS" --net none --name stale -- sleep 100
	echo "second: $status $output"
	local second=$status one=0
	wait $first || one=$?
	echo "first: $one $(<"$BATS_TEST_TMPDIR/first")"
	cat "$BATS_TEST_TMPDIR/trace"
	[[ $((one == 0)) -ne $((second == 0)) ]]
	[[ $(husk ps -q | wc -l) -eq 1 && $(husk inspect stale | jq length) -eq 1 ]]
	husk rm -f stale
}

# Holds every place of the gate of starts for $1 seconds; says so by the file $2.
hold_gate() {
	python3 - "$HUSK_STATE/lock" "$1" "$2" <<-'END' &
		import fcntl, os, struct, sys, time
		fd = os.open(sys.argv[1], os.O_RDWR)
		places = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 2 * len(os.sched_getaffinity(0)), 0)
		fcntl.fcntl(fd, fcntl.F_OFD_SETLK, places)
		open(sys.argv[3], "w").close()
		time.sleep(float(sys.argv[2]))
	END
	eventually test -e "$2"
}

@test "a look at a process that fails is not its death" {
	local pid id command
	need_program strace
	id=$(background --name alive -v /data -- sleep 100)
	pid=$(field alive .State.Pid)
	blind() {
		blind_for "/proc/$pid/stat" "$@"
	}
	blind ps --format '{{.Names}} {{.State}}'
	[[ $output == "alive running" ]]
	blind inspect --format '{{.State.Status}}' alive
	[[ $output == running ]]
	blind rm alive
	[[ $status -ne 0 ]]
	blind start alive
	blind run -d --name alive --rootfs "$ROOTFS" --net none -- sleep 100
	[[ $status -ne 0 ]]
	blind_for "containers/$id/summary" ps -a
	[[ $status -eq 0 && $output == *"read the summary of container ${id:0:12}: Too many open files"* ]]
	for command in "rm -f" stop kill start "exec -i" "wait"; do
		# shellcheck disable=SC2086 # words
		blind_for "containers/$id/summary" $command alive true
		[[ $status -ne 0 && $output == *"Too many open files"* ]]
	done
	blind_for "containers/$id/summary" run --rm --rootfs "$ROOTFS" --net none -- true
	for _ in 1 2 3; do
		blind ps -a --format '{{.Names}} {{.State}}'
		[[ $output == "alive running" ]]
	done
	[[ $(husk exec alive cat /proc/1/comm) == sleep && $(field alive .State.Pid) == "$pid" && $(field alive .Id) == "$id" ]]
	husk rm -fv alive
}

@test "a name whose owner cannot be looked at is not taken over" {
	local id
	need_program strace
	id=$(background --name box -- true)
	husk wait box
	blind_for "containers/$id" run -d --name box --rootfs "$ROOTFS" --net none -- sleep 100
	[[ $status -eq 125 && $output == *"claim the name box: Too many open files"* ]]
	[[ $(field box .Id) == "$id" && $(husk ps -aq | wc -l) -eq 1 ]]
	echo none >"$HUSK_ROOT/names/odd"
	background --name odd -- true
	husk rm -f box odd
}

# A start that was killed is swept by the next command.
@test "what is to be swept and cannot be read at the moment stays, until it can be" {
	local id file
	need_program strace
	for file in summary record.json; do
		id=$(background --name kept -- sh -c 'echo data >/data')
		husk wait kept
		run strace -f -o /dev/null -e inject=clone3,clone:signal=KILL:when=1 "$HUSK" start kept
		[[ -e $HUSK_STATE/pending/$id ]]
		[[ $file != record.json ]] || : >"$HUSK_ROOT/containers/$id/summary"
		blind_for "containers/$id/$file" ps -a
		[[ -e $HUSK_ROOT/containers/$id/record.json ]]
		run husk ps -a --format '{{.Names}}'
		[[ $output == kept && ! -e $HUSK_STATE/pending/$id ]]
		husk start kept
		husk wait kept
		husk rm kept
	done
	# One that never ran, but was to stay.
	run husk run --name kept --rootfs "$ROOTFS" --net none -- /nosuch
	[[ $status -eq 127 ]]
	run strace -f -o /dev/null -e inject=clone3,clone:signal=KILL:when=1 "$HUSK" start kept
	[[ $(husk ps -a --format '{{.Names}}') == kept ]]
	husk rm kept
	# One whose record will never be readable again has the user's data as well.
	id=$(background --name kept -- true)
	husk wait kept
	run strace -f -o /dev/null -e inject=clone3,clone:signal=KILL:when=1 "$HUSK" start kept
	: >"$HUSK_ROOT/containers/$id/summary"
	echo '{' >"$HUSK_ROOT/containers/$id/record.json"
	husk ps -a
	[[ -e $HUSK_ROOT/containers/$id/record.json && ! -e $HUSK_STATE/pending/$id ]]
	husk rm "$id"
	[[ -z $(find "$HUSK_ROOT/containers" "$HUSK_ROOT/names" -mindepth 1) ]]
}

@test "starts wait for each other's places, not for ever, and only starts" {
	local begin held=$BATS_TEST_TMPDIR/held
	husk run --rm --rootfs "$ROOTFS" --net none -- true
	background --name runs -- sleep 100
	hold_gate 2 "$held"
	begin=$(date +%s%N)
	husk ps
	husk exec runs true
	husk rm -f runs
	(($(date +%s%N) - begin < 1500000000))
	husk run --rm --rootfs "$ROOTFS" --net none -- true
	(($(date +%s%N) - begin > 1500000000))
	wait
	hold_gate 30 "$held.again"
	run --separate-stderr husk run --rm --rootfs "$ROOTFS" --net none -- echo goes
	# shellcheck disable=SC2154 # bats sets stderr
	[[ $status -eq 0 && $output == goes && $stderr == *"other containers have been starting for 10 seconds"* ]]
	kill %%
}
