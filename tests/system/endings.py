#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: 2 --memory=256
"""How jobs go and end on real nodes: statuses, terminals, moves by hand, kills on either side, a dead node."""
import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
import process  # noqa: E402
from check import equal, main, wait_for  # noqa: E402

RUNTIME = os.environ['MUSTER_RUNTIME_DIR']
SPIN = ['/usr/bin/python3', '-c', 'import sys\nprint("spinning", flush=True)\nwhile True: pass']


def run(*argv, **kw):
    return subprocess.run(argv, capture_output=True, timeout=120, preexec_fn=process.fresh_start, **kw)


started = []


def start(*argv, **kw):
    p = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=process.fresh_start,
                         start_new_session=True, **kw)
    started.append(p)
    return p


def cleanup():
    """What a failed test left must not fail the next."""
    while started:
        p = started.pop()
        process.kill_tree(p.pid)
        p.wait()
    for p in processes():
        process.kill_tree(p['pid'])


def processes():
    return json.loads(run('mps', '-j').stdout)


def nodes():
    return {n['number']: n for n in json.loads(run('muster', 'nodes', '-j').stdout)}


def guests(number):
    return nodes()[number]['guests']


def on_node(comm, node):
    """The process called comm, once mps shows it on that node."""
    return wait_for(lambda: next((p for p in processes() if p['comm'] == comm and str(p['node']) == str(node)), None),
                    20, f'{comm} on {node}; there are {processes()}')


def no_guests_left():
    for number in nodes():
        wait_for(lambda: guests(number) == 0, 15, f'node {number} has no guests; it has {guests(number)}')
    wait_for(lambda: processes() == [], 5, 'no processes under mosrun')


def test_statuses_are_the_commands():
    for script, want in (('exit 0', 0), ('exit 7', 7), ('kill -TERM $$', -15), ('kill -KILL $$', -9)):
        equal(run('mosrun', '--node', '1', 'sh', '-c', script).returncode, want, script)
    r = run('mosrun', '--node', '1', '/none/such')
    equal(r.returncode, 127, r.stderr)
    r = run('mosrun', '--node', '1', '/etc/passwd')
    equal(r.returncode, 126, r.stderr)


def test_an_unknown_node_is_named_with_those_there_are():
    r = run('mosrun', '--node', 'node77', 'true')
    equal(r.returncode, 125, r.stderr)
    assert b'node77' in r.stderr and b'node1' in r.stderr, r.stderr


def test_pipes_and_files_on_all_three():
    data = os.urandom(3 << 20)
    r = run('mosrun', '--node', '1', 'cat', input=data)
    equal((r.returncode, r.stdout == data, r.stderr), (0, True, b''))
    pathlib.Path('in').write_bytes(data)
    with open('in', 'rb') as i, open('out', 'wb') as o:
        equal(subprocess.run(['mosrun', '--node', '2', 'cat'], stdin=i, stdout=o, timeout=120).returncode, 0)
    equal(pathlib.Path('out').read_bytes() == data, True, 'the file')


def terminal(*argv):
    """Starts argv on a terminal of its own; returns (pid, master)."""
    pid, master = pty.fork()
    if pid == 0:
        process.fresh_start()
        os.execvp(argv[0], argv)
    return pid, master


def read_until(fd, text, seconds=20):
    got = b''
    end = time.monotonic() + seconds
    while text not in got:
        assert time.monotonic() < end, got
        got += os.read(fd, 1000)
    return got


def test_control_c_ends_it():
    pid, master = terminal('mosrun', '--node', '1', *SPIN)
    read_until(master, b'spinning')
    on_node('python3', 1)
    os.write(master, b'\x03')
    _, status = os.waitpid(pid, 0)
    # Python turns SIGINT into KeyboardInterrupt and then dies of it.
    equal(os.waitstatus_to_exitcode(status), -signal.SIGINT)
    os.close(master)


