/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The node's address: ip=A.B.C.D/LEN and gw=A.B.C.D from the command line, or DHCP, which goes on
 * asking for as long as it takes and says so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kprintf.h"
#include "kernel/settings.h"
#include "lwip/dhcp.h"
#include "lwip/etharp.h"
#include "lwip/igmp.h"
#include "lwip/timeouts.h"
#include "net/internal.h"

#define COMPLAIN_MS 5000
/* lwIP asks less and less often, up to once a minute: a server that comes late should not wait. */
#define RESTART_MS 15000

static bool is_static;
static uint64_t asking_since_ms; /* 0: not asking */
static uint64_t restarted_ms;

static unsigned prefix_len(const ip4_addr_t *mask)
{
	uint32_t bits = lwip_ntohl(ip4_addr_get_u32(mask));

	return bits ? 32 - __builtin_ctz(bits) : 0;
}

static void complain(void *arg)
{
	uint64_t now = net_ms_since_entry();

	(void)arg;
	if (!asking_since_ms)
		return;
	if (net_nic->link)
		kprintf("net: no DHCP server has answered for %u s; still asking (ip=ADDR/LEN on the "
			"command line sets a fixed address)\n",
			(unsigned)((now - asking_since_ms) / 1000));
	if (net_nic->link && now - restarted_ms >= RESTART_MS) {
		restarted_ms = now;
		dhcp_release_and_stop(&net_netif);
		dhcp_start(&net_netif);
	}
	sys_timeout(COMPLAIN_MS, complain, NULL);
}

static void start_asking(void)
{
	if (asking_since_ms)
		return;
	asking_since_ms = net_ms_since_entry();
	restarted_ms = asking_since_ms;
	sys_timeout(COMPLAIN_MS, complain, NULL);
}

static void address_changed(struct netif *netif)
{
	static ip4_addr_t last;
	char gw[16];

	if (ip4_addr_cmp(&last, netif_ip4_addr(netif)))
		return;
	ip4_addr_copy(last, *netif_ip4_addr(netif));
	if (ip4_addr_isany_val(last)) {
		kprintf("net: the address is no longer ours\n");
		start_asking();
		return;
	}
	asking_since_ms = 0;
	sys_untimeout(complain, NULL);
	ip4addr_ntoa_r(netif_ip4_gw(netif), gw, sizeof(gw));
	kprintf("net: address %s/%u, gateway %s (%s), %u ms after kernel entry\n",
		ip4addr_ntoa(&last), prefix_len(netif_ip4_netmask(netif)),
		ip4_addr_isany(netif_ip4_gw(netif)) ? "none" : gw, is_static ? "static" : "DHCP",
		(unsigned)net_ms_since_entry());
	announce_now();
}

/* ip=A.B.C.D/LEN (LEN is 24 if left out) and gw=. */
static bool parse_static(ip4_addr_t *ip, ip4_addr_t *mask, ip4_addr_t *gw)
{
	const char *text = setting_get("ip"), *gw_text = setting_get("gw");
	char addr[16];
	size_t n;
	long len = 24;

	ip4_addr_set_zero(gw);
	if (!text || !strcmp(text, "dhcp"))
		return false;
	n = strcspn(text, "/");
	if (text[n]) {
		char *end;

		len = strtol(text + n + 1, &end, 10);
		if (*end || len < 1 || len > 31)
			n = sizeof(addr);
	}
	if (n < sizeof(addr)) {
		memcpy(addr, text, n);
		addr[n] = 0;
	}
	if (n >= sizeof(addr) || !ip4addr_aton(addr, ip)) {
		kprintf("net: ip=%s is not ADDRESS/LENGTH: using DHCP\n", text);
		return false;
	}
	ip4_addr_set_u32(mask, lwip_htonl(~0u << (32 - len)));
	if (gw_text && !ip4addr_aton(gw_text, gw))
		kprintf("net: gw=%s is not an address: going without\n", gw_text);
	return true;
}

void ifconfig_start(void)
{
	ip4_addr_t ip, mask, gw;

	netif_set_status_callback(&net_netif, address_changed);
	is_static = parse_static(&ip, &mask, &gw);
	netif_set_link_up(&net_netif);
	if (is_static) {
		netif_set_addr(&net_netif, &ip, &mask, &gw);
		return;
	}
	start_asking();
	if (dhcp_start(&net_netif) != ERR_OK)
		kprintf("net: DHCP does not start: no memory\n");
}

void ifconfig_link_changed(bool up)
{
	kprintf("net: eth%u: link %s\n", net_nic->index, up ? "up" : "down");
	/* lwIP itself asks for the lease again, and tells neighbours and switches, on link up. */
}

void ifconfig_status(struct net_status *status)
{
	const ip4_addr_t *ip = netif_ip4_addr(&net_netif);

	if (!ip4_addr_isany(ip))
		snprintf(status->address, sizeof(status->address), "%s/%u", ip4addr_ntoa(ip),
			 prefix_len(netif_ip4_netmask(&net_netif)));
	if (!net_nic->link)
		snprintf(status->state, sizeof(status->state), "link down");
	else if (asking_since_ms)
		snprintf(status->state, sizeof(status->state), "asking for an address (DHCP), %u s",
			 (unsigned)((net_ms_since_entry() - asking_since_ms) / 1000));
	else
		snprintf(status->state, sizeof(status->state), "%s", is_static ? "static" : "DHCP");
}
