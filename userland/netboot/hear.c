/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nodes' announcements, and iPXE's question for a router. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/announce.h"
#include "userland/lib/nodes.h"
#include "userland/netboot/netboot.h"

int hear_announcements(const struct netboot_iface *iface)
{
	const int one = 1;
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(nodes_port()) };
	struct ip_mreqn group = { .imr_ifindex = iface->index };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc;

	inet_aton(MUSTER_GROUP, &group.imr_multiaddr);
	/*
	 * Beside musterd: multicast reaches all who share the port. What is sent to home alone
	 * stays musterd's.
	 */
	sin.sin_addr = group.imr_multiaddr;
	if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) &&
	    !bind(fd, (struct sockaddr *)&sin, sizeof(sin)) &&
	    !setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)))
		return fd;
	rc = -errno;
	fprintf(stderr, "netboot: cannot hear nodes on UDP port %u: %s\n", nodes_port(),
		strerror(-rc));
	if (fd >= 0)
		close(fd);
	return rc;
}

void hear_node(int fd)
{
	uint8_t buf[sizeof(struct announce) + 1];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len)) >= 0) {
		client_node(buf, n, from.sin_addr);
		len = sizeof(from);
	}
}

/*
 * iPXE waits some 15 s for an IPv6 router. Where we are the network's server, an advertisement of
 * no router and no prefix (RFC 4861 4.2: lifetime 0) ends that, and changes nothing for anybody
 * else. -1 if IPv6 is off.
 */
int hear_solicitations(const struct netboot_iface *iface)
{
	const int hops = 255; /* RFC 4861 6.1.2: others are dropped */
	struct ipv6_mreq routers = { .ipv6mr_interface = iface->index };
	struct icmp6_filter filter;
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);

	inet_pton(AF_INET6, "ff02::2", &routers.ipv6mr_multiaddr);
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ND_ROUTER_SOLICIT, &filter);
	if (fd >= 0 && !setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)) &&
	    !setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, iface->name, strlen(iface->name) + 1) &&
	    !setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) &&
	    !setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &routers, sizeof(routers)))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

void answer_solicitation(int fd, const struct netboot_iface *iface)
{
	const struct nd_router_advert advert = { .nd_ra_type = ND_ROUTER_ADVERT };
	struct sockaddr_in6 all = { .sin6_family = AF_INET6, .sin6_scope_id = iface->index };
	uint8_t buf[256];

	inet_pton(AF_INET6, "ff02::1", &all.sin6_addr);
	while (recv(fd, buf, sizeof(buf), 0) >= 0)
		/*
		 * The kernel fills in the checksum. If it cannot be sent, iPXE waits, as it would
		 * without.
		 */
		(void)sendto(fd, &advert, sizeof(advert), 0, (struct sockaddr *)&all, sizeof(all));
}
