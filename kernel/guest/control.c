/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which guests there are, and what home and they tell each other about signals and their end. */
#include <errno.h>
#include <string.h>

#include "kernel/guest/guest.h"
#include "kernel/guest/pager.h"
#include "kernel/guest/session.h"
#include "kernel/guest/shared.h"
#include "kernel/kprintf.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/proc.h"
#include "net/announce.h"

static unsigned guests;
static bool closed;		/* as somebody has said; atomic */
static unsigned leaving;	/* expulsions under way; atomic */

bool guest_closed(void)
{
	return __atomic_load_n(&closed, __ATOMIC_SEQ_CST) ||
	       __atomic_load_n(&leaving, __ATOMIC_SEQ_CST);
}

/* So that what is announced last is how it is. */
static struct mutex close_lock = MUTEX_INIT(close_lock);

void guest_close(bool close)
{
	mutex_lock(&close_lock);
	__atomic_store_n(&closed, close, __ATOMIC_SEQ_CST);
	announce_closed(guest_closed());
	mutex_unlock(&close_lock);
}

void guest_leaving(bool begin)
{
	mutex_lock(&close_lock);
	__atomic_add_fetch(&leaving, begin ? 1 : -1, __ATOMIC_SEQ_CST);
	announce_closed(guest_closed());
	mutex_unlock(&close_lock);
}

unsigned guest_count(void)
{
	return __atomic_load_n(&guests, __ATOMIC_RELAXED);
}

int guest_enlist(struct proc *proc)
{
	struct session *s = proc->session;
	struct guest *g = kzalloc(sizeof(*g));
	bool lost;

	if (!g)
		return -ENOMEM;
	g->proc = proc;
	g->mm = mm_get(proc->mm);
	proc->guest = g;
	spin_lock(&s->lock);
	list_add_tail(&g->link, &s->guests);
	lost = s->lost;
	spin_unlock(&s->lock);
	__atomic_add_fetch(&guests, 1, __ATOMIC_RELAXED);
	guest_gate_look(s);
	/* The connection may have gone while nobody looked after this one yet. */
	if (lost)
		proc_kill(proc);
	return 0;
}

/* With session->lock held. */
static void unlist(struct session *s, struct guest *g)
{
	guest_pager_handover(s, g);
	list_del(&g->link);
	list_init(&g->link);
	guest_gate_look(s);
}

void guest_unlist(struct proc *proc)
{
	struct session *s = proc->session;

	spin_lock(&s->lock);
	/* Its last thread may have been faster. */
	if (proc->guest)
		unlist(s, proc->guest);
	spin_unlock(&s->lock);
}

int guest_proc_added(struct proc *child, struct proc *parent)
{
	int err = guest_pager_attach(child->session, child->pid, child->mm);

	(void)parent;
	if (!err)
		err = guest_enlist(proc_get(child));
	if (!err && !child->shares_mm && child->mm->away_pages)
		guest_pager_fill(child->mm);
	if (!err)
		session_send(child->session, W_IMG_RUNNING, child->pid, 0, NULL, 0, 0);
	return err;
}

void guest_mm_split(struct proc *proc)
{
	struct guest *g = proc->guest;
	struct mm *old = g->mm;

	if (guest_pager_attach(proc->session, proc->pid, proc->mm))
		kprintf("guest: no memory for the pages of %s (%u)\n", proc->comm, proc->pid);
	spin_lock(&proc->session->lock);
	g->mm = mm_get(proc->mm);
	spin_unlock(&proc->session->lock);
	guest_gate_look(proc->session);
	mm_put(old);
}

void guest_proc_gone(struct proc *proc)
{
	struct session *s = proc->session;
	struct guest *g = proc->guest;

	if (proc->dead && !s->lost && !g->handed)
		guest_share_sync(s);
	spin_lock(&s->lock);
	unlist(s, g);
	proc->guest = NULL;
	spin_unlock(&s->lock);
	__atomic_sub_fetch(&guests, 1, __ATOMIC_RELAXED);
	mm_put(g->mm);
	kfree(g);
	proc_put(proc);
}

struct proc *session_find(struct session *s, uint32_t pid)
{
	struct proc *found = NULL;
	struct guest *g;

	spin_lock(&s->lock);
	list_for_each_entry(g, &s->guests, link)
		if (g->proc->pid == pid) {
			found = proc_get(g->proc);
			break;
		}
	spin_unlock(&s->lock);
	return found;
}

/*
 * A message about a process that is not here is no fault of home's: the process may have ended, or
 * left, while the message was on its way.
 */
#define WITH_GUEST(s, hdr, proc, action)                             \
	do {                                                         \
		struct proc *proc = session_find((s), (hdr)->tid);   \
		if (proc) {                                          \
			action;                                      \
			proc_put(proc);                              \
		}                                                    \
	} while (0)

