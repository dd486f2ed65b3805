# Data that would like to be control: annotations, ids, state, paths of cgroups, sysctls, hooks; and what is hidden.
# shellcheck disable=SC2016 # $ in single quotes is for jq and for the shell inside
# shellcheck disable=SC2154 # bats sets stderr, and hostile.bash evil and pid
load ../cli/helpers
load bundle
load hostile

setup_file() {
	make_hostile_bundle
}

setup() {
	hostile_begin
}

teardown() {
	hostile_end
}

@test "annotations are carried and never obeyed" {
	# What of a process's status is the runtime's doing; the rest is of the moment.
	local facts='^(Umask|Uid|Gid|Groups|SigBlk|SigIgn|SigCgt|Cap.*|NoNewPrivs|Seccomp.*):'
	config --arg facts "$facts" '.process.args = ["sh", "-c", "env; grep -E \"" + $facts + "\" /proc/self/status; cat /proc/mounts; cat /proc/self/cgroup"]'
	"$RUNTIME" plan --bundle "$BUNDLE" >"$BATS_TEST_TMPDIR/plan"
	run_one
	[[ $(grep -cE "$facts" <<<"$output") -ge 12 ]]
	echo "$output" >"$BATS_TEST_TMPDIR/seen"
	# shellcheck disable=SC2046 # words
	config --arg facts "$facts" --argjson keys "$(jq -nc '$ARGS.positional' --args run.oci.hooks.stdout run.oci.handler run.oci.systemd.subgroup run.oci.delegate-cgroup \
		run.oci.keep_original_groups run.oci.mount_context_type run.oci.seccomp.receiver run.oci.seccomp_fail_unknown_syscall run.oci.pidfd_receiver \
		run.oci.timens_offset run.oci.seccomp.plugins run.oci.seccomp_bpf_data org.systemd.property.SuccessAction org.systemd.property.ExecStopPost \
		org.criu.config org.opencontainers.runc.exec io.podman.annotations.privileged io.podman.annotations.checkpoint.name \
		io.podman.annotations.init io.containers.trace-syscall io.containers.capabilities io.kubernetes.cri.container-type \
		io.kubernetes.cri-o.userns-mode io.kubernetes.cri-o.Devices containerd.io/restart.loguri com.docker.security.privileged module.wasm.image/variant \
		cdi.k8s.io/x io.kata-containers.config.hypervisor.path husk.privileged)" \
		'.annotations = ($keys | map({key: ., value: "..\n/../../../bin/sh"}) | from_entries) |
		.annotations["run.oci.timens_offset"] = "0:86400" | .annotations["org.systemd.property.SuccessAction"] = "\u0027reboot-force\u0027" |
		.process.args = ["sh", "-c", "env; grep -E \"" + $facts + "\" /proc/self/status; cat /proc/mounts; cat /proc/self/cgroup"]'
	[[ $(jq '.annotations | length' config.json) -ge 30 ]]
	"$RUNTIME" plan --bundle "$BUNDLE" | diff "$BATS_TEST_TMPDIR/plan" -
	run_one
	[[ $status -eq 0 ]]
	echo "$output" | diff "$BATS_TEST_TMPDIR/seen" -
	[[ $(runtime features | jq '.potentiallyUnsafeConfigAnnotations // [] | length') -eq 0 ]]
	expect_untouched
}

@test "an id is a name in the root directory, and never a way out of it" {
	config_of true
	mkdir "$BATS_TEST_TMPDIR/outside"
	for id in .. . "" ../outside a/b /etc "$(printf 'a\nb')" 'a b' '*' '~' "$(printf 'x%.0s' {1..256})" 'a:b' '%2e%2e' $'\xff'; do
		for command in state start kill "delete --force" pause resume ps "exec" "update --pids-limit 3"; do
			# shellcheck disable=SC2086 # words
			run --separate-stderr "$RUNTIME" --root "$RUNTIME_ROOT" $command "$id" true </dev/null
			[[ $status -ne 0 && -z $output ]]
		done
		run --separate-stderr "$RUNTIME" --root "$RUNTIME_ROOT" create --bundle "$BUNDLE" "$id" </dev/null
		refused ""
		run --separate-stderr "$RUNTIME" --root "$RUNTIME_ROOT" create --bundle "$BUNDLE" -- "$id" </dev/null
		refused ""
	done
	[[ -z $(ls -A "$RUNTIME_ROOT") && -z $(ls -A "$BATS_TEST_TMPDIR/outside") ]]
	expect_untouched
}

