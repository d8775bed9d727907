/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls about the process and its thread themselves: identity, end, registers, limits. */
#include <errno.h>
#include <stdio.h>

#include "kernel/abi/abi.h"
#include "kernel/abi/layout.h"
#include "kernel/cpu/ipi.h"
#include "kernel/guest/session.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/cpulimit.h"
#include "kernel/proc/futex.h"
#include "kernel/proc/signal.h"
#include "kernel/proc/vcpu.h"

enum {
	NR_PRCTL = 157,
	NR_ARCH_PRCTL = 158,
	NR_UNSHARE = 272,
	NR_PRLIMIT64 = 302,
	NR_MEMBARRIER = 324,
	NR32_PRLIMIT64 = 340,
};

long sys_getpid(struct trapframe *tf, const uint64_t args[6])
{
	(void)tf;
	(void)args;
	return current_proc->pid;
}

long sys_gettid(struct trapframe *tf, const uint64_t args[6])
{
	(void)tf;
	(void)args;
	return current_user->tid;
}

long sys_exit(struct trapframe *tf, const uint64_t args[6])
{
	struct proc *proc = current_proc;

	(void)tf;
	/* The last thread's end is the process's, with what its leader said. */
	if (proc->nthreads == 1) {
		proc_exit(proc, 0, proc->leader_gone ? proc->exit_status : (int)args[0]);
		return 0;
	}
	if (!futex_exit_prepare(current_user))
		return RETREATED;
	proc_thread_exits((int)args[0]);
	return 0;
}

long sys_exit_group(struct trapframe *tf, const uint64_t args[6])
{
	(void)tf;
	/* While what it touches may still come from home. */
	futex_die(current_user);
	if (current_user->retreating)
		return RETREATED;
	proc_exit(current_proc, 0, (int)args[0]);
	return 0;
}

long sys_sched_yield(struct trapframe *tf, const uint64_t args[6])
{
	(void)tf;
	(void)args;
	thread_yield();
	return 0;
}

long sys_getcpu(struct trapframe *tf, const uint64_t args[6])
{
	(void)tf;
	if ((args[0] && put_user32(args[0], vcpu_number())) || (args[1] && put_user32(args[1], 0)))
		return -EFAULT;
	return 0;
}

