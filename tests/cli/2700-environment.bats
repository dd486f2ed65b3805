# Bad environments: each gets one sentence with what can be done about it, exit code 125, and leaves nothing behind.
#
# What a kernel lacks is refused by tests/fault/refuse, with the number that a kernel without it answers; all else is
# real: small file systems, hierarchies that are not mounted, limits, closed descriptors.
# shellcheck disable=SC2154 # bats sets stderr
load helpers

setup_file() {
	need_root
	need_program cc
	cc -D_GNU_SOURCE -O1 -o "$BATS_FILE_TMPDIR/refuse" "$BATS_TEST_DIRNAME/../fault/refuse.c"
	make_image
	# The bridge, its rules and the directory of leases come with the first use and stay.
	husk run --rm --rootfs "$ROOTFS" --net bridge -p 9:9 -- true
}

setup() {
	test_begin
	small=$BATS_TEST_TMPDIR/small
	mkdir "$small"
	plain=(run --rm --rootfs "$ROOTFS" --net none)
	refuse=$BATS_FILE_TMPDIR/refuse
}

teardown() {
	! mountpoint -q "$small" || umount "$small"
	test_end
}

# trouble WORDS COMMAND...: 125 (or $code), nothing on stdout, one line on stderr, and WORDS are in it.
trouble() {
	local words=$1 code=${code:-125}
	shift
	run --separate-stderr "$@"
	[[ $status -eq $code && -z $output && $stderr == "husk"* && $stderr != *$'\n'* && $stderr == *"$words"* ]] || {
		printf '%s: status %s, stdout "%s", not "%s" but:\n%s\n' "$*" "$status" "$output" "$words" "$stderr"
		return 1
	}
}

# small_disk HUSK_ROOT|HUSK_STATE MOUNT-OPTIONS: that one is the small disk from now on, the other is new.
small_disk() {
	mount -t tmpfs -o "mode=0700,$2" small "$small"
	apart=$(mktemp -d "$BATS_TEST_TMPDIR/apart.XXXXXX")
	export HUSK_ROOT=$apart/root HUSK_STATE=$apart/state
	export "$1=$small"
}

end_small_disk() {
	umount "$small"
	export HUSK_ROOT=$HUSK_TEST_DIR/root HUSK_STATE=$HUSK_TEST_DIR/state
}

# Within a mount namespace of its own: what is done there ends with the command.
elsewhere() {
	unshare --mount bash -euc "$1" elsewhere "$HUSK" "${plain[@]}" "${@:2}"
}

@test "a kernel without overlay" {
	trouble "no overlay file system (try: modprobe overlay)" "$refuse" fsopen~overlay:ENODEV -- "$HUSK" "${plain[@]}" -- true
	trouble "older than 5.12" "$refuse" fsopen:ENOSYS -- "$HUSK" "${plain[@]}" -- true
	trouble "older than 5.12" "$refuse" mount_setattr:ENOSYS -- "$HUSK" "${plain[@]}" -- true
	trouble "--privileged" "$refuse" fsopen:EPERM -- "$HUSK" "${plain[@]}" -- true
	trouble "sysctl fs.mount-max" "$refuse" move_mount:ENOSPC -- "$HUSK" "${plain[@]}" -- true
	trouble "sysctl fs.mount-max" "$refuse" open_tree:ENOSPC -- "$HUSK" "${plain[@]}" -- true
	[[ -z $(husk ps -aq) ]]
}

