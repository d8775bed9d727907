/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Images that arrive: put together message by message on the network thread, run when complete.
 * Whatever is wrong with one is answered by IMG_REFUSED with the reason, and the rest of it is
 * dropped up to its IMG_COMMIT; only nonsense ends the session.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/cpu/features.h"
#include "kernel/guest/guest.h"
#include "kernel/guest/pager.h"
#include "kernel/guest/session.h"
#include "kernel/kprintf.h"
#include "kernel/mm/filecache.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/proc.h"
#include "kernel/proc/vcpu.h"

/* What a process takes before it has a page: its thread, tables, mappings. */
#define PROCESS_PAGES 32

#define CLOSED "the node takes no guests"

struct arrival {
	struct list_head link;		/* session->arriving; the network thread's own */
	uint32_t pid;
	bool refused;
	struct wire_image image;
	struct proc *proc;
	struct cfile **files;
	unsigned nfiles;
	bool has_sigacts;
	uint32_t last_tid;		/* whose signals follow; 0: none yet */
};

static struct arrival *arrival_find(struct session *s, uint32_t pid)
{
	struct arrival *a;

	list_for_each_entry(a, &s->arriving, link)
		if (a->pid == pid)
			return a;
	return NULL;
}

/* Lets go of everything but the entry itself. */
static void arrival_strip(struct arrival *a)
{
	if (a->proc) {
		proc_discard(a->proc);
		proc_put(a->proc);
	}
	a->proc = NULL;
	for (unsigned i = 0; i < a->nfiles; i++)
		cfile_put(a->files[i]);
	kfree(a->files);
	a->files = NULL;
	a->nfiles = 0;
}

static void arrival_free(struct arrival *a)
{
	arrival_strip(a);
	list_del(&a->link);
	kfree(a);
}

static const char *refuse(struct session *s, struct arrival *a, enum wire_reason code,
			  const char *text)
{
	if (!a->refused) {
		kprintf("guest: %s's %s (%u) refused: %s\n", s->home.name, a->image.comm, a->pid,
			text);
		session_send_text(s, W_IMG_REFUSED, a->pid, code, text, SEND_NOWAIT);
	}
	a->refused = true;
	arrival_strip(a);
	return NULL;
}

static const char *refuse_memory(struct session *s, struct arrival *a)
{
	char text[WIRE_REASON_MAX];

	snprintf(text, sizeof(text), "not enough memory: %llu MB free, the process brings %llu MB",
		 (unsigned long long)mem_free_pages() >> 8, (unsigned long long)a->image.pages >> 8);
	return refuse(s, a, WHY_MEMORY, text);
}

/* The image that this message is part of; NULL with *bad set or not: nothing to be done. */
static struct arrival *part_of(struct session *s, const struct wire_hdr *hdr, const char **bad)
{
	struct arrival *a = arrival_find(s, hdr->tid);

	*bad = a ? NULL : "part of an image that was not begun";
	return a && !a->refused ? a : NULL;
}

const char *guest_on_img_begin(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	const struct wire_image *image = payload;
	char text[WIRE_REASON_MAX], lacking[40];
	struct arrival *a;
	struct proc *old;
	bool here;

	if (image->pid != hdr->tid || !image->pid || image->flags & ~(IMG_FRESH | IMG_MAP_SYNC | IMG_I386) ||
	    image->comm[sizeof(image->comm) - 1])
		return "image with an impossible head";
	if (arrival_find(s, hdr->tid))
		return "second image of a process on its way";
	a = kzalloc(sizeof(*a));
	if (!a)
		return "no memory for an image";
	a->pid = hdr->tid;
	a->image = *image;
	list_add_tail(&a->link, &s->arriving);

	/* One that home has just taken away may not have ended yet: it is replaced. */
	old = session_find(s, a->pid);
	here = old && !old->dead;
	if (old)
		proc_put(old);
	if (here && !(image->flags & IMG_FRESH))
		return "image of a process that is here";
	if (guest_has_ghost(s, a->pid))
		return refuse(s, a, WHY_STATE, "its memory is still on the way home");
	if (guest_closed())
		return refuse(s, a, WHY_LEAVING, CLOSED);
	if (cpu_lacking(image->cpu, cpu_features.words, lacking, sizeof(lacking))) {
		snprintf(text, sizeof(text),
			 "not eligible: lacks %s (the process was started with it)", lacking);
		return refuse(s, a, WHY_CPU, text);
	}
	if (image->pages > mem_total_pages() || !guest_memory_ok(image->pages + PROCESS_PAGES))
		return refuse_memory(s, a);
	a->proc = proc_create(s, &a->image);
	if (!a->proc || guest_pager_attach(s, a->pid, a->proc->mm))
		return refuse_memory(s, a);
	return NULL;
}

const char *guest_on_img_files(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	const struct wire_file *file = payload;
	unsigned n = hdr->len / sizeof(*file);
	const char *bad;
	struct arrival *a = part_of(s, hdr, &bad);
	struct cfile **files;

	if (hdr->len % sizeof(*file))
		return "files cut short";
	if (!a)
		return bad;
	files = krealloc(a->files, (a->nfiles + n) * sizeof(files[0]));
	if (!files)
		return refuse_memory(s, a);
	a->files = files;
	for (unsigned i = 0; i < n; i++) {
		struct cfile *f = filecache_open(s->home.id, &file[i]);

		if (!f)
			return refuse_memory(s, a);
		a->files[a->nfiles++] = f;
	}
	return NULL;
}

