# A user who is not root, with subordinate ids, for the files here that need one. Begins after  load ../cli/helpers.
# shellcheck shell=bash

TESTER=4242

# For setup_file, in this test host alone: the user "tester" with its group, home and 65536 further ids from 200000 on.
make_tester() {
	need_root
	need_program newuidmap
	need_program setpriv
	local file
	export TESTER_HOME=$BATS_FILE_TMPDIR/home
	for file in passwd group subuid subgid; do
		cp "/etc/$file" "$BATS_FILE_TMPDIR/$file"
	done
	echo "tester:x:$TESTER:$TESTER::$TESTER_HOME:/bin/sh" >>"$BATS_FILE_TMPDIR/passwd"
	echo "tester:x:$TESTER:" >>"$BATS_FILE_TMPDIR/group"
	echo "tester:200000:65536" | tee -a "$BATS_FILE_TMPDIR/subuid" >>"$BATS_FILE_TMPDIR/subgid"
	for file in passwd group subuid subgid; do
		mount --bind "$BATS_FILE_TMPDIR/$file" "/etc/$file"
	done
	mkdir -m 700 "$TESTER_HOME" /run/tester # podman refuses long names of the second
	chown "$TESTER:$TESTER" "$TESTER_HOME" /run/tester
	way_for_all "$BATS_FILE_TMPDIR"
}

# way_for_all DIR: everybody may pass through the directories above it.
way_for_all() {
	local at=$1
	while [[ $at ]]; do
		chmod go+x "$at"
		at=${at%/*}
	done
}

# For teardown_file.
end_tester() {
	umount /etc/passwd /etc/group /etc/subuid /etc/subgid
}

as_tester() {
	setpriv --reuid "$TESTER" --regid "$TESTER" --groups 4243 -- env HOME="$TESTER_HOME" USER=tester LOGNAME=tester \
		XDG_RUNTIME_DIR=/run/tester "$@"
}
