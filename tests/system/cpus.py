#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: 2 --memory=256
"""Programs between CPUs that differ: the emulated ones have neither AVX-512 nor XSAVEC, this machine may."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
from check import BIN, equal, main, wait_for  # noqa: E402

PROG = str(pathlib.Path(BIN).resolve().parent / 'tests' / 'moves_prog')
SUM = 'sum 126.000000\n'
LONG = '300'     # seconds, at most: the tests end their programs


def tool(*argv):
    return subprocess.run([f'{BIN}/{argv[0]}', *argv[1:]], capture_output=True, text=True, timeout=120)


def start(*argv):
    p = subprocess.Popen([f'{BIN}/mosrun', *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def mine():
        assert p.poll() is None, p.communicate()
        return [r['pid'] for r in json.loads(tool('mps', '-j').stdout) if 'moves_prog' in str(r)]
    return p, wait_for(mine, 20, f'{argv} in mps')[0]


def move(pid, to):
    r = tool('migrate', str(pid), to)
    equal(r.returncode, 0, r.stdout + r.stderr)
    assert re.search(r'frozen [\d.]+ ms', r.stdout), r.stdout


def end(p, pid, out):
    """Tells it to end its work, check itself and say so."""
    os.kill(pid, signal.SIGTERM)
    equal(p.communicate(timeout=120), (out, ''))
    equal(p.returncode, 0)


def test_functions_bound_at_home_after_a_start_on_a_node():
    """ld.so sized its save area by the node's CPU; home's state is larger."""
    p, pid = start('--node', '1', PROG, 'lazy', LONG)
    time.sleep(0.5)
    move(pid, 'home')
    end(p, pid, SUM)


def test_functions_bound_on_a_node_after_a_start_at_home():
    p, pid = start('--home', PROG, 'lazy', LONG)
    move(pid, '1')
    end(p, pid, SUM)


def test_a_program_of_home_works_on_all_nodes_and_again_at_home():
    p, pid = start('--home', PROG, 'state', LONG)
    for to in ('1', 'home', '2', 'home', '1', '2', 'home'):
        if to in '12' and pid_on(pid) != 'home':
            move(pid, 'home')
        move(pid, to)
    end(p, pid, 'state kept\n')


def pid_on(pid):
    return [r['node'] for r in json.loads(tool('mps', '-j').stdout) if r['pid'] == pid][0]


def test_memory_is_the_same_on_both_sides():
    p, pid = start('--home', PROG, 'memory', '48', LONG)
    for to in ('1', 'home', '2', 'home', '1'):
        move(pid, to)
    end(p, pid, 'wrong words: 0\n')


if __name__ == '__main__':
    main(globals())
