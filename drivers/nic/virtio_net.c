/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-net, the card of virtual machines, modern or legacy (Virtual I/O Device Specification 1.2,
 * 5.1; "VIO" below). The card is kicked once after each poll, and interrupts only while the network
 * thread is about to sleep.
 */
#include <errno.h>
#include <string.h>

#include "drivers/nic/nic.h"
#include "drivers/pci.h"
#include "drivers/virtio.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"

/* VIO 5.1.3. */
#define F_CSUM	     (1 << 0)
#define F_GUEST_CSUM (1 << 1)
#define F_MAC	     (1 << 5)
#define F_GUEST_TSO4 (1 << 7)
#define F_HOST_TSO4  (1 << 11)
#define F_MRG_RXBUF  (1 << 15)
#define F_STATUS     (1 << 16)

/* VIO 5.1.4. */
#define CONFIG_MAC    0
#define CONFIG_STATUS 6
#define LINK_UP	      1

/* VIO 5.1.6: in front of each frame. */
struct net_hdr {
	uint8_t flags, gso_type;
	uint16_t hdr_len, gso_size, csum_start, csum_offset;
	uint16_t num_buffers; /* not there on a legacy card without MRG_RXBUF */
};
#define HDR_NEEDS_CSUM 1
#define HDR_DATA_VALID 2
#define GSO_TCPV4      1

_Static_assert(sizeof(struct net_hdr) <= NIC_BUF_LEAD, "the header goes in front of the frame");

#define QUEUE_MAX 256 /* where we may choose: 512 KB of receive buffers, as TCP's window */

struct virtio_net {
	struct virtio v;
	struct virtq rx, tx;
	unsigned hdr_len;
	unsigned rx_step;	 /* descriptors of one receive buffer */
	unsigned rx_count;	 /* buffers in the queue: descriptors 0, rx_step, 2 * rx_step ... */
	struct nic_buf **rx_buf; /* rx_count of them */
	struct pbuf **tx_frame;	 /* by the frame's first descriptor */
	struct net_hdr *tx_hdr;	 /* likewise */
	uint16_t tx_free;	 /* first of a list of descriptors */
	uint16_t tx_room;	 /* its length */
	volatile bool config_changed;
};

static const struct nic_id ids[] = {
	{ 0x1af4, 0x1000, 0 }, /* legacy or both */
	{ 0x1af4, 0x1041, 0 }, /* modern only */
	{ 0, 0, 0 },
};

static void read_link(struct nic *nic, struct virtio_net *n)
{
	nic->link = !(n->v.features & F_STATUS) || virtio_config(&n->v, CONFIG_STATUS) & LINK_UP;
}

/*
 * With MRG_RXBUF the header lies in front of the frame's first part. Without it there is one buffer
 * for each frame, and an old card wants the header in a descriptor of its own (VIO 5.1.6.3.2).
 */
static void give_buffer(struct virtio_net *n, unsigned i)
{
	struct virtq_desc *d = &n->rx.desc[i * n->rx_step];
	const struct nic_buf *buf = n->rx_buf[i];

	d[0].addr = buf->phys - n->hdr_len;
	d[0].len = n->hdr_len;
	d[0].flags = VIRTQ_WRITE;
	if (n->rx_step == 1) {
		d[0].len += NIC_BUF_ROOM;
	} else {
		d[0].flags |= VIRTQ_NEXT;
		d[0].next = i * n->rx_step + 1;
		d[1].addr = buf->phys;
		d[1].len = NIC_FRAME_MAX;
		d[1].flags = VIRTQ_WRITE;
	}
	virtq_give(&n->rx, i * n->rx_step);
}

static int fill_queues(struct virtio_net *n)
{
	n->rx_step = n->v.features & F_MRG_RXBUF ? 1 : 2;
	n->rx_count = (n->rx.size < QUEUE_MAX ? n->rx.size : QUEUE_MAX) / n->rx_step;
	n->rx_buf = kzalloc(n->rx_count * sizeof(*n->rx_buf));
	n->tx_frame = kzalloc(n->tx.size * sizeof(*n->tx_frame));
	n->tx_hdr = kzalloc(n->tx.size * sizeof(*n->tx_hdr));
	if (!n->rx_buf || !n->tx_frame || !n->tx_hdr)
		return -ENOMEM;
	for (unsigned i = 0; i < n->rx_count; i++) {
		n->rx_buf[i] = nic_buf_alloc();
		if (!n->rx_buf[i])
			return -ENOMEM;
		give_buffer(n, i);
	}
	for (unsigned i = 0; i < n->tx.size; i++)
		n->tx.desc[i].next = i + 1;
	n->tx_room = n->tx.size;
	return 0;
}

