# SPDX-License-Identifier: GPL-2.0-or-later
"""Each network card: rates and round trip of a node, beside those of a Linux guest with the same card."""
from figures import Figure
from linux import Linux
from node import BenchError
from suites import Raw, pairs

CARDS = ('virtio-net-pci', 'vmxnet3', 'e1000', 'e1000e', 'rtl8139', 'pcnet', 'i82559er', 'tulip', 'ne2k_pci')
RUNS = 7


def with_peer(ours, peer):
    """The runs of both; if the peer breaks down (Linux's ne2k_pci wedges under load), only ours."""
    try:
        return *pairs(RUNS, ours, peer), 'Linux guest'
    except BenchError:
        return [ours() for _ in range(RUNS)], (), 'Linux guest: broke down'


def suite_card(node, programs, card, linux):
    with Linux(linux, card) as guest:
        guest.says('linux: serves at')
        ours, peer = Raw(node, programs), Raw(guest, programs)
        figures = []
        for key, title, unit, digits in (('ping', 'round trip, 64 bytes', 'us', 0), ('sink', 'TCP to it', 'MB/s', 1),
                                         ('source', 'TCP from it', 'MB/s', 1)):
            args = (64,) if key == 'ping' else ()
            ours_runs, peer_runs, against = with_peer(lambda: getattr(ours, key)(*args),
                                                      lambda: getattr(peer, key)(*args))
            figures.append(Figure(f'card.{card}.{key}', f'{card}: {title}', unit, ours_runs, peer_runs, against,
                                  higher=unit == 'MB/s', aim=1.0 if peer_runs else None, digits=digits))
        return figures
