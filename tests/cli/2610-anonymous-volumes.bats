# Volumes that a container was given without a name go with it, where Docker lets them go.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load helpers

setup_file() {
	make_image
}

teardown() {
	husk ps -aq | xargs -r "$HUSK" rm -f >/dev/null 2>&1
	rm -rf "${HUSK_ROOT:?}"/volumes/*
	test_end
}

volumes() {
	find "$HUSK_ROOT/volumes" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | tr '\n' ' '
}

no_container() {
	[[ -z $(husk ps -aq) ]]
}

@test "--rm takes its anonymous volumes along, named ones stay" {
	container -v /data -v keep:/kept -- sh -c 'echo x >/data/file; echo y >/kept/file'
	[[ $(volumes) == "keep " && $(<"$HUSK_ROOT/volumes/keep/_data/file") == y ]]
	background --rm -v /data -v /more -- sh -c 'echo x >/data/file'
	eventually no_container
	[[ $(volumes) == "keep " ]]
	background --rm --name box -v /data -- sleep 100
	[[ $(volumes) == *" keep " || $(volumes) == "keep "?* ]]
	husk rm -f box
	eventually no_container
	[[ $(volumes) == "keep " ]]
}

@test "what never ran leaves no volume" {
	run -127 husk run --rm --rootfs "$ROOTFS" --net none -v /data -- /nosuch
	[[ $status -eq 127 && -z $(volumes) ]]
	run husk run --rootfs "$ROOTFS" --net nosuch -v /data -- true
	[[ $status -eq 125 && -z $(volumes) ]]
}

@test "rm leaves anonymous volumes, rm -v removes them, of named ones neither does" {
	background --name one -v /data -v keep:/kept -- sh -c 'echo x >/data/file'
	husk wait one
	husk rm one
	[[ $(volumes | wc -w) -eq 2 ]]
	rm -r "${HUSK_ROOT:?}"/volumes/*
	background --name one -v /data -v keep:/kept -- sh -c 'echo x >/data/file'
	husk wait one
	husk rm -v one
	[[ $(volumes) == "keep " ]]
	background --name one -v /data -- sleep 100
	run husk rm -fv one
	[[ $status -eq 0 && $(volumes) == "keep " ]]
}

@test "a start keeps the data, and what was typed as an anonymous volume's name is another's to keep" {
	local name
	background --name one -v /data -- sh -c 'echo x >>/data/file; sleep 100'
	name=$(field one '.Mounts[0].Name')
	[[ ${#name} -eq 64 ]]
	eventually test -s "$HUSK_ROOT/volumes/$name/_data/file"
	husk kill one
	husk start one
	eventually husk exec one sh -c '[ "$(wc -l </data/file)" = 2 ]'
	background --name two -v "$name:/borrowed" -- sleep 100
	husk rm -fv one
	[[ $(husk exec two cat /borrowed/file) == $'x\nx' ]]
	husk rm -fv two
	[[ $(volumes) == "$name " ]]
}

@test "a volume is kept while a record that cannot be read may name it" {
	local id name
	background --name one -v /data -- sh -c 'echo x >/data/file; sleep 100'
	name=$(field one '.Mounts[0].Name')
	eventually test -s "$HUSK_ROOT/volumes/$name/_data/file"
	id=$(background --name two -v "$name:/borrowed" -- true)
	husk wait two
	echo '{' >"$HUSK_ROOT/containers/$id/record.json"
	husk rm -fv one
	[[ $(<"$HUSK_ROOT/volumes/$name/_data/file") == x ]]
	husk rm -f two
	[[ $(volumes) == "$name " ]]
}

@test "a colon in the root's path" {
	local root=$BATS_TEST_TMPDIR/a:b:c state=$BATS_TEST_TMPDIR/s:t
	other() {
		HUSK_ROOT=$root HUSK_STATE=$state "$HUSK" "$@"
	}
	other run --rm --rootfs "$ROOTFS" --net none -v keep:/data -v keep:/etc/hosts:ro -- sh -c 'echo kept >/data/file; ls /etc/hosts'
	[[ $(<"$root/volumes/keep/_data/file") == kept ]]
	run other run --name box --rootfs "$ROOTFS" --net none -v keep:/data:ro -v /more -- sh -c 'cat /data/file; ! touch /data/new'
	[[ $status -eq 0 && $output == *kept* ]]
	[[ $(other inspect box | jq -r '.[0].Mounts[0] | "\(.Name) \(.Source) \(.Destination) \(.Mode) \(.RW)"') == \
		"keep $root/volumes/keep/_data /data ro false" ]]
	other rm -v box
	[[ $(ls "$root/volumes") == keep ]]
}
