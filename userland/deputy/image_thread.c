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

#include "userland/deputy/image.h"
#include "userland/deputy/image_int.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/stub.h"
#include "userland/deputy/xstate.h"

/* ptrace(2): PTRACE_GET_RSEQ_CONFIGURATION, Linux 5.13; not in every libc's header. */
#define GET_RSEQ_CONFIGURATION 0x420f

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
 * when the node unmaps it. home.c registers the one that the program then has.
 */
void image_thread_leave(struct stub *stub)
{
	struct rseq_configuration conf;

	if (rseq_get(stub, &conf))
		inject_call(stub, SYS_rseq, conf.pointer, conf.size, 1 /* UNREGISTER */,
			    conf.signature);
}

static int pending_signals(struct stub *stub, struct collected *c)
{
	siginfo_t infos[32];

	for (unsigned shared = 0; shared < 2; shared++) {
		struct __ptrace_peeksiginfo_args args = {
			.flags = shared ? PTRACE_PEEKSIGINFO_SHARED : 0, .nr = 32,
		};
		long n;

		while ((n = ptrace(PTRACE_PEEKSIGINFO, stub->pid, &args, infos)) > 0) {
			struct wire_signal *v =
				realloc(c->signals, (c->nsignals + (unsigned)n) * sizeof(*v));

			if (!v)
				return -ENOMEM;
			c->signals = v;
			for (long i = 0; i < n; i++) {
				v[c->nsignals] = (struct wire_signal){
					.signo = (uint32_t)infos[i].si_signo, .to_process = shared,
				};
				memcpy(v[c->nsignals++].info, &infos[i], sizeof(v->info));
			}
			args.off += (uint64_t)n;
		}
	}
	return 0;
}

int collect_thread(struct stub *stub, uint64_t node_xcr0, struct collected *c, struct wire_text *why)
{
	struct wire_thread *t = &c->thread;
	struct rseq_configuration conf;
	uint8_t area[16384];
	struct iovec iov = { area, sizeof(area) };
	void *robust = NULL;
	size_t robust_len = 0;
	int n;

	_Static_assert(sizeof(t->regs) == sizeof(stub->regs), "struct user_regs_struct");
	memcpy(&t->regs, &stub->regs, sizeof(t->regs));
	t->sigmask = stub->sigmask;
	if (rseq_get(stub, &conf)) {
		t->rseq_addr = conf.pointer;
		t->rseq_size = conf.size;
		t->rseq_sig = conf.signature;
	}
	if (!syscall(SYS_get_robust_list, stub->pid, &robust, &robust_len)) {
		t->robust_list = (uint64_t)robust;
		t->robust_len = robust_len;
	}
	if (ptrace(PTRACE_GETREGSET, stub->pid, NT_X86_XSTATE, &iov)) {
		wire_text_set(why, WHY_STATE, "its extended registers could not be read: %s",
			      strerror(errno));
		return -errno;
	}
	n = xstate_to_wire(xlayout_home(), area, iov.iov_len, node_xcr0, c->xstate, why);
	if (n < 0) {
		if (why->code == WHY_NONE)
			wire_text_set(why, WHY_STATE, "its extended registers could not be read");
		return n;
	}
	t->xstate_len = (uint32_t)n;
	return pending_signals(stub, c);
}
