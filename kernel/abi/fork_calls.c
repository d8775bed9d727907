/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fork, vfork, clone, clone3, for processes and threads. Home forks the stub, or gives it a thread, and
 * tells its number; the child's computation is made here, from its parent's. What shares more than
 * memory under vfork, and less than a thread does, goes home.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/abi/abi.h"
#include "kernel/abi/compat.h"
#include "kernel/cpu/fpu.h"
#include "kernel/guest/guest.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/signal.h"
#include "kernel/proc/vcpu.h"

enum { NR_KILL = 62 };

#define CLONE_EXIT_SIGNAL 0xffull
#define CLONE_VM 0x100ull
#define CLONE_VFORK 0x4000ull
#define CLONE_THREAD 0x10000ull
#define CLONE_SETTLS 0x80000ull
#define CLONE_PARENT_SETTID 0x100000ull
#define CLONE_CHILD_CLEARTID 0x200000ull
#define CLONE_DETACHED 0x400000ull	/* ignored by Linux */
#define CLONE_CHILD_SETTID 0x1000000ull
#define CLONE_CLEAR_SIGHAND 0x100000000ull

#define CLONE_SERVED                                                                               \
	(CLONE_VM | CLONE_VFORK | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID |          \
	 CLONE_DETACHED | CLONE_CHILD_SETTID | CLONE_CLEAR_SIGHAND)

/* What a child takes before it has a page of its own: its thread, the first tables, mappings. */
#define CHILD_PAGES 32
/* A thread: its stack and state here, and the first pages of its own stack. */
#define THREAD_PAGES 16

#define CLONE_FS 0x200ull
#define CLONE_FILES 0x400ull
#define CLONE_SIGHAND 0x800ull
#define CLONE_SYSVSEM 0x40000ull
#define CLONE_THREAD_NEEDS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define CLONE_THREAD_SERVED                                                                        \
	(CLONE_THREAD_NEEDS | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |                     \
	 CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | CLONE_DETACHED)

struct fork_request {
	uint64_t flags;		/* without the exit signal */
	uint64_t exit_signal;
	uint64_t stack;		/* 0: as the parent's */
	uint64_t parent_tid, child_tid, tls;
};

/* Signals that the parent handles are at their default in the child of CLONE_CLEAR_SIGHAND. */
static void clear_handlers(struct proc *child)
{
	for (int i = 0; i < LSIG_MAX; i++)
		if (child->sigact[i].handler != LSIG_IGN)
			child->sigact[i] = (struct wire_sigact){ .handler = LSIG_DFL };
}

/* The child's thread, as it returns from the call: 0 in rax, all else as in the parent. */
static void copy_thread(struct uthread *u, const struct trapframe *tf, const struct fork_request *req)
{
	const struct uthread *parent = current_user;
	struct trapframe *child_tf = thread_trapframe(u->thread);

	*child_tf = *tf;
	child_tf->rax = 0;
	restart_forget(child_tf);
	if (req->stack)
		child_tf->rsp = req->stack;
	thread_state_save();
	u->thread->fs_base = req->flags & CLONE_SETTLS ? req->tls : current->fs_base;
	u->thread->gs_base = current->gs_base;
	segments_inherit(u->thread, current);
	if ((req->flags & CLONE_SETTLS) && current_user->i386)
		compat_clone_tls(u->thread, req->tls);
	memcpy(u->thread->xstate, current->xstate, fpu_state_size());
	thread_state_changed(u->thread);

	vcpu_inherit(u, parent);
	u->sigmask = parent->sigmask;
	/* Memory that is shared has room for one stack of signals at a time, but for vfork's. */
	if (!(req->flags & CLONE_VM) || (req->flags & CLONE_VFORK)) {
		u->altstack_sp = parent->altstack_sp;
		u->altstack_size = parent->altstack_size;
		u->altstack_flags = parent->altstack_flags;
	}
	if (!(req->flags & CLONE_VM)) {
		u->rseq_addr = parent->rseq_addr;
		u->rseq_size = parent->rseq_size;
		u->rseq_sig = parent->rseq_sig;
		u->thread->switch_work = parent->thread->switch_work;
	}
	if (req->flags & CLONE_CHILD_CLEARTID)
		u->clear_tid = req->child_tid;
	if (req->flags & CLONE_CHILD_SETTID)
		u->set_tid = req->child_tid;
}

