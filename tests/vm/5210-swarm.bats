# A service of Docker's swarm on two nodes, whose runtime is husk-runtime: two daemons, each in a network of its own. For the
# virtual machine (script/vm-test --oci): swarm's ingress needs ip_vs.
# shellcheck disable=SC2016 # $ in single quotes is for the shell inside
load ../cli/helpers
load bundle
load engines

setup_file() {
	need_root
	make_engine_dir
	for node in 1 2; do
		mkdir -p "$ENGINE_DIR/$node" "/run/swarm/$node"
		echo '{}' >"$ENGINE_DIR/$node/daemon.json"
		unshare --net --mount --uts sleep 1000 3>&- &
		echo $! >"$ENGINE_DIR/$node/pid"
	done
	sleep 1
	ip link add swarm1 netns "$(<"$ENGINE_DIR/1/pid")" type veth peer swarm2 netns "$(<"$ENGINE_DIR/2/pid")"
	for node in 1 2; do
		on "$node" hostname "node$node"
		on "$node" ip link set lo up
		on "$node" ip link set "swarm$node" up
		on "$node" ip address add "10.9.0.$node/24" dev "swarm$node"
		on "$node" dockerd --config-file "$ENGINE_DIR/$node/daemon.json" --data-root "$ENGINE_DIR/$node/data" \
			--exec-root "/run/swarm/$node/exec" --pidfile "/run/swarm/$node/daemon" --host "unix:///run/swarm/$node/docker" \
			--add-runtime "husk=$RUNTIME" --default-runtime husk >"$ENGINE_DIR/$node/log" 2>&1 3>&- &
	done
	for node in 1 2; do
		patiently api "$node" _ping
		tar -C "$ENGINE_DIR/rootfs" -c . | docker_on "$node" import - box
	done >/dev/null
}

# The daemons are killed: to leave a swarm takes them a minute, and all that they have is in the namespaces of their nodes.
teardown_file() {
	for node in 1 2; do
		kill -KILL "$(<"/run/swarm/$node/daemon")" "$(<"/run/swarm/$node/exec/containerd/containerd.pid")"
		kill "$(<"$ENGINE_DIR/$node/pid")"
	done
}

# on NODE COMMAND...: in its network.
on() {
	local node=$1
	shift
	nsenter --target "$(<"$ENGINE_DIR/$node/pid")" --net --mount --uts -- "$@"
}

docker_on() {
	local node=$1
	shift
	docker --host "unix:///run/swarm/$node/docker" "$@"
}

# api NODE PATH: the answer of its daemon. Docker's command is a large program: to start it takes an emulated processor seconds,
# so what is asked again and again is asked like this.
api() {
	curl --silent --show-error --fail --unix-socket "/run/swarm/$1/docker" "http://docker/$2"
}

# patiently COMMAND...: a virtual machine without the help of a processor is slow.
patiently() {
	local until=$((SECONDS + 300))
	while ((SECONDS < until)); do
		if "$@" >/dev/null 2>&1; then
			return
		fi
		sleep 1
	done
	tail -n 3 "$ENGINE_DIR"/[12]/log
	return 1
}

# tasks_are NUMBER: so many run, each on a node of its own.
tasks_are() {
	[[ $(api 1 tasks | jq '[.[] | select(.Status.State == "running").NodeID] | length, (unique | length)' | xargs) == "$1 $1" ]]
}

# containers_of NODE: the ids of those that run, a line each.
containers_of() {
	api "$1" containers/json | jq -r '.[].Id'
}

# answered_by NODE: who answers at its address, of both.
answered_by() {
	for _ in 1 2 3 4 5 6; do
		on "$1" curl --silent --show-error --max-time 5 "http://10.9.0.$1:8080/"
	done | sort -u
}

none_is_left() {
	[[ $(api 1 'containers/json?all=true')$(api 2 'containers/json?all=true') == "[]"*"[]"* ]]
}

both_answer() {
	[[ $(answered_by 1) == $'node1\nnode2' && $(answered_by 2) == $'node1\nnode2' ]]
}

@test "a service on two nodes: reached at each, whoever of them answers; started again; gone when removed" {
	docker_on 1 swarm init --advertise-addr 10.9.0.1
	docker_on 2 swarm join --token "$(docker_on 1 swarm join-token --quiet worker)" 10.9.0.1:2377
	docker_on 1 service create --detach --no-resolve-image --name web --replicas 2 --replicas-max-per-node 1 --publish 8080:80 \
		--limit-memory 64m --env 'NODE={{.Node.Hostname}}' box sh -c 'mkdir /page; echo $NODE >/page/index.html; exec httpd -f -p 80 -h /page'
	patiently tasks_are 2
	for node in 1 2; do
		id=$(containers_of "$node")
		[[ $(api "$node" "containers/$id/json" | jq -r .HostConfig.Runtime) == husk ]]
		[[ $(docker_on "$node" exec "$id" cat /sys/fs/cgroup/memory.max) == 67108864 ]]
	done
	patiently both_answer
	old=$(containers_of 2)
	docker_on 2 kill "$old"
	started_again() {
		[[ $(containers_of 2) != @("$old"|"") ]]
	}
	patiently started_again
	patiently both_answer
	docker_on 1 service rm web
	patiently none_is_left
}
