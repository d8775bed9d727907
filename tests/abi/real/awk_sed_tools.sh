#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Everyday tools on one data file: awk, sed, grep, cut, join, comm, tar, cp, find, dd, od.
LC_ALL=C; export LC_ALL
awk 'BEGIN { for (i = 1; i <= 5000; i++) printf "%d\tname%d\t%d\n", i, i * 7 % 100, i * i % 997 }' >data
awk -F'\t' '{ s[$2] += $3 } END { for (k in s) print k, s[k] }' data | sort | head -4
sed -n '10,20s/name\([0-9]*\)/<\1>/p' data | tail -2
grep -c 'name7[0-9]' data; cut -f3 data | sort -n | uniq -c | sort -rn | head -2
mkdir d && cp data d/ && ln -s data d/link && tar cf - --sort=name --mtime=@0 --owner=0 --group=0 d | tar tvf - | awk '{print $1, $NF}'
dd if=data bs=1000 count=3 skip=2 2>/dev/null | od -An -tx1 | tail -2
find d -type l -exec readlink {} \; ; tr -d '0-9' <data | sort -u | wc -l
tac data | head -1; paste <(head -2 data) <(tail -2 data); expr 6 \* 7; bc <<<'2^100' 2>/dev/null || echo 'no bc'
rm -r d; env -i A=1 sh -c 'echo $A'; date -u -d @0 +%F; nproc >/dev/null && echo ok
