/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processes of the job: what the threads of one have in common, above all that they are moved
 * together. Made with the first of its threads and freed with the last.
 *
 * Functions that take a process and need one of its threads to work with take process_stub().
 */
#ifndef USERLAND_DEPUTY_PROCESS_H
#define USERLAND_DEPUTY_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel/list.h"
#include "proto/wire.h"
#include "userland/deputy/loop.h"

struct home;
struct image;
struct maps;
struct move;
struct session;
struct stub;

/* The pages of ours in its address space, see agent.h. */
struct agent {
	uint64_t base;			/* 0: none */
	struct agent_slot *slots;	/* one for each thread that has needed one */
	int nslots;
};

struct process {
	struct list_head link;		/* in the table */
	pid_t pid;
	struct list_head threads;	/* struct stub, by mate; those that have ended, too */
	char comm[16];
	bool starting;			/* ours still: the program's execve is to come */
	bool i386;			/* a 32-bit program; known from its freeze on */
	bool loose;			/* loose.h: no longer traced */
	bool shares_vm;			/* at home, with another process (vfork): until its execve */
	bool stopped;			/* by job control, as has been told */
	struct agent agent;

	/* While it is away, or on its way */
	struct session *session;
	struct move *move;		/* what asked for the move in progress, or NULL */
	struct maps *look;		/* image_look.c's: its mappings before the freeze */
	struct image *image;		/* image.c's: kept until the node needs it no more */
	struct home *home;		/* home.c's: the return, pages still to come included */
	uint64_t calls_total;
	bool execing;			/* a thread is inside an execve that was forwarded */
	bool ended_by_node;		/* W_EXIT came: the node knows */

	/* backlog.c's: what the node said while it could not be done yet */
	struct list_head backlog;
	size_t backlog_bytes;
	struct alarm backlog_alarm;
	struct stub *mapping;		/* carries out a change of the map, or NULL */

	uint64_t sfd_mask;		/* image_process.c's: signals that it may read from a signalfd(2) */

	/* signals.c's */
	bool unannounced;		/* a fork's child that the node has not made yet */
	struct list_head held_signals;	/* seen while they could not be forwarded, in order */
	struct list_head sent_signals;	/* the last ones forwarded: the node may not take them */
	uint64_t signals_sent;		/* since it arrived there */
	uint64_t signals_at_exec;	/* of those, before the execve that is under way */
	bool exec_told;			/* the node has said what the new program inherits: */
	uint64_t exec_taken;		/* W_SIGNALs it had taken in */
	struct list_head exec_signals;	/* pending ones */

	uint32_t cpu[WIRE_CPU_WORDS];	/* baseline.c's: features the program may use; 0: as home */
	struct wire_stat stat;		/* as the node last said */
	uint64_t calls_local;		/* system calls of this process that nodes have served */
	uint64_t calls_forwarded;	/* and that came home */
	struct list_head why;		/* why.c's: struct why_event, oldest first */
};

extern struct list_head processes;

#define for_each_thread(stub, process) list_for_each_entry(stub, &(process)->threads, mate)

struct process *process_find(pid_t pid);
/* With process_free(): stub.c's. */
struct process *process_new(pid_t pid);
void process_free(struct process *process);

/* One of its threads to work with: the leader as long as it lives. NULL: it is ending. */
struct stub *process_stub(const struct process *process);
/* The id of such a thread, to read the memory by: a leader that has ended has none any more. */
pid_t process_live_pid(const struct process *process);
/* How many of its threads live. */
unsigned process_threads(const struct process *process);
/* Is its computation on a node, or about to be? */
bool process_away(const struct process *process);

/* Signals to it that no thread takes, since they may be read from a signalfd(2): see held_mask. */
uint64_t process_held(const struct process *process);

/* Reads comm anew from /proc. */
void process_refresh(struct process *process);

#endif
