/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DEC's (later Intel's) 21140, 21142 and 21143, "Tulip" (21143 PCI/CardBus 10/100Mb/s Ethernet LAN
 * Controller Hardware Reference Manual, "HRM" below).
 *
 * What is behind the chip differs from board to board. One with a PHY on the MII, which can be asked,
 * is served in all its modes. Without one it is 10BASE-T by the 21143's own transceiver, and
 * 100BASE-TX by a plain one for the 21140.
 */
#include <errno.h>
#include <string.h>

#include "drivers/nic/eeprom.h"
#include "drivers/nic/mii.h"
#include "drivers/nic/nic.h"
#include "drivers/pci.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"
#include "kernel/proc/thread.h"
#include "kernel/time/clock.h"

/* HRM 3.2: registers, eight bytes apart. */
enum {
	BUS_MODE = 0,
	TX_POLL = 1,
	RX_POLL = 2,
	RX_LIST = 3,
	TX_LIST = 4,
	STATUS = 5,
	MODE = 6,
	INT_ENABLE = 7,
	SERIAL = 9, /* EEPROM and PHY */
	SIA_STATUS = 12,
	SIA_CONNECT = 13,
	SIA_TX_RX = 14,
	SIA_GENERAL = 15,
};

#define PCI_POWER 0x40 /* CFDD: sleep and snooze modes */

#define BUS_RESET   0x00000001
#define BUS_BURSTS  0x00004800 /* of 8 longwords, aligned to 8 */
#define INT_RX	    0x00000040
#define INT_STARVED 0x00000080 /* no receive descriptor for a frame */
#define INT_BUS	    0x00002000
#define INT_OTHERS  0x00008000 /* one of those that are enabled and are no normal events */
#define INT_NORMAL  0x00010000
#define INT_ENABLED (INT_NORMAL | INT_OTHERS | INT_RX | INT_STARVED | INT_BUS)
#define INT_ALL	    0x0c01ffff
#define STATE_RUNS  0x007e0000 /* receiver and transmitter; 0: stopped */
#define MODE_RX	    0x00000002
#define MODE_ALL_MC 0x00000080 /* every multicast */
#define MODE_FULL   0x00000200
#define MODE_TX	    0x00002000
#define MODE_MII    0x000c0000 /* port select, no heartbeat */
#define MODE_WHOLE  0x00200000 /* a frame is sent only when all of it is in the FIFO */
#define MODE_SLOW   0x00400000 /* 10 Mbit/s */
#define MODE_SYM    0x01800000 /* scrambler and coder for a plain transceiver */
#define MODE_ONE    0x02000000 /* must be */
#define MODE_FIXED  (MODE_ONE | MODE_WHOLE | MODE_ALL_MC)
#define SIA_NO_LINK 0x00000004

#define EE_SELECT 0x00000001
#define EE_CLOCK  0x00000002
#define EE_IN	  0x00000004
#define EE_OUT	  0x00000008
#define EE_CHIP	  0x00000800
#define EE_READ	  0x00004000
#define MDI_CLOCK 0x00010000
#define MDI_WRITE 0x00020000
#define MDI_INPUT 0x00040000 /* the PHY's turn */
#define MDI_READ  0x00080000

/* HRM 4.2: a descriptor has two pieces of a frame. */
struct desc {
	uint32_t status;
	uint32_t control; /* and the pieces' bytes, 11 bits each */
	uint32_t addr[2];
};
#define DESC_OWN   0x80000000 /* by the card */
#define RX_ERRORS  0x00008000
#define RX_WHOLE   0x00000300 /* first and last piece in one */
#define RX_LEN(s)  ((s) >> 16 & 0x3fff)
#define RX_END	   0x02000000 /* of the ring */
#define TX_LAST	   0x40000000
#define TX_FIRST   0x20000000
#define TX_SETUP   0x08000000
#define TX_END	   0x02000000
#define SECOND(n)  ((n) << 11)
#define FCS	   4
#define RX_BYTES   1536 /* a multiple of 4 */
#define RX_WASTE   512
#define SETUP_MACS 16

/* QEMU's card drops what it finds no place for: here is one for each segment of TCP's window. */
#define RX_RING 512
#define TX_RING 256
/* QEMU's card sends so many descriptors at once. */
#define TX_BATCH 100

