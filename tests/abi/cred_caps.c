/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities: sets, bounding and ambient ones, securebits, over setuid, fork and execve. */
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define ABI_OWN_MAIN
#include "tests/abi/child.h"

struct caps {
	uint64_t effective, permitted, inheritable;
};

static char exe[4096];

static struct caps get(pid_t pid)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, pid };
	struct __user_cap_data_struct d[2];

	CHECK(!syscall(SYS_capget, &h, d));
	return (struct caps){ d[0].effective | (uint64_t)d[1].effective << 32,
			      d[0].permitted | (uint64_t)d[1].permitted << 32,
			      d[0].inheritable | (uint64_t)d[1].inheritable << 32 };
}

static int set(struct caps c)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = {
		{ (uint32_t)c.effective, (uint32_t)c.permitted, (uint32_t)c.inheritable },
		{ c.effective >> 32, c.permitted >> 32, c.inheritable >> 32 },
	};

	return syscall(SYS_capset, &h, d);
}

#define BIT(cap) (1ull << (cap))

static void fewer(void)
{
	struct caps c = get(0);

	c.effective &= ~BIT(CAP_KILL);
	CHECK(!set(c) && get(0).effective == c.effective && get(0).permitted == c.permitted);
	c.permitted &= ~BIT(CAP_KILL);
	CHECK(!set(c) && get(0).permitted == c.permitted);
	c.permitted |= BIT(CAP_KILL);
	CHECK_FAILS(set(c), EPERM);
	c.permitted = c.effective = c.inheritable = 0;
	CHECK(!set(c) && !get(0).permitted && !get(getpid()).effective);
	CHECK_FAILS(setuid(4711), EPERM);
}

static void kept_over_setuid(void)
{
	struct caps c;

	CHECK(prctl(PR_GET_KEEPCAPS) == 0 && !prctl(PR_SET_KEEPCAPS, 1) && prctl(PR_GET_KEEPCAPS) == 1);
	CHECK_FAILS(prctl(PR_SET_KEEPCAPS, 2), EINVAL);
	c = get(0);
	CHECK(!setresuid(500, 500, 500));
	CHECK(get(0).permitted == c.permitted && get(0).effective == 0);
	c.effective = BIT(CAP_SETUID);
	CHECK(!set(c) && !setresuid(0, 0, 0));
}

static void lost_by_setuid(void)
{
	CHECK(!setresuid(500, 500, 500) && !get(0).permitted && !get(0).effective);
}

static void bounding(void)
{
	CHECK(prctl(PR_CAPBSET_READ, CAP_SYS_TIME) >= 0);
	CHECK_FAILS(prctl(PR_CAPBSET_READ, 64), EINVAL);
	CHECK(!prctl(PR_CAPBSET_DROP, CAP_CHOWN) && prctl(PR_CAPBSET_READ, CAP_CHOWN) == 0);
	execl(exe, exe, "bounded", NULL);
}

static void ambient(void)
{
	struct caps c = get(0);

	c.inheritable = BIT(CAP_NET_RAW);
	CHECK(!set(c));
	CHECK_FAILS(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0), EPERM);
	CHECK(!prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0));
	CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_RAW, 0, 0) == 1);
	CHECK(!prctl(PR_SET_KEEPCAPS, 1) && !setresuid(500, 500, 500));
	CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_RAW, 0, 0) == 0);
	CHECK(!prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0));
	execl(exe, exe, "ambient", NULL);
}

static void securebits(void)
{
	CHECK(prctl(PR_GET_SECUREBITS) == 0);
	CHECK(!prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS));
	CHECK(prctl(PR_GET_SECUREBITS) == (SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS));
	CHECK(!setresuid(500, 500, 500) && (get(0).effective & BIT(CAP_SETUID)));
	CHECK(!prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED));
	CHECK_FAILS(prctl(PR_SET_SECUREBITS, 0), EPERM);
}

static void versions(void)
{
	struct __user_cap_header_struct h = { 0x12345678, 0 };
	struct __user_cap_data_struct d[2];

	CHECK(!syscall(SYS_capget, &h, NULL) && h.version == _LINUX_CAPABILITY_VERSION_3);
	h.version = 1;
	CHECK_FAILS(syscall(SYS_capget, &h, d), EINVAL);
	CHECK(h.version == _LINUX_CAPABILITY_VERSION_3);
	h.pid = -5;
	CHECK_FAILS(syscall(SYS_capget, &h, d), EINVAL);
	h.pid = 0;
	CHECK_FAILS(syscall(SYS_capget, 8, d), EFAULT);
	h.version = _LINUX_CAPABILITY_VERSION_1;
	memset(d, 0xee, sizeof(d));
	CHECK(!syscall(SYS_capget, &h, d) && d[1].effective == 0xeeeeeeee);
	CHECK(h.version == _LINUX_CAPABILITY_VERSION_1 || h.version == _LINUX_CAPABILITY_VERSION_3);
}

static int after_exec(const char *what)
{
	struct caps c = get(0);

	if (!strcmp(what, "bounded")) {
		CHECK(!(c.permitted & BIT(CAP_CHOWN)));
	} else {
		CHECK(getuid() == 500 && c.permitted == BIT(CAP_NET_RAW));
		CHECK(c.effective == c.permitted);
	}
	return 33;
}

int main(int argc, char **argv)
{
	CHECK(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	if (argc > 1)
		return after_exec(argv[1]);
	for (unsigned i = 0; i < abi_rounds(); i++) {
		CHECK(in_child(versions) == CHILD_OK);
		if (geteuid())
			continue;
		CHECK(in_child(fewer) == CHILD_OK);
		CHECK(in_child(kept_over_setuid) == CHILD_OK);
		CHECK(in_child(lost_by_setuid) == CHILD_OK);
		CHECK(in_child(bounding) == CHILD_EXITS(33));
		CHECK(in_child(ambient) == CHILD_EXITS(33));
		CHECK(in_child(securebits) == CHILD_OK);
	}
	printf("capabilities ok\n");
	return 0;
}
