/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel's first gigabit cards, 82540 to 82547 (PCI/PCI-X Family of Gigabit Ethernet Controllers
 * Software Developer's Manual, "SDM" below), and those after them that know the same registers and
 * descriptors: 82571 to 82574 and 82583 (PCIe GbE Controllers Open Source Software Developer's
 * Manual; 82574 GbE Controller Family Datasheet), and those in chip sets, ICH8 to ICH10 (I/O
 * Controller Hub 8/9/10 and 82566/82567/82562V Software Developer's Manual). Tried are the models
 * of emulators: 82540EM, 82544GC, 82545EM, 82574L.
 *
 * Not here: cards for fibre and back planes, whose link the driver would have to make; 80003ES2LAN,
 * whose way to its PHY must be set for each speed; chip sets from PCH (82577) on, which share the
 * PHY with their management engine and need its consent and a dozen repairs.
 */
#include <errno.h>
#include <string.h>

#include "drivers/nic/nic.h"
#include "drivers/pci.h"
#include "kernel/cpu/x86.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"
#include "kernel/proc/thread.h"
#include "kernel/time/clock.h"

enum {
	CTRL = 0x0000,
	STATUS = 0x0008,
	CTRL_EXT = 0x0018,
	ICR = 0x00c0,
	ITR = 0x00c4,
	IMS = 0x00d0,
	IMC = 0x00d8,
	RCTL = 0x0100,
	TCTL = 0x0400,
	TIPG = 0x0410,
	RDBAL = 0x2800,
	RDBAH = 0x2804,
	RDLEN = 0x2808,
	RDH = 0x2810,
	RDT = 0x2818,
	RDTR = 0x2820,
	TDBAL = 0x3800,
	TDBAH = 0x3804,
	TDLEN = 0x3808,
	TDH = 0x3810,
	TDT = 0x3818,
	TIDV = 0x3820,
	TXDCTL = 0x3828,
	EXTCNF_CTRL = 0x0f00,
	PBA = 0x1000,
	PBS = 0x1008,
	RXCSUM = 0x5000,
	RAL0 = 0x5400,
	RAH0 = 0x5404,
};

#define CTRL_FD	   (1u << 0)
#define CTRL_QUIET (1u << 2) /* PCIe: start no more transactions */
#define CTRL_ASDE  (1u << 5)
#define CTRL_SLU   (1u << 6)
#define CTRL_RST   (1u << 26)
#define STATUS_LU  (1u << 1)
#define STATUS_BUS (1u << 19) /* PCIe: transactions may be under way */
#define INT_LSC	   (1u << 2)
#define INT_RXDMT0 (1u << 4)
#define INT_RXO	   (1u << 6)
#define INT_RXT0   (1u << 7)
#define INT_ALL	   (INT_LSC | INT_RXDMT0 | INT_RXO | INT_RXT0)
#define RCTL_EN	   (1u << 1)
#define RCTL_MPE   (1u << 4) /* all multicast: the host's filter is cheaper than its mistakes */
#define RCTL_BAM   (1u << 15)
#define RCTL_SECRC (1u << 26)
#define TCTL_EN	   (1u << 1)
#define TCTL_PSP   (1u << 3)
#define RAH_AV	   (1u << 31)
#define EXT_LOADED (1u << 28) /* CTRL_EXT: the management engine leaves the card to a driver */
#define EXTCNF_OUR (1u << 5)  /* EXTCNF_CTRL: the PHY's bus is ours, not the firmware's */
#define TXDCTL_CNT (1u << 22) /* PCIe: count descriptors; must be set */

/* SDM 3.2.3: a received frame. */
struct rx_desc {
	uint64_t addr;
	uint16_t len;
	uint16_t sum;
	uint8_t status;
	uint8_t errors;
	uint16_t special;
};
#define RX_DD	      0x01
#define RX_EOP	      0x02
#define RX_IXSM	      0x04
#define RX_TCPCS      0x20
#define RX_IPCS	      0x40
#define RX_SUM_ERRORS 0x60

/* SDM 3.3.6 and 3.3.7: a piece of a frame, or what to do with the frame that follows. */
struct tx_desc {
	uint64_t addr;
	uint32_t cmd_len;
	uint32_t status; /* DD, and with EXT the options */
};
struct tx_context {
	uint8_t ipcss, ipcso;
	uint16_t ipcse;
	uint8_t tucss, tucso;
	uint16_t tucse;
	uint32_t cmd_len; /* of the data, without headers */
	uint8_t status, hdrlen;
	uint16_t mss;
};
#define TX_EOP	   (1u << 24)
#define TX_IFCS	   (1u << 25)
#define TX_TSE	   (1u << 26)
#define TX_RS	   (1u << 27)
#define TX_EXT	   (1u << 29)
#define TX_DATA	   (1u << 20)
#define TX_CTX_TCP (1u << 24)
#define TX_CTX_IP  (1u << 25)
#define TX_DD	   1u
#define TX_TXSM	   (2u << 8)
#define TX_IXSM	   (1u << 8)

/* SDM 3.2.6: ring lengths are multiples of 8 descriptors. 256 of 16 bytes fill a page. */
#define RING	 256
#define RX_BATCH 16 /* buffers given back at a time: each costs a slow register write */

struct e1000 {
	volatile uint8_t *regs;
	uint32_t flags; /* of its nic_id */
	struct rx_desc *rx;
	struct tx_desc *tx;
	struct nic_buf *rx_buf[RING];
	struct pbuf *tx_frame[RING]; /* at the last descriptor of each frame */
	uint8_t tx_last[RING];	     /* at the first reclaimable one: where its frame ends */
	unsigned rx_next;	     /* the next that the card will fill */
	unsigned rx_given;	     /* what RDT says */
	unsigned tx_head;	     /* oldest not reclaimed */
	unsigned tx_next;	     /* next free */
	struct tx_context context;   /* that the card remembers */
	volatile bool link_changed;
};

enum {
	NO_TSO = 1, /* it cannot, or is known to hang with it at 10 and 100 Mbit/s */
	PCIE = 2,
	LOADED = 4, /* has EXT_LOADED */
	MDIO = 8,   /* has EXTCNF_OUR */
	SLOW = 16,  /* of reset */
	ICH8 = 32,
	F_71 = PCIE | NO_TSO | LOADED,
	F_73 = PCIE | NO_TSO | MDIO,
	F_74 = PCIE | LOADED | MDIO,
	F_ICH = PCIE | NO_TSO | LOADED | MDIO | SLOW,
	F_ICH8 = F_ICH | ICH8,
};

static const struct nic_id ids[] = {
	{ 0x8086, 0x1004, NO_TSO }, /* 82543GC */
	{ 0x8086, 0x1008, 0 },	    /* 82544EI */
	{ 0x8086, 0x100c, 0 },	    /* 82544GC */
	{ 0x8086, 0x100d, 0 },	    /* 82544GC, on board */
	{ 0x8086, 0x100e, 0 },	    /* 82540EM */
	{ 0x8086, 0x100f, 0 },	    /* 82545EM */
	{ 0x8086, 0x1010, 0 },	    /* 82546EB */
	{ 0x8086, 0x1013, 0 },	    /* 82541EI */
	{ 0x8086, 0x1014, 0 },	    /* 82541ER, on board */
	{ 0x8086, 0x1015, 0 },	    /* 82540EM, on board */
	{ 0x8086, 0x1016, 0 },	    /* 82540EP, on board */
	{ 0x8086, 0x1017, 0 },	    /* 82540EP */
	{ 0x8086, 0x1018, 0 },	    /* 82541EI, mobile */
	{ 0x8086, 0x1019, 0 },	    /* 82547EI */
	{ 0x8086, 0x101a, 0 },	    /* 82547EI, mobile */
	{ 0x8086, 0x101d, 0 },	    /* 82546EB, four ports */
	{ 0x8086, 0x101e, 0 },	    /* 82540EP, on board */
	{ 0x8086, 0x1026, 0 },	    /* 82545GM */
	{ 0x8086, 0x1049, F_ICH8 }, /* 82566MM */
	{ 0x8086, 0x104a, F_ICH8 }, /* 82566DM */
	{ 0x8086, 0x104b, F_ICH8 }, /* 82566DC */
	{ 0x8086, 0x104c, F_ICH8 }, /* 82562V */
	{ 0x8086, 0x104d, F_ICH8 }, /* 82566MC */
	{ 0x8086, 0x105e, F_71 },   /* 82571EB */
	{ 0x8086, 0x1075, 0 },	    /* 82547GI */
	{ 0x8086, 0x1076, 0 },	    /* 82541GI */
	{ 0x8086, 0x1077, 0 },	    /* 82541GI, mobile */
	{ 0x8086, 0x1078, 0 },	    /* 82541ER */
	{ 0x8086, 0x1079, 0 },	    /* 82546GB */
	{ 0x8086, 0x107c, 0 },	    /* 82541PI */
	{ 0x8086, 0x107d, F_71 },   /* 82572EI */
	{ 0x8086, 0x108b, F_73 },   /* 82573V */
	{ 0x8086, 0x108c, F_73 },   /* 82573E */
	{ 0x8086, 0x109a, F_73 },   /* 82573L */
	{ 0x8086, 0x10a4, F_71 },   /* 82571EB, four ports */
	{ 0x8086, 0x10b9, F_71 },   /* 82572EI */
	{ 0x8086, 0x10bc, F_71 },   /* 82571EB, four ports */
	{ 0x8086, 0x10bd, F_ICH },  /* 82566DM-2 */
	{ 0x8086, 0x10bf, F_ICH },  /* 82567LF */
	{ 0x8086, 0x10c0, F_ICH },  /* 82562V-2 */
	{ 0x8086, 0x10c2, F_ICH },  /* 82562G-2 */
	{ 0x8086, 0x10c3, F_ICH },  /* 82562GT-2 */
	{ 0x8086, 0x10c4, F_ICH8 }, /* 82562GT */
	{ 0x8086, 0x10c5, F_ICH8 }, /* 82562G */
	{ 0x8086, 0x10cb, F_ICH },  /* 82567V */
	{ 0x8086, 0x10cc, F_ICH },  /* 82567LM-2 */
	{ 0x8086, 0x10cd, F_ICH },  /* 82567LF-2 */
	{ 0x8086, 0x10ce, F_ICH },  /* 82567V-2 */
	{ 0x8086, 0x10d3, F_74 },   /* 82574L */
	{ 0x8086, 0x10d5, F_71 },   /* 82571PT, four ports */
	{ 0x8086, 0x10de, F_ICH },  /* 82567LM-3 */
	{ 0x8086, 0x10df, F_ICH },  /* 82567LF-3 */
	{ 0x8086, 0x10e5, F_ICH },  /* 82567LM-4 */
	{ 0x8086, 0x10f5, F_ICH },  /* 82567LM */
	{ 0x8086, 0x10f6, F_74 },   /* 82574LA */
	{ 0x8086, 0x1501, F_ICH8 }, /* 82567V-3 */
	{ 0x8086, 0x150c, F_74 },   /* 82583V */
	{ 0x8086, 0x1525, F_ICH },  /* 82567V-4 */
	{ 0x8086, 0x294c, F_ICH },  /* 82566DC-2 */
	{ 0, 0, 0 },
};

static inline uint32_t rd(struct e1000 *e, unsigned reg)
{
	return *(volatile uint32_t *)(e->regs + reg);
}

static inline void wr(struct e1000 *e, unsigned reg, uint32_t value)
{
	*(volatile uint32_t *)(e->regs + reg) = value;
}

static void read_link(struct nic *nic, struct e1000 *e)
{
	static const uint16_t speed[4] = { 10, 100, 1000, 1000 };
	uint32_t status = rd(e, STATUS);

	nic->link = status & STATUS_LU;
	nic->mbit = speed[status >> 6 & 3];
}

static void free_rings(struct e1000 *e)
{
	for (unsigned i = 0; i < RING; i++)
		if (e->rx_buf[i])
			nic_buf_free(e->rx_buf[i]);
	if (e->rx)
		page_put(virt_page(e->rx));
	if (e->tx)
		page_put(virt_page(e->tx));
}

static int alloc_rings(struct e1000 *e)
{
	struct page *rx = page_alloc_low(0), *tx = page_alloc_low(0);

	e->rx = rx ? page_virt(rx) : NULL;
	e->tx = tx ? page_virt(tx) : NULL;
	if (!rx || !tx)
		return -ENOMEM;
	memset(e->rx, 0, PAGE_SIZE);
	memset(e->tx, 0, PAGE_SIZE);
	for (unsigned i = 0; i < RING; i++) {
		e->rx_buf[i] = nic_buf_alloc();
		if (!e->rx_buf[i])
			return -ENOMEM;
		e->rx[i].addr = e->rx_buf[i]->phys;
	}
	return 0;
}

/* Waits until these bits of a register are as wanted. False: they never were, and that is that. */
static bool wait_for(struct e1000 *e, unsigned reg, uint32_t bits, uint32_t value)
{
	for (unsigned ms = 0; (rd(e, reg) & bits) != value; ms++) {
		if (ms == 100)
			return false;
		sleep_until(clock_now_ns() + NSEC_PER_MSEC);
	}
	return true;
}

/*
 * A reset amid a transaction may stop the bus. Firmware uses the PHY's bus, too, and must not in
 * this moment. ICH8's packet buffer damages data unless it is made smaller.
 */
static void before_reset(struct e1000 *e)
{
	if (e->flags & PCIE) {
		wr(e, CTRL, rd(e, CTRL) | CTRL_QUIET);
		wait_for(e, STATUS, STATUS_BUS, 0);
	}
	if (e->flags & ICH8) {
		wr(e, PBA, 8);
		wr(e, PBS, 16);
	}
	if (e->flags & MDIO && wait_for(e, EXTCNF_CTRL, EXTCNF_OUR, 0)) {
		wr(e, EXTCNF_CTRL, rd(e, EXTCNF_CTRL) | EXTCNF_OUR);
		wait_for(e, EXTCNF_CTRL, EXTCNF_OUR, EXTCNF_OUR);
	}
}

static void reset(struct e1000 *e)
{
	wr(e, IMC, ~0u);
	wr(e, RCTL, 0);
	wr(e, TCTL, 0);
	before_reset(e);
	wr(e, CTRL, rd(e, CTRL) | CTRL_RST);
	/*
	 * The card reads its EEPROM again, the address among it (SDM 14.3). One in a chip set hangs
	 * if it is asked for anything meanwhile.
	 */
	sleep_until(clock_now_ns() + (e->flags & SLOW ? 20 : 5) * NSEC_PER_MSEC);
	if (e->flags & MDIO)
		wr(e, EXTCNF_CTRL, rd(e, EXTCNF_CTRL) & ~EXTCNF_OUR);
	wr(e, IMC, ~0u);
	(void)rd(e, ICR);
}

/* Tells the management engine whether there is a driver. */
static void set_loaded(struct e1000 *e, bool loaded)
{
	if (e->flags & LOADED)
		wr(e, CTRL_EXT, (rd(e, CTRL_EXT) & ~EXT_LOADED) | (loaded ? EXT_LOADED : 0));
}

static void start(struct e1000 *e)
{
	uint64_t rx = virt_phys(e->rx), tx = virt_phys(e->tx);

	wr(e, RDBAL, rx);
	wr(e, RDBAH, rx >> 32);
	wr(e, RDLEN, RING * sizeof(*e->rx));
	wr(e, RDH, 0);
	wr(e, RDT, RING - 1);
	wr(e, RDTR, 0);
	e->rx_given = RING - 1;
	wr(e, TDBAL, tx);
	wr(e, TDBAH, tx >> 32);
	wr(e, TDLEN, RING * sizeof(*e->tx));
	wr(e, TDH, 0);
	wr(e, TDT, 0);
	wr(e, TIDV, 0);
	wr(e, ITR, 0);
	wr(e, TIPG, (e->flags & PCIE ? 8 : 10) | 8 << 10 | 6 << 20);
	if (e->flags & PCIE)
		wr(e, TXDCTL, rd(e, TXDCTL) | TXDCTL_CNT);
	wr(e, RXCSUM, 3 << 8);
	wr(e, TCTL, TCTL_EN | TCTL_PSP | 0x0f << 4 | 0x40 << 12);
	wr(e, CTRL, (rd(e, CTRL) | CTRL_SLU | CTRL_ASDE | CTRL_FD) & ~(CTRL_RST | CTRL_QUIET));
	wr(e, RCTL, RCTL_EN | RCTL_MPE | RCTL_BAM | RCTL_SECRC);
}

static int e1000_open(struct nic *nic)
{
	struct e1000 *e = kzalloc(sizeof(*e));
	uint32_t low, high;
	int err;

	if (!e)
		return -ENOMEM;
	err = -EIO;
	e->flags = nic->id->flags;
	e->regs = pci_map_bar(nic->pci, 0);
	if (!e->regs)
		goto fail;
	pci_enable(nic->pci);
	reset(e);
	low = rd(e, RAL0);
	high = rd(e, RAH0);
	if (!(low | (high & 0xffff)))
		goto fail_disable;
	memcpy(nic->mac, &low, 4);
	memcpy(nic->mac + 4, &high, 2);
	err = alloc_rings(e);
	if (err)
		goto fail_rings;
	set_loaded(e, true);
	start(e);
	nic->priv = e;
	nic->features = NIC_TX_SUM | (e->flags & NO_TSO ? 0 : NIC_TSO);
	read_link(nic, e);
	return 0;

fail_rings:
	free_rings(e);
fail_disable:
	pci_disable(nic->pci);
fail:
	kfree(e);
	return err;
}

static void e1000_close(struct nic *nic)
{
	struct e1000 *e = nic->priv;

	reset(e);
	set_loaded(e, false);
	pci_disable(nic->pci);
	for (unsigned i = 0; i < RING; i++)
		if (e->tx_frame[i])
			nic_sent(nic, e->tx_frame[i]);
	free_rings(e);
	kfree(e);
	nic->priv = NULL;
}

static void reclaim(struct nic *nic, struct e1000 *e)
{
	while (e->tx_head != e->tx_next) {
		unsigned last = e->tx_last[e->tx_head];

		if (!(__atomic_load_n(&e->tx[last].status, __ATOMIC_ACQUIRE) & TX_DD))
			return;
		nic_sent(nic, e->tx_frame[last]);
		e->tx_frame[last] = NULL;
		e->tx_head = (last + 1) % RING;
	}
}

/* Tells the card what the following frame needs, unless it still knows from the last one. */
static void put_context(struct e1000 *e, const struct pbuf *frame, const struct nic_offload *off)
{
	struct tx_context c = {
		.ipcss = 14,
		.ipcso = 24,
		.ipcse = off->l4 - 1,
		.tucss = off->l4,
		.tucso = off->l4_sum,
		.cmd_len = TX_EXT | TX_CTX_IP | TX_CTX_TCP,
	};

	if (off->mss) {
		c.cmd_len |= TX_TSE | (frame->tot_len - off->payload);
		c.hdrlen = off->payload;
		c.mss = off->mss;
	}
	if (!memcmp(&c, &e->context, sizeof(c)))
		return;
	e->context = c;
	memcpy(&e->tx[e->tx_next], &c, sizeof(c));
	e->tx_next = (e->tx_next + 1) % RING;
}

static bool e1000_transmit(struct nic *nic, struct pbuf *frame, const struct nic_offload *off)
{
	struct e1000 *e = nic->priv;
	unsigned need = pbuf_clen(frame) + 1, first = e->tx_next, last = first;
	uint32_t cmd = TX_IFCS, options = 0;

	/* One always stays free: head == tail means empty. */
	if ((e->tx_head - e->tx_next - 1) % RING < need) {
		reclaim(nic, e);
		if ((e->tx_head - e->tx_next - 1) % RING < need)
			return false;
	}
	if (off->l4) {
		put_context(e, frame, off);
		cmd |= TX_EXT | TX_DATA | (off->mss ? TX_TSE : 0);
		options = TX_TXSM | (off->mss ? TX_IXSM : 0);
	}
	for (const struct pbuf *p = frame; p; p = p->next) {
		if (!p->len)
			continue;
		last = e->tx_next;
		e->tx[last].addr = virt_phys(p->payload);
		e->tx[last].cmd_len = cmd | p->len;
		e->tx[last].status = options;
		e->tx_next = (last + 1) % RING;
	}
	e->tx[last].cmd_len |= TX_EOP | TX_RS;
	e->tx_last[first] = last;
	e->tx_frame[last] = frame;
	nic->tx_waiting = true;
	return true;
}

static void receive_one(struct nic *nic, const struct rx_desc *d, struct nic_buf **slot)
{
	struct nic_buf *full = *slot, *fresh;
	bool sums_ok =
		!(d->status & RX_IXSM) && d->status & RX_TCPCS && !(d->errors & RX_SUM_ERRORS);

	/* Without LPE in RCTL a frame never needs a second buffer. */
	if (!(d->status & RX_EOP) || d->errors & ~RX_SUM_ERRORS || d->len > NIC_FRAME_MAX) {
		nic->stats.rx_errors++;
		return;
	}
	fresh = nic_buf_alloc();
	if (!fresh) {
		nic->stats.rx_dropped++;
		return;
	}
	*slot = fresh;
	nic_receive(nic, full, d->len, sums_ok);
}

static unsigned e1000_poll(struct nic *nic, unsigned budget)
{
	struct e1000 *e = nic->priv;
	unsigned done = 0;

	for (; done < budget; done++) {
		struct rx_desc *d = &e->rx[e->rx_next];

		if (!(__atomic_load_n(&d->status, __ATOMIC_ACQUIRE) & RX_DD))
			break;
		receive_one(nic, d, &e->rx_buf[e->rx_next]);
		d->addr = e->rx_buf[e->rx_next]->phys;
		d->status = 0;
		/*
		 * The filled ones are handed out again in batches; this also restarts a receiver
		 * that has run out of buffers and stopped.
		 */
		if ((e->rx_next - e->rx_given) % RING >= RX_BATCH) {
			e->rx_given = e->rx_next;
			wr(e, RDT, e->rx_given);
		}
		e->rx_next = (e->rx_next + 1) % RING;
	}
	reclaim(nic, e);
	if (nic->tx_waiting) {
		nic->tx_waiting = false;
		wr(e, TDT, e->tx_next);
	}
	if (e->link_changed) {
		e->link_changed = false;
		read_link(nic, e);
	}
	return done;
}

static bool e1000_irq(struct nic *nic, enum nic_irq what)
{
	struct e1000 *e = nic->priv;
	uint32_t cause;

	switch (what) {
	case NIC_IRQ_ACK:
		cause = rd(e, ICR); /* reading clears it */
		if (cause & INT_LSC)
			e->link_changed = true;
		if (cause & INT_RXO)
			nic->stats.rx_overruns++;
		return cause & INT_ALL;
	case NIC_IRQ_MASK:
		wr(e, IMC, INT_ALL);
		break;
	case NIC_IRQ_UNMASK:
		wr(e, IMS, INT_ALL);
		break;
	}
	return true;
}

const struct nic_driver nic_e1000 = {
	.name = "e1000",
	.ids = ids,
	.open = e1000_open,
	.close = e1000_close,
	.transmit = e1000_transmit,
	.poll = e1000_poll,
	.irq = e1000_irq,
};
