# Help, version and completion: what every command has.
load helpers

# Names of the commands, from the first help.
commands() {
	husk --help | awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on && /^  [a-z]/ { print $1 }'
}

@test "help lists the commands, and each has a help" {
	run commands
	[[ ${#lines[@]} -ge 15 ]]
	for name in "${lines[@]}"; do
		run --separate-stderr husk "$name" --help
		expect_status 0
		[[ ${lines[0]} == "Usage: husk $name"* && -z $stderr ]]
	done
}

@test "help of a group's commands" {
	for group in network ns; do
		husk "$group" --help | awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }' >"$BATS_TEST_TMPDIR/names"
		[[ -s $BATS_TEST_TMPDIR/names ]]
		while read -r name; do
			run husk "$group" "$name" --help
			expect_status 0
			expect_output "Usage: husk $group $name"
		done <"$BATS_TEST_TMPDIR/names"
	done
}

@test "help without anything, and of nothing" {
	run --separate-stderr husk
	[[ $output$stderr == *"Usage: husk"* ]]
	expect_refusal nosuch
	[[ $stderr == *nosuch* ]]
	expect_refusal network nosuch
}

@test "every option of run does not fall through as unknown" {
	husk run --help | grep -oE '^ +(-., )?--[a-z-]+' | grep -oE -- '--[a-z-]+' >"$BATS_TEST_TMPDIR/options"
	for option in --cap-add --cap-drop --cpus --cpuset-cpus --detach --entrypoint --env --env-file --hostname --init \
		--interactive --label --memory --name --network --no-pivot --pids-limit --privileged --publish --read-only --rm \
		--rootfs --security-opt --stop-signal --tmpfs --tty --ulimit --user --volume --workdir; do
		grep -qxe "$option" "$BATS_TEST_TMPDIR/options" || {
			echo "$option is not in the help"
			return 1
		}
	done
}

@test "version" {
	run husk version
	expect_status 0
	[[ $output =~ [0-9]+\.[0-9]+ ]]
	run husk --version
	expect_status 0
	[[ $output =~ [0-9]+\.[0-9]+ ]]
}

@test "info" {
	run husk info
	expect_status 0
	expect_output "$HUSK_ROOT"
}

@test "completion for each shell is what the shell accepts" {
	for shell in bash zsh fish; do
		run --separate-stderr husk completion "$shell"
		expect_status 0
		[[ -n $output && -z $stderr ]]
		printf '%s\n' "$output" >"$BATS_TEST_TMPDIR/$shell"
		for word in run exec inspect; do
			grep -qw "$word" "$BATS_TEST_TMPDIR/$shell"
		done
		if command -v "$shell" >/dev/null; then
			"$shell" -n "$BATS_TEST_TMPDIR/$shell"
		fi
	done
	expect_failure completion nosuchshell
}

@test "completion of bash proposes commands and options" {
	husk completion bash >"$BATS_TEST_TMPDIR/completion"
	run bash -c 'source "$1"
		function=$(complete -p husk | sed "s/.*-F \([^ ]*\).*/\1/")
		COMP_WORDS=(husk ins) COMP_CWORD=1 COMP_LINE="husk ins" COMP_POINT=8
		"$function" husk ins husk
		printf "%s\n" "${COMPREPLY[@]}"' bash "$BATS_TEST_TMPDIR/completion"
	expect_output inspect
}

@test "a reader that has had enough is no error" {
	# The reader is gone before the first byte.
	run --separate-stderr bash -c 'exec 3> >(:); wait $!; "$HUSK" --help >&3'
	[[ $status -eq 0 && $stderr == "" ]]
	run --separate-stderr bash -c 'exec 3> >(:); wait $!; "$HUSK" ps >&3'
	[[ $status -eq 0 && $stderr == "" ]]
}

@test "a message is one write, so that those of parallel commands do not mix" {
	need_program strace
	run --separate-stderr strace -e trace=write,writev -o "$BATS_TEST_TMPDIR/writes" "$HUSK" run "$(printf 'X%.0s' {1..200})"
	[[ $status -eq 125 && ${#stderr} -gt 200 ]]
	cat "$BATS_TEST_TMPDIR/writes"
	[[ $(grep -c '^writev\?(2' "$BATS_TEST_TMPDIR/writes") == 1 ]]
}

@test "husk run takes no abbreviations, as docker: --pid is not --pids-limit" {
	run --separate-stderr husk run --pid host busybox true
	[[ $status -eq 125 && $stderr == "husk run: unknown flag: --pid"* ]]
}

@test "output that cannot be written is an error" {
	run bash -c '"$HUSK" --help >/dev/full'
	[[ $status -ne 0 ]]
	run bash -c '"$HUSK" ps >/dev/full'
	[[ $status -ne 0 ]]
}

@test "a command of docker's that is to come is not taken for a misspelt one" {
	local command
	for command in top restart stats commit; do
		run -125 --separate-stderr husk $command
		[[ $stderr == "husk: $command is planned and not there yet" ]]
	done
	run -125 --separate-stderr husk rnu
	[[ $stderr == "husk: unknown command: rnu; did you mean run?" ]]
}
