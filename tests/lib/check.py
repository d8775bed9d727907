# SPDX-License-Identifier: GPL-2.0-or-later
"""For system tests written as functions: those called test_* run in the order of the file.

A function cleanup() is called after each.
A test fails by an exception; it skips by raising Skip(reason). Exit status: 0 all passed, 1 one failed,
77 all skipped.
"""
import sys
import time
import traceback

SLACK = 6   # how many times longer than on a quiet machine anything may take

BIN = sys.argv[1] if len(sys.argv) > 1 else 'build/bin'


class Skip(Exception):
    pass


def equal(got, want, what=''):
    assert got == want, f'{what}: {got!r}, not {want!r}' if what else f'{got!r}, not {want!r}'


def wait_for(condition, seconds, what):
    """Returns condition()'s first true value. seconds: that it takes at most on a quiet machine."""
    end = time.monotonic() + seconds * SLACK
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f'not within {seconds * SLACK} s: {what}'
        time.sleep(0.05)


def main(names):
    tests = [(n, f) for n, f in names.items() if n.startswith('test_')]
    wanted = sys.argv[2:]
    failed = skipped = ran = 0
    for name, fn in tests:
        if wanted and not any(w in name for w in wanted):
            continue
        ran += 1
        start = time.monotonic()
        try:
            fn()
            word = 'ok'
        except Skip as e:
            skipped += 1
            word = f'skipped: {e}'
        except Exception:
            failed += 1
            word = 'FAIL\n' + traceback.format_exc()
        finally:
            names.get('cleanup', lambda: None)()
        print(f'{name[5:]} ({time.monotonic() - start:.1f} s): {word}', flush=True)
    sys.exit(1 if failed else 77 if ran == skipped else 0)
