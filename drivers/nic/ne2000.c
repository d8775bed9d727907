/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NE2000 and its countless clones, on ISA and on PCI (RTL8029 and others): a National DP8390 with
 * memory of its own, which is reached word by word through one port ("remote DMA"; DP8390D data
 * sheet). Pages are 256 bytes; the first ones hold two frames to send, the rest is the receive ring.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/nic/nic.h"
#include "drivers/pci.h"
#include "kernel/cpu/x86.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/settings.h"
#include "kernel/sync/spinlock.h"
#include "kernel/time/clock.h"

/* Ports. Most of page 0 mean something else when they are read. */
enum {
	CR = 0x00, /* on every page */
	PSTART = 0x01,
	PSTOP = 0x02,
	BNRY = 0x03, /* the page before the oldest frame */
	TPSR = 0x04,
	TBCR = 0x05, /* 2 ports */
	ISR = 0x07,  /* a one written clears it */
	RSAR = 0x08, /* 2 ports */
	RBCR = 0x0a, /* 2 ports */
	RCR = 0x0c,
	TCR = 0x0d, /* read: a counter of errors, which reading clears */
	DCR = 0x0e,
	IMR = 0x0f,
	PAR = 0x01,  /* page 1: 6 ports */
	CURR = 0x07, /* page 1: where the next frame will go */
	MAR = 0x08,  /* page 1: 8 ports */
	DATA = 0x10,
	RESET = 0x1f,
	PORTS = 0x20,
};

#define CR_STOP	   0x01
#define CR_START   0x02
#define CR_TXP	   0x04
#define CR_READ	   0x08
#define CR_WRITE   0x10
#define CR_NODMA   0x20
#define CR_PAGE1   0x40
#define ISR_PRX	   0x01
#define ISR_PTX	   0x02
#define ISR_RXE	   0x04
#define ISR_TXE	   0x08
#define ISR_OVW	   0x10
#define ISR_RDC	   0x40
#define ISR_RST	   0x80
#define RCR_ACCEPT 0x0c /* broadcast and multicast, besides our own */
#define RCR_MON	   0x20
#define TCR_LOOP   0x02
#define DCR_WORDS  0x49 /* 16 bits wide, FIFO threshold of 8 bytes */

#define PAGE	  256
#define TX_START  0x40
#define SLOTS	  2
#define SLOT	  6 /* pages: 1,514 bytes */
#define RX_START  (TX_START + SLOTS * SLOT)
#define SIGNATURE 0x57 /* at the end of the address PROM */

#define RESET_US    20000
#define DMA_US	    2000
#define OVERFLOW_US 1600 /* for a frame under way to end */

/* What precedes a frame in the ring. count includes it. */
struct header {
	uint8_t status, next;
	uint16_t count;
};
#define STATUS_OK 0x01

struct ne2000 {
	uint16_t io;
	bool wide;	       /* words of 32 bits */
	uint8_t irqs;	       /* what shall interrupt */
	uint8_t events;	       /* what did; atomic */
	uint8_t stop;	       /* first page behind the ring */
	uint8_t next;	       /* page of the oldest frame */
	bool tx_full;	       /* interrupts for sent frames are on */
	unsigned done, loaded; /* frames, count on and on; the one after done is under way */
	struct pbuf *frame[SLOTS];
	uint16_t len[SLOTS];
	spinlock_t lock; /* the page of ports: an interrupt must not meet page 1 */
	uint32_t bounce[SLOT * PAGE / 4];
};

enum { WORDS = 1 }; /* spoils accesses of 32 bits */

static const struct nic_id ids[] = {
	{ 0x10ec, 0x8029, 0 },	   /* Realtek RTL8029 */
	{ 0x1050, 0x0940, 0 },	   /* Winbond W89C940 */
	{ 0x1050, 0x5a5a, 0 },	   /* Winbond W89C940F */
	{ 0x8c4a, 0x1980, 0 },	   /* Winbond W89C940, misprogrammed */
	{ 0x10bd, 0x0e34, 0 },	   /* SureCom NE34 */
	{ 0x11f6, 0x1401, 0 },	   /* Compex RL2000 */
	{ 0x8e2e, 0x3000, 0 },	   /* KTI ET32P2 */
	{ 0x4a14, 0x5000, 0 },	   /* NetVin NV5000SC */
	{ 0x1106, 0x0926, WORDS }, /* VIA 86C926 */
	{ 0x12c3, 0x0058, WORDS }, /* Holtek HT80232 */
	{ 0x12c3, 0x5598, 0 },	   /* Holtek HT80229 */
	{ 0, 0, 0 },
};

