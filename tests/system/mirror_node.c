/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A node that runs nothing: whatever process is sent to it comes home at once, as it was. It shows
 * that the home side takes a process apart and puts it together again rightly, without a kernel of
 * ours and at any speed: the program must not notice.
 *
 *	mirror_node [-n NAME] [-p PORT] [-a ADDR:PORT] [-m full|early|mixed] [-d USEC] [-x MS] [-r]
 *
 * -m early: goes home before it has fetched anything (RUN_KEEP); mixed: by turns.
 * -d: so long it takes to answer for a page; -x: drops the connection that long (ms) after the
 * first return, with pages still here; -r: refuses every image.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto/announce.h"
#include "proto/cpufeatures.h"
#include "proto/wire.h"

#define PAGE WIRE_PAGE_SIZE

static struct {
	const char *name;
	uint16_t port;
	struct sockaddr_in announce;
	bool early, mixed, refuse;
	unsigned delay_us;
	unsigned drop_ms;
} opt = { .name = "mirror", .port = 17746 };

struct page {
	struct page *next;
	uint64_t addr;
	uint8_t kind;	/* enum wire_page_kind */
	uint8_t data[];
};

#define BUCKETS 65536

struct thread {
	uint8_t bytes[sizeof(struct wire_thread) + WIRE_XSTATE_MAX];
	uint32_t len;
};

struct guest {
	struct guest *next;
	uint32_t pid;
	struct wire_image image;
	struct thread *threads;
	unsigned nthreads;
	struct signal {
		unsigned thread;	/* index */
		struct wire_signal s;
	} signals[256];
	unsigned nsignals;
	unsigned taken;		/* W_SIGNALs among them, or lost */
	struct wire_run *runs;
	size_t nruns;
	struct page *pages[BUCKETS];
	bool early;
	/* The fetch: next page to ask for, and how many requests are out. */
	size_t run;
	uint64_t offset;
	unsigned out;
};

static struct guest *guests;
static int sock;
static uint32_t next_id;
static unsigned returns;
static struct timespec drop_at;

static void die(const char *text)
{
	fprintf(stderr, "mirror_node: %s: %s\n", text, strerror(errno));
	exit(1);
}

static void put(const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = send(sock, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			exit(0);
		p += n;
		len -= (size_t)n;
	}
}

static void get(void *data, size_t len)
{
	char *p = data;

	while (len) {
		ssize_t n = recv(sock, p, len, 0);

		if (n <= 0)
			exit(0);
		p += n;
		len -= (size_t)n;
	}
}

static void say(unsigned type, unsigned flags, uint32_t tid, uint32_t id, const void *data, uint32_t len)
{
	struct wire_hdr hdr = { .len = len, .type = (uint16_t)type, .flags = (uint16_t)flags,
				.tid = tid, .id = id };

	put(&hdr, sizeof(hdr));
	put(data, len);
}

static struct page **slot(struct guest *g, uint64_t addr)
{
	struct page **p = &g->pages[addr / PAGE % BUCKETS];

	while (*p && (*p)->addr != addr)
		p = &(*p)->next;
	return p;
}

static bool in_runs(const struct guest *g, uint64_t addr)
{
	for (size_t i = 0; i < g->nruns; i++)
		if (addr >= g->runs[i].addr && addr < g->runs[i].addr + (uint64_t)g->runs[i].npages * PAGE)
			return true;
	return false;
}

static void store(struct guest *g, const struct wire_pages *pages)
{
	const uint8_t *data = (const uint8_t *)(pages + 1);

	for (uint32_t i = 0; i < pages->npages; i++) {
		struct page **p = slot(g, pages->addr + (uint64_t)i * PAGE);
		size_t len = pages->kind[i] == WPAGE_RAW ? PAGE : 0;

		if (*p) {
			struct page *old = *p;

			*p = old->next;
			free(old);
			p = slot(g, pages->addr + (uint64_t)i * PAGE);
		}
		*p = calloc(1, sizeof(**p) + len);
		if (!*p)
			die("memory");
		(*p)->addr = pages->addr + (uint64_t)i * PAGE;
		(*p)->kind = pages->kind[i];
		memcpy((*p)->data, data, len);
		data += len;
	}
}

