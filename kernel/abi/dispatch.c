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

long not_served(uint64_t nr, const char *form)
{
	char buf[24];

	return retreat(WHY_SYSCALL, "system call %s%s%s", sys_name(nr, buf), *form ? ": " : "",
		       form);
}

static long serve(struct trapframe *tf, uint64_t nr, const uint64_t args[6])
{
	if (nr <= SYSCALL_MAX && served[nr])
		return served[nr](tf, args);
	if (sys_lookup(nr)->class == SYS_FORWARD)
		return forward(nr, args);
	return not_served(nr, "");
}

void syscall_dispatch(struct trapframe *tf)
{
	const uint64_t args[6] = { tf->rdi, tf->rsi, tf->rdx, tf->r10, tf->r8, tf->r9 };
	struct uthread *u = current_user;
	uint64_t nr = tf->error, questions;
	long ret;

	questions = u->questions;
	u->call_start_ns = thread_cpu_ns(current) | 1;
	ret = serve(tf, nr, args);
	u->stime_ns += thread_cpu_ns(current) - u->call_start_ns;
	u->call_start_ns = 0;

	/*
	 * Also when memory management sent it home from inside: then the result is not the truth.
	 */
	if (ret == RETREATED || u->retreating) {
		if (tf->vector != TRAP_SYSCALL)
			return;
		tf->rax = nr;
		tf->rip -= SYSCALL_INSN_LEN;
		restart_forget(tf);
		return;
	}
	if (!restart_code(ret))
		guest_count_syscall(u->questions != questions);
	tf->rax = ret;
	if (ret == -ERESTART_RESTARTBLOCK_ && nr != NR_RESTART_SYSCALL)
		u->restart_nr = nr;
	if (restart_code(ret) && tf->vector == TRAP_SYSCALL)
		thread_set_work(current, PROC_WORK_RESTART);
	if (u->rseq_addr && u->rseq_cpu != (int)vcpu_number())
		thread_set_work(current, PROC_WORK_RSEQ);
}
