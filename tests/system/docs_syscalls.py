#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: none
"""docs/SYSCALLS.md is what the system-call table says, and each retreat has its reason."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

made = subprocess.run([sys.executable, ROOT / 'docs/gen-syscalls.py'], capture_output=True, text=True, check=True).stdout
if made != (ROOT / 'docs/SYSCALLS.md').read_text():
    sys.exit('docs/SYSCALLS.md is not up to date: make docs')
bare = [line for line in made.split('\n') if line.endswith('| retreat |  |  |')]
if bare:
    sys.exit('retreats without a reason:\n' + '\n'.join(bare))
print(made.split('## The calls')[1].strip().split('\n')[0])
