# husk image inspect and husk history.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load helpers

setup_file() {
	husk run --rm --net none busybox true
}

@test "image inspect: by Docker's names, through a template, several, and one that is not there" {
	husk image inspect busybox | jq -e '.[0] | .Id == "sha256:'"$(husk images -q --no-trunc)"'" and .RepoTags == ["busybox:latest"] and
		(.RepoDigests[0] | startswith("busybox@sha256:")) and .Os == "linux" and .Config.Cmd != null and .RootFS.Type == "layers" and
		.Size > 1000000'
	[[ $(husk image inspect -f '{{.Os}}/{{index .RepoTags 0}}' busybox) == linux/busybox:latest ]]
	[[ $(husk image inspect busybox "$(husk images -q)" | jq length) -eq 2 ]]
	run --separate-stderr husk image inspect busybox nosuch
	[[ $status -eq 1 && $(jq length <<<"$output") -eq 1 && $stderr == "husk: no such image: nosuch"* ]]
}

@test "history: the newest first, with sizes, shortened or not" {
	run husk history busybox
	[[ $status -eq 0 && ${lines[0]} == "IMAGE"*"CREATED"*"CREATED BY"*"SIZE"*"COMMENT"* ]]
	[[ ${lines[1]} == "$(husk images -q)"*"MB"* ]]
	[[ $(husk history -q --no-trunc busybox) == sha256:$(husk images -q --no-trunc) ]]
	[[ $(husk history --format json busybox | jq -r .ID) == "$(husk images -q)" ]]
	run --separate-stderr husk history nosuch
	[[ $status -eq 1 && $stderr == "husk: no such image: nosuch"* ]]
}
