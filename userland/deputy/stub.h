/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of what the deputy traces: one struct stub for each thread of the job, at home or away.
 * What the threads of a process have in common is in its struct process (process.h).
 *
 * A stub is made when ptrace reports the thread and lives until it has been reaped; stub_free()
 * then frees it. Functions that resume it for a moment (inject.h) may find it dead: they return
 * -ESRCH and set stub->dead; the struct stays valid until the event loop has unwound (the reaper
 * frees it later), so a caller only has to stop working with it.
 */
#ifndef USERLAND_DEPUTY_STUB_H
#define USERLAND_DEPUTY_STUB_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#include "kernel/list.h"
#include "userland/deputy/loop.h"
#include "userland/deputy/process.h"

struct incoming;

enum stub_state {
	STUB_NEWBORN,	/* reported, but its parent's event has not come yet (or vice versa) */
	STUB_NATIVE,	/* runs freely at home; signals pass through untouched */
	STUB_FREEZING,	/* told to stop; the stop has not come yet */
	STUB_LEAVING,	/* stopped, its image on the way; everything is still here */
	STUB_IDLE,	/* away; stopped in the trap of its agent */
	STUB_PARKED,	/* away; in an injected pause(2), so that signals show at once */
	STUB_CALLING,	/* away; in an injected call that the node waits for */
	STUB_RETURNING,	/* stopped, its image on the way home */
	STUB_DYING,	/* its end is on the way; a leader stays so until the other threads have ended */
};

/* When a thread last ran; see interrupted.c. */
struct last_ran {
	bool known;
	char state;	/* as in /proc/PID/stat */
	int cpu;
	uint64_t ns;
	unsigned long long switches;	/* how often it has gone to sleep */
};

struct stub {
	struct list_head link;		/* in the table */
	struct stub *hash_next;
	struct list_head mate;		/* in process->threads */
	struct process *process;	/* never NULL */
	pid_t pid;			/* of the thread */
	enum stub_state state;
	bool dead;			/* reaped */
	bool stopped;			/* in a ptrace stop: may be asked for registers etc. */
	bool group_stop;		/* stopped by job control, and listening for its end */
	int last_status;		/* of waitpid(), when dead */
	struct list_head grave;		/* dead, and to be freed by the reaper */
	bool born_known;		/* newborn: its parent's event has come */
	bool i386_call;			/* what it executes for us is a call of i386: int 0x80 */

	/*
	 * Valid from STUB_LEAVING on: the program's own registers, an interrupted call as
	 * interrupted.h says, and its signal mask. Coming home sets them anew.
	 */
	struct user_regs_struct regs;
	uint64_t sigmask;
	/*
	 * Signals that stay blocked here while it is away, since they may be read from a signalfd(2):
	 * the program's mask without those that cannot be. Others show, and go to the node.
	 */
	uint64_t held_mask;
	int slot;			/* agent.c's: of its scratch area */
	struct last_ran ran;		/* interrupted.c's: before it was stopped */

	/* call.c's: what the node asked for */
	struct list_head calls;		/* complete, in order; the first may be running */
	size_t calls_bytes;		/* of content they hold */
	struct incoming *incoming;	/* being put together from DATA messages */
	bool abort;			/* the node no longer waits for the running call */

	/* signals.c's: signal_hold_off() */
	unsigned seen_in_call;		/* signals, since the running call was begun */
	uint64_t held_off;		/* those blocked until it has ended */
	uint64_t mask_before;		/* valid while there are any */

	/* away.c's */
	bool waking;			/* told to leave its pause(2) */
	int raised;			/* a signal we raised, to be passed on when it shows */
	bool raised_void;		/* but not any more: a SIGCONT was first to show */
	struct alarm park;		/* idle for a while: let signals in */
	struct alarm hold;		/* held at SIGTTIN or SIGTTOU until the node has decided */

	/* home_hold.c's */
	bool held;			/* home, but kept in a stop with this status for its pages */
	int held_status;
};

extern struct list_head stubs;

struct stub *stub_find(pid_t pid);
/* tgid: of the process, where /proc does not tell any more. */
struct stub *stub_new(pid_t pid, pid_t tgid);
/* execve by another thread of the process took over this pid. */
void stub_rename(struct stub *stub, pid_t pid);
/* Forgets it now, and its process with the last one: for the reaper only. */
void stub_free(struct stub *stub);
const char *stub_state_name(const struct stub *stub);
/* Is its computation on a node, or about to be? */
bool stub_away(const struct stub *stub);
/* Has it ended, or is it about to? */
bool stub_ends(const struct stub *stub);

#endif
