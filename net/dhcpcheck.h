/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wrong with a DHCP answer. lwIP takes whatever carries the right transaction number; a
 * node must not take the address 0.0.0.0 because somebody offers it.
 */
#ifndef NET_DHCPCHECK_H
#define NET_DHCPCHECK_H

#include <stddef.h>
#include <stdint.h>

enum dhcp_kind { DHCP_KIND_OTHER, DHCP_KIND_OFFER = 2, DHCP_KIND_ACK = 5, DHCP_KIND_NAK = 6 };

struct dhcp_answer {
	enum dhcp_kind kind;
	uint32_t lease_s; /* 0: not given; ~0: for ever */
};

/*
 * Looks at len bytes of BOOTP (RFC 2131), whose options it may not trust. xid and mac are what we
 * ask with. NULL and *answer, or what is wrong with it, for people.
 */
const char *dhcp_check(const uint8_t *msg, size_t len, uint32_t xid, const uint8_t *mac,
		       struct dhcp_answer *answer);

#endif
