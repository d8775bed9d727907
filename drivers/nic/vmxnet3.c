/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMware's vmxnet3, version 1 of the interface (as VMware's own drivers' headers describe it): one
 * queue each way, whose rings carry a generation bit that changes each time round, so that neither
 * side has to ask a register who owns an entry.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "drivers/nic/nic.h"
#include "drivers/pci.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"

/* BAR 0: what is written at full speed. */
enum { IMR = 0x000, TXPROD = 0x600, RXPROD = 0x800, RXPROD2 = 0xa00 };
/* BAR 1: the rest. */
enum {
	VRRS = 0x00, /* revisions that it knows, a bit each; write: the chosen one */
	UVRS = 0x08, /* likewise of its base */
	DSAL = 0x10,
	DSAH = 0x18,
	CMD = 0x20,
	MACL = 0x28,
	MACH = 0x30,
	ICR = 0x38,
	ECR = 0x40,
};

#define CMD_ACTIVATE 0xcafe0000
#define CMD_QUIESCE  0xcafe0001
#define CMD_RESET    0xcafe0002
#define CMD_RX_MODE  0xcafe0003
#define CMD_GET_LINK 0xf00d0002

/* A piece of a frame to send. */
struct tx_desc {
	uint64_t addr;
	uint32_t len_gen;
	uint32_t flags;
};
#define TX_GEN	     (1u << 14)
#define TX_MSSCOF    18 /* segment size, or where the sum goes */
#define TX_SUM	     (2u << 10)
#define TX_TSO	     (3u << 10)
#define TX_EOP	     (1u << 12)
#define TX_CQ	     (1u << 13) /* completion wanted */
#define TX_PIECE_MAX 8192	/* the field has 14 bits */

/* A buffer to receive into: the start of a frame, or more of it. */
struct rx_desc {
	uint64_t addr;
	uint32_t len_gen;
	uint32_t ext;
};
#define RX_BODY (1u << 14)
#define GEN	(1u << 31)

/* What has become of either. */
struct comp {
	uint32_t index; /* low 12 bits */
	uint32_t hash;
	uint32_t len; /* low 14 bits */
	uint32_t flags;
};
#define INDEX_MASK  0xfff
#define LEN_MASK    0x3fff
#define RXI_EOP	    (1u << 14) /* in index */
#define RXI_SOP	    (1u << 15)
#define RXI_QUEUE   (0x3ffu << 16) /* not 0: of the ring of bodies */
#define RXI_NO_SUMS (1u << 30)
#define RXL_ERROR   (1u << 14) /* in len */
#define RX_L4_OK    (1u << 16) /* in flags */
#define RX_IP_OK    (1u << 19)

struct queue_status {
	uint8_t stopped, pad[3];
	uint32_t error;
};

struct tx_queue {
	uint32_t deferred, threshold;
	uint64_t reserved;
	uint64_t ring, data_ring, comp_ring, driver_data, reserved2;
	uint32_t ring_size, data_size, comp_size, driver_len;
	uint8_t irq, pad[7];
	struct queue_status status;
	uint8_t stats[80], pad2[88];
};

struct rx_queue {
	uint8_t update_prod, pad[7]; /* set: the card wants RXPROD written */
	uint64_t reserved;
	uint64_t ring[2], comp_ring, driver_data, reserved2;
	uint32_t ring_size[2], comp_size, driver_len;
	uint8_t irq, pad2[7];
	struct queue_status status;
	uint8_t stats[80], pad3[88];
};

struct shared {
	uint32_t magic, pad;
	uint32_t driver_version, guest_os, revisions, base_versions;
	uint64_t features, driver_data, queues;
	uint32_t driver_len, queues_len, mtu;
	uint16_t rx_pieces;
	uint8_t tx_queues, rx_queues;
	uint32_t reserved[4];
	uint8_t auto_mask, irqs, event_irq, moderation[25];
	uint32_t irq_control, reserved2[2];
	uint32_t rx_mode;
	uint16_t groups_len, pad2;
	uint64_t groups;
	uint32_t vlans[128];
	uint64_t rss[2], power[2], plugin[2];
	uint32_t events, reserved3[5];
};

