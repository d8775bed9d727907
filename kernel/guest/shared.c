/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes that share memory go home together. The first that leaves calls all others of its session
 * that have any; each waits at the gate, where it runs no more, for the rest. Then what this node has
 * changed is put into the stubs' mappings, and from that moment on the memory is home's: who is through
 * the gate goes home and nowhere else.
 */
#include "kernel/guest/shared.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/guest/guest.h"
#include "kernel/guest/session.h"
#include "kernel/kprintf.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/proc.h"
#include "kernel/proc/thread.h"

static bool has_shared(const struct guest *g)
{
	return __atomic_load_n(&g->mm->vmas.live, __ATOMIC_RELAXED);
}

/*
 * Has everybody come? Who has not is called; who waits for a child of vfork does not run either, and
 * comes when that has gone. Called with s->lock held.
 */
static bool all_here(struct session *s, const struct proc *first)
{
	char text[WIRE_REASON_MAX];
	struct guest *g;
	bool all = true;

	list_for_each_entry(g, &s->guests, link) {
		if (!has_shared(g) || g->gated)
			continue;
		if (!g->proc->recalled) {
			snprintf(text, sizeof(text),
				 "it may share memory with process %u (%s), which goes home",
				 first->pid, first->comm);
			proc_recall(g->proc, WHY_MAPPING, text);
		}
		all &= __atomic_load_n(&g->proc->nvforks, __ATOMIC_ACQUIRE) > 0;
	}
	return all;
}

static bool gate_open(struct session *s, struct proc *proc)
{
	struct guest *g = proc->guest;
	bool open;

	spin_lock(&s->lock);
	open = s->lost || proc_ending(proc) || g->handed || all_here(s, proc);
	spin_unlock(&s->lock);
	return open;
}

void guest_gate_look(struct session *s)
{
	waitq_wake_all(&s->gate_wq);
}

struct put {
	struct session *s;
	uint32_t pid;
};

static int put_pages(void *arg, const struct wire_put *put, const void *pages)
{
	struct put *p = arg;

	return guest_put(p->s, p->pid, put, pages);
}

/* Everybody waits: home gets what is new. 0 or -errno, then the memory is still this node's. */
static int hand_over(struct session *s)
{
	struct guest *g, *found;
	int err = 0;

	do {
		struct put put = { .s = s };
		struct mm *mm = NULL;

		found = NULL;
		spin_lock(&s->lock);
		list_for_each_entry(g, &s->guests, link)
			if (has_shared(g) && !g->put && !g->proc->dead) {
				found = g;
				g->put = true;
				put.pid = g->proc->pid;
				mm = mm_get(g->mm);
				break;
			}
		spin_unlock(&s->lock);
		if (!found)
			break;
		err = mm_put_shared(mm, put_pages, &put);
		mm_put(mm);
		/* It has ended at home: the others have the same memory. */
		if (err == -ESRCH)
			err = 0;
	} while (!err);

	spin_lock(&s->lock);
	list_for_each_entry(g, &s->guests, link) {
		g->handed |= !err && g->put;
		g->put = false;
	}
	spin_unlock(&s->lock);
	return err;
}

int guest_gate(struct proc *proc)
{
	struct session *s = proc->session;
	struct guest *g = proc->guest;
	int err = 0;

	if (!has_shared(g) || g->handed)
		return 0;
	spin_lock(&s->lock);
	g->gated = true;
	spin_unlock(&s->lock);
	guest_gate_look(s);
	wait_event(&s->gate_wq, gate_open(s, proc));
	if (!s->lost && !proc_ending(proc)) {
		mutex_lock(&s->gate_lock);
		if (!g->handed)
			err = hand_over(s);
		mutex_unlock(&s->gate_lock);
	}
	if (s->lost || proc_ending(proc))
		err = -EINTR;
	if (err) {
		spin_lock(&s->lock);
		g->gated = false;
		spin_unlock(&s->lock);
	}
	guest_gate_look(s);
	return err;
}

bool guest_handed(const struct proc *proc)
{
	const struct guest *g = proc->guest;

	return g->handed;
}
