/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls about signals: actions, masks, waiting, sending. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/abi/abi.h"
#include "kernel/abi/layout.h"
#include "kernel/guest/guest.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/restart.h"
#include "kernel/proc/sigframe.h"
#include "kernel/proc/signal.h"

enum {
	NR_RT_SIGACTION = 13, NR_RT_SIGPROCMASK = 14, NR_KILL = 62, NR_READLINK = 89, NR_GETUID = 102,
	NR_GETPPID = 110, NR_RT_SIGPENDING = 127, NR_RT_SIGQUEUEINFO = 129, NR_TKILL = 200, NR_TGKILL = 234,
	NR_RT_TGSIGQUEUEINFO = 297,
};

#define NR32_RT_SIGACTION 174

#define SET_SIZE sizeof(uint64_t)

/* --- actions and masks ------------------------------------------------------------------------------ */

void signal_action_replay(int signo, const struct wire_sigact *act)
{
	struct fcall call = {
		.nr = NR_RT_SIGACTION,
		.args = { signo, 0, 0, SET_SIZE },
		.nbufs = 1,
		.buf[0] = { (uint64_t)act, sizeof(*act), 1, WBUF_IN, true },
	};
	uint8_t half[SIGACTION32_SIZE];

	/* Linux builds the frame for a handler as the call was that set it. */
	if (current_proc->i386) {
		sigaction_to_i386(half, act);
		call.nr = NR32_RT_SIGACTION | SYS_I386;
		call.buf[0].addr = (uint64_t)half;
		call.buf[0].len = sizeof(half);
	}
	guest_call_oneway(&call);
}

void change_action(int signo, struct wire_sigact *act)
{
	struct proc *proc = current_proc;

	act->flags &= LSA_ALL;
	act->mask &= ~SIGS_KILL_STOP;
	/*
	 * Home ignores what is ignored here, which the kernel itself takes note of. Ignored once more, a
	 * signal that waits there is forgotten.
	 */
	if (memcmp(act, &proc->sigact[signo - 1], sizeof(*act)) || (proc->sfd_mask & SIGBIT(signo)))
		signal_action_replay(signo, act);
	signal_set_action(proc, signo, act);
}

long sys_rt_sigaction(struct trapframe *tf, const uint64_t args[6])
{
	struct proc *proc = current_proc;
	struct wire_sigact act = { 0 }, old;
	int signo = (int)args[0];

	(void)tf;
	if (args[3] != SET_SIZE)
		return -EINVAL;
	if (args[1] && get_user_sigaction(&act, args[1]))
		return -EFAULT;
	if (signo < 1 || signo > LSIG_MAX || (args[1] && (SIGBIT(signo) & SIGS_KILL_STOP)))
		return -EINVAL;
	old = proc->sigact[signo - 1];
	if (args[1])
		change_action(signo, &act);
	return args[2] ? put_user_sigaction(args[2], &old) : 0;
}

/*
 * A call within a call. No signal that comes meanwhile interrupts it; if the process has to go home for it,
 * it does so afterwards.
 */
static long call_steadily(struct fcall *call)
{
	bool steady = current_user->steady, retreating = current_user->retreating;
	long ret;

	current_user->steady = true;
	ret = guest_call(call);
	current_user->steady = steady;
	current_user->retreating = retreating;
	return ret;
}

/* The set goes by value: so nothing has to be had for it, and the call cannot fail here. */
void signal_block_at_home(uint64_t set)
{
	enum { SIG_SETMASK_ = 2 };
	struct fcall call = { .nr = NR_RT_SIGPROCMASK, .args = { SIG_SETMASK_, set, 0, SET_SIZE } };

	call_steadily(&call);
}

