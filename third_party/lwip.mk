# SPDX-License-Identifier: GPL-2.0-or-later
# Which files of lwIP go into the kernel, relative to its src/ folder.
LWIP_SRC := $(addprefix core/, def.c inet_chksum.c init.c ip.c mem.c memp.c netif.c pbuf.c raw.c \
		stats.c sys.c tcp.c tcp_in.c tcp_out.c timeouts.c udp.c dns.c) \
	$(addprefix core/ipv4/, autoip.c dhcp.c etharp.c icmp.c igmp.c ip4.c ip4_addr.c \
		ip4_frag.c) \
	netif/ethernet.c
