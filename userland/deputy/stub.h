/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of what the deputy traces: one struct stub for each thread of the job, at home or away.
 *
 * A stub is made when ptrace reports the thread and lives until it has been reaped; stub_reaped()
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
#include "proto/wire.h"
#include "userland/deputy/loop.h"

struct call;
struct home;
struct image;
struct move;
struct session;

enum stub_state {
	STUB_NEWBORN,	/* reported, but its parent's event has not come yet (or vice versa) */
	STUB_NATIVE,	/* runs freely at home; signals pass through untouched */
	STUB_FREEZING,	/* told to stop; the stop has not come yet */
	STUB_LEAVING,	/* stopped, its image on the way; everything is still here */
	STUB_IDLE,	/* away; stopped in the trap of its agent */
	STUB_PARKED,	/* away; in an injected pause(2), so that signals show at once */
	STUB_CALLING,	/* away; in an injected call that the node waits for */
	STUB_STOPPED,	/* away; in a group stop (job control) */
	STUB_RETURNING,	/* stopped, its image on the way home */
	STUB_DYING,	/* its end is on the way */
};

/* The pages of ours inside the stub, see agent.h. */
struct agent {
	uint64_t base;		/* 0: none */
	uint64_t scratch_size;	/* bytes mapped at base + AGENT_SCRATCH */
};

struct stub {
	struct list_head link;		/* in the table */
	pid_t pid;			/* of the thread */
	pid_t tgid;
	enum stub_state state;
	bool dead;			/* reaped */
	bool stopped;			/* in a ptrace stop: may be asked for registers etc. */
	bool group_stop;		/* the last stop reported was a group stop */
	int last_status;		/* of waitpid(), when dead */
	char comm[16];

	/*
	 * Valid from STUB_LEAVING on: the program's own registers, with an interrupted call turned
	 * into one that will be made again, and its signal mask. Coming home sets them anew.
	 */
	struct user_regs_struct regs;
	uint64_t sigmask;
	struct agent agent;

	/* While it is away, or on its way */
	struct session *session;
	struct move *move;		/* what asked for the move in progress, or NULL */
	struct image *image;		/* image.c's: what it must keep until the node needs it no more */
	struct home *home;		/* home.c's: the return in progress, pages still to come included */

	/* call.c's: forwarded calls */
	struct list_head calls;		/* complete, to be executed in order; the first may be running */
	struct call *incoming;		/* being put together from DATA messages */
	uint64_t idle_since_ns;
	bool abort;			/* the node no longer wants the running call's result */
	uint64_t calls_total;

	/* signal.c's: what was seen while signals could not be forwarded, in order */
	struct list_head held_signals;

	struct wire_stat stat;		/* as the node last said */
	struct list_head why;		/* why.c's: struct why_event, oldest first */
};

extern struct list_head stubs;

struct stub *stub_find(pid_t pid);
/* The stub of a process's leading thread. */
struct stub *stub_find_process(pid_t tgid);
struct stub *stub_new(pid_t pid, pid_t tgid);
/* How many threads of this process are traced and alive. */
unsigned stub_threads(pid_t tgid);
/* Forgets it now: for the reaper only. */
void stub_free(struct stub *stub);
const char *stub_state_name(const struct stub *stub);
/* Is its computation on a node, or about to be? */
bool stub_away(const struct stub *stub);

/* Reads comm and tgid anew from /proc. */
void stub_refresh(struct stub *stub);

#endif