/* Everything of the child that can fail, before home knows of it. 0 or -ENOMEM. */
static int prepare_child(const struct fork_request *req, struct proc **child, struct uthread **u)
{
	struct proc *parent = current_proc;
	struct mm *mm;
	int err;

	if (req->flags & CLONE_VM) {
		mm = mm_get(current->mm);
	} else {
		err = mm_fork(current->mm, &mm);
		if (err)
			return err;
	}
	*child = proc_copy(parent, mm);
	if (!*child) {
		mm_put(mm);
		return -ENOMEM;
	}
	(*child)->shares_mm = req->flags & CLONE_VM;
	if (req->flags & CLONE_CLEAR_SIGHAND)
		clear_handlers(*child);
	*u = proc_thread_create(*child, 0);
	if (!*u) {
		proc_put(*child);
		return -ENOMEM;
	}
	return 0;
}

static long do_thread(struct trapframe *tf, const struct fork_request *req)
{
	struct proc *proc = current_proc;
	struct uthread *u = NULL;
	long tid;

	if ((req->flags & ~CLONE_THREAD_SERVED) ||
	    (req->flags & CLONE_THREAD_NEEDS) != CLONE_THREAD_NEEDS || proc->shares_mm)
		return retreat(WHY_SYSCALL, "clone flags %#llx", (unsigned long long)req->flags);
	if ((req->flags & CLONE_SETTLS) && req->tls >= USER_END)
		return -EPERM;
	if (guest_memory_ok(THREAD_PAGES))
		u = proc_thread_alloc(proc);
	if (!u)
		return retreat(WHY_MEMORY, "no memory for a thread");
	copy_thread(u, tf, req);
	/* It is one of the process's from home's answer on, so that signals find it. */
	tid = guest_thread(req->flags, u);
	if (!u->tid) {
		thread_put(u->thread);
		return tid;
	}
	snprintf(u->thread->name, sizeof(u->thread->name), "%.12s/%u", proc->comm, u->tid);
	if (req->flags & CLONE_PARENT_SETTID)
		put_user32(req->parent_tid, u->tid);
	tid = u->tid;
	thread_set_work(u->thread, THREAD_WORK_SIGNAL);
	thread_wake(u->thread);
	return tid;
}

