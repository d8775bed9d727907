# SPDX-License-Identifier: GPL-2.0-or-later
"""Which tests there are, and what each needs.

A system test is a script in tests/system that starts with `#!`; its first argument is the folder of the
programs. It says what nodes it wants in one of its first lines:
    # muster: 2 --cpus 4      inside `muster emulate 2 --cpus 4`, shared with others that say the same
    # muster: none            no nodes, or it starts its own
"""
import dataclasses
import pathlib

NODES = '2'     # for abi and real tests: one to run on and one more to move to


@dataclasses.dataclass
class Test:
    name: str
    kind: str               # unit, abi, system
    path: str               # the program or script
    nodes: str = 'none'     # arguments of muster emulate, or none
    how: str = ''           # abi: node or moves


def directive(path):
    with open(path, errors='replace') as f:
        for _, line in zip(range(12), f):
            if line.startswith('# muster:'):
                return line.split(':', 1)[1].strip()
    return 'none'


def collect(args):
    here = args.root / 'tests'
    tests = []
    for src in sorted((here / 'unit').glob('test_*.c')):
        tests.append(Test(f'unit/{src.stem[5:]}', 'unit', str(args.build / 'tests/unit' / src.stem)))
    programs = [(f'abi/{s.stem}', args.build / 'tests/abi' / s.stem) for s in sorted((here / 'abi').glob('*.c'))]
    programs += [(f'real/{s.stem}', s) for s in sorted((here / 'abi/real').glob('*.sh'))]
    for how in ('node', 'moves') if not args.no_nodes else ('home',):
        for name, path in programs:
            tests.append(Test(f'{name} {how}', 'abi', str(path), 'none' if args.no_nodes else NODES, how))
    for script in sorted([*(here / 'system').glob('*.py'), *(here / 'system').glob('*.sh')]):
        if not script.read_bytes().startswith(b'#!'):
            continue
        nodes = directive(script)
        if nodes == 'none' or not args.no_nodes:
            tests.append(Test(f'system/{pathlib.Path(script).stem}', 'system', str(script), nodes))
    if args.patterns:
        tests = [t for t in tests if any(p in t.name for p in args.patterns)]
    return tests
