#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: 1 --memory=128
"""A node and homes that are no homes: whatever comes over the wire, the node stays up, says what was wrong,
keeps nothing, and serves the next home.
"""
import os
import pathlib
import random
import re
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
from check import equal, main, wait_for  # noqa: E402
from jobs import Kept, cleanup, console, nodes, run, spin  # noqa: E402,F401
from scripted_node import HDR, HELLO, PAYLOAD_MAX, VERSION, W  # noqa: E402

SEED = int(os.environ.get('MUSTER_SEED', '1'))
HOME_MAGIC = 0x5453554d
NAMES = {v: k for k, v in W.items()}
IMAGE = struct.Struct('<II16s5Q4IQ32Q5Q8II200s4x')
PID = 4711


def where():
    n = nodes()[1]
    return n['address'], n['port']


def hello(version=VERSION, magic=HOME_MAGIC, role=1, name=b'tester'):
    return HELLO.pack(magic, version, role, os.urandom(16), name, 1, 2, 3, 1 << 30, 1 << 29, 2, 832, 7,
                      *[0xffffffff] * 8, os.getpid(), os.getuid())


def frame(type_, payload=b'', tid=0, id_=0, flags=0, length=None):
    return HDR.pack(len(payload) if length is None else length, W.get(type_, type_), flags, tid, id_) + payload


class Peer:
    """A connection to the node, greeted unless told otherwise."""

    def __init__(self, greet=True):
        self.sock = socket.create_connection(where(), timeout=120)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buf = b''
        if greet:
            self.send(frame('HELLO', hello()))
            equal(self.next()[0], 'HELLO')

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            pass        # the node has had enough: what it said is still to be read

    def more(self):
        try:
            data = self.sock.recv(1 << 16)
        except ConnectionError:
            data = b''
        self.buf += data
        return data

    def next(self, wanted=None):
        """The next message, or of that type: (name, payload); None at the end."""
        while True:
            if len(self.buf) >= HDR.size:
                n, type_, _, _, _ = HDR.unpack_from(self.buf)
                assert 0 < type_ < len(W) + 1 and n <= PAYLOAD_MAX, (type_, n)
                if len(self.buf) >= HDR.size + n:
                    payload = self.buf[HDR.size:HDR.size + n]
                    self.buf = self.buf[HDR.size + n:]
                    if wanted in (None, NAMES[type_]):
                        return NAMES[type_], payload
                    continue
            if not self.more():
                return None

    def refused(self):
        """The reason, with which the node must end the session."""
        m = self.next('REFUSE')
        if m is None:
            return None
        equal(self.next(), None)
        return m[1][4:].split(b'\0')[0].decode()

    def close(self):
        self.sock.close()


def ends(data, greet=True):
    p = Peer(greet)
    p.send(data)
    why = p.refused()
    p.close()
    return why


def still_serves():
    r = run('mosrun', '--node', '1', '--', 'sh', '-c', 'echo fine; exit 7')
    equal((r.returncode, r.stdout, r.stderr), (7, b'fine\n', b''))


def test_what_is_no_message_is_refused_by_name():
    for data, greet, wanted in (
            (b'GET / HTTP/1.1\r\nHost: node\r\n\r\n' + b'x' * 100, False, None),
            (b'\xff' * 4096, False, None),
            (frame('PING', b'\0' * 24), False, 'before the greeting'),
            (frame('HELLO', hello(magic=1)), False, 'not a Muster home'),
            (frame('HELLO', hello(role=2)), False, 'not a Muster home'),
            (frame('HELLO', hello(name=b'x' * 32)), False, 'bad name'),
            (frame('HELLO', hello()), True, 'second greeting'),
            (frame('HELLO', hello()[:-1]), False, None),
            (frame(0), True, 'type'),
            (frame(250, b'abc'), True, 'type'),
            (frame('PAGES', length=1 << 31), True, None),
            (frame('IMG_COMMIT', b'x'), True, None),
            (frame('CALL', b'\0' * 64), True, None),         # only nodes ask for calls
            (frame('EXIT', b'\0' * 24), True, None),
            (frame('IMG_COMMIT', tid=1), True, 'not begun'),
            (frame('IMG_THREAD', b'\0' * 400, tid=1), True, None),
            (frame('PAGE_GET', struct.pack('<QII', 0x1234, 1, 0), tid=PID), True, None),
            (frame('PAGES', struct.pack('<QII16s', 0x400000, 17, 0, bytes(16)), tid=PID), True, None)):
        why = ends(data, greet)
        assert why, f'{data[:20]}: no reason was given'
        assert wanted is None or wanted in why, (data[:20], why)
    still_serves()


