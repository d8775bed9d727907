/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connected homes: greeting, keep-alive, clocks, and handing each message to its module. */
#include "kernel/guest/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/cpu/features.h"
#include "kernel/cpu/fpu.h"
#include "kernel/cpu/percpu.h"
#include "kernel/guest/guest.h"
#include "kernel/init.h"
#include "kernel/kprintf.h"
#include "kernel/mm/filecache.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"
#include "kernel/proc/proc.h"
#include "kernel/proc/thread.h"
#include "kernel/random.h"
#include "kernel/time/clock.h"
#include "kernel/time/wall.h"
#include "net/announce.h"

static spinlock_t sessions_lock = SPINLOCK_INIT;
static LIST_HEAD(sessions);
static uint32_t id_counter;
static unsigned alive;		/* sessions that are not freed yet; atomic */
static bool busy;		/* there was one since the last report; atomic */

struct session *session_get(struct session *s)
{
	__atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED);
	return s;
}

void session_put(struct session *s)
{
	if (__atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL))
		return;
	KASSERT(list_empty(&s->guests) && list_empty(&s->calls) && list_empty(&s->ghosts));
	conn_put(s->conn);
	kfree(s);
	__atomic_sub_fetch(&alive, 1, __ATOMIC_RELEASE);
}

void session_for_each(void (*fn)(struct session *s, void *arg), void *arg)
{
	struct session *s, *prev = NULL;

	/* Sessions are added at the end, so that a walk that lets go of the lock meets each once. */
	spin_lock(&sessions_lock);
	list_for_each_entry(s, &sessions, link) {
		session_get(s);
		spin_unlock(&sessions_lock);
		if (prev)
			session_put(prev);
		if (!s->lost)
			fn(s, arg);
		prev = s;
		spin_lock(&sessions_lock);
		if (s->unlinked)
			break;
	}
	spin_unlock(&sessions_lock);
	if (prev)
		session_put(prev);
}

uint32_t guest_next_id(void)
{
	uint32_t id;

	do
		id = __atomic_add_fetch(&id_counter, 1, __ATOMIC_RELAXED);
	while (!id);
	return id;
}

int session_send(struct session *s, unsigned type, uint32_t tid, uint32_t id, const void *data,
		 size_t len, unsigned how)
{
	struct part part = { data, len };

	return conn_send(s->conn, type, 0, tid, id, &part, len ? 1 : 0, how);
}

int session_send_text(struct session *s, unsigned type, uint32_t tid, enum wire_reason code,
		      const char *text, unsigned how)
{
	struct wire_text msg;

	wire_text_set(&msg, code, "%s", text);
	return session_send(s, type, tid, 0, &msg, sizeof(msg), how);
}

/* --- clocks ---------------------------------------------------------------------------------- */

/*
 * Home's clocks come with HELLO, PING and PONG, and one PING comes right before each IMG_COMMIT. They
 * are taken to be right at the moment they arrive: so a guest's time is behind home's by the shortest
 * way a message took, never ahead, and what arrives with its image is no earlier than what it saw at
 * home. Thus time goes back neither when a process comes nor when it leaves. A clock that so many
 * samples in a row say is ahead has drifted, or was set back at home; one of them may just be late.
 */
#define CLOCK_DRIFT_NS ((int64_t)NSEC_PER_SEC / 50)
#define CLOCK_DRIFT_SAMPLES 10

static void offset_set(struct clock_offset *o, int64_t sample)
{
	if (o->ns - sample <= CLOCK_DRIFT_NS) {
		o->lower = 0;
		if (sample > o->ns)
			o->ns = sample;
		return;
	}
	if (!o->lower++ || sample > o->best_lower_ns)
		o->best_lower_ns = sample;
	if (o->lower == CLOCK_DRIFT_SAMPLES) {
		o->ns = o->best_lower_ns;
		o->lower = 0;
	}
}

static void clock_sample(struct session *s, const struct wire_clock *home)
{
	uint64_t now = clock_now_ns();

	offset_set(&s->realtime, (int64_t)(home->realtime_ns - now));
	offset_set(&s->monotonic, (int64_t)(home->monotonic_ns - now));
	offset_set(&s->boottime, (int64_t)(home->boottime_ns - now));
}

