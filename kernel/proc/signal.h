/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sending signals to guest processes and delivering them. Signals from elsewhere arrive through
 * the stub at home (proc_signal()); masks, handlers and default actions are decided here.
 *
 * All of it takes proc->lock itself unless the name ends in _locked.
 */
#ifndef KERNEL_PROC_SIGNAL_H
#define KERNEL_PROC_SIGNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/proc/proc.h"
#include "kernel/proc/sigqueue.h"

struct fsave;

/*
 * Should a wait of this thread end now? A signal is pending that is not blocked and would do
 * something, or the process is recalled, ending or taken away. Any thread context.
 */
bool signal_wakes(struct thread *t);

/* The first part of it: a signal is pending that would do something. */
bool signal_pending(struct thread *t);

/*
 * Queues a signal for the process, or for `only` (then it is that thread's own). Drops what is
 * ignored. 0 or -EAGAIN (no memory for a real-time signal). Any thread context.
 */
int signal_send(struct proc *proc, struct uthread *only, const struct siginfo *info);
/* To the thread with this tid; -ESRCH when the process has none. */
int signal_send_to(struct proc *proc, uint32_t tid, const struct siginfo *info);

/*
 * Finds another thread than `except` for each signal of `set` that is pending for the process: the
 * one that was woken for it does not want it any more. proc->lock is held.
 */
void retarget_signals_locked(struct proc *proc, const struct uthread *except, uint64_t set);

/* After an interrupted wait: there is nothing to do (any more), it should wait on. */
bool signal_woke_in_vain(void);

/*
 * An exception of the current thread: cannot be blocked or ignored. again: the instruction at rip
 * raises it again when repeated.
 */
void signal_force(int signo, int code, uint64_t addr, bool again);

/*
 * The current thread's mask; SIGKILL and SIGSTOP are taken out. Waits for home if that changes which of
 * proc->sfd_mask are blocked.
 */
void signal_set_mask(uint64_t mask);

/*
 * The current process is about to read these from a signalfd(2). Threads other than the current one
 * would have to tell home of their masks, too: false, and nothing was done.
 */
bool signal_watch(uint64_t set);

/* Masks for the time of a ppoll, pselect6, epoll_pwait or rt_sigsuspend. */
void signal_set_temporary_mask(uint64_t mask);

/* Would this signal do nothing? */
bool signal_ignored_locked(const struct proc *proc, int signo);

/*
 * Takes a pending signal of `set` off the current thread's queues; 0: none is pending. Ends its
 * waits_for.
 */
int signal_take(uint64_t set, struct siginfo *info);

/*
 * overrun.c: a signal was taken off a queue; if it is a timer's, its overruns are remembered. Then: those of
 * this timer, false if home knows; and that there is no such timer any more.
 */
void overrun_note_locked(struct proc *proc, const struct siginfo *info);
bool overrun_last(struct proc *proc, uint32_t timer, int32_t *count);
void overrun_forget(struct proc *proc, uint32_t timer);

/* Sets an action, as rt_sigaction(2); forgets pending instances of what is now ignored. */
void signal_set_action(struct proc *proc, int signo, const struct wire_sigact *act);

/* Is the process to go home now? Not while memory is shared with a vfork child. */
bool proc_recall_due(const struct proc *proc);

/* Signals pending for the current thread, blocked or not. */
uint64_t signal_pending_set(void);

/* deliver.c: the result of an interrupted call, when no handler runs. */
void restart_resolve(struct trapframe *tf);

/* Says that the registers in tf are no longer those of a system call's end. */
void restart_forget(struct trapframe *tf);

/*
 * A place in user memory, below the stack's red zone, where nothing is kept over a system call: for an
 * argument of a call that goes on.
 */
uint64_t restart_scratch(const struct trapframe *tf);

/* sigframe.c: a handler's frame. 0, or -EFAULT when the stack cannot take it. */
int sigframe_push(struct trapframe *tf, const struct sigentry *sig, const struct wire_sigact *act,
		  uint64_t saved_mask);

/* rt_sigreturn: 0, -EFAULT for a broken frame, or RETREATED. Sets all registers and the mask. */
long sigframe_pop(struct trapframe *tf);

/*
 * The floating-point part of a frame, in user memory at fp: as large as sigframe_xstate_size(), `before`
 * bytes of the frame's state lie in front of it. Popped, x87 (if any) replaces what it says of the x87
 * unit. 0 or -EFAULT.
 */
uint32_t sigframe_xstate_size(void);
int sigframe_push_xstate(uint64_t fp, uint32_t before);
int sigframe_pop_xstate(uint64_t fp, const struct fsave *x87);

/* Flags that a frame may change: AC OF DF TF SF ZF AF PF CF RF (Linux's FIX_EFLAGS). */
#define SIGFRAME_FLAGS 0x00050dd5ull

/* sigframe32.c: the same for 32-bit programs; rt: rt_sigreturn, else the old sigreturn. */
int sigframe32_push(struct trapframe *tf, const struct sigentry *sig, const struct wire_sigact *act,
		    uint64_t saved_mask);
long sigframe32_pop(struct trapframe *tf, bool rt);

/*
 * restart32.c: puts the time that is left of an interrupted call, ns, into its arguments; its result is
 * one of the restart codes, u->restart tells of it. tf->error is u->restart_nr.
 */
void restart_elsewhere32(struct trapframe *tf, uint64_t left);

/* Tells home of an action that has been set here. Does not wait. */
void signal_action_replay(int signo, const struct wire_sigact *act);

/*
 * The stub of the current thread blocks these and no others: what of them comes from now on waits at
 * home. What was waiting there and is no longer blocked has arrived here when this returns.
 */
void signal_block_at_home(uint64_t set);

/* Sends a signal to the current thread, or process, once more, at home. False: it did not get there. */
bool signal_send_at_home(const struct siginfo *info, bool to_process);

/* rseq.c: the critical section that rip is in is aborted; cpu_id is brought up to date. */
void rseq_signal(struct trapframe *tf);
void rseq_update(struct trapframe *tf);
/* What an area says that is no longer registered. 0 or -EFAULT. */
int rseq_reset(uint64_t addr);

/* vdso.c: moves rip out of the middle of a patched vDSO entry, as if it had returned. */
void vdso_leave(struct trapframe *tf);

#endif
