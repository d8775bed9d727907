#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: none
"""The deputy against a scripted node: what it does with every request, and with wrong ones.

Usage: deputy.py [BIN [name...]]. Each test is a function here, named after what it proves. BIN: the
folder of the programs.
"""
import os
import pty
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))

from scripted_node import BAD, HDR, IN, Node, OUT, RET, W  # noqa: E402

BIN = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build/bin"))
RUN = tempfile.mkdtemp(prefix="muster-test-")
ENV = dict(os.environ, MUSTER_RUNTIME_DIR=RUN, PATH=BIN + ":" + os.environ["PATH"])


class Job:
    """mosrun --node on a fake node; by default the guest is there when it returns."""

    def __init__(self, *argv, guest=True, node=None, **kw):
        self.node = node or Node()
        kw.setdefault("stdin", subprocess.PIPE)
        kw.setdefault("stdout", subprocess.PIPE)
        kw.setdefault("stderr", subprocess.PIPE)
        self.p = subprocess.Popen(["mosrun", "--node", self.node.addr, "--", *argv], env=ENV, **kw)
        if guest:
            self.s = self.node.accept()
            self.g = self.s.take_guest()

    def wait(self, timeout=120):
        out, err = self.p.communicate(timeout=timeout)
        return self.p.returncode, out, err


def eq(got, want):
    assert got == want, f"got {got!r}, want {want!r}"


def waits(pid):
    """Its state letter in /proc."""
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rsplit(") ", 1)[1][0]


# --- calls ---

def getppid_is_the_real_one():
    j = Job("true")
    with open(f"/proc/{j.g.tid}/stat") as f:
        eq(j.g.ret(110), int(f.read().rsplit(") ", 1)[1].split()[1]))
    j.g.exit(3)
    eq(j.wait(), (3, b"", b""))


def write_and_read_reach_the_pipes():
    j = Job("cat")
    eq(j.g.write(1, b"hello\n"), 6)
    j.p.stdin.write(b"abcdef")
    j.p.stdin.flush()
    eq(j.g.read(0, 4), b"abcd")
    eq(j.g.read(0, 100), b"ef")
    j.g.exit(0)
    eq(j.wait()[:2], (0, b"hello\n"))


def a_megabyte_goes_both_ways():
    j = Job("cat", stdout=subprocess.DEVNULL)
    data = os.urandom(3 << 20)
    with tempfile.NamedTemporaryFile() as f:
        fd, _ = j.g.call(2, [0, os.O_RDWR, 0], [(0, IN, f.name.encode() + b"\0")])
        assert fd >= 0
        eq(j.g.write(fd, data), len(data))
        eq(j.g.ret(8, fd, 0, 0), 0)
        eq(j.g.read(fd, len(data) + 1000), data)
    j.g.exit(0)
    eq(j.wait()[0], 0)


def errors_come_back_as_linux_says_them():
    j = Job("cat")
    eq(j.g.ret(3, 77), -9)
    eq(j.g.call(2, [0, 0, 0], [(0, IN, b"/nonexistent\0")])[0], -2)
    eq(j.g.read(77, 10), -9)
    j.g.exit(0)
    j.wait()


def a_bad_buffer_ends_where_the_program_s_memory_did():
    j = Job("cat")
    # 10 bytes exist, 5000 are wanted: write(2) to a pipe takes what it can, or says EFAULT.
    ret, _ = j.g.call(1, [1, 0, 5000], [(1, IN | BAD, b"0123456789")])
    eq(ret, -14)
    r, w = os.pipe()
    ret, out = j.g.call(22, [0], [(0, OUT | BAD, 4)])
    eq(ret, -14)
    ret, out = j.g.call(22, [0], [(0, OUT, 8)])
    eq(ret, 0)
    j.g.exit(0)
    j.wait()


def oneway_calls_are_done_in_order():
    j = Job("cat")
    for i in range(200):
        j.g.oneway(1, [1, 0, 4], [(1, IN, b"%03d\n" % i)])
    j.g.exit(0)
    eq(j.wait()[1], b"".join(b"%03d\n" % i for i in range(200)))


