/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is there a DHCP server already? Asks as a machine without an address would. An offer that is not
 * taken up costs the server nothing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userland/netboot/dhcp.h"
#include "userland/netboot/netboot.h"

/* Servers try for up to 3 s (dnsmasq) whether an address is in use before they offer it. */
#define PROBE_MS       4500
#define PROBE_EVERY_MS 1500

static uint16_t checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

static int send_discover(int fd, const struct netboot_iface *iface, uint32_t xid)
{
	struct {
		struct iphdr ip;
		struct udphdr udp;
		uint8_t dhcp[DHCP_DISCOVER_MAX];
	} __attribute__((packed)) frame = {
		.ip = { .version = 4,
			.ihl = 5,
			.ttl = 64,
			.protocol = IPPROTO_UDP,
			.tot_len = htons(sizeof(frame)),
			.daddr = INADDR_BROADCAST },
		/* A checksum of 0 is none, as IPv4 allows. */
		.udp = { .source = htons(DHCP_CLIENT_PORT),
			 .dest = htons(DHCP_SERVER_PORT),
			 .len = htons(sizeof(frame) - sizeof(frame.ip)) },
	};
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = iface->index,
		.sll_halen = 6,
		.sll_addr = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	};

	frame.ip.check = checksum(&frame.ip, sizeof(frame.ip));
	dhcp_discover(frame.dhcp, iface->mac, xid);
	if (sendto(fd, &frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to)) >= 0)
		return 0;
	fprintf(stderr, "netboot: %s: cannot ask for a DHCP server: %s\n", iface->name,
		strerror(errno));
	return -errno;
}

static bool is_offer(const struct udp_packet *p, uint32_t xid, struct in_addr *server)
{
	struct dhcp d;

	/* One that was relayed here comes from the relay, and names the server. */
	if (p->ours || !dhcp_parse(p->data, p->len, &d) || !d.reply || d.xid != xid ||
	    d.type != DHCP_OFFER || !d.yiaddr.s_addr)
		return false;
	*server = d.server.s_addr ? d.server : p->from;
	return true;
}

int probe_dhcp(const struct netboot_iface *iface, struct in_addr *server)
{
	int fd = packet_open(iface), rc = 0;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int64_t start = now_ms(), next = start, now;
	struct udp_packet p;
	uint32_t xid;

	server->s_addr = 0;
	if (fd < 0)
		return fd;
	if (getrandom(&xid, sizeof(xid), 0) != sizeof(xid))
		xid = now_ms();
	while (!rc && !server->s_addr && (now = now_ms()) < start + PROBE_MS) {
		if (now >= next) {
			rc = send_discover(fd, iface, xid);
			next = now + PROBE_EVERY_MS;
		}
		if (!rc && poll(&pfd, 1, next - now) < 0)
			rc = -errno; /* a signal: not now */
		while (!rc && !server->s_addr && packet_read(fd, &p))
			is_offer(&p, xid, server);
	}
	close(fd);
	return rc;
}