/* What the card reads and writes besides frames. */
struct shared {
	struct desc rx[RX_RING];
	struct desc tx[TX_RING];
	uint32_t setup[SETUP_MACS][3]; /* two bytes of an address in each longword */
	/* Where the end of too long frames goes: QEMU's card dies of one that it cannot write. */
	uint8_t waste[RX_WASTE];
};
#define SHARED_ORDER 2
_Static_assert(sizeof(struct shared) <= PAGE_SIZE << SHARED_ORDER, "the rings must fit");

/* Buffers must be aligned to 4 (HRM 4.2.1), the stack's are to 2. */
#define MISALIGNED 2
_Static_assert(RX_BYTES <= NIC_BUF_ROOM + MISALIGNED, "a frame must fit");

#define CHECK_INTERVAL_NS (2 * NSEC_PER_SEC)

struct tulip {
	volatile uint8_t *regs;
	struct shared *shared;
	struct nic_buf *rx_buf[RX_RING];
	struct pbuf *tx_frame[TX_RING]; /* at the last descriptor of each frame */
	uint8_t tx_last[TX_RING];	/* at the first one: where its frame ends */
	unsigned rx_next;		/* the next that the card will fill */
	unsigned tx_head;		/* oldest not reclaimed */
	unsigned tx_next;		/* next free */
	unsigned tx_untold;		/* descriptors filled since TX_POLL */
	volatile bool starved;		/* the card waits for RX_POLL */
	uint32_t mode;			/* what MODE says */
	unsigned phy;
	uint64_t next_check; /* ns */
};

enum { HAS_SIA = 1 };

static const struct nic_id ids[] = {
	{ 0x1011, 0x0009, 0 },	     /* 21140 */
	{ 0x1011, 0x0019, HAS_SIA }, /* 21142, 21143 */
	{ 0, 0, 0 },
};

static inline uint32_t rd(struct tulip *t, unsigned reg)
{
	return *(volatile uint32_t *)(t->regs + 8 * reg);
}

static inline void wr(struct tulip *t, unsigned reg, uint32_t value)
{
	*(volatile uint32_t *)(t->regs + 8 * reg) = value;
}

/* --- EEPROM and PHY --------------------------------------------------------------------------- */

static bool eeprom_wire(struct nic *nic, enum eeprom_wire wire)
{
	struct tulip *t = nic->priv;
	uint32_t value = EE_CHIP | EE_READ | EE_SELECT | (wire == EEPROM_1 ? EE_IN : 0);
	bool out = false;

	wr(t, SERIAL, wire == EEPROM_END ? EE_CHIP | EE_READ : value);
	clock_delay_us(2);
	if (wire != EEPROM_END) {
		wr(t, SERIAL, value | EE_CLOCK);
		clock_delay_us(2);
		out = rd(t, SERIAL) & EE_OUT;
		wr(t, SERIAL, value);
		clock_delay_us(2);
	}
	return out;
}

/* One clock of the PHY's wire; returns what was on it before. */
static unsigned mdi_clock(struct tulip *t, uint32_t out)
{
	unsigned in;

	wr(t, SERIAL, out);
	clock_delay_us(1);
	in = rd(t, SERIAL) & MDI_READ ? 1 : 0;
	wr(t, SERIAL, out | MDI_CLOCK);
	clock_delay_us(1);
	return in;
}

/* IEEE 802.3, 22.2.4.5: 32 ones, a command of 14 bits, two clocks to turn round, the answer. */
static uint16_t phy_read(struct nic *nic, unsigned phy, unsigned reg)
{
	struct tulip *t = nic->priv;
	uint32_t command = 6 << 10 | phy << 5 | reg;
	unsigned value = 0;

	for (unsigned i = 0; i < 32; i++)
		mdi_clock(t, MDI_WRITE);
	for (unsigned i = 14; i--;)
		mdi_clock(t, command >> i & 1 ? MDI_WRITE : 0);
	for (unsigned i = 0; i < 18; i++)
		value = value << 1 | mdi_clock(t, MDI_INPUT);
	wr(t, SERIAL, 0);
	return value;
}