/* The card must be at rest. */
static void free_queues(struct virtio_net *n)
{
	for (unsigned i = 0; n->rx_buf && i < n->rx_count; i++)
		if (n->rx_buf[i])
			nic_buf_free(n->rx_buf[i]);
	kfree(n->rx_buf);
	kfree(n->tx_frame);
	kfree(n->tx_hdr);
	virtq_free(&n->rx);
	virtq_free(&n->tx);
}

static int agree(struct virtio_net *n)
{
	uint64_t offers = virtio_offers(&n->v), want = F_MAC | F_MRG_RXBUF | F_STATUS;
	int err;

	if (offers & F_CSUM)
		want |= F_CSUM | F_HOST_TSO4;
	if (offers & F_GUEST_CSUM)
		want |= F_GUEST_CSUM;
	/* A joined frame needs several of our buffers. */
	if (offers & F_GUEST_CSUM && offers & F_MRG_RXBUF)
		want |= F_GUEST_TSO4;
	err = virtio_negotiate(&n->v, want);
	n->hdr_len = n->v.features & (VIRTIO_F_VERSION_1 | F_MRG_RXBUF) ? 12 : 10;
	return err ? err : n->v.features & F_MAC ? 0 : -EIO;
}

static int virtio_net_open(struct nic *nic)
{
	struct virtio_net *n = kzalloc(sizeof(*n));
	int err;

	if (!n)
		return -ENOMEM;
	pci_enable(nic->pci);
	err = virtio_open(&n->v, nic->pci);
	if (err)
		goto fail;
	err = agree(n);
	if (!err)
		err = virtq_make(&n->v, &n->rx, 0, QUEUE_MAX);
	if (!err)
		err = virtq_make(&n->v, &n->tx, 1, QUEUE_MAX);
	if (!err)
		err = fill_queues(n);
	if (err)
		goto fail_queues;
	for (unsigned i = 0; i < sizeof(nic->mac); i++)
		nic->mac[i] = virtio_config(&n->v, CONFIG_MAC + i);
	nic->features = NIC_TSO_IP | (n->v.features & F_CSUM ? NIC_TX_SUM : 0) |
			(n->v.features & F_HOST_TSO4 ? NIC_TSO : 0);
	if (nic->pieces >= n->tx.size)
		nic->pieces = n->tx.size - 1;
	nic->priv = n;
	virtq_arm(&n->v, &n->tx, false);
	virtio_start(&n->v);
	virtq_kick(&n->v, &n->rx);
	read_link(nic, n);
	return 0;

fail_queues:
	virtio_reset(&n->v);
	free_queues(n);
fail:
	pci_disable(nic->pci);
	kfree(n);
	return err;
}

static void virtio_net_close(struct nic *nic)
{
	struct virtio_net *n = nic->priv;

	nic->priv = NULL;
	virtio_reset(&n->v);
	pci_disable(nic->pci);
	for (unsigned i = 0; i < n->tx.size; i++)
		if (n->tx_frame[i])
			nic_sent(nic, n->tx_frame[i]);
	free_queues(n);
	kfree(n);
}

static void reclaim(struct nic *nic, struct virtio_net *n)
{
	struct virtq *q = &n->tx;

	for (unsigned used = virtq_used(q); used; used--) {
		uint32_t head = q->used->ring[q->used_idx++ % q->size].id, last = head;

		if (head >= q->size || !n->tx_frame[head])
			continue;
		nic_sent(nic, n->tx_frame[head]);
		n->tx_frame[head] = NULL;
		for (n->tx_room++; q->desc[last].flags & VIRTQ_NEXT; n->tx_room++)
			last = q->desc[last].next;
		q->desc[last].next = n->tx_free;
		n->tx_free = head;
	}
}

static void fill_header(struct net_hdr *hdr, const struct nic_offload *off)
{
	memset(hdr, 0, sizeof(*hdr));
	if (!off->l4)
		return;
	hdr->flags = HDR_NEEDS_CSUM;
	hdr->csum_start = off->l4;
	hdr->csum_offset = off->l4_sum - off->l4;
	if (!off->mss)
		return;
	hdr->gso_type = GSO_TCPV4;
	hdr->hdr_len = off->payload;
	hdr->gso_size = off->mss;
}

static void put(struct virtq_desc *d, const void *data, unsigned len)
{
	d->addr = virt_phys(data);
	d->len = len;
	d->flags = 0;
}

static bool virtio_net_transmit(struct nic *nic, struct pbuf *frame, const struct nic_offload *off)
{
	struct virtio_net *n = nic->priv;
	unsigned head, last, need = pbuf_clen(frame) + 1;

	if (n->tx_room < need)
		reclaim(nic, n);
	if (n->tx_room < need) {
		/* An interrupt will have the network thread try again. */
		if (virtq_arm(&n->v, &n->tx, true))
			nic->irq_pending = true;
		return false;
	}
	head = last = n->tx_free;
	fill_header(&n->tx_hdr[head], off);
	put(&n->tx.desc[head], &n->tx_hdr[head], n->hdr_len);
	n->tx_room--;
	for (const struct pbuf *p = frame; p; p = p->next) {
		if (!p->len)
			continue;
		n->tx.desc[last].flags = VIRTQ_NEXT;
		last = n->tx.desc[last].next;
		put(&n->tx.desc[last], p->payload, p->len);
		n->tx_room--;
	}
	n->tx_free = n->tx.desc[last].next;
	n->tx_frame[head] = frame;
	virtq_give(&n->tx, head);
	nic->tx_waiting = true;
	return true;
}

