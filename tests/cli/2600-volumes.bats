# Volumes: directories and files of the host, named volumes, read-only, and where they are mounted.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load helpers

setup_file() {
	make_image
}

setup() {
	test_begin
	shared=$BATS_TEST_TMPDIR/shared
	mkdir "$shared"
	echo from the host >"$shared/file"
}

@test "a directory of the host, both ways" {
	run container -v "$shared:/data" -- sh -c 'cat /data/file; echo from inside >/data/new'
	[[ $output == "from the host" && $(<"$shared/new") == "from inside" ]]
	[[ ! -e $ROOTFS/data ]]
}

@test "ro: nothing is written" {
	run container -v "$shared:/data:ro" -- sh -c 'cat /data/file; echo x >/data/new'
	[[ $status -ne 0 ]]
	expect_output "Read-only file system"
	[[ ! -e $shared/new ]]
}

@test "ro holds for mounts below, too" {
	mkdir "$shared/sub"
	mount -t tmpfs sub "$shared/sub"
	touch "$shared/sub/below"
	run container -v "$shared:/data:ro" -- sh -c 'ls /data/sub; echo x >/data/sub/new'
	umount "$shared/sub"
	[[ $status -ne 0 ]]
	expect_output below
	expect_output "Read-only file system"
}

@test "rw has the mounts below" {
	mkdir "$shared/sub"
	mount -t tmpfs sub "$shared/sub"
	run container -v "$shared:/data" -- sh -c 'echo x >/data/sub/new'
	[[ -s $shared/sub/new ]]
	umount "$shared/sub"
	expect_status 0
}

@test "a single file, over one of the image and in a place where there is none" {
	run container -v "$shared/file:/etc/passwd:ro" -v "$shared/file:/some/where/else" -- cat /etc/passwd /some/where/else
	[[ $output == $'from the host\nfrom the host' ]]
	grep -q ^root: "$ROOTFS/etc/passwd"
	run container -v "$shared/file:/etc" -- true
	[[ $status -eq 125 ]]
}

@test "a named volume survives rm, and two containers share it" {
	container -v keep:/data -- sh -c 'echo kept >/data/file'
	run container -v keep:/other -- cat /other/file
	[[ $output == kept ]]
	background --name writer -v keep:/data -- sh -c 'sleep 0.5; echo written >/data/file; sleep 100'
	background --name reader -v keep:/data:ro -- sleep 100
	written() { [[ $(husk exec reader cat /data/file) == written ]]; }
	eventually written
	husk rm -f writer reader
	run container -v keep:/data -- cat /data/file
	[[ $output == written ]]
}

@test "what is missing on the host is an error and is not made" {
	expect_refusal run --rm --rootfs "$ROOTFS" --net none -v "$shared/missing:/data" -- true
	[[ $stderr == *missing* && ! -e $shared/missing ]]
}

@test "a destination below a link of the image stays inside" {
	mkdir "$BATS_TEST_TMPDIR/root"
	make_rootfs "$BATS_TEST_TMPDIR/root"
	mkdir "$BATS_TEST_TMPDIR/outside"
	ln -s "$BATS_TEST_TMPDIR/outside" "$BATS_TEST_TMPDIR/root/absolute"
	ln -s ../../../../../../../../../../.."$BATS_TEST_TMPDIR/outside" "$BATS_TEST_TMPDIR/root/relative"
	ln -s /proc/self/root "$BATS_TEST_TMPDIR/root/magic"
	for link in absolute relative magic; do
		run husk run --rm --net none --rootfs "$BATS_TEST_TMPDIR/root" -v "$shared:/$link/data" -- \
			sh -c "cat /$link/data/file"
		[[ ($status -eq 0 && $output == "from the host") || $status -eq 125 ]]
		[[ -z $(ls -A "$BATS_TEST_TMPDIR/outside") && ! -e /data ]]
	done
}

@test "dots in a destination stay inside" {
	run container -v "$shared:/../../../../data" -- cat /data/file
	[[ ($status -eq 0 && $output == "from the host") || $status -eq 125 ]]
	[[ ! -e /data ]]
}

@test "volumes are in inspect" {
	id=$(background -v "$shared:/data:ro" -v kept:/kept -- true)
	husk inspect "$id" | jq -e --arg source "$shared" '.[0].Mounts | map(select(.Destination == "/data")) |
		.[0] | .Type == "bind" and .Source == $source and .RW == false'
	husk wait "$id"
	husk inspect "$id" | jq -e '.[0].Mounts | map(select(.Destination == "/kept")) |
		.[0] | .Type == "volume" and .Name == "kept" and .RW'
	husk rm "$id"
}

