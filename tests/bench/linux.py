# SPDX-License-Identifier: GPL-2.0-or-later
"""The Linux guest beside the node: the same emulator, machine and card, Debian's kernel, services of our own.

tests/bench/linux.sh fetches it, linux_init.c is all that runs on it.
"""
import os
import re
import subprocess
import sys
import tempfile
import time

from node import BenchError, run

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from process import die_with_parent  # noqa: E402

ADDRESS = '10.77.0.250'     # above those of emulated nodes
BRIDGE = 'muster0'          # userland/emulate/network.c
PATIENCE_S = 120


class Linux:
    """A running guest. With a card, on the network of the emulation that this process is the command of."""

    def __init__(self, folder, card=None, memory_mb=512, cpus=2):
        if not os.path.exists(f'{folder}/vmlinuz'):
            raise BenchError('there is no Linux kernel to compare with: make deps-bench')
        self.host, self.tap = ADDRESS, None
        argv = ['qemu-system-x86_64', '-machine', 'pc', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', str(cpus),
                '-m', str(memory_mb), '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-vga', 'std',
                '-serial', 'stdio', '-kernel', f'{folder}/vmlinuz', '-initrd', f'{folder}/initramfs',
                '-append', f'console=ttyS0 quiet panic=-1 {f"address={ADDRESS}" if card else ""}']
        if card:
            self.tap = f'linux{os.getpid() % 100000}'
            run('ip', 'tuntap', 'add', self.tap, 'mode', 'tap', 'vnet_hdr')
            run('ip', 'link', 'set', self.tap, 'master', BRIDGE, 'up')
            argv += ['-netdev', f'tap,id=net,ifname={self.tap},script=no,downscript=no',
                     '-device', f'{card},netdev=net,mac=52:54:00:77:01:01']
        self.console = tempfile.TemporaryFile()
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.console,
                                        stderr=subprocess.STDOUT, preexec_fn=die_with_parent)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        if self.tap:
            run('ip', 'link', 'del', self.tap)

    def says(self, pattern):
        """The match, once its console has said that."""
        end = time.monotonic() + PATIENCE_S
        while True:
            text = os.pread(self.console.fileno(), 1 << 20, 0).decode(errors='replace')
            found = re.search(pattern, text)
            if found:
                return found
            if time.monotonic() > end or self.process.poll() is not None:
                raise BenchError(f'the Linux guest does not say {pattern}: {text[-300:]}')
            time.sleep(0.02)

    def port(self, port):
        return self.host, str(port)

    def init_ms(self):
        """From where the kernel's clock begins (it is unpacked by then) to its first program."""
        return int(self.says(r'init runs, (\d+) ms')[1])
