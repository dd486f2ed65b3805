# VOLUME of an image, and what a new volume begins with: the image's content, owner and mode.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load helpers

setup_file() {
	need_root
	need_program skopeo
	need_program umoci
	need_program python3
	cd "$BATS_FILE_TMPDIR" || return
	husk run --rm --net none busybox true
	husk save --format oci-archive -o busybox busybox
	(
		skopeo copy --insecure-policy oci-archive:busybox oci:layout:kept
		umoci unpack --image layout:kept bundle
		local root=bundle/rootfs
		mkdir -p "$root/data/sub" "$root/other"
		echo content >"$root/data/file"
		ln -s file "$root/data/link"
		printf x >"$root/data/sub/program"
		chmod 4755 "$root/data/sub/program"
		python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.kind", b"seed")' "$root/data/file"
		chown 70:71 "$root/data" "$root/data/file"
		chmod 2750 "$root/data"
		chown 80:81 "$root/other"
		chmod 0700 "$root/other"
		umoci repack --image layout:kept bundle
		umoci config --image layout:kept --config.volume /data --config.volume /other/ --config.volume /missing
	) >/dev/null
	tar -C layout -cf image.tar .
	IMAGE=$(husk load -i image.tar | awk '{ print $NF }')
	export IMAGE
}

teardown() {
	husk ps -aq | xargs -r "$HUSK" rm -fv >/dev/null 2>&1
	rm -rf "${HUSK_ROOT:?}"/volumes/*
	test_end
}

volumes() {
	find "$HUSK_ROOT/volumes" -mindepth 1 -maxdepth 1 | wc -l
}

facts='cd /data && stat -c "%n %a %u:%g %F" . file link sub sub/program && cat link && stat -c "%a %u:%g" /other && stat -c "%a %u:%g" /missing'

expect_facts() {
	expect_output ". 2750 70:71 directory"
	expect_output "file 644 70:71 regular file"
	expect_output "link 777 0:0 symbolic link"
	expect_output "sub/program 4755 0:0 regular file"
	expect_output "content"
	expect_output "700 80:81"
	expect_output "755 0:0"
}

@test "volumes of an image are anonymous ones with what the image has there; --rm takes them along" {
	run -0 husk run --rm --net none "$IMAGE" sh -c "$facts"
	expect_facts
	[[ $(volumes) -eq 0 ]]
	# The writes of one container are not the next one's, and a read-only root does not keep them.
	run -0 husk run --name one --net none --read-only "$IMAGE" sh -c 'echo new >/data/file; cat /data/file'
	expect_output new
	[[ $(volumes) -eq 3 && $(field one '.Mounts | length') -eq 3 ]]
	[[ $(python3 -c 'import os, sys; print(os.getxattr(sys.argv[1], "user.kind").decode())' "$HUSK_ROOT"/volumes/*/_data/file) == seed ]]
	run -0 husk run --rm --net none "$IMAGE" cat /data/file
	expect_output content
	husk start one
	husk wait one
	husk rm -v one
	[[ $(volumes) -eq 0 ]]
}

@test "a new named volume gets the content, one with something in it keeps its own" {
	husk run --rm --net none -v keep:/data "$IMAGE" sh -c 'echo mine >/data/mine; rm /data/file'
	run -0 husk run --rm --net none -v keep:/data "$IMAGE" sh -c 'ls /data'
	[[ $output == $'link\nmine\nsub' ]]
	mkdir -p "$HUSK_ROOT/volumes/empty/_data"
	run -0 husk run --rm --net none -v empty:/data "$IMAGE" cat /data/file
	expect_output content
	run -0 husk run --rm --net none -v bare:/data:nocopy "$IMAGE" sh -c 'ls -A /data; stat -c %a /data'
	[[ $output == 755 ]]
	run -0 husk run --rm --net none -v readonly:/data:ro "$IMAGE" sh -c 'cat /data/file; touch /data/x || echo refused'
	[[ $output == content*refused ]]
	run -125 --separate-stderr husk run --rm --net none -v bare:/data:nocop "$IMAGE" true
	[[ $stderr == *"is not ro, rw or nocopy" ]]
}

@test "what the user puts in a volume's place is there instead" {
	mkdir "$BATS_TEST_TMPDIR/mine"
	echo mine >"$BATS_TEST_TMPDIR/mine/file"
	run -0 husk run --rm --net none -v "$BATS_TEST_TMPDIR/mine:/data/" --tmpfs /other "$IMAGE" sh -c 'cat /data/file; grep -c " /other tmpfs" /proc/mounts'
	[[ $output == $'mine\n1' && $(ls -A "$BATS_TEST_TMPDIR/mine") == file ]]
}

@test "many containers with one new volume: each finds all of it" {
	local i
	for i in {1..8}; do
		husk run --rm --net none -v shared:/data "$IMAGE" cat /data/file >"$BATS_TEST_TMPDIR/out$i" &
	done
	wait
	[[ $(cat "$BATS_TEST_TMPDIR"/out* | sort | uniq -c | tr -s ' ') == " 8 content" && $(volumes) -eq 1 ]]
}

# The first command has seen that the volume is empty, and waits before it locks it.
@test "what a container has written to a new volume is not filled over by one that began beside it" {
	need_program strace
	mkdir -p "$HUSK_ROOT/volumes/both/_data"
	strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=flock -P "$HUSK_ROOT/volumes/both/_data" -e inject=flock:delay_enter=2000000:when=1 \
		"$HUSK" run --rm --net none -v both:/data "$IMAGE" cat /data/file >"$BATS_TEST_TMPDIR/first" &
	eventually grep -q flock "$BATS_TEST_TMPDIR/trace"
	husk run --rm --net none -v both:/data "$IMAGE" sh -c 'echo mine >/data/file'
	wait $!
	[[ $(<"$BATS_TEST_TMPDIR/first") == mine && $(<"$HUSK_ROOT/volumes/both/_data/file") == mine ]]
}

@test "a command that was killed while it filled a volume leaves none, and its half goes with the next" {
	need_program strace
	strace -f -o /dev/null -e trace=symlinkat -e inject=symlinkat:delay_enter=5000000:when=2 \
		"$HUSK" run --rm --net none -v new:/data "$IMAGE" true &
	local pid=$!
	is_filling() { [[ -n $(find "$HUSK_ROOT/volumes" -path '*/.making-*/_data') ]]; }
	eventually is_filling
	[[ ! -e $HUSK_ROOT/volumes/new ]]
	killed=$(pgrep -P $pid -x husk)
	kill -9 "$killed" $pid
	wait $pid || true
	eventually is_gone "$killed"
	run -0 husk run --rm --net none -v new:/data "$IMAGE" cat /data/link
	expect_output content
	[[ $(volumes) -eq 1 && -z $(find "$HUSK_ROOT/volumes" -name '.making*') ]]
}

# The articles' databases: a user of their own writes to a volume of the image.
@test "a user of the image writes to its volume" {
	run -0 husk run --rm --net none -u 70:71 "$IMAGE" sh -c 'echo works >/data/new && cat /data/new'
	expect_output works
}
