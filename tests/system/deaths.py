#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: 2 --memory=256
"""How jobs end: the real parent sees what it would have seen at home, and neither home nor node keeps anything.

Linux is the oracle: each way to end is tried without mosrun first.
"""
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
import process  # noqa: E402
from check import equal, main, wait_for  # noqa: E402
from jobs import Kept, SPIN, Terminal, alive, cleanup, processes, run, spin, start  # noqa: E402,F401

ON_NODE = ['mosrun', '--node', '1', '--']
HARMLESS = {signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH}
STOPS = {signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
FATAL = [s for s in range(1, 65) if s not in (32, 33) and s not in HARMLESS | STOPS]

# Each child ends in its own way; the parent prints what wait(2) told.
EVERY_END = '''
import os, resource, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_CORE, (int(sys.argv[1]), resource.getrlimit(resource.RLIMIT_CORE)[1]))
def child(end):
    pid = os.fork()
    if not pid:
        end()
        os._exit(99)
    print(end.__name__, os.waitpid(pid, 0)[1], flush=True)
for n in range(0, 256, int(sys.argv[2])):
    def code(): os._exit(n)
    child(code)
for s in %r:
    def by_kill(): os.kill(os.getpid(), s)
    child(by_kill)
import ctypes, mmap
def null(): ctypes.string_at(0)
def beyond_the_file():
    with open("hole", "wb") as f: f.truncate(1)
    with open("hole", "r+b") as f:
        m = mmap.mmap(f.fileno(), 1)
        os.truncate("hole", 0)
        m[0]
def machine(code):
    m = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    m.write(code)
    ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()
def undefined(): machine(b"\\x0f\\x0b")
def divide(): machine(b"\\x31\\xc9\\x31\\xc0\\x31\\xd2\\xf7\\xf1")
def breakpoint_(): machine(b"\\xcc")
def privileged(): machine(b"\\xf4")
def wild(): machine(b"\\x48\\xb8\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x0f\\xff\\xe0")
def abort_(): os.abort()
for end in null, beyond_the_file, undefined, divide, breakpoint_, privileged, wild, abort_:
    child(end)
''' % (FATAL,)


def status(argv, **kw):
    """The raw status that wait(2) tells argv's parent."""
    p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         start_new_session=True, preexec_fn=process.fresh_start, **kw)
    out, err = p.communicate(timeout=120)
    return p.returncode, out, err


def test_every_exit_code_and_signal_is_seen_by_a_parent_on_the_node():
    for core, step in (('0', '5'), ('1000000', '85')):
        argv = ['python3', '-c', EVERY_END, core, step]
        home, node = run(*argv), run(*ON_NODE, *argv, timeout=120)
        equal(home.returncode, 0, home.stderr)
        assert home.stdout.count(b'\n') > 60, home.stdout
        for a, b in zip(home.stdout.splitlines(), node.stdout.splitlines()):
            equal(b, a, f'RLIMIT_CORE {core}')
        equal((node.returncode, node.stdout, node.stderr), (0, home.stdout, home.stderr))


def test_the_parent_of_mosrun_sees_codes_and_signals():
    for code in (0, 1, 2, 99, 124, 125, 126, 127, 128, 129, 137, 254, 255):
        equal(status([*ON_NODE, 'sh', '-c', f'exit {code}']), (code, b'', b''))
    for sig in [s for s in FATAL if s < 32] + [34, 64]:
        argv = ['sh', '-c', f'kill -{sig} $$']
        equal(status([*ON_NODE, *argv]), status(argv), f'signal {sig}')


def test_a_shell_says_the_same_of_mosrun_and_of_the_program():
    def said(prefix, core):
        script = f'ulimit -c {core}\nfor s in 6 11 15 2 13; do {prefix} sh -c "kill -$s \\$\\$"; echo $?; done'
        r = run('bash', '-c', script)
        return r.returncode, r.stdout
    for core in ('0', '1000'):
        equal(said('mosrun --node 1 --', core), said('', core), f'ulimit -c {core}')


def test_a_signal_to_mosrun_is_one_to_the_program():
    for sig in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGUSR1):
        p, pid = spin(1)
        os.kill(p.pid, sig)
        equal(p.wait(20), -sig)
        wait_for(lambda: not alive(pid), 10, f'signal {sig} ends process {pid}')
    # One that the program handles does not end it.
    p = start(*ON_NODE, 'bash', '-c', 'trap "echo caught" TERM; trap "" HUP; echo up; read x; echo $x; exit 5',
              stdin=subprocess.PIPE)
    equal(p.stdout.readline(), b'up\n')
    os.kill(p.pid, signal.SIGHUP)
    os.kill(p.pid, signal.SIGTERM)
    time.sleep(0.5)
    p.stdin.write(b'done\n')
    p.stdin.flush()
    equal(p.communicate(timeout=120)[0], b'caught\ndone\n')
    equal(p.returncode, 5)


def test_sigkill_of_the_process_ends_it_and_its_children_go_on():
    p = start(*ON_NODE, 'bash', '-c', 'bash -c "trap \'echo told; exit\' TERM; echo up; while :; do sleep 0.1; done" & '
              'while :; do :; done')
    equal(p.stdout.readline(), b'up\n')
    mine = [q for q in processes() if q['pid'] in process.children_of(p.pid)]
    parent = next(q['pid'] for q in mine if q['ppid'] not in [o['pid'] for o in mine])
    child = next(q['pid'] for q in mine if q['ppid'] == parent and q['comm'] == 'bash')
    os.kill(parent, signal.SIGKILL)
    equal(p.wait(20), -signal.SIGKILL)
    wait_for(lambda: not alive(parent), 10, 'the killed one ends')
    assert alive(child)
    os.kill(child, signal.SIGTERM)
    equal(p.stdout.read(), b'told\n')
    wait_for(lambda: not alive(child), 10, 'the child ends')