static long do_fork(struct trapframe *tf, const struct fork_request *req)
{
	struct proc *parent = current_proc, *child;
	struct uthread *u;
	long pid;

	if ((req->flags & CLONE_SETTLS) && current_user->i386) {
		pid = compat_check_tls(req->tls);
		if (pid)
			return pid;
	}
	if (req->flags & CLONE_THREAD)
		return do_thread(tf, req);
	if ((req->flags & ~CLONE_SERVED) || req->exit_signal != LSIG_CHLD ||
	    ((req->flags & CLONE_VM) && !(req->flags & CLONE_VFORK)))
		return retreat(WHY_SYSCALL, "clone flags %#llx, signal %llu",
			       (unsigned long long)req->flags,
			       (unsigned long long)req->exit_signal);
	if ((req->flags & CLONE_SETTLS) && req->tls >= USER_END)
		return -EPERM;
	/* A child of vfork has one itself: its memory is its grandparent's, who must wait, too. */
	/* Other threads must not change the map before home, too, has copied it. */
	mutex_lock(&current->mm->map_lock);
	if (!guest_memory_ok(CHILD_PAGES) || prepare_child(req, &child, &u)) {
		mutex_unlock(&current->mm->map_lock);
		return retreat(WHY_MEMORY, "no memory for a child process");
	}
	pid = guest_fork(req->flags | req->exit_signal);
	if (pid > 0 && !(req->flags & CLONE_VM))
		mm_fork_settle(current->mm, child->mm);
	mutex_unlock(&current->mm->map_lock);
	/* A parent that was killed meanwhile has had this child all the same. */
	if (pid <= 0) {
		proc_discard(child);
		proc_put(child);
		return pid;
	}
	child->pid = pid;
	u->tid = pid;
	snprintf(u->thread->name, sizeof(u->thread->name), "%.12s/%ld", child->comm, pid);
	copy_thread(u, tf, req);
	if (req->flags & CLONE_PARENT_SETTID)
		put_user32(req->parent_tid, pid);
	if (guest_proc_added(child, parent)) {
		/* The child is born at home; the node cannot run it: it dies as of lack of memory. */
		home_call(NR_KILL, pid, LSIG_KILL, 0, 0, 0, 0);
		proc_discard(child);
		proc_put(child);
		return pid;
	}
	proc_start(child);
	if (req->flags & CLONE_VFORK) {
		proc_vfork_begin(parent);
		guest_gate_look(parent->session);
		wait_event(&child->vfork_wq, __atomic_load_n(&child->vfork_done, __ATOMIC_SEQ_CST) ||
						     proc_ending(parent));
		proc_vfork_end(parent);
	}
	proc_put(child);
	return pid;
}

long sys_fork(struct trapframe *tf, const uint64_t args[6])
{
	const struct fork_request req = { .exit_signal = LSIG_CHLD };

	(void)args;
	return do_fork(tf, &req);
}

long sys_vfork(struct trapframe *tf, const uint64_t args[6])
{
	const struct fork_request req = { .flags = CLONE_VM | CLONE_VFORK, .exit_signal = LSIG_CHLD };

	(void)args;
	return do_fork(tf, &req);
}

long sys_clone(struct trapframe *tf, const uint64_t args[6])
{
	const struct fork_request req = {
		.flags = (uint32_t)args[0] & ~CLONE_EXIT_SIGNAL,
		.exit_signal = args[0] & CLONE_EXIT_SIGNAL,
		.stack = args[1],
		.parent_tid = args[2],
		.child_tid = args[3],
		.tls = args[4],
	};

	return do_fork(tf, &req);
}

/* struct clone_args of <linux/sched.h>. */
struct clone_args64 {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	uint64_t set_tid, set_tid_size, cgroup;
};

#define CLONE_ARGS_FIRST 64	/* bytes of it as it first was */

long sys_clone3(struct trapframe *tf, const uint64_t args[6])
{
	struct clone_args64 a = { 0 };
	struct fork_request req;

	if (args[1] > PAGE_SIZE)
		return -E2BIG;
	if (args[1] < CLONE_ARGS_FIRST)
		return -EINVAL;
	if (args[1] > sizeof(a))
		return not_served(435, "more arguments than are known");
	if (copy_from_user(&a, args[0], args[1]))
		return -EFAULT;
	if (a.set_tid || a.set_tid_size || a.cgroup)
		return not_served(435, "a chosen pid or cgroup");
	/* Errors are for Linux to tell. */
	if (!a.stack != !a.stack_size || (a.exit_signal & ~CLONE_EXIT_SIGNAL) ||
	    (a.exit_signal && (a.flags & CLONE_THREAD)))
		return not_served(435, "arguments that do not fit together");
	req = (struct fork_request){
		.flags = a.flags,
		.exit_signal = a.exit_signal,
		.stack = a.stack ? a.stack + a.stack_size : 0,
		.parent_tid = a.parent_tid,
		.child_tid = a.child_tid,
		.tls = a.tls,
	};
	return do_fork(tf, &req);
}