_Static_assert(sizeof(struct tx_queue) == 256 && sizeof(struct rx_queue) == 256, "fixed");
_Static_assert(offsetof(struct shared, events) == 696 && sizeof(struct shared) == 720, "fixed");

#define MAGIC		0xbabefee1
#define GUEST_64_LINUX	(2 | 1 << 2) /* 64 bits; takes frames in pieces as Linux does */
#define FEATURE_RX_SUM	1
#define FEATURE_LRO	8
#define MODERATE_ITSELF 8
#define RXM_UNICAST	1
#define RXM_BROADCAST	4
#define RXM_ALL_MULTI	8
#define EVENT_LINK	4

/*
 * Multiples of 32. The bodies hold all that TCP's window allows a home to send at once, in frames
 * whose last buffers are not full: what finds none is lost.
 */
#define TX_RING 256
#define RX_RING 320

enum { HEADS, BODIES };

/* All that the card reads and writes, but for the frames. Rings start at multiples of 512. */
struct area {
	struct tx_desc tx[TX_RING];
	struct comp tx_done[TX_RING];
	struct rx_desc rx[2][RX_RING];
	struct comp rx_done[2 * RX_RING];
	struct tx_queue tx_queue;
	struct rx_queue rx_queue;
	struct shared shared;
};

/* The next entry of a ring, and the generation bit of this time round. */
struct cursor {
	unsigned at;
	uint32_t gen;
};

struct vmxnet3 {
	volatile uint8_t *fast, *regs;
	struct area *area;
	struct cursor tx_put, tx_take, rx_put[2], rx_take;
	unsigned tx_head;		/* oldest that is not reclaimed */
	struct pbuf *tx_frame[TX_RING]; /* at the last descriptor of each frame */
	struct nic_buf *rx_buf[2][RX_RING];
	/* The frame that is arriving. */
	struct nic_buf *parts[NIC_JOINED];
	uint16_t lens[NIC_JOINED];
	unsigned count;
	bool broken; /* a part is missing */
};

static const struct nic_id ids[] = {
	{ 0x15ad, 0x07b0, 0 },
	{ 0, 0, 0 },
};

static void wr(volatile uint8_t *bar, unsigned reg, uint32_t value)
{
	*(volatile uint32_t *)(bar + reg) = value;
}

static uint32_t rd(struct vmxnet3 *v, unsigned reg)
{
	return *(volatile uint32_t *)(v->regs + reg);
}

static uint32_t command(struct vmxnet3 *v, uint32_t cmd)
{
	wr(v->regs, CMD, cmd);
	return rd(v, CMD);
}

static void advance(struct cursor *c, unsigned size, uint32_t gen)
{
	if (++c->at == size) {
		c->at = 0;
		c->gen ^= gen;
	}
}

static void read_link(struct nic *nic, struct vmxnet3 *v)
{
	uint32_t link = command(v, CMD_GET_LINK);

	nic->link = link & 1;
	nic->mbit = link >> 16;
}

/* Hands the card its next buffers of a ring, up to but without the one at `end`. */
static void give_buffers(struct vmxnet3 *v, unsigned ring, unsigned end)
{
	struct cursor *put = &v->rx_put[ring];

	while (put->at != end) {
		struct rx_desc *d = &v->area->rx[ring][put->at];

		d->addr = v->rx_buf[ring][put->at]->phys;
		__atomic_store_n(&d->len_gen, NIC_BUF_ROOM | (ring ? RX_BODY : 0) | put->gen,
				 __ATOMIC_RELEASE);
		advance(put, RX_RING, GEN);
	}
}

