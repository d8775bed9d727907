/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults of the program itself: signal, si_code, si_addr, and the context that the handler sees. */
#include <fcntl.h>
#include <fenv.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "tests/abi/abi.h"

#define PAGE 4096

static sigjmp_buf out;
static siginfo_t info;
static greg_t trapno, err, cr2, rip;

static void caught(int sig, siginfo_t *si, void *uc)
{
	const greg_t *r = ((ucontext_t *)uc)->uc_mcontext.gregs;

	(void)sig;
	info = *si;
	trapno = r[REG_TRAPNO];
	err = r[REG_ERR];
	cr2 = r[REG_CR2];
	rip = r[REG_RIP];
	siglongjmp(out, 1);
}

#define FAULT(statement)                                             \
	do {                                                         \
		memset(&info, 0, sizeof(info));                      \
		if (!sigsetjmp(out, 1)) {                            \
			statement;                                   \
			CHECK(!"no signal: " #statement);            \
		}                                                    \
	} while (0)

/* Emulators do not raise the exceptions of SSE; where one comes, it must be right. 1: it came. */
#define MAY_FAULT(statement)                                         \
	({                                                           \
		int came_ = 1;                                       \
		memset(&info, 0, sizeof(info));                      \
		if (!sigsetjmp(out, 1)) {                            \
			statement;                                   \
			came_ = 0;                                   \
		}                                                    \
		came_;                                               \
	})

static void memory(void)
{
	static volatile int i;
	static volatile char *p, *gone;
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char x = 0;

	gone = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(gone != MAP_FAILED && !munmap((void *)gone, PAGE));
	FAULT(x = gone[17]);
	CHECK(info.si_signo == SIGSEGV && info.si_code == SEGV_MAPERR && info.si_addr == gone + 17);
	CHECK(trapno == 14 && (err & 7) == 4 && cr2 == (greg_t)(gone + 17));
	FAULT(gone[5] = x);
	CHECK(info.si_code == SEGV_MAPERR && info.si_addr == gone + 5 && (err & 7) == 6);
	FAULT(*(volatile char *)0x10 = 1);
	CHECK(info.si_code == SEGV_MAPERR && info.si_addr == (void *)0x10);

	p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FAULT(p[PAGE + 1] = x);
	CHECK(info.si_signo == SIGSEGV && info.si_code == SEGV_ACCERR && info.si_addr == p + PAGE + 1);
	CHECK(!p[0]);
	FAULT(p[0] = 1);
	CHECK(info.si_code == SEGV_ACCERR && (err & 7) == 7);
	CHECK(!mprotect((void *)p, PAGE, PROT_NONE));
	FAULT(x = p[3]);
	CHECK(info.si_code == SEGV_ACCERR && info.si_addr == p + 3);
	/* Memory that is not code. */
	CHECK(!mprotect((void *)p, 2 * PAGE, PROT_READ | PROT_WRITE));
	p[0] = (char)0xc3;
	FAULT(((void (*)(void))p)());
	CHECK(info.si_signo == SIGSEGV && info.si_code == SEGV_ACCERR && info.si_addr == p);
	CHECK(rip == (greg_t)p && (err & 0x10));
	munmap((void *)p, 2 * PAGE);

	/* Beyond the end of a file; what is left of its last page is zeros. */
	CHECK(fd >= 0 && !ftruncate(fd, PAGE + 100));
	for (i = 0; i < 2; i++) {
		p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, i ? MAP_SHARED : MAP_PRIVATE, fd, 0);
		CHECK(p != MAP_FAILED && p[PAGE + 200] == 0);
		FAULT(x = p[2 * PAGE + 9]);
		CHECK(info.si_signo == SIGBUS && info.si_code == BUS_ADRERR &&
		      info.si_addr == p + 2 * PAGE + 9 && trapno == 14);
		FAULT(p[3 * PAGE] = 1);
		CHECK(info.si_signo == SIGBUS && info.si_code == BUS_ADRERR);
		munmap((void *)p, 4 * PAGE);
	}
	close(fd);
	/* Addresses that no page table can hold: no address is told. */
	FAULT(x = *(volatile char *)0x8000000000000000ul);
	CHECK(info.si_signo == SIGSEGV && info.si_code == SI_KERNEL && info.si_addr == NULL && trapno == 13);
	/* The kernel's half. */
	FAULT(x = *(volatile char *)0xffffffff80000000ul);
	CHECK(info.si_signo == SIGSEGV && info.si_code == SEGV_MAPERR &&
	      info.si_addr == (void *)0xffffffff80000000ul);
	(void)x;
	printf("memory ok\n");
}

