/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The queue of pending signals; see sigqueue.h. */
#include "kernel/proc/sigqueue.h"

#include <errno.h>
#include <string.h>

#include "kernel/mm/kmalloc.h"

void sigpend_init(struct sigpend *p)
{
	p->set = 0;
	list_init(&p->queue);
}

void sigpend_clear(struct sigpend *p)
{
	sigpend_flush(p, ~0ull);
}

void sigpend_flush(struct sigpend *p, uint64_t set)
{
	struct sigentry *e, *tmp;

	p->set &= ~set;
	list_for_each_entry_safe(e, tmp, &p->queue, link) {
		if (SIGBIT(e->info.signo) & set) {
			list_del(&e->link);
			kfree(e);
		}
	}
}

/* The signal of this timer that is pending already, or NULL. */
static struct sigentry *pending_timer(struct sigpend *p, const struct siginfo *info)
{
	struct sigentry *e;

	if (info->code != LSI_TIMER || !(p->set & SIGBIT(info->signo)))
		return NULL;
	list_for_each_entry(e, &p->queue, link)
		if (e->info.signo == info->signo && e->info.code == LSI_TIMER &&
		    e->info.timer.id == info->timer.id)
			return e;
	return NULL;
}

int sigpend_add(struct sigpend *p, const struct siginfo *info, bool fault, bool front)
{
	uint64_t bit = SIGBIT(info->signo);
	struct sigentry *e = pending_timer(p, info);

	if (e) {
		int64_t sum = (int64_t)e->info.timer.overrun + info->timer.overrun + 1;

		e->info.timer.overrun = sum < INT32_MAX ? sum : INT32_MAX;
		return 0;
	}
	if (info->signo < LSIG_RTMIN && (p->set & bit))
		return 0;
	e = kmalloc(sizeof(*e));
	if (!e && info->signo >= LSIG_RTMIN)
		return -EAGAIN;
	p->set |= bit;
	if (!e)
		return 0;
	e->info = *info;
	e->fault = fault;
	if (front)
		list_add(&e->link, &p->queue);
	else
		list_add_tail(&e->link, &p->queue);
	return 0;
}

int sigpend_next(const struct sigpend *p, uint64_t mask)
{
	uint64_t ready = p->set & ~mask;

	if (!ready)
		return 0;
	if (ready & SIGS_SYNCHRONOUS)
		ready &= SIGS_SYNCHRONOUS;
	return __builtin_ctzll(ready) + 1;
}

void sigpend_take(struct sigpend *p, int signo, struct sigentry *out)
{
	struct sigentry *e, *tmp;
	bool found = false;

	memset(out, 0, sizeof(*out));
	list_init(&out->link);
	/*
	 * Without an entry there was no memory for one: say no more than the number, as Linux does.
	 */
	out->info.signo = signo;
	out->info.code = LSI_USER;
	list_for_each_entry_safe(e, tmp, &p->queue, link) {
		if (e->info.signo != signo)
			continue;
		if (found)
			return; /* another one stays pending */
		out->info = e->info;
		out->fault = e->fault;
		list_del(&e->link);
		kfree(e);
		found = true;
	}
	p->set &= ~SIGBIT(signo);
}
