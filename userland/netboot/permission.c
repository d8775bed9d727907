/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The capabilities that network boot takes, and a dnsmasq that has no more than these. */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "userland/netboot/netboot.h"

static const struct {
	unsigned cap;
	const char *name;
} needed[] = {
	{ CAP_NET_ADMIN, "CAP_NET_ADMIN" },
	{ CAP_NET_RAW, "CAP_NET_RAW" },
	{ CAP_NET_BIND_SERVICE, "CAP_NET_BIND_SERVICE" },
};

#define NEEDED (sizeof(needed) / sizeof(needed[0]))

static int get(struct __user_cap_data_struct caps[2])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capget, &header, caps);
}

int permission_check(void)
{
	struct __user_cap_data_struct caps[2] = { 0 };
	bool missing = false;

	get(caps);
	for (unsigned i = 0; i < NEEDED; i++) {
		if (caps[0].effective & 1u << needed[i].cap)
			continue;
		fprintf(stderr, "%s%s", missing ? ", " : "netboot: no permission: lacks ",
			needed[i].name);
		missing = true;
	}
	if (missing)
		fprintf(stderr, "; run it as root, as with `sudo muster netboot IFACE`\n");
	return missing ? -EPERM : 0;
}

/*
 * The identity is changed here, not by dnsmasq, because the change would undo PR_SET_PDEATHSIG.
 * Ambient capabilities pass through execve.
 */
int permission_drop(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { 0 };
	const struct passwd *user;
	uint32_t set = 0;

	for (unsigned i = 0; i < NEEDED; i++)
		set |= 1u << needed[i].cap;
	user = getpwnam("dnsmasq");
	if (!user)
		user = getpwnam("nobody");
	if (geteuid() == 0 && user) {
		prctl(PR_SET_KEEPCAPS, 1);
		/*
		 * A user namespace of one user has nobody else (EINVAL), its root is not the
		 * machine's, and it may not change groups.
		 */
		if (setgroups(0, NULL) && errno != EPERM)
			return -errno;
		if ((setgid(user->pw_gid) || setuid(user->pw_uid)) && errno != EINVAL)
			return -errno;
	}
	/* Who stays root would get all back by execve, and that gain, too, undoes PR_SET_PDEATHSIG. */
	if (geteuid() == 0 && prctl(PR_SET_SECUREBITS, SECBIT_NOROOT))
		return -errno;
	caps[0].permitted = caps[0].effective = caps[0].inheritable = set;
	if (syscall(SYS_capset, &header, caps))
		return -errno;
	for (unsigned i = 0; i < NEEDED; i++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, needed[i].cap, 0, 0))
			return -errno;
	return 0;
}
