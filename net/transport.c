/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The transport: connections, their life and what arrives. Sending is in txqueue.c, cutting the
 * stream into messages in framing.c.
 *
 * lwIP's callbacks never end a connection: they note why it should end and post its work, which
 * runs outside of lwIP. So none of them ever has to tell lwIP that its pcb is gone.
 */
#include "net/transport.h"

#include <stdio.h>
#include <string.h>

#include "kernel/kprintf.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/time/clock.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/timeouts.h"
#include "net/conn.h"
#include "net/internal.h"

#define TICK_MS 500
#define ANSWER_MAX (8 * TCP_MSS) /* less than any sender may send unacknowledged (RFC 6928) */
/* A peer that was refused gets so long to fetch the reason. */
#define LINGER_NS (2 * NSEC_PER_SEC)

static struct list_head conns = LIST_HEAD_INIT(conns); /* that have not been detached */
static unsigned conn_count;
static const struct conn_ops *ops;
static uint16_t port;
static struct tcp_pcb *listener;
static bool ticking;

unsigned transport_sessions(void)
{
	return conn_count;
}

struct conn *conn_get(struct conn *conn)
{
	__atomic_add_fetch(&conn->refs, 1, __ATOMIC_RELAXED);
	return conn;
}

void conn_put(struct conn *conn)
{
	if (__atomic_sub_fetch(&conn->refs, 1, __ATOMIC_ACQ_REL))
		return;
	KASSERT(!conn->pcb);
	kfree(conn);
}

void *conn_owner(const struct conn *conn)
{
	return conn->owner;
}

void conn_peer(const struct conn *conn, char *buf, size_t size)
{
	snprintf(buf, size, "%s", conn->peer);
}

void conn_post(struct conn *conn)
{
	/* Queued work holds a reference. */
	conn_get(conn);
	if (!net_post(&conn->work))
		conn_put(conn);
}

/* Notes that the connection must end for this reason (the first one counts). Any context. */
static void conn_end(struct conn *conn, enum conn_end how, enum wire_reason code, const char *why)
{
	unsigned long flags = spin_lock_irqsave(&conn->lock);

	if (conn->end < how) {
		if (conn->end == CONN_OPEN) {
			conn->code = code;
			snprintf(conn->why, sizeof(conn->why), "%s", why);
		}
		conn->end = how;
	}
	spin_unlock_irqrestore(&conn->lock, flags);
	/* Whoever waits for room need not wait any longer. */
	waitq_wake_all(&conn->room);
	conn_post(conn);
}

void conn_fail(struct conn *conn, const char *why)
{
	conn_end(conn, CONN_ABORT, WHY_LOST, why);
}

void conn_refuse(struct conn *conn, enum wire_reason code, const char *text)
{
	conn_end(conn, CONN_REFUSE, code, text);
}

void transport_refuse_all(const char *why)
{
	struct conn *conn;

	list_for_each_entry(conn, &conns, link)
		conn_refuse(conn, WHY_LEAVING, why);
}

/* Takes the connection away from lwIP; everything that waits to be sent is dropped. */
static void detach(struct conn *conn, bool abort)
{
	struct tcp_pcb *pcb = conn->pcb;

	if (pcb) {
		tcp_arg(pcb, NULL);
		tcp_recv(pcb, NULL);
		tcp_sent(pcb, NULL);
		tcp_err(pcb, NULL);
		conn->pcb = NULL;
		/* Closing needs memory for the FIN; if there is none the peer gets a reset. */
		if (abort || tcp_close(pcb) != ERR_OK)
			tcp_abort(pcb);
	}
	txqueue_drop(conn);
	framing_reset(&conn->rx);
	list_del(&conn->link);
	conn_count--;
	conn_put(conn);
}

static void tell_owner(struct conn *conn)
{
	if (conn->told)
		return;
	conn->told = true;
	ops->closed(conn, conn->why);
}

static bool all_acknowledged(const struct conn *conn)
{
	return txqueue_empty(conn) && !conn->pcb->unsent && !conn->pcb->unacked;
}

bool transport_quiet(void)
{
	struct conn *conn;

	list_for_each_entry(conn, &conns, link)
		if (conn->end == CONN_OPEN && conn->pcb && !all_acknowledged(conn))
			return false;
	return true;
}

void transport_close(const char *why)
{
	tcp_close(listener);
	transport_refuse_all(why);
}

/* The work of a connection: send, and end it if that has been asked for. */
static void conn_work(struct net_work *work)
{
	struct conn *conn = container_of(work, struct conn, work);

	if (list_empty(&conn->link)) {
		conn_put(conn); /* detached meanwhile */
		return;
	}
	switch (conn->end) {
	case CONN_OPEN:
		txqueue_push(conn);
		break;
	case CONN_REFUSE:
		if (!conn->told) {
			tell_owner(conn);
			txqueue_refuse(conn);
			conn->linger_until = clock_now_ns() + LINGER_NS;
		}
		txqueue_push(conn);
		if (conn->end == CONN_REFUSE && conn->pcb && !all_acknowledged(conn) &&
		    clock_now_ns() < conn->linger_until)
			break;
		detach(conn, !conn->pcb || !all_acknowledged(conn));
		break;
	case CONN_CLOSE:
	case CONN_ABORT:
		detach(conn, conn->end == CONN_ABORT || !all_acknowledged(conn));
		tell_owner(conn);
		break;
	}
	conn_put(conn);
}

