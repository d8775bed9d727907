/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The private network of tap devices on a bridge, made by ioctl in an unnamed namespace: it needs no
 * program, and vanishes with the last process in it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userland/emulate/emulate.h"

#define BRIDGE "muster0"
#define HOME_ADDR "10.77.0.1"
#define HOME_MASK "255.255.255.0"

bool network_tun_usable(void)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n < 0 ? -errno : 0;
}

static int if_up(int fd, const char *name)
{
	struct ifreq ifr = { 0 };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFFLAGS, &ifr))
		return -errno;
	ifr.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &ifr) ? -errno : 0;
}

static int if_address(int fd, const char *name, unsigned long request, const char *addr)
{
	struct ifreq ifr = { 0 };
	struct sockaddr_in *sin = (struct sockaddr_in *)&ifr.ifr_addr;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	sin->sin_family = AF_INET;
	inet_pton(AF_INET, addr, &sin->sin_addr);
	return ioctl(fd, request, &ifr) ? -errno : 0;
}

int network_enter(bool new_user, bool silent)
{
	char map[64];
	uid_t uid = getuid();
	gid_t gid = getgid();
	const char *what = "unshare";
	int fd, rc;

	if (unshare(CLONE_NEWNET | (new_user ? CLONE_NEWUSER : 0))) {
		rc = -errno;
		goto fail;
	}
	if (new_user) {
		/* The command keeps its own uid: only in the namespace it is more. */
		what = "user namespace";
		snprintf(map, sizeof(map), "%d %d 1", (int)uid, (int)uid);
		rc = write_file("/proc/self/uid_map", map);
		write_file("/proc/self/setgroups", "deny");
		snprintf(map, sizeof(map), "%d %d 1", (int)gid, (int)gid);
		if (!rc)
			rc = write_file("/proc/self/gid_map", map);
		if (rc)
			goto fail;
	}
	what = "bridge";
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		rc = -errno;
		goto fail;
	}
	rc = if_up(fd, "lo");
	if (!rc && ioctl(fd, SIOCBRADDBR, BRIDGE))
		rc = -errno;
	if (!rc)
		rc = if_address(fd, BRIDGE, SIOCSIFADDR, HOME_ADDR);
	if (!rc)
		rc = if_address(fd, BRIDGE, SIOCSIFNETMASK, HOME_MASK);
	if (!rc)
		rc = if_up(fd, BRIDGE);
	close(fd);
	if (!rc)
		return 0;
fail:
	if (!silent)
		fprintf(stderr, "emulate: private network: %s: %s\n", what, strerror(-rc));
	return rc;
}

int network_tap(const char *bridge)
{
	struct ifreq ifr = { 0 };
	int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC), fd, rc;
	const char *what = "/dev/net/tun";

	if (tun < 0) {
		rc = -errno;
		goto fail;
	}
	what = "tap";
	/* The kernel puts the first free number there. */
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "muster-tap%%d");
	ifr.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (ioctl(tun, TUNSETIFF, &ifr)) {
		rc = -errno;
		goto fail_tun;
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	rc = fd < 0 ? -errno : if_up(fd, ifr.ifr_name);
	if (!rc) {
		struct ifreq br = { .ifr_ifindex = if_nametoindex(ifr.ifr_name) };

		what = "tap into the bridge";
		snprintf(br.ifr_name, sizeof(br.ifr_name), "%s", bridge ?: BRIDGE);
		if (ioctl(fd, SIOCBRADDIF, &br))
			rc = -errno;
	}
	if (fd >= 0)
		close(fd);
	if (!rc)
		return tun;
fail_tun:
	close(tun);
fail:
	fprintf(stderr, "emulate: %s: %s\n", what, strerror(-rc));
	return rc;
}

uint16_t network_free_port(int type)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	uint16_t port = 0;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd >= 0 && !bind(fd, (struct sockaddr *)&sin, sizeof(sin)) &&
	    !getsockname(fd, (struct sockaddr *)&sin, &len))
		port = ntohs(sin.sin_port);
	if (fd >= 0)
		close(fd);
	return port;
}
