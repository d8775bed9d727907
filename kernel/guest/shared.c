/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes that share memory go home together. The first that leaves calls all others of its session
 * that have any; each waits at the gate, where it runs no more, for the rest. Then what this node has
 * changed is put into the stubs' mappings, and from that moment on the memory is home's: who is through
 * the gate goes home and nowhere else.
 *
 * What is shared may be a file, which others see, too: before each forwarded call home gets what was
 * written to it, and home tells when the file was changed there.
 */
#include "kernel/guest/shared.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/guest/guest.h"
#include "kernel/guest/session.h"
#include "kernel/mm/filecache.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/proc.h"
#include "kernel/proc/thread.h"

static bool has_shared(const struct guest *g)
{
	return __atomic_load_n(&g->mm->vmas.live, __ATOMIC_RELAXED);
}

/* None of its threads runs: those that do not wait for a child of vfork are parked. */
static bool sleeps(const struct proc *proc)
{
	unsigned parked = __atomic_load_n(&proc->nparked, __ATOMIC_ACQUIRE);
	unsigned vforks = __atomic_load_n(&proc->nvforks, __ATOMIC_ACQUIRE);

	return vforks && parked + vforks == proc->nthreads;
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
		if ((!has_shared(g) && !g->mapping) || g->gated)
			continue;
		if (!g->proc->recalled) {
			snprintf(text, sizeof(text),
				 "it may share memory with process %u (%s), which goes home",
				 first->pid, first->comm);
			g->proc->gate_called = true;
			proc_recall(g->proc, WHY_MAPPING, text);
		}
		all &= sleeps(g->proc);
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

/* --- what this node has changed -------------------------------------------------------------------- */

struct put {
	struct session *s;
	uint32_t pid;
};

static int put_pages(void *arg, const struct wire_put *put, const void *pages)
{
	struct put *p = arg;

	return guest_put(p->s, p->pid, put, pages);
}

/*
 * The next guest with shared memory that was not `seen` yet: its address space, with a reference, or
 * NULL. Who begins clears `seen` of all. Under s->gate_lock.
 */
static struct mm *next_sharer(struct session *s, uint32_t *pid)
{
	struct mm *mm = NULL;
	struct guest *g;

	spin_lock(&s->lock);
	list_for_each_entry(g, &s->guests, link)
		if (has_shared(g) && !g->seen) {
			g->seen = true;
			*pid = g->proc->pid;
			mm = mm_get(g->mm);
			break;
		}
	spin_unlock(&s->lock);
	return mm;
}

static void begin_sharers(struct session *s)
{
	struct guest *g;

	spin_lock(&s->lock);
	list_for_each_entry(g, &s->guests, link)
		g->seen = false;
	spin_unlock(&s->lock);
}

static int put_by(struct session *s, unsigned which)
{
	struct put put = { .s = s };
	struct mm *mm;
	int err = 0;

	begin_sharers(s);
	while (!err && (mm = next_sharer(s, &put.pid))) {
		err = mm_put_shared(mm, which, put_pages, &put);
		mm_put(mm);
		/* It has ended at home: the others have the same memory. */
		if (err == -ESRCH)
			err = 0;
	}
	return err;
}

/* Some of those who map it may not write to it at home. */
static int put_all(struct session *s, unsigned which)
{
	int err = put_by(s, which | MM_PUT_WRITABLE);

	return err ? err : put_by(s, which);
}

/* Everybody waits: home gets what is new. 0 or -errno, then the memory is still this node's. */
static int hand_over(struct session *s)
{
	int err = put_all(s, 0);
	struct guest *g;

	spin_lock(&s->lock);
	list_for_each_entry(g, &s->guests, link)
		g->handed |= !err && g->seen;
	spin_unlock(&s->lock);
	return err;
}

static bool any_written(struct session *s)
{
	struct guest *g;
	bool any = false;

	spin_lock(&s->lock);
	list_for_each_entry(g, &s->guests, link)
		any |= __atomic_load_n(&g->mm->share_written, __ATOMIC_RELAXED);
	spin_unlock(&s->lock);
	return any;
}

void guest_share_sync(struct session *s)
{
	struct mm *mm;
	uint32_t pid;

	if (!__atomic_load_n(&s->shares_files, __ATOMIC_RELAXED) || !any_written(s))
		return;
	mutex_lock(&s->gate_lock);
	begin_sharers(s);
	while ((mm = next_sharer(s, &pid))) {
		mm_share_protect(mm);
		mm_put(mm);
	}
	put_all(s, MM_PUT_FILES);
	begin_sharers(s);
	while ((mm = next_sharer(s, &pid))) {
		mm_share_mark(mm);
		mm_put(mm);
	}
	mutex_unlock(&s->gate_lock);
}

/* --- what was changed at home -------------------------------------------------------------------- */

/* As next_sharer(), for the network thread. */
static struct mm *next_stale(struct session *s)
{
	struct mm *mm = NULL;
	struct guest *g;

	spin_lock(&s->lock);
	list_for_each_entry(g, &s->guests, link)
		if (!g->staled) {
			g->staled = true;
			mm = mm_get(g->mm);
			break;
		}
	spin_unlock(&s->lock);
	return mm;
}

const char *guest_on_stale(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	const struct wire_file *id = payload;
	struct cfile *file;
	struct guest *g;
	struct mm *mm;

	(void)hdr;
	if (id->mtime_ns != WFILE_SHARED)
		return "a change of a file that is not shared";
	file = filecache_open(s->home.id, id);
	if (!file)
		return "no memory for a file";
	filecache_stale_begin(file);
	while ((mm = next_stale(s))) {
		mm_share_stale(mm, file);
		mm_put(mm);
	}
	filecache_stale_end(file);
	spin_lock(&s->lock);
	list_for_each_entry(g, &s->guests, link)
		g->staled = false;
	spin_unlock(&s->lock);
	cfile_put(file);
	return NULL;
}

/* --- new shared memory ----------------------------------------------------------------------------- */

bool guest_share_begin(struct proc *proc)
{
	struct session *s = proc->session;
	struct guest *me = proc->guest, *g;
	bool closing = false;

	spin_lock(&s->lock);
	list_for_each_entry(g, &s->guests, link)
		closing |= g->gated || g->handed;
	me->mapping += !closing;
	spin_unlock(&s->lock);
	return !closing;
}

void guest_share_end(struct proc *proc, bool file)
{
	struct session *s = proc->session;
	struct guest *g = proc->guest;

	if (file)
		__atomic_store_n(&s->shares_files, true, __ATOMIC_RELAXED);
	spin_lock(&s->lock);
	g->mapping--;
	spin_unlock(&s->lock);
	guest_gate_look(s);
}

/* --- the gate ---------------------------------------------------------------------------------------- */

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
