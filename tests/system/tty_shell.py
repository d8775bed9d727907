#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: 2
"""An interactive shell on a terminal: what is typed at it at home does the same when it runs on a node.

Linux is the oracle: the same dialogue is held with a shell without mosrun first.
"""
import fcntl
import os
import pathlib
import re
import struct
import sys
import termios

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
from check import equal, main, wait_for  # noqa: E402
from jobs import Terminal, cleanup, processes  # noqa: E402,F401

BASH = ['bash', '--norc', '--noprofile', '-i']
ENV = dict(os.environ, PS1='PROMPT> ', TERM='dumb', HISTFILE='', LC_ALL='C')


class Shell:
    def __init__(self, *prefix):
        self.term = Terminal(*prefix, *BASH, env=ENV)
        self.term.until(b'PROMPT> ')
        self.own = os.tcgetpgrp(self.term.fd)

    def foreground(self, line, says):
        """Begins a line that gives the terminal to a job; keys typed before that are the shell's."""
        self.begin(line, says)
        wait_for(lambda: os.tcgetpgrp(self.term.fd) != self.own, 20, 'the job has the terminal')

    def resize(self, rows, columns):
        fcntl.ioctl(self.term.fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))

    def ask(self, line):
        """Types a line; returns what the terminal shows up to the next prompt, without the line itself."""
        self.term.type(line + b'\r')
        self.term.until(b'\n')
        return self.term.until(b'PROMPT> ').replace(b'\r', b'')

    def key(self, key):
        self.term.type(key)
        return self.term.until(b'PROMPT> ').replace(b'\r', b'')

    def status(self):
        return int(re.search(rb'=(\d+)=', self.ask(b'echo =$?='))[1])

    def begin(self, line, says):
        self.term.type(line + b'\r')
        self.term.until(b'\n')
        self.term.until(says)


def interrupts(sh):
    for key, status in ((b'\x03', 130), (b'\x1c', 131)):
        # The job itself says that it is there: the shell would ignore the key.
        sh.begin(b"sh -c 'echo be\\gun; exec cat'", b'begun')
        sh.key(key)
        equal(sh.status(), status)
        sh.begin(b'echo be""gun; while :; do :; done', b'begun')
        sh.key(b'\x03')
        equal(sh.status(), 130)


def background_and_foreground(sh):
    sh.begin(b"sh -c 'echo be\\gun; exec sleep 1000'", b'begun')
    assert b'Stopped' in sh.key(b'\x1a')
    equal(sh.status(), 148)
    assert re.search(rb'\[1\]\+ +Stopped', sh.ask(b'jobs'))
    assert b'sleep' in sh.ask(b'bg')
    assert re.search(rb'\[1\]\+ +Running', sh.ask(b'jobs'))
    sh.foreground(b'fg', b'sleep')
    assert b'Stopped' in sh.key(b'\x1a')
    sh.foreground(b'fg %1', b'sleep')
    sh.key(b'\x03')
    equal(sh.status(), 130)
    assert b'Stopped' not in sh.ask(b'jobs')
    # Several, ended by kill and awaited.
    sh.ask(b'sleep 1000 & sleep 2000 &')
    assert sh.ask(b'jobs').count(b'Running') == 2
    sh.ask(b'kill %1; wait %1')
    equal(sh.status(), 143)
    sh.ask(b'kill -9 %2; wait %2')
    equal(sh.status(), 137)


def terminal_is_for_the_foreground(sh):
    # Who reads from the background stops until it is brought to the foreground.
    sh.ask(b'cat > got &')
    shown = b''
    while b'Stopped' not in shown:
        shown = sh.ask(b'sleep 0.1; jobs')
    sh.foreground(b'fg', b'cat')
    sh.term.type(b'a line\r')
    sh.term.until(b'a line')
    sh.term.type(b'\x04')
    sh.term.until(b'PROMPT> ')
    equal(sh.ask(b'cat got'), b'a line\n')
    # Who writes does so only with tostop.
    sh.ask(b'stty tostop')
    sh.ask(b'echo from behind &')
    shown = b''
    while b'Stopped' not in shown:
        shown = sh.ask(b'sleep 0.1; jobs')
    sh.term.type(b'fg\r')
    sh.term.until(b'\nfrom behind')
    sh.term.until(b'PROMPT> ')
    sh.ask(b'stty -tostop')


def size_changes(sh):
    sh.resize(33, 77)
    equal(sh.ask(b'stty size'), b'33 77\n')
    equal(sh.ask(b'echo $LINES $COLUMNS'), b'33 77\n')
    sh.begin(b"python3 -uc 'import os, signal; signal.signal(28, lambda *a: print(os.get_terminal_size(), flush=True)); "
             b"print(\"rea\" \"dy\")\nwhile 1: signal.pause()'", b'ready')
    sh.resize(20, 60)
    sh.term.until(b'columns=60, lines=20')
    sh.key(b'\x03')


def pipelines(sh):
    sh.begin(b"sh -c 'echo be\\gun; exec cat' | cat | cat", b'begun')
    sh.term.type(b'through\r')
    sh.term.until(b'through\r\nthrough')
    assert b'Stopped' in sh.key(b'\x1a')
    sh.foreground(b'fg', b'| cat | cat')
    sh.term.type(b'again\r')
    sh.term.until(b'again\r\nagain')
    sh.key(b'\x04')
    equal(sh.ask(b'false | true; echo ${PIPESTATUS[*]}'), b'1 0\n')


def the_end(sh):
    sh.ask(b"trap 'echo good''bye' EXIT")
    sh.term.type(b'exit 7\r')
    sh.term.until(b'goodbye')
    equal(sh.term.wait(), 7)


PARTS = [interrupts, background_and_foreground, terminal_is_for_the_foreground, size_changes, pipelines, the_end]


def dialogue(*prefix):
    sh = Shell(*prefix)
    try:
        for part in PARTS:
            part(sh)
    finally:
        sh.term.close()


def test_at_home():
    dialogue()


def test_under_mosrun():
    dialogue('mosrun', '--')


def test_on_a_node():
    dialogue('mosrun', '--node', '1', '--')


if __name__ == '__main__':
    main(globals())
