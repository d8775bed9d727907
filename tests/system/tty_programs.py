#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: 2
"""Full-screen and interactive programs on a terminal, first at home, then on a node: each does its work and ends well."""
import fcntl
import os
import pathlib
import select
import shutil
import struct
import sys
import tempfile
import termios

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
from check import Skip, equal, main  # noqa: E402
from jobs import Terminal, cleanup  # noqa: E402,F401

ENV = dict(os.environ, TERM='vt100', LC_ALL='C', LESS='', HOME='/nonexistent', PYTHONSTARTUP='')
ON_NODE = ['mosrun', '--node', '1', '--']


def on_terminal(program, dialogue):
    """The dialogue with the program, at home and on a node; what it returns must be the same."""
    if not shutil.which(program[0]):
        raise Skip(f'{program[0]} is not installed')
    results = []
    for prefix in ([], ON_NODE):
        with tempfile.TemporaryDirectory() as folder:
            was = os.getcwd()
            os.chdir(folder)
            try:
                pathlib.Path('text').write_text(''.join(f'line {i} of many\n' for i in range(1, 1001)))
                term = Terminal('sh', '-c', 'stty rows 24 columns 80; exec "$@"', 'sh', *prefix, *program, env=ENV)
                try:
                    results.append(dialogue(term))
                finally:
                    term.close()
            finally:
                os.chdir(was)
    equal(results[1], results[0])


def end(term, key=b''):
    """Its exit status; what it still shows must be read, or it would wait for that. key: that ends it, typed until
    it does, because some programs drop keys that come together."""
    try:
        while True:
            if not select.select([term.fd], [], [], 0.3)[0] and key:
                term.type(key)
            elif key or select.select([term.fd], [], [], 30)[0]:
                os.read(term.fd, 4096)
    except OSError:     # all have closed it
        pass
    return term.wait()


def size(term, rows, columns):
    fcntl.ioctl(term.fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))


def test_less():
    def dialogue(term):
        term.until(b'line 23 of many')
        term.type(b' ')
        term.until(b'line 46 of many')
        term.type(b'/line 777\r')
        term.until(b'line 777')
        term.type(b'G')
        term.until(b'line 1000 of many')
        term.type(b'1g')
        term.until(b'line 1 of many')
        size(term, 10, 80)
        term.type(b' ')
        term.until(b'line 18 of many')
        term.type(b'q')
        return end(term)
    on_terminal(['less', 'text'], dialogue)


def test_vi():
    def dialogue(term):
        term.until(b'line 1 of many')
        term.type(b'500G')
        term.until(b'500 of many')
        term.type(b'dd:1\r')
        term.until(b'\x1b[1;1H')
        term.type(b'iinserted text\r\x1b')
        term.until(b'inserted text')
        term.type(b':%s/line 9/row 9/g\r')
        term.type(b':wq\r')
        status = end(term)
        text = pathlib.Path('text').read_text().splitlines()
        equal(text[0], 'inserted text')
        assert 'line 500 of many' not in text and 'row 999 of many' in text
        return status, text
    on_terminal(['vi', '-u', 'NONE', '-n', 'text'], dialogue)


def test_top():
    def dialogue(term):
        term.until(b'load average')
        term.until(b'PID')
        term.type(b' ')
        term.until(b'PID')
        size(term, 30, 100)
        term.type(b' ')
        term.until(b'PID')
        return end(term, b'q')
    on_terminal(['top', '-d', '1'], dialogue)


def test_python():
    def dialogue(term):
        term.until(b'>>> ')
        term.type(b'6 * 7\r')
        term.until(b'\n42')
        term.until(b'>>> ')
        term.type(b'def f(x):\r')
        term.until(b'... ')
        term.type(b'  return x + 1\r\r')
        term.until(b'>>> ')
        term.type(b'sum(f(i) for i in range(100000))\r')
        term.until(b'5000050000')
        term.until(b'>>> ')
        term.type(b'exec("print(chr(42) * 5, flush=True)\\nwhile True: pass")\r')
        term.until(b'*****')
        term.type(b'\x03')
        term.until(b'KeyboardInterrupt')
        term.until(b'>>> ')
        term.type(b'import subprocess; subprocess.run(["sh", "-c", "echo rea\\\\dy; read x; echo got $x; exit 3"]).returncode\r')
        term.until(b'ready')
        term.type(b'an answer\r')
        term.until(b'got an answer')
        term.until(b'\n3')
        term.until(b'>>> ')
        term.type(b'input("name? ")\r')
        term.until(b'name? ')
        term.type(b'me\r')
        term.until(b"'me'")
        term.until(b'>>> ')
        term.type(b'\x04')
        return end(term)
    on_terminal(['/usr/bin/python3', '-q'], dialogue)


if __name__ == '__main__':
    main(globals())
