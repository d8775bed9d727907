#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: none
"""The kernel's own tests (kernel/selftest.c) on many kinds of machine, and what it says where it cannot run.

Usage: core.py [folder/] [name...]. Builds a kernel with CONFIG_SELFTEST below $MUSTER_BUILD and boots it in QEMU.
"""
import os
import pathlib
import re
import select
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MUSTER_BUILD", ROOT / "build")).resolve() / "selftest"
PASSED = r"selftest: \d+ passed, 0 failed"
TIMEOUT = 240       # seconds; the longest takes 15 on an idle machine

# name: QEMU's arguments, further kernel arguments, what must appear on the serial line
CASES = {
    "one CPU": ("-smp 1", "", [r"node up: 1 CPU,", PASSED]),
    "two CPUs": ("-smp 2", "", [r"node up: 2 CPUs,", PASSED]),
    "four CPUs": ("-smp 4", "", [r"node up: 4 CPUs,", PASSED]),
    "eight CPUs": ("-smp 8", "", [r"node up: 8 CPUs,", PASSED]),
    "16 MB": ("-m 16", "", [PASSED]),
    "32 MB": ("-m 32", "", [PASSED]),
    "64 MB": ("-m 64", "", [PASSED]),
    "memory above 4 GB": ("-m 5000 -smp 2", "", [r"of 49\d\d MB free", PASSED]),
    "80 GB": ("-m 80G -object memory-backend-ram,id=ram,size=80G,reserve=off -machine memory-backend=ram", "",
              [r"node up: 1 CPU, .* of 81\d\d\d MB free"]),   # its own tests would touch all of it
    "mem= limits memory": ("-m 512", "mem=40M", [r"of 3\d MB free", PASSED]),
    "no ACPI": ("-no-acpi -smp 2", "", [r"no tables found", r"node up: 1 CPU,", PASSED]),
    "no APIC": ("-cpu qemu64,-apic", "", [r"irq: PIC\s", PASSED]),
    "I/O APIC": ("-smp 2", "irq=ioapic", [r"irq: I/O APIC", PASSED]),
    "x2APIC": ("-cpu max,+x2apic -smp 2", "", [PASSED]),
    "q35": ("-machine q35 -smp 2", "", [PASSED]),
    "an old CPU": ("-cpu qemu64 -smp 2", "", [PASSED]),
    "a CPU without XSAVE": ("-cpu Nehalem -smp 2", "", [PASSED]),
    "a 32-bit CPU says so": ("-cpu qemu32", "", [r"has no 64-bit mode"]),
    "too little memory says so": ("-m 12", "", [r"panic.*usable memory: Muster needs at least \d+ MB"]),
    "a panic tells what is needed": ("-smp 2", "selftest=panic", [
        r"panic on CPU \d: page fault in the kernel at ffffa00000000000 \(error 2: write, not mapped\)",
        r"thread \d+ \"init\"", r"rip ffffffff8", r"cr2 ffffa00000000000",
        r"\n  [0-9a-f]{16} crash\+0x", r"\n  [0-9a-f]{16} selftest_run\+0x", r"cpu\d crash at depth 0"]),
}


def boot(qemu, cmdline, until):
    """What the machine says on its serial line until it has said that, stops, or TIMEOUT is over."""
    argv = ["qemu-system-x86_64", "-accel", "tcg", "-display", "none", "-serial", "stdio", "-no-reboot",
            "-nic", "none", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
            "-kernel", str(BUILD / "muster.elf"), "-append", f"selftest panic=exit {cmdline}"]
    argv += qemu.split()
    if "-cpu" not in argv:
        argv += ["-cpu", "max"]
    out = b""
    end = time.monotonic() + TIMEOUT
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as p:
        while time.monotonic() < end and not re.search(until.encode(), out):
            if select.select([p.stdout], [], [], 1)[0]:
                data = os.read(p.stdout.fileno(), 65536)
                if not data:
                    break
                out += data.replace(b"\r", b"")
        p.kill()
    return out.decode(errors="replace")


def main():
    names = [a for a in sys.argv[1:] if "/" not in a]
    r = subprocess.run(["make", "-C", str(ROOT), f"BUILD={BUILD}", "CONFIG_SELFTEST=1", "kernel"],
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if r.returncode:
        print(r.stdout[-3000:])
        return 1
    failed = 0
    for name, (qemu, cmdline, wanted) in CASES.items():
        if names and not any(n in name for n in names):
            continue
        out = boot(qemu, cmdline, wanted[-1])
        missing = [w for w in wanted if not re.search(w, out)]
        print(f"{'FAIL' if missing else 'ok  '} {name}", flush=True)
        if missing:
            failed += 1
            print(*(f"  not seen: {w}" for w in missing), out[-4000:], sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
