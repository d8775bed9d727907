#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: none
"""Processes taken apart and put together again by the home side, with a node that only reflects them.

As root also as an ordinary user, for whom userfaultfd serves the program's own accesses only.
"""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
from check import BIN, Skip, equal, main, wait_for  # noqa: E402

TESTS = pathlib.Path(BIN).resolve().parent / 'tests'
PROG = str(TESTS / 'moves_prog')
THREADS = str(TESTS / 'moves_threads')
NOBODY = 65534
BASE = tempfile.mkdtemp(prefix='muster-moves-')
os.chmod(BASE, 0o755)


class Mirror:
    def __init__(self, *options):
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            self.port = s.getsockname()[1]
        self.p = subprocess.Popen([TESTS / 'mirror_node', '-p', str(self.port), *options],
                                  stderr=subprocess.PIPE, text=True)
        self.addr = f'127.0.0.1:{self.port}'
        wait_for(self.listens, 60, 'mirror_node listens')

    def listens(self):
        with socket.socket() as s:
            return s.connect_ex(('127.0.0.1', self.port)) == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.p.kill()
        err = self.p.communicate()[1]
        equal(err, '', 'mirror_node')


class Home:
    """One user's: a folder for the sockets, and the commands run as that user."""

    def __init__(self, uid=None):
        self.uid = uid
        self.dir = tempfile.mkdtemp(dir=BASE)
        self.env = dict(os.environ, MUSTER_RUNTIME_DIR=self.dir)
        if uid:
            os.chown(self.dir, uid, uid)

    def popen(self, *argv, **kw):
        ids = dict(user=self.uid, group=self.uid, extra_groups=[]) if self.uid else {}
        kw.setdefault('stdin', subprocess.DEVNULL)
        return subprocess.Popen(argv, env=self.env, cwd=self.dir, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, **ids, **kw)

    def run(self, *argv):
        p = self.popen(*argv)
        out, err = p.communicate(timeout=120)
        return p.returncode, out, err

    def start(self, *argv):
        """A job; returns mosrun's Popen and the pid of its first process."""
        p = self.popen(f'{BIN}/mosrun', '--home', *argv)
        return p, wait_for(lambda: self.first(p), 60, f'{argv[0]} in mps')

    def first(self, p):
        assert p.poll() is None, p.communicate()
        # The job's first process is a child of the deputy, which is mosrun's child or grandchild.
        rows = self.run(f'{BIN}/mps')[1].splitlines()[1:]
        return int(rows[0].split()[0]) if rows else None

    def migrate(self, pid, node):
        return self.run(f'{BIN}/migrate', str(pid), node)


def users():
    return [Home(), Home(NOBODY)] if os.geteuid() == 0 else [Home()]


def home_moves(home, mirror, argv, want, least):
    """Moves argv again and again while it runs; want: (status, output) of it unmoved."""
    p, pid = home.start(*argv)
    moves = 0
    while p.poll() is None:
        status, out, err = home.migrate(pid, mirror.addr)
        moves += status == 0
        if status and p.poll() is None:
            why = err + out
            # Between two moves it may be just coming home, or ending.
            assert re.search('already|not ready|no such process|ended|way home|not started by|it is on', why), why
        time.sleep(0.02)
    out, err = p.communicate(timeout=120)
    equal((p.returncode, out), want, f'{argv} after {moves} moves, {err}')
    assert moves >= least, f'{argv}: only {moves} moves'


PROGRAMS = {
    'state': [PROG, 'state', '2'],
    'memory': [PROG, 'memory', '16', '2'],
    'calls': [PROG, 'calls', '2'],
    'threads': [THREADS, '2'],
    'python3': ['python3', '-c', '''
import hashlib, json, random, re
r = random.Random(5); d = {}
for i in range(60000):
    k = r.getrandbits(40); d[k % 3000] = str(k) * 3
    if i % 3000 == 0:
        s = json.dumps(d); d = {int(a): b for a, b in json.loads(s).items()}
        print(i, hashlib.sha256(s.encode()).hexdigest(), len(re.findall('12', s)))
'''],
    'xz': ['sh', '-c', 'exec xz -1 -c numbers | sha256sum'],
    'gzip': ['sh', '-c', 'exec gzip -n -c numbers > out.gz; sha256sum < out.gz'],
    'bash': ['bash', '-c', '''
a=0; while [ $a -lt 30000 ]; do a=$((a+1)); done; echo $a
for i in $(seq 30); do x=$(echo $i | sed s/1/a/g); echo "$x $(expr $i + 1)"; (exit 3); echo $?; done | sort
'''],
}


