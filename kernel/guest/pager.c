/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages on their way: asked of home for guests here (on a fault, and all the rest in the background),
 * and given to home for processes that went back and left their memory behind for a while.
 */
#include "kernel/guest/pager.h"

#include <errno.h>
#include <string.h>

#include "kernel/kprintf.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/proc.h"

/* The background asks for runs of this many pages, and keeps so many requests on the way. */
#define BULK_PAGES 64u
#define BULK_REQUESTS 4u

struct pager {
	struct guest_pager ops;
	struct session *session;
	uint32_t pid;		/* whose stub has the pages; session->lock */
	uint64_t cursor;	/* of the background fetch; network thread */
	unsigned bulk;		/* background requests on the way; session->lock */
	bool filling;		/* the background fetch is going on */
};

/* One PAGE_GET on its way; on session->fetches. */
struct fetch {
	struct list_head link;
	uint32_t id;
	bool bulk;
	struct mm *mm;		/* a reference */
	uint64_t addr;		/* of the next page to come */
	unsigned left;
};

static struct pager *pager_of(struct mm *mm)
{
	return container_of(mm->pager, struct pager, ops);
}

static int pager_fetch(struct guest_pager *gp, uint32_t cookie, uint64_t addr, unsigned npages,
		       bool file)
{
	struct pager *pager = container_of(gp, struct pager, ops);
	struct session *s = pager->session;
	struct wire_page_get get = { .addr = addr, .npages = npages, .file = file };
	struct part part = { &get, sizeof(get) };
	struct fetch *f = kzalloc(sizeof(*f));
	uint32_t pid;

	if (!f)
		return -ENOMEM;
	f->id = cookie;
	f->bulk = npages > MM_FAULT_WINDOW;
	f->mm = mm_get(gp->mm);
	f->addr = addr;
	f->left = npages;
	spin_lock(&s->lock);
	if (s->lost) {
		spin_unlock(&s->lock);
		mm_put(f->mm);
		kfree(f);
		return -EPIPE;
	}
	list_add_tail(&f->link, &s->fetches);
	pager->bulk += f->bulk;
	pid = pager->pid;
	spin_unlock(&s->lock);
	conn_send(s->conn, W_PAGE_GET, f->bulk ? WF_BULK : 0, pid, cookie, &part, 1, SEND_NOWAIT);
	return 0;
}

static void pager_release(struct guest_pager *gp)
{
	struct pager *pager = container_of(gp, struct pager, ops);

	session_put(pager->session);
	kfree(pager);
}

int guest_pager_attach(struct session *s, uint32_t pid, struct mm *mm)
{
	struct pager *pager;

	if (mm->pager)
		return 0; /* shared with the parent of a vfork */
	pager = kzalloc(sizeof(*pager));
	if (!pager)
		return -ENOMEM;
	pager->ops.fetch = pager_fetch;
	pager->ops.release = pager_release;
	pager->ops.mm = mm;
	pager->session = session_get(s);
	pager->pid = pid;
	mm->pager = &pager->ops;
	return 0;
}

void guest_pager_handover(struct session *s, const struct guest *gone)
{
	struct pager *pager = pager_of(gone->mm);
	struct guest *g;

	if (pager->pid != gone->proc->pid)
		return;
	list_for_each_entry(g, &s->guests, link)
		if (g != gone && g->mm == gone->mm)
			pager->pid = g->proc->pid;
}

/* Keeps the background fetch going; says DONE to home when nothing is left. */
static void pager_fill(struct mm *mm)
{
	struct pager *pager = pager_of(mm);
	struct session *s = pager->session;

	while (pager->filling && pager->bulk < BULK_REQUESTS)
		if (!mm_prefetch(mm, &pager->cursor, BULK_PAGES))
			break;
	/* Under the lock, so that no DONE follows a pause. */
	spin_lock(&s->lock);
	if (pager->filling && !mm->away_pages) {
		pager->filling = false;
		session_send(s, W_IMG_DONE, pager->pid, 0, NULL, 0, SEND_NOWAIT);
	}
	spin_unlock(&s->lock);
}

