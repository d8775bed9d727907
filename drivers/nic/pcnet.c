/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AMD's PCnet-PCI family: Am79C970, 970A, 971 to 973, 975, 976, 978 (Am79C970A data sheet, "DS"
 * below, by its register names). VMware, VirtualBox and QEMU have it, too.
 *
 * All use the descriptors of software style 2 and 32-bit access to the registers. CSRs and BCRs are
 * reached by an index, RAP; it stays at CSR0 but for moments under the lock, so that the interrupt
 * handler needs one access less.
 */
#include <errno.h>
#include <string.h>

#include "drivers/nic/mii.h"
#include "drivers/nic/nic.h"
#include "drivers/pci.h"
#include "kernel/cpu/x86.h"
#include "kernel/kprintf.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"
#include "kernel/proc/thread.h"
#include "kernel/sync/spinlock.h"
#include "kernel/time/clock.h"

/* Ports, after the first change to 32-bit access; before it the reset is elsewhere. */
enum { APROM = 0x00, RDP = 0x10, RAP = 0x14, RESET = 0x18, BDP = 0x1c, RESET16 = 0x14 };

#define CSR0_INIT   0x0001
#define CSR0_STRT   0x0002
#define CSR0_STOP   0x0004
#define CSR0_TDMD   0x0008 /* look at the transmit ring now */
#define CSR0_TXON   0x0010
#define CSR0_RXON   0x0020
#define CSR0_INEA   0x0040
#define CSR0_INTR   0x0080
#define CSR0_IDON   0x0100
#define CSR0_TINT   0x0200
#define CSR0_RINT   0x0400
#define CSR0_MISS   0x1000
#define CSR0_EVENTS 0x7f00 /* are cleared by writing them */

/* DXSUFLO: the transmitter goes on after an underflow. Frames sent are not worth an interrupt. */
#define CSR3_VALUE (0x0040 | CSR0_TINT | CSR0_IDON)
/* DPOLL: no looking at the transmit ring by the clock; APAD_XMT; no interrupts of counters. */
#define CSR4_VALUE (0x1000 | 0x0800 | 0x0115)

#define CSR_PADR    12 /* three words: the address */
#define CSR_CHIP_ID 88 /* and 89 */

#define BCR_LINK     4
#define BCR_LINK_UP  0x8000
#define BCR_STYLE    20
#define BCR_MII_ADDR 33
#define BCR_MII_DATA 34
#define FIRST_MII    0x2623 /* Am79C971 */

/* Software style 2 (DS, RMD and TMD): a piece of a frame. Aligned to 16. */
struct desc {
	uint32_t addr;
	uint32_t flags; /* and, in the low half, minus the bytes of the buffer */
	uint32_t count; /* received: bytes of the frame with FCS */
	uint32_t unused;
};
#define DESC_OWN  0x80000000 /* by the card */
#define DESC_ERR  0x40000000
#define DESC_STP  0x02000000 /* first piece */
#define DESC_ENP  0x01000000 /* last piece */
#define DESC_BCNT 0x00000fff
#define FCS	  4

struct init_block {
	uint16_t mode;
	uint8_t rx_len, tx_len; /* binary logarithms, in the high half */
	uint8_t mac[8];
	uint32_t filter[2]; /* multicast, by a hash */
	uint32_t rx_ring, tx_ring;
};

/* QEMU's card drops what it finds no place for: here is one for each segment of TCP's window. */
#define RX_BITS 9
#define TX_BITS 8
#define RX_RING (1 << RX_BITS)
#define TX_RING (1 << TX_BITS)

/* What the card reads and writes besides frames. */
struct shared {
	struct desc rx[RX_RING];
	struct desc tx[TX_RING];
	struct init_block init;
};
#define SHARED_ORDER 2
_Static_assert(sizeof(struct shared) <= PAGE_SIZE << SHARED_ORDER, "the rings must fit");

#define CHECK_INTERVAL_NS (NSEC_PER_SEC / 2)

struct pcnet {
	uint16_t io;
	spinlock_t lock; /* of RAP and irq_on; taken by the interrupt handler */
	bool irq_on;	 /* what INEA is to be: every write to CSR0 sets it */
	bool exhausted;	 /* the receive ring was full at least once */
	uint8_t phy;	 /* MII_NONE: there is none that one can ask */
	struct shared *shared;
	struct nic_buf *rx_buf[RX_RING];
	struct pbuf *tx_frame[TX_RING]; /* at the last descriptor of each frame */
	uint16_t tx_last[TX_RING];	/* at the first one: where its frame ends */
	unsigned rx_next;		/* the next that the card will fill */
	unsigned tx_head;		/* oldest not reclaimed */
	unsigned tx_next;		/* next free */
	uint64_t next_check;		/* of link and state; ns */
};

