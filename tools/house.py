"""What the checks of this directory share: the files to look at, C without comments and strings, and the report."""
import os
import re
import sys

SKIPPED = ('.git', 'corpus', '__pycache__')


def root_of(argv):
    """The tree to check: the first argument, else the one this file is in."""
    return os.path.abspath(argv[1]) if len(argv) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def find(root, folders, ends):
    """Paths relative to root of the files below folders whose name ends so, sorted."""
    found = []
    for folder in folders:
        for where, subfolders, names in os.walk(os.path.join(root, folder)):
            subfolders[:] = [x for x in subfolders if x not in SKIPPED and not x.startswith('build')]
            found += [os.path.relpath(os.path.join(where, x), root) for x in names if x.endswith(ends)]
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding='utf-8', errors='replace') as file:
        return file.read()


def split_code(text):
    """(code, comments): the text twice, each with everything that is not its part blanked, line by line the same."""
    code, comments = [], []
    mode, i = None, 0
    while i < len(text):
        two, c = text[i:i + 2], text[i]
        if mode is None and two in ('/*', '//'):
            mode, step, is_code = two, 2, False
        elif mode == '/*' and two == '*/':
            mode, step, is_code = None, 2, False
        elif mode == '//' and c == '\n':
            mode, step, is_code = None, 1, True
        elif mode is None and c in '"\'':
            mode, step, is_code = c, 1, True
        elif mode in ('"', "'") and (c == mode or c == '\n'):
            mode, step, is_code = None, 1, True
        elif mode in ('"', "'"):
            step, is_code = (2 if c == '\\' else 1), None
        else:
            step, is_code = 1, mode is None
        piece = text[i:i + step]
        blank = ''.join('\n' if x == '\n' else '\t' if x == '\t' else ' ' for x in piece)
        code.append(piece if is_code else blank)
        comments.append(piece if is_code is False else blank)
        i += step
    return ''.join(code), ''.join(comments)


def words_before(code, end):
    """What stands between the end of the previous declaration and the name at code[end:], bodies of structs left out."""
    words, i = '', end - 1
    while i >= 0 and code[i] != ';' and not (code[i] == '}' and words.strip(' \t\n*')):
        if code[i] == '}':
            depth = 0
            while i >= 0:
                depth += {'}': 1, '{': -1}.get(code[i], 0)
                if depth == 0:
                    break
                i -= 1
        else:
            words = code[i] + words
        i -= 1
    return re.sub(r'^[ \t]*#.*$', '', words, flags=re.M)


def bodies_out(code):
    """The text with everything in braces blanked, line by line the same."""
    out, depth = [], 0
    for c in code:
        depth -= c == '}'
        out.append(c if depth == 0 or c == '\n' else ' ')
        depth += c == '{'
    return ''.join(out)


def directives_out(code):
    return re.sub(r'^[ \t]*#(?:.*\\\n)*.*$', lambda m: re.sub(r'[^\n]', ' ', m.group()), code, flags=re.M)


def functions(code, end):
    """[(name, line)] of the functions at the outermost level whose declarator is followed by `end`."""
    outer = bodies_out(directives_out(code))
    found = []
    for match in re.finditer(r'\b([a-z_][a-z0-9_]*)\s*\(', outer):
        depth, i = 1, match.end()
        while i < len(outer) and depth:
            depth += {'(': 1, ')': -1}.get(outer[i], 0)
            i += 1
        before = outer[:match.start()]
        is_inside = before.count('(') > before.count(')')
        words = words_before(outer, match.start())
        rest = re.sub(r'^(?:\s*__attribute__\s*\(\(.*?\)\)\s*(?=;|__))+', '', outer[i:], flags=re.S).lstrip()
        if rest.startswith(end) and not is_inside and words.strip() and match.group(1) != '__attribute__':
            found.append((match.group(1), words, outer.count('\n', 0, match.start()) + 1))
    return found


class Report:
    """Findings, one a line: path:line: words."""

    def __init__(self):
        self.findings = set()

    def say(self, path, line, words):
        self.findings.add((path, line, words))

    def finish(self):
        for path, line, words in sorted(self.findings):
            print(f'{path}:{line}: {words}')
        return 1 if self.findings else 0


def load_allowed(root, path, report, fields):
    """Rows of an allow-list: `fields` words and a reason. Returns {words: line}."""
    rows = {}
    if not os.path.exists(os.path.join(root, path)):
        return rows
    for number, text in enumerate(read(root, path).splitlines(), 1):
        words = text.split(None, fields)
        if not words or text.startswith('#'):
            continue
        if len(words) <= fields:
            report.say(path, number, 'an entry needs a reason')
        elif tuple(words[:fields]) in rows:
            report.say(path, number, 'an entry twice')
        else:
            rows[tuple(words[:fields])] = number
    return rows


def need(program):
    """Leaves with meson's code for a skipped test when a program is not installed."""
    from shutil import which
    if which(program) is None:
        print(f'{program} is not installed: script/bootstrap brings it')
        sys.exit(77)
