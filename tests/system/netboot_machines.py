#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: none
"""Machines start over a network that has a DHCP server, and over one that has none, from power-on to the node."""
import glob
import http.server
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
from check import SLACK, equal, main, wait_for  # noqa: E402
import lab  # noqa: E402
from lab import BRIDGE, DISCOVER, HOME, NO_ROM, Client, Netboot, Pc, ended, gone, ip, tmp  # noqa: E402
from machine import IMAGES  # noqa: E402

cleanup = lab.cleanup
lab.make()


def machine_files(**words):
    folder = tempfile.mkdtemp(dir=tmp.name)
    for mac, text in words.items():
        pathlib.Path(folder, mac).write_text(text)
    return folder


def test_a_lab_of_its_own():
    """BIOS and UEFI; settings for all, and for one machine."""
    folder = machine_files()
    pathlib.Path(folder, '52-54-00-77-00-02').write_text('# the one at the window\nname=window\nmenu=off\n')
    pathlib.Path(folder, 'readme').write_text('x')
    n = Netboot('--serve', '--cmdline=name=lab home=10.77.0.1', f'--machines={folder}')
    n.says(f'{BRIDGE}, {HOME}: DHCP server for 10.77.0.128 to 10.77.0.254')
    n.says('readme: not used: its name is no MAC')
    bios, uefi = Pc(1), Pc(2, uefi=True, card=NO_ROM)
    n.says(f'{bios.mac}  asks: BIOS, iPXE')
    n.says(f'{bios.mac}  settings: name=lab home=10.77.0.1\n')
    address = n.says(f'{bios.mac}  given: address (\\S+), file muster.0')[1]
    n.says(f'{bios.mac}  has loaded muster.elf', 20)
    n.says(f'{bios.mac}  is node lab at {address}: 1 CPU, 2.. MB, .* s after it asked', 20)
    bios.says('loaded by Multiboot 1, Muster PXE')
    n.says(f'{uefi.mac}  asks: UEFI x86-64, PXE', 40)
    n.says(f'{uefi.mac}  settings: name=lab home=10.77.0.1 name=window menu=off \\({folder}/52-54')
    n.says(f'{uefi.mac}  given: address \\S+, file muster.efi')
    n.says(f'{uefi.mac}  is node window at ', 40)
    uefi.says('loaded by Multiboot 2, GRUB')
    # Settings are read for each start, and by SIGHUP.
    pathlib.Path(folder, '52-54-00-77-00-01').write_text('name=second')
    n.process.send_signal(signal.SIGHUP)
    n.says(f'reads {folder} again')
    wait_for(lambda: glob.glob(f'{n.folder}/machines/*:01.cfg'), 5, 'its settings')
    pid = n.dnsmasq()[0]
    n.process.send_signal(signal.SIGINT)
    equal(n.process.wait(10 * SLACK), 0)
    assert gone(pid) and not os.path.exists(n.folder), 'something is left'


def test_beside_a_dhcp_server():
    lab.existing_dhcp_server()
    folder = machine_files()
    pathlib.Path(folder, '52:54:00:77:00:03').write_text('name=third')
    n = Netboot('--cmdline=name=guest', f'--machines={folder}')
    bios, uefi = Pc(3), Pc(4, uefi=True, card=NO_ROM)
    n.says(f'{bios.mac}  given: .*file muster.0', 20)
    n.says(f'{bios.mac}  is node third at 10.77.0.[5-9]', 20)
    n.says(f'{uefi.mac}  given: .*file muster.efi', 40)
    n.says(f'{uefi.mac}  is node guest at 10.77.0.[5-9]', 40)


def test_settings_that_change_between_two_starts():
    folder = machine_files()
    own = pathlib.Path(folder, '52-54-00-77-00-05')
    own.write_text('name=before')
    n = Netboot('--serve', '--force', f'--machines={folder}')
    own.write_text('name=after')
    pc = Pc(5)
    n.says(f'{pc.mac}  is node after at ', 20)
    own.write_text('name="bad')
    Client(pc.mac, 0).ask(DISCOVER)
    n.says(f'{own}: must not hold quotes.*: its words are not used')
    own.unlink()
    equal(n.says(f'(?s)its words are not used.*{pc.mac}  settings: (.*?)\n')[1], 'none')


def test_the_bios_loader_says_what_it_misses():
    """A kernel that is not one, and a server that has none."""
    n = Netboot('--serve', '--force')
    kernel = pathlib.Path(n.folder, 'muster.elf')
    good = kernel.read_bytes()
    pc = Pc(6)
    for content, says in ((bytes(20000), 'is not a kernel of Muster'), (good[:len(good) // 2], 'is cut short'),
                          (None, 'cannot be had: is `muster netboot` running there?')):
        pc.off()
        kernel.unlink()
        if content:
            kernel.write_bytes(content)
        pc.on()
        wait_for(lambda: f'muster.elf {says}' in pc.screen(), 20, f'the loader says: {says}')  # noqa: B023
        assert 'starting anew in' in pc.screen(), pc.screen()
    n.says(f'(?s)({pc.mac}  asks: .*){{3}}')     # each start is told, however soon


def test_ipxe_by_http():
    """The chain that muster-netboot(1) describes: iPXE of one's own, script and kernel by HTTP."""
    lab.needs_dnsmasq()
    folder = tempfile.mkdtemp(dir=tmp.name)
    shutil.copy(IMAGES / 'muster.elf', folder)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=folder)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer((HOME, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ended.callback(server.server_close)
    ended.callback(server.shutdown)
    url = f'http://{HOME}:{server.server_port}'
    pathlib.Path(folder, 'boot.ipxe').write_text(
        f'#!ipxe\nkernel {url}/muster.elf name=node-${{net0/mac:hexraw}} ip=${{net0/ip}}/24\nboot\n')
    ip('addr', 'add', 'fd77::1/64', 'nodad', 'dev', BRIDGE)
    ended.callback(ip, 'addr', 'del', 'fd77::1/64', 'dev', BRIDGE)
    lab.dhcp_server(f'--interface={BRIDGE}', f'--dhcp-boot={url}/boot.ipxe', '--dhcp-option-force=encap:175,176,1b',
                '--enable-ra', '--dhcp-range=fd77::,ra-only')
    pc = Pc(9)
    pc.says('loaded by Multiboot 1, iPXE')
    pc.says(r'net: announced as node-525400770009 at 10\.77\.0\.[5-9]')
    assert 'settings:' not in pc.console() and 'ignored' not in pc.console(), pc.console()


main(globals())