static void answer_page(struct guest *g, uint64_t addr, unsigned flags, uint32_t id)
{
	struct {
		struct wire_pages head;
		uint8_t data[PAGE];
	} m = { .head = { .addr = addr, .npages = 1 } };
	struct page *p = g ? *slot(g, addr) : NULL;

	m.head.kind[0] = p ? p->kind : WPAGE_GONE;
	if (p && p->kind == WPAGE_RAW)
		memcpy(m.data, p->data, PAGE);
	say(W_PAGES, flags, g ? g->pid : 0, id, &m,
	    sizeof(m.head) + (m.head.kind[0] == WPAGE_RAW ? PAGE : 0));
}

/* --- going home --- */

static uint32_t tid_of(const struct thread *thread)
{
	return ((const struct wire_thread *)thread->bytes)->tid;
}

static void send_signals(struct guest *g, bool of_process, unsigned thread)
{
	for (unsigned i = 0; i < g->nsignals; i++)
		if (g->signals[i].s.to_process ? of_process : !of_process && g->signals[i].thread == thread)
			say(W_IMG_SIGNAL, 0, g->pid, 0, &g->signals[i].s, sizeof(g->signals[i].s));
}

static void send_hot(struct guest *g, const struct wire_thread *t)
{
	const uint64_t hot[] = { t->regs.rsp, t->regs.rsp - 512, t->regs.fs_base, t->rseq_addr };

	for (size_t i = 0; i < sizeof(hot) / sizeof(hot[0]); i++) {
		uint64_t addr = hot[i] & ~(uint64_t)(PAGE - 1);

		if (*slot(g, addr))
			answer_page(g, addr, WF_HOT, 0);
	}
}

static void go_home(struct guest *g)
{
	struct wire_image image = g->image;

	image.flags = IMG_HOME;
	image.signals = g->taken;
	wire_text_set(&image.why, WHY_SYSCALL, "this node only reflects");
	say(W_IMG_BEGIN, 0, g->pid, 0, &image, sizeof(image));
	for (unsigned i = 0; i < g->nthreads; i++) {
		say(W_IMG_THREAD, 0, g->pid, 0, g->threads[i].bytes, g->threads[i].len);
		send_signals(g, false, i);
	}
	send_signals(g, true, 0);
	for (size_t i = 0; i < g->nruns; i++) {
		/* Page by page: what was fetched is ours to give, the rest never left home. */
		for (uint32_t k = 0; k < g->runs[i].npages;) {
			struct wire_run run = { g->runs[i].addr + (uint64_t)k * PAGE, 0, 0 };

			run.kind = *slot(g, run.addr) ? RUN_SOURCE : RUN_KEEP;
			while (k < g->runs[i].npages &&
			       !*slot(g, g->runs[i].addr + (uint64_t)k * PAGE) == (run.kind == RUN_KEEP)) {
				run.npages++;
				k++;
			}
			say(W_IMG_RUNS, 0, g->pid, 0, &run, sizeof(run));
		}
	}
	for (unsigned i = 0; i < g->nthreads; i++)
		send_hot(g, (const void *)g->threads[i].bytes);
	say(W_IMG_COMMIT, 0, g->pid, 0, NULL, 0);
	if (!returns++ && opt.drop_ms) {
		clock_gettime(CLOCK_MONOTONIC, &drop_at);
		drop_at.tv_nsec += (long)opt.drop_ms * 1000000;
		drop_at.tv_sec += drop_at.tv_nsec / 1000000000;
		drop_at.tv_nsec %= 1000000000;
	}
}

static void fetch_more(struct guest *g)
{
	while (g->out < 4 && g->run < g->nruns) {
		const struct wire_run *run = &g->runs[g->run];
		uint64_t left = run->npages - g->offset;
		struct wire_page_get ask = { run->addr + g->offset * PAGE,
					     left < 64 ? (uint32_t)left : 64, 0 };

		say(W_PAGE_GET, WF_BULK, g->pid, ++next_id, &ask, sizeof(ask));
		g->out++;
		g->offset += ask.npages;
		if (g->offset == run->npages) {
			g->run++;
			g->offset = 0;
		}
	}
	if (g->out)
		return;
	say(W_IMG_DONE, 0, g->pid, 0, NULL, 0);
	go_home(g);
}

/* --- messages --- */

static unsigned thread_index(const struct guest *g, uint32_t tid)
{
	unsigned i = 0;

	while (i < g->nthreads && tid_of(&g->threads[i]) != tid)
		i++;
	return i;
}

