# Terminals: the caller's cannot be typed into, one's own is one's own.

load ../cli/helpers
load root

setup_file() {
	make_root
}

# in_terminal COMMAND: below a terminal of its own, as from an interactive shell.
in_terminal() {
	script -qec "$1" /dev/null </dev/null | tr -d '\r'
}

@test "TIOCSTI fails on what run without -t hands over" {
	local seen
	seen=$(in_terminal "'$HUSK' run --rm --net none --rootfs '$ROOT' -- /bin/probe push")
	echo "$seen"
	[[ $seen == *"/dev/tty ENXIO"* ]]
	[[ $(grep -cE '^[012] TIOC' <<<"$seen") -eq 12 && -z $(grep -E '^[012] TIOC[^ ]* ok' <<<"$seen") ]]
}

@test "TIOCSTI fails on what run -i hands over, and on exec" {
	local seen
	seen=$(in_terminal "'$HUSK' run --rm --net none --rootfs '$ROOT' -i -- /bin/probe push")
	echo "$seen"
	[[ $seen == *"/dev/tty ENXIO"* && -z $(grep -E 'TIOC[^ ]* ok' <<<"$seen") ]]
	start_sleeper one
	seen=$(in_terminal "'$HUSK' exec -i one /bin/probe push")
	husk rm -f one
	echo "$seen"
	[[ $seen == *"/dev/tty ENXIO"* && -z $(grep -E 'TIOC[^ ]* ok' <<<"$seen") ]]
}

# A privileged container has no filter; that it has no controlling terminal is what keeps it from typing.
@test "the caller's shell reads nothing that a container without -t has typed" {
	local seen
	cat >"$BATS_TEST_TMPDIR/shell" <<-END
		'$HUSK' run --rm --net none --rootfs '$ROOT' -- /bin/probe push >/dev/null
		'$HUSK' run --rm --net none --rootfs '$ROOT' --cap-add SYS_ADMIN -- /bin/probe push >/dev/null
		IFS= read -r -t 1 -n 1 typed && echo "typed: [\$typed]"
		echo shell done
	END
	seen=$({ sleep 3; } | script -qec "bash '$BATS_TEST_TMPDIR/shell'" /dev/null | tr -d '\r')
	echo "$seen"
	[[ $seen == *"shell done"* && $seen != *"typed:"* ]]
}

@test "run -t has a terminal of its own, from its own devpts" {
	local seen
	seen=$(in_terminal "'$HUSK' run --rm --net none --rootfs '$ROOT' -t -- /bin/sh -c 'tty; ls /dev/pts; probe ids devices mounts'")
	echo "$seen"
	[[ $seen == *"/dev/pts/0"* ]]
	grep -qE '^/dev/console 0206[0-9]{2} 136:0 0:' <<<"$seen"
	grep -qE '^/dev/pts/0 02062[0-9] 136:0 0:5' <<<"$seen"
	grep -qx 'pid 1 sid 1 pgid 1' <<<"$seen"
	# Two nodes, ptmx and 0, whatever terminals the host has.
	[[ $(grep -cE '^/dev/pts/' <<<"$seen") -ge 2 && -z $(grep -E '^/dev/pts/[1-9]' <<<"$seen") ]]
}

@test "exec -t has a terminal of the container's devpts" {
	local seen
	start_sleeper one
	seen=$(in_terminal "'$HUSK' exec -t one /bin/sh -c 'tty; exec 3<>/dev/tty && echo opened'")
	husk rm -f one
	echo "$seen"
	[[ $seen == *"/dev/pts/0"*opened* ]]
}

# The pty's window size and the byte pushed would be the next input of whoever reads that terminal: nobody but inside.
@test "TIOCSTI is refused on one's own terminal, too" {
	local seen
	seen=$(in_terminal "'$HUSK' run --rm --net none --rootfs '$ROOT' -t -- /bin/probe push")
	echo "$seen"
	[[ $seen == *TIOCSTI* && -z $(grep -E 'TIOC[^ ]* ok' <<<"$seen") ]]
}

@test "run -t as an ordinary user may open /dev/tty, stdout and the console" {
	local seen
	seen=$(in_terminal "'$HUSK' run --rm --net none --rootfs '$ROOT' -t -u 1000 -- /bin/sh -c 'echo a >/dev/tty; echo b >/dev/stdout; echo c >/dev/stderr'")
	echo "$seen"
	[[ $seen == *a*b*c* ]]
}
