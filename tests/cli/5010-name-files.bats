# Names in a container: its /etc/hosts, /etc/hostname and /etc/resolv.conf, by the network that it has.
# shellcheck disable=SC2154 # bats sets stderr
load helpers

setup_file() {
	# An /etc that may be changed: it need not have a file hosts, and another test looks at the machine's meanwhile.
	mkdir /run/etc /run/etc-work
	mount -t overlay -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/etc-work test-etc /etc
	touch /etc/hosts /etc/resolv.conf
	make_image
	# The bridge, its rules and the directory of leases come with the first use and stay.
	husk run --rm --rootfs "$ROOTFS" --net bridge -p 9:9 -- true
}

teardown() {
	umount /etc/resolv.conf /etc/hosts 2>/dev/null || true
	rm -rf /run/systemd
	husk ps -aq | xargs -r "$HUSK" rm -f >/dev/null
	test_end
}

# host_file PATH LINE...: these lines are the host's file PATH.
host_file() {
	local path=$1
	shift
	printf '%s\n' "$@" >"$BATS_TEST_TMPDIR/${path##*/}"
	mount --bind "$BATS_TEST_TMPDIR/${path##*/}" "$path"
}

# resolv_of NETWORK
resolv_of() {
	husk run --rm --rootfs "$ROOTFS" --net "$1" -- cat /etc/resolv.conf
}

@test "resolv.conf: servers on the host's loopback are left out, others stay, with all that is around them" {
	host_file /etc/resolv.conf '# a comment' 'nameserver 127.0.0.53' 'nameserver ::1' 'nameserver 192.0.2.7' \
		'search example.org' 'options edns0'
	run resolv_of bridge
	[[ $status -eq 0 && $output == $'# a comment\nnameserver 192.0.2.7\nsearch example.org\noptions edns0' ]]
	run resolv_of none
	[[ $output == *"nameserver 192.0.2.7"* && $output != *127.0.0.53* ]]
}

@test "resolv.conf: servers by IPv6, with a zone or without, are out of reach of a container that has no IPv6" {
	host_file /etc/resolv.conf 'nameserver 2001:db8::53' 'nameserver fe80::1%eth0' 'nameserver ::ffff:192.0.2.1' \
		'nameserver fe80::1234:5678:9abc:def0%an-interface-15' 'nameserver 192.0.2.7'
	run resolv_of bridge
	[[ $status -eq 0 && $output == "nameserver 192.0.2.7" ]]
	run resolv_of host
	[[ $output == *"nameserver 2001:db8::53"*"nameserver fe80::1%eth0"* ]]
	echo 'nameserver 2001:db8::53' >/etc/resolv.conf
	run --separate-stderr resolv_of bridge
	[[ $status -eq 0 && $output == "# husk: "* && $stderr == "husk: warning: "*"or have IPv6 addresses" ]]
}

@test "resolv.conf: with loopback servers only, what systemd-resolved asks itself" {
	host_file /etc/resolv.conf 'nameserver 127.0.0.53' 'options edns0 trust-ad' 'search .'
	mkdir -p /run/systemd/resolve
	printf '%s\n' 'nameserver 192.0.2.53' 'nameserver 127.0.0.1' 'search example.org' >/run/systemd/resolve/resolv.conf
	run --separate-stderr resolv_of bridge
	[[ $status -eq 0 && $output == $'nameserver 192.0.2.53\nsearch example.org' && -z $stderr ]]
}

@test "resolv.conf: without any server in reach none is made up, the file and a warning say so" {
	host_file /etc/resolv.conf 'nameserver 127.0.0.53' 'search example.org'
	run --separate-stderr resolv_of bridge
	[[ $status -eq 0 && $output != *nameserver\ * && $output == *"search example.org"* && $output == *"# husk: "* ]]
	[[ $stderr == "husk: warning: "*"no nameserver"* && $stderr != *$'\n'* ]]
	mkdir -p /run/systemd/resolve
	echo 'nameserver 127.0.0.1' >/run/systemd/resolve/resolv.conf
	run --separate-stderr resolv_of bridge
	[[ $output != *nameserver\ * && $stderr == "husk: warning: "* ]]
	run --separate-stderr resolv_of none
	[[ $status -eq 0 && -z $stderr ]]
}

@test "resolv.conf: the network of the host has the host's file as it is" {
	host_file /etc/resolv.conf 'nameserver 127.0.0.53' 'options edns0 trust-ad'
	run --separate-stderr resolv_of host
	[[ $status -eq 0 && $output == $'nameserver 127.0.0.53\noptions edns0 trust-ad' && -z $stderr ]]
}

@test "--network host: the host's hosts and its name" {
	host_file /etc/hosts '127.0.0.1 localhost' '192.0.2.9 printer.example.org'
	run husk run --rm --rootfs "$ROOTFS" --net host -- sh -c 'cat /etc/hosts /etc/hostname; hostname; echo $HOSTNAME'
	[[ $status -eq 0 && $output == "$(cat /etc/hosts)"$'\ntest-host\ntest-host\ntest-host' ]]
	run husk run --rm --rootfs "$ROOTFS" --net host -h other -- sh -c 'cat /etc/hostname; hostname'
	[[ $status -eq 0 && $output == $'other\nother' ]]
	[[ $(hostname) == test-host ]]
}

@test "--network container:NAME: its three files, the same ones" {
	husk run -d --rootfs "$ROOTFS" --net bridge -h first --name first -- sleep 100
	run husk run --rm --rootfs "$ROOTFS" --net container:first -- sh -c 'hostname; echo $HOSTNAME; cat /etc/hostname /etc/hosts'
	[[ $status -eq 0 && $output == $'first\nfirst\nfirst\n'"$(husk exec first cat /etc/hosts)" ]]
	[[ $output == *"$(field first .NetworkSettings.IPAddress)"*first* ]]
	husk run --rm --rootfs "$ROOTFS" --net container:first -- sh -c 'echo nameserver 192.0.2.1 >/etc/resolv.conf'
	[[ $(husk exec first cat /etc/resolv.conf) == "nameserver 192.0.2.1" ]]
	expect_refusal run --rm --rootfs "$ROOTFS" --net container:first -h own -- true
	[[ $stderr == *--hostname* ]]
	husk rm -f first
}

@test "a user that is not root reads the name files" {
	run -0 husk run --rm --rootfs "$ROOTFS" --net none -u 1000 -- cat /etc/hosts /etc/hostname /etc/resolv.conf
	expect_output localhost
}

@test "with --read-only the name files are read-only, too" {
	run husk run --rm --rootfs "$ROOTFS" --net none --read-only -- sh -c 'for f in hosts hostname resolv.conf; do echo x >>/etc/$f; done'
	[[ $(grep -c "Read-only file system" <<<"$output") -eq 3 ]]
	run -0 husk run --rm --rootfs "$ROOTFS" --net none -- sh -c 'for f in hosts hostname resolv.conf; do echo x >>/etc/$f || exit 1; done'
}