static const char *on_message(void *ctx, const struct wire_hdr *hdr, const void *payload)
{
	struct conn *conn = ctx;

	conn->answered = hdr->type == W_REPLY || hdr->type == W_MMAPPED;
	return ops->message(conn, hdr, payload);
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct conn *conn = arg;
	unsigned left;

	(void)err;
	if (!p) {
		conn_end(conn, CONN_CLOSE, WHY_LOST, "home closed the connection");
		return ERR_OK;
	}
	conn->quiet_ticks = 0;
	for (struct pbuf *q = p; q && conn->end == CONN_OPEN; q = q->next) {
		const char *wrong = framing_feed(&conn->rx, q->payload, q->len, on_message, conn);

		if (wrong)
			conn_refuse(conn, WHY_BAD_MESSAGE, wrong);
	}
	/*
	 * An answer in a few segments: the guest's next call takes its acknowledgement along, and would
	 * have to wait for a frame of its own. All else is acknowledged at once: a sender that starts
	 * slowly (QEMU's NAT: with one segment) has the rest of what it says still to send.
	 */
	if (p->tot_len > ANSWER_MAX || conn->rx.have || !conn->answered) {
		tcp_ack_now(pcb);
	} else {
		tcp_clear_flags(pcb, TF_ACK_NOW);
		tcp_set_flags(pcb, TF_ACK_DELAY);
	}
	for (left = p->tot_len; left; left -= LWIP_MIN(left, 0xffff))
		tcp_recved(pcb, LWIP_MIN(left, 0xffff));
	pbuf_free(p);
	return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	struct conn *conn = arg;

	(void)pcb;
	txqueue_acked(conn, len);
	conn_post(conn);
	return ERR_OK;
}

/* lwIP has given the connection up, and freed the pcb. */
static void on_error(void *arg, err_t err)
{
	struct conn *conn = arg;

	conn->pcb = NULL;
	conn_fail(conn, err == ERR_RST ? "home reset the connection" : "home cannot be reached");
}

/*
 * Silence is counted in ticks, not taken from the clock: if the machine itself stood still (an emulated
 * one whose host is busy or asleep), nobody was silent.
 */
static void tick(void *arg)
{
	struct conn *conn;

	(void)arg;
	list_for_each_entry(conn, &conns, link) {
		if (conn->end == CONN_OPEN &&
		    ++conn->quiet_ticks > SESSION_SILENCE_MS / TICK_MS)
			conn_fail(conn, "home has been silent for too long");
		/* Also retries what memory was lacking for, and ends lingering. */
		conn_post(conn);
	}
	ticking = !list_empty(&conns);
	if (ticking)
		sys_timeout(TICK_MS, tick, NULL);
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct conn *conn;

	(void)arg;
	if (err != ERR_OK || !pcb)
		return ERR_VAL;
	conn = kzalloc(sizeof(*conn));
	if (!conn) {
		kprintf("net: no memory for another session\n");
		return ERR_MEM; /* lwIP resets the connection */
	}
	conn->refs = 1;
	conn->pcb = pcb;
	conn->work.fn = conn_work;
	spin_init(&conn->lock);
	txqueue_init(conn);
	framing_init(&conn->rx, 1);
	snprintf(conn->peer, sizeof(conn->peer), "%s:%u", ipaddr_ntoa(&pcb->remote_ip),
		 pcb->remote_port);
	/* The list may be empty, and the tick of those that were in it still to come. */
	if (!ticking)
		sys_timeout(TICK_MS, tick, NULL);
	ticking = true;
	list_add_tail(&conn->link, &conns);
	conn_count++;
	tcp_arg(pcb, conn);
	tcp_recv(pcb, on_recv);
	tcp_sent(pcb, on_sent);
	tcp_err(pcb, on_error);
	tcp_tune(pcb);
	conn->owner = ops->opened(conn);
	return ERR_OK;
}

/*
 * Small messages leave at once. Where the card cuts segments itself, lwIP may make big ones: it is
 * told a maximum segment size that is a multiple of the real one. The congestion window must
 * hold one of those, or nothing would ever be sent.
 */
void tcp_tune(struct tcp_pcb *pcb)
{
	tcp_nagle_disable(pcb);
	if (!net_nic || !(net_nic->features & NIC_TSO))
		return;
	pcb->mss *= TSO_SEGMENTS;
	pcb->cwnd = LWIP_MAX(pcb->cwnd, 2u * pcb->mss);
}

static void start_listening(void *arg)
{
	struct tcp_pcb *pcb = tcp_new();

	(void)arg;
	if (!pcb || tcp_bind(pcb, IP_ADDR_ANY, port) != ERR_OK)
		panic("net: cannot listen on port %u", port);
	listener = tcp_listen_with_backlog(pcb, TCP_DEFAULT_LISTEN_BACKLOG);
	if (!listener)
		panic("net: no memory to listen");
	tcp_accept(listener, on_accept);
}

void transport_listen(uint16_t to_port, const struct conn_ops *conn_ops)
{
	ops = conn_ops;
	port = to_port;
	net_call(start_listening, NULL);
}
