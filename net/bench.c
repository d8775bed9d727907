/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bare TCP services that the benchmarks measure everything else against (CONFIG_BENCH only):
 * 7747 echoes, 7748 reads and forgets, 7749 sends for as long as it is listened to.
 */
#include "net/internal.h"

#ifdef CONFIG_BENCH

#include "kernel/kprintf.h"
#include "kernel/mm/page.h"
#include "lwip/priv/tcp_priv.h"
#include "net/conn.h"

enum { ECHO_PORT = 7747, SINK_PORT = 7748, SOURCE_PORT = 7749 };

#define SOURCE_FLIGHT (256 * 1024)

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
	kprintf("net: benchmark services on ports %d to %d\n", ECHO_PORT, SOURCE_PORT);
}

#else

void bench_start(void)
{
}

#endif
