#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: none
"""mosctl and nodes that are no nodes: whatever they say, it ends in time, says why, and prints nothing harmful."""
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
from check import BIN, equal, main  # noqa: E402
from scripted_node import HDR, Gone, Node, W  # noqa: E402

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
    free.bind(('127.0.0.1', 0))
    PORT = free.getsockname()[1]
DIR = tempfile.mkdtemp()
ENV = dict(os.environ, MUSTER_RUNTIME_DIR=DIR, MUSTER_PORT=str(PORT))
musterd = subprocess.Popen([f'{BIN}/musterd', '--private'], env=ENV, stderr=subprocess.DEVNULL)


def mosctl(*argv):
    return subprocess.run([f'{BIN}/mosctl', *argv], env=ENV, capture_output=True, timeout=120)


def told(play, *words, greet=True, version=None):
    """Runs mosctl with a node that plays this; returns its status and what it has said."""
    node = Node()

    def serve():
        try:
            s = node.accept(greet, **({'version': version} if version else {}), timeout=60)
            play(s)
        except (Gone, OSError, AssertionError):
            pass
    t = threading.Thread(target=serve)
    t.start()
    r = mosctl(words[0] if words else 'status', node.addr, *words[1:])
    t.join()
    return r.returncode, r.stdout, r.stderr.decode()


def ordered(text=b'', last=False, result=0, id_=1):
    return HDR.pack(8 + len(text), W['ORDERED'], 2 if last else 0, 0, id_) + struct.pack('<iI', result, 0) + text


def says(*data):
    def play(s):
        order = s.expect('ORDER')
        play.line = order['payload'].split(b'\0')[0]
        for d in data:
            s.sock.sendall(d)
        s.sock.recv(1)      # until it has closed
    return play


def test_the_answer_comes_in_pieces_and_is_one_text():
    play = says(ordered(b'one\ntw'), ordered(b'o\n'), ordered(), ordered(b'three', True))
    equal(told(play, 'accept', 'on'), (0, b'one\ntwo\nthree\n', ''))
    equal(play.line, b'accept on')
    status, out, err = told(says(ordered(b'because\n', True, -16)), 'poweroff', 'now')
    equal((status, out), (1, b'because\n'))
    assert 'poweroff was not carried out: Device or resource busy' in err, err


def test_nothing_that_moves_a_cursor_reaches_the_terminal():
    _, out, _ = told(says(ordered(b'\x1b[2Ja\rb\x07\x7f\n' + b'x' * 4000, True)))
    assert not set(out) - set(range(0x20, 0x7f)) - {0x0a}, out
    assert out.startswith(b'?[2Ja?b??\nxxx') and out.count(b'x') == 4000


def test_what_a_node_must_not_send():
    huge = HDR.pack(60000, W['PAGES'], 0, 0, 1) + bytes(60000)
    for data, wanted in ((HDR.pack(4, W['ORDERED'], 0, 0, 1) + bytes(4), 'impossible length'),
                         (HDR.pack(1 << 31, W['ORDERED'], 0, 0, 1), 'impossible length'),
                         (HDR.pack(256, W['ORDER'], 0, 0, 1) + bytes(256), 'wrong direction'),
                         (ordered(b'x', id_=7), 'not asked'), (huge, 'home with guests'), (b'\xff' * 64, 'unknown'),
                         (HDR.pack(0, W['THREAD_EXIT'], 0, 0, 1), 'home with guests'),
                         (HDR.pack(204, W['REFUSE'], 0, 0, 0) + struct.pack('<I200s', 1, b'not today'), 'not today'),
                         (HDR.pack(204, W['REFUSE'], 0, 0, 0) + b'x' * 204, 'text without an end')):
        status, _, err = told(says(data))
        assert status == 3 and wanted in err, (data[:20], status, err)


def node_is_named(err):
    """However the kernel tells of a connection that is gone."""
    return 'mosctl: 127.0.0.1:' in err and any(w in err for w in ('closed the connection', 'Broken pipe', 'reset by peer'))


def test_nodes_that_do_not_answer():
    status, _, err = told(lambda s: s.sock.close())
    assert status == 3 and node_is_named(err), err
    status, _, err = told(lambda s: s.sock.recv(1), greet=False)      # takes the greeting and leaves
    assert status == 3, err
    status, _, err = told(lambda s: None, version=99)
    assert status == 3 and 'speaks version 99' in err, err
    silent = socket.socket()
    silent.bind(('127.0.0.1', 0))
    silent.listen(1)
    r = mosctl('status', f'127.0.0.1:{silent.getsockname()[1]}')
    assert r.returncode == 3 and b'no sign of life' in r.stderr, r.stderr
    silent.close()
    r = mosctl('status', '127.0.0.1:1')
    assert r.returncode == 3 and b'Connection refused' in r.stderr, r.stderr


def test_one_that_fails_does_not_keep_others_from_being_told():
    nodes = [Node() for _ in range(3)]

    def serve(node, play):
        s = node.accept(timeout=60)
        play(s)
    plays = [says(ordered(b'first\n', True)), lambda s: s.sock.close(), says(ordered(b'third\n', True, -1))]
    threads = [threading.Thread(target=serve, args=a) for a in zip(nodes, plays)]
    for t in threads:
        t.start()
    r = mosctl('status', ','.join(n.addr for n in nodes))
    for t in threads:
        t.join()
    equal(r.returncode, 3)
    for node, text in ((nodes[0], 'first'), (nodes[2], 'third')):
        assert f'{node.addr}: {text}\n' in r.stdout.decode(), r.stdout
    assert nodes[1].addr in r.stderr.decode() and 'Operation not permitted' in r.stderr.decode(), r.stderr


def test_usage():
    for argv, wanted in ((('status',), b'which node'), ((), b'which verb'), (('fly', '1'), b'no verb fly'),
                         (('expel', '1', 'now'), b'nothing follows'), (('accept', '1', 'a\tb'), b'one line')):
        r = mosctl(*argv)
        assert r.returncode == 2 and wanted in r.stderr, (argv, r)
    for bad in ('127.0.0.1:', '127.0.0.1:0', '127.0.0.1:99999', '127.0.0.1:x', '300.1.1.1', 'nobody', ''):
        r = mosctl('status', bad)
        equal(r.returncode, 3, (bad, r))
        assert r.stderr, bad
    assert b'poweroff NODE [now]' in mosctl('--help').stdout
    equal(subprocess.run([f'{BIN}/muster', 'ctl', '--version'], env=ENV, capture_output=True).returncode, 0)


try:
    main(globals())
finally:
    musterd.send_signal(signal.SIGTERM)
    musterd.wait()
    shutil.rmtree(DIR, ignore_errors=True)
