/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pending signals with their siginfo, as signal(7) says: a standard signal is pending once, a
 * real-time signal as often as it was sent. The caller's lock (proc->lock) guards a queue.
 *
 * Portable: compiled on the host for tests/unit/test_sigqueue.c.
 */
#ifndef KERNEL_PROC_SIGQUEUE_H
#define KERNEL_PROC_SIGQUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/list.h"
#include "kernel/proc/signo.h"

/* The kernel's siginfo_t of x86-64, 128 bytes. */
struct siginfo {
	int32_t signo;
	int32_t error;
	int32_t code;
	int32_t pad;
	union {
		struct {
			uint32_t pid;
			uint32_t uid;
			uint64_t value;
		} from; /* kill, sigqueue */
		struct {
			uint64_t addr;
		} fault;
		struct {
			uint32_t id;
			int32_t overrun;
			uint64_t value;
		} timer; /* timer_create */
		uint8_t bytes[112];
	};
};

_Static_assert(sizeof(struct siginfo) == 128, "siginfo_t of x86-64");

struct sigentry {
	struct list_head link;
	bool fault; /* the instruction at rip would raise it again */
	struct siginfo info;
};

struct sigpend {
	uint64_t set;		/* which are pending */
	struct list_head queue; /* struct sigentry, oldest first; may lack one for a bit of
					 * `set` when there was no memory for it */
};

void sigpend_init(struct sigpend *p);
void sigpend_clear(struct sigpend *p);

/* Removes signals in `set`, whatever their number. */
void sigpend_flush(struct sigpend *p, uint64_t set);

/*
 * Adds a signal; a standard one that is pending already is dropped, and so is a timer's, whose overruns
 * are added to the one that is pending. info->signo says which.
 * front: to be delivered before others of its number. 0, or -EAGAIN: a real-time signal for which
 * there is no memory (a standard one is then noted without its siginfo).
 */
int sigpend_add(struct sigpend *p, const struct siginfo *info, bool fault, bool front);

/* The signal to deliver next of those in p and not in mask: synchronous ones first. 0: none. */
int sigpend_next(const struct sigpend *p, uint64_t mask);

/* Removes one instance of signo, which is pending, and fills *out. */
void sigpend_take(struct sigpend *p, int signo, struct sigentry *out);

#endif