static void barrier(void *arg)
{
	(void)arg;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Each other thread passes its return to user mode before it goes on. */
static void abort_sections(void)
{
	struct proc *proc = current_proc;
	struct uthread *u;

	spin_lock(&proc->lock);
	list_for_each_entry(u, &proc->threads, link)
		if (u != current_user && u->rseq_addr)
			thread_set_work(u->thread, PROC_WORK_RSEQ);
	spin_unlock(&proc->lock);
}

/* The barrier is needed where the threads run; what is registered and refused, home knows. */
long sys_membarrier(struct trapframe *tf, const uint64_t args[6])
{
	enum { GLOBAL = 1, GLOBAL_EXPEDITED = 2, PRIVATE = 8, PRIVATE_SYNC_CORE = 32,
	       PRIVATE_RSEQ = 128 };

	(void)tf;
	if ((int)args[0] == PRIVATE_RSEQ)
		abort_sections();
	/* The interrupt's IRET serialises the other CPUs, as SYNC_CORE wants it. */
	if ((int)args[0] & (GLOBAL | GLOBAL_EXPEDITED | PRIVATE | PRIVATE_SYNC_CORE | PRIVATE_RSEQ))
		ipi_call_others(barrier, NULL, true);
	return forward(NR_MEMBARRIER, args);
}

long sys_futex(struct trapframe *tf, const uint64_t args[6])
{
	(void)tf;
	return futex_call(args);
}

/*
 * --- what goes home with the thread: until then Linux would write to memory there that is not the
 * program's ---
 */

long sys_set_tid_address(struct trapframe *tf, const uint64_t args[6])
{
	(void)tf;
	current_user->clear_tid = args[0];
	return current_user->tid;
}

#define ROBUST_LIST_HEAD (3 * user_long_size())

long sys_set_robust_list(struct trapframe *tf, const uint64_t args[6])
{
	(void)tf;
	if (args[1] != ROBUST_LIST_HEAD)
		return -EINVAL;
	current_user->robust_list = args[0];
	current_user->robust_len = args[1];
	return 0;
}

long sys_get_robust_list(struct trapframe *tf, const uint64_t args[6])
{
	if (args[0] && (int)args[0] != (int)current_user->tid)
		return forward(tf->error, args);
	if (put_user_long(args[2], ROBUST_LIST_HEAD) ||
	    put_user_long(args[1], current_user->robust_list))
		return -EFAULT;
	return 0;
}

#define RSEQ_UNREGISTER	       1
#define RSEQ_SIZE_FIRST	       32 /* bytes of struct rseq as it first was */

static long rseq_unregister(struct uthread *u, const uint64_t args[6])
{
	if (!u->rseq_addr || u->rseq_addr != args[0] || u->rseq_size != (uint32_t)args[1])
		return -EINVAL;
	if (u->rseq_sig != (uint32_t)args[3])
		return -EPERM;
	if (rseq_reset(u->rseq_addr))
		return -EFAULT;
	u->thread->switch_work = 0;
	u->rseq_addr = 0;
	u->rseq_size = 0;
	u->rseq_cpu = -1;
	return 0;
}

long sys_rseq(struct trapframe *tf, const uint64_t args[6])
{
	struct uthread *u = current_user;
	uint32_t len = (uint32_t)args[1], flags = (uint32_t)args[2];

	(void)tf;
	if (flags == RSEQ_UNREGISTER)
		return rseq_unregister(u, args);
	if (flags)
		return -EINVAL;
	if (u->rseq_addr) {
		if (u->rseq_addr != args[0] || u->rseq_size != len)
			return -EINVAL;
		return u->rseq_sig != (uint32_t)args[3] ? -EPERM : -EBUSY;
	}
	if (len < RSEQ_SIZE_FIRST || (args[0] & (RSEQ_SIZE_FIRST - 1)))
		return -EINVAL;
	if (!user_range_ok(args[0], len))
		return -EFAULT;
	u->rseq_addr = args[0];
	u->rseq_size = len;
	u->rseq_sig = (uint32_t)args[3];
	u->rseq_cpu = -1;
	u->thread->switch_work = PROC_WORK_RSEQ;
	thread_set_work(current, PROC_WORK_RSEQ);
	return 0;
}

/* --- segment bases ---------------------------------------------------------------------------- */

long sys_arch_prctl(struct trapframe *tf, const uint64_t args[6])
{
	enum { SET_GS = 0x1001, SET_FS, GET_FS, GET_GS };
	struct thread *t = current;

	(void)tf;
	switch ((int)args[0]) {
	case SET_FS:
	case SET_GS:
		if (args[1] >= USER_END)
			return -EPERM;
		thread_state_save();
		if ((int)args[0] == SET_FS)
			t->fs_base = args[1];
		else
			t->gs_base = args[1];
		thread_state_load();
		return 0;
	case GET_FS:
	case GET_GS:
		thread_state_save();
		return put_user64(args[1], (int)args[0] == GET_FS ? t->fs_base : t->gs_base)
			       ? -EFAULT
			       : 0;
	default:
		return forward(NR_ARCH_PRCTL, args);
	}
}

/* --- limits and credentials: home decides, the node takes note -------------------------------- */

static void note_limit(struct proc *proc, unsigned resource, const uint64_t limit[2])
{
	struct uthread *u;

	if (resource >= 16)
		return;
	spin_lock(&proc->lock);
	proc->rlim[resource][0] = limit[0];
	proc->rlim[resource][1] = limit[1];
	if (resource == RLIMIT_CPU_NR) {
		cpulimit_changed(proc);
		list_for_each_entry(u, &proc->threads, link)
			thread_set_work(u->thread, PROC_WORK_CPU);
	}
	if (resource == RLIMIT_STACK_NR && proc->mm)
		proc->mm->rlim_stack = limit[0];
	if (resource == RLIMIT_DATA_NR && proc->mm)
		proc->mm->rlim_data = limit[0];
	/* Only home can count address space as Linux does. */
	if ((resource == RLIMIT_AS_NR || resource == RLIMIT_DATA_NR) && limit[0] != UINT64_MAX)
		proc->map_sync = true;
	spin_unlock(&proc->lock);
}

/* prlimit64's is the same for all; in that of i386 programs all ones mean no limit. */
static int get_limit(uint64_t limit[2], uint64_t nr, uint64_t from)
{
	int64_t v[2];
	int err;

	if (nr == NR_PRLIMIT64 || nr == (NR32_PRLIMIT64 | SYS_I386))
		return copy_from_user(limit, from, 2 * sizeof(limit[0])) ? -EFAULT : 0;
	err = get_user_longs(v, 2, from);
	for (unsigned i = 0; i < 2; i++)
		limit[i] = !current_user->i386 || v[i] == -1 ? (uint64_t)v[i] : (uint32_t)v[i];
	return err;
}

/* The process of that id (0: the current one) if it is here, with a reference. */
static struct proc *limited_process(uint32_t pid)
{
	struct proc *proc = current_proc;

	return !pid || proc_has_thread(proc, pid) ? proc_get(proc) : session_find(proc->session, pid);
}

/*
 * What is set, and what home answers (at `to`): somebody at home may have set it for a process that
 * is here, and that is how it gets to know.
 */
static long change_limit(uint64_t nr, const uint64_t args[6], uint32_t pid, unsigned resource,
			 uint64_t from, uint64_t to)
{
	uint64_t limit[2];
	bool known = from && !get_limit(limit, nr, from);
	long ret = forward(nr, args);
	struct proc *proc;

	if (!ret && !from && to)
		known = !get_limit(limit, nr, to);
	proc = !ret && known ? limited_process(pid) : NULL;
	if (proc) {
		note_limit(proc, resource, limit);
		proc_put(proc);
	}
	return ret;
}

long sys_setrlimit(struct trapframe *tf, const uint64_t args[6])
{
	return change_limit(tf->error, args, 0, (unsigned)args[0], args[1], 0);
}

long sys_getrlimit(struct trapframe *tf, const uint64_t args[6])
{
	return change_limit(tf->error, args, 0, (unsigned)args[0], 0, args[1]);
}

long sys_prlimit64(struct trapframe *tf, const uint64_t args[6])
{
	return change_limit(tf->error, args, (uint32_t)args[0], (unsigned)args[1], args[2],
			    args[3]);
}

/*
 * Home knows all of them; two change what it can do for the process or what instructions do, unless
 * they say what holds already.
 */
long sys_prctl(struct trapframe *tf, const uint64_t args[6])
{
	enum { SET_DUMPABLE = 4, SET_TSC = 26, DUMPABLE = 1, TSC_ENABLE = 1 };
	int option = (int)args[0];

	(void)tf;
	if (option == SET_DUMPABLE && args[1] != DUMPABLE)
		return not_served(NR_PRCTL, "PR_SET_DUMPABLE");
	if (option == SET_TSC && (int)args[1] != TSC_ENABLE)
		return not_served(NR_PRCTL, "PR_SET_TSC");
	return forward(NR_PRCTL, args);
}

static long change_uid(struct trapframe *tf, const uint64_t args[6])
{
	current_proc->uid_known = false;
	return forward(tf->error, args);
}

long sys_setuid(struct trapframe *tf, const uint64_t args[6])
{
	return change_uid(tf, args);
}

long sys_setreuid(struct trapframe *tf, const uint64_t args[6])
{
	return change_uid(tf, args);
}

long sys_setresuid(struct trapframe *tf, const uint64_t args[6])
{
	return change_uid(tf, args);
}

/* Other bits change how memory is laid out or how calls behave. */
long sys_personality(struct trapframe *tf, const uint64_t args[6])
{
	enum { QUERY = 0xffffffff, HARMLESS = PERSONALITY_HARMLESS };
	uint32_t persona = (uint32_t)args[0];

	if (persona != (uint32_t)QUERY && (persona & ~(uint32_t)HARMLESS))
		return retreat(WHY_SYSCALL, "personality %#x", persona);
	return forward(tf->error, args);
}

/*
 * The stub's namespaces are the process's. Not those that change what pids, users or clocks mean here;
 * the memory, threads and signals of one process are the node's.
 */
long sys_unshare(struct trapframe *tf, const uint64_t args[6])
{
	enum {
		FS = 0x200, FILES = 0x400, NEWNS = 0x20000, SYSVSEM = 0x40000,
		NEWCGROUP = 0x02000000, NEWUTS = 0x04000000, NEWIPC = 0x08000000,
		NEWNET = 0x40000000,
	};
	const uint64_t known = FS | FILES | NEWNS | SYSVSEM | NEWCGROUP | NEWUTS | NEWIPC | NEWNET;
	char text[32];

	(void)tf;
	if (!(args[0] & ~known))
		return forward(NR_UNSHARE, args);
	snprintf(text, sizeof(text), "flags %#llx", (unsigned long long)args[0]);
	return not_served(NR_UNSHARE, text);
}
