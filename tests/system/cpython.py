#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: 1 --memory=512
"""CPython's own tests on a node, each compared with its result at home.

Without arguments the modules below; by hand, inside `muster emulate 1`, any others:
    tests/system/cpython.py build/bin test.test_os test.test_signal
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

MODULES = ['test_epoll', 'test_fcntl', 'test_mmap', 'test_posix', 'test_pty', 'test_resource', 'test_select', 'test_wait4']
SKIP = 77
# "test_x (test.test_posix.Class.test_x)", perhaps a line of its description, "... ok"
RESULT = re.compile(r'^(\w+ \([\w.]+\)).*?(?:\n[^\n]*?)?\.\.\. (.*)$', re.M)
WORDS = re.compile(r'ok|FAIL|ERROR|skipped|expected failure')


def results(module, *prefix):
    """(exit status, {test: result}, all that was said)"""
    with tempfile.TemporaryDirectory(prefix='muster-cpython-') as folder:
        p = subprocess.run([*prefix, '/usr/bin/python3', '-m', 'unittest', '-v', module], cwd=folder, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace')
    found = {name: (WORDS.search(text) or re.match('', ''))[0] for name, text in RESULT.findall(p.stdout)}
    return p.returncode, found, p.stdout


def main():
    modules = sys.argv[2:] or [f'test.{m}' for m in MODULES]
    if subprocess.run(['/usr/bin/python3', '-c', 'import test.test_posix'], stderr=subprocess.DEVNULL).returncode:
        print('the package libpython3.11-testsuite is not there')
        return SKIP
    failed = 0
    for module in modules:
        status, want, _ = results(module)
        here, got, said = results(module, 'mosrun', '--node', '1', '--')
        different = {n: (want.get(n), got.get(n)) for n in {*want, *got} if want.get(n) != got.get(n)}
        print(f'{module}: {len(got)} tests, {len(different)} differ', flush=True)
        if different or here != status:
            failed += 1
            print(f'  exit status {here}, at home {status}')
            for name, (home, node) in sorted(different.items()):
                print(f'  {name}: {node}, at home {home}')
            print('  ' + '\n  '.join(said.split('\n')[-40:]))
    return 1 if failed else 0


if __name__ == '__main__':
    if not shutil.which('mosrun'):
        os.environ['PATH'] = sys.argv[1] + ':' + os.environ['PATH']
    sys.exit(main())
