/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The entry of every system call of a guest: to its function, home, or home for good. */
#include <stdio.h>

#include "kernel/abi/abi.h"
#include "kernel/cpu/percpu.h"
#include "kernel/kprintf.h"
#include "kernel/proc/restart.h"

#define SYSCALL_INSN_LEN 2

/* Number and function of what the table calls LOCAL or SPLIT. */
static sys_fn *const served[SYSCALL_MAX + 1] = {
	[7] = sys_poll,
	[9] = sys_mmap,
	[10] = sys_mprotect,
	[11] = sys_munmap,
	[12] = sys_brk,
	[13] = sys_rt_sigaction,
	[14] = sys_rt_sigprocmask,
	[15] = sys_rt_sigreturn,
	[24] = sys_sched_yield,
	[25] = sys_mremap,
	[26] = sys_msync,
	[28] = sys_madvise,
	[34] = sys_pause,
	[35] = sys_nanosleep,
	[36] = sys_getitimer,
	[38] = sys_setitimer,
	[39] = sys_getpid,
	[54] = sys_sockopt,
	[55] = sys_sockopt,
	[56] = sys_clone,
	[57] = sys_fork,
	[58] = sys_vfork,
	[59] = sys_execve,
	[60] = sys_exit,
	[62] = sys_kill,
	[96] = sys_gettimeofday,
	[98] = sys_getrusage,
	[100] = sys_times,
	[105] = sys_setuid_family,
	[113] = sys_setuid_family,
	[117] = sys_setuid_family,
	[127] = sys_rt_sigpending,
	[128] = sys_rt_sigtimedwait,
	[129] = sys_rt_sigqueueinfo,
	[130] = sys_rt_sigsuspend,
	[131] = sys_sigaltstack,
	[135] = sys_personality,
	[158] = sys_arch_prctl,
	[160] = sys_setrlimit,
	[186] = sys_gettid,
	[200] = sys_tkill,
	[201] = sys_time,
	[202] = sys_futex,
	[218] = sys_set_tid_address,
	[219] = sys_restart_syscall,
	[222] = sys_timer_create,
	[228] = sys_clock_gettime,
	[230] = sys_clock_nanosleep,
	[231] = sys_exit_group,
	[234] = sys_tgkill,
	[273] = sys_set_robust_list,
	[274] = sys_get_robust_list,
	[297] = sys_rt_tgsigqueueinfo,
	[302] = sys_prlimit64,
	[309] = sys_getcpu,
	[322] = sys_execveat,
	[329] = sys_pkey_mprotect,
	[334] = sys_rseq,
	[435] = sys_clone3,
};

long not_served(uint64_t nr, const char *form)
{
	char buf[24];

	return retreat(WHY_SYSCALL, "system call %s%s%s", sys_name(nr, buf), *form ? ": " : "", form);
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
	uint64_t nr = tf->error;
	long ret;

	u->call_start_ns = thread_cpu_ns(current) | 1;
	ret = serve(tf, nr, args);
	u->stime_ns += thread_cpu_ns(current) - u->call_start_ns;
	u->call_start_ns = 0;

	/* Also when memory management sent it home from inside: then the result is not the truth. */
	if (ret == RETREATED || u->retreating) {
		if (tf->error == UINT64_MAX)
			return;
		tf->rax = nr;
		tf->rip -= SYSCALL_INSN_LEN;
		tf->error = UINT64_MAX;
		return;
	}
	tf->rax = ret;
	if (restart_code(ret) && tf->error != UINT64_MAX)
		thread_set_work(current, PROC_WORK_RESTART);
	if (u->rseq_addr && u->rseq_cpu != cpu_id())
		thread_set_work(current, PROC_WORK_RSEQ);
}
