# SPDX-License-Identifier: GPL-2.0-or-later
"""The emulated node as the benchmarks see it, from a command that `muster emulate 1` runs."""
import json
import os
import re
import select
import socket
import subprocess
import time


class BenchError(Exception):
    """A benchmark cannot be made; the text says why."""


def run(*command, timeout=60):
    """Runs a command; returns its stdout."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          stdin=subprocess.DEVNULL, timeout=timeout)
    if done.returncode:
        raise BenchError(f'{" ".join(command)}: exit status {done.returncode}: '
                         f'{(done.stderr or done.stdout).strip()[-400:]}')
    return done.stdout


class Node:
    """node1 of the emulation."""

    def __init__(self):
        self.dir = os.environ['MUSTER_RUNTIME_DIR']
        self.host = self.info()['address']
        # Behind QEMU's NAT only the port of the sessions is forwarded: the others are added.
        self.nat = self.host.startswith('127.')
        self.forwarded = {}

    @staticmethod
    def info():
        nodes = json.loads(run('muster', 'nodes', '--json'))
        if len(nodes) != 1:
            raise BenchError(f'{len(nodes)} nodes are heard, not one')
        return nodes[0]

    def log(self):
        with open(f'{self.dir}/node1.log', errors='replace') as f:
            return f.read()

    def announced_ms(self):
        found = re.search(r'net: announced as .*, (\d+) ms after kernel entry', self.log())
        if not found:
            raise BenchError('the node\'s log does not say when it announced itself')
        return int(found.group(1))

    def port(self, port):
        """Host and port, both strings, under which the node's TCP port can be reached from here."""
        if not self.nat:
            return self.host, str(port)
        if port not in self.forwarded:
            with socket.socket() as probe:
                probe.bind(('127.0.0.1', 0))
                here = probe.getsockname()[1]
            self.monitor(f'hostfwd_add net tcp:127.0.0.1:{here}-10.0.2.15:{port}')
            self.forwarded[port] = str(here)
        return '127.0.0.1', self.forwarded[port]

    def monitor(self, command):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(f'{self.dir}/node1.monitor')
            s.sendall(command.encode() + b'\n')
            time.sleep(0.2)


class Guest:
    """A program under mosrun that is spoken to by lines."""

    def __init__(self, *command, node='1'):
        self.name = os.path.basename(command[0])
        where = ['--home'] if node == 'home' else ['--node', node]
        self.mosrun = subprocess.Popen(['mosrun', *where, '--', *command], text=True, bufsize=1,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.mosrun.poll() is None:
            self.mosrun.terminate()
            try:
                self.mosrun.wait(20)
            except subprocess.TimeoutExpired:
                self.mosrun.kill()
                self.mosrun.wait()

    def line(self, timeout=120):
        """Its next line of output."""
        deadline = time.monotonic() + timeout
        # One line is asked for at a time, so nothing is left in the buffer that select cannot see.
        while not select.select([self.mosrun.stdout], [], [], 1)[0]:
            if time.monotonic() > deadline:
                raise BenchError(f'{self.name}: nothing said for {timeout} s')
        text = self.mosrun.stdout.readline()
        if not text:
            raise BenchError(f'{self.name}: ended, exit status {self.mosrun.wait(20)}')
        return text.strip()

    def ask(self, text):
        self.mosrun.stdin.write(text + '\n')
        return self.line()

    def process(self):
        """What mps tells of it."""
        for p in json.loads(run('mps', '--json')):
            if p['cmd'].split()[0].endswith(self.name):
                return p
        raise BenchError(f'mps does not list {self.name}')

    def must_be_on(self, node):
        """A figure of a program that silently runs elsewhere would be worth nothing."""
        p = self.process()
        if p['node'] != node:
            raise BenchError(f'{self.name} runs on {p["node"]}, not on {node}: {p.get("why", "")}')
        return p['pid']


def control(dir_, request):
    """Asks the deputies (userland/lib/control.h) until one has it; returns its lines' fields."""
    errors = []
    for name in os.listdir(dir_):
        if not re.fullmatch(r'deputy-\d+\.sock', name):
            continue
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(120)
            try:
                s.connect(f'{dir_}/{name}')
                s.sendall(request.encode() + b'\n')
                lines = s.makefile(errors='replace').read().splitlines()
            except OSError as e:
                errors.append(f'{name}: {e}')
                continue
        if lines and lines[-1] == 'ok':
            return [dict([('verb', words[0])] + [w.split('=', 1) for w in words[1:]])
                    for words in (line.split('\t') for line in lines[:-1])]
        errors.append(lines[-1] if lines else f'{name}: no answer')
    raise BenchError('; '.join(errors) or 'there is no deputy')


def migrate(node, pid, where):
    """Moves a process as `migrate` does; returns (frozen ms, bytes that followed, ms it took)."""
    for line in control(node.dir, f'migrate\tpid={pid}\tnode={where}'):
        if line['verb'] == 'moved':
            return (int(line['frozen_us']) / 1e3, int(line['bytes']), int(line['took_ms']))
    raise BenchError(f'process {pid} did not move to {where}, and no reason was given')
