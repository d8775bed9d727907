#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: none
"""Addresses that others have, DHCP servers that are not there or lie: the node stays up, says what is wrong, and goes on."""
import pathlib
import re
import socket
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
import frames  # noqa: E402
import machine  # noqa: E402
import stations  # noqa: E402
from check import equal, wait_for  # noqa: E402
from machine import cleanup  # noqa: E402,F401

HOME, NODE = '10.77.0.1', '10.77.0.11'
OTHER_MAC = '02:00:00:00:00:99'


def one_card(**kw):
    return machine.boot(['e1000'], [f'{HOME}/24'], **kw)


# --- addresses that others have ---

def test_a_fixed_address_that_another_has_is_not_used_until_it_is_free():
    m = one_card(append=f'ip={NODE}/24', stopped=True)
    other = machine.keep(stations.Somebody(m.taps[0], NODE))
    m.go()
    m.says(f'the address {NODE} is used by {OTHER_MAC}: doing without it until it is free')
    assert not machine.answers(NODE)
    machine.end(other)
    m.says('announced', 20)
    wait_for(lambda: machine.answers(NODE), 5, 'it answers')


def test_an_address_that_another_takes_is_defended():
    m = one_card(append=f'ip={NODE}/24')
    m.says('announced')
    # The node looks for another for three seconds after its start; after that it is its own.
    other = machine.keep(stations.Somebody(m.taps[0], '10.77.0.200'))
    list(m.taps[0].heard(6))
    other.address = socket.inet_aton(NODE)
    other.claims = 0
    other.announce()
    m.says(f'the address {NODE} is used by {OTHER_MAC}, too')
    wait_for(lambda: other.claims, 5, 'it defends its address')
    m.taps[0].forget()
    for _ in range(200):
        other.announce()
    again = [f for f in m.taps[0].heard(1) if f[12:14] == b'\x08\x06']
    assert len(again) < 10, f'{len(again)} ARP packets where one in ten seconds would do'


def test_an_address_from_dhcp_that_another_has_is_declined():
    m = one_card(stopped=True)
    server = machine.keep(stations.DhcpServer(m.taps[0], HOME, ['10.77.0.50', NODE]))
    machine.keep(stations.Somebody(m.taps[0], '10.77.0.50'))
    m.go()
    m.says(f'the address 10.77.0.50, offered by DHCP, is used by {OTHER_MAC}: asking for another')
    m.says(f'announced as node1 at {NODE}', 30)
    assert stations.DECLINE in server.heard, server.heard


# --- DHCP ---

def test_a_dhcp_server_that_comes_late_and_refuses_and_goes():
    m = one_card()
    m.says(r'no DHCP server has answered for \d+ s', 20)
    server = machine.keep(stations.DhcpServer(m.taps[0], HOME, [NODE], lease=12))
    m.says(f'announced as node1 at {NODE}', 40)
    # Half of the lease later it is renewed.
    del server.heard[:]
    wait_for(lambda: stations.REQUEST in server.heard, 20, 'the lease is renewed')
    # Behind another cable the server knows nothing of it.
    server.refuses = True
    m.link(False)
    m.says('link down')
    m.link(True)
    m.says(f'the DHCP server refuses {NODE}', 20)
    m.says('the address is no longer ours')
    server.refuses = False
    m.says(f'announced as node1 at {NODE}', 40)
    machine.end(server)
    m.says(f'the lease of {NODE} is lost: it has expired', 40)
    m.says('the address is no longer ours')
    assert not machine.answers(NODE)


def test_a_thousand_spoofed_offers():
    m = one_card(stopped=True)
    tap, mac = m.taps[0], m.mac(0)
    m.go()
    m.says('eth0: .* link up')
    heard = (struct.unpack_from('!I', f, 46)[0] for f in tap.heard(60) if f[12:14] == b'\x08\0' and f[23] == frames.UDP)
    xid = next(heard)
    sent = 0
    while sent < 1000:
        for frame in stations.spoofed(tap, mac, xid, HOME):
            tap.send(frame)
            sent += 1
    m.says(r'ignored 1 strange DHCP answer, the last from')
    m.says(r'ignored 100 strange DHCP answers, the last from')
    machine.keep(stations.DhcpServer(tap, HOME, [NODE]))
    m.says(f'announced as node1 at {NODE}', 40)
    home = machine.keep(machine.Home())
    wait_for(lambda: home.address_of('node1') == NODE, 10, 'the node is heard')
    status = home.run('mosctl', 'status', 'node1').stdout
    assert re.search(r'^warning +\d+ strange DHCP answers from ', status, re.M), status
    equal([line for line in m.console().split('\n') if 'net: address' in line and NODE not in line], [])


machine.main(globals())