int64_t guest_realtime_offset(const struct proc *proc)
{
	return proc->session->realtime.ns;
}

int64_t guest_monotonic_offset(const struct proc *proc)
{
	return proc->session->monotonic.ns;
}

int64_t guest_boottime_offset(const struct proc *proc)
{
	return proc->session->boottime.ns;
}

static void session_ping(struct session *s, void *unused)
{
	struct wire_clock none = { 0, 0, 0 };

	(void)unused;
	if (!s->greeted)
		return;
	session_send(s, W_PING, 0, 0, &none, sizeof(none), SEND_NOWAIT);
}

static const char *on_ping(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	struct wire_clock mine = { 0, clock_now_ns(), clock_now_ns() };

	clock_sample(s, payload);
	session_send(s, W_PONG, 0, hdr->id, &mine, sizeof(mine), SEND_NOWAIT);
	return NULL;
}

static const char *on_pong(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	(void)hdr;
	clock_sample(s, payload);
	return NULL;
}

/* --- greeting -------------------------------------------------------------------------------- */

static const char *on_hello(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	static char why[96];	/* the network thread's own */
	struct wire_hello me = { .magic = WIRE_MAGIC, .version = WIRE_VERSION, .role = 2 };

	(void)hdr;
	if (s->greeted)
		return "second greeting";
	s->home = *(const struct wire_hello *)payload;
	if (s->home.magic != WIRE_MAGIC || s->home.role != 1)
		return "not a Muster home";
	if (s->home.version != WIRE_VERSION) {
		snprintf(why, sizeof(why), "this node speaks version %u, the home version %u",
			 WIRE_VERSION, s->home.version);
		conn_refuse(s->conn, WHY_VERSION, why);
		return NULL;
	}
	if (!memchr(s->home.name, 0, sizeof(s->home.name)))
		return "greeting with a bad name";
	for (char *p = s->home.name; *p; p++)
		if (*p <= ' ' || *p > '~')
			*p = '?';
	s->realtime.ns = s->monotonic.ns = s->boottime.ns = INT64_MIN / 2;
	clock_sample(s, &s->home.clock);
	wall_set(s->home.clock.realtime_ns, s->home.name);

	memcpy(me.id, announce_id(), sizeof(me.id));
	snprintf(me.name, sizeof(me.name), "%s", announce_name());
	me.mem_total = mem_total_pages() * PAGE_SIZE;
	me.mem_free = mem_free_pages() * PAGE_SIZE;
	me.ncpu = cpu_count();
	me.xstate_size = fpu_state_size();
	me.xcr0 = cpu_features.xcr0;
	memcpy(me.cpu, cpu_features.words, sizeof(me.cpu));
	s->greeted = true;
	session_send(s, W_HELLO, 0, 0, &me, sizeof(me), SEND_NOWAIT);
	session_ping(s, NULL);
	kprintf("home: %s (%s, pid %u, uid %u) connected\n", s->home.name, s->peer, s->home.pid,
		s->home.uid);
	return NULL;
}

static const char *on_text(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	struct wire_text text = *(const struct wire_text *)payload;
	const char *bad = wire_check_text(&text);

	if (bad)
		return bad;
	kprintf("home: %s: %s%s\n", s->home.name, hdr->type == W_REFUSE ? "refused us: " : "",
		text.text);
	return NULL;
}

