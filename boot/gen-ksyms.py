#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""gen-ksyms.py: nm's output on stdin, the kernel's symbol table (see kernel/ksym.h) as assembly on stdout."""

import sys

BASE = 0xFFFFFFFF80000000


def main():
    functions = {}
    for line in sys.stdin:
        fields = line.split()
        if len(fields) != 3:
            continue
        address, kind, name = int(fields[0], 16), fields[1], fields[2]
        if name == "kernel_text_start":
            continue  # a bound, at the address of the first function
        if kind in "tT" and address >= BASE:
            # Of several names of one address keep a global one.
            if address not in functions or kind == "T":
                functions[address] = name
    offsets = {}
    strings = []
    position = 0
    print('\t.section .ksyms, "a"\n\t.balign 8')
    print("\t.globl ksym_table, ksym_count, ksym_names\nksym_table:")
    for address in sorted(functions):
        name = functions[address]
        if name not in offsets:
            offsets[name] = position
            strings.append(name)
            position += len(name) + 1
        print(f"\t.long {address - BASE:#x}, {offsets[name]}")
    print(f"ksym_count:\n\t.long {len(functions)}\nksym_names:")
    for name in strings:
        print(f'\t.asciz "{name}"')
    if not strings:
        print('\t.asciz ""')


main()
