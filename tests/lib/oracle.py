# SPDX-License-Identifier: GPL-2.0-or-later
"""Linux as the oracle: what a program says, leaves and returns must not depend on where it ran."""
import hashlib
import json
import os
import pathlib
import random
import shutil
import stat
import subprocess
import time

import process

ROUNDS = 2              # of test() in tests/abi/*.c
MOVES_SECONDS = 0.5     # at home, of a program that will be moved: its rounds are chosen for that
ROUNDS_MAX = 100
PAUSE = 0.1             # seconds between moves, at most
references = {}         # (path, rounds) -> Outcome at home


class Outcome:
    def __init__(self, run, files):
        self.run, self.files = run, files


def snapshot(folder):
    """Every file below folder: path -> type, mode, and content or target."""
    found = {}
    for root, dirs, files in os.walk(folder):
        for name in dirs + files:
            path = os.path.join(root, name)
            st = os.lstat(path)
            kind = stat.filemode(st.st_mode)
            if stat.S_ISLNK(st.st_mode):
                kind += ' -> ' + os.readlink(path)
            elif stat.S_ISREG(st.st_mode):
                with open(path, 'rb') as f:
                    kind += f' {st.st_size} bytes {hashlib.sha256(f.read()).hexdigest()[:16]}'
            found[os.path.relpath(path, folder)] = kind
    return found


def environment(rounds):
    env = {k: os.environ[k] for k in os.environ if k.startswith('MUSTER_') or k == 'PATH'}
    env.update(LC_ALL='C', TZ='UTC', HOME='/', ABI_ROUNDS=str(rounds), SHELL='/bin/sh')
    return env


def execute(prefix, path, rounds, timeout, work, meanwhile=None):
    """One run in a fresh folder, always of the same name: it may show in the output."""
    folder = pathlib.Path(work) / 'w'
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [path] if not path.endswith('.sh') else ['/bin/bash', path]
    run = process.run(prefix + command, folder, environment(rounds), timeout, meanwhile)
    return Outcome(run, snapshot(folder))


def text(data, limit=3000):
    s = data.decode(errors='backslashreplace')
    return s if len(s) <= limit else s[:limit // 2] + '\n[...]\n' + s[-limit // 2:]


def first_difference(want, got):
    a, b = want.split(b'\n'), got.split(b'\n')
    for i, (x, y) in enumerate(zip(a, b)):
        if x != y:
            return f'line {i + 1} at home: {text(x, 300)}\nline {i + 1} here:    {text(y, 300)}'
    more, where = (a[len(b):], 'missing here') if len(a) > len(b) else (b[len(a):], 'only here')
    return f'{where}: {text(b"/".join(more), 300)}'


def compare(want, got):
    """The differences for people; empty if there are none."""
    found = []
    if got.run.timed_out:
        found.append(f'not done after {got.run.seconds:.0f} s')
    elif want.run.status != got.run.status:
        found.append(f'exit status {got.run.status}, at home {want.run.status}')
    for name in ('out', 'err'):
        a, b = getattr(want.run, name), getattr(got.run, name)
        if a != b:
            found.append(f'std{name} differs: {first_difference(a, b)}')
    for path in sorted(set(want.files) | set(got.files)):
        a, b = want.files.get(path, 'not there'), got.files.get(path, 'not there')
        if a != b:
            found.append(f'file {path}: {b}, at home {a}')
    return found


class Mover:
    """Moves processes of a job at random moments, until it ends."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.log = []
        self.moves = 0

    def processes(self, root):
        out = subprocess.run(['mps', '-j'], capture_output=True, timeout=30).stdout
        try:
            procs = json.loads(out or b'[]')
        except ValueError:
            self.log.append(f'mps -j printed no JSON: {text(out, 200)}')
            return []
        mine = set(process.children_of(root)) | {root}
        return [p for p in procs if p['pid'] in mine and p.get('state') != 'Z']

    def __call__(self, popen):
        deadline = time.monotonic() + 280
        while popen.poll() is None and time.monotonic() < deadline:
            time.sleep(self.random.uniform(0, PAUSE))
            procs = self.processes(popen.pid)
            if not procs:
                continue
            proc = self.random.choice(sorted(procs, key=lambda p: p['pid']))
            places = [n for n in ('home', '1', '2') if n != str(proc.get('node'))]
            to = self.random.choice(places)
            r = subprocess.run(['migrate', str(proc['pid']), to], capture_output=True, timeout=120)
            said = text(r.stdout + r.stderr, 300).strip().replace('\n', ' | ')
            self.log.append(f"{proc['pid']} ({proc.get('comm')}) {proc.get('node')} -> {to}: {r.returncode} {said}")
            self.moves += r.returncode == 0


class Watcher:
    """Looks now and then where a job's processes are, and why they came home: a test that passes because
    everything retreated at once shows little, and `-v` tells."""

    def __init__(self):
        self.seen = {}

    def __call__(self, popen):
        deadline = time.monotonic() + 280
        while popen.poll() is None and time.monotonic() < deadline:
            out = subprocess.run(['mps', '-j'], capture_output=True, timeout=30).stdout
            mine = set(process.children_of(popen.pid))
            for p in json.loads(out or b'[]'):
                if p['pid'] in mine:
                    key = (p.get('comm'), p.get('node'), p.get('why', ''))
                    self.seen[key] = self.seen.get(key, 0) + 1
            time.sleep(0.05)

    def text(self):
        return '\n'.join(f'seen {n} times: {comm} on {node}{": " if why else ""}{why}'
                         for (comm, node, why), n in sorted(self.seen.items(), key=str))


def reference(path, rounds, args, work):
    key = (path, rounds)
    if key not in references:
        references[key] = execute([], path, rounds, args.timeout, work)
    return references[key]


def check(test, args, work):
    """Runs one abi or real test; returns (outcome, text)."""
    rounds = ROUNDS
    want = reference(test.path, rounds, args, work)
    if test.how == 'moves' and not test.path.endswith('.sh') and not want.run.timed_out:
        rounds = max(8, min(ROUNDS_MAX, int(MOVES_SECONDS * ROUNDS / max(want.run.seconds, 0.001))))
        want = reference(test.path, rounds, args, work)
    if want.run.timed_out or b'FAIL tests/abi' in want.run.out or want.run.status in (126, 127):
        return 'failed', f'at home, status {want.run.status}:\n{text(want.run.out + want.run.err)}'
    mover = Mover(f'{args.seed}/{test.name}') if test.how == 'moves' else None
    prefix = {'home': [], 'node': ['mosrun', '--node', '1', '--'], 'moves': ['mosrun', '--']}[test.how]
    if mover and mover.random.random() < 0.5:
        prefix = ['mosrun', '--node', '2', '--']
    watcher = Watcher() if test.how == 'node' and args.verbose else None
    got = execute(prefix, test.path, rounds, args.timeout, work, mover or watcher)
    found = compare(want, got)
    said = ''
    if mover:
        said = f'{mover.moves} moves of {len(mover.log)} tried\n' + '\n'.join(mover.log[-25:])
    if watcher:
        said = watcher.text()
    if not found:
        return 'passed', said
    return 'failed', '\n'.join([*found, 'stdout: ' + text(got.run.out, 1500), 'stderr: ' + text(got.run.err, 1500), said])