def a_blocking_call_blocks_nobody_else():
    j = Job("cat")
    id_ = j.g.begin(0, [0, 0, 10], [(1, OUT | RET, 10)])
    child = None
    time.sleep(0.1)
    j.p.stdin.write(b"x")
    j.p.stdin.flush()
    eq(j.g.end(id_), (1, [b"x"]))
    child = j.g.child(j.g.fork())
    id_ = j.g.begin(0, [0, 0, 10], [(1, OUT | RET, 10)])
    time.sleep(0.05)
    eq(child.ret(110), j.g.tid)
    j.p.stdin.write(b"y")
    j.p.stdin.flush()
    eq(j.g.end(id_), (1, [b"y"]))
    child.exit(0)
    eq(j.g.signal(), signal.SIGCHLD)
    j.g.exit(0)
    eq(j.wait()[0], 0)


# --- signals ---

def a_signal_is_forwarded_and_the_call_goes_on():
    j = Job("cat")
    id_ = j.g.begin(0, [0, 0, 10], [(1, OUT | RET, 10)])
    time.sleep(0.05)
    os.kill(j.g.tid, signal.SIGUSR1)
    eq(j.g.signal(), signal.SIGUSR1)
    j.p.stdin.write(b"late")
    j.p.stdin.flush()
    eq(j.g.end(id_), (4, [b"late"]))
    j.g.exit(0)
    eq(j.wait()[0], 0)


def a_signal_shows_while_the_guest_computes():
    j = Job("cat")
    time.sleep(0.1)
    for sig in (signal.SIGUSR1, signal.SIGTERM, signal.SIGCHLD, signal.SIGRTMIN + 3):
        os.kill(j.g.tid, sig)
        eq(j.g.signal(timeout=2), sig)
    eq(j.g.ret(110) > 0, True)
    j.g.exit(signo=signal.SIGTERM)
    eq(j.wait()[0], -signal.SIGTERM)


def abort_ends_a_call_with_the_kernel_s_code():
    j = Job("cat")
    id_ = j.g.begin(0, [0, 0, 10], [(1, OUT | RET, 10)])
    time.sleep(0.05)
    j.g.abort(id_)
    eq(j.g.end(id_)[0], -512)
    id_ = j.g.begin(271, [0, 0, 0, 0, 8])
    time.sleep(0.05)
    os.kill(j.g.tid, signal.SIGUSR2)
    eq(j.g.signal(), signal.SIGUSR2)
    j.g.abort(id_)
    eq(j.g.end(id_)[0], -514)
    eq(j.g.ret(110) > 0, True)
    # One abort too late for a call that is over.
    j.g.abort(id_)
    eq(j.g.ret(110) > 0, True)
    j.g.exit(0)
    eq(j.wait()[0], 0)


def epoll_wait_survives_a_signal_that_the_program_ignores():
    j = Job("cat")
    ep = j.g.ret(291, 0)
    assert ep >= 0
    ev = struct.pack("<IQ", 1, 5)
    eq(j.g.call(233, [ep, 1, 0, 0], [(3, IN, ev)])[0], 0)
    id_ = j.g.begin(232, [ep, 0, 1, -1 & (1 << 64) - 1], [(1, OUT, 12)])
    time.sleep(0.05)
    os.kill(j.g.tid, signal.SIGWINCH)
    eq(j.g.signal(), signal.SIGWINCH)
    time.sleep(0.05)
    j.p.stdin.write(b"x")
    j.p.stdin.flush()
    eq(j.g.end(id_), (1, [ev]))
    id_ = j.g.begin(232, [ep, 0, 1, -1], [(1, OUT, 12)])
    j.g.end(id_)
    j.g.exit(0)
    j.wait()


def sigkill_of_the_stub_is_told_to_the_node():
    j = Job("cat")
    os.kill(j.g.tid, signal.SIGKILL)
    j.s.expect("KILL", tid=j.g.tid)
    eq(j.wait()[0], -signal.SIGKILL)


