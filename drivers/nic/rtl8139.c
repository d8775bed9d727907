/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Realtek RTL8139, the fast Ethernet card of many makers (data sheet as in rtl8139.h). It writes
 * frames one behind the other into a ring of bytes, and sends from four slots; both are copied. What
 * the 8139C+ shares with it is here, too.
 */
#include "drivers/nic/rtl8139.h"

#include <errno.h>
#include <string.h>

#include "drivers/pci.h"
#include "kernel/cpu/x86.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"
#include "kernel/time/clock.h"

#define RESET_NS (10 * NSEC_PER_MSEC)

#define CR9346_UNLOCK 0xc0
#define CR9346_LOCK   0x00
#define CONFIG1_SLEEP 0x03 /* of the first 8139s */
#define TCR_VERSION   0x7c800000
#define VERSION_8139A 0x70000000 /* it and older ones sleep by CONFIG1 */
#define MSR_LINK_DOWN (1 << 2)
#define MSR_SPEED_10  (1 << 3)

#define TSD_EARLY (8u << 16) /* send when 256 bytes are in the FIFO */
#define RCR_32K	  (2u << 11)
#define CAPR_LESS 16 /* the register holds so much less than it means */

/* TSAD: a nibble of each kind, a bit for each slot. */
#define TSAD_DONE(tsad)	   ((tsad) >> 12 | (tsad) >> 8 | (tsad) >> 4)
#define TSAD_ABORTED(tsad) ((tsad) >> 4 & 15)

/* A received frame's header (its length counts the FCS). */
struct rx_header {
	uint16_t status, len;
};
#define RX_ROK	      0x0001
#define RX_ERRORS     0x003e
#define RX_UNFINISHED 0xfff0 /* a length: the card is still writing the frame */
#define FCS_LEN	      4

/*
 * One block of memory. The card could be told to let a frame go on behind the ring's end, but would
 * then trust each to be short; so we put there ourselves what goes on at the ring's beginning.
 */
#define RX_RING	  0x8000
#define RX_BEYOND 0x800
#define SLOTS	  4
#define SLOT_SIZE 2048
#define MEM_ORDER 4

_Static_assert(RX_RING + RX_BEYOND + SLOTS * SLOT_SIZE <= PAGE_SIZE << MEM_ORDER, "all must fit");
_Static_assert(NIC_FRAME_MAX + sizeof(struct rx_header) <= RX_BEYOND, "a frame must fit");

struct ring {
	struct rtl8139 chip; /* first: rtl8139_irq() */
	uint8_t *mem;
	unsigned rx_at;		   /* offset of the next header */
	unsigned tx_done, tx_next; /* count on and on */
	bool tx_full;		   /* interrupts for sent frames are on */
	struct pbuf *frame[SLOTS]; /* that lie in the slots */
};

static const struct nic_id ids[] = {
	{ 0x10ec, 0x8139, 0 }, /* Realtek */
	{ 0x10ec, 0x8138, 0 }, /* Realtek, CardBus */
	{ 0x018a, 0x0106, 0 }, /* LevelOne FPC-0106TX */
	{ 0x021b, 0x8139, 0 }, /* Compaq HNE-300 */
	{ 0x02ac, 0x1012, 0 }, /* SpeedStream */
	{ 0x1113, 0x1211, 0 }, /* Accton MPX5030 */
	{ 0x1186, 0x1300, 0 }, /* D-Link DFE-538TX */
	{ 0x1186, 0x1340, 0 }, /* D-Link DFE-690TXD */
	{ 0x11db, 0x1234, 0 }, /* Sega broadband adapter */
	{ 0x1259, 0xa117, 0 }, /* Allied Telesyn 8139 */
	{ 0x1259, 0xa11e, 0 }, /* Allied Telesyn 8139, CardBus */
	{ 0x126c, 0x1211, 0 }, /* Nortel 10/100BaseTX */
	{ 0x13d1, 0xab06, 0 }, /* AboCom FE2000VX */
	{ 0x1432, 0x9130, 0 }, /* Edimax EP-4103DL */
	{ 0x14ea, 0xab06, 0 }, /* Planex FNW-3603-TX */
	{ 0x14ea, 0xab07, 0 }, /* Planex FNW-3800-TX */
	{ 0x1500, 0x1360, 0 }, /* Delta 8139 */
	{ 0x16ec, 0xab06, 0 }, /* U.S. Robotics 997900A */
	{ 0x1743, 0x8139, 0 }, /* Peppercon ROL/F-100 */
	{ 0x4033, 0x1360, 0 }, /* Addtron 8139 */
	{ 0, 0, 0 },
};

