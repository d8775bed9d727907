/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often a timer expired in vain until its signal was taken: timer_getoverrun(2). Home counts until the
 * signal leaves the stub, where it is taken at once; what comes while it is blocked here is added up in the
 * queue (sigqueue.c), and remembered here when it is taken.
 */
#include "kernel/mm/kmalloc.h"
#include "kernel/proc/proc.h"
#include "kernel/proc/signal.h"

struct overrun {
	uint32_t timer;
	int32_t count;
};

static struct overrun *find(const struct proc *proc, uint32_t timer)
{
	for (unsigned i = 0; i < proc->noverruns; i++)
		if (proc->overruns[i].timer == timer)
			return &proc->overruns[i];
	return NULL;
}

void overrun_note_locked(struct proc *proc, const struct siginfo *info)
{
	struct overrun *o;

	if (info->code != LSI_TIMER)
		return;
	o = find(proc, info->timer.id);
	if (!o) {
		/* Without memory home is asked, which knows a part of it. */
		o = krealloc(proc->overruns, (proc->noverruns + 1) * sizeof(*o));
		if (!o)
			return;
		proc->overruns = o;
		o += proc->noverruns++;
		o->timer = info->timer.id;
	}
	o->count = info->timer.overrun;
}

bool overrun_last(struct proc *proc, uint32_t timer, int32_t *count)
{
	struct overrun *o;

	spin_lock(&proc->lock);
	o = find(proc, timer);
	if (o)
		*count = o->count;
	spin_unlock(&proc->lock);
	return o;
}

void overrun_forget(struct proc *proc, uint32_t timer)
{
	struct overrun *o;

	spin_lock(&proc->lock);
	o = find(proc, timer);
	if (o)
		*o = proc->overruns[--proc->noverruns];
	spin_unlock(&proc->lock);
}
