/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image's thread: registers, extended state, rseq, pending signals. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <elf.h>
#include <unistd.h>

#include "userland/deputy/agent.h"
#include "userland/deputy/i386.h"
#include "userland/deputy/image.h"
#include "userland/deputy/image_batch.h"
#include "userland/deputy/image_int.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/stub.h"
#include "userland/deputy/xstate.h"

/* ptrace(2): PTRACE_GET_RSEQ_CONFIGURATION, Linux 5.13; not in every libc's header. */
#define GET_RSEQ_CONFIGURATION 0x420f
#define ROBUST_LEN 24 /* sizeof(struct robust_list_head): the only one that Linux takes */

struct rseq_configuration {
	uint64_t pointer;
	uint32_t size, signature, flags, pad;
};

static bool rseq_get(struct stub *stub, struct rseq_configuration *conf)
{
	memset(conf, 0, sizeof(*conf));
	return ptrace(GET_RSEQ_CONFIGURATION, stub->pid, sizeof(*conf), conf) >= 0 && conf->pointer;
}

void image_settle(struct stub *stub)
{
	struct rseq_configuration conf;
	struct {
		uint32_t version, flags;
		uint64_t start, length, abort;
	} cs;
	uint64_t at;
	const uint64_t none = 0;

	/* struct rseq: cpu_id_start, cpu_id, rseq_cs: linux/rseq.h */
	if (!rseq_get(stub, &conf) || stub_read(stub, conf.pointer + 8, &at, sizeof(at)) || !at)
		return;
	if (stub_read(stub, at, &cs, sizeof(cs)))
		return;
	if (stub->regs.rip - cs.start < cs.length) {
		stub->regs.rip = cs.abort;
		stub->regs.orig_rax = (uint64_t)-1;
		stub_write(stub, conf.pointer + 8, &none, sizeof(none));
	}
}

/*
 * A registered area would be written by Linux whenever the stub is scheduled, and the stub killed
 * when the node unmaps it; and when the thread ends, what its robust list and its tid address point
 * to here is not the program's memory. home.c registers what the program then has.
 */
void image_thread_leave(struct stub *stub)
{
	struct rseq_configuration conf;

	if (rseq_get(stub, &conf))
		inject_call(stub, SYS_rseq, conf.pointer, conf.size, 1 /* UNREGISTER */,
			    conf.signature);
	if (stub->process->i386)
		i386_leave(stub);
	inject_call(stub, SYS_set_robust_list, 0, ROBUST_LEN);
	inject_call(stub, SYS_set_tid_address, 0);
}

/* What only the thread itself can be asked for. */
static int ask_thread(struct stub *stub, struct wire_thread *t)
{
	struct {
		uint64_t sp, flags, size;
		uint64_t tid_address;
	} answer = { 0 };
	int64_t at = agent_scratch(stub, 2 * BATCH_DATA);
	struct batch_call calls[2];
	int err;

	if (at < 0)
		return (int)at;
	at += BATCH_DATA;
	calls[0] = BATCH(SYS_sigaltstack, 0, (uint64_t)at);
	/* Fails where Linux was built without CONFIG_CHECKPOINT_RESTORE: then it is 0. */
	calls[1] = BATCH(SYS_prctl, 40 /* PR_GET_TID_ADDRESS */, (uint64_t)at + 24);
	err = stub_write(stub, (uint64_t)at, &answer, sizeof(answer));
	if (!err)
		err = stub_batch(stub, calls, 2);
	if (!err)
		err = stub_read(stub, (uint64_t)at, &answer, sizeof(answer));
	t->altstack_sp = answer.sp;
	t->altstack_size = answer.size;
	/* SS_ONSTACK is told by the stack pointer; SS_DISABLE and SS_AUTODISARM are settings. */
	t->altstack_flags = (uint32_t)answer.flags & ~1u;
	t->clear_tid = answer.tid_address;
	return err;
}

int collect_signals(struct stub *stub, bool of_process, struct collected_signals *signals)
{
	uint64_t stays = of_process ? process_held(stub->process) : stub->held_mask;
	struct __ptrace_peeksiginfo_args args = {
		.flags = of_process ? PTRACE_PEEKSIGINFO_SHARED : 0, .nr = 32,
	};
	siginfo_t infos[32];
	long n;

	while ((n = ptrace(PTRACE_PEEKSIGINFO, stub->pid, &args, infos)) > 0) {
		struct wire_signal *v =
			realloc(signals->v, (signals->n + (unsigned)n) * sizeof(*v));

		if (!v)
			return -ENOMEM;
		signals->v = v;
		for (long i = 0; i < n; i++) {
			if (stays >> (infos[i].si_signo - 1) & 1)
				continue;
			v[signals->n] = (struct wire_signal){
				.signo = (uint32_t)infos[i].si_signo, .to_process = of_process,
			};
			memcpy(v[signals->n++].info, &infos[i], sizeof(v->info));
		}
		args.off += (uint64_t)n;
	}
	return 0;
}

static struct collected_thread *add_thread(struct collected *c)
{
	struct collected_thread *t = calloc(1, sizeof(*t)), **v = NULL;

	if (t)
		v = realloc(c->threads, (c->nthreads + 1) * sizeof(*v));
	if (!v) {
		free(t);
		return NULL;
	}
	c->threads = v;
	v[c->nthreads++] = t;
	return t;
}

int collect_thread(struct stub *stub, uint64_t node_xcr0, struct collected *c, struct wire_text *why)
{
	struct collected_thread *thread = add_thread(c);
	struct rseq_configuration conf;
	uint8_t area[16384];
	struct iovec iov = { area, sizeof(area) };
	struct wire_thread *t;
	void *robust = NULL;
	size_t robust_len = 0;
	int n = -ENOMEM;

	_Static_assert(sizeof(t->regs) == sizeof(stub->regs), "struct user_regs_struct");
	if (!thread)
		goto failed;
	t = &thread->head;
	t->tid = (uint32_t)stub->pid;
	memcpy(&t->regs, &stub->regs, sizeof(t->regs));
	t->sigmask = stub->sigmask;
	stub->held_mask = stub->sigmask & stub->process->sfd_mask & SIGMASK_FROZEN;
	n = ask_thread(stub, t);
	if (n)
		goto failed;
	if (rseq_get(stub, &conf)) {
		t->rseq_addr = conf.pointer;
		t->rseq_size = conf.size;
		t->rseq_sig = conf.signature;
	}
	if (!syscall(SYS_get_robust_list, stub->pid, &robust, &robust_len)) {
		t->robust_list = (uint64_t)robust;
		t->robust_len = robust_len;
	}
	if (stub->process->i386)
		i386_collect(stub, t);
	if (ptrace(PTRACE_GETREGSET, stub->pid, NT_X86_XSTATE, &iov)) {
		wire_text_set(why, WHY_STATE, "its extended registers could not be read: %s",
			      strerror(errno));
		return -errno;
	}
	n = xstate_to_wire(xlayout_home(), area, iov.iov_len, node_xcr0, thread->xstate, why);
	if (n < 0) {
		if (why->code == WHY_NONE)
			wire_text_set(why, WHY_STATE, "its extended registers could not be read");
		return n;
	}
	t->xstate_len = (uint32_t)n;
	return collect_signals(stub, false, &thread->signals);
failed:
	wire_text_set(why, WHY_STATE, "the state of a thread could not be read: %s", strerror(-n));
	return n;
}
