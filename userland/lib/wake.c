/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Six bytes of ones, then the hardware address sixteen times (AMD, "Magic Packet Technology",
 * 20213).
 */
#include "userland/lib/wake.h"

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

#define SYNC 6
#define TIMES 16

static const uint16_t ports[] = { 9, 7 };	/* discard and echo: who hears them does no harm */

static int send_to(int fd, struct sockaddr_in to, const uint8_t *packet, size_t len)
{
	int err = 0;

	for (unsigned i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		to.sin_port = htons(ports[i]);
		if (sendto(fd, packet, len, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) < 0)
			err = -errno;
	}
	return err;
}

int wake_send(const uint8_t mac[6], const char *addr, char *err)
{
	uint8_t packet[SYNC + TIMES * 6];
	struct sockaddr_in direct = { .sin_family = AF_INET };
	struct ifaddrs *all = NULL;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), one = 1, sent = 0,
	    rc = -ENETUNREACH;

	memset(packet, 0xff, SYNC);
	for (unsigned i = 0; i < TIMES; i++)
		memcpy(packet + SYNC + i * 6, mac, 6);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one)) ||
	    getifaddrs(&all)) {
		rc = -errno;
		goto out;
	}
	for (struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET || !(i->ifa_flags & IFF_UP) ||
		    !(i->ifa_flags & IFF_BROADCAST) || !i->ifa_broadaddr)
			continue;
		rc = send_to(fd, *(struct sockaddr_in *)i->ifa_broadaddr, packet, sizeof(packet));
		sent += !rc;
	}
	if (addr && inet_pton(AF_INET, addr, &direct.sin_addr) == 1)
		sent += !send_to(fd, direct, packet, sizeof(packet));
out:
	if (all)
		freeifaddrs(all);
	if (fd >= 0)
		close(fd);
	if (!sent)
		snprintf(err, CONTROL_ERR_MAX, "no network to send it to: %s", strerror(-rc));
	return sent ? sent : rc;
}
