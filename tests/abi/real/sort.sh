#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# sort in memory, with temporary files, and in parallel.
awk 'BEGIN { s = 1; for (i = 0; i < 150000; i++) { s = (s * 69069 + 1) % 4294967296; print s } }' >in
LC_ALL=C sort --parallel=1 -n in | sha256sum
LC_ALL=C sort --parallel=1 -S 1M -T . in -o out && sha256sum <out
LC_ALL=C sort -u in | wc -l
LC_ALL=C sort --parallel=2 -r in | head -3
ls
