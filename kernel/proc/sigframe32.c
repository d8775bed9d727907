/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Building a handler's frame for an i386 program, and taking it down. */
#include "kernel/proc/sigframe32.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "kernel/abi/layout.h"
#include "kernel/cpu/fpu.h"
#include "kernel/cpu/trap.h"
#include "kernel/cpu/x86.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/proc.h"
#include "kernel/proc/signal.h"

/* What handlers return to where there is no vDSO: debuggers look for these very bytes. */
static const uint8_t retcode[8] = { 0x58, 0xb8, 119, 0, 0, 0, 0xcd, 0x80 };  /* pop %eax; sigreturn */
static const uint8_t rt_retcode[8] = { 0xb8, 173, 0, 0, 0, 0xcd, 0x80, 0 }; /* rt_sigreturn */

/* --- building --------------------------------------------------------------------------------- */

/*
 * Where a frame of `size` bytes goes, with *fp the address of the floating-point state above it:
 * FSAVE's format, then XSAVE's. 0: it would run off the alternate stack.
 */
static uint64_t place(const struct trapframe *tf, const struct wire_sigact *act, uint32_t size,
		      uint32_t *fp)
{
	const struct uthread *u = current_user;
	uint32_t sp = (uint32_t)tf->rsp;
	bool nested = on_altstack(sp, u->altstack_sp, u->altstack_size, u->altstack_flags);
	bool entering = (act->flags & LSA_ONSTACK) && u->altstack_size &&
			!(u->altstack_flags & LSS_DISABLE) && !nested;

	if (entering)
		sp = (uint32_t)(u->altstack_sp + u->altstack_size);
	sp = (sp - sigframe_xstate_size()) & ~63u;
	sp -= sizeof(struct fsave);
	*fp = sp;
	/* At entry esp + 4 is a multiple of 16. */
	sp = ((sp - size + 4) & ~15u) - 4;
	if ((nested || entering) && !(sp > u->altstack_sp && sp - u->altstack_sp <= u->altstack_size))
		return 0;
	return sp;
}

static int push_fp(const struct trapframe *tf, uint32_t fp)
{
	struct fsave f;

	if (sigframe_push_xstate(fp + sizeof(f), sizeof(f)))
		return -EFAULT;
	fsave_from_xsave(&f, current->xstate, (uint16_t)tf->cs, current->ds);
	return copy_to_user(fp, &f, sizeof(f)) ? -EFAULT : 0;
}

static void fill_context(struct sig_context32 *c, const struct trapframe *tf, uint32_t fp, uint64_t mask)
{
	const struct uthread *u = current_user;

	*c = (struct sig_context32){
		.gs = current->gs,
		.fs = current->fs,
		.es = current->es,
		.ds = current->ds,
		.di = (uint32_t)tf->rdi,
		.si = (uint32_t)tf->rsi,
		.bp = (uint32_t)tf->rbp,
		.sp = (uint32_t)tf->rsp,
		.bx = (uint32_t)tf->rbx,
		.dx = (uint32_t)tf->rdx,
		.cx = (uint32_t)tf->rcx,
		.ax = (uint32_t)tf->rax,
		.trapno = u->trap_nr,
		.err = u->trap_err,
		.ip = (uint32_t)tf->rip,
		.cs = (uint16_t)tf->cs,
		.flags = (uint32_t)tf->rflags,
		.sp_at_signal = (uint32_t)tf->rsp,
		.ss = (uint16_t)tf->ss,
		.fpstate = fp,
		.oldmask = (uint32_t)mask,
		.cr2 = (uint32_t)u->trap_addr,
	};
}

static uint32_t return_to(const struct wire_sigact *act, uint32_t vdso, uint64_t code)
{
	if (act->flags & LSA_RESTORER)
		return (uint32_t)act->restorer;
	return vdso ? vdso : (uint32_t)code;
}

static uint64_t push_old(struct trapframe *tf, const struct sigentry *sig, const struct wire_sigact *act,
			 uint64_t mask)
{
	struct sigframe32 f;
	uint32_t fp;
	uint64_t at = place(tf, act, sizeof(f), &fp);

	if (!at || push_fp(tf, fp))
		return 0;
	memset(&f, 0, sizeof(f));
	f.pretcode = return_to(act, current->mm->vdso_sigreturn,
			       at + offsetof(struct sigframe32, retcode));
	f.sig = sig->info.signo;
	fill_context(&f.sc, tf, fp, mask);
	f.extramask = (uint32_t)(mask >> 32);
	memcpy(f.retcode, retcode, sizeof(retcode));
	/* Linux leaves the place of the old state unwritten. */
	if (copy_to_user(at, &f, offsetof(struct sigframe32, unused)) ||
	    copy_to_user(at + offsetof(struct sigframe32, extramask), &f.extramask,
			 sizeof(f) - offsetof(struct sigframe32, extramask)))
		return 0;
	tf->rdx = 0;
	tf->rcx = 0;
	return at;
}

