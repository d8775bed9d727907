# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs tests in order: those without nodes here, the others inside an emulation of the nodes they ask for."""
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

import collect
import oracle
import process
import report

SKIP = 77           # a test's exit status for: cannot be done here; its last line says why
NODES_DEAD = 78     # our own, inside: a node is gone, start again with the rest
CONSOLE_LINES = 40


def run_all(tests, args, results):
    groups = {}
    for t in tests:
        groups.setdefault(t.nodes, []).append(t)
    with tempfile.TemporaryDirectory(prefix='muster-tests-') as work:
        os.chmod(work, 0o755)
        args.calls = pathlib.Path(work) / 'calls'
        args.calls.touch()
        args.calls.chmod(0o666)     # also for those who are not root
        for t in groups.pop('none', []):
            run_one(t, args, results, work, None)
        for nodes, group in groups.items():
            run_group(nodes, group, args, results, work)
        results.calls = report.Calls(args.calls.read_text().splitlines())


def tool_env(args):
    env = dict(os.environ)
    env['PATH'] = f"{args.build / 'bin'}:{env['PATH']}"
    env['MUSTER_BUILD'] = str(args.build)
    env['MUSTER_SEED'] = str(args.seed)
    env['MUSTER_ROOT'] = str(args.root)
    if args.calls:
        env['MUSTER_CALLS'] = str(args.calls)
    env.setdefault('MUSTER_THIRD', str(args.root / 'build/third_party'))
    return env


def run_one(test, args, results, work, logs):
    if test.skip:
        results.add(test.name, 'skipped', 0, test.skip)
        return
    start = time.monotonic()
    console = Console(logs)
    if test.kind == 'abi':
        outcome, text = oracle.check(test, args, work)
    else:
        outcome, text = run_program(test, args, work)
    if outcome == 'failed':
        text = text.rstrip('\n') + '\n' + console.since()
    results.add(test.name, outcome, time.monotonic() - start, text)


def run_program(test, args, work):
    folder = pathlib.Path(work) / 'w'
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    argv = [test.path]
    if test.kind == 'system':
        argv = [sys.executable if test.path.endswith('.py') else '/bin/bash', test.path, str(args.build / 'bin')]
    run = process.run(argv, folder, tool_env(args), args.timeout)
    text = oracle.text(run.out + run.err, 8000)
    if run.timed_out:
        return 'failed', f'{text}\nnot done after {args.timeout} s'
    if run.status == SKIP:
        return 'skipped', (text.strip().split('\n') or [''])[-1] or 'no reason given'
    if run.status:
        return 'failed', f'{text}\nexit status {run.status}'
    return 'passed', text


class Console:
    """What the nodes' consoles said since this was made."""

    def __init__(self, folder):
        self.sizes = {p: p.stat().st_size for p in sorted(pathlib.Path(folder).glob('node*.log'))} if folder else {}

    def since(self):
        parts = []
        for path, size in self.sizes.items():
            with open(path, 'rb') as f:
                f.seek(size)
                lines = f.read().decode(errors='replace').replace('\r', '').rstrip('\n').split('\n')
            parts += [f'{path.stem}| {line}' for line in lines[-CONSOLE_LINES:] if line]
        return '\n'.join(parts)


# --- outside: starts emulations until every test of the group has a result ------------------------------------

def run_group(nodes, tests, args, results, work):
    while tests:
        record = pathlib.Path(work) / 'results'
        todo = pathlib.Path(work) / 'todo'
        record.write_text('')
        todo.write_text(json.dumps([t.__dict__ for t in tests]))
        logs = pathlib.Path(work) / 'logs'
        logs.mkdir(exist_ok=True)
        inner = [sys.executable, str(args.root / 'tests/run.py'), '--build', str(args.build), '--seed', str(args.seed),
                 '--timeout', str(args.timeout), '--inside', work] + (['-v'] if args.verbose else [])
        command = [str(args.build / 'bin/muster'), 'emulate', '--keep-logs', str(logs), *shlex.split(args.emulate),
                   *shlex.split(nodes), '--', *inner]
        sys.stdout.flush()
        p = subprocess.run(command, env=tool_env(args), stdin=subprocess.DEVNULL, preexec_fn=process.die_with_parent)
        done = [json.loads(line) for line in record.read_text().splitlines()]
        for name, outcome, reason in done:
            results.count(name, outcome, reason)
        rest = tests[len(done):]
        if p.returncode in (0, NODES_DEAD):
            tests = rest
        elif p.returncode == 99 and done:
            # The panic's report was printed. Whichever test it hit has failed, or none noticed it.
            if not any(outcome == 'failed' for _, outcome, _ in done):
                results.add(f'no node panics ({nodes})', 'failed', 0, f'one did; the last test was {done[-1][0]}')
            tests = rest
        else:
            for t in rest:
                results.add(t.name, 'failed', 0, f'muster emulate {nodes} ended with status {p.returncode}')
            tests = []


# --- inside ---------------------------------------------------------------------------------------------------

def nodes_alive():
    """Every QEMU of this emulation still runs."""
    for path in pathlib.Path(os.environ['MUSTER_RUNTIME_DIR']).glob('node*.pid'):
        try:
            os.kill(int(path.read_text()), 0)
        except ProcessLookupError:
            return False
    return True


def inside(args):
    work = pathlib.Path(args.inside)
    args.calls = work / 'calls'
    results = report.Results(args.verbose, work / 'results')
    for fields in json.loads((work / 'todo').read_text()):
        run_one(collect.Test(**fields), args, results, work, work / 'logs')
        if not nodes_alive():
            print('a node is gone: starting new ones', flush=True)
            return NODES_DEAD
    return 0
