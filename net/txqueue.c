/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What waits to be sent on a connection. Two queues: a message of the urgent one overtakes all bulk
 * ones that have not begun. That only helps if TCP itself has little queued, so bulk is handed over
 * in step with what leaves.
 *
 * A small message is copied by TCP. A big one lies in pages that TCP points to until its end is
 * acknowledged.
 */
#include <errno.h>
#include <string.h>

#include "kernel/kprintf.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"
#include "kernel/proc/thread.h"
#include "kernel/time/clock.h"
#include "net/conn.h"
#include "net/internal.h"

#define SMALL_MAX     1024	   /* bytes, header included, that are copied */
#define QUEUED_MAX    (256 * 1024) /* bytes; who queues more sleeps */
#define FLIGHT_MAX    (128 * 1024) /* bytes of bulk under way: what an urgent message waits for */
#define UNSENT_MAX    (64 * 1024)  /* bytes of bulk that TCP holds back for want of window */
#define NO_MEMORY_NAP (10 * NSEC_PER_MSEC)

struct txmsg {
	struct list_head link;
	uint32_t len, done;   /* bytes, header included; handed over */
	uint64_t end;	      /* where in the stream it ends, once it is handed over */
	struct page *pages[]; /* of a big message; a small one's bytes lie here instead */
};

static uint8_t *small_bytes(struct txmsg *m)
{
	return (uint8_t *)m->pages;
}

static unsigned page_count(size_t len)
{
	return (len + PAGE_SIZE - 1) / PAGE_SIZE;
}

static void txmsg_free(struct txmsg *m)
{
	if (!m)
		return;
	if (m->len > SMALL_MAX)
		for (unsigned i = 0; i < page_count(m->len) && m->pages[i]; i++)
			page_put(m->pages[i]);
	kfree(m);
}

static struct txmsg *txmsg_alloc(size_t len)
{
	struct txmsg *m;

	if (len <= SMALL_MAX) {
		m = kmalloc(sizeof(*m) + len);
	} else {
		m = kzalloc(sizeof(*m) + page_count(len) * sizeof(m->pages[0]));
		for (unsigned i = 0; m && i < page_count(len); i++) {
			m->len = len;
			m->pages[i] = page_alloc(0);
			if (!m->pages[i]) {
				txmsg_free(m);
				m = NULL;
			}
		}
	}
	if (m) {
		m->len = len;
		m->done = 0;
		list_init(&m->link);
	}
	return m;
}

/* Copies into the message at offset *at. */
static void txmsg_put(struct txmsg *m, size_t *at, const void *data, size_t len)
{
	if (m->len <= SMALL_MAX) {
		memcpy(small_bytes(m) + *at, data, len);
		*at += len;
		return;
	}
	while (len) {
		size_t in = *at % PAGE_SIZE, n = PAGE_SIZE - in;

		if (n > len)
			n = len;
		memcpy((uint8_t *)page_virt(m->pages[*at / PAGE_SIZE]) + in, data, n);
		data = (const uint8_t *)data + n;
		*at += n;
		len -= n;
	}
}

void txqueue_init(struct conn *conn)
{
	for (int q = 0; q < TX_QUEUES; q++)
		list_init(&conn->queue[q]);
	list_init(&conn->unacked);
	waitq_init(&conn->room);
}

static bool has_room(struct conn *conn, int q)
{
	return __atomic_load_n(&conn->queued[q], __ATOMIC_RELAXED) < QUEUED_MAX ||
	       __atomic_load_n(&conn->end, __ATOMIC_RELAXED) != CONN_OPEN;
}

/* Memory comes back when guests go or pages are acknowledged: who may sleep waits for that. */
static struct txmsg *alloc_or_wait(struct conn *conn, size_t len, bool wait)
{
	struct txmsg *m = txmsg_alloc(len);

	while (!m && wait && conn->end == CONN_OPEN) {
		sleep_until(clock_now_ns() + NO_MEMORY_NAP);
		m = txmsg_alloc(len);
	}
	/* An ordered stream with a hole is worse than none. */
	if (!m)
		conn_fail(conn, "this node is out of memory");
	return m;
}

static bool enqueue(struct conn *conn, struct txmsg *m, int q)
{
	unsigned long flags = spin_lock_irqsave(&conn->lock);
	bool open = conn->end == CONN_OPEN;

	if (open) {
		list_add_tail(&m->link, &conn->queue[q]);
		conn->queued[q] += m->len;
	}
	spin_unlock_irqrestore(&conn->lock, flags);
	return open;
}

static struct txmsg *build(struct txmsg *m, const struct wire_hdr *hdr, const struct part *parts,
			   unsigned nparts)
{
	size_t at = 0;

	txmsg_put(m, &at, hdr, sizeof(*hdr));
	for (unsigned i = 0; i < nparts; i++)
		txmsg_put(m, &at, parts[i].data, parts[i].len);
	return m;
}