def test_sigkill_of_the_deputy_ends_the_whole_job():
    p = start(*ON_NODE, 'bash', '-c', 'sleep 1000 & sleep 1001 | cat & echo up; while :; do :; done')
    equal(p.stdout.readline(), b'up\n')
    pids = [q['pid'] for q in processes()]
    assert len(pids) >= 3, processes()
    deputy = next(c for c in process.children_of(p.pid) if pathlib.Path(f'/proc/{c}/comm').read_text() == 'deputy\n')
    os.kill(deputy, signal.SIGKILL)
    equal(p.wait(20), 125)
    assert b'deputy' in p.stderr.read()
    wait_for(lambda: not any(alive(q) for q in pids), 10, 'the processes end')


def cpu_ms(pid):
    return next(q for q in processes() if q['pid'] == pid)['utime_ms']


def test_sigstop_by_pid_stops_it_and_the_parent_sees_that():
    p, pid = spin(1)
    for _ in range(3):
        os.kill(pid, signal.SIGSTOP)
        st = wait_for(lambda: os.waitpid(p.pid, os.WUNTRACED | os.WNOHANG)[1], 20, 'mosrun stops too')
        assert os.WIFSTOPPED(st) and os.WSTOPSIG(st) == signal.SIGSTOP, st
        time.sleep(1.2)     # until the node's next figures
        before = cpu_ms(pid)
        time.sleep(1.5)
        equal(cpu_ms(pid) - before < 300, True, 'stopped, and computes')
        os.kill(pid, signal.SIGCONT)
        st = wait_for(lambda: os.waitpid(p.pid, os.WCONTINUED | os.WNOHANG)[1], 20, 'mosrun goes on')
        assert os.WIFCONTINUED(st), st
        wait_for(lambda: cpu_ms(pid) > before + 300, 20, 'it computes again')
    # A stopped one can be killed.
    os.kill(pid, signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)
    equal(p.wait(20), -signal.SIGKILL)


BASH = ['bash', '--norc', '--noprofile', '-i']
PROMPT = dict(os.environ, PS1='PROMPT> ', TERM='dumb')


def job_control(term, command):
    """Types what people type; the shell's answers."""
    said = []

    def ask(line, wanted):
        term.type(line)
        term.until(wanted)
        said.append(wanted)
        term.until(b'PROMPT> ')
    term.until(b'PROMPT> ')
    # What runs in the foreground is interrupted.
    term.type(b'%s\r' % command)
    term.until(b'spinning')
    term.type(b'\x03')
    term.until(b'PROMPT> ')
    ask(b'echo "st""atus $?"\r', b'status 130')
    # ^Z stops, bg goes on, fg brings it back, ^C ends it.
    term.type(b'%s\r' % command)
    term.until(b'spinning')
    term.type(b'\x1a')
    term.until(b'Stopped')
    term.until(b'PROMPT> ')
    ask(b'jobs\r', b'Stopped')
    ask(b'bg\r', b'[1]')
    ask(b'jobs -r\r', b'Running')
    term.type(b'fg\r')
    time.sleep(0.5)
    term.type(b'\x1a')
    term.until(b'Stopped')
    term.until(b'PROMPT> ')
    term.type(b'fg\r')
    time.sleep(0.5)
    term.type(b'\x03')
    term.until(b'PROMPT> ')
    ask(b'echo "st""atus $?"\r', b'status 130')
    ask(b'jobs; echo "no""ne"\r', b'none')
    # \: SIGQUIT.
    term.type(b'%s\r' % command)
    term.until(b'spinning')
    term.type(b'\x1c')
    term.until(b'PROMPT> ')
    ask(b'echo "st""atus $?"\r', b'status 131')
    term.type(b'exit 3\r')
    equal(term.wait(), 3)


SPINNER = b"python3 -uc 'import signal; signal.signal(2, signal.SIG_DFL); print(\"spin\" \"ning\")\nwhile 1: pass'"


def with_terminal(argv, command):
    term = Terminal(*argv, env=PROMPT)
    try:
        job_control(term, command)
    finally:
        term.close()


def test_job_control_of_a_shell_at_home():
    with_terminal(BASH, b'mosrun --node 1 -- ' + SPINNER)


def test_job_control_of_a_shell_on_the_node():
    with_terminal([*ON_NODE, *BASH], SPINNER)


def test_a_hangup_ends_what_runs_on_the_terminal():
    for argv in ([*ON_NODE, *SPIN], ['sh', '-c', f'{" ".join(ON_NODE)} python3 -c "print(\'spinning\')\nwhile 1: pass"; :']):
        term = Terminal(*argv)
        try:
            term.until(b'spinning')
            pid = wait_for(processes, 20, 'it is listed')[0]['pid']
            term.hang_up()
            equal(term.wait(), -signal.SIGHUP)
            wait_for(lambda: not alive(pid), 10, 'it ends')
        finally:
            term.close()


def test_a_move_and_a_death_at_the_same_time():
    for _ in range(3):
        a, _ = spin(1)
        b, pid = spin(2)
        move = start('migrate', str(pid), '1')
        os.kill(a.pid, signal.SIGKILL)
        os.kill(pid, signal.SIGSEGV)
        equal(b.wait(20), -signal.SIGSEGV)
        equal(a.wait(20), -signal.SIGKILL)
        move.wait(20)


def test_the_nodes_keep_nothing_of_all_this():
    kept.check()


if __name__ == '__main__':
    kept = Kept(1, 2)
    main(globals())
