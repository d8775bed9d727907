# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures: paired runs, their minimum, median and maximum, the table for people, bench.tsv."""
import statistics
import sys


class Figure:
    """One line of the result.

    ours and peer are the runs, paired by position; peer may be empty: then there is nothing to compare
    with. against names the peer. higher: more is better, so that the ratio is always > 1 where ours is better. aim is the
    smallest ratio that is good enough, or None. limit bounds ours itself from the bad side.
    """

    def __init__(self, name, title, unit, ours, peer=(), against='', higher=False, aim=None, limit=None,
                 digits=1):
        self.name, self.title, self.unit = name, title, unit
        self.ours, self.peer = list(ours), list(peer)
        self.against, self.digits = against, digits
        self.higher, self.aim, self.limit = higher, aim, limit

    def ratios(self):
        """Ours against peer, run by run: what disturbs the machine disturbs both of a pair."""
        pairs = [(o, p) for o, p in zip(self.ours, self.peer) if o and p]
        return [o / p if self.higher else p / o for o, p in pairs]

    def missed(self):
        if self.aim and self.peer and statistics.median(self.ratios()) < self.aim:
            return True
        if self.limit is None:
            return False
        median = statistics.median(self.ours)
        return median < self.limit if self.higher else median > self.limit

    def verdict(self):
        if self.aim is None and self.limit is None:
            return ''
        aim = f'>= {self.aim:.2f}' if self.aim else \
            f'{">=" if self.higher else "<="} {self.limit:,} {self.unit}'
        return f'aim {aim}: {"MISSED" if self.missed() else "reached"}'


def spread(values, digits):
    """minimum / median / maximum; one number where all are the same."""
    if not values:
        return '-'
    low, mid, high = min(values), statistics.median(values), max(values)
    if low == high:
        return f'{mid:,.{digits}f}'
    return ' / '.join(f'{v:,.{digits}f}' for v in (low, mid, high))


def print_table(figures, out=sys.stdout):
    """ours, peer: minimum / median / maximum; the ratio likewise, over the pairs."""
    rows = [('', 'unit', 'ours', 'peer', 'ratio', 'peer is', '')]
    for f in figures:
        rows.append((f.title, f.unit, spread(f.ours, f.digits), spread(f.peer, f.digits),
                     spread(f.ratios(), 2), f.against, f.verdict()))
    widths = [max(len(row[i]) for row in rows) for i in range(7)]
    for row in rows:
        cells = [row[0].ljust(widths[0]), row[1].ljust(widths[1])]
        cells += [row[i].rjust(widths[i]) for i in (2, 3, 4)]
        print('  '.join(cells + [row[5].ljust(widths[5]), row[6]]).rstrip(), file=out)


def write_tsv(figures, path):
    """name, ours, peer, ratio, unit: medians; `-` where there is no peer."""
    with open(path, 'w') as f:
        for fig in figures:
            peer = f'{statistics.median(fig.peer):.3f}' if fig.peer else '-'
            ratio = f'{statistics.median(fig.ratios()):.3f}' if fig.ratios() else '-'
            f.write(f'{fig.name}\t{statistics.median(fig.ours):.3f}\t{peer}\t{ratio}\t{fig.unit}\n')
