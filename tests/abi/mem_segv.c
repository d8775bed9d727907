/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bad access comes as SIGSEGV with the address and the kind; its handler can mend it or jump away. */
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include "tests/abi/abi.h"

#define PAGE 4096ul

static sigjmp_buf out;
static uint8_t *area;
static volatile int seen, code;
static void *volatile where;

static void jump(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	seen = sig;
	code = si->si_code;
	where = si->si_addr;
	siglongjmp(out, 1);
}

static void mend(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	(void)uc;
	seen++;
	CHECK((uint8_t *)si->si_addr >= area && (uint8_t *)si->si_addr < area + 16 * PAGE);
	CHECK(!mprotect((void *)((uintptr_t)si->si_addr & ~(PAGE - 1)), PAGE,
			PROT_READ | PROT_WRITE));
}

static void install(void (*fn)(int, siginfo_t *, void *))
{
	struct sigaction sa = { .sa_sigaction = fn, .sa_flags = SA_SIGINFO };

	CHECK(!sigaction(SIGSEGV, &sa, NULL));
	CHECK(!sigaction(SIGBUS, &sa, NULL));
}

static void test(void)
{
	area = mmap(NULL, 16 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(area != MAP_FAILED);
	install(jump);
	if (!sigsetjmp(out, 1)) {
		*(volatile int *)24 = 1;
		CHECK(!"reached");
	}
	CHECK(seen == SIGSEGV && where == (void *)24 && code == SEGV_MAPERR);
	if (!sigsetjmp(out, 1)) {
		(void)*(volatile uint8_t *)(area + 100);
		CHECK(!"reached");
	}
	CHECK(where == area + 100 && code == SEGV_ACCERR);
	/* Writing to code. */
	if (!sigsetjmp(out, 1)) {
		*(volatile uint8_t *)(uintptr_t)test = 0;
		CHECK(!"reached");
	}
	CHECK(where == (void *)(uintptr_t)test && code == SEGV_ACCERR);
	/* Running data. */
	CHECK(!mprotect(area, PAGE, PROT_READ | PROT_WRITE));
	area[0] = 0xc3;
	if (!sigsetjmp(out, 1)) {
		((void (*)(void))(uintptr_t)area)();
		CHECK(!"reached");
	}
	CHECK(where == area && code == SEGV_ACCERR);
	/* An address that is none: the CPU says nothing about it. */
	if (sizeof(long) == 8) {
		if (!sigsetjmp(out, 1)) {
			(void)*(volatile uint8_t *)(long)0x1234567812345678ll;
			CHECK(!"reached");
		}
		CHECK(where == NULL && code == SI_KERNEL);
	}
	install(mend);
	seen = 0;
	for (unsigned i = 1; i < 16; i++) {
		area[i * PAGE + i] = i;
		CHECK(area[i * PAGE + i] == i);
	}
	CHECK(seen == 15);
	CHECK(!munmap(area, 16 * PAGE));
	signal(SIGSEGV, SIG_DFL);
	printf("faults ok\n");
}
