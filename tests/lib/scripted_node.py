# SPDX-License-Identifier: GPL-2.0-or-later
"""A node that runs nothing: it speaks the protocol (proto/wire.h) to a deputy and does what a test says.

For tests of the home side without an emulator: each scenario takes the guest that the deputy sends
and asks for system calls, forks, an end... on its behalf.
"""
import re
import select
import socket
import struct
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _wire_types():
    """Message numbers, in the order of WIRE_TYPES."""
    text = (ROOT / "proto/wire.h").read_text()
    names = re.findall(r"^\tX\((\w+), (?:HN|NH|BOTH)", text, re.M)
    return {name: i + 1 for i, name in enumerate(names)}


W = _wire_types()
NAME = {v: k for k, v in W.items()}
HDR = struct.Struct("<IHHII")
HELLO = struct.Struct("<IHH16s32s3QQQIIQ8III")
CALL = struct.Struct("<IHHII6Q")
REPLY = struct.Struct("<qII8I")
PAYLOAD_MAX = 16 * 4096 + 1024
ONEWAY = 1
IN, OUT, RET, BAD, ALWAYS = 1, 2, 4, 8, 16
NO_ARG = 0xff
VERSION = int(re.search(r"WIRE_VERSION\s+(\d+)", (ROOT / "proto/version.h").read_text())[1])


class Gone(Exception):
    """The deputy has closed the connection."""


class Node:
    """Listens; accept() waits for a deputy and greets it."""

    def __init__(self, port=0):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(8)
        self.port = self.listener.getsockname()[1]
        self.addr = f"127.0.0.1:{self.port}"

    def accept(self, greet=True, version=VERSION, timeout=10):
        self.listener.settimeout(timeout)
        sock, _ = self.listener.accept()
        return Session(sock, greet, version)


class Session:
    def __init__(self, sock, greet, version):
        self.sock = sock
        self.buf = b""
        self.queue = []
        self.next_id = 100
        self.mute = False
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not greet:
            return
        hello = self.expect("HELLO")
        f = list(HELLO.unpack(hello["payload"]))
        self.home = f
        f[1], f[2], f[3] = version, 2, b"n" * 16
        f[4] = b"fake"
        self.send("HELLO", payload=HELLO.pack(*f))

    def send(self, type_, payload=b"", tid=0, id_=0, flags=0):
        try:
            self.sock.sendall(HDR.pack(len(payload), W[type_], flags, tid, id_) + payload)
        except OSError as e:
            raise Gone from e

    def poll(self, timeout):
        """The next message, or None."""
        end = time.monotonic() + timeout
        while True:
            if len(self.buf) >= HDR.size:
                n, type_, flags, tid, id_ = HDR.unpack_from(self.buf)
                if len(self.buf) >= HDR.size + n:
                    payload = self.buf[HDR.size:HDR.size + n]
                    self.buf = self.buf[HDR.size + n:]
                    if NAME[type_] == "PING" and not self.mute:
                        self.send("PONG", payload, id_=id_)
                        continue
                    return dict(type=NAME[type_], flags=flags, tid=tid, id=id_, payload=payload)
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                return None
            try:
                data = self.sock.recv(1 << 20)
            except OSError as e:
                raise Gone from e
            if not data:
                raise Gone
            self.buf += data

    def expect(self, *types, timeout=10, tid=None, id_=None):
        """The next message of these types; others are kept for later."""
        for i, m in enumerate(self.queue):
            if m["type"] in types and tid in (None, m["tid"]) and id_ in (None, m["id"]):
                return self.queue.pop(i)
        end = time.monotonic() + timeout
        while True:
            m = self.poll(max(0, end - time.monotonic()))
            if m is None:
                raise AssertionError(f"no {'/'.join(types)} within {timeout} s; "
                                     f"there is {[q['type'] for q in self.queue]}")
            if m["type"] in types and tid in (None, m["tid"]) and id_ in (None, m["id"]):
                return m
            self.queue.append(m)

    def take_guest(self, timeout=10):
        """Receives an image and claims to run it."""
        self.image = self.expect("IMG_BEGIN", timeout=timeout)
        tid = self.image["tid"]
        self.expect("IMG_COMMIT", tid=tid)
        self.send("IMG_RUNNING", tid=tid)
        self.send("IMG_DONE", tid=tid)
        return Guest(self, tid)


