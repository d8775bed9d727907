#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: 3 --memory=192 --cpus=1 --reboot
"""Orders from home: nodes that take no guests, send them home, start anew and switch off, and nothing is lost by it.

The emulation's nodes are used up: 3 is switched off, 2 starts anew, 1 is for the rest.
"""
import errno
import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
import bad_home  # noqa: E402
from check import BIN, Skip, equal, main, wait_for  # noqa: E402
from jobs import alive, cleanup, console, job_process, logs, nodes, processes, run, spin, start, why  # noqa: E402,F401
from scripted_node import HDR, HELLO, VERSION, W  # noqa: E402

RUNTIME = pathlib.Path(os.environ['MUSTER_RUNTIME_DIR'])
VFORK = pathlib.Path(BIN).parent / 'tests/vfork_prog'
# Adds up lines of input; at the end shows its memory of so many MB by a checksum.
COUNT = '''
import sys, zlib
data = b"".join(b"%7d\\n" % i for i in range(int(sys.argv[1]) << 17))
print("ready", flush=True)
n = 0
for line in sys.stdin:
    n += int(line)
    print(n, flush=True)
print(zlib.crc32(data), len(data), flush=True)
'''
# Four processes that compute, and one that waits for them.
FAMILY = '''
import os, time
def work(n):
    x = n
    for i in range(200000):
        x = (x * 31 + i) % 1000003
    return x
print("ready", flush=True)
for n in range(4):
    if os.fork() == 0:
        end = time.monotonic() + 3
        while time.monotonic() < end:
            x = work(n)
        os._exit(x % 251)
print(sorted(os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(4)), flush=True)
'''


def mosctl(*argv, status=0, timeout=240):
    r = run('mosctl', *argv, timeout=timeout)
    equal(r.returncode, status, (argv, r.stdout, r.stderr))
    return r.stdout.decode() + r.stderr.decode()


def program(text, *args, on=None):
    prefix = ('mosrun', '--node', str(on), '--') if on else ()
    p = start(*prefix, '/usr/bin/python3', '-c', text, *map(str, args), stdin=subprocess.PIPE)
    equal(p.stdout.readline(), b'ready\n')
    return p


def counts(p, n):
    p.stdin.write(b'%d\n' % n)
    p.stdin.flush()
    return int(p.stdout.readline())


def ends_as_at_home(p, text, *args):
    """The rest of what it says is what it says at home."""
    other = program(text, *args)
    want = other.communicate(timeout=120)[0]
    got, err = p.communicate(timeout=120)
    equal((p.returncode, got), (0, want), err)


def seen(number, key, otherwise=None):
    """What is announced; a node that is just not heard has nothing."""
    return nodes().get(number, {}).get(key, otherwise)


def qemu(number):
    return int((RUNTIME / f'node{number}.pid').read_text())


def is_home(pid):
    return all(p['node'] in ('home', 0) for p in processes() if p['pid'] == pid)


# --- looking ---

def test_status_of_a_node_by_number_name_and_address():
    text = mosctl('status', '1')
    for wanted in (r'name +node1\n', r'address +\S+/24', r'uptime +0 days', r'guests +0, new ones are accepted',
                   r'memory +\d+ of \d+ MB free', r'time +20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC'):
        assert re.search(wanted, text), f'{wanted} is not in {text}'
    n = nodes()[1]
    for which in ('node1', f'{n["address"]}:{n["port"]}', '1,node1'):
        assert 'node1' in mosctl('status', which)
    both = mosctl('status', '1,2')
    assert 'node1: name      node1\n' in both and 'node2: name      node2\n' in both, both
    equal(mosctl('-q', 'status', 'all'), '')


def test_the_log_has_the_time_of_day_and_orders():
    mosctl('accept', '1', 'on')
    log = mosctl('log', '1', '300')
    assert re.search(r'clock: 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC by the battery clock', log), log
    assert re.search(r'order: accept on \(.*uid \d+\)', log), log
    assert len(mosctl('log', '1', '3').splitlines()) == 3
    assert 'order: log' not in log
    helps = mosctl('help', '1')
    for line in (pathlib.Path(__file__).resolve().parents[2] / 'proto/orders.def').read_text().splitlines():
        if line.startswith('ORDER('):
            assert line[6:].split(',')[0] in helps, (line, helps)


