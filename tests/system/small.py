#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: 1 --memory=16 --cpus=1
"""A node with 16 MB: a small guest runs on it, comes home, and one that does not fit does no harm."""
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
import process  # noqa: E402
from check import BIN, equal, main  # noqa: E402


def run(*argv):
    return subprocess.run([f'{BIN}/{argv[0]}', *argv[1:]], capture_output=True, text=True, timeout=280,
                          preexec_fn=process.fresh_start)


def test_it_has_16_mb():
    node = json.loads(run('muster', 'nodes', '-j').stdout)[0]
    assert 12 << 20 < node['memory_total'] < 16 << 20, node
    assert node['memory_free'] > 12 << 20, node


def test_a_small_guest():
    r = run('mosrun', '--node', '1', '--', 'bash', '-c', 'for n in 1 2 3; do echo "$n"; done | sort -r; uname -s')
    equal((r.stdout, r.stderr, r.returncode), ('3\n2\n1\nLinux\n', '', 0))


def test_a_guest_that_does_not_fit_ends_at_home():
    work = 'b = bytearray(24 << 20)\nfor i in range(0, len(b), 4096): b[i] = i >> 12 & 255\nprint(sum(b))'
    r = run('mosrun', '--node', '1', '--', sys.executable, '-c', work)
    equal((r.stdout, r.stderr, r.returncode), (f'{sum(i & 255 for i in range(6144))}\n', '', 0))


def test_the_next_small_guest():
    r = run('mosrun', '--node', '1', '--', 'seq', '-s', ' ', '5')
    equal((r.stdout, r.stderr, r.returncode), ('1 2 3 4 5\n', '', 0))


main(globals())