def test_it_stops_and_continues():
    p = start('mosrun', '--node', '1', *SPIN)
    p.stdout.readline()
    pid = on_node('python3', 1)['pid']
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: next(q for q in processes() if q['pid'] == pid)['state'] == 'T', 10, 'stopped')

    def stands_still():
        before = next(q for q in processes() if q['pid'] == pid)['utime_ms']
        time.sleep(1)
        return next(q for q in processes() if q['pid'] == pid)['utime_ms'] == before
    # What the node tells of its time is some time old.
    wait_for(stands_still, 10, 'computes nothing while stopped')
    os.kill(pid, signal.SIGCONT)
    wait_for(lambda: next(q for q in processes() if q['pid'] == pid)['state'] != 'T', 10, 'continued')
    os.kill(pid, signal.SIGTERM)
    equal(p.wait(20), -signal.SIGTERM)


def test_migrate_moves_and_says_how():
    script = 'import sys\nn = 0\nfor line in sys.stdin:\n    n += int(line)\n    print(n, flush=True)\n'
    p = start('mosrun', '/usr/bin/python3', '-c', script, stdin=subprocess.PIPE)
    total = 0
    pid = on_node('python3', 'home')['pid']
    for i, to in enumerate(['1', '2', '1', 'home', 'node2', 'home']):
        p.stdin.write(b'%d\n' % i)
        p.stdin.flush()
        total += i
        r = run('migrate', str(pid), to)
        equal(r.returncode, 0, r.stderr)
        assert re.search(rb'frozen [\d.]+ ms, \d+ [KMGB]+ followed in', r.stdout), r.stdout
        equal(int(p.stdout.readline()), total)
    r = run('migrate', str(pid), 'nowhere')
    equal(r.returncode, 1)
    assert b'nowhere' in r.stderr and b'node1' in r.stderr, r.stderr
    assert b'ago' in run('mps', '--why', str(pid)).stdout
    p.stdin.close()
    equal(p.wait(20), 0)
    no_guests_left()


def test_killing_the_process_ends_it_on_the_node():
    p = start('mosrun', '--node', '1', *SPIN)
    p.stdout.readline()
    os.kill(on_node('python3', 1)['pid'], signal.SIGKILL)
    equal(p.wait(20), -signal.SIGKILL)
    no_guests_left()


def test_killing_mosrun_ends_everything():
    p = start('mosrun', '--node', '1', *SPIN)
    p.stdout.readline()
    pid = on_node('python3', 1)['pid']
    for victim in [p.pid, *process.children_of(p.pid)]:
        if victim != pid:
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                pass        # the first death took it along
    p.wait(20)
    wait_for(lambda: not os.path.exists(f'/proc/{pid}'), 10, 'the process at home ends')
    no_guests_left()


def test_nodes_keep_no_memory():
    def round_trip(times):
        for _ in range(times):
            equal(run('mosrun', '--node', '1', 'sh', '-c', 'for i in 1 2 3; do echo $i | sed s/1/2/; done').returncode, 0)
        no_guests_left()
        time.sleep(1.5)     # until the next announcement
        return nodes()[1]['memory_free']

    round_trip(3)
    before = round_trip(3)
    after = round_trip(12)
    assert before - after < 1 << 20, f'{before - after} bytes less after 12 more jobs'


def test_a_dead_node_ends_the_job_with_a_message():
    p = start('mosrun', '--node', '2', *SPIN)
    p.stdout.readline()
    on_node('python3', 2)
    os.kill(int(pathlib.Path(RUNTIME, 'node2.pid').read_text()), signal.SIGKILL)
    started = time.monotonic()
    status = p.wait(30)
    seconds = time.monotonic() - started
    said = p.stderr.read()
    assert status != 0 and seconds < 12, f'status {status} after {seconds:.1f} s'
    assert b'node2' in said, said
    wait_for(lambda: 2 not in nodes(), 10, 'node 2 leaves the list')
    r = run('mosrun', '--node', 'node2', 'true')
    equal(r.returncode, 125, r.stderr)


main(globals())