# --- guests ---

def test_a_closed_node_takes_no_new_guests_and_keeps_those_it_has():
    here = program(COUNT, 1, on=1)
    assert 'refused' in mosctl('accept', '1', 'off')
    r = run('mosrun', '--node', '1', '--', 'uname', '-n')
    assert b'node1: the node takes no guests' in r.stderr, r.stderr
    other, pid = spin(2)
    r = run('migrate', str(pid), '1')
    assert r.returncode == 1 and b'takes no guests' in r.stderr, r.stderr
    assert alive(pid)
    wait_for(lambda: seen(1, 'closed'), 10, 'it is announced')
    assert '(closed)' in run('muster', 'nodes').stdout.decode()
    equal([counts(here, i) for i in (1, 2)], [1, 3])
    assert 'accepted' in mosctl('accept', '1', 'on')
    wait_for(lambda: seen(1, 'closed') is False, 10, 'it is announced')
    equal(run('migrate', str(pid), '1').returncode, 0)
    ends_as_at_home(here, COUNT, 1)


def test_expelled_guests_run_on_at_home_and_finish_right():
    counter = program(COUNT, 8, on=1)
    family = program(FAMILY, on=1)
    sleeper = start('mosrun', '--node', '1', '--', '/usr/bin/sleep', '1000')
    spinner, pid = spin(1)
    counts(counter, 5)
    asleep = job_process(sleeper, 1)['pid']
    text = mosctl('expel', '1')
    assert re.search(r'sent home: \d+; no guest is left', text), text
    assert 'guests    0, new ones are accepted' in mosctl('status', '1')
    assert is_home(pid) and is_home(asleep), processes()
    assert 'the node was told to send its guests home' in why(pid), why(pid)
    equal(counts(counter, 7), 12)
    ends_as_at_home(counter, COUNT, 8)
    ends_as_at_home(family, FAMILY)
    assert spinner.poll() is None and sleeper.poll() is None
    # And it takes others again, the same one too.
    equal(run('migrate', str(pid), '1').returncode, 0)
    assert 'there is no guest' not in mosctl('expel', '1')
    assert 'there is no guest' in mosctl('expel', '1')


def test_a_node_is_empty_only_when_home_has_the_memory_too():
    """With a home that takes its time, and another whose guest is half here when the node begins to send all home."""
    p, half = bad_home.Peer(), bad_home.Peer()
    p.send(bad_home.image())
    bad_home.runs(p)
    half.send(bad_home.image(commit=False))
    order = start('mosctl', 'expel', '1')
    assert p.next('IMG_COMMIT'), 'it does not go home'
    p.send(bad_home.frame('IMG_RUNNING', b'', bad_home.PID))
    while (line := order.stdout.readline()) != b'all have left; the memory of 1 is still on its way home\n':
        assert line.startswith(b'still here'), line     # what another test has left
    half.send(bad_home.frame('IMG_COMMIT', b'', bad_home.PID))
    assert b'takes no guests' in half.next('IMG_REFUSED')[1]
    equal(order.poll(), None)
    p.send(bad_home.frame('IMG_DONE', b'', bad_home.PID))
    equal(order.wait(60), 0)
    said = order.stdout.read()
    # The guest of a made-up image may also go by itself, before it is asked to: then nobody was sent.
    assert re.search(rb'(sent home: \d+; no guest is left|there is no guest)\n$', said), said
    p.close()
    half.close()


def test_who_cannot_leave_is_named_and_the_machine_stays_on():
    p = start('mosrun', '--node', '1', '--', VFORK, stdin=subprocess.PIPE)
    equal(p.stdout.readline(), b'waits\n')
    text = mosctl('poweroff', '1', status=1)
    assert 'not gone home' in text and 'vfork_prog' in text and 'stays on' in text, text
    assert alive(qemu(1))
    p.stdin.write(b'x')
    p.stdin.close()
    equal((p.stdout.read(), p.wait(60)), (b'child said 7\n', 0))
    assert 'guests    0, new ones are accepted' in mosctl('status', '1')


