/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Building a handler's frame in user memory, and taking it down (rt_sigreturn). */
#include "kernel/proc/sigframe.h"

#include <errno.h>
#include <string.h>

#include "kernel/cpu/fpu.h"
#include "kernel/cpu/trap.h"
#include "kernel/cpu/x86.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/proc.h"
#include "kernel/proc/sigframe32.h"
#include "kernel/proc/signal.h"

/* --- floating point --------------------------------------------------------------------------- */

/* Bytes of state in this process's frames. Of our components only AVX lies behind the header. */
static uint32_t frame_xstate_size(const struct proc *proc)
{
	if (proc->xfeatures & XFEATURE_AVX)
		return fpu_state_size();
	return XSAVE_LEGACY_SIZE + XSAVE_HEADER_SIZE;
}

uint32_t sigframe_xstate_size(void)
{
	return frame_xstate_size(current->proc) + XFRAME_MAGIC2_SIZE;
}

int sigframe_push_xstate(uint64_t fp, uint32_t before)
{
	struct proc *proc = current->proc;
	uint32_t size = frame_xstate_size(proc);
	struct fpx_sw_bytes sw = {
		.magic1 = XFRAME_MAGIC1,
		.extended_size = size + XFRAME_MAGIC2_SIZE + before,
		.xfeatures = proc->xfeatures,
		.xstate_size = size,
	};
	const uint8_t *x;
	uint64_t in_use;

	thread_state_save();
	x = current->xstate;
	memcpy(&in_use, x + XSAVE_LEGACY_SIZE, sizeof(in_use));
	/* As Linux does: x87 and SSE count as in use whatever XSAVE found. */
	in_use = (in_use & proc->xfeatures) | XFEATURE_X87 | XFEATURE_SSE;
	if (copy_to_user(fp, x, size) || copy_to_user(fp + FPX_SW_OFFSET, &sw, sizeof(sw)) ||
	    put_user64(fp + XSAVE_LEGACY_SIZE, in_use) || put_user32(fp + size, XFRAME_MAGIC2))
		return -EFAULT;
	return 0;
}

/* The state a frame holds. Its words about itself are believed as far as Linux believes them. */
int sigframe_pop_xstate(uint64_t fp, const struct fsave *x87)
{
	struct proc *proc = current->proc;
	uint32_t size = frame_xstate_size(proc), magic2 = 0;
	struct fpx_sw_bytes sw;
	bool extended;
	uint8_t *x = current->xstate;
	uint64_t features;
	uint32_t mask;

	if (!fp) {
		fpu_state_init(x);
		thread_state_load();
		return 0;
	}
	if (copy_from_user(&sw, fp + FPX_SW_OFFSET, sizeof(sw)))
		return -EFAULT;
	extended = sw.magic1 == XFRAME_MAGIC1 &&
		   sw.xstate_size >= XSAVE_LEGACY_SIZE + XSAVE_HEADER_SIZE &&
		   sw.xstate_size <= WIRE_XSTATE_MAX && sw.xstate_size <= sw.extended_size &&
		   !get_user32(&magic2, fp + sw.xstate_size) && magic2 == XFRAME_MAGIC2;
	if (extended && sw.xstate_size < size)
		size = sw.xstate_size;
	/* A preempted thread would save its registers over what is being put together here. */
	uint8_t *copy = fpu_state_alloc();

	if (!copy)
		return -EFAULT;
	if (copy_from_user(copy, fp, extended ? size : XSAVE_LEGACY_SIZE)) {
		fpu_state_free(copy);
		return -EFAULT;
	}
	features = XFEATURE_X87 | XFEATURE_SSE;
	if (extended) {
		memcpy(&features, copy + XSAVE_LEGACY_SIZE, sizeof(features));
		features &= sw.xfeatures & proc->xfeatures;
	}
	if (x87) {
		fsave_to_xsave(x87, copy);
		features |= XFEATURE_X87;
	}
	memcpy(copy + XSAVE_LEGACY_SIZE, &features, sizeof(features));
	memcpy(&mask, x + 28, sizeof(mask));
	memcpy(copy + 28, &mask, sizeof(mask));
	fpu_state_sanitize(copy, fpu_state_size());

	unsigned long flags = irq_save();

	memcpy(x, copy, fpu_state_size());
	irq_restore(flags);
	thread_state_load();
	fpu_state_free(copy);
	return 0;
}

/* --- the frame -------------------------------------------------------------------------------- */

