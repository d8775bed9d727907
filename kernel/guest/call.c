/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forwarded calls: the guest's thread asks and sleeps, the network thread delivers the answer. */
#include "kernel/guest/guest.h"

#include <errno.h>
#include <string.h>

#include "kernel/guest/session.h"
#include "kernel/kprintf.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/proc.h"
#include "kernel/proc/signal.h"
#include "kernel/proc/thread.h"

/* Content of an answer, as it came. At most a page: larger blocks may be lacking when memory is short. */
struct chunk {
	struct list_head link;
	size_t len;
	uint8_t data[];
};

#define CHUNK_MAX (PAGE_SIZE - sizeof(struct chunk))

/* One question of a guest's thread; lives on that thread's stack, on session->calls by its lock. */
struct pending {
	struct list_head link;
	uint32_t tid, id;
	enum wire_type answer;		/* what is waited for: W_REPLY or W_MMAPPED */
	bool answered;
	uint32_t room;			/* bytes of content that the answer may still have */
	struct list_head chunks;
	struct waitq wq;
	struct uthread *born;		/* of a fork: the thread that home's answer gives its number */
	union {
		struct wire_reply reply;
		struct wire_mmapped mapped;
	};
};

static void pending_begin(struct session *s, struct pending *p, enum wire_type answer, uint32_t room)
{
	current_user->questions++;
	memset(p, 0, sizeof(*p));
	p->tid = current_user->tid;
	p->id = guest_next_id();
	p->answer = answer;
	p->room = room;
	list_init(&p->chunks);
	waitq_init(&p->wq);
	spin_lock(&s->lock);
	list_add_tail(&p->link, &s->calls);
	spin_unlock(&s->lock);
}

static void pending_end(struct session *s, struct pending *p)
{
	struct chunk *c, *tmp;

	spin_lock(&s->lock);
	list_del(&p->link);
	spin_unlock(&s->lock);
	list_for_each_entry_safe(c, tmp, &p->chunks, link)
		kfree(c);
}

/*
 * Sleeps until the answer is there. A signal (or a recall) makes home abort the call once; home
 * answers in any case. 0, or -EINTR when this guest is being killed or home is lost.
 */
static int pending_wait(struct session *s, struct pending *p, bool abortable)
{
	struct proc *proc = current->proc;
	bool aborted = !abortable;

	for (;;) {
		wait_event(&p->wq, p->answered || s->lost || proc->dead ||
					   (!aborted && signal_wakes(current)));
		if (p->answered)
			return 0;
		if (s->lost || proc->dead)
			return -EINTR;
		aborted = true;
		session_send(s, W_ABORT, p->tid, p->id, NULL, 0, 0);
	}
}

/* The open question with this id, or NULL: it may have been given up since. Takes s->lock. */
static struct pending *pending_find(struct session *s, uint32_t id)
{
	struct pending *p;

	spin_lock(&s->lock);
	list_for_each_entry(p, &s->calls, link)
		if (p->id == id)
			return p;
	spin_unlock(&s->lock);
	return NULL;
}

static const char *pending_content(struct pending *p, const void *data, size_t len)
{
	struct chunk *c;

	if (len > p->room)
		return "answer with more content than was asked for";
	p->room -= len;
	for (size_t done = 0; done < len; done += c->len) {
		size_t n = len - done < CHUNK_MAX ? len - done : CHUNK_MAX;

		c = kmalloc(sizeof(*c) + n);
		if (!c)
			return "no memory for an answer";
		c->len = n;
		memcpy(c->data, (const uint8_t *)data + done, n);
		list_add_tail(&c->link, &p->chunks);
	}
	return NULL;
}

const char *guest_on_data(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	struct pending *p = pending_find(s, hdr->id);
	const char *bad;

	if (!p)
		return NULL;
	bad = p->answered ? "content after its answer" : pending_content(p, payload, hdr->len);
	spin_unlock(&s->lock);
	return bad;
}

/* Takes the fixed part of the answer, and wakes the asker. Called with s->lock held; drops it. */
static const char *pending_answer(struct session *s, struct pending *p, enum wire_type type,
				  void *to, const void *payload, size_t fixed, size_t len)
{
	const char *bad = "answer to another question";

	if (p->answer == type && !p->answered) {
		memcpy(to, payload, fixed);
		bad = pending_content(p, (const uint8_t *)payload + fixed, len - fixed);
		if (!bad) {
			p->answered = true;
			waitq_wake_all(&p->wq);
		}
	}
	spin_unlock(&s->lock);
	return bad;
}

const char *guest_on_reply(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	struct pending *p = pending_find(s, hdr->id);

	const struct wire_reply *reply = payload;

	if (!p)
		return NULL;
	/* Here and now: what home says next may be about the new thread. */
	if (p->born && !p->answered && reply->ret > 0 && reply->ret <= INT32_MAX)
		proc_thread_join(p->born->thread->proc, p->born, (uint32_t)reply->ret);
	return pending_answer(s, p, W_REPLY, &p->reply, payload, sizeof(p->reply), hdr->len);
}