const char *guest_on_signal(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	struct guest *g;

	/* Counted and queued as one: an image tells home how many signals are in it. */
	spin_lock(&s->lock);
	list_for_each_entry(g, &s->guests, link) {
		if (g->proc->pid != hdr->tid && !proc_has_thread(g->proc, hdr->tid) &&
		    !proc_had_thread(g->proc, hdr->tid))
			continue;
		if (!g->leaving) {
			g->signals++;
			proc_signal(g->proc, hdr->tid, payload);
		}
		break;
	}
	spin_unlock(&s->lock);
	return NULL;
}

const char *guest_on_stop(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	(void)payload;
	WITH_GUEST(s, hdr, proc, proc_stop(proc));
	return NULL;
}

const char *guest_on_cont(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	(void)payload;
	WITH_GUEST(s, hdr, proc, proc_cont(proc));
	return NULL;
}

const char *guest_on_kill(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	(void)payload;
	WITH_GUEST(s, hdr, proc, proc_kill(proc));
	return NULL;
}

const char *guest_on_recall(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	struct wire_text why = *(const struct wire_text *)payload;
	const char *bad = wire_check_text(&why);

	if (!bad)
		WITH_GUEST(s, hdr, proc, proc_recall(proc, why.code, why.text));
	return bad;
}

void guest_exit(struct proc *proc, int signo, int status)
{
	struct wire_exit msg = { .signo = signo, .status = status };

	guest_share_sync(proc->session);
	proc_cpu_times(proc, &msg.utime_ns, &msg.stime_ns);
	guest_send_stat(proc->guest, 0);
	session_send(proc->session, W_EXIT, proc->pid, 0, &msg, sizeof(msg), 0);
}

void guest_thread_exit(struct proc *proc, uint32_t tid)
{
	session_send(proc->session, W_THREAD_EXIT, tid, 0, NULL, 0, 0);
}

void guest_stopped(struct proc *proc, int signo)
{
	struct wire_stopped msg = { .signo = signo };
	struct session *s = proc->session;
	struct guest *g;
	bool stops;

	/* A SIGCONT either comes before this, then it does not stop, or home sees that it came after. */
	spin_lock(&s->lock);
	g = proc->guest;
	msg.signals = g ? g->signals : 0;
	stops = proc_stop_taken(proc);
	spin_unlock(&s->lock);
	if (stops)
		session_send(proc->session, W_STOPPED, proc->pid, 0, &msg, sizeof(msg), 0);
}

static int send_pending(void *arg, const struct wire_signal *sig)
{
	struct proc *proc = arg;

	return session_send(proc->session, W_IMG_SIGNAL, current_user->tid, 0, sig, sizeof(*sig),
			    SEND_NOWAIT);
}

void guest_execing(void)
{
	struct proc *proc = current->proc;
	struct session *s = proc->session;
	struct wire_execing msg = { 0 };
	struct guest *g;

	spin_lock(&s->lock);
	g = proc->guest;
	msg.signals = g ? g->signals : 0;
	session_send(s, W_EXECING, current_user->tid, 0, &msg, sizeof(msg), SEND_NOWAIT);
	proc_export_signals(proc, current_user, send_pending, proc);
	proc_export_signals(proc, NULL, send_pending, proc);
	spin_unlock(&s->lock);
}

void guest_procs_lost(struct session *s)
{
	struct guest *g;

	spin_lock(&s->lock);
	list_for_each_entry(g, &s->guests, link)
		proc_kill(g->proc);
	spin_unlock(&s->lock);
}

void guest_count_syscall(bool home)
{
	struct guest *g = current->proc->guest;

	__atomic_add_fetch(home ? &g->forwarded : &g->local, 1, __ATOMIC_RELAXED);
}

void guest_send_stat(struct guest *g, unsigned how)
{
	struct wire_stat stat = {
		.cpu_ns = proc_cpu_here(g->proc),
		.rss_pages = g->mm->rss_pages,
		.away_pages = g->mm->away_pages,
		.calls = __atomic_load_n(&g->calls, __ATOMIC_RELAXED),
		.faults = g->mm->faults,
		.local = __atomic_exchange_n(&g->local, 0, __ATOMIC_RELAXED),
		.forwarded = __atomic_exchange_n(&g->forwarded, 0, __ATOMIC_RELAXED),
	};

	session_send(g->proc->session, W_STAT, g->proc->pid, 0, &stat, sizeof(stat), how);
}

void guest_report(void)
{
	guest_send_stat(current->proc->guest, 0);
}

void guest_send_stats(struct session *s, void *unused)
{
	struct guest *g;

	(void)unused;
	spin_lock(&s->lock);
	list_for_each_entry(g, &s->guests, link)
		guest_send_stat(g, SEND_NOWAIT);
	spin_unlock(&s->lock);
}
