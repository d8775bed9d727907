# SPDX-License-Identifier: GPL-2.0-or-later
"""Results as people and CI read them."""
import json


LAST_LINES = 15     # of a failed test's output, repeated before the summary


def why(text):
    """The end of what a failed test said, and the lines that name an exception: a log may show only its end."""
    lines = [line for line in text.split('\n') if line.strip()]
    return [line for line in lines[:-LAST_LINES] if 'Error' in line][-LAST_LINES:] + lines[-LAST_LINES:]


class Calls:
    """The system calls of a run, as deputies counted them (MUSTER_CALLS)."""

    def __init__(self, lines):
        self.local = self.forwarded = 0
        self.retreats = {}      # reason -> how often
        for line in lines:
            kind, number, *text = line.split(' ', 2)
            if kind == 'retreat':
                reason = text[0] if text else ''
                self.retreats[reason] = self.retreats.get(reason, 0) + int(number)
            else:
                setattr(self, kind, getattr(self, kind) + int(number))

    def print(self):
        if not self.local and not self.forwarded:
            return
        print(f'system calls: {self.local} local, {self.forwarded} forwarded, {sum(self.retreats.values())} retreats')
        for reason, n in sorted(self.retreats.items(), key=lambda item: (-item[1], item[0])):
            print(f'    {n:6} {reason}')


class Results:
    def __init__(self, verbose=False, record=None):
        self.verbose = verbose
        self.record = record    # a file: one JSON line per result, for the runner outside
        self.counts = {'passed': 0, 'failed': 0, 'skipped': 0}
        self.skips = []
        self.failures = []
        self.calls = Calls([])

    def add(self, name, outcome, seconds, text=''):
        """outcome: passed, failed or skipped (text is then the reason)."""
        self.count(name, outcome, text)
        line = f'{outcome:7} {name} ({seconds:.1f} s)'
        if outcome == 'skipped':
            line += f': {text}'
        print(line, flush=True)
        if text and (outcome == 'failed' or (self.verbose and outcome == 'passed')):
            print('\n'.join('    ' + part for part in text.rstrip('\n').split('\n')), flush=True)
        if self.record:
            with open(self.record, 'a') as f:
                f.write(json.dumps([name, outcome, text]) + '\n')

    def count(self, name, outcome, text=''):
        self.counts[outcome] += 1
        if outcome == 'skipped':
            self.skips.append((name, text))
        if outcome == 'failed':
            self.failures.append((name, text))

    def finish(self):
        """Prints the summary; returns the exit status. A run without a single test is no success."""
        self.calls.print()
        for name, text in self.failures:
            print(f'failed: {name}')
            for line in why(text):
                print(f'    {line}')
        for name, reason in self.skips:
            print(f'skipped: {name}: {reason}')
        c = self.counts
        print(f"{c['passed']} passed, {c['failed']} failed" +
              (f", {c['skipped']} skipped" if c['skipped'] else ''), flush=True)
        return 1 if c['failed'] or not c['passed'] else 0
