#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""pxe.py BIN COUNT: boots machines by `muster netboot` on a network of its own; run by media.py.

Prints for each boot: bios or uefi, seconds from power-on to kernel entry, and to the announcement.
"""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
import lab  # noqa: E402


def main():
    lab.make()
    try:
        lab.Netboot('--serve', '--force')
        number = 0
        for _ in range(int(sys.argv[2])):
            for kind, more in ('bios', {}), ('uefi', {'uefi': True, 'card': lab.NO_ROM}):
                number += 1
                start = time.monotonic()
                pc = lab.Pc(number, **more)
                pc.says(r'muster \S+ starts', 40)
                entry = time.monotonic() - start
                pc.says(r'net: announced as ', 40)
                print(kind, entry, time.monotonic() - start)
                pc.off()
    finally:
        lab.cleanup()


main()