# --- the network and the settings ---

def test_names_neighbours_and_cards():
    mosctl('name', '2', 'box2')
    wait_for(lambda: seen(2, 'name') == 'box2', 20, 'the new name')
    assert 'box2' in mosctl('status', 'box2')
    mosctl('name', 'box2', 'node2')
    wait_for(lambda: seen(2, 'name') == 'node2', 20, 'the old name')
    assert 'name wants' in mosctl('name', '2', 'a b', status=1)
    if nodes()[1]['address'].startswith('10.77.'):      # else each has a network of its own
        wait_for(lambda: {'node2', 'node3'} <= set(mosctl('nodes', '1').split()), 20, 'node1 hears the others')
    cards = mosctl('card', '1')
    assert re.search(r'eth0 +\S+ .*link up, in use', cards), cards
    assert 'there is no eth7' in mosctl('card', '1', 'eth7', status=1)
    assert 'card wants' in mosctl('card', '1', 'tape', status=1)


def test_settings_are_changed_by_name_and_form():
    assert 'holds from the next start' in mosctl('set', '1', 'home=10.9.8.7')
    assert re.search(r'^home=10.9.8.7 +\(not saved\)$', mosctl('settings', '1'), re.M)
    assert 'home wants: home=A.B.C.D' in mosctl('set', '1', 'home=there', status=1)
    assert 'no setting colour' in mosctl('set', '1', 'colour=red', status=1)
    assert 'set wants' in mosctl('set', '1', 'home', status=1)
    mosctl('set', '1', 'home=')
    assert re.search(r'^home=( |$)', mosctl('settings', '1'), re.M)
    # A kernel that QEMU has loaded has no file.
    assert len(mosctl('save', '1', status=1)) > 20


def test_a_new_address_comes_after_the_guests_have_gone_home():
    before = nodes()[2]['address']
    if not before.startswith('10.77.'):
        raise Skip("behind QEMU's NAT the address is fixed")
    p = program(COUNT, 4, on=2)
    equal(counts(p, 3), 3)
    for wrong in (('10.0.0.300/24',), ('dhcp', '10.0.0.1'), ('10.0.0.1/24', '10.0.0.2', 'x'), ()):
        assert 'ip wants' in mosctl('ip', '2', *wrong, status=1)
    assert 'from now on: 10.77.0.99/24' in mosctl('ip', '2', '10.77.0.99/24')
    equal(counts(p, 4), 7)
    wait_for(lambda: seen(2, 'address') == '10.77.0.99', 30, 'the new address')
    assert '10.77.0.99/24' in mosctl('status', '2')
    mosctl('ip', '2', before + '/24')
    wait_for(lambda: seen(2, 'address') == before, 30, 'the old address')
    ends_as_at_home(p, COUNT, 4)


# --- several at once, and what is no order ---

