#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: none
"""A program under mosrun that stays at home is as it would be without: what it inherits, its signals, its end."""
import json
import os
import pathlib
import pty
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
from check import BIN, equal, main, wait_for  # noqa: E402
from process import children_of, kill_tree  # noqa: E402

BIN = pathlib.Path(BIN).resolve()
PROG = str(BIN.parent / 'tests/native_prog')
MOSRUN = str(BIN / 'mosrun')
DIR = tempfile.mkdtemp(prefix='muster-native-')
os.environ['MUSTER_RUNTIME_DIR'] = DIR


def both(*argv, **kw):
    """The same with and without mosrun; returns what it said."""
    kw = dict(dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120), **kw)
    alone = subprocess.run(argv, **kw)
    under = subprocess.run([MOSRUN, *argv], **kw)
    equal(under.stdout, alone.stdout)
    equal(under.returncode, alone.returncode)
    return under.stdout


started = []


def cleanup():
    while started:
        p = started.pop()
        if p.poll() is None:
            kill_tree(p.pid)
            p.wait()


def start(*argv, **kw):
    """A job; returns mosrun's Popen and the program's pid."""
    p = subprocess.Popen([MOSRUN, *argv], stdout=subprocess.PIPE, text=True, **dict({'start_new_session': True}, **kw))
    started.append(p)
    return p, wait_for(lambda: program_of(p), 10, 'it runs')


def program_of(p):
    out = subprocess.run([BIN / 'mps', '-j'], capture_output=True, text=True).stdout
    mine = children_of(p.pid)
    return next((q['pid'] for q in json.loads(out or '[]') if q['pid'] in mine), None)


def test_it_inherits_the_same():
    both(PROG, 'state')
    both(PROG, 'state', stdin=subprocess.DEVNULL, cwd='/')
    with tempfile.TemporaryFile() as f:
        both(PROG, 'state', pass_fds=[f.fileno()])


def test_it_inherits_signals_and_limits_as_they_are():
    def before():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGCHLD, signal.SIGTRAP])
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))
        resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, 1 << 22))
        os.nice(3)
        os.umask(0o77)
    both(PROG, 'state', preexec_fn=before)


def test_it_is_in_the_foreground_of_its_terminal():
    def on_terminal(argv):
        pid, fd = pty.fork()
        if pid == 0:
            try:
                os.execv(argv[0], argv)
            finally:
                os._exit(127)
        out = b''
        try:
            while more := os.read(fd, 4096):
                out += more
        except OSError:
            pass
        os.close(fd)
        os.waitpid(pid, 0)
        return [line for line in out.split(b'\r\n') if b'session' not in line], b'foreground 1' in out
    equal(on_terminal([MOSRUN, PROG, 'state']), on_terminal([PROG, 'state']))


def test_descriptors_that_are_closed_stay_closed():
    for closed in ('<&-', '>&-', '2>&-', '<&- >&-', '<&- >&- 2>&-'):
        with tempfile.NamedTemporaryFile('r') as f:
            script = f'exec {MOSRUN} sh -c "ls -l /proc/self/fd | sed 1d | wc -l > {f.name}; exit 3" {closed}'
            alone = script.replace(MOSRUN, '')
            equal(subprocess.run(['sh', '-c', alone], stderr=subprocess.DEVNULL, timeout=120).returncode, 3)
            want = f.read()
            f.seek(0)
            equal(subprocess.run(['sh', '-c', script], stderr=subprocess.DEVNULL, timeout=120).returncode, 3, closed)
            equal(f.read(), want, closed)


def test_a_signal_to_the_group_comes_once_whichever_thread_takes_it():
    p = subprocess.Popen([MOSRUN, PROG, 'count'], stdout=subprocess.PIPE, text=True, start_new_session=True)
    equal(p.stdout.readline(), 'ready\n')
    os.killpg(p.pid, signal.SIGTERM)
    equal(p.communicate(timeout=120)[0], '1\n')
    p = subprocess.Popen([MOSRUN, PROG, 'count'], stdout=subprocess.PIPE, text=True, start_new_session=True)
    equal(p.stdout.readline(), 'ready\n')
    os.kill(p.pid, signal.SIGTERM)
    equal(p.communicate(timeout=120)[0], '1\n')