def sigstop_and_sigcont_stop_the_guest():
    j = Job("cat")
    time.sleep(0.05)
    os.kill(j.g.tid, signal.SIGSTOP)
    j.s.expect("STOP", tid=j.g.tid)
    time.sleep(0.1)
    eq(os.waitpid(j.p.pid, os.WUNTRACED)[1] & 0xff, 0x7f)
    # Its calls wait.
    id_ = j.g.begin(110)
    time.sleep(0.1)
    eq(j.s.poll(0), None)
    os.kill(j.g.tid, signal.SIGCONT)
    j.s.expect("CONT", tid=j.g.tid)
    assert j.g.end(id_)[0] > 0
    eq(j.g.signal(), signal.SIGCONT)
    time.sleep(0.1)
    eq(waits(j.p.pid), "S")
    j.g.exit(0)
    eq(j.wait()[0], 0)


def a_stop_by_default_action_reaches_the_parent():
    j = Job("cat", start_new_session=False, preexec_fn=lambda: os.setpgid(0, 0))
    os.kill(j.g.tid, signal.SIGTSTP)
    eq(j.g.signal(), signal.SIGTSTP)
    j.g.stopped(signal.SIGTSTP)
    st = os.waitpid(j.p.pid, os.WUNTRACED)[1]
    eq((os.WIFSTOPPED(st), os.WSTOPSIG(st)), (True, signal.SIGTSTP))
    os.kill(-j.p.pid, signal.SIGCONT)
    j.s.expect("CONT", tid=j.g.tid)
    j.g.exit(4)
    eq(j.wait()[0], 4)


# --- fork, exec, exit ---

def death_by_each_signal_reaches_the_parent():
    for sig in (signal.SIGSEGV, signal.SIGINT, signal.SIGKILL, signal.SIGPIPE, signal.SIGABRT):
        j = Job("cat")
        j.g.exit(signo=sig)
        eq(j.wait()[0], -sig)


def a_child_is_waited_for():
    j = Job("cat")
    child = j.g.child(j.g.fork())
    eq(child.ret(110), j.g.tid)
    id_ = j.g.begin(61, [-1, 0, 0, 0], [(1, OUT, 4)])
    child.write(1, b"child\n")
    child.exit(9)
    ret, out = j.g.end(id_)
    eq((ret, out), (child.tid, [struct.pack("<I", 9 << 8)]))
    grand = j.g.child(j.g.fork())
    grand = grand.child(grand.fork())
    grand.write(1, b"grandchild\n")
    j.g.exit(0)
    eq(j.p.wait(10), 0)
    grand.write(1, b"still here\n")
    grand.exit(0)
    j.s.sock.close()
    eq(j.p.stdout.read(), b"child\ngrandchild\nstill here\n")


def execve_ships_a_fresh_image_to_the_same_node():
    j = Job("cat")
    j.g.execve_begin("/bin/echo", ["echo", "one", "two"], ["A=b"])
    g = j.s.take_guest()
    eq(g.tid, j.g.tid)
    flags = struct.unpack_from("<I", j.s.image["payload"], 4)[0]
    eq(flags & 1, 1)
    with open(f"/proc/{g.tid}/cmdline", "rb") as f:
        eq(f.read(), b"echo\0one\0two\0")
    with open(f"/proc/{g.tid}/environ", "rb") as f:
        eq(f.read(), b"A=b\0")
    g.exit(0)
    eq(j.wait()[0], 0)


def a_failed_execve_leaves_the_guest_alive():
    j = Job("cat")
    eq(j.g.end(j.g.execve_begin("/nonexistent", ["x"]))[0], -2)
    eq(j.g.end(j.g.execve_begin("/etc/passwd", ["x"]))[0], -13)
    assert j.g.ret(110) > 0
    os.kill(j.g.tid, signal.SIGUSR1)
    eq(j.g.signal(), signal.SIGUSR1)
    j.g.exit(0)
    eq(j.wait()[0], 0)


def a_fresh_image_refused_runs_at_home():
    j = Job("cat")
    j.g.execve_begin("/bin/echo", ["echo", "at", "home"])
    m = j.s.expect("IMG_BEGIN")
    j.s.expect("IMG_COMMIT")
    j.s.send("IMG_REFUSED", struct.pack("<I200s", 3, b"no memory left"), tid=m["tid"])
    j.s.expect("KILL", tid=j.g.tid)
    rc, out, err = j.wait()
    eq((rc, out), (0, b"at home\n"))