def test_another_version_is_refused_with_both_named():
    for version in (0, VERSION + 1, 65535):
        why = ends(frame('HELLO', hello(version)), greet=False)
        equal(re.findall(r'\d+', why), [str(VERSION), str(version)], why)


def test_a_stream_that_is_cut_off_anywhere():
    whole = frame('HELLO', hello()) + frame('PING', b'\0' * 24) + image()
    for n in [*range(0, 60, 7), *range(60, len(whole), 211)]:
        p = Peer(greet=False)
        p.send(whole[:n])
        p.close()
    still_serves()


def test_a_home_that_says_nothing_is_given_up():
    for p in Peer(greet=False), Peer():
        equal(p.refused(), None)        # silence: nobody to tell the reason
        p.close()
    wait_for(lambda: 'silent for too long' in console(1), 5, 'the console tells')


def test_a_thousand_connections():
    kept = [Peer() for _ in range(20)]
    for i in range(1000):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(where())
        if i % 3 == 0:
            # A reset instead of an end.
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        if i % 10:
            s.close()
        else:
            kept.append(s)
    still_serves()
    for p in kept:
        p.close()


# --- images ---

def image(pid=PID, flags=0, pages=0, comm=b'fuzz', cpu=0, vmas=None, runs=b'', thread=True, commit=True, code=b'\xeb\xfe',
          args=(0,) * 6):
    """The messages of a small image, correct unless told otherwise: one anonymous page of code, and a stack.
    Its code jumps to itself; args are what a system call would take."""
    base = 0x400000
    head = IMAGE.pack(pid, flags, comm, 0x600000, 0x601000, 0x7ffff7fff000, 0, 0, 0, 0, 0, 0, 1 << 32,
                      *[1 << 40] * 32, pages, 0, 0, 0, 0, *[cpu] * 8, 0, b'')
    vma = struct.Struct('<QQQII')
    if vmas is None:
        vmas = vma.pack(base, base + 0x1000, 0, 1 | 4, 0xffffffff)
        vmas += vma.pack(0x7fffff000000, 0x7fffff010000, 0, 1 | 2, 0xffffffff)
    code = code.ljust(4096, b'\x90')
    out = frame('IMG_BEGIN', head, pid) + frame('IMG_VMAS', vmas, pid) + frame('IMG_SIGACTS', bytes(64 * 32), pid)
    if thread:
        regs = [0] * 27
        regs[14], regs[13], regs[12], regs[7], regs[9], regs[8] = args
        regs[16], regs[17], regs[18], regs[19], regs[20] = base, 0x33, 0x202, 0x7fffff00f000, 0x2b
        t = struct.pack('<27QQQQIIQIIQQQQ', *regs, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, pid) + bytes(48)
        out += frame('IMG_THREAD', t, pid)
    if runs:
        out += frame('IMG_RUNS', runs, pid)
    out += frame('PAGES', struct.pack('<QII16s', base, 1, 0, bytes(16)) + code, pid, flags=4)
    return out + (frame('IMG_COMMIT', b'', pid) if commit else b'')


def runs(peer):
    """The node says that it runs what was sent."""
    m = peer.next()
    while m and m[0] in ('PING', 'LOG', 'STAT'):
        m = peer.next()
    equal(m, ('IMG_RUNNING', b''))


def test_a_correct_image_runs_and_ends_with_its_home():
    p = Peer()
    p.send(image())
    runs(p)
    wait_for(lambda: nodes()[1]['guests'] == 1, 10, 'it is counted')
    p.close()
    wait_for(lambda: nodes()[1]['guests'] == 0, 10, 'it ends with its home')


