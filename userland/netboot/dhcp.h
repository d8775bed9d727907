/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DHCP messages (RFC 2131, 2132) with what PXE adds (RFC 4578). No I/O here. */
#ifndef USERLAND_NETBOOT_DHCP_H
#define USERLAND_NETBOOT_DHCP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DHCP_SERVER_PORT 67
#define DHCP_CLIENT_PORT 68
#define TFTP_PORT	 69
#define PXE_PORT	 4011

enum dhcp_type {
	DHCP_BOOTP,
	DHCP_DISCOVER,
	DHCP_OFFER,
	DHCP_REQUEST,
	DHCP_DECLINE,
	DHCP_ACK,
	DHCP_NAK
};

struct dhcp {
	bool reply;
	enum dhcp_type type;
	uint32_t xid;
	uint8_t mac[6];
	struct in_addr yiaddr, siaddr, server; /* server: its identifier, 0 if it said none */
	char file[129];
	bool pxe, ipxe; /* vendor class PXEClient; option 175 */
	int arch;	/* RFC 4578 2.1; -1: not said */
};

/* False if these bytes are no DHCP message of an Ethernet card. */
bool dhcp_parse(const uint8_t *data, size_t len, struct dhcp *d);

#define DHCP_DISCOVER_MAX 300
/* A DISCOVER of this card, answered by broadcast. Returns its length. */
size_t dhcp_discover(uint8_t buf[DHCP_DISCOVER_MAX], const uint8_t mac[6], uint32_t xid);

/* What arch means, and the file it is given: NULL if we have none for it. */
const char *dhcp_arch_name(int arch);
const char *dhcp_arch_file(int arch);

#endif