def the_first_image_refused_runs_at_home_and_says_so():
    j = Job("echo", "hello", guest=False)
    s = j.node.accept()
    m = s.expect("IMG_BEGIN")
    s.expect("IMG_COMMIT")
    s.send("IMG_REFUSED", struct.pack("<I200s", 3, b"no memory left"), tid=m["tid"])
    rc, out, err = j.wait()
    eq((rc, out), (0, b"hello\n"))
    assert b"no memory left" in err and b"runs at home" in err, err


def nobody_listens_runs_at_home_and_says_so():
    node = Node()
    node.listener.close()
    j = Job("echo", "hello", guest=False, node=node)
    rc, out, err = j.wait()
    eq((rc, out), (0, b"hello\n"))
    assert b"Connection refused" in err, err


def a_node_that_vanishes_before_the_commit_loses_nothing():
    j = Job("echo", "hello", guest=False)
    s = j.node.accept()
    s.expect("IMG_BEGIN")
    s.sock.close()
    rc, out, err = j.wait()
    eq((rc, out), (0, b"hello\n"))


# --- the node misbehaves or dies ---

def a_dead_node_ends_the_job_with_a_message():
    j = Job("cat")
    j.s.sock.close()
    rc, out, err = j.wait()
    eq(rc, -signal.SIGKILL)
    assert b"fake is gone" in err and b"(cat)" in err and b"is lost" in err, err


def a_silent_node_is_given_up_within_seconds():
    j = Job("cat")
    j.s.mute = True
    begin = time.monotonic()
    rc, out, err = j.wait(timeout=120)
    eq(rc, -signal.SIGKILL)
    assert b"no sign of life" in err, err
    assert time.monotonic() - begin < 9


def another_version_is_refused_with_both_named():
    j = Job("echo", "hello", guest=False)
    j.node.accept(version=77)
    rc, out, err = j.wait()
    eq((rc, out), (0, b"hello\n"))
    assert b"version 77" in err, err


def nonsense_instead_of_a_greeting():
    j = Job("echo", "hello", guest=False)
    s = j.node.accept(greet=False)
    s.sock.sendall(b"GET / HTTP/1.0\r\n\r\n" + b"x" * 1000)
    rc, out, err = j.wait()
    eq((rc, out), (0, b"hello\n"))


def _ends_session(send):
    j = Job("cat")
    send(j)
    rc, out, err = j.wait()
    eq(rc, -signal.SIGKILL)
    assert b"is lost" in err, err
    return err


def wrong_messages_end_the_session():
    def raw(type_, payload, n=None):
        def send(j):
            j.s.sock.sendall(HDR.pack(len(payload) if n is None else n, type_, 0, j.g.tid, 5) +
                             payload)
        return send

    _ends_session(raw(250, b""))
    _ends_session(raw(W["CALL"], b"", 1 << 30))
    _ends_session(raw(W["CALL"], b"x" * 10))
    _ends_session(raw(W["REPLY"], b"x" * 48))
    _ends_session(raw(W["HELLO"], b"x" * 10))
    _ends_session(raw(W["MMAP"], struct.pack("<QQIIiIQ", 0x500000000000, 4096, 1, 0x12, 0, 0, 0)))
    _ends_session(raw(W["MMAP"], struct.pack("<QQIIiIQ", 0x10000, 4096, 1, 2, 0, 0, 0)))
    # More buffers than there may be; content that does not add up; a fixup outside.
    call = struct.pack("<IHHII6Q", 1, 9, 0, 0, 0, *[0] * 6)
    _ends_session(raw(W["CALL"], call + b"\0" * 72))
    call = struct.pack("<IHHII6Q", 1, 1, 0, 0, 7, *[0] * 6)
    _ends_session(raw(W["CALL"], call + struct.pack("<IBBH", 5, 1, 1, 0) + b"hello"))
    call = struct.pack("<IHHII6Q", 1, 1, 0, 1, 20, *[0] * 6)
    _ends_session(raw(W["CALL"], call + struct.pack("<IBBH", 8, 1, 1, 0) +
                      struct.pack("<HHII", 0, 0, 4, 0) + b"x" * 8))
    _ends_session(raw(W["FORK"], struct.pack("<Q", 0x10000 | 0x100)))


