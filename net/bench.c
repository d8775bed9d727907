/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bare TCP services that the benchmarks measure everything else against (CONFIG_BENCH only):
 * 7747 echoes, 7748 reads and forgets, 7749 sends for as long as it is listened to, 7750 answers
 * requests that say how long they and their answers are (struct ask), as a forwarded call's two
 * messages differ in size.
 */
#include "net/internal.h"

#ifdef CONFIG_BENCH

#include "kernel/kprintf.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"
#include "lwip/priv/tcp_priv.h"
#include "net/conn.h"

enum { ECHO_PORT = 7747, SINK_PORT = 7748, SOURCE_PORT = 7749, ASK_PORT = 7750 };

#define SOURCE_FLIGHT (256 * 1024)

/* What a request to ASK_PORT begins with; both count this header. Little endian. */
struct ask {
	uint32_t request;	/* bytes of this request */
	uint32_t answer;	/* bytes wanted back */
};

/* A connection to ASK_PORT; freed when that ends. */
struct asker {
	struct ask ask;
	uint32_t got;		/* bytes of the request that have come */
};

static struct page *zeros;

static void shut(struct tcp_pcb *pcb)
{
	tcp_recv(pcb, NULL);
	tcp_sent(pcb, NULL);
	tcp_close(pcb);
}

static void take(struct tcp_pcb *pcb, struct pbuf *p)
{
	unsigned left = p->tot_len;

	if (left > TCP_MSS)
		tcp_ack_now(pcb);
	for (; left; left -= LWIP_MIN(left, 0xffff))
		tcp_recved(pcb, LWIP_MIN(left, 0xffff));
	pbuf_free(p);
}

static err_t echo_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	(void)arg, (void)err;
	if (!p) {
		shut(pcb);
		return ERR_OK;
	}
	/* More than the peer fetches back is lost: this is for ping-pong. */
	for (struct pbuf *q = p; q; q = q->next)
		tcp_write(pcb, q->payload, q->len, TCP_WRITE_FLAG_COPY);
	take(pcb, p);
	tcp_output(pcb);
	return ERR_OK;
}

static err_t sink_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	(void)arg, (void)err;
	if (p)
		take(pcb, p);
	else
		shut(pcb);
	return ERR_OK;
}

static err_t source_more(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	(void)arg, (void)len;
	while (pcb->snd_lbb - pcb->lastack < SOURCE_FLIGHT)
		if (tcp_write(pcb, page_virt(zeros), PAGE_SIZE, 0) != ERR_OK)
			break;
	tcp_output(pcb);
	return ERR_OK;
}

static err_t source_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	(void)arg, (void)err;
	if (p) {
		take(pcb, p);
		return ERR_OK;
	}
	/* Whoever closes has heard enough, and much is under way. */
	tcp_sent(pcb, NULL);
	tcp_abort(pcb);
	return ERR_ABRT;
}

static void answer(struct tcp_pcb *pcb, uint32_t left)
{
	for (; left; left -= LWIP_MIN(left, PAGE_SIZE))
		tcp_write(pcb, page_virt(zeros), LWIP_MIN(left, PAGE_SIZE), 0);
	tcp_output(pcb);
}

static void ask_bytes(struct asker *a, struct tcp_pcb *pcb, const uint8_t *bytes, uint32_t len)
{
	while (len) {
		uint32_t n = 1;

		if (a->got < sizeof(a->ask)) {
			((uint8_t *)&a->ask)[a->got] = *bytes;
		} else if (a->ask.request > a->got) {
			n = LWIP_MIN(len, a->ask.request - a->got);
		}
		bytes += n;
		len -= n;
		a->got += n;
		if (a->got >= sizeof(a->ask) && a->got >= a->ask.request) {
			a->got = 0;
			answer(pcb, a->ask.answer);
		}
	}
}

static err_t ask_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	(void)err;
	if (!p) {
		tcp_arg(pcb, NULL);
		kfree(arg);
		shut(pcb);
		return ERR_OK;
	}
	for (struct pbuf *q = p; q; q = q->next)
		ask_bytes(arg, pcb, q->payload, q->len);
	take(pcb, p);
	return ERR_OK;
}

static void ask_gone(void *arg, err_t err)
{
	(void)err;
	kfree(arg);
}

static err_t accept_ask(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct asker *a = kzalloc(sizeof(*a));

	(void)arg, (void)err;
	if (!a)
		return ERR_MEM;
	tcp_tune(pcb);
	tcp_arg(pcb, a);
	tcp_err(pcb, ask_gone);
	tcp_recv(pcb, ask_recv);
	return ERR_OK;
}

static err_t accept_echo(void *arg, struct tcp_pcb *pcb, err_t err)
{
	(void)arg, (void)err;
	tcp_tune(pcb);
	tcp_recv(pcb, echo_recv);
	return ERR_OK;
}

static err_t accept_sink(void *arg, struct tcp_pcb *pcb, err_t err)
{
	(void)arg, (void)err;
	tcp_tune(pcb);
	tcp_recv(pcb, sink_recv);
	return ERR_OK;
}

static err_t accept_source(void *arg, struct tcp_pcb *pcb, err_t err)
{
	(void)arg, (void)err;
	tcp_tune(pcb);
	tcp_recv(pcb, source_recv);
	tcp_sent(pcb, source_more);
	return source_more(NULL, pcb, 0);
}

static void serve(uint16_t port, tcp_accept_fn accept)
{
	struct tcp_pcb *pcb = tcp_new();

	if (!pcb || tcp_bind(pcb, IP_ADDR_ANY, port) != ERR_OK || !(pcb = tcp_listen(pcb)))
		panic("net: no memory for the benchmark services");
	tcp_accept(pcb, accept);
}

void bench_start(void)
{
	zeros = page_alloc_zero(0);
	if (!zeros)
		panic("net: no memory for the benchmark services");
	serve(ECHO_PORT, accept_echo);
	serve(SINK_PORT, accept_sink);
	serve(SOURCE_PORT, accept_source);
	serve(ASK_PORT, accept_ask);
	kprintf("net: benchmark services on ports %d to %d\n", ECHO_PORT, ASK_PORT);
}

#else

void bench_start(void)
{
}

#endif
