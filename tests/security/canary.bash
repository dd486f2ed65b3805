# Canaries: trees of the host that nobody may touch, and what shows that somebody has.
# shellcheck shell=bash

# make_canary DIR: a tree nobody may touch.
make_canary() {
	mkdir -p "$1/sub"
	echo precious >"$1/file"
	echo precious too >"$1/sub/file"
	ln -s file "$1/link"
	mkfifo "$1/fifo"
	touch "$1/ptmx" "$1/console" "$1/null"
	find "$1" -exec touch -h -d '2001-02-03 04:05:06' {} +
}

# All that can be seen of tree $1 without changing it. The access times of files, too, for reading is no right either;
# those of directories and links move when they are looked at here.
canary_print() {
	local file
	find "$1" \( -type d -o -type l \) -printf '%P %y %m %U:%G %s %n %l %i %T@ %C@\n' -o \
		-printf '%P %y %m %U:%G %s %n %i %T@ %C@ %A@\n' | sort
	find "$1" -type f | sort | while read -r file; do
		dd if="$file" iflag=noatime status=none | sha256sum
	done
}

# canary_same DIR FILE: whether DIR is as it was when FILE was printed.
canary_same() {
	canary_print "$1" >"$BATS_TEST_TMPDIR/canary.now"
	diff "$2" "$BATS_TEST_TMPDIR/canary.now"
}
