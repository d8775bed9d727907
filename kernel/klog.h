/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last KLOG_SIZE bytes of what kprintf() said, for the screen, for the order `log` and for
 * whoever looks at a serial line that showed something else meanwhile. A position counts all bytes
 * since start-up, so it stays meaningful when what it names has been overwritten. Any context.
 */
#ifndef KERNEL_KLOG_H
#define KERNEL_KLOG_H

#include <stddef.h>
#include <stdint.h>

#define KLOG_SIZE 32768u

/* kprintf.c's; a write is kept whole unless it alone exceeds KLOG_SIZE. */
void klog_append(const char *s, size_t len);

/*
 * Copies what was said from *pos on, at most size bytes and without a terminator, and moves *pos
 * behind it. When that is no longer kept, goes on at the oldest whole line. Returns the length, 0
 * at the end.
 */
size_t klog_read(uint64_t *pos, char *buf, size_t size);

/* Where the next message will be. */
uint64_t klog_end(void);

/*
 * The start of the line that is `lines` before pos, and no further back than what is kept: 0 gives
 * the start of pos's own line, so that klog_back(klog_end(), 10) is where the last ten whole lines
 * begin.
 */
uint64_t klog_back(uint64_t pos, unsigned lines);

#endif