/* HRM 3.2.2.6: the port may only be changed while both processes stand still. */
static void set_mode(struct tulip *t, uint32_t mode)
{
	if (mode == t->mode)
		return;
	wr(t, MODE, t->mode & ~(MODE_RX | MODE_TX));
	/* A frame under way takes 1.2 ms at 10 Mbit/s. */
	for (unsigned us = 0; us < 2000 && rd(t, STATUS) & STATE_RUNS; us += 10)
		clock_delay_us(10);
	wr(t, MODE, mode & ~(MODE_RX | MODE_TX));
	wr(t, MODE, mode);
	t->mode = mode;
}

/* Sets the mode that the link has, and what of transmitter and receiver is to run. */
static void read_link(struct nic *nic, struct tulip *t, uint32_t run)
{
	uint32_t mode = MODE_FIXED | run;

	if (t->phy != MII_NONE) {
		mode |= MODE_MII | (mii_link(nic, phy_read, t->phy) ? MODE_FULL : 0);
		mode |= nic->mbit == 10 ? MODE_SLOW : 0;
		/* Without a link the PHY knows no mode. */
		if (nic->link || !t->mode)
			set_mode(t, mode);
	} else if (nic->id->flags & HAS_SIA) {
		nic->link = !(rd(t, SIA_STATUS) & SIA_NO_LINK);
		nic->mbit = 10;
		set_mode(t, mode | MODE_SLOW);
	} else {
		nic->link = true; /* cannot be asked */
		nic->mbit = 100;
		set_mode(t, mode | MODE_MII | MODE_SYM);
	}
}

/* --- starting and stopping -------------------------------------------------------------------- */

static void reset(struct tulip *t)
{
	wr(t, INT_ENABLE, 0);
	wr(t, MODE, 0);
	wr(t, BUS_MODE, BUS_RESET);
	sleep_until(clock_now_ns() + NSEC_PER_MSEC);
	wr(t, BUS_MODE, BUS_BURSTS);
	wr(t, INT_ENABLE, 0);
}

static void give(struct tulip *t, unsigned i)
{
	struct desc *d = &t->shared->rx[i];

	d->control = RX_BYTES | SECOND(RX_WASTE) | (i == RX_RING - 1 ? RX_END : 0);
	d->addr[0] = t->rx_buf[i]->phys - MISALIGNED;
	d->addr[1] = virt_phys(t->shared->waste);
	__atomic_store_n(&d->status, DESC_OWN, __ATOMIC_RELEASE);
}

/* HRM 4.2.3: which addresses to receive; ours, and broadcast. It is sent like a frame. */
static void put_setup(struct nic *nic, struct tulip *t)
{
	struct desc *d = &t->shared->tx[0];

	for (unsigned i = 0; i < SETUP_MACS; i++)
		for (unsigned j = 0; j < 3; j++)
			t->shared->setup[i][j] =
				i ? nic->mac[2 * j] | nic->mac[2 * j + 1] << 8 : 0xffff;
	d->control = TX_SETUP | sizeof(t->shared->setup);
	d->addr[0] = virt_phys(t->shared->setup);
	d->status = DESC_OWN;
	t->tx_head = t->tx_next = 1;
}

/* After reset(), with all buffers in place. */
static int start(struct nic *nic, struct tulip *t)
{
	for (unsigned i = 0; i < RX_RING; i++)
		give(t, i);
	put_setup(nic, t);
	wr(t, RX_LIST, virt_phys(t->shared->rx));
	wr(t, TX_LIST, virt_phys(t->shared->tx));
	t->phy = mii_find(nic, phy_read, 1);
	if (t->phy == MII_NONE && nic->id->flags & HAS_SIA) {
		wr(t, SIA_CONNECT, 0);
		wr(t, SIA_TX_RX, 0x7f3f);
		wr(t, SIA_GENERAL, 0x0008);
		wr(t, SIA_CONNECT, 0x0001);
	}
	/* Nothing may be received before the card has its address. */
	read_link(nic, t, MODE_TX);
	wr(t, TX_POLL, 1);
	for (unsigned ms = 0;
	     __atomic_load_n(&t->shared->tx[0].status, __ATOMIC_ACQUIRE) & DESC_OWN; ms++) {
		if (ms == 20)
			return -EIO;
		sleep_until(clock_now_ns() + NSEC_PER_MSEC);
	}
	set_mode(t, t->mode | MODE_RX);
	return 0;
}

