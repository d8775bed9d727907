/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel's 8255x: 82557 to 82559, 82550, 82551, 82562, and those in the ICHs (8255x 10/100 Mbps
 * Ethernet Controller Family Open Source Software Developer Manual, "SDM" below).
 *
 * The card has two units that walk through lists in memory: the command unit (CU) sends, the receive
 * unit (RU) receives. A received frame's descriptor lies right before its data ("simplified
 * memory"): QEMU's card knows no other way.
 */
#include <errno.h>
#include <string.h>

#include "drivers/nic/eeprom.h"
#include "drivers/nic/mii.h"
#include "drivers/nic/nic.h"
#include "drivers/pci.h"
#include "kernel/cpu/x86.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"
#include "kernel/time/clock.h"

/* SDM 6.3: the system control block, each part of it accessed in its own width. */
enum {
	SCB_STATUS = 0,	 /* 8: what the units do */
	SCB_ACK = 1,	 /* 8: events; written ones are cleared */
	SCB_COMMAND = 2, /* 8: 0 when the last one was taken */
	SCB_MASK = 3,	 /* 8 */
	SCB_POINTER = 4, /* 32: the command's argument */
	PORT = 8,	 /* 32 */
	EEPROM = 14,	 /* 16 */
	MDI = 16,	 /* 32 */
};

#define RU_STATE	     0x3c
#define RU_READY	     0x10
#define EVENT_FR	     0x40 /* frame received */
#define EVENT_RNR	     0x10 /* the RU has run out of descriptors */
#define CU_START	     0x10
#define CU_RESUME	     0x20
#define CU_BASE		     0x60
#define RU_START	     0x01
#define RU_BASE		     0x06
#define MASK_ALL	     0x01
#define MASK_OTHER	     0xac /* all but FR and RNR; the 82557 does not know it */
#define PORT_RESET	     0
#define PORT_SELECTIVE_RESET 2
#define MDI_READ	     (2u << 26)
#define MDI_READY	     (1u << 28)
#define EE_CLOCK	     0x01
#define EE_SELECT	     0x02
#define EE_IN		     0x04
#define EE_OUT		     0x08
#define REV_82558	     4

#define PCI_REVISION 0x08

/* SDM 6.4.3.1.2: before each received frame. Only 2-byte aligned, which the cards do not mind. */
struct rfd {
	uint16_t status;
	uint16_t command;
	uint32_t link; /* to the next */
	uint32_t unused;
	uint16_t count; /* bytes of the frame, without FCS */
	uint16_t size;
} __attribute__((packed, aligned(2)));
_Static_assert(sizeof(struct rfd) <= NIC_BUF_LEAD, "it is written before the data");
#define RFD_COUNT 0x3fff

#define PIECES	     6
#define CONFIG_BYTES 22

/* SDM 6.4.2: a command to the CU. */
struct cb {
	uint16_t status;
	uint16_t command;
	uint32_t link; /* to the next */
	union {
		struct {
			uint32_t pieces; /* address of the table below */
			uint16_t bytes;	 /* that follow here: none */
			uint8_t threshold;
			uint8_t count;
			struct {
				uint32_t addr;
				uint32_t len;
			} piece[PIECES];
		} tx;
		uint8_t config[CONFIG_BYTES];
		uint8_t mac[6];
	};
};
#define DONE	    0x8000 /* status of both: C */
#define OK	    0x2000
#define LAST	    0x8000 /* command of both: EL */
#define SUSPEND	    0x4000
#define CB_IA_SETUP 1
#define CB_CONFIG   2
#define CB_TX	    (4 | 0x0008) /* flexible: the frame is what the table says */
#define LAST_PIECE  (1u << 16)
#define ALL_IN_FIFO 0xe0 /* in 8 bytes: more than a frame, so sending never starts too early */

/* QEMU's card drops what it finds no place for: here is one for each segment of TCP's window. */
#define RX_RING 512
#define TX_RING 128
/* QEMU's card stops after so many commands, until the next CU_RESUME. */
#define TX_BATCH 15
#define CB_ORDER 1
_Static_assert(sizeof(struct cb) == 64, "a cache line each");
_Static_assert(TX_RING * sizeof(struct cb) <= PAGE_SIZE << CB_ORDER, "the ring must fit");

#define CHECK_INTERVAL_NS (NSEC_PER_SEC / 2)

