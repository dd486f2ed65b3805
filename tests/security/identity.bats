# Who a process is: numbers are exactly themselves, names never become root by a trick, capabilities are the table's.

load ../cli/helpers
load root

setup_file() {
	make_root
	cat >"$ROOT/etc/passwd" <<-'END'
		root:x:0:0:root:/root:/bin/sh
		4294967296:x:0:0::/:/bin/sh
		4294967295:x:0:0::/:/bin/sh
		2147483648:x:0:0::/:/bin/sh
		-1:x:0:0::/:/bin/sh
		0x0:x:0:0::/:/bin/sh
		00:x:0:0::/:/bin/sh
		1e0:x:0:0::/:/bin/sh
		 1:x:0:0::/:/bin/sh
		1 :x:0:0::/:/bin/sh
		99999999999:x:0:0::/:/bin/sh
		1:x:0:0::/:/bin/sh
		user:x:1000:1000::/home:/bin/sh
		huge:x:4294967296:0::/:/bin/sh
		minus:x:-1:0::/:/bin/sh
		empty:x:::::
		spoilt:x:0x10:0::/:/bin/sh
	END
	cat >"$ROOT/etc/group" <<-'END'
		root:x:0:
		user:x:1000:
		one:x:2001:other,user
		two:x:2002:user
		three:x:2003:users
		four:x:2004:xuser,user2
		five:x:2005:
		six:x:4294967296:user
		seven:x:-1:user
	END
}

# expect_not_root NUMBER: an error, or this uid and no other.
expect_not_root() {
	if [[ $status -eq 0 ]]; then
		grep -qx "uid $1 $1 $1" <<<"$output" || {
			echo "user $1 became:"
			echo "$output"
			return 1
		}
	else
		[[ $status -eq 1 || $status -eq 125 || $status -eq 126 || $status -eq 127 ]]
		[[ $output != *"uid 0"* ]]
	fi
}

hostile_users=(4294967296 4294967295 2147483648 -1 0x0 1e0 ' 1' '1 ' 99999999999 huge minus empty spoilt +0 '0 ' 0.0)

@test "run -u with a number out of range, or no number, is never root" {
	local user
	for user in "${hostile_users[@]}"; do
		run in_root "-u$user" -- /bin/probe ids
		echo "# '$user': $status: ${lines[0]}"
		expect_not_root "$user"
		run in_root "--user=$user:$user" -- /bin/probe ids
		expect_not_root "$user"
	done
}

@test "exec -u with a number out of range, or no number, is never root" {
	local user
	start_sleeper one
	for user in "${hostile_users[@]}"; do
		run husk exec "--user=$user" one /bin/probe ids
		echo "# '$user': $status: ${lines[0]}"
		expect_not_root "$user"
	done
	husk rm -f one
}

# Digits alone are a number whatever /etc/passwd says, and 00 is the number 0.
@test "a number is that uid, also where /etc/passwd gives it another as a name" {
	local user
	run in_root -u 1 -- /bin/probe ids
	expect_status 0
	[[ ${lines[0]} == "uid 1 1 1" ]]
	run in_root -u 2147483647 -- /bin/probe ids
	[[ $status -eq 125 || ${lines[0]} == "uid 2147483647 2147483647 2147483647" ]]
	start_sleeper one
	for user in 1 2 999 1000 65533 65534 65535 65536 69999 70000; do
		run husk exec -u "$user" one /bin/probe ids
		expect_status 0
		[[ ${lines[0]} == "uid $user $user $user" ]]
		run husk exec -u "$user:77" one /bin/probe ids
		expect_status 0
		[[ ${lines[0]} == "uid $user $user $user" && ${lines[1]} == "gid 77 77 77" ]]
	done
	husk rm -f one
}

@test "groups are the memberships and the primary group, exactly" {
	run in_root -u user -- /bin/probe ids
	expect_status 0
	[[ ${lines[0]} == "uid 1000 1000 1000" && ${lines[1]} == "gid 1000 1000 1000" ]]
	[[ $(tr ' ' '\n' <<<"${lines[2]#groups }" | sort -n | xargs) == "1000 2001 2002" ]]
	start_sleeper one
	run husk exec -u user one /bin/probe ids
	expect_status 0
	[[ $(tr ' ' '\n' <<<"${lines[2]#groups }" | sort -n | xargs) == "1000 2001 2002" ]]
	husk rm -f one
}