def test_images_that_cannot_be():
    vma = struct.Struct('<QQQII')
    run_ = struct.Struct('<QII')
    none = 0xffffffff
    wrong = [
        image(vmas=vma.pack(0x400000, 0x3ff000, 0, 1, none)),
        image(vmas=vma.pack(0x400001, 0x401001, 0, 1, none)),
        image(vmas=vma.pack(0, 1 << 63, 0, 1, none)),
        image(vmas=vma.pack(0x7ffffffff000, 0x8000000000000, 0, 1, none)),
        image(vmas=vma.pack(0xffff800000000000, 0xffff800000001000, 0, 7, none)),
        image(vmas=vma.pack(0x400000, 0x402000, 0, 5, none) + vma.pack(0x401000, 0x403000, 0, 5, none)),
        image(vmas=vma.pack(0x400000, 0x401000, 0, 5, 3)),
        image(vmas=vma.pack(0x400000, 0x401000, 0, 0xffff, none)),
        image(runs=run_.pack(0x500000, 0xffffffff, 0)),
        image(runs=run_.pack(0x400000, 1, 7)),
        image(runs=run_.pack(0xfffffffffffff000, 2, 0)),
        image(runs=run_.pack(0x400123, 1, 0)),
        image(thread=False),
        image(comm=b'x' * 16),
        image(pid=0),
        image(flags=0xff),
        image() + image(),
        image(commit=False) + frame('IMG_BEGIN', bytes(IMAGE.size), PID),
    ]
    for i, data in enumerate(wrong):
        p = Peer()
        p.send(data)
        m = p.next('REFUSE')
        assert m, f'image {i} was not refused'
        p.close()
    still_serves()


def test_images_that_may_not_be_are_refused_and_the_session_goes_on():
    p = Peer()
    for data, wanted in ((image(pages=1 << 40), b'memory'), (image(pages=1 << 20), b'memory'), (image(cpu=none_have()), b'lacks')):
        p.send(data)
        _, text = p.next('IMG_REFUSED')
        assert wanted in text, text
    p.send(image())
    runs(p)
    p.close()


def none_have():
    return 0xffffffff


def test_more_memory_than_there_is_by_hot_pages_alone():
    """Named as small, and then ever more pages come: refused for memory, or ended, and others live on."""
    other, pid = spin(1)
    p = Peer()
    vmas = struct.pack('<QQQII', 0x400000, 0x400000 + (1 << 30), 0, 3, 0xffffffff)
    p.send(image(vmas=vmas, commit=False))
    for i in range(3000):
        p.send(frame('PAGES', struct.pack('<QII16s', 0x500000 + i * 65536, 16, 0, bytes(16)) + os.urandom(65536), PID,
                     flags=4))
    p.send(frame('IMG_COMMIT', b'', PID))
    assert p.next('IMG_REFUSED') or True
    p.close()
    assert other.poll() is None, other.stderr.read()
    still_serves()


def syscall(nr, *args):
    """Keyword arguments of image() for a guest that makes this call again and again."""
    code = b'\xb8' + struct.pack('<I', nr) + b'\x0f\x05\xeb\xf7'      # mov eax, nr; syscall; jmp to the mov
    return {'code': code, 'args': (args + (0,) * 6)[:6]}


BIG = 0x10000000


def test_a_home_that_asks_and_never_listens():
    """A process goes home (ptrace is served there); home takes it and asks for its pages without reading one."""
    other, _ = spin(1)
    p = Peer()
    vmas = b''.join(struct.pack('<QQQII', a, b, 0, f, 0xffffffff)
                    for a, b, f in ((0x400000, 0x401000, 5), (BIG, BIG + (2 << 20), 3), (0x7fffff000000, 0x7fffff010000, 3)))
    parts = frames_of(image(vmas=vmas, **syscall(101)))
    for a in range(BIG, BIG + (2 << 20), 65536):
        parts.insert(-1, frame('PAGES', struct.pack('<QII16s', a, 16, 0, bytes(16)) + os.urandom(65536), PID, flags=4))
    p.send(b''.join(parts))
    assert p.next('IMG_COMMIT'), 'it does not go home'
    p.send(frame('IMG_RUNNING', b'', PID))
    p.sock.settimeout(3)
    asked = 0
    for i in range(4000):
        try:
            p.sock.sendall(frame('PAGE_GET', struct.pack('<QII', BIG, 512, 0), PID, i + 1, i % 2 * 8))
            p.sock.sendall(frame('PING', b'\0' * 24))
            asked += 1
        except OSError:
            break
    assert other.poll() is None, other.stderr.read()
    still_serves()
    p.close()
    print(f'  {asked} times')


