/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the status screen shows about the network. */
#include <stdio.h>
#include <string.h>

#include "net/announce.h"
#include "net/internal.h"

static void collect(void *arg)
{
	struct net_status *status = arg;
	const struct nic *nic = net_nic ? net_nic : net_nic_count ? net_nics[0] : NULL;

	snprintf(status->name, sizeof(status->name), "%s", announce_name());
	status->sessions = transport_sessions();
	if (!nic) {
		snprintf(status->card, sizeof(status->card), "none that we can drive");
		return;
	}
	snprintf(status->card, sizeof(status->card), "%s %02x:%02x:%02x:%02x:%02x:%02x",
		 nic->driver->name, nic->mac[0], nic->mac[1], nic->mac[2], nic->mac[3], nic->mac[4],
		 nic->mac[5]);
	status->link = nic->link;
	status->rx_bytes = nic->stats.rx_bytes;
	status->tx_bytes = nic->stats.tx_bytes;
	if (net_nic)
		ifconfig_status(status);
	else
		snprintf(status->state, sizeof(status->state), "no cable: no card has a link");
}

void net_get_status(struct net_status *status)
{
	memset(status, 0, sizeof(*status));
	net_call(collect, status);
}
