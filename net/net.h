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
 * Before the machine goes down: lets homes have what was sent to them, says goodbye to all, with the reason,
 * and stops the cards, which would otherwise go on writing into memory. Takes some seconds where a home
 * does not answer. Thread context, not the network thread; nothing can be sent afterwards.
 */
void net_shutdown(const char *why);

/* Is this the network thread? */
bool net_is_owner(void);

/*
 * Changes while the node runs. They hold until the next start; settings_change() is what remembers
 * them (kernel/settings.h). Thread context.
 *
 * A new address or card ends the sessions with homes, with a reason and within 3 s, and takes effect
 * then; guests are lost with their session, so send them home first. The node says goodbye and
 * announces itself anew.
 */
int net_set_address(const char *text); /* "10.0.0.2/24" or "dhcp"; 0 or -EINVAL */
int net_set_gateway(const char *text); /* NULL: none; 0 or -EINVAL; ends no session */
int net_set_name(const char *name);    /* NULL: made from the card's address; 0 or -EINVAL */
/* "eth1"; NULL or "auto": the first that works. 0; -EINVAL; -ENODEV: not there, or dead. */
int net_choose_card(const char *name);

#define NET_WARNINGS 6

/* What the status screen shows; text is cut to fit. Thread context: it asks the network thread. */
struct net_status {
	char name[32];	  /* of the node */
	char card[48];	  /* "e1000 52:54:00:12:34:56", or why there is none */
	char address[24]; /* "10.0.0.2/24", or "" */
	char state[64];	  /* "link down", "asking for an address (DHCP), 12 s", "static", "DHCP" */
	bool link;
	unsigned sessions;
	uint64_t rx_bytes, tx_bytes;
	unsigned warnings;		 /* what is wrong now, the worst first */
	char warning[NET_WARNINGS][112]; /* "10.0.0.2 is used by 52:54:...", "no DHCP server ..." */
};
void net_get_status(struct net_status *status);

struct net_card_status {
	char name[8]; /* eth0 */
	char driver[16];
	char place[16];	  /* "00:03.0" on PCI, "port 300" */
	char problem[64]; /* "" or e.g. "had stopped working and was reset 1 time" */
	uint8_t mac[6];
	bool in_use, works, link;
	uint32_t mbit; /* of the link; 0: unknown */
	unsigned resets;
	uint64_t rx_frames, rx_bytes, rx_errors, rx_dropped, rx_overruns;
	uint64_t tx_frames, tx_bytes, tx_full, irqs;
};

/* All cards that have a driver; returns how many there are, at most max. Thread context. */
unsigned net_get_cards(struct net_card_status *cards, unsigned max);

/* Another node that was heard on the network. */
struct net_neighbour {
	char name[32];
	char address[24]; /* "10.0.0.3", with ":port" if that is not MUSTER_PORT */
	bool closed;	  /* takes no guests */
	unsigned cpus, mhz, speed;
	unsigned load; /* runnable threads x 100 */
	unsigned guests;
	uint64_t mem_total, mem_free; /* bytes */
	unsigned age_ms;	      /* since it was heard last */
};

/* Those heard within the last seconds, by name; returns how many, at most max. Thread context. */
unsigned net_get_neighbours(struct net_neighbour *neighbours, unsigned max);

#endif
