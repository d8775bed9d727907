/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between lwIP and the card in use: keeps receive buffers, makes and checks the sums that lwIP
 * leaves to us, and queues what a full ring does not take. The cards themselves are in cards.c.
 */
#include <string.h>

#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"
#include "lwip/etharp.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/iana.h"
#include "lwip/prot/ip.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/tcp.h"
#include "lwip/prot/udp.h"
#include "net/announce.h"
#include "net/internal.h"
#include "netif/ethernet.h"

#define TX_QUEUE    512 /* a power of two */
#define PIECE_SIZE  4096

struct nic *net_nic;
struct netif net_netif;

/* --- receive buffers -------------------------------------------------------------------------- */

/*
 * Two to a page: the header below, the card's lead, then data from offset 82 on, so that the IP
 * header is aligned to 16 and TCP's data to 8. Only the network thread takes and returns them: no
 * lock.
 */
#define BUF_STEP  2048
#define BUF_DATA  82
#define POOL_KEEP 512

static struct nic_buf *pool;
static unsigned pool_count;

_Static_assert(sizeof(struct nic_buf) + NIC_BUF_LEAD <= BUF_DATA, "data must not overlap the header");
_Static_assert(BUF_DATA + NIC_BUF_ROOM == BUF_STEP, "nic.h must say what there is");
_Static_assert(NIC_FRAME_MAX <= NIC_BUF_ROOM, "a frame must fit");

static void buf_release(struct pbuf *p)
{
	nic_buf_free((struct nic_buf *)p);
}

struct nic_buf *nic_buf_alloc(void)
{
	struct nic_buf *buf = pool;
	struct page *page;

	if (buf) {
		pool = buf->next;
		pool_count--;
		buf->data = (uint8_t *)buf + BUF_DATA; /* a driver may have moved it */
		return buf;
	}
	page = page_alloc_low(0);
	if (!page)
		return NULL;
	/* One reference for each half. */
	page_get(page);
	for (unsigned i = 0; i < PAGE_SIZE / BUF_STEP; i++) {
		buf = (struct nic_buf *)((uint8_t *)page_virt(page) + i * BUF_STEP);
		buf->data = (uint8_t *)buf + BUF_DATA;
		buf->phys = virt_phys(buf->data);
		buf->pbuf.custom_free_function = buf_release;
		if (i) {
			buf->next = pool;
			pool = buf;
			pool_count++;
		}
	}
	return (struct nic_buf *)page_virt(page);
}

void nic_buf_free(struct nic_buf *buf)
{
	if (pool_count >= POOL_KEEP) {
		page_put(virt_page(buf));
		return;
	}
	buf->next = pool;
	pool = buf;
	pool_count++;
}

/* --- sums ------------------------------------------------------------------------------------- */

static uint32_t pseudo_sum(const struct ip_hdr *ip, unsigned l4_len)
{
	uint32_t sum = (ip->src.addr & 0xffff) + (ip->src.addr >> 16);

	sum += (ip->dest.addr & 0xffff) + (ip->dest.addr >> 16);
	return sum + lwip_htons(IPH_PROTO(ip)) + lwip_htons(l4_len);
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* Are the sums of this IPv4 packet right? Anything else is not ours to judge. */
static bool sums_right(const uint8_t *frame, unsigned len)
{
	const struct eth_hdr *eth = (const void *)frame;
	const struct ip_hdr *ip = (const void *)(frame + SIZEOF_ETH_HDR);
	unsigned head, total, l4_len;

	if (len < SIZEOF_ETH_HDR + IP_HLEN || eth->type != PP_HTONS(ETHTYPE_IP))
		return true;
	head = IPH_HL_BYTES(ip);
	total = lwip_ntohs(IPH_LEN(ip));
	if (IPH_V(ip) != 4 || head < IP_HLEN || total < head || SIZEOF_ETH_HDR + total > len)
		return false;
	if (net_chksum(ip, head) != 0xffff)
		return false;
	if (IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK | IP_MF))
		return false; /* a fragment: lwipopts.h */
	l4_len = total - head;
	switch (IPH_PROTO(ip)) {
	case IP_PROTO_UDP:
		if (l4_len < sizeof(struct udp_hdr))
			return false;
		if (!((const struct udp_hdr *)((const uint8_t *)ip + head))->chksum)
			return true; /* RFC 768: not computed by the sender */
		break;
	case IP_PROTO_TCP:
		break;
	default:
		return true;
	}
	return fold(pseudo_sum(ip, l4_len) + net_chksum((const uint8_t *)ip + head, l4_len)) ==
	       0xffff;
}

