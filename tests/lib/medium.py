# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine that boots from a medium as a real one does: firmware, loader, kernel. Its serial line is a pipe.

Nothing but QEMU's own network: 10.0.2.2 answers ARP, which is enough to see a node announce itself.
"""
import os
import pathlib
import re
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import time

from check import BIN, SLACK
from process import die_with_parent
from scripted_node import HDR, HELLO, VERSION, W

IMAGES = pathlib.Path(BIN).resolve().parent / 'images'
FLOPPY, ISO, ELF = IMAGES / 'muster-floppy.img', IMAGES / 'muster.iso', IMAGES / 'muster.elf'
OVMF = '/usr/share/OVMF/OVMF_{}_4M.fd'

HOME_MAGIC, WF_LAST, ORDER_MAX = 0x5453554d, 2, 256     # proto/wire.h

CONTROL = re.compile(rb'\x1b[\[(][0-9;?]*[a-zA-Z0-9]|\r')      # what GRUB's menu and OVMF draw with

# How a machine sees the file {}.
FLOPPY_DRIVE = '-drive if=floppy,format=raw,file={} -boot a'
CD = '-drive if=ide,media=cdrom,format=raw,readonly=on,file={} -boot d'
STICK = ('-drive if=none,id=stick,format=raw,file={} -device usb-ehci,id=ehci '
         '-device usb-storage,bus=ehci.0,drive=stick,bootindex=0')
STICK3 = ('-drive if=none,id=stick,format=raw,file={} -device qemu-xhci,id=xhci '
          '-device usb-storage,bus=xhci.0,drive=stick,bootindex=0')
DISK = '-drive if=ide,media=disk,format=raw,file={}'


SETTINGS_SIZE = 2048    # as in iso/common.sh


def settings_of(image):
    """Where muster.cfg is in an image as we build it: in one piece and not compressed."""
    data = pathlib.Path(image).read_bytes()
    at = data.find(b'# Settings of this node.')
    assert at >= 0 and data[at + SETTINGS_SIZE - 1:][:1] == b'\n', f'no muster.cfg in {image}'
    return data, at


def with_settings(image, words, out):
    """Copies an image, with these words for the kernel in its muster.cfg."""
    data, at = settings_of(image)
    text = re.sub(rb'(?m)^set muster_args=.*', b'set muster_args="%s"' % words.encode(), data[at:at + SETTINGS_SIZE])
    room = text.rstrip(b'#\n') + b'\n'
    text = room + b'#' * (SETTINGS_SIZE - len(room) - 1) + b'\n'
    assert len(text) == SETTINGS_SIZE, 'no room for the settings'
    pathlib.Path(out).write_bytes(data[:at] + text + data[at + SETTINGS_SIZE:])
    return out


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def message(kind, payload):
    return HDR.pack(len(payload), W[kind], 0, 0, 1) + payload


class Boot:
    """A machine, from power-on, with a medium or just a kernel with these words. It is stopped by close(), or
    when this program ends. forward: the address that order() reaches it by is 10.0.2.40."""

    def __init__(self, medium='', kernel=None, uefi=False, cpus=1, forward=False):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='muster-boot-'))
        self.port = free_port() if forward else None
        net = f'user,id=net,hostfwd=tcp:127.0.0.1:{self.port}-10.0.2.40:7746' if forward else 'user,id=net'
        argv = ['qemu-system-x86_64', '-accel', 'tcg', '-cpu', 'max', '-smp', str(cpus), '-m', '256', '-nodefaults',
                '-no-user-config', '-display', 'none', '-vga', 'std', '-serial', 'stdio', '-no-reboot',
                '-device', 'isa-debug-exit,iobase=0xf4', '-netdev', net, '-device', 'e1000,netdev=net,romfile=', *medium.split()]
        if kernel:
            argv += ['-kernel', str(ELF), '-append', kernel]
        if uefi:
            shutil.copy(OVMF.format('VARS'), self.folder / 'vars')
            argv += ['-drive', 'if=pflash,format=raw,readonly=on,file=' + OVMF.format('CODE'),
                     '-drive', f'if=pflash,format=raw,file={self.folder}/vars']
        self.text = b''
        self.start = time.monotonic()
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, preexec_fn=die_with_parent)

    def says(self, pattern, seconds=20, after=0):
        """Waits until the serial line said that behind the first `after` characters; the match.

        seconds: that it takes at most on a quiet machine.
        """
        end = time.monotonic() + seconds * SLACK
        while True:
            text = self.console()
            m = re.compile(pattern).search(text, after)
            if m:
                return m
            assert time.monotonic() < end and self.process.poll() is None, f'not said: {pattern}\n{text[-3000:]}'
            if select.select([self.process.stdout], [], [], 0.5)[0]:
                self.text += os.read(self.process.stdout.fileno(), 65536)

    def console(self):
        return CONTROL.sub(b'', self.text).decode(errors='replace')

    def order(self, line, ok=True):
        """What the node answers to an order, as mosctl gives it from home."""
        with socket.create_connection(('127.0.0.1', self.port), timeout=20 * SLACK) as s:
            f = s.makefile('rb')
            s.sendall(message('HELLO', HELLO.pack(HOME_MAGIC, VERSION, 1, os.urandom(16), b'tester', 1, 2, 3, 1 << 30,
                                                  1 << 29, 2, 832, 7, *[0] * 8, os.getpid(), os.getuid())))
            text = b''
            while True:
                n, kind, flags, _, _ = HDR.unpack(f.read(HDR.size))
                payload = f.read(n)
                if kind == W['HELLO']:
                    s.sendall(message('ORDER', line.encode().ljust(ORDER_MAX, b'\0')))
                assert kind != W['REFUSE'], payload
                if kind == W['ORDERED']:
                    text += payload[8:]
                    if flags & WF_LAST:
                        break
        result, = struct.unpack_from('<i', payload)
        assert (result == 0) == ok, (line, result, text)
        return text.decode()

    def seconds(self):
        return time.monotonic() - self.start

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        shutil.rmtree(self.folder)
