/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scheduling: home decides what may be set and keeps it, the node follows for the threads that it
 * runs (kernel/proc/vcpu.h). What has become of a wish is asked, not guessed: cpusets and limits
 * are home's.
 */
#include <errno.h>
#include <string.h>

#include "kernel/abi/abi.h"
#include "kernel/guest/guest.h"
#include "kernel/guest/session.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/vcpu.h"

enum {
	NR_GETPRIORITY = 140,
	NR_SETPRIORITY = 141,
	NR_SCHED_SETPARAM = 142,
	NR_SCHED_SETSCHEDULER = 144,
	NR_SCHED_GETSCHEDULER = 145,
	NR_SCHED_SETAFFINITY = 203,
	NR_SCHED_GETAFFINITY = 204,
	NR_SCHED_SETATTR = 314,
};

/* The process of a thread that runs here, with a reference; NULL: it is elsewhere. */
static struct proc *find_process(uint32_t tid)
{
	struct proc *proc = current_proc;
	struct uthread *u;
	bool own = !tid;

	spin_lock(&proc->lock);
	list_for_each_entry(u, &proc->threads, link)
		own |= u->tid == tid;
	spin_unlock(&proc->lock);
	return own ? proc_get(proc) : session_find(proc->session, tid);
}

/* With proc->lock held; the thread may have ended meanwhile. */
static struct uthread *find_thread(struct proc *proc, uint32_t tid)
{
	struct uthread *u;

	if (!tid)
		return current_user;
	list_for_each_entry(u, &proc->threads, link)
		if (u->tid == tid)
			return u;
	return NULL;
}

/* --- affinity --------------------------------------------------------------------------------- */

static void learn_cpus(uint32_t tid)
{
	uint64_t cpus[WIRE_CPUSET_WORDS] = { 0 };
	struct fcall call = {
		.nr = NR_SCHED_GETAFFINITY,
		.args = { tid, sizeof(cpus) },
		.nbufs = 1,
		.buf[0] = { (uint64_t)cpus, sizeof(cpus), 2, WBUF_OUT | WBUF_RET, true },
	};
	struct proc *proc = find_process(tid);
	struct uthread *u;

	if (!proc)
		return;
	if (guest_call(&call) > 0) {
		spin_lock(&proc->lock);
		u = find_thread(proc, tid);
		if (u)
			vcpu_set_cpus(u, cpus);
		spin_unlock(&proc->lock);
	}
	proc_put(proc);
}

long sys_sched_setaffinity(struct trapframe *tf, const uint64_t args[6])
{
	long ret = forward(NR_SCHED_SETAFFINITY, args);

	(void)tf;
	if (!ret)
		learn_cpus((uint32_t)args[0]);
	return ret;
}

/* Somebody at home may have set it: that is how a process that is here gets to know. */
long sys_sched_getaffinity(struct trapframe *tf, const uint64_t args[6])
{
	uint64_t cpus[WIRE_CPUSET_WORDS] = { 0 };
	long ret = forward(NR_SCHED_GETAFFINITY, args);
	struct uthread *u = current_user;

	(void)tf;
	if (ret <= 0 || ((uint32_t)args[0] && (uint32_t)args[0] != u->tid))
		return ret;
	if (!copy_from_user(cpus, args[2], (size_t)ret < sizeof(cpus) ? (size_t)ret : sizeof(cpus))) {
		spin_lock(&current_proc->lock);
		vcpu_set_cpus(u, cpus);
		spin_unlock(&current_proc->lock);
	}
	return ret;
}

/* --- priority and policy ---------------------------------------------------------------------- */

static void learn_priority(uint32_t tid)
{
	struct proc *proc = find_process(tid);
	struct uthread *u;
	long nice, policy;

	if (!proc)
		return;
	/* The kernel's answer is 20 less the nice value, so that none is an error. */
	nice = home_call(NR_GETPRIORITY, 0, tid, 0, 0, 0, 0);
	policy = home_call(NR_SCHED_GETSCHEDULER, tid, 0, 0, 0, 0, 0);
	if (nice > 0 && policy >= 0) {
		spin_lock(&proc->lock);
		u = find_thread(proc, tid);
		if (u)
			vcpu_set_priority(u, 20 - (int)nice, policy);
		spin_unlock(&proc->lock);
	}
	proc_put(proc);
}

long sys_setpriority(struct trapframe *tf, const uint64_t args[6])
{
	enum { PROCESS = 0 };
	long ret = forward(NR_SETPRIORITY, args);

	(void)tf;
	/* Of a group or a user, this one may be; the others learn it when they next come here. */
	if (!ret)
		learn_priority((int)args[0] == PROCESS ? (uint32_t)args[1] : 0);
	return ret;
}

long sys_sched_setparam(struct trapframe *tf, const uint64_t args[6])
{
	long ret = forward(NR_SCHED_SETPARAM, args);

	(void)tf;
	if (!ret)
		learn_priority((uint32_t)args[0]);
	return ret;
}

long sys_sched_setscheduler(struct trapframe *tf, const uint64_t args[6])
{
	long ret = forward(NR_SCHED_SETSCHEDULER, args);

	(void)tf;
	if (!ret)
		learn_priority((uint32_t)args[0]);
	return ret;
}

/* The struct says itself how large it is, in its first word; Linux writes its own size there. */
#define ATTR_BYTES_FIRST 48
#define ATTR_BYTES_MAX	 128

long sys_sched_setattr(struct trapframe *tf, const uint64_t args[6])
{
	uint8_t attr[ATTR_BYTES_MAX] = { 0 };
	uint32_t size = 0, seen;
	struct fcall call = {
		.nr = NR_SCHED_SETATTR,
		.args = { args[0], 0, args[2] },
		.nbufs = 1,
	};
	long ret;

	(void)tf;
	if (args[1] && get_user32(&size, args[1]))
		return -EFAULT;
	seen = size;
	if (!size)
		size = ATTR_BYTES_FIRST;
	if (!args[1] || size < ATTR_BYTES_FIRST || size > sizeof(attr))
		return not_served(NR_SCHED_SETATTR, "a struct of another size");
	if (copy_from_user(attr, args[1], size))
		return -EFAULT;
	memcpy(attr, &seen, sizeof(seen));
	call.buf[0] = (struct fbuf){ (uint64_t)attr, size, 1, WBUF_IN | WBUF_OUT | WBUF_ALWAYS, true };
	ret = guest_call(&call);
	if (call.returned[0])
		memcpy(&seen, attr, sizeof(seen));
	if (ret == -E2BIG && put_user32(args[1], seen))
		return -EFAULT;
	if (!ret) {
		learn_priority((uint32_t)args[0]);
		learn_cpus((uint32_t)args[0]);
	}
	return ret;
}
