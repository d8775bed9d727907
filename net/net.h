/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network: one kernel thread that owns lwIP, the cards and everything in net/. Others reach it
 * by net_call() and net_post(), and by the transport's own functions. net_init() (kernel/init.h)
 * starts it; it then finds the cards, gets an address and announces the node on its own.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/list.h"

/* Runs fn on the network thread and waits for its end. Thread context, the network thread's too. */
void net_call(void (*fn)(void *arg), void *arg);

/* Something for the network thread to do soon. Zeroed at first; the memory is the poster's. */
struct net_work {
	struct list_head link;
	bool queued;
	void (*fn)(struct net_work *work);
};

/* Queues work; false if it is queued already. It may be queued again once fn runs. Any context. */
bool net_post(struct net_work *work);

/*
 * Before the machine goes down: says goodbye to all homes and stops the cards, which would
 * otherwise go on writing into memory. Thread context; nothing can be sent afterwards.
 */
void net_shutdown(void);

/* Is this the network thread? */
bool net_is_owner(void);

/* What the status screen shows; text is cut to fit. Thread context: it asks the network thread. */
struct net_status {
	char name[32];	  /* of the node */
	char card[48];	  /* "e1000 52:54:00:12:34:56", or why there is none */
	char address[24]; /* "10.0.0.2/24", or "" */
	char state[64];	  /* "link down", "asking for an address (DHCP), 12 s", "static", "DHCP" */
	bool link;
	unsigned sessions;
	uint64_t rx_bytes, tx_bytes;
};
void net_get_status(struct net_status *status);

#endif