@test "a kernel without bridges, veth pairs or nftables, a machine without nft" {
	local bridged=("$HUSK" run --rm --rootfs "$ROOTFS" -p 8081:80)
	trouble "no veth pairs: the module veth is missing" "$refuse" sendto~veth:EOPNOTSUPP -- "${bridged[@]}" -- true
	trouble "no packet filter sockets: the module nfnetlink" "$refuse" socket~12:EPROTONOSUPPORT -- "${bridged[@]}" -- true
	trouble "no nftables: the module nf_tables" "$refuse" sendto~husk-:EOPNOTSUPP -- "${bridged[@]}" -- true
	# Nobody has made anything in this one yet.
	export HUSK_STATE=$BATS_TEST_TMPDIR/state HUSK_ROOT=$BATS_TEST_TMPDIR/root
	trouble "no bridges: the module bridge is missing" "$refuse" sendto~bridge:EOPNOTSUPP -- "${bridged[@]}" -- true
	trouble "need the nftables package" "$refuse" execve~nft:ENOENT -- "${bridged[@]}" -- true
	# None of it is needed without a network.
	"$refuse" sendto~bridge:EOPNOTSUPP socket~12:EPROTONOSUPPORT -- "$HUSK" "${plain[@]}" -- true
	husk network prune
	export HUSK_ROOT=$HUSK_TEST_DIR/root HUSK_STATE=$HUSK_TEST_DIR/state
}

@test "a kernel without seccomp filters, and limits on namespaces" {
	trouble "--security-opt seccomp=unconfined" "$refuse" seccomp:EINVAL -- "$HUSK" "${plain[@]}" -- true
	"$refuse" --not true seccomp:EINVAL -- "$HUSK" "${plain[@]}" --security-opt seccomp=unconfined -- true
	trouble "user.max_" "$refuse" clone3:ENOSPC -- "$HUSK" "${plain[@]}" -- true
}

@test "a cgroup controller that is missing: only who asks for it is refused" {
	local limit
	declare -A limits=([memory]="--memory 32m" [pids]="--pids-limit 20" [cpu]="--cpus 0.5" [cpuset]="--cpuset-cpus 0")
	need_cgroup1 memory
	for limit in "${!limits[@]}"; do
		at=/sys/fs/cgroup/$limit
		# shellcheck disable=SC2016,SC2086 # $ is for the shell inside; an option and its value are two words
		trouble "no cgroup controller \"$limit\" here; mount it or drop ${limits[$limit]% *}" \
			elsewhere 'while mountpoint -q '"$at"'; do umount '"$at"'; done; exec "$@"' ${limits[$limit]} -- true
		# shellcheck disable=SC2016
		elsewhere 'while mountpoint -q '"$at"'; do umount '"$at"'; done; exec "$@"' -- true
	done
}

@test "info names the cgroup hierarchies that are mounted nowhere" {
	need_cgroup1 blkio
	local reachable=$BATS_TEST_TMPDIR/reachable lost=$BATS_TEST_TMPDIR/lost text=$BATS_TEST_TMPDIR/text
	husk info -f '{{range .Warnings}}{{.}}{{end}}' >"$reachable"
	# shellcheck disable=SC2016 # $ is for the shell inside
	unshare --mount bash -c 'while mountpoint -q "$3"; do umount "$3"; done
		"$1" info -f "{{range .Warnings}}{{.}}{{end}}"; "$1" info >"$2"' info "$HUSK" "$text" /sys/fs/cgroup/blkio >"$lost"
	[[ $(<"$reachable") != *blkio* && $(<"$lost") == *"mounted nowhere here"*blkio* ]]
	grep -x "WARNING: $(<"$lost")" "$text"
}

@test "no cgroups at all, and read-only ones" {
	# shellcheck disable=SC2016
	trouble "no cgroup file system is mounted; mount one" elsewhere 'umount -R /sys/fs/cgroup; exec "$@"' -- true
	# shellcheck disable=SC2016
	trouble "is mounted read-only here" elsewhere '
		for at in $(findmnt -rRno TARGET /sys/fs/cgroup); do mount -o remount,bind,ro "$at" || true; done
		exec "$@"' -- true
	[[ -z $(husk ps -aq) ]]
}

@test "an ordinary user, with and without user namespaces" {
	trouble "needs root to run containers: try again with sudo" as_user "$HUSK" "${plain[@]}" -- true
	code=1 trouble "needs root" as_user "$HUSK" ps
	trouble "needs root, or a user namespace" as_user "$HUSK" ns run --uts -- true
	# In a user namespace the limit can be set for itself alone.
	# shellcheck disable=SC2016
	trouble "user.max_user_namespaces is 0" unshare --user --map-root-user bash -c '
		echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' - "$HUSK" ns run --user -- true
	trouble "root of a user namespace is not enough" as_user unshare --user --map-root-user "$HUSK" "${plain[@]}" -- true
}