/* --- the card's memory ------------------------------------------------------------------------ */

static void dma(const struct ne2000 *n, uint8_t way, unsigned addr, unsigned len)
{
	outb(n->io + RBCR, len);
	outb(n->io + RBCR + 1, len >> 8);
	outb(n->io + RSAR, addr);
	outb(n->io + RSAR + 1, addr >> 8);
	outb(n->io + CR, way | CR_START);
}

/* In whole words: up to 3 bytes more than len. What lies in the ring goes on at its beginning. */
static void dma_read(const struct ne2000 *n, unsigned addr, void *to, unsigned len)
{
	if (n->wide) {
		dma(n, CR_READ, addr, (len + 3) & ~3u);
		insl(n->io + DATA, to, (len + 3) / 4);
	} else {
		dma(n, CR_READ, addr, (len + 1) & ~1u);
		insw(n->io + DATA, to, (len + 1) / 2);
	}
}

static void dma_write(const struct ne2000 *n, unsigned addr, const void *from, unsigned len)
{
	outb(n->io + ISR, ISR_RDC);
	if (n->wide) {
		dma(n, CR_WRITE, addr, (len + 3) & ~3u);
		outsl(n->io + DATA, from, (len + 3) / 4);
	} else {
		dma(n, CR_WRITE, addr, (len + 1) & ~1u);
		outsw(n->io + DATA, from, (len + 1) / 2);
	}
	/* The last words may still be on their way from the port to the memory. */
	for (unsigned us = 0; !(inb(n->io + ISR) & ISR_RDC) && us < DMA_US; us++)
		clock_delay_us(1);
}

/* How far does it reach? Addresses beyond its end show something below, or nothing. */
static uint8_t memory_end(const struct ne2000 *n)
{
	static const uint8_t ends[] = { 0x60, 0x80, 0xc0 };
	uint32_t tag, i;

	for (i = 0; i < 3; i++) {
		tag = 0x4d757374 + i;
		dma_write(n, (i ? ends[i - 1] : TX_START) * PAGE, &tag, sizeof(tag));
	}
	for (i = 1; i < 3; i++) {
		dma_read(n, TX_START * PAGE, &tag, sizeof(tag));
		if (tag != 0x4d757374)
			break;
		dma_read(n, ends[i - 1] * PAGE, &tag, sizeof(tag));
		if (tag != 0x4d757374 + i)
			break;
	}
	return ends[i - 1];
}

/* --- start and stop --------------------------------------------------------------------------- */

/* Until it is started, the card hears and says nothing, but its memory can be reached. */
static bool reset(struct ne2000 *n)
{
	unsigned us = 0;

	outb(n->io + RESET, inb(n->io + RESET));
	while (!(inb(n->io + ISR) & ISR_RST) && us++ < RESET_US / 10)
		clock_delay_us(10);
	if (us > RESET_US / 10)
		return false;
	outb(n->io + CR, CR_STOP | CR_NODMA);
	outb(n->io + DCR, DCR_WORDS);
	outb(n->io + RBCR, 0);
	outb(n->io + RBCR + 1, 0);
	outb(n->io + RCR, RCR_MON);
	outb(n->io + TCR, TCR_LOOP);
	outb(n->io + IMR, 0);
	outb(n->io + ISR, 0xff);
	return true;
}