def a_call_that_nodes_may_not_forward_ends_the_session():
    err = _ends_session(lambda j: j.g.begin(101, [0, 0, 0, 0]))
    assert b"do not forward" in err, err


def the_agent_cannot_be_unmapped_by_the_node():
    err = _ends_session(lambda j: j.g.begin(11, [0x4fffffff0000, 0x20000]))
    assert b"not the program's" in err, err


def the_terminal_reads_and_writes():
    pid, fd = pty.fork()
    if pid == 0:
        node = Node()
        p = subprocess.Popen(["mosrun", "--node", node.addr, "--", "cat"], env=ENV)
        s = node.accept()
        g = s.take_guest()
        line = g.read(0, 100)
        g.write(1, b"<" + line + b">")
        g.exit(0)
        os._exit(p.wait())
    time.sleep(0.3)
    os.write(fd, b"typed\n")
    got = b""
    try:
        while b">" not in got:
            got += os.read(fd, 1000)
    except OSError:
        pass
    assert b"<typed\r\n>" in got, got
    os.waitpid(pid, 0)


def mps_lists_it_where_it_runs():
    j = Job("cat")
    time.sleep(0.1)
    out = subprocess.run(["mps"], env=ENV, capture_output=True, text=True).stdout
    assert str(j.g.tid) in out and "cat" in out, out
    out = subprocess.run(["mps", "--why", str(j.g.tid)], env=ENV, capture_output=True, text=True)
    assert "fake" in out.stdout, out
    j.g.exit(0)
    j.wait()


def migrate_moves_a_running_program():
    node = Node()
    p = subprocess.Popen(["mosrun", "sh", "-c", "read x; echo got $x"], env=ENV,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(0.3)
    pid = int(subprocess.check_output(["pgrep", "-P", str(deputy_of(p.pid))]).split()[0])
    m = subprocess.Popen(["migrate", str(pid), node.addr], env=ENV, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True)
    s = node.accept()
    g = s.take_guest()
    out = m.communicate(timeout=120)[0]
    eq(m.returncode, 0)
    assert "frozen" in out, out
    p.stdin.write(b"x")
    p.stdin.flush()
    eq(g.read(0, 1), b"x")
    g.exit(5)
    eq(p.wait(10), 5)


def deputy_of(front):
    return int(subprocess.check_output(["pgrep", "-P", str(front)]).split()[0])


def a_refused_move_leaves_the_program_running():
    node = Node()
    p = subprocess.Popen(["mosrun", "sh", "-c", "read x; echo got $x"], env=ENV,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(0.3)
    pid = int(subprocess.check_output(["pgrep", "-P", str(deputy_of(p.pid))]).split()[0])
    for i in range(3):
        m = subprocess.Popen(["migrate", str(pid), node.addr], env=ENV, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
        if i == 0:
            s = node.accept()
        s.expect("IMG_COMMIT")
        if i == 2:
            s.sock.close()
        else:
            s.send("IMG_REFUSED", struct.pack("<I200s", 3, b"no memory left"), tid=pid)
        out = m.communicate(timeout=120)[0]
        assert m.returncode != 0 and (i == 2 or "no memory left" in out), out
    p.stdin.write(b"x\n")
    p.stdin.flush()
    eq(p.communicate(timeout=120)[0], b"got x\n")


TESTS = [f for n, f in list(globals().items())
         if callable(f) and getattr(f, "__module__", "") == "__main__" and not n.startswith("_") and
         n not in ("eq", "waits", "deputy_of", "Job")]


def main():
    names = sys.argv[2:]
    passed = failed = 0
    for test in TESTS:
        if names and test.__name__ not in names:
            continue
        signal.alarm(40)
        try:
            test()
            passed += 1
            print("ok  ", test.__name__, flush=True)
        except Exception:
            failed += 1
            print("FAIL", test.__name__, flush=True)
            traceback.print_exc()
        signal.alarm(0)
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
