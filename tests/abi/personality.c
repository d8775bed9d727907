/* SPDX-License-Identifier: GPL-2.0-or-later */
/* personality(2): what is set is told, inherited, and does what it says. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#define ABI_OWN_MAIN
#include "tests/abi/abi.h"

static char exe[4096];

static int run(void (*fn)(void), const char *again)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		fn();
		if (again)
			execl(exe, exe, again, NULL);
		_exit(42);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

static void no_randomization(void)
{
	CHECK(personality(0xffffffff) == 0);
	CHECK(personality(ADDR_NO_RANDOMIZE) == 0);
	CHECK(personality(0xffffffff) == ADDR_NO_RANDOMIZE);
}

static void linux32(void)
{
	struct utsname u;

	CHECK(!uname(&u) && !strcmp(u.machine, "x86_64"));
	CHECK(personality(PER_LINUX32) == 0);
	CHECK(!uname(&u) && !strcmp(u.machine, "i686"));
}

/* Whether this page may be executed, found out by doing so. */
static int executable(unsigned char *page)
{
	static const unsigned char code[] = { 0xb8, 7, 0, 0, 0, 0xc3 }; /* mov $7,%eax; ret */
	int status;
	pid_t pid;

	memcpy(page, code, sizeof(code));
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		_exit(((int (*)(void))page)());
	CHECK(waitpid(pid, &status, 0) == pid);
	return status == 7 << 8;
}

static void read_implies_exec(void)
{
	unsigned char *p, *q;

	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED && !executable(p));
	CHECK(personality(READ_IMPLIES_EXEC) == 0);
	CHECK(!executable(p));
	q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(q != MAP_FAILED && executable(q));
	CHECK(!mprotect(p, 4096, PROT_READ | PROT_WRITE) && executable(p));
	q = sbrk(4096);
	CHECK(q != (void *)-1 && executable(sbrk(0) - 4096));
	CHECK(personality(0) == READ_IMPLIES_EXEC);
	CHECK(!mprotect(p, 4096, PROT_READ | PROT_WRITE) && !executable(p));
	CHECK(!munmap(p, 4096));
}

static int after_exec(const char *what)
{
	struct utsname u;

	if (!strcmp(what, "fixed"))
		return personality(0xffffffff) == ADDR_NO_RANDOMIZE ? 33 : 1;
	return !uname(&u) && !strcmp(u.machine, "i686") ? 33 : 1;
}

int main(int argc, char **argv)
{
	CHECK(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	if (argc > 1)
		return after_exec(argv[1]);
	for (unsigned i = 0; i < abi_rounds(); i++) {
		CHECK(run(no_randomization, "fixed") == 33 << 8);
		CHECK(run(linux32, "i686") == 33 << 8);
		CHECK(run(linux32, NULL) == 42 << 8);
		CHECK(run(read_implies_exec, NULL) == 42 << 8);
	}
	printf("personality ok\n");
	return 0;
}
