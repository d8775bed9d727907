#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# xz packs and unpacks a generated file; the result is the same to the byte.
seq 1 120000 >numbers
xz -2 -k numbers && sha256sum numbers.xz && xz -t numbers.xz
xz -dc numbers.xz | cmp - numbers && echo same
xz -dc </dev/null; echo "empty input: $?"
