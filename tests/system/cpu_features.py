#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: 1 --memory=256 --cpu=max,-avx2
"""A node without AVX2, which programs that start at home are shown: where it is not eligible, and what helps."""
import json
import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
from check import BIN, equal, main, wait_for  # noqa: E402

PROG = str(pathlib.Path(BIN).resolve().parent / 'tests' / 'moves_prog')
LONG = '300'     # seconds, at most: the tests end their programs
HAS_AVX2 = ' avx2 ' in pathlib.Path('/proc/cpuinfo').read_text()


def tool(*argv):
    return subprocess.run([f'{BIN}/{argv[0]}', *argv[1:]], capture_output=True, text=True, timeout=120)


def processes():
    return [r for r in json.loads(tool('mps', '-j').stdout) if 'moves_prog' in str(r)]


def start(*argv):
    p = subprocess.Popen([f'{BIN}/mosrun', *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def mine():
        assert p.poll() is None, p.communicate()
        return [r['pid'] for r in processes()]
    return p, wait_for(mine, 20, f'{argv} in mps')[0]


def where(pid):
    return [r['node'] for r in processes() if r['pid'] == pid][0]


def end(p, pid, out):
    os.kill(pid, signal.SIGTERM)
    equal(p.communicate(timeout=120), (out, ''))
    equal(p.returncode, 0)


def test_eligibility_is_shown():
    if not HAS_AVX2:
        return
    equal(json.loads(tool('muster', 'nodes', '--json').stdout)[0]['eligible'], 'lacks avx2')
    assert 'lacks avx2' in tool('muster', 'nodes').stdout


def test_a_program_that_was_shown_avx2_stays():
    if not HAS_AVX2:
        return
    p, pid = start('--home', PROG, 'state', LONG)
    assert '1 node1: not eligible: lacks avx2' in tool('mps', '--why', str(pid)).stdout
    r = tool('migrate', str(pid), '1')
    assert r.returncode and 'lacks avx2' in r.stderr, r
    equal(where(pid), 'home')
    end(p, pid, 'state kept\n')


def test_with_a_baseline_it_goes_there():
    p, pid = start('--baseline', '--home', PROG, 'state', LONG)
    assert '1 node1: eligible' in tool('mps', '--why', str(pid)).stdout
    for to in ('1', 'home', '1'):
        r = tool('migrate', str(pid), to)
        equal(r.returncode, 0, r.stderr)
        equal(where(pid), to)
    end(p, pid, 'state kept\n')


def test_with_a_baseline_children_and_what_they_execute_go_there():
    p, pid = start('--baseline', 'sh', '-c', f'{PROG} state {LONG}; true')
    pid = wait_for(lambda: [r['pid'] for r in processes() if r['comm'] == 'moves_prog'], 20, 'the child')[0]
    r = tool('migrate', str(pid), '1')
    equal(r.returncode, 0, r.stderr)
    end(p, pid, 'state kept\n')


def test_with_a_baseline_and_a_node_it_starts_and_goes_there():
    p, pid = start('--baseline', '--node', '1', PROG, 'state', LONG)
    wait_for(lambda: where(pid) == '1', 20, 'it on node 1')
    end(p, pid, 'state kept\n')
    r = tool('mosrun', '--baseline', '--node', '1', 'sh', '-c', 'for i in 1 2 3; do /bin/echo $i; done')
    equal((r.stdout, r.stderr, r.returncode), ('1\n2\n3\n', '', 0))


def test_who_uses_what_a_node_lacks_comes_home_and_goes_there_no_more():
    if not HAS_AVX2:
        return
    p, pid = start('--node', '1', PROG, 'avx2', LONG)
    equal(p.stdout.readline(), 'ready\n')
    equal(where(pid), '1')
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: where(pid) == 'home', 20, 'it at home')
    why = tool('mps', '--why', str(pid)).stdout
    assert 'illegal instruction' in why and '1 node1: not eligible: lacks' in why, why
    r = tool('migrate', str(pid), '1')
    assert r.returncode and 'not eligible' in r.stderr, r
    end(p, pid, '160\ndone\n')


if __name__ == '__main__':
    main(globals())