/* By the id of any of its threads. */
static struct guest *find(uint32_t tid)
{
	struct guest *g = guests;

	while (g && g->pid != tid && thread_index(g, tid) == g->nthreads)
		g = g->next;
	return g;
}

static void add_thread(struct guest *g, const void *data, uint32_t len)
{
	g->threads = realloc(g->threads, (g->nthreads + 1) * sizeof(g->threads[0]));
	if (!g->threads)
		die("memory");
	memcpy(g->threads[g->nthreads].bytes, data, len);
	g->threads[g->nthreads++].len = len;
}

static void add_signal(struct guest *g, const struct wire_hdr *hdr, const struct wire_signal *signal)
{
	g->taken += hdr->type == W_SIGNAL;
	if (g->nsignals == 256)
		return;
	g->signals[g->nsignals].s = *signal;
	g->signals[g->nsignals++].thread =
		hdr->type == W_SIGNAL ? thread_index(g, hdr->tid) : g->nthreads - 1;
}

static void forget(uint32_t pid)
{
	struct guest **at = &guests, *g;

	while (*at && (*at)->pid != pid)
		at = &(*at)->next;
	g = *at;
	if (!g)
		return;
	*at = g->next;
	for (size_t i = 0; i < BUCKETS; i++)
		while (g->pages[i]) {
			struct page *p = g->pages[i];

			g->pages[i] = p->next;
			free(p);
		}
	free(g->threads);
	free(g->runs);
	free(g);
}

static void page_get(struct guest *g, const struct wire_hdr *hdr, const struct wire_page_get *ask)
{
	for (uint32_t i = 0; i < ask->npages; i++) {
		if (opt.delay_us)
			usleep(opt.delay_us);
		answer_page(g, ask->addr + (uint64_t)i * PAGE, i + 1 == ask->npages ? WF_LAST : 0, hdr->id);
	}
}

static void message(const struct wire_hdr *hdr, void *data)
{
	struct guest *g = find(hdr->tid);
	struct wire_text why;

	switch (hdr->type) {
	case W_PING:
		say(W_PONG, 0, 0, hdr->id, data, hdr->len);
		return;
	case W_IMG_BEGIN:
		forget(hdr->tid);
		g = calloc(1, sizeof(*g));
		if (!g)
			die("memory");
		g->pid = hdr->tid;
		memcpy(&g->image, data, sizeof(g->image));
		g->next = guests;
		guests = g;
		return;
	case W_PAGE_GET:
		page_get(g, hdr, data);
		return;
	}
	if (!g)
		return;
	switch (hdr->type) {
	case W_IMG_THREAD:
		add_thread(g, data, hdr->len);
		break;
	case W_IMG_SIGNAL:
	case W_SIGNAL:
		add_signal(g, hdr, data);
		break;
	case W_IMG_RUNS:
		g->runs = realloc(g->runs, g->nruns * sizeof(g->runs[0]) + hdr->len);
		memcpy(g->runs + g->nruns, data, hdr->len);
		g->nruns += hdr->len / sizeof(g->runs[0]);
		break;
	case W_PAGES:
		store(g, data);
		if (hdr->flags & WF_HOT)
			break;
		if (hdr->flags & WF_LAST) {
			g->out--;
			fetch_more(g);
		}
		break;
	case W_IMG_COMMIT:
		if (opt.refuse) {
			wire_text_set(&why, WHY_LEAVING, "this node takes nobody");
			say(W_IMG_REFUSED, 0, g->pid, hdr->id, &why, sizeof(why));
			forget(g->pid);
			break;
		}
		say(W_IMG_RUNNING, 0, g->pid, hdr->id, NULL, 0);
		g->early = opt.early || (opt.mixed && returns % 2);
		if (g->early)
			go_home(g);
		else
			fetch_more(g);
		break;
	case W_IMG_REFUSED:
		fprintf(stderr, "mirror_node: home refused %u: %s\n", g->pid,
			((struct wire_text *)data)->text);
		exit(1);
	case W_IMG_DONE:
	case W_KILL:
		forget(g->pid);
		break;
	}
	(void)in_runs;
}

