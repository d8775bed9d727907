# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs one command with a deadline, and leaves nothing of it behind."""
import os
import signal
import subprocess
import tempfile
import time

OUTPUT_MAX = 64 << 20   # bytes of a test's output that are read


class Run:
    """What a command did: status as a shell sees it, out and err as bytes, timed_out."""

    def __init__(self, status, out, err, seconds, timed_out):
        self.status, self.out, self.err = status, out, err
        self.seconds, self.timed_out = seconds, timed_out


def children_of(pid):
    """All living descendants, by /proc; nearest first."""
    parents = {}
    for name in os.listdir('/proc'):
        if name.isdigit():
            try:
                with open(f'/proc/{name}/stat') as f:
                    stat = f.read()
            except OSError:
                continue
            parents.setdefault(int(stat[stat.rindex(')') + 2:].split()[1]), []).append(int(name))
    found, todo = [], [pid]
    while todo:
        kids = parents.get(todo.pop(0), [])
        found += kids
        todo += kids
    return found


def kill_tree(pid):
    """Processes may have left the group and the session: so by descent, deputies first."""
    everyone = [pid, *children_of(pid)]
    for p in everyone:
        for send in (os.kill, os.killpg):
            try:
                send(p, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass


def die_with_parent():
    """In the child: SIGTERM when we end, however that is."""
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)      # PR_SET_PDEATHSIG


def fresh_start():
    """In the child: no inherited ignored signals, no core files."""
    import resource
    for s in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM, signal.SIGPIPE, signal.SIGCHLD):
        signal.signal(s, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def run(argv, cwd, env, timeout, meanwhile=None):
    """Runs argv to its end. meanwhile(popen) is called once it runs, and may take until it has ended.

    Output goes to files: a background process that keeps it open cannot hold us.
    """
    start = time.monotonic()
    timed_out = False
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            p = subprocess.Popen(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                 start_new_session=True, preexec_fn=fresh_start)
        except OSError as e:
            return Run(127, b'', str(e).encode(), 0.0, False)
        try:
            if meanwhile:
                meanwhile(p)
            p.wait(max(0.1, timeout - (time.monotonic() - start)))
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            kill_tree(p.pid)
            p.wait()
        texts = []
        for f in (out, err):
            f.seek(0)
            texts.append(f.read(OUTPUT_MAX))
    status = p.returncode if p.returncode >= 0 else 128 - p.returncode
    return Run(status, texts[0], texts[1], time.monotonic() - start, timed_out)
