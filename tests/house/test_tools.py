#!/usr/bin/env python3
"""The checks of tools/ can fail: each is run on a small tree that is right, and on one with each thing wrong."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TOOLS = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), 'tools')
SPDX = '/* SPDX-License-Identifier: Apache-2.0 */\n'
HEADER = SPDX + '#pragma once\n'
LAYERS = 'open: base sys\n\nbase\nsys\nmount net\nbin\n'
GOOD = {
    'src/LAYERS': LAYERS,
    'src/base/banned.h': HEADER,
    'src/base/buf.h': HEADER + 'struct buf;\n',
    'src/base/buf.c': SPDX + '#include "base/buf.h"\n',
    'src/sys/fd.h': HEADER + '#include "base/buf.h"\n',
    'src/mount/mount.h': HEADER + '#include "base/buf.h"\n\nint mount_go(struct buf *b);\n',
    'src/mount/internal.h': HEADER + '#include "mount/mount.h"\n',
    'src/mount/go.c': SPDX + '#include "mount/internal.h"\n#include "sys/fd.h"\n\n'
                      'static const int sizes[] = {1, 2};\n\nint mount_go(struct buf *b)\n{\n\treturn sizes[b != 0];\n}\n',
    'src/net/net.h': HEADER,
}


class House(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)
        self.write(GOOD)
        shutil.copy(os.path.join(TOOLS, '..', '.clang-format'), self.root)

    def write(self, files):
        for path, text in files.items():
            path = os.path.join(self.root, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, 'w', encoding='utf-8') as file:
                file.write(text)

    def check(self, tool, *arguments):
        return subprocess.run([os.path.join(TOOLS, tool), *arguments, self.root], capture_output=True, text=True, check=False)

    def passes(self, tool, *arguments):
        run = self.check(tool, *arguments)
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, '', ''))

    def finds(self, tool, files, *expected, arguments=()):
        """With these files in the tree the tool prints a line with each of the expected words, and exits 1."""
        self.write(files)
        run = self.check(tool, *arguments)
        self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
        for words in expected:
            self.assertIn(words, run.stdout)
        for line in run.stdout.splitlines():
            self.assertRegex(line, r'^[^:]+:\d+: \S')


class Layers(House):
    def test_good(self):
        self.passes('check-layers')

    def test_upwards(self):
        self.finds('check-layers', {'src/base/x.c': SPDX + '#include "sys/fd.h"\n'},
                   'src/base/x.c:2: base must not include sys: src/LAYERS has it above')

    def test_beside(self):
        self.finds('check-layers', {'src/net/x.c': SPDX + '#include "mount/mount.h"\n'}, 'beside')

    def test_private(self):
        self.finds('check-layers', {'src/bin/x.c': SPDX + '#include "mount/internal.h"\n'}, '"mount/internal.h" is private')

    def test_public(self):
        self.write({'src/LAYERS': LAYERS + 'public: mount/tree.h\n', 'src/mount/tree.h': HEADER,
                    'src/bin/x.c': SPDX + '#include "mount/tree.h"\n'})
        self.passes('check-layers')
        self.finds('check-layers', {'src/LAYERS': LAYERS + 'public: mount/tree.h mount/gone.h\n'},
                   'src/LAYERS:1: mount/gone.h is public but not there')

    def test_unknown_folder(self):
        self.finds('check-layers', {'src/new/x.c': SPDX}, 'src/new/x.c:1: new is in no layer')

    def test_missing_file(self):
        self.finds('check-layers', {'src/net/x.c': SPDX + '#include "net/made.h"\n'}, 'neither in src/ nor made')
        self.write({'src/net/meson.build': "custom_target(output: 'made.h')\n"})
        self.passes('check-layers')

    def test_first_include(self):
        self.finds('check-layers', {'src/base/buf.c': SPDX + '#include "base/banned.h"\n#include "base/buf.h"\n'},
                   'src/base/buf.c:2: the first include is not "base/buf.h"')

    def test_folder_cycle(self):
        self.finds('check-layers', {'src/base/buf.c': SPDX + '#include "base/buf.h"\n#include "sys/fd.h"\n'},
                   'cycle of folders: base sys')

    def test_header_cycle(self):
        self.finds('check-layers', {'src/mount/mount.h': HEADER + '#include "mount/internal.h"\n'},
                   'cycle of headers: mount/internal.h mount/mount.h')

    def test_module_cycle(self):
        self.finds('check-layers', {'src/base/a.h': HEADER, 'src/base/a.c': SPDX + '#include "base/a.h"\n#include "base/buf.h"\n',
                                    'src/base/buf.c': SPDX + '#include "base/buf.h"\n#include "base/a.h"\n'},
                   'cycle of modules: base/a base/buf')

    def test_file_cycle(self):
        internal = HEADER + '#include "mount/mount.h"\n\nint other(void);\nextern const int third[];\n'
        go = GOOD['src/mount/go.c'].replace('sizes[b', 'other() + sizes[b')
        other = SPDX + '#include "mount/internal.h"\n\nconst int third[] = {1};\n\nint other(void)\n{\n\treturn 0;\n}\n'
        self.write({'src/mount/internal.h': internal, 'src/mount/go.c': go, 'src/mount/other.c': other})
        self.passes('check-layers')
        self.finds('check-layers', {'src/mount/other.c': other.replace('return 0', 'return mount_go(0)')},
                   'cycle of files: mount/go.c mount/other.c')
        # By an object as well as by a function; a member of that name is none.
        self.finds('check-layers', {'src/mount/go.c': go.replace('other()', 'third[0]'),
                                    'src/mount/other.c': other.replace('return 0', 'return mount_go(0)')}, 'cycle of files')
        self.write({'src/mount/other.c': other.replace('return 0', 'return third->mount_go')})
        self.passes('check-layers')

    def test_internal_is_no_module(self):
        self.write({'src/base/internal.h': HEADER + '#include "base/buf.h"\n',
                    'src/base/buf.c': SPDX + '#include "base/buf.h"\n#include "base/internal.h"\n'})
        self.passes('check-layers')


class Size(House):
    def test_good(self):
        self.passes('check-size')

    def function(self, body, head='int f(void)'):
        return {'src/net/x.c': f'{SPDX}{head}\n{{\n{body}}}\n'}

    def test_lines(self):
        self.finds('check-size', self.function('\tf();\n' * 98), 'src/net/x.c:2: f: 101 lines of code in a function, at most 100')

    def test_tables_are_no_lines(self):
        self.write(self.function('\tstatic const int t[] = {\n' + '\t\t1,\n' * 200 + '\t};\n\treturn t[0];\n'))
        self.passes('check-size')

    def test_branches(self):
        self.finds('check-size', self.function('\tif (f() && f())\n\t\tf();\n' * 13), 'f: 27 cyclomatic')

    def test_nesting(self):
        self.finds('check-size', self.function('\tfor (;;) {' * 5 + '}' * 5 + '\n'), 'f: 5 levels of braces')

    def test_parameters(self):
        self.finds('check-size', self.function('', 'int f(int a, int b, int c, int d, int e, int (*g)(int, int), int h)'),
                   'f: 7 parameters')

    def test_file_header_folder(self):
        self.finds('check-size', {'src/net/x.c': SPDX + '\n' * 1000}, 'x.c: 1001 lines in a file')
        self.finds('check-size', {'src/net/x.h': HEADER + '\n' * 149}, 'x.h: 151 lines in a header')
        self.finds('check-size', {f'src/net/{i}.c': SPDX + '\n' * 998 for i in range(7)}, 'src/net:1: net: ')

    def test_columns(self):
        self.write({'src/net/x.c': SPDX + '/* ' + 'x' * 97 + '\n\t' + 'x' * 89 + ' */\n'})
        self.passes('check-size')
        self.finds('check-size', {'src/net/x.c': SPDX + '/* ' + 'x' * 98 + ' */\n'}, 'src/net/x.c:2: x.c: 104 columns in a line')
        self.finds('check-size', {'src/net/x.c': SPDX + '\t\t/* ' + 'x' * 79 + ' */\n'}, 'src/net/x.c:2: x.c: 101 columns')

    def test_members(self):
        members = ''.join(f'\tint m{i};\n' for i in range(26))
        self.finds('check-size', {'src/net/x.h': HEADER + f'struct s {{\n{members}}};\n'}, 's: 26 members of a struct')

    def test_global(self):
        self.finds('check-size', {'src/net/x.c': SPDX + 'static int counter;\nstatic const char *words[2];\n'
                                  'static const char *const names[2];\n' + 'int f(void)\n{\n\tstatic int calls;\n\treturn calls++;\n}\n'},
                   'src/net/x.c:2: counter', 'src/net/x.c:3: words', 'src/net/x.c:7: calls')
        self.assertNotIn('names', self.check('check-size').stdout)
        self.finds('check-size', {'src/net/x.c': SPDX + 'static const struct {\n\tint a;\n} rows[] = {{1}};\n\n'
                                  'struct s {\n\tint a;\n} kept;\n'}, 'src/net/x.c:8: kept')
        self.assertNotIn('rows', self.check('check-size').stdout)

    def test_allow(self):
        self.write({'src/net/x.c': SPDX + 'static int counter;\n', 'tools/size-allow': 'global src/net/x.c counter it counts\n'})
        self.passes('check-size')
        self.finds('check-size', {'tools/size-allow': 'global src/net/x.c counter\n'}, 'an entry needs a reason')
        self.finds('check-size', {'src/net/x.c': SPDX, 'tools/size-allow': 'global src/net/x.c counter it counts\n'},
                   'tools/size-allow:1: global src/net/x.c counter: nothing to allow any more')


class Errno(House):
    def test_good(self):
        self.write({'src/net/x.c': SPDX + '#include <errno.h>\n/* errno and syscall( in words; see openat2(2); */\nint x = -EPERM;\n',
                    'src/net/y.c': SPDX + 'int f(void)\n{\n\treturn sys_mount(NULL, "/", NULL, 0, NULL);\n}\nconst char *s = "printf(";\n',
                    'src/sys/x.c': SPDX + 'int f(void)\n{\n\treturn errno + syscall(1) + mount("a", "b", "c", 0, 0);\n}\n',
                    'src/bin/x.c': SPDX + 'int f(void)\n{\n\treturn printf("x");\n}\n'})
        self.passes('check-errno')

    def test_each_rule(self):
        for line, words in (('int x = errno;', '(errno)'), ('int x = syscall(1);', '(syscall)'), ('int x = printf("");', '(stream)'),
                            ('int x = fputs("", stderr);', '(stream)'), ('int x = sys_mount("a", "/b", "c", 0, 0);', '(mount)'),
                            ('int x = sys_mount(NULL, "/b", NULL, 0, 0);', '(mount)'), ('int x = umount2("/a", 0);', '(umount)'),
                            ('typedef struct a b;', '(typedef)'), ('/* TO' + 'DO: more */', '(unfinished)'), ('int x; ', '(blank)'),
                            ('/* f(x); */', '(dead)'), ('// int y = 3;', '(dead)'), ('\t * return x;', '(blank)')):
            with self.subTest(line):
                comment = '/*\n' if line.startswith('\t *') else ''
                end = ' \n */' if comment else ''
                self.finds('check-errno', {'src/net/x.c': f'{SPDX}{comment}{line}{end}\n'}, f'src/net/x.c:{3 if comment else 2}: ', words)

    def test_issue_number(self):
        self.write({'src/net/x.c': SPDX + '/* TO' + 'DO(#12): more */\n'})
        self.passes('check-errno')

    def test_spdx(self):
        self.finds('check-errno', {'src/net/x.c': 'int x;\n'}, 'src/net/x.c:1: the first line is not /* SPDX')

    def test_allow(self):
        self.write({'src/net/x.c': SPDX + 'int x = errno;\n', 'tools/errno-allow': 'errno src/net/x.c 1 it must\n'})
        self.passes('check-errno')
        self.finds('check-errno', {'src/net/x.c': SPDX + 'int x = errno + errno;\n'}, 'src/net/x.c:2')
        self.finds('check-errno', {'src/net/x.c': SPDX}, 'tools/errno-allow:1: errno src/net/x.c: 0 places, not 1')


class Unused(House):
    DECLARED = HEADER + 'struct s;\nint net_f(int (*each)(int), int a)\n\t__attribute__((cold));\n/* net_g(1); */\n'
    DEFINED = SPDX + '#include "net/net.h"\nint net_f(int (*each)(int), int a)\n{\n\treturn a ? net_f(each, 0) : 0;\n}\n'

    def setUp(self):
        super().setUp()
        self.write({'src/net/net.h': self.DECLARED, 'src/net/x.c': self.DEFINED,
                    'src/bin/x.c': SPDX + '#include "mount/mount.h"\nint main(void)\n{\n\treturn mount_go(0);\n}\n'})

    def test_unused(self):
        self.finds('check-unused', {}, 'src/net/net.h:4: net_f is used by no other file than its own')
        self.finds('check-unused', {'tests/unit/x.c': SPDX + 'int x(void)\n{\n\treturn net_f(NULL, 1);\n}\n',
                                    'src/net/y.c': SPDX + '/* net_f(1) */\nconst char *y = "net_f(";\n'}, 'net_f')

    def test_used(self):
        for use in ('int y(void)\n{\n\treturn net_f(NULL, 1);\n}\n', 'int (*const table[])(void) = {net_f};\n'):
            self.write({'src/net/y.c': SPDX + use})
            self.passes('check-unused')

    def test_used_in_header(self):
        self.write({'src/net/y.h': HEADER + 'static inline int y(void)\n{\n\treturn net_f(NULL, 1);\n}\n'})
        self.passes('check-unused')
        self.write({'src/net/y.h': HEADER + '#define Y() net_f(NULL, 1)\n'})
        self.passes('check-unused')

    def test_defined_nowhere(self):
        self.finds('check-unused', {'src/net/x.c': SPDX}, 'net_f')

    def test_allow(self):
        self.write({'tools/unused-allow': '# words\nnet_f it comes\n'})
        self.passes('check-unused')
        self.finds('check-unused', {'tools/unused-allow': 'net_f\n'}, 'an entry needs a reason')
        self.finds('check-unused', {'tools/unused-allow': 'net_f it comes\n', 'src/net/y.c': SPDX + 'int y = net_f(0, 0);\n'},
                   'tools/unused-allow:1: net_f: nothing to allow any more')


class Others(House):
    def test_claims(self):
        table = 'runtime\tit works\ttests/a.bats\tit "really" works\nrules\tit is small\t-\tnobody can measure that\n'
        good = {'tests/a.bats': 'load x\n@test "it "really" works" {\n}\n', 'tests/b.c': 'static void test_b(void)\n', 'tests/oci/c.tsv': table}
        self.write(good)
        self.passes('check-claims')
        self.finds('check-claims', {'tests/oci/c.tsv': table + table}, 'stands here twice')
        self.finds('check-claims', {'tests/oci/c.tsv': 'a\tb\ttests/a.bats\treally\n'}, 'has no test "really"')
        self.finds('check-claims', {'tests/oci/c.tsv': 'a\tb\ttests/b.c\ttest_c\n'}, 'has no test "test_c"')
        self.finds('check-claims', {'tests/oci/c.tsv': 'a\tb\ttests/d.c\ttest_c\n'}, 'has no test "test_c"')
        self.finds('check-claims', {'tests/oci/c.tsv': 'a\tb\t-\tlater\n'}, 'no reason')
        self.finds('check-claims', {'tests/oci/c.tsv': 'a\tb\ttests/b.c\n'}, 'not four')
        self.finds('check-claims', {'tests/oci/c.tsv': '# nothing\n'}, 'has no row')

    def test_mutants(self):
        row = 'a src/mount/go.c works net_x\n= it fails\n-\treturn sizes[b != 0];\n+\treturn sizes[b == 0];\n'
        table, other = 'tests/mutants/mount.txt', row.replace('a src', 'b src', 1)
        self.write({table: '# all\n' + row + '\n' + other, 'tests/cli/works.bats': '', 'tests/unit/meson.build': "  'net_x': [],\ntest('net_y', a)\n"})
        self.passes('check-mutants')
        self.finds('check-mutants', {table: row + '\n' + row}, f'{table}:6: a stands here twice')
        self.finds('check-mutants', {table: row.replace('go.c', 'stay.c')}, 'there is no file src/mount/stay.c')
        self.finds('check-mutants', {table: row.replace('b != 0', 'b != 1')}, 'do not stand in src/mount/go.c exactly once')
        self.finds('check-mutants', {table: row, 'src/mount/go.c': 2 * GOOD['src/mount/go.c']}, 'do not stand in src/mount/go.c exactly once')
        self.write(GOOD)
        self.finds('check-mutants', {table: row.replace('b == 0', 'b != 0')}, 'changes nothing')
        self.finds('check-mutants', {table: row.replace('net_x', 'net_z')}, 'there is no test net_z')
        self.finds('check-mutants', {table: row.replace(' works net_x', '')}, 'names no test')
        self.finds('check-mutants', {table: row.replace('= it fails\n', '')}, 'does not say what goes wrong')
        self.finds('check-mutants', {table: row + 'more\n'}, f'{table}:5: neither')
        self.finds('check-mutants', {table: '# none\n'}, 'has no row')

    def test_headers(self):
        self.passes('check-headers')
        self.finds('check-headers', {'src/net/x.h': HEADER + 'size_t_unknown f(void);\n'}, 'src/net/x.h:3: unknown type name')
        self.finds('check-headers', {'src/net/x.h': SPDX + 'struct s { int a; };\n'}, 'src/net/x.h:1: no #pragma once', 'redefinition')

    def test_format(self):
        self.passes('check-format')
        self.finds('check-format', {'src/net/x.c': SPDX + 'int f(void) { return 1; }\n'}, 'src/net/x.c:2: not as clang-format')

    def test_shell(self):
        self.write({'script/x': '#!/bin/bash\necho "$1"\n', 'tools/y': '#!/usr/bin/env python3\nx = $1\n'})
        self.passes('check-shell')
        self.finds('check-shell', {'script/x': '#!/bin/bash\necho $1\n'}, 'script/x:2: ')
        self.finds('check-shell', {'tests/vm/x': '#!/bin/sh\necho $1\n'}, 'tests/vm/x:2: ')
        self.finds('check-shell', {'script/x': '#!/bin/bash\n', 'tests/cli/x.bats': '@test "x" {\n\tlocal y=1\n}\n'}, 'tests/cli/x.bats:2: ')


class Man(House):
    PAGE = ('.Dd January 1, 2026\n.Dt HUSK-NS-RUN 1\n.Os\n.Sh NAME\n.Nm husk-ns-run\n.Nd run in new namespaces\n.Sh SYNOPSIS\n'
            '.Nm husk ns run\n.Sh DESCRIPTION\nRuns.\n.Sh OPTIONS\n.Bl -tag -width Ds\n.It Fl n , Fl -name Ar NAME\nIts name.\n'
            '.It Fl -net\nA network.\n.El\n')

    def setUp(self):
        super().setUp()
        self.husk = os.path.join(self.root, 'husk')
        self.write({'husk': '#!/bin/sh\nprintf "husk ns run\\t--name\\tNAME\\tits name\\nhusk ns run\\t--net\\t\\ta network\\n"\n',
                    'man/husk-ns-run.1': self.PAGE, 'man/meson.build': "install_man('husk-ns-run.1')\n"})
        os.chmod(self.husk, 0o755)

    def finds_in_page(self, old, new, words):
        self.assertIn(old, self.PAGE)
        self.finds('check-man', {'man/husk-ns-run.1': self.PAGE.replace(old, new)}, words, arguments=[self.husk])

    def test_pages(self):
        self.passes('check-man', self.husk)
        self.finds_in_page('Fl -net\n', 'Fl -nett\n', '--net is not described')
        self.finds_in_page('Fl -net\n', 'Fl -nett\n', '--nett is no option')
        self.finds_in_page('Ar NAME', 'Ar NAMES', '--name takes "NAME" and the page says "NAMES"')
        self.finds_in_page('Ar NAME', 'Ns Op = Ns Ar NAME', '--name takes "NAME" and the page says "[NAME]"')
        self.finds_in_page('.Sh OPTIONS', '.Sh FILES', 'no OPTIONS section')
        self.finds_in_page('.Nd run in new namespaces\n', '', 'no NAME section')
        self.finds_in_page('.El\n', '.El\n.Xx\n', 'husk-ns-run.1:18: ')

    def test_links(self):
        self.finds_in_page('.El\n', '.El\n.Sh SEE ALSO\n.Xr husk-nothing 7\n', 'husk-ns-run.1:19: there is no page man/husk-nothing.7')
        self.finds_in_page('HUSK-NS-RUN 1', 'HUSK-NS-RUN 7', 'husk-ns-run.1:2: the title is HUSK-NS-RUN 7')
        self.write({'man/husk-ns-run.1': self.PAGE + '.Sh SEE ALSO\n.Xr husk-x 5\n'})
        other = ('.Dd January 1, 2026\n.Dt HUSK-X 5\n.Os\n.Sh NAME\n.Nm husk-x\n.Nd a format\n.Sh DESCRIPTION\nBytes.\n'
                 '.Sh SEE ALSO\n.Xr husk-ns-run 1\n')
        files = {'man/husk-x.5': other, 'man/meson.build': "install_man('husk-ns-run.1', 'husk-x.5')\n"}
        self.write(files)
        self.passes('check-man', self.husk)
        self.finds('check-man', {'man/meson.build': "install_man('husk-ns-run.1')\n"}, 'husk-x.5:1: man/meson.build does not install it',
                   arguments=[self.husk])
        self.write(files)
        self.finds('check-man', {'man/husk-ns-run.1': self.PAGE}, 'husk-x.5:1: no other page names it', arguments=[self.husk])
        self.finds('check-man', {'man/husk-x.5': other.replace('.Nd a format\n', '')}, 'husk-x.5:1: no NAME section',
                   arguments=[self.husk])

    def test_optional_value(self):
        page = self.PAGE.replace('Ar NAME', 'Ar NAME[:GROUP]').replace('Fl -net\n', 'Fl -net Ns Op = Ns Ar FILE\n')
        self.write({'husk': '#!/bin/sh\nprintf "husk ns run\\t--name\\tNAME[:GROUP]\\tx\\nhusk ns run\\t--net\\t[FILE]\\tx\\n"\n',
                    'man/husk-ns-run.1': page})
        self.passes('check-man', self.husk)
        self.finds('check-man', {'man/husk-ns-run.1': page.replace('Ns Op = Ns Ar FILE', 'Ar FILE')},
                   '--net takes "[FILE]" and the page says "FILE"', arguments=[self.husk])

    def test_missing_page(self):
        os.remove(os.path.join(self.root, 'man/husk-ns-run.1'))
        self.finds('check-man', {}, 'man/husk-ns-run.1:1: no page for the command husk ns run', arguments=[self.husk])


class Results(unittest.TestCase):
    def run_on(self, files, skips=''):
        with tempfile.TemporaryDirectory() as where:
            for name, text in {'skips.md': skips, **files}.items():
                with open(os.path.join(where, name), 'w', encoding='utf-8') as file:
                    file.write(text)
            os.rename(os.path.join(where, 'skips.md'), where + '.md')
            run = subprocess.run([os.path.join(TOOLS, 'test-results'), where, where + '.md'],
                                 capture_output=True, text=True, check=False)
            os.remove(where + '.md')
        return run.returncode, run.stdout, run.stdout.splitlines()[-1]

    def expect(self, files, last, *words, skips=''):
        code, out, found = self.run_on(files, skips)
        self.assertEqual(found, last, out)
        self.assertEqual(code, 0 if ' 0 failed' in last else 1)
        for word in words:
            self.assertIn(word, out)

    def log(self, name, result, stdout=''):
        return json.dumps({'name': name, 'result': result, 'stdout': stdout}) + '\n'

    def test_good(self):
        self.expect({'plain.testlog.json': self.log('u', 'OK', '[       OK ] a\n[       OK ] b\n') + self.log('h', 'OK'),
                     'plain.status': '0\n', 'x.tap': '1..2\nok 1 one\nok 2 two\n', 'x.status': '0\n'}, '5 passed, 0 failed, 0 skipped')

    def test_meson_failures(self):
        self.expect({'plain.testlog.json': self.log('u', 'FAIL', '[       OK ] a\n[  FAILED  ] b\n') + self.log('h', 'TIMEOUT'),
                     'plain.status': '2\n'}, '1 passed, 2 failed, 0 skipped', 'failed: u: b', 'failed: h: timeout')

    def test_meson_died(self):
        self.expect({'asan.status': '1\n'}, '0 passed, 1 failed, 0 skipped', 'asan: exit status 1')

    def test_nothing(self):
        self.expect({}, '0 passed, 1 failed, 0 skipped', 'nothing was tested')

    def test_tap_failures(self):
        self.expect({'x.tap': '1..3\nok 1 one\nnot ok 2 two\n', 'x.status': '124\n'}, '1 passed, 2 failed, 0 skipped',
                    'failed: x: two', 'failed: x: 1 tests were not run')
        self.expect({'x.tap': '1..1\nok 1 one\n# leak: /sys/x\n', 'x.status': '0\n'}, '1 passed, 1 failed, 0 skipped', 'leak: /sys/x')
        self.expect({'x.tap': '1..1\nok 1 one\n', 'x.status': '1\n'}, '1 passed, 1 failed, 0 skipped')
        self.expect({'x.tap': '1..1\nok 1 one\n'}, '1 passed, 1 failed, 0 skipped', 'x: did not end')

    def test_skips(self):
        tap = {'x.tap': '1..2\nok 1 one # skip needs a moon\nok 2 two\n', 'x.status': '0\n'}
        self.expect(tap, '1 passed, 1 failed, 1 skipped', 'skipped: x: one: needs a moon', 'docs/skips.md does not name it')
        self.expect(tap, '1 passed, 0 failed, 1 skipped', skips='| `x: one` | no moon here |\n')
        many = ''.join(f'ok {i} t{i} # skip\n' for i in range(1, 7))
        rows = ''.join(f'| `x: t{i}` | because |\n' for i in range(1, 7))
        self.expect({'x.tap': '1..6\n' + many, 'x.status': '0\n'}, '0 passed, 1 failed, 6 skipped', '6 skips, at most 5', skips=rows)
        self.expect({'plain.testlog.json': self.log('husk:unit / u', 'OK', '[       OK ] a\n[  SKIPPED ] b\n'), 'plain.status': '0\n'},
                    '1 passed, 1 failed, 1 skipped', 'skipped: u: b')


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
