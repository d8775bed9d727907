# SPDX-License-Identifier: GPL-2.0-or-later
"""Ethernet frames, byte by byte. Addresses are text; every length and sum can be set wrong on purpose."""
import socket
import struct

BROADCAST = 'ff:ff:ff:ff:ff:ff'
ICMP, IGMP, TCP, UDP = 1, 2, 6, 17


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(':', ''))


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ether(dst, src, kind, payload, pad=True):
    frame = mac_bytes(dst) + mac_bytes(src) + struct.pack('!H', kind) + payload
    return frame.ljust(60, b'\0') if pad else frame


def ip(src, dst, proto, payload, total=None, head=5, fragment=0x4000, ttl=64):
    """total, head: what the header claims. head: in words."""
    total = 20 + len(payload) if total is None else total
    fields = [0x40 | head, 0, total & 0xffff, 1, fragment, ttl, proto, 0, socket.inet_aton(src), socket.inet_aton(dst)]
    fields[7] = checksum(struct.pack('!BBHHHBBH4s4s', *fields))
    return struct.pack('!BBHHHBBH4s4s', *fields) + payload


def l4_sum(src, dst, proto, payload):
    return checksum(socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack('!HH', proto, len(payload)) + payload)


def udp(src, sport, dst, dport, data, length=None):
    length = 8 + len(data) if length is None else length
    head = struct.pack('!HHH', sport, dport, length)
    return head + struct.pack('!H', l4_sum(src, dst, UDP, head + b'\0\0' + data) or 0xffff) + data


def tcp(src, sport, dst, dport, data, flags=2, seq=1, ack=0, head=5):
    parts = struct.pack('!HHIIBBH', sport, dport, seq, ack, head << 4, flags, 8192), struct.pack('!H', 0) + data
    return parts[0] + struct.pack('!H', l4_sum(src, dst, TCP, parts[0] + b'\0\0' + parts[1])) + parts[1]


def icmp_echo(ident, seq, data, kind=8):
    rest = struct.pack('!HH', ident, seq) + data
    return struct.pack('!BBH', kind, 0, checksum(struct.pack('!BBH', kind, 0, 0) + rest)) + rest


def igmp_query(group='0.0.0.0', tenths=1):
    """IGMPv2: who is in the group? Answered within so many tenths of a second."""
    rest = socket.inet_aton(group)
    return struct.pack('!BBH', 0x11, tenths, checksum(struct.pack('!BBH', 0x11, tenths, 0) + rest)) + rest


def group_mac(group):
    """RFC 1112, 6.4."""
    low = int.from_bytes(socket.inet_aton(group), 'big') & 0x7fffff
    return '01:00:5e:' + ':'.join(f'{b:02x}' for b in low.to_bytes(3, 'big'))


def arp(op, src_mac, src, dst_mac, dst, hlen=6, plen=4):
    """op: 1 who has dst?, 2 src is at src_mac."""
    return (struct.pack('!HHBBH', 1, 0x0800, hlen, plen, op) + mac_bytes(src_mac) + socket.inet_aton(src)
            + mac_bytes(dst_mac) + socket.inet_aton(dst))
