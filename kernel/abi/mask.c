/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that wait under a signal mask of their own. At home the stub's mask is open but for what is
 * read from a signalfd(2), so the mask is applied here, where signals are delivered.
 */
#include <errno.h>

#include "kernel/abi/abi.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/restart.h"
#include "kernel/proc/signal.h"

long mask_begin(uint64_t set, uint64_t size)
{
	uint64_t mask;

	if (size != sizeof(mask))
		return -EINVAL;
	if (get_user64(&mask, set))
		return -EFAULT;
	signal_set_temporary_mask(mask);
	return 0;
}

void mask_end(long ret)
{
	struct uthread *u = current_user;

	/* Interrupted: the handler's frame takes the saved mask, or the way back restores it. */
	if (!u->restore_mask || ret == -EINTR || restart_code(ret))
		return;
	u->restore_mask = false;
	signal_set_mask(u->saved_mask);
}
