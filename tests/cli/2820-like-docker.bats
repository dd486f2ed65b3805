# What scripts that were written for docker rely on: filters of ps, exit codes, what is printed for nothing.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load helpers

setup_file() {
	make_image
	# The image is unpacked at its first use and stays.
	husk run --rm --net none busybox true
	husk run --rm --rootfs "$ROOTFS" --net bridge -- true
}

teardown() {
	husk ps -aq | xargs -r "$HUSK" rm -f >/dev/null 2>&1
	test_end
}

# listed NAMES OPTION...: these containers are listed, the newest first.
listed() {
	local expected=$1
	shift
	run --separate-stderr husk ps --format '{{.Names}}' "$@"
	[[ $status -eq 0 && ${output//$'\n'/ } == "$expected" && -z $stderr ]] || {
		printf 'husk ps %s: status %s, expected "%s", found "%s" "%s"\n' "$*" "$status" "$expected" "$output" "$stderr"
		return 1
	}
}

make_four() {
	background --name web1 -l tier=front -l app=shop -- sleep 100
	background --name web2 -l tier=front -l draft -- sleep 100
	background --name db -l tier=back --rm -- sleep 100
	husk run -d --name over --net none busybox sh -c 'exit 3'
	husk wait over
}

@test "ps -f name: a regular expression anywhere, with or without a slash" {
	make_four
	listed "web2 web1" -f name=web
	listed web1 -f name=1
	listed db -f name=^db$
	listed db -f 'name=^/db$'
	listed "db web1" -f name=b1 -f name=^d
	listed "web2 web1" --filter 'name=web[12]'
	listed "" -f name=over
	listed over -a -f name=over
	expect_failure ps -f 'name=['
	[[ $stderr == *"regular expression"* ]]
}

@test "ps -f status, id, label, ancestor, and several at once" {
	local id
	make_four
	listed over -f status=exited
	listed "db web2 web1" -f status=running
	listed "over db web2 web1" -f status=running -f status=exited
	listed "" -f status=paused
	id=$(field web2 .Id)
	listed web2 -f "id=$id"
	listed web2 -f "id=${id:0:12}"
	listed "web2 web1" -f label=tier=front
	listed web2 -f label=draft
	listed web2 -f label=draft=
	listed "" -f label=tier=fron
	listed "" -f label=tie
	listed "db web2 web1" -f label=tier
	listed web1 -f label=tier=front -f label=app=shop
	listed "" -f label=tier=front -f label=tier=back
	listed web2 -f label=tier -f name=2
	listed over -a -f ancestor=busybox
	listed over -a -f ancestor=busybox:latest
	listed over -a -f "ancestor=$(husk images -q)"
	listed "db web2 web1" -f "ancestor=$ROOTFS"
	listed "" -a -f ancestor=nosuch
	expect_failure ps -f status=sleeping
	[[ $stderr == *sleeping*exited* ]]
	expect_failure ps -f nosuch=1
	[[ $stderr == *nosuch*ancestor* ]]
	expect_failure ps -f web
	run husk ps -qf status=exited
	[[ $output == "$(field over .Id | head -c 12)" ]]
}

@test "ps: line breaks and tabs of a command are \\n and \\t" {
	background --name lines -- sh -c $'\n\tsleep 100'
	husk ps | grep -F $'"sh -c \'\\n\\tsleep 100\'"'
	husk rm -f lines
}

@test "ps: words of a command with blanks are in quotes, and quotes in it are escaped" {
	background --name quoted -- sh -c 'exec sleep 100' '"a\b"'
	[[ $(husk ps --no-trunc --format '{{.Command}}') == "\"sh -c 'exec sleep 100' \\\"a\\\\b\\\"\"" ]]
	husk ps --no-trunc | grep -F "\"sh -c 'exec sleep 100' \\\"a\\\\b\\\"\""
	husk ps | grep -F "\"sh -c 'exec sleep 1…\""
	husk rm -f quoted
}

@test "ps -l and -n: those that were created last, in any state" {
	make_four
	listed over -l
	listed "over db" -n 2
	listed "over db" -n2
	listed "over db web2 web1" -n 9
	listed "db web2 web1" -n 0
	listed "db web2 web1" -n -1
	listed "web2" -l -f name=web
	listed "web2 web1" --last 5 -f label=tier=front
	expect_refusal ps -n x
}

@test "ps: a command is cut between letters, and --no-trunc has all of it" {
	local words long
	words=$(printf 'ü%.0s' {1..30})
	long=$(printf 'x%.0s' {1..200})
	background --name letters -- echo 1234 "$words"
	[[ $(husk ps -a --format '{{.Command}}' | iconv -f UTF-8 -t UTF-8) == "\"echo 1234 üüüüüüüüü…\"" ]]
	[[ $(husk ps -a --no-trunc --format '{{.Command}}') == "\"echo 1234 $words\"" ]]
	husk rm -f letters
	words=$(printf '日%.0s' {1..30})
	background --name letters -- echo 1234 "$words"
	[[ $(husk ps -a | iconv -f UTF-8 -t UTF-8) == *"\"echo 1234 日日日日日日日日日…\""* ]]
	husk rm -f letters
	background --name letters -- echo 1234 12345678901
	[[ $(husk ps -a --format '{{.Command}}') == "\"echo 1234 123456789…\"" ]]
	husk rm -f letters
	background --name letters -- echo 1234 1234567890
	[[ $(husk ps -a --format '{{.Command}}') == "\"echo 1234 1234567890\"" ]]
	husk rm -f letters
	background --name letters -- echo 1234 "$long"
	[[ $(husk ps -a --no-trunc) == *"\"echo 1234 $long\""* ]]
	[[ $(husk ps -a) == *"\"echo 1234 xxxxxxxxx…\""* ]]
}

@test "exit codes: 125 for words that make no command, 1 for what cannot be over" {
	local command
	for command in exec logs start stop kill rm wait inspect diff; do
		run --separate-stderr husk "$command" nosuch true
		if [[ $command == diff || $command == logs ]]; then
			run --separate-stderr husk "$command" nosuch
		fi
		[[ $status -eq 1 && $stderr == *"no such container: nosuch"* ]] || {
			echo "$command: $status $stderr"
			return 1
		}
		run --separate-stderr husk "$command" --nosuch
		[[ $status -eq 125 && $stderr == *"unknown flag"* ]]
	done
	run --separate-stderr husk network create bridge
	[[ $status -eq 1 && $stderr == *"already exists"* ]]
	run --separate-stderr husk network create --subnet nonsense net
	[[ $status -eq 1 ]]
	run --separate-stderr husk network rm nosuch
	[[ $status -eq 1 ]]
	run --separate-stderr husk run --rm --rootfs "$ROOTFS" --net nosuch -- true
	[[ $status -eq 125 ]]
	background --name box -- sleep 100
	run -126 husk exec box /tmp
	run -127 husk exec box nosuch
	run husk exec box sh -c 'exit 125'
	[[ $status -eq 125 ]]
	husk kill box
	expect_failure exec box true
	[[ $stderr == *"not running"* ]]
}

@test "inspect of nothing is an empty list" {
	run --separate-stderr husk inspect nosuch
	[[ $status -eq 1 && $output == "[]" && $stderr == "husk: "*nosuch* ]]
	run --separate-stderr husk network inspect nosuch nosuch2
	[[ $status -eq 1 && $output == "[]" ]]
}

@test "an image that does not say when it was made" {
	local config
	config=$HUSK_ROOT/content/sha256/$(husk images -q --no-trunc)
	cp "$config" "$BATS_TEST_TMPDIR/config"
	jq -c 'del(.created)' "$BATS_TEST_TMPDIR/config" >"$config"
	run husk images --format '{{.CreatedSince}}'
	cp "$BATS_TEST_TMPDIR/config" "$config"
	[[ $status -eq 0 && $output == N/A ]]
	[[ $(husk images --format '{{.CreatedSince}}') == *" ago" ]]
}

@test "completion knows the options of ps and rm" {
	local shell
	for shell in bash zsh fish; do
		run husk completion "$shell"
		[[ $output == *filter* && $output == *latest* && $output == *volumes* ]]
	done
}
