/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a network card's driver is: five operations, and one line in drivers/nic/drivers.c.
 *
 * The network thread calls all of them, one at a time, so a driver needs no lock. The one
 * exception is irq(NIC_IRQ_ACK), which the interrupt handler calls at any moment, on any CPU.
 *
 * Frames are lwIP's pbufs. Received ones live in a struct nic_buf, which the card writes to
 * directly, or the driver by nic_receive_copy(); sent ones are chains whose parts the card reads
 * where they lie.
 */
#ifndef DRIVERS_NIC_NIC_H
#define DRIVERS_NIC_NIC_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/sync/spinlock.h"
#include "lwip/pbuf.h"

struct nic;
struct pci_dev;

#define NIC_FRAME_MAX 1522 /* bytes: header, VLAN tag, 1500, FCS */
#define NIC_BUF_LEAD  16   /* bytes before a nic_buf's data that a card may write its own header to */
#define NIC_BUF_ROOM  1966 /* bytes from data on */
#define NIC_JOINED    40   /* buffers of one joined frame at most */
#define NIC_FRAME_MIN 60   /* bytes without FCS: a shorter one is padded */

/*
 * A frame's home while it arrives: below 4 GB, physically contiguous. The driver of a card that can
 * write only elsewhere moves data (not phys) down, by up to NIC_BUF_LEAD.
 */
struct nic_buf {
	struct pbuf_custom pbuf; /* what the stack sees; set up by nic_receive() */
	struct nic_buf *next;	 /* in the pool of free ones */
	uint64_t phys;		 /* of data */
	uint8_t *data;		 /* NIC_BUF_ROOM bytes; 2 mod 16, which aligns the IP header */
};

/* What the card must compute for a frame; 0 means nothing. Offsets count from the frame's start. */
struct nic_offload {
	uint16_t l4;	  /* where the TCP or UDP header starts */
	uint16_t l4_sum;  /* where its sum goes; holds the pseudo header's sum */
	uint16_t payload; /* where the data starts */
	uint16_t mss;	  /* not 0: cut into segments of so many bytes of data (TCP) */
};

enum nic_irq {
	NIC_IRQ_ACK,	/* acknowledge; true if this card was the cause */
	NIC_IRQ_MASK,	/* no more interrupts from now on */
	NIC_IRQ_UNMASK, /* interrupts again, at once if something has happened meanwhile */
};

struct nic_id {
	uint16_t vendor, device;
	uint32_t flags; /* the driver's own */
};

struct nic_driver {
	const char *name;
	const struct nic_id *ids; /* of PCI cards, ends with vendor 0; NULL: there are none */

	/*
	 * For cards that no bus lists (ISA): looks at the n-th place where one may be. 1 if it is
	 * there, with nic's io and line set; 0 if not; negative if there is no n-th place. May
	 * sleep. NULL: there are no such cards.
	 */
	int (*look)(struct nic *nic, unsigned n);

	/*
	 * Resets the card and starts it; sets mac, link, features, pieces and priv. 0 or a negative
	 * errno, then everything is as before; -ENODEV: another driver knows this one of my ids
	 * better. The receive ring is filled with nic_buf_alloc(). May sleep; may be called again
	 * after close().
	 */
	int (*open)(struct nic *nic);

	/* Stops the card: no DMA afterwards. Frees the ring's buffers and priv. */
	void (*close)(struct nic *nic);

	/*
	 * Puts a frame into the ring. The card owns the frame until nic_sent(); the card may learn
	 * of it only at the next poll(). False if the ring is full: the caller keeps the frame.
	 */
	bool (*transmit)(struct nic *nic, struct pbuf *frame, const struct nic_offload *off);

	/*
	 * Hands up to budget received frames to nic_receive(), which owns their buffers from then
	 * on; gives sent ones back by nic_sent(); updates link; starts what transmit() queued.
	 * Returns the number of frames received.
	 */
	unsigned (*poll)(struct nic *nic, unsigned budget);