static void session(void)
{
	static uint8_t data[WIRE_PAYLOAD_MAX];
	struct wire_hello hello;
	struct wire_hdr hdr;
	const char *bad;

	get(&hdr, sizeof(hdr));
	if (hdr.type != W_HELLO || hdr.len != sizeof(hello))
		die("no HELLO");
	get(&hello, sizeof(hello));
	hello.role = 2;
	memset(hello.name, 0, sizeof(hello.name));
	snprintf(hello.name, sizeof(hello.name), "%s", opt.name);
	/* x86-64-v3: what QEMU's TCG has, and AVX at the most. */
	hello.cpu[CPU_7_EBX] &= 1u << 0 | 1u << 3 | 1u << 5 | 1u << 8;
	hello.cpu[CPU_7_ECX] = 0;
	hello.cpu[CPU_7_EDX] = 0;
	hello.cpu[CPU_D1_EAX] = 0;
	hello.xcr0 = 7;
	hello.xstate_size = 832;
	say(W_HELLO, 0, 0, hdr.id, &hello, sizeof(hello));
	for (;;) {
		struct pollfd pfd = { .fd = sock, .events = POLLIN };
		struct timespec now;

		poll(&pfd, 1, drop_at.tv_sec ? 1 : 1000);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (drop_at.tv_sec && (now.tv_sec > drop_at.tv_sec || (now.tv_sec == drop_at.tv_sec &&
							now.tv_nsec > drop_at.tv_nsec)))
			exit(0);
		if (!pfd.revents) {
			struct wire_clock clock = { 0 };

			say(W_PING, 0, 0, 0, &clock, sizeof(clock));
			continue;
		}
		get(&hdr, sizeof(hdr));
		bad = wire_check(&hdr, 1);
		if (bad) {
			fprintf(stderr, "mirror_node: %s (%u, %u bytes)\n", bad, hdr.type, hdr.len);
			exit(1);
		}
		get(data, hdr.len);
		message(&hdr, data);
	}
}

static void announce(int udp, uint32_t seq)
{
	struct announce a = {
		.magic = ANNOUNCE_MAGIC, .version = WIRE_VERSION, .id = { 'm', 'i', 'r' },
		.port = opt.port, .ip = { 127, 0, 0, 1 }, .seq = seq, .ncpu = 1, .mhz = 1000,
		.speed = 1000, .xcr0 = 7, .mem_total = 1u << 30, .mem_free = 1u << 30,
	};

	snprintf(a.name, sizeof(a.name), "%s", opt.name);
	snprintf(a.program, sizeof(a.program), "%s", MUSTER_VERSION);
	sendto(udp, &a, sizeof(a), 0, (struct sockaddr *)&opt.announce, sizeof(opt.announce));
}

int main(int argc, char **argv)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int c, listener, udp, one = 1;

	while ((c = getopt(argc, argv, "n:p:a:m:d:x:r")) != -1) {
		char *colon;

		switch (c) {
		case 'n':
			opt.name = optarg;
			break;
		case 'p':
			opt.port = (uint16_t)atoi(optarg);
			break;
		case 'a':
			colon = strchr(optarg, ':');
			opt.announce.sin_family = AF_INET;
			opt.announce.sin_port = htons(colon ? (uint16_t)atoi(colon + 1) : MUSTER_PORT);
			if (colon)
				*colon = 0;
			inet_aton(optarg, &opt.announce.sin_addr);
			break;
		case 'm':
			opt.early = !strcmp(optarg, "early");
			opt.mixed = !strcmp(optarg, "mixed");
			break;
		case 'd':
			opt.delay_us = (unsigned)atoi(optarg);
			break;
		case 'x':
			opt.drop_ms = (unsigned)atoi(optarg);
			break;
		case 'r':
			opt.refuse = true;
			break;
		default:
			return 2;
		}
	}
	signal(SIGCHLD, SIG_IGN);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	addr.sin_port = htons(opt.port);
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) || listen(listener, 5))
		die("listen");
	for (uint32_t seq = 0;; seq++) {
		struct pollfd pfd = { .fd = listener, .events = POLLIN };

		if (opt.announce.sin_port)
			announce(udp, seq);
		if (poll(&pfd, 1, 300) <= 0)
			continue;
		sock = accept(listener, NULL, NULL);
		if (sock >= 0 && !fork()) {
			setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
			close(listener);
			session();
		}
		close(sock);
	}
}
