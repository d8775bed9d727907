/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seccomp(2): a filter rules over every call, whoever serves it: errors, traps, ends; it is inherited
 * by fork and execve, and adds up.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define ABI_OWN_MAIN
#include "tests/abi/child.h"

static char exe[4096];

/* For calls number nr, with a first argument of arg0 (-1: any), does what; all else is allowed. */
static int install(int nr, long arg0, uint32_t what, unsigned flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)arg0, 0, arg0 == -1 ? 0 : 1),
		BPF_STMT(BPF_RET | BPF_K, what),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	if (!flags)
		return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

static void errors(void)
{
	CHECK(prctl(PR_GET_SECCOMP) == 0);
	CHECK(!install(SYS_getppid, -1, SECCOMP_RET_ERRNO | 77, 0));
	CHECK(prctl(PR_GET_SECCOMP) == 2);
	CHECK_FAILS(syscall(SYS_getppid), 77);
	CHECK(syscall(SYS_getpid) > 0);
	/* Calls that a node serves alone are filtered as well. */
	CHECK(!install(SYS_gettid, -1, SECCOMP_RET_ERRNO | 78, 0));
	CHECK_FAILS(syscall(SYS_gettid), 78);
	CHECK(!install(SYS_madvise, -1, SECCOMP_RET_ERRNO | 79, 0));
	CHECK_FAILS(madvise(NULL, 4096, MADV_DONTNEED), 79);
	CHECK(!install(SYS_brk, -1, SECCOMP_RET_ERRNO | 80, 0));
	CHECK_FAILS(syscall(SYS_brk, 0), 80);
	/* The strictest of several wins. */
	CHECK(!install(SYS_getppid, -1, SECCOMP_RET_ALLOW, 0));
	CHECK_FAILS(syscall(SYS_getppid), 77);
}

static void by_argument(void)
{
	CHECK(!install(SYS_close, 1000, SECCOMP_RET_ERRNO | 55, 0));
	CHECK_FAILS(close(1000), 55);
	CHECK_FAILS(close(1001), EBADF);
}

static volatile int trapped_nr, trapped_code, trapped_arch, trapped_data;

static void on_sys(int sig, siginfo_t *info, void *ctx)
{
	(void)ctx;
	CHECK(sig == SIGSYS);
	trapped_nr = info->si_syscall;
	trapped_code = info->si_code;
	trapped_arch = (int)info->si_arch;
	trapped_data = info->si_errno;
}

static void traps(void)
{
	struct sigaction sa = { .sa_sigaction = on_sys, .sa_flags = SA_SIGINFO };

	CHECK(!sigaction(SIGSYS, &sa, NULL));
	CHECK(!install(SYS_getuid, -1, SECCOMP_RET_TRAP | 9, 0));
	syscall(SYS_getuid);
	CHECK(trapped_nr == SYS_getuid && trapped_code == 1 /* SYS_SECCOMP */ && trapped_data == 9);
	CHECK((unsigned)trapped_arch == AUDIT_ARCH_X86_64);
}

static void trap_unhandled(void)
{
	CHECK(!install(SYS_getuid, -1, SECCOMP_RET_TRAP, 0));
	syscall(SYS_getuid);
}

static void kills(void)
{
	CHECK(!install(SYS_getuid, -1, SECCOMP_RET_KILL_PROCESS, 0));
	CHECK(getgid() == getegid());
	syscall(SYS_getuid);
}

static void kills_thread(void)
{
	CHECK(!install(SYS_sched_yield, -1, SECCOMP_RET_KILL_THREAD, 0));
	syscall(SYS_sched_yield);
}

static void logs(void)
{
	CHECK(!install(SYS_getppid, -1, SECCOMP_RET_LOG, SECCOMP_FILTER_FLAG_LOG));
	CHECK(syscall(SYS_getppid) > 0);
}

/* A call that needs a tracer, or a listener, and has none. */
static void nobody_decides(void)
{
	CHECK(!install(SYS_getppid, -1, SECCOMP_RET_USER_NOTIF, 0));
	CHECK_FAILS(syscall(SYS_getppid), ENOSYS);
}

static void inherited_check(void)
{
	CHECK_FAILS(syscall(SYS_getppid), 77);
	execl(exe, exe, "filtered", NULL);
}

static void inherited(void)
{
	CHECK(!install(SYS_getppid, -1, SECCOMP_RET_ERRNO | 77, 0));
	CHECK(in_child(inherited_check) == CHILD_EXITS(33));
}

static void strict(void)
{
	CHECK(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
	CHECK(write(STDOUT_FILENO, "strict\n", 7) == 7);
	syscall(SYS_exit, 21);
}

static void strict_kills(void)
{
	CHECK(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
	syscall(SYS_getpid);
}

static void bad(void)
{
	struct sock_filter wrong[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 1) };
	struct sock_fprog prog = { 1, wrong }, none = { 0, wrong };
	uint32_t action = SECCOMP_RET_ERRNO, unknown = 0x12340000;

	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK_FAILS(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog), EINVAL);
	CHECK_FAILS(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &none), EINVAL);
	CHECK_FAILS(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 8), EFAULT);
	CHECK_FAILS(prctl(PR_SET_SECCOMP, 99, 0), EINVAL);
	CHECK_FAILS(syscall(SYS_seccomp, 99, 0, NULL), EINVAL);
	CHECK(!syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
	CHECK_FAILS(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &unknown), EOPNOTSUPP);
}

int main(int argc, char **argv)
{
	int status;

	CHECK(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	if (argc > 1) {
		(void)argv;
		CHECK_FAILS(syscall(SYS_getppid), 77);
		CHECK(prctl(PR_GET_SECCOMP) == 2);
		return 33;
	}
	for (unsigned i = 0; i < abi_rounds(); i++) {
		CHECK(in_child(errors) == CHILD_OK);
		CHECK(in_child(by_argument) == CHILD_OK);
		CHECK(in_child(traps) == CHILD_OK);
		status = in_child(trap_unhandled);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
		status = in_child(kills);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
		status = in_child(kills_thread);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
		CHECK(in_child(logs) == CHILD_OK);
		CHECK(in_child(nobody_decides) == CHILD_OK);
		CHECK(in_child(inherited) == CHILD_OK);
		CHECK(in_child(strict) == CHILD_EXITS(21));
		CHECK(in_child(strict_kills) == SIGKILL);
		CHECK(in_child(bad) == CHILD_OK);
	}
	printf("filters rule\n");
	return 0;
}