struct eepro100 {
	volatile uint8_t *regs;
	struct cb *cb;
	struct nic_buf *rx_buf[RX_RING];
	struct pbuf *tx_frame[TX_RING];
	unsigned rx_next;   /* the next that the card will fill */
	unsigned tx_head;   /* oldest not reclaimed */
	unsigned tx_next;   /* next free */
	unsigned tx_untold; /* put into the ring since CU_RESUME */
	unsigned phy;
	uint8_t revision;
	uint64_t next_check; /* ns */
};

static const struct nic_id ids[] = {
	{ 0x8086, 0x1029, 0 }, /* 82559 */
	{ 0x8086, 0x1030, 0 }, /* 82559 InBusiness */
	{ 0x8086, 0x1031, 0 }, /* ICH3 and 82562, as to 0x103e */
	{ 0x8086, 0x1032, 0 }, { 0x8086, 0x1033, 0 }, { 0x8086, 0x1034, 0 },
	{ 0x8086, 0x1038, 0 }, { 0x8086, 0x1039, 0 }, { 0x8086, 0x103a, 0 },
	{ 0x8086, 0x103b, 0 }, { 0x8086, 0x103c, 0 }, { 0x8086, 0x103d, 0 },
	{ 0x8086, 0x103e, 0 }, { 0x8086, 0x1050, 0 }, /* ICH5 and 82562, as to 0x1057 */
	{ 0x8086, 0x1051, 0 }, { 0x8086, 0x1052, 0 }, { 0x8086, 0x1053, 0 },
	{ 0x8086, 0x1054, 0 }, { 0x8086, 0x1055, 0 }, { 0x8086, 0x1056, 0 },
	{ 0x8086, 0x1057, 0 }, { 0x8086, 0x1059, 0 }, /* 82551QM */
	{ 0x8086, 0x1064, 0 },			      /* ICH6 and 82562, as to 0x106b */
	{ 0x8086, 0x1065, 0 }, { 0x8086, 0x1066, 0 }, { 0x8086, 0x1067, 0 },
	{ 0x8086, 0x1068, 0 }, { 0x8086, 0x1069, 0 }, { 0x8086, 0x106a, 0 },
	{ 0x8086, 0x106b, 0 }, { 0x8086, 0x1091, 0 }, /* ICH7 and 82562, as to 0x1095 */
	{ 0x8086, 0x1092, 0 }, { 0x8086, 0x1093, 0 }, { 0x8086, 0x1094, 0 },
	{ 0x8086, 0x1095, 0 }, { 0x8086, 0x10fe, 0 }, /* ICH8 */
	{ 0x8086, 0x1209, 0 },			      /* 8255xER, 82551IT */
	{ 0x8086, 0x1229, 0 },			      /* 82557, 82558, 82559, 82550, 82551 */
	{ 0x8086, 0x2449, 0 },			      /* ICH2 */
	{ 0x8086, 0x2459, 0 },			      /* C-ICH */
	{ 0x8086, 0x245d, 0 },			      /* C-ICH */
	{ 0x8086, 0x27dc, 0 },			      /* ICH7 */
	{ 0, 0, 0 },
};

static inline uint8_t rd8(struct eepro100 *e, unsigned reg)
{
	return e->regs[reg];
}

static inline void wr8(struct eepro100 *e, unsigned reg, uint8_t value)
{
	e->regs[reg] = value;
}

static inline void wr32(struct eepro100 *e, unsigned reg, uint32_t value)
{
	*(volatile uint32_t *)(e->regs + reg) = value;
}

/* --- EEPROM, PHY, commands -------------------------------------------------------------------- */

/* SDM 6.3.4. */
static bool eeprom_wire(struct nic *nic, enum eeprom_wire wire)
{
	struct eepro100 *e = nic->priv;
	volatile uint16_t *reg = (volatile uint16_t *)(e->regs + EEPROM);
	uint16_t value = EE_SELECT | (wire == EEPROM_1 ? EE_IN : 0);
	bool out = false;

	*reg = wire == EEPROM_END ? 0 : value;
	clock_delay_us(2);
	if (wire != EEPROM_END) {
		*reg = value | EE_CLOCK;
		clock_delay_us(2);
		out = *reg & EE_OUT;
		*reg = value;
		clock_delay_us(2);
	}
	return out;
}

