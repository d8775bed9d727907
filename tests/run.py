#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the tests: unit (host programs), abi and real (a run at home against one on a node and one that is
moved), system (scripts). One line per test as it ends; the last line is `N passed, N failed`.

Tests that need nodes run inside `muster emulate`: this program starts itself there once per set of
nodes (--inside), and again with what is left if a node died. The libraries are in tests/lib.
"""
import argparse
import os
import pathlib
import random
import signal
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / 'lib'))

import collect  # noqa: E402
import report  # noqa: E402
import session  # noqa: E402


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('patterns', nargs='*', help='run only tests whose name contains one of these')
    p.add_argument('--build', default='build', help='folder of the build (build)')
    p.add_argument('--seed', type=int, help='of everything random; printed, to repeat a run')
    p.add_argument('--no-nodes', action='store_true', help='only what needs no node; abi tests run at home twice')
    p.add_argument('--list', action='store_true', help='print the names and leave')
    p.add_argument('--timeout', type=int, default=300, help='seconds for one test (300)')
    p.add_argument('--emulate', default='', help='further options for muster emulate, e.g. "--accel=tcg"')
    p.add_argument('-v', '--verbose', action='store_true', help="print passing tests' output too")
    p.add_argument('--inside', help=argparse.SUPPRESS)
    args = p.parse_args()

    args.build = pathlib.Path(args.build).resolve()
    args.root = HERE.parent
    os.environ['MUSTER_TEST_REAL'] = str(args.build / 'tests/real')
    if args.seed is None:
        args.seed = random.SystemRandom().randrange(1 << 30)
    os.umask(0o022)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))     # so that folders are removed
    if args.inside:
        return session.inside(args)

    tests = collect.collect(args)
    if args.list:
        for t in tests:
            print(t.name)
        return 0
    print(f'seed {args.seed}', flush=True)
    results = report.Results(args.verbose)
    session.run_all(tests, args, results)
    return results.finish()


if __name__ == '__main__':
    sys.exit(main())
