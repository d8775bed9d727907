#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: none
"""Cards that cut big segments and join small ones: on a tap of its own (nic.py's has a hub between, which takes
all of that away) what goes to a node and back is what it was."""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
from check import BIN, SLACK, equal, main  # noqa: E402

MEGABYTES = 16


def there_and_back(nic):
    with tempfile.TemporaryDirectory() as folder:
        name = f'{folder}/data'
        pathlib.Path(name).write_bytes(os.urandom(MEGABYTES << 20))
        r = subprocess.run([f'{BIN}/muster', 'emulate', '-q', '1', '--nic', nic, '--', 'sh', '-c',
                            f'mosrun --node 1 -- cat <{name} | cmp - {name}'],
                           capture_output=True, text=True, timeout=60 * SLACK)
    # A node that is not understood is left: mosrun would say so.
    equal((r.returncode, r.stdout, r.stderr), (0, '', ''))


def test_e1000():
    there_and_back('e1000')


def test_rtl8139():
    there_and_back('rtl8139')


def test_virtio():
    there_and_back('virtio-net-pci')


def test_virtio_without_joined_frames():
    there_and_back('virtio-net-pci,mrg_rxbuf=off,disable-modern=on')


def test_vmxnet3():
    there_and_back('vmxnet3')


main(globals())