static void arithmetic(void)
{
	volatile int zero = 0, min = INT32_MIN, minus = -1, r = 0;
	volatile double d = 0, one = 1, huge = 1e308;

	FAULT(r = 7 / zero);
	CHECK(info.si_signo == SIGFPE && info.si_code == FPE_INTDIV && info.si_addr == (void *)rip);
	CHECK(trapno == 0);
	FAULT(r = min / minus);
	CHECK(info.si_code == FPE_INTDIV);
	(void)r;
	feclearexcept(FE_ALL_EXCEPT);
	feenableexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW);
	if (MAY_FAULT(d = one / d))
		CHECK(info.si_signo == SIGFPE && info.si_code == FPE_FLTDIV && info.si_addr == (void *)rip &&
		      trapno == 19);
	feclearexcept(FE_ALL_EXCEPT);
	feenableexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW);
	if (MAY_FAULT(d = huge * huge))
		CHECK(info.si_code == FPE_FLTOVF);
	feclearexcept(FE_ALL_EXCEPT);
	feenableexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW);
	d = 0;
	if (MAY_FAULT(d = d / d))
		CHECK(info.si_code == FPE_FLTINV);
	feclearexcept(FE_ALL_EXCEPT);
	feenableexcept(FE_DIVBYZERO);
	FAULT(__asm__ volatile("fld1; fldz; fdivrp; fwait; fstp %%st(0)" : : : "st"));
	CHECK(info.si_signo == SIGFPE && info.si_code == FPE_FLTDIV && trapno == 16);
	__asm__ volatile("fninit");
	fedisableexcept(FE_ALL_EXCEPT);
	feclearexcept(FE_ALL_EXCEPT);
	printf("arithmetic ok\n");
}

/* Where the instruction stands that a fault should name. */
#define HERE(name) extern const char name[]
HERE(at_ud2);
HERE(after_int3);
HERE(at_hlt);

static void instructions(void)
{
	long flags;

	FAULT(__asm__ volatile("at_ud2: ud2"));
	CHECK(info.si_signo == SIGILL && info.si_code == ILL_ILLOPN && info.si_addr == at_ud2);
	CHECK(trapno == 6 && rip == (greg_t)at_ud2);
	FAULT(__asm__ volatile("int3; after_int3: nop"));
	CHECK(info.si_signo == SIGTRAP && info.si_code == SI_KERNEL && rip == (greg_t)after_int3);
	CHECK(trapno == 3);
	FAULT(__asm__ volatile("at_hlt: hlt"));
	CHECK(info.si_signo == SIGSEGV && info.si_code == SI_KERNEL && info.si_addr == NULL);
	CHECK(rip == (greg_t)at_hlt && trapno == 13);
	/* One step, then the trap flag is off in the handler. */
	FAULT(__asm__ volatile("pushf; orq $0x100, (%%rsp); popf; nop; nop" : : : "memory", "cc"));
	CHECK(info.si_signo == SIGTRAP && info.si_code == TRAP_TRACE && info.si_addr == (void *)rip);
	CHECK(trapno == 1);
	__asm__ volatile("pushf; pop %0" : "=r"(flags));
	CHECK(!(flags & 0x100));
	printf("instructions ok\n");
}

static void test(void)
{
	static char alt[65536];
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof(alt) };
	struct sigaction sa = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO };
	static const int sigs[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };

	CHECK(!sigaltstack(&ss, NULL));
	for (unsigned i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		CHECK(!sigaction(sigs[i], &sa, NULL));
	memory();
	arithmetic();
	instructions();
	/* A handler's stack that is not there: SIGSEGV instead, on the other one. */
	sa.sa_flags |= SA_ONSTACK;
	CHECK(!sigaction(SIGSEGV, &sa, NULL));
	FAULT(__asm__ volatile("mov %0, %%rsp; ud2" : : "r"(0x1000ul) : "memory"));
	CHECK(info.si_signo == SIGSEGV && info.si_code == SI_KERNEL);
	for (unsigned i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		signal(sigs[i], SIG_DFL);
	ss.ss_flags = SS_DISABLE;
	CHECK(!sigaltstack(&ss, NULL));
	printf("stackless ok\n");
}