static uint64_t push_rt(struct trapframe *tf, const struct sigentry *sig, const struct wire_sigact *act,
			uint64_t mask)
{
	const struct uthread *u = current_user;
	struct rt_sigframe32 f;
	uint32_t fp;
	uint64_t at = place(tf, act, sizeof(f), &fp);

	if (!at || push_fp(tf, fp))
		return 0;
	memset(&f, 0, sizeof(f));
	f.pretcode = return_to(act, current->mm->vdso_rt_sigreturn,
			       at + offsetof(struct rt_sigframe32, retcode));
	f.sig = sig->info.signo;
	f.pinfo = (uint32_t)at + offsetof(struct rt_sigframe32, info);
	f.puc = (uint32_t)at + offsetof(struct rt_sigframe32, uc);
	siginfo_to_i386(f.info, &sig->info);
	f.uc.flags = UC_FP_XSTATE;
	f.uc.stack_sp = (uint32_t)u->altstack_sp;
	f.uc.stack_size = (uint32_t)u->altstack_size;
	f.uc.stack_flags = u->altstack_flags;
	fill_context(&f.uc.mcontext, tf, fp, mask);
	f.uc.sigmask[0] = (uint32_t)mask;
	f.uc.sigmask[1] = (uint32_t)(mask >> 32);
	memcpy(f.retcode, rt_retcode, sizeof(rt_retcode));
	if (copy_to_user(at, &f, sizeof(f)))
		return 0;
	tf->rdx = f.pinfo;
	tf->rcx = f.puc;
	return at;
}

int sigframe32_push(struct trapframe *tf, const struct sigentry *sig, const struct wire_sigact *act,
		    uint64_t saved_mask)
{
	struct uthread *u = current_user;
	uint64_t at;

	thread_state_save();
	at = act->flags & LSA_SIGINFO ? push_rt(tf, sig, act, saved_mask) :
					push_old(tf, sig, act, saved_mask);
	if (!at)
		return -EFAULT;
	if ((act->flags & LSA_SIGINFO) && (u->altstack_flags & LSS_AUTODISARM)) {
		u->altstack_sp = 0;
		u->altstack_size = 0;
		u->altstack_flags = LSS_DISABLE;
	}
	tf->rax = sig->info.signo;
	tf->rip = act->handler;
	tf->rsp = at;
	tf->cs = USER32_CS;
	tf->rflags &= ~(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
	restart_forget(tf);
	/* A handler starts with fresh floating-point registers, and flat segments. */
	thread_state_save();
	fpu_state_init(current->xstate);
	current->ds = USER_SS;
	current->es = USER_SS;
	thread_state_load();
	return 0;
}

/* --- taking down ------------------------------------------------------------------------------ */

/* Linux mends the privilege of what a frame says, but for null selectors. */
static uint16_t selector(uint16_t sel)
{
	return sel > 3 ? sel | 3 : sel;
}

static void set_segments(const struct sig_context32 *c)
{
	struct thread *t = current;
	uint16_t fs = selector(c->fs), gs = selector(c->gs);

	thread_state_save();
	t->ds = selector(c->ds);
	t->es = selector(c->es);
	if (fs != t->fs)
		t->fs_base = segment_base(t, fs);
	if (gs != t->gs)
		t->gs_base = segment_base(t, gs);
	t->fs = fs;
	t->gs = gs;
	thread_state_load();
}

static void set_registers(struct trapframe *tf, const struct sig_context32 *c)
{
	tf->rdi = c->di;
	tf->rsi = c->si;
	tf->rbp = c->bp;
	tf->rsp = c->sp;
	tf->rbx = c->bx;
	tf->rdx = c->dx;
	tf->rcx = c->cx;
	tf->rax = c->ax;
	tf->rip = c->ip;
	tf->rflags = (tf->rflags & ~SIGFRAME_FLAGS) | (c->flags & SIGFRAME_FLAGS);
}

static long pop_context(struct trapframe *tf, const struct sig_context32 *c, uint64_t mask)
{
	struct fsave f;

	if ((c->cs | 3) != USER32_CS)
		return retreat(WHY_SYSCALL, "sigreturn to code segment %#x", c->cs);
	restart_forget(tf);
	signal_set_mask(mask);
	set_registers(tf, c);
	if (c->fpstate && copy_from_user(&f, c->fpstate, sizeof(f)))
		return -EFAULT;
	if (sigframe_pop_xstate(c->fpstate ? c->fpstate + sizeof(f) : 0, c->fpstate ? &f : NULL))
		return -EFAULT;
	set_segments(c);
	return 0;
}

long sigframe32_pop(struct trapframe *tf, bool rt)
{
	struct uthread *u = current_user;
	struct rt_sigframe32 f;
	struct sigframe32 old;
	long err;

	/* What has been taken off the stack: the return address, and the number by the old trampoline. */
	if (!rt) {
		if (copy_from_user(&old, (uint32_t)tf->rsp - 8, sizeof(old)))
			return -EFAULT;
		return pop_context(tf, &old.sc, old.sc.oldmask | (uint64_t)old.extramask << 32);
	}
	if (copy_from_user(&f, (uint32_t)tf->rsp - 4, sizeof(f)))
		return -EFAULT;
	err = pop_context(tf, &f.uc.mcontext, f.uc.sigmask[0] | (uint64_t)f.uc.sigmask[1] << 32);
	if (err)
		return err;
	/* As sigaltstack(2), errors ignored: one cannot change the stack one is on. */
	if (!on_altstack(tf->rsp, u->altstack_sp, u->altstack_size, u->altstack_flags) &&
	    ((f.uc.stack_flags & ~LSS_AUTODISARM) == LSS_DISABLE ||
	     f.uc.stack_size >= LSIG_MINSTKSZ)) {
		bool off = f.uc.stack_flags & LSS_DISABLE;

		u->altstack_sp = off ? 0 : f.uc.stack_sp;
		u->altstack_size = off ? 0 : f.uc.stack_size;
		u->altstack_flags = f.uc.stack_flags & (LSS_AUTODISARM | LSS_DISABLE);
	}
	return 0;
}
