/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connected home. Private to kernel/guest/.
 *
 * The network thread delivers messages; guest threads send and wait. session->lock guards the lists
 * and the pending calls; it is a spin lock, taken with interrupts on (no interrupt handler uses a
 * session), and may be taken inside nothing else of this folder. Lifetime: one reference by the
 * connection until it closes, one by each process, call and ghost that points here.
 */
#ifndef KERNEL_GUEST_SESSION_H
#define KERNEL_GUEST_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/list.h"
#include "kernel/sync/mutex.h"
#include "kernel/sync/spinlock.h"
#include "kernel/sync/waitq.h"
#include "net/transport.h"
#include "proto/wire.h"

struct mm;
struct proc;

/* What to add to our clock to have one of home's. Written by the network thread. */
struct clock_offset {
	int64_t ns;
	int64_t best_lower_ns;		/* of the `lower` samples in a row that were well below */
	unsigned lower;
};

struct session {
	struct list_head link;		/* all sessions */
	uint32_t refs;
	struct conn *conn;
	spinlock_t lock;
	bool greeted;			/* HELLO was exchanged */
	bool lost;			/* the connection is gone; nothing more can be sent */
	bool unlinked;			/* taken off the list of sessions */
	struct wire_hello home;
	char peer[32];

	struct list_head guests;	/* struct guest, by lock */
	struct list_head calls;		/* struct pending, waiting for an answer */
	struct list_head fetches;	/* struct fetch: pages asked for */
	struct list_head arriving;	/* struct arrival: images not committed yet; network thread */
	struct list_head ghosts;	/* struct ghost: memory of processes that went home */

	struct waitq gate_wq;		/* who goes home waits for those who share its memory */
	struct mutex gate_lock;		/* one hands over the memory of all; taken before any mm->lock */
	bool shares_files;		/* guests have shared memory that is a file; atomic */

	/* Home's clocks minus ours, ns. */
	struct clock_offset realtime, monotonic, boottime;
};

/* What this folder keeps for each process; proc->guest. One reference on the process. */
struct guest {
	struct list_head link;		/* session->guests; empty: it has left or ended */
	struct proc *proc;
	struct mm *mm;			/* a reference: outlives the process's own */
	uint64_t calls;			/* W_CALLs; atomic */
	uint64_t local, forwarded;	/* system calls that have ended, since the last STAT; atomic */
	uint64_t signals;		/* W_SIGNALs taken in since it arrived; session->lock */
	bool leaving;			/* its image is on the way: later ones stay home's; the same lock */
	/* shared.c's, the same lock: at the gate; its memory is home's; walked */
	bool gated, handed, seen, staled;
	unsigned mapping;		/* threads that map some just now */
};

struct session *session_get(struct session *s);
void session_put(struct session *s);

/* Runs fn for each live session; a reference is held over the call. */
void session_for_each(void (*fn)(struct session *s, void *arg), void *arg);

/* A new id for a request of ours; never 0. Unique on this node. */
uint32_t guest_next_id(void);

/*
 * Message handlers, run on the network thread: they may take mutexes that are never held over a
 * wait for the network, and send with SEND_NOWAIT. NULL, or what is wrong with the message.
 */
typedef const char *message_fn(struct session *s, const struct wire_hdr *hdr, const void *payload);

message_fn guest_on_data, guest_on_reply, guest_on_mmapped;			/* call.c */
message_fn guest_on_stale;								/* shared.c */
message_fn guest_on_page_get, guest_on_pages;					/* pager.c */
message_fn guest_on_img_begin, guest_on_img_files, guest_on_img_vmas;		/* arrive.c */
message_fn guest_on_img_sigacts, guest_on_img_thread, guest_on_img_sched, guest_on_img_signal;
message_fn guest_on_img_runs, guest_on_img_commit;
message_fn guest_on_img_running, guest_on_img_refused, guest_on_img_done;	/* depart.c */
message_fn guest_on_signal, guest_on_stop, guest_on_cont, guest_on_kill;	/* control.c */
message_fn guest_on_recall;
message_fn guest_on_order;								/* order.c */

/* The connection is gone: each module lets go of what it holds for this session. */
void guest_calls_lost(struct session *s);
void guest_pager_lost(struct session *s);
void guest_arrivals_lost(struct session *s);
void guest_departures_lost(struct session *s);
void guest_procs_lost(struct session *s);

/* Sends STAT for one process; how: SEND_*. */
void guest_send_stat(struct guest *g, unsigned how);
/* Sends STAT for each guest. */
void guest_send_stats(struct session *s, void *unused);

/* Sends a message made of one struct, or of nothing. */
int session_send(struct session *s, unsigned type, uint32_t tid, uint32_t id, const void *data,
		 size_t len, unsigned how);
int session_send_text(struct session *s, unsigned type, uint32_t tid, enum wire_reason code,
		      const char *text, unsigned how);

/*
 * Sends changed pages of shared memory and waits for the answer: 0, -errno, or -EINTR when home is lost.
 * By a guest's thread, for any guest of the session.
 */
int guest_put(struct session *s, uint32_t pid, const struct wire_put *put, const void *pages);

/* The live guest with this pid, with a reference for the caller, or NULL. */
struct proc *session_find(struct session *s, uint32_t pid);

/* Enters a process, taking over the caller's reference on it; messages find it from now on. 0, -ENOMEM. */
int guest_enlist(struct proc *proc);
/* Messages no longer find it. */
void guest_unlist(struct proc *proc);

#endif
