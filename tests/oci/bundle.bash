# What the files here share: bundles, and husk-runtime. Begins after  load ../cli/helpers.
# shellcheck shell=bash

# For setup_file: a bundle of busybox in $BUNDLE with the configuration that `spec` writes, without a terminal; it is for
# $RUNTIME, which may have been set to a program around husk-runtime.
make_bundle() {
	need_root
	need_program busybox
	need_program jq
	export RUNTIME=${RUNTIME:-${HUSK%/*}/husk-runtime} BUNDLE=$BATS_FILE_TMPDIR/bundle RUNTIME_ROOT=$BATS_FILE_TMPDIR/run
	make_rootfs "$BUNDLE/rootfs"
	mkdir -p "$BUNDLE"/rootfs/{proc,sys,dev}
	"$RUNTIME" spec --bundle "$BUNDLE"
	jq '.process.terminal = false | .linux.namespaces |= (. + [{type: "cgroup"}] | unique)' "$BUNDLE/config.json" >"$BATS_FILE_TMPDIR/base.json"
	mkdir -p "$RUNTIME_ROOT"
}

runtime() {
	"$RUNTIME" --root "$RUNTIME_ROOT" "$@"
}

# config JQ-FILTER [JQ-ARG...]: the bundle's configuration is the base one, so changed.
config() {
	jq "$@" <"$BATS_FILE_TMPDIR/base.json" >"$BUNDLE/config.json"
}

# config_of COMMAND [ARG...]: the base one with this command.
config_of() {
	# shellcheck disable=SC2016 # jq's variable
	config '.process.args = $ARGS.positional' --args -- "$@"
}

# status_of ID
status_of() {
	runtime state "$1" | jq -r .status
}

status_is() {
	[[ $(status_of "$1") == "$2" ]]
}

# failure WORDS COMMAND...: exit 1, nothing on stdout, one line on stderr with WORDS in it.
failure() {
	local words=$1
	shift
	run --separate-stderr runtime "$@"
	# shellcheck disable=SC2154 # bats sets stderr
	[[ $status -eq 1 && -z $output && $stderr != *$'\n'* && $stderr == *"$words"* ]] || {
		printf '%s: status %s, stdout "%s", not "%s" but:\n%s\n' "$*" "$status" "$output" "$words" "$stderr"
		return 1
	}
}

# Has the machine cgroups of version 2 alone?
is_version2() {
	[[ $(stat -f -c %T /sys/fs/cgroup) == cgroup2fs ]]
}

# Of the container "one": limit_is FILE-OF-VERSION-1 VALUE FILE-OF-VERSION-2 VALUE
limit_is() {
	local file=$1 wanted=$2 got
	if is_version2; then
		file=$3 wanted=$4
	fi
	got=$(runtime exec one cat "/sys/fs/cgroup/$file")
	[[ $got == "$wanted" ]] || {
		printf '%s: "%s", not "%s"\n' "$file" "$got" "$wanted"
		return 1
	}
}

# Nothing of any container is left.
runtime_clean() {
	runtime list -q | xargs -r -n1 "$RUNTIME" --root "$RUNTIME_ROOT" delete --force
	[[ -z $(ls "$RUNTIME_ROOT") ]]
}
