#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# python3 with threads: a pool, a queue, locks, subprocesses started from threads, a timer.
exec /usr/bin/python3 - <<'PY'
import hashlib, queue, subprocess, threading
from concurrent.futures import ThreadPoolExecutor

def digest(n):
    return hashlib.sha256(str(n).encode() * 20000).hexdigest()

with ThreadPoolExecutor(4) as pool:
    print(hashlib.sha256(''.join(pool.map(digest, range(24))).encode()).hexdigest())

q, total, lock = queue.Queue(5), [0], threading.Lock()
def consume():
    while (item := q.get()) is not None:
        with lock:
            total[0] += item
threads = [threading.Thread(target=consume) for _ in range(3)]
for t in threads:
    t.start()
for i in range(300):
    q.put(i)
for t in threads:
    q.put(None)
for t in threads:
    t.join()
print(total[0])

out = {}
def run(i):
    out[i] = subprocess.run(['sh', '-c', f'echo $(({i} * {i})); exit {i}'], capture_output=True)
threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print([(out[i].stdout, out[i].returncode) for i in range(4)])

fired = threading.Event()
threading.Timer(0.05, fired.set).start()
print(fired.wait(3600), threading.active_count() <= 2)
PY