const char *guest_on_mmapped(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	struct pending *p = pending_find(s, hdr->id);

	if (!p)
		return NULL;
	return pending_answer(s, p, W_MMAPPED, &p->mapped, payload, sizeof(p->mapped), hdr->len);
}

void guest_calls_lost(struct session *s)
{
	struct pending *p;

	spin_lock(&s->lock);
	list_for_each_entry(p, &s->calls, link)
		waitq_wake_all(&p->wq);
	spin_unlock(&s->lock);
}

/* --- sending --------------------------------------------------------------------------------- */

/* Gathers content into messages: full ones go as DATA, the rest is left for the CALL. */
struct gather {
	struct session *s;
	uint32_t tid, id;
	size_t used, size;	/* of buf */
	uint8_t *buf;
	int err;
};

static void gather_put(struct gather *g, const struct fbuf *from, const void *data, size_t len)
{
	for (size_t done = 0; done < len && !g->err;) {
		size_t n = len - done < g->size - g->used ? len - done : g->size - g->used;

		if (!n) {
			struct part part = { g->buf, g->used };

			g->err = conn_send(g->s->conn, W_DATA, 0, g->tid, g->id, &part, 1,
					   SEND_BULK);
			g->used = 0;
			continue;
		}
		if (from && !from->kernel) {
			/* It was readable when its length was taken; if no longer, Linux would
			 * have seen the other thread's change, too. */
			size_t lost = copy_from_user(g->buf + g->used, from->addr + done, n);

			memset(g->buf + g->used + n - lost, 0, lost);
		} else {
			memcpy(g->buf + g->used, (const uint8_t *)data + done, n);
		}
		g->used += n;
		done += n;
	}
}

static int call_send(struct session *s, const struct fcall *call, uint32_t tid, uint32_t id,
		     unsigned wf)
{
	struct wire_call head = {
		.nr = call->nr,
		.nbufs = call->nbufs,
		.nfixups = call->nfixups,
		.total = call->nfixups * sizeof(struct wire_fixup),
	};
	struct wire_buf bufs[WIRE_BUFS_MAX] = { { 0 } };
	uint64_t mask = current_user->sigmask;
	size_t headlen = sizeof(head) + call->nbufs * sizeof(bufs[0]);
	struct gather g = { .s = s, .tid = tid, .id = id };
	unsigned how = 0;

	head.flags = (mask & SIGBIT(LSIG_TTIN) ? WCALL_BLOCKS_TTIN : 0) |
		     (mask & SIGBIT(LSIG_TTOU) ? WCALL_BLOCKS_TTOU : 0);
	memcpy(head.args, call->args, sizeof(head.args));
	for (unsigned i = 0; i < call->nbufs; i++) {
		const struct fbuf *b = &call->buf[i];

		bufs[i] = (struct wire_buf){ .len = b->len, .arg = b->arg, .flags = b->flags,
					     .offset = b->kernel ? call->offset[i] : b->addr % PAGE_SIZE };
		head.total += b->flags & WBUF_IN ? b->len : 0;
	}
	if (head.total) {
		g.size = WIRE_PAYLOAD_MAX - headlen;
		if (head.total < g.size)
			g.size = head.total;
		else if (head.total > g.size)
			how = SEND_BULK;
		g.buf = kmalloc(g.size);
		/* Smaller messages do as well where memory is in pieces. */
		while (!g.buf && g.size > PAGE_SIZE) {
			how = SEND_BULK;
			g.size = PAGE_SIZE;
			g.buf = kmalloc(g.size);
		}
		if (!g.buf)
			return retreat(WHY_MEMORY, "no memory for the content of a system call");
		gather_put(&g, NULL, call->fixups, call->nfixups * sizeof(struct wire_fixup));
		for (unsigned i = 0; i < call->nbufs; i++)
			if (call->buf[i].flags & WBUF_IN)
				gather_put(&g, &call->buf[i], (void *)call->buf[i].addr,
					   call->buf[i].len);
	}
	if (!g.err) {
		struct part parts[] = { { &head, sizeof(head) },
					{ bufs, call->nbufs * sizeof(bufs[0]) },
					{ g.buf, g.used } };

		g.err = conn_send(s->conn, W_CALL, wf, tid, id, parts, 3, how);
	}
	kfree(g.buf);
	return g.err;
}