@test "a link in the root directory is no container" {
	config_of sleep 1000
	begin c
	cp -a "$RUNTIME_ROOT/c" "$BATS_TEST_TMPDIR/copy"
	ln -s "$BATS_TEST_TMPDIR/copy" "$RUNTIME_ROOT/linked"
	for command in state start kill "delete --force" exec; do
		run --separate-stderr timeout 10 "$RUNTIME" --root "$RUNTIME_ROOT" $command linked true </dev/null
		[[ $status -ne 0 && -z $output ]]
	done
	run --separate-stderr "$RUNTIME" --root "$RUNTIME_ROOT" create --bundle "$BUNDLE" linked </dev/null
	refused ""
	status_is c running
	[[ -e $BATS_TEST_TMPDIR/copy/state.json ]]
	rm "$RUNTIME_ROOT/linked"
}

# Whoever may write there is root already; but a full disk, or a crash of the machine, leaves such things as well.
@test "state that is cut off, empty, random, someone else's or a FIFO is one sentence, and can be deleted" {
	config_of sleep 1000
	for file in state.json config.json plan; do
		for how in empty cut zero random missing fifo directory; do
			begin c
			at=$RUNTIME_ROOT/c/$file
			cp "$at" "$BATS_TEST_TMPDIR/good"
			case $how in
			empty) : >"$at" ;;
			cut) head -c 40 "$BATS_TEST_TMPDIR/good" >"$at" ;;
			zero) head -c 4096 /dev/zero >"$at" ;;
			random) head -c 4096 /dev/urandom >"$at" ;;
			missing) rm "$at" ;;
			fifo) rm "$at" && mkfifo "$at" ;;
			directory) rm "$at" && mkdir "$at" ;;
			esac
			for command in "state c" "list -q" "exec c true" "kill c 0" "ps c"; do
				# shellcheck disable=SC2086 # words
				run --separate-stderr timeout --kill-after 2 5 "$RUNTIME" --root "$RUNTIME_ROOT" $command </dev/null
				[[ $status -eq 0 || $status -eq 1 ]] || { echo "$file $how: $command: $status $stderr"; return 1; }
				[[ $stderr != *$'\n'*$'\n'* ]]
			done
			timeout --kill-after 2 15 "$RUNTIME" --root "$RUNTIME_ROOT" delete --force c
			[[ ! -e $RUNTIME_ROOT/c ]]
			# Without its state it is taken for a create that died, whose init has ended; and its group may be another's.
			if [[ "$file $how" == "state.json missing" ]]; then
				kill -KILL "$pid"
				find /sys/fs/cgroup -depth -type d -name c -exec sh -c 'until rmdir "$1"; do sleep 0.1; done' - {} \; 2>/dev/null
			fi
			is_gone() {
				! kill -0 "$pid" 2>/dev/null
			}
			eventually is_gone
			[[ -z $(find /sys/fs/cgroup -type d -name c) ]]
		done
	done
}

