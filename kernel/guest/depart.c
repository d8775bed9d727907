/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way home. The last thread of the process sends its image and waits; once home runs it, its
 * memory stays here as a ghost, from which home fetches the rest, until home says DONE.
 */
#include <errno.h>
#include <string.h>

#include "kernel/cpu/fpu.h"
#include "kernel/guest/guest.h"
#include "kernel/guest/pager.h"
#include "kernel/guest/session.h"
#include "kernel/guest/shared.h"
#include "kernel/kprintf.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/proc.h"
#include "kernel/proc/signal.h"
#include "kernel/proc/thread.h"

struct ghost {
	struct list_head link;		/* session->ghosts, by its lock */
	uint32_t pid;
	struct mm *mm;			/* a reference */
	/* The process that is leaving, until home has answered. */
	struct proc *leaving;
	enum { LEAVING, LEFT, REFUSED } state;
	bool done;			/* home has it all; off the list */
	struct wire_text why;
	struct waitq wq;
};

/* With s->lock held. */
static struct ghost *ghost_find(struct session *s, uint32_t pid)
{
	struct ghost *g;

	list_for_each_entry(g, &s->ghosts, link)
		if (g->pid == pid)
			return g;
	return NULL;
}

bool guest_has_ghost(struct session *s, uint32_t pid)
{
	bool has;

	spin_lock(&s->lock);
	has = ghost_find(s, pid);
	spin_unlock(&s->lock);
	return has;
}

unsigned guest_ghosts(struct session *s)
{
	struct ghost *g;
	unsigned n = 0;

	spin_lock(&s->lock);
	list_for_each_entry(g, &s->ghosts, link)
		n++;
	spin_unlock(&s->lock);
	return n;
}

struct mm *guest_ghost_mm(struct session *s, uint32_t pid)
{
	struct ghost *g;
	struct mm *mm;

	spin_lock(&s->lock);
	g = ghost_find(s, pid);
	mm = g ? mm_get(g->mm) : NULL;
	spin_unlock(&s->lock);
	return mm;
}

/* Its entry is off the list; nobody waits for it. */
static void ghost_free(struct ghost *g)
{
	mm_put(g->mm);
	kfree(g);
}

/* --- messages -------------------------------------------------------------------------------- */

/* The process may have been taken away while this answer was on its way: then it concerns nobody. */
static void answered(struct session *s, uint32_t pid, int state, const struct wire_text *why)
{
	struct guest *guest;
	struct ghost *g;

	spin_lock(&s->lock);
	g = ghost_find(s, pid);
	if (g && g->leaving && g->state == LEAVING) {
		g->state = state;
		if (why)
			g->why = *why;
		guest = g->leaving->guest;
		/* Home sends the signals again that were left to it. */
		if (state == REFUSED)
			guest->leaving = false;
		/* From now on home may send the process here again. */
		if (state == LEFT) {
			list_del(&guest->link);
			list_init(&guest->link);
			guest_gate_look(s);
		}
		waitq_wake_all(&g->wq);
	}
	spin_unlock(&s->lock);
}

const char *guest_on_img_running(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	(void)payload;
	answered(s, hdr->tid, LEFT, NULL);
	return NULL;
}

const char *guest_on_img_refused(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	struct wire_text why = *(const struct wire_text *)payload;
	const char *bad = wire_check_text(&why);

	if (!bad)
		answered(s, hdr->tid, REFUSED, &why);
	return bad;
}

const char *guest_on_img_done(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	struct ghost *g;
	bool free = false;

	(void)payload;
	spin_lock(&s->lock);
	g = ghost_find(s, hdr->tid);
	if (g && g->state == LEFT) {
		list_del(&g->link);
		g->done = true;
		free = !g->leaving; /* else the thread that left frees it when it looks */
	}
	spin_unlock(&s->lock);
	if (free)
		ghost_free(g);
	return NULL;
}

void guest_departures_lost(struct session *s)
{
	for (;;) {
		struct ghost *g, *dead = NULL;

		spin_lock(&s->lock);
		list_for_each_entry(g, &s->ghosts, link) {
			if (g->leaving) {
				waitq_wake_all(&g->wq);
				continue;
			}
			dead = g;
			list_del(&g->link);
			break;
		}
		spin_unlock(&s->lock);
		if (!dead)
			return;
		ghost_free(dead);
	}
}

