/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clone and clone3 themselves: a thread without a library, the words that the kernel writes for it. */
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/abi/abi.h"

#define FLAGS                                                                                  \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |     \
	 CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)

#define STACK 65536

struct args3 {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
};

static uint32_t parent_tid, child_tid, value;
static char *stack;

/* The child may use nothing of the library: it has no thread descriptor. */
static long raw(long nr, long a, long b)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return ret;
}

static void __attribute__((noreturn, used)) child_main(void)
{
	value = raw(SYS_gettid, 0, 0) == (long)child_tid ? raw(SYS_getpid, 0, 0) : 1;
	for (;;)
		raw(SYS_exit, 5, 0);
}

static long clone_legacy(void)
{
	long ret;
	register long r10 __asm__("r10") = (long)&child_tid, r8 __asm__("r8") = 0;

	__asm__ volatile("syscall\n\t"
			 "testq %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "call child_main\n"
			 "1:"
			 : "=a"(ret)
			 : "a"(SYS_clone), "D"(FLAGS), "S"(stack + STACK), "d"(&parent_tid), "r"(r10),
			   "r"(r8)
			 : "rcx", "r11", "memory");
	return ret;
}

static long clone_3(void)
{
	struct args3 a = {
		.flags = FLAGS,
		.child_tid = (uintptr_t)&child_tid,
		.parent_tid = (uintptr_t)&parent_tid,
		.stack = (uintptr_t)stack,
		.stack_size = STACK,
	};
	long ret;

	__asm__ volatile("syscall\n\t"
			 "testq %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "call child_main\n"
			 "1:"
			 : "=a"(ret)
			 : "a"(SYS_clone3), "D"(&a), "S"(sizeof(a))
			 : "rcx", "r11", "memory");
	return ret;
}

static void wait_cleared(void)
{
	uint32_t tid;

	while ((tid = __atomic_load_n(&child_tid, __ATOMIC_SEQ_CST)))
		syscall(SYS_futex, &child_tid, FUTEX_WAIT, tid, NULL, NULL, 0);
}

static void test(void)
{
	stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(stack != MAP_FAILED);
	for (int i = 0; i < 6; i++) {
		long tid;

		parent_tid = value = 0;
		child_tid = 1;
		tid = i % 2 ? clone_3() : clone_legacy();
		CHECK(tid > 0 && tid == (long)parent_tid);
		wait_cleared();
		CHECK(value == (uint32_t)getpid());
	}
	CHECK_FAILS(syscall(SYS_clone, CLONE_THREAD | CLONE_VM, stack + STACK, NULL, NULL, 0), EINVAL);
	CHECK_FAILS(syscall(SYS_clone, CLONE_SIGHAND, stack + STACK, NULL, NULL, 0), EINVAL);
	munmap(stack, STACK);
	printf("clone ok\n");
}