static void free_area(struct vmxnet3 *v)
{
	for (unsigned i = 0; i < 2 * RX_RING; i++)
		if (v->rx_buf[i / RX_RING][i % RX_RING])
			nic_buf_free(v->rx_buf[i / RX_RING][i % RX_RING]);
	while (v->count)
		nic_buf_free(v->parts[--v->count]);
	if (v->area)
		page_put(virt_page(v->area));
}

static int alloc_area(struct vmxnet3 *v)
{
	unsigned order = 0;
	struct page *page;

	while (PAGE_SIZE << order < sizeof(*v->area))
		order++;
	page = page_alloc_low(order);
	if (!page)
		return -ENOMEM;
	v->area = page_virt(page);
	memset(v->area, 0, sizeof(*v->area));
	for (unsigned i = 0; i < 2 * RX_RING; i++) {
		struct nic_buf *buf = nic_buf_alloc();

		if (!buf)
			return -ENOMEM;
		v->rx_buf[i / RX_RING][i % RX_RING] = buf;
	}
	v->tx_put.gen = TX_GEN;
	v->tx_take.gen = v->rx_take.gen = v->rx_put[HEADS].gen = v->rx_put[BODIES].gen = GEN;
	/* One is always kept back: else the whole ring given and none given would look alike. */
	give_buffers(v, HEADS, RX_RING - 1);
	give_buffers(v, BODIES, RX_RING - 1);
	return 0;
}

static void describe(struct vmxnet3 *v, unsigned mtu)
{
	struct area *a = v->area;

	a->tx_queue.ring = virt_phys(a->tx);
	a->tx_queue.ring_size = TX_RING;
	a->tx_queue.comp_ring = virt_phys(a->tx_done);
	a->tx_queue.comp_size = TX_RING;
	a->rx_queue.ring[HEADS] = virt_phys(a->rx[HEADS]);
	a->rx_queue.ring[BODIES] = virt_phys(a->rx[BODIES]);
	a->rx_queue.ring_size[HEADS] = a->rx_queue.ring_size[BODIES] = RX_RING;
	a->rx_queue.comp_ring = virt_phys(a->rx_done);
	a->rx_queue.comp_size = 2 * RX_RING;
	a->shared.magic = MAGIC;
	a->shared.driver_version = 1;
	a->shared.guest_os = GUEST_64_LINUX;
	a->shared.revisions = 1;
	a->shared.base_versions = 1;
	a->shared.features = FEATURE_RX_SUM | FEATURE_LRO;
	a->shared.queues = virt_phys(&a->tx_queue);
	a->shared.queues_len = sizeof(a->tx_queue) + sizeof(a->rx_queue);
	a->shared.mtu = mtu;
	a->shared.rx_pieces = NIC_JOINED;
	a->shared.tx_queues = a->shared.rx_queues = 1;
	a->shared.irqs = 1;
	a->shared.moderation[0] = MODERATE_ITSELF;
	a->shared.rx_mode = RXM_UNICAST | RXM_BROADCAST | RXM_ALL_MULTI;
}

static void stop(struct vmxnet3 *v)
{
	wr(v->fast, IMR, 1);
	command(v, CMD_QUIESCE);
	command(v, CMD_RESET);
}

static int start(struct vmxnet3 *v)
{
	uint64_t shared = virt_phys(&v->area->shared);

	wr(v->regs, DSAL, shared);
	wr(v->regs, DSAH, shared >> 32);
	if (command(v, CMD_ACTIVATE))
		return -EIO;
	wr(v->fast, RXPROD, v->rx_put[HEADS].at);
	wr(v->fast, RXPROD2, v->rx_put[BODIES].at);
	wr(v->regs, CMD, CMD_RX_MODE);
	return 0;
}