def states(pid):
    found = set()
    for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
        try:
            found.add((task / 'stat').read_text().rsplit(') ', 1)[1][0])
        except OSError:
            pass
    return found


def test_a_process_that_makes_threads_stops_and_goes_on():
    p, pid = start(PROG, 'threads', '400')
    while p.poll() is None:
        try:
            os.kill(pid, signal.SIGSTOP)
            wait_for(lambda: states(pid) <= {'T', 't', 'X', 'Z'}, 10, 'all threads stop')
            time.sleep(0.02)
            assert states(pid) <= {'T', 't', 'Z', 'X'}, states(pid)
            os.kill(pid, signal.SIGCONT)
        except (ProcessLookupError, FileNotFoundError):
            break
        time.sleep(0.01)
    equal(p.communicate(timeout=120)[0], 'end\n')


class Mirror:
    """A node that sends home whatever comes (mirror_node.c)."""

    def __enter__(self):
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            self.addr = f'127.0.0.1:{s.getsockname()[1]}'
        self.p = subprocess.Popen([BIN.parent / 'tests/mirror_node', '-p', self.addr.split(':')[1]])
        time.sleep(0.3)
        return self

    def move(self, pid, **kw):
        return subprocess.Popen([BIN / 'migrate', str(pid), self.addr], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, **kw)

    def __exit__(self, *_):
        self.p.kill()
        self.p.wait()


def test_a_move_of_a_process_that_executes_another_program_meanwhile_ends():
    with Mirror() as mirror:
        p, pid = start(PROG, 'execs', '800')
        moves = 0
        while p.poll() is None:
            moves += not mirror.move(pid).wait(10)
        equal(p.communicate(timeout=120)[0], 'end\n')
        assert moves > 5, moves


def ticks(pid):
    return [int(n) for n in pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(') ', 1)[1].split()[11:13]]


def test_a_stop_in_the_middle_of_a_move_holds():
    with Mirror() as mirror:
        p, pid = start(PROG, 'spins')
        for i in range(25):
            move = mirror.move(pid)
            time.sleep(0.002 * (i % 10))
            os.kill(pid, signal.SIGSTOP)
            wait_for(lambda: states(pid) == {'T'} or states(pid) == {'t'}, 10, 'it stops')
            time.sleep(0.05)
            before = ticks(pid)
            time.sleep(0.05)
            equal(ticks(pid), before, f'CPU time of a stopped process, round {i}')
            wait_for(lambda: states(p.pid) == {'T'}, 10, 'mosrun stops, too')
            os.kill(pid, signal.SIGCONT)
            move.wait(20)
        os.kill(pid, signal.SIGTERM)
        equal(p.wait(10), -signal.SIGTERM)


def test_the_deputy_may_open_many_files_and_the_program_as_many_as_before():
    p, pid = start('sleep', '30', preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 4000)))
    deputy = int(pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(') ', 1)[1].split()[1])
    equal(resource.prlimit(deputy, resource.RLIMIT_NOFILE), (4000, 4000))
    equal(resource.prlimit(pid, resource.RLIMIT_NOFILE), (64, 4000))
    os.kill(pid, signal.SIGKILL)
    p.communicate(timeout=120)
    equal(p.returncode, -signal.SIGKILL)


def test_a_runtime_folder_may_be_named_from_where_one_is():
    with tempfile.TemporaryDirectory() as cwd:
        env = dict(os.environ, MUSTER_RUNTIME_DIR='here')
        p = subprocess.Popen([MOSRUN, 'sleep', '30'], env=env, cwd=cwd)
        job = wait_for(lambda: json.loads(subprocess.run([BIN / 'mps', '-j'], env=env, cwd=cwd, text=True,
                                                         capture_output=True).stdout or '[]'), 5, 'it is listed')
        os.kill(job[0]['pid'], signal.SIGTERM)
        equal(p.wait(10), -signal.SIGTERM)


if __name__ == '__main__':
    try:
        main(globals())
    finally:
        shutil.rmtree(DIR, ignore_errors=True)
