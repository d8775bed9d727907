/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio cards on PCI (Virtual I/O Device Specification 1.2, "VIO"): their registers, modern ones
 * where capabilities say and legacy ones at ports, and their split virtqueues.
 *
 * Every kick and every interrupt costs an exit from the virtual machine, so both sides say in
 * memory whether they want to be told.
 *
 * Nothing here has a lock; virtio_ack() and virtq_arm() may run in an interrupt beside the rest.
 */
#ifndef DRIVERS_VIRTIO_H
#define DRIVERS_VIRTIO_H

#include <stdbool.h>
#include <stdint.h>

struct page;
struct pci_dev;

/* VIO 6. */
#define VIRTIO_F_EVENT_IDX (1ull << 29)
#define VIRTIO_F_VERSION_1 (1ull << 32)

/* VIO 2.7.5: a piece of memory, or several by NEXT. */
struct virtq_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};
#define VIRTQ_NEXT  1
#define VIRTQ_WRITE 2 /* the card writes there */

struct virtq_avail {
	uint16_t flags, idx, ring[];
};

struct virtq_used {
	uint16_t flags, idx;
	struct {
		uint32_t id; /* the chain's first descriptor, if the card is right: check it */
		uint32_t len;
	} ring[];
};

struct virtq {
	struct page *mem;
	struct virtq_desc *desc; /* the driver fills in whole chains */
	struct virtq_avail *avail;
	const struct virtq_used *used;
	volatile uint16_t *notify; /* NULL: by port */
	uint16_t number;
	uint16_t size;	     /* descriptors; a power of two */
	uint16_t avail_idx;  /* next to be given to the card */
	uint16_t kicked_idx; /* avail_idx when it was last looked whether to kick */
	uint16_t used_idx;   /* next to be taken back; the driver advances it */
};

struct virtio {
	volatile struct virtio_common *common; /* NULL: a legacy card */
	volatile uint8_t *isr, *device, *notify;
	uint32_t notify_size, notify_multiplier;
	uint16_t io;
	uint64_t features; /* agreed on */
};

enum { VIRTIO_ACK_CONFIG = 2 };

/* Finds the registers and resets the card. May sleep. 0 or a negative errno. */
int virtio_open(struct virtio *v, const struct pci_dev *pci);

/* Stops all DMA. May sleep. */
int virtio_reset(struct virtio *v);

/* The features that the reset card offers. */
uint64_t virtio_offers(struct virtio *v);

/*
 * Agrees on those of the wanted features that the card offers (v->features), EVENT_IDX and
 * VERSION_1 besides. 0 or a negative errno.
 */
int virtio_negotiate(struct virtio *v, uint64_t want);

/* A byte of the device's own configuration. */
uint8_t virtio_config(struct virtio *v, unsigned at);

/*
 * Makes a queue, of at most max descriptors where the card lets us choose. 0 or a negative errno;
 * virtq_free() is right in any case, once the card is reset.
 */
int virtq_make(struct virtio *v, struct virtq *q, unsigned number, unsigned max);
void virtq_free(struct virtq *q);

/* All queues are there: go. */
void virtio_start(struct virtio *v);

/* Why it interrupts, 0: not this card; VIRTIO_ACK_CONFIG: the configuration has changed. */
uint8_t virtio_ack(struct virtio *v);

/* Gives the card a chain; it may find it by itself, or at the next virtq_kick(). */
void virtq_give(struct virtq *q, uint16_t head);

/* Tells the card of what it was given since the last time, if it wants to know. */
void virtq_kick(struct virtio *v, struct virtq *q);

/* Used chains that the driver has not looked at. */
unsigned virtq_used(const struct virtq *q);

/* Whether the next used chain is to interrupt. True: there are some already, so it may not. */
bool virtq_arm(struct virtio *v, struct virtq *q, bool on);

#endif
