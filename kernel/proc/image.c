/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread's state as it travels: checked on arrival, filled in for the way home. */
#include <errno.h>
#include <string.h>

#include "kernel/cpu/fpu.h"
#include "kernel/cpu/trap.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"
#include "kernel/proc/proc.h"
#include "kernel/proc/restart.h"
#include "kernel/proc/signal.h"
#include "proto/syscalls.h"

#define XSTATE_BV     XSAVE_LEGACY_SIZE
#define XCOMP_BV      (XSAVE_LEGACY_SIZE + 8)
#define XSAVE_MIN     (XSAVE_LEGACY_SIZE + XSAVE_HEADER_SIZE)
#define XSAVE_AVX_END 832u /* AVX lies at 576 on every CPU that has it */

/*
 * Protection keys: Linux sets their register in every process of a CPU that has them, used or not.
 * A process that uses them has mappings that cannot come here, so the register means nothing.
 */
#define XFEATURE_PKRU (1ull << 9)

static const char *const component_name[] = {
	[2] = "AVX",
	[3] = "MPX",
	[4] = "MPX",
	[5] = "AVX-512",
	[6] = "AVX-512",
	[7] = "AVX-512",
	[9] = "protection keys",
	[10] = "PASID",
	[17] = "AMX",
	[18] = "AMX",
};

static bool canonical(uint64_t addr)
{
	return (uint64_t)((int64_t)(addr << 16) >> 16) == addr;
}

static int refuse(struct wire_text *why, enum wire_reason code, const char *text)
{
	wire_text_set(why, code, "%s", text);
	return -EINVAL;
}

/* --- arrival ---------------------------------------------------------------------------------- */

static int check_registers(const struct wire_regs *r, bool i386, struct wire_text *why)
{
	if (r->cs != (i386 ? USER32_CS : USER_CS) || (r->ss != USER_SS && (r->ss || i386)))
		return refuse(why, WHY_STATE, "it runs code of another kind than its program");
	if (!i386 && (r->ds || r->es || r->fs || r->gs))
		return refuse(why, WHY_STATE, "it uses segment registers");
	if (i386 && (r->rip >> 32 || r->rsp >> 32))
		return refuse(why, WHY_BAD_MESSAGE, "registers that cannot be");
	if (r->rip >= USER_END || !canonical(r->rsp) || !canonical(r->fs_base) ||
	    !canonical(r->gs_base))
		return refuse(why, WHY_BAD_MESSAGE, "registers that cannot be");
	return 0;
}

static void set_registers(struct thread *t, const struct wire_regs *r)
{
	struct trapframe *tf = thread_trapframe(t);

	*tf = (struct trapframe){
		.r15 = r->r15,
		.r14 = r->r14,
		.r13 = r->r13,
		.r12 = r->r12,
		.rbp = r->rbp,
		.rbx = r->rbx,
		.r11 = r->r11,
		.r10 = r->r10,
		.r9 = r->r9,
		.r8 = r->r8,
		.rax = r->rax,
		.rcx = r->rcx,
		.rdx = r->rdx,
		.rsi = r->rsi,
		.rdi = r->rdi,
		.rip = r->rip,
		.cs = r->cs,
		.rflags = r->eflags,
		.rsp = r->rsp,
		.ss = USER_SS,
		.vector = TRAP_NONE,
	};
	/* Frozen inside a call that Linux would restart: the same is decided here. */
	if ((int64_t)r->orig_rax >= 0 && restart_code(r->rax)) {
		tf->vector = r->cs == USER32_CS ? TRAP_SYSCALL32 : TRAP_SYSCALL;
		tf->error = r->orig_rax | (r->cs == USER32_CS ? SYS_I386 : 0);
		/* How far it had come, home has put into its arguments, as far as it knew. */
		if ((int64_t)r->rax == -ERESTART_RESTARTBLOCK_)
			tf->rax = -ERESTARTNOHAND_;
	}
	t->fs_base = r->fs_base;
	t->gs_base = r->gs_base;
	t->ds = r->ds;
	t->es = r->es;
	t->fs = r->fs;
	t->gs = r->gs;
}

/* A descriptor that Linux would not have made is left out: to load its selector faults. */
static void set_tls(struct thread *t, const struct wire_tls tls[TLS_ENTRIES])
{
	for (unsigned i = 0; i < TLS_ENTRIES; i++)
		if (!tls_descriptor(&tls[i], &t->tls[i]))
			t->tls[i] = 0;
}