static void start(struct ne2000 *n, const uint8_t mac[6])
{
	unsigned long flags;

	n->next = RX_START;
	n->tx_full = false;
	n->irqs = ISR_PRX | ISR_RXE | ISR_OVW;
	outb(n->io + PSTART, RX_START);
	outb(n->io + PSTOP, n->stop);
	outb(n->io + BNRY, n->stop - 1);
	flags = spin_lock_irqsave(&n->lock);
	outb(n->io + CR, CR_STOP | CR_NODMA | CR_PAGE1);
	for (unsigned i = 0; i < 6; i++)
		outb(n->io + PAR + i, mac[i]);
	for (unsigned i = 0; i < 8; i++)
		outb(n->io + MAR + i, 0xff);
	outb(n->io + CURR, RX_START);
	outb(n->io + CR, CR_START | CR_NODMA);
	spin_unlock_irqrestore(&n->lock, flags);
	outb(n->io + TCR, 0);
	outb(n->io + RCR, RCR_ACCEPT);
}

static void give_back(struct nic *nic, struct ne2000 *n)
{
	nic_sent(nic, n->frame[n->done++ % SLOTS]);
}

static bool ne2000_irq(struct nic *nic, enum nic_irq what);

/* When the ring makes no sense any more. What was in it is lost. */
static void restart(struct nic *nic, struct ne2000 *n)
{
	nic->stats.rx_errors++;
	reset(n);
	while (n->done != n->loaded)
		give_back(nic, n);
	start(n, nic->mac);
	if (!nic->irq_masked)
		ne2000_irq(nic, NIC_IRQ_UNMASK);
}

static int ne2000_open(struct nic *nic)
{
	struct ne2000 *n = kzalloc(sizeof(*n));
	uint8_t prom[32];
	int err;

	if (!n)
		return -ENOMEM;
	err = -EIO;
	if (nic->pci) {
		nic->io = pci_io_bar(nic->pci, 0);
		if (!nic->io)
			goto fail;
		pci_enable(nic->pci);
	}
	n->io = nic->io;
	n->wide = nic->id && !(nic->id->flags & WORDS);
	spin_init(&n->lock);
	if (!reset(n))
		goto fail_disable;
	n->stop = memory_end(n);
	/* The PROM is 8 bits wide: each byte is there twice. */
	dma_read(n, 0, prom, sizeof(prom));
	for (unsigned i = 0; i < 6; i++)
		nic->mac[i] = prom[2 * i];
	if (nic->mac[0] & 1)
		goto fail_disable;
	start(n, nic->mac);
	nic->priv = n;
	nic->pieces = UINT16_MAX; /* they are copied */
	nic->window = ((n->stop - RX_START) / SLOT - 2) * TCP_MSS;
	nic->link = true; /* it cannot tell */
	nic->mbit = 10;
	return 0;

fail_disable:
	if (nic->pci)
		pci_disable(nic->pci);
fail:
	kfree(n);
	return err;
}

static void ne2000_close(struct nic *nic)
{
	struct ne2000 *n = nic->priv;

	reset(n);
	if (nic->pci)
		pci_disable(nic->pci);
	while (n->done != n->loaded)
		give_back(nic, n);
	nic->priv = NULL;
	kfree(n);
}

/* --- sending ---------------------------------------------------------------------------------- */

static void send(const struct ne2000 *n)
{
	unsigned slot = n->done % SLOTS;

	outb(n->io + TPSR, TX_START + slot * SLOT);
	outb(n->io + TBCR, n->len[slot]);
	outb(n->io + TBCR + 1, n->len[slot] >> 8);
	outb(n->io + CR, CR_TXP | CR_NODMA | CR_START);
}

/* The card has sent, or given up, when it clears TXP; then it is the next one's turn. */
static void reclaim(struct nic *nic, struct ne2000 *n)
{
	while (n->done != n->loaded && !(inb(n->io + CR) & CR_TXP)) {
		give_back(nic, n);
		if (n->done != n->loaded)
			send(n);
	}
}

/* A sent frame interrupts only while one waits for its slot. */
static void set_tx_irq(struct nic *nic, struct ne2000 *n, bool on)
{
	uint8_t bits = ISR_PTX | ISR_TXE;

	n->tx_full = on;
	n->irqs = on ? n->irqs | bits : n->irqs & ~bits;
	if (!nic->irq_masked)
		ne2000_irq(nic, NIC_IRQ_UNMASK);
}

