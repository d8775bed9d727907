# SPDX-License-Identifier: GPL-2.0-or-later
"""Each boot medium: its size, and the seconds from power-on to the kernel and to the first announcement."""
import importlib
import os
import sys
import tempfile

from figures import Figure
from node import run

BOOTS = 5
WORDS = 'name=bench1 ip=10.0.2.40/24 gw=10.0.2.2 panic=exit'
# name, image, how the machine sees it (a name in tests/lib/medium.py), UEFI?
MEDIA = (
    ('floppy', 'FLOPPY', 'FLOPPY_DRIVE', False),
    ('floppy image on a USB stick', 'FLOPPY', 'STICK', False),
    ('CD', 'ISO', 'CD', False),
    ('ISO on a USB stick', 'ISO', 'STICK', False),
    ('CD, UEFI', 'ISO', 'CD', True),
    ('ISO on a USB stick, UEFI', 'ISO', 'STICK3', True),
    ('kernel alone', 'ELF', None, False),
)


def boot(medium, image, how, uefi, scratch):
    if how:
        copy = medium.with_settings(image, WORDS, f'{scratch}/image')
        machine = medium.Boot(getattr(medium, how).format(copy), uefi=uefi)
    else:
        machine = medium.Boot(kernel=WORDS)
    try:
        machine.says(r'muster \S+ starts')
        entry = machine.seconds()
        machine.says(r'net: announced as bench1')
        return entry, machine.seconds()
    finally:
        machine.close()


def pxe(bin_folder):
    """{kind: [(entry, announced), ...]}, by a program of its own: it enters a network namespace."""
    runs = {}
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'pxe.py')
    for line in run(sys.executable, script, bin_folder, str(BOOTS), timeout=900).splitlines():
        kind, entry, announced = line.split()
        runs.setdefault(kind, []).append((float(entry), float(announced)))
    return runs


def times(key, name, runs):
    return [Figure(f'medium.{key}.{what}', f'{name}: power-on to {title}', 's', [r[i] for r in runs], digits=2)
            for i, (what, title) in enumerate((('entry', 'kernel entry'), ('announced', 'announcement')))]


def media(bin_folder):
    """The tests' own machines; they look for the images beside the folder of the tools."""
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
    importlib.import_module('check').BIN = bin_folder
    medium = importlib.import_module('medium')
    figures = []
    with tempfile.TemporaryDirectory(prefix='muster-bench-') as scratch:
        for name, image, how, uefi in MEDIA:
            path = getattr(medium, image)
            runs = [boot(medium, path, how, uefi, scratch) for _ in range(BOOTS)]
            key = name.replace(',', '').replace(' ', '-').lower()
            figures.append(Figure(f'medium.{key}.size', f'{name}: image', 'bytes', [os.path.getsize(path)], digits=0))
            figures += times(key, name, runs)
    for kind, runs in pxe(bin_folder).items():
        figures += times(f'pxe-{kind}', f'PXE, {kind.upper()}', runs)
    return figures
