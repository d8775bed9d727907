/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generic receive offload: data segments of one connection that arrive in the same poll are joined
 * into one before lwIP sees them, which costs a fraction of handling each. Only the plainest are
 * joined (no IP or TCP options, no flags but ACK and PSH, in order); all others go straight
 * through, after what was held of their connection.
 *
 * Sums are checked before (netif.c), so those of the joined headers need not be right.
 */
#include "lwip/prot/ethernet.h"
#include "lwip/prot/ip.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/tcp.h"
#include "net/internal.h"

#define FLOWS	 8
#define HEADERS	 (SIZEOF_ETH_HDR + IP_HLEN + TCP_HLEN)
#define JOIN_MAX 60000 /* bytes: an IP packet's length has 16 bits */

struct flow {
	struct pbuf *head, *tail;
	uint32_t src, dst, ports;
	uint32_t next_seq; /* host order */
	unsigned total;	   /* bytes of IP packet */
};

static struct flow flows[FLOWS];
static unsigned flow_count;
static struct netif *flow_netif;

static struct ip_hdr *ip_of(struct pbuf *p)
{
	return (void *)((uint8_t *)p->payload + SIZEOF_ETH_HDR);
}

static struct tcp_hdr *tcp_of(struct pbuf *p)
{
	return (void *)((uint8_t *)p->payload + SIZEOF_ETH_HDR + IP_HLEN);
}

static void input(struct pbuf *p, struct netif *netif)
{
	if (netif->input(p, netif) != ERR_OK)
		pbuf_free(p);
}

static void flush(struct flow *f)
{
	struct pbuf *p = f->head;
	unsigned rest = f->total + SIZEOF_ETH_HDR;

	if (p->next) {
		IPH_LEN_SET(ip_of(p), lwip_htons(f->total));
		for (; p; p = p->next) {
			p->tot_len = rest;
			rest -= p->len;
		}
	}
	p = f->head;
	*f = flows[--flow_count];
	input(p, flow_netif);
}

void gro_flush(void)
{
	while (flow_count)
		flush(&flows[0]);
}

/* A segment that may be joined: returns its bytes of data, or 0. */
static unsigned plain_data(struct pbuf *p)
{
	const struct eth_hdr *eth = p->payload;
	const struct ip_hdr *ip = ip_of(p);
	unsigned total;

	if (p->len <= HEADERS || eth->type != PP_HTONS(ETHTYPE_IP) || ip->_v_hl != 0x45 ||
	    IPH_PROTO(ip) != IP_PROTO_TCP || IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK | IP_MF))
		return 0;
	if (TCPH_HDRLEN(tcp_of(p)) != TCP_HLEN / 4 || (TCPH_FLAGS(tcp_of(p)) & ~TCP_PSH) != TCP_ACK)
		return 0;
	total = lwip_ntohs(IPH_LEN(ip));
	if (total <= IP_HLEN + TCP_HLEN || total + SIZEOF_ETH_HDR > p->tot_len)
		return 0;
	/* What the card has joined has no padding that would have to be cut off. */
	if (p->next && total + SIZEOF_ETH_HDR != p->tot_len)
		return 0;
	return total - IP_HLEN - TCP_HLEN;
}

static uint32_t ports_of(struct pbuf *p)
{
	return tcp_of(p)->src | (uint32_t)tcp_of(p)->dest << 16;
}

static struct flow *find_flow(struct pbuf *p)
{
	const struct ip_hdr *ip = ip_of(p);
	uint32_t ports = ports_of(p);

	for (unsigned i = 0; i < flow_count; i++)
		if (flows[i].ports == ports && flows[i].src == ip->src.addr &&
		    flows[i].dst == ip->dest.addr)
			return &flows[i];
	return NULL;
}

static struct pbuf *last_of(struct pbuf *p)
{
	while (p->next)
		p = p->next;
	return p;
}

static void join(struct flow *f, struct pbuf *p, unsigned data)
{
	struct tcp_hdr *to = tcp_of(f->head), *from = tcp_of(p);

	/* The newest word on what has arrived there and on what may be sent. */
	to->ackno = from->ackno;
	to->wnd = from->wnd;
	TCPH_SET_FLAG(to, TCPH_FLAGS(from) & TCP_PSH);
	pbuf_remove_header(p, HEADERS);
	if (!p->next)
		p->len = p->tot_len = data; /* without the padding of a short frame */
	f->tail->next = p;
	f->tail = last_of(p);
	f->total += data;
	f->next_seq += data;
}

static void hold(struct pbuf *p, unsigned data)
{
	struct flow *f;

	if (flow_count == FLOWS)
		flush(&flows[0]);
	f = &flows[flow_count++];
	if (!p->next)
		p->len = p->tot_len = HEADERS + data;
	f->head = p;
	f->tail = last_of(p);
	f->src = ip_of(p)->src.addr;
	f->dst = ip_of(p)->dest.addr;
	f->ports = ports_of(p);
	f->next_seq = lwip_ntohl(tcp_of(p)->seqno) + data;
	f->total = IP_HLEN + TCP_HLEN + data;
}

void gro_receive(struct pbuf *p, struct netif *netif)
{
	unsigned data = plain_data(p);
	struct flow *f;

	flow_netif = netif;
	if (!data) {
		/* A FIN or an option must not overtake the data before it. */
		if (flow_count && p->len >= HEADERS && (f = find_flow(p)))
			flush(f);
		input(p, netif);
		return;
	}
	f = flow_count ? find_flow(p) : NULL;
	if (f && f->next_seq == lwip_ntohl(tcp_of(p)->seqno) && f->total + data <= JOIN_MAX) {
		join(f, p, data);
		return;
	}
	if (f)
		flush(f);
	hold(p, data);
}