static bool ne2000_transmit(struct nic *nic, struct pbuf *frame, const struct nic_offload *off)
{
	struct ne2000 *n = nic->priv;
	unsigned slot = n->loaded % SLOTS, len = frame->tot_len;

	(void)off;
	reclaim(nic, n);
	if (n->loaded - n->done == SLOTS) {
		if (!n->tx_full)
			set_tx_irq(nic, n, true);
		return false;
	}
	pbuf_copy_partial(frame, n->bounce, len, 0);
	if (len < NIC_FRAME_MIN) {
		memset((uint8_t *)n->bounce + len, 0, NIC_FRAME_MIN - len);
		len = NIC_FRAME_MIN;
	}
	dma_write(n, (TX_START + slot * SLOT) * PAGE, n->bounce, len);
	n->frame[slot] = frame;
	n->len[slot] = len;
	if (n->loaded++ == n->done)
		send(n);
	return true;
}

/* --- receiving -------------------------------------------------------------------------------- */

static uint8_t read_curr(struct ne2000 *n)
{
	unsigned long flags = spin_lock_irqsave(&n->lock);
	uint8_t curr;

	outb(n->io + CR, CR_START | CR_NODMA | CR_PAGE1);
	curr = inb(n->io + CURR);
	outb(n->io + CR, CR_START | CR_NODMA);
	spin_unlock_irqrestore(&n->lock, flags);
	return curr;
}

/* Takes the oldest frame; false if there is none where one should be. */
static bool receive_one(struct nic *nic, struct ne2000 *n)
{
	unsigned addr = n->next * PAGE, len, behind;
	struct nic_buf *buf;
	struct header h;

	dma_read(n, addr, &h, sizeof(h));
	len = h.count - sizeof(h);
	/* Where the FCS ends; some cards take a page more than that. */
	behind = n->next + (h.count + 4 + PAGE - 1) / PAGE;
	if (behind >= n->stop)
		behind -= n->stop - RX_START;
	if (!(h.status & STATUS_OK) || h.count < sizeof(h) || len > NIC_FRAME_MAX ||
	    h.next < RX_START || h.next >= n->stop ||
	    (h.next != behind && h.next != (behind + 1 == n->stop ? RX_START : behind + 1)))
		return false;
	buf = nic_buf_alloc();
	if (buf) {
		dma_read(n, addr + sizeof(h), buf->data, len);
		nic_receive(nic, buf, len, false);
	} else {
		nic->stats.rx_dropped++;
	}
	n->next = h.next;
	outb(n->io + BNRY, (n->next == RX_START ? n->stop : n->next) - 1);
	return true;
}

static unsigned receive(struct nic *nic, struct ne2000 *n, unsigned budget)
{
	unsigned done = 0;
	uint8_t curr;

	while ((curr = read_curr(n)) != n->next) {
		bool right = curr >= RX_START && curr < n->stop;

		for (; right && n->next != curr; done += right) {
			if (done == budget)
				return done;
			right = receive_one(nic, n);
		}
		if (!right) {
			restart(nic, n);
			break;
		}
	}
	return done;
}

/* DP8390D data sheet, "Buffer Ring Overflow": the chip is stopped, or it may never receive again. */
static void overflow(struct nic *nic, struct ne2000 *n)
{
	bool sending = inb(n->io + CR) & CR_TXP;

	outb(n->io + CR, CR_STOP | CR_NODMA);
	clock_delay_us(OVERFLOW_US);
	outb(n->io + RBCR, 0);
	outb(n->io + RBCR + 1, 0);
	sending = sending && !(inb(n->io + ISR) & (ISR_PTX | ISR_TXE));
	outb(n->io + TCR, TCR_LOOP);
	outb(n->io + CR, CR_START | CR_NODMA);
	receive(nic, n, UINT16_MAX);
	outb(n->io + ISR, ISR_OVW);
	outb(n->io + TCR, 0);
	if (sending && n->done != n->loaded)
		outb(n->io + CR, CR_TXP | CR_START | CR_NODMA);
}

static unsigned ne2000_poll(struct nic *nic, unsigned budget)
{
	struct ne2000 *n = nic->priv;
	unsigned got;

	if (__atomic_load_n(&n->events, __ATOMIC_RELAXED) &&
	    __atomic_exchange_n(&n->events, 0, __ATOMIC_RELAXED) & ISR_OVW)
		overflow(nic, n);
	got = receive(nic, n, budget);
	reclaim(nic, n);
	if (n->tx_full && n->loaded - n->done < SLOTS)
		set_tx_irq(nic, n, false);
	nic->tx_waiting = false;
	return got;
}