static int vmxnet3_open(struct nic *nic)
{
	struct vmxnet3 *v = kzalloc(sizeof(*v));
	uint32_t low, high;
	int err;

	if (!v)
		return -ENOMEM;
	err = -EIO;
	v->fast = pci_map_bar(nic->pci, 0);
	v->regs = pci_map_bar(nic->pci, 1);
	if (!v->fast || !v->regs)
		goto fail;
	pci_enable(nic->pci);
	if (!(rd(v, VRRS) & 1) || !(rd(v, UVRS) & 1))
		goto fail_disable;
	wr(v->regs, VRRS, 1);
	wr(v->regs, UVRS, 1);
	stop(v);
	low = rd(v, MACL);
	high = rd(v, MACH);
	memcpy(nic->mac, &low, 4);
	memcpy(nic->mac + 4, &high, 2);
	err = alloc_area(v);
	if (err)
		goto fail_area;
	describe(v, nic->mtu);
	err = start(v);
	if (err)
		goto fail_area;
	nic->priv = v;
	nic->features = NIC_TX_SUM | NIC_TSO;
	read_link(nic, v);
	return 0;

fail_area:
	stop(v);
	free_area(v);
fail_disable:
	pci_disable(nic->pci);
fail:
	kfree(v);
	return err;
}

static void vmxnet3_close(struct nic *nic)
{
	struct vmxnet3 *v = nic->priv;

	nic->priv = NULL;
	stop(v);
	pci_disable(nic->pci);
	for (unsigned i = 0; i < TX_RING; i++)
		if (v->tx_frame[i])
			nic_sent(nic, v->tx_frame[i]);
	free_area(v);
	kfree(v);
}

/* The next completion, if the card has written it. */
static const struct comp *completed(const struct comp *ring, const struct cursor *c)
{
	uint32_t flags = __atomic_load_n(&ring[c->at].flags, __ATOMIC_ACQUIRE);

	return (flags & GEN) == c->gen ? &ring[c->at] : NULL;
}

static void reclaim(struct nic *nic, struct vmxnet3 *v)
{
	const struct comp *c;

	while ((c = completed(v->area->tx_done, &v->tx_take))) {
		unsigned last = c->index & INDEX_MASK;

		advance(&v->tx_take, TX_RING, GEN);
		if (last >= TX_RING || !v->tx_frame[last])
			continue;
		nic_sent(nic, v->tx_frame[last]);
		v->tx_frame[last] = NULL;
		v->tx_head = (last + 1) % TX_RING;
	}
}

static bool vmxnet3_transmit(struct nic *nic, struct pbuf *frame, const struct nic_offload *off)
{
	struct vmxnet3 *v = nic->priv;
	struct tx_desc *first = &v->area->tx[v->tx_put.at], *d = first;
	unsigned need = pbuf_clen(frame) + frame->tot_len / TX_PIECE_MAX, last = v->tx_put.at;
	uint32_t first_gen = v->tx_put.gen;

	/* One always stays free: head == put means empty. */
	if ((v->tx_head - v->tx_put.at - 1) % TX_RING < need) {
		reclaim(nic, v);
		if ((v->tx_head - v->tx_put.at - 1) % TX_RING < need)
			return false;
	}
	for (const struct pbuf *p = frame; p; p = p->next) {
		for (unsigned at = 0, len; at < p->len; at += len) {
			len = p->len - at < TX_PIECE_MAX ? p->len - at : TX_PIECE_MAX;
			last = v->tx_put.at;
			d = &v->area->tx[last];
			d->addr = virt_phys(p->payload) + at;
			d->flags = 0;
			/* The card begins when the first one is its own: that comes last. */
			d->len_gen = len | (d == first ? first_gen ^ TX_GEN : v->tx_put.gen);
			advance(&v->tx_put, TX_RING, TX_GEN);
		}
	}
	d->flags = TX_EOP | TX_CQ;
	if (off->mss) {
		first->flags |= off->payload | TX_TSO;
		first->len_gen |= (uint32_t)off->mss << TX_MSSCOF;
	} else if (off->l4) {
		first->flags |= off->l4 | TX_SUM;
		first->len_gen |= (uint32_t)off->l4_sum << TX_MSSCOF;
	}
	v->tx_frame[last] = frame;
	__atomic_store_n(&first->len_gen, first->len_gen ^ TX_GEN, __ATOMIC_RELEASE);
	nic->tx_waiting = true;
	return true;
}

