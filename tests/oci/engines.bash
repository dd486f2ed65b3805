# What the files about engines share. Begins after  load ../cli/helpers  and  load bundle.
# shellcheck shell=bash

# For setup_file: $ENGINE_DIR on a disk (an overlay cannot lie on an overlay), and a root of busybox in $ENGINE_DIR/rootfs.
make_engine_dir() {
	export RUNTIME=${HUSK%/*}/husk-runtime
	ENGINE_DIR=$(mktemp -d "$HUSK_TEST_DIR/engine.XXXXXX")
	export ENGINE_DIR
	make_rootfs "$ENGINE_DIR/rootfs"
	mkdir -p "$ENGINE_DIR"/rootfs/{proc,sys,dev}
}

# daemon LOG READY-COMMAND -- COMMAND...: in the background until end_daemon.
daemon() {
	local log=$1 ready=$2
	shift 3
	whole "$@" >"$log" 2>&1 3>&- &
	echo $! >"$ENGINE_DIR/daemon.pid"
	for _ in {1..300}; do
		$ready >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	tail -n 5 "$log"
	return 1
}

end_daemon() {
	local pid
	pid=$(<"$ENGINE_DIR/daemon.pid")
	kill "$pid"
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.05
	done
}
