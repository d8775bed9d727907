#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# gzip by file, by pipe, and on damaged input.
seq 1 200000 | sed 's/$/ and some text/' >text
gzip -n -9 -k text && sha256sum text.gz
gzip -dc text.gz | tail -1
head -c 1000 text.gz | gzip -dc 2>error | wc -c
wc -l <error
gzip -n <text | gzip -d | cmp - text && echo same