@test "a pid that is another process's by now is not touched" {
	config_of sleep 1000
	begin c
	sleep 0.1 # the kernel's times of birth are hundredths of a second
	sleep 1000 &
	other=$!
	jq --argjson pid "$other" '.pid = $pid' "$RUNTIME_ROOT/c/state.json" >"$BATS_TEST_TMPDIR/state"
	cp "$RUNTIME_ROOT/c/state.json" "$BATS_TEST_TMPDIR/good"
	cp "$BATS_TEST_TMPDIR/state" "$RUNTIME_ROOT/c/state.json"
	status_is c stopped
	run runtime kill c KILL
	[[ $status -eq 1 ]]
	run runtime exec c true
	[[ $status -ne 0 ]]
	kill -0 "$other"
	cp "$BATS_TEST_TMPDIR/good" "$RUNTIME_ROOT/c/state.json"
	runtime delete --force c
	kill -0 "$other"
	kill "$other"
	wait "$other" || true
}

@test "files that are written for the caller replace links, and follow none" {
	config_of true
	ln -s "$CANARY/file" "$BATS_TEST_TMPDIR/pid"
	run_one --pid-file "$BATS_TEST_TMPDIR/pid"
	[[ $status -eq 0 && ! -L $BATS_TEST_TMPDIR/pid && $(<"$BATS_TEST_TMPDIR/pid") =~ ^[0-9]+$ ]]
	expect_untouched
}