/* --- sending --------------------------------------------------------------------------------- */

#define RUNS_PER_MESSAGE (WIRE_PAYLOAD_MAX / sizeof(struct wire_run))
#define HOT_PER_THREAD 9u
#define HOT_THREADS 64u		/* of more threads only what Linux itself touches */

#define HOT_LOOK_BACK (4 * HOT_PER_THREAD)

/* What must be in the stub before the process runs there. */
struct hot {
	unsigned n, room;
	uint64_t page[];
};

struct runs {
	struct mm *mm;
	struct wire_run *run;
	size_t n, room;
	uint64_t pages;			/* RUN_SOURCE ones */
};

static void hot_add(struct hot *hot, uint64_t addr)
{
	addr = PAGE_ALIGN_DOWN(addr);
	/* Pages of one thread lie together; one that is sent twice does no harm. */
	for (unsigned i = hot->n > HOT_LOOK_BACK ? hot->n - HOT_LOOK_BACK : 0; i < hot->n; i++)
		if (hot->page[i] == addr)
			return;
	if (addr && addr < USER_END && hot->n < hot->room)
		hot->page[hot->n++] = addr;
}

static int runs_add(void *arg, uint64_t addr, uint64_t npages, bool away)
{
	struct runs *r = arg;

	while (npages) {
		uint32_t n = npages < UINT32_MAX ? npages : UINT32_MAX;

		if (r->n == r->room) {
			size_t room = r->room ? r->room * 2 : 64;
			struct wire_run *more = krealloc(r->run, room * sizeof(*more));

			if (!more)
				return -ENOMEM;
			r->run = more;
			r->room = room;
		}
		r->run[r->n++] = (struct wire_run){ addr, n, away ? RUN_KEEP : RUN_SOURCE };
		if (!away)
			r->pages += n;
		addr += n * PAGE_SIZE;
		npages -= n;
	}
	return 0;
}

/* The pages that Linux itself touches when the process goes on, or that it will touch at once. */
static void hot_choose(struct hot *hot, const struct wire_thread *t, bool many)
{
	if (t->rseq_size)
		hot_add(hot, t->rseq_addr);
	hot_add(hot, t->robust_list);
	hot_add(hot, t->clear_tid);
	if (many)
		return;
	hot_add(hot, t->regs.rsp);
	hot_add(hot, t->regs.rsp - 1024);
	hot_add(hot, t->regs.rsp + PAGE_SIZE);
	hot_add(hot, t->regs.fs_base);
	hot_add(hot, t->regs.fs_base + 2304); /* the rest of glibc's struct pthread */
	hot_add(hot, t->regs.rip);
}

static void hot_send(struct session *s, uint32_t pid, struct mm *mm, const struct hot *hot)
{
	uint8_t *buf = kmalloc(PAGE_SIZE);

	for (unsigned i = 0; buf && i < hot->n; i++) {
		struct wire_pages pages = { .addr = hot->page[i], .npages = 1 };
		struct part parts[2] = { { &pages, sizeof(pages) }, { buf, 0 } };

		pages.kind[0] = mm_read_page(mm, hot->page[i], buf);
		if (pages.kind[0] == WPAGE_NONE)
			continue;
		parts[1].len = pages.kind[0] == WPAGE_RAW ? PAGE_SIZE : 0;
		conn_send(s->conn, W_PAGES, WF_HOT, pid, 0, parts, 2, 0);
	}
	kfree(buf);
}

static int send_signal(void *arg, const struct wire_signal *sig)
{
	struct proc *proc = arg;

	return session_send(proc->session, W_IMG_SIGNAL, proc->pid, 0, sig, sizeof(*sig),
			    SEND_NOWAIT);
}

/* The leader's first. All threads are parked, so the list stays as it is. */
static void send_threads(struct session *s, struct proc *proc, struct hot *hot, uint8_t *xstate)
{
	struct uthread *u;

	for (int others = 0; others < 2; others++)
		list_for_each_entry(u, &proc->threads, link) {
			struct wire_thread t;
			struct part parts[2] = { { &t, sizeof(t) }, { xstate, 0 } };

			if ((u->tid != proc->pid) != others)
				continue;
			parts[1].len = proc_export_thread(u, &t, xstate);
			hot_choose(hot, &t, proc->nthreads > HOT_THREADS);
			conn_send(s->conn, W_IMG_THREAD, 0, proc->pid, 0, parts, 2, 0);
			proc_export_signals(proc, u, send_signal, proc);
		}
	proc_export_signals(proc, NULL, send_signal, proc);
}

