# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmarks that need a running node. Each suite returns a list of Figures.

Runs are paired: what is measured and what it is measured against follow each other at once, in
alternating order, so that a noisy machine disturbs both alike.
"""
import signal
import time

from figures import Figure
from node import BenchError, Guest, migrate, run

ECHO, SINK, SOURCE, ASK = 7747, 7748, 7749, 7750    # net/bench.c
RUNS = 7
BULK_S = 0.7
# Many short runs: a disturbance then spoils a few pairs, and not the median.
CALL_RUNS = 21
ROUNDS = 250

# Bytes of a forwarded call's two messages (proto/wire.h): header 16, struct wire_call 64, a struct
# wire_buf 8; header 16, struct wire_reply 48, and the content.
CALL_BYTES = {'getppid': (16 + 64, 16 + 48), 'pread': (16 + 64 + 8, 16 + 48 + 4096)}


class Raw:
    """The bare network, by the C program beside this one."""

    def __init__(self, node, programs):
        self.node, self.tcp = node, f'{programs}/tcp'

    def _number(self, what, port, *args):
        return float(run(self.tcp, what, *self.node.port(port), *map(str, args)))

    def ping(self, size):
        return self._number('ping', ECHO, size, ROUNDS)

    def call(self, name):
        """A round trip with the bytes of this call each way (the node's request comes to us)."""
        to_home, to_node = CALL_BYTES[name]
        return self._number('ask', ASK, to_node, to_home, ROUNDS)

    def sink(self):
        return self._number('sink', SINK, BULK_S)

    def source(self):
        return self._number('source', SOURCE, BULK_S)


def pairs(runs, ours, peer):
    """Calls both, runs times, in alternating order; returns the two lists."""
    results = [], []
    for i in range(runs):
        order = ((0, ours), (1, peer))
        for which, measure in order if i % 2 else order[::-1]:
            results[which].append(measure())
    return results


def suite_raw(node, programs):
    raw = Raw(node, programs)
    small = [raw.ping(64) for _ in range(CALL_RUNS)]
    out = [raw.sink() for _ in range(RUNS)]
    home = [raw.source() for _ in range(RUNS)]
    return [
        Figure('raw.pingpong', 'raw TCP ping-pong, 64 bytes', 'us', small),
        Figure('raw.out', 'raw TCP, home to node', 'MB/s', out, higher=True),
        Figure('raw.home', 'raw TCP, node to home', 'MB/s', home, higher=True),
    ]


def suite_calls(node, programs):
    """Forwarded calls against a raw ping-pong with the same bytes each way."""
    raw, figures = Raw(node, programs), []
    with Guest(f'{programs}/calls', f'{programs}/block') as guest:
        for name, title in ('getppid', 'forwarded getppid'), ('pread', 'forwarded pread of 4 KiB'):
            ours, peer = pairs(CALL_RUNS, lambda: float(guest.ask(f'{name} {ROUNDS}')),
                               lambda: raw.call(name))
            guest.must_be_on('1')
            figures.append(Figure(f'call.{name}', title, 'us', ours, peer, 'raw TCP',
                                  aim=1 / 1.3))
    return figures


class Moves:
    """One program of a given size goes out and home, again and again."""

    def __init__(self, node, raw, programs, megabytes, runs):
        self.frozen, self.rate, self.raw = ([], []), ([], []), ([], [])
        self.held = [], []
        with Guest(f'{programs}/memory', str(megabytes), node='home') as guest:
            if guest.line() != 'ready':
                raise BenchError('memory did not get ready')
            self.guest, self.pid = guest, guest.must_be_on('home')
            for _ in range(runs):
                self.move(node, 0, '1', raw.sink)
                self.move(node, 1, 'home', raw.source)
            self.signal(signal.SIGTERM)
            if guest.line() != 'right':
                raise BenchError(f'{megabytes} MB were moved, and are not what they were')
            guest.mosrun.wait(20)

    def signal(self, sig):
        run('kill', f'-{int(sig)}', str(self.pid))

    def held_ms(self):
        self.signal(signal.SIGUSR1)
        return float(self.guest.line())

    def move(self, node, way, where, raw_rate):
        self.raw[way].append(raw_rate())
        self.held_ms()
        frozen, size, took = migrate(node, self.pid, where)
        self.guest.must_be_on(where)
        self.frozen[way].append(frozen)
        self.rate[way].append(size / 1e3 / max(took, 1))
        self.held[way].append(self.held_ms())


def suite_moves(node, programs, sizes=((1, RUNS), (64, 5), (512, 5))):
    raw = Raw(node, programs)
    frozen, held, rates, flat = [], [], [], None
    for megabytes, runs in sizes:
        moves = Moves(node, raw, programs, megabytes, runs)
        time.sleep(1)   # the node has freed it all before the next comes
        flat = flat or moves
        for way, name in enumerate(('out', 'home')):
            size = f'{megabytes} MB {name}'
            # Flat: as long as for 1 MB, but for the machine's noise.
            peer = flat.frozen[way] if moves is not flat else ()
            frozen.append(Figure(f'move.{name}.frozen.{megabytes}mb', f'move {size}: frozen', 'ms',
                                 moves.frozen[way], peer, '1 MB' if peer else '',
                                 aim=0.5 if peer else None))
            held.append(Figure(f'move.{name}.held.{megabytes}mb',
                               f'move {size}: longest the program waited', 'ms', moves.held[way]))
            if megabytes >= 64:
                rates.append(Figure(f'move.{name}.rate.{megabytes}mb',
                                    f'move {size}: pages', 'MB/s', moves.rate[way],
                                    moves.raw[way], 'raw TCP', higher=True, aim=0.8))
    return frozen + held + rates


SUITES = {'raw': suite_raw, 'calls': suite_calls, 'moves': suite_moves}
