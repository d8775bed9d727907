# SPDX-License-Identifier: GPL-2.0-or-later
"""A node in QEMU whose network is the test's own: a tap for each of its cards, in a namespace of ours.

A script of such tests calls machine.main() and names cleanup() as its own: what keep() was given ends with
each test. Others call enter() once, then Machine(...).
"""
import ctypes
import fcntl
import json
import os
import pathlib
import random
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

import check
import frames
from check import BIN, SLACK, Skip, equal, wait_for

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
TUNSETIFF, IFF_TAP, IFF_NO_PI, SIOCGIFHWADDR = 0x400454ca, 2, 0x1000, 0x8927
ETH_P_ALL = 3
IMAGES = pathlib.Path(os.environ.get('MUSTER_BUILD', pathlib.Path(BIN).parent)) / 'images'

libc = ctypes.CDLL(None, use_errno=True)


def die_with_us():
    libc.prctl(1, signal.SIGKILL)   # PR_SET_PDEATHSIG


def enter():
    """From here on this process is in a network namespace that has nothing but a loopback device."""
    uid, gid = os.getuid(), os.getgid()
    if not os.access('/dev/net/tun', os.R_OK | os.W_OK):
        raise Skip('/dev/net/tun is not open to us')
    # As root without the right to it (in a container), a user namespace may still do.
    if os.geteuid() or libc.unshare(CLONE_NEWNET):
        if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET):
            raise Skip(f'no network namespace: {os.strerror(ctypes.get_errno())}')
        pathlib.Path('/proc/self/setgroups').write_text('deny')
        pathlib.Path('/proc/self/uid_map').write_text(f'0 {uid} 1')
        pathlib.Path('/proc/self/gid_map').write_text(f'0 {gid} 1')
    ip('link', 'set', 'lo', 'up')


def ip(*argv):
    subprocess.run(['ip', *map(str, argv)], check=True)


def ping(address, sizes=(8,), patience=5 * SLACK, window=6):
    """Sends echo requests with so many bytes of random data and compares the answers. Returns the sizes whose
    answer had not come when none came for `patience` seconds. window: how many at once; the smallest card, an
    NE2000, has room for 6 of the longest."""
    ident = random.getrandbits(16)
    todo = [(seq, random.randbytes(n)) for seq, n in enumerate(sizes)]
    waiting = {}
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as s:
        s.setsockopt(socket.IPPROTO_IP, 10, 2)      # IP_MTU_DISCOVER: no fragments
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        while todo or waiting:
            while todo and len(waiting) < window:
                seq, data = todo.pop(0)
                waiting[seq] = data
                s.sendto(frames.icmp_echo(ident, seq, data), (address, 0))
            if not select.select([s], [], [], patience)[0]:
                break
            packet = s.recv(65536)[20:]
            seq = int.from_bytes(packet[6:8], 'big')
            if packet[0] == 0 and int.from_bytes(packet[4:6], 'big') == ident and seq in waiting:
                equal(packet[8:], waiting.pop(seq), f'echo of {sizes[seq]} bytes')
    return sorted(map(len, waiting.values())) + [len(data) for _, data in todo]


class Tap:
    """An interface of ours that a card's cable leads to. Frames of any length go into `inject` instead: Linux
    sends none of less than 14 bytes, and QEMU pads what comes from a tap."""

    def __init__(self, number, folder, address=None):
        """address: ours, as 10.0.0.1/24."""
        self.name = f'tap{number}'
        self.number = number
        self.address = address and address.split('/')[0]
        self.path = f'{folder}/{self.name}'     # QEMU's end of inject
        self.fd = os.open('/dev/net/tun', os.O_RDWR)
        fcntl.ioctl(self.fd, TUNSETIFF, struct.pack('16sH22x', self.name.encode(), IFF_TAP | IFF_NO_PI))
        pathlib.Path(f'/proc/sys/net/ipv6/conf/{self.name}/disable_ipv6').write_text('1')
        ip('link', 'set', self.name, 'txqueuelen', 8000, 'up')
        if address:
            ip('addr', 'add', address, 'dev', self.name)
        self.inject = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.packets.bind((self.name, 0))
        reply = fcntl.ioctl(self.packets, SIOCGIFHWADDR, struct.pack('16s24x', self.name.encode()))
        self.mac = ':'.join(f'{b:02x}' for b in reply[18:24])

    def send(self, frame):
        """As Linux sends it; 14 to 1514 bytes."""
        self.packets.send(frame)

    def send_raw(self, frame):
        """Any length but 0; reaches the card as it is. Waits while the machine has no room for it."""
        self.inject.sendto(frame, self.path)

    def heard(self, seconds):
        """Frames that the card sends, as they come, for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.packets.settimeout(left)
            try:
                frame, info = self.packets.recvfrom(65536)
            except TimeoutError:
                return
            if info[2] != socket.PACKET_OUTGOING:
                yield frame

    def forget(self):
        """What was heard so far."""
        self.packets.setblocking(False)
        try:
            while True:
                self.packets.recv(1)
        except BlockingIOError:
            self.packets.setblocking(True)

    def qemu(self):
        """A hub of the tap and inject; the card's netdev is netN."""
        n = self.number
        return ['-netdev', f'tap,id=tap{n},fd={self.fd}',
                '-netdev', f'dgram,id=raw{n},local.type=unix,local.path={self.path},'
                           f'remote.type=unix,remote.path={self.path}.none',
                '-netdev', f'hubport,id=tapport{n},hubid={n},netdev=tap{n}',
                '-netdev', f'hubport,id=rawport{n},hubid={n},netdev=raw{n}',
                '-netdev', f'hubport,id=net{n},hubid={n}']

    def close(self):
        self.inject.close()
        self.packets.close()