static int set_xstate(struct thread *t, const uint8_t *from, uint32_t len, struct wire_text *why)
{
	uint32_t size = fpu_state_size(), need = XSAVE_MIN;
	uint64_t features, compacted;

	if (!len)
		return 0;
	if (len < XSAVE_MIN)
		return refuse(why, WHY_BAD_MESSAGE, "floating-point state cut short");
	memcpy(&features, from + XSTATE_BV, sizeof(features));
	memcpy(&compacted, from + XCOMP_BV, sizeof(compacted));
	if (compacted)
		return refuse(why, WHY_BAD_MESSAGE, "floating-point state in the compacted format");
	if (!(fpu_xcr0() & XFEATURE_PKRU))
		features &= ~XFEATURE_PKRU;
	for (unsigned bit = 0; bit < 64; bit++) {
		const char *name = NULL;

		if (!((features & ~fpu_xcr0()) >> bit & 1))
			continue;
		if (bit < sizeof(component_name) / sizeof(component_name[0]))
			name = component_name[bit];
		wire_text_set(why, WHY_CPU,
			      "not eligible: it uses %s (state component %u), which this "
			      "node does not have",
			      name ? name : "something", bit);
		return -EINVAL;
	}
	if (features & XFEATURE_AVX)
		need = XSAVE_AVX_END;
	if (len < need || size < need)
		return refuse(why, WHY_BAD_MESSAGE, "floating-point state cut short");
	fpu_state_init(t->xstate);
	memcpy(t->xstate, from, len < size ? len : size);
	memcpy((uint8_t *)t->xstate + XSTATE_BV, &features, sizeof(features));
	if (fpu_state_sanitize(t->xstate, size))
		return refuse(why, WHY_CPU, "floating-point state this node cannot hold");
	thread_state_changed(t);
	return 0;
}

int proc_add_thread(struct proc *proc, uint32_t tid, const struct wire_thread *w,
		    const void *xstate, struct wire_text *why)
{
	struct uthread *u;
	int err;

	why->code = WHY_NONE;
	err = check_registers(&w->regs, proc->i386, why);
	if (err)
		return err;
	if (w->rseq_size && (w->rseq_addr >= USER_END || w->rseq_size > PAGE_SIZE))
		return refuse(why, WHY_BAD_MESSAGE, "an rseq area that cannot be");
	u = proc_thread_create(proc, tid);
	if (!u) {
		refuse(why, WHY_MEMORY, "no memory for a thread");
		return -ENOMEM;
	}
	set_registers(u->thread, &w->regs);
	if (proc->i386)
		set_tls(u->thread, w->tls);
	/* On failure the thread stays, to be freed by proc_discard(). */
	err = set_xstate(u->thread, xstate, w->xstate_len, why);
	if (err)
		return err;
	u->sigmask = w->sigmask & ~SIGS_KILL_STOP;
	u->altstack_sp = w->altstack_sp;
	u->altstack_size = w->altstack_size;
	u->altstack_flags = w->altstack_size ? w->altstack_flags & ~LSS_ONSTACK : LSS_DISABLE;
	if (w->rseq_size) {
		u->rseq_addr = w->rseq_addr;
		u->rseq_size = w->rseq_size;
		u->rseq_sig = w->rseq_sig;
		u->thread->switch_work = PROC_WORK_RSEQ;
	}
	u->robust_list = w->robust_list;
	u->robust_len = w->robust_len;
	u->clear_tid = w->clear_tid;
	return 0;
}

/* --- the way home ----------------------------------------------------------------------------- */

uint32_t proc_export_thread(const struct uthread *u, struct wire_thread *w, void *xstate)
{
	const struct trapframe *tf = thread_trapframe(u->thread);
	uint64_t features;
	bool interrupted;

	/* A call that is to be decided about where the process arrives: see restart_elsewhere(). */
	interrupted =
		trap_is_syscall(tf) && tf->error != UINT64_MAX && restart_code(tf->rax);
	memset(w, 0, sizeof(*w));
	w->tid = u->tid;
	w->regs = (struct wire_regs){
		.r15 = tf->r15,
		.r14 = tf->r14,
		.r13 = tf->r13,
		.r12 = tf->r12,
		.rbp = tf->rbp,
		.rbx = tf->rbx,
		.r11 = tf->r11,
		.r10 = tf->r10,
		.r9 = tf->r9,
		.r8 = tf->r8,
		.rax = tf->rax,
		.rcx = tf->rcx,
		.rdx = tf->rdx,
		.rsi = tf->rsi,
		.rdi = tf->rdi,
		.orig_rax = interrupted ? tf->error & ~(uint64_t)SYS_I386 : UINT64_MAX,
		.rip = tf->rip,
		.cs = tf->cs,
		.eflags = tf->rflags,
		.rsp = tf->rsp,
		.ss = USER_SS,
		.ds = u->thread->ds,
		.es = u->thread->es,
		.fs = u->thread->fs,
		.gs = u->thread->gs,
		.fs_base = u->thread->fs_base,
		.gs_base = u->thread->gs_base,
	};
	w->sigmask = u->sigmask;
	w->altstack_sp = u->altstack_sp;
	w->altstack_size = u->altstack_size;
	w->altstack_flags = u->altstack_flags;
	w->rseq_addr = u->rseq_addr;
	w->rseq_size = u->rseq_size;
	w->rseq_sig = u->rseq_sig;
	w->robust_list = u->robust_list;
	w->robust_len = u->robust_len;
	w->clear_tid = u->clear_tid;

	w->xstate_len = u->thread->proc->xfeatures & XFEATURE_AVX ? fpu_state_size() : XSAVE_MIN;
	memcpy(xstate, u->thread->xstate, w->xstate_len);
	memcpy(&features, (uint8_t *)xstate + XSTATE_BV, sizeof(features));
	features &= u->thread->proc->xfeatures;
	memcpy((uint8_t *)xstate + XSTATE_BV, &features, sizeof(features));
	return w->xstate_len;
}
