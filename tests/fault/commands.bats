# The fault sweep over what is done to a container that is there, over a terminal, and over the first use of an image.
# shellcheck disable=SC2034,SC2154 # the sweep reads keeps and repeated; bats sets status
load sweep

# A container that is not about to end by itself, for stop and kill.
box_begun() {
	husk run -d --init --name box --rootfs "$ROOTFS" --net none -- sleep 1000 >id
}

# Whoever says that it is done has done it.
box_stopped() {
	((status > 0)) || has_ended box || complain "success, and the container runs"
	husk rm -f box >/dev/null 2>err || complain "then husk rm -f box fails"
}

box_killed() {
	((status > 0)) || eventually has_ended box || complain "success, and the container runs"
	husk rm -f box >/dev/null 2>err || complain "then husk rm -f box fails"
}

# The one that wait and logs are about has ended, and of it nothing may change.
box_spoken() {
	husk run -d --name box --rootfs "$ROOTFS" --net none -- sh -c 'echo one; echo two; exit 7' >id
	eventually has_ended box
	husk inspect box >as_it_was
	keeps=$(cat id)
}

# An answer is the whole answer.
answer_is() {
	((status > 0)) || [[ $(cat out) == "$1" ]] || complain "success with the answer \"$(cat out)\""
	[[ $(husk inspect box) == "$(cat as_it_was)" ]] || complain "another state"
}

waited() {
	answer_is 7
}

told() {
	answer_is $'one\ntwo'
}

run_terminal() {
	sweep "$1" nothing nothing run --rm -t --rootfs "$ROOTFS" --net none -- true
}

stop_box() {
	sweep "$1" box_begun box_stopped stop box
}

kill_box() {
	sweep "$1" box_begun box_killed kill box
}

# What wait is about ends while it waits.
box_about_to_end() {
	husk run -d --name box --rootfs "$ROOTFS" --net none -- sh -c 'sleep 0.2; exit 7' >id
}

box_waited_for() {
	((status > 0)) || [[ $(cat out) == 7 ]] || complain "success with the answer \"$(cat out)\""
	husk rm -f box >/dev/null 2>err || complain "then husk rm -f box fails"
}

wait_for_the_end() {
	sweep "$1" box_about_to_end box_waited_for wait box
}

# asked COUNT RESTORE COMMAND...
asked() {
	local is_well=0
	box_spoken
	sweep "$1" nothing "${@:2}" || is_well=1
	husk rm -f box >/dev/null
	return "$is_well"
}

first_use() {
	store_removed
	husk run --rm --net none busybox true
	store >whole
	repeated='husk-image (linkat|openat2) '
	sweep "$1" store_removed image_whole run --rm --net none busybox true
}

@test "run -t: a sample" {
	run_terminal 20
}

# bats test_tags=long
@test "run -t: every call" {
	run_terminal all
}

@test "stop: a sample" {
	stop_box 15
}

# bats test_tags=long
@test "stop: every call" {
	stop_box all
}

@test "kill: a sample" {
	kill_box 15
}

# bats test_tags=long
@test "kill: every call" {
	kill_box all
}

@test "wait: a sample" {
	asked 10 waited wait box
}

# bats test_tags=long
@test "wait: every call" {
	asked all waited wait box
}

@test "wait for one that runs: a sample" {
	wait_for_the_end 10
}

# bats test_tags=long
@test "wait for one that runs: every call" {
	wait_for_the_end all
}

@test "logs: a sample" {
	asked 10 told logs box
}

# bats test_tags=long
@test "logs: every call" {
	asked all told logs box
}

@test "the first use of an image: a sample" {
	first_use 20
}

# bats test_tags=long
@test "the first use of an image: every call" {
	first_use all
}

# Found by the sweep: stop had no fd left for its pidfd and said that it was done.
@test "a process that cannot be looked at is not taken for one that has ended" {
	local words='open the first process of container'
	husk run -d --name box --rootfs "$ROOTFS" --net none -- sleep 1000 >id
	for command in "stop box" "kill box" "wait box" "exec box true" "rm -f box"; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr "$BATS_FILE_TMPDIR/refuse" pidfd_open:EMFILE -- timeout 20 "$HUSK" $command
		# shellcheck disable=SC2154 # bats sets it
		[[ $status -ne 0 && $stderr == *"$words"*"Too many open files" && $stderr != *$'\n'* ]] || {
			echo "husk $command: status $status, $output, $stderr"
			return 1
		}
		running box
	done
	husk rm -f box
}
