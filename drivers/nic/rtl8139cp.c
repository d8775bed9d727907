/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Realtek RTL8139C+: a fast Ethernet card with rings of descriptors, which computes sums and cuts
 * big segments (data sheet as in rtl8139.h). QEMU's rtl8139 is one.
 */
#include <errno.h>
#include <string.h>

#include "drivers/nic/rtl8139.h"
#include "drivers/pci.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"
#include "kernel/settings.h"

#define CPCR_TE	    (1 << 0)
#define CPCR_RE	    (1 << 1)
#define CPCR_MULRW  (1 << 3)
#define CPCR_DAC    (1 << 4) /* 64-bit addresses */
#define CPCR_RXSUM  (1 << 5)
#define TPPOLL_NPQ  (1 << 6) /* look at the ring of normal priority */
#define ETTHR_START 6	     /* send when 192 bytes are in the FIFO */

/* A descriptor is the card's from when OWN is set until the card clears it. */
struct desc {
	uint32_t opts1, opts2;
	uint64_t addr;
};
#define OWN	   (1u << 31)
#define EOR	   (1u << 30) /* the ring's last */
#define FS	   (1u << 29) /* a frame's first piece */
#define LS	   (1u << 28) /* and its last */
#define TX_LGSEN   (1u << 27)
#define TX_MSS	   16 /* where it starts, with LGSEN */
#define TX_IPCS	   (1u << 18)
#define TX_TCPCS   (1u << 16)
#define RX_ERRORS  (1u << 20 | 1u << 22) /* any; the FIFO was full */
#define RX_PID_TCP (1u << 16)
#define RX_PID_UDP (2u << 16)
#define RX_PID	   (3u << 16)
#define RX_IPF	   (1u << 15)
#define RX_UDPF	   (1u << 14)
#define RX_TCPF	   (1u << 13)
#define RX_LEN	   0x1fff /* with FCS */

#define RING	64   /* descriptors: the most there may be */
#define RX_SIZE 1520 /* a multiple of 8, room for 1,514 bytes and the FCS */
#define FCS_LEN 4

_Static_assert(RX_SIZE <= NIC_FRAME_MAX, "the card must not write beyond a buffer");
_Static_assert(2 * RING * sizeof(struct desc) <= PAGE_SIZE, "both rings lie in one page");

struct cplus {
	struct rtl8139 chip; /* first: rtl8139_irq() */
	struct desc *rx, *tx;
	struct nic_buf *rx_buf[RING];
	struct pbuf *tx_frame[RING]; /* at the last descriptor of each frame */
	unsigned rx_next;	     /* counts on and on, as do the others */
	unsigned tx_done, tx_next;   /* oldest not reclaimed, next free */
};

static const struct nic_id ids[] = {
	{ 0x10ec, 0x8139, 0 },
	{ 0, 0, 0 },
};

static uint32_t end_of_ring(unsigned i)
{
	return i % RING == RING - 1 ? EOR : 0;
}

static void give(struct cplus *c, unsigned i)
{
	struct desc *d = &c->rx[i % RING];

	d->addr = c->rx_buf[i % RING]->phys;
	d->opts2 = 0;
	__atomic_store_n(&d->opts1, OWN | end_of_ring(i) | RX_SIZE, __ATOMIC_RELEASE);
}

static void free_rings(struct cplus *c)
{
	for (unsigned i = 0; i < RING; i++)
		if (c->rx_buf[i])
			nic_buf_free(c->rx_buf[i]);
	if (c->rx)
		page_put(virt_page(c->rx));
}

static int alloc_rings(struct cplus *c)
{
	struct page *page = page_alloc_low(0);

	if (!page)
		return -ENOMEM;
	c->rx = page_virt(page);
	c->tx = c->rx + RING;
	memset(c->rx, 0, PAGE_SIZE);
	for (unsigned i = 0; i < RING; i++) {
		c->rx_buf[i] = nic_buf_alloc();
		if (!c->rx_buf[i])
			return -ENOMEM;
		give(c, i);
	}
	return 0;
}

/* C+ mode comes first, then the rings, which switching it on may spoil. */
static void start(struct cplus *c)
{
	uint64_t rx = virt_phys(c->rx), tx = virt_phys(c->tx);

	rtl_wr16(&c->chip, RTL_CPCR, CPCR_RE | CPCR_TE | CPCR_MULRW | CPCR_DAC | CPCR_RXSUM);
	rtl_wr32(&c->chip, RTL_RDSAR, rx);
	rtl_wr32(&c->chip, RTL_RDSAR + 4, rx >> 32);
	rtl_wr32(&c->chip, RTL_TNPDS, tx);
	rtl_wr32(&c->chip, RTL_TNPDS + 4, tx >> 32);
	rtl8139_go(&c->chip, 0);
	rtl_wr8(&c->chip, RTL_ETTHR, ETTHR_START);
}