@test "the source may be a link, and is what it points to" {
	ln -s "$shared" "$BATS_TEST_TMPDIR/link"
	run container -v "$BATS_TEST_TMPDIR/link:/data" -- cat /data/file
	[[ $output == "from the host" ]]
}

@test "a volume over the working directory and one in the other" {
	mkdir "$BATS_TEST_TMPDIR/inner"
	echo inner >"$BATS_TEST_TMPDIR/inner/file"
	mkdir "$shared/in"
	run container -v "$BATS_TEST_TMPDIR/inner:/data/in" -v "$shared:/data" -w /data -- cat file in/file
	[[ $output == $'from the host\ninner' ]]
}

@test "mounts that the host makes later under a volume do not leak back" {
	background --name open -v "$shared:/data" -- sleep 100
	mkdir "$shared/late"
	mount -t tmpfs late "$shared/late"
	umount "$shared/late"
	rmdir "$shared/late"
	husk rm -f open
}

@test "what a privileged container mounts in a volume, or below a mount of it, is not the host's" {
	mkdir "$shared/sub"
	mount -t tmpfs sub "$shared/sub"
	mkdir "$shared/dir" "$shared/sub/dir"
	mount --make-rshared /
	run container --privileged -v "$shared:/data" -- sh -c 'for at in /data/dir /data/sub/dir; do mount -t tmpfs from-inside $at && touch $at/file; done'
	[[ $status -eq 0 && ! -e $shared/dir/file && ! -e $shared/sub/dir/file ]]
	run ! grep from-inside /proc/self/mountinfo
	umount "$shared/sub"
	mount --make-rprivate /
}

@test "a link of the image does not lead a volume into /proc, /sys or /dev" {
	odd=$BATS_TEST_TMPDIR/odd
	cp -a "$ROOTFS" "$odd"
	before=$(ls -la "$shared")
	for place in /proc /sys /dev /proc/sys /dev/shm/.. ; do
		ln -sfn "$place" "$odd/link"
		run husk run --rm --rootfs "$odd" --net none -v "$shared:/link" -- true
		expect_status 125
		expect_output "symbolic link at /link"
	done
	[[ $(ls -la "$shared") == "$before" ]]
	# Elsewhere it may lead.
	mkdir "$odd/elsewhere"
	ln -sfn /elsewhere "$odd/link"
	[[ $(husk run --rm --rootfs "$odd" --net none -v "$shared:/link" -- cat /elsewhere/file) == "from the host" ]]
}

@test "a tmpfs without a mode has that of the directory that it covers" {
	mkdir -m 0711 "$ROOTFS/covered"
	mkdir -m 2750 "$ROOTFS/covered/below"
	run -0 container --tmpfs /covered --tmpfs /covered/below --tmpfs /made --tmpfs /tmp:mode=0700 --tmpfs /var/none -- stat -c '%n %a' /covered /covered/below /made /tmp
	expect_output "/covered 711"
	# Below the first tmpfs nothing was there, and there was no /made: what the kernel gives.
	expect_output "/covered/below 1777"
	expect_output "/made 1777"
	expect_output "/tmp 700"
	run -0 container --tmpfs /covered/below -- stat -c '%n %a' /covered/below
	expect_output "/covered/below 2750"
	rm -r "$ROOTFS/covered"
}

@test "options of a tmpfs: recursive words count, and the last word about access times wins" {
	run container --tmpfs /x:rro -- touch /x/y
	[[ $status -ne 0 && $output == *Read-only* ]]
	run container --tmpfs /x:rnoexec,noatime,strictatime -- grep " /x " /proc/self/mounts
	expect_status 0
	[[ $output == *noexec* && $output != *noatime* ]]
}

