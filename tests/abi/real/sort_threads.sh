#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# sort by several threads: of more lines than one thread takes.
awk 'BEGIN { s = 1; for (i = 0; i < 200000; i++) { s = (s * 1103515245 + 12345) % 2147483648; print s } }' >lines
sort --parallel=4 -S 64M -n lines | sha256sum
sort --parallel=4 -S 64M lines | uniq -c | sha256sum
rm -f lines
