#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: none
"""Several network cards, cards that fail, cables that are out: the node stays up, says what is wrong, and goes on."""
import pathlib
import socket
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
import machine  # noqa: E402
import nic  # noqa: E402
import stations  # noqa: E402
from check import equal, wait_for  # noqa: E402
from machine import cleanup  # noqa: E402,F401

HOME, NODE = '10.77.0.1', '10.77.0.11'


def one_card(**kw):
    return machine.boot(['e1000'], [f'{HOME}/24'], **kw)


def two_cards(**kw):
    """We are in the node's network on the second's cable."""
    return machine.boot(['e1000', 'e1000'], ['10.78.0.1/24', f'{HOME}/24'], **kw)


def listen(tap):
    """Joins the group of the announcements there, as a home does."""
    s = machine.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                 struct.pack('=4s4si', socket.inet_aton(nic.GROUP), bytes(4), socket.if_nametoindex(tap.name)))
    return s


# --- several cards ---

def test_with_a_fixed_address_the_card_with_neighbours_is_used():
    m = two_cards(append=f'ip={NODE}/24', stopped=True)
    listen(m.taps[1])
    m.go()
    m.says(r'using eth0')
    m.says(r'using eth1: nobody answers on the other one', 20)
    m.says(f'announced as node1 at {NODE}')
    wait_for(lambda: machine.answers(NODE), 5, 'it answers there')
    m.link(False, 1)
    m.says(r'using eth0: the other one has no link', 20)
    m.link(True, 1)
    m.says(r'using eth1', 20)


def test_the_card_with_a_dhcp_server_is_used():
    m = two_cards(stopped=True)
    machine.keep(stations.DhcpServer(m.taps[1], HOME, [NODE]))
    m.go()
    m.says(r'using eth1: nobody answers on the other one', 20)
    m.says(f'announced as node1 at {NODE}', 20)


def test_the_chosen_card_is_used_and_no_other():
    m = two_cards(append=f'ip={NODE}/24 card=eth1', stopped=True)
    m.link(False, 1)
    m.go()
    m.says(r'eth1: .* link down')
    equal(list(m.taps[0].heard(2)), [], 'frames from the other card')
    m.link(True, 1)
    m.says(r'announced as node1')
    wait_for(lambda: machine.answers(NODE), 5, 'it answers')


def test_another_card_is_chosen_from_home():
    m = two_cards(stopped=True)
    machine.keep(stations.DhcpServer(m.taps[0], '10.78.0.1', ['10.78.0.11']))
    machine.keep(stations.DhcpServer(m.taps[1], HOME, [NODE]))
    m.go()
    home = machine.keep(machine.Home())
    m.says('announced as node1 at 10.78.0.11', 20)
    wait_for(lambda: home.address_of('node1') == '10.78.0.11', 10, 'the node on its first card')
    assert 'from now on: eth1' in home.run('mosctl', 'card', 'node1', 'eth1').stdout
    m.says('using eth1: it was chosen')
    m.says(f'announced as node1 at {NODE}', 20)
    wait_for(lambda: home.address_of('node1') == NODE, 10, 'the node on its second card')
    status = home.run('mosctl', 'status', 'node1').stdout
    assert f'{NODE}/24, DHCP' in status, status
    # It was told to, so it stays with that one.
    m.link(False, 1)
    m.says('eth1: link down')
    m.link(True, 1)
    m.says('eth1: link up')
    wait_for(lambda: home.address_of('node1') == NODE, 20, 'the node on the card that was chosen')
    assert 'using eth0' not in m.console()[m.console().index('it was chosen'):]


# --- cards that fail ---

def pci_command(m, slot, value):
    """Sets the command register of a PCI card behind the node's back."""
    m.monitor('stop')
    before = m.monitor('i/4 0xcf8').split('=')[-1].strip()
    m.monitor(f'o/4 0xcf8 {0x80000004 | slot << 11:#x}')
    m.monitor(f'o/2 0xcfc {value:#x}')
    m.monitor(f'o/4 0xcf8 {before}')
    m.go()


def test_a_card_that_sends_nothing_any_more_is_reset():
    m = one_card(append=f'ip={NODE}/24')
    m.says('announced')
    for times in 'reset 1 time', 'reset 2 times':
        pci_command(m, 3, 0x103)    # it may no longer read memory
        m.says(r'eth0: the e1000 card has not sent \d+ frames? for 2 s: resetting it', 20)
        m.says(r'eth0: reset, link up')
        wait_for(lambda: machine.answers(NODE), 10, f'it answers again after {times}')


def test_a_card_whose_registers_read_all_ones_is_reset():
    m = one_card(append=f'ip={NODE}/24')
    m.says('announced')
    pci_command(m, 3, 0x101)
    m.says(r'eth0: reset, link up', 20)
    wait_for(lambda: machine.answers(NODE), 10, 'it answers again')


def unplug(m, card, slot):
    m.monitor(f'device_del nic{card}')
    m.monitor('o/4 0xae10 0')       # QEMU's hotplug controller: the operating system lets go of the slot
    m.monitor(f'o/4 0xae08 {1 << slot:#x}')


def test_a_card_that_vanishes_is_replaced_by_another():
    m = two_cards(append=f'ip={NODE}/24')
    listen(m.taps[0])
    m.says('announced')
    unplug(m, 0, 3)
    m.says(r'eth0: the card has vanished; if it is back, the node must be rebooted')
    m.says(r'using eth1')
    wait_for(lambda: machine.answers(NODE), 10, 'it answers on the other card')
    unplug(m, 1, 4)
    m.says(r'eth1: the card has vanished')
    assert m.alive()


# --- the cable ---

def test_no_cable_at_boot():
    m = one_card(append=f'ip={NODE}/24', stopped=True)
    m.link(False)
    m.go()
    m.says(r'no card has a link: is the cable in\?', 20)
    m.link(True)
    m.says('announced')
    wait_for(lambda: machine.answers(NODE), 5, 'it answers')


machine.main(globals())
