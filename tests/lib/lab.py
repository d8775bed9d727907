# SPDX-License-Identifier: GPL-2.0-or-later
"""A network of the test's own: home on a bridge, machines that start over it, and if wanted a DHCP server that is
there already. What a test starts ends by cleanup().
"""
import contextlib
import functools
import glob
import os
import pathlib
import re
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

from check import BIN, SLACK, Skip, wait_for
from frames import BROADCAST, UDP, ether, ip as ip_packet, udp
from machine import die_with_us, enter, ip

HOME, OTHER, BRIDGE = '10.77.0.1', '10.77.0.2', 'lab'
DNSMASQ = shutil.which('dnsmasq', path='/usr/sbin:/sbin:' + os.environ['PATH'])
OVMF = '/usr/share/OVMF/OVMF_{}_4M.fd'
ANY = '0.0.0.0'
NO_ROM = 'virtio-net-pci,romfile='     # UEFI's own PXE; the others start by QEMU's iPXE
DISCOVER, OFFER, REQUEST, ACK = 1, 2, 3, 5
tmp = tempfile.TemporaryDirectory(prefix='muster-lab-')
os.chmod(tmp.name, 0o755)
ended = contextlib.ExitStack()


def cleanup():
    """After each test: everything that it started ends."""
    ended.close()


def start(*argv, **more):
    p = subprocess.Popen([*map(str, argv)], stdin=subprocess.DEVNULL, preexec_fn=die_with_us, **more)
    ended.callback(p.wait)
    ended.callback(p.kill)
    return p


# --- the network: a bridge, home on it, and a second namespace for the DHCP server that is there already ---------

def make():
    """Once, before all else: from here on this process is at home, in a namespace of its own."""
    try:
        enter()
    except Skip as e:
        print(f'skipped: {e}')
        sys.exit(77)
    ip('link', 'add', BRIDGE, 'type', 'bridge', 'forward_delay', 0)
    ip('addr', 'add', f'{HOME}/24', 'dev', BRIDGE)
    ip('link', 'set', BRIDGE, 'up')


@functools.lru_cache
def other_namespace():
    """The pid of a process in it. Its interface is `out`, on the bridge."""
    p = subprocess.Popen(['unshare', '-n', 'sleep', 'infinity'], preexec_fn=die_with_us)
    ours = os.readlink('/proc/self/ns/net')
    wait_for(lambda: os.readlink(f'/proc/{p.pid}/ns/net') != ours, 5, 'a namespace')
    ip('link', 'add', 'in', 'type', 'veth', 'peer', 'name', 'out')
    ip('link', 'set', 'in', 'master', BRIDGE, 'up')
    ip('link', 'set', 'out', 'netns', p.pid)
    # With a router of IPv6, for which iPXE would wait long.
    for words in (f'addr add {OTHER}/24 dev out', 'addr add fd77::2/64 nodad dev out', 'link set lo up',
                  'link set out up'):
        subprocess.run(['nsenter', '-t', str(p.pid), '-n', 'ip', *words.split()], check=True)
    return p.pid


def needs_dnsmasq():
    if not DNSMASQ:
        raise Skip('dnsmasq is not there')


def dhcp_server(*more, prefix=()):
    log = open(f'{tmp.name}/dnsmasq', 'w')
    ended.callback(log.close)
    p = start(*prefix, DNSMASQ, '--no-daemon', '--conf-file=/dev/null', '--log-facility=-', '--port=0', '--user=root',
              '--bind-interfaces', '--except-interface=lo', '--leasefile-ro', '--no-ping', '--dhcp-authoritative',
              '--dhcp-range=10.77.0.50,10.77.0.99,1h', '--dhcp-option=option:router', *more,
              stdout=log, stderr=log)
    text = pathlib.Path(log.name)
    wait_for(lambda: 'started' in text.read_text() or p.poll() is not None, 5, 'dnsmasq starts')
    assert p.poll() is None, text.read_text()
    return p


def existing_dhcp_server():
    """That of a network to which netboot comes: it knows nothing of booting."""
    dhcp_server('--enable-ra', '--dhcp-range=fd77::,ra-only',
                prefix=('nsenter', '-t', other_namespace(), '-n'))