/* SDM 6.3.6. */
static uint16_t phy_read(struct nic *nic, unsigned phy, unsigned reg)
{
	struct eepro100 *e = nic->priv;
	uint32_t value;

	wr32(e, MDI, MDI_READ | phy << 21 | reg << 16);
	for (unsigned us = 0; us < 200; us += 10) {
		value = *(volatile uint32_t *)(e->regs + MDI);
		if (value & MDI_READY)
			return value;
		clock_delay_us(10);
	}
	return 0;
}

/* SDM 6.3.2.2: a command may be given when the last one was taken, which takes it a moment. */
static bool command_taken(struct eepro100 *e)
{
	for (unsigned us = 0; us < 200; us++) {
		if (!rd8(e, SCB_COMMAND))
			return true;
		clock_delay_us(1);
	}
	return false;
}

/* False if the card is stuck: check() will notice. */
static bool command(struct eepro100 *e, uint8_t code, uint32_t pointer)
{
	if (!command_taken(e))
		return false;
	wr32(e, SCB_POINTER, pointer);
	wr8(e, SCB_COMMAND, code);
	return true;
}

static void resume(struct eepro100 *e)
{
	e->tx_untold = 0;
	if (command_taken(e))
		wr8(e, SCB_COMMAND, CU_RESUME);
}

/* --- starting and stopping -------------------------------------------------------------------- */

static struct rfd *rfd_of(struct eepro100 *e, unsigned i)
{
	return (struct rfd *)(e->rx_buf[i % RX_RING]->data - sizeof(struct rfd));
}

static uint32_t rfd_phys(struct eepro100 *e, unsigned i)
{
	return e->rx_buf[i % RX_RING]->phys - sizeof(struct rfd);
}

/*
 * Gives a buffer to the card, as the last; the one before it is not the last any more. If the card
 * has read that one too early, it stops after it, and is started again.
 */
static void give(struct eepro100 *e, unsigned i)
{
	struct rfd *before = rfd_of(e, i + RX_RING - 1);

	*rfd_of(e, i) = (struct rfd){
		.command = LAST,
		.link = rfd_phys(e, i + 1),
		.unused = ~0u,
		.size = NIC_FRAME_MAX,
	};
	before->link = rfd_phys(e, i);
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* in this order; the CPU keeps it */
	before->command = 0;
}

static uint32_t cb_phys(struct eepro100 *e, unsigned i)
{
	return virt_phys(&e->cb[i % TX_RING]);
}

static void reset(struct eepro100 *e)
{
	/* SDM 6.3.3: the first one makes it let go of the bus. */
	wr32(e, PORT, PORT_SELECTIVE_RESET);
	clock_delay_us(20);
	wr32(e, PORT, PORT_RESET);
	clock_delay_us(20);
	wr8(e, SCB_MASK, MASK_ALL);
}

static void drop_tx(struct nic *nic, struct eepro100 *e)
{
	for (; e->tx_head != e->tx_next; e->tx_head = (e->tx_head + 1) % TX_RING)
		if (e->tx_frame[e->tx_head])
			nic_sent(nic, e->tx_frame[e->tx_head]);
}

/* SDM 6.4.2.3: standard lists and no statistics, receives all multicast, pads and adds the FCS. */
static void put_config(const struct eepro100 *e, uint8_t *config)
{
	static const uint8_t values[CONFIG_BYTES] = {
		CONFIG_BYTES, 0x08, 0,	  0,	0, 0,	 0x3a, 0x07, 0x01, 0,	 0x2e, 0,
		0x60,	      0,    0xf2, 0x48, 0, 0x40, 0xf2, 0x82, 0x3f, 0x0d,
	};

	memcpy(config, values, sizeof(values));
	if (e->revision >= REV_82558)
		config[19] |= 0x04; /* no flow control */
	if (e->phy == MII_NONE) {
		/* An 82557 with a serial transceiver. */
		config[8] = 0;
		config[15] |= 0x80;
	}
}

