#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: 1 --memory=64
"""Guests that want more than a node has: they go home and end as they should, and nobody else notices."""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
import process  # noqa: E402
from check import BIN, equal, main  # noqa: E402

HOARD = str(pathlib.Path(BIN).resolve().parent / 'tests' / 'memory_prog')
WITNESS = 'i=0; while [ $i -lt 60 ]; do i=$((i+1)); sleep 0.1; /bin/true || exit 9; done; echo still here'


def run(*argv):
    return subprocess.run(argv, capture_output=True, text=True, timeout=280, preexec_fn=process.fresh_start)


def hoard(kind):
    witness = subprocess.Popen(['mosrun', '--node', '1', '--', 'sh', '-c', WITNESS], stdout=subprocess.PIPE, text=True,
                               preexec_fn=process.fresh_start)
    try:
        there = run('mosrun', '--node', '1', '--', HOARD, kind)
        equal((there.stdout, there.returncode), (run(HOARD, kind).stdout, 0), there.stderr)
        equal((witness.communicate(timeout=120)[0], witness.returncode), ('still here\n', 0))
    finally:
        witness.kill()
        witness.wait()


def test_page_tables():
    """A page of tables for each page that is only read."""
    hoard('tables')


def test_mappings():
    hoard('maps')


def test_children():
    hoard('children')


def test_pages():
    hoard('pages')


main(globals())
