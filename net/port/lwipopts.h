/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lwIP as Muster uses it: no operating system layer, one owner (the network thread), IPv4 only, and
 * windows for bulk transfer instead of lwIP's defaults, which are made for microcontrollers.
 */
#ifndef NET_PORT_LWIPOPTS_H
#define NET_PORT_LWIPOPTS_H

/* One thread owns lwIP: no locks, but every entry checks that it is that thread. */
#define NO_SYS				1
#define SYS_LIGHTWEIGHT_PROT		0
#define LWIP_ASSERT_CORE_LOCKED()	net_assert_owner()

#define LWIP_IPV4			1
#define LWIP_IPV6			0
#define LWIP_ARP			1
#define LWIP_ICMP			1
#define LWIP_IGMP			1
#define LWIP_DHCP			1
#define DHCP_DOES_ARP_CHECK		1	/* the server may know nothing of a fixed address */
#define LWIP_UDP			1
#define LWIP_TCP			1
#define LWIP_DNS			0
#define LWIP_RAW			0
#define LWIP_SOCKET			0
#define LWIP_NETCONN			0
#define LWIP_STATS			0

/* No fragments: nothing of ours needs them, and reassembly is a way to eat memory from outside. */
#define IP_REASSEMBLY			0
#define IP_FRAG				0

/* Memory is the kernel's heap; tables grow with it. */
#define MEM_LIBC_MALLOC			1
#define MEMP_MEM_MALLOC			1
#define MEM_ALIGNMENT			8
#define PBUF_POOL_SIZE			0

#define LWIP_NETIF_STATUS_CALLBACK	1
#define LWIP_NETIF_HOSTNAME		1	/* told to the DHCP server */
#define LWIP_NETIF_LINK_CALLBACK	1
#define LWIP_NETIF_TX_SINGLE_PBUF	0
#define LWIP_SUPPORT_CUSTOM_PBUF	1
#define LWIP_PBUF_REF_T			u32_t
/* Whoever keeps a frame beyond the call (ARP, while it resolves) copies it: sessions free pages. */
#define PBUF_NEEDS_COPY(p)		1
#define ARP_TABLE_SIZE			64
#define ETHARP_SUPPORT_STATIC_ENTRIES	0
#define ETHARP_TRUST_IP_MAC		0

/* The card, or netif.c for it, makes and checks the sums of IP, UDP and TCP. */
#define CHECKSUM_GEN_IP			0
#define CHECKSUM_GEN_UDP		0
#define CHECKSUM_GEN_TCP		0
#define CHECKSUM_GEN_ICMP		1
#define CHECKSUM_CHECK_IP		0
#define CHECKSUM_CHECK_UDP		0
#define CHECKSUM_CHECK_TCP		0
#define CHECKSUM_CHECK_ICMP		1
#define LWIP_CHKSUM			net_chksum

/*
 * 1460 is Ethernet's; queue lengths count pbufs, of which a zero-copy segment has one per page
 * and one for its headers.
 */
#define TCP_MSS				1460
#define LWIP_WND_SCALE			1
#define TCP_RCV_SCALE			4
#define TCP_WND				(512 * 1024)
#define TCP_SND_BUF			(512 * 1024)
#define TCP_SND_QUEUELEN		4096
#define MEMP_NUM_TCP_SEG		4096
#define TCP_SNDLOWAT			32768
#define TCP_SNDQUEUELOWAT		1024
#define TCP_OVERSIZE			TCP_MSS
#define TCP_QUEUE_OOSEQ			1
#define TCP_OOSEQ_MAX_BYTES		TCP_WND
#define LWIP_TCP_SACK_OUT		1
#define TCP_LISTEN_BACKLOG		1
#define TCP_DEFAULT_LISTEN_BACKLOG	64

/* A dead peer is noticed by the session's own silence; these bound what lwIP keeps meanwhile. */
#define TCP_MAXRTX			8
#define TCP_MSL				2000UL

/* RFC 6528 wants sequence numbers that nobody can guess. */
#define LWIP_HOOK_TCP_ISN(lip, lport, rip, rport) net_random32()

#endif
