# SPDX-License-Identifier: GPL-2.0-or-later
"""What every network card must do. A driver's test is tests/system/nic_DRIVER.py, a line that calls run().

A new driver: one entry in CARDS, one such script; then
    make tools images && python3 tests/run.py -v system/nic_DRIVER
runs it, and `python3 tests/system/nic_DRIVER.py build/bin overflow` only the steps of that name.
"""
import atexit
import hashlib
import os
import pathlib
import random
import re
import socket
import subprocess
import tempfile
import time

import frames
import jobs
import machine
from check import BIN, SLACK, Skip, equal, main, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME, NODE = '10.77.0.1', '10.77.0.11'
GROUP = re.search(r'MUSTER_GROUP\s+"(.*?)"', (ROOT / 'proto/limits.h').read_text())[1]
BULK_MB = 6         # each way

# Driver (nic_DRIVER in drivers/nic/drivers.c): QEMU's models. The first passes all steps, its kin only those
# that show that they are the same. Words behind a model are for the kernel's command line.
CARDS = {
    'e1000': ['e1000', 'e1000-82544gc', 'e1000-82545em', 'e1000e'],
    'e1000e': ['e1000e'],
    'eepro100': ['i82550', 'i82557b', 'i82559er', 'i82801'],
    'ne2000': ['ne2k_pci', 'ne2k_isa,iobase=0x300,irq=9'],
    'pcnet': ['pcnet'],
    'rtl8139': ['rtl8139 rtl8139=old'],
    'rtl8139cp': ['rtl8139'],
    'tulip': ['tulip'],
    'virtio_net': ['virtio-net-pci-non-transitional', 'virtio-net-pci,disable-modern=on',
                   'virtio-net-pci,disable-modern=on,mrg_rxbuf=off,event_idx=off'],
    'vmxnet3': ['vmxnet3'],
}
# These models tell their guest nothing of a cable that is pulled.
BLIND = {'ne2k_pci', 'ne2k_isa', 'i82550', 'i82557b', 'i82559er', 'i82801', 'tulip'}
# QEMU's tulip never takes a frame that is shorter or longer, nor any that comes after it: on a wire there is none.
TAKES = {'tulip': range(14, 2045)}
KIN_STEPS = ('bulk_both_ways', 'every_size')


class Bench:
    """The machine with the card under test, and musterd beside it."""

    def __init__(self, card):
        self.card = card
        device, *words = card.split()
        self.model = device.split(',')[0]
        self.blind = self.model in BLIND
        self.machine = machine.Machine([device], [f'{HOME}/24'], append=' '.join([f'ip={NODE}/24', *words]),
                                       stopped=True)
        self.tap = self.machine.taps[0]
        self.mac = self.machine.mac(0)
        self.runtime = tempfile.TemporaryDirectory(prefix='muster-nic-')
        os.environ['MUSTER_RUNTIME_DIR'] = self.runtime.name
        self.musterd = subprocess.Popen([f'{BIN}/musterd', '--private'], stdin=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, preexec_fn=machine.die_with_us)

    def up(self):
        wait_for(lambda: self.ping([0], patience=1) == [] or not self.machine.alive(), 30,
                 f'the node answers; its console:\n{self.console()}')
        assert self.machine.alive(), f'the node is gone; its console:\n{self.console()}'

    def console(self):
        return self.machine.console()[-3000:]

    def ping(self, sizes, **kw):
        return machine.ping(NODE, sizes, **kw)

    def bulk(self, mb):
        """So many MB through a program on the node and back: its reads and writes are forwarded."""
        wait_for(lambda: 1 in jobs.nodes(), 20, f'musterd hears the node; its console:\n{self.console()}')
        data = random.randbytes(mb << 20)
        r = jobs.run('mosrun', '--node', '1', '--', 'cat', input=data, timeout=40 * SLACK)
        equal((r.returncode, r.stderr), (0, b''))   # it would say so if it went home
        equal(hashlib.sha256(r.stdout).hexdigest(), hashlib.sha256(data).hexdigest(), f'{len(r.stdout)} bytes')

    def close(self):
        jobs.cleanup()
        self.musterd.terminate()
        self.musterd.wait()
        self.machine.close()
        self.runtime.cleanup()


