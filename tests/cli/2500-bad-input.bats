# Wrong input: one sentence, exit 125, nothing made. Damaged state: shown, and removable. Many at once: all succeed.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load helpers

setup_file() {
	make_image
	# The bridge, its rules and the directory of leases come with the first use and stay.
	husk run --rm --rootfs "$ROOTFS" --net bridge -p 9:9 -- true
}

# refused WORD OPTION...: `husk run OPTION... ` is refused, and the sentence has WORD in it.
refused() {
	local word=$1
	shift
	expect_refusal run --rm --rootfs "$ROOTFS" --net none "$@" -- true || return 1
	[[ $stderr == *"$word"* ]] || {
		echo "husk run $*: no \"$word\" in: $stderr"
		return 1
	}
}

@test "wrong options and commands: the nearest right word" {
	refused --memory --memoory 5m
	refused --read-only --readonly
	expect_refusal rnu
	[[ $stderr == *run* ]]
	expect_refusal insepct
	[[ $stderr == *inspect* ]]
	expect_refusal ps --alll
	[[ $stderr == *--all* ]]
	expect_refusal run
	expect_refusal exec box
	expect_refusal rm
	expect_refusal --nosuch ps
}

@test "an option without its value" {
	expect_refusal run --name
	[[ $stderr == *--name* ]]
	expect_refusal run -m
	expect_refusal logs -n
}

@test "names" {
	for name in ../../x a/b .hidden '' 'a b' -x $'a\nb' 'ü' "$(printf 'a%.0s' {1..300})"; do
		refused name "--name=$name"
	done
	[[ ! -e $HUSK_ROOT/../x && ! -e $HUSK_ROOT/../../x ]]
}

@test "names of containers that do not exist, also as paths" {
	for name in ../../x ../containers . .. / '' 'a*' "$(printf 'f%.0s' {1..5000})"; do
		for command in inspect rm stop logs wait kill start diff; do
			run --separate-stderr husk "$command" "$name"
			[[ $status -ne 0 && $status -lt 126 && $stderr != *$'\n'* && $stderr == *?* ]]
		done
	done
}

@test "images as paths" {
	for name in ../../x ../../../etc /etc/passwd 'a b' '' 'UPPER' 'a:b:c@d' "$(printf 'a%.0s' {1..5000})"; do
		expect_refusal run --rm --net none "$name" true
	done
}

@test "sizes and numbers" {
	for size in x 1x -1 '' 1.2.3 99999999999999999999g 5mm ' '; do
		refused -m "-m=$size" || refused memory "--memory=$size"
	done
	for cpus in x -1 '' 1e9 99999999999999999999 0.5.5; do
		refused --cpus "--cpus=$cpus"
	done
	for number in x '' 1.5 99999999999999999999 -5; do
		refused --pids-limit "--pids-limit=$number"
	done
	for list in x 0- -1 0-x 1,,2 99999999999; do
		refused cpuset "--cpuset-cpus=$list"
	done
}

@test "environment, users, host names, directories" {
	refused environment -e =x
	refused environment -e ''
	refused nosuch --env-file /nosuch
	refused "$BATS_TEST_TMPDIR" --env-file "$BATS_TEST_TMPDIR"
	printf 'export SECRET=hidden\n' >"$BATS_TEST_TMPDIR/env"
	refused 'export SECRET' --env-file "$BATS_TEST_TMPDIR/env"
	[[ $stderr != *hidden* ]]
	printf 'A=b\0C=d\n' >"$BATS_TEST_TMPDIR/env"
	refused 'not a text' --env-file "$BATS_TEST_TMPDIR/env"
	refused nosuch -u nosuch
	refused nosuch -u root:nosuch
	refused 99999999999 -u 99999999999
	refused -1 -u -1
	refused host -h 'a b'
	refused host -h "$(printf 'a%.0s' {1..100})"
	refused relative -w relative
}

@test "volumes and tmpfs" {
	refused nosuch -v /nosuch/dir:/data
	refused relative -v "$BATS_TEST_TMPDIR:relative"
	refused "x/y" -v "x/y:/data"
	refused .. -v "..:/data"
	refused wrong -v "$BATS_TEST_TMPDIR:/data:wrong"
	refused ':' -v ':'
	refused '::' -v '::'
	refused a:b:c:d -v a:b:c:d
	for root in / // /. /x/.. /../; do
		refused "$root" -v "$BATS_TEST_TMPDIR:$root"
		refused "$root" --tmpfs "$root:size=1m"
	done
	refused relative --tmpfs relative
	refused wrong --tmpfs /tmp:wrong=1
}

@test "signals, limits, capabilities, security" {
	refused NOSUCH --stop-signal NOSUCH
	refused 99 --stop-signal 99
	refused nosuch --ulimit nosuch=1
	refused nofile --ulimit nofile
	refused nofile --ulimit nofile=x
	refused nofile --ulimit nofile=10:5
	refused NOSUCH --cap-add NOSUCH
	refused NOSUCH --cap-drop NOSUCH
	refused nosuch --security-opt nosuch
	refused nosuch --security-opt seccomp=/nosuch
}