static const struct nic_id ids[] = {
	{ 0x1022, 0x2000, 0 }, /* PCnet-PCI, -PCI II, -FAST, -FAST+, -FAST III, VMware's, QEMU's */
	{ 0x1022, 0x2001, 0 }, /* PCnet-Home */
	{ 0, 0, 0 },
};

static uint16_t indexed_read(struct pcnet *p, uint16_t data, uint32_t index)
{
	unsigned long flags = spin_lock_irqsave(&p->lock);
	uint16_t value;

	outl(p->io + RAP, index);
	value = inl(p->io + data);
	outl(p->io + RAP, 0);
	spin_unlock_irqrestore(&p->lock, flags);
	return value;
}

static void indexed_write(struct pcnet *p, uint16_t data, uint32_t index, uint16_t value)
{
	unsigned long flags = spin_lock_irqsave(&p->lock);

	outl(p->io + RAP, index);
	outl(p->io + data, value);
	outl(p->io + RAP, 0);
	spin_unlock_irqrestore(&p->lock, flags);
}

/* Commands, and events to clear. */
static void write_csr0(struct pcnet *p, uint32_t value)
{
	unsigned long flags = spin_lock_irqsave(&p->lock);

	outl(p->io + RDP, value | (p->irq_on ? CSR0_INEA : 0));
	spin_unlock_irqrestore(&p->lock, flags);
}

static uint16_t phy_read(struct nic *nic, unsigned phy, unsigned reg)
{
	struct pcnet *p = nic->priv;

	indexed_write(p, BDP, BCR_MII_ADDR, phy << 5 | reg);
	return indexed_read(p, BDP, BCR_MII_DATA);
}

static void find_phy(struct nic *nic, struct pcnet *p)
{
	uint32_t id = indexed_read(p, RDP, CSR_CHIP_ID);

	id |= indexed_read(p, RDP, CSR_CHIP_ID + 1) << 16;
	p->phy = (id >> 12 & 0xffff) < FIRST_MII ? MII_NONE : mii_find(nic, phy_read, 0);
}

static void read_link(struct nic *nic, struct pcnet *p)
{
	if (p->phy != MII_NONE) {
		mii_link(nic, phy_read, p->phy);
		return;
	}
	nic->link = indexed_read(p, BDP, BCR_LINK) & BCR_LINK_UP;
	nic->mbit = 10;
}

/* Resets the card in whichever width it was left, then changes to 32 bits (DS, "I/O Resources"). */
static void reset(struct pcnet *p)
{
	(void)inl(p->io + RESET);
	(void)inw(p->io + RESET16);
	sleep_until(clock_now_ns() + NSEC_PER_MSEC);
	outl(p->io + RDP, 0);
}

static void give(struct pcnet *p, unsigned i)
{
	struct desc *d = &p->shared->rx[i];

	d->addr = p->rx_buf[i]->phys;
	d->count = 0;
	__atomic_store_n(&d->flags, DESC_OWN | (uint16_t)-NIC_FRAME_MAX, __ATOMIC_RELEASE);
}

static void drop_tx(struct nic *nic, struct pcnet *p)
{
	for (unsigned i = 0; i < TX_RING; i++) {
		p->shared->tx[i].flags = 0;
		if (p->tx_frame[i])
			nic_sent(nic, p->tx_frame[i]);
		p->tx_frame[i] = NULL;
	}
	p->tx_head = p->tx_next = 0;
}

/* After reset(), with all buffers in place. */
static __attribute__((cold)) void start(struct nic *nic, struct pcnet *p)
{
	struct init_block *init = &p->shared->init;
	uint32_t phys = virt_phys(init);

	for (unsigned i = 0; i < RX_RING; i++)
		give(p, i);
	p->rx_next = 0;
	*init = (struct init_block){
		.rx_len = RX_BITS << 4,
		.tx_len = TX_BITS << 4,
		.filter = { ~0u, ~0u }, /* all multicast */
		.rx_ring = virt_phys(p->shared->rx),
		.tx_ring = virt_phys(p->shared->tx),
	};
	memcpy(init->mac, nic->mac, sizeof(nic->mac));
	indexed_write(p, BDP, BCR_STYLE, 2);
	indexed_write(p, RDP, 3, CSR3_VALUE);
	indexed_write(p, RDP, 4, CSR4_VALUE);
	indexed_write(p, RDP, 1, phys);
	indexed_write(p, RDP, 2, phys >> 16);
	write_csr0(p, CSR0_INIT);
	for (unsigned ms = 0; ms < 10 && !(inl(p->io + RDP) & CSR0_IDON); ms++)
		sleep_until(clock_now_ns() + NSEC_PER_MSEC);
	write_csr0(p, CSR0_STRT | CSR0_IDON);
}

