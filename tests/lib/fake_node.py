#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A node that only announces itself: enough to test who listens. Usage: fake_node.py PORT COUNT"""
import os
import pathlib
import re
import socket
import struct
import sys
import time

FORMAT = '<IHH16s6sH4sIIIIII8IIQQQQ32s16s'  # struct announce of proto/announce.h
ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = int(re.search(r'WIRE_VERSION\s+(\d+)', (ROOT / 'proto/version.h').read_text())[1])


def announce(number, node_id, seq, name=None, flags=0, magic=0x4152544d, version=VERSION):
    """The bytes of one announcement of fake node `number`, whose sessions are at 127.0.0.1:9000+number."""
    cpu = [0] * 8
    return struct.pack(FORMAT, magic, version, flags, node_id, bytes([2, 0, 0, 0, 0, number]),
                       9000 + number, bytes([127, 0, 0, 1]), seq, 2, 2400, 1000 + number, 150, 0,
                       *cpu, 0, 7, 1 << 30, 900 << 20, seq * 1000,
                       (name or f'node{number}').encode(), b'0.1')


def main():
    port, count = int(sys.argv[1]), int(sys.argv[2])
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ids = [os.urandom(16) for _ in range(count)]
    seq = 0
    while True:
        seq += 1
        for i in reversed(range(count)):
            sock.sendto(announce(i + 1, ids[i], seq), ('127.0.0.1', port))
        time.sleep(1)


if __name__ == '__main__':
    main()
