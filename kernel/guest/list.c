/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guests, for whoever looks at the node. */
#include <stdio.h>
#include <string.h>

#include "kernel/guest/guest.h"
#include "kernel/guest/session.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/page.h"
#include "kernel/proc/proc.h"

struct listing {
	struct guest_info *list;
	unsigned n, max;
};

static void list_session(struct session *s, void *arg)
{
	struct listing *l = arg;
	struct guest *g;

	spin_lock(&s->lock);
	list_for_each_entry(g, &s->guests, link) {
		struct guest_info *info = &l->list[l->n];

		if (l->n == l->max)
			break;
		l->n++;
		info->pid = g->proc->pid;
		info->uid = s->home.uid;
		snprintf(info->comm, sizeof(info->comm), "%.15s", g->proc->comm);
		snprintf(info->home, sizeof(info->home), "%s", s->home.name);
		snprintf(info->peer, sizeof(info->peer), "%s", s->peer);
		info->threads = g->proc->nthreads;
		info->stopped = g->proc->stopped;
		info->cpu_ns = proc_cpu_here(g->proc);
		info->bytes = g->mm->rss_pages * PAGE_SIZE;
	}
	spin_unlock(&s->lock);
}

unsigned guest_list(struct guest_info *list, unsigned max)
{
	struct listing l = { list, 0, max };

	session_for_each(list_session, &l);
	return l.n;
}
