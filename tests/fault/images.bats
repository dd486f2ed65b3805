# The fault sweep over what makes and removes images and volumes: load, rmi, pull, and a volume that takes an image's files.
# shellcheck disable=SC2034,SC2154 # the sweep reads repeated; bats sets status
load sweep
eval "$(declare -f setup_file | sed '1s/setup_file/sweep_setup_file/')"

setup_file() {
	sweep_setup_file
	need_program skopeo
	make_registry
	husk run --rm --net none busybox true
	husk save --format oci-archive -o "$BATS_FILE_TMPDIR/archive" busybox
	skopeo copy -q --insecure-policy --dest-tls-verify=false "oci-archive:$BATS_FILE_TMPDIR/archive" "docker://$REGISTRY/test/box:1"
}

teardown_file() {
	end_registry
}

# What is done for each file of an image.
of_each_file='husk-image (linkat|openat2|unlinkat|fchown|fchmod|utimensat) |husk unlinkat '

# Success was the whole; after a failure the same command makes it, and nothing lies beside it.
made() {
	((status > 0)) || [[ $(store) == "$(cat whole)" ]] || complain "success with another store: $(store | diff whole - | head -n 5)"
	"$HUSK" "${command[@]}" >later 2>&1 || complain "then it fails: $(cat later)"
	[[ $(store) == "$(cat whole)" ]] || complain "then the store is another: $(store | diff whole - | head -n 5)"
	[[ -z $(find "$HUSK_ROOT/downloads" -mindepth 1 ! -name '*+lock' 2>/dev/null) ]] || complain "downloads are left"
}

# makes COUNT COMMAND...
makes() {
	store_removed
	husk "${@:2}" >/dev/null
	store >whole
	repeated=$of_each_file
	sweep "$1" store_removed made "${@:2}"
}

loaded() {
	store_removed
	husk load -q -i "$BATS_FILE_TMPDIR/archive"
}

# It is there, whole, or not; and it can be removed.
removed() {
	((status > 0)) || [[ -z $(husk images -q) ]] || complain "success, and the image is there"
	if [[ -n $(husk images -q) ]]; then
		husk run --rm --net none busybox true >later 2>&1 || complain "then the image does not run: $(cat later)"
	else
		husk load -q -i "$BATS_FILE_TMPDIR/archive" || complain "then it cannot be loaded"
	fi
	husk rmi busybox >/dev/null 2>later || complain "then it cannot be removed: $(cat later)"
	[[ -z $(find "$HUSK_ROOT"/{images,refs,layers,content/sha256} -mindepth 1 ! -path "$HUSK_ROOT/layers/making*") ]] ||
		complain "then there is $(find "$HUSK_ROOT"/{images,refs,layers,content/sha256} -mindepth 1 | head -n 3 | xargs)"
}

removes() {
	repeated=$of_each_file
	sweep "$1" loaded removed rmi busybox
}

volumes() {
	find "$HUSK_ROOT/volumes" -mindepth 1 -printf '%P %y %m %U:%G %s\n' 2>/dev/null | sed 's/^\(.* d .*\) [0-9]*$/\1/' | grep -v lock | sort
}

no_volumes() {
	find "$HUSK_ROOT/volumes" -mindepth 1 -delete
}

# A volume is there with all that the image has, or not at all; and the next container gets it whole.
filled() {
	[[ -z $(volumes | grep '^kept') || $(volumes) == "$(cat whole)" ]] || complain "a part of a volume: $(volumes | diff whole - | head -n 5)"
	"$HUSK" "${command[@]}" >later 2>&1 || complain "then it fails: $(cat later)"
	[[ $(volumes) == "$(cat whole)" ]] || complain "then the volumes are others: $(volumes | diff whole - | head -n 5)"
}

fills() {
	loaded
	no_volumes
	husk run --rm --net none -v kept:/etc busybox true
	volumes >whole
	[[ $(wc -l <whole) -gt 3 ]]
	sweep "$1" no_volumes filled run --rm --net none -v kept:/etc busybox true
	no_volumes
	store_removed
}

@test "load: a sample" {
	makes 15 load -q -i "$BATS_FILE_TMPDIR/archive"
}

# bats test_tags=long
@test "load: every call" {
	makes all load -q -i "$BATS_FILE_TMPDIR/archive"
}

@test "pull: a sample" {
	makes 15 pull -q "$REGISTRY/test/box:1"
}

# bats test_tags=long
@test "pull: every call" {
	makes all pull -q "$REGISTRY/test/box:1"
}

@test "rmi: a sample" {
	removes 10
}

# bats test_tags=long
@test "rmi: every call" {
	removes all
}

@test "a volume with the files of an image: a sample" {
	fills 10
}

# bats test_tags=long
@test "a volume with the files of an image: every call" {
	fills all
}