/* --- every chip ------------------------------------------------------------------------------- */

bool rtl8139_reset(struct rtl8139 *chip)
{
	uint64_t end = clock_now_ns() + RESET_NS;

	rtl_wr16(chip, RTL_IMR, 0);
	rtl_wr8(chip, RTL_CR, CR_RST);
	while (rtl_rd8(chip, RTL_CR) & CR_RST) {
		if (clock_now_ns() > end)
			return false;
		cpu_relax();
	}
	return true;
}

void rtl8139_go(struct rtl8139 *chip, uint32_t rcr)
{
	rtl_wr8(chip, RTL_CR, CR_RE | CR_TE);
	/* These two hold only what is written while both are on ("Command Register"). */
	rtl_wr32(chip, RTL_TCR, TCR_MXDMA | TCR_IFG);
	rtl_wr32(chip, RTL_RCR, RCR_ACCEPT | RCR_MXDMA | RCR_RXFTH | rcr);
	rtl_wr32(chip, RTL_MAR0, ~0u);
	rtl_wr32(chip, RTL_MAR0 + 4, ~0u);
}

static void wake_up(struct rtl8139 *chip)
{
	rtl_wr8(chip, RTL_HLTCLK, 'R');
	if ((rtl_rd32(chip, RTL_TCR) & TCR_VERSION) > VERSION_8139A)
		return;
	rtl_wr8(chip, RTL_9346CR, CR9346_UNLOCK);
	rtl_wr8(chip, RTL_CONFIG1, rtl_rd8(chip, RTL_CONFIG1) & ~CONFIG1_SLEEP);
	rtl_wr8(chip, RTL_9346CR, CR9346_LOCK);
}

static void read_link(struct nic *nic, const struct rtl8139 *chip)
{
	uint8_t status = rtl_rd8(chip, RTL_MSR);

	nic->link = !(status & MSR_LINK_DOWN);
	nic->mbit = status & MSR_SPEED_10 ? 10 : 100;
}

int rtl8139_attach(struct nic *nic, struct rtl8139 *chip)
{
	uint32_t low;
	uint16_t high;

	chip->regs = pci_map_bar(nic->pci, 1);
	if (!chip->regs)
		return -ENODEV;
	pci_enable(nic->pci);
	wake_up(chip);
	if (!rtl8139_reset(chip))
		goto fail;
	low = rtl_rd32(chip, RTL_IDR0);
	high = rtl_rd32(chip, RTL_IDR0 + 4);
	if (low & 1 || !(low | high))
		goto fail;
	memcpy(nic->mac, &low, 4);
	memcpy(nic->mac + 4, &high, 2);
	read_link(nic, chip);
	return 0;

fail:
	pci_disable(nic->pci);
	return -EIO;
}

void rtl8139_detach(struct nic *nic, struct rtl8139 *chip)
{
	rtl8139_reset(chip);
	pci_disable(nic->pci);
}

bool rtl8139_irq(struct nic *nic, enum nic_irq what)
{
	struct rtl8139 *chip = nic->priv;
	uint16_t cause;

	switch (what) {
	case NIC_IRQ_ACK:
		cause = rtl_rd16(chip, RTL_ISR);
		if (!(cause & chip->irqs) || cause == 0xffff) /* not ours, or no card at all */
			return false;
		rtl_wr16(chip, RTL_ISR, cause);
		if (cause & (ISR_RXOVW | ISR_FOVW))
			nic->stats.rx_overruns++;
		__atomic_fetch_or(&chip->events, cause, __ATOMIC_RELAXED);
		break;
	case NIC_IRQ_MASK:
		rtl_wr16(chip, RTL_IMR, 0);
		break;
	case NIC_IRQ_UNMASK:
		rtl_wr16(chip, RTL_IMR, chip->irqs);
		break;
	}
	return true;
}

