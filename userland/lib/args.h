/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of a program that we start, made word by word. */
#ifndef USERLAND_LIB_ARGS_H
#define USERLAND_LIB_ARGS_H

#define ARGS_MAX 64

struct args {
	char *v[ARGS_MAX];	/* ends with NULL; zeroed at first */
	unsigned n;
};

/* Adds one word. More than ARGS_MAX - 1 of them, or no memory, end the program. */
void args_add(struct args *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void args_free(struct args *a);

#endif
