/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Executing a forwarded call: its buffers go into the stub's scratch area, pointers are set, and
 * what the kernel wrote comes back with the answer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "proto/syscalls.h"
#include "userland/deputy/agent.h"
#include "userland/deputy/call.h"
#include "userland/deputy/cputime.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/loop.h"
#include "userland/deputy/procfs.h"
#include "userland/deputy/session.h"
#include "userland/deputy/shared.h"
#include "userland/deputy/stub.h"
#include "userland/deputy/written.h"

#define ALIGN  64u  /* of buffers in scratch: as much as any struct wants */
#define SECTOR 512u /* what O_DIRECT transfers: larger buffers lie in their page as the program's did */

static uint64_t round_up(uint64_t x, uint64_t to)
{
	return (x + to - 1) / to * to;
}

/*
 * Places the buffers. One that is WBUF_BAD ends where a page ends, and the next page is made
 * inaccessible: so the kernel finds as many bytes as there were in the program.
 */
static size_t place(struct call *call, uint64_t base)
{
	uint64_t at = base;

	for (unsigned i = 0; i < call->head.nbufs; i++) {
		const struct wire_buf *buf = &call->bufs[i];

		if (buf->flags & WBUF_BAD) {
			at = round_up(at, WIRE_PAGE_SIZE) + round_up(buf->len, WIRE_PAGE_SIZE);
			call->addr[i] = at - buf->len;
			at += WIRE_PAGE_SIZE;
		} else {
			if (buf->len >= SECTOR)
				at = round_up(at, WIRE_PAGE_SIZE) + buf->offset;
			call->addr[i] = at;
			at = round_up(at + buf->len, ALIGN);
		}
	}
	return at - base;
}

static long guard_bad(struct stub *stub, const struct call *call, int prot)
{
	long err = 0;

	for (unsigned i = 0; i < call->head.nbufs && !err; i++)
		if (call->bufs[i].flags & WBUF_BAD)
			err = inject_call(stub, SYS_mprotect, call->addr[i] + call->bufs[i].len,
					  WIRE_PAGE_SIZE, prot);
	return err;
}

static void apply_fixups(struct call *call)
{
	uint8_t *content = call->bytes + call->head.nfixups * sizeof(struct wire_fixup);
	uint8_t *start[WIRE_BUFS_MAX] = { NULL };
	struct wire_fixup fix;

	for (unsigned i = 0; i < call->head.nbufs; i++) {
		start[i] = content;
		if (call->bufs[i].flags & WBUF_IN)
			content += call->bufs[i].len;
	}
	for (uint32_t i = 0; i < call->head.nfixups; i++) {
		uint64_t addr;

		memcpy(&fix, call->bytes + i * sizeof(fix), sizeof(fix));
		addr = call->addr[fix.target] + fix.delta;
		memcpy(start[fix.buf] + fix.offset, &addr, call_pointer_size(call));
	}
}

static int write_in(struct stub *stub, const struct call *call)
{
	const uint8_t *content = call->bytes + call->head.nfixups * sizeof(struct wire_fixup);
	int err = 0;

	for (unsigned i = 0; i < call->head.nbufs && !err; i++) {
		if (!(call->bufs[i].flags & WBUF_IN))
			continue;
		err = stub_write(stub, call->addr[i], content, call->bufs[i].len);
		content += call->bufs[i].len;
	}
	return err;
}

/* Changes of the map must leave the agent alone: a node that does not know that is not ours. */
static bool touches_agent(const struct stub *stub, uint32_t nr, const uint64_t *args)
{
#define TOUCHES(start, len) \
	((len) && agent_touched(stub->process, start, \
				(start) > UINT64_MAX - (len) ? UINT64_MAX : (start) + (len)))
	switch (nr) {
	case SYS_mmap:
		return (args[3] & (MAP_FIXED | MAP_FIXED_NOREPLACE)) ? TOUCHES(args[0], args[1])
								     : false;
	case SYS_munmap:
	case SYS_mprotect:
	case SYS_madvise:
	case SYS_pkey_mprotect:
		return TOUCHES(args[0], args[1]);
	case SYS_mremap:
		return TOUCHES(args[0], args[1]) ||
		       ((args[3] & MREMAP_FIXED) && TOUCHES(args[4], args[2]));
	}
#undef TOUCHES
	return false;
}

/* May a node ask for this one at all? */
static const char *forbidden(const struct stub *stub, const struct call *call)
{
	if (!sys_accepted(call->head.nr))
		return "a system call that nodes do not forward";
	if (touches_agent(stub, call->head.nr, call->head.args))
		return "a change of pages that are not the program's";
	return NULL;
}

