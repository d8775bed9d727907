# SPDX-License-Identifier: GPL-2.0-or-later
"""Which tests there are, and what each needs.

A system test is a script in tests/system that starts with `#!`; its first argument is the folder of the
programs. It says what nodes it wants in one of its first lines:
    # muster: 2 --cpus 4      inside `muster emulate 2 --cpus 4`, shared with others that say the same
    # muster: none            no nodes, or it starts its own
An abi program that cannot be the same when it is moved says so in its head: `Not moved: reason`. Those that
tests/abi/i386.list names are built for i386 too (abi32/).
"""
import dataclasses
import pathlib
import shutil

NODES = '2'     # for abi and real tests: one to run on and one more to move to


@dataclasses.dataclass
class Test:
    name: str
    kind: str               # unit, abi, system
    path: str               # the program or script
    nodes: str = 'none'     # arguments of muster emulate, or none
    how: str = ''           # abi: node or moves
    skip: str = ''          # why it cannot be run


def head_word(path, mark):
    """What follows mark in the first lines of a file; '' if it is not there."""
    with open(path, errors='replace') as f:
        for _, line in zip(range(12), f):
            if mark in line:
                return line.split(mark, 1)[1].strip()
    return ''


def lacking(source, build):
    """Of what a program's head says it needs, a command or a file built for it, the first that is not there."""
    return next((n for n in head_word(source, '# Needs:').split()
                 if not shutil.which(n) and not (build / 'tests/real' / n).exists()), '')


def collect(args):
    here = args.root / 'tests'
    tests = []
    for src in sorted((here / 'unit').glob('test_*.c')):
        tests.append(Test(f'unit/{src.stem[5:]}', 'unit', str(args.build / 'tests/unit' / src.stem)))
    programs = [(f'abi/{s.stem}', args.build / 'tests/abi' / s.stem, s)
                for s in sorted((here / 'abi').glob('*.c')) if not s.stem.startswith('i386_')]
    both = [n for n in (here / 'abi/i386.list').read_text().split('\n') if n and not n.startswith('#')]
    programs += [(f'abi32/{n}', args.build / 'tests/abi32' / n, here / f'abi/{n}.c') for n in sorted(both)]
    programs += [(f'real/{s.stem}', s, s) for s in sorted((here / 'abi/real').glob('*.sh'))]
    for how in ('node', 'moves') if not args.no_nodes else ('home',):
        for name, path, source in programs:
            skip = head_word(source, 'Not moved:') if how == 'moves' else ''
            missing = lacking(source, args.build)
            if missing:
                skip = f'{missing} is not there'
            tests.append(Test(f'{name} {how}', 'abi', str(path), 'none' if args.no_nodes or skip else NODES, how, skip))
    for script in sorted([*(here / 'system').glob('*.py'), *(here / 'system').glob('*.sh')]):
        if not script.read_bytes().startswith(b'#!'):
            continue
        nodes = head_word(script, '# muster:') or 'none'
        if nodes == 'none' or not args.no_nodes:
            tests.append(Test(f'system/{pathlib.Path(script).stem}', 'system', str(script), nodes))
    if args.patterns:
        tests = [t for t in tests if any(p in t.name for p in args.patterns)]
    return tests
