# Networks: the four modes, the bridge, published ports, addresses.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load helpers

setup_file() {
	make_image
	# The bridge, its rules and the directory of leases come with the first use and stay.
	export GATEWAY BRIDGE
	GATEWAY=$(husk run --rm --rootfs "$ROOTFS" --net bridge -p 9:9 -- ip route | awk '/^default/ { print $3 }')
	BRIDGE=$(ip -o -4 addr show | awk -v gateway="$GATEWAY" 'index($4, gateway "/") == 1 { print $2 }')
	[[ $GATEWAY && $BRIDGE ]]
	# A second network host behind a cable.
	ip netns add outside
	ip link add cable type veth peer name cable netns outside
	ip addr add 192.0.2.1/24 dev cable
	ip link set cable up
	ip -n outside addr add 192.0.2.2/24 dev cable
	ip -n outside link set cable up
	ip -n outside link set lo up
}

teardown_file() {
	ip link del cable
	ip netns del outside
}

networked() {
	husk run -d --rootfs "$ROOTFS" --net bridge "$@"
}

address_of() {
	field "$1" .NetworkSettings.IPAddress
}

# A web server on port $2 (default 80) of container $1, which answers with its name; further words are options.
serve() {
	local name=$1 port=$2
	shift 2
	networked --name "$name" "$@" -- sh -c "mkdir /www; echo I am $name >/www/index.html; exec httpd -f -p $port -h /www"
}

# fetch ADDRESS[:PORT] [PREFIX...]: the body of what a web server there answers, asked from here or with the help of PREFIX.
fetch() {
	local address=$1
	shift
	[[ $address == *:* ]] || address+=:80
	"$@" timeout 3 bash -c 'exec 3<>"/dev/tcp/${1%:*}/${1#*:}" && printf "GET / HTTP/1.0\r\n\r\n" >&3 && cat <&3' \
		bash "$address" | tail -n 1
}

# One line there and back over udp.
udp_talk() {
	timeout 3 perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Proto => "udp", PeerAddr => $ARGV[0]); $s->send("hello");
		$s->recv($text, 100); print $text' "$1"
}

answers() {
	[[ $(fetch "$1" 2>/dev/null) == "I am $2" ]]
}

outside() {
	ip netns exec outside "$@"
}

