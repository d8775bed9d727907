/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lwIP asks of compiler and platform. */
#ifndef NET_PORT_ARCH_CC_H
#define NET_PORT_ARCH_CC_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

#include "kernel/kprintf.h"

#ifndef SSIZE_MAX
#define SSIZE_MAX LONG_MAX
#endif

#define LWIP_PLATFORM_DIAG(x)	   do { kprintf x; } while (0)
#define LWIP_PLATFORM_ASSERT(text) panic("lwip: %s (%s:%d)", text, __FILE__, __LINE__)
#define LWIP_RAND()		   net_random32()

/* net/port/sys.c */
uint32_t net_random32(void);
/* Panics unless the network thread, or start-up before it, is running. */
void net_assert_owner(void);

/* net/port/chksum.c: the one's complement sum of len bytes, folded, in network order, not inverted. */
uint16_t net_chksum(const void *data, int len);

#endif
