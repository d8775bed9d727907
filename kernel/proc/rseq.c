/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Restartable sequences (rseq(2), registered by every glibc thread): the number of the CPU in user
 * memory, and critical sections that a signal, a move or a loss of the CPU aborts. The scheduler says
 * so by PROC_WORK_RSEQ at each switch.
 */
#include <errno.h>

#include "kernel/cpu/trap.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/proc.h"
#include "kernel/proc/signal.h"
#include "kernel/proc/vcpu.h"

/* struct rseq and struct rseq_cs of <linux/rseq.h>, as far as the kernel looks at them. */
#define RSEQ_CPU_ID_START 0
#define RSEQ_CPU_ID	  4
#define RSEQ_CS		  8
#define RSEQ_NODE_ID	  20
#define RSEQ_MM_CID	  24

#define RSEQ_CPU_UNINITIALIZED UINT32_MAX

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
	if (cs.version || cs.flags || cs.abort_ip - cs.start_ip < cs.post_commit_offset ||
	    cs.abort_ip >= USER_END || cs.start_ip + cs.post_commit_offset < cs.start_ip ||
	    get_user32(&sig, cs.abort_ip - 4) || sig != u->rseq_sig ||
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
	int cpu = vcpu_number(), cid = vcpu_index();

	if (!u->rseq_addr)
		return;
	rseq_signal(tf);
	if (u->rseq_cpu == cpu && u->rseq_cid == cid)
		return;
	if (put_user32(u->rseq_addr + RSEQ_CPU_ID_START, cpu) ||
	    put_user32(u->rseq_addr + RSEQ_CPU_ID, cpu) ||
	    put_user32(u->rseq_addr + RSEQ_NODE_ID, 0) ||
	    put_user32(u->rseq_addr + RSEQ_MM_CID, cid)) {
		signal_force(LSIG_SEGV, LSI_KERNEL, 0, false);
		return;
	}
	u->rseq_cpu = cpu;
	u->rseq_cid = cid;
}

int rseq_reset(uint64_t addr)
{
	if (put_user32(addr + RSEQ_CPU_ID_START, 0) ||
	    put_user32(addr + RSEQ_CPU_ID, RSEQ_CPU_UNINITIALIZED) ||
	    put_user32(addr + RSEQ_NODE_ID, 0) || put_user32(addr + RSEQ_MM_CID, 0))
		return -EFAULT;
	return 0;
}
