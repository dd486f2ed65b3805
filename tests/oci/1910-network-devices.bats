# linux.netDevices: interfaces of the host become the container's.
load ../cli/helpers
load bundle

setup_file() {
	make_bundle
}

setup() {
	test_begin
	cd "$BUNDLE" || return
	ip link add here type veth peer name there
	ip addr add 10.7.0.1/24 dev there
	ip addr add fd07::1/64 dev there nodad
	ip addr add 10.7.0.2/24 dev here
	ip link set here up
	ip link set there up
}

teardown() {
	runtime_clean
	ip link del here 2>/dev/null || true
	test_end
}

@test "a device is moved, renamed, and has its addresses again" {
	config '.linux.netDevices = {there: {name: "eth0"}} | .process.args = ["sleep", "1000"]'
	runtime create c </dev/null >/dev/null 2>&1
	runtime start c
	run ip link show there
	[[ $status -ne 0 ]]
	run runtime exec c ip addr show eth0
	[[ $output == *"10.7.0.1/24"* && $output == *"fd07::1/64"* && $output == *",UP"* ]]
	busybox ping -c 1 -W 2 10.7.0.1
	runtime delete --force c
}

@test "without a new name it keeps its own; into a namespace that is joined as well" {
	ip netns add other
	config '.linux.netDevices = {there: {}} | .process.args = ["ip", "addr", "show", "there"] |
		(.linux.namespaces[] | select(.type == "network")).path = "/run/netns/other"'
	run runtime run c
	[[ $status -eq 0 && $output == *"10.7.0.1/24"* ]]
	[[ $(ip -n other -o link show there) == *there* ]]
	ip netns del other
	umount /run/netns
	rmdir /run/netns
}

@test "a device that is not there, a name that is taken, no namespace: one sentence, and it stays" {
	config '.linux.netDevices = {nothere: {}}'
	failure "there is no network device nothere" run c
	config '.linux.netDevices = {there: {name: "lo"}}'
	failure "the container has a network device lo already" run c
	config '.linux.netDevices = {lo: {name: "loop"}}'
	failure "move network device lo" run c
	config '.linux.netDevices = {there: {}} | .linux.namespaces |= map(select(.type != "network"))'
	failure "network devices are given without a network namespace" run c
	[[ $(ip -o addr show there) == *"10.7.0.1/24"* ]]
}

# A network without IPv6 takes the device, and not its second address.
@test "a device that cannot be set up in the container is the host's again" {
	ip netns add other
	ip netns exec other sh -c 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6'
	config '.linux.netDevices = {there: {name: "eth0"}} | (.linux.namespaces[] | select(.type == "network")).path = "/run/netns/other"'
	failure "set network device eth0 up in the container" run c
	ip netns del other
	umount /run/netns
	rmdir /run/netns
	run ip addr show there
	[[ $output == *"10.7.0.1/24"* && $output == *"fd07::1/64"* && $output == *",UP"* ]]
}