/* The sum over the whole chain from offset on. An odd part shifts the following bytes' weight. */
static uint16_t chain_sum(const struct pbuf *p, unsigned offset)
{
	uint32_t sum = 0;
	bool odd = false;

	for (; p; p = p->next) {
		uint16_t part;

		if (offset >= p->len) {
			offset -= p->len;
			continue;
		}
		part = net_chksum((const uint8_t *)p->payload + offset, p->len - offset);
		sum += odd ? (uint16_t)(part << 8 | part >> 8) : part;
		odd ^= (p->len - offset) & 1;
		offset = 0;
	}
	return fold(sum);
}

/*
 * Tells the peer a window that the card's ring has room for. The connection itself knows of a bigger
 * one and takes what comes. A peer that does not know window scaling sees a small one.
 */
static void limit_window(const struct nic *nic, struct tcp_hdr *tcp)
{
	unsigned max = TCPH_FLAGS(tcp) & TCP_SYN ? nic->window : nic->window >> TCP_RCV_SCALE;

	if (nic->window && lwip_ntohs(tcp->wnd) > max)
		tcp->wnd = lwip_htons(max);
}

/* Fills in the sums of an outgoing packet, or says how the card is to do it. False: not sendable. */
static bool make_sums(struct nic *nic, struct pbuf *p, struct nic_offload *off)
{
	struct eth_hdr *eth = p->payload;
	struct ip_hdr *ip = (void *)((uint8_t *)p->payload + SIZEOF_ETH_HDR);
	unsigned l4 = SIZEOF_ETH_HDR + IP_HLEN, l4_len = p->tot_len - l4;
	bool big = p->tot_len > nic->mtu + SIZEOF_ETH_HDR;

	memset(off, 0, sizeof(*off));
	if (eth->type != PP_HTONS(ETHTYPE_IP))
		return !big;
	if (p->len < l4)
		return false;
	/* IGMP's have an option; only it does, and its own sum it has made itself. */
	IPH_CHKSUM_SET(ip, 0);
	IPH_CHKSUM_SET(ip, ~net_chksum(ip, IPH_HL_BYTES(ip)));
	if (IPH_PROTO(ip) == IP_PROTO_TCP && p->len >= l4 + TCP_HLEN) {
		struct tcp_hdr *tcp = (void *)((uint8_t *)ip + IP_HLEN);

		if (big && !(nic->features & NIC_TSO))
			return false;
		limit_window(nic, tcp);
		if (nic->features & NIC_TX_SUM && p->tot_len > 256) {
			off->l4 = l4;
			off->l4_sum = l4 + offsetof(struct tcp_hdr, chksum);
			if (big) {
				off->payload = l4 + TCPH_HDRLEN_BYTES(tcp);
				off->mss = nic->mtu - IP_HLEN - TCPH_HDRLEN_BYTES(tcp);
			}
			if (big && !(nic->features & NIC_TSO_IP)) {
				IPH_LEN_SET(ip, 0);
				IPH_CHKSUM_SET(ip, 0);
				l4_len = 0;
			}
			tcp->chksum = fold(pseudo_sum(ip, l4_len));
			return true;
		}
		tcp->chksum = 0;
		tcp->chksum = ~fold(pseudo_sum(ip, l4_len) + chain_sum(p, l4));
	} else if (IPH_PROTO(ip) == IP_PROTO_UDP && p->len >= l4 + sizeof(struct udp_hdr)) {
		struct udp_hdr *udp = (void *)((uint8_t *)ip + IP_HLEN);

		udp->chksum = 0;
		udp->chksum = ~fold(pseudo_sum(ip, l4_len) + chain_sum(p, l4));
		if (!udp->chksum)
			udp->chksum = 0xffff;
	}
	return !big;
}

/* --- sending ---------------------------------------------------------------------------------- */

static struct {
	struct pbuf *frame;
	struct nic_offload off;
} tx_queue[TX_QUEUE];
static unsigned tx_head, tx_tail;

/*
 * Data that lwIP only points to belongs to a session, which frees it when it is acknowledged or
 * the session ends; the card may still be reading then (a retransmission). So the frame holds its
 * pages.
 */
static void hold_pages(struct pbuf *frame)
{
	for (struct pbuf *p = frame; p; p = p->next)
		if (p->type_internal == PBUF_ROM)
			page_get(virt_page(p->payload));
}

static void release(struct pbuf *frame)
{
	for (struct pbuf *p = frame; p; p = p->next)
		if (p->type_internal == PBUF_ROM)
			page_put(virt_page(p->payload));
	pbuf_free(frame);
}

void nic_sent(struct nic *nic, struct pbuf *frame)
{
	nic->watch.out--;
	nic->watch.returned++;
	release(frame);
}

static bool card_takes(const struct nic *nic, const struct pbuf *frame)
{
	if (pbuf_clen(frame) > nic->pieces)
		return false;
	if (!(nic->features & NIC_DMA32))
		return true;
	for (const struct pbuf *p = frame; p; p = p->next)
		if (virt_phys(p->payload) + p->len > 1ull << 32)
			return false;
	return true;
}

