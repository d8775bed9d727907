/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's keys: made, read, described, found, revoked. */
#include <linux/keyctl.h>
#include <sys/syscall.h>

#include "tests/abi/abi.h"

static long keyctl(int cmd, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	return syscall(SYS_keyctl, cmd, a, b, c, d);
}

static void test(void)
{
	long ring = syscall(SYS_add_key, "keyring", "ours", NULL, 0, KEY_SPEC_PROCESS_KEYRING), key;
	char buf[64];

	if (ring < 0) {
		printf("none here: %s\n", strerror(errno));
		return;
	}
	key = syscall(SYS_add_key, "user", "name", "secret", 6, ring);
	CHECK(key > 0);
	memset(buf, '#', sizeof(buf));
	CHECK(keyctl(KEYCTL_READ, key, (long)buf, sizeof(buf), 0) == 6 && !memcmp(buf, "secret#", 7));
	CHECK(keyctl(KEYCTL_READ, key, 0, 0, 0) == 6);
	memset(buf, '#', sizeof(buf));
	CHECK(keyctl(KEYCTL_READ, key, (long)buf, 3, 0) == 6 && buf[3] == '#');
	CHECK(keyctl(KEYCTL_UPDATE, key, (long)"other", 5, 0) == 0 && keyctl(KEYCTL_READ, key, (long)buf, 64, 0) == 5);
	CHECK(keyctl(KEYCTL_DESCRIBE, key, (long)buf, sizeof(buf), 0) > 0 && !strncmp(buf, "user;", 5) && strstr(buf, "name"));
	CHECK(keyctl(KEYCTL_SEARCH, ring, (long)"user", (long)"name", 0) == key);
	CHECK_FAILS(keyctl(KEYCTL_SEARCH, ring, (long)"user", (long)"nobody", 0), ENOKEY);
	CHECK(syscall(SYS_request_key, "user", "name", NULL, 0) == key);
	CHECK(keyctl(KEYCTL_SET_TIMEOUT, key, 1000, 0, 0) == 0 && keyctl(KEYCTL_SETPERM, key, 0x3f3f0000, 0, 0) == 0);
	CHECK(keyctl(KEYCTL_UNLINK, key, ring, 0, 0) == 0);
	CHECK_FAILS(keyctl(KEYCTL_SEARCH, ring, (long)"user", (long)"name", 0), ENOKEY);
	CHECK(keyctl(KEYCTL_REVOKE, ring, 0, 0, 0) == 0);
	CHECK_FAILS(syscall(SYS_add_key, "no such type", "name", "x", 1, KEY_SPEC_PROCESS_KEYRING), ENODEV);
	printf("keys ok\n");
}