# --- anything at all ---

TAKEN = ['PING', 'PONG', 'LOG', 'REFUSE', 'IMG_BEGIN', 'IMG_FILES', 'IMG_VMAS', 'IMG_SIGACTS', 'IMG_THREAD', 'IMG_SCHED',
         'IMG_SIGNAL', 'IMG_RUNS', 'IMG_COMMIT', 'IMG_RUNNING', 'IMG_REFUSED', 'IMG_DONE', 'PAGE_GET', 'PAGES', 'DATA', 'REPLY',
         'MMAPPED', 'SIGNAL', 'STOP', 'CONT', 'KILL', 'RECALL', 'ORDER']
SIZES = {}


def payload_sizes():
    """The smallest and largest payload of each type, as the node itself knows them: by its refusals."""
    if SIZES:
        return SIZES
    program = ('#include <stdio.h>\n#include "proto/wire.h"\nint main(void) {\n'
               '#define X(n, d, lo, hi) printf("%s %zu %zu\\n", #n, (size_t)(lo), (size_t)(hi));\nWIRE_TYPES(X) return 0; }\n')
    root = pathlib.Path(__file__).resolve().parents[2]
    subprocess.run(['gcc', '-x', 'c', '-', '-I', root, '-o', 'sizes'], input=program.encode(), check=True)
    for line in subprocess.run(['./sizes'], capture_output=True, text=True, check=True).stdout.splitlines():
        name, lo, hi = line.split()
        SIZES[name] = (int(lo), int(hi))
    return SIZES


def mutated(rnd, data):
    """data with some of its bytes or words replaced."""
    out = bytearray(data)
    for _ in range(rnd.choice((1, 1, 2, 4))):
        if len(out) < 8:
            break
        at = rnd.randrange(0, len(out) - 7, 4)
        word = rnd.choice((0, 1, 0x7fffffffffffffff, 0xffffffffffffffff, 0xffff800000000000, 0x1000, 0x400000,
                           rnd.getrandbits(64), rnd.getrandbits(12), 1 << rnd.randrange(64)))
        if rnd.random() < 0.5:
            struct.pack_into('<I', out, at, word & 0xffffffff)
        else:
            struct.pack_into('<Q', out, at, word)
    return bytes(out)


def random_message(rnd):
    name = rnd.choice(TAKEN)
    lo, hi = payload_sizes()[name]
    size = rnd.choice((lo, lo, min(hi, lo + 8), min(hi, lo + rnd.randrange(4096)), hi))
    kind = rnd.random()
    data = bytes(size) if kind < 0.3 else rnd.randbytes(size) if kind < 0.6 else mutated(rnd, bytes(size))
    return frame(name, data, rnd.choice((PID, PID, 0, 1, rnd.getrandbits(32))), rnd.choice((0, 1, 2, rnd.getrandbits(32))),
                 rnd.choice((0, 0, 1, 2, 4, 0xffff)))


def frames_of(data):
    out = []
    while data:
        n = HDR.size + HDR.unpack_from(data)[0]
        out.append(data[:n])
        data = data[n:]
    return out


STACK = 0x7fffff000000
CALLS = [   # a guest that does one of these again and again
    (110,), (0, 0, STACK, 8192), (1, 1, STACK, 8192), (9, 0, 0x10000, 3, 2, 3), (57,), (7, STACK, 1, 10), (61, 0, STACK),
    (12, 0x700000), (11, STACK, 4096), (25, STACK, 4096, 8192, 1), (28, STACK, 8192, 4), (16, 0, 0x5401, STACK),
    (257, 0, 0x400000, 0), (59, 0x400000, STACK, STACK), (202, STACK, 0, 0), (35, STACK), (231, 3), (101, 0),
]


def guest(rnd):
    nr, *args = rnd.choice(CALLS)
    args = [rnd.getrandbits(64) if rnd.random() < 0.05 else a for a in args]
    # The stack is still here, with us, in half of them.
    runs = struct.pack('<QII', STACK, 16, 0) if rnd.random() < 0.5 else b''
    return image(runs=runs, **syscall(nr, *args))


