#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: none
"""muster emulate: nodes come up from every image, statuses pass through, and nothing is ever left behind."""
import glob
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
from check import BIN, Skip, equal, main, wait_for  # noqa: E402

LIST = ['muster', 'nodes', '-j']


def emulate(*argv, prefix=()):
    return subprocess.run([*prefix, f'{BIN}/muster', 'emulate', *argv], capture_output=True, text=True, timeout=200)


def names(run):
    equal(run.returncode, 0, run.stderr)
    return [n['name'] for n in json.loads(run.stdout)]


def test_exit_statuses_pass_through():
    for script, want in (('exit 0', 0), ('exit 7', 7), ('kill -TERM $$', 143), ('kill -9 $$', 137)):
        equal(emulate('-q', '0', '--', 'sh', '-c', script).returncode, want, script)
    equal(emulate('0', '--', '/none/such').returncode, 127)
    equal(emulate('0', '--', '/etc/passwd').returncode, 126)
    equal(emulate('x', '--', 'true').returncode, 125)
    equal(emulate('0').returncode, 125)
    equal(emulate('--bridge=none0', '1', '--', 'true').returncode, 125)


def test_output_is_only_the_commands():
    r = emulate('-q', '1', '--', 'sh', '-c', 'echo out; echo err >&2')
    equal((r.stdout, r.stderr), ('out\n', 'err\n'))


def test_three_nodes_and_the_outside_world_is_not_there():
    equal(names(emulate('3', '--cpus=1', '--memory=128', '--', *LIST)), ['node1', 'node2', 'node3'])


def test_each_image_boots():
    for image in 'floppy', 'iso', 'kernel':
        equal(names(emulate('--image', image, '1', '--', *LIST)), ['node1'], image)


