#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: none
"""Cards that no bus lists are found at the usual ports, with the line they interrupt on; or where a setting says."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
import machine  # noqa: E402
from check import main  # noqa: E402


def console_of(cards, append=''):
    m = machine.Machine(cards, append=f'ip=10.77.0.11/24 {append}')
    try:
        m.says('announced as', 30)
        return m.console()
    finally:
        m.close()


def finds(port, line):
    text = console_of([f'ne2k_isa,iobase={port:#x},irq={line}'])
    assert f'eth0: ne2000 at port {port:x}, 52:54:00:77:00:01, irq {line}, link up' in text, text
    assert 'interrupts do not arrive' not in text, text


def test_lines_of_the_first_8259():
    finds(0x300, 3)
    finds(0x280, 7)


def test_lines_of_the_second_8259():
    finds(0x340, 10)
    finds(0x240, 15)


def test_two_of_them_beside_one_on_pci():
    text = console_of(['e1000', 'ne2k_isa,iobase=0x320,irq=5', 'ne2k_isa,iobase=0x240,irq=3'])
    assert 'eth0: e1000 ' in text, text
    assert 'eth1: ne2000 at port 320, 52:54:00:77:00:02, irq 5,' in text, text
    assert 'eth2: ne2000 at port 240, 52:54:00:77:00:03, irq 3,' in text, text


def test_the_setting_says_where():
    two = ['ne2k_isa,iobase=0x300,irq=9', 'ne2k_isa,iobase=0x200,irq=5']
    text = console_of(two, 'ne2000=0x200')
    assert 'eth0: ne2000 at port 200, 52:54:00:77:00:02, irq 5,' in text, text
    assert 'eth1' not in text, text
    assert 'ne2000 at port 200, 52:54:00:77:00:02, irq 4,' in console_of(two, 'ne2000=0x200,4')


machine.enter()
main(globals())