static message_fn *const handlers[W_TYPES] = {
	[W_HELLO] = on_hello,
	[W_REFUSE] = on_text,
	[W_LOG] = on_text,
	[W_PING] = on_ping,
	[W_PONG] = on_pong,
	[W_IMG_BEGIN] = guest_on_img_begin,
	[W_IMG_FILES] = guest_on_img_files,
	[W_IMG_VMAS] = guest_on_img_vmas,
	[W_IMG_SIGACTS] = guest_on_img_sigacts,
	[W_IMG_THREAD] = guest_on_img_thread,
	[W_IMG_SCHED] = guest_on_img_sched,
	[W_IMG_SIGNAL] = guest_on_img_signal,
	[W_IMG_RUNS] = guest_on_img_runs,
	[W_IMG_COMMIT] = guest_on_img_commit,
	[W_IMG_RUNNING] = guest_on_img_running,
	[W_IMG_REFUSED] = guest_on_img_refused,
	[W_IMG_DONE] = guest_on_img_done,
	[W_PAGE_GET] = guest_on_page_get,
	[W_PAGES] = guest_on_pages,
	[W_DATA] = guest_on_data,
	[W_REPLY] = guest_on_reply,
	[W_MMAPPED] = guest_on_mmapped,
	[W_STALE] = guest_on_stale,
	[W_SIGNAL] = guest_on_signal,
	[W_STOP] = guest_on_stop,
	[W_CONT] = guest_on_cont,
	[W_KILL] = guest_on_kill,
	[W_RECALL] = guest_on_recall,
	[W_ORDER] = guest_on_order,
};

static void *session_opened(struct conn *conn)
{
	struct session *s = kzalloc(sizeof(*s));

	if (!s)
		return NULL;
	s->refs = 1;
	s->conn = conn_get(conn);
	spin_init(&s->lock);
	list_init(&s->guests);
	list_init(&s->calls);
	list_init(&s->fetches);
	list_init(&s->arriving);
	list_init(&s->ghosts);
	waitq_init(&s->gate_wq);
	mutex_init(&s->gate_lock);
	conn_peer(conn, s->peer, sizeof(s->peer));
	__atomic_add_fetch(&alive, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&busy, true, __ATOMIC_RELEASE);
	spin_lock(&sessions_lock);
	list_add_tail(&s->link, &sessions);
	spin_unlock(&sessions_lock);
	return s;
}

static const char *session_message(struct conn *conn, const struct wire_hdr *hdr,
				   const void *payload)
{
	struct session *s = conn_owner(conn);

	if (!s)
		return "no memory for a session";
	if (!s->greeted && hdr->type != W_HELLO)
		return "message before the greeting";
	if (!handlers[hdr->type])
		return "message that a node does not take";
	return handlers[hdr->type](s, hdr, payload);
}

static void session_closed(struct conn *conn, const char *why)
{
	struct session *s = conn_owner(conn);

	if (!s)
		return;
	if (s->greeted)
		kprintf("home: %s (%s) is gone: %s\n", s->home.name, s->peer, why);
	spin_lock(&sessions_lock);
	list_del(&s->link);
	s->unlinked = true;
	spin_unlock(&sessions_lock);
	spin_lock(&s->lock);
	s->lost = true;
	spin_unlock(&s->lock);

	guest_calls_lost(s);
	guest_departures_lost(s);
	guest_arrivals_lost(s);
	guest_procs_lost(s);
	guest_gate_look(s);
	guest_pager_lost(s);
	session_put(s);
}

static const struct conn_ops ops = {
	.opened = session_opened,
	.message = session_message,
	.closed = session_closed,
};

/*
 * After the last home has gone, what is in use should be what was in use before the first came: said
 * on the console, so that whatever a guest leaves behind can be seen.
 */
static void report_when_idle(void)
{
	struct filecache_stats cache;
	uint64_t used;

	if (__atomic_load_n(&alive, __ATOMIC_ACQUIRE) || guest_count() ||
	    !__atomic_exchange_n(&busy, false, __ATOMIC_ACQ_REL))
		return;
	filecache_stats(&cache);
	used = mem_total_pages() - mem_free_pages() - cache.pages;
	kprintf("guest: all homes are gone: %u threads, %lu KB in use, %lu KB of files kept\n",
		thread_count(), used << 2, cache.pages << 2);
}

/* Once a second: shows each home that we live, and what its guests do. */
static void guest_beat(void *arg)
{
	uint64_t next = clock_now_ns();

	(void)arg;
	for (;;) {
		next += SESSION_PING_MS * NSEC_PER_MSEC;
		sleep_until(next);
		session_for_each(session_ping, NULL);
		session_for_each(guest_send_stats, NULL);
		report_when_idle();
	}
}

void guest_init(void)
{
	if (!kthread_create("guests", guest_beat, NULL))
		panic("no memory for the guests' thread");
	transport_listen(announce_port(), &ops);
}