@test "a capability nearly right" {
	refused NET_ADMIN --cap-add NET_ADMNI
	refused nofile --ulimit nofiles=5
}

@test "labels without a name" {
	refused 'invalid label "=x": the name is empty' --label =x
	refused 'invalid label "": the name is empty' --label ''
}

@test "a network without a name" {
	refused 'network "" not found' --network ''
}

@test "an invented name that another command was faster to take is invented again; a chosen one is refused" {
	need_program strace
	# The first claim, and the second look at who holds the name.
	local taken=(strace -f -o "$BATS_TEST_TMPDIR/claims" -e trace=symlinkat -e inject=symlinkat:error=EEXIST:when=1..2)
	run --separate-stderr "${taken[@]}" "$HUSK" run --rm --rootfs "$ROOTFS" --net none -- true
	cat "$BATS_TEST_TMPDIR/claims"
	[[ $status -eq 0 && $stderr == "" ]]
	[[ $(grep -c 'names/.*INJECTED' "$BATS_TEST_TMPDIR/claims") == 2 ]]
	run --separate-stderr "${taken[@]}" "$HUSK" run --rm --name chosen --rootfs "$ROOTFS" --net none -- true
	[[ $status -eq 125 && $stderr == *'"chosen" is already in use'* ]]
}

@test "what a run refuses for its words or for a network that is not there, its plan refuses" {
	expect_refusal run --plan --rootfs "$ROOTFS" -p abc -- true
	[[ $stderr == *HOSTPORT* ]]
	expect_refusal run --plan --rootfs "$ROOTFS" --net none -p 80:80 -- true
	[[ $stderr == *"--network none"* ]]
	expect_refusal run --plan --rootfs "$ROOTFS" --net nosuch -- true
	[[ $stderr == *nosuch* ]]
}

@test "two mounts on one place" {
	refused 'two mounts on /d' -v /tmp:/d -v /etc:/d
	refused 'two mounts on /d' -v /tmp:/d --tmpfs /x/../d/
	refused 'two mounts on /d' --tmpfs /d --tmpfs /d:size=1m
	husk run --rm --rootfs "$ROOTFS" --net none -v /tmp:/d --tmpfs /d/sub --tmpfs /dd -- true
}

@test "a subnet that is another network's, and one without room: named" {
	husk network create --subnet 198.51.100.0/24 theirs
	expect_failure network create --subnet 198.51.100.128/25 mine
	[[ $stderr == *'198.51.100.128/25 overlaps 198.51.100.0/24 of network theirs'* ]]
	expect_failure network create --subnet 198.51.101.0/31 mine
	[[ $stderr == *'198.51.101.0/31'*'/30'* ]]
	husk network rm theirs
}

@test "a port out of range is told the range" {
	expect_refusal run --rm --rootfs "$ROOTFS" -p 99999:80 -- true
	[[ $stderr == *'from 1 to 65535'* ]]
}

@test "networks and ports" {
	expect_refusal run --rm --rootfs "$ROOTFS" --net nosuch -- true
	[[ $stderr == *nosuch* ]]
	expect_refusal run --rm --rootfs "$ROOTFS" --net container:nosuch -- true
	[[ $stderr == *nosuch* ]]
	expect_refusal run --rm --rootfs "$ROOTFS" --net ../../x -- true
	for port in x 80:x 80:70000 0:80x -1:80 1.2.3:80:80 1.2.3.4.5:80:80 80:80/nosuch 80-90:80 90-80:90-80 80:80:80:80 '' : ::; do
		expect_refusal run --rm --rootfs "$ROOTFS" --net bridge -p "$port" -- true
		[[ $stderr == *"$port"* ]]
	done
}

@test "root directories" {
	expect_refusal run --rm --net none --rootfs /nosuch -- true
	[[ $stderr == */nosuch* ]]
	expect_refusal run --rm --net none --rootfs /etc/passwd -- true
	expect_refusal run --rm --net none --rootfs "$ROOTFS"
	expect_refusal run --rm --net none --rootfs '' -- true
}

@test "signals and times of other commands" {
	background --name box -- sleep 100
	expect_failure kill -s NOSUCH box
	[[ $stderr == *NOSUCH* ]]
	expect_refusal stop -t x box
	expect_refusal stop -t -1 box
	expect_failure logs -n x box
	expect_failure exec -u nosuch box true
	expect_failure exec -e =x box true
	[[ $(field box .State.Running) == true ]]
	husk rm -f box
}

is_collected() {
	! pgrep -f 'husk-monitor|husk _ended' >/dev/null
}

