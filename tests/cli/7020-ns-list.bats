#!/usr/bin/env bats
# husk ns ls, show and tree.

load helpers

start() {
	coproc TARGET { exec "$HUSK" ns run "$@" -- sh -c 'sleep 1000 & echo ready; wait'; }
	local line
	host=$TARGET_PID
	read -r -t 20 line <&"${TARGET[0]}"
	[[ $line == ready ]]
	target=$(pgrep -P "$host")
}

teardown() {
	if [[ ${target:-} ]]; then
		pkill -KILL -P "$target" || true
		kill -KILL "$target" || true
		wait "$host" || true
	fi
	test_end
}

inode() {
	stat -L -c %i "/proc/$1/ns/$2"
}

@test "A10: every namespace of a process" {
	start --uts --pid
	run husk ns ls "$target"
	expect_status 0
	[[ ${lines[0]} =~ ^NS\ +TYPE\ +NPROCS\ +PID\ +USER ]]
	local kinds=8
	[[ -e /proc/self/ns/time ]] || kinds=7
	[[ ${#lines[@]} -eq $((kinds + 1)) ]]
	[[ $(awk '$2 == "uts" { print $1, $3, $4, $5 }' <<<"$output") == "$(inode "$target" uts) 3 $host root" ]]
	[[ $(awk '$2 == "pid" { print $1, $3, $4, $5 }' <<<"$output") == "$(inode "$target" pid) 2 $target root" ]]
	[[ $(awk '$2 == "net" { print $1 }' <<<"$output") == "$(inode self net)" ]]
	expect_output "sh -c sleep 1000"
}

@test "A10: as JSON" {
	need_program jq
	start --uts --pid
	run husk ns ls --json "$target"
	expect_status 0
	[[ $(jq -r '.namespaces[] | select(.type == "pid") | "\(.ns) \(.nprocs) \(.pid) \(.user) \(.container)"' <<<"$output") == \
		"$(inode "$target" pid) 2 $target root null" ]]
	run husk ns ls -J
	expect_status 0
	[[ $(jq -r '.namespaces | map(.ns) | (. == sort) and (length == (unique | length))' <<<"$output") == true ]]
	jq -e --argjson ns "$(inode "$target" uts)" '.namespaces | any(.ns == $ns)' <<<"$output"
	jq -e --argjson ns "$(inode self uts)" '.namespaces | any(.ns == $ns)' <<<"$output"
}

@test "A10: the same as lsns shows" {
	need_program lsns
	start --uts --pid --net
	local ours theirs
	ours=$(husk ns ls -n | awk '{ print $1, $2 }' | sort)
	theirs=$(lsns -n -o NS,TYPE | awk '{ print $1, $2 }' | sort)
	[[ $ours == "$theirs" ]]
}

@test "A10: by type, without headings" {
	start --uts
	run husk ns ls --type uts --noheadings
	expect_status 0
	[[ $(awk '{ print $2 }' <<<"$output" | sort -u) == uts && ${#lines[@]} -ge 2 ]]
	run husk ns ls -n -t mnt -t net
	expect_status 0
	[[ $(awk '{ print $2 }' <<<"$output" | sort -u) == $'mnt\nnet' ]]
	run husk ns ls --type wrong
	expect_status 1
	expect_output '--type: "wrong" is not mnt'
}

@test "A10: kept namespaces and where they are" {
	local at=$BATS_TEST_TMPDIR/kept
	husk ns run --net="$at" -- true
	run husk ns ls --persistent --noheadings
	local number
	number=$(stat -c %i "$at")
	umount "$at"
	expect_status 0
	[[ ${#lines[@]} -eq 1 && $(awk '{ print $1, $2, $3 }' <<<"$output") == "$number net 0" ]]
	expect_output "$at"
}

@test "A10: where a namespace is kept that has processes, as JSON" {
	need_program jq
	local at=$BATS_TEST_TMPDIR/kept
	touch "$at"
	mount --bind /proc/self/ns/net "$at"
	run husk ns ls --json
	umount "$at"
	expect_status 0
	jq -e --argjson ns "$(inode self net)" --arg at "$at" '.namespaces[] | select(.ns == $ns) |
		.nprocs > 0 and .path == $at' <<<"$output"
}

@test "A10: show compares with the host" {
	start --uts --net --fork
	run husk ns show "$target"
	expect_status 0
	[[ ${#lines[@]} -eq 8 ]]
	[[ $(awk '$3 == "own" { print $1, $2 }' <<<"$output" | sort) == \
		"net $(inode "$target" net)"$'\n'"uts $(inode "$target" uts)" ]]
	[[ $(grep -c 'shared with the host' <<<"$output") -eq $((8 - 2 - $(grep -c none <<<"$output"))) ]]
}

@test "A10: an ordinary user sees his own" {
	run as_user "$HUSK" ns ls
	expect_status 0
	[[ $(awk '$2 == "uts" { print $1 }' <<<"$output") == "$(inode self uts)" ]]
	run as_user "$HUSK" ns ls 1
	expect_status 1
	expect_output "permission denied"
	# shellcheck disable=SC2016 # for the inner shell
	run as_user sh -c '"$0" ns show $$' "$HUSK"
	expect_status 0
	[[ $(grep -c 'shared with the caller' <<<"$output") -ge 6 ]]
}

@test "A11: both pids of every process" {
	start --pid
	local inner
	inner=$(pgrep -P "$target")
	run husk ns tree "$target"
	expect_status 0
	[[ ${lines[0]} =~ ^PID\ +INNER\ +COMMAND ]]
	[[ $(awk 'NR == 2 { print $1, $2, $3 }' <<<"$output") == "$target 1 sh" ]]
	[[ $(awk 'NR == 3 { print $1, $2 }' <<<"$output") == "$inner 2" ]]
	expect_output "sleep 1000"
	[[ ${#lines[@]} -eq 3 ]]
}

@test "A11: a process that came in later is in the tree" {
	start --pid
	mkfifo "$BATS_TEST_TMPDIR/ready"
	"$HUSK" ns enter "$target" --pid -- sh -c 'echo ready; exec sleep 2000' >"$BATS_TEST_TMPDIR/ready" &
	local later=$!
	read -r -t 20 _ <"$BATS_TEST_TMPDIR/ready"
	run husk ns tree "$target"
	pkill -KILL -P "$later"
	wait "$later" || true
	expect_status 0
	expect_output "sleep 2000"
}

@test "A11: all processes" {
	run husk ns tree
	expect_status 0
	[[ ${lines[1]} =~ ^1\ +- ]]
	expect_output " ns tree"
}

@test "wrong targets are one sentence" {
	for command in ls show tree; do
		run husk ns "$command" 4194305
		expect_status 1
		expect_output "no such process: 4194305"
		[[ ${#lines[@]} -eq 1 ]]
		run husk ns "$command" no-such-container
		expect_status 1
		expect_output "no such process or container: no-such-container"
		[[ ${#lines[@]} -eq 1 ]]
		run husk ns "$command" 1:7
		expect_status 1
		expect_output "no such process or container: 1:7"
	done
}

@test "looking makes no directories" {
	local before
	before=$(find "$HUSK_ROOT" "$HUSK_STATE" | sort)
	husk ns ls >/dev/null
	run husk ns show no-such-container
	[[ $(find "$HUSK_ROOT" "$HUSK_STATE" | sort) == "$before" ]]
}
