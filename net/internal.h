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

/* cards.c: all cards. */
#define NET_MAX_NICS 8
extern struct nic *net_nics[NET_MAX_NICS];
extern unsigned net_nic_count;

void netif_find_cards(void);
void netif_close_cards(void); /* no DMA and no network afterwards */
bool netif_poll_cards(void);  /* true if there may be more to do at once */
bool netif_irqs_arrive(void); /* false: the cards must be looked at by the clock */
void netif_unmask_irqs(void);
bool netif_irq_pending(void); /* any context */
void cards_watch(void);	      /* resets those that are stuck, closes those that are gone */
void cards_warn(struct net_status *status);

/* choose.c: which card is used. */
void choose_start(void);
void choose_soon(void);	  /* a link or an address has changed: have another look, not right here */
void choose_if_due(void); /* outside of lwIP */
void choose_hear(struct nic *nic, const uint8_t *frame, unsigned len); /* on any card */
void choose_warn(struct net_status *status);

/* netif.c: the card in use. */
extern struct nic *net_nic;    /* NULL before any has a link */
extern struct netif net_netif; /* lwIP's view of it; only while there is one */

void netif_attach(struct nic *nic);
void netif_detach(void);
void netif_follow_link(void);
void netif_drain(void);	   /* gives queued frames to the card */
bool netif_tx_stuck(void); /* frames wait for room in the card's ring */
/* Sends one small frame on any card, without lwIP; pads it. It may get lost. */
void netif_send_raw(struct nic *nic, const void *frame, unsigned len);

/* gro.c: joins segments that arrive together. Takes the frame. */
void gro_receive(struct pbuf *frame, struct netif *netif);
void gro_flush(void);

/* ifconfig.c: the address. */
void ifconfig_init(void);
void ifconfig_start(void); /* for the card in use */
void ifconfig_stop(void);
void ifconfig_link_changed(void);
void ifconfig_status(struct net_status *status);
bool ifconfig_is_static(void);
bool ifconfig_is_near(const uint8_t *frame, unsigned len); /* from somebody in our network? */
void ifconfig_ask_gateway(struct nic *nic);		   /* by ARP: is somebody there? */
bool address_is_usable(const ip4_addr_t *ip);		   /* by one machine */

/* conflict.c: is our address ours alone? */
struct conflict_ops {
	void (*is_free)(void);	/* may be used from now on */
	void (*is_taken)(void); /* not any more; is_free() follows once it is */
};
void conflict_watch(const ip4_addr_t *ip, const struct conflict_ops *ops);
void conflict_hold(const ip4_addr_t *ip); /* it was checked: only defend it */
void conflict_stop(void);
bool conflict_see(const uint8_t *frame, unsigned len); /* an ARP packet; false: not for lwIP */
void conflict_warn(struct net_status *status);
/* Who has target? From sender, 0 for a mere probe. */
void conflict_send_arp(struct nic *nic, const ip4_addr_t *sender, const ip4_addr_t *target);

/* lease.c: the address from DHCP. */
void lease_start(void);
void lease_stop(void);
void lease_begins(void);			    /* lwIP has an address */
bool lease_see(const uint8_t *frame, unsigned len); /* a DHCP answer; false: not for lwIP */
void lease_status(struct net_status *status);

/* change.c */
void sessions_end_then(const char *why, void (*then)(void));

/* announce.c */
void announce_start(void);
void announce_now(void);     /* the address has changed */
void announce_stopped(void); /* the address will be gone: says goodbye, until announce_now() */

/* neighbours.c */
void neighbours_hear(const void *bytes, unsigned len, const ip4_addr_t *from);

/* status.c: one more thing that is wrong. */
void net_warn(struct net_status *status, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* transport.c */
unsigned transport_sessions(void);
void transport_refuse_all(const char *why);
void transport_close(const char *why); /* the same, and for good */
bool transport_quiet(void); /* the peers have acknowledged all that was to be sent */

/* bench.c; nothing without CONFIG_BENCH */
void bench_start(void);

/* Time in ms since kernel entry. */
static inline uint64_t net_ms_since_entry(void)
{
	return clock_now_ns() / NSEC_PER_MSEC;
}

#endif