@test "damaged records are shown, and rm -f removes them" {
	local damage file id
	# shellcheck disable=SC2034 # read by eval
	for file in record.json summary; do
		for damage in ': >"$at"' 'truncate -s 20 "$at"' 'dd if=/dev/zero of="$at" bs=1 count=200 conv=notrunc status=none' \
			'head -c 5000 /dev/urandom >"$at"' 'echo "{}" >"$at"' 'rm "$at"' 'rm "$at"; mkdir "$at"' \
			'printf "%0100000d" 0 >"$at"' 'yes "[" | head -c 300000 >"$at"'; do
			id=$(background --name damaged -- true)
			husk wait "$id" >/dev/null
			eventually is_collected # its monitor still writes the summary
			at=$HUSK_ROOT/containers/$id/$file
			[[ -e $at ]]
			eval "$damage"
			run timeout -k 1 10 "$HUSK" ps -a
			[[ $status -eq 0 && $output == *"${id:0:12}"* ]] || {
				echo "$file, $damage: not in ps ($status): $output"
				return 1
			}
			run timeout -k 1 10 "$HUSK" inspect "$id"
			[[ $status -lt 126 ]]
			run timeout -k 1 10 "$HUSK" start "$id"
			[[ $status -lt 126 ]]
			run timeout -k 1 10 "$HUSK" rm -f "$id"
			[[ $status -eq 0 && -z $(find "$HUSK_ROOT/containers" "$HUSK_ROOT/names" -mindepth 1) ]] || {
				echo "$file, $damage: not removed ($status): $output"
				return 1
			}
		done
	done
}

@test "the record of a running container is damaged: rm -f ends it" {
	id=$(background --name damaged -- sleep 1000)
	pid=$(pid_of damaged)
	head -c 3000 /dev/urandom >"$HUSK_ROOT/containers/$id/record.json"
	head -c 300 /dev/urandom >"$HUSK_ROOT/containers/$id/summary"
	run timeout -k 1 10 "$HUSK" ps -a
	expect_output "${id:0:12}"
	timeout -k 1 20 "$HUSK" rm -f "$id"
	eventually is_gone "$pid"
}

@test "strange files among the containers are left alone" {
	mkdir "$HUSK_ROOT/containers/not-an-id"
	touch "$HUSK_ROOT/containers/file" "$HUSK_ROOT/names/.x" "$HUSK_ROOT/containers/$(printf 'a%.0s' {1..64})"
	run husk ps -a
	[[ $status -eq 0 && ${#lines[@]} -eq 1 ]]
	container -- true
	[[ -d $HUSK_ROOT/containers/not-an-id && -e $HUSK_ROOT/containers/file ]]
	background --name one -- true
	[[ $(husk ps -a --format '{{.Names}}') == one ]]
	husk rm -f one
	rm -r "$HUSK_ROOT"/containers/{not-an-id,file,aaaa*} "$HUSK_ROOT/names/.x"
}

@test "two instances side by side do not touch each other" {
	other() {
		HUSK_ROOT=$BATS_TEST_TMPDIR/root HUSK_STATE=$BATS_TEST_TMPDIR/state "$HUSK" "$@"
	}
	background --name same -- sleep 100
	mkdir "$BATS_TEST_TMPDIR/root" "$BATS_TEST_TMPDIR/state"
	other run -d --name same --net none --rootfs "$ROOTFS" -- sleep 100
	[[ $(husk ps -q | wc -l) -eq 1 && $(other ps -q | wc -l) -eq 1 && $(husk ps -q) != "$(other ps -q)" ]]
	husk rm -f same
	[[ -z $(husk ps -aq) && $(other inspect same | jq .[0].State.Running) == true ]]
	other exec same true
	other rm -f same
}

@test "removing a damaged container does no harm to the others" {
	background --name healthy -- sleep 100
	for damage in ': >"$at"' 'echo "{}" >"$at"' 'rm "$at"'; do
		for file in record.json summary; do
			id=$(background --name damaged -- true)
			husk wait "$id"
			at=$HUSK_ROOT/containers/$id/$file
			eval "$damage"
			timeout -k 1 10 "$HUSK" rm -f "$id"
			[[ $(field healthy .State.Running) == true ]]
			husk exec healthy true
		done
	done
	husk rm -f healthy
}

@test "32 at once all succeed" {
	for i in {1..32}; do
		container -- sh -c "echo number $i; exit $i" >"$BATS_TEST_TMPDIR/$i" 2>&1 &
		pids[i]=$!
	done
	for i in {1..32}; do
		code=0
		wait "${pids[i]}" || code=$?
		[[ $code -eq $i && $(<"$BATS_TEST_TMPDIR/$i") == "number $i" ]] || {
			echo "$i: exit $code, $(<"$BATS_TEST_TMPDIR/$i")"
			return 1
		}
	done
}

@test "--no-pivot with the right to unmount, and a tmpfs over the root, are refused" {
	expect_refusal run --rm --no-pivot --privileged --rootfs "$ROOTFS" --net none -- true
	[[ $stderr == *--no-pivot*SYS_ADMIN* ]]
	expect_refusal run --rm --no-pivot --cap-add sys_admin --rootfs "$ROOTFS" --net none -- true
	for path in / // /. /.:size=1m; do
		expect_refusal run --rm --tmpfs "$path" --rootfs "$ROOTFS" --net none -- true
		[[ $stderr == *--tmpfs* ]]
	done
}