static bool acknowledge(struct nic *nic, struct ne2000 *n)
{
	bool ours = false;
	uint8_t cause;

	/* All ones: no card. */
	while ((cause = inb(n->io + ISR)) != 0xff && cause & n->irqs) {
		ours = true;
		cause &= n->irqs;
		outb(n->io + ISR, cause);
		if (cause & ISR_OVW)
			nic->stats.rx_overruns++;
		__atomic_fetch_or(&n->events, cause, __ATOMIC_RELAXED);
		/* ISA interrupts by edges: there is no other before all are acknowledged. */
		if (nic->pci)
			break;
	}
	return ours;
}

static bool ne2000_irq(struct nic *nic, enum nic_irq what)
{
	struct ne2000 *n = nic->priv;
	unsigned long flags = spin_lock_irqsave(&n->lock);
	bool ours = true;

	if (what == NIC_IRQ_ACK)
		ours = acknowledge(nic, n);
	else
		outb(n->io + IMR, what == NIC_IRQ_MASK ? 0 : n->irqs);
	spin_unlock_irqrestore(&n->lock, flags);
	return ours;
}

/* --- on ISA ----------------------------------------------------------------------------------- */

#define PIC1	     0x20
#define PIC2	     0xa0
#define PIC_READ_IRR 0x0a
#define ISA_LINES    0xdeb8 /* not the timer's, keyboard's, cascade, clock's, FPU's */
#define NO_LINE	     255

/* What the 8259s have seen, masked or not. */
static unsigned requests(void)
{
	outb(PIC1, PIC_READ_IRR);
	outb(PIC2, PIC_READ_IRR);
	return inb(PIC1) | inb(PIC2) << 8;
}

/*
 * Is a card there? Who knows what else might be, so it is touched only after each look says that it
 * may be one. Returns the lines that have interrupted when the card had reason to, in a mask.
 */
static bool probe(uint16_t io, unsigned *lines)
{
	struct ne2000 n = { .io = io };
	uint16_t prom[16];
	unsigned before;

	if (inb(io + CR) == 0xff || inb(io + BNRY) == 0xff)
		return false;
	outb(io + CR, CR_STOP | CR_NODMA);
	if ((inb(io + CR) & ~CR_TXP) != (CR_STOP | CR_NODMA))
		return false;
	(void)inb(io + TCR);
	if (inb(io + TCR) || !reset(&n))
		return false;
	before = requests();
	outb(io + IMR, ISR_RDC);
	dma_read(&n, 0, prom, sizeof(prom));
	clock_delay_us(100);
	*lines = requests() & ~before & ISA_LINES;
	outb(io + IMR, 0);
	outb(io + ISR, 0xff);
	outb(io + CR, CR_STOP | CR_NODMA);
	return (prom[14] & 0xff) == SIGNATURE && (prom[15] & 0xff) == SIGNATURE;
}

static int ne2000_look(struct nic *nic, unsigned i)
{
	static const uint16_t ports[] = { 0x300, 0x280, 0x320, 0x340, 0x360, 0x240 };
	const char *wish = setting_get("ne2000");
	unsigned lines;
	char *end;

	if (i >= (wish ? 1 : sizeof(ports) / sizeof(ports[0])))
		return -ENOENT;
	nic->io = wish ? strtoul(wish, &end, 0) : ports[i];
	if (!probe(nic->io, &lines))
		return 0;
	if (wish && *end)
		nic->line = strtoul(end + 1, NULL, 10);
	else
		nic->line = lines ? __builtin_ctz(lines) : NO_LINE;
	return 1;
}

const struct nic_driver nic_ne2000 = {
	.name = "ne2000",
	.ids = ids,
	.look = ne2000_look,
	.open = ne2000_open,
	.close = ne2000_close,
	.transmit = ne2000_transmit,
	.poll = ne2000_poll,
	.irq = ne2000_irq,
};