@test "-u uid:gid has that group alone, and it is among the groups" {
	run in_root -u 1000:2002 -- /bin/probe ids
	expect_status 0
	[[ ${lines[0]} == "uid 1000 1000 1000" && ${lines[1]} == "gid 2002 2002 2002" && ${lines[2]} == "groups 2002" ]]
	run in_root -u user:five -- /bin/probe ids
	expect_status 0
	[[ ${lines[0]} == "uid 1000 1000 1000" && ${lines[1]} == "gid 2005 2005 2005" && ${lines[2]} == "groups 2005" ]]
	start_sleeper one
	run husk exec -u user:five one /bin/probe ids
	[[ ${lines[0]} == "uid 1000 1000 1000" && ${lines[1]} == "gid 2005 2005 2005" && ${lines[2]} == "groups 2005" ]]
	husk rm -f one
}

@test "root has the groups of root, not the caller's" {
	run in_root -- /bin/probe ids
	expect_status 0
	[[ ${lines[0]} == "uid 0 0 0" && ${lines[1]} == "gid 0 0 0" && ${lines[2]} == "groups 0" ]]
}

# A file the group may not read stays shut for its members: the primary group counts.
@test "a group that is shut out stays out" {
	local evil=$BATS_TEST_TMPDIR/evil
	copy_root "$evil"
	echo secret >"$evil/secret"
	chown 0:1000 "$evil/secret"
	chmod 604 "$evil/secret"
	run in_directory "$evil" -u user -- /bin/cat /secret
	[[ $status -ne 0 && $output != *secret*secret* && $output == *"ermission denied"* ]]
	run in_directory "$evil" -u 1000:1000 -- /bin/cat /secret
	[[ $status -ne 0 && $output == *"ermission denied"* ]]
}

@test "an unknown name is refused" {
	run in_root -u nobody-here -- /bin/true
	expect_refusal
	run in_root -u 0:nobody-here -- /bin/true
	expect_refusal
}

# Within two seconds an error that says so, or the file is passed over; the number 1000 needs it for the groups only.
try_passwd() {
	local user
	for user in 1000 user; do
		run timeout --kill-after 1 2 "$HUSK" run --rm --net none --rootfs "$evil" -u "$user" -- /bin/probe ids
		echo "# $user: $status: $(head -c 200 <<<"$output" | head -1)"
		[[ $status -ne 124 && $status -ne 137 ]]
		if [[ $status -eq 0 ]]; then
			[[ ${lines[0]} == "uid 1000 1000 1000" ]]
		else
			expect_refusal
		fi
	done
}

@test "/etc/passwd and /etc/group as fifo, link to /dev/zero, device, directory, huge file, endless line" {
	local evil=$BATS_TEST_TMPDIR/evil file kind
	copy_root "$evil"
	for file in passwd group; do
		for kind in fifo zero device directory sparse line text; do
			rm -rf "${evil:?}/etc/$file"
			case $kind in
			fifo) mkfifo "$evil/etc/$file" ;;
			zero) ln -s /dev/zero "$evil/etc/$file" ;;
			device) mknod "$evil/etc/$file" c 1 5 ;;
			directory) mkdir "$evil/etc/$file" ;;
			sparse) truncate -s 2G "$evil/etc/$file" ;;
			line) head -c 1000000 /dev/zero | tr '\0' x >"$evil/etc/$file" ;;
			text) yes 'user:x:1000:1000::/home:/bin/sh' | head -n 200000 >"$evil/etc/$file" ;;
			esac
			echo "# $file $kind"
			try_passwd
		done
		rm -rf "${evil:?}/etc/$file"
		cp "$ROOT/etc/$file" "$evil/etc/$file"
	done
}

@test "/etc/passwd as a link to a file of the host is not that file" {
	local evil=$BATS_TEST_TMPDIR/evil
	copy_root "$evil"
	printf 'trick:x:0:0::/:/bin/sh\n' >"$BATS_TEST_TMPDIR/host-passwd"
	ln -sf "$BATS_TEST_TMPDIR/host-passwd" "$evil/etc/passwd"
	run in_directory "$evil" -u trick -- /bin/probe ids
	expect_refusal
}

