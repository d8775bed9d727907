/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which guests there are, and what home and they tell each other about signals and their end. */
#include <errno.h>
#include <string.h>

#include "kernel/guest/guest.h"
#include "kernel/guest/pager.h"
#include "kernel/guest/session.h"
#include "kernel/kprintf.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/proc.h"

static unsigned guests;
static bool closed;

bool guest_closed(void)
{
	return closed;
}

void guest_close(bool close)
{
	closed = close;
}

unsigned guest_count(void)
{
	return __atomic_load_n(&guests, __ATOMIC_RELAXED);
}

int guest_enlist(struct proc *proc)
{
	struct session *s = proc->session;
	int err = guest_pager_attach(proc);

	if (err)
		return err;
	spin_lock(&s->lock);
	list_add_tail(&proc->session_link, &s->guests);
	spin_unlock(&s->lock);
	__atomic_add_fetch(&guests, 1, __ATOMIC_RELAXED);
	if (proc->mm->away_pages)
		guest_pager_fill(proc);
	/* The connection may have gone while nobody looked after this one yet. */
	if (s->lost)
		proc_kill(proc);
	return 0;
}

void guest_delist(struct proc *proc)
{
	struct session *s = proc->session;

	guest_pager_detach(proc);
	spin_lock(&s->lock);
	if (!list_empty(&proc->session_link)) {
		list_del(&proc->session_link);
		list_init(&proc->session_link);
	}
	spin_unlock(&s->lock);
	__atomic_sub_fetch(&guests, 1, __ATOMIC_RELAXED);
}

struct proc *session_find(struct session *s, uint32_t pid)
{
	struct proc *proc, *found = NULL;

	spin_lock(&s->lock);
	list_for_each_entry(proc, &s->guests, session_link)
		if (proc->pid == pid) {
			found = proc_get(proc);
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
	int err = 0;

	WITH_GUEST(s, hdr, proc, err = proc_signal(proc, payload));
	return err == -EINVAL ? "signal that does not exist" : NULL;
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
		WITH_GUEST(s, hdr, proc, proc_recall(proc, &why));
	return bad;
}

void guest_exit(struct proc *proc, int signo, int status)
{
	struct wire_exit msg = { .signo = signo, .status = status };

	proc_cpu_time(proc, &msg.utime_ns, &msg.stime_ns);
	session_send(proc->session, W_EXIT, proc->pid, 0, &msg, sizeof(msg), 0);
}

void guest_stopped(struct proc *proc, int signo)
{
	struct wire_signal msg = { .signo = signo, .to_process = 1 };

	session_send(proc->session, W_STOPPED, proc->pid, 0, &msg, sizeof(msg), 0);
}

void guest_procs_lost(struct session *s)
{
	struct proc *proc;

	spin_lock(&s->lock);
	list_for_each_entry(proc, &s->guests, session_link)
		proc_kill(proc);
	spin_unlock(&s->lock);
}

void guest_send_stats(struct session *s)
{
	struct proc *proc;

	spin_lock(&s->lock);
	list_for_each_entry(proc, &s->guests, session_link) {
		struct wire_stat stat = {
			.rss_pages = proc->mm->rss_pages,
			.away_pages = proc->mm->away_pages,
			.calls = proc->calls,
			.faults = proc->mm->faults,
		};
		uint64_t user, sys;

		proc_cpu_time(proc, &user, &sys);
		stat.cpu_ns = user + sys;
		session_send(s, W_STAT, proc->pid, 0, &stat, sizeof(stat), SEND_NOWAIT);
	}
	spin_unlock(&s->lock);
}
