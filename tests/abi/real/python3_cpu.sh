#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# python3, bound by the CPU: primes, big integers, floating point, dictionaries.
exec /usr/bin/python3 - <<'PY'
import hashlib, math
n = 300000
sieve = bytearray([1]) * n
for i in range(2, int(n ** .5) + 1):
    if sieve[i]:
        sieve[i * i::i] = bytes(len(range(i * i, n, i)))
print(sum(sieve) - 2)
print(hashlib.sha256(hex(3 ** 20000).encode()).hexdigest())
print(math.fsum(math.sin(i) / (i + 1) for i in range(200000)))
words = {}
for i in range(200000):
    key = (i * 7919) % 10007
    words[key] = words.get(key, 0) + i
print(len(words), max(words.items(), key=lambda kv: (kv[1], kv[0])))
PY
