/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals that reach a stub while its process is away: told to the node with their siginfo; the
 * node knows handlers and masks and decides. Ones that come while the stub is in no state to tell
 * (an image on its way) are held and go with it, wherever it then runs.
 */
#ifndef USERLAND_DEPUTY_SIGNALS_H
#define USERLAND_DEPUTY_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/wire.h"

struct process;
struct stub;

/* A signal-delivery-stop of a stub that is away: forwards or holds it; it will be suppressed. */
void signal_seen(struct stub *stub, int signo);
void signal_keep(struct stub *stub, const siginfo_t *info);
/*
 * Is a fault of the thread's own pending? Its handler's context can only be made by Linux, which looks for
 * other stops first. It has not begun to handle it: when it is resumed the signal is the next thing to show.
 */
bool signal_fault_pending(const struct stub *stub);
/*
 * A timer may be so fast that its next signal is there before an injected call has begun: it never
 * would. Signals that showed too often during one are blocked in the stub until it has ended. The
 * node loses nothing: if the program takes such a signal, it has ended the call because of the first
 * ones. Not while the call is an execve, whose mask is the program's.
 */
void signal_hold_off(struct stub *stub, int signo);
/* The call has ended. */
void signal_show_again(struct stub *stub);
/* Sends what was held to the node that now runs the process. */
void signal_flush_to_node(struct process *process);
/*
 * Raises what was held in the stubs themselves (which are stopped, with their agent), so that Linux
 * delivers it when the program's mask allows. home.c uses signal_raise() for the node's pending ones:
 * in that thread, for it alone or for the process.
 * SIGTRAP, faults and SIGSTOP, which would show meanwhile, are held until signal_flush_outside().
 */
void signal_flush_home(struct process *process);
int signal_raise(struct stub *stub, const siginfo_t *info, int to_process);
/* Sends what is still held, once the stubs' own masks are set: the last thing before it goes on. */
void signal_flush_outside(struct process *process);
void signal_forget(struct process *process);

/*
 * The process has left the node (or been replaced there) when it had taken in `taken` signals: what
 * was forwarded after these is held again, to go where the process goes.
 */
void signal_take_back(struct process *process, uint64_t taken);
/* Was such a signal forwarded after the first `taken`? */
bool signal_sent_since(const struct process *process, uint64_t taken, int signo);

/*
 * execve keeps pending signals. The node says which there are (W_EXECING, then each). Those that the
 * program blocks are raised in the stub, frozen, before the call, so that Linux itself keeps them;
 * when the call has failed they are taken back, still frozen. The others are held for the new program.
 */
void signal_execing(struct process *process, const struct wire_execing *msg);
const char *signal_exec_inherits(struct process *process, const struct wire_signal *signal);
void signal_exec_begins(struct stub *stub);
void signal_exec_failed(struct stub *stub);
void signal_exec_succeeded(struct process *process);

/* It begins anew on a node. */
void signal_arrived(struct process *process);

#endif