static void fill_context(struct sig_context *c, const struct trapframe *tf, uint64_t mask)
{
	const struct uthread *u = current_user;

	*c = (struct sig_context){
		.r8 = tf->r8,
		.r9 = tf->r9,
		.r10 = tf->r10,
		.r11 = tf->r11,
		.r12 = tf->r12,
		.r13 = tf->r13,
		.r14 = tf->r14,
		.r15 = tf->r15,
		.rdi = tf->rdi,
		.rsi = tf->rsi,
		.rbp = tf->rbp,
		.rbx = tf->rbx,
		.rdx = tf->rdx,
		.rax = tf->rax,
		.rcx = tf->rcx,
		.rsp = tf->rsp,
		.rip = tf->rip,
		.eflags = tf->rflags,
		.cs = USER_CS,
		.ss = USER_SS,
		.err = u->trap_err,
		.trapno = u->trap_nr,
		.cr2 = u->trap_addr,
		.oldmask = mask,
	};
}

int sigframe_push(struct trapframe *tf, const struct sigentry *sig, const struct wire_sigact *act,
		  uint64_t saved_mask)
{
	struct uthread *u = current_user;
	uint32_t fp_size = frame_xstate_size(current->proc) + XFRAME_MAGIC2_SIZE;
	struct rt_sigframe f;
	uint64_t at, fp;

	memset(&f, 0, sizeof(f));
	if (!(act->flags & LSA_RESTORER))
		return -EFAULT;
	at = sigframe_place(tf->rsp, u->altstack_sp, u->altstack_size, u->altstack_flags,
			    act->flags & LSA_ONSTACK, fp_size, &fp);
	if (at == SIGFRAME_NONE || !user_range_ok(at, fp + fp_size - at) || sigframe_push_xstate(fp, 0))
		return -EFAULT;

	f.pretcode = act->restorer;
	f.uc.flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	f.uc.stack.sp = u->altstack_sp;
	f.uc.stack.size = u->altstack_size;
	f.uc.stack.flags = u->altstack_flags;
	fill_context(&f.uc.mcontext, tf, saved_mask);
	f.uc.mcontext.fpstate = fp;
	f.uc.sigmask = saved_mask;
	f.info = sig->info;
	/* Linux leaves the siginfo unwritten without SA_SIGINFO. */
	if (copy_to_user(at, &f,
			 act->flags & LSA_SIGINFO ? sizeof(f) : offsetof(struct rt_sigframe, info)))
		return -EFAULT;
	if (u->altstack_flags & LSS_AUTODISARM) {
		u->altstack_sp = 0;
		u->altstack_size = 0;
		u->altstack_flags = LSS_DISABLE;
	}

	tf->rdi = sig->info.signo;
	tf->rsi = at + offsetof(struct rt_sigframe, info);
	tf->rdx = at + offsetof(struct rt_sigframe, uc);
	tf->rax = 0;
	tf->rip = act->handler;
	tf->rsp = at;
	tf->rflags &= ~(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
	restart_forget(tf);
	/* A handler starts with fresh floating-point registers. */
	fpu_state_init(current->xstate);
	thread_state_load();
	return 0;
}

long sigframe_pop(struct trapframe *tf)
{
	struct uthread *u = current_user;
	const struct sig_context *c;
	struct rt_sigframe f;

	/* The handler's `ret` has taken pretcode off the stack. */
	if (copy_from_user(&f, tf->rsp - 8, offsetof(struct rt_sigframe, info)))
		return -EFAULT;
	c = &f.uc.mcontext;
	if ((c->cs | 3) != USER_CS)
		return retreat(WHY_SYSCALL, "rt_sigreturn to code segment %#x", c->cs);
	restart_forget(tf);
	signal_set_mask(f.uc.sigmask);
	tf->r8 = c->r8;
	tf->r9 = c->r9;
	tf->r10 = c->r10;
	tf->r11 = c->r11;
	tf->r12 = c->r12;
	tf->r13 = c->r13;
	tf->r14 = c->r14;
	tf->r15 = c->r15;
	tf->rdi = c->rdi;
	tf->rsi = c->rsi;
	tf->rbp = c->rbp;
	tf->rbx = c->rbx;
	tf->rdx = c->rdx;
	tf->rax = c->rax;
	tf->rcx = c->rcx;
	tf->rsp = c->rsp;
	tf->rip = c->rip;
	tf->rflags = (tf->rflags & ~SIGFRAME_FLAGS) | (c->eflags & SIGFRAME_FLAGS);
	if (sigframe_pop_xstate(c->fpstate, NULL))
		return -EFAULT;
	/* As sigaltstack(2), errors ignored: one cannot change the stack one is on. */
	if (!on_altstack(tf->rsp, u->altstack_sp, u->altstack_size, u->altstack_flags) &&
	    ((f.uc.stack.flags & ~LSS_AUTODISARM) == LSS_DISABLE ||
	     f.uc.stack.size >= LSIG_MINSTKSZ)) {
		bool off = f.uc.stack.flags & LSS_DISABLE;

		u->altstack_sp = off ? 0 : f.uc.stack.sp;
		u->altstack_size = off ? 0 : f.uc.stack.size;
		u->altstack_flags = f.uc.stack.flags & (LSS_AUTODISARM | LSS_DISABLE);
	}
	return 0;
}
