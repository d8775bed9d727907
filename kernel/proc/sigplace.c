/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where on the stack a handler's frame goes. Portable; see sigframe.h. */
#include "kernel/proc/sigframe.h"

uint64_t sigframe_place(uint64_t sp, uint64_t alt_sp, uint64_t alt_size, uint32_t alt_flags,
			bool on_stack, uint32_t fp_size, uint64_t *fp)
{
	bool nested = on_altstack(sp, alt_sp, alt_size, alt_flags);
	bool entering = false;

	sp -= SIGFRAME_RED_ZONE;
	if (on_stack && alt_size && !(alt_flags & LSS_DISABLE) && !nested) {
		sp = alt_sp + alt_size;
		entering = true;
	}
	/*
	 * XSAVE wants 64 bytes' alignment; the ABI wants rsp + 8 to be a multiple of 16 at entry.
	 */
	sp = (sp - fp_size) & ~63ull;
	*fp = sp;
	sp -= sizeof(struct rt_sigframe);
	sp = (sp & ~15ull) - 8;
	if ((nested || entering) && !(sp > alt_sp && sp - alt_sp <= alt_size))
		return SIGFRAME_NONE;
	return sp;
}