int conn_send(struct conn *conn, unsigned type, unsigned wf_flags, uint32_t tid, uint32_t id,
	      const struct part *parts, unsigned nparts, unsigned how)
{
	struct wire_hdr hdr = { .type = type, .flags = wf_flags, .tid = tid, .id = id };
	int q = how & SEND_BULK ? TX_BULK : TX_URGENT;
	bool wait = !(how & SEND_NOWAIT);
	struct txmsg *m;
	size_t len = 0;

	for (unsigned i = 0; i < nparts; i++)
		len += parts[i].len;
	KASSERT(len <= WIRE_PAYLOAD_MAX);
	KASSERT(!wait || !net_is_owner());
	hdr.len = len;
	if (wait)
		wait_event(&conn->room, has_room(conn, q));
	if (conn->end != CONN_OPEN)
		return -EPIPE;
	m = alloc_or_wait(conn, sizeof(hdr) + len, wait);
	if (!m)
		return -EPIPE;
	build(m, &hdr, parts, nparts);
	if (!enqueue(conn, m, q)) {
		txmsg_free(m);
		return -EPIPE;
	}
	conn_post(conn);
	return 0;
}

static struct txmsg *dequeue(struct conn *conn)
{
	unsigned long flags = spin_lock_irqsave(&conn->lock);
	struct txmsg *m = NULL;
	bool was_full = false;

	for (int q = 0; q < TX_QUEUES && !m; q++) {
		if (list_empty(&conn->queue[q]))
			continue;
		m = list_first_entry(&conn->queue[q], struct txmsg, link);
		list_del(&m->link);
		was_full = conn->queued[q] >= QUEUED_MAX;
		conn->queued[q] -= m->len;
	}
	spin_unlock_irqrestore(&conn->lock, flags);
	if (was_full)
		waitq_wake_all(&conn->room);
	return m;
}

/* Must bulk wait, so that an urgent message would not have to? */
static bool bulk_must_wait(const struct tcp_pcb *pcb)
{
	return pcb->snd_lbb - pcb->snd_nxt >= UNSENT_MAX ||
	       pcb->snd_lbb - pcb->lastack >= FLIGHT_MAX;
}

static bool only_bulk_left(struct conn *conn)
{
	return list_empty(&conn->queue[TX_URGENT]);
}

/* Hands over as much of the message as TCP takes; true if that was all. */
static bool write_message(struct conn *conn, struct txmsg *m)
{
	bool copy = m->len <= SMALL_MAX;

	while (m->done < m->len) {
		size_t room = tcp_sndbuf(conn->pcb), n = m->len - m->done;
		const uint8_t *data = small_bytes(m) + m->done;

		if (!copy) {
			size_t in = m->done % PAGE_SIZE;

			data = (const uint8_t *)page_virt(m->pages[m->done / PAGE_SIZE]) + in;
			if (n > PAGE_SIZE - in)
				n = PAGE_SIZE - in;
		}
		if (n > room)
			n = room;
		if (!n || tcp_write(conn->pcb, data, n, copy ? TCP_WRITE_FLAG_COPY : 0) != ERR_OK)
			return false;
		m->done += n;
		conn->written += n;
	}
	m->end = conn->written;
	if (copy)
		txmsg_free(m);
	else
		list_add_tail(&m->link, &conn->unacked);
	return true;
}

void txqueue_push(struct conn *conn)
{
	if (!conn->pcb)
		return;
	for (;;) {
		if (!conn->sending) {
			if (only_bulk_left(conn) && bulk_must_wait(conn->pcb)) {
				tcp_output(conn->pcb);
				if (bulk_must_wait(conn->pcb))
					return;
			}
			conn->sending = dequeue(conn);
			if (!conn->sending)
				break;
		}
		if (!write_message(conn, conn->sending))
			break;
		conn->sending = NULL;
	}
	tcp_output(conn->pcb);
}

void txqueue_acked(struct conn *conn, unsigned len)
{
	conn->acked += len;
	while (!list_empty(&conn->unacked)) {
		struct txmsg *m = list_first_entry(&conn->unacked, struct txmsg, link);

		if (m->end > conn->acked)
			break;
		list_del(&m->link);
		txmsg_free(m);
	}
}

static void drop_queues(struct conn *conn)
{
	struct txmsg *m;

	while ((m = dequeue(conn)))
		txmsg_free(m);
}

void txqueue_refuse(struct conn *conn)
{
	struct wire_text text;
	struct wire_hdr hdr = { .type = W_REFUSE, .len = sizeof(text) };
	struct part part = { &text, sizeof(text) };
	struct txmsg *m = txmsg_alloc(sizeof(hdr) + sizeof(text));
	unsigned long flags;

	drop_queues(conn);
	if (!m)
		return;
	wire_text_set(&text, conn->code, "%s", conn->why);
	build(m, &hdr, &part, 1);
	flags = spin_lock_irqsave(&conn->lock);
	list_add_tail(&m->link, &conn->queue[TX_URGENT]);
	conn->queued[TX_URGENT] += m->len;
	spin_unlock_irqrestore(&conn->lock, flags);
}

void txqueue_drop(struct conn *conn)
{
	struct txmsg *m, *next;

	drop_queues(conn);
	txmsg_free(conn->sending);
	conn->sending = NULL;
	list_for_each_entry_safe(m, next, &conn->unacked, link) {
		list_del(&m->link);
		txmsg_free(m);
	}
}

bool txqueue_empty(const struct conn *conn)
{
	return !conn->sending && list_empty(&conn->queue[TX_URGENT]) &&
	       list_empty(&conn->queue[TX_BULK]);
}
