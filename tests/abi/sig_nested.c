/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handlers within handlers, on a stack of their own, once only, with what they change in the context. */
#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>

#include "tests/abi/abi.h"

#ifdef __i386__
#define REG_RIP REG_EIP
#define REG_RBX REG_EBX
#endif

static volatile sig_atomic_t depth, max, seen;
static sigjmp_buf out;
static uint8_t alt[65536];

static void nest(int sig)
{
	(void)sig;
	depth++;
	if (depth > max)
		max = depth;
	if (depth < 5)
		raise(SIGUSR1);
	depth--;
}

static void masked(int sig)
{
	(void)sig;
	CHECK(!depth);
	depth++;
	if (seen++ < 3)
		raise(SIGUSR1);
	depth--;
}

static void on_alt(int sig)
{
	uint8_t here;

	(void)sig;
	CHECK(&here >= alt && &here < alt + sizeof(alt));
	seen++;
}

static void overflow(int sig)
{
	(void)sig;
	siglongjmp(out, 1);
}

static void skip(int sig, siginfo_t *si, void *uc)
{
	ucontext_t *u = uc;

	(void)sig;
	(void)si;
	u->uc_mcontext.gregs[REG_RIP] += 2;	/* over the ud2 */
	u->uc_mcontext.gregs[REG_RBX] = 4711;
}

static int __attribute__((noinline)) endless(int n)
{
	volatile char pad[2000];

	pad[n % 2000] = 1;
	return endless(n + 1) + pad[n % 2000];
}

static void install(int sig, void (*fn)(int), int flags)
{
	struct sigaction sa = { .sa_handler = fn, .sa_flags = flags };

	CHECK(!sigaction(sig, &sa, NULL));
}

static void test(void)
{
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof(alt) }, old;
	long rbx = 1;

	depth = max = seen = 0;
	install(SIGUSR1, nest, SA_NODEFER);
	raise(SIGUSR1);
	CHECK(max == 5 && depth == 0);
	install(SIGUSR1, masked, 0);
	raise(SIGUSR1);
	CHECK(seen == 4);
	install(SIGUSR1, masked, SA_RESETHAND);
	seen = 10;
	raise(SIGUSR1);
	struct sigaction sa;
	CHECK(!sigaction(SIGUSR1, NULL, &sa) && sa.sa_handler == SIG_DFL && seen == 11);
	CHECK(!sigaltstack(&ss, &old) && old.ss_flags == SS_DISABLE);
	install(SIGUSR1, on_alt, SA_ONSTACK);
	raise(SIGUSR1);
	CHECK(seen == 12);
	/* The stack is used up: only the other one can take the handler. */
	install(SIGSEGV, overflow, SA_ONSTACK);
	if (!sigsetjmp(out, 1)) {
		endless(0);
		CHECK(!"reached");
	}
	ss.ss_flags = SS_DISABLE;
	CHECK(!sigaltstack(&ss, &old) && old.ss_sp == alt && old.ss_size == sizeof(alt));
	sa = (struct sigaction){ .sa_sigaction = skip, .sa_flags = SA_SIGINFO };
	CHECK(!sigaction(SIGILL, &sa, NULL));
	__asm__ volatile("ud2" : "+b"(rbx) : : "memory");
	CHECK(rbx == 4711);
	signal(SIGILL, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	printf("nested handlers ok\n");
}