/* Takes the completed buffer out, puts a fresh one in and adds the full one to what is arriving. */
static void add_part(struct nic *nic, struct vmxnet3 *v, const struct comp *c)
{
	unsigned i = c->index & INDEX_MASK, ring = c->index & RXI_QUEUE ? BODIES : HEADS;
	unsigned len = c->len & LEN_MASK;
	struct nic_buf *fresh;

	if (i >= RX_RING || len > NIC_BUF_ROOM || c->len & RXL_ERROR || v->count == NIC_JOINED) {
		v->broken = true;
	} else if (!v->broken) {
		fresh = nic_buf_alloc();
		if (fresh) {
			v->parts[v->count] = v->rx_buf[ring][i];
			v->lens[v->count++] = len;
			v->rx_buf[ring][i] = fresh;
		} else {
			nic->stats.rx_dropped++;
			v->broken = true;
		}
	}
	if (i < RX_RING)
		give_buffers(v, ring, i);
}

static void drop_parts(struct vmxnet3 *v)
{
	while (v->count)
		nic_buf_free(v->parts[--v->count]);
	v->broken = false;
}

static void receive_one(struct nic *nic, struct vmxnet3 *v, const struct comp *c)
{
	bool sums_ok = !(c->index & RXI_NO_SUMS) && c->flags & RX_L4_OK && c->flags & RX_IP_OK;

	if (c->index & RXI_SOP)
		drop_parts(v);
	add_part(nic, v, c);
	if (!(c->index & RXI_EOP))
		return;
	if (v->broken || !v->count || (v->count > 1 && !sums_ok)) {
		nic->stats.rx_errors++;
		drop_parts(v);
		return;
	}
	if (v->count == 1)
		nic_receive(nic, v->parts[0], v->lens[0], sums_ok);
	else
		nic_receive_joined(nic, v->parts, v->lens, v->count, 0);
	v->count = 0;
}

static unsigned vmxnet3_poll(struct nic *nic, unsigned budget)
{
	struct vmxnet3 *v = nic->priv;
	volatile struct area *a = v->area;
	const struct comp *c;
	uint32_t events;
	unsigned done = 0;

	for (; done < budget && (c = completed(v->area->rx_done, &v->rx_take)); done++) {
		receive_one(nic, v, c);
		advance(&v->rx_take, 2 * RX_RING, GEN);
	}
	if (done && a->rx_queue.update_prod) {
		wr(v->fast, RXPROD, v->rx_put[HEADS].at);
		wr(v->fast, RXPROD2, v->rx_put[BODIES].at);
	}
	if (nic->tx_waiting) {
		nic->tx_waiting = false;
		wr(v->fast, TXPROD, v->tx_put.at);
	}
	reclaim(nic, v);
	events = a->shared.events;
	if (events) {
		wr(v->regs, ECR, events);
		if (events & EVENT_LINK)
			read_link(nic, v);
	}
	return done;
}

static bool vmxnet3_irq(struct nic *nic, enum nic_irq what)
{
	struct vmxnet3 *v = nic->priv;

	switch (what) {
	case NIC_IRQ_ACK:
		return rd(v, ICR); /* reading clears it */
	case NIC_IRQ_MASK:
		wr(v->fast, IMR, 1);
		break;
	case NIC_IRQ_UNMASK:
		wr(v->fast, IMR, 0);
		break;
	}
	return true;
}

const struct nic_driver nic_vmxnet3 = {
	.name = "vmxnet3",
	.ids = ids,
	.open = vmxnet3_open,
	.close = vmxnet3_close,
	.transmit = vmxnet3_transmit,
	.poll = vmxnet3_poll,
	.irq = vmxnet3_irq,
};
