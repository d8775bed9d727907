/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The time of day, for people: the battery clock's until a home has told its own. (A guest has the
 * time of its home, see kernel/guest/session.c.) Any context.
 */
#ifndef KERNEL_TIME_WALL_H
#define KERNEL_TIME_WALL_H

#include <stdint.h>

/* Reads the battery clock; once, before anybody asks. */
void wall_init(void);

/* A home says that it is now so many ns since 1970. */
void wall_set(uint64_t realtime_ns, const char *home);

/* Seconds since 1970, at clock_now_ns() = ns; 0 when nobody knows. */
uint64_t wall_at(uint64_t ns);

#define WALL_TEXT_MAX 20
/* "2026-11-21 20:58:28", or "" for 0. UTC. Returns buf. */
char *wall_text(uint64_t seconds, char buf[WALL_TEXT_MAX]);

#endif