/* After reset(), with all buffers in place. */
static __attribute__((cold)) int start(struct nic *nic, struct eepro100 *e)
{
	for (unsigned i = 0; i < TX_RING; i++)
		e->cb[i] = (struct cb){ .link = cb_phys(e, i + 1) };
	e->cb[0].command = CB_CONFIG;
	put_config(e, e->cb[0].config);
	e->cb[1].command = CB_IA_SETUP | SUSPEND;
	memcpy(e->cb[1].mac, nic->mac, sizeof(nic->mac));
	e->tx_head = e->tx_next = 2;
	for (unsigned i = 0; i < RX_RING; i++)
		give(e, i);
	if (!command(e, CU_BASE, 0) || !command(e, RU_BASE, 0) ||
	    !command(e, CU_START, cb_phys(e, 0)))
		return -EIO;
	for (unsigned us = 0; !(*(volatile uint16_t *)&e->cb[1].status & DONE); us += 10) {
		if (us > 10000)
			return -EIO;
		clock_delay_us(10);
	}
	return command(e, RU_START, rfd_phys(e, 0)) ? 0 : -EIO;
}

static void free_rings(struct eepro100 *e)
{
	for (unsigned i = 0; i < RX_RING; i++)
		if (e->rx_buf[i])
			nic_buf_free(e->rx_buf[i]);
	if (e->cb)
		page_free(virt_page(e->cb), CB_ORDER);
}

static int alloc_rings(struct eepro100 *e)
{
	struct page *page = page_alloc_low(CB_ORDER);

	if (!page)
		return -ENOMEM;
	e->cb = page_virt(page);
	for (unsigned i = 0; i < RX_RING; i++) {
		e->rx_buf[i] = nic_buf_alloc();
		if (!e->rx_buf[i])
			return -ENOMEM;
	}
	return 0;
}

static void read_link(struct nic *nic, struct eepro100 *e)
{
	if (e->phy == MII_NONE)
		nic->link = true; /* cannot be asked */
	else
		mii_link(nic, phy_read, e->phy);
}

static __attribute__((cold)) int eepro100_open(struct nic *nic)
{
	struct eepro100 *e = kzalloc(sizeof(*e));
	uint16_t mac[3];
	int err;

	if (!e)
		return -ENOMEM;
	err = -ENODEV;
	e->regs = pci_map_bar(nic->pci, 0);
	if (!e->regs)
		goto fail;
	nic->priv = e;
	pci_enable(nic->pci);
	reset(e);
	e->revision = pci_read8(nic->pci, PCI_REVISION);
	if (!eeprom_read(nic, eeprom_wire, 0, mac, 3) || !eeprom_mac(nic, mac))
		goto fail_rings;
	err = alloc_rings(e);
	if (err)
		goto fail_rings;
	e->phy = mii_find(nic, phy_read, 1); /* where Intel puts it */
	err = start(nic, e);
	if (err)
		goto fail_reset;
	nic->features = NIC_DMA32;
	nic->pieces = PIECES;
	read_link(nic, e);
	return 0;

fail_reset:
	reset(e);
fail_rings:
	pci_disable(nic->pci);
	free_rings(e);
fail:
	nic->priv = NULL;
	kfree(e);
	return err;
}

static __attribute__((cold)) void eepro100_close(struct nic *nic)
{
	struct eepro100 *e = nic->priv;

	reset(e);
	pci_disable(nic->pci);
	drop_tx(nic, e);
	free_rings(e);
	nic->priv = NULL;
	kfree(e);
}

/* --- sending and receiving -------------------------------------------------------------------- */

static void reclaim(struct nic *nic, struct eepro100 *e)
{
	while (e->tx_head != e->tx_next) {
		if (!(__atomic_load_n(&e->cb[e->tx_head].status, __ATOMIC_ACQUIRE) & DONE))
			return;
		nic_sent(nic, e->tx_frame[e->tx_head]);
		e->tx_frame[e->tx_head] = NULL;
		e->tx_head = (e->tx_head + 1) % TX_RING;
	}
}

