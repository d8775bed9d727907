/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sigaltstack(2): where handlers run, what may be changed when, SS_AUTODISARM, and an overflow of it. */
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>

#include "tests/abi/abi.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

#define SIZE 65536
#define GUARD 8192

static char *alt, *other;
static volatile sig_atomic_t seen, depth;

static int within(const void *p, const char *stack)
{
	return (const char *)p >= stack && (const char *)p < stack + SIZE;
}

static void install(int sig, void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = { .sa_sigaction = fn, .sa_flags = flags | SA_SIGINFO };

	CHECK(!sigaction(sig, &sa, NULL));
}

static void on_it(int sig, siginfo_t *si, void *uc)
{
	stack_t now, none = { .ss_flags = SS_DISABLE };
	char here;

	(void)sig;
	(void)si;
	CHECK(within(&here, alt));
	CHECK(!sigaltstack(NULL, &now) && now.ss_flags == SS_ONSTACK && now.ss_sp == alt);
	CHECK_FAILS(sigaltstack(&none, NULL), EPERM);
	CHECK(((ucontext_t *)uc)->uc_stack.ss_sp == alt && ((ucontext_t *)uc)->uc_stack.ss_flags == 0);
	seen++;
	/* Once on it, a further handler stays on it, below. */
	if (++depth == 1)
		raise(SIGUSR2);
	depth--;
}

static void disarmed(int sig, siginfo_t *si, void *uc)
{
	stack_t now, more = { .ss_sp = other, .ss_size = SIZE };
	char here;

	(void)sig;
	(void)si;
	CHECK(within(&here, alt) || within(&here, other));
	CHECK(!sigaltstack(NULL, &now) && now.ss_flags == SS_DISABLE && now.ss_sp == NULL);
	CHECK((unsigned)((ucontext_t *)uc)->uc_stack.ss_flags == SS_AUTODISARM || within(&here, other));
	/* So it may be set to another; at the end the old one is back. */
	CHECK(!sigaltstack(&more, NULL));
	seen++;
}

static void deep(int sig, siginfo_t *si, void *uc)
{
	(void)si;
	(void)uc;
	seen++;
	raise(sig);
}

static void errors(void)
{
	stack_t ss = { .ss_sp = alt, .ss_size = 100 }, old;

	CHECK_FAILS(sigaltstack(&ss, NULL), ENOMEM);
	ss.ss_size = SIZE;
	ss.ss_flags = 77;
	CHECK_FAILS(sigaltstack(&ss, NULL), EINVAL);
	CHECK_FAILS(sigaltstack((void *)8, NULL), EFAULT);
	CHECK(!sigaltstack(NULL, &old) && old.ss_flags == SS_DISABLE && old.ss_size == 0);
}

static void test(void)
{
	stack_t ss = { 0 }, old;
	int status;
	pid_t pid;

	/* Nothing is below it: who leaves it there by a call of his own is not on it, and dies, too. */
	alt = mmap(NULL, SIZE + GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	alt += GUARD;
	CHECK(!mprotect(alt, SIZE, PROT_READ | PROT_WRITE));
	other = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(alt != MAP_FAILED && other != MAP_FAILED);
	errors();
	ss = (stack_t){ .ss_sp = alt, .ss_size = SIZE };
	CHECK(!sigaltstack(&ss, NULL));
	install(SIGUSR1, on_it, SA_ONSTACK);
	install(SIGUSR2, on_it, 0);
	seen = depth = 0;
	raise(SIGUSR1);
	CHECK(seen == 2);
	/* A child of fork has it too; one of vfork or exec has not. */
	pid = fork();
	if (!pid) {
		raise(SIGUSR1);
		_exit(seen == 4 ? 0 : 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);

	ss.ss_flags = (int)SS_AUTODISARM;
	CHECK(!sigaltstack(&ss, NULL));
	install(SIGUSR1, disarmed, SA_ONSTACK);
	seen = 0;
	raise(SIGUSR1);
	CHECK(seen == 1);
	CHECK(!sigaltstack(NULL, &old) && old.ss_sp == alt && (unsigned)old.ss_flags == SS_AUTODISARM);
	raise(SIGUSR1);
	CHECK(seen == 2);

	/* When it is full, there is nowhere left to go. */
	pid = fork();
	if (!pid) {
		ss.ss_flags = 0;
		CHECK(!sigaltstack(&ss, NULL));
		install(SIGUSR1, deep, SA_ONSTACK | SA_NODEFER);
		raise(SIGUSR1);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	ss.ss_flags = SS_DISABLE;
	CHECK(!sigaltstack(&ss, &old) && old.ss_size == SIZE);
	munmap(alt - GUARD, SIZE + GUARD);
	munmap(other, SIZE);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
	printf("other stacks ok\n");
}
