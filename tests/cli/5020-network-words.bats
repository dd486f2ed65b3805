# Networks as people type them: ranges and gateways that cannot be, ports twice, and a bridge that somebody deleted.
# shellcheck disable=SC2154 # bats sets stderr
load helpers

setup_file() {
	make_image
	# The bridge, its rules and the directory of leases come with the first use and stay.
	husk run --rm --rootfs "$ROOTFS" --net bridge -p 9:9 -- true
}

teardown() {
	husk ps -aq | xargs -r "$HUSK" rm -f >/dev/null
	husk network prune >/dev/null
	husk run --rm --rootfs "$ROOTFS" --net bridge -- true
	test_end
}

# not_created WORD OPTION...: `network create` refuses in one sentence with WORD in it, and makes nothing.
not_created() {
	local word=$1
	shift
	run --separate-stderr husk network create "$@" never
	[[ $status -ne 0 && -z $output && $stderr == "husk: "*"$word"* && $stderr != *$'\n'* ]] || {
		printf 'network create %s: status %s, "%s" "%s"\n' "$*" "$status" "$output" "$stderr"
		return 1
	}
	run ! husk network inspect never
}

@test "network create: what cannot be the address of a container" {
	local subnet
	for subnet in 224.0.0.0/24 239.1.2.0/24 240.0.0.0/8 255.255.255.0/24 0.0.0.0/8 0.0.0.0/0 127.0.0.0/24 127.1.0.0/16 128.0.0.0/1; do
		not_created "$subnet" --subnet "$subnet"
	done
	for subnet in 198.51.100.0/24 223.255.255.0/24; do
		husk network create --subnet "$subnet" fine
		husk network rm fine
	done
}

@test "network create: the gateway is neither the network nor its broadcast" {
	not_created 198.51.100.0 --subnet 198.51.100.0/24 --gateway 198.51.100.0
	not_created 198.51.100.255 --subnet 198.51.100.0/24 --gateway 198.51.100.255
	not_created 198.51.100.7 --subnet 198.51.100.0/29 --gateway 198.51.100.7
	not_created 198.51.101.1 --subnet 198.51.100.0/24 --gateway 198.51.101.1
	husk network create --subnet 198.51.0.0/16 --gateway 198.51.100.255 fine
	[[ $(husk network inspect --format '{{(index .IPAM.Config 0).Gateway}}' fine) == 198.51.100.255 ]]
	[[ $(husk run --rm --rootfs "$ROOTFS" --net fine -- ip route) == *"default via 198.51.100.255 "* ]]
	husk network rm fine
}

@test "a port that is published twice is one key with two places" {
	husk run -d --name twice --rootfs "$ROOTFS" --net bridge -p 8080:80 -p 8081:80 -p 127.0.0.1:8082:80 -p 8080:80/udp \
		-p 9000-9002:79-81 -- sleep 100
	# Once as it was asked for, and once as it is.
	[[ $(husk inspect twice | grep -c '"80/tcp"') -eq 2 ]]
	[[ $(field twice ".HostConfig.PortBindings | keys_unsorted") == "$(field twice ".NetworkSettings.Ports | keys_unsorted")" ]]
	[[ $(field twice '.NetworkSettings.Ports["80/tcp"] | map(.HostIp + ":" + .HostPort) | join(" ")') == \
		"0.0.0.0:8080 0.0.0.0:8081 127.0.0.1:8082 0.0.0.0:9001" ]]
	[[ $(field twice '.NetworkSettings.Ports | keys | join(" ")') == "79/tcp 80/tcp 80/udp 81/tcp" ]]
	[[ $(husk inspect -f '{{(index .NetworkSettings.Ports "80/tcp" 1).HostPort}}' twice) == 8081 ]]
	husk rm -f twice
}

@test "-p on an IPv6 address: one sentence that says so" {
	local port
	for port in '[::1]:8080:80' '[::]:8080:80' '[2001:db8::1]::80/udp'; do
		expect_refusal run --rm --rootfs "$ROOTFS" --net bridge -p "$port" -- true
		[[ $stderr == *"$port"*IPv6* ]]
	done
}

@test "host and none are looked at as they are listed" {
	background --name lonely --net none -- sleep 100
	[[ $(husk network inspect -f '{{.Name}} {{.Driver}} {{len .IPAM.Config}}' host none) == $'host host 0\nnone null 0' ]]
	[[ $(husk network inspect -f '{{range .Containers}}{{.Name}}:{{.IPv4Address}}{{end}}' none) == lonely: ]]
	husk rm -f lonely
}

@test "a bridge deleted by hand: its network can be removed, and the next one of the same subnet works" {
	local bridge
	husk network create --subnet 198.51.100.0/24 first
	husk run --rm --rootfs "$ROOTFS" --net first -- true
	bridge=$(husk network inspect -f '{{index .Options "com.docker.network.bridge.name"}}' first)
	ip link del "$bridge"
	husk network rm first
	run ! grep -F "$bridge" <(nft list ruleset)
	husk network create --subnet 198.51.100.0/25 second
	run --separate-stderr husk run --rm --rootfs "$ROOTFS" --net second -- ip -4 -o addr show eth0
	[[ $status -eq 0 && $output == *198.51.100.*/25* && -z $stderr ]]
	husk network rm second
}

@test "a network whose user cannot be looked at is not removed, and its leases stay" {
	local id held
	need_program strace
	husk network create --subnet 198.51.100.0/24 used
	id=$(background --name user --net used -- sleep 100)
	held=$(ls "$HUSK_STATE/leases")
	blind_for "containers/$id" network rm used
	[[ $status -ne 0 && $output == *"look at container ${id:0:12}"*"Too many open files"* ]]
	[[ $(ls "$HUSK_STATE/leases") == "$held" ]]
	run -1 husk network rm used
	expect_output "in use by container user"
	husk rm -f user
	husk network rm used
}

@test "a network whose record cannot be read keeps its addresses from others" {
	husk network create --subnet 198.51.100.0/24 first
	cp "$HUSK_ROOT/networks/first.json" "$BATS_TEST_TMPDIR"
	echo '{' >"$HUSK_ROOT/networks/first.json"
	run -1 husk network create --subnet 198.51.100.0/25 second
	expect_output first.json
	run -1 husk network create second
	cp "$BATS_TEST_TMPDIR/first.json" "$HUSK_ROOT/networks"
	run -1 husk network create --subnet 198.51.100.0/25 second
	expect_output overlaps
	husk network rm first
}

@test "network prune passes over what is in use" {
	local name
	for name in a b c; do
		husk network create "$name"
	done
	background --name user --net b -- sleep 100
	[[ $(husk network prune | sort | xargs) == "a c" && $(husk network ls -q | wc -l) -eq 4 ]]
	husk rm -f user
	[[ $(husk network prune --force) == b && -z $(husk network prune -f) ]]
}

@test "--network container:NAME means the container that had the name then" {
	local first
	first=$(husk run -d --name peer --net none --rootfs "$ROOTFS" -- sleep 100)
	husk run -d --name guest --net container:peer --rootfs "$ROOTFS" -- sleep 100
	[[ $(field guest .HostConfig.NetworkMode) == "container:$first" ]]
	husk stop -t 0 guest
	husk rm -f peer
	husk run -d --name peer --net none --rootfs "$ROOTFS" -- sleep 100
	run -1 husk start guest
	expect_output "no such container: $first"
	husk rm -f peer guest
}
