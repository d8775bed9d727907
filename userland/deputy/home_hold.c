/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that runs at home while pages are still to come. Its own code may miss them. Linux on its
 * behalf may not, unless the uffd was made by somebody who is trusted with that (root); and in any
 * case not where a missing page would be taken for one that never was: a fork's child, memory that
 * is moved or thrown away.
 */
#include <errno.h>
#include <linux/audit.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "userland/deputy/freeze.h"
#include "userland/deputy/home.h"
#include "userland/deputy/home_int.h"
#include "userland/deputy/stub.h"
#include "userland/deputy/trace.h"

/* ptrace(2), Linux 5.3 */
#define GET_SYSCALL_INFO 0x420e

struct syscall_info {
	uint8_t op;	/* 1: entry */
	uint8_t pad[3];
	uint32_t arch;
	uint64_t rip, rsp, nr, args[6];
};

/* Calls that touch no memory of the caller, and none that has not come. */
static bool touches_nothing(uint64_t nr)
{
	switch (nr) {
	case SYS_lseek:
	case SYS_mmap:
	case SYS_mprotect:
	case SYS_munmap:
	case SYS_brk:
	case SYS_close:
	case SYS_dup:
	case SYS_dup2:
	case SYS_dup3:
	case SYS_sched_yield:
	case SYS_alarm:
	case SYS_getpid:
	case SYS_getppid:
	case SYS_gettid:
	case SYS_getuid:
	case SYS_geteuid:
	case SYS_getgid:
	case SYS_getegid:
	case SYS_getpgrp:
	case SYS_getpgid:
	case SYS_getsid:
	case SYS_fsync:
	case SYS_fdatasync:
	case SYS_ftruncate:
	case SYS_fchmod:
	case SYS_fchdir:
	case SYS_umask:
	case SYS_exit:
	case SYS_exit_group:
		return true;
	}
	return false;
}

/* Calls for which a page that has not come yet would be none at all. */
static bool needs_all(uint64_t nr)
{
	switch (nr) {
	case SYS_fork:
	case SYS_vfork:
	case SYS_clone:
	case SYS_clone3:
	case SYS_execve:
	case SYS_execveat:
	case SYS_mremap:
	case SYS_madvise:
	case SYS_mlock:
	case SYS_mlock2:
	case SYS_mlockall:
	case SYS_munlock:
	case SYS_munlockall:
	case SYS_mincore:
	case SYS_prctl:
	case SYS_seccomp:
	case SYS_userfaultfd:
		return true;
	}
	return nr > 450;	/* not known when this was written */
}

static bool may_go(struct stub *stub, int status)
{
	struct home *home = stub->process->home;
	struct syscall_info info;

	if (WSTOPSIG(status) != (SIGTRAP | 0x80))
		return home->kernel_faults || home_touch_signal(stub);
	memset(&info, 0, sizeof(info));
	if (ptrace(GET_SYSCALL_INFO, stub->pid, sizeof(info), &info) <= 0 || info.op != 1)
		return true;	/* its end: what it touched is there */
	if (info.arch != AUDIT_ARCH_X86_64)
		return false; /* other numbers: a 32-bit program */
	/* To other threads it says so in memory, and Linux waits for no page when it ends one. */
	if (info.nr == SYS_exit && process_threads(stub->process) > 1)
		return false;
	if (touches_nothing(info.nr))
		return true;
	if (needs_all(info.nr))
		return false;
	return home->kernel_faults || home_touch_call(stub, info.nr, info.rsp, info.args);
}

bool home_stop(struct stub *stub, int status)
{
	struct home *home = stub->process->home;

	if (!home_pending(stub->process) || !WIFSTOPPED(status) || status >> 16)
		return false;
	if (!may_go(stub, status)) {
		stub->held = true;
		stub->held_status = status;
		home->holds++;
		return true;
	}
	if (WSTOPSIG(status) != (SIGTRAP | 0x80))
		return false;	/* a signal: dealt with as ever */
	freeze_insist(stub);
	stub_resume(stub, PTRACE_SYSCALL, 0);
	return true;
}

void home_recheck(struct home *home)
{
	struct process *process = home->process;
	struct stub *stub;

	for_each_thread(stub, process) {
		if (process->home != home)
			return;
		if (stub->dead || !stub->held || !may_go(stub, stub->held_status))
			continue;
		stub->held = false;
		trace_again(stub, stub->held_status);
	}
}

int home_resume_request(const struct stub *stub)
{
	return home_pending(stub->process) ? PTRACE_SYSCALL : PTRACE_CONT;
}
