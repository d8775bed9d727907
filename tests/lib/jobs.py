# SPDX-License-Identifier: GPL-2.0-or-later
"""For system tests that run jobs on real nodes: starts them, finds them, and sees what nodes keep of them.

For use inside `muster emulate`. cleanup() ends whatever a test has left; a script that uses this module
names it `from jobs import cleanup`, so that check.main() calls it after each test.
"""
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import time

import process
from check import wait_for

IDLE = re.compile(r'all homes are gone: (\d+) threads, (\d+) KB in use, (\d+) KB of files kept')
# Computes until a signal ends it; says when it is there.
SPIN = ['/usr/bin/python3', '-c', 'print("spinning", flush=True)\nwhile True: pass']

_started = []


def run(*argv, timeout=60, **kw):
    """Runs argv to its end, whose output is in .stdout and .stderr."""
    kw.setdefault('stdin', subprocess.DEVNULL if 'input' not in kw else None)
    if kw['stdin'] is None:
        del kw['stdin']
    return subprocess.run(argv, capture_output=True, timeout=timeout, preexec_fn=process.fresh_start, **kw)


def start(*argv, **kw):
    kw.setdefault('preexec_fn', process.fresh_start)
    kw.setdefault('stdout', subprocess.PIPE)
    kw.setdefault('stderr', subprocess.PIPE)
    p = subprocess.Popen(argv, start_new_session=True, **kw)
    _started.append(p)
    return p


def spin(node):
    """A job that computes on that node: (Popen of mosrun, pid of the process)."""
    p = start('mosrun', '--node', str(node), '--', *SPIN)
    assert p.stdout.readline() == b'spinning\n', p.stderr.read()
    return p, job_process(p, node)['pid']


def cleanup():
    """What a failed test left must not fail the next."""
    while _started:
        p = _started.pop()
        process.kill_tree(p.pid)
        p.wait()
        for f in (p.stdin, p.stdout, p.stderr):
            if f:
                f.close()
    for p in processes():
        process.kill_tree(p['pid'])


def processes():
    return json.loads(run('mps', '-j').stdout or b'[]')


def job_process(popen, node):
    """The first process of that job, once mps shows it on that node."""
    def look():
        below = process.children_of(popen.pid)
        return next((p for p in processes() if p['pid'] in below and str(p['node']) == str(node)), None)
    return wait_for(look, 20, f'a process of the job on {node}; there are {processes()}')


def nodes():
    return {n['number']: n for n in json.loads(run('muster', 'nodes', '-j').stdout)}


def why(pid):
    return run('mps', '--why', str(pid)).stdout.decode()


def alive(pid):
    """Is there such a process, and no zombie?"""
    try:
        stat = pathlib.Path(f'/proc/{pid}/stat').read_text()
    except OSError:
        return False
    return stat[stat.rindex(')') + 2] != 'Z'


class Terminal:
    """A command on a terminal of its own, of which it is the session leader."""

    def __init__(self, *argv, env=None):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            process.fresh_start()
            os.execvpe(argv[0], argv, env or os.environ)
        self.seen = b''

    def type(self, data):
        os.write(self.fd, data)

    def until(self, text, seconds=30):
        """Reads until the text comes; returns what came before it."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            left = end - time.monotonic()
            assert left > 0, f'{text!r} does not come; the terminal shows {self.seen!r}'
            if select.select([self.fd], [], [], left)[0]:
                try:
                    self.seen += os.read(self.fd, 4096)
                except OSError:     # all have closed it
                    raise AssertionError(f'{text!r} does not come, the terminal is closed; it showed {self.seen!r}')
        before, self.seen = self.seen.split(text, 1)
        return before

    def wait(self, seconds=30):
        """Its exit status, once it has ended."""
        pid, status = wait_for(lambda: (lambda r: r if r[0] else None)(os.waitpid(self.pid, os.WNOHANG)), seconds,
                               f'the command on the terminal ends; it shows {self.seen!r}')
        return os.waitstatus_to_exitcode(status)

    def close(self):
        process.kill_tree(self.pid)
        try:
            os.waitpid(self.pid, 0)
        except ChildProcessError:
            pass
        self.hang_up()

    def hang_up(self):
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1


# --- what a node keeps ---

def console(number):
    return pathlib.Path(logs(), f'node{number}.log').read_text(errors='replace')


def logs():
    """The folder of the nodes' consoles: $MUSTER_RUNTIME_DIR, or where --keep-logs put them."""
    folder = pathlib.Path(os.environ['MUSTER_RUNTIME_DIR'])
    if list(folder.glob('node*.log')):
        return folder
    pid = int(next(folder.glob('node*.pid')).read_text())
    argv = pathlib.Path(f'/proc/{pid}/cmdline').read_bytes().split(b'\0')
    return pathlib.Path(os.fsdecode(argv[argv.index(b'-serial') + 1]).removeprefix('file:')).parent


def in_use(number):
    """Runs a small job on the node, waits until that and all else of homes has gone, and returns what the
    node then says is left: (threads, KB in use besides its cache of files)."""
    before = len(IDLE.findall(console(number)))
    run('mosrun', '--node', str(number), 'true')
    found = wait_for(lambda: IDLE.findall(console(number))[before:], 20,
                     f'node {number} says that all homes are gone; its console ends with {console(number)[-1000:]}')
    wait_for(lambda: nodes()[number]['guests'] == 0, 10, f'node {number} announces that it has no guests')
    return int(found[-1][0]), int(found[-1][1])


class Kept:
    """Remembers what those nodes have in use; check() fails if one keeps a thread or memory of what was
    between, or if processes are left at home."""

    SLACK_KB = 256      # what the node's own tables may grow by

    def __init__(self, *numbers):
        for n in numbers:
            in_use(n)       # the first jobs fill caches
        self.before = {n: in_use(n) for n in numbers}

    def check(self):
        wait_for(lambda: not processes(), 10, f'no processes under mosrun; there are {processes()}')
        for n, (threads, kb) in self.before.items():
            now = in_use(n)
            assert now[0] == threads, f'node {n} keeps {now[0] - threads} threads'
            assert now[1] <= kb + self.SLACK_KB, f'node {n} keeps {now[1] - kb} KB'