def answer(rnd, type_, tid, id_, payload):
    """What a home might answer to this, right in form."""
    if type_ == 'CALL':
        nbufs = struct.unpack_from('<H', payload, 4)[0]
        ret = rnd.choice((0, 5, -9, -512, 8192, 1 << 40, rnd.getrandbits(64) - (1 << 63)))
        lens = [struct.unpack_from('<I', payload, 64 + 8 * i)[0] for i in range(min(nbufs, 8))]
        out = [n if rnd.random() < 0.5 else 0 for n in lens]
        content = rnd.randbytes(min(sum(out), 60000))
        return [frame('REPLY', struct.pack('<qII8I', ret, sum(out), nbufs, *(out + [0] * 8)[:8]) + content, tid, id_)]
    if type_ == 'FORK':
        return [frame('REPLY', struct.pack('<qII8I', rnd.choice((PID + 1, PID, -11, -(1 << 40), 0)), 0, 0, *[0] * 8), tid, id_)]
    if type_ == 'MMAP':
        return [frame('MMAPPED', struct.pack('<qI200s4x5Q', rnd.choice((0, -12, 0x1000)), rnd.choice((0, 0, 6)), b'why', 1, 2,
                                             rnd.getrandbits(40), 4, 5), tid, id_)]
    if type_ == 'PAGE_GET':
        addr, n, _ = struct.unpack_from('<QII', payload)
        n = min(n, 16)
        kinds = bytes(rnd.choice((0, 1, 2, 3)) for _ in range(n))
        return [frame('PAGES', struct.pack('<QII16s', addr, n, 0, kinds) + rnd.randbytes(4096 * kinds.count(0)), tid, id_,
                      rnd.choice((0, 2)))]
    if type_ == 'IMG_COMMIT':
        return [rnd.choice((frame('IMG_RUNNING', b'', tid), frame('IMG_DONE', b'', tid),
                            frame('IMG_REFUSED', struct.pack('<I200s', 3, b'no'), tid),
                            frame('PAGE_GET', struct.pack('<QII', STACK, 16, 0), tid, 9)))]
    return []


def converse(rnd, p):
    """Answers what the node asks for a while, sometimes wrongly."""
    p.sock.settimeout(0.2)
    for _ in range(rnd.randrange(30)):
        while len(p.buf) < HDR.size or len(p.buf) < HDR.size + HDR.unpack_from(p.buf)[0]:
            try:
                if not p.more():
                    return
            except TimeoutError:
                return
        n, type_, _, tid, id_ = HDR.unpack_from(p.buf)
        payload, p.buf = p.buf[HDR.size:HDR.size + n], p.buf[HDR.size + n:]
        for f in answer(rnd, NAMES[type_], tid, id_, payload):
            if rnd.random() < 0.2:
                f = f[:HDR.size] + mutated(rnd, f[HDR.size:])
            p.send(f)


def one_session(rnd):
    """A running guest, or one about to run, and then what no home sends."""
    p = Peer()
    parts = frames_of(guest(rnd))
    kind = rnd.random()
    if kind < 0.25:
        i = rnd.randrange(len(parts))
        parts[i] = parts[i][:HDR.size] + mutated(rnd, parts[i][HDR.size:])
    elif kind < 0.35:
        rnd.shuffle(parts)
    elif kind < 0.45:
        parts = parts[:rnd.randrange(len(parts))]
    p.send(b''.join(parts))
    if rnd.random() < 0.7:
        converse(rnd, p)
    for _ in range(rnd.randrange(12)):
        p.send(random_message(rnd))
    p.close()


def test_random_messages_after_a_correct_greeting():
    seed = rnd = None
    end = time.monotonic() + float(os.environ.get('FUZZ_SECONDS', '15'))
    count = 0
    print(f'  seed {SEED}')
    while time.monotonic() < end:
        seed = f'{SEED}/{count}'
        rnd = random.Random(seed)
        one_session(rnd)
        count += 1
        if count % 25 == 0:
            panicked = 'muster: panic' in console(1)
            assert not panicked, f'session {seed} or one of the 25 before it: {console(1)[-3000:]}'
    print(f'  {count} sessions')
    still_serves()


def test_the_node_keeps_nothing_of_all_this():
    kept.check()
    assert 'panic' not in console(1)


if __name__ == '__main__':
    kept = Kept(1)
    main(globals())
