/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Selectors and the descriptors behind them (Intel SDM vol. 3A, 3.4). */
#include "kernel/cpu/segment.h"

#include "kernel/cpu/percpu.h"
#include "kernel/cpu/tables.h"
#include "kernel/cpu/trap.h"
#include "kernel/cpu/x86.h"
#include "kernel/proc/thread.h"
#include "kernel/sync/spinlock.h"
#include "proto/wire.h"

#define READ_SELECTOR(reg)                                                                         \
	({                                                                                         \
		uint16_t v_;                                                                       \
		__asm__ volatile("movw %%" #reg ", %0" : "=r"(v_));                                \
		v_;                                                                                \
	})
#define LOAD_SELECTOR(reg, v) __asm__ volatile("movl %0, %%" #reg : : "r"((uint32_t)(v)) : "memory")

#define DESC_PRESENT (1ull << 47)

/* Loading it does not fault: user mode's own segments, or a descriptor that is there. */
static uint16_t loadable(const struct thread *t, uint16_t selector)
{
	unsigned index = selector / 8;

	if (selector <= 3 || selector == USER32_CS || selector == USER_SS || selector == USER_CS)
		return selector;
	if ((selector & 7) == 3 && index >= GDT_TLS && index < GDT_TLS + TLS_ENTRIES &&
	    (t->tls[index - GDT_TLS] & DESC_PRESENT))
		return selector;
	return 0;
}

uint64_t segment_base(const struct thread *t, uint16_t selector)
{
	struct wire_tls tls;

	if (selector <= 3 || loadable(t, selector) != selector || selector / 8 < GDT_TLS)
		return 0;
	tls_describe(t->tls[selector / 8 - GDT_TLS], &tls);
	return tls.base;
}

static void load_gs(uint16_t selector)
{
	/* Not the kernel's own base. */
	__asm__ volatile("swapgs\n\tmovl %0, %%gs\n\tswapgs" : : "r"((uint32_t)selector) : "memory");
}

void segments_save(struct thread *t)
{
	t->ds = READ_SELECTOR(ds);
	t->es = READ_SELECTOR(es);
	t->fs = READ_SELECTOR(fs);
	t->gs = READ_SELECTOR(gs);
}

void segments_inherit(struct thread *child, const struct thread *parent)
{
	child->ds = parent->ds;
	child->es = parent->es;
	child->fs = parent->fs;
	child->gs = parent->gs;
	for (unsigned i = 0; i < TLS_ENTRIES; i++)
		child->tls[i] = parent->tls[i];
}

void segments_load(const struct thread *t)
{
	uint64_t *gdt = this_cpu()->tables->gdt;

	for (unsigned i = 0; i < TLS_ENTRIES; i++)
		gdt[GDT_TLS + i] = t->tls[i];
	if (t->ds | READ_SELECTOR(ds))
		LOAD_SELECTOR(ds, loadable(t, t->ds));
	if (t->es | READ_SELECTOR(es))
		LOAD_SELECTOR(es, loadable(t, t->es));
	if (t->fs | READ_SELECTOR(fs))
		LOAD_SELECTOR(fs, loadable(t, t->fs));
	if (t->gs | READ_SELECTOR(gs))
		load_gs(loadable(t, t->gs));
}

/* --- descriptors ------------------------------------------------------------------------------ */

/* An entry that is all zeros, or Linux's way to say "none" (LDT_empty). */
static bool is_none(const struct wire_tls *tls)
{
	return !tls->base && !tls->limit &&
	       (!tls->flags || tls->flags == (WTLS_READ_ONLY | WTLS_NOT_PRESENT));
}

bool tls_descriptor(const struct wire_tls *tls, uint64_t *desc)
{
	uint64_t base = tls->base, limit = tls->limit, type;

	*desc = 0;
	if (is_none(tls))
		return true;
	/* Data only, of 32 bits, present. */
	if (!(tls->flags & WTLS_32BIT) || WTLS_CONTENTS(tls->flags) > 1 ||
	    (tls->flags & (WTLS_NOT_PRESENT | WTLS_LONG)))
		return false;
	type = 1 | (tls->flags & WTLS_READ_ONLY ? 0 : 2) | WTLS_CONTENTS(tls->flags) << 2;
	*desc = (limit & 0xffff) | (base & 0xffffff) << 16 | type << 40 | 1ull << 44 /* not system */ |
		3ull << 45 /* DPL */ | DESC_PRESENT | (limit >> 16 & 15) << 48 |
		(tls->flags & WTLS_USEABLE ? 1ull << 52 : 0) | 1ull << 54 /* 32 bits */ |
		(tls->flags & WTLS_PAGES ? 1ull << 55 : 0) | (base >> 24) << 56;
	return true;
}

void tls_describe(uint64_t desc, struct wire_tls *tls)
{
	tls->base = (desc >> 16 & 0xffffff) | (desc >> 56) << 24;
	tls->limit = (desc & 0xffff) | (desc >> 48 & 15) << 16;
	tls->flags = (desc >> 54 & 1 ? WTLS_32BIT : 0) | (desc >> 42 & 3) << 1 |
		     (desc >> 41 & 1 ? 0 : WTLS_READ_ONLY) | (desc >> 55 & 1 ? WTLS_PAGES : 0) |
		     (desc & DESC_PRESENT ? 0 : WTLS_NOT_PRESENT) |
		     (desc >> 52 & 1 ? WTLS_USEABLE : 0);
}

void tls_set(unsigned index, uint64_t desc)
{
	uint16_t selector = (GDT_TLS + index) * 8 + 3;
	struct thread *t = current;
	unsigned long flags = irq_save();

	t->tls[index] = desc;
	this_cpu()->tables->gdt[GDT_TLS + index] = desc;
	if (READ_SELECTOR(ds) == selector)
		LOAD_SELECTOR(ds, loadable(t, selector));
	if (READ_SELECTOR(es) == selector)
		LOAD_SELECTOR(es, loadable(t, selector));
	if (READ_SELECTOR(fs) == selector)
		LOAD_SELECTOR(fs, loadable(t, selector));
	if (READ_SELECTOR(gs) == selector)
		load_gs(loadable(t, selector));
	irq_restore(flags);
}
