#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# CPython processes that share memory: mmap, multiprocessing's locks and shared values.
/usr/bin/python3 - <<'EOF'
import mmap, os, struct
m = mmap.mmap(-1, 1 << 16)
pids = []
for i in range(4):
    pid = os.fork()
    if not pid:
        for k in range(2000):
            struct.pack_into('I', m, 4096 * i, k + i)
        m[100 + i] = i + 1
        os._exit(0)
    pids.append(pid)
for pid in pids:
    assert os.waitpid(pid, 0)[1] == 0
print([struct.unpack_from('I', m, 4096 * i)[0] for i in range(4)], bytes(m[100:104]))
EOF
/usr/bin/python3 - <<'EOF'
import multiprocessing as mp
ctx = mp.get_context('fork')
def work(lock, total, array, me):
    for i in range(200):
        with lock:
            total.value += 1
    for i in range(len(array)):
        if i % 3 == me:
            with array.get_lock():
                array[i] = i * i
lock, total, array = ctx.Lock(), ctx.Value('i', 0, lock=False), ctx.Array('i', 30)
ps = [ctx.Process(target=work, args=(lock, total, array, i)) for i in range(3)]
for p in ps: p.start()
for p in ps: p.join()
print(total.value, list(array), [p.exitcode for p in ps])
EOF
