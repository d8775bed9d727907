/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of net/ share. All of it runs on the network thread unless said otherwise. */
#ifndef NET_INTERNAL_H
#define NET_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/nic/nic.h"
#include "kernel/time/clock.h"
#include "lwip/netif.h"
#include "net/net.h"

/* netif.c: the cards. */
#define NET_MAX_NICS 8
extern struct nic *net_nics[NET_MAX_NICS];
extern unsigned net_nic_count;
extern struct nic *net_nic;    /* the one in use; NULL before any has a link */
extern struct netif net_netif; /* lwIP's view of it */

void netif_find_cards(void);
void netif_close_cards(void); /* no DMA and no network afterwards */
bool netif_poll_cards(void);  /* true if there may be more to do at once */
bool netif_irqs_arrive(void); /* false: the cards must be looked at by the clock */
void netif_unmask_irqs(void);
bool netif_irq_pending(void); /* any context */
bool netif_tx_stuck(void);    /* frames wait for room in the card's ring */

/* gro.c: joins segments that arrive together. Takes the frame. */
void gro_receive(struct pbuf *frame, struct netif *netif);
void gro_flush(void);

/* ifconfig.c */
void ifconfig_start(void);
void ifconfig_link_changed(bool up);
void ifconfig_status(struct net_status *status);

/* announce.c */
void announce_start(void);
void announce_now(void); /* the address has changed */

/* transport.c */
unsigned transport_sessions(void);

/* bench.c; nothing without CONFIG_BENCH */
void bench_start(void);

/* Time in ms since kernel entry. */
static inline uint64_t net_ms_since_entry(void)
{
	return clock_now_ns() / NSEC_PER_MSEC;
}

#endif
