/* SPDX-License-Identifier: GPL-2.0-or-later */
/* capget and capset: versions, of which Linux names its own when it does not know one. */
#include <linux/capability.h>
#include <sys/syscall.h>

#include "tests/abi/abi.h"

static void test(void)
{
	struct __user_cap_header_struct h = { 0x12345678, 0 };
	struct __user_cap_data_struct d[3], again[2];

	memset(d, '#', sizeof(d));
	CHECK_FAILS(syscall(SYS_capget, &h, d), EINVAL);
	CHECK(h.version == _LINUX_CAPABILITY_VERSION_3 && d[0].effective == 0x23232323);
	h.version = 0;
	CHECK(!syscall(SYS_capget, &h, NULL) && h.version == _LINUX_CAPABILITY_VERSION_3);
	CHECK(!syscall(SYS_capget, &h, d) && d[2].effective == 0x23232323);
	memcpy(again, d, sizeof(again));
	h.version = _LINUX_CAPABILITY_VERSION_1;
	memset(d, '#', sizeof(d));
	CHECK(!syscall(SYS_capget, &h, d) && d[0].effective == again[0].effective && d[1].effective == 0x23232323);
	h.version = _LINUX_CAPABILITY_VERSION_3;
	CHECK(!syscall(SYS_capset, &h, again));
	h.version = 7;
	CHECK_FAILS(syscall(SYS_capset, &h, again), EINVAL);
	CHECK(h.version == _LINUX_CAPABILITY_VERSION_3);
	h.pid = -1;
	CHECK_FAILS(syscall(SYS_capget, &h, d), EINVAL);
	h.pid = 0x7ffffff;
	CHECK_FAILS(syscall(SYS_capget, &h, d), ESRCH);
	printf("capabilities ok\n");
}