@test "a full disk, at every step: bytes" {
	local size what
	for what in HUSK_ROOT HUSK_STATE; do
		for size in 4k 8k; do
			small_disk "$what" "size=$size"
			trouble "The disk of $small is full: make room there" "$HUSK" run --rm --rootfs "$ROOTFS" -p 8081:80 -- true
			[[ -z $(find "$small"/containers "$small"/pending "$small"/names "$small"/leases -mindepth 1 2>/dev/null) ]]
			husk network prune
			end_small_disk
		done
	done
}

@test "a full disk, at every step: inodes" {
	local count what passed
	for what in HUSK_ROOT HUSK_STATE; do
		passed=0
		for count in {1..60}; do
			small_disk "$what" "nr_inodes=$count"
			if "$HUSK" "${plain[@]}" -- true 2>/dev/null; then
				passed=$((passed + 1))
			else
				trouble "The disk of $small has no inodes left: remove files there" "$HUSK" "${plain[@]}" -- true
			fi
			[[ -z $(find "$small" -mindepth 2) ]] || {
				echo "with $what of $count inodes:"
				find "$small" -mindepth 2
				false
			}
			end_small_disk
		done
		[[ $passed -gt 10 && $passed -lt 56 ]]
	done
}

# Fills the small disk to the last byte and the last inode.
fill() {
	head -c 100m /dev/zero >"$small/filler" 2>/dev/null || true
	for ((i = 0; i < 1000; i++)); do
		mkdir "$small/filler.$i" 2>/dev/null || return 0
	done
}

@test "a disk that fills up while containers run: they go on, can be looked at, ended and removed" {
	for what in HUSK_ROOT HUSK_STATE; do
		small_disk "$what" size=2m,nr_inodes=300
		background --name ended -- sh -c 'echo before; exit 3'
		husk wait ended
		background --name goes-on -- sh -c 'while :; do echo tick; sleep 0.05; done'
		eventually logged goes-on tick
		fill
		trouble "The disk of $small" "$HUSK" run --rm --rootfs "$ROOTFS" --net none -- true
		trouble_of_start
		husk exec goes-on true
		[[ $(husk logs ended) == before ]]
		husk logs -n 1 goes-on
		running goes-on
		husk ps -a
		husk stop -t 0 goes-on
		[[ $(field goes-on .State.Status) == exited && $(field ended .State.ExitCode) == 3 ]]
		husk rm ended goes-on
		[[ -z $(husk ps -aq) ]]
		end_small_disk
	done
}

# As `husk start` has no exit code of its own: 1 and one sentence.
trouble_of_start() {
	run --separate-stderr husk start ended
	[[ $status -eq 1 && $stderr == *"The disk of $small"* && $stderr != *$'\n'* ]] || {
		echo "start: $status: $stderr"
		return 1
	}
}

@test "a full log disk: the container goes on, and what was lost is said" {
	small_disk HUSK_ROOT size=1m
	background --name talker -v "$BATS_TEST_TMPDIR:/out" -- sh -c '
		for i in $(seq 1 30000); do echo "line $i is here to fill the disk up"; done
		touch /out/written; while [ ! -e /out/room ]; do sleep 0.05; done; echo the last line'
	eventually test -e "$BATS_TEST_TMPDIR/written"
	running talker
	[[ $(husk logs -n 1 talker) == *"line "* ]]
	mount -o remount,size=4m "$small"
	touch "$BATS_TEST_TMPDIR/room"
	[[ $(husk wait talker) == 0 ]]
	[[ $(husk logs -n 1 talker) == "the last line" ]]
	husk logs talker 2>&1 >/dev/null | grep -Eqx '\[[0-9]+ bytes lost\]'
	husk rm talker
	end_small_disk
}

