/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A call on its way home: what forward.c collects. Lives on the caller's stack. */
#ifndef KERNEL_ABI_MARSHAL_H
#define KERNEL_ABI_MARSHAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/guest/guest.h"

#define MARSHAL_OWNED  6
#define MARSHAL_FIXUPS 4
#define MARSHAL_NAME  200 /* most paths fit: no allocation for them */

struct marshal {
	struct fcall call;
	uint64_t bytes;		    /* of all buffers */
	void *owned[MARSHAL_OWNED]; /* freed after the call */
	unsigned nowned;
	bool masked; /* mask_begin() was called */
	bool name_used;
	char name[MARSHAL_NAME];

	/* OUT_RETMUL: copied back when the result says how much. */
	uint64_t back_to;
	const void *back_from;
	uint64_t back_max;
	unsigned back_size;

	/* Scattered reads. */
	const struct iovec64 *iov;
	unsigned iovs;
	const void *iov_data;
	uint64_t iov_bytes;
	struct wire_fixup fixup[MARSHAL_FIXUPS];
};

struct iovec64 {
	uint64_t base;
	uint64_t len;
};

/* Adds a buffer; flags WBUF_*. */
struct fbuf *marshal_buf(struct marshal *m, unsigned arg, uint64_t addr, uint64_t len,
			 unsigned flags);

/*
 * The same for user memory: its accessible part is what home gets to see, and what follows is bad there,
 * too. Adds nothing for an address outside of user memory, which is as bad at home. 0 or RETREATED.
 */
long marshal_user(struct marshal *m, unsigned arg, uint64_t addr, uint64_t len, unsigned flags);

/* The pointer at `offset` of buffer `buf` shall point to buffer `target` at home. */
void marshal_fixup(struct marshal *m, unsigned buf, uint32_t offset, unsigned target);

/* Zeroed memory that lives as long as the call; NULL when there is none, or len is above 4 MB. */
void *marshal_alloc(struct marshal *m, size_t len);

void marshal_free(struct marshal *m);

/* Retreats. */
long marshal_too_large(const struct marshal *m, uint64_t len);

/*
 * iovec.c: gathers (IN), or makes room for (OUT), the `count` buffers of the vector at addr. Home gets
 * them as one, behind a vector of one element; *merged says so. A vector that Linux refuses goes as it is.
 */
long marshal_iovec(struct marshal *m, unsigned arg, uint64_t addr, uint64_t count, unsigned flags,
		   bool *merged);

/* Distributes what came back for such a vector. */
void marshal_scatter(struct marshal *m, long ret);

#endif
