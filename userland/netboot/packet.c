/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets of the boot protocols, from below the firewall: both what comes and what we send. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userland/netboot/dhcp.h"
#include "userland/netboot/netboot.h"

#define IP_HEADER_MIN 20
#define UDP_HEADER    8

/*
 * UDP over IPv4, unfragmented, to or from a port of these protocols. Data starts with the IP
 * header. Jumps count from the next instruction; the last two are "no" and "yes".
 */
static struct sock_filter filter[] = {
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 13),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 11),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 9, 0),
	BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
	BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DHCP_SERVER_PORT, 7, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DHCP_CLIENT_PORT, 6, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TFTP_PORT, 5, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PXE_PORT, 4, 0),
	BPF_STMT(BPF_LD | BPF_H | BPF_IND, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DHCP_SERVER_PORT, 2, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PXE_PORT, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, 0),
	BPF_STMT(BPF_RET | BPF_K, 0xffff),
};

int packet_open(const struct netboot_iface *iface)
{
	const struct sock_fprog prog = { sizeof(filter) / sizeof(filter[0]), filter };
	const struct sockaddr_ll ll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = iface->index,
	};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc;

	/* Its protocol is 0 until bind(), so nothing passes before the filter is there. */
	if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) &&
	    !bind(fd, (const struct sockaddr *)&ll, sizeof(ll)))
		return fd;
	rc = -errno;
	fprintf(stderr, "netboot: %s: cannot listen to its packets: %s\n", iface->name,
		strerror(-rc));
	if (fd >= 0)
		close(fd);
	return rc;
}

static uint16_t get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

bool packet_read(int fd, struct udp_packet *p)
{
	static uint8_t buf[2048];
	struct sockaddr_ll ll;
	socklen_t ll_len;
	ssize_t n;
	size_t head, len;

	for (;;) {
		ll_len = sizeof(ll);
		n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&ll, &ll_len);
		if (n < 0)
			return false;
		if (n < IP_HEADER_MIN || buf[0] >> 4 != 4)
			continue;
		head = (buf[0] & 15) * 4;
		if (head < IP_HEADER_MIN || (size_t)n < head + UDP_HEADER)
			continue;
		len = get16(buf + head + 4);
		if (len < UDP_HEADER || len > n - head)
			continue;
		*p = (struct udp_packet){
			.ours = ll.sll_pkttype == PACKET_OUTGOING,
			.from_port = get16(buf + head),
			.to_port = get16(buf + head + 2),
			.data = buf + head + UDP_HEADER,
			.len = len - UDP_HEADER,
		};
		memcpy(p->mac, ll.sll_addr, sizeof(p->mac));
		memcpy(&p->from, buf + 12, 4);
		memcpy(&p->to, buf + 16, 4);
		return true;
	}
}