/* Gives the content that came back to its buffers. 0 or -EFAULT. */
static int call_scatter(struct fcall *call, struct pending *p)
{
	struct chunk *c = NULL;
	size_t at = 0;
	int err = 0;

	for (unsigned i = 0; i < call->nbufs; i++) {
		struct fbuf *b = &call->buf[i];
		size_t done = 0;

		call->returned[i] = p->reply.lens[i];
		while (done < p->reply.lens[i]) {
			size_t n;

			if (!c || at == c->len) {
				c = list_entry(c ? c->link.next : p->chunks.next, struct chunk, link);
				at = 0;
			}
			n = p->reply.lens[i] - done < c->len - at ? p->reply.lens[i] - done
								  : c->len - at;
			if (b->kernel)
				memcpy((void *)(b->addr + done), c->data + at, n);
			else if (copy_to_user(b->addr + done, c->data + at, n))
				err = -EFAULT;
			done += n;
			at += n;
		}
	}
	return err;
}

/* Does the answer agree with itself and with what was asked? */
static bool call_answer_fits(const struct fcall *call, const struct pending *p, uint32_t asked)
{
	uint64_t total = 0;

	if (p->reply.nlens != call->nbufs)
		return p->reply.nlens == 0 && p->reply.total == 0 && asked == p->room;
	for (unsigned i = 0; i < call->nbufs; i++) {
		if (p->reply.lens[i] > (call->buf[i].flags & WBUF_OUT ? call->buf[i].len : 0))
			return false;
		total += p->reply.lens[i];
	}
	return total == p->reply.total && total == asked - p->room;
}

static void count_call(void)
{
	struct guest *g = current->proc->guest;

	__atomic_add_fetch(&g->calls, 1, __ATOMIC_RELAXED);
}

long guest_call(struct fcall *call)
{
	struct session *s = current->proc->session;
	struct pending p;
	uint32_t room = 0;
	long ret;

	guest_share_sync(s);
	for (unsigned i = 0; i < call->nbufs; i++)
		room += call->buf[i].flags & WBUF_OUT ? call->buf[i].len : 0;
	count_call();
	pending_begin(s, &p, W_REPLY, room);
	ret = call_send(s, call, p.tid, p.id, 0);
	if (!ret)
		ret = pending_wait(s, &p, !current_user->steady);
	if (!ret) {
		ret = p.reply.ret;
		if (!call_answer_fits(call, &p, room))
			conn_refuse(s->conn, WHY_BAD_MESSAGE, "answer that does not add up");
		else if (p.reply.nlens && call_scatter(call, &p) && ret >= 0)
			ret = -EFAULT;
	}
	pending_end(s, &p);
	return ret;
}

void guest_call_oneway(struct fcall *call)
{
	struct session *s = current->proc->session;

	count_call();
	call_send(s, call, current_user->tid, 0, WF_ONEWAY);
}

long guest_mmap(const struct wire_mmap *map, struct wire_file *file, struct wire_text *why)
{
	struct session *s = current->proc->session;
	struct pending p;
	long ret;

	guest_share_sync(s);
	pending_begin(s, &p, W_MMAPPED, 0);
	ret = session_send(s, W_MMAP, p.tid, p.id, map, sizeof(*map), 0);
	if (!ret)
		ret = pending_wait(s, &p, false);
	if (!ret && wire_check_text(&p.mapped.why))
		conn_refuse(s->conn, WHY_BAD_MESSAGE, "text without an end");
	if (!ret) {
		*why = p.mapped.why;
		*file = p.mapped.file;
		ret = why->code != WHY_NONE ? -EAGAIN : p.mapped.ret;
	}
	pending_end(s, &p);
	return ret;
}

static long ask_fork(uint64_t clone_flags, struct uthread *born)
{
	struct session *s = current->proc->session;
	struct wire_fork fork = { .flags = clone_flags };
	struct pending p;
	long ret;

	pending_begin(s, &p, W_REPLY, 0);
	p.born = born;
	ret = session_send(s, W_FORK, p.tid, p.id, &fork, sizeof(fork), 0);
	if (!ret)
		ret = pending_wait(s, &p, false);
	if (!ret)
		ret = p.reply.ret;
	pending_end(s, &p);
	return ret;
}

long guest_fork(uint64_t clone_flags)
{
	return ask_fork(clone_flags, NULL);
}

long guest_thread(uint64_t clone_flags, struct uthread *u)
{
	return ask_fork(clone_flags, u);
}

int guest_put(struct session *s, uint32_t pid, const struct wire_put *put, const void *pages)
{
	struct part parts[] = { { put, sizeof(*put) }, { pages, put->npages * PAGE_SIZE } };
	struct pending p;
	int ret;

	pending_begin(s, &p, W_REPLY, 0);
	ret = conn_send(s->conn, W_PUT, 0, pid, p.id, parts, 2, 0);
	/* Taken away from here: what it wrote is to be seen all the same, but it cannot wait. */
	if (!ret && !current->proc->dead)
		ret = pending_wait(s, &p, false);
	if (!ret)
		ret = p.reply.ret;
	pending_end(s, &p);
	return ret > 0 ? -EIO : ret;
}
