#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# gcc -O2 compiles, assembles, links; the program runs; an error in the source is an error.
export TMPDIR=.
cat >prog.c <<'C'
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct item { int key; char name[20]; };
static int cmp(const void *a, const void *b) { return ((const struct item *)a)->key - ((const struct item *)b)->key; }
int main(int argc, char **argv)
{
	struct item items[100];
	for (int i = 0; i < 100; i++) { items[i].key = i * 37 % 101; sprintf(items[i].name, "item %d", i); }
	qsort(items, 100, sizeof(*items), cmp);
	double sum = 0;
	for (int i = 0; i < 100; i++) sum += sqrt(items[i].key) * strlen(items[i].name);
	printf("%s %.10f %d %s\n", items[42].name, sum, argc, argv[argc - 1]);
	return 12;
}
C
gcc -O2 -Wall -o prog prog.c -lm && ./prog one two; echo "status $?"
gcc -O2 -S -o - prog.c | grep -c sqrt
gcc -c prog.c -o a.o && ar rcs lib.a a.o && nm lib.a | grep -c ' T main'
echo 'int main( { }' >bad.c
gcc bad.c -o bad 2>errors; echo "status $?"; grep -c error errors
rm -f prog a.o lib.a errors
ls