@test "read-only directories, files in their place, paths too long, hostile variables" {
	mount -t tmpfs -o ro,mode=0700 small "$small"
	trouble "Read-only file system" env HUSK_ROOT="$small" "$HUSK" "${plain[@]}" -- true
	trouble "HUSK_STATE" env HUSK_STATE="$small/deeper" "$HUSK" "${plain[@]}" -- true
	umount "$small"
	: >"$BATS_TEST_TMPDIR/file"
	trouble "Not a directory" env HUSK_STATE="$BATS_TEST_TMPDIR/file" "$HUSK" "${plain[@]}" -- true
	trouble "Not a directory" env HUSK_ROOT="$BATS_TEST_TMPDIR/file/x" "$HUSK" "${plain[@]}" -- true
	trouble "absolute" env HUSK_STATE=relative "$HUSK" "${plain[@]}" -- true
	trouble "absolute" "$HUSK" --root . "${plain[@]}" -- true
	trouble "too long" env HUSK_STATE="$(printf '/%0100d' {1..50})" "$HUSK" "${plain[@]}" -- true
	HUSK_LOG='' LD_PRELOAD='' TERM='' HOME='' PATH='' TMPDIR=/nonexistent LC_ALL=nonsense "$HUSK" "${plain[@]}" -- true
	env -i HUSK_ROOT="$HUSK_ROOT" HUSK_STATE="$HUSK_STATE" "$HUSK" "${plain[@]}" -- true
}

@test "a long state path works, as far as a path may go" {
	local deep
	deep=$BATS_TEST_TMPDIR/$(printf 'a%.0s' {1..100})
	env HUSK_STATE="$deep" HUSK_ROOT="$deep-root" "$HUSK" "${plain[@]}" -- true
	env HUSK_STATE="$deep" HUSK_ROOT="$deep-root" "$HUSK" run -d --name deep --rootfs "$ROOTFS" --net none -- sleep 100
	env HUSK_STATE="$deep" HUSK_ROOT="$deep-root" "$HUSK" rm -f deep
	deep=$BATS_TEST_TMPDIR/$(printf 'a%.0s' {1..200})/$(printf 'a%.0s' {1..200})
	trouble "too long" env HUSK_STATE="$deep" HUSK_ROOT="$BATS_TEST_TMPDIR/root" "$HUSK" run -d --rootfs "$ROOTFS" --net none -- sleep 100
}

@test "a root and a state directory belong together while both have something" {
	local at=$BATS_TEST_TMPDIR id
	local one=(env HUSK_ROOT="$at/root" HUSK_STATE="$at/state" "$HUSK") two=(env HUSK_ROOT="$at/root" HUSK_STATE="$at/state2" "$HUSK")
	local three=(env HUSK_ROOT="$at/root2" HUSK_STATE="$at/state" "$HUSK")
	id=$("${one[@]}" run -d --rootfs "$ROOTFS" --net none -- sleep 100)
	trouble "the root $at/root is in use with the state directory $at/state:" "${two[@]}" "${plain[@]}" -- true
	code=1 trouble "the root $at/root is in use with the state directory $at/state:" "${two[@]}" ps
	trouble "the state directory $at/state is in use with the root $at/root:" "${three[@]}" "${plain[@]}" -- true
	[[ $("${one[@]}" ps -q --no-trunc) == "$id" ]]
	"${one[@]}" rm -f "$id"
	# A state directory that is gone, or of another boot, holds nothing; neither does a root that is gone.
	rm -r "$at/state"
	"${two[@]}" "${plain[@]}" -- true
	echo another-boot >"$at/state2/boot"
	"${one[@]}" "${plain[@]}" -- true
	mv "$at/root" "$at/away"
	"${three[@]}" "${plain[@]}" -- true
	# Two commands that are the first ones.
	rm -r "$at/root2" "$at/state"
	"${one[@]}" ps & "${one[@]}" ps & "${one[@]}" "${plain[@]}" -- true
	wait
}

