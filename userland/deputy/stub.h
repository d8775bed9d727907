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

struct home;
struct image;
struct incoming;
struct maps;
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
	STUB_RETURNING,	/* stopped, its image on the way home */
	STUB_DYING,	/* its end is on the way */
};

/* The pages of ours inside the stub, see agent.h. */
struct agent {
	uint64_t base;		/* 0: none */
	uint64_t scratch_size;	/* bytes mapped at base + AGENT_SCRATCH */
};

/* When a process last ran; see interrupted.c. */
struct last_ran {
	bool known;
	int cpu;
	uint64_t ns;
};

struct stub {
	struct list_head link;		/* in the table */
	struct stub *hash_next;
	pid_t pid;			/* of the thread */
	pid_t tgid;
	enum stub_state state;
	bool dead;			/* reaped */
	bool stopped;			/* in a ptrace stop: may be asked for registers etc. */
	bool group_stop;		/* stopped by job control, and listening for its end */
	int last_status;		/* of waitpid(), when dead */
	struct list_head grave;		/* dead, and to be freed by the reaper */
	bool born_known;		/* newborn: its parent's event has come */
	bool starting;			/* ours still: the program's execve is to come */
	bool shares_vm;			/* at home, with another process (vfork): until its execve */
	char comm[16];

	/*
	 * Valid from STUB_LEAVING on: the program's own registers, an interrupted call as
	 * interrupted.h says, and its signal mask. Coming home sets them anew.
	 */
	struct user_regs_struct regs;
	uint64_t sigmask;
	struct agent agent;

	/* While it is away, or on its way */
	struct session *session;
	struct move *move;		/* what asked for the move in progress, or NULL */
	struct last_ran ran;		/* interrupted.c's: before it was stopped */
	struct maps *look;		/* image_look.c's: its mappings before it was frozen, or NULL */
	struct image *image;		/* image.c's: what it must keep until the node needs it no more */
	struct home *home;		/* home.c's: the return in progress, pages still to come included */

	/* call.c's: what the node asked for */
	struct list_head calls;		/* complete, in order; the first may be running */
	size_t calls_bytes;		/* of content they hold */
	struct incoming *incoming;	/* being put together from DATA messages */
	bool abort;			/* the node no longer waits for the running call */
	uint64_t calls_total;

	/* away.c's */
	bool waking;			/* told to leave its pause(2) */
	bool execing;			/* inside an execve that was forwarded */
	bool ended_by_node;		/* W_EXIT came: the node knows */
	int raised;			/* a signal we raised, to be passed on when it shows */
	struct alarm park;		/* idle for a while: let signals in */
	struct alarm hold;		/* held at SIGTTIN or SIGTTOU until the node has decided */

	/* signals.c's */
	bool unannounced;		/* a fork's child that the node has not made yet */
	struct list_head held_signals;	/* seen while they could not be forwarded, in order */
	struct list_head sent_signals;	/* the last ones forwarded: the node may not take them */
	uint64_t signals_sent;		/* since it arrived there */
	uint64_t signals_at_exec;	/* of those, before the execve that is under way */

	uint32_t cpu[WIRE_CPU_WORDS];	/* baseline.c's: features the program may use; 0: as home */
	struct wire_stat stat;		/* as the node last said */
	uint64_t calls_local;		/* system calls of this process that nodes have served */
	uint64_t calls_forwarded;	/* and that came home */
	struct list_head why;		/* why.c's: struct why_event, oldest first */
};

extern struct list_head stubs;

struct stub *stub_find(pid_t pid);
/* The stub of a process's leading thread. */
struct stub *stub_find_process(pid_t tgid);
struct stub *stub_new(pid_t pid, pid_t tgid);
/* How many threads of this process are traced and alive. */
unsigned stub_threads(pid_t tgid);
/* execve by another thread of the process took over this pid. */
void stub_rename(struct stub *stub, pid_t pid);
/* Forgets it now: for the reaper only. */
void stub_free(struct stub *stub);
const char *stub_state_name(const struct stub *stub);
/* Is its computation on a node, or about to be? */
bool stub_away(const struct stub *stub);

/* Reads comm and tgid anew from /proc. */
void stub_refresh(struct stub *stub);

#endif