static int cplus_open(struct nic *nic)
{
	const char *wish = setting_get("rtl8139");
	struct cplus *c;
	int err;

	if (pci_read8(nic->pci, PCI_REVISION) < 0x20 || (wish && !strcmp(wish, "old")))
		return -ENODEV;
	c = kzalloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	err = rtl8139_attach(nic, &c->chip);
	if (err)
		goto fail;
	err = alloc_rings(c);
	if (err)
		goto fail_rings;
	start(c);
	/* A sent frame needs no interrupt: its memory comes back at the next poll. */
	c->chip.irqs = ISR_ROK | ISR_RER | ISR_RXOVW | ISR_LINK | ISR_FOVW;
	nic->priv = c;
	nic->window = (RING - 16) * TCP_MSS;
	nic->features = NIC_TX_SUM | NIC_TSO | NIC_TSO_IP;
	return 0;

fail_rings:
	rtl8139_detach(nic, &c->chip);
	free_rings(c);
fail:
	kfree(c);
	return err;
}

static void cplus_close(struct nic *nic)
{
	struct cplus *c = nic->priv;

	rtl8139_detach(nic, &c->chip);
	for (unsigned i = 0; i < RING; i++)
		if (c->tx_frame[i])
			nic_sent(nic, c->tx_frame[i]);
	free_rings(c);
	nic->priv = NULL;
	kfree(c);
}

static void reclaim(struct nic *nic, struct cplus *c)
{
	for (; c->tx_done != c->tx_next; c->tx_done++) {
		struct pbuf **frame = &c->tx_frame[c->tx_done % RING];

		if (__atomic_load_n(&c->tx[c->tx_done % RING].opts1, __ATOMIC_ACQUIRE) & OWN)
			return;
		if (*frame)
			nic_sent(nic, *frame);
		*frame = NULL;
	}
}

/* What the card must do, as it is said in each of the frame's descriptors. */
static uint32_t tx_options(const struct nic_offload *off)
{
	if (off->mss)
		return TX_LGSEN | (uint32_t)off->mss << TX_MSS;
	return off->l4 ? TX_IPCS | TX_TCPCS : 0;
}

static bool cplus_transmit(struct nic *nic, struct pbuf *frame, const struct nic_offload *off)
{
	struct cplus *c = nic->priv;
	unsigned first = c->tx_next, need = pbuf_clen(frame);
	uint32_t options = tx_options(off), first_opts1 = 0;

	if (RING - (c->tx_next - c->tx_done) < need) {
		reclaim(nic, c);
		if (RING - (c->tx_next - c->tx_done) < need)
			return false;
	}
	for (const struct pbuf *p = frame; p; p = p->next) {
		struct desc *d = &c->tx[c->tx_next % RING];
		uint32_t opts1 = OWN | end_of_ring(c->tx_next) | options | p->len;

		if (!p->len)
			continue;
		d->addr = virt_phys(p->payload);
		d->opts2 = 0;
		/* The first is handed over when all others are there. */
		if (c->tx_next == first)
			first_opts1 = opts1 | FS;
		else
			__atomic_store_n(&d->opts1, opts1, __ATOMIC_RELEASE);
		c->tx_next++;
	}
	c->tx_frame[(c->tx_next - 1) % RING] = frame;
	if (c->tx_next - 1 == first)
		first_opts1 |= LS;
	else
		c->tx[(c->tx_next - 1) % RING].opts1 |= LS;
	__atomic_store_n(&c->tx[first % RING].opts1, first_opts1, __ATOMIC_RELEASE);
	nic->tx_waiting = true;
	return true;
}

static void receive_one(struct nic *nic, uint32_t status, struct nic_buf **slot)
{
	unsigned len = status & RX_LEN;
	struct nic_buf *full = *slot, *fresh;
	bool sums_ok =
		!(status & RX_IPF) && (((status & RX_PID) == RX_PID_TCP && !(status & RX_TCPF)) ||
				       ((status & RX_PID) == RX_PID_UDP && !(status & RX_UDPF)));

	/* A frame in several pieces was too long. */
	if ((status & (FS | LS | RX_ERRORS)) != (FS | LS) || len <= FCS_LEN || len > RX_SIZE) {
		nic->stats.rx_errors++;
		return;
	}
	fresh = nic_buf_alloc();
	if (!fresh) {
		nic->stats.rx_dropped++;
		return;
	}
	*slot = fresh;
	nic_receive(nic, full, len - FCS_LEN, sums_ok);
}

static unsigned cplus_poll(struct nic *nic, unsigned budget)
{
	struct cplus *c = nic->priv;
	unsigned done = 0;

	for (; done < budget; done++, c->rx_next++) {
		unsigned i = c->rx_next % RING;
		uint32_t status = __atomic_load_n(&c->rx[i].opts1, __ATOMIC_ACQUIRE);

		if (status & OWN)
			break;
		receive_one(nic, status, &c->rx_buf[i]);
		give(c, i);
	}
	reclaim(nic, c);
	if (nic->tx_waiting) {
		nic->tx_waiting = false;
		rtl_wr8(&c->chip, RTL_TPPOLL, TPPOLL_NPQ);
	}
	rtl8139_events(nic, &c->chip);
	return done;
}

const struct nic_driver nic_rtl8139cp = {
	.name = "rtl8139c+",
	.ids = ids,
	.open = cplus_open,
	.close = cplus_close,
	.transmit = cplus_transmit,
	.poll = cplus_poll,
	.irq = rtl8139_irq,
};
