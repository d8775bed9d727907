/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The entry of every system call of a guest: to its function, home, or home for good. */
#include <stdio.h>

#include "kernel/abi/abi.h"
#include "kernel/guest/guest.h"
#include "kernel/kprintf.h"
#include "kernel/proc/restart.h"
#include "kernel/proc/signal.h"
#include "kernel/proc/vcpu.h"

#define SYSCALL_INSN_LEN   2
#define NR_RESTART_SYSCALL 219
#define NR32_RESTART_SYSCALL SYS_I386

/* What the table calls LOCAL or SPLIT is served by the function of that name. */
#define SERVE_LOCAL(nr, name) [nr] = sys_##name,
#define SERVE_SPLIT(nr, name) [nr] = sys_##name,
#define SERVE_FORWARD(nr, name)
#define SERVE_RETREAT(nr, name)

static sys_fn *const served[SYSCALL_MAX + 1] = {
#define SYSCALL(nr, name, class, ...) SERVE_##class(nr, name)
#include "proto/syscalls.def"
#undef SYSCALL
};

#define SERVE32_FORWARD(nr, name, ...)
#define SERVE32_SAME(nr, name, function) [nr] = sys_##function,
#define SERVE32_SAME_SPLIT(nr, name, function, ...) [nr] = sys_##function,
#define SERVE32_OWN(nr, name) [nr] = sys32_##name,
#define SERVE32_OWN_SPLIT(nr, name, ...) [nr] = sys32_##name,
#define SERVE32_RETREAT(nr, name)

static sys_fn *const served32[SYSCALL_MAX + 1] = {
#define SYSCALL32(nr, name, class, ...) SERVE32_##class(nr, name, ##__VA_ARGS__)
#include "proto/syscalls32.def"
#undef SYSCALL32
};

/* Calls of i386 with a struct timespec of 32 bits that are served here. */
static bool has_time32(uint64_t nr)
{
	enum { NANOSLEEP = 162, SIGTIMEDWAIT = 177, FUTEX = 240, GETTIME = 265, NANOSLEEP_ON = 267 };

	nr -= SYS_I386;
	return nr == NANOSLEEP || nr == SIGTIMEDWAIT || nr == FUTEX || nr == GETTIME ||
	       nr == NANOSLEEP_ON;
}

long not_served(uint64_t nr, const char *form)
{
	char buf[24];

	return retreat(WHY_SYSCALL, "system call %s%s%s", sys_name(nr, buf), *form ? ": " : "",
		       form);
}

static long serve32(struct trapframe *tf, uint64_t nr, const uint64_t args[6])
{
	/* Home's copies of its pointers must be addresses of 32 bits, too. */
	if (!current_proc->i386)
		return retreat(WHY_SYSCALL, "int 0x80 in a 64-bit program");
	if (sys_is_i386(nr) && nr - SYS_I386 <= SYSCALL_MAX && served32[nr - SYS_I386])
		return served32[nr - SYS_I386](tf, args);
	if (sys_lookup(nr)->class == SYS_FORWARD)
		return forward(nr, args);
	return not_served(nr, "");
}

static long serve(struct trapframe *tf, uint64_t nr, const uint64_t args[6])
{
	if (current_user->i386)
		return serve32(tf, nr, args);
	if (nr > SYSCALL_MAX)
		return not_served(nr, "");
	if (nr <= SYSCALL_MAX && served[nr])
		return served[nr](tf, args);
	if (sys_lookup(nr)->class == SYS_FORWARD)
		return forward(nr, args);
	return not_served(nr, "");
}

void syscall_dispatch(struct trapframe *tf)
{
	bool i386 = tf->vector == TRAP_SYSCALL32;
	const uint64_t args64[6] = { tf->rdi, tf->rsi, tf->rdx, tf->r10, tf->r8, tf->r9 };
	const uint64_t args32[6] = { (uint32_t)tf->rbx, (uint32_t)tf->rcx, (uint32_t)tf->rdx,
				     (uint32_t)tf->rsi, (uint32_t)tf->rdi, (uint32_t)tf->rbp };
	struct uthread *u = current_user;
	uint64_t nr = tf->error, questions;
	long ret;

	questions = u->questions;
	u->i386 = i386;
	u->time32 = i386 && has_time32(nr);

	u->call_start_ns = thread_cpu_ns(current) | 1;
	ret = serve(tf, nr, i386 ? args32 : args64);
	u->i386 = false;
	u->stime_ns += thread_cpu_ns(current) - u->call_start_ns;
	u->call_start_ns = 0;

	/*
	 * Also when memory management sent it home from inside: then the result is not the truth.
	 */
	if (ret == RETREATED || u->retreating) {
		if (!trap_is_syscall(tf))
			return;
		tf->rax = i386 ? nr & ~(uint64_t)SYS_I386 : nr;
		tf->rip -= SYSCALL_INSN_LEN;
		restart_forget(tf);
		return;
	}
	if (!restart_code(ret))
		guest_count_syscall(u->questions != questions);
	tf->rax = ret;
	if (ret == -ERESTART_RESTARTBLOCK_ && nr != NR_RESTART_SYSCALL &&
	    nr != NR32_RESTART_SYSCALL)
		u->restart_nr = nr;
	if (restart_code(ret) && trap_is_syscall(tf))
		thread_set_work(current, PROC_WORK_RESTART);
	if (u->rseq_addr && u->rseq_cpu != (int)vcpu_number())
		thread_set_work(current, PROC_WORK_RSEQ);
}
