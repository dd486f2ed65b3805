# --format: Go templates as people type them for docker, on every command that has it.
# shellcheck disable=SC2016,SC2154 # templates are not for the shell; bats sets stderr
load helpers

setup_file() {
	make_image
	# The bridge and the directory of leases come with the first use and stay.
	husk run --rm --rootfs "$ROOTFS" --net bridge -p 9:9 -- true
	husk run --rm --net none busybox true
}

teardown() {
	husk ps -aq | xargs -r "$HUSK" rm -f >/dev/null
	test_end
}

# said EXPECTED COMMAND...: the command prints exactly this.
said() {
	local expected=$1
	shift
	run --separate-stderr husk "$@"
	[[ $status -eq 0 && $output == "$expected" && -z $stderr ]] || {
		printf 'husk %s: status %s, expected "%s", found "%s" "%s"\n' "$*" "$status" "$expected" "$output" "$stderr"
		return 1
	}
}

# mistaken WORD COMMAND...: refused in one sentence about the template, with WORD in it.
mistaken() {
	local word=$1
	shift
	run --separate-stderr husk "$@"
	[[ $status -ne 0 && $status -lt 126 && -z $output && $stderr == "husk: "*template* && $stderr == *"$word"* &&
		$stderr != *$'\n'* ]] || {
		printf 'husk %s: status %s, stdout "%s", stderr "%s"\n' "$*" "$status" "$output" "$stderr"
		return 1
	}
}

@test "ps: names, ids and states, a container a line" {
	background --name one -- sleep 100
	background --name two -l app=web -l tier=front -- sh -c 'exit 3'
	eventually has_ended two
	said one ps --format '{{.Names}}'
	said $'two\none' ps -a --format '{{.Names}}'
	said $'two exited\none running' ps -a --format '{{.Names}} {{.State}}'
	said "$(husk ps -q)" ps --format '{{.ID}}'
	said "$(husk ps -q --no-trunc)" ps --no-trunc --format '{{.ID}}'
	run husk ps -a --format '{{.Names}}: {{.Status}}'
	[[ ${lines[0]} == "two: Exited (3) "*" ago" && ${lines[1]} == "one: Up "* ]]
	said app=web,tier=front ps -a --format '{{.Labels}}'
	said 'none none' ps --format '{{.Networks}} {{.Networks}}'
	said '"sleep 100"' ps --format '{{.Command}}'
	run husk ps --format '{{.Image}} {{.CreatedAt}} {{.RunningFor}} {{.Ports}}|{{.Size}}'
	[[ $output == "$ROOTFS "*' +0000 UTC '*' ago |' ]]
}

@test "an empty --format is none, as docker has it" {
	local name
	for name in ps images 'network ls' info version; do
		# shellcheck disable=SC2086 # two words
		said "$(husk $name)" $name --format ''
	done
	said "$(husk network inspect none)" network inspect -f '' none
}

@test "ps: nothing to list prints nothing, and the head of a table" {
	said '' ps --format '{{.Names}}'
	said '' ps --format json
	said 'NAMES     STATUS' ps --format 'table {{.Names}}\t{{.Status}}'
}

@test "ps: tables have the heads and the columns of docker" {
	background --name a-longer-name -- sleep 100
	background --name b -- sleep 100
	run husk ps --format 'table {{.ID}}\t{{.Names}}\t{{.State}}'
	[[ ${lines[0]} == 'CONTAINER ID   NAMES           STATE' ]]
	[[ ${lines[1]} == ????????????'   b               running' ]]
	[[ ${lines[2]} == ????????????'   a-longer-name   running' ]]
	# A real tab, and a function in a column: the head stays as it is.
	run husk ps --format $'table {{.Names}}\t{{upper .State}}'
	[[ ${lines[0]} == 'NAMES           STATE' && ${lines[1]} == 'b               RUNNING' ]]
	[[ $(husk ps --format table) == "$(husk ps)" ]]
	run husk ps --format 'table {{.RunningFor}}\t{{.CreatedAt}}\t{{.Image}}\t{{.Command}}\t{{.Ports}}\t{{.Networks}}\t{{.Labels}}\t{{.Size}}'
	[[ ${lines[0]} =~ ^CREATED\ +CREATED\ AT\ +IMAGE\ +COMMAND\ +PORTS\ +NETWORKS\ +LABELS\ +SIZE$ ]]
}

