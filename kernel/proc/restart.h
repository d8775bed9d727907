/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of a system call that a signal interrupted: signal(7), "Interruption of system calls
 * by signal handlers". The codes are the kernel's own and never reach a program.
 *
 * Portable: compiled on the host for tests/unit/test_restart.c.
 */
#ifndef KERNEL_PROC_RESTART_H
#define KERNEL_PROC_RESTART_H

#include <stdbool.h>

#define ERESTARTSYS_	       512 /* restarted, after a handler only with SA_RESTART */
#define ERESTARTNOINTR_	       513 /* always restarted */
#define ERESTARTNOHAND_	       514 /* restarted unless a handler ran */
#define ERESTART_RESTARTBLOCK_ 516 /* unless a handler ran: goes on by restart_syscall() */

enum restart_action {
	RESTART_NOT,   /* leave the result */
	RESTART_EINTR, /* the result is -EINTR */
	RESTART_AGAIN, /* the same call again */
	RESTART_GO_ON  /* restart_syscall() */
};

static inline bool restart_code(long ret)
{
	return ret == -ERESTARTSYS_ || ret == -ERESTARTNOINTR_ || ret == -ERESTARTNOHAND_ ||
	       ret == -ERESTART_RESTARTBLOCK_;
}

/* handler: a handler is about to run, sa_restart: and its action has SA_RESTART. */
static inline enum restart_action restart_decide(long ret, bool handler, bool sa_restart)
{
	switch (ret) {
	case -ERESTARTNOINTR_:
		return RESTART_AGAIN;
	case -ERESTARTSYS_:
		return handler && !sa_restart ? RESTART_EINTR : RESTART_AGAIN;
	case -ERESTARTNOHAND_:
		return handler ? RESTART_EINTR : RESTART_AGAIN;
	case -ERESTART_RESTARTBLOCK_:
		return handler ? RESTART_EINTR : RESTART_GO_ON;
	default:
		return RESTART_NOT;
	}
}

#endif
