# What the fault sweeps begin with. Every call of a command that changes something is refused, one after another, by an
# error and by SIGKILL of who makes it. Then: one sentence or success, and after one further `husk ps -a` nothing is left.
#
# Without the tag long a sample is taken. HUSK_SEED says which, and with HUSK_SEED="SEED N:ERROR" it is that one alone.
# shellcheck shell=bash
load ../cli/helpers

setup_file() {
	need_root
	need_program cc
	cc -D_GNU_SOURCE -O1 -o "$BATS_FILE_TMPDIR/refuse" "$BATS_TEST_DIRNAME/refuse.c"
	make_image
	# The bridge, its rules and the directory of leases come with the first use and stay.
	husk run --rm --rootfs "$ROOTFS" --net bridge -p 9:9 -- true
	read -r FAULT_SEED FAULT_ONLY <<<"${HUSK_SEED:-$((SRANDOM % 10000))}"
	export FAULT_SEED FAULT_ONLY
}

errors=(EIO ENOMEM ENOSPC EMFILE EPERM)

# complain WORDS: what is wrong with the present injection.
complain() {
	printf '%s: %s\n' "$injection" "$*"
	sed -n "${injection%%:*}s/^/    the call: /p" calls
	sed 's/^/    stderr: /' err
} >>bad

# The command said what it must: nothing and 0, or one sentence and a code for it.
judge() {
	local sentences
	sentences=$(grep -vc "^husk: warning: " err || true)
	case $status in
	0) ((sentences == 0)) || complain "success with a sentence" ;;
	1 | 125 | 126 | 127)
		[[ $sentences -eq 1 && $(cat err) == *"husk"*:* ]] || complain "status $status with $sentences sentences"
		;;
	137) [[ $injection == *:KILL ]] || complain "status 137" ;;
	*) complain "status $status" ;;
	esac
	! grep -q -e BUG -e Sanitizer err || complain "a bug"
}

# What was half made may be swept by the very command that was to remove it.
is_unlisted() {
	! husk ps -aq --no-trunc | grep -qx "$1"
}

# One further command, and whatever it lists can be removed: then all is as it was.
is_clean() {
	local id
	husk ps -aq --no-trunc >listed 2>err || complain "then husk ps fails"
	while read -r id; do
		[[ $id == "$keeps" ]] || husk rm -f "$id" >/dev/null 2>err || is_unlisted "$id" || complain "then husk rm -f $id fails"
	done <listed
	for _ in {1..30}; do
		leak_snapshot now
		comm -13 before now >left
		[[ -s left ]] || return 0
		sleep 0.1
		# A child of who was killed may have held its lock when the first one passed.
		husk ps -aq >/dev/null 2>>err
	done
	complain "left behind: $(cat left)"
	leak_snapshot before # the next one shall not fail because of this one
}

inject() {
	injection=$1
	status=0
	"$prepare"
	timeout -k 1 30 "$BATS_FILE_TMPDIR/refuse" --not busybox --not true --not sleep "$injection" -- "$HUSK" "${command[@]}" \
		>out 2>err || status=$?
	judge
	"$restore"
	is_clean
}

# What a command does for each of hundreds of files is swept for each twentieth of them: calls that match this.
repeated='^$'

is_repetition() {
	((number % 20)) && sed -n "${number}p" calls | grep -qE -e "$repeated"
}

# sweep COUNT PREPARE RESTORE COMMAND...: COUNT injections of each kind, or all.
sweep() {
	local count=$1 prepare=$2 restore=$3 command total number injection status
	shift 3
	command=("$@")
	RANDOM=$FAULT_SEED
	: >bad
	: >err
	leak_snapshot before
	"$prepare"
	"$BATS_FILE_TMPDIR/refuse" --log calls --not busybox --not true --not sleep 0:EIO -- "$HUSK" "${command[@]}" >out
	"$restore"
	is_clean
	total=$(wc -l <calls)
	[[ $count == all ]] || total=$((total < count ? total : count))
	for ((number = 1; number <= total; number++)); do
		if [[ -n $FAULT_ONLY ]]; then
			inject "$FAULT_ONLY"
			break
		fi
		[[ $count != all ]] || ! is_repetition || continue
		[[ $count == all ]] && at=$number || at=$((RANDOM % $(wc -l <calls) + 1))
		inject "$at:${errors[RANDOM % ${#errors[@]}]}"
		inject "$at:KILL"
	done
	[[ ! -s bad ]] || {
		echo "seed $FAULT_SEED, ${command[*]}:"
		cat bad
		return 1
	}
}

setup() {
	test_begin
	cd "$BATS_TEST_TMPDIR" || return 1
	keeps=
}

nothing() {
	:
}

# A lock of layers/making whose removal was refused, and which nobody holds, is gone with the next import.
store() {
	local lock
	for lock in "$HUSK_ROOT"/layers/making/*.lock; do
		[[ ! -e $lock || -s $lock || -e ${lock%.lock} ]] || ! flock -n "$lock" true || rm "$lock"
	done
	find "$HUSK_ROOT"/{images,refs,content,layers} -printf '%P %y %m %U %s %l\n' 2>/dev/null | sed 's/^\(.* d [0-9]* [0-9]*\) .*/\1/' | sort
}

store_removed() {
	rm -rf "$HUSK_ROOT"/{images,refs,content,layers,downloads}
}

# Nobody finds half an image, and the next use of it makes it whole and leaves nothing beside it.
image_whole() {
	husk run --rm --net none busybox true >later 2>&1 || complain "then the image does not run: $(cat later)"
	[[ $(store) == "$(cat whole)" ]] || complain "then the store is another: $(store | diff whole - | head -n 5)"
}
