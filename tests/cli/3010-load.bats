# husk load: archives of husk, docker, podman and skopeo; and what it refuses.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load helpers

setup_file() {
	need_root
	need_program skopeo
	need_program umoci
	# The built-in image makes what is there, as for every command.
	husk run --rm --net none busybox true
	LAYOUT=$BATS_FILE_TMPDIR/layout
	export LAYOUT
	make_layout "$LAYOUT"
}

setup() {
	test_begin
	mkdir "$BATS_TEST_TMPDIR/here"
	cd "$BATS_TEST_TMPDIR/here" || return
	store one
}

# store NAME: from here on images and containers are there.
store() {
	export HUSK_ROOT=$BATS_TEST_TMPDIR/$1 HUSK_STATE=$BATS_TEST_TMPDIR/$1-state
}

# make_layout DIR: an image of three layers, made by umoci, that has what a layer can have.
make_layout() {
	local bundle=$BATS_FILE_TMPDIR/bundle root=$BATS_FILE_TMPDIR/bundle/rootfs
	husk save --format oci-archive -o "$BATS_FILE_TMPDIR/busybox" busybox
	skopeo copy --insecure-policy "oci-archive:$BATS_FILE_TMPDIR/busybox" "oci:$1:rich" >/dev/null
	umoci unpack --image "$1:rich" "$bundle" 2>/dev/null
	mkdir -p "$root/data/gone" "$root/data/opaque"
	echo one >"$root/data/one"
	echo old >"$root/data/opaque/old"
	echo gone >"$root/data/gone/file"
	chown 7:70000 "$root/data/one"
	chmod 4711 "$root/data/one"
	ln "$root/data/one" "$root/data/second"
	ln -s one "$root/data/symlink"
	mkfifo "$root/data/fifo"
	chmod 7740 "$root/data/fifo"
	mknod "$root/data/null" c 1 3
	truncate -s 1M "$root/data/holes"
	printf x | dd of="$root/data/holes" bs=1 seek=500000 conv=notrunc status=none
	echo accent >"$root/data/$(printf 'caf\303\251')"
	: >"$root/data/$(printf 'x%.0s' {1..200})"
	touch -d '2001-02-03 04:05:06.789 UTC' "$root/data/one"
	attributes set "$root/data"
	umoci repack --image "$1:rich" --refresh-bundle "$bundle" 2>/dev/null
	rm -r "$root/data/gone" "$root/data/opaque"
	mkdir "$root/data/opaque"
	echo new >"$root/data/opaque/new"
	umoci repack --image "$1:rich" --refresh-bundle "$bundle" 2>/dev/null
	umoci config --image "$1:rich" --config.env KIND=rich --config.cmd cat --config.cmd /data/one
	rm -r "$bundle"
	jq '.manifests |= map(select(.annotations["org.opencontainers.image.ref.name"] == "rich")) |
		.manifests[0].annotations["org.opencontainers.image.ref.name"] = "example.com/rich:1"' "$1/index.json" >"$1/new"
	mv "$1/new" "$1/index.json"
}

# attributes set|show DIR: an attribute of one, an ACL by which its group may less than its mode says, and a default ACL.
attributes() {
	python3 - "$@" <<-'E'
		import os, struct, sys

		def entries(*rows):
		    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *row) for row in rows)

		nobody = 0xffffffff
		acl = entries((1, 6, nobody), (2, 6, 99), (4, 0, nobody), (16, 6, nobody), (32, 0, nobody))
		wanted = {("one", "user.kind"): b"seed", ("acl", "system.posix_acl_access"): acl, ("acls", "system.posix_acl_default"): acl}
		for (name, key), value in wanted.items():
		    path = os.path.join(sys.argv[2], name)
		    if sys.argv[1] == "set":
		        if name == "acls":
		            os.mkdir(path)
		        elif name == "acl":
		            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
		        os.setxattr(path, key, value)
		    else:
		        print(name, key, "kept" if os.getxattr(path, key) == value else "changed")
	E
}