static void free_rings(struct tulip *t)
{
	for (unsigned i = 0; i < RX_RING; i++)
		if (t->rx_buf[i])
			nic_buf_free(t->rx_buf[i]);
	if (t->shared)
		page_free(virt_page(t->shared), SHARED_ORDER);
}

static struct nic_buf *alloc_buf(void)
{
	struct nic_buf *buf = nic_buf_alloc();

	if (buf)
		buf->data -= MISALIGNED;
	return buf;
}

static int alloc_rings(struct tulip *t)
{
	struct page *page = page_alloc_low(SHARED_ORDER);

	if (!page)
		return -ENOMEM;
	t->shared = page_virt(page);
	memset(t->shared, 0, sizeof(*t->shared));
	for (unsigned i = 0; i < RX_RING; i++) {
		t->rx_buf[i] = alloc_buf();
		if (!t->rx_buf[i])
			return -ENOMEM;
	}
	return 0;
}

/* Its address is where the format of all but the oldest boards has it, or at the very beginning. */
static bool read_mac(struct nic *nic)
{
	uint16_t words[13];

	return eeprom_read(nic, eeprom_wire, 0, words, 13) &&
	       (eeprom_mac(nic, words + 10) || eeprom_mac(nic, words));
}

static __attribute__((cold)) int tulip_open(struct nic *nic)
{
	struct tulip *t = kzalloc(sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	err = -ENODEV;
	t->regs = pci_map_bar(nic->pci, 1);
	if (!t->regs)
		goto fail;
	nic->priv = t;
	pci_write32(nic->pci, PCI_POWER, 0);
	pci_enable(nic->pci);
	reset(t);
	if (!read_mac(nic))
		goto fail_rings;
	err = alloc_rings(t);
	if (err)
		goto fail_rings;
	err = start(nic, t);
	if (err)
		goto fail_reset;
	nic->features = NIC_DMA32;
	return 0;

fail_reset:
	reset(t);
fail_rings:
	pci_disable(nic->pci);
	free_rings(t);
fail:
	nic->priv = NULL;
	kfree(t);
	return err;
}

static void tulip_close(struct nic *nic)
{
	struct tulip *t = nic->priv;

	reset(t);
	pci_disable(nic->pci);
	for (unsigned i = 0; i < TX_RING; i++)
		if (t->tx_frame[i])
			nic_sent(nic, t->tx_frame[i]);
	free_rings(t);
	nic->priv = NULL;
	kfree(t);
}

/* --- sending and receiving -------------------------------------------------------------------- */

static void reclaim(struct nic *nic, struct tulip *t)
{
	while (t->tx_head != t->tx_next) {
		unsigned last = t->tx_last[t->tx_head];

		if (__atomic_load_n(&t->shared->tx[last].status, __ATOMIC_ACQUIRE) & DESC_OWN)
			return;
		nic_sent(nic, t->tx_frame[last]);
		t->tx_frame[last] = NULL;
		t->tx_head = (last + 1) % TX_RING;
	}
}

static void tell(struct tulip *t)
{
	t->tx_untold = 0;
	wr(t, TX_POLL, 1);
}

static bool tulip_transmit(struct nic *nic, struct pbuf *frame, const struct nic_offload *off)
{
	struct tulip *t = nic->priv;
	unsigned need = (pbuf_clen(frame) + 1) / 2, first = t->tx_next, last = first, n = 0;

	(void)off;
	/* One always stays free: head == next means empty. */
	if ((t->tx_head - t->tx_next - 1) % TX_RING < need) {
		reclaim(nic, t);
		if ((t->tx_head - t->tx_next - 1) % TX_RING < need)
			return false;
	}
	for (const struct pbuf *p = frame; p; p = p->next) {
		struct desc *d;

		if (!p->len)
			continue;
		last = (first + n / 2) % TX_RING;
		d = &t->shared->tx[last];
		d->addr[n & 1] = virt_phys(p->payload);
		if (n++ & 1) {
			d->control |= SECOND(p->len);
			continue;
		}
		d->control = p->len | (last == TX_RING - 1 ? TX_END : 0);
		/* The card must not see the first before all others are there. */
		if (last != first)
			d->status = DESC_OWN;
	}
	t->shared->tx[first].control |= TX_FIRST;
	t->shared->tx[last].control |= TX_LAST;
	t->tx_last[first] = last;
	t->tx_frame[last] = frame;
	t->tx_next = (last + 1) % TX_RING;
	__atomic_store_n(&t->shared->tx[first].status, DESC_OWN, __ATOMIC_RELEASE);
	t->tx_untold += need;
	if (t->tx_untold >= TX_BATCH)
		tell(t);
	nic->tx_waiting = true;
	return true;
}

static bool filled(struct tulip *t, unsigned i)
{
	return !(__atomic_load_n(&t->shared->rx[i % RX_RING].status, __ATOMIC_ACQUIRE) & DESC_OWN);
}

static void receive_one(struct nic *nic, uint32_t status, struct nic_buf **slot)
{
	struct nic_buf *full = *slot, *fresh;
	unsigned len = RX_LEN(status) - FCS;

	if ((status & (RX_WHOLE | RX_ERRORS)) != RX_WHOLE || len > NIC_FRAME_MAX - FCS) {
		nic->stats.rx_errors++;
		return;
	}
	fresh = alloc_buf();
	if (!fresh) {
		nic->stats.rx_dropped++;
		return;
	}
	*slot = fresh;
	nic_receive(nic, full, len, false);
}

static unsigned receive(struct nic *nic, struct tulip *t, unsigned budget)
{
	unsigned n = 0;

	while (n < budget && filled(t, t->rx_next + n))
		n++;
	/*
	 * QEMU's card writes to a descriptor for a moment after giving it up: old addresses, which
	 * must not replace ours. It answers no register meanwhile.
	 */
	if (n && rd(t, STATUS) & INT_STARVED) {
		wr(t, STATUS, INT_STARVED);
		t->starved = true;
	}
	for (unsigned i = 0; i < n; i++) {
		receive_one(nic, t->shared->rx[t->rx_next].status, &t->rx_buf[t->rx_next]);
		give(t, t->rx_next);
		t->rx_next = (t->rx_next + 1) % RX_RING;
	}
	if (t->starved) {
		t->starved = false;
		nic->stats.rx_overruns++;
		wr(t, RX_POLL, 1);
	}
	return n;
}

static unsigned tulip_poll(struct nic *nic, unsigned budget)
{
	struct tulip *t = nic->priv;
	unsigned done = receive(nic, t, budget);
	uint64_t now;

	reclaim(nic, t);
	nic->tx_waiting = false;
	if (t->tx_untold)
		tell(t);
	now = clock_now_ns();
	if (now >= t->next_check) {
		t->next_check = now + CHECK_INTERVAL_NS;
		read_link(nic, t, MODE_TX | MODE_RX);
	}
	return done;
}

static bool tulip_irq(struct nic *nic, enum nic_irq what)
{
	struct tulip *t = nic->priv;
	uint32_t events;

	switch (what) {
	case NIC_IRQ_ACK:
		events = rd(t, STATUS);
		/* A card that is gone reads as all ones. */
		if (!(events & (INT_NORMAL | INT_OTHERS)) || events == ~0u)
			return false;
		wr(t, STATUS, events & INT_ALL);
		if (events & INT_STARVED)
			t->starved = true;
		break;
	case NIC_IRQ_MASK:
		wr(t, INT_ENABLE, 0);
		break;
	case NIC_IRQ_UNMASK:
		/* Not one more interrupt for what polling has found; what it has not, is to be seen. */
		wr(t, STATUS, INT_RX);
		wr(t, INT_ENABLE, INT_ENABLED);
		if (filled(t, t->rx_next))
			nic->irq_pending = true;
		break;
	}
	return true;
}

const struct nic_driver nic_tulip = {
	.name = "tulip",
	.ids = ids,
	.open = tulip_open,
	.close = tulip_close,
	.transmit = tulip_transmit,
	.poll = tulip_poll,
	.irq = tulip_irq,
};
