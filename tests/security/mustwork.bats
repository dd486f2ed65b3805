# Ordinary images that stricter runtimes have broken: what must go on working.

load ../cli/helpers
load root

setup_file() {
	make_root
}

setup() {
	test_begin
	image=$BATS_TEST_TMPDIR/image
	volume=$BATS_TEST_TMPDIR/volume
	copy_root "$image"
	mkdir "$volume"
	echo here >"$volume/file"
}

@test "a volume below /var/run, an absolute link to /run" {
	mkdir "$image/run"
	ln -s /run "$image/var/run"
	run in_directory "$image" -v "$volume:/var/run/data" -- /bin/cat /run/data/file
	expect_status 0
	[[ $output == here ]]
}

@test "a volume and a working directory through /bin and /lib links of a merged /usr" {
	mv "$image/bin" "$image/usr/bin"
	ln -s usr/bin "$image/bin"
	ln -s /usr/lib "$image/lib"
	mkdir "$image/usr/lib"
	run in_directory "$image" -v "$volume:/lib/data" -w /lib/data -- /bin/sh -c 'pwd -P; cat file'
	expect_status 0
	[[ ${lines[0]} == /usr/lib/data && ${lines[1]} == here ]]
}

@test "a working directory through an absolute link" {
	mkdir -p "$image/run/work"
	ln -s /run "$image/var/run"
	run in_directory "$image" -w /var/run/work -- /bin/probe cwd
	expect_status 0
	[[ $output == /run/work ]]
	run in_directory "$image" -w /var/run/new/deep -- /bin/probe cwd
	expect_status 0
	[[ $output == /run/new/deep ]]
}

@test "exec with a working directory through an absolute link" {
	mkdir -p "$image/run/work"
	ln -s /run "$image/var/run"
	husk run -d --name one --net none --rootfs "$image" -- /bin/sleep 1000
	run husk exec -w /var/run/work one /bin/probe cwd
	husk rm -f one
	expect_status 0
	[[ $output == /run/work ]]
}

@test "what a dangling link leads to is made inside, at its end and in the middle" {
	ln -s /not/there/yet "$image/trailing"
	ln -s missing/too "$image/middle"
	run in_directory "$image" -v "$volume:/trailing" -- /bin/cat /not/there/yet/file
	expect_status 0
	[[ $output == here && ! -e /not ]]
	run in_directory "$image" -v "$volume:/middle/data" -- /bin/cat /missing/too/data/file
	expect_status 0
	[[ $output == here && ! -e /missing ]]
	# The image itself stays as it was.
	[[ ! -e $image/not && ! -e $image/missing ]]
}

@test "a file mounted over a file, a missing file and a dangling link" {
	echo old >"$image/etc/config"
	ln -s /etc/real "$image/etc/linked"
	for target in /etc/config /etc/new /etc/linked; do
		run in_directory "$image" -v "$volume/file:$target" -- /bin/cat "$target"
		expect_status 0
		[[ $output == here ]]
	done
}

@test "/dev/shm has mode 1777, is writable for users, and not executable" {
	run in_directory "$image" -u 1000 -- /bin/sh -c 'stat -c "%a %u" /dev/shm; echo x >/dev/shm/x && cat /dev/shm/x'
	expect_status 0
	[[ ${lines[0]} == "1777 0" && ${lines[1]} == x ]]
	run in_directory "$image" -- /bin/stat -c %a /dev/mqueue
	[[ $output == 1777 ]]
}

@test "a file without a name in /dev/shm can be given one" {
	run in_directory "$image" -- /bin/probe tmpfile
	expect_status 0
	[[ $output == "/dev/shm ok linked ok" ]]
	run in_directory "$image" -u 1000 -- /bin/probe tmpfile
	expect_status 0
	[[ $output == "/dev/shm ok linked ok" ]]
}

@test "--read-only with a terminal" {
	run script -qec "'$HUSK' run --rm --net none --rootfs '$image' --read-only -t -- /bin/sh -c 'echo to the console >/dev/console; touch /x; touch /tmp/x; touch /dev/shm/x && echo shm'" /dev/null
	echo "$output"
	expect_status 0
	[[ $output == *"to the console"* && $output == *"/x: Read-only"* && $output == *shm* ]]
}

@test "--read-only is read-only, whatever the image has in /proc" {
	mkdir -p "$image/proc/self"
	ln -s /tmp "$image/proc/self/fd"
	run in_directory "$image" --read-only -- /bin/sh -c 'touch /x; probe mounts'
	expect_status 0
	[[ $output == *"Read-only"* ]]
	grep -qE '^/ [a-z]+ ro,' <<<"$output"
}

@test "volumes and tmpfs are writable with --read-only" {
	run in_directory "$image" --read-only -v "$volume:/data" --tmpfs /scratch -- \
		/bin/sh -c 'echo new >/data/new && echo x >/scratch/x && cat /data/new'
	expect_status 0
	[[ $output == new && $(cat "$volume/new") == new ]]
}

@test "a read-only volume is read-only, with what is mounted below it" {
	mkdir "$volume/below"
	mount -t tmpfs tmpfs "$volume/below"
	run in_directory "$image" -v "$volume:/data:ro" -- /bin/sh -c 'touch /data/x; touch /data/below/x; cat /data/file'
	umount "$volume/below"
	expect_status 0
	[[ $output == *"/data/x: Read-only"* && $output == *here* && ! -e $volume/x ]]
	[[ $output == *"/data/below/x: "* ]]
}

@test "a user without an entry in /etc/passwd has the home /" {
	run in_directory "$image" -u 4242 -- /bin/sh -c 'echo $HOME'
	expect_status 0
	[[ $output == / ]]
}

@test "exec has a HOME, too" {
	husk run -d --name one --net none --rootfs "$image" -- /bin/sleep 1000
	run husk exec one /bin/sh -c 'echo $HOME'
	husk rm -f one
	[[ $output == /root ]]
}

@test "an image without /etc, /proc, /dev, /sys and /tmp runs" {
	rm -r "${image:?}"/{etc,tmp,var,root,usr}
	run in_directory "$image" -- /bin/sh -c 'echo $$; cat /proc/sys/kernel/ostype; echo x >/dev/null'
	expect_status 0
	[[ ${lines[0]} == 1 && ${lines[1]} == Linux ]]
}

@test "ping sockets and low ports need no capability" {
	run in_directory "$image" -u 1000 -- /bin/cat /proc/sys/net/ipv4/ping_group_range /proc/sys/net/ipv4/ip_unprivileged_port_start
	expect_status 0
	[[ ${lines[0]} == $'0\t2147483647' && ${lines[1]} == 0 ]]
}