loaded() {
	run --separate-stderr husk load "$@"
	[[ $status -eq 0 && $output == "Loaded image: example.com/rich:1" ]] || {
		echo "$status $output $stderr"
		return 1
	}
}

# What the image shows to a container of its own.
facts() {
	husk run --rm --net none "${1:-example.com/rich:1}" sh -c 'cd /data && stat -c "%n %A %u:%g %h %s %Y %N" * | sort; cat one opaque/*; echo $KIND; md5sum holes'
}

expect_facts() {
	facts "$@" >facts
	[[ $(attributes show "$(find "$HUSK_ROOT/layers" -path '*/data/acls' -printf '%h\n')") == "one user.kind kept
acl system.posix_acl_access kept
acls system.posix_acl_default kept" ]]
	grep -q '^one -rws--x--x 7:70000 2 4 981173107' facts
	grep -q "^symlink lrwxrwxrwx .*'symlink' -> 'one'" facts
	grep -q '^fifo prwsr-S--T ' facts
	grep -q '^null c' facts
	grep -q "^$(printf 'caf\303\251') " facts
	[[ $(grep -c '^gone' facts) -eq 0 && $(tail -n 4 facts | head -n 3 | xargs) == "one new rich" ]]
	grep -q "$(head -c 500000 /dev/zero | { cat; printf x; head -c 548575 /dev/zero; } | md5sum | cut -d ' ' -f 1)" facts
}

refused() {
	run --separate-stderr husk load "${@:2}"
	[[ $status -ne 0 && $output == "" && $stderr == "husk: "*$1* && $(wc -l <<<"$stderr") -eq 1 ]] || {
		echo "load ${*:2}: status $status, stdout '$output', not '$1' but: $stderr"
		return 1
	}
	# Whole layers may be there, which the next one finds.
	[[ -z $(husk images -q) && -z $(find "$HUSK_ROOT"/{layers/making,images,refs,content/sha256} -mindepth 1 2>/dev/null) ]]
}

@test "the directory of a layout" {
	loaded -i "$LAYOUT"
	expect_facts
	[[ $(husk images --format '{{.Repository}} {{.Tag}} sha256:{{.ID}}' --no-trunc) == \
		"example.com/rich 1 $(jq -r .config.digest "$LAYOUT/blobs/sha256/$(jq -r '.manifests[0].digest' "$LAYOUT/index.json" | cut -d : -f 2)")" ]]
	loaded -i "$LAYOUT"
	[[ $(husk load -q -i "$LAYOUT") == "" ]]
}

@test "an archive of it: a file, a pipe, gzip, zstd, xz, bzip2, members in any order and with ./ before them" {
	local file
	tar -C "$LAYOUT" -cf plain .
	(cd "$LAYOUT" && tar -cf "$OLDPWD/back" index.json oci-layout blobs)
	gzip -k plain
	zstd -q plain
	xz -k9 plain
	bzip2 -k plain
	# The largest window, and two streams behind each other, as parallel tools write them.
	zstd -q --ultra -22 --long=27 -o long.zst plain
	{ head -c 100000 plain | xz; tail -c +100001 plain | xz; } >two.xz
	{ head -c 100000 plain | bzip2; tail -c +100001 plain | bzip2; } >two.bz2
	for file in plain back plain.gz plain.zst plain.xz plain.bz2 long.zst two.xz two.bz2; do
		store "$file"
		loaded -i "$file"
		expect_facts
	done
	store piped
	cat plain.gz | loaded
	loaded <plain
	expect_facts
}

@test "what was loaded is saved, and loaded again: the same layers and the same id" {
	local id
	loaded -i "$LAYOUT"
	id=$(husk images -q --no-trunc)
	husk save -o docker example.com/rich:1
	husk save --format oci-archive -o oci example.com/rich:1
	for each in docker oci; do
		store "$each"
		loaded -i "$each"
		[[ $(husk images -q --no-trunc) == "$id" ]]
		expect_facts
		husk save --format oci-archive -o again example.com/rich:1
		cmp oci again
	done
}

@test "archives of skopeo and podman, and a layer that is a link to another" {
	skopeo copy --insecure-policy "oci:$LAYOUT:example.com/rich:1" docker-archive:skopeo:example.com/rich:1 >/dev/null
	loaded -i skopeo
	expect_facts
	local short
	short=$(mktemp -d /tmp/podman.XXXXXX) # podman wants at most 50 letters
	printf '[engine]\nevents_logger = "file"\n' >containers.conf
	export CONTAINERS_CONF=$PWD/containers.conf
	pod() {
		podman --root "$PWD/root" --runroot "$short/run" --tmpdir "$short/tmp" --storage-driver vfs --cgroup-manager cgroupfs "$@"
	}
	pod load -q -i skopeo
	for format in docker-archive oci-archive; do
		store "$format"
		pod save -q --format "$format" -o "$format" example.com/rich:1
		loaded -i "$format"
		expect_facts
	done
	rm -rf "$short"
	# As docker wrote an equal layer once.
	mkdir unpacked
	tar -C unpacked -xf skopeo
	(
		cd unpacked
		layer=$(jq -r '.[0].Layers[1]' manifest.json)
		mkdir first second
		cp -L "$layer" first/layer.tar
		ln -s ../first/layer.tar second/layer.tar
		jq '.[0].Layers[1] = "second/layer.tar"' manifest.json >new
		mv new manifest.json
		# shellcheck disable=SC2046 # names
		tar -cf ../linked first second ./*.json $(jq -r '.[0].Layers[0,2]' manifest.json)
	)
	store linked
	loaded -i linked
	expect_facts
}

@test "an image without a name, and a name that another image had" {
	jq 'del(.manifests[0].annotations)' "$LAYOUT/index.json" >index
	cp -r "$LAYOUT" unnamed
	mv index unnamed/index.json
	run husk load -i unnamed
	[[ $status -eq 0 && $output =~ ^"Loaded image ID: sha256:"[0-9a-f]{64}$ ]]
	[[ $(husk images | tail -n 1) == "<none>"*"<none>"* ]]
	expect_facts "$(husk images -q)"
	jq '.manifests[0].annotations["org.opencontainers.image.ref.name"] = "busybox:latest"' "$LAYOUT/index.json" >unnamed/index.json
	husk run --rm --net none busybox true
	run husk load -i unnamed
	[[ $status -eq 0 && ${lines[0]} == "the image that was called busybox:latest, "*", has no such name any more" ]]
	[[ ${lines[1]} == "Loaded image: busybox:latest" && $(husk images -q | wc -l) -eq 2 ]]
	expect_facts busybox
}

@test "no archives: one sentence, and nothing is kept" {
	: >empty
	refused "it holds no images" -i empty
	head -c 100000 /dev/urandom >noise
	refused "not a tar stream" -i noise
	tar -cf other -C / etc/passwd
	refused "it holds no images" -i other
	tar -C "$LAYOUT" -cf whole .
	head -c 3000 whole >"$PWD/cut"
	refused "" -i cut
	gzip -c whole | head -c 20000 >cut.gzip
	refused "ends too early" -i cut.gzip
	(gzip -c whole && head -c 100 /dev/zero | tr "\\0" g) >behind.gz
	refused "it is not gzip" -i behind.gz
	refused "No such file or directory" -i nosuch
	refused "not a tar stream: it is empty" -i /dev/null
	mkdir dir
	refused "it holds no images" -i dir
	# Memory is bounded, however many and long the names are.
	python3 -c '
import io, sys, tarfile
with tarfile.open("names", "w", format=tarfile.PAX_FORMAT) as t:
    for i in range(8000):
        t.addfile(tarfile.TarInfo("%s/%d" % ("n" * 3000, i)))
'
	refused "the names in the archive are too long" -i names
	head -c 100000 /dev/urandom >noise
	xz -k --lzma2=preset=0,dict=256MiB,mf=hc3 noise
	refused "decompress an archive: xz that needs more than 128 MiB of memory" -i noise.xz
	run --separate-stderr script -qec "'$HUSK' load" /dev/null
	[[ $status -ne 0 && $output == *"does not come from a terminal"* ]]
}

# forged JQ-FILTER FILE: the layout with one document changed, and what names it by its digest.
forged() {
	rm -rf forged
	cp -r "$LAYOUT" forged
	local manifest config
	manifest=$(jq -r '.manifests[0].digest | ltrimstr("sha256:")' forged/index.json)
	config=$(jq -r '.config.digest | ltrimstr("sha256:")' "forged/blobs/sha256/$manifest")
	case $2 in
	index) rewrite "$1" forged/index.json ;;
	manifest) put_manifest "$(jq "$1" "forged/blobs/sha256/$manifest")" ;;
	config)
		jq "$1" "forged/blobs/sha256/$config" >new
		put_blob new
		put_manifest "$(jq --arg d "sha256:$digest" --argjson s "$size" '.config.digest = $d | .config.size = $s' "forged/blobs/sha256/$manifest")"
		;;
	esac
}

rewrite() {
	jq "$1" "$2" >new
	mv new "$2"
}

put_blob() {
	digest=$(sha256sum "$1" | cut -d ' ' -f 1)
	size=$(stat -c %s "$1")
	mv "$1" "forged/blobs/sha256/$digest"
}

put_manifest() {
	printf %s "$1" >new
	put_blob new
	jq --arg d "sha256:$digest" --argjson s "$size" '.manifests[0].digest = $d | .manifests[0].size = $s' forged/index.json >index
	mv index forged/index.json
}

# The same verdict for a directory and an archive.
forged_refused() {
	forged "$2" "$3"
	refused "$1" -i forged
	tar -C forged -cf forged.tar .
	refused "$1" -i forged.tar
}

@test "layouts that lie: digests, sizes, media types, two documents in one, unknown layers, too much" {
	forged_refused "its digest is not sha256:" '.manifests[0].digest = "sha256:../../../etc/passwd"' index
	forged_refused "its digest is not sha256:" '.manifests[0].digest |= ascii_upcase' index
	forged_refused "its digest is not sha256:" '.manifests[0].digest |= .[:-1]' index
	forged_refused "has other bytes than its name says" '.manifests[0].size += 1' index
	forged_refused "it is something else than it was announced as" '.layers = []' index
	forged_refused "it is something else than it was announced as" '.manifests = []' manifest
	forged_refused "it is something else than it was announced as" '.mediaType = "application/vnd.oci.image.index.v1+json"' manifest
	forged_refused "its media type is not that of a layer" '.layers[0].mediaType = "application/vnd.oci.image.layer.v1.tar+lzma"' manifest
	forged_refused "has "*" bytes, not" '.layers[0].size += 1' manifest
	forged_refused "decompress a layer: " '.layers[0].mediaType = "application/vnd.oci.image.layer.v1.tar+zstd"' manifest
	forged_refused "an image has at most 127 layers" '.layers = [range(128) as $i | .layers[0]]' manifest
	forged_refused "the image has 3 layers and 2 diff ids" '.rootfs.diff_ids |= .[1:]' config
	forged_refused "the diff id of a layer is" '.rootfs.diff_ids[2] |= "sha256:" + ("0" * 64)' config
	forged_refused "more than 1000 manifests" '.manifests = [range(1001) as $i | .manifests[0]]' index
	forged . index
	echo '{"imageLayoutVersion": "2.0.0"}' >forged/oci-layout
	refused "imageLayoutVersion must be 1.0.0" -i forged
}

# An index in itself ends; symlinks, pipes and hard links are no documents (LXD's and moby's CVEs of 2026).
@test "documents that are something else than files" {
	forged . index
	jq '.manifests[0].mediaType = "application/vnd.oci.image.index.v1+json"' forged/index.json >new
	put_blob new
	jq --arg d "sha256:$digest" --argjson s "$size" '.manifests[0] = {mediaType: "application/vnd.oci.image.index.v1+json", digest: $d, size: $s}' forged/index.json >new
	cp new forged/index.json
	refused "an index within an index within an index" -i forged
	echo '{"manifests": []}' >"$BATS_TEST_TMPDIR/outside"
	for name in index.json oci-layout; do
		for kind in symlink fifo; do
			forged . index
			rm "forged/$name"
			if [[ $kind == symlink ]]; then
				ln -s "$BATS_TEST_TMPDIR/outside" "forged/$name"
			else
				mkfifo "forged/$name"
			fi
			refused "$name of the image is not a regular file" -i forged
			tar -C forged -cf forged.tar .
			# What is no file of an archive is not there.
			if [[ $kind == symlink ]]; then
				refused "$name of the image is not a regular file" -i forged.tar
			else
				refused "it holds no images" -i forged.tar
			fi
		done
	done
	forged . index
	blob=forged/blobs/sha256/$(jq -r '.manifests[0].digest | ltrimstr("sha256:")' forged/index.json)
	rm "$blob"
	ln -s /etc/passwd "$blob"
	refused "is not a regular file" -i forged
	tar -C forged -cf forged.tar .
	refused "is not a regular file" -i forged.tar
}

@test "an image without layers" {
	forged '.rootfs.diff_ids = [] | del(.history)' config
	manifest=$(jq -r '.manifests[0].digest | ltrimstr("sha256:")' forged/index.json)
	put_manifest "$(jq '.layers = []' "forged/blobs/sha256/$manifest")"
	loaded -i forged
	[[ $(husk images --format '{{.Repository}} {{.Size}}') == "example.com/rich 0B" ]]
	[[ $(husk image inspect -f '{{json .RootFS.Layers}}' example.com/rich:1) == "[]" ]]
	run -127 --separate-stderr husk run --rm --net none example.com/rich:1 /bin/true
	[[ $stderr == *'"/bin/true": no such file or directory'* ]]
	# A program from elsewhere runs there.
	run -0 husk run --rm --net none -v "$(command -v busybox):/busybox:ro" example.com/rich:1 /busybox echo works
	[[ $output == works ]]
	husk save -o saved example.com/rich:1
	husk rmi example.com/rich:1
	loaded -i saved
	husk rmi example.com/rich:1
	[[ -z $(husk images -q) && -z $(ls "$HUSK_ROOT/content/sha256") ]]
}

@test "layers that are not to be distributed, when they are there" {
	local type
	for type in vnd.oci.image.layer.nondistributable.v1.tar+gzip vnd.docker.image.rootfs.foreign.diff.tar.gzip; do
		store "$type"
		forged '.layers[] += {mediaType: "application/'"$type"'", urls: ["http://127.0.0.1:9/elsewhere"]}' manifest
		loaded -i forged
		expect_facts
	done
	store missing
	rm "forged/blobs/sha256/$(jq -r '.layers[0].digest | ltrimstr("sha256:")' "forged/blobs/sha256/$digest")"
	refused "the image has no file blobs/sha256/" -i forged
}

@test "skopeo's dir: and the same as an archive; one image, and an index of several" {
	local id file
	loaded -i "$LAYOUT"
	id=$(husk images -q --no-trunc)
	skopeo copy --insecure-policy "oci:$LAYOUT" dir:flat >/dev/null
	tar -C flat -cf flat.tar .
	for file in flat flat.tar; do
		store "of-$file"
		[[ $(husk load -i "$file") == "Loaded image ID: sha256:$id" ]]
		husk tag "$id" example.com/rich:1
		expect_facts
	done
	# Of an index, as of --all.
	store several
	local manifest foreign
	manifest=$(sha256sum flat/manifest.json | cut -d ' ' -f 1)
	mv flat/manifest.json "flat/$manifest.manifest.json"
	foreign=$(printf '0%.0s' {1..64})
	jq -n --arg d "$manifest" --argjson s "$(stat -c %s "flat/$manifest.manifest.json")" --arg f "$foreign" --arg a "$(skopeo inspect --format "{{.Architecture}}" "oci:$LAYOUT")" '
		{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [
			{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: "sha256:\($f)", size: 5, platform: {os: "linux", architecture: "mips"}},
			{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: "sha256:\($d)", size: $s, platform: {os: "linux", architecture: $a}}]}' \
		>flat/manifest.json
	[[ $(husk load -i flat) == "Loaded image ID: sha256:$id" ]]
	# Damaged, and of another kind.
	store damaged
	printf ' ' >>"flat/$manifest.manifest.json"
	refused "has other bytes than its name says" -i flat
	echo '{"schemaVersion": 1}' >flat/manifest.json
	refused "schemaVersion must be 2" -i flat
	ln -sf /etc/passwd flat/version
	refused "version of the image is not a regular file" -i flat
}

# So that a crash at any place leaves no name of what is not there.
@test "a layer and a file is on disk before its name is; the layers before the image, the image before its reference" {
	need_program strace
	store synced
	strace -f -y -o trace -e trace=syncfs,fsync,fdatasync,renameat,renameat2 "$HUSK" load -i "$LAYOUT"
	sed -nE 's/.*renameat2?\([^,]*, "([^"]*)", [^,]*, "([^"]*)".* = 0$/rename \1 \2/p; s/.* (syncfs|fsync|fdatasync)\([0-9]*<([^>]*)>.* = 0$/sync \2/p' trace |
		sed 's,^sync /store/,sync ,; s,/tree$,,' >order # the worker has the store at /store
	cat order
	awk '
		$1 == "sync" { synced = $2; if (due == $2) due = "" }
		$1 == "rename" && $3 ~ /^(layers|content|images|refs)\// {
			if (due != "" || synced != $2) exit 1
			due = $3; sub("/[^/]*$", "", due)
			kind = $3; sub("/.*", "", kind)
			if (kind != last) kinds = kinds " " kind
			last = kind
		}
		END { exit !(kinds == " layers content images refs" && due == "") }' order
}

@test "names with digests: of what is there, and of what is not" {
	local digest
	digest=$(jq -r '.manifests[0].digest' "$LAYOUT/index.json")
	# named NAME: loads $LAYOUT with this name.
	named() {
		forged '.manifests[0].annotations = {"io.containerd.image.name": "'"$1"'"}' index
		husk load -i forged
	}
	[[ $(named "example.com/rich@$digest") == "Loaded image: example.com/rich@$digest" ]]
	husk run --rm --net none "example.com/rich@$digest" true
	store other
	[[ $(named "example.com/rich@sha256:$(printf '0%.0s' {1..64})") == "Loaded image ID: sha256:"* ]]
	[[ $(named "example.com/rich:7@sha256:$(printf '0%.0s' {1..64})") == "Loaded image: example.com/rich:7" ]]
	# Docker's list of files has lost what a digest could be of.
	store docker
	skopeo copy --insecure-policy "oci:$LAYOUT" docker-archive:archive:example.com/rich:1 >/dev/null 2>&1
	mkdir files
	tar -C files -xf archive
	jq --arg n "example.com/rich@$digest" '.[0].RepoTags = [$n, "example.com/rich:2"]' files/manifest.json >new
	mv new files/manifest.json
	tar -C files -cf archive .
	[[ $(husk load -i archive) == "Loaded image: example.com/rich:2" ]]
	husk run --rm --net none example.com/rich:2 true
}