@test "ps: json, one object a line" {
	background --name one -l 'quoted="yes"' -- sleep 100
	background --name two -- sleep 100
	run husk ps --format json
	[[ ${#lines[@]} -eq 2 ]]
	[[ $(jq -r .Names <<<"$output" | tr '\n' ' ') == 'two one ' ]]
	[[ $(jq -r .Labels <<<"${lines[1]}") == 'quoted="yes"' ]]
	[[ $(husk ps --format '{{json .}}') == "$output" ]]
	said $'"two"\n"one"' ps --format '{{json .Names}}'
	said "$(husk ps -q)" ps -q --format '{{.Names}}'
}

@test "ps: if, printf, join and friends" {
	background --name one -- sleep 100
	said 'one is up' ps --format '{{.Names}}{{if eq .State "running"}} is up{{else}} is down{{end}}'
	said 'one       |' ps --format '{{printf "%-10s" .Names}}|'
	said 'ONE' ps --format '{{.Names | upper}}'
	said 'a-b' ps --format '{{join (split "a,b" ",") "-"}}'
	said '3' ps --format '{{len .Names}}'
	said $'one\ttab' ps --format '{{.Names}}\ttab'
}

@test "ps: what would drive a terminal in a table comes escaped" {
	background --name one -l $'x=\e[2J' -- sleep 100
	run husk ps --format 'table {{.Labels}}'
	[[ $output == *'x=\x1b[2J'* && $output != *$'\e'* ]]
}

@test "ps: a command that would drive a terminal comes escaped in the plain table, too" {
	background --name odd -- printf $'\e[31mred' >/dev/null
	run -0 husk ps -a --no-trunc
	[[ $output == *'\x1b[31mred'* && $output != *$'\e'* ]]
}

@test "inspect: what scripts ask for" {
	background --name box -e A=1 -l app=web -l com.example.role=db --tmpfs /scratch -v data:/data:ro -m 64m -- sleep 100
	local pid
	pid=$(pid_of box)
	said running inspect -f '{{.State.Status}}' box
	said true inspect --format '{{.State.Running}}' box
	said true inspect --format='{{.State.Running}}' box
	said "$pid" inspect -f '{{.State.Pid}}' box
	said 0 inspect box -f '{{.State.ExitCode}}'
	said /box inspect -f '{{.Name}}' box
	said "$(husk ps -q --no-trunc)" inspect -f '{{.Id}}' box
	said web inspect -f '{{index .Config.Labels "app"}}' box
	said db inspect -f '{{index .Config.Labels "com.example.role"}}' box
	said web inspect -f '{{.Config.Labels.app}}' box
	said '' inspect -f '{{index .Config.Labels "missing"}}' box
	said '{"app":"web","com.example.role":"db"}' inspect -f '{{json .Config.Labels}}' box
	said $'app=web\ncom.example.role=db' inspect -f '{{range $k, $v := .Config.Labels}}{{$k}}={{$v}}{{println}}{{end}}' box
	run husk inspect -f '{{range .Config.Env}}{{println .}}{{end}}' box
	[[ $output == *$'A=1\n'* || $output == *A=1 ]]
	said 'sleep 100' inspect -f '{{join .Config.Cmd " "}}' box
	said '[sleep 100]' inspect -f '{{.Config.Cmd}}' box
	said sleep inspect -f '{{index .Config.Cmd 0}}' box
	said 67108864 inspect -f '{{.HostConfig.Memory}}' box
	said 'data -> /data false' inspect -f '{{range .Mounts}}{{.Name}} -> {{.Destination}} {{.RW}}{{end}}' box
	said 'none' inspect -f '{{.HostConfig.NetworkMode}}' box
}

@test "inspect: addresses and published ports" {
	local address
	husk run -d --name web --rootfs "$ROOTFS" --net bridge -p 8080:80 -- sleep 100
	address=$(field web .NetworkSettings.IPAddress)
	[[ $address == 10.* ]]
	said "$address" inspect -f '{{.NetworkSettings.IPAddress}}' web
	said "$address" inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' web
	said "$address" inspect -f '{{.NetworkSettings.Networks.bridge.IPAddress}}' web
	said 8080 inspect -f '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}' web
	said '80/tcp -> 8080' inspect -f '{{range $p, $c := .NetworkSettings.Ports}}{{$p}} -> {{(index $c 0).HostPort}}{{end}}' web
	said '0.0.0.0:8080->80/tcp' ps --format '{{.Ports}}'
}

@test "inspect: several containers, and one that is not there" {
	background --name one -- sleep 100
	background --name two -- sleep 100
	said $'/one\n/two' inspect -f '{{.Name}}' one two
	run --separate-stderr husk inspect -f '{{.Name}}' one nosuch two
	[[ $status -eq 1 && $output == $'/one\n/two' && $stderr == *nosuch* && $stderr != *$'\n'* ]]
	run husk inspect -f json one two
	[[ ${#lines[@]} -eq 2 && $(jq -r .Name <<<"${lines[1]}") == /two ]]
}

@test "labels: the last one of a name counts, everywhere" {
	background --name one -l a=1 -l b=2 -l a=3 -- sleep 100
	said 3 inspect -f '{{.Config.Labels.a}}' one
	said 'b=2,a=3' ps --format '{{.Labels}}'
	[[ $(field one '.Config.Labels | length') == 2 ]]
}

@test "images" {
	said 'busybox:latest' images --format '{{.Repository}}:{{.Tag}}'
	said "$(husk images -q)" images --format '{{.ID}}'
	said "$(husk images -q --no-trunc)" images --no-trunc --format '{{.ID}}'
	run husk images --format 'table {{.Repository}}\t{{.Size}}'
	[[ ${lines[0]} == 'REPOSITORY   SIZE' && ${lines[1]} =~ ^busybox\ +[0-9.]+[kM]B$ ]]
	run husk images --format 'table {{.ID}}\t{{.Tag}}\t{{.CreatedSince}}\t{{.CreatedAt}}\t{{.Digest}}'
	[[ ${lines[0]} =~ ^IMAGE\ ID\ +TAG\ +CREATED\ +CREATED\ AT\ +DIGEST$ ]]
	[[ $(husk images --format json | jq -r .Tag) == latest ]]
	[[ $(husk images --format table) == "$(husk images)" ]]
	said "$(husk images -q)" images -q --format '{{.Tag}}'
	mistaken Nope images --format '{{.Nope}}'
}

@test "network ls and network inspect" {
	husk network create --subnet 10.77.1.0/24 app
	said $'app\nbridge\nhost\nnone' network ls --format '{{.Name}}'
	run husk network ls --format 'table {{.Name}}\t{{.Driver}}\t{{.Scope}}'
	[[ ${lines[0]} == 'NAME      DRIVER    SCOPE' && ${lines[1]} == 'app       bridge    local' ]]
	[[ $(husk network ls) =~ ^'NETWORK ID     NAME      DRIVER    SCOPE'$'\n' ]]
	[[ $(husk network ls --format json | jq -r 'select(.Name == "app").Subnet') == 10.77.1.0/24 ]]
	[[ $(husk network ls --format table) == "$(husk network ls)" ]]
	said "$(husk network ls -q)" network ls -q --format '{{.Name}}'
	said "$(husk network ls -q)" network ls --format '{{.ID}}'
	said 10.77.1.0/24 network inspect -f '{{range .IPAM.Config}}{{.Subnet}}{{end}}' app
	said 10.77.1.1 network inspect --format '{{(index .IPAM.Config 0).Gateway}}' app
	said $'app\nbridge' network inspect app bridge -f '{{.Name}}'
	said bridge network inspect -f '{{.Driver}}' app
	said 'map[]' network inspect -f '{{.Containers}}' app
	[[ $(husk network inspect -f json app | jq -r .Name) == app ]]
	run --separate-stderr husk network inspect -f '{{.Name}}' app nosuch
	[[ $status -eq 1 && $output == app && $stderr == *nosuch* ]]
	mistaken Nope network ls --format '{{.Nope}}'
	mistaken Nope network inspect -f '{{.Nope}}' app
	husk network rm app
}

@test "info and version" {
	local version
	version=$(husk version | sed 's/.* //')
	said "$version" version --format '{{.Server.Version}}'
	said "$version" version -f '{{.Client.Version}}'
	[[ $(husk version --format json | jq -r .Client.Os) == linux ]]
	background --name one -- sleep 100
	said 1/1 info --format '{{.ContainersRunning}}/{{.Containers}}'
	said "$(uname -r)" info -f '{{.KernelVersion}}'
	said "overlay $version $HUSK_ROOT" info -f '{{.Driver}} {{.ServerVersion}} {{.DockerRootDir}}'
	said "$(getconf _NPROCESSORS_ONLN)" info -f '{{.NCPU}}'
	[[ $(husk info --format '{{json .}}' | jq -r .CgroupVersion) == [12] ]]
	mistaken Nope info -f '{{.Nope}}'
	mistaken Nope version -f '{{.Nope}}'
}

@test "mistakes: one sentence that says where" {
	background --name one -- sleep 100
	mistaken Nope ps --format '{{.Nope}}'
	mistaken Nope ps --format 'table {{.Nope}}'
	mistaken Nope inspect -f '{{.State.Nope}}' one
	mistaken '' ps --format '{{.Names'
	mistaken '' ps --format '{{.Names}'
	mistaken end ps --format '{{if .Names}}x'
	mistaken end ps --format '{{end}}'
	mistaken nosuch ps --format '{{nosuch .Names}}'
	mistaken '' ps --format '{{index .Names "x"}}'
	mistaken '' inspect -f '{{index .Config.Cmd 99}}' one
	mistaken '' inspect -f '{{range .State.Pid.X}}{{end}}' one
	mistaken '' ps --format '{{printf}}'
	mistaken '' ps --format "{{.Names}} $(printf '{{if true}}%.0s' {1..200})"
	mistaken '' ps --format '{{range $i, $x := .Names}}{{$y}}{{end}}'
	mistaken '' ps --format "{{.Names | printf \"%s\" | nosuch}}"
	# A mistake is found although there is nothing to list.
	husk rm -f one
	mistaken '' ps --format '{{.Names'
	mistaken Nope ps --format 'table {{.Nope}}'
}

# What a container or an image named may move the cursor of no terminal, and forge no row.
@test "names that are for a terminal, not for people" {
	local name=$'a\e[31m\nC forged'
	husk run --name dirty --rootfs "$ROOTFS" --net none -l "key=$name" -- sh -c "touch \"/tmp/\$1\"" sh "$name"
	run -0 husk diff dirty
	[[ $output != *$'\e'* && $output == *'/tmp/a\x1b[31m\nC '* && $output != *$'\nC forged'* ]]
	# Scripts get the bytes, a terminal does not.
	said "$name" inspect --format '{{index .Config.Labels "key"}}' dirty
	run -0 script -qec "'$HUSK' inspect --format '{{index .Config.Labels \"key\"}}' dirty" /dev/null
	[[ $output != *$'\e'* && $output == *'a\x1b[31m'* ]]
	run -0 script -qec "'$HUSK' ps -a --format '{{.Labels}}'" /dev/null
	[[ $output != *$'\e'* && $output == *'a\x1b[31m\nC forged'* ]]
	# In a table a newline of a value is no new row for anybody.
	run -0 husk ps -a --format 'table {{.Labels}}'
	[[ ${#lines[@]} -eq 2 && ${lines[1]} == *'a\x1b[31m\nC forged'* ]]
	# The template's own bytes are the user's.
	run -0 script -qec "'$HUSK' inspect --format '"$'\e'"[1m{{.Name}}' dirty" /dev/null
	[[ $output == *$'\e[1m/dirty'* ]]
}