bool signal_send_at_home(const struct siginfo *info, bool to_process)
{
	struct fcall call = {
		.nr = to_process ? NR_RT_SIGQUEUEINFO : NR_RT_TGSIGQUEUEINFO,
		.args = { current_proc->pid, current_user->tid, info->signo },
		.nbufs = 1,
		.buf[0] = { (uint64_t)info, sizeof(*info), 3, WBUF_IN, true },
	};

	if (to_process) {
		/* Only by its own id, which here stands for the process, may it send any siginfo. */
		call.args[0] = current_user->tid;
		call.args[1] = info->signo;
		call.buf[0].arg = 2;
	}
	return !call_steadily(&call);
}

long sys_rt_sigprocmask(struct trapframe *tf, const uint64_t args[6])
{
	enum { SIG_BLOCK_, SIG_UNBLOCK_, SIG_SETMASK_ };
	uint64_t old = current_user->sigmask, set;

	(void)tf;
	if (args[3] != SET_SIZE)
		return -EINVAL;
	if (args[1]) {
		if (get_user64(&set, args[1]))
			return -EFAULT;
		switch ((int)args[0]) {
		case SIG_BLOCK_:
			signal_set_mask(old | set);
			break;
		case SIG_UNBLOCK_:
			signal_set_mask(old & ~set);
			break;
		case SIG_SETMASK_:
			signal_set_mask(set);
			break;
		default:
			return -EINVAL;
		}
	}
	return args[2] && put_user64(args[2], old) ? -EFAULT : 0;
}