try_cgroups='
	mkdir -p /mnt
	for options in memory pids devices freezer none,name=systemd none,name=escape; do
		mount -t cgroup -o $options cgroup /mnt 2>/dev/null || continue
		for file in $(find /mnt -name release_agent -o -name notify_on_release 2>/dev/null); do
			case $file in *release_agent) (echo /evil >$file) 2>/dev/null && echo "wrote $file of $options" ;; esac
		done
		umount /mnt
	done
	for at in /sys/fs/cgroup /sys/fs/cgroup/*; do
		mkdir $at/x 2>/dev/null && echo "made $at/x"
		for file in release_agent cgroup.procs tasks devices.allow; do
			[ -e $at/$file ] && (echo a >$at/$file) 2>/dev/null && echo "wrote $at/$file"
		done
	done
	grep -v ":/$" /proc/self/cgroup
	echo done'

@test "cgroups are the container's own and read-only; no release_agent is written, not even with CAP_SYS_ADMIN" {
	for filter in . '.process.capabilities[] |= . + ["CAP_SYS_ADMIN"]'; do
		config --arg script "$try_cgroups" "$filter"' | .process.args = ["sh", "-c", $script]'
		run_one
		[[ $status -eq 0 && $output == "done" ]]
	done
	config --arg script "$try_cgroups" '.process.capabilities[] |= . + ["CAP_SYS_ADMIN"] | .process.args = ["sleep", "1000"]'
	begin c
	run --separate-stderr "$RUNTIME" --root "$RUNTIME_ROOT" exec c sh -c "$try_cgroups"
	[[ $status -eq 0 && $output == "done" ]]
}

@test "cgroupsPath and exec --cgroup lead nowhere else" {
	for path in ../x /a/../../x a/.. ..; do
		config --arg path "$path" '.linux.cgroupsPath = $path | .process.args = ["true"]'
		run_one
		refused "linux.cgroupsPath"
	done
	config_of sleep 1000
	begin c
	begin c2
	for path in ../c2 .. c/../.. ../c2/ /../c2; do
		run --separate-stderr "$RUNTIME" --root "$RUNTIME_ROOT" exec --cgroup "$path" c true </dev/null
		[[ $status -ne 0 && -z $output && $stderr != *$'\n'* ]]
	done
}

@test "a device that the rules do not allow cannot be opened, and an update allows no more" {
	need_controller devices
	config '.process.capabilities[] |= . + ["CAP_MKNOD"] | .linux.devices = [{path: "/dev/fuse-like", type: "c", major: 10, minor: 229}] |
		.linux.resources.devices += [{allow: true, type: "c", major: 10, minor: 229, access: "r"}] | .process.args = ["sleep", "1000"]'
	begin c
	try='
		for node in "b 8 0" "b 259 0" "b 7 0" "c 1 1" "c 1 2" "c 1 4" "c 1 11" "c 10 200" "c 4 1"; do
			rm -f /tmp/node
			mknod /tmp/node $node 2>/dev/null || { echo "$node mknod"; continue; }
			(true </tmp/node || true >/tmp/node) 2>/tmp/said && echo "$node open"
			grep -q "not permitted" /tmp/said && echo "$node EPERM"
		done
		dd if=/dev/fuse-like of=/dev/null count=0 2>/dev/null && echo read
		(echo x >/dev/fuse-like) 2>/dev/null && echo written
		rm -f /tmp/node; mknod /tmp/node c 1 3 && cat /tmp/node && echo null fine'
	for update in "" "--pids-limit 50" "--memory 100M"; do
		# shellcheck disable=SC2086 # words
		[[ -z $update ]] || runtime update $update c
		run runtime exec c sh -c "$try"
		echo "$output"
		[[ $output != *" open"* && $output != *written* && $output == *read* && $output == *"null fine" ]]
		[[ $(grep -c 'EPERM$' <<<"$output") -eq 9 ]]
	done
}

@test "sysctls are the container's own, or refused; what the host has stays" {
	before=$(cat /proc/sys/kernel/core_pattern /proc/sys/net/ipv4/ip_forward /proc/sys/vm/overcommit_memory)
	while IFS=$'\t' read -r key value; do
		config --arg key "$key" --arg value "$value" '.linux.sysctl = {($key): $value} | .process.args = ["true"]'
		run_one
		refused ""
	done <<-'END'
		kernel.core_pattern	|/x
		net/../kernel/core_pattern	|/x
		net.ipv4.../../kernel/core_pattern	|/x
		kernel.shmmax+kernel.core_pattern	1
		kernel/shm../core_pattern	1
		vm.overcommit_memory	1
		kernel.modprobe	/x
		fs.binfmt_misc.register	x
		net..ipv4	1
		/kernel/core_pattern	x
	END
	config '.linux.sysctl = {"kernel.shmmax": "1+kernel.core_pattern=|/x"} | .process.args = ["true"]'
	run_one
	refused "kernel.shmmax"
	config '.linux.sysctl = {"kernel.shmmax": "1\nkernel.core_pattern=x"} | .process.args = ["true"]'
	run_one
	refused "kernel.shmmax"
	for kind in network ipc uts; do
		config --arg kind "$kind" '.linux.namespaces |= map(select(.type != $kind)) | del(.hostname) | .process.args = ["true"] |
			.linux.sysctl = {({network: "net.ipv4.ip_forward", ipc: "kernel.msgmax", uts: "kernel.domainname"}[$kind]): "1"}'
		run_one
		refused "the host's"
	done
	[[ $(cat /proc/sys/kernel/core_pattern /proc/sys/net/ipv4/ip_forward /proc/sys/vm/overcommit_memory) == "$before" ]]
}

@test "what is hidden shows nothing, and what is read-only cannot be written, by root with CAP_SYS_ADMIN as well" {
	core=$(</proc/sys/kernel/core_pattern)
	for filter in . '.process.capabilities[] |= . + ["CAP_SYS_ADMIN"]'; do
		config "$filter"' | .process.args = ["sh", "-c", $ARGS.positional[0]]' --args '
			for path in /proc/acpi /proc/asound /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/sched_debug /proc/scsi /sys/firmware; do
				[ ! -e $path ] || [ -z "$(ls -A $path 2>/dev/null | grep -v "^$path$")$(head -c 10 $path 2>/dev/null)" ] || echo "shows $path"
			done
			for file in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/kernel/modprobe /proc/sys/vm/drop_caches \
				/proc/sysrq-trigger /proc/irq/default_smp_affinity /proc/bus/pci/devices /sys/kernel/uevent_helper /sys/power/state; do
				(echo 1 >$file) 2>/dev/null && echo "wrote $file"
			done
			echo done'
		run_one
		[[ $status -eq 0 && $output == "done" ]]
	done
	[[ $(</proc/sys/kernel/core_pattern) == "$core" ]]
}

@test "a hook has its own environment and arguments, no files of the runtime's, and no program of the image" {
	hook=$BATS_TEST_TMPDIR/hook
	cat >"$hook" <<-END
		#!/bin/bash
		exec >>'$BATS_TEST_TMPDIR/said'
		echo "kind \$1"; env | grep -vE '^(PWD|SHLVL|_)='; for fd in /proc/self/fd/*; do echo "fd \${fd##*/}"; done
	END
	chmod 755 "$hook"
	mkdir -p "$evil$BATS_TEST_TMPDIR" "$evil/bin"
	printf '#!/bin/sh\ntouch /ran-by-hook\n' >"$evil$hook"
	cp "$evil$hook" "$evil/bin/bash"
	chmod 755 "$evil$hook" "$evil/bin/bash"
	config --arg hook "$hook" '.process.env += ["LD_PRELOAD=/evil.so", "BASH_ENV=/evil"] | .process.args = ["true"] |
		.hooks = ([("prestart", "createRuntime", "createContainer", "poststart", "poststop")] |
			map({key: ., value: [{path: $hook, args: ["hook", .], env: ["ONLY=this"]}]}) | from_entries)'
	LD_LIBRARY_PATH=/evil SECRET=x run_one 7</ 9</etc/passwd
	[[ $status -eq 0 && ! -e $evil/ran-by-hook ]]
	[[ $(grep -c ^kind "$BATS_TEST_TMPDIR/said") -eq 5 && $(grep -c ^ONLY=this "$BATS_TEST_TMPDIR/said") -eq 5 ]]
	[[ -z $(grep -E 'LD_|BASH_ENV|SECRET' "$BATS_TEST_TMPDIR/said") ]]
	# The shell's own file and the directory that it lists.
	[[ -z $(grep ^fd "$BATS_TEST_TMPDIR/said" | grep -vxE 'fd (0|1|2|3|255)') ]]
	expect_untouched
}

