#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes docs/SYSCALLS.md, from proto/syscalls.def and its companions, to standard output."""
import pathlib
import re

PROTO = pathlib.Path(__file__).resolve().parents[1] / 'proto'
CLASSES = {
    'LOCAL': 'local',
    'SPLIT': 'split',
    'FORWARD': 'forwarded',
    'RETREAT': 'retreat',
}
HEAD = """# System calls

Made from `proto/syscalls.def`, `proto/ioctls.def` and `proto/commands.def` by `make docs`; edit those.
Each system call of Linux 6.12 on x86-64 has one line.

| word | meaning |
| --- | --- |
| local | served by the node alone |
| split | served by the node and repeated at home, or forwarded in some forms and a retreat in others |
| forwarded | executed by the stub at home; the arguments travel as listed |
| retreat | the process goes home for it, where Linux serves it |

How an argument travels: `V` a value, `FD` a descriptor, `STR` a string, `IN`/`OUT`/`INOUT` so many bytes to
home, back, or both; `..._LEN(k)` as many as argument k says, `..._MUL(k, n)` that times n, `OUT_RET` as many
back as the call returns, `PART` bytes of which the call may write only some, `IOV` a vector of buffers,
`CMD(k)` by the command in argument k, `TIMEOUT`, `FDSET`, `SIGMASK`, `LENP` as in poll, select and accept,
`SELF` a struct that begins with its length.
"""


def rows(name, macro):
    """(arguments, comment) of each line MACRO(arguments) in the file."""
    for line in (PROTO / name).read_text().split('\n'):
        m = re.fullmatch(macro + r'\((.*)\)\s*(?:/\* (.*) \*/)?', line)
        if m:
            yield re.findall(r'[^,()]+(?:\([^()]*\))?', m[1]), m[2] or ''


def clean(parts):
    return [p.strip() for p in parts]


def table(head, lines):
    print('| ' + ' | '.join(head) + ' |')
    print('|' + ' --- |' * len(head))
    for line in lines:
        print('| ' + ' | '.join(line) + ' |')
    print()


def main():
    calls = []
    for parts, why in rows('syscalls.def', 'SYSCALL'):
        number, name, kind, *args = clean(parts)
        calls.append((number, name, CLASSES[kind], ', '.join(args) if kind != 'LOCAL' else '', why))
    names = {c[0]: c[1] for c in calls}
    counts = {kind: sum(c[2] == kind for c in calls) for kind in CLASSES.values()}
    print(HEAD)
    print('## The calls\n')
    print(', '.join(f'{n} {kind}' for kind, n in counts.items()) + f'; {len(calls)} in all.\n')
    table(('number', 'call', 'served', 'arguments', 'why not here'), calls)
    print('## Commands\n\nOf a command that is not listed, the number stands in the reason of the retreat.\n')
    lines = []
    for parts, remark in rows('commands.def', 'COMMAND'):
        number, command, name, kind, *args = clean(parts)
        lines.append((names[number], command, name, CLASSES[kind], ', '.join(args), remark))
    table(('call', 'command', 'name', 'served', 'arguments', 'remark'), lines)
    print('## ioctl\n\nHow the third argument travels.\n')
    table(('command', 'name', 'argument'), [clean(parts) for parts, _ in rows('ioctls.def', 'IOCTL')])


if __name__ == '__main__':
    main()
