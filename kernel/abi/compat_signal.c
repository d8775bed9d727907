/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first generation of signal calls, which only i386 has: sets of 32 signals. */
#include <errno.h>

#include "kernel/abi/abi.h"
#include "kernel/cpu/trap.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/signal.h"

#define HIGH_SET 0xffffffff00000000ull

/* struct old_sigaction */
struct action32 {
	uint32_t handler, mask, flags, restorer;
};

long sys32_sigaction(struct trapframe *tf, const uint64_t args[6])
{
	struct wire_sigact act, old;
	struct action32 half;
	int signo = (int)args[0];

	(void)tf;
	if (args[1] && copy_from_user(&half, args[1], sizeof(half)))
		return -EFAULT;
	if (signo < 1 || signo > LSIG_MAX || (args[1] && (SIGBIT(signo) & SIGS_KILL_STOP)))
		return -EINVAL;
	old = current_proc->sigact[signo - 1];
	if (args[1]) {
		act = (struct wire_sigact){ half.handler, half.flags, half.restorer, half.mask };
		change_action(signo, &act);
	}
	if (!args[2])
		return 0;
	half = (struct action32){ old.handler, old.mask, old.flags, old.restorer };
	return copy_to_user(args[2], &half, sizeof(half)) ? -EFAULT : 0;
}

long sys32_signal(struct trapframe *tf, const uint64_t args[6])
{
	struct wire_sigact act = { .handler = args[1], .flags = LSA_RESETHAND | LSA_NODEFER };
	int signo = (int)args[0];
	uint64_t old;

	(void)tf;
	if (signo < 1 || signo > LSIG_MAX || (SIGBIT(signo) & SIGS_KILL_STOP))
		return -EINVAL;
	old = current_proc->sigact[signo - 1].handler;
	change_action(signo, &act);
	return (uint32_t)old;
}

long sys32_sigprocmask(struct trapframe *tf, const uint64_t args[6])
{
	enum { SIG_BLOCK_, SIG_UNBLOCK_, SIG_SETMASK_ };
	uint64_t old = current_user->sigmask;
	uint32_t set;

	(void)tf;
	if (args[1]) {
		if (get_user32(&set, args[1]))
			return -EFAULT;
		switch ((int)args[0]) {
		case SIG_BLOCK_:
			signal_set_mask(old | set);
			break;
		case SIG_UNBLOCK_:
			signal_set_mask(old & ~(uint64_t)set);
			break;
		case SIG_SETMASK_:
			signal_set_mask((old & HIGH_SET) | set);
			break;
		default:
			return -EINVAL;
		}
	}
	return args[2] && put_user32(args[2], (uint32_t)old) ? -EFAULT : 0;
}

long sys32_sgetmask(struct trapframe *tf, const uint64_t args[6])
{
	(void)tf;
	(void)args;
	return (uint32_t)current_user->sigmask;
}

long sys32_ssetmask(struct trapframe *tf, const uint64_t args[6])
{
	uint32_t old = (uint32_t)current_user->sigmask;

	(void)tf;
	signal_set_mask((uint32_t)args[0]);
	return old;
}

long sys32_sigpending(struct trapframe *tf, const uint64_t args[6])
{
	uint64_t set = blocked_pending();

	(void)tf;
	return put_user32(args[0], (uint32_t)set) ? -EFAULT : 0;
}

long sys32_sigsuspend(struct trapframe *tf, const uint64_t args[6])
{
	signal_set_temporary_mask((uint32_t)args[2]);
	return sys_pause(tf, args);
}

long sys32_sigreturn(struct trapframe *tf, const uint64_t args[6])
{
	long err = sigframe32_pop(tf, false);

	(void)args;
	if (err == RETREATED)
		return err;
	if (err) {
		restart_forget(tf);
		signal_force(LSIG_SEGV, LSI_KERNEL, 0, false);
		return 0;
	}
	return tf->rax;
}
