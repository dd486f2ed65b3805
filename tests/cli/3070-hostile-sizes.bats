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
		exec(sys.stdin.read())
		layer.write(b'\0' * 1024)
		layer = layer.getvalue()
		config = json.dumps({'architecture': 'amd64', 'os': 'linux', 'config': {}, 'rootfs': {'type': 'layers',
		    'diff_ids': ['sha256:' + hashlib.sha256(layer).hexdigest()]}}).encode()
		manifest = json.dumps([{'Config': 'config.json', 'RepoTags': ['forged:1'], 'Layers': ['layer.tar']}]).encode()
		with tarfile.open('archive', 'w') as out:
		    for name, data in [('config.json', config), ('layer.tar', gzip.compress(layer, 6)), ('manifest.json', manifest)]:
		        t = tarfile.TarInfo(name)
		        t.size = len(data)
		        out.addfile(t, io.BytesIO(data))
	END
	python3 forge.py
}

# refused WORDS: within a minute, and nothing stays. The worker's own limit is the wall behind the sentence.
refused() {
	run -1 --separate-stderr timeout 60 husk load -i archive
	[[ $stderr == husk:*$1* && $(wc -l <<<"$stderr") == 1 ]] || {
		echo "$stderr"
		return 1
	}
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
	run -0 timeout 60 husk load -i archive
	expect_output "Loaded image: forged:1"
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