const char *guest_on_img_vmas(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	const struct wire_vma *vma = payload;
	const char *bad;
	struct arrival *a = part_of(s, hdr, &bad);

	if (hdr->len % sizeof(*vma))
		return "mappings cut short";
	if (!a)
		return bad;
	for (unsigned i = 0; i < hdr->len / sizeof(*vma); i++) {
		struct cfile *file = NULL;
		int err;

		if (vma[i].file != WVMA_NO_FILE) {
			if (vma[i].file >= a->nfiles)
				return "mapping of a file that was not named";
			file = a->files[vma[i].file];
		}
		err = mm_image_vma(a->proc->mm, &vma[i], file);
		if (err == -ENOMEM)
			return refuse_memory(s, a);
		if (err)
			return "mapping that cannot be";
	}
	return NULL;
}

const char *guest_on_img_sigacts(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	const char *bad;
	struct arrival *a = part_of(s, hdr, &bad);

	if (!a)
		return bad;
	proc_set_sigacts(a->proc, payload);
	a->has_sigacts = true;
	return NULL;
}

const char *guest_on_img_thread(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	const struct wire_thread *t = payload;
	const char *bad;
	struct arrival *a = part_of(s, hdr, &bad);
	struct wire_text why;

	if (hdr->len != sizeof(*t) + t->xstate_len)
		return "thread cut short";
	if (!a)
		return bad;
	if (!t->tid || proc_has_thread(a->proc, t->tid))
		return "thread with an impossible number";
	if (!guest_memory_ok(PROCESS_PAGES))
		return refuse_memory(s, a);
	if (proc_add_thread(a->proc, t->tid, t, (const uint8_t *)(t + 1), &why))
		return refuse(s, a, why.code, why.text);
	a->last_tid = t->tid;
	return NULL;
}

const char *guest_on_img_sched(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	const struct wire_sched *sched = payload;
	const char *bad;
	struct arrival *a = part_of(s, hdr, &bad);

	if (sched->nice < -20 || sched->nice > 19)
		return "priority that cannot be";
	if (!a)
		return bad;
	if (!a->last_tid)
		return "scheduling of a thread that was not sent";
	vcpu_arrive(list_last_entry(&a->proc->threads, struct uthread, link), sched);
	return NULL;
}

const char *guest_on_img_signal(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	const char *bad;
	struct arrival *a = part_of(s, hdr, &bad);

	if (!a)
		return bad;
	if (!a->last_tid)
		return "signal before its thread";
	proc_signal(a->proc, a->last_tid, payload);
	return NULL;
}

const char *guest_on_img_runs(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	const struct wire_run *run = payload;
	const char *bad;
	struct arrival *a = part_of(s, hdr, &bad);

	if (hdr->len % sizeof(*run))
		return "runs cut short";
	if (!a)
		return bad;
	for (unsigned i = 0; i < hdr->len / sizeof(*run); i++) {
		int err = run[i].kind == RUN_SOURCE ?
				  mm_mark_away(a->proc->mm, run[i].addr, run[i].npages) :
				  -EINVAL;

		if (err == -ENOMEM)
			return refuse_memory(s, a);
		if (err)
			return "run of pages that cannot be";
	}
	return NULL;
}

const char *guest_arrival_pages(struct session *s, uint32_t pid, const struct wire_pages *pages)
{
	struct arrival *a = arrival_find(s, pid);
	int err;

	if (!a)
		return "pages of an image that was not begun";
	if (a->refused)
		return NULL;
	err = mm_install(a->proc->mm, 0, pages->addr, pages->npages, pages->kind, pages + 1);
	if (err == -ENOMEM)
		return refuse_memory(s, a);
	return err ? "hot pages that cannot be" : NULL;
}

const char *guest_on_img_commit(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	struct arrival *a = arrival_find(s, hdr->tid);
	struct proc *proc, *old;

	(void)payload;
	if (!a)
		return "end of an image that was not begun";
	if (a->refused) {
		arrival_free(a);
		return NULL;
	}
	if (!a->last_tid || !a->has_sigacts)
		return "image that is not complete";
	/* Who sends all guests home does not know of this one yet. */
	if (guest_closed()) {
		refuse(s, a, WHY_LEAVING, CLOSED);
		arrival_free(a);
		return NULL;
	}

	/* A fresh image takes the place of the program that called execve. */
	old = session_find(s, a->pid);
	if (old) {
		proc_replace(old, a->proc);
		guest_unlist(old);
		proc_put(old);
	}
	if (guest_enlist(a->proc)) {
		refuse_memory(s, a);
		arrival_free(a);
		return NULL;
	}
	proc = a->proc;
	a->proc = NULL;
	session_send(s, W_IMG_RUNNING, a->pid, 0, NULL, 0, SEND_NOWAIT);
	guest_pager_fill(proc->mm);
	proc_start(proc);
	arrival_free(a);
	return NULL;
}

void guest_arrivals_lost(struct session *s)
{
	while (!list_empty(&s->arriving))
		arrival_free(list_first_entry(&s->arriving, struct arrival, link));
}
