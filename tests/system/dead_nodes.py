#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: 4 --memory=192 --cpus=1
"""Nodes that die or fall silent: what ran there ends with a clear message within seconds, what had not yet arrived
runs on at home, and nobody else notices. The emulation's nodes are used up, one after the other.
"""
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
from check import equal, main, wait_for  # noqa: E402
from jobs import SPIN, alive, cleanup, in_use, job_process, nodes, processes, run, spin, start, why  # noqa: E402,F401

RUNTIME = pathlib.Path(os.environ['MUSTER_RUNTIME_DIR'])
SECONDS = 20        # silence is noticed after 5; the rest is for a loaded machine
# Counts by lines of input, and shows its memory of so many MB by a checksum at the end.
COUNT = '''
import sys, zlib
data = b"".join(b"%7d\\n" % i for i in range(int(sys.argv[1]) << 17))
print("ready", flush=True)
n = 0
for line in sys.stdin:
    n += int(line)
    print(n, flush=True)
print(zlib.crc32(data), len(data), flush=True)
'''


def qemu(number, sig):
    os.kill(int(pathlib.Path(RUNTIME, f'node{number}.pid').read_text()), sig)


def counter(mb, *prefix):
    p = start(*prefix, '/usr/bin/python3', '-c', COUNT, str(mb), stdin=subprocess.PIPE)
    equal(p.stdout.readline(), b'ready\n')
    return p


def last_line(mb):
    """What it says at its end, at home."""
    return counter(mb).communicate(timeout=120)[0]


def counts(p, n):
    p.stdin.write(b'%d\n' % n)
    p.stdin.flush()
    return int(p.stdout.readline())


def lost(p, number, begin):
    """That job ends, says which node is to blame and which process is lost, and its status is no success."""
    status = p.wait(SECONDS)
    seconds = time.monotonic() - begin
    said = p.stderr.read().decode()
    assert status != 0, said
    assert f'node{number} is gone' in said and 'is lost' in said and 'python3' in said, said
    print(f'  after {seconds:.1f} s: {said.strip()}')


def test_a_killed_node_takes_only_its_own_guests_along():
    victim, pid = spin(2)
    other, _ = spin(1)
    also = counter(1, 'mosrun', '--node', '1', '--')
    home = counter(1, 'mosrun', '--home', '--')
    begin = time.monotonic()
    qemu(2, signal.SIGKILL)
    lost(victim, 2, begin)
    assert not alive(pid)
    for p in also, home:
        equal([counts(p, i) for i in (1, 2, 3)], [1, 3, 6])
        p.stdin.close()
        equal(p.wait(30), 0)
    assert other.poll() is None
    other.terminate()
    equal(other.wait(20), -signal.SIGTERM)
    wait_for(lambda: 2 not in nodes(), SECONDS, 'node 2 leaves the list')


def test_a_job_is_told_and_its_processes_at_home_go_on():
    """Of a job with processes in both places, only the one away is lost; its parent is told by wait(2)."""
    script = f'''
import os, subprocess, sys
p = subprocess.Popen({SPIN!r})
print("status", p.wait(), flush=True)
'''
    job = start('mosrun', '--home', '--', 'python3', '-c', script)
    equal(job.stdout.readline(), b'spinning\n')
    child = wait_for(lambda: [p for p in processes() if 'spinning' in p['cmd'] and 'subprocess' not in p['cmd']], 20,
                     'the child')[0]['pid']
    equal(run('migrate', str(child), '3').returncode, 0)
    qemu(3, signal.SIGSTOP)
    begin = time.monotonic()
    equal(job.stdout.readline(), b'status -9\n')
    equal(job.wait(SECONDS), 0)
    said = job.stderr.read().decode()
    assert 'node3 is gone (no sign of life' in said and f'process {child}' in said, said
    print(f'  after {time.monotonic() - begin:.1f} s: {said.strip()}')
    # The node comes back: it has given its guests up, too, and serves.
    qemu(3, signal.SIGCONT)
    wait_for(lambda: 3 in nodes() and nodes()[3]['guests'] == 0, SECONDS, 'node 3 is back without guests')
    equal(run('mosrun', '--node', '3', 'echo', 'again').stdout, b'again\n')
    in_use(3)