/* Into one buffer, which every card can read. */
static struct pbuf *copy_small(const struct pbuf *frame)
{
	struct nic_buf *buf = nic_buf_alloc();

	if (!buf)
		return NULL;
	pbuf_copy_partial(frame, buf->data, frame->tot_len, 0);
	return pbuf_alloced_custom(PBUF_RAW, frame->tot_len, PBUF_REF, &buf->pbuf, buf->data,
				   frame->tot_len);
}

/*
 * A segment of many small messages may have more pieces than a card's ring has places, and would
 * never be sent; other cards cannot read everywhere. Returns the frame itself if the card takes it,
 * else a copy that it does take; with a reference.
 */
static struct pbuf *as_card_takes(const struct nic *nic, struct pbuf *frame)
{
	struct pbuf *copy = NULL;

	if (card_takes(nic, frame)) {
		pbuf_ref(frame);
		return frame;
	}
	if (frame->tot_len <= NIC_FRAME_MAX)
		return copy_small(frame);
	for (unsigned at = 0; at < frame->tot_len;) {
		unsigned left = frame->tot_len - at, n = left < PIECE_SIZE ? left : PIECE_SIZE;
		struct pbuf *piece = pbuf_alloc(PBUF_RAW, n, PBUF_RAM);

		if (!piece) {
			if (copy)
				pbuf_free(copy);
			return NULL;
		}
		pbuf_copy_partial(frame, piece->payload, n, at);
		if (copy)
			pbuf_cat(copy, piece);
		else
			copy = piece;
		at += n;
	}
	return copy;
}

static bool transmit(struct nic *nic, struct pbuf *frame, const struct nic_offload *off)
{
	if (!nic->driver->transmit(nic, frame, off))
		return false;
	nic->watch.out++;
	return true;
}

static err_t link_output(struct netif *netif, struct pbuf *lwip_frame)
{
	struct nic *nic = netif->state;
	struct nic_offload off;
	struct pbuf *frame;

	if (!nic->running)
		return ERR_IF;
	if (!make_sums(nic, lwip_frame, &off))
		return ERR_VAL;
	if (tx_tail - tx_head == TX_QUEUE) {
		nic->stats.tx_full++;
		return ERR_MEM;
	}
	frame = as_card_takes(nic, lwip_frame);
	if (!frame)
		return ERR_MEM;
	hold_pages(frame);
	nic->stats.tx_frames++;
	nic->stats.tx_bytes += frame->tot_len;
	if (tx_head == tx_tail && transmit(nic, frame, &off))
		return ERR_OK;
	tx_queue[tx_tail % TX_QUEUE].frame = frame;
	tx_queue[tx_tail % TX_QUEUE].off = off;
	tx_tail++;
	return ERR_OK;
}

void netif_drain(void)
{
	while (tx_head != tx_tail) {
		unsigned i = tx_head % TX_QUEUE;

		if (!transmit(net_nic, tx_queue[i].frame, &tx_queue[i].off))
			return;
		tx_head++;
	}
}

/* The card will not send these. */
static void drop_tx_queue(void)
{
	while (tx_head != tx_tail)
		release(tx_queue[tx_head++ % TX_QUEUE].frame);
}

void netif_send_raw(struct nic *nic, const void *frame, unsigned len)
{
	static const struct nic_offload none;
	struct nic_buf *buf = nic->running ? nic_buf_alloc() : NULL;
	struct pbuf *p;

	if (!buf)
		return;
	memset(buf->data, 0, LWIP_MAX(len, NIC_FRAME_MIN));
	memcpy(buf->data, frame, len);
	len = LWIP_MAX(len, NIC_FRAME_MIN);
	p = pbuf_alloced_custom(PBUF_RAW, len, PBUF_REF, &buf->pbuf, buf->data, len);
	if (transmit(nic, p, &none)) {
		nic->stats.tx_frames++;
		nic->stats.tx_bytes += len;
	} else {
		pbuf_free(p);
	}
}

bool netif_tx_stuck(void)
{
	return tx_head != tx_tail;
}

/* --- receiving -------------------------------------------------------------------------------- */

/* What net/ itself looks at before lwIP does; false: lwIP need not see it. */
static bool look_at(const uint8_t *frame, unsigned len)
{
	const struct eth_hdr *eth = (const void *)frame;
	const struct ip_hdr *ip = (const void *)(frame + SIZEOF_ETH_HDR);
	const struct udp_hdr *udp;

	if (eth->type == PP_HTONS(ETHTYPE_ARP))
		return conflict_see(frame, len);
	if (eth->type != PP_HTONS(ETHTYPE_IP) || len < SIZEOF_ETH_HDR + IP_HLEN ||
	    IPH_PROTO(ip) != IP_PROTO_UDP)
		return true;
	udp = (const void *)((const uint8_t *)ip + IPH_HL_BYTES(ip));
	if (SIZEOF_ETH_HDR + IPH_HL_BYTES(ip) + sizeof(*udp) > len ||
	    udp->dest != PP_HTONS(LWIP_IANA_PORT_DHCP_CLIENT))
		return true;
	return lease_see(frame, len);
}

