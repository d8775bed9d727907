#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the benchmarks and prints one table; `make bench` builds what it needs and calls it.

Every figure is the minimum, median and maximum of at least five runs. The node runs in QEMU's
emulator: ratios mean something, microseconds little. With --inside it runs as the command of `muster
emulate` and leaves its figures in a file.
"""
import argparse
import os
import pickle
import subprocess
import sys
import tempfile
import time

from cards import CARDS, suite_card
from figures import Figure, print_table, write_tsv
from linux import Linux
from media import media
from node import BenchError, Node
from sizes import sizes
from suites import SUITES

BOOTS = 5
ENTRY_TO_ANNOUNCED_S = 0.3
MEMORY_MB = 512         # of the nodes whose boot is measured
BENCH_MEMORY_MB = 1024  # a guest of 512 MB must fit


def emulate(options, kernel, memory, suite, out, card='e1000'):
    """Has `muster emulate` run this very program's suite inside; returns what it left, or raises."""
    here = [sys.executable, os.path.abspath(__file__), '--inside', suite, '--programs',
            options.programs, '--out', out, '--linux', options.linux, '--cards', card]
    done = subprocess.run(
        [f'{options.bin}/muster', 'emulate', '1', '--quiet', '--accel', options.accel, '--memory',
         str(memory), '--image-file', kernel, '--nic', card, *options.emulate.split(), '--', *here],
        stdin=subprocess.DEVNULL, timeout=600)
    if done.returncode:
        raise BenchError(f'exit status {done.returncode}')
    with open(out, 'rb') as f:
        return pickle.load(f)


def boots(options, scratch):
    """Boots the node that users get (no services of ours), several times; Linux, too, with nothing but an init."""
    announced, used, missing, linux = [], [], [], []
    for _ in range(BOOTS):
        with Linux(options.linux, memory_mb=MEMORY_MB) as guest:
            linux.append(guest.init_ms() / 1e3)
        ms, info = emulate(options, f'{options.images}/muster.elf', MEMORY_MB, 'boot', scratch)
        announced.append(ms / 1e3)
        used.append((info['memory_total'] - info['memory_free']) / 2**20)
        missing.append(MEMORY_MB - info['memory_free'] / 2**20)
    return [
        Figure('boot.announced', 'kernel entry to first announcement', 's', announced, linux,
               "Linux's first program", aim=1.0, limit=ENTRY_TO_ANNOUNCED_S, digits=3),
        Figure('memory.idle', 'memory in use when idle', 'MB', used, digits=2),
        Figure('memory.not_free', f'not free of {MEMORY_MB} MB, with kernel and firmware', 'MB', missing,
               digits=2),
    ]


def inside(options):
    """In the emulation: one suite, its result left in the file --out."""
    node = Node()
    if options.inside == 'boot':
        time.sleep(1)   # what the boot needed for a moment is free again
        result = node.announced_ms(), node.info()
    elif options.inside == 'card':
        result = suite_card(node, options.programs, options.cards[0], options.linux)
    else:
        result = SUITES[options.inside](node, options.programs)
    with open(options.out, 'wb') as f:
        pickle.dump(result, f)


def outside(options):
    bench_kernel = f'{options.bench_images}/muster.elf'
    with tempfile.NamedTemporaryFile() as scratch:
        parts = {name: (lambda name=name: emulate(options, bench_kernel, BENCH_MEMORY_MB, name,
                                                  scratch.name)) for name in SUITES}
        for card in options.cards or CARDS:
            parts[f'cards {card}'] = lambda card=card: emulate(options, bench_kernel, BENCH_MEMORY_MB, 'card',
                                                               scratch.name, card)
        parts['sizes'] = lambda: sizes(options.images)
        parts['boots'] = lambda: boots(options, scratch.name)
        parts['media'] = lambda: media(options.bin)
        figures, failed = [], []
        for name, part in parts.items():
            if options.only and name.split()[0] not in options.only:
                continue
            start = time.monotonic()
            try:
                figures += part()
                print(f'bench: {name}: {time.monotonic() - start:.0f} s', file=sys.stderr)
            except (BenchError, OSError, subprocess.TimeoutExpired) as e:
                failed.append(name)
                print(f'bench: {name}: {e}', file=sys.stderr)
    print('minimum / median / maximum; ratio: ours against peer, more is better; MB/s: 10^6 bytes')
    print_table(figures)
    write_tsv(figures, options.out)
    missed = [f.name for f in figures if f.missed()]
    if missed:
        print(f'missed their aims: {" ".join(missed)}')
    if failed:
        print(f'could not be measured: {" ".join(failed)}')
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--bin', help='folder of the tools')
    parser.add_argument('--images', help='folder of the images')
    parser.add_argument('--bench-images', help='folder of the bench kernel')
    parser.add_argument('--programs', required=True, help='folder of the C programs beside this one')
    parser.add_argument('--accel', default='tcg', help='as `muster emulate --accel` (tcg)')
    parser.add_argument('--emulate', default='', help='further options for `muster emulate`')
    parser.add_argument('--only', nargs='*', help='run only these parts: raw calls moves cards sizes boots media')
    parser.add_argument('--cards', nargs='*', help='measure only these cards, by QEMU\'s names')
    parser.add_argument('--linux', help='folder of the Linux guest')
    parser.add_argument('--out', required=True, help='the file to write: tab-separated values')
    parser.add_argument('--inside', help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.inside:
        return outside(options)
    try:
        inside(options)
    except BenchError as e:
        print(f'bench: {e}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
