"""The table of mutants, tests/mutants/*.txt: small faults that a test has to notice. Read by check-mutants and script/mutants.

A row:

    NAME FILE TEST...
    = what goes wrong for a user
    -	lines that stand in FILE exactly once, one below the other
    +	what stands there instead; no such line: they are taken out
    ! why no test notices it (only of a row that survives)

A TEST is the name of a unit test or of a bats file. Rows are separated by an empty line; lines that begin with # are for readers.
"""
import os
import re

import house

FOLDER = 'tests/mutants'


class Row:
    def __init__(self, table, line, words):
        self.table, self.line = table, line
        self.name, self.file, self.tests = words[0], words[1] if len(words) > 1 else '', words[2:]
        self.what, self.survives, self.old, self.new = '', '', [], []

    def add(self, text):
        """A line of the row after its first. False when it is none."""
        kind, rest = text[:1], text[1:]
        if kind == '-' and not self.new:
            self.old.append(rest)
        elif kind == '+':
            self.new.append(rest)
        elif kind == '=' and not self.what:
            self.what = rest.strip()
        elif kind == '!' and not self.survives:
            self.survives = rest.strip()
        else:
            return False
        return True

    def applied(self, text):
        """The text of the file with the fault in it, or None where the old lines do not stand there exactly once."""
        old, new = ''.join(x + '\n' for x in self.old), ''.join(x + '\n' for x in self.new)
        text = '\n' + text
        return text.replace('\n' + old, '\n' + new)[1:] if old and text.count('\n' + old) == 1 else None


def load(root, report):
    rows = []
    for table in house.find(root, [FOLDER], '.txt'):
        row = None
        for number, text in enumerate(house.read(root, table).splitlines(), 1):
            if text.startswith('#'):
                continue
            if not text:
                row = None
            elif row is None:
                row = Row(table, number, text.split())
                rows.append(row)
            elif not row.add(text):
                report.say(table, number, f'neither = - + nor !, or not in this order: {text}')
    return rows


def bats_files(root):
    return {os.path.basename(x)[:-5]: x for x in house.find(root, ['tests'], '.bats')}


def unit_tests(root):
    return set(re.findall(r"^(?:  |test\()'([a-z_]+)'[:,] ", house.read(root, 'tests/unit/meson.build'), re.M))