unsigned rtl8139_events(struct nic *nic, struct rtl8139 *chip)
{
	unsigned events;

	if (!__atomic_load_n(&chip->events, __ATOMIC_RELAXED))
		return 0;
	events = __atomic_exchange_n(&chip->events, 0, __ATOMIC_RELAXED);
	if (events & ISR_LINK)
		read_link(nic, chip);
	return events;
}

/* --- the ring of bytes and the four slots ----------------------------------------------------- */

static uint8_t *slot(const struct ring *r, unsigned i)
{
	return r->mem + RX_RING + RX_BEYOND + i % SLOTS * SLOT_SIZE;
}

static void give_back(struct nic *nic, struct ring *r)
{
	nic_sent(nic, r->frame[r->tx_done++ % SLOTS]);
}

static void start(struct ring *r)
{
	r->rx_at = 0;
	r->tx_full = false;
	/*
	 * A full ring does not interrupt: the frames that filled it did. And QEMU makes the sender
	 * wait then, instead of losing its frames.
	 */
	r->chip.irqs = ISR_ROK | ISR_RER | ISR_LINK | ISR_FOVW;
	rtl_wr32(&r->chip, RTL_RBSTART, virt_phys(r->mem));
	for (unsigned i = 0; i < SLOTS; i++)
		rtl_wr32(&r->chip, RTL_TSAD0 + 4 * i, virt_phys(slot(r, i)));
	rtl8139_go(&r->chip, RCR_32K);
	/* As after the reset; for QEMU a sign that waiting frames may come. */
	rtl_wr16(&r->chip, RTL_CAPR, -CAPR_LESS);
}

/* For a receiver that has lost its way. What was in the ring and the slots is lost. */
static void restart(struct nic *nic, struct ring *r)
{
	nic->stats.rx_errors++;
	rtl8139_reset(&r->chip);
	while (r->tx_done != r->tx_next)
		give_back(nic, r);
	r->tx_done = r->tx_next = 0; /* the card begins with the first slot, too */
	start(r);
	if (!nic->irq_masked)
		rtl8139_irq(nic, NIC_IRQ_UNMASK);
}

static int ring_open(struct nic *nic)
{
	struct ring *r = kzalloc(sizeof(*r));
	struct page *page;
	int err;

	if (!r)
		return -ENOMEM;
	page = page_alloc_low(MEM_ORDER);
	err = -ENOMEM;
	if (!page)
		goto fail;
	r->mem = page_virt(page);
	memset(r->mem, 0, PAGE_SIZE << MEM_ORDER);
	err = rtl8139_attach(nic, &r->chip);
	if (err)
		goto fail_page;
	start(r);
	nic->priv = r;
	return 0;

fail_page:
	page_put(page);
fail:
	kfree(r);
	return err;
}

static void ring_close(struct nic *nic)
{
	struct ring *r = nic->priv;

	rtl8139_detach(nic, &r->chip);
	while (r->tx_done != r->tx_next)
		give_back(nic, r);
	page_put(virt_page(r->mem));
	nic->priv = NULL;
	kfree(r);
}

static void reclaim(struct nic *nic, struct ring *r)
{
	uint16_t tsad = rtl_rd16(&r->chip, RTL_TSAD);

	while (r->tx_done != r->tx_next && TSAD_DONE(tsad) & 1 << r->tx_done % SLOTS) {
		/* After 16 collisions the transmitter stands still until it is told to go on. */
		if (TSAD_ABORTED(tsad) & 1 << r->tx_done % SLOTS)
			rtl_wr32(&r->chip, RTL_TCR, TCR_MXDMA | TCR_IFG | TCR_CLRABT);
		give_back(nic, r);
	}
}

