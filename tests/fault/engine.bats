# The fault sweep over what makes and removes: run -d and in the foreground, start, rm, exec, networks.
# shellcheck disable=SC2034,SC2154 # the sweep reads keeps; bats sets status
load sweep

# The container that start and exec are about.
box_ended() {
	husk run -d --name box --rootfs "$ROOTFS" -p 8081:80 -- sleep 100 >id
	husk kill box >id
}

box_removed() {
	husk rm -f box >/dev/null 2>err || complain "then husk rm -f box fails"
}

# The one that exec is about is there all the time, and of it nothing may change.
box_runs() {
	running box || complain "the container does not run any more"
	[[ $(pgrep --ns "$(pid_of box)" --nslist pid -c "") -eq 1 ]] || complain "something still runs in the container"
}

# With what the kernel has of a network that was used.
network_used() {
	husk network create --subnet 10.99.0.0/24 net1 >id
	husk run --rm --rootfs "$ROOTFS" --net net1 -- true
}

network_removed() {
	if husk network ls | grep -qw net1; then
		husk network rm net1 >/dev/null 2>err || complain "then husk network rm fails"
	fi
	# Half a record of who was killed goes with the next network that is made.
	husk network create --subnet 10.98.0.0/24 net2 >/dev/null && husk network rm net2 >/dev/null
	[[ $(find "$HUSK_ROOT/networks" -type f | sort) == "$(cat networks)" ]] || complain "files: $(find "$HUSK_ROOT/networks" -type f)"
}

run_foreground() {
	sweep "$1" nothing nothing run --rm --rootfs "$ROOTFS" -p 8081:80 -- true
}

run_detached() {
	sweep "$1" nothing nothing run -d --name box --rootfs "$ROOTFS" -p 8081:80 -- sleep 100
}

run_with_everything() {
	sweep "$1" nothing nothing run -d -t --init --name box --rootfs "$ROOTFS" --net none -m 64m --cpus 0.5 --pids-limit 50 \
		-v /usr:/a:ro --tmpfs /b -u alice -w /tmp --read-only --ulimit nofile=100 -- sleep 100
}

start_again() {
	sweep "$1" box_ended box_removed start box
}

remove() {
	sweep "$1" box_ended nothing rm -f box
}

execute() {
	keeps=$(husk run -d --name box --rootfs "$ROOTFS" --net none -- sleep 1000)
	local is_well=0
	sweep "$1" nothing box_runs exec box true || is_well=1
	husk rm -f box >/dev/null
	return "$is_well"
}

network_create() {
	find "$HUSK_ROOT/networks" -type f | sort >networks
	sweep "$1" nothing network_removed network create --subnet 10.99.0.0/24 net1
}

network_remove() {
	find "$HUSK_ROOT/networks" -type f | sort >networks
	sweep "$1" network_used network_removed network rm net1
}

@test "run --rm: a sample" {
	run_foreground 40
}

# bats test_tags=long
@test "run --rm: every call" {
	run_foreground all
}

@test "run -d: a sample" {
	run_detached 40
}

# bats test_tags=long
@test "run -d: every call" {
	run_detached all
}

@test "run -d -t with many options: a sample" {
	run_with_everything 25
}

# bats test_tags=long
@test "run -d -t with many options: every call" {
	run_with_everything all
}

@test "start: a sample" {
	start_again 30
}

# bats test_tags=long
@test "start: every call" {
	start_again all
}

@test "rm: a sample" {
	remove 30
}

# bats test_tags=long
@test "rm: every call" {
	remove all
}

@test "exec: a sample" {
	execute 25
}

# bats test_tags=long
@test "exec: every call" {
	execute all
}

@test "network create: a sample" {
	network_create 10
}

# bats test_tags=long
@test "network create: every call" {
	network_create all
}

@test "network rm: a sample" {
	network_remove 10
}

# bats test_tags=long
@test "network rm: every call" {
	network_remove all
}

# Found by the sweep: the empty cgroups of the instance were left. LATER stands for a loaded machine: the monitor has been
# executed, so the lock of the command is free, and it has heard nothing yet.
@test "run -d killed, and its monitor ends after the next command has begun" {
	"$BATS_FILE_TMPDIR/refuse" chdir:LATER -- "$HUSK" run -d --name box --rootfs "$ROOTFS" --net none -- sleep 1000 >out 2>err &
	eventually pgrep -x husk-monitor
	kill -KILL "$(pgrep -x husk)"
	wait
	husk ps -aq >listed
	[[ ! -s listed ]]
}

# Found by the sweep: the command had not run, and its exit code was 1. The message that it cannot send is SYNC_CHILD, which
# begins with a byte 3.
@test "exec: the process that joins the namespaces dies: that is said" {
	husk run -d --name box --rootfs "$ROOTFS" --net none -- sleep 1000 >id
	for error in ENOSPC KILL; do
		run --separate-stderr "$BATS_FILE_TMPDIR/refuse" $'sendmsg~\3:'"$error" -- "$HUSK" exec box true
		words='send "child": No space left on device'
		[[ $error != KILL ]] || words="init ended before it executed the command"
		[[ $status -ge 125 && $stderr == "husk: "*"$words" && $stderr != *$'\n'* ]] || {
			echo "$error: status $status, $stderr"
			return 1
		}
	done
	husk rm -f box
}

# Found by the sweep: the monitor could not leave its cgroup at its end, and the empty group of the instance stayed. Its way
# home are the calls before it becomes husk again.
@test "the monitor's way home is refused once: it tries again" {
	local home
	sweep 0 nothing nothing run -d --name box --rootfs "$ROOTFS" --net none -- sleep 100
	command=(run -d --name box --rootfs "$ROOTFS" --net none -- sleep 100)
	prepare=nothing restore=nothing
	home=$(grep -n 'husk-monitor execve .*/husk$' calls | tail -n 1 | cut -d : -f 1)
	for before in {1..9}; do
		inject "$((home - before)):ENOSPC"
	done
	[[ ! -s bad ]] || {
		cat bad
		return 1
	}
}
