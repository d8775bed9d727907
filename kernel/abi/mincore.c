/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mincore: home judges the range and knows which pages of files it has in its cache; which pages of
 * the process's own there are, is known here.
 */
#include <errno.h>
#include <string.h>

#include "kernel/abi/abi.h"
#include "kernel/guest/guest.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/restart.h"

#define NR_MINCORE 27
#define PIECE	   (256u * 1024) /* pages, and bytes of the answer */

static long resident_piece(uint64_t start, uint64_t pages, uint64_t to, uint8_t *vec)
{
	struct fcall call = {
		.nr = NR_MINCORE,
		.args = { start, pages * PAGE_SIZE },
		.nbufs = 1,
		.buf[0] = { (uint64_t)vec, pages, 2, WBUF_OUT, true },
	};
	long ret = guest_call(&call);

	if (ret)
		return ret;
	mm_resident(current->mm, start, start + pages * PAGE_SIZE, vec);
	return copy_to_user(to, vec, pages) ? -EFAULT : 0;
}

long sys_mincore(struct trapframe *tf, const uint64_t args[6])
{
	uint64_t start = args[0], pages = PAGE_ALIGN_UP(args[1]) / PAGE_SIZE, done = 0;
	uint8_t *vec;
	long ret = 0;

	(void)tf;
	if (start & ~PAGE_MASK)
		return -EINVAL;
	if (!user_range_ok(start, args[1]))
		return -ENOMEM;
	if (!user_range_ok(args[2], pages))
		return -EFAULT;
	if (!pages)
		return 0;
	vec = kmalloc(pages < PIECE ? pages : PIECE);
	if (!vec)
		return not_served(NR_MINCORE, "no memory for the answer");
	for (; done < pages && !ret; done += PIECE) {
		uint64_t n = pages - done < PIECE ? pages - done : PIECE;

		ret = resident_piece(start + done * PAGE_SIZE, n, args[2] + done, vec);
	}
	kfree(vec);
	return ret;
}
