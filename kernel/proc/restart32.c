/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An interrupted call of an i386 program that goes on elsewhere: see restart_elsewhere() in deliver.c. */
#include "kernel/cpu/trap.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/proc.h"
#include "kernel/proc/signal.h"
#include "kernel/time/clock.h"
#include "proto/syscalls.h"

enum { NR32_NANOSLEEP = 162, FUTEX_COMMAND = 0x7f, FUTEX_WAIT = 0 };

void restart_elsewhere32(struct trapframe *tf, uint64_t left)
{
	const struct uthread *u = current_user;
	uint64_t at, *arg = NULL;
	uint64_t sec = left / NSEC_PER_SEC, nsec = left % NSEC_PER_SEC;
	int err;

	switch (u->restart.kind) {
	case RESTART_SLEEP:
		arg = u->restart_nr == (NR32_NANOSLEEP | SYS_I386) ? &tf->rbx : &tf->rdx;
		break;
	case RESTART_FUTEX:
		/* The others of futex(2) have absolute timeouts. */
		if ((tf->rcx & FUTEX_COMMAND) == FUTEX_WAIT)
			arg = &tf->rsi;
		break;
	case RESTART_POLL:
		tf->rdx = (left + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
		return;
	case RESTART_EPOLL:
		tf->rsi = (left + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
		return;
	case RESTART_TIMESPEC:
		arg = &tf->rsi;
		break;
	default:
		return;
	}
	if (!arg)
		return;
	at = restart_scratch(tf);
	if (u->restart.time32)
		err = put_user32(at, sec) | put_user32(at + 4, nsec);
	else
		err = put_user64(at, sec) | put_user64(at + 8, nsec);
	if (!err)
		*arg = at;
}
