#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# make -j4: several recipes at once, an error in one of them, nothing to do the second time.
mkdir -p src && for i in 1 2 3 4 5 6; do echo "int f$i(void) { return $i; }" >src/f$i.c; done
cat >Makefile <<'M'
OBJ := $(patsubst src/%.c,%.o,$(sort $(wildcard src/*.c)))
all: sums list
%.o: src/%.c
	@gcc -c -o $@ $<
list: $(OBJ)
	@nm $^ | grep ' T ' | sort >$@
sums: list
	@sed 's/.* //' $< | sha256sum >$@
bad: $(OBJ)
	@exit 3
M
export TMPDIR=.
make -s -j4 && cat list sums
make -q -j4; echo "again: $?"
make -s -j4 bad 2>/dev/null; echo "bad: $?"
rm -f *.o
