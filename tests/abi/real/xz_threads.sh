#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# xz packs in blocks by several threads, and unpacks; the result is the same to the byte.
seq 1 150000 >numbers
xz -1 -T4 --block-size=128KiB -k numbers && sha256sum numbers.xz && xz -t numbers.xz
xz -T4 -dc numbers.xz | cmp - numbers && echo same
