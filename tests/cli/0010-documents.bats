# What the README, the manual pages and messages tell people to type is typed here.
# shellcheck disable=SC2016,SC2154 # $ in single quotes is for the shell inside; bats sets stderr
load helpers

setup_file() {
	need_root
	top=$BATS_TEST_DIRNAME/../..
	export top
	# The bridge, its rules and the directory of leases come with the first use and stay.
	husk run --rm --net bridge -p 9:9 busybox true
}

setup() {
	test_begin
	cd "$BATS_TEST_TMPDIR" || return
	PATH=${HUSK%/*}:$PATH
}

teardown() {
	test_end
}

# Commands in indented lines of the README, and in displayed lines of manual pages.
documented() {
	sed -nE 's/^    ([a-z].*)/\1/p' "$top/README.md"
	sed -nE 's/^\.Dl //p' "$top"/man/*.[0-9] | sed -e 's/\\(dq/"/g' -e 's/\\&//g' -e 's/\\-/-/g'
	sed -nE '/^\.Bd -literal/,/^\.Ed/s/^(\$ )?(.*\bhusk(-runtime)? .*|podman .*|ctr .*|dockerd .*)/\2/p' "$top"/man/*.[0-9]
}

# What is documented, a tab, and how it is tried: = as it stands; @FILE WORDS where a test of that file does it; else what is
# run instead, where a line needs a terminal, the network, or the number of a process.
how() {
	cat <<-'TABLE'
		sudo script/demo        # builds husk and shows it: a web server in a container, and every wall of it	@script/fresh-test script/demo
		sudo script/test        # installs what the tests need, builds into ./build-test, runs everything	@script/fresh-test script/test
		sudo script/bootstrap --build	@script/demo script/bootstrap --build
		meson setup build && ninja -C build && sudo meson install -C build	@script/demo ninja
		husk ns run --uts -- sh -c 'hostname bash; hostname'	=
		husk ns run --pid --mount-proc -- ps -ef	=
		husk ns run --map-root-user --pid --mount-proc -- ps -ef	=
		husk ns run --pid --mount-proc --uts -- sh	husk ns run --pid --mount-proc --uts -- sh </dev/null
		husk ns enter 4711 --net --uts -- sh	husk ns enter $$ --net --uts -- sh </dev/null
		husk ns enter 4711 --net -- ip addr	husk ns enter $$ --net -- ip addr
		husk run --rm --rootfs / -m 100m --net none -- sh -c 'touch /etc/only-here; ps'	=
		husk run --rm --rootfs / -- ls	=
		husk run --rm busybox echo hello	=
		husk run --plan busybox true	=
		husk run --plan -v /srv:/srv:ro busybox true	=
		husk run --plan busybox true >a	=
		husk run --plan -m 64m busybox true >b	=
		husk run -d --name web -m 64m -p 8080:80 busybox sh -c 'echo hello >index.html; exec httpd -f -p 80'	=
		curl http://127.0.0.1:8080/	eventually curl -sS http://127.0.0.1:8080/
		husk exec -it web sh	echo exit 0 | script -qec "husk exec -it web sh" /dev/null
		husk ns enter web --net -- ip address	=
		husk ps -f label=tier=front -f name=^web	=
		husk run -d --name web -p 8080:80 -m 64m busybox httpd -f	husk rm -f web && husk run -d --name web -p 8080:80 -m 64m busybox httpd -f && husk rm -f web
		husk ps -aq -f status=exited	=
		husk save --format oci-archive -o busybox.tar busybox	=
		husk load -i layout/	mkdir layout && tar -C layout -xf busybox.tar && husk load -i layout/
		husk save busybox | docker load	@tests/oci/5200-docker.bats docker load
		docker save redis | husk load	@tests/oci/5200-docker.bats docker save
		docker save IMAGE | husk load	@tests/oci/5200-docker.bats docker save
		husk run --rm redis redis-server --version	@tests/cli/3040-pull.bats run --rm
		husk pull redis:7	@tests/cli/3040-pull.bats husk pull
		husk login -u alice --password-stdin registry.example <password	@tests/cli/3060-login.bats --password-stdin
		eval "$(husk completion bash)"	=
		eval "$(husk-runtime completion bash)"	=
		podman --runtime /usr/local/bin/husk-runtime run --rm IMAGE COMMAND	@tests/oci/5000-podman.bats --runtime
		podman --runtime /usr/bin/husk-runtime run ...	@tests/oci/5000-podman.bats --runtime
		ctr run --runc-binary /usr/bin/husk-runtime ...	@tests/oci/5100-containerd.bats --runc-binary
		dockerd --add-runtime husk=/usr/bin/husk-runtime	@tests/oci/5200-docker.bats --add-runtime
	TABLE
}

@test "the examples of the README and of the manual pages" {
	local line way
	documented | sort -u >documented
	how | cut -f 1 | sort -u >known
	diff -u known documented
	while IFS=$'\t' read -r line way <&4; do
		echo "$line"
		[[ $way != = ]] || way=$line
		if [[ $way == @* ]]; then
			grep -qF -- "${way#* }" "$top/$(cut -d ' ' -f 1 <<<"${way#@}")"
		else
			(eval "$way") </dev/null 4<&-
		fi
	done 4< <(how)
	husk image prune -f
}

# A message may say "husk WORD ...", a page "see husk-WORD": there is such a command, or such a page.
@test "commands that messages and manual pages name" {
	local name
	husk _options | cut -f 1 | sed -n 's/^husk //p' | sort -u >commands
	grep -rhoE "husk [a-z]+ (-f |removes|writes|--)|\`husk [a-z]+" "$top/src" --include=*.c | sed -E 's/^`?husk ([a-z]+).*/\1/' | sort -u >named
	[[ -s named ]]
	while read -r name; do
		grep -qE "^$name( |\$)" commands || {
			echo "no command is called $name"
			return 1
		}
	done <named
	sed -nE 's/^\.Xr (husk[a-z-]*) ([0-9]).*/\1.\2/p' "$top"/man/*.[0-9] | sort -u >named
	[[ $(wc -l <named) -gt 20 ]]
	while read -r name; do
		[[ -e $top/man/$name ]] || {
			echo "no page $name"
			return 1
		}
	done <named
}

@test "HUSK_LOG=debug: each step of a start, and nothing without it" {
	run --separate-stderr env HUSK_LOG=debug "$HUSK" run --rm --net bridge busybox true
	[[ $status -eq 0 && -z $output ]]
	printf '%s\n' "$stderr" >seen
	grep -E '^husk: .*host: step +[0-9]+  host  ' seen
	grep -E 'host: step +[0-9]+  init  mount proc on /proc' seen
	grep -E 'host: init is process [0-9]+$' seen
	grep -E 'host: eth0 of container [0-9a-f]+ is in bridge ' seen
	grep -E 'host: process [0-9]+ executes the command$' seen
	# The steps are those of --plan, in number.
	husk run --plan --net bridge busybox true >plan
	[[ $(grep -c ': step ' seen) -eq $(grep -cE '^ *[0-9]+  (host|init)' plan) ]]
	run --separate-stderr husk run --rm --net none busybox true
	[[ -z $stderr ]]
}