@test "hooks that are no absolute path are refused" {
	for path in hook ./hook ../bin/sh ""; do
		config --arg path "$path" '.hooks.createRuntime = [{path: $path}] | .process.args = ["true"]'
		run_one
		refused "hooks.createRuntime"
	done
}

@test "restore takes what the container may do from the configuration, and no image's word for it" {
	mkdir "$BATS_TEST_TMPDIR/image"
	config_of sleep 1000
	for name in config.json descriptors.json inventory.img; do
		ln -s "$CANARY/file" "$BATS_TEST_TMPDIR/image/$name"
	done
	run --separate-stderr timeout 20 "$RUNTIME" --root "$RUNTIME_ROOT" restore --image-path "$BATS_TEST_TMPDIR/image" --bundle "$BUNDLE" c </dev/null
	[[ $status -eq 1 && -z $output ]]
	expect_untouched
}

# What criu is told of a mount begins with the place in brackets.
@test "a mount on a name that could end the brackets of criu's words is not checkpointed" {
	mkdir -p "$evil/a]:b"
	ln -s "/a]:b" "$evil/linked"
	mkdir "$BATS_TEST_TMPDIR/source"
	# A criu that works here, as far as it is asked.
	printf '%s\n' '#!/bin/sh' 'case $1 in --version) echo Version: 9.9 ;; esac' >"$BATS_TEST_TMPDIR/criu"
	chmod +x "$BATS_TEST_TMPDIR/criu"
	config --arg source "$BATS_TEST_TMPDIR/source" '.mounts |= map(select(.type != "cgroup")) | .mounts += [{destination: "/linked", source: $source, options: ["bind"]}] |
		.process.args = ["sleep", "1000"]'
	begin c
	run --separate-stderr "$RUNTIME" --root "$RUNTIME_ROOT" --criu "$BATS_TEST_TMPDIR/criu" checkpoint --image-path "$BATS_TEST_TMPDIR/image" c
	refused 'criu takes no "]" there'
	status_is c running
}