static void free_rings(struct pcnet *p)
{
	for (unsigned i = 0; i < RX_RING; i++)
		if (p->rx_buf[i])
			nic_buf_free(p->rx_buf[i]);
	if (p->shared)
		page_free(virt_page(p->shared), SHARED_ORDER);
}

static int alloc_rings(struct pcnet *p)
{
	struct page *page = page_alloc_low(SHARED_ORDER);

	if (!page)
		return -ENOMEM;
	p->shared = page_virt(page);
	memset(p->shared, 0, sizeof(*p->shared));
	for (unsigned i = 0; i < RX_RING; i++) {
		p->rx_buf[i] = nic_buf_alloc();
		if (!p->rx_buf[i])
			return -ENOMEM;
	}
	return 0;
}

static void read_mac(struct nic *nic, struct pcnet *p)
{
	uint32_t prom[2] = { inl(p->io + APROM), inl(p->io + APROM + 4) };

	memcpy(nic->mac, prom, sizeof(nic->mac));
	/* On boards without a PROM the firmware may have set the address registers. */
	for (unsigned i = 0; (!prom[0] || nic->mac[0] & 1) && i < 3; i++) {
		uint16_t word = indexed_read(p, RDP, CSR_PADR + i);

		memcpy(nic->mac + 2 * i, &word, 2);
	}
}