int call_begin(struct stub *stub, struct call *call)
{
	const char *wrong = forbidden(stub, call);
	uint64_t args[6];
	int64_t base;
	size_t need;
	int err;

	if (wrong) {
		session_fail(stub->process->session, "it sent %s (%u, for process %d)", wrong, call->head.nr,
			     stub->process->pid);
		return -EPROTO;
	}
	base = agent_scratch(stub, 0);
	if (base < 0)
		goto no_memory;
	need = place(call, (uint64_t)base);
	base = agent_scratch(stub, need);
	if (base < 0)
		goto no_memory;
	apply_fixups(call);
	err = write_in(stub, call);
	if (!err)
		err = (int)guard_bad(stub, call, PROT_NONE);
	if (err) {
		base = err;
		goto no_memory;
	}
	memcpy(args, call->head.args, sizeof(args));
	for (unsigned i = 0; i < call->head.nbufs; i++)
		if (call->bufs[i].arg != WBUF_NO_ARG)
			args[call->bufs[i].arg] = call->addr[i];
	call->running = true;
	call->since_ns = loop_now();
	return inject_prepare(stub, call->head.nr, args) ? -ESRCH : 0;

no_memory:
	if (stub->dead)
		return -ESRCH;
	debug("%d: no room for the buffers of call %u: %s", stub->pid, call->head.nr,
	      strerror((int)-base));
	call_reply(stub, call, -ENOMEM);
	call_drop(stub, call);
	return 1;
}

/* Bytes of this buffer that go back. */
static uint32_t back_len(const struct wire_buf *buf, int64_t ret)
{
	bool failed = ret < 0 && ret >= -4095;

	if (!(buf->flags & WBUF_OUT) || (failed && !(buf->flags & WBUF_ALWAYS)))
		return 0;
	if ((buf->flags & WBUF_RET) && !failed && (uint64_t)ret < buf->len)
		return (uint32_t)ret;
	return buf->len;
}

/* Sends head and content in DATA messages and a last REPLY. */
static void send_reply(struct stub *stub, const struct call *call, const struct wire_reply *reply,
		       const uint8_t *content)
{
	uint32_t left = reply->total, in_last = WIRE_PAYLOAD_MAX - sizeof(*reply);
	struct iovec iov[2] = { { (void *)reply, sizeof(*reply) } };

	shared_look(stub->process->session);

	while (left > in_last) {
		uint32_t n = left - in_last < WIRE_PAYLOAD_MAX ? left - in_last : WIRE_PAYLOAD_MAX;

		session_send1(stub->process->session, W_DATA, 0, (uint32_t)stub->pid, call->hdr.id, content,
			      n);
		content += n;
		left -= n;
	}
	iov[1].iov_base = (void *)content;
	iov[1].iov_len = left;
	session_send(stub->process->session, W_REPLY, 0, (uint32_t)stub->pid, call->hdr.id, iov,
		     left ? 2 : 1);
}

void call_reply(struct stub *stub, const struct call *call, int64_t ret)
{
	const struct wire_reply reply = { .ret = ret };

	if (!(call->hdr.flags & WF_ONEWAY))
		send_reply(stub, call, &reply, NULL);
}

void call_end(struct stub *stub, struct call *call, int64_t ret)
{
	struct wire_reply reply = { .nlens = call->head.nbufs };
	uint8_t *content = NULL, *at;

	if (call->head.nr == SYS_sendmsg || call->head.nr == SYS_sendmmsg)
		shared_passed_on(stub->process->session);
	if (guard_bad(stub, call, PROT_READ | PROT_WRITE) == -ESRCH)
		return;
	if (call->hdr.flags & WF_ONEWAY)
		return;
	reply.ret = ret = procfs_ended(stub, call, ret);
	written_ended(stub, call, ret);
	for (unsigned i = 0; i < call->head.nbufs; i++) {
		reply.lens[i] = back_len(&call->bufs[i], ret);
		reply.total += reply.lens[i];
	}
	if (reply.total) {
		content = malloc(reply.total);
		if (!content)
			deputy_fatal("out of memory");
	}
	at = content;
	for (unsigned i = 0; i < call->head.nbufs; i++) {
		if (stub_read(stub, call->addr[i], at, reply.lens[i]))
			memset(at, 0, reply.lens[i]); /* it is being killed */
		at += reply.lens[i];
	}
	if (content)
		cputime_answer(stub, call, ret, content, reply.lens);
	send_reply(stub, call, &reply, content);
	free(content);
}
