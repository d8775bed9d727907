/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process that reads and writes its own memory through /proc/self/mem, and by process_vm_readv. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "tests/abi/abi.h"

static void test(void)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), buf[16] = "";
	struct iovec local = { buf, 5 }, remote = { p, 5 };
	int fd = open("/proc/self/mem", O_RDWR);

	CHECK(p != MAP_FAILED && fd >= 0);
	strcpy(p, "hello");
	CHECK(pread(fd, buf, 5, (off_t)(uintptr_t)p) == 5 && !strcmp(buf, "hello"));
	CHECK(pwrite(fd, "there", 5, (off_t)(uintptr_t)p) == 5 && !strcmp(p, "there"));
	CHECK(!mprotect(p, 4096, PROT_READ));
	CHECK(pwrite(fd, "force", 5, (off_t)(uintptr_t)p) == 5 && !strcmp(p, "force"));
	CHECK_FAILS(pread(fd, buf, 5, 16), EIO);
	close(fd);
	CHECK(process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 5 && !strcmp(buf, "force"));
	remote.iov_base = (void *)16;
	CHECK_FAILS(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), EFAULT);
	munmap(p, 8192);
	printf("memory ok\n");
}