static bool eepro100_transmit(struct nic *nic, struct pbuf *frame, const struct nic_offload *off)
{
	struct eepro100 *e = nic->priv;
	struct cb *cb = &e->cb[e->tx_next], *before = &e->cb[(e->tx_next - 1) % TX_RING];
	unsigned n = 0;

	(void)off;
	if ((e->tx_next + 1) % TX_RING == e->tx_head) {
		reclaim(nic, e);
		if ((e->tx_next + 1) % TX_RING == e->tx_head)
			return false;
	}
	for (const struct pbuf *p = frame; p; p = p->next) {
		if (!p->len)
			continue;
		cb->tx.piece[n].addr = virt_phys(p->payload);
		cb->tx.piece[n++].len = p->len;
	}
	cb->tx.piece[n - 1].len |= LAST_PIECE;
	cb->tx.pieces = virt_phys(cb->tx.piece);
	cb->tx.bytes = 0;
	cb->tx.threshold = ALL_IN_FIFO;
	cb->tx.count = n;
	cb->status = 0;
	cb->command = CB_TX | SUSPEND;
	e->tx_frame[e->tx_next] = frame;
	e->tx_next = (e->tx_next + 1) % TX_RING;
	/* The CU goes on to this one only when it is complete, and is not stopped between the two. */
	__atomic_store_n(&before->command, before->command & ~SUSPEND, __ATOMIC_RELEASE);
	if (++e->tx_untold == TX_BATCH)
		resume(e);
	nic->tx_waiting = true;
	return true;
}

static bool filled(struct eepro100 *e, unsigned i)
{
	return __atomic_load_n(&rfd_of(e, i)->status, __ATOMIC_ACQUIRE) & DONE;
}

static void receive_one(struct nic *nic, struct nic_buf **slot)
{
	const struct rfd *rfd = (const void *)((*slot)->data - sizeof(*rfd));
	struct nic_buf *full = *slot, *fresh;
	unsigned len = rfd->count & RFD_COUNT;

	if (!(rfd->status & OK) || len > NIC_FRAME_MAX) {
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

static unsigned receive(struct nic *nic, struct eepro100 *e, unsigned budget)
{
	unsigned n = 0;
	uint8_t status;

	while (n < budget && filled(e, e->rx_next + n))
		n++;
	if (!n)
		return 0;
	/*
	 * QEMU's card says that a frame is there before it is. It answers no register until it is; on
	 * a bus, too, what a card has written arrives before its answer.
	 */
	status = rd8(e, SCB_STATUS);
	for (unsigned i = 0; i < n; i++) {
		receive_one(nic, &e->rx_buf[e->rx_next]);
		give(e, e->rx_next);
		e->rx_next = (e->rx_next + 1) % RX_RING;
	}
	/* It stops only after filling one: so whoever sees the last it has filled, sees that, too. */
	if ((status & RU_STATE) != RU_READY && !filled(e, e->rx_next)) {
		nic->stats.rx_overruns++;
		command(e, RU_START, rfd_phys(e, e->rx_next));
	}
	return n;
}

/* Once in a while, for what no interrupt tells. */
static void check(struct nic *nic, struct eepro100 *e)
{
	if ((rd8(e, SCB_STATUS) & RU_STATE) != RU_READY && !filled(e, e->rx_next))
		command(e, RU_START, rfd_phys(e, e->rx_next));
	read_link(nic, e);
}

static unsigned eepro100_poll(struct nic *nic, unsigned budget)
{
	struct eepro100 *e = nic->priv;
	unsigned done = receive(nic, e, budget);
	uint64_t now;

	reclaim(nic, e);
	nic->tx_waiting = false;
	if (e->tx_untold)
		resume(e);
	now = clock_now_ns();
	if (now >= e->next_check) {
		e->next_check = now + CHECK_INTERVAL_NS;
		check(nic, e);
	}
	return done;
}

static bool eepro100_irq(struct nic *nic, enum nic_irq what)
{
	struct eepro100 *e = nic->priv;
	uint8_t events;

	switch (what) {
	case NIC_IRQ_ACK:
		events = rd8(e, SCB_ACK);
		if (!events || events == 0xff) /* a card that is gone reads as all ones */
			return false;
		wr8(e, SCB_ACK, events);
		break;
	case NIC_IRQ_MASK:
		wr8(e, SCB_MASK, MASK_ALL);
		break;
	case NIC_IRQ_UNMASK:
		/* Not one more interrupt for what polling has found; what it has not, is to be seen. */
		wr8(e, SCB_ACK, EVENT_FR | EVENT_RNR);
		wr8(e, SCB_MASK, e->revision >= REV_82558 ? MASK_OTHER : 0);
		if (filled(e, e->rx_next))
			nic->irq_pending = true;
		break;
	}
	return true;
}

const struct nic_driver nic_eepro100 = {
	.name = "eepro100",
	.ids = ids,
	.open = eepro100_open,
	.close = eepro100_close,
	.transmit = eepro100_transmit,
	.poll = eepro100_poll,
	.irq = eepro100_irq,
};