# --- the steps, in this order ---------------------------------------------------------------------------------

def link_down_at_boot(b):
    """The bench's machine has not been started yet."""
    b.machine.link(False)
    b.machine.go()
    b.machine.says(r'net: eth0: .*' + ('link' if b.blind else 'link down'), 30)
    b.machine.link(True)
    b.machine.says(r'announced as node1', 30)
    b.up()


def bulk_both_ways(b):
    b.bulk(BULK_MB)


def every_size(b):
    sizes = [*range(65), *range(65, 1400, 17), *range(1400, 1473)]
    equal(b.ping(sizes), [], 'echoes of these sizes were lost')


def multicast(b):
    """Queries reach the node only if its card receives the two groups; it answers with a report."""
    for asked, dst in (('0.0.0.0', '224.0.0.1'), (GROUP, GROUP)):
        query = frames.ether(frames.group_mac(dst), b.tap.mac, 0x0800,
                             frames.ip(HOME, dst, frames.IGMP, frames.igmp_query(asked), ttl=1))
        b.tap.forget()

        def reported():
            b.tap.send(query)
            return any(f[23] == frames.IGMP and f[30:34] == socket.inet_aton(GROUP)
                       for f in b.tap.heard(1) if f[12:14] == b'\x08\0')
        wait_for(reported, 10, f'a report after a query for {asked} to {dst}')


def lies(b):
    """Packets with right sums whose headers claim wrong lengths."""
    def packet(payload, proto, **kw):
        return frames.ether(b.mac, b.tap.mac, 0x0800, frames.ip(HOME, NODE, proto, payload, **kw))
    for total in 0, 1, 19, 20, 21, 27, 39, 41, 48, 1500, 1501, 9000, 32768, 65535:
        for proto in frames.TCP, frames.UDP, frames.ICMP, frames.IGMP, 255:
            yield packet(b'\x12' * 20, proto, total=total)
    for head in range(16):
        yield packet(b'\x34' * 40, frames.TCP, head=head)
        yield packet(frames.tcp(HOME, 4000, NODE, 7746, b'x' * 40, head=head), frames.TCP)
    for length in (*range(10), 100, 1480, 32768, 65535):
        yield packet(frames.udp(HOME, 4000, NODE, 7746, b'y' * 30, length=length), frames.UDP)
    for fragment in 0x2000, 0x2001, 0x1fff, 0x3fff, 0x8000:
        yield packet(b'z' * 64, frames.UDP, fragment=fragment)
    for hlen, plen in (0, 0), (255, 255), (6, 16), (8, 4):
        yield frames.ether(frames.BROADCAST, b.tap.mac, 0x0806,
                           frames.arp(1, b.tap.mac, HOME, '0:0:0:0:0:0'.replace('0', '00'), NODE, hlen, plen))


def wrong_lengths(b):
    def send(frame):
        if len(frame) in TAKES.get(b.model, range(65536)):
            b.tap.send_raw(frame)

    head = frames.mac_bytes(b.mac) + frames.mac_bytes(b.tap.mac) + b'\x08\0'
    whole = head + frames.ip(HOME, NODE, frames.ICMP, frames.icmp_echo(1, 1, bytes(65000)), total=1500)
    for dst in b.mac, frames.BROADCAST, frames.group_mac(GROUP):
        frame = frames.mac_bytes(dst) + whole[6:]
        for n in range(1, 60):
            send(frame[:n])
            send(random.randbytes(n))
    b.up()
    for n in (*range(1500, 1540), 1600, 1792, *range(2030, 2060), 3000, *range(4088, 4104), 8192, 9000, 16384, 65000):
        send(whole[:n])
    b.up()
    for frame in lies(b):
        send(frame)
    b.up()
    equal(b.ping(range(0, 1473, 46)), [], 'echoes of these sizes were lost')