def test_a_node_that_is_silent_during_a_move_out_loses_nothing():
    want = last_line(40)
    p = counter(40, 'mosrun', '--home', '--')
    pid = job_process(p, 'home')['pid']
    equal(counts(p, 5), 5)
    address = nodes()[3]['address']
    qemu(3, signal.SIGSTOP)
    try:
        r = run('migrate', str(pid), '3')
        equal(r.returncode, 1, r.stdout + r.stderr)
        assert b'not moved to 3: no answer for' in r.stderr and b'it stays at home' in r.stderr, r.stderr
        equal(counts(p, 6), 11)
        assert 'no answer' in why(pid), why(pid)
        # So does a new one. (By its address: the list has forgotten the node.)
        r = run('mosrun', '--node', address, '--', 'echo', 'at home')
        equal((r.returncode, r.stdout), (0, b'at home\n'))
        assert b'runs at home' in r.stderr, r.stderr
    finally:
        qemu(3, signal.SIGCONT)
    wait_for(lambda: 3 in nodes(), SECONDS, 'node 3 is back')
    equal(run('migrate', str(pid), '3').returncode, 0)
    equal(counts(p, 7), 18)
    equal(run('migrate', str(pid), 'home').returncode, 0)
    p.stdin.close()
    equal((p.stdout.read(), p.wait(30)), (want, 0))


def test_a_connected_node_that_is_silent_during_a_move_out():
    """The job has one process there already, which is lost; the one on its way is not."""
    script = f'''
import os, subprocess, sys
p = subprocess.Popen({SPIN!r})
n = 0
for line in sys.stdin:
    n += int(line)
    print(n, flush=True)
print("status", p.wait())
'''
    p = start('mosrun', '--home', '--', 'python3', '-c', script, stdin=subprocess.PIPE)
    equal(p.stdout.readline(), b'spinning\n')
    child = wait_for(lambda: [q for q in processes() if 'spinning' in q['cmd'] and 'subprocess' not in q['cmd']], 20,
                     'the child')[0]['pid']
    parent = next(q['pid'] for q in processes() if q['pid'] != child)
    equal(run('migrate', str(child), '3').returncode, 0)
    qemu(3, signal.SIGSTOP)
    r = run('migrate', str(parent), '3')
    equal(r.returncode, 1, r.stdout)
    assert b'no sign of life' in r.stderr, r.stderr
    equal(counts(p, 4), 4)
    p.stdin.close()
    equal(p.stdout.read(), b'status -9\n')
    equal(p.wait(SECONDS), 0)
    qemu(3, signal.SIGCONT)
    wait_for(lambda: 3 in nodes(), SECONDS, 'node 3 is back')


def test_a_node_killed_at_any_moment_of_moves():
    """Committed or not: the end is the right one or the message, never anything else, and never a hang."""
    want = last_line(96)
    p = counter(96, 'mosrun', '--home', '--')
    pid = job_process(p, 'home')['pid']
    move = start('sh', '-c', f'while migrate {pid} 4 && migrate {pid} home; do :; done')
    time.sleep(2.35)
    qemu(4, signal.SIGKILL)
    begin = time.monotonic()
    move.wait(SECONDS * 2)
    p.stdin.close()
    status = p.wait(SECONDS * 2)
    said = p.stderr.read().decode()
    print(f'  status {status} after {time.monotonic() - begin:.1f} s: {said.strip()}')
    if status == 0:
        equal(p.stdout.read(), want)
    else:
        assert 'node4' in said and 'is lost' in said, said
    r = run('mosrun', '--node', 'node4', 'true')
    equal(r.returncode, 125 if 4 not in nodes() else 0, r.stderr)


if __name__ == '__main__':
    main(globals())
