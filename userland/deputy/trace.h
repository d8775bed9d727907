/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ptrace reports, and the life of processes that run freely at home. */
#ifndef USERLAND_DEPUTY_TRACE_H
#define USERLAND_DEPUTY_TRACE_H

#include <stdbool.h>
#include <sys/types.h>

struct stub;

/* What ptrace is to report of each thread: PTRACE_O_*. */
#define TRACE_OPTIONS                                                                          \
	(PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | \
	 PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)

/* Seizes the program (a child of ours that waits before its execve). 0 or a negative errno. */
int trace_seize(pid_t pid);

/* Handles all stops and ends there are now; frees stubs that ended. */
void trace_poll(void);

/*
 * Resumes a stopped stub: PTRACE_CONT, _SYSCALL, _LISTEN; sig: the signal to go on with. 0, or
 * -ESRCH if it has been killed (its end will be reported).
 */
int stub_resume(struct stub *stub, int request, int sig);

/* Lets it run freely at home, as its registers and mask now are. */
void trace_run_native(struct stub *stub);

/* Handles a stop that was kept back, now as if it had just been reported. */
void trace_again(struct stub *stub, int status);

/*
 * Waits for this stub's next stop or end: as waitpid(2), or -1. A killed leader shows its end only
 * when those of the other threads have been taken: they are, then.
 */
pid_t trace_wait(struct stub *stub, int *status);

/* Its end was seen by somebody who waited for it alone. Freed by the next trace_poll(). */
void trace_died(struct stub *stub, int status);

/* Are there still processes of the job? */
bool trace_empty(void);

#endif