static void send_image(struct session *s, struct proc *proc, uint8_t *xstate,
		       const struct runs *runs, struct hot *hot)
{
	struct wire_image image = { .pid = proc->pid, .flags = IMG_HOME, .pages = runs->pages };
	struct guest *guest = proc->guest;

	spin_lock(&s->lock);
	guest->leaving = true;
	image.signals = guest->signals;
	spin_unlock(&s->lock);

	memcpy(image.comm, proc->comm, sizeof(image.comm));
	image.brk_start = proc->mm->brk_start;
	image.brk = proc->mm->brk;
	image.why = proc->why;
	proc_cpu_times(proc, &image.utime_ns, &image.stime_ns);
	guest_send_stat(guest, 0);
	session_send(s, W_IMG_BEGIN, proc->pid, 0, &image, sizeof(image), 0);
	send_threads(s, proc, hot, xstate);
	for (size_t i = 0; i < runs->n; i += RUNS_PER_MESSAGE) {
		size_t n = runs->n - i < RUNS_PER_MESSAGE ? runs->n - i : RUNS_PER_MESSAGE;

		session_send(s, W_IMG_RUNS, proc->pid, 0, &runs->run[i], n * sizeof(runs->run[0]),
			     0);
	}
	hot_send(s, proc->pid, proc->mm, hot);
	session_send(s, W_IMG_COMMIT, proc->pid, 0, NULL, 0, 0);
}

static int leave(void)
{
	struct proc *proc = current->proc;
	struct session *s = proc->session;
	unsigned room = proc->nthreads * HOT_PER_THREAD;
	struct hot *hot = kzalloc(sizeof(*hot) + room * sizeof(hot->page[0]));
	struct runs runs = { .mm = proc->mm };
	struct ghost *g = kzalloc(sizeof(*g));
	uint8_t *xstate = kmalloc(WIRE_XSTATE_MAX);
	int err = -ENOMEM;
	bool keep;

	if (!hot || !g || !xstate)
		goto out;
	hot->room = room;
	/* No DONE for a process that is on its way: home would drop what it must keep. */
	guest_pager_pause(proc->mm);
	err = mm_collect(proc->mm, runs_add, &runs);
	if (err)
		goto resume;
	g->pid = proc->pid;
	g->mm = mm_get(proc->mm);
	g->leaving = proc;
	waitq_init(&g->wq);
	spin_lock(&s->lock);
	list_add_tail(&g->link, &s->ghosts);
	spin_unlock(&s->lock);
	send_image(s, proc, xstate, &runs, hot);
	wait_event(&g->wq, g->state != LEAVING || s->lost || proc->dead);

	spin_lock(&s->lock);
	g->leaving = NULL;
	err = g->state == LEFT ? 0 : g->state == REFUSED ? -EREMOTEIO : -EINTR;
	if (err)
		list_del(&g->link);
	keep = !err && !g->done && !s->lost;
	if (!err && !g->done && s->lost)
		list_del(&g->link);
	spin_unlock(&s->lock);
	if (err == -EREMOTEIO)
		kprintf("guest: home would not take %s (%u): %s\n", proc->comm, proc->pid,
			g->why.text);
	if (!keep)
		ghost_free(g);
	g = NULL;
resume:
	if (err)
		guest_pager_fill(proc->mm);
out:
	kfree(runs.run);
	kfree(hot);
	kfree(xstate);
	if (g)
		kfree(g);
	return err;
}

int guest_go_home(void)
{
	struct proc *proc = current->proc;
	int err = guest_gate(proc);

	if (!err)
		err = leave();
	/* Its shared memory is there already: here it cannot go on. */
	while (err && guest_handed(proc) && !proc_ending(proc)) {
		wait_event_timeout(&proc->stop_wq, proc_ending(proc), clock_now_ns() + NSEC_PER_SEC);
		err = leave();
	}
	return err;
}
