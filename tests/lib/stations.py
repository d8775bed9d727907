# SPDX-License-Identifier: GPL-2.0-or-later
"""Others on the network of a machine under test: somebody with an address, a DHCP server. Each is a thread."""
import random
import socket
import struct
import threading

import frames

BOOTP = '!BBBBIHH4s4s4s4s16s64s128s'
COOKIE = bytes.fromhex('63825363')
DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE = 1, 2, 3, 4, 5, 6, 7
MASK, ROUTER, ASKED, LEASE, KIND, SERVER = 1, 3, 50, 51, 53, 54


class Station(threading.Thread):
    """Hears all frames that the card on this tap sends, until close()."""

    def __init__(self, tap):
        super().__init__(daemon=True)
        self.tap = tap
        self.packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.packets.bind((tap.name, 0))
        self.packets.settimeout(0.1)
        self.ends = False
        self.start()

    def run(self):
        while not self.ends:
            try:
                frame, info = self.packets.recvfrom(65536)
            except TimeoutError:
                continue
            except OSError:     # the tap is gone
                return
            if info[2] != socket.PACKET_OUTGOING:
                self.hear(frame)

    def send(self, frame):
        self.packets.send(frame)

    def close(self):
        self.ends = True
        self.join()
        self.packets.close()


class Somebody(Station):
    """A machine with that address: it answers ARP requests and counts ARP packets that claim its address."""

    def __init__(self, tap, address, mac='02:00:00:00:00:99'):
        self.address, self.mac = socket.inet_aton(address), mac
        self.claims = 0
        super().__init__(tap)

    def hear(self, frame):
        if frame[12:14] != b'\x08\x06':
            return
        self.claims += frame[28:32] == self.address
        if frame[20:22] == b'\0\1' and frame[38:42] == self.address:
            asker = ':'.join(f'{b:02x}' for b in frame[6:12])
            self.send(frames.ether(asker, self.mac, 0x0806, frames.arp(
                2, self.mac, socket.inet_ntoa(self.address), asker, socket.inet_ntoa(frame[28:32]))))

    def announce(self):
        """A gratuitous request: whoever else has this address should notice."""
        address = socket.inet_ntoa(self.address)
        self.send(frames.ether(frames.BROADCAST, self.mac, 0x0806,
                               frames.arp(1, self.mac, address, '00:00:00:00:00:00', address)))


def dhcp_answer(kind, xid, mac, address, server, options=(), cookie=COOKIE, op=2, end=b'\xff'):
    """options: (number, bytes), instead of the usual ones behind the kind."""
    fixed = struct.pack(BOOTP, op, 1, 6, 0, xid, 0, 0, bytes(4), socket.inet_aton(address), socket.inet_aton(server),
                        bytes(4), frames.mac_bytes(mac), b'', b'')
    options = [(KIND, bytes([kind])), *options]
    return fixed + cookie + b''.join(bytes([n, len(v)]) + v for n, v in options) + end


def usual(server, lease):
    return [(SERVER, socket.inet_aton(server)), (LEASE, struct.pack('!I', lease)),
            (MASK, socket.inet_aton('255.255.255.0')), (ROUTER, socket.inet_aton(server))]


def dhcp_frame(tap, mac, message, server):
    return frames.ether(mac, tap.mac, 0x0800, frames.ip(server, '255.255.255.255', frames.UDP,
                                                        frames.udp(server, 67, '255.255.255.255', 68, message)))


