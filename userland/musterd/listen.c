/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens the socket of the announcements and keeps it in the group wherever there is an interface. */
#include "userland/musterd/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userland/lib/control.h"

int listen_open(uint16_t port, char *err)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1, zero = 0, e;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* Each user may have a musterd of his own on one port: multicast reaches them all. */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &zero, sizeof(zero)) ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin))) {
		e = errno;
		if (fd >= 0)
			close(fd);
		snprintf(err, CONTROL_ERR_MAX, "UDP port %u: %s", port, strerror(e));
		return -e;
	}
	return fd;
}

void listen_join(int fd, const char *group)
{
	struct ifaddrs *all;

	if (getifaddrs(&all))
		return;
	for (struct ifaddrs *i = all; i; i = i->ifa_next) {
		struct ip_mreqn req = { 0 };

		/* Emulated nodes of this machine are heard on the loopback interface. */
		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET ||
		    !(i->ifa_flags & IFF_UP) || !(i->ifa_flags & (IFF_MULTICAST | IFF_LOOPBACK)))
			continue;
		inet_pton(AF_INET, group, &req.imr_multiaddr);
		req.imr_ifindex = if_nametoindex(i->ifa_name);
		if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &req, sizeof(req)) &&
		    errno != EADDRINUSE)
			fprintf(stderr, "musterd: cannot hear %s on %s: %s\n", group, i->ifa_name,
				strerror(errno));
	}
	freeifaddrs(all);
}
