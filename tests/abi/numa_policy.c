/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory policies as libraries ask for them when they start. */
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/abi/abi.h"

static void test(void)
{
	unsigned long nodes[17] = { 0 }, one = 1;
	int mode = 77;
	void *p = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (syscall(SYS_get_mempolicy, NULL, NULL, 0, NULL, 0) && errno == ENOSYS) {
		printf("none here\n");
		return;
	}
	CHECK(!syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0) && mode == MPOL_DEFAULT);
	CHECK(!syscall(SYS_get_mempolicy, NULL, nodes, 1024, NULL, MPOL_F_MEMS_ALLOWED) && (nodes[0] & 1));
	CHECK(!syscall(SYS_set_mempolicy, MPOL_PREFERRED, &one, 64));
	CHECK(!syscall(SYS_get_mempolicy, &mode, nodes, 1024, NULL, 0) && mode == MPOL_PREFERRED && nodes[0] == 1);
	CHECK(!syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0));
	CHECK(!syscall(SYS_mbind, p, 1 << 16, MPOL_BIND, &one, 64, 0));
	memset(p, 1, 1 << 16);
	CHECK_FAILS(syscall(SYS_mbind, p, 1 << 16, 999, &one, 64, 0), EINVAL);
	CHECK_FAILS(syscall(SYS_set_mempolicy, MPOL_BIND, NULL, 0), EINVAL);
	munmap(p, 1 << 16);
	printf("policies ok\n");
}