class DhcpServer(Station):
    """Gives one address after the other of a list, or says no. `heard`: the kinds of messages that came."""

    def __init__(self, tap, address, pool, lease=3600):
        self.address, self.pool, self.lease = address, list(pool), lease
        self.refuses = False
        self.heard = []
        super().__init__(tap)

    def hear(self, frame):
        if frame[12:14] != b'\x08\0' or frame[23] != frames.UDP or frame[36:38] != b'\0\x43':
            return
        message = frame[42:]
        fields = struct.unpack_from(BOOTP, message)
        xid, mac = fields[4], ':'.join(f'{b:02x}' for b in fields[11][:6])
        options = self.parse(message[240:])
        kind = options[KIND][0]
        self.heard.append(kind)
        if kind == DECLINE:
            self.pool.append(self.pool.pop(0))
        elif kind == DISCOVER and not self.refuses:
            self.answer(OFFER, xid, mac, self.pool[0])
        elif kind == REQUEST:
            self.answer(NAK if self.refuses else ACK, xid, mac, '0.0.0.0' if self.refuses else self.pool[0])

    @staticmethod
    def parse(data):
        found = {}
        while data and data[0] != 255:
            if data[0]:
                found[data[0]] = data[2:2 + data[1]]
            data = data[2 + data[1]:] if data[0] else data[1:]
        return found

    def answer(self, kind, xid, mac, address):
        options = usual(self.address, self.lease) if kind != NAK else [(SERVER, socket.inet_aton(self.address))]
        self.send(dhcp_frame(self.tap, mac, dhcp_answer(kind, xid, mac, address, self.address, options), self.address))


def spoofed(tap, mac, xid, server):
    """One after the other, a strange answer to the machine with that MAC, whose request had this xid."""
    other_mac = '02:00:00:00:00:77'
    good = usual(server, 3600)

    def without(number):
        return [o for o in good if o[0] != number]
    messages = [
        dhcp_answer(OFFER, random.getrandbits(32), mac, '10.77.0.66', server, good),
        dhcp_answer(ACK, random.getrandbits(32), mac, '10.77.0.66', server, good),
        dhcp_answer(OFFER, xid, other_mac, '10.77.0.66', server, good),
        *(dhcp_answer(kind, xid, mac, address, server, good) for kind in (OFFER, ACK)
          for address in ('0.0.0.0', '255.255.255.255', '127.0.0.1', '224.0.0.1', '240.1.2.3', '10.77.0.0', '10.77.0.255')),
        *(dhcp_answer(OFFER, xid, mac, '10.77.0.66', server, [*without(MASK), (MASK, m)])
          for m in (bytes(4), b'\xff\0\xff\0', b'\xff\xff', b'')),
        *(dhcp_answer(OFFER, xid, mac, '10.77.0.66', server, [*without(LEASE), (LEASE, v)])
          for v in (bytes(4), b'\0\0\0\1', b'\0', bytes(200))),
        dhcp_answer(OFFER, xid, mac, '10.77.0.66', server, without(SERVER)),
        dhcp_answer(OFFER, xid, mac, '10.77.0.66', server, [*without(SERVER), (SERVER, bytes(4))]),
        dhcp_answer(OFFER, xid, mac, '10.77.0.66', server, [*without(ROUTER), (ROUTER, b'\1\2\3')]),
        dhcp_answer(OFFER, xid, mac, '10.77.0.66', server, cookie=b'\0\0\0\0'),
        dhcp_answer(OFFER, xid, mac, '10.77.0.66', server, good, op=1),
        dhcp_answer(OFFER, xid, mac, '10.77.0.66', server, [(12, b'x' * 255), (12, b'')], end=b'\x0c\xff'),
        dhcp_answer(OFFER, xid, mac, '10.77.0.66', server, end=b'\x36\xf0abc'),
        dhcp_answer(99, xid, mac, '10.77.0.66', server, good),
        *(dhcp_answer(OFFER, xid, mac, '10.77.0.66', server, good)[:n] for n in (0, 1, 28, 44, 235, 236, 239, 240, 241, 242)),
        bytes([2, 1, 6, 0]) + struct.pack('!I', xid) + random.randbytes(20) + frames.mac_bytes(mac) + random.randbytes(600),
    ]
    return [dhcp_frame(tap, mac, m, server) for m in messages]