void guest_pager_fill(struct mm *mm)
{
	pager_of(mm)->filling = true;
	pager_fill(mm);
}

void guest_pager_pause(struct mm *mm)
{
	struct session *s = pager_of(mm)->session;

	spin_lock(&s->lock);
	pager_of(mm)->filling = false;
	spin_unlock(&s->lock);
}

const char *guest_on_pages(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	const struct wire_pages *pages = payload;
	const char *bad = wire_check_pages(payload, hdr->len);
	struct fetch *f, *found = NULL;
	int err;

	if (bad)
		return bad;
	if (hdr->flags & WF_HOT)
		return guest_arrival_pages(s, hdr->tid, pages);
	spin_lock(&s->lock);
	list_for_each_entry(f, &s->fetches, link)
		if (f->id == hdr->id) {
			found = f;
			break;
		}
	spin_unlock(&s->lock);
	if (!found)
		return "pages that nobody asked for";
	if (pages->addr != found->addr || pages->npages > found->left)
		return "pages that were not asked for";
	found->addr += pages->npages * PAGE_SIZE;
	found->left -= pages->npages;
	if (!!(hdr->flags & WF_LAST) != !found->left)
		return "pages that end at the wrong place";
	err = mm_install(found->mm, found->id, pages->addr, pages->npages, pages->kind, pages + 1);
	if (err == -EINVAL)
		return "pages that do not fit what was asked";
	if (found->left)
		return NULL;

	mm_fetch_done(found->mm, found->id);
	spin_lock(&s->lock);
	list_del(&found->link);
	pager_of(found->mm)->bulk -= found->bulk;
	spin_unlock(&s->lock);
	pager_fill(found->mm);
	mm_put(found->mm);
	kfree(found);
	return NULL;
}

void guest_pager_lost(struct session *s)
{
	for (;;) {
		struct fetch *f = NULL;

		spin_lock(&s->lock);
		if (!list_empty(&s->fetches)) {
			f = list_first_entry(&s->fetches, struct fetch, link);
			list_del(&f->link);
		}
		spin_unlock(&s->lock);
		if (!f)
			return;
		f->mm->pager->dead = true;
		mm_pager_lost(f->mm);
		mm_put(f->mm);
		kfree(f);
	}
}

/* --- to home --------------------------------------------------------------------------------- */

static uint64_t fetched; /* written by the network thread only; atomic */

uint64_t guest_pages_fetched(void)
{
	return __atomic_load_n(&fetched, __ATOMIC_RELAXED);
}

const char *guest_on_page_get(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	static uint8_t raw[WIRE_PAGES_MAX * PAGE_SIZE]; /* the network thread's own */
	const struct wire_page_get *get = payload;
	unsigned how = SEND_NOWAIT | (hdr->flags & WF_BULK ? SEND_BULK : 0);
	uint32_t done = 0;
	struct mm *mm;

	if (!get->npages || get->npages > WIRE_PAGE_GET_MAX || get->addr % PAGE_SIZE ||
	    get->addr >= USER_END || get->npages > (USER_END - get->addr) / PAGE_SIZE)
		return "request for an impossible range of pages";
	mm = guest_ghost_mm(s, hdr->tid);
	__atomic_store_n(&fetched, fetched + get->npages, __ATOMIC_RELAXED);
	while (done < get->npages) {
		struct wire_pages out = { .addr = get->addr + done * PAGE_SIZE };
		struct part parts[2] = { { &out, sizeof(out) }, { raw, 0 } };

		while (out.npages < WIRE_PAGES_MAX && done < get->npages) {
			enum wire_page_kind kind = WPAGE_GONE;

			if (mm)
				kind = mm_read_page(mm, get->addr + done * PAGE_SIZE,
						    raw + parts[1].len);
			out.kind[out.npages++] = kind;
			parts[1].len += kind == WPAGE_RAW ? PAGE_SIZE : 0;
			done++;
		}
		conn_send(s->conn, W_PAGES, done == get->npages ? WF_LAST : 0, hdr->tid, hdr->id,
			  parts, 2, how);
	}
	if (mm)
		mm_put(mm);
	return NULL;
}