@test "as many volumes as a start has fds for, and a sentence for one more" {
	local i options=()
	for ((i = 0; i < 850; i++)); do
		options+=(-v "$shared:/mnt/$i")
	done
	run husk run --rm --net none --rootfs "$ROOTFS" "${options[@]}" -- sh -c 'cat /mnt/*/file | grep -c host'
	[[ $status -eq 0 && $output == 850 ]]
	husk run -d --name many --net none --rootfs "$ROOTFS" "${options[@]}" -- sh -c 'cat /mnt/*/file | grep -c host'
	[[ $(husk wait many) == 0 && $(husk logs many) == 850 ]]
	husk rm many
	for (( ; i < 1000; i++)); do
		options+=(-v "$shared:/mnt/$i")
	done
	run --separate-stderr husk run --rm --net none --rootfs "$ROOTFS" "${options[@]}" -- true
	[[ $status -eq 125 && $stderr == *"more than 907 bind mounts and joined namespaces"* ]]
}

@test "nothing is mounted over /proc" {
	expect_refusal run --rm --rootfs "$ROOTFS" --net none -v /etc:/proc -- true
	expect_refusal run --rm --rootfs "$ROOTFS" --net none -v /etc:/proc/self -- true
	expect_refusal run --rm --rootfs "$ROOTFS" --net none --tmpfs /proc -- true
	[[ $stderr == *"nothing but proc may be mounted on /proc or inside it"* ]]
	container -v /proc:/host/proc -- test -e /host/proc/self
}

@test "volume ls and rm: a typo in -v is seen and removed; what a container has stays" {
	export HUSK_ROOT=$BATS_TEST_TMPDIR/own HUSK_STATE=$BATS_TEST_TMPDIR/own-state
	husk run --rm --net none --rootfs "$ROOTFS" -v nosuch:/data -- true
	husk run --net none --name user --rootfs "$ROOTFS" -v kept:/data -- sh -c 'mkdir -p /data/a/b && echo x >/data/a/b/c'
	[[ $(husk volume ls | tr -s ' ') == $'DRIVER VOLUME NAME\nlocal kept\nlocal nosuch' ]]
	[[ $(husk volume ls -q) == $'kept\nnosuch' ]]
	[[ $(husk volume ls --format '{{.Name}} {{.Mountpoint}}' | head -n 1) == "kept $HUSK_ROOT/volumes/kept/_data" ]]
	[[ $(husk volume ls --format json | jq -r .Driver | sort -u) == local ]]
	run --separate-stderr husk volume rm nosuch kept none ../volumes .. ''
	[[ $status -eq 1 && $output == nosuch && $(wc -l <<<"$stderr") -eq 5 ]]
	[[ ${stderr_lines[0]} == "husk: volume kept is in use by a container" && ${stderr_lines[1]} == "husk: no such volume: none" ]]
	[[ $(husk volume ls -q) == kept && -e $HUSK_ROOT/volumes/kept/_data/a/b/c ]]
	husk rm user
	husk volume rm kept
	[[ -z $(find "$HUSK_ROOT/volumes" -mindepth 1) ]]
	[[ $(husk volume ls | tr -s ' ') == "DRIVER VOLUME NAME" ]]
	run --separate-stderr husk volume prune
	[[ $status -ne 0 && $stderr == *"planned"* ]]
}

# A removal and a start at once: either the container has a new, empty volume, or it is refused; never one that goes away.
@test "volume rm beside containers that begin" {
	local i
	export HUSK_ROOT=$BATS_TEST_TMPDIR/own HUSK_STATE=$BATS_TEST_TMPDIR/own-state
	for i in 1 2 3 4 5 6 7 8; do
		husk run --rm --net none --rootfs "$ROOTFS" -v raced:/data -- sh -c 'touch /data/old'
		"$HUSK" volume rm raced >/dev/null 2>&1 &
		husk run --net none --name racer --rootfs "$ROOTFS" -v raced:/data -- sh -c 'touch /data/new && test -e /data/new'
		wait $! || true
		[[ -e $HUSK_ROOT/volumes/raced/_data/new ]]
		husk rm racer
		husk volume rm raced
	done
	[[ -z $(find "$HUSK_ROOT/volumes" -mindepth 1) ]]
}

@test "-v of what the host has mounted read-only stays read-only" {
	mkdir "$BATS_TEST_TMPDIR/source"
	mount -t tmpfs source "$BATS_TEST_TMPDIR/source"
	mount -o remount,bind,ro "$BATS_TEST_TMPDIR/source"
	run husk run --rm --net none --rootfs "$ROOTFS" -v "$BATS_TEST_TMPDIR/source:/mnt" -- touch /mnt/new
	[[ $status -ne 0 && $output == *"Read-only file system"* ]]
	umount "$BATS_TEST_TMPDIR/source"
}
