# husk run from the built-in image.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load helpers

setup_file() {
	# The image is unpacked at its first use and stays.
	husk run --rm --net none busybox true
}

@test "a clean list of processes: the command is PID 1" {
	run husk run --rm --net none busybox ps
	expect_status 0
	[[ ${#lines[@]} -eq 2 && ${lines[1]} =~ ^\ *1\ .*ps ]]
}

@test "the image's own command, environment and directory" {
	run husk run --rm --net none busybox sh -c 'echo $PATH; pwd'
	[[ ${lines[0]} == */bin* && ${lines[1]} == / ]]
	run bash -c 'echo "echo from the shell" | "$HUSK" run --rm -i --net none busybox'
	[[ $output == "from the shell" ]]
}

@test "two containers of one image: neither sees the other's writes, the image stays" {
	husk run -d --name left --net none busybox sh -c 'echo left >/file; rm /bin/true; sleep 100'
	husk run -d --name right --net none busybox sleep 100
	eventually husk exec left test -s /file
	run husk exec right sh -c 'test ! -e /file && test -e /bin/true && echo unchanged'
	[[ $output == unchanged ]]
	run husk run --rm --net none busybox true
	expect_status 0
	[[ $(husk diff left | sort | tr '\n' ' ') == "A /file C /bin D /bin/true " ]]
	husk rm -f left right
}

@test "ps and inspect name the image" {
	husk run -d --name named --net none busybox sleep 100
	[[ $(husk ps) == *busybox* ]]
	[[ $(field named .Config.Image) == busybox* && $(field named .Image) == sha256:* ]]
	husk rm -f named
}

@test "images lists it" {
	run husk images
	expect_status 0
	[[ ${lines[0]} == "REPOSITORY"*"TAG"*"IMAGE ID"*"CREATED"*"SIZE"* ]]
	expect_output busybox
}

@test "an image that does not exist: one sentence" {
	expect_refusal run --rm --net none --pull never nosuchimage true
	[[ $stderr == *nosuchimage* ]]
}
