/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes from an interrupt handler to a thread. One of each: a device's interrupt comes to one CPU,
 * and a panic, which takes the thread's place, stops all others. What does not fit is lost: nobody
 * types so fast.
 */
#ifndef DRIVERS_CONSOLE_RING_H
#define DRIVERS_CONSOLE_RING_H

#include <stdint.h>

#define RING_SIZE 128u

struct ring {
	uint32_t head, tail; /* bytes ever taken and put */
	uint8_t byte[RING_SIZE];
};

static inline void ring_put(struct ring *r, uint8_t byte)
{
	uint32_t tail = r->tail;

	if (tail - __atomic_load_n(&r->head, __ATOMIC_ACQUIRE) == RING_SIZE)
		return;
	r->byte[tail % RING_SIZE] = byte;
	__atomic_store_n(&r->tail, tail + 1, __ATOMIC_RELEASE);
}

/* The next byte, -1 for none. */
static inline int ring_take(struct ring *r)
{
	uint32_t head = r->head;
	int byte;

	if (head == __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE))
		return -1;
	byte = r->byte[head % RING_SIZE];
	__atomic_store_n(&r->head, head + 1, __ATOMIC_RELEASE);
	return byte;
}

#endif
