/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many injected system calls for the price of one: a loop of a few instructions in the agent's page
 * works a table in its scratch area off, and only its end stops the stub. (An injected call costs
 * 14 us here, 64 of them by the loop 27 us together.)
 */
#ifndef DEPUTY_IMAGE_BATCH_H
#define DEPUTY_IMAGE_BATCH_H

#include <stdint.h>

struct stub;

struct batch_call {
	uint64_t nr;
	uint64_t args[6];
	int64_t ret;		/* out */
};

/* Buffers of batched calls may lie from here on in the agent's scratch area. */
#define BATCH_DATA 0x10000u
#define BATCH_MAX (BATCH_DATA / sizeof(struct batch_call))

/*
 * Executes calls 0 to n - 1 in order, whatever they return; for calls that cannot block. Any n.
 * The stub is stopped, its agent mapped. 0, or a negative errno (-ESRCH: it died).
 */
int stub_batch(struct stub *stub, struct batch_call *calls, unsigned n);

/* Puts the loop into the agent's page: once, when that is made. */
int stub_batch_init(struct stub *stub);

/* One batch entry, as an expression. */
#define BATCH(nr, ...) ((struct batch_call){ (uint64_t)(nr), { __VA_ARGS__ }, 0 })

#endif
