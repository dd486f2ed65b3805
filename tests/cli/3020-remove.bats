# husk tag, rmi and image prune: names and images go, what containers need stays.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load helpers

setup() {
	test_begin
	mkdir "$BATS_TEST_TMPDIR/here"
	cd "$BATS_TEST_TMPDIR/here" || return
	export HUSK_ROOT=$BATS_TEST_TMPDIR/root HUSK_STATE=$BATS_TEST_TMPDIR/state
	husk run --rm --net none busybox true
}

# load_second: an image that has busybox's layer and one of its own.
load_second() {
	local manifest config
	husk save --format oci-archive -o busybox.tar busybox
	mkdir second
	tar -C second -xf busybox.tar
	manifest=second/blobs/sha256/$(jq -r '.manifests[0].digest | ltrimstr("sha256:")' second/index.json)
	config=second/blobs/sha256/$(jq -r '.config.digest | ltrimstr("sha256:")' "$manifest")
	echo second >own
	tar -cf layer own
	put() {
		digest=sha256:$(sha256sum "$1" | cut -d ' ' -f 1)
		size=$(stat -c %s "$1")
		mv "$1" "second/blobs/sha256/${digest#sha256:}"
	}
	put layer
	layer=$(jq -n --arg d "$digest" --argjson s "$size" '{mediaType: "application/vnd.oci.image.layer.v1.tar", digest: $d, size: $s}')
	jq --arg d "$digest" '.rootfs.diff_ids += [$d] | del(.history)' "$config" >config
	put config
	jq --arg d "$digest" --argjson s "$size" --argjson l "$layer" '.config.digest = $d | .config.size = $s | .layers += [$l]' "$manifest" >manifest
	put manifest
	jq --arg d "$digest" --argjson s "$size" '.manifests[0].digest = $d | .manifests[0].size = $s |
		.manifests[0].annotations["io.containerd.image.name"] = "second:latest"' second/index.json >new
	mv new second/index.json
	husk load -q -i second
}

layers() {
	find "$HUSK_ROOT/layers" -mindepth 1 -maxdepth 1 ! -name making | wc -l
}

contents() {
	find "$HUSK_ROOT/content/sha256" -type f | wc -l
}

refused() {
	run --separate-stderr husk "${@:2}"
	[[ $status -eq 1 && $stderr == "husk: "*$1* && $(wc -l <<<"$stderr") -eq 1 ]] || {
		echo "husk ${*:2}: status $status, stdout '$output', not '$1' but: $stderr"
		return 1
	}
}

@test "tag: a further name, the same image; a name is taken from another" {
	husk tag busybox example.com/team/box:2
	[[ $(husk images -q | sort -u | wc -l) -eq 1 && $(husk images) == *"example.com/team/box"*" 2 "* ]]
	[[ $(husk run --rm --net none example.com/team/box:2 echo works) == works ]]
	load_second
	husk tag second example.com/team/box:2
	[[ $(husk run --rm --net none example.com/team/box:2 cat /own) == second ]]
	refused "no such image: nosuch" tag nosuch other
	refused "a digest is not a name" tag busybox "busybox@sha256:$(printf 'a%.0s' {1..64})"
	refused "Upper" tag busybox Upper
}