	bool (*irq)(struct nic *nic, enum nic_irq what);
};

enum nic_features {
	NIC_TX_SUM = 1, /* obeys nic_offload.l4 */
	NIC_TSO = 2,	/* obeys nic_offload.mss */
	NIC_DMA32 = 4,	/* reads only what lies below 4 GB: other frames come as a copy */
	NIC_TSO_IP = 8, /* wants frames to cut with IP length and sums as of one packet, not with 0 */
};

struct nic_stats {
	uint64_t rx_frames, rx_bytes, rx_errors, rx_dropped, rx_overruns;
	uint64_t tx_frames, tx_bytes, tx_full;
	uint64_t irqs;
};

/* On its wire: anything, and somebody with an address of our network? */
enum nic_heard { HEARD_NOTHING, HEARD_ANY, HEARD_NEAR };

/* Is the card alive? What goes into its ring must come out again. */
struct nic_watch {
	unsigned out;	       /* frames in the ring */
	uint64_t returned;     /* frames that came out of it */
	uint64_t seen;	       /* `returned` when it was last looked at */
	uint64_t moved_ms;     /* when it had moved, or had nothing to do */
	uint64_t reset_ms;     /* when it was reset last */
	unsigned resets;
};

#define NIC_PIECES 32 /* of one frame, if the driver says nothing else */

struct nic {
	const struct nic_driver *driver;
	const struct nic_id *id;   /* NULL: not a PCI card */
	const struct pci_dev *pci; /* likewise */
	uint16_t io;		   /* first port, if it has ports */
	uint8_t line;		   /* interrupt line, 255 if there is none */
	char place[16];		   /* "00:03.0" or "port 300", for people */
	void *priv;		   /* the driver's */
	unsigned index;		   /* names it: eth0, ... */
	uint8_t mac[6];
	uint16_t mtu;	   /* 1500 */
	uint16_t pieces;   /* transmit() gets frames of at most so many parts; NIC_PIECES */
	uint32_t features; /* enum nic_features */
	uint32_t window;   /* bytes a TCP peer may send at once, so that none are lost; 0: any */
	bool link;
	uint32_t mbit;	 /* of the link, 0 if unknown */
	bool tx_waiting; /* frames queued since the card was last told */
	volatile bool irq_pending;
	volatile bool irq_masked;
	struct nic_stats stats;

	/* net/cards.c's; no driver looks at it. */
	spinlock_t irq_lock; /* guards running: no interrupt may meet a card that is closed */
	bool running;	     /* open */
	enum nic_heard heard;
	char problem[64]; /* for people: why it is not used, or what was done to it last */
	struct nic_watch watch;
};

/* The table of drivers, ends with NULL. */
extern const struct nic_driver *const nic_drivers[];

/* A receive buffer, NULL when memory is out. */
struct nic_buf *nic_buf_alloc(void);
void nic_buf_free(struct nic_buf *buf);

/* A frame of len bytes (without FCS) has arrived; takes buf. sums_ok: the card checked its sums. */
void nic_receive(struct nic *nic, struct nic_buf *buf, unsigned len, bool sums_ok);

/* A frame that the driver has in a place of its own: the same with a copy. len may be anything. */
void nic_receive_copy(struct nic *nic, const void *frame, unsigned len, bool sums_ok);

/*
 * Segments of one connection that the card has joined into a frame of several buffers, whose sums
 * it vouches for. The frame begins at the first one's data; in the others it goes on from `lead`
 * bytes before data. lens: bytes of the frame in each. 2 to NIC_JOINED buffers; takes them all.
 */
void nic_receive_joined(struct nic *nic, struct nic_buf *const bufs[], const uint16_t lens[],
			unsigned n, unsigned lead);

/* The card is done with a frame that transmit() took. */
void nic_sent(struct nic *nic, struct pbuf *frame);

#endif