def test_two_mosctl_at_the_same_time():
    failed = []

    def loop(*argv):
        for _ in range(15):
            r = run('mosctl', *argv)
            if r.returncode:
                failed.append((argv, r.stderr))
    threads = [threading.Thread(target=loop, args=a) for a in (('accept', '1', 'off'), ('accept', '1', 'on'),
                                                               ('status', '1'), ('expel', '1'))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal(failed, [])
    mosctl('accept', '1', 'on')
    wait_for(lambda: seen(1, 'closed') is False, 10, 'what was said last is announced')


def frame(type_, payload=b'', id_=0, length=None):
    return HDR.pack(len(payload) if length is None else length, W[type_], 0, 0, id_) + payload


def order(line, id_):
    return frame('ORDER', line.ljust(256, b'\0'), id_)


class Peer:
    """A home that speaks for itself."""

    def __init__(self, greet=True):
        n = nodes()[1]
        self.sock = socket.create_connection((n['address'], n['port']), timeout=120)
        self.buf = b''
        if greet:
            self.sock.sendall(frame('HELLO', HELLO.pack(0x5453554d, VERSION, 1, b'i' * 16, b'peer', 1, 2, 3, 0, 0, 1, 0, 0,
                                                        *[0] * 8, 1, 2)))

    def next(self, *types):
        """The next message of these types: (type, flags, id, payload), None at the end."""
        while True:
            if len(self.buf) >= HDR.size:
                n, type_, flags, _, id_ = HDR.unpack_from(self.buf)
                if len(self.buf) >= HDR.size + n:
                    payload, self.buf = self.buf[HDR.size:HDR.size + n], self.buf[HDR.size + n:]
                    if type_ in [W[t] for t in types]:
                        return type_, flags, id_, payload
                    continue
            try:
                data = self.sock.recv(65536)
            except ConnectionError:
                data = b''
            if not data:
                return None
            self.buf += data

    def ordered(self):
        """(id, result, text) of the next last answer."""
        while True:
            m = self.next('ORDERED')
            if not m or m[1] & 2:
                return m and (m[2], struct.unpack_from('<i', m[3])[0], m[3][8:].decode())


def test_bad_orders_are_refused_and_the_node_lives_on():
    for argv, wanted in ((('fly', '1'), 'no verb fly'), (('accept', '1', 'maybe'), 'accept wants: accept on|off'),
                         (('accept', '1'), 'accept wants'), (('status', '1', 'x'), 'nothing follows'),
                         (('log', '1', '-x'), ''), (('log', '1', '0'), 'log wants'), (('accept', '1', 'a\nb'), 'one line'),
                         (('reboot', '1', 'later'), 'reboot wants'), (('accept', '1', 'x' * 400), 'at most'),
                         (('status', '77'), 'node 77: not heard'), (('status',), 'which node'), ((), 'which verb')):
        r = run('mosctl', *argv)
        assert r.returncode in (1, 2, 3) and wanted in (r.stdout + r.stderr).decode(), (argv, r)
    for data, greet in ((frame('ORDER', b'x' * 256), True), (frame('ORDER', b'a\nb'.ljust(256, b'\0')), True),
                        (frame('ORDER', b'\x1b[2J'.ljust(256, b'\0')), True), (frame('ORDER', b'status\0'), True),
                        (frame('ORDER', b'', length=1 << 30), True), (frame('ORDERED', bytes(8)), True),
                        (order(b'status', 1), False)):
        p = Peer(greet)
        p.sock.sendall(data)
        assert p.next('REFUSE'), data[:40]
        p.sock.close()
    p = Peer()
    for i, line in enumerate((b'', b' ', b'fly', b'\xff\xfe', b'status now', b'help ' * 50)):
        p.sock.sendall(order(line, i + 1))
        id_, result, text = p.ordered()
        equal((id_, result), (i + 1, -errno.EINVAL), text)
        assert text, line
    p.sock.close()
    assert 'name      node1' in mosctl('status', '1')


def test_more_orders_than_can_be_under_way():
    """Each is answered, by its number: carried out, or with the word that there are too many."""
    p = Peer()
    p.sock.sendall(b''.join(order(b'log 200', i + 1) for i in range(300)))
    answers = {}
    while len(answers) < 300:
        id_, result, text = p.ordered()
        assert id_ not in answers
        answers[id_] = result
        assert result in (0, -errno.EAGAIN), (result, text)
    assert 0 in answers.values()
    # One that leaves without waiting for its answers.
    q = Peer()
    q.sock.sendall(b''.join(order(b'log 500', i + 1) for i in range(100)))
    q.sock.close()
    p.sock.sendall(order(b'help', 1000))
    wait_for(lambda: p.ordered()[0] == 1000, 20, 'an answer')
    p.sock.close()
    assert 'panic' not in console(1)


def test_a_node_that_takes_orders_only_at_its_menu():
    script = 'mosctl status 1; echo $?; mosctl poweroff 1 now; echo $?; mosctl log 1; mosrun --node 1 -- echo served'
    r = run('muster', 'emulate', '-q', '1', '--memory=64', '--cpus=1', '--append=control=menu', '--', 'sh', '-c', script,
            timeout=240)
    equal(r.stdout.decode().splitlines()[-4:][1::2] and r.stdout.decode().split('\n')[-2], 'served')
    equal(r.stdout.decode().count('only at its own menu'), 3)
    equal([x for x in r.stdout.decode().splitlines() if x.isdigit()], ['1', '1'])


# --- the machine ---

def test_a_node_starts_anew_after_its_guests_have_gone_home():
    p = program(COUNT, 8, on=2)
    equal(counts(p, 3), 3)
    before = nodes()[2]['uptime_ms']
    assert 'the node starts anew' in mosctl('reboot', '2')
    equal(counts(p, 4), 7)
    wait_for(lambda: seen(2, 'uptime_ms', before) < before, 60, 'it is there again')
    equal(console(2).count('muster: node up'), 2)
    said = (logs() / 'musterd.log').read_text()
    assert 'node 2 (node2' in said and 'says goodbye' in said and 'is back' in said, said
    equal(run('mosrun', '--node', '2', '--', 'echo', 'served').stdout, b'served\n')
    ends_as_at_home(p, COUNT, 8)


def test_a_node_switches_off_after_its_guests_have_gone_home():
    p = program(COUNT, 16, on=3)
    spinner, pid = spin(3)
    equal(counts(p, 3), 3)
    machine = qemu(3)
    orders = [start('mosctl', 'poweroff', '3') for _ in range(2)]
    said = [(o.wait(240), (o.stdout.read() + o.stderr.read()).decode()) for o in orders]
    assert any(s == 0 and 'the node switches off' in text for s, text in said), said
    assert all(s == 0 or 'going down already' in text or 'switches off' in text for s, text in said), said
    wait_for(lambda: not alive(machine), 20, 'the machine is off')
    assert is_home(pid) and spinner.poll() is None
    assert 'the node switches off' in why(pid), why(pid)
    spinner.kill()
    equal(counts(p, 4), 7)
    ends_as_at_home(p, COUNT, 16)
    wait_for(lambda: 3 not in nodes(), 10, 'it is not listed')
    off = [n for n in json.loads(run('muster', 'nodes', '-j', '--all').stdout) if not n['alive']]
    equal([(n['number'], n['name'], n['mac']) for n in off], [(3, 'node3', '52:54:00:77:00:03')])
    assert 'node3' in run('muster', 'nodes', '--all').stdout.decode()
    mosctl('status', '3', status=3)
    wait_for(lambda: 'name=node3\tmac=52:54:00:77:00:03' in (RUNTIME / 'nodes').read_text(), 10, 'it is remembered')


def listener(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        s.bind(('', port))
    except PermissionError as e:
        raise Skip(f'UDP port {port}: {e}')
    s.settimeout(60)
    return s


def test_wake_sends_the_magic_packet():
    """To the node that is off, by what is remembered of it, and to an address that is given."""
    hears = [listener(9), listener(7)]
    for which, mac in (('3', '525400770003'), ('node3', '525400770003'), ('02:00:5e:10:0a:0B', '02005e100a0b')):
        assert 'told' in mosctl('wake', which)
        for s in hears:
            equal(s.recv(2048), b'\xff' * 6 + bytes.fromhex(mac) * 16, which)
    assert 'is up' in mosctl('wake', '1')
    assert 'not remembered' in mosctl('wake', '9', status=3)
    for s in hears:
        s.settimeout(0.5)
        try:
            raise AssertionError(f'nobody else is told: {s.recv(2048)}')
        except TimeoutError:
            pass


def test_poweroff_now_does_not_wait():
    p = start('mosrun', '--node', '1', '--', VFORK, stdin=subprocess.PIPE)
    equal(p.stdout.readline(), b'waits\n')
    machine, begin = qemu(1), time.monotonic()
    assert 'the node switches off' in mosctl('poweroff', '1', 'now')
    wait_for(lambda: not alive(machine), 20, 'the machine is off')
    assert p.wait(60) != 0
    said = p.stderr.read().decode()
    assert 'the node switches off' in said, said
    print(f'  after {time.monotonic() - begin:.1f} s: {said.strip()}')


if __name__ == '__main__':
    main(globals())
