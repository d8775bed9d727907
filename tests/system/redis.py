#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: 2
"""redis-server on a node, with its four background threads, and its clients at home; moved while it serves."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
from check import equal, main, wait_for  # noqa: E402
from jobs import cleanup, job_process, run, start  # noqa: E402,F401

FOLDER = tempfile.mkdtemp(prefix='muster-redis-')
# Debian's redis-tools has the server, too: which of its programs it is, it sees from its name.
SERVER = os.path.join(FOLDER, 'redis-server')
os.symlink(shutil.which('redis-check-rdb'), SERVER)


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return str(s.getsockname()[1])


def serve(port, *prefix):
    p = start(*prefix, SERVER, '--port', port, '--save', '', '--dir', FOLDER, '--appendonly', 'yes', '--bind', '127.0.0.1')
    wait_for(lambda: cli(port, 'ping') == 'PONG', 60, 'the server answers')
    return p


def cli(port, *command):
    return run('redis-cli', '-p', port, *command).stdout.decode().strip()


def load(port):
    """What the benchmark client says of itself: it checks each answer's form."""
    b = start('redis-benchmark', '-p', port, '-n', '600', '-c', '10', '-r', '100', '-t', 'set,get,incr,lpush,sadd,zadd', '-q')
    return b


def served(port, benchmark):
    out, err = benchmark.communicate()
    equal(benchmark.returncode, 0, err)
    assert b'rror' not in out, out
    equal(cli(port, 'llen', 'mylist'), '600')
    equal(cli(port, 'set', 'who', 'muster'), 'OK')
    equal(cli(port, 'get', 'who'), 'muster')


def ends(port, p):
    p.send_signal(signal.SIGTERM)
    equal((p.wait(), run('pgrep', '-f', SERVER).stdout), (0, b''))
    out = p.stdout.read().decode()
    assert 'bye bye' in out, out


def test_clients_at_home_are_served():
    port = free_port()
    p = serve(port, 'mosrun', '--node', '1', '--')
    equal(str(job_process(p, 1)['node']), '1')
    served(port, load(port))
    equal(str(job_process(p, 1)['node']), '1')
    ends(port, p)


def test_what_it_wrote_is_at_home_and_it_moves_while_it_serves():
    port = free_port()
    p = serve(port)
    equal(cli(port, 'get', 'who'), 'muster')     # of the run before, from its file
    cli(port, 'flushall')
    ends(port, p)
    p = serve(port, 'mosrun', '--node', '1', '--')
    pid = job_process(p, 1)['pid']
    b = load(port)
    for to in ('2', 'home', '1', '2'):
        moved = run('migrate', str(pid), to)
        equal((moved.returncode, moved.stderr), (0, b''))
    served(port, b)
    ends(port, p)


if __name__ == '__main__':
    try:
        main(globals())
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