void nic_receive(struct nic *nic, struct nic_buf *buf, unsigned len, bool sums_ok)
{
	struct pbuf *p;

	nic->stats.rx_frames++;
	nic->stats.rx_bytes += len;
	choose_hear(nic, buf->data, len);
	if (nic != net_nic || len < SIZEOF_ETH_HDR) {
		nic_buf_free(buf);
		return;
	}
	if (!sums_ok && !sums_right(buf->data, len)) {
		nic->stats.rx_errors++;
		nic_buf_free(buf);
		return;
	}
	if (!look_at(buf->data, len)) {
		nic_buf_free(buf);
		return;
	}
	p = pbuf_alloced_custom(PBUF_RAW, len, PBUF_REF, &buf->pbuf, buf->data, len);
	gro_receive(p, &net_netif);
}

void nic_receive_joined(struct nic *nic, struct nic_buf *const bufs[], const uint16_t lens[],
			unsigned n, unsigned lead)
{
	const struct eth_hdr *eth = (const void *)bufs[0]->data;
	const struct ip_hdr *ip = (const void *)(bufs[0]->data + SIZEOF_ETH_HDR);
	struct pbuf *head = NULL;
	unsigned len = 0;

	for (unsigned i = 0; i < n; i++)
		len += lens[i];
	/* lwIP counts in 16 bits; the headers must be in one piece; and only TCP's frames are cut. */
	if (nic != net_nic || len > 0xffff || lens[0] < SIZEOF_ETH_HDR + IP_HLEN + TCP_HLEN ||
	    eth->type != PP_HTONS(ETHTYPE_IP) || IPH_PROTO(ip) != IP_PROTO_TCP) {
		nic->stats.rx_errors += nic == net_nic;
		for (unsigned i = 0; i < n; i++)
			nic_buf_free(bufs[i]);
		return;
	}
	nic->stats.rx_frames++;
	nic->stats.rx_bytes += len;
	for (unsigned i = n; i-- > 0;) {
		struct pbuf *p = pbuf_alloced_custom(PBUF_RAW, lens[i], PBUF_REF, &bufs[i]->pbuf,
						     bufs[i]->data - (i ? lead : 0), lens[i]);

		p->next = head;
		p->tot_len = lens[i] + (head ? head->tot_len : 0);
		head = p;
	}
	gro_receive(head, &net_netif);
}

void nic_receive_copy(struct nic *nic, const void *frame, unsigned len, bool sums_ok)
{
	struct nic_buf *buf;

	if (len > NIC_FRAME_MAX) {
		nic->stats.rx_errors++;
		return;
	}
	buf = nic_buf_alloc();
	if (!buf) {
		nic->stats.rx_dropped++;
		return;
	}
	memcpy(buf->data, frame, len);
	nic_receive(nic, buf, len, sums_ok);
}

static err_t card_netif_init(struct netif *netif)
{
	struct nic *nic = netif->state;

	netif->name[0] = 'e';
	netif->name[1] = 'n';
	netif_set_hostname(netif, announce_name());
	netif->output = etharp_output;
	netif->linkoutput = link_output;
	netif->mtu = nic->mtu;
	netif->hwaddr_len = sizeof(nic->mac);
	memcpy(netif->hwaddr, nic->mac, sizeof(nic->mac));
	netif->flags =
		NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP;
	return ERR_OK;
}

/* --- the card in use -------------------------------------------------------------------------- */

void netif_attach(struct nic *nic)
{
	KASSERT(!net_nic && nic->running);
	net_nic = nic;
	memset(&net_netif, 0, sizeof(net_netif));
	netif_add_noaddr(&net_netif, nic, card_netif_init, ethernet_input);
	netif_set_default(&net_netif);
	netif_set_up(&net_netif);
	if (nic->link)
		netif_set_link_up(&net_netif);
	ifconfig_start();
}

void netif_detach(void)
{
	announce_stopped();
	ifconfig_stop();
	netif_remove(&net_netif);
	drop_tx_queue();
	net_nic = NULL;
}

void netif_follow_link(void)
{
	if (netif_is_link_up(&net_netif) == net_nic->link)
		return;
	if (net_nic->link)
		netif_set_link_up(&net_netif);
	else
		netif_set_link_down(&net_netif);
	ifconfig_link_changed();
}
