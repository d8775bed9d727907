/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The limit of CPU time: setrlimit(2), RLIMIT_CPU. */
#include "kernel/proc/cpulimit.h"

#include "kernel/guest/guest.h"
#include "kernel/proc/signal.h"
#include "kernel/time/clock.h"

#define NR_SETRLIMIT 160

static bool limited(const struct proc *proc)
{
	return proc->rlim[RLIMIT_CPU_NR][0] != UINT64_MAX ||
	       proc->rlim[RLIMIT_CPU_NR][1] != UINT64_MAX;
}

void cpulimit_changed(struct proc *proc)
{
	struct uthread *u;

	list_for_each_entry(u, &proc->threads, link)
		u->thread->tick_work = limited(proc) ? PROC_WORK_CPU : 0;
}

/* Linux moves the soft limit a second on with each SIGXCPU, and so can everybody see. */
static void next_second(uint64_t limit[2])
{
	struct fcall call = {
		.nr = NR_SETRLIMIT,
		.args = { RLIMIT_CPU_NR },
		.nbufs = 1,
		.buf[0] = { (uint64_t)limit, 2 * sizeof(limit[0]), 1, WBUF_IN, true },
	};

	guest_call_oneway(&call);
}

void cpulimit_check(void)
{
	struct proc *proc = current_proc;
	struct siginfo info = { .code = LSI_KERNEL };
	uint64_t utime, stime, seconds, limit[2];

	if (!current->tick_work)
		return;
	proc_cpu_times(proc, &utime, &stime);
	seconds = (utime + stime) / NSEC_PER_SEC;
	spin_lock(&proc->lock);
	if (seconds >= proc->rlim[RLIMIT_CPU_NR][1])
		info.signo = LSIG_KILL;
	else if (seconds >= proc->rlim[RLIMIT_CPU_NR][0])
		info.signo = LSIG_XCPU;
	if (info.signo == LSIG_XCPU)
		proc->rlim[RLIMIT_CPU_NR][0]++;
	limit[0] = proc->rlim[RLIMIT_CPU_NR][0];
	limit[1] = proc->rlim[RLIMIT_CPU_NR][1];
	spin_unlock(&proc->lock);
	if (!info.signo)
		return;
	signal_send(proc, NULL, &info);
	if (info.signo == LSIG_XCPU)
		next_second(limit);
}
