#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: none
"""The deputy against a scripted node: the stub threads of a process with several threads."""
import ctypes
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
from check import BIN, equal, main, wait_for  # noqa: E402
from scripted_node import IN, Node, OUT, RET  # noqa: E402

RUN = tempfile.mkdtemp(prefix='muster-test-')
ENV = dict(os.environ, MUSTER_RUNTIME_DIR=RUN, PATH=f'{BIN}:{os.environ["PATH"]}')
libc = ctypes.CDLL(None)
THREAD = 0x3d0f00       # the flags of pthread_create(3)
ABORTED = (-512, -513, -514, -516)


class Job:
    def __init__(self, *argv):
        self.node = Node()
        self.p = subprocess.Popen(['mosrun', '--node', self.node.addr, '--', *argv], env=ENV,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.s = self.node.accept(timeout=60)
        self.g = self.s.take_guest(timeout=60)

    def thread(self):
        tid = self.g.fork(THREAD)
        assert tid > 0, tid
        return self.g.child(tid)

    def wait(self):
        out, err = self.p.communicate(timeout=120)
        return self.p.returncode, out, err


def tasks(pid):
    return sorted(int(t) for t in os.listdir(f'/proc/{pid}/task'))


def nice(tid):
    return int(pathlib.Path(f'/proc/{tid}/stat').read_text().rsplit(') ', 1)[1].split()[16])


def alive(*threads):
    """Each has its stub, which answers."""
    for t in threads:
        assert t.ret(110) > 0, t.tid


def state(tid):
    return pathlib.Path(f'/proc/{tid}/stat').read_text().rsplit(') ', 1)[1][0]


def test_each_remote_thread_has_a_thread_at_home():
    j = Job('cat')
    threads = [j.thread() for _ in range(5)]
    equal(tasks(j.g.tid), sorted([j.g.tid] + [t.tid for t in threads]))
    for i, t in enumerate(threads):
        equal(t.ret(141, 0, 0, i + 5), 0, 'setpriority of the calling thread')
    equal([nice(t.tid) for t in [j.g] + threads], [0, 5, 6, 7, 8, 9])
    j.g.exit(3)
    equal(j.wait(), (3, b'', b''))


def test_their_calls_block_one_by_one():
    j = Job('cat')
    a, b = j.thread(), j.thread()
    r = [j.g.begin(0, [0, 0, 10], [(1, OUT | RET, 10)])]
    ids = [t.begin(7, [0, 0, -1], []) for t in (a, b)]      # poll of nothing: for ever
    time.sleep(0.1)
    a.abort(ids[0])
    assert a.end(ids[0])[0] in ABORTED
    alive(a)
    j.p.stdin.write(b'xyz')
    j.p.stdin.flush()
    equal(j.g.end(r[0]), (3, [b'xyz']))
    b.abort(ids[1])
    assert b.end(ids[1])[0] in ABORTED
    j.g.exit(0)
    equal(j.wait()[0], 0)


def test_buffers_of_one_do_not_disturb_another():
    j = Job('cat')
    threads = [j.thread() for _ in range(8)]
    with tempfile.NamedTemporaryFile() as f:
        fd = j.g.call(2, [0, os.O_RDWR, 0], [(0, IN, f.name.encode() + b'\0')])[0]
        data = [os.urandom(300000 + 1000 * i) for i in range(8)]
        ids = [t.begin(18, [fd, 0, len(d), i << 20], [(1, IN, d)])
               for i, (t, d) in enumerate(zip(threads, data))]
        for t, id_, d in zip(threads, ids, data):
            equal(t.end(id_)[0], len(d))
        ids = [t.begin(17, [fd, 0, len(d), i << 20], [(1, OUT | RET, len(d))])
               for i, (t, d) in enumerate(zip(threads, data))]
        for t, id_, d in zip(threads, ids, data):
            equal(t.end(id_), (len(d), [d]))
    j.g.exit(0)
    equal(j.wait()[0], 0)


def maps(pid):
    return pathlib.Path(f'/proc/{pid}/maps').read_text()


def test_changes_of_the_map_are_made_in_the_order_of_the_stream():
    j = Job('cat')
    threads = [j.thread() for _ in range(3)]
    at = 0x10000000
    for i in range(300):
        t, u = threads[i % 3], threads[(i + 1) % 3]
        # One maps and unmaps, the other maps there again, a third asks where that may fail.
        t.oneway(9, [at, 0x3000, 3, 0x32, -1, 0])
        u.oneway(11, [at, 0x3000])
        j.g.oneway(9, [at, 0x1000, 3, 0x32, -1, 0])
        equal(t.ret(26, at, 0x1000, 1), 0, f'msync of what is mapped, round {i}')
        u.oneway(11, [at, 0x1000])
        equal(t.ret(26, at, 0x1000, 1), -12, f'msync of what is not, round {i}')
    j.g.exit(0)
    equal(j.wait()[0], 0)


def test_a_thread_ends_and_the_others_go_on():
    j = Job('cat')
    threads = [j.thread() for _ in range(3)]
    j.s.send('THREAD_EXIT', tid=threads[1].tid)
    wait_for(lambda: threads[1].tid not in tasks(j.g.tid), 10, 'its stub ends')
    alive(threads[2])
    again = j.thread()
    equal(again.write(1, b'here\n'), 5)
    j.g.exit(0)
    equal(j.wait()[:2], (0, b'here\n'))


def test_the_leader_ends_first():
    j = Job('cat')
    t = j.thread()
    j.s.send('THREAD_EXIT', tid=j.g.tid)
    wait_for(lambda: state(j.g.tid) == 'Z', 10, 'the leader ends')
    equal(t.write(1, b'still here\n'), 11)
    fd = t.call(2, [0, 0, 0], [(0, IN, b'/etc/passwd\0')])[0]
    assert fd >= 0, fd
    j.s.send('EXIT', struct.pack('<IIQQ', 0, 7, 0, 0), j.g.tid)
    equal(j.wait()[:2], (7, b'still here\n'))


def test_the_end_of_all_waits_for_nobody():
    j = Job('cat')
    threads = [j.thread() for _ in range(3)]
    for t in threads + [j.g]:
        t.begin(0, [0, 0, 1], [(1, OUT | RET, 1)])
    time.sleep(0.1)
    j.g.exit(9)
    equal(j.wait()[0], 9)


def test_sigkill_is_told_once():
    j = Job('cat')
    [j.thread() for _ in range(3)]
    os.kill(j.g.tid, signal.SIGKILL)
    equal(j.s.expect('KILL')['tid'], j.g.tid)
    equal(j.wait()[0], -signal.SIGKILL)
    try:
        while (m := j.s.poll(1)):
            assert m['type'] != 'KILL', m
    except Exception as e:
        assert type(e).__name__ == 'Gone', e


def test_execve_by_another_thread_takes_the_pid():
    j = Job('cat')
    a, b = j.thread(), j.thread()
    b.begin(0, [0, 0, 1], [(1, OUT | RET, 1)])
    time.sleep(0.05)
    a.execve_begin('/bin/echo', ['echo', 'new'])
    g = j.s.take_guest(timeout=60)
    equal(g.tid, j.g.tid)
    equal(tasks(g.tid), [g.tid])
    equal(pathlib.Path(f'/proc/{g.tid}/comm').read_text(), 'echo\n')
    alive(g)
    g.exit(4)
    equal(j.wait()[0], 4)


def test_a_failed_execve_leaves_all_threads():
    j = Job('cat')
    a = j.thread()
    equal(a.end(a.execve_begin('/nonexistent', ['x']))[0], -2)
    alive(a, j.g)
    j.g.exit(0)
    equal(j.wait()[0], 0)


def test_a_fork_has_one_thread():
    j = Job('cat')
    a, b = j.thread(), j.thread()
    b.begin(0, [0, 0, 1], [(1, OUT | RET, 1)])
    child = a.child(a.fork())
    equal(tasks(child.tid), [child.tid])
    equal(child.ret(110), j.g.tid)
    data = os.urandom(1 << 20)
    with tempfile.NamedTemporaryFile() as f:
        fd = child.call(2, [0, os.O_RDWR, 0], [(0, IN, f.name.encode() + b'\0')])[0]
        equal(child.write(fd, data), len(data))
        equal(pathlib.Path(f.name).read_bytes(), data)
    child.exit(0)
    j.s.expect('SIGNAL')
    j.g.exit(0)
    equal(j.wait()[0], 0)


def test_signals_for_one_thread_and_for_all():
    j = Job('cat')
    a, b = j.thread(), j.thread()
    libc.syscall(234, j.g.tid, b.tid, signal.SIGUSR1)      # tgkill
    m = j.s.expect('SIGNAL')
    equal((m['tid'], struct.unpack_from('<II', m['payload'])), (b.tid, (signal.SIGUSR1, 0)))
    for _ in range(5):
        os.kill(j.g.tid, signal.SIGUSR2)
        m = j.s.expect('SIGNAL')
        equal((m['tid'], struct.unpack_from('<II', m['payload'])), (j.g.tid, (signal.SIGUSR2, 1)))
    j.g.exit(0)
    equal(j.wait()[0], 0)


def test_a_broken_pipe_is_the_writer_s():
    j = Job('cat')
    a = j.thread()
    j.p.stdout.close()
    equal(a.write(1, b'x'), -32)
    m = j.s.expect('SIGNAL')
    equal((m['tid'], struct.unpack_from('<II', m['payload'])), (a.tid, (signal.SIGPIPE, 0)))
    j.g.exit(0)
    j.p.stdout = None
    equal(j.p.wait(timeout=120), 0)


def test_a_timer_signals_the_thread_it_is_for():
    j = Job('cat')
    a, _ = j.thread(), j.thread()
    event = struct.pack('<Qiii44x', 7, signal.SIGRTMIN, 4, a.tid)     # SIGEV_THREAD_ID
    ret, out = j.g.call(222, [1, 0, 0], [(1, IN, event), (2, OUT, 4)])
    equal(ret, 0)
    soon = struct.pack('<QQQQ', 0, 0, 0, 1000000)
    equal(j.g.call(223, [struct.unpack('<i', out[1])[0], 0, 0, 0], [(2, IN, soon)])[0], 0)
    m = j.s.expect('SIGNAL')
    equal((m['tid'], struct.unpack_from('<II', m['payload'])), (a.tid, (signal.SIGRTMIN, 0)))
    j.g.exit(0)
    equal(j.wait()[0], 0)


def test_a_stop_is_told_once():
    j = Job('cat')
    threads = [j.thread() for _ in range(3)]
    for _ in range(3):
        os.kill(j.g.tid, signal.SIGSTOP)
        equal(j.s.expect('STOP')['tid'], j.g.tid)
        wait_for(lambda: {state(t.tid) for t in threads + [j.g]} <= {'T', 't'}, 10, 'all stop')
        os.kill(j.g.tid, signal.SIGCONT)
        # SIGCONT itself tells the node.
        m = j.s.expect('SIGNAL')
        equal((m['tid'], struct.unpack_from('<I', m['payload'])[0]), (j.g.tid, signal.SIGCONT))
        alive(*threads)
    assert not [m for m in j.s.queue if m['type'] in ('STOP', 'CONT', 'SIGNAL')], j.s.queue
    j.g.exit(0)
    equal(j.wait()[0], 0)


def test_thousands_of_threads():
    j = Job('cat')
    threads = [j.thread() for _ in range(2000)]
    equal(len(tasks(j.g.tid)), 2001)
    ids = [t.begin(0, [0, 0, 1], [(1, OUT | RET, 1)]) for t in threads]
    j.p.stdin.write(b'z' * 1000)
    j.p.stdin.flush()
    got = sum(j.s.expect('REPLY', timeout=60)['payload'][:8] == struct.pack('<q', 1) for _ in range(1000))
    equal(got, 1000)
    assert ids
    j.g.exit(0)
    equal(j.wait()[0], 0)


def test_the_last_thread_does_not_end_alone():
    j = Job('cat')
    j.s.send('THREAD_EXIT', tid=j.g.tid)
    status, _, err = j.wait()
    assert status != 0 and b'last thread' in err, (status, err)


def test_an_image_without_all_its_threads_stays_away():
    j = Job('cat')
    a = j.thread()
    image = bytearray(j.s.image['payload'])
    image[4:8] = struct.pack('<I', 2)        # IMG_HOME
    j.s.send('IMG_BEGIN', bytes(image), j.g.tid)
    thread = bytearray(27 * 8 + 80 + 3 * 16)
    struct.pack_into('<I', thread, 27 * 8 + 72, j.g.tid)
    j.s.send('IMG_THREAD', bytes(thread), j.g.tid)
    j.s.send('IMG_COMMIT', tid=j.g.tid)
    why = j.s.expect('IMG_REFUSED')['payload'][4:].split(b'\0')[0]
    assert b'threads' in why, why
    alive(a, j.g)
    j.g.exit(0)
    equal(j.wait()[0], 0)


if __name__ == '__main__':
    main(globals())
