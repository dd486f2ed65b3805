# What an image may cost: archives that are small and ask for much are refused in one sentence, soon, and leave nothing.
# shellcheck disable=SC2154 # bats sets stderr
load helpers

setup_file() {
	need_root
	need_program python3
}

setup() {
	test_begin
	cd "$BATS_TEST_TMPDIR" || return
	export HUSK_ROOT=$BATS_TEST_TMPDIR/store HUSK_STATE=$BATS_TEST_TMPDIR/state
	# What loading costs is measured, not how busy the disk is.
	mkdir store
	mount -t tmpfs -o mode=700 store store
}

teardown() {
	umount "$BATS_TEST_TMPDIR/store"
	test_end
}

# forge SCRIPT: an archive of docker's kind, "archive", with one layer that the python in SCRIPT writes with
# add(name, type, content) and pax(records).
forge() {
	cat >forge.py <<-'END'
		import gzip, hashlib, io, json, sys, tarfile
		layer = io.BytesIO()
		def block(name, kind, size):
		    t = tarfile.TarInfo(name)
		    t.type, t.size, t.mode = kind, size, 0o755
		    return t.tobuf(tarfile.USTAR_FORMAT)
		def add(name, kind=b'0', content=b''):
		    layer.write(block(name, kind, len(content)) + content + b'\0' * (-len(content) % 512))
		def pax(records):
		    add('pax', b'x', records)
		settings, tail = {}, b''
		exec(sys.stdin.read())
		layer.write(b'\0' * 1024)
		layer = layer.getvalue()
		config = json.dumps({'architecture': 'amd64', 'os': 'linux', 'config': settings, 'rootfs': {'type': 'layers',
		    'diff_ids': ['sha256:' + hashlib.sha256(layer).hexdigest()]}}).encode() + tail
		manifest = json.dumps([{'Config': 'config.json', 'RepoTags': ['forged:1'], 'Layers': ['layer.tar']}]).encode()
		with tarfile.open('archive', 'w') as out:
		    for name, data in [('config.json', config), ('layer.tar', gzip.compress(layer, 6)), ('manifest.json', manifest)]:
		        t = tarfile.TarInfo(name)
		        t.size = len(data)
		        out.addfile(t, io.BytesIO(data))
	END
	python3 forge.py
}

# load_measured [OPTION...]: husk load within a minute; the most memory that it or its worker had at once, in KiB, is in the
# file "peak".
load_measured() {
	python3 - "$HUSK" load "$@" <<-'END'
		import os, signal, subprocess, sys
		signal.alarm(60)
		child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
		_, status, usage = os.wait4(child.pid, 0)
		open("peak", "w").write(str(usage.ru_maxrss))
		sys.exit(os.waitstatus_to_exitcode(status))
	END
}

# Nobody has had more than so many MiB.
expect_peak() {
	echo "peak: $(<peak) KiB"
	[[ $(<peak) -le $(($1 * 1024)) ]]
}

# refused WORDS: within a minute and 64 MiB, and nothing stays. The worker's own limit is the wall behind the sentence.
refused() {
	run -1 --separate-stderr load_measured -i archive
	[[ $stderr == husk:*$1* && $(wc -l <<<"$stderr") == 1 ]] || {
		echo "$stderr"
		return 1
	}
	expect_peak 64
	husk image prune -f
	[[ -z $(find "$HUSK_ROOT"/{layers,images,refs,content/sha256} -mindepth 1 ! -name making) ]]
}

@test "special members in a row: many headers of many small records" {
	forge <<-'END'
		records = b'18 SCHILY.xattr.a=' [:18]
		records = b'19 SCHILY.xattr.a=\n' * 50000
		for i in range(60):
		    pax(records)
		add('file')
	END
	[[ $(stat -c %s archive) -lt 1000000 ]]
	refused "what stands before one member takes more than"
}

@test "special members in a row: long names" {
	forge <<-'END'
		for i in range(60):
		    add('././@LongLink', b'L', b'x' * 1000000)
		add('file')
	END
	refused "what stands before one member takes more than"
}

@test "special members in a row: more than anybody needs" {
	forge <<-'END'
		for i in range(100000):
		    add('././@LongLink', b'K', b'x')
		add('file')
	END
	refused "more than 64 special members before one member"
}

@test "members of many levels are made in a moment" {
	forge <<-'END'
		for i in range(2000):
		    add('/'.join(['%04d' % i] + ['a'] * 45) + '/f')
	END
	# 92,000 directories; each was resolved from the root once, which took minutes.
	run -0 load_measured -i archive
	expect_output "Loaded image: forged:1"
	expect_peak 64
	run -0 husk rmi forged:1
}

@test "what is no archive is refused before it is read to its end" {
	run -1 --separate-stderr timeout 20 husk load </dev/zero
	[[ $stderr == "husk: not a tar stream: it begins with its end" ]] || {
		echo "$stderr"
		return 1
	}
	run -1 --separate-stderr timeout 20 husk load < <(yes)
	[[ $stderr == "husk: not a tar stream: it begins with no header" ]] || {
		echo "$stderr"
		return 1
	}
	yes | head -c 100M | gzip -1 >archive
	refused "not a tar stream: it begins with no header"
	head -c 300 /dev/zero >archive
	refused "it ends within a member"
	# A plain file is looked at in its place, up to its end as an archive.
	truncate -s 100G archive
	refused "it holds no images"
}

@test "documents that are as large as they may be, and larger" {
	forge <<-'END'
		settings = {'Env': ['A%d=%s' % (i, 'x' * 20) for i in range(60000)], 'Labels': {'l%d' % i: 'y' * 10 for i in range(20000)},
		    'Volumes': {'/v%d' % i: {} for i in range(20000)}}
		add('file')
	END
	run -0 load_measured -i archive
	expect_peak 64
	husk image prune -af
	forge <<-'END'
		settings = {'Labels': {'l': 'x' * 4000000}}
		add('file')
	END
	run -0 load_measured -i archive
	expect_peak 64
	husk image prune -af
	forge <<-'END'
		settings = {'x': [[] for i in range(140000)]}
		add('file')
	END
	refused "more than 131072 values"
	forge <<-'END'
		settings = {'Labels': {'l': 'x' * 5000000}}
		add('file')
	END
	refused "config.json of the image has more than 4194304 bytes"
	forge <<-'END'
		tail = b'[' * 1000000
		add('file')
	END
	refused "expected the end of the text"
}

# What a window takes is memory that the archive asks for: 128 MiB, and no more than that besides.
@test "the largest window of zstd, the largest dictionary of xz" {
	need_program zstd
	need_program xz
	forge <<-'END'
		add('file', b'0', bytes(200_000_000))
	END
	mv archive plain
	head -c 150M /dev/zero >noise
	tar -rf plain noise
	for each in "zstd -q --ultra --long=27 -1" "xz --lzma2=preset=0,dict=64MiB,mf=hc3"; do
		$each -c plain >archive
		run -0 load_measured -i archive
		expect_output "Loaded image: forged:1"
		expect_peak 192
		husk rmi forged:1
	done
}
