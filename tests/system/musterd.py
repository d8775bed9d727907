#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: none
"""musterd and the tools that ask it, with nodes that only announce themselves."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
from check import BIN, equal, main, wait_for  # noqa: E402
from fake_node import announce  # noqa: E402

sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(('127.0.0.1', 0))
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
    free.bind(('127.0.0.1', 0))
    PORT = free.getsockname()[1]
DIR = tempfile.mkdtemp()
ENV = dict(os.environ, MUSTER_RUNTIME_DIR=DIR, MUSTER_PORT=str(PORT))
A, B, C = b'A' * 16, b'B' * 16, b'C' * 16


def tool(*argv, env=ENV):
    return subprocess.run([f'{BIN}/{argv[0]}', *argv[1:]], env=env, capture_output=True, text=True, timeout=120)


def send(data):
    sock.sendto(data, ('127.0.0.1', PORT))


def nodes():
    r = tool('muster', 'nodes', '-j')
    equal(r.returncode, 0, r.stderr)
    return [(n['number'], n['name'], n['address'], n['port']) for n in json.loads(r.stdout)]


def log():
    return pathlib.Path(DIR, 'musterd.log').read_text()


def test_the_first_who_asks_starts_it_and_no_second_one_runs():
    asking = [subprocess.Popen([f'{BIN}/muster', 'nodes'], env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
              for _ in range(5)]
    for p in asking:
        equal(p.wait(30), 0)
        assert b'none is heard' in p.stderr.read()
    r = tool('musterd', '--private')
    equal(r.returncode, 1)
    assert 'another one serves' in r.stderr, r.stderr


def test_nodes_are_heard_and_numbered_by_name():
    send(announce(2, B, 1))
    send(announce(1, A, 1))
    equal(nodes(), [(1, 'node1', '127.0.0.1', 9001), (2, 'node2', '127.0.0.1', 9002)])
    table = tool('muster', 'nodes').stdout.splitlines()
    equal(len(table), 3)
    assert table[0].split()[:3] == ['NODE', 'NAME', 'ADDRESS'] and '127.0.0.1:9001' in table[1], table


def test_bad_packets_change_nothing_and_are_told_once():
    good = announce(3, C, 1)
    for bad in (b'', b'x', good[:-1], good + b'x', b'\xff' * len(good), os.urandom(60000), announce(3, C, 1, magic=1),
                announce(3, C, 1, version=99), announce(3, C, 1, name='\x1b[2J')):
        send(bad)
    equal([n[0] for n in nodes()], [1, 2])
    assert 'refused, the last from 127.0.0.1' in log()
    equal(log().count('refused'), 1)


def test_a_restarted_node_keeps_its_number():
    send(announce(2, C, 1))
    equal(nodes(), [(1, 'node1', '127.0.0.1', 9001), (2, 'node2', '127.0.0.1', 9002)])
    assert 'node 2 (node2, 127.0.0.1:9002) is back' in log()


def test_a_goodbye_removes_at_once_and_silence_after_a_while():
    send(announce(1, A, 2, flags=1))
    equal([n[0] for n in nodes()], [2])
    wait_for(lambda: nodes() == [], 8, 'silence')
    assert 'is silent' in log() and 'says goodbye' in log()


def test_errors_name_thing_and_cause():
    r = tool('migrate', '99999999', '1')
    equal((r.returncode, 'no such process' in r.stderr), (3, True), r.stderr)
    r = tool('migrate', str(os.getpid()), '1')
    equal((r.returncode, 'not started by mosrun' in r.stderr), (3, True), r.stderr)
    if os.geteuid():
        r = tool('migrate', '1', '1')
        equal((r.returncode, 'not yours' in r.stderr), (3, True), r.stderr)
    for argv in (('migrate',), ('migrate', 'x', '1'), ('migrate', '1'), ('muster', 'fly'), ('muster',)):
        equal(tool(*argv).returncode, 2, argv)
    r = tool('mps', '--why', '99999999')
    equal((r.returncode, 'not under mosrun' in r.stderr), (1, True), r.stderr)
    equal(tool('mps', '-j').stdout, '[]\n')
    equal(tool('mps').returncode, 0)
    for name in ('muster', 'muster-nodes', 'migrate', 'mps', 'musterd', 'muster-emulate', 'muster-netboot'):
        equal(tool(name, '--version').returncode, 0, name)
        assert 'Usage' in tool(name, '--help').stdout, name


def test_a_runtime_folder_open_to_others_is_refused():
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o755)
        r = tool('muster', 'nodes', env=dict(ENV, MUSTER_RUNTIME_DIR=d))
        equal(r.returncode, 1)
        assert 'not a folder of uid' in r.stderr, r.stderr
    long = tempfile.mkdtemp(suffix='x' * 150)
    r = tool('mps', env=dict(ENV, MUSTER_RUNTIME_DIR=long))
    equal(r.returncode, 0, r.stderr)
    os.rmdir(long)


def test_it_ends_when_told_and_leaves_no_socket():
    pids = [p for p in os.listdir('/proc') if p.isdigit() and DIR in environ(p) and 'musterd' in comm(p)]
    equal(len(pids), 1)
    os.kill(int(pids[0]), signal.SIGTERM)
    wait_for(lambda: not os.path.exists(f'{DIR}/musterd.sock'), 5, 'the socket goes')
    time.sleep(0.1)


def test_nodes_are_remembered_over_a_restart():
    """Their numbers, whoever comes first, and what `mosctl wake` needs."""
    nodes()
    send(announce(7, C, 1, name='late'))
    wait_for(lambda: 'name=late' in memory(), 10, 'it is written')
    number = {n[1]: n[0] for n in nodes()}['late']
    stop()
    send_first = announce(1, A, 1, name='first')
    known = json.loads(tool('muster', 'nodes', '-j', '--all').stdout)
    late = next(n for n in known if n['name'] == 'late')
    equal((late['number'], late['alive'], late['mac']), (number, False, '02:00:00:00:00:07'))
    assert abs(late['last_seen'] - time.time()) < 60, late
    send(send_first)
    send(announce(7, B, 1, name='late'))
    equal({n[1]: n[0] for n in nodes()}['late'], number)
    assert 'late' not in tool('muster', 'nodes', '--all').stdout.split('Not heard')[-1]


def test_a_corrupt_memory_is_named_and_ignored():
    stop()
    pathlib.Path(DIR, 'nodes').write_bytes(b'muster-nodes 1\nnode\tnumber=1\tname=\x1b[2J\n')
    equal(nodes(), [])
    assert 'nodes, line 2: ' in log() and 'ignored, and kept as' in log(), log()
    assert pathlib.Path(DIR, 'nodes.bad').read_bytes().startswith(b'muster-nodes 1')
    send(announce(4, B, 1))
    wait_for(lambda: 'name=node4' in memory(), 10, 'it is written again')


def test_a_memory_that_cannot_be_written_harms_nobody():
    stop()
    pathlib.Path(DIR, 'nodes').unlink()
    pathlib.Path(DIR, 'nodes.new').mkdir()      # as good as a full disk, for root too
    send_again = announce(5, C, 1)
    nodes()
    send(send_again)
    wait_for(lambda: 'not remembered for now' in log(), 10, 'it is told')
    equal([n[1] for n in nodes()], ['node5'])
    pathlib.Path(DIR, 'nodes.new').rmdir()
    stop()
    assert 'name=node5' in memory()


def stop():
    pids = [p for p in os.listdir('/proc') if p.isdigit() and DIR in environ(p) and 'musterd' in comm(p)]
    for p in pids:
        os.kill(int(p), signal.SIGTERM)
    wait_for(lambda: not any(os.path.exists(f'/proc/{p}') and 'musterd' in comm(p) for p in pids), 5, 'musterd ends')


def memory():
    try:
        return pathlib.Path(DIR, 'nodes').read_text()
    except OSError:
        return ''


def environ(pid):
    try:
        return pathlib.Path('/proc', pid, 'environ').read_text(errors='replace')
    except OSError:
        return ''


def comm(pid):
    try:
        return pathlib.Path('/proc', pid, 'comm').read_text()
    except OSError:
        return ''


main(globals())
