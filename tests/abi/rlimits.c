/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits: what is set is reported, inherited and enforced: descriptors, file size, address space. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static int in_child(void (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		fn();
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

static void descriptors(void)
{
	struct rlimit rl;

	CHECK(!getrlimit(RLIMIT_NOFILE, &rl));
	rl.rlim_cur = 20;
	CHECK(!setrlimit(RLIMIT_NOFILE, &rl));
	for (int fd = 0; fd < 100; fd++)
		if (dup(1) < 0) {
			CHECK(errno == EMFILE);
			return;
		}
	CHECK(!"no limit");
}

static void file_size(void)
{
	struct rlimit rl = { 1000, 1000 };
	int fd = open("limited", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	char buf[1500] = { 0 };

	CHECK(fd >= 0 && !setrlimit(RLIMIT_FSIZE, &rl));
	signal(SIGXFSZ, SIG_IGN);
	CHECK(write(fd, buf, 1500) == 1000);
	CHECK_FAILS(write(fd, buf, 1), EFBIG);
	signal(SIGXFSZ, SIG_DFL);
	write(fd, buf, 1);
}

static void address_space(void)
{
	struct rlimit rl = { 200 << 20, 200 << 20 };

	CHECK(!setrlimit(RLIMIT_AS, &rl));
	CHECK_FAILS((long)mmap(NULL, 300 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0), ENOMEM);
	CHECK(mmap(NULL, 50 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	      MAP_FAILED);
}

static void test(void)
{
	struct rlimit rl, half;
	int status;

	CHECK(in_child(descriptors) == 0);
	status = in_child(file_size);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
	CHECK(in_child(address_space) == 0);
	CHECK(!getrlimit(RLIMIT_CORE, &rl));
	half = rl;
	half.rlim_cur = 0;
	CHECK(!setrlimit(RLIMIT_CORE, &half) && !getrlimit(RLIMIT_CORE, &half) && !half.rlim_cur);
	CHECK(!prlimit(0, RLIMIT_CORE, &rl, &half) && half.rlim_cur == 0);
	half.rlim_cur = 2;
	half.rlim_max = 1;
	CHECK_FAILS(setrlimit(RLIMIT_CORE, &half), EINVAL);
	CHECK_FAILS(getrlimit((enum __rlimit_resource)99, &rl), EINVAL);
	unlink("limited");
	printf("limits ok\n");
}
