#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: 1 --memory=256
"""Processes in states that no node can serve: they stay, or come home, say why, and run on."""
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


def tool(*argv):
    return subprocess.run([f'{BIN}/{argv[0]}', *argv[1:]], capture_output=True, text=True, timeout=120)


def processes():
    return [r for r in json.loads(tool('mps', '-j').stdout) if r['comm'] == 'moves_prog']


def start(*argv):
    p = subprocess.Popen([f'{BIN}/mosrun', *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def mine():
        assert p.poll() is None, p.communicate()
        return processes()
    return p, wait_for(mine, 20, f'{argv} in mps')[0]['pid']


def end(p, pid):
    os.kill(pid, signal.SIGTERM)
    equal(p.communicate(timeout=120), ('still here\n', ''))
    equal(p.returncode, 0)


def stays(why, *argv):
    p, pid = start(*argv)
    # It may be just about to get into that state.
    r = wait_for(lambda: (r := tool('migrate', str(pid), '1')).returncode and why in r.stderr and r, 20, why)
    assert why in tool('mps', '--why', str(pid)).stdout, r
    end(p, pid)


def allowed(*argv):
    return not subprocess.run([*argv, 'true'], capture_output=True).returncode


def test_one_that_can():
    p, pid = start('--home', PROG, 'plain', LONG)
    equal(tool('migrate', str(pid), '1').returncode, 0)
    end(p, pid)


def test_under_a_filter():
    p, pid = start('--home', PROG, 'filter', LONG)
    wait_for(lambda: 'Seccomp:\t2' in pathlib.Path(f'/proc/{pid}/status').read_text(), 20, 'its filter')
    r = tool('migrate', str(pid), '1')
    assert r.returncode and 'seccomp filter' in r.stderr, r
    end(p, pid)


def test_a_filter_on_a_node():
    p, pid = start('--node', '1', PROG, 'filter', LONG)
    wait_for(lambda: 'SECCOMP' in tool('mps', '--why', str(pid)).stdout, 20, 'it at home')
    equal(processes()[0]['node'], 'home')
    end(p, pid)


def test_with_its_memory_open():
    for how in ('--home', '--node=1'):
        stays('shows memory', how, PROG, 'mem', LONG)


def test_with_guard_pages():
    if b'no guard' in subprocess.run([PROG, 'guard', '0'], capture_output=True).stdout:
        return
    for how in ('--home', '--node=1'):
        stays('guard pages', how, PROG, 'guard', LONG)


def test_in_a_pid_namespace():
    if not allowed('unshare', '--pid', '--fork'):
        return
    for how in ('--home', '--node=1'):
        stays('pid namespace', how, 'unshare', '--pid', '--fork', PROG, 'plain', LONG)


def test_in_a_time_namespace():
    if not allowed('unshare', '--time', '--fork'):
        return
    stays('time namespace', '--home', 'unshare', '--time', '--fork', '--boottime', '100000', PROG, 'plain', LONG)


if __name__ == '__main__':
    main(globals())