def overflow(b):
    """More frames at once than any ring has places for, with the machine standing still and with it running."""
    request = frames.ether(b.mac, b.tap.mac, 0x0800, frames.ip(HOME, NODE, frames.ICMP, frames.icmp_echo(7, 7, b'o' * 1400)))
    small = frames.ether(b.mac, b.tap.mac, 0x0800, frames.ip(HOME, NODE, frames.UDP,
                                                             frames.udp(HOME, 9, NODE, 9, b'')))
    for frame in request, small:
        b.machine.monitor('stop')
        for _ in range(4000):
            b.tap.send(frame)
        b.machine.go()
        b.up()
        for _ in range(4000):
            b.tap.send(frame)
        b.up()
    equal(b.ping(range(0, 1473, 46)), [], 'after the overflow, echoes of these sizes were lost')
    b.bulk(1)


def link_down_and_up(b):
    for _ in range(2):
        b.machine.link(False)
        if not b.blind:
            b.machine.says(r'net: eth0: link down')
        equal(b.ping([8], patience=1), [8], 'answers without a cable')
        b.machine.link(True)
        if not b.blind:
            b.machine.says(r'net: eth0: link up')
        b.up()
    equal(b.ping(range(0, 1473, 46)), [], 'after the link came back, echoes of these sizes were lost')
    b.bulk(1)


def figures(b):
    """What the node says of its card: frames and MB received, wrong, dropped, overruns, frames and MB sent."""
    r = jobs.run('mosctl', 'card', '1')
    equal(r.returncode, 0, r.stderr.decode())
    found = re.search(r'eth0 .*in use.*\n +received (\d+) frames, (\d+) MB: (\d+) wrong, (\d+) dropped, (\d+) overruns\n'
                      r' +sent (\d+) frames, (\d+) MB: \d+ for which the ring was full; (\d+) resets', r.stdout.decode())
    assert found, r.stdout
    return dict(zip(('received', 'received_mb', 'wrong', 'dropped', 'overruns', 'sent', 'sent_mb', 'resets'),
                    map(int, found.groups())))


def counters(b):
    """The card counts what comes and goes, and it has never been taken for dead."""
    wait_for(lambda: 1 in jobs.nodes(), 20, f'musterd hears the node; its console:\n{b.console()}')
    before = figures(b)
    equal(b.ping([1000] * 2000), [])
    after = figures(b)
    grown = {k: after[k] - before[k] for k in after}
    for name in 'received', 'sent':
        assert 2000 <= grown[name] <= 3000 and 1 <= grown[f'{name}_mb'] <= 4, grown
    equal([grown['wrong'], grown['dropped'], grown['overruns'], after['resets']], [0, 0, 0, 0], str(grown))


STEPS = (link_down_at_boot, bulk_both_ways, every_size, multicast, wrong_lengths, overflow, link_down_and_up, counters)


# --- running them ---------------------------------------------------------------------------------------------

bench = None


def drivers():
    """Those that the kernel has."""
    return re.findall(r'^\t&nic_(\w+),', (ROOT / 'drivers/nic/drivers.c').read_text(), re.M)


def on_bench(card, step):
    """Runs a step on the card's machine, which steps share as long as all goes well."""
    global bench
    if bench and (bench.card != card or not bench.machine.alive()):
        leave()
    if not bench:
        bench = Bench(card)
        if step is not link_down_at_boot:
            bench.machine.go()
            bench.up()
    try:
        step(bench)
        assert bench.machine.alive(), 'the node is gone'
        assert 'panic' not in bench.console()
    except Exception:
        print(f'the console of the node with {card}:\n{bench.console()}')
        leave()
        raise


def leave():
    global bench
    if bench:
        bench.close()
        bench = None


def run(driver):
    def test_can_be_done_here():
        if driver not in drivers():
            raise Skip(f'drivers/nic/drivers.c has no nic_{driver}')
        machine.enter()
    tests = {}
    try:
        test_can_be_done_here()
    except Skip:
        main(locals())
    os.environ['PATH'] = f"{BIN}:{os.environ['PATH']}"
    atexit.register(leave)
    for card in CARDS[driver]:
        for step in STEPS:
            if card == CARDS[driver][0] or step.__name__ in KIN_STEPS:
                name = f'test_{card}_{step.__name__}'
                tests[name] = lambda card=card, step=step: on_bench(card, step)
    main(tests)