class Machine:
    """A node that boots at once, or at go() if it is made with stopped=True."""

    def __init__(self, cards, addresses=(), append='', memory=128, cpus=2, stopped=False, qemu=()):
        """cards: QEMU's models, each with its properties. addresses: ours, on the tap of each card."""
        self.folder = tempfile.mkdtemp(prefix='muster-machine-')
        self.taps = []
        argv = ['qemu-system-x86_64', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', str(cpus), '-m', str(memory),
                '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-vga', 'std',
                '-chardev', f'socket,id=serial,path={self.folder}/serial,server=on,wait=off,'
                            f'logfile={self.folder}/console', '-serial', 'chardev:serial',
                '-monitor', f'unix:{self.folder}/monitor,server=on,wait=off',
                '-device', 'isa-debug-exit,iobase=0xf4', *qemu,
                '-kernel', str(IMAGES / 'muster.elf'), '-append', f'name=node1 panic=exit {append}']
        for i, card in enumerate(cards):
            tap = Tap(i, self.folder, addresses[i] if i < len(addresses) else None)
            self.taps.append(tap)
            model, _, properties = card.partition(',')
            argv += [*tap.qemu(), '-device', f'{model},id=nic{i},netdev=net{i},mac={self.mac(i)}'
                     + (f',{properties}' if properties else '')]
        if stopped:
            argv.append('-S')
        with open(f'{self.folder}/qemu', 'wb') as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            pass_fds=[t.fd for t in self.taps], preexec_fn=die_with_us)
        for t in self.taps:
            os.close(t.fd)
        self.control = socket.socket(socket.AF_UNIX)
        wait_for(self._connect, 5, 'QEMU serves its monitor: ' + ' '.join(argv))
        self._answer()
        self.seen = 0

    def _connect(self):
        assert self.process.poll() is None, pathlib.Path(self.folder, 'qemu').read_text()
        try:
            self.control.connect(f'{self.folder}/monitor')
            return True
        except OSError:
            return False

    @staticmethod
    def mac(i):
        return f'52:54:00:77:00:{i + 1:02x}'

    def _answer(self):
        text = b''
        self.control.settimeout(20 * SLACK)
        while not text.endswith(b'(qemu) '):
            part = self.control.recv(65536)
            assert part, 'QEMU is gone'
            text += part
        return text.decode(errors='replace')

    def monitor(self, command):
        """Returns what QEMU's monitor answers."""
        self.control.sendall(command.encode() + b'\n')
        return self._answer().split('\n', 1)[1].removesuffix('(qemu) ')

    def go(self):
        self.monitor('cont')

    def link(self, up, card=0):
        self.monitor(f"set_link nic{card} {'on' if up else 'off'}")

    def alive(self):
        return self.process.poll() is None

    def console(self):
        return pathlib.Path(self.folder, 'console').read_text(errors='replace').replace('\r', '')

    def says(self, pattern, seconds=10):
        """Waits for that on the console, after what says() has found before; returns the match."""
        def look():
            found = re.compile(pattern).search(self.console(), self.seen)
            assert found or self.alive(), f'the node is gone:\n{self.console()[-3000:]}'
            return found
        found = wait_for(look, seconds, f'the node says {pattern!r}; its console:\n{self.console()[-3000:]}')
        self.seen = found.end()
        return found

    def close(self):
        self.process.kill()
        self.process.wait()
        self.control.close()
        for t in self.taps:
            t.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Home:
    """musterd, and the tools that ask it, in our namespace."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix='muster-home-')
        self.env = dict(os.environ, MUSTER_RUNTIME_DIR=self.folder.name, PATH=f"{BIN}:{os.environ['PATH']}")
        self.musterd = subprocess.Popen(['musterd', '--private'], env=self.env, stdin=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, preexec_fn=die_with_us)

    def run(self, *argv):
        return subprocess.run(argv, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60 * SLACK)

    def address_of(self, name):
        """None: it is not heard."""
        nodes = json.loads(self.run('muster', 'nodes', '-j').stdout or '[]')
        return next((n['address'] for n in nodes if n['name'] == name), None)

    def close(self):
        self.musterd.terminate()
        self.musterd.wait()
        self.folder.cleanup()


# --- for scripts of tests ---

_kept = []


def keep(thing):
    """It is closed when the test ends, or by end()."""
    _kept.append(thing)
    return thing


def end(thing):
    _kept.remove(thing)
    thing.close()


def cleanup():
    while _kept:
        _kept.pop().close()


def boot(*args, **kw):
    return keep(Machine(*args, **kw))


def answers(address):
    return ping(address, patience=1) == []


def main(names):
    try:
        enter()
    except Skip as reason:
        def test_can_be_done_here(reason=reason):
            raise reason
        names = {'test_can_be_done_here': test_can_be_done_here}
    check.main(names)