class Netboot:
    """muster netboot on the bridge, running until the test's end."""

    def __init__(self, *options, prefix=()):
        needs_dnsmasq()
        self.process = start(*prefix, f'{BIN}/muster', 'netboot', *options, BRIDGE, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
        ended.callback(self.process.wait)
        ended.callback(self.process.terminate)
        self.text = ''
        self.says('ends it')
        self.folder = next(f for f in glob.glob('/tmp/muster-netboot-??????') if f in self.dnsmasq()[1])

    def says(self, pattern, seconds=10):
        end = time.monotonic() + seconds * SLACK
        while not (found := re.search(pattern, self.text)):
            assert time.monotonic() < end, f'not said: {pattern}\n{self.text}'
            if select.select([self.process.stdout], [], [], 0.5)[0]:
                part = os.read(self.process.stdout.fileno(), 65536).decode()
                assert part, f'ended before it said {pattern}\n{self.text}'
                self.text += part
        return found

    def dnsmasq(self):
        """Its pid and command line."""
        children = pathlib.Path(f'/proc/{self.process.pid}/task/{self.process.pid}/children').read_text().split()
        for pid in children:
            line = pathlib.Path(f'/proc/{pid}/cmdline').read_text()
            if 'dnsmasq\0' in line:
                return int(pid), line
        raise AssertionError('no dnsmasq')


class Pc:
    """A machine that starts from its network card's ROM."""

    def __init__(self, number, uefi=False, card='e1000'):
        self.mac = f'52:54:00:77:00:{number:02x}'
        self.folder = tempfile.mkdtemp(dir=tmp.name)
        tap = f'pc{number}'
        ip('tuntap', 'add', tap, 'mode', 'tap')
        ended.callback(ip, 'link', 'del', tap)
        ip('link', 'set', tap, 'master', BRIDGE, 'up')
        argv = ['qemu-system-x86_64', '-accel', 'tcg', '-cpu', 'max', '-m', '256', '-nodefaults', '-no-user-config',
                '-display', 'none', '-vga', 'std', '-no-reboot', '-serial', f'file:{self.folder}/console',
                '-monitor', f'unix:{self.folder}/monitor,server=on,wait=off', '-device', 'isa-debug-exit,iobase=0xf4',
                '-netdev', f'tap,id=net,ifname={tap},script=no,downscript=no',
                '-device', f'{card},netdev=net,mac={self.mac},bootindex=0']
        if uefi:
            shutil.copy(OVMF.format('VARS'), f'{self.folder}/vars')
            argv += ['-drive', 'if=pflash,format=raw,readonly=on,file=' + OVMF.format('CODE'),
                     '-drive', f'if=pflash,format=raw,file={self.folder}/vars']
        self.argv = argv
        self.on()

    def on(self):
        self.process = start(*self.argv)

    def off(self):
        self.process.kill()
        self.process.wait()
        for name in 'monitor', 'console':
            pathlib.Path(self.folder, name).unlink(missing_ok=True)

    def console(self):
        try:
            return pathlib.Path(self.folder, 'console').read_text(errors='replace').replace('\r', '')
        except FileNotFoundError:
            return ''

    def says(self, pattern, seconds=20):
        def look():
            assert self.process.poll() is None, f'QEMU has ended\n{self.console()}'
            return re.search(pattern, self.console())
        return wait_for(look, seconds, f'{self.mac} says {pattern}: {self.console()[-2000:]}')

    def screen(self):
        """The VGA text on it."""
        file = f'{self.folder}/vga'
        wait_for(lambda: os.path.exists(f'{self.folder}/monitor'), 5, 'QEMU starts')
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(f'{self.folder}/monitor')
            s.sendall(f'pmemsave 0xb8000 4000 "{file}"\n'.encode())
            wait_for(lambda: os.path.exists(file) and os.path.getsize(file) == 4000, 5, 'the screen')
        text = pathlib.Path(file).read_bytes()[::2].decode('latin1')
        os.unlink(file)
        return '\n'.join(text[i:i + 80].rstrip() for i in range(0, 2000, 80))


def split_options(data):
    options, at = {}, 0
    while at < len(data) and data[at] != 255:
        if data[at]:
            options[data[at]] = data[at + 2:at + 2 + data[at + 1]]
            at += 1 + data[at + 1]
        at += 1
    return options


class Client:
    """The DHCP part of a PXE ROM, on a cable to the bridge."""

    def __init__(self, mac, arch, ipxe=False):
        self.mac, self.arch, self.ipxe = mac, arch, ipxe
        if 'rom' not in (name for _, name in socket.if_nameindex()):
            ip('link', 'add', 'rom0', 'type', 'veth', 'peer', 'name', 'rom')
            ip('link', 'set', 'rom0', 'master', BRIDGE, 'up')
            ip('link', 'set', 'rom', 'up')
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x800))
        self.socket.bind(('rom', 0))
        ended.callback(self.socket.close)

    def options(self, kind, item=b''):
        options = bytes([53, 1, kind, 60, 32]) + f'PXEClient:Arch:{self.arch:05d}:UNDI:002001'.encode()
        options += bytes([93, 2]) + struct.pack('!H', self.arch) + bytes([94, 3, 1, 2, 1, 97, 17, *range(17)])
        options += bytes([55, 6, 1, 3, 43, 60, 66, 67])
        if item:    # of a boot server's list, with its layer 0
            options += bytes([43, 7, 71, 4, *item, 0, 0, 255])
        return options + (bytes([175, 3, 177, 1, 1]) if self.ipxe else b'') + b'\xff'

    def ask(self, kind, src=ANY, dst='255.255.255.255', port=67, want=HOME, tries=5, seconds=5, item=b''):
        """Sends it until this server answers, or so often; the answer's address, file, next server and options."""
        mac = bytes.fromhex(self.mac.replace(':', ''))
        xid = os.urandom(4)
        data = bytes([1, 1, 6, 0]) + xid + bytes([0, 0, 0x80, 0]) + socket.inet_aton(src) + bytes(12)
        data += mac.ljust(16, b'\0') + bytes(192) + b'\x63\x82\x53\x63' + self.options(kind, item)
        packet = ip_packet(src, dst, UDP, udp(src, 68, dst, port, data.ljust(300, b'\0')))
        frame = ether(BROADCAST, self.mac, 0x800, packet)
        for _ in range(tries):
            self.socket.send(frame)
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0:
                if not select.select([self.socket], [], [], left)[0]:
                    break
                got = self.socket.recv(2048)[14:]
                reply = got[28:]
                if got[9] == UDP and len(reply) > 240 and reply[0] == 2 and reply[4:8] == xid \
                        and socket.inet_ntoa(got[12:16]) == want:
                    return self.parse(reply)
        return None

    @staticmethod
    def parse(reply):
        options = split_options(reply[240:])
        file = (reply[108:236] if reply[108] else options.get(67, b'')).split(b'\0')[0]
        return (socket.inet_ntoa(reply[16:20]), file.decode(), socket.inet_ntoa(reply[20:24]), options)


def gone(pid):
    try:
        return pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0] == 'Z'
    except (FileNotFoundError, ProcessLookupError):
        return True
