#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""initramfs.py OUT INIT [MODULE...]: an initramfs with /init, and with the modules in /modules.

The format is "newc" of Linux's Documentation/driver-api/early-userspace/buffer-format.rst. No root, no files made.
"""
import pathlib
import sys

DIRECTORY, PROGRAM, FILE = 0o040755, 0o100755, 0o100644


def entry(number, name, mode, content=b''):
    fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    head = b'070701' + b''.join(b'%08x' % f for f in fields) + name.encode() + b'\0'
    return head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)


def main():
    out, init, *modules = sys.argv[1:]
    parts = [('init', PROGRAM, pathlib.Path(init).read_bytes()), ('modules', DIRECTORY, b'')]
    parts += [(f'modules/{pathlib.Path(m).name}', FILE, pathlib.Path(m).read_bytes()) for m in modules]
    parts += [('TRAILER!!!', 0, b'')]
    pathlib.Path(out).write_bytes(b''.join(entry(i, *p) for i, p in enumerate(parts, 1)))


main()
