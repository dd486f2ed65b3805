#!/usr/bin/env bats
# husk ns with containers: their names as targets and in the list.

load helpers

setup_file() {
	make_image
}

# Starts container web; $target is its first process.
start() {
	background --name web -- sh -c 'sleep 1000 & wait' >/dev/null
	target=$(pid_of web)
}

teardown() {
	husk rm -f web >/dev/null 2>&1 || true
	test_end
}

inode() {
	stat -L -c %i "/proc/$1/ns/$2"
}

@test "A9: the namespaces of a container" {
	start
	run husk ns enter web --net --uts -- readlink /proc/self/ns/net /proc/self/ns/uts /proc/self/ns/mnt
	expect_status 0
	[[ $output == "net:[$(inode "$target" net)]"$'\n'"uts:[$(inode "$target" uts)]"$'\n'"mnt:[$(inode self mnt)]" ]]
	# shellcheck disable=SC2016 # for the inner shell
	run husk ns enter web --all -- sh -c 'echo $$; ls /home; exit 7'
	expect_status 7
	[[ ${lines[0]} -gt 1 && ${lines[1]} == alice ]]
}

@test "A9: by the id; not when it has ended" {
	start
	local id
	id=$(field web .Id)
	run husk ns enter "$id" --uts -- readlink /proc/self/ns/uts
	expect_status 0
	[[ $output == "uts:[$(inode "$target" uts)]" ]]
	husk kill web >/dev/null
	eventually has_ended web
	run husk ns enter web --uts -- true
	expect_status 125
	expect_output "container web is not running"
	run husk ns enter webb --uts -- true
	expect_status 125
	expect_output "no such process, namespace file or container: webb"
}

@test "A10: the list has the container's name beside its own namespaces" {
	need_program jq
	start
	run husk ns ls --json
	expect_status 0
	local own
	own=$(jq -r '.namespaces[] | select(.container == "web") | "\(.type) \(.ns)"' <<<"$output" | sort)
	for kind in mnt uts ipc pid net; do
		grep -qx "$kind $(inode "$target" "$kind")" <<<"$own"
	done
	run husk ns ls web
	expect_status 0
	[[ $(awk '$2 == "pid" { print $1, $3, $4, $6 }' <<<"$output") == "$(inode "$target" pid) 2 $target web" ]]
	[[ $(awk '$2 == "user" { print $6 }' <<<"$output") == - ]]
}

@test "A10: show tells what it shares" {
	start
	run husk ns show web
	expect_status 0
	[[ ${#lines[@]} -eq 8 ]]
	for kind in mnt uts ipc pid net; do
		grep -qE "^$kind +$(inode "$target" "$kind") +own$" <<<"$output"
	done
	grep -qE "^user +$(inode 1 user) +shared with the host$" <<<"$output"
}

@test "A11: its tree has both pids, also of what came by exec" {
	start
	husk exec web sleep 2000 &
	local process=$!
	eventually sh -c '"$0" ns tree web | grep -q "sleep 2000"' "$HUSK"
	run husk ns tree web
	husk kill web >/dev/null
	wait "$process" || true
	expect_status 0
	[[ $(awk 'NR == 2 { print $1, $2, $3 }' <<<"$output") == "$target 1 sh" ]]
	[[ ${#lines[@]} -eq 4 ]]
	expect_output "sleep 1000"
}