@test "a line break in the environment or in the user name makes no user" {
	run in_root -e HOME=$'x\nroot2::0:0::/:/bin/sh' -- /bin/cat /etc/passwd
	expect_status 0
	[[ $output == "$(cat "$ROOT/etc/passwd")" ]]
	run in_root -u $'1000\n0' -- /bin/probe ids
	expect_not_root $'1000\n0'
}

# caps COMMAND...: the sets in one line: inheritable permitted effective bounding ambient.
caps() {
	"$@" /bin/probe caps | awk '/^Cap/ { printf "%s%s", n++ ? " " : "", $2 } END { print "" }'
}

# check_caps PERMITTED BOUNDING INHERITABLE-AND-AMBIENT USER OPTION...: run, and exec in a container run so.
check_caps() {
	local permitted=$1 bounding=$2 ambient=$3 user=$4 seen expected
	shift 4
	expected="$ambient $permitted $permitted $bounding $ambient"
	seen=$(caps in_root -u "$user" "$@" --)
	[[ $seen == "$expected" ]] || {
		echo "run -u $user $*: $seen, expected $expected"
		return 1
	}
	start_sleeper one "$@"
	seen=$(caps husk exec -u "$user" one)
	husk rm -f one
	[[ $seen == "$expected" ]] || {
		echo "exec -u $user in run $*: $seen, expected $expected"
		return 1
	}
}

default_caps=00000000800405fb
no_caps=0000000000000000
# With CAP_NET_ADMIN (12).
added_caps=00000000800415fb
# All there are, but never more than the caller has.
all_caps() {
	awk '/^CapBnd/ { print $2 }' /proc/self/status
}

@test "capabilities of root: default, added, dropped, privileged" {
	check_caps $default_caps $default_caps $no_caps 0
	check_caps $added_caps $added_caps $no_caps 0 --cap-add NET_ADMIN
	check_caps $no_caps $no_caps $no_caps 0 --cap-drop ALL
	check_caps 0000000000001000 0000000000001000 $no_caps 0 --cap-drop ALL --cap-add NET_ADMIN
}

@test "capabilities of an ordinary user: none but what was added" {
	check_caps $no_caps $default_caps $no_caps 1000
	check_caps 0000000000001000 $added_caps 0000000000001000 1000 --cap-add NET_ADMIN
	check_caps $no_caps $no_caps $no_caps 1000 --cap-drop ALL
}

@test "capabilities of a privileged container" {
	check_caps "$(all_caps)" "$(all_caps)" $no_caps 0 --privileged
	run in_root -u 1000 --privileged -- /bin/probe caps
	expect_status 0
	[[ $output == *"CapInh $no_caps"*"CapPrm $no_caps"* ]]
}

@test "exec has no more than run, and --privileged only when it is asked for" {
	start_sleeper one --cap-drop ALL
	[[ $(caps husk exec one) == "$no_caps $no_caps $no_caps $no_caps $no_caps" ]]
	[[ $(caps husk exec --privileged one) == "$no_caps $(all_caps) $(all_caps) $(all_caps) $no_caps" ]]
	[[ $(caps husk exec one) == "$no_caps $no_caps $no_caps $no_caps $no_caps" ]]
	husk rm -f one
}

# A program with inheritable file capabilities gains nothing, for nobody has inheritable ones.
@test "file capabilities give an ordinary user no more than the bounding set" {
	need_program setcap
	local evil=$BATS_TEST_TMPDIR/evil
	copy_root "$evil"
	setcap 'cap_sys_admin,cap_net_raw=ei' "$evil/bin/probe" || skip "needs file capabilities"
	run in_directory "$evil" -u 1000 -- /bin/probe caps
	expect_status 0
	[[ $output == *"CapPrm $no_caps"* ]]
}

@test "no-new-privileges is set where it is asked for, for exec too" {
	run in_root --security-opt no-new-privileges -- /bin/probe caps
	expect_output "NoNewPrivs 1"
	start_sleeper one --security-opt no-new-privileges
	run husk exec one /bin/probe caps
	expect_output "NoNewPrivs 1"
	husk rm -f one
}

@test "unknown capabilities are refused" {
	local option
	for option in --cap-add --cap-drop; do
		run in_root $option NO_SUCH -- /bin/true
		expect_status 125
	done
}