static __attribute__((cold)) int pcnet_open(struct nic *nic)
{
	static const uint8_t no_mac[6];
	struct pcnet *p = kzalloc(sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	spin_init(&p->lock);
	err = -ENODEV;
	p->io = pci_io_bar(nic->pci, 0);
	if (!p->io)
		goto fail;
	pci_enable(nic->pci);
	reset(p);
	if ((uint16_t)inl(p->io + RDP) != CSR0_STOP)
		goto fail_disable;
	read_mac(nic, p);
	if (nic->mac[0] & 1 || !memcmp(nic->mac, no_mac, sizeof(no_mac)))
		goto fail_disable;
	err = alloc_rings(p);
	if (err)
		goto fail_rings;
	nic->priv = p;
	find_phy(nic, p);
	start(nic, p);
	nic->io = p->io;
	nic->features = NIC_DMA32;
	read_link(nic, p);
	return 0;

fail_rings:
	free_rings(p);
fail_disable:
	pci_disable(nic->pci);
fail:
	kfree(p);
	return err;
}

static __attribute__((cold)) void pcnet_close(struct nic *nic)
{
	struct pcnet *p = nic->priv;

	reset(p);
	pci_disable(nic->pci);
	drop_tx(nic, p);
	free_rings(p);
	nic->priv = NULL;
	kfree(p);
}

static void reclaim(struct nic *nic, struct pcnet *p)
{
	while (p->tx_head != p->tx_next) {
		unsigned last = p->tx_last[p->tx_head];

		/* After an error the card gives back the rest of the frame, too (DS, "Transmit Exception"). */
		if (__atomic_load_n(&p->shared->tx[last].flags, __ATOMIC_ACQUIRE) & DESC_OWN)
			return;
		nic_sent(nic, p->tx_frame[last]);
		p->tx_frame[last] = NULL;
		p->tx_head = (last + 1) % TX_RING;
	}
}

static bool pcnet_transmit(struct nic *nic, struct pbuf *frame, const struct nic_offload *off)
{
	struct pcnet *p = nic->priv;
	unsigned need = pbuf_clen(frame), first = p->tx_next, last = first;
	uint32_t first_flags = 0;

	(void)off;
	/* One always stays free: head == next means empty. */
	if ((p->tx_head - p->tx_next - 1) % TX_RING < need) {
		reclaim(nic, p);
		if ((p->tx_head - p->tx_next - 1) % TX_RING < need)
			return false;
	}
	for (const struct pbuf *q = frame; q; q = q->next) {
		struct desc *d = &p->shared->tx[p->tx_next];

		if (!q->len)
			continue;
		last = p->tx_next;
		d->addr = virt_phys(q->payload);
		d->count = 0;
		d->flags = DESC_OWN | (uint16_t)-q->len;
		/* The card must not see the first before all others are there. */
		if (last == first) {
			first_flags = d->flags | DESC_STP;
			d->flags = 0;
		}
		p->tx_next = (last + 1) % TX_RING;
	}
	if (last == first)
		first_flags |= DESC_ENP;
	else
		p->shared->tx[last].flags |= DESC_ENP;
	p->tx_last[first] = last;
	p->tx_frame[last] = frame;
	__atomic_store_n(&p->shared->tx[first].flags, first_flags, __ATOMIC_RELEASE);
	nic->tx_waiting = true;
	return true;
}

static uint32_t rx_flags(const struct pcnet *p, unsigned i)
{
	return __atomic_load_n(&p->shared->rx[i % RX_RING].flags, __ATOMIC_ACQUIRE);
}

/*
 * QEMU's card, when it has filled the ring, looks for any descriptor that it owns; one that it gets
 * at that very moment may be passed over, and is filled only in the next round. So if there was want
 * of descriptors, and the next is still the card's, a later one may be filled nevertheless.
 */
static bool find_filled(struct pcnet *p)
{
	if (!(rx_flags(p, p->rx_next) & DESC_OWN))
		return true;
	for (unsigned i = 1; p->exhausted && i < RX_RING; i++) {
		if (rx_flags(p, p->rx_next + i) & DESC_OWN)
			continue;
		/* They are filled in order: had it been filled before that one, it would show now. */
		if (rx_flags(p, p->rx_next) & DESC_OWN)
			p->rx_next = (p->rx_next + i) % RX_RING;
		return true;
	}
	return false;
}

static void receive_one(struct nic *nic, const struct desc *d, struct nic_buf **slot)
{
	struct nic_buf *full = *slot, *fresh;
	unsigned len;

	/* QEMU's card gives it back before it says how the frame ended, but answers only afterwards. */
	if (!(d->flags & DESC_ENP))
		(void)inl(nic->io + RDP);
	len = (d->count & DESC_BCNT) - FCS;
	/* What needs more than one buffer is no frame for us, nor any of its pieces. */
	if ((d->flags & (DESC_ERR | DESC_STP | DESC_ENP)) != (DESC_STP | DESC_ENP) ||
	    len > NIC_FRAME_MAX - FCS) {
		nic->stats.rx_errors++;
		return;
	}
	fresh = nic_buf_alloc();
	if (!fresh) {
		nic->stats.rx_dropped++;
		return;
	}
	*slot = fresh;
	nic_receive(nic, full, len, false);
}

/* Neither receiver nor transmitter stops by itself, unless the bus fails it (DS, CSR0, MERR). */
static __attribute__((cold)) void check(struct nic *nic, struct pcnet *p)
{
	uint16_t csr0 = inl(p->io + RDP);

	if ((csr0 & (CSR0_RXON | CSR0_TXON)) != (CSR0_RXON | CSR0_TXON)) {
		kprintf("net: eth%u: the card has stopped (CSR0 %04x): started again\n", nic->index,
			csr0);
		reset(p);
		drop_tx(nic, p);
		start(nic, p);
	}
	read_link(nic, p);
}

static unsigned pcnet_poll(struct nic *nic, unsigned budget)
{
	struct pcnet *p = nic->priv;
	unsigned done = 0;
	uint64_t now;

	while (done < budget && find_filled(p)) {
		unsigned i = p->rx_next;

		receive_one(nic, &p->shared->rx[i], &p->rx_buf[i]);
		if (!(rx_flags(p, i + RX_RING - 1) & DESC_OWN))
			p->exhausted = true;
		give(p, i);
		p->rx_next = (i + 1) % RX_RING;
		done++;
	}
	reclaim(nic, p);
	if (nic->tx_waiting) {
		nic->tx_waiting = false;
		write_csr0(p, CSR0_TDMD);
	}
	now = clock_now_ns();
	if (now >= p->next_check) {
		p->next_check = now + CHECK_INTERVAL_NS;
		check(nic, p);
	}
	return done;
}

static bool acknowledge(struct nic *nic, struct pcnet *p)
{
	unsigned long flags = spin_lock_irqsave(&p->lock);
	uint16_t csr0 = inl(p->io + RDP);
	/* A card that is gone reads as all ones. */
	bool ours = csr0 & CSR0_INTR && csr0 != 0xffff;

	if (ours)
		outl(p->io + RDP, (csr0 & CSR0_EVENTS) | (p->irq_on ? CSR0_INEA : 0));
	spin_unlock_irqrestore(&p->lock, flags);
	if (ours && csr0 & CSR0_MISS)
		nic->stats.rx_overruns++;
	return ours;
}

static bool pcnet_irq(struct nic *nic, enum nic_irq what)
{
	struct pcnet *p = nic->priv;

	switch (what) {
	case NIC_IRQ_ACK:
		return acknowledge(nic, p);
	case NIC_IRQ_MASK:
		p->irq_on = false;
		write_csr0(p, 0);
		break;
	case NIC_IRQ_UNMASK:
		/* Not one more interrupt for what polling has found; what it has not, is to be seen. */
		p->irq_on = true;
		write_csr0(p, CSR0_RINT);
		if (!(rx_flags(p, p->rx_next) & DESC_OWN))
			nic->irq_pending = true;
		break;
	}
	return true;
}

const struct nic_driver nic_pcnet = {
	.name = "pcnet",
	.ids = ids,
	.open = pcnet_open,
	.close = pcnet_close,
	.transmit = pcnet_transmit,
	.poll = pcnet_poll,
	.irq = pcnet_irq,
};
