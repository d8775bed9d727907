/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a home says of itself to a node. */
#ifndef USERLAND_LIB_HELLO_H
#define USERLAND_LIB_HELLO_H

#include "proto/wire.h"

/* This machine's clocks, now. */
struct wire_clock hello_clock(void);

/* A greeting by this process. What concerns the CPU is left 0: only who sends guests needs it. */
struct wire_hello hello_make(void);

/*
 * Is this the greeting of a node of our version? NULL, or what is wrong. Makes its name printable.
 */
const char *hello_check(struct wire_hello *hello);

#endif
