#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: none
"""muster netboot: what it refuses, what it answers to machines, and its end. netboot_machines.py boots some."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
from check import BIN, SLACK, Skip, equal, main, wait_for  # noqa: E402
import lab  # noqa: E402
from lab import ACK, ANY, BRIDGE, DISCOVER, HOME, OFFER, OTHER, REQUEST, Client, Netboot, ended, gone, ip  # noqa: E402

# Root of a whole machine, not just of a user namespace.
ROOT = os.geteuid() == 0 and int(pathlib.Path('/proc/self/uid_map').read_text().split()[2]) > 65534
cleanup = lab.cleanup
lab.make()


def netboot_fails(*argv, prefix=(), env=None):
    """What it says, ending by itself."""
    r = subprocess.run([*prefix, f'{BIN}/muster', 'netboot', *argv], capture_output=True, text=True, timeout=60 * SLACK,
                       env=env)
    assert r.returncode in (1, 2), (r.returncode, r.stdout, r.stderr)
    return r.stderr


# --- what it refuses ---------------------------------------------------------------------------------------------

def test_errors_say_what_to_do():
    ip('link', 'add', 'bare', 'type', 'bridge')
    ip('link', 'add', 'part', 'type', 'veth', 'peer', 'name', 'peer')
    ip('link', 'set', 'part', 'master', BRIDGE, 'up')
    for argv, says in ((('none0',), 'there is no interface none0.*lab'), (('lo',), 'lo is no Ethernet'),
                       (('bare',), 'bare is down: `ip link set bare up`'), (('part',), f'part of {BRIDGE}: use that'),
                       ((), 'on which interface'), ((BRIDGE, 'lo'), 'one interface'),
                       (('--serve=10.77.0.9', BRIDGE), 'not FROM,TO'),
                       (('--serve=10.77.1.1,10.77.1.9', BRIDGE), '10.77.0.1 to 10.77.0.254'),
                       (('--serve=10.77.0.9,10.77.0.8', BRIDGE), '10.77.0.1 to 10.77.0.254'),
                       (('--cmdline=a"b', BRIDGE), 'must not hold quotes'),
                       (('--force', '--machines=/none', BRIDGE), '/none: No such file')):
        text = netboot_fails(*argv, prefix=SYSFS)
        assert re.search(says, text, re.S), (argv, text)
    ip('link', 'set', 'bare', 'up')
    assert 'no IPv4 address: give it one' in netboot_fails('bare')
    assert 'make images' in netboot_fails('--force', BRIDGE, env=dict(os.environ, MUSTER_IMAGES='/none'))
    for name in 'bare', 'part':
        ip('link', 'del', name)


# /sys is that of the namespace in which it was mounted.
SYSFS = 'unshare', '-m', 'sh', '-c', 'mount -t sysfs none /sys && exec "$@"', 'sh'


def test_without_dnsmasq():
    hide = 'for d in /usr/sbin /usr/local/sbin; do mount -t tmpfs none $d; done; PATH=/none exec "$@"'
    text = netboot_fails(BRIDGE, prefix=('unshare', '-m', 'sh', '-c', hide, 'sh'))
    assert 'dnsmasq is not installed' in text and 'apt install dnsmasq-base' in text, text


def test_without_permission():
    if not ROOT:
        raise Skip('only root can be somebody else')
    nobody = ('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups')
    if subprocess.run([*nobody, f'{BIN}/muster', '--version'], capture_output=True).returncode:
        raise Skip(f'an ordinary user cannot reach {BIN}')
    text = netboot_fails(BRIDGE, prefix=nobody)
    assert 'lacks CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE; run it as root' in text, text


def test_an_ordinary_user_with_just_these_capabilities():
    if not ROOT:
        raise Skip('only root can be somebody else')
    caps = '+net_admin,+net_raw,+net_bind_service'
    n = Netboot('--serve', '--force', prefix=('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups',
                                              f'--inh-caps={caps}', f'--ambient-caps={caps}'))
    equal(os.stat(f'/proc/{n.dnsmasq()[0]}').st_uid, 65534)
    equal(Client('52:54:00:77:01:09', 0).ask(DISCOVER)[1], 'muster.0')


def test_a_port_that_is_taken_is_told_with_its_owner():
    lab.needs_dnsmasq()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((HOME, 69))
        text = netboot_fails('--force', BRIDGE)
    assert f'UDP port 69 (TFTP) is used by python3 (pid {os.getpid()}): stop that first' in text, text


def test_where_a_dhcp_server_answers_no_addresses_are_handed_out():
    lab.needs_dnsmasq()
    lab.existing_dhcp_server()
    text = netboot_fails('--serve', BRIDGE)
    assert f'the DHCP server {OTHER} answers here' in text and '--force' in text, text
    n = Netboot('--serve=10.77.0.100,10.77.0.109', '--force')
    c = Client('52:54:00:77:01:01', 0)
    address, file, _, _ = c.ask(DISCOVER)
    assert address.startswith('10.77.0.10') and file == 'muster.0', (address, file)
    n.says(f'the DHCP server {OTHER} answers here, too')


# --- what a plain PXE ROM is told --------------------------------------------------------------------------------

def test_plain_pxe_clients_of_a_lab_of_its_own():
    n = Netboot('--serve', '--force')
    for arch, file, ipxe in (0, 'muster.0', False), (7, 'muster.efi', True), (6, '', False):
        c = Client(f'52:54:00:77:02:{arch:02x}', arch, ipxe)
        address, name, server, options = c.ask(DISCOVER)
        equal((name, server), (file, HOME), arch)
        assert 128 <= int(address.split('.')[3]) <= 254, address
        equal(socket.inet_ntoa(options[1]), '255.255.255.0')
        assert 3 not in options and 6 not in options, 'no router and no name server of ours'
        # Option 176 in 175: it need not look for a proxy.
        equal(options.get(175, b'')[:3], bytes([176, 1, 1]) if ipxe else b'')
        n.says(f"{c.mac}  asks: .*, {'iPXE' if ipxe else 'PXE'}")
    n.says('52:54:00:77:02:06  not served: a node needs a BIOS or a 64-bit UEFI')


def test_plain_pxe_clients_beside_a_dhcp_server():
    """The two steps of PXE 2.1, 2.2: an offer of a list without an address, and on port 4011 the file."""
    lab.existing_dhcp_server()
    n = Netboot()
    n.says(f'beside the DHCP server {OTHER}')
    for arch, file in (0, 'muster.0'), (7, 'muster.efi'):
        c = Client(f'52:54:00:77:03:{arch:02x}', arch)
        address, _, _, options = c.ask(DISCOVER)
        equal((address, options[60], options[53]), (ANY, b'PXEClient', bytes([OFFER])))
        item = b''
        if not arch:
            # One item, which is taken without waiting (2.2.3: prompt 10, names 9, servers 8). UEFI gets no list.
            pxe = lab.split_options(options[43])
            equal((pxe[10][0], pxe[9][3:]), (0, b'Muster'))
            item = pxe[9][:2]
            equal((pxe[8][:3], pxe[8][3:]), (item + b'\x01', socket.inet_aton(HOME)))
        own, _, _, options = c.ask(DISCOVER, want=OTHER)
        assert own.startswith('10.77.0.') and 60 not in options, own
        # It would answer ARP by now.
        ip('neigh', 'replace', own, 'lladdr', c.mac, 'dev', BRIDGE)
        ended.callback(ip, 'neigh', 'del', own, 'dev', BRIDGE)
        _, name, server, options = c.ask(REQUEST, src=own, dst=HOME, port=4011, item=item)
        equal((name, server, options[53]), (file, HOME, bytes([ACK])))
        n.says(f'{c.mac}  given: .*file {file}')
    # Who does not boot is not spoken to.
    c = Client('52:54:00:77:03:20', 0)
    c.options = lambda kind, item: bytes([53, 1, kind, 255])
    equal(c.ask(DISCOVER, tries=1, seconds=2), None)


def test_a_client_that_is_not_answered_is_told_with_a_reason():
    n = Netboot('--serve', '--force')
    os.kill(n.dnsmasq()[0], signal.SIGSTOP)
    Client('52:54:00:77:04:01', 0).ask(DISCOVER, tries=1, seconds=0)
    n.says('52:54:00:77:04:01  its question reached this machine, but not dnsmasq: does a firewall')


# --- its end -----------------------------------------------------------------------------------------------------

def test_nothing_is_left_after_any_end():
    for sig in signal.SIGINT, signal.SIGTERM, signal.SIGKILL:
        n = Netboot('--serve', '--force')
        pid = n.dnsmasq()[0]
        if ROOT:
            assert os.stat(f'/proc/{pid}').st_uid, 'dnsmasq is not root'
        n.process.send_signal(sig)
        equal(n.process.wait(10 * SLACK), -9 if sig == signal.SIGKILL else 0)
        wait_for(lambda p=pid: gone(p), 5, f'dnsmasq ends after {sig}')
        wait_for(lambda f=n.folder: not os.path.exists(f), 5, f'its folder goes after {sig}')


def test_without_its_dnsmasq_it_ends():
    n = Netboot('--serve', '--force')
    os.kill(n.dnsmasq()[0], signal.SIGKILL)
    n.says('dnsmasq has ended')
    equal(n.process.wait(10 * SLACK), 1)


main(globals())
