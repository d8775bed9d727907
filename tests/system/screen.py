#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: 1
"""The status screen and its menu, as somebody at the machine sees and uses them: on VGA, on a framebuffer, and on
a serial line."""
import os
import pathlib
import re
import select
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
import jobs  # noqa: E402
from check import main, wait_for  # noqa: E402
from medium import CD, ISO, Boot, with_settings  # noqa: E402
from screens import Monitor, Terminal, read_framebuffer  # noqa: E402

_open = []


def cleanup():
    jobs.cleanup()
    while _open:
        _open.pop().close()


def monitor(path):
    m = Monitor(path)
    _open.append(m)
    return m


class Node(Boot):
    """A machine of our own, at whose serial line somebody types."""

    def types(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()


def boot(medium='', **more):
    """(Node, Monitor)."""
    path = f'{os.environ["MUSTER_RUNTIME_DIR"]}/screen-{len(_open)}.monitor'
    b = Node(f'{medium} -monitor unix:{path},server=on,wait=off', **more)
    _open.append(b)
    return b, monitor(path)


def sees(rows, pattern, seconds=10):
    """Waits until a row of what rows() returns has that; the match."""
    shown = []

    def look():
        shown[:] = rows()
        return next((m for m in map(re.compile(pattern).search, shown) if m), None)
    try:
        return wait_for(look, seconds, f'the screen shows {pattern!r}')
    except AssertionError as e:
        raise AssertionError('\n'.join([str(e), *shown])) from None


def test_the_screen_shows_the_node_and_its_guest():
    m = monitor(f'{os.environ["MUSTER_RUNTIME_DIR"]}/node1.monitor')
    sees(m.vga, r'^ Muster node node1 .* up .* Muster \d')
    sees(m.vga, r'Address +10\.[0-9.]+/24 ')
    sees(m.vga, r'Card .*link up')
    _, pid = jobs.spin(1)
    sees(m.vga, r'Guests 1 ')
    user = f'uid {os.getuid()}' if os.getuid() else 'root'
    sees(m.vga, rf'^ python3 .* {pid} +[1-9]\d* % .* {user} of {os.uname().nodename}, \d')
    sees(m.vga, r'Homes +[1-9]\d* connected')
    jobs.cleanup()
    sees(m.vga, r'Guests +none')


def test_the_menu_takes_orders():
    m = monitor(f'{os.environ["MUSTER_RUNTIME_DIR"]}/node1.monitor')
    sees(m.vga, r'Enter: menu')
    m.press('ret')
    sees(m.vga, r'─ Menu ─')
    try:
        m.press('a')
        sees(m.vga, r'─ accept off ─')
        m.press('ret')
        sees(m.vga, r'Homes .*new guests are refused')
        wait_for(lambda: b'takes no ' in jobs.run('mosrun', '--node', '1', 'true').stderr, 20,
                 'a job for a node that takes none is told so')
    finally:
        m.press('esc', 'esc', 'ret', 'a', 'ret')
    sees(m.vga, r'Homes .*new guests are accepted')
    jobs.run('mosrun', '--node', '1', 'true').check_returncode()


def test_the_log_is_shown_and_scrolls():
    m = monitor(f'{os.environ["MUSTER_RUNTIME_DIR"]}/node1.monitor')
    for _ in range(14):     # each leaves two lines or more
        jobs.run('mosrun', '--node', '1', 'true').check_returncode()
    m.press('l')
    sees(m.vga, r'─ Log ─')
    sees(m.vga, r'│home: .* is gone')
    m.press('home')
    sees(m.vga, r'│muster \S+ starts')
    m.press('end')
    wait_for(lambda: not any('starts' in r for r in m.vga()), 5, 'the end of the log')
    m.press('esc')
    sees(m.vga, r'Last messages')


def test_guests_are_sent_home():
    m = monitor(f'{os.environ["MUSTER_RUNTIME_DIR"]}/node1.monitor')
    _, pid = jobs.spin(1)
    sees(m.vga, rf' {pid} ')
    m.press('ret')
    sees(m.vga, r'─ Menu ─')
    m.press('h')
    sees(m.vga, r'sent home: 1', 30)
    m.press('ret')
    sees(m.vga, r'Guests +none')
    # Unless it is to be seen there, mps finds out when home has all of its memory.
    wait_for(lambda: [p['node'] for p in jobs.processes()] == ['home'], 20, 'the guest runs at home')
    assert jobs.alive(pid)


class SerialLine:
    """A machine of our own, and a terminal on its serial line, where somebody has pressed Enter."""

    def __init__(self, words=''):
        self.boot, self.monitor = boot(kernel=f'name=box3 ip=10.0.2.15/24 gw=10.0.2.2 panic=exit {words}')
        self.boot.says('net: announced as')
        self.terminal = Terminal()
        self.fed = len(self.boot.text)
        self.boot.types('\r')
        self.sees(r'^ Muster node box3 ')

    def rows(self):
        out = self.boot.process.stdout
        if select.select([out], [], [], 0)[0]:
            self.boot.text += os.read(out.fileno(), 65536)
        self.terminal.feed(self.boot.text[self.fed:])
        self.fed = len(self.boot.text)
        return self.terminal.rows()

    def sees(self, pattern, seconds=10):
        return sees(self.rows, pattern, seconds)

    def menu(self, key):
        self.boot.types('\r')
        self.sees(r'\+- Menu -')
        self.boot.types(key)


def test_the_same_on_a_serial_line():
    line = SerialLine()
    line.sees(r'Q: the plain log again')
    # Said while the line shows the screen: among its last messages, and in the log afterwards.
    line.monitor.run('set_link net off')
    line.sees(r'Card .*link down', 20)
    line.menu('\x1b[B\x1b[A\r')     # down, up, choose
    line.sees(r'\+- accept off -')
    line.boot.types('\r')
    line.sees(r'Homes .*new guests are refused')
    left = len(line.boot.console())
    line.boot.types('q')
    line.boot.says(r'\n[^\n]*link (is )?down', after=left)
    # Now it is a plain log again.
    line.monitor.run('set_link net on')
    line.boot.says(r'\n[^\n]*link (is )?up', after=left)


def test_an_echo_of_the_log_is_no_enter():
    b, m = boot(kernel='name=box3 ip=10.0.2.15/24 panic=exit')
    b.says('net: announced as')
    b.types('net: announced as\r\nhome: ap\r\n')
    m.run('set_link net off')
    left = b.says(r'\n[^\n]*link (is )?down').end()
    assert b'\x1b' not in b.text, b.text
    b.types('\r')
    b.says('Muster node box3', after=left)


def test_what_is_asked_for_can_be_typed_and_corrected():
    line = SerialLine()
    line.menu('o')
    line.sees(r'The order:')
    line.sees(r'\| *accept on\|off  ')      # the choices
    line.boot.types('acept oo\x7fff' + '\x1b[D' * 8 + 'c')
    line.sees(r'\| accept off ')
    line.boot.types('\r')
    line.sees(r'\+- accept off -')
    line.sees(r'new guests are refused')
    line.boot.types('\r')
    line.menu('o')
    line.boot.types('accept perhaps\r')
    line.sees(r'accept wants: accept on\|off')
    line.boot.types('\x1b')
    line.sees(r'^ Last messages')


def test_name_and_address_can_be_changed():
    line = SerialLine()
    line.menu('m')
    line.boot.types('box9\r\x1b')
    line.sees(r'^ Muster node box9 ')
    line.menu('i')
    line.boot.types('10.0.2.300\r')
    line.sees(r'\+- ip 10\.0\.2\.300 -')
    line.sees(r'10\.0\.2\.300.*|ip wants')
    line.boot.types('\r')
    line.menu('i')
    line.boot.types('10.0.2.77/24 10.0.2.2\r')
    line.sees(r'Address +10\.0\.2\.77/24 ', 20)


def test_a_node_that_must_not_be_changed():
    line = SerialLine('menu=off')
    line.menu('s')
    line.sees(r'\+- settings -')
    line.sees(r'menu=off')
    line.boot.types('\x1b')
    line.sees(r'^ Last messages')
    line.menu('a')
    line.boot.types('p')
    shown = '\n'.join(line.rows())
    assert 'Log' in shown and 'Power' not in shown and 'Accept' not in shown, shown


def test_the_machine_is_switched_off():
    line = SerialLine()
    line.menu('p')
    line.sees(r'Are you sure')
    line.boot.types('n')
    line.sees(r'^ Last messages')
    line.menu('p')
    line.sees(r'Are you sure')
    line.boot.types('y')
    wait_for(lambda: line.boot.process.poll() is not None, 20, 'the machine is off')
    assert line.boot.process.returncode == 0, line.boot.process.returncode


def test_a_framebuffer_shows_the_same():
    out = f'{os.environ["MUSTER_RUNTIME_DIR"]}/screen.iso'
    b, m = boot(CD.format(with_settings(ISO, 'name=box4 ip=10.0.2.15/24 gw=10.0.2.2', out)), uefi=True)
    b.says('net: announced as', 60)

    def rows():
        return read_framebuffer(*m.pixels())

    sees(rows, r'^ Muster node box4 ', 20)
    sees(rows, r'^ Address   10\.0\.2\.15/24 ')
    sees(rows, r'^ net: announced as box4')
    m.press('ret')
    sees(rows, r'│ A +Accept no new guests +│')
    # A machine check: the kernel's last words take the place of the picture, and more can be looked at.
    m.run('mce 0 0 0xbd00000000000000 0x5 0 0')
    sees(rows, r'^stopped\. PgUp')
    assert not any('Muster node' in r for r in rows())
    b.says(r'\*\*\* muster: panic on CPU 0: machine check')
    sees(rows, r'^\*\*\* muster: panic on CPU 0: machine check')


def test_what_a_panic_says_can_be_scrolled():
    b, m = boot(kernel='name=box5 ip=10.0.2.15/24')
    b.says('net: announced as')
    sees(m.vga, r'^ Muster node box5 ')
    m.run('mce 0 0 0xbd00000000000000 0x5 0 0')
    sees(m.vga, r'^stopped\. PgUp')
    assert not any('starts:' in r for r in m.vga())
    m.press('pgup', 'pgup', 'pgup')
    sees(m.vga, r'^muster \S+ starts:')
    m.press('pgdn', 'pgdn', 'pgdn')
    sees(m.vga, r'^stopped\. PgUp')


if __name__ == '__main__':
    main(globals())