@test "few open files, few processes, small files" {
	local number
	for number in 10 20 95; do
		trouble "ulimit -n" prlimit --nofile="$number" -- "$HUSK" "${plain[@]}" -- true
	done
	prlimit --nofile=96 -- "$HUSK" run --rm --rootfs "$ROOTFS" -p 8081:80 -v /usr:/a -v /usr:/b -- true
	id=$(prlimit --nofile=96 -- "$HUSK" run -d --rootfs "$ROOTFS" -p 8081:80 -v /usr:/a -- sleep 100)
	prlimit --nofile=96 -- "$HUSK" exec "$id" true
	prlimit --nofile=96 -- "$HUSK" rm -f "$id"
	for number in 0 1 100 5000; do
		# Through a pipe, as the limit holds for the file that bats would take stderr into.
		run bash -c 'set -o pipefail; "$@" 2>&1 | cat' - prlimit --fsize="$number" -- "$HUSK" "${plain[@]}" -- true
		[[ $status -eq 0 || ($status -eq 125 && $output == husk:*"File too large"* && $output != *$'\n'*) ]] || {
			echo "fsize $number: $status: $output"
			false
		}
	done
	prlimit --nproc=1 -- "$HUSK" "${plain[@]}" -- true
}

@test "closed descriptors, a strict umask, a directory that is gone" {
	"$HUSK" "${plain[@]}" -- true <&-
	"$HUSK" "${plain[@]}" -- true >&-
	"$HUSK" "${plain[@]}" -- true 2>&-
	"$HUSK" "${plain[@]}" -- echo x <&- >&- 2>&-
	[[ $("$HUSK" "${plain[@]}" -- sh -c 'ls -l /proc/self/fd | grep -c " [0-2] -> "' <&- 2>&-) == 3 ]]
	id=$("$HUSK" run -d --rootfs "$ROOTFS" --net none -- sh -c 'echo out; sleep 100' <&- 2>&-)
	eventually logged "$id" out
	husk exec "$id" true <&- >&- 2>&-
	husk rm -f "$id" <&- >&- 2>&-
	(umask 777 && "$HUSK" "${plain[@]}" -- sh -c 'echo x >/tmp/x && cat /tmp/x && cat /etc/hosts')
	(umask 777 && HUSK_STATE=$BATS_TEST_TMPDIR/s HUSK_ROOT=$BATS_TEST_TMPDIR/r "$HUSK" "${plain[@]}" -u alice -- cat /etc/hosts)
	mkdir "$BATS_TEST_TMPDIR/gone"
	(cd "$BATS_TEST_TMPDIR/gone" && rmdir "$BATS_TEST_TMPDIR/gone" && "$HUSK" "${plain[@]}" -- true &&
		id=$("$HUSK" run -d --rootfs "$ROOTFS" --net none -- sleep 100) && "$HUSK" exec "$id" true && "$HUSK" rm -f "$id")
}

@test "output that cannot be written" {
	run --separate-stderr bash -c '"$@" >/dev/full' - "$HUSK" "${plain[@]}" -- echo x
	[[ $status -eq 0 || $status -eq 125 ]]
	run --separate-stderr bash -c '"$@" >/dev/full' - "$HUSK" ps
	[[ $status -eq 125 && $stderr == "husk: write the output"* ]]
	run --separate-stderr bash -c '"$@" >/dev/full' - "$HUSK" run -d --rootfs "$ROOTFS" --net none -- sleep 100
	[[ $status -eq 125 && $stderr == "husk: write the output"* ]]
	husk rm -f "$(husk ps -q)"
}

@test "a root or state directory of another user, or one that everybody may write, is refused" {
	local which
	for which in HUSK_ROOT HUSK_STATE; do
		mkdir "$BATS_TEST_TMPDIR/$which"
		chown 1000 "$BATS_TEST_TMPDIR/$which"
		run -1 --separate-stderr env "$which=$BATS_TEST_TMPDIR/$which" "$HUSK" ps
		[[ $stderr == "husk: the directory $BATS_TEST_TMPDIR/$which belongs to uid 1000, who could make husk do anything" ]]
		chown 0 "$BATS_TEST_TMPDIR/$which"
		chmod 1777 "$BATS_TEST_TMPDIR/$which"
		run -1 --separate-stderr env "$which=$BATS_TEST_TMPDIR/$which" "$HUSK" ps
		[[ $stderr == "husk: the directory $BATS_TEST_TMPDIR/$which may be written by everybody, who could make husk do anything. chmod go-w takes that away" ]]
		[[ -z $(ls -A "$BATS_TEST_TMPDIR/$which") ]]
	done
}