@test "--net none: only lo" {
	run container -- ip -o link
	[[ ${#lines[@]} -eq 1 && $output == *lo:* ]]
	run container -- ip route
	[[ -z $output ]]
	run container -- sh -c 'mkdir /www; echo lo works >/www/index.html; httpd -h /www; sleep 0.3; timeout 5 wget -q -O - http://127.0.0.1/'
	[[ $output == "lo works" ]]
}

@test "--net host: the interfaces of the host" {
	run husk run --rm --rootfs "$ROOTFS" --net host -- sh -c 'ip -o link; readlink /proc/self/ns/net; hostname'
	expect_output cable
	expect_output "$(readlink /proc/self/ns/net)"
}

@test "--net bridge: an own address and a default route through the gateway" {
	run husk run --rm --rootfs "$ROOTFS" --net bridge -- sh -c 'ip -o -4 addr; ip route'
	expect_status 0
	expect_output " eth0 "
	expect_output "default via $GATEWAY dev eth0"
	run husk run --rm --rootfs "$ROOTFS" -- ip route
	expect_output "default via $GATEWAY"
}

@test "--net container: exactly the interfaces of the other" {
	networked --name cache -- sleep 100
	ours=$(husk run --rm --rootfs "$ROOTFS" --net container:cache -- sh -c 'readlink /proc/self/ns/net; ip -o link; ip -o -4 addr')
	[[ $ours == "$(husk exec cache sh -c 'readlink /proc/self/ns/net; ip -o link; ip -o -4 addr')" ]]
	husk rm -f cache
	expect_refusal run --rm --rootfs "$ROOTFS" --net container:cache -- true
}

@test "/etc/hosts has the container's own name and address" {
	run husk run --rm --rootfs "$ROOTFS" --net bridge -h box -- sh -c 'grep box /etc/hosts; ip -o -4 addr show eth0'
	address=$(awk '/ eth0 / { sub(/\/.*/, "", $4); print $4 }' <<<"$output")
	[[ ${lines[0]} =~ ^${address}[[:space:]].*box ]]
}

@test "two servers on port 80: no conflict, they reach each other and the host" {
	serve one 80
	serve two 80
	one=$(address_of one) two=$(address_of two)
	[[ $one != "$two" ]]
	eventually answers "$one" one
	eventually answers "$two" two
	[[ $(husk exec one timeout 5 wget -q -O - "http://$two/") == "I am two" ]]
	[[ $(husk exec two timeout 5 wget -q -O - "http://$one/") == "I am one" ]]
	mkdir "$BATS_TEST_TMPDIR/www"
	echo I am the host >"$BATS_TEST_TMPDIR/www/index.html"
	busybox httpd -f -p 8099 -h "$BATS_TEST_TMPDIR/www" 3>&- &
	server=$!
	eventually answers 127.0.0.1:8099 "the host"
	for host in "$GATEWAY" 192.0.2.1; do
		[[ $(husk exec one timeout 5 wget -q -O - "http://$host:8099/") == "I am the host" ]]
	done
	kill "$server"
	husk rm -f one two
}

@test "the veth pair is on the bridge, and gone with the container" {
	before=$(ip -o link show type veth | wc -l)
	networked --name plugged -- sleep 100
	[[ $(ip -o link show type veth | wc -l) -eq $((before + 1)) ]]
	[[ $(ip -o link show master "$BRIDGE" | wc -l) -eq 1 ]]
	husk rm -f plugged
	unplugged() { [[ $(ip -o link show type veth | wc -l) -eq $before ]]; }
	eventually unplugged
}

@test "inspect has the network" {
	networked --name told -p 8080:80 -- sleep 100
	address=$(address_of told)
	[[ $address == "$(husk exec told ip -o -4 addr show eth0 | awk '{ sub(/\/.*/, "", $4); print $4 }')" ]]
	[[ $(field told '.NetworkSettings.Ports["80/tcp"][0].HostPort') == 8080 ]]
	[[ $(field told '.NetworkSettings.Networks | to_entries[0].value.IPAddress') == "$address" ]]
	[[ $(field told '.NetworkSettings.Networks | to_entries[0].value.Gateway') == "$GATEWAY" ]]
	[[ $(field told .HostConfig.NetworkMode) == bridge ]]
	[[ $(husk network inspect -f '{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}' bridge) == "told $address/16" ]]
	husk ps | grep -F '0.0.0.0:8080->80/tcp'
	husk rm -f told
}

@test "-p: from the host by every address, from another host, and from the container itself" {
	serve web 80 -p 8080:80
	eventually answers "$(address_of web)" web
	answers 127.0.0.1:8080 web
	answers 192.0.2.1:8080 web
	answers "$GATEWAY:8080" web
	[[ $(fetch 192.0.2.1:8080 ip netns exec outside) == "I am web" ]]
	[[ $(husk exec web timeout 5 wget -q -O - "http://$GATEWAY:8080/") == "I am web" ]]
	husk rm -f web
	[[ -z $(fetch 127.0.0.1:8080 2>/dev/null) ]]
}

@test "-p 127.0.0.1: not from another host" {
	serve private 80 -p 127.0.0.1:8080:80
	eventually answers 127.0.0.1:8080 private
	[[ -z $(fetch 192.0.2.1:8080 ip netns exec outside 2>/dev/null) ]]
	# Nor by claiming that the loopback network is behind the cable.
	outside ip link set lo down
	outside sysctl -qw net.ipv4.conf.all.route_localnet=1
	outside ip route add 127.0.0.0/8 via 192.0.2.1
	run fetch 127.0.0.1:8080 ip netns exec outside
	outside ip route del 127.0.0.0/8
	outside ip link set lo up
	[[ $output != *private* ]]
	husk rm -f private
}

@test "-p: one address of several" {
	serve chosen 80 -p 192.0.2.1:8080:80
	eventually answers 192.0.2.1:8080 chosen
	[[ -z $(fetch 127.0.0.1:8080 2>/dev/null) ]]
	husk rm -f chosen
}

@test "-p: udp" {
	need_program perl
	husk run -d --rootfs / --name echo -p 5353:53/udp -- perl -MIO::Socket::INET -e '
		$s = IO::Socket::INET->new(Proto => "udp", LocalPort => 53); while ($s->recv($text, 100)) { $s->send("$text yourself"); }'
	reply() {
		[[ $(udp_talk "$1") == "hello yourself" ]]
	}
	eventually reply "$(address_of echo):53"
	reply 127.0.0.1:5353
	reply 192.0.2.1:5353
	husk rm -f echo
}

@test "-p: a range" {
	networked --name many -p 8080-8082:80-82 -- sh -c 'for i in 80 81 82; do mkdir /$i; echo I am $i >/$i/index.html; httpd -p $i -h /$i; done; sleep 100'
	eventually answers 127.0.0.1:8082 82
	answers 127.0.0.1:8080 80
	answers 127.0.0.1:8081 81
	husk rm -f many
}

@test "-p without a host port: a free one, shown by inspect" {
	serve some 80 -p 80
	port=$(field some '.NetworkSettings.Ports["80/tcp"][0].HostPort')
	[[ $port -gt 1023 ]]
	eventually answers "127.0.0.1:$port" some
	husk rm -f some
}

@test "a port that another container has published: the sentence names it" {
	serve web 80 -p 8091:80
	run -125 --separate-stderr networked --name other -p 8091:80 -- true
	[[ $stderr == "husk: the port 8091/tcp of 0.0.0.0 is published by container web already" ]]
	run -125 --separate-stderr networked --name web -- true
	[[ $stderr == *'the container name "/web" is already in use by container '*'. Remove it to use the name again' ||
		$stderr == *'the container name "web" is already in use by container '*'. Remove it to use the name again' ]]
	husk rm -f web
}

@test "a port that is taken is refused with a sentence, and nothing is left" {
	serve first 80 -p 8080:80
	expect_refusal run -d --rootfs "$ROOTFS" --net bridge --name second -p 8080:80 -- sleep 100
	[[ $stderr == *8080* ]]
	run husk inspect second
	[[ $status -ne 0 ]]
	husk run --rm --rootfs "$ROOTFS" --net bridge -p 8080:80/udp -- true
	husk rm -f first
	husk run --rm --rootfs "$ROOTFS" --net bridge -p 8080:80 -- true
}

@test "a port on which the host itself listens is refused" {
	busybox httpd -f -p 127.0.0.1:8081 -h "$BATS_TEST_TMPDIR" 3>&- &
	server=$!
	eventually bash -c 'ss -ltn | grep -q 127.0.0.1:8081'
	run --separate-stderr husk run --rm --rootfs "$ROOTFS" --net bridge -p 127.0.0.1:8081:80 -- true
	kill "$server"
	[[ $status -eq 125 && $stderr == *8081* && $stderr != *$'\n'* ]]
}

@test "-p needs a network of its own" {
	expect_refusal run --rm --rootfs "$ROOTFS" --net none -p 80:80 -- true
	expect_refusal run --rm --rootfs "$ROOTFS" --net host -p 80:80 -- true
}

@test "redis: PONG by the published port, by the container's address, and from another host" {
	need_program redis-server
	need_program redis-cli
	husk run -d --name cache --rootfs / -p 6379:6379 -- redis-server --save '' --protected-mode no
	pong() {
		[[ $(timeout 3 redis-cli -h "$1" -p 6379 ping 2>/dev/null) == PONG ]]
	}
	eventually pong 127.0.0.1
	pong "$(address_of cache)"
	[[ $(outside timeout 3 redis-cli -h 192.0.2.1 -p 6379 ping) == PONG ]]
	nft list ruleset | grep -q "$(address_of cache)"
	[[ $(husk exec cache cat /etc/hosts) == *"$(address_of cache)"* ]]
	husk stop cache
	[[ $(field cache .State.ExitCode) == 0 ]]
	husk rm cache
}

@test "a container that ends by itself leaves no rule, link or address" {
	before=$(leak_things | sort)
	networked --name brief -p 8080:80 -- sleep 0.3
	eventually has_ended brief
	gone() {
		[[ $(leak_things | grep -v '^state' | sort) == "$(grep -v '^state' <<<"$before")" ]]
	}
	eventually gone
	husk rm brief
}

@test "stop and start: reachable again" {
	serve web 80 -p 8080:80
	eventually answers 127.0.0.1:8080 web
	husk kill web
	husk wait web
	husk start web
	# The directory is there already, so the shell's mkdir says so and goes on.
	eventually answers 127.0.0.1:8080 web
	husk rm -f web
}

@test "a container starts again while its last namespace still lives" {
	networked --name again -- sleep 100
	exec 7<"/proc/$(pid_of again)/ns/net"
	husk kill again
	husk wait again
	husk start again
	[[ $(husk exec again ip -o -4 addr show eth0) == *"$(address_of again)"* ]]
	exec 7<&-
	husk rm -f again
}

@test "32 at once have 32 addresses, none of them the network's, the gateway's or the broadcast's" {
	for i in {1..32}; do
		husk run --rm --rootfs "$ROOTFS" --net bridge -- sh -c \
			'ip -o -4 addr show eth0 | sed "s/.*inet \([0-9.]*\).*/\1/"; sleep 4' >"$BATS_TEST_TMPDIR/$i" 2>&1 &
		pids[i]=$!
	done
	for i in {1..32}; do
		wait "${pids[i]}" || {
			cat "$BATS_TEST_TMPDIR/$i"
			return 1
		}
	done
	sort "$BATS_TEST_TMPDIR"/[0-9]* | uniq >"$BATS_TEST_TMPDIR/addresses"
	cat "$BATS_TEST_TMPDIR/addresses"
	[[ $(grep -Ecx '[0-9.]+' "$BATS_TEST_TMPDIR/addresses") -eq 32 && $(wc -l <"$BATS_TEST_TMPDIR/addresses") -eq 32 ]]
	[[ -z $(grep -Ex "$GATEWAY|.*\.(0|255)" "$BATS_TEST_TMPDIR/addresses") ]]
}

@test "a small network is used to its last address and no further" {
	husk network create --subnet 198.51.100.0/29 small
	for i in {1..5}; do
		husk run -d --rootfs "$ROOTFS" --net small --name "s$i" -- sleep 100
	done
	addresses=$(for i in {1..5}; do field "s$i" '.NetworkSettings.Networks.small.IPAddress'; done | sort)
	[[ $addresses == "$(printf '198.51.100.%s\n' 2 3 4 5 6)" ]]
	expect_refusal run -d --rootfs "$ROOTFS" --net small --name s6 -- sleep 100
	[[ $stderr == *small* || $stderr == *address* ]]
	run husk network rm small
	[[ $status -ne 0 ]]
	[[ $output =~ s[1-5] ]]
	husk rm -f s1 s2 s3 s4 s5
	husk network rm small
}

@test "containers resolve names through /etc/resolv.conf of the host" {
	run husk run --rm --rootfs "$ROOTFS" --net bridge -- cat /etc/resolv.conf
	expect_status 0
	[[ $output == *nameserver* ]]
}

@test "a firewall that drops what is forwarded lets containers through, also after it was reloaded" {
	nft add table ip guard
	nft 'add chain ip guard FORWARD { type filter hook forward priority 0; policy drop; }'
	serve web 80 -p 8080:80
	eventually answers 127.0.0.1:8080 web
	fetch 192.0.2.1:8080 nsenter --net=/run/netns/outside | grep -x "I am web"
	husk exec web sh -c 'timeout 2 nc 192.0.2.2 9 </dev/null 2>&1' | grep refused
	[[ $(nft list chain ip guard FORWARD | grep -c "$BRIDGE") -eq 2 ]]
	husk run --rm --rootfs "$ROOTFS" -- true
	[[ $(nft list chain ip guard FORWARD | grep -c "$BRIDGE") -eq 2 ]]

	# A rule that was put above them: the next start puts them on top again.
	nft insert rule ip guard FORWARD ip daddr 0.0.0.0/0 drop
	[[ -z $(fetch 192.0.2.1:8080 nsenter --net=/run/netns/outside 2>/dev/null) ]]
	husk run --rm --rootfs "$ROOTFS" -- true
	fetch 192.0.2.1:8080 nsenter --net=/run/netns/outside | grep -x "I am web"

	# As firewalld and ufw do it: everything new, their own rules first.
	nft flush chain ip guard FORWARD
	nft insert rule ip guard FORWARD ip daddr 0.0.0.0/0 drop
	[[ -z $(fetch 192.0.2.1:8080 nsenter --net=/run/netns/outside 2>/dev/null) ]]
	husk run --rm --rootfs "$ROOTFS" -- true
	fetch 192.0.2.1:8080 nsenter --net=/run/netns/outside | grep -x "I am web"
	husk rm -f web
	nft delete table ip guard
}

@test "a network that goes takes its rules out of other firewalls" {
	nft add table inet guard
	nft 'add chain inet guard forward { type filter hook forward priority 0; policy drop; }'
	husk network create other
	husk run --rm --rootfs "$ROOTFS" --net other -- true
	[[ $(nft list chain inet guard forward | grep -c accept) -eq 2 ]]
	husk network rm other
	[[ $(nft list chain inet guard forward | grep -c accept) -eq 0 ]]
	nft delete table inet guard
}

@test "nobody answers for an address that was given back, even while its namespace lives" {
	# Whoever is there refuses the connection; when nobody is there the neighbour cannot be found.
	knock() {
		timeout 5 bash -c "exec 3<>/dev/tcp/$1/9" 2>&1
	}
	networked --name old -- sleep 100
	address=$(address_of old)
	[[ $(knock "$address") == *refused* ]]
	exec 7<"/proc/$(pid_of old)/ns/net"
	husk rm -f old
	ip neigh flush dev "$BRIDGE"
	[[ $(knock "$address") == *"No route"* ]]
	# It is there, only silent.
	[[ $(nsenter --net=/proc/self/fd/7 ip -o addr show eth0) == *"$address"* ]]
	exec 7<&-
}

@test "-p: udp, a client that goes on sending reaches the container that has the port now" {
	need_program perl
	echo_server() {
		husk run -d --rootfs / --name "$1" -p 5353:53/udp -- perl -MIO::Socket::INET -e '
			$s = IO::Socket::INET->new(Proto => "udp", LocalPort => 53);
			while ($s->recv($text, 100)) { $s->send("$text $ARGV[0]"); }' "$1"
	}
	ask() {
		timeout 2 perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Proto => "udp", LocalPort => 40404, ReuseAddr => 1,
			PeerAddr => "192.0.2.1:5353"); $s->send("hello"); $s->recv($text, 100); print $text'
	}
	hears() {
		[[ $(ask) == "hello $1" ]]
	}
	echo_server first
	eventually hears first
	husk rm -f first
	echo_server second
	eventually hears second
	husk rm -f second
}

@test "127.0.0.1 leaves through the bridge only while a port is published" {
	state() {
		cat "/proc/sys/net/ipv4/conf/$BRIDGE/route_localnet"
	}
	[[ $(state) == 0 ]]
	networked --name one -p 8080:80 -- sleep 100
	networked --name two -p 8081:80 -- sleep 100
	[[ $(state) == 1 ]]
	husk rm -f one
	[[ $(state) == 1 ]]
	husk rm -f two
	[[ $(state) == 0 ]]
}

@test "a network is in use by who has an address of it, running or not; what nobody owns does not count" {
	husk network create --subnet 198.51.100.0/24 small
	husk run --name starting --rootfs "$ROOTFS" --net small -- true
	boot=$(</proc/sys/kernel/random/boot_id)
	ln -s "$(field starting .Id)@$boot" "$HUSK_STATE/leases/ip-198.51.100.77"
	ln -s "nobody@$boot" "$HUSK_STATE/leases/ip-198.51.100.78"
	run husk network rm small
	[[ $status -ne 0 ]]
	expect_output "network small is in use by container starting"
	rm "$HUSK_STATE/leases/ip-198.51.100.77"
	husk network rm small
	[[ ! -L $HUSK_STATE/leases/ip-198.51.100.78 ]]
	husk rm starting
}

# The start has read the network's record, and waits before it leases an address.
@test "a network is not removed between a start that has read it and its lease" {
	need_program strace
	local status=0
	husk network create --subnet 198.51.100.0/24 small
	strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=symlinkat -e inject=symlinkat:delay_enter=1500000:when=2 \
		"$HUSK" run -d --name first --rootfs "$ROOTFS" --net small -- sleep 100 &
	eventually grep -q symlinkat "$BATS_TEST_TMPDIR/trace"
	sleep 0.3
	husk network rm small >"$BATS_TEST_TMPDIR/said" 2>&1 || status=$?
	cat "$BATS_TEST_TMPDIR/said"
	[[ $status -eq 1 && $(<"$BATS_TEST_TMPDIR/said") == *"in use by container first"* ]]
	grep 'symlinkat.*"ip-.*INJECTED\|symlinkat.*"ip-.*DELAYED' "$BATS_TEST_TMPDIR/trace"
	in_small() { [[ $(husk exec first ip -4 addr show eth0) == *198.51.100.* ]]; }
	eventually in_small
	husk rm -f first
	wait
	husk network rm small
}

@test "the leases of a container stay until its rules are gone" {
	need_program cc
	cc -D_GNU_SOURCE -O1 -o "$BATS_TEST_TMPDIR/refuse" "$BATS_TEST_DIRNAME/../fault/refuse.c"
	local address
	networked --name web -p 8080:80 -- sleep 100
	address=$(address_of web)
	# Its monitor would give back what it has.
	kill -KILL "$(awk '{ sub(/.*\) /, ""); print $2 }' "/proc/$(field web .State.Pid)/stat")"
	run "$BATS_TEST_TMPDIR/refuse" 'sendto~husk-:EIO' -- "$HUSK" rm -f web
	[[ $status -ne 0 && -L $HUSK_STATE/leases/port-tcp-0.0.0.0-8080 && -L $HUSK_STATE/leases/ip-$address ]]
	husk rm -f web
	[[ ! -L $HUSK_STATE/leases/port-tcp-0.0.0.0-8080 ]]
}

@test "what a container has of the network is given back although its endpoint file cannot be read" {
	networked --name odd -p 8080:80 -- sleep 100
	id=$(field odd .Id)
	echo nonsense >"$HUSK_STATE/containers/$id/endpoint"
	husk rm -f odd
	serve web 80 -p 8080:80
	eventually answers 127.0.0.1:8080 web
	husk rm -f web
}

@test "the rules come back when somebody has flushed them: networks, ports and all" {
	husk network create other
	husk run -d --name there --rootfs "$ROOTFS" --net other -p 8081:80 -- sh -c \
		'mkdir /www; echo I am there >/www/index.html; exec httpd -f -p 80 -h /www'
	eventually answers 127.0.0.1:8081 there
	nft list ruleset | sed -n 's/^table inet \(husk-[0-9a-f]*\) .*/\1/p' | while read -r table; do
		nft delete table inet "$table"
	done
	# One that fails in the middle of it leaves it to the next.
	blind_for "containers/$(field there .Id)/summary" run --rm --rootfs "$ROOTFS" --net bridge -- true
	[[ $status -eq 125 && $(nft list tables) == *husk-* ]]
	run ! answers 127.0.0.1:8081 there
	husk run --rm --rootfs "$ROOTFS" --net bridge -- true
	answers 127.0.0.1:8081 there
	fetch 192.0.2.1:8081 nsenter --net=/run/netns/outside | grep -x "I am there"
	husk rm -f there
	husk network rm other
}