/* A sent frame interrupts only while one waits for its slot. */
static void set_tx_irq(struct nic *nic, struct ring *r, bool on)
{
	uint16_t bits = ISR_TOK | ISR_TER;

	r->tx_full = on;
	r->chip.irqs = on ? r->chip.irqs | bits : r->chip.irqs & ~bits;
	if (!nic->irq_masked)
		rtl8139_irq(nic, NIC_IRQ_UNMASK);
}

static bool ring_transmit(struct nic *nic, struct pbuf *frame, const struct nic_offload *off)
{
	struct ring *r = nic->priv;
	uint8_t *to = slot(r, r->tx_next);
	unsigned len = frame->tot_len;

	(void)off;
	if (r->tx_next - r->tx_done == SLOTS) {
		reclaim(nic, r);
		if (r->tx_next - r->tx_done == SLOTS) {
			if (!r->tx_full)
				set_tx_irq(nic, r, true);
			return false;
		}
	}
	pbuf_copy_partial(frame, to, len, 0);
	/* The card does not pad. */
	if (len < NIC_FRAME_MIN) {
		memset(to + len, 0, NIC_FRAME_MIN - len);
		len = NIC_FRAME_MIN;
	}
	rtl_wr32(&r->chip, RTL_TSD0 + 4 * (r->tx_next % SLOTS), TSD_EARLY | len);
	r->frame[r->tx_next++ % SLOTS] = frame;
	return true;
}

/* Returns the number of frames; negative if what the ring says makes no sense. */
static int receive(struct nic *nic, struct ring *r, unsigned budget)
{
	int done = 0;
	unsigned have;

	if (rtl_rd8(&r->chip, RTL_CR) & CR_BUFE)
		return 0;
	/* The last frame before this place may still be in the making. */
	have = (rtl_rd16(&r->chip, RTL_CBR) - r->rx_at) % RX_RING;
	if (!have)
		have = RX_RING; /* full to the last byte */
	while (have > sizeof(struct rx_header) && (unsigned)done < budget) {
		const uint8_t *at = r->mem + r->rx_at;
		struct rx_header h = *(const volatile struct rx_header *)at;
		unsigned size = (sizeof(h) + h.len + 3) & ~3u;

		if (h.len == RX_UNFINISHED)
			break;
		if ((h.status & (RX_ROK | RX_ERRORS)) != RX_ROK || h.len <= FCS_LEN ||
		    h.len > NIC_FRAME_MAX)
			return -EIO;
		if (size > have)
			break;
		if (r->rx_at + size > RX_RING)
			memcpy(r->mem + RX_RING, r->mem, r->rx_at + size - RX_RING);
		nic_receive_copy(nic, at + sizeof(h), h.len - FCS_LEN, false);
		r->rx_at = (r->rx_at + size) % RX_RING;
		have -= size;
		done++;
	}
	if (done)
		rtl_wr16(&r->chip, RTL_CAPR, r->rx_at - CAPR_LESS);
	return done;
}

static unsigned ring_poll(struct nic *nic, unsigned budget)
{
	struct ring *r = nic->priv;
	unsigned events = rtl8139_events(nic, &r->chip);
	int done = receive(nic, r, budget);

	/* After an overflow of the FIFO the receiver may stand still. */
	if (done < 0 || events & ISR_FOVW)
		restart(nic, r);
	if (r->tx_done != r->tx_next)
		reclaim(nic, r);
	if (r->tx_full && r->tx_next - r->tx_done < SLOTS)
		set_tx_irq(nic, r, false);
	nic->tx_waiting = false;
	return done > 0 ? done : 0;
}

const struct nic_driver nic_rtl8139 = {
	.name = "rtl8139",
	.ids = ids,
	.open = ring_open,
	.close = ring_close,
	.transmit = ring_transmit,
	.poll = ring_poll,
	.irq = rtl8139_irq,
};
