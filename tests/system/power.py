#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: none
"""Starting anew and switching off on several kinds of machine, one of which cannot switch itself off."""
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
from check import BIN, equal, main, wait_for  # noqa: E402

DIR = pathlib.Path(tempfile.mkdtemp())
ENV = dict(os.environ, MUSTER_RUNTIME_DIR=str(DIR), MUSTER_PORT='0')
KERNEL = pathlib.Path(BIN).parent / 'images/muster.elf'
started = []


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


ENV['MUSTER_PORT'] = str(free_port(socket.SOCK_DGRAM))


class Machine:
    def __init__(self, *args):
        self.port = free_port(socket.SOCK_STREAM)
        self.log = DIR / f'{self.port}.log'
        self.qemu = subprocess.Popen(
            ['qemu-system-x86_64', '-accel', 'tcg', '-cpu', 'max', '-m', '64', '-nodefaults', '-display', 'none', '-vga',
             'std', '-serial', f'file:{self.log}', '-kernel', KERNEL, '-append', 'ip=10.0.2.15/24 gw=10.0.2.2', '-netdev',
             f'user,id=n,hostfwd=tcp:127.0.0.1:{self.port}-10.0.2.15:7746', '-device', 'e1000,netdev=n', *args],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        started.append(self.qemu)
        self.up(1)

    def console(self):
        return self.log.read_text(errors='replace') if self.log.exists() else ''

    def up(self, times):
        wait_for(lambda: self.qemu.poll() is not None or self.console().count('net: announced') == times, 20,
                 f'it announces itself; the console says {self.console()[-1500:]}')
        equal(self.qemu.poll(), None, self.console()[-1500:])

    def order(self, *words):
        r = subprocess.run([f'{BIN}/mosctl', words[0], f'127.0.0.1:{self.port}', *words[1:]], env=ENV, capture_output=True,
                           text=True, timeout=120)
        equal(r.returncode, 0, r)
        return r.stdout


def cleanup():
    while started:
        p = started.pop()
        p.kill()
        p.wait()
        p.stderr.close()


def anew_and_off(*args):
    m = Machine(*args)
    assert 'starts anew' in m.order('reboot')
    m.up(2)
    assert 'uptime    0 days 00:00:0' in m.order('status')
    assert 'switches off' in m.order('poweroff')
    equal(wait_for(lambda: (m.qemu.poll() is not None) and 'ended', 20, f'it is off: {m.console()[-500:]}'), 'ended')
    equal(m.qemu.returncode, 0)


def test_a_pc_of_the_nineties():
    """Its FADT names no reset register: the keyboard controller does it."""
    anew_and_off('-machine', 'pc', '-smp', '2')


def test_a_newer_one():
    anew_and_off('-machine', 'q35', '-smp', '2')


def test_one_without_a_keyboard_controller():
    anew_and_off('-machine', 'q35,i8042=off')


def test_a_triple_fault_is_the_last_way():
    m = Machine('-machine', 'pc,i8042=off,acpi=off')
    m.order('reboot')
    m.up(2)


def test_one_that_cannot_switch_itself_off_says_that_it_may_be():
    m = Machine('-machine', 'pc,acpi=off', '-smp', '2')
    m.order('poweroff')
    wait_for(lambda: 'It is now safe to switch it off.' in m.console(), 20, 'it says so')
    time.sleep(0.5)
    equal(m.qemu.poll(), None)


def test_the_clock_that_the_machine_was_given():
    m = Machine('-machine', 'pc', '-rtc', 'base=2031-12-31T23:59:58')
    assert 'clock: 2031-12-31 23:59:5' in m.console() or 'clock: 2032-01-01 00:00:0' in m.console(), m.console()
    cleanup()
    m = Machine('-machine', 'pc', '-rtc', 'base=1999-12-31T23:59:58')
    assert 'the battery clock is not set' in m.console()


try:
    main(globals())
finally:
    for pid in [int(p.name) for p in pathlib.Path('/proc').iterdir() if p.name.isdigit()]:
        try:
            if f'MUSTER_RUNTIME_DIR={DIR}' in pathlib.Path(f'/proc/{pid}/environ').read_text(errors='replace') \
                    and pathlib.Path(f'/proc/{pid}/comm').read_text() == 'musterd\n':
                os.kill(pid, 15)
        except OSError:
            pass
    shutil.rmtree(DIR, ignore_errors=True)
