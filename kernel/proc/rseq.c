/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Restartable sequences (rseq(2), registered by every glibc thread): the number of the CPU in user
 * memory, and critical sections that a signal or a move aborts.
 */
#include "kernel/cpu/percpu.h"
#include "kernel/cpu/trap.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/proc.h"
#include "kernel/proc/signal.h"

/* struct rseq and struct rseq_cs of <linux/rseq.h>, as far as the kernel looks at them. */
#define RSEQ_CPU_ID_START 0
#define RSEQ_CPU_ID	  4
#define RSEQ_CS		  8

struct rseq_section {
	uint32_t version;
	uint32_t flags;
	uint64_t start_ip;
	uint64_t post_commit_offset;
	uint64_t abort_ip;
};

void rseq_signal(struct trapframe *tf)
{
	struct uthread *u = current_user;
	struct rseq_section cs;
	uint64_t at;
	uint32_t sig;

	if (!u->rseq_addr || get_user64(&at, u->rseq_addr + RSEQ_CS) || !at)
		return;
	if (copy_from_user(&cs, at, sizeof(cs)))
		goto broken;
	if (tf->rip - cs.start_ip >= cs.post_commit_offset) {
		/* Left behind by a section that has ended. */
		put_user64(u->rseq_addr + RSEQ_CS, 0);
		return;
	}
	if (cs.version || get_user32(&sig, cs.abort_ip - 4) || sig != u->rseq_sig ||
	    put_user64(u->rseq_addr + RSEQ_CS, 0))
		goto broken;
	tf->rip = cs.abort_ip;
	restart_forget(tf);
	return;
broken:
	signal_force(LSIG_SEGV, LSI_KERNEL, 0, false);
}

void rseq_update(struct trapframe *tf)
{
	struct uthread *u = current_user;
	int cpu = cpu_id();

	if (!u->rseq_addr || u->rseq_cpu == cpu)
		return;
	rseq_signal(tf);
	if (put_user32(u->rseq_addr + RSEQ_CPU_ID_START, cpu) ||
	    put_user32(u->rseq_addr + RSEQ_CPU_ID, cpu)) {
		signal_force(LSIG_SEGV, LSI_KERNEL, 0, false);
		return;
	}
	u->rseq_cpu = cpu;
}