/* The header of the next used buffer, which must be there; NULL if the card names none of ours. */
static const struct net_hdr *next_header(const struct virtio_net *n)
{
	uint32_t id = n->rx.used->ring[n->rx.used_idx % n->rx.size].id;

	if (id % n->rx_step || id / n->rx_step >= n->rx_count)
		return NULL;
	return (const void *)(n->rx_buf[id / n->rx_step]->data - n->hdr_len);
}

/*
 * Takes the next used buffer out and puts a fresh one in; the bytes in it, header included, go to
 * *len. NULL: the card's answer makes no sense or memory is out, and the buffer is used again.
 */
static struct nic_buf *take_buffer(struct virtio_net *n, uint16_t *len)
{
	bool ours = next_header(n);
	unsigned at = n->rx.used_idx++ % n->rx.size, i = n->rx.used->ring[at].id / n->rx_step;
	struct nic_buf *full = NULL, *fresh;

	if (!ours)
		return NULL;
	*len = n->rx.used->ring[at].len;
	fresh = n->rx.used->ring[at].len <= n->hdr_len + NIC_BUF_ROOM ? nic_buf_alloc() : NULL;
	if (fresh) {
		full = n->rx_buf[i];
		n->rx_buf[i] = fresh;
	}
	give_buffer(n, i);
	return full;
}

/* One frame, of as many buffers as its header says; the card shows them all at once (VIO 5.1.6.4). */
static void receive_one(struct nic *nic, struct virtio_net *n)
{
	const struct net_hdr *hdr = next_header(n);
	unsigned parts = hdr && n->v.features & F_MRG_RXBUF ? hdr->num_buffers : 1, got = 0;
	bool sums_ok = hdr && n->v.features & F_GUEST_CSUM &&
		       hdr->flags & (HDR_NEEDS_CSUM | HDR_DATA_VALID);
	bool right = parts == 1 ||
		     (parts && parts <= NIC_JOINED && parts <= virtq_used(&n->rx) && sums_ok);
	struct nic_buf *bufs[NIC_JOINED];
	uint16_t lens[NIC_JOINED];

	for (unsigned i = 0; i < (right ? parts : 1); i++) {
		bufs[got] = take_buffer(n, &lens[got]);
		got += !!bufs[got];
	}
	if (right && got == parts && lens[0] > n->hdr_len) {
		lens[0] -= n->hdr_len;
		if (parts == 1)
			nic_receive(nic, bufs[0], lens[0], sums_ok);
		else
			nic_receive_joined(nic, bufs, lens, parts, n->hdr_len);
		return;
	}
	nic->stats.rx_errors++;
	while (got)
		nic_buf_free(bufs[--got]);
}

static unsigned virtio_net_poll(struct nic *nic, unsigned budget)
{
	struct virtio_net *n = nic->priv;
	unsigned done = 0;

	for (; done < budget && virtq_used(&n->rx); done++)
		receive_one(nic, n);
	reclaim(nic, n);
	nic->tx_waiting = false;
	virtq_kick(&n->v, &n->tx);
	virtq_kick(&n->v, &n->rx);
	if (n->config_changed) {
		n->config_changed = false;
		read_link(nic, n);
	}
	/* The network thread sleeps only after a poll that found nothing. */
	if (virtq_arm(&n->v, &n->rx, !done && !nic->irq_masked))
		nic->irq_pending = true;
	return done;
}

static bool virtio_net_irq(struct nic *nic, enum nic_irq what)
{
	struct virtio_net *n = nic->priv;
	uint8_t cause;

	switch (what) {
	case NIC_IRQ_ACK:
		cause = virtio_ack(&n->v);
		if (cause & VIRTIO_ACK_CONFIG)
			n->config_changed = true;
		return cause;
	case NIC_IRQ_MASK:
		virtq_arm(&n->v, &n->rx, false);
		break;
	case NIC_IRQ_UNMASK:
		if (virtq_arm(&n->v, &n->rx, true))
			nic->irq_pending = true;
		break;
	}
	return true;
}

const struct nic_driver nic_virtio_net = {
	.name = "virtio-net",
	.ids = ids,
	.open = virtio_net_open,
	.close = virtio_net_close,
	.transmit = virtio_net_transmit,
	.poll = virtio_net_poll,
	.irq = virtio_net_irq,
};
