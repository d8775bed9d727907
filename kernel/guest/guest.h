/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the rest of the kernel asks of a guest's home: forwarded calls, pages, forks, the way home.
 *
 * All functions run in the guest thread's own context and may sleep, unless said otherwise. Each
 * returns early when the guest is being killed or its session is lost (proc->dead): the caller
 * goes on to its return to user mode, where the thread ends.
 */
#ifndef KERNEL_GUEST_GUEST_H
#define KERNEL_GUEST_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/wire.h"

struct proc;
struct session;
struct thread;
struct uthread;

/* One buffer of a forwarded call. */
struct fbuf {
	uint64_t addr;		/* of the data: in the guest, or in the kernel (kernel = true) */
	uint32_t len;
	uint8_t arg;		/* which argument it replaces, or WBUF_NO_ARG */
	uint8_t flags;		/* WBUF_* */
	bool kernel;
};

struct fcall {
	uint32_t nr;
	uint64_t args[6];
	unsigned nbufs;
	struct fbuf buf[WIRE_BUFS_MAX];
	uint16_t offset[WIRE_BUFS_MAX];		/* of a kernel buffer's original in its page */
	const struct wire_fixup *fixups;	/* kernel memory, the caller's */
	unsigned nfixups;
	uint32_t returned[WIRE_BUFS_MAX];	/* out: bytes that came back for each buffer */
};

/*
 * Executes the call at home and copies OUT buffers back. Returns what Linux returned, or one of the
 * kernel's restart codes (-512..-516) when a signal for this thread interrupted it. Interrupted by:
 * signal_wakes(thread) becoming true (kernel/proc/signal.h), a recall, or a kill.
 */
long guest_call(struct fcall *call);

/* The same without waiting for the result: replays at home what this node has already done. */
void guest_call_oneway(struct fcall *call);

/*
 * mmap of a file, executed by the stub at addr. On success fills file. A mapping that home does not
 * want to be served away (why->code set) returns -EAGAIN: the caller retreats with *why.
 */
long guest_mmap(const struct wire_mmap *map, struct wire_file *file, struct wire_text *why);

/* Forks the stub; returns the child's pid or -errno. */
long guest_fork(uint64_t clone_flags);

/*
 * Gives the stub a thread for u, which becomes one of the process's threads (proc_thread_join()) as
 * soon as home's answer is here: then u->tid is set, whatever is returned. The tid or -errno.
 */
long guest_thread(uint64_t clone_flags, struct uthread *u);

/*
 * Sends the process of the current thread home for the reason in proc->why, to go on there with the
 * user registers as they are in its trapframe (the caller has set rip so that an unserved call is
 * repeated). To be called on the way back to user mode only, with all other threads parked. Returns
 * 0 when the process now runs at home (it is off the session's list; its threads end), or -errno when
 * home would not take it (then it runs on here).
 */
int guest_go_home(void);

/*
 * Shared memory that is a file, and was written by guests of the session: home gets it. Before anything
 * by which somebody might look at the file, and before a mapping of it goes. Takes mm->locks of guests.
 */
void guest_share_sync(struct session *s);

/*
 * Around the mapping of shared memory by the current process. begin: false when others of its session are
 * on their way home with theirs, so that it has to go, too. end: file: what was mapped is a file.
 */
bool guest_share_begin(struct proc *proc);
void guest_share_end(struct proc *proc, bool file);

/* A process that others may wait for at the gate (shared.c) does not run for a while. Any context. */
void guest_gate_look(struct session *s);

/*
 * Does the node take guests? guest_close() is its owner's word; who sends guests home closes it, too, until
 * all who began have ended it. Homes are told. Thread context.
 */
bool guest_closed(void);
void guest_close(bool closed);
void guest_leaving(bool begin);
unsigned guest_count(void);

/* One guest, for people: who it is, whose, from where, and what it uses. */
struct guest_info {
	uint32_t pid, uid;		/* at home */
	char comm[16];
	char home[WIRE_NAME_MAX], peer[32];	/* the home's name and address */
	unsigned threads;
	bool stopped;
	uint64_t cpu_ns;		/* burnt on this node */
	uint64_t bytes;			/* of its memory that are here */
};

/* Fills in at most max; returns how many guests there are, as far as that many. Any thread. */
unsigned guest_list(struct guest_info *list, unsigned max);

/*
 * Sends all guests home for this reason, and those that come to be meanwhile, until nothing of theirs is left
 * here, their memory included; the node takes no new ones until then. Gives up, -ETIMEDOUT, when nothing
 * has moved for patience_s. tell (or NULL) hears about once a second how many are still here, and
 * of how many that have left the memory still is. Returns how many were there at first. Thread context,
 * not the network thread; any number may run.
 */
int guest_expel(const char *why, unsigned patience_s,
		void (*tell)(void *arg, unsigned guests, unsigned memories), void *arg);

/* Counts a system call of the current process that has ended; home: it waited for home. */
void guest_count_syscall(bool home);
/* Tells home what was counted so far: before the process is replaced by a fresh image. */
void guest_report(void);

/* Tells home that the process has ended. The caller then frees it. */
void guest_exit(struct proc *proc, int signo, int status);

/* The current process is about to execve(): tells home what signals the new program inherits. */
void guest_execing(void);

/* Tells home that this thread ends while the process goes on. */
void guest_thread_exit(struct proc *proc, uint32_t tid);

/*
 * The process stops by the default action of this signal, which was taken off its queue: tells home,
 * which stops the stub.
 */
void guest_stopped(struct proc *proc, int signo);

/* Clocks of home, from the session's HELLO and PINGs: ns to add to clock_now_ns(). Any context. */
int64_t guest_realtime_offset(const struct proc *proc);
int64_t guest_monotonic_offset(const struct proc *proc);
int64_t guest_boottime_offset(const struct proc *proc);

#endif