@test "rmi: a name, then the image, with the layers that only it had" {
	load_second
	[[ $(layers) -eq 2 && $(contents) -eq 4 ]]
	husk tag second again
	[[ $(husk rmi again) == "Untagged: again:latest" && $(layers) -eq 2 ]]
	id=$(husk images --no-trunc --format '{{.Repository}} sha256:{{.ID}}' | sed -n 's/^second //p')
	run husk rmi second
	[[ $status -eq 0 && ${lines[0]} == "Untagged: second:latest" && ${lines[1]} == "Deleted: $id" && ${lines[2]} == "Deleted: sha256:"* && ${#lines[@]} -eq 3 ]]
	[[ $(layers) -eq 1 && $(contents) -eq 2 && $(husk images) != *second* ]]
	[[ $(husk run --rm --net none busybox echo works) == works ]]
	refused "no such image: second" rmi second
	[[ $(husk rmi busybox | wc -l) -eq 3 && $(layers) -eq 0 && $(contents) -eq 0 ]]
	[[ -z $(find "$HUSK_ROOT"/{tmp,refs,images} -mindepth 1) ]]
	[[ $(husk run --rm --net none busybox echo works) == works ]]
}

@test "rmi by id: not with several names unless forced; several words" {
	husk tag busybox one
	refused "has 2 names" rmi "$(husk images -q | head -n 1)"
	run husk rmi -f "$(husk images -q | head -n 1)" nosuch
	[[ $status -eq 1 && $output == *"Untagged: busybox:latest"*"Untagged: one:latest"*"no such image: nosuch"* ]]
	[[ -z $(husk images -q) ]]
}

@test "an image that a container has: running never, stopped when forced, and it starts again" {
	husk run -d --name box --net none busybox sleep 100
	refused "in use by container $(husk ps -q), which runs" rmi busybox
	refused "which runs" rmi -f busybox
	husk tag busybox other
	[[ $(husk rmi busybox) == "Untagged: busybox:latest" ]]
	husk stop -t 0 box
	refused "which is stopped: -f removes it" rmi other
	[[ $(husk rmi -f other) == *"Deleted: sha256:"* && $(layers) -eq 1 ]]
	husk start box
	[[ $(husk exec box echo works) == works ]]
	husk rm -f box
	husk image prune -f
	[[ $(layers) -eq 0 ]]
}

@test "image prune: those without a name, or all that no container has" {
	load_second
	refused "there is nobody to ask" image prune
	[[ -z $(husk image prune -f) ]]
	husk tag second busybox
	run husk image prune -f
	[[ $output =~ ^"Deleted: sha256:"[0-9a-f]{64}$ && $(husk images -q | sort -u | wc -l) -eq 1 ]]
	[[ $(layers) -eq 2 ]]
	husk run -d --name box --net none second sleep 100
	[[ -z $(husk image prune -a -f) ]]
	husk rm -f box
	run husk image prune -a -f
	[[ $output == *"Untagged: second:latest"* && $(layers) -eq 0 ]]
	run script -qec "'$HUSK' image prune" /dev/null <<<n
	[[ $status -eq 0 && $output == *"Go on? [y/N]"* ]]
}

# Layers of an import that failed, of one that was killed, and half a layer are nobody's.
@test "what an import has left goes with the next removal" {
	load_second
	husk rmi second >/dev/null
	rm -r second/blobs/sha256/"$(jq -r '.manifests[0].digest | ltrimstr("sha256:")' second/index.json)"
	mkdir -p "$HUSK_ROOT/layers/$(printf 'a%.0s' {1..64})/tree/x" "$HUSK_ROOT/layers/making/0123456789abcdef/tree"
	touch "$HUSK_ROOT/layers/making/0123456789abcdef.lock" "$HUSK_ROOT/content/sha256/$(printf 'b%.0s' {1..64})"
	[[ $(husk image prune -f) == "Deleted: sha256:$(printf 'a%.0s' {1..64})" ]]
	[[ $(layers) -eq 1 && $(contents) -eq 2 && -z $(ls -A "$HUSK_ROOT/layers/making") ]]
}

@test "while containers begin and end nothing is removed that they need" {
	for _ in {1..15}; do
		husk run --rm --net none busybox true || echo failed >>failed
	done &
	for _ in {1..15}; do
		husk rmi -f busybox >/dev/null 2>&1 || true
	done
	wait
	[[ ! -e failed ]]
}

# is_free LOCK: nobody holds it.
is_free() {
	flock --nonblock "$HUSK_ROOT/$1" true
}

@test "what an image or a container needs that cannot be read keeps all that it may need" {
	local second id
	load_second
	second=$HUSK_ROOT/images/$(sed 's/sha256://' "$HUSK_ROOT"/refs/*second*).json
	cp "$second" record
	echo '{' >"$second"
	run -1 --separate-stderr husk rmi busybox
	[[ $stderr == "husk: images/"*".json: "*"Load or pull that image again"* && -z $output ]]
	run -1 husk image prune -af
	cp record "$second"
	[[ $(layers) -eq 2 && $(husk images -q | wc -l) -eq 2 && $(husk run --rm --net none second cat /own) == second ]]
	id=$(husk run -d --net none second true)
	husk wait "$id"
	cp "$HUSK_ROOT/containers/$id/record.json" record
	echo '{' >"$HUSK_ROOT/containers/$id/record.json"
	refused json rmi -f second
	[[ $(layers) -eq 2 ]]
	cp record "$HUSK_ROOT/containers/$id/record.json"
	husk start "$id"
	husk rm -f "$id"
}

@test "a list that cannot be read to its end is no list: rmi removes nothing that is needed" {
	need_program strace
	local count
	load_second
	for count in {1..23..2}; do # each list is read twice: its entries, and that there are no more
		run strace -f -o /dev/null -e inject=getdents64:error=EIO:when="$count" "$HUSK" rmi busybox
		[[ $(husk run --rm --net none second cat /own) == second ]]
		husk run --rm --net none busybox true # it is made again where it is missing
	done
}

@test "layers that no record names yet stay while an import is at work" {
	local layer
	layer=$HUSK_ROOT/layers/$(printf 'a%.0s' {1..64})
	mkdir -p "$layer/tree"
	flock -s "$HUSK_ROOT/images.making" -c "husk image prune -f; husk rmi busybox"
	[[ -d $layer ]]
	husk image prune -f
	[[ ! -d $layer ]]
}

# The tree is deleted when both locks are free: a start, a tag and an import wait for neither.
@test "a large image that is being deleted keeps nobody waiting" {
	need_program strace
	load_second
	strace -o /dev/null -e trace=unlinkat -e inject=unlinkat:delay_enter=1500000 "$HUSK" rmi second >removed &
	local pid=$!
	is_deleting() {
		[[ -n $(find "$HUSK_ROOT/layers/making" -name removed) ]] && is_free images.use && is_free images.lock
	}
	eventually is_deleting
	timeout 60 husk run --rm --net none busybox true
	husk tag busybox other
	# It is at work all the time.
	kill -0 $pid
	[[ -n $(ls -A "$HUSK_ROOT/layers/making") ]]
	killed=$(pgrep -P $pid)
	kill -9 "$killed" $pid
	wait $pid || true
	eventually is_gone "$killed"
	# What the dead one left goes with the next removal.
	husk image prune -f
	[[ -z $(ls -A "$HUSK_ROOT/layers/making") ]]
}

@test "an import that waits for its archive keeps nobody waiting" {
	mkfifo archive
	husk load -i archive &
	local pid=$!
	exec 7>archive
	eventually test -e "$HUSK_ROOT/images.lock"
	husk tag busybox other
	husk rmi other
	timeout 60 husk run --rm --net none busybox true
	kill -0 $pid
	exec 7>&-
	wait $pid || true
}

# tag, load and rmi beside each other: each name is whole or not there, and nothing fails but for the image that is gone.
@test "tag beside load and rmi" {
	local i
	husk save -o busybox.tar busybox
	for i in {1..12}; do
		husk load -i busybox.tar >/dev/null 2>>loads || echo load >>failed
	done &
	for i in {1..12}; do
		husk rmi -f "name$i" >/dev/null 2>&1 || true
		husk rmi -f busybox >/dev/null 2>&1 || true
	done &
	for i in {1..40}; do
		husk tag busybox "name$i" 2>>tags || true
	done
	wait
	cat failed loads tags 2>/dev/null | sort | uniq -c
	grep -v 'no such image: busybox\|removed at this moment' loads tags && return 1
	# Each name that is there is the name of an image.
	for i in "$HUSK_ROOT"/refs/*; do
		[[ ! -e $i || -e $HUSK_ROOT/images/$(sed 's/sha256://' "$i").json ]]
	done
}

# Saved and pulled again, an image has another manifest: its layers are compressed.
@test "two manifests of one image are one image" {
	local id
	need_program skopeo
	id=$(husk images -q --no-trunc)
	husk save -o saved busybox
	skopeo copy --insecure-policy docker-archive:saved oci:gzipped:example.com/box:1 >/dev/null
	husk load -q -i gzipped
	[[ $(find "$HUSK_ROOT/images" -type f | wc -l) -eq 2 ]]
	[[ $(husk images --format '{{.Repository}}:{{.Tag}} sha256:{{.ID}}' --no-trunc | sort) == "busybox:latest sha256:$id
example.com/box:1 sha256:$id" ]]
	refused "has 2 names" rmi "$id"
	[[ $(husk image inspect -f '{{join .RepoTags " "}}' "$id" | tr ' ' '\n' | sort | xargs) == "busybox:latest example.com/box:1" ]]
	# Without its name the other manifest is no image of its own.
	[[ $(husk rmi example.com/box:1) == "Untagged: example.com/box:1" ]]
	[[ $(husk images -q --no-trunc) == "$id" && $(husk info -f '{{.Images}}') == 1 ]]
	husk image prune -f >pruned
	[[ ! -s pruned && $(find "$HUSK_ROOT/images" -type f | wc -l) -eq 1 ]]
	husk run --rm --net none busybox true
	husk load -q -i gzipped
	husk run -d --name user --net none busybox sleep 100
	# The image stays as long as it has a name.
	husk rmi busybox
	refused "is in use" rmi example.com/box:1
	husk rm -f user
	[[ $(husk rmi -f "$id" | grep -c "^Deleted: sha256:$id") -eq 1 ]]
	[[ -z $(husk images -q) && $(layers) -eq 0 && $(contents) -eq 0 ]]
	husk load -q -i saved
	husk load -q -i gzipped
	[[ $(husk image prune -a -f | grep -c "^Deleted: sha256:$id") -eq 1 ]]
	[[ -z $(husk images -q) && $(layers) -eq 0 && $(contents) -eq 0 ]]
}
