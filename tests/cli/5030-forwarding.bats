# Forwarding: husk's bridges need it, the host's other interfaces do not become each other's neighbours by it.
# shellcheck disable=SC2154 # bats sets stderr
load helpers

# Two other hosts, which know this one as their gateway.
setup_file() {
	make_image
	local side
	for side in left right; do
		ip netns add $side
		ip link add $side type veth peer name cable netns $side
		ip link set $side up
		ip -n $side link set cable up
		ip -n $side link set lo up
	done
	ip addr add 192.0.2.1/25 dev left
	ip addr add 192.0.2.129/25 dev right
	ip -n left addr add 192.0.2.2/25 dev cable
	ip -n right addr add 192.0.2.130/25 dev cable
	ip -n left route add default via 192.0.2.1
	ip -n right route add default via 192.0.2.129
	# The directory of leases comes with the first use and stays.
	husk run --rm --rootfs "$ROOTFS" --net bridge -p 9:9 -- true
	husk network prune
	forwarding 0
}

teardown_file() {
	ip link del left
	ip link del right
	ip netns del left
	ip netns del right
	forwarding 0
}

setup() {
	test_begin
	forwarding 0
}

teardown() {
	husk ps -aq | xargs -r "$HUSK" rm -f >/dev/null
	nft delete table inet stranger 2>/dev/null || true
	husk network prune >/dev/null
	ip link del later 2>/dev/null || true
	forwarding 0
	test_end
}

forwarding() {
	if [[ $# -gt 0 ]]; then
		echo "$1" >/proc/sys/net/ipv4/ip_forward
	else
		cat /proc/sys/net/ipv4/ip_forward
	fi
}

reaches() {
	ip netns exec "$1" busybox ping -c 1 -W 1 -q "$2" >/dev/null
}

# Does left reach right, and right left?
is_router() {
	reaches left 192.0.2.130 && reaches right 192.0.2.2
}

networked() {
	husk run --rm --rootfs "$ROOTFS" --net bridge "$@"
}

@test "the first bridge makes the host no router for others; containers and ports work; the last network gives it back" {
	run ! is_router
	networked --cap-add NET_RAW -- ping -c 1 -W 2 192.0.2.130
	[[ $(forwarding) == 1 ]]
	run ! is_router
	# From outside, through a published port.
	husk run -d --name web --rootfs "$ROOTFS" --net bridge -p 8080:80 -- sh -c 'mkdir /www; echo hello >/www/index.html; exec httpd -f -p 80 -h /www'
	fetched() { [[ $(ip netns exec left curl -s --max-time 3 http://192.0.2.1:8080/) == hello ]]; }
	eventually fetched
	# Somebody flushes the rules: with the next container they are whole again.
	nft list tables | awk '/husk-/ { print $2, $3 }' | while read -r table; do
		# shellcheck disable=SC2086 # two words
		nft delete table $table
	done
	networked -- true
	run ! is_router
	husk rm -f web
	husk network prune
	[[ $(forwarding) == 0 && -z $(nft list tables | grep husk-) ]]
	run ! is_router
}

@test "without the note that husk did it nothing is switched on, and without a look at it no rules are made anew" {
	need_program strace
	local table
	run strace -f -o /dev/null -e trace=renameat2,renameat -P forwarding -e inject=renameat2,renameat:error=ENOSPC \
		"$HUSK" run --rm --rootfs "$ROOTFS" --net bridge -- true
	[[ $status -eq 125 && $(forwarding) == 0 ]]
	networked -- true
	table=$(nft list tables | awk '/inet husk-/ { print $3 }')
	nft delete table inet "$table"
	blind_for forwarding run --rm --rootfs "$ROOTFS" --net bridge -- true
	[[ $status -eq 125 && $output == *"/forwarding: Too many open files"* ]]
	# The next command finds rules that are not complete; the first of an internal network completes them as well.
	husk network create --internal inner
	husk run --rm --rootfs "$ROOTFS" --net inner -- true
	run ! is_router
	networked -- true
	run ! is_router
	husk network rm inner
}

@test "forwarding that was on before husk is left alone" {
	forwarding 1
	is_router
	networked -- true
	is_router
	husk network prune
	[[ $(forwarding) == 1 ]]
	is_router
}

@test "somebody else who forwards by now keeps it, and the host is still no router for the others" {
	networked -- true
	nft -f - <<-END
		table inet stranger {
			chain forward { type filter hook forward priority 0; policy accept; }
		}
	END
	husk network prune
	[[ $(forwarding) == 1 ]]
	run ! is_router
	nft delete table inet stranger
	husk network prune
	[[ $(forwarding) == 0 && -z $(nft list tables | grep husk-) ]]
}

@test "interfaces that others make later are theirs" {
	networked -- true
	ip link add later type veth peer name up2 netns right
	ip link set later up
	ip addr add 198.51.100.1/24 dev later
	ip -n right link set up2 up
	ip -n right addr add 198.51.100.2/24 dev up2
	ip -n right route replace 192.0.2.0/25 via 198.51.100.1
	reaches left 198.51.100.2
	ip link del later
	ip -n right link set cable up
}