class Guest:
    def __init__(self, session, tid):
        self.s = session
        self.tid = tid

    def begin(self, nr, args=(), bufs=(), fixups=(), flags=0):
        """Sends a call: bufs are (arg, flags, bytes or length). Returns its id."""
        self.s.next_id += 1
        id_ = self.s.next_id
        args = [a & (1 << 64) - 1 for a in args] + [0] * (6 - len(args))
        table = content = b""
        for f in fixups:
            content += struct.pack("<HHII", *f)
        for arg, fl, data in bufs:
            n = data if isinstance(data, int) else len(data)
            table += struct.pack("<IBBH", n, arg, fl, 0)
            if fl & IN:
                content += data
        head = CALL.pack(nr, len(bufs), 0, len(fixups), len(content), *args) + table
        last = PAYLOAD_MAX - len(head)
        while len(content) > last:
            self.s.send("DATA", content[:PAYLOAD_MAX], self.tid, id_)
            content = content[PAYLOAD_MAX:]
        self.s.send("CALL", head + content, self.tid, id_, flags)
        return id_

    def end(self, id_, timeout=10):
        """Waits for the answer: (result, [buffers])."""
        content = b""
        while True:
            m = self.s.expect("REPLY", "DATA", id_=id_, timeout=timeout)
            if m["type"] == "REPLY":
                break
            content += m["payload"]
        f = REPLY.unpack_from(m["payload"])
        content += m["payload"][REPLY.size:]
        assert len(content) == f[1], (len(content), f)
        out, at = [], 0
        for n in f[3:3 + f[2]]:
            out.append(content[at:at + n])
            at += n
        return f[0], out

    def call(self, nr, args=(), bufs=(), fixups=(), timeout=10):
        return self.end(self.begin(nr, args, bufs, fixups), timeout)

    def ret(self, nr, *args):
        return self.call(nr, args)[0]

    def oneway(self, nr, args=(), bufs=()):
        self.begin(nr, args, bufs, flags=ONEWAY)

    def write(self, fd, data):
        return self.call(1, [fd, 0, len(data)], [(1, IN, data)])[0]

    def read(self, fd, n, timeout=10):
        ret, out = self.call(0, [fd, 0, n], [(1, OUT | RET, n)], timeout=timeout)
        return out[0] if ret >= 0 else ret

    def execve_begin(self, path, argv, envp=(), mask=0):
        words = b"\0" * 8 * (len(argv) + 1 + len(envp) + 1)
        strings, fixups = b"", []
        for i, s in enumerate(argv):
            fixups.append((1, 2, 8 * i, len(strings)))
            strings += s.encode() + b"\0"
        for i, s in enumerate(envp):
            fixups.append((1, 2, 8 * (len(argv) + 1 + i), len(strings)))
            strings += s.encode() + b"\0"
        # One array for argv and envp needs two arguments: envp's is reached as its own buffer.
        n = 8 * (len(argv) + 1)
        bufs = [(0, IN, path.encode() + b"\0"), (1, IN, words[:n]), (NO_ARG, IN, strings),
                (2, IN, words[n:])]
        fixups = [(1, 2, o, d) if o < n else (3, 2, o - n, d) for _, _, o, d in fixups]
        return self.begin(59, [0, 0, 0, 0, 0, mask], bufs, fixups)

    def fork(self, flags=17):
        self.s.next_id += 1
        self.s.send("FORK", struct.pack("<Q", flags), self.tid, self.s.next_id)
        return self.end(self.s.next_id)[0]

    def child(self, pid):
        return Guest(self.s, pid)

    def abort(self, id_):
        self.s.send("ABORT", tid=self.tid, id_=id_)

    def exit(self, status=0, signo=0):
        self.s.send("EXIT", struct.pack("<IIQQ", signo, status, 0, 0), self.tid)

    def stopped(self, signo):
        self.s.send("STOPPED", struct.pack("<IIQ", signo, 0, 2**64 - 1), self.tid)

    def signal(self, timeout=10):
        m = self.s.expect("SIGNAL", tid=self.tid, timeout=timeout)
        return struct.unpack_from("<I", m["payload"])[0]
