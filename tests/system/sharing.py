#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: 1
"""Processes on a node that share memory: when somebody at home wants a part in it, or one of them is moved."""
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
import process  # noqa: E402
from check import BIN, equal, main  # noqa: E402

ABI = pathlib.Path(BIN).resolve().parent / 'tests' / 'abi'
PYTHON = '/usr/bin/python3'
WRITER = '''
import sqlite3, sys, time
me, n = int(sys.argv[1]), int(sys.argv[2])
db = sqlite3.connect('test.db', timeout=600, isolation_level=None)
for i in range(n):
    db.execute('begin immediate')
    total = db.execute('select count(*) from t').fetchone()[0]
    db.execute('insert into t values (?, ?)', (me, i))
    assert db.execute('select count(*) from t').fetchone()[0] == total + 1
    db.execute('commit')
    if i == 5:
        print('going', flush=True)
'''


def start(argv, **kwargs):
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            preexec_fn=process.fresh_start, **kwargs)


def end(proc):
    out, err = proc.communicate(timeout=150)
    equal(proc.returncode, 0, out + err)
    return out


def test_writers_at_home_and_on_the_node():
    """sqlite's log has an index that all who use it map and write: one of them has never left home."""
    with tempfile.TemporaryDirectory() as folder:
        db = sqlite3.connect(f'{folder}/test.db')
        db.execute('pragma journal_mode=wal')
        db.execute('create table t (who int, i int)')
        db.commit()
        db.close()
        away = start(['mosrun', '--node', '1', '--', PYTHON, '-c', WRITER, '1', '150'], cwd=folder)
        equal(away.stdout.readline(), 'going\n')
        here = start([PYTHON, '-c', WRITER, '2', '150'], cwd=folder)
        end(here)
        end(away)
        db = sqlite3.connect(f'{folder}/test.db')
        equal(db.execute('select who, count(*), sum(i) from t group by who order by who').fetchall(),
              [(1, 150, 11175), (2, 150, 11175)])
        equal(db.execute('pragma integrity_check').fetchone(), ('ok',))
        db.close()


def job_of(mosrun):
    """The processes of this job, from what mps says of all."""
    listed = subprocess.run(['mps'], capture_output=True, text=True, timeout=60).stdout
    return [int(m[1]) for m in re.finditer(r'^ *(\d+) +\S+ .*shm_sync', listed, re.M)] if mosrun.poll() is None else []


def test_all_come_home_together():
    for wait in (0.3, 0.7, 1.1, 1.5):
        away = start(['mosrun', '--node', '1', '--', str(ABI / 'shm_sync')], env={**os.environ, 'ABI_ROUNDS': '40'})
        time.sleep(wait)
        pids = job_of(away)
        if pids:
            subprocess.run(['migrate', str(pids[-1]), 'home'], capture_output=True, timeout=120)
        equal(end(away).count('shared synchronisation ok'), 40)


def test_one_of_them_is_killed():
    """By a signal that its node hears of afterwards only: the others go on, and its memory is right."""
    with tempfile.TemporaryDirectory() as folder:
        away = start(['mosrun', '--node', '1', '--', PYTHON, '-c', '''
import mmap, os, signal, time
f = open('file', 'w+b')
f.truncate(1 << 16)
m = mmap.mmap(f.fileno(), 1 << 16)
pid = os.fork()
if not pid:
    m[5] = 7
    m[40000] = 8
    m[0] = 1
    while True:
        pass
while not m[0]:
    pass
os.kill(pid, signal.SIGKILL)
assert os.waitpid(pid, 0)[1] == signal.SIGKILL
assert (m[5], m[40000]) == (7, 8)
m[6] = 9
assert os.pread(f.fileno(), 3, 5)[:2] == bytes([7, 9])
print('right')
'''], cwd=folder)
        equal(end(away), 'right\n')
        with open(f'{folder}/file', 'rb') as f:
            content = f.read()
        equal((content[5], content[6], content[40000], len(content)), (7, 9, 8, 1 << 16))


main(globals())