def all_programs(*options, names=tuple(PROGRAMS), least=1):
    for home in users():
        numbers = pathlib.Path(home.dir, 'numbers')
        numbers.write_text('\n'.join(str(i * i) for i in range(600000)))
        for name in names:
            argv = PROGRAMS[name]
            status, out, _ = home.run(*argv)
            with Mirror(*options) as mirror:
                home_moves(home, mirror, argv, (status, out), least)


def test_programs_do_not_notice():
    all_programs()


def test_programs_do_not_notice_when_sent_back_before_their_pages_came():
    all_programs('-m', 'mixed', names=('state', 'memory', 'calls', 'threads', 'python3'))


def test_programs_do_not_notice_slow_pages():
    all_programs('-d', '100', names=('state', 'memory', 'calls', 'threads', 'bash'), least=1)


def test_a_program_that_starts_away_and_comes_home():
    for home in users():
        with Mirror() as mirror:
            for argv in (['echo', 'hello'], [PROG, 'state', '0.2'], ['sh', '-c', 'ls /etc/passwd; exit 5'],
                         ['python3', '-c', 'import ctypes, ssl; print(ssl.OPENSSL_VERSION)']):
                want = home.run(*argv)
                equal(home.run(f'{BIN}/mosrun', '--node', mirror.addr, '--', *argv), want, argv)


def test_a_refused_program_runs_on():
    home = users()[-1]
    with Mirror('-r') as mirror:
        p, pid = home.start(PROG, 'state', '1.5')
        status, out, err = home.migrate(pid, mirror.addr)
        assert status and 'takes nobody' in out + err, out + err
        equal(p.communicate(timeout=120)[0], 'state kept\n')
        equal(p.returncode, 0)


def test_a_node_lost_with_pages_still_there_ends_the_program_and_says_so():
    home = users()[-1]
    with Mirror('-d', '3000', '-x', '200') as mirror:
        p, pid = home.start(PROG, 'memory', '64', '30')
        time.sleep(0.5)
        home.migrate(pid, mirror.addr)
        out, err = p.communicate(timeout=120)
        assert p.returncode != 0 and 'is gone' in err and 'lost' in err, (p.returncode, out, err)


def test_what_cannot_move_says_why_and_runs_on():
    home = users()[-1]
    with Mirror() as mirror:
        for what, why in (('shared', 'shares with others'), ('timer', 'timer')):
            p, pid = home.start(PROG, what, '1.5')
            time.sleep(0.3)
            status, out, err = home.migrate(pid, mirror.addr)
            assert status and why in out + err, out + err
            equal(p.communicate(timeout=120)[0], 'still here\n')


def test_without_userfaultfd_everything_comes_first():
    """A process that may open no more files cannot have one."""
    home = users()[-1]
    home.env['MUSTER_DEBUG'] = '1'
    for options in ((), ('-m', 'early'), ('-d', '50')):
        with Mirror(*options) as mirror:
            p, pid = home.start(PROG, 'memory', '16', '300')
            time.sleep(0.5)
            equal(home.run('prlimit', '--pid', str(pid), '--nofile=3:3')[0], 0)
            for _ in range(3):
                wait_for(lambda: home.migrate(pid, mirror.addr)[0] == 0, 60, 'a move')
                time.sleep(0.3)
            os.kill(pid, signal.SIGTERM)
            out, err = p.communicate(timeout=120)
            equal((p.returncode, out), (0, 'wrong words: 0\n'), err)
            assert 'uffd none' in err and 'uffd for' not in err, err


def test_programs_started_at_home_choose_what_nodes_have():
    status, native, _ = Home().run(PROG, 'features')
    equal(status, 0)
    if 'avx2 1' not in native:
        raise Skip('this CPU has no AVX2')
    for home in users():
        status, out, err = home.run(f'{BIN}/mosrun', '--home', PROG, 'features')
        equal((status, out, err), (0, 'avx2 1 avx512f 0 xsavec 0 ld.so unchanged\n', ''))
        # Not only the first program of a job.
        equal(home.run(f'{BIN}/mosrun', '--home', 'sh', '-c', f'{PROG} features; true')[1], out)


def test_memory_is_not_copied_while_frozen():
    """Stop and copy would take over a second for the largest; tests/bench measures what it really takes."""
    home = users()[-1]
    frozen = {}
    with Mirror() as mirror:
        for mb in (1, 64, 256):
            p, pid = home.start(PROG, 'memory', str(mb), '300')
            out = wait_for(lambda: home.migrate(pid, mirror.addr)[1], 60, 'a move')
            m = re.search(r'frozen ([\d.]+) ms', out)
            assert m, out
            frozen[mb] = float(m[1])
            p.send_signal(signal.SIGTERM)
            p.communicate(timeout=120)
    print(f'  frozen, ms: {frozen}')
    assert frozen[256] < 1000, frozen


if __name__ == '__main__':
    try:
        main(globals())
    finally:
        shutil.rmtree(BASE, ignore_errors=True)