long sys_rt_sigreturn(struct trapframe *tf, const uint64_t args[6])
{
	long err = current_user->i386 ? sigframe32_pop(tf, true) : sigframe_pop(tf);

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

/*
 * Timers that have expired and what others have sent show at home before the answer, so afterwards they
 * are here; what is in a signalfd's set stays there.
 */
uint64_t blocked_pending(void)
{
	uint64_t there = 0;
	struct fcall call = {
		.nr = NR_RT_SIGPENDING,
		.args = { 0, SET_SIZE },
		.nbufs = 1,
		.buf[0] = { (uint64_t)&there, SET_SIZE, 0, WBUF_OUT, true },
	};

	if (current_user->sigmask)
		call_steadily(&call);
	return (signal_pending_set() & current_user->sigmask) | there;
}

long sys_rt_sigpending(struct trapframe *tf, const uint64_t args[6])
{
	uint64_t set = blocked_pending();

	(void)tf;
	if (args[1] > SET_SIZE)
		return -EINVAL;
	return copy_to_user(args[0], &set, args[1]) ? -EFAULT : 0;
}

long sys_sigaltstack(struct trapframe *tf, const uint64_t args[6])
{
	struct uthread *u = current_user;
	bool on = on_altstack(tf->rsp, u->altstack_sp, u->altstack_size, u->altstack_flags);
	struct sig_stack old = { .sp = u->altstack_sp, .size = u->altstack_size }, s;

	old.flags = (u->altstack_size ? (on ? LSS_ONSTACK : 0) : LSS_DISABLE) |
		    (u->altstack_flags & LSS_AUTODISARM);
	if (args[0]) {
		uint32_t mode;

		if (get_user_stack(&s, args[0]))
			return -EFAULT;
		mode = s.flags & ~LSS_AUTODISARM;
		if (on)
			return -EPERM;
		if (mode != LSS_DISABLE && mode != LSS_ONSTACK && mode != 0)
			return -EINVAL;
		/* Linux looks no further when nothing changes; none and flags of 0 is how one begins. */
		if (s.sp == u->altstack_sp && s.size == u->altstack_size &&
		    (s.flags == u->altstack_flags || (!s.size && !s.flags)))
			goto out;
		if (mode == LSS_DISABLE) {
			s.sp = 0;
			s.size = 0;
		} else if (s.size < LSIG_MINSTKSZ) {
			return -ENOMEM;
		}
		u->altstack_sp = s.sp;
		u->altstack_size = s.size;
		u->altstack_flags = s.flags;
	}
out:
	return args[1] ? put_user_stack(args[1], &old) : 0;
}

/* --- waiting ---------------------------------------------------------------------------------------- */

/* Sleeps until the way back to user mode has something to do. */
static long wait_for_signal(void)
{
	struct waitq nobody = WAITQ_INIT(nobody);

	do
		wait_event_interruptible(&nobody, signal_wakes(current), WAIT_FOREVER);
	while (signal_woke_in_vain());
	return -ERESTARTNOHAND_;
}

long sys_pause(struct trapframe *tf, const uint64_t args[6])
{
	(void)tf;
	(void)args;
	return wait_for_signal();
}

long sys_rt_sigsuspend(struct trapframe *tf, const uint64_t args[6])
{
	long err = mask_begin(args[0], args[1]);

	(void)tf;
	return err ? err : wait_for_signal();
}

long sys_rt_sigtimedwait(struct trapframe *tf, const uint64_t args[6])
{
	struct waitq nobody = WAITQ_INIT(nobody);
	struct uthread *u = current_user;
	uint64_t set, deadline = WAIT_FOREVER;
	struct siginfo info;
	int64_t ts[2];
	long err;
	int signo;

	if (args[3] != SET_SIZE)
		return -EINVAL;
	if (get_user64(&set, args[0]) || (args[2] && get_user_timespec(ts, args[2])))
		return -EFAULT;
	if (args[2]) {
		if (ts[0] < 0 || ts[1] < 0 || ts[1] >= (int64_t)NSEC_PER_SEC)
			return -EINVAL;
		if (ts[0] < 1ll << 32)
			deadline = clock_now_ns() + ts[0] * NSEC_PER_SEC + ts[1];
	}
	set &= ~SIGS_KILL_STOP;
	if (set & current_proc->sfd_mask)
		return not_served(tf->error, "signals that a signalfd has, too");
	if (deadline <= clock_now_ns() && !(signal_pending_set() & set)) {
		/* As for blocked_pending(). */
		err = home_call(NR_GETPPID, 0, 0, 0, 0, 0, 0);
		if (err < 0)
			return err;
	}

	spin_lock(&current_proc->lock);
	u->waits_for = set;
	spin_unlock(&current_proc->lock);
	do
		wait_event_interruptible(
			&nobody, (signal_pending_set() & set) || signal_wakes(current), deadline);
	while (!(signal_pending_set() & set) && clock_now_ns() < deadline &&
	       signal_woke_in_vain());
	signo = signal_take(set, &info);

	if (signo)
		return args[1] && put_user_siginfo(args[1], &info) ? -EFAULT : signo;
	if (signal_pending(current))
		return -EINTR;
	/* Called home, or stopped: it waits on afterwards. */
	if (signal_wakes(current) || clock_now_ns() < deadline)
		return -ERESTARTNOHAND_;
	return -EAGAIN;
}

/* --- sending ---------------------------------------------------------------------------------------- */

/*
 * The real user id, for the siginfo of signals to oneself; home is asked once. Negative: one of the
 * restart codes.
 */
static long own_uid(void)
{
	struct proc *proc = current_proc;

	if (!proc->uid_known) {
		long uid = home_call(NR_GETUID, 0, 0, 0, 0, 0, 0);

		if (uid < 0)
			return uid;
		proc->uid = uid;
		proc->uid_known = true;
	}
	return proc->uid;
}

/* One that may be read from a signalfd(2) is sent at home, as others send it. */
static bool sent_at_home(int signo)
{
	return signo >= 1 && signo <= LSIG_MAX && (current_proc->sfd_mask & SIGBIT(signo));
}

/* To the process itself (tid 0), or to a thread of it: delivered before the call returns. */
static long send_here(int signo, uint32_t tid, struct siginfo *info)
{
	if (signo < 0 || signo > LSIG_MAX)
		return -EINVAL;
	if (!signo)
		return 0;
	info->signo = signo;
	return tid ? signal_send_to(current_proc, tid, info) :
		     signal_send(current_proc, NULL, info);
}

static long send_to_self(int signo, uint32_t tid, int code)
{
	struct siginfo info = { .code = code };
	long uid;

	if (signo < 0 || signo > LSIG_MAX)
		return -EINVAL;
	if (!signo)
		return 0;
	uid = own_uid();
	if (uid < 0)
		return uid;
	info.from.pid = current_proc->pid;
	info.from.uid = uid;
	return send_here(signo, tid, &info);
}

long sys_kill(struct trapframe *tf, const uint64_t args[6])
{
	(void)tf;
	if ((int)args[0] != (int)current_proc->pid || sent_at_home((int)args[1]))
		return forward(NR_KILL, args);
	return send_to_self((int)args[1], 0, LSI_USER);
}

long sys_tkill(struct trapframe *tf, const uint64_t args[6])
{
	(void)tf;
	if ((int)args[0] <= 0 || !proc_has_thread(current_proc, (uint32_t)args[0]) ||
	    sent_at_home((int)args[1]))
		return forward(NR_TKILL, args);
	return send_to_self((int)args[1], (uint32_t)args[0], LSI_TKILL);
}

long sys_tgkill(struct trapframe *tf, const uint64_t args[6])
{
	(void)tf;
	if ((int)args[0] != (int)current_proc->pid || (int)args[1] <= 0 ||
	    !proc_has_thread(current_proc, (uint32_t)args[1]) || sent_at_home((int)args[2]))
		return forward(NR_TGKILL, args);
	return send_to_self((int)args[2], (uint32_t)args[1], LSI_TKILL);
}

static long queue_to_self(int signo, uint32_t tid, uint64_t from)
{
	struct siginfo info;

	if (get_user_siginfo(&info, from))
		return -EFAULT;
	return send_here(signo, tid, &info);
}

long sys_rt_sigqueueinfo(struct trapframe *tf, const uint64_t args[6])
{
	if ((int)args[0] != (int)current_proc->pid || sent_at_home((int)args[1]))
		return forward(tf->error, args);
	return queue_to_self((int)args[1], 0, args[2]);
}

long sys_rt_tgsigqueueinfo(struct trapframe *tf, const uint64_t args[6])
{
	if ((int)args[0] != (int)current_proc->pid || (int)args[1] <= 0 ||
	    !proc_has_thread(current_proc, (uint32_t)args[1]) || sent_at_home((int)args[2]))
		return forward(tf->error, args);
	return queue_to_self((int)args[2], (uint32_t)args[1], args[3]);
}

/* --- reading them ----------------------------------------------------------------------------------- */

/* The descriptor is home's: there its signals wait from now on, if they are blocked. */
long sys_signalfd4(struct trapframe *tf, const uint64_t args[6])
{
	uint64_t set;

	if (args[2] == SET_SIZE && !get_user64(&set, args[1]) && !signal_watch(set))
		return not_served(tf->error, "in a program with threads");
	return current_user->retreating ? RETREATED : forward(tf->error, args);
}

long sys_signalfd(struct trapframe *tf, const uint64_t args[6])
{
	return sys_signalfd4(tf, args);
}

void look_for_signalfd(uint32_t fd)
{
	static const char signalfd[] = "anon_inode:[signalfd]";
	char path[32], target[sizeof(signalfd)];
	struct fcall call = {
		.nr = NR_READLINK,
		.args = { 0, 0, sizeof(target) },
		.nbufs = 2,
		.buf[0] = { (uint64_t)path, 0, 0, WBUF_IN, true },
		.buf[1] = { (uint64_t)target, sizeof(target), 1, WBUF_OUT | WBUF_RET, true },
	};

	call.buf[0].len = snprintf(path, sizeof(path), "/proc/self/fd/%u", fd) + 1;
	if (call_steadily(&call) == sizeof(signalfd) - 1 &&
	    !memcmp(target, signalfd, sizeof(signalfd) - 1))
		proc_recall(current_proc, WHY_STATE, "it was given another process's signalfd");
}

long sys_pidfd_getfd(struct trapframe *tf, const uint64_t args[6])
{
	long fd = forward(tf->error, args);

	if (fd >= 0)
		look_for_signalfd((uint32_t)fd);
	return fd;
}
