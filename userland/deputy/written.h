/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that are mapped privately and written by other means: pages that nobody has changed show at once
 * what was written, but the copies on a node do not. So who maps such a file goes home when a process of
 * this job writes to it. (What is mapped shared is shared_file.c's.)
 */
#ifndef USERLAND_DEPUTY_WRITTEN_H
#define USERLAND_DEPUTY_WRITTEN_H

#include <stdint.h>

struct call;
struct stub;
struct wire_file;

/* A process that is, or will be, on a node maps this file. */
void written_mapped(const struct wire_file *file);

/* A forwarded call has ended with ret; to be called before it is answered. */
void written_ended(const struct stub *stub, const struct call *call, int64_t ret);

#endif
