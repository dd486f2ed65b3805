# husk save: images as archives that others load.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load helpers

setup_file() {
	# The image is unpacked at its first use and stays.
	husk run --rm --net none busybox true
}

setup() {
	test_begin
	mkdir "$BATS_TEST_TMPDIR/here"
	cd "$BATS_TEST_TMPDIR/here" || return
}

# The digest of the only layer, as the store has it.
layer_of_busybox() {
	find "$HUSK_ROOT/layers" -mindepth 1 -maxdepth 1 ! -name making -printf '%f\n'
}

@test "each blob is what its name says, and the layer is the stream that it came as" {
	husk save busybox >archive
	mkdir out
	tar -xf archive -C out
	(cd out/blobs/sha256 && sha256sum -- *) | while read -r digest name; do
		[[ $digest == "$name" ]]
	done
	[[ -s out/blobs/sha256/$(layer_of_busybox) ]]
	[[ $(jq -r '.manifests[0].annotations["io.containerd.image.name"]' out/index.json) == docker.io/library/busybox:latest ]]
	[[ $(jq -c '.[0].RepoTags' out/manifest.json) == '["busybox:latest"]' ]]
	[[ $(husk images -q --no-trunc) == $(jq -r '.[0].Config' out/manifest.json | cut -d / -f 3) ]]
	husk save -o second busybox
	cmp archive second
}

@test "by id it has all its names, twice the same image is in it once" {
	husk save "$(husk images -q)" busybox busybox:latest >archive
	[[ $(tar -xOf archive manifest.json | jq -c '[.[].RepoTags]') == '[["busybox:latest"]]' ]]
	[[ $(tar -tf archive | sort | uniq -d) == "" ]]
}

@test "oci-archive: a layout alone" {
	husk save --format oci-archive -o archive busybox
	run tar -xOf archive manifest.json
	[[ $status -ne 0 ]]
	need_program skopeo
	skopeo copy --insecure-policy oci-archive:archive oci:layout:some >/dev/null
	[[ $(skopeo inspect oci:layout:some | jq -r '.Layers[0]') != null ]]
	umoci unpack --image layout:some bundle >/dev/null 2>&1
	[[ $(cd bundle/rootfs && find . -type f -exec sha256sum {} + | sort | sha256sum) == \
		$(cd "$HUSK_ROOT/layers/"*/tree && find . -type f -exec sha256sum {} + | sort | sha256sum) ]]
}

@test "podman loads and runs it" {
	need_program podman
	pod() {
		podman --root "$PWD/root" --runroot "$short/run" --tmpdir "$short/tmp" --storage-driver vfs --cgroup-manager cgroupfs "$@"
	}
	local short
	short=$(mktemp -d /tmp/podman.XXXXXX) # podman wants at most 50 letters
	printf '[engine]\nevents_logger = "file"\n' >containers.conf
	export CONTAINERS_CONF=$PWD/containers.conf
	husk save busybox | pod load
	[[ $(pod images --format '{{.Repository}}:{{.Tag}} {{.ID}}') == "docker.io/library/busybox:latest $(husk images -q)" ]]
	[[ $(pod image inspect busybox | jq -r '.[0].RootFS.Layers[0]') == sha256:$(layer_of_busybox) ]]
	rm -r "$short"
}

@test "a file is whole or as it was: no room, a reader that leaves, a directory, an image that is not there" {
	echo before >archive
	refused() {
		run ! --separate-stderr husk save "${@:2}"
		[[ $stderr == "husk: "*"$1"* && $(wc -l <<<"$stderr") -eq 1 ]]
	}
	refused "No space left on device" -o /dev/full busybox
	refused "no such image: busibox. Did you mean busybox?" -o archive busibox
	refused "Is a directory" -o . busybox
	refused "No such file or directory" -o nosuch/archive busybox
	refused 'neither docker-archive nor oci-archive' --format zip -o archive busybox
	[[ $(<archive) == before && $(ls) == archive ]]
	run --separate-stderr bash -c 'set -o pipefail; "$HUSK" save busybox | true'
	[[ $status -ne 0 && $stderr == "husk: write the archive: Broken pipe"* ]]
	run --separate-stderr script -qec "'$HUSK' save busybox" /dev/null </dev/null
	[[ $status -ne 0 && $output == *"an archive is not for a terminal"* ]]
}

# What the tree has lost is noticed by the digest, and the file is not replaced.
@test "a layer that was damaged on the disk is not saved" {
	local side file
	side=$(echo "$HUSK_ROOT"/layers/*[0-9a-f][0-9a-f])
	husk save busybox | tar -xO "blobs/sha256/$(layer_of_busybox)" >../layer
	# The one that the others are links to.
	file=$side/tree/$(tar -tvf ../layer | sed -n '/^-/{s/.*:.. //p;q}')
	echo before >archive
	damaged() {
		run ! --separate-stderr husk save -o archive busybox
		[[ $stderr == "husk: layer $(layer_of_busybox | cut -c 1-12): "*"$1"* && $(<archive) == before && $(ls) == archive ]]
	}
	cp -a "$file" ../kept
	printf x | dd of="$file" bs=1 seek=1000 conv=notrunc status=none
	damaged "its files are not those that it came with"
	truncate -s 1000 "$file"
	damaged "which its recipe needs"
	rm "$file"
	damaged "which its recipe needs"
	ln -s /etc/passwd "$file"
	damaged "which its recipe needs"
	rm "$file"
	mkfifo "$file"
	damaged "which its recipe needs"
	rm "$file"
	cp -a ../kept "$file"
	cp "$side/recipe" ../recipe
	truncate -s -10 "$side/recipe"
	damaged "recipe of a layer is damaged"
	rm "$side/recipe"
	damaged "open the recipe of a layer"
	mv ../recipe "$side/recipe"
	husk save -o archive busybox
}