def test_as_an_ordinary_user():
    prefix = ()
    if os.geteuid() == 0:
        prefix = ('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'env', 'HOME=/tmp')
        if subprocess.run([*prefix, f'{BIN}/muster', '--version'], capture_output=True).returncode:
            raise Skip(f'an ordinary user cannot reach {BIN}')
    equal(names(emulate('2', '--', *LIST, prefix=prefix)), ['node1', 'node2'])
    equal(names(emulate('--net=user', '--image=floppy', '1', '--', *LIST, prefix=prefix)), ['node1'])


class Joined:
    """Nodes of the user's own cluster, and a user with a runtime folder of his own."""

    def __init__(self, *argv, prefix=(), user=None):
        self.dirs = [tempfile.mkdtemp(prefix='muster-test-') for _ in range(2)]
        self.prefix = prefix
        for d in self.dirs if user is not None else ():
            os.chown(d, user, user)
        self.run = subprocess.Popen([*prefix, f'{BIN}/muster', 'emulate', *argv], env=self.env(0), text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def env(self, user):
        return dict(os.environ, MUSTER_RUNTIME_DIR=self.dirs[user], HOME=self.dirs[user])

    def tool(self, *argv, user=0):
        return subprocess.run([*self.prefix, f'{BIN}/{argv[0]}', *argv[1:]], env=self.env(user), capture_output=True,
                              text=True, timeout=200)

    def names(self, user=0):
        return names(self.tool('muster', 'nodes', '-j', user=user))

    def end(self):
        self.run.send_signal(signal.SIGINT)
        out, err = self.run.communicate(timeout=300)
        equal(self.run.returncode, 0, err)
        return out, err

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.run.kill()
        self.run.wait()
        for d in self.dirs:
            # Those started for the folder's user leave at once when their folder goes.
            for musterd in descendants_marked(d):
                os.kill(musterd, signal.SIGTERM)
            shutil.rmtree(d, ignore_errors=True)


def joined(prefix, user):
    with Joined('2', '--cpus=1', '--memory=128', '--name=lent', prefix=prefix, user=user) as mine:
        for who in 0, 1:
            wait_for(lambda: mine.names(who) == ['lent1', 'lent2'], 30, f'both nodes, heard by user {who}')
        r = mine.tool('mosrun', '--node', 'lent2', '--', 'seq', '3', user=1)
        equal((r.stdout, r.stderr, r.returncode), ('1\n2\n3\n', '', 0))
        guest = subprocess.Popen([*prefix, f'{BIN}/mosrun', '--node', 'lent1', '--', 'sh', '-c',
                                  'echo ready; read word; echo "$word"'], env=mine.env(0), text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        equal(guest.stdout.readline(), 'ready\n')
        out, err = mine.end()
        for word in 'lent1', 'lent2', 'emulated', 'e1000', 'STATE':
            assert word in out, out + err
        equal(guest.communicate('still here\n', timeout=200), ('still here\n', ''), 'a guest when the nodes went')
        equal(guest.returncode, 0)


def test_nodes_of_the_users_own_cluster():
    joined((), None)


def test_nodes_of_an_ordinary_users_own_cluster():
    if os.geteuid():
        raise Skip('this user is one: the test before has shown it')
    joined(('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'), 65534)


def test_nodes_on_an_existing_bridge():
    if os.geteuid():
        raise Skip('only root makes a bridge')
    script = 'ip link add br9 type bridge && ip addr add 10.9.0.1/24 dev br9 && ip link set br9 up && exec "$@"'
    argv = '--bridge=br9', '--memory=64', '--append=ip=10.9.0.7/24', '1'
    with Joined(*argv, prefix=('unshare', '--net', 'sh', '-c', script, 'sh')) as mine:
        started = time.monotonic()
        out = mine.run.stdout.readline() + mine.run.stdout.readline()
        assert '10.9.0.7:' in out and ' up ' in out, (out, time.monotonic() - started)
        mine.end()


def test_a_node_that_does_not_come_up_is_explained():
    r = emulate('--timeout=3', '--append', 'port=7999', '1', '--', 'true')
    equal(r.returncode, 125, r.stderr)
    assert 'node1' in r.stderr, r.stderr
    r = emulate('--image=tape', '1', '--', 'true')
    equal((r.returncode, 'the images are' in r.stderr), (125, True), r.stderr)


def descendants_marked(mark):
    """Processes with this in their environment."""
    found = []
    for p in glob.glob('/proc/[0-9]*/environ'):
        try:
            if mark.encode() in pathlib.Path(p).read_bytes():
                found.append(int(p.split('/')[2]))
        except OSError:
            pass
    return found


def ends_clean(mark, who, sig):
    """Starts an emulation whose command has children in other sessions, sends sig to `who`, looks what is left."""
    env = dict(os.environ, MUSTER_MARK=mark)
    p = subprocess.Popen([f'{BIN}/muster', 'emulate', '2', '--', 'sh', '-c',
                          'sleep 1000 & setsid sleep 1001 & echo up; wait'],
                         env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    equal(p.stdout.readline(), b'up\n')
    time.sleep(0.2)
    session = int(subprocess.run(['pgrep', '-P', str(p.pid)], capture_output=True, text=True).stdout.split()[0])
    os.kill(p.pid if who == 'front' else session, sig)
    status = p.wait(30)
    wait_for(lambda: not descendants_marked(mark), 10, f'{who} {sig}: processes {descendants_marked(mark)}')
    equal(glob.glob(f'/tmp/muster-emulate-{p.pid}-*'), [])
    return status


def test_nothing_is_left_after_any_end():
    for who in 'front', 'session':
        for sig in signal.SIGTERM, signal.SIGHUP, signal.SIGKILL:
            status = ends_clean(f'emulate-{os.getpid()}-{who}-{sig}', who, sig)
            if who == 'front' and sig != signal.SIGKILL:
                equal(status, 128 + sig, f'{who} {sig}')
    links = pathlib.Path('/proc/net/dev').read_text()
    assert 'muster0' not in links and 'tap' not in links, links


def test_a_panic_is_noticed():
    nmi = '''import os, socket, time
s = socket.socket(socket.AF_UNIX)
s.connect(os.environ["MUSTER_RUNTIME_DIR"] + "/node1.monitor")
s.sendall(b"nmi\\n")
time.sleep(3)'''
    r = emulate('1', '--', sys.executable, '-c', nmi)
    if r.returncode == 0 and 'panicked' not in r.stderr:
        raise Skip('an NMI does not make the node panic')
    equal(r.returncode, 99, r.stderr)
    assert 'node1 console|' in r.stderr
    equal(emulate('--allow-panic', '1', '--', sys.executable, '-c', nmi).returncode, 0)


main(globals())
