/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A starting program's questions about the CPU, answered by us; its save areas made large enough. */
#include <cpuid.h>
#include <errno.h>
#include <linux/audit.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/cpufeatures.h"
#include "userland/deputy/baseline.h"
#include "userland/deputy/baseline_int.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/stub.h"
#include "userland/deputy/trace.h"
#include "userland/deputy/xstate.h"

#define INT3 0xcc
#define GET_SYSCALL_INFO 0x420e	/* ptrace(2), Linux 5.3 */

static const uint8_t cpuid_code[] = { 0x0f, 0xa2 };
static const uint8_t tramp_start[] = { 0x48, 0x2b, 0x25 };

/*
 * What was found in an ld.so is remembered by its inode: which another file may have today, if the
 * first was deleted.
 */
static bool is_there(struct stub *stub, uint64_t addr, const uint8_t *code, size_t len)
{
	uint8_t now[8];

	return !stub_read(stub, addr, now, len) && !memcmp(now, code, len);
}

/* --- save areas --- */

void baseline_fresh(struct stub *stub)
{
	uint32_t size = xstate_trampoline_size(xlayout_home());
	uint8_t code[TRAMP_LEN] = { 0x48, 0x81, 0xec };	/* sub $size,%rsp */
	struct ldso ldso;

	if (ldso_find(stub, &ldso))
		return;
	memcpy(code + 3, &size, sizeof(size));
	for (unsigned i = 0; i < ldso.ntramp; i++)
		if (is_there(stub, ldso.tramp[i], tramp_start, sizeof(tramp_start)))
			stub_write(stub, ldso.tramp[i], code, sizeof(code));
}

/* --- cpuid --- */

static void mask(uint32_t *reg, unsigned word, const uint32_t *want)
{
	*reg &= want[word] | ~cpu_user_bits[word];
}

/*
 * CPUID as this machine answers, less what is not wanted. Leaf 0xd keeps its sizes: ld.so's save area
 * is to hold all that home has. Leaves of features that no word of the wire names say nothing.
 */
static void answer(const uint32_t *want, uint32_t leaf, uint32_t sub, uint32_t r[4])
{
	enum { EAX, EBX, ECX, EDX };

	__cpuid_count(leaf, sub, r[EAX], r[EBX], r[ECX], r[EDX]);
	if (leaf == 1) {
		mask(&r[ECX], CPU_1_ECX, want);
		mask(&r[EDX], CPU_1_EDX, want);
	} else if (leaf == 7 && !sub) {
		r[EAX] = 0;	/* no further subleaves: AVX-VNNI, AVX512-BF16, ... */
		mask(&r[EBX], CPU_7_EBX, want);
		mask(&r[ECX], CPU_7_ECX, want);
		mask(&r[EDX], CPU_7_EDX, want);
	} else if ((leaf == 7 && sub) || leaf == 0x14 || leaf == 0x19 || leaf == 0x24) {
		memset(r, 0, 4 * sizeof(r[0]));
	} else if (leaf == 0xd && sub == 1) {
		mask(&r[EAX], CPU_D1_EAX, want);
	} else if (leaf == 0x80000001) {
		mask(&r[ECX], CPU_EXT_ECX, want);
		mask(&r[EDX], CPU_EXT_EDX, want);
	}
}

/* Is the stub at one of the breakpoints? Then the instruction is executed for it. */
static bool emulate(struct stub *stub, const struct ldso *ldso, const uint32_t *want)
{
	struct user_regs_struct regs;
	uint32_t r[4];

	if (stub_get_regs(stub, &regs))
		return false;
	for (unsigned i = 0; i < ldso->ncpuid; i++) {
		if (regs.rip != ldso->cpuid[i] + 1)
			continue;
		answer(want, (uint32_t)regs.rax, (uint32_t)regs.rcx, r);
		regs.rax = r[0];
		regs.rbx = r[1];
		regs.rcx = r[2];
		regs.rdx = r[3];
		regs.rip = ldso->cpuid[i] + CPUID_LEN;
		return !stub_set_regs(stub, &regs);
	}
	return false;
}

/* From the first to the last of the instructions, as it was and with breakpoints. */
struct planted {
	uint64_t addr;
	size_t len;
	uint8_t *before;
};

static int plant(struct stub *stub, const struct ldso *ldso, struct planted *p)
{
	uint8_t *with;
	int err = -ENOMEM;

	p->addr = ldso->cpuid[0];
	p->len = ldso->cpuid[ldso->ncpuid - 1] + CPUID_LEN - p->addr;
	p->before = malloc(2 * p->len);
	if (!p->before)
		return err;
	with = p->before + p->len;
	err = stub_read(stub, p->addr, p->before, p->len);
	memcpy(with, p->before, p->len);
	for (unsigned i = 0; !err && i < ldso->ncpuid; i++) {
		uint64_t at = ldso->cpuid[i] - p->addr;

		if (memcmp(with + at, cpuid_code, sizeof(cpuid_code)))
			err = -ESTALE;
		with[at] = INT3;
	}
	if (!err)
		err = stub_write(stub, p->addr, with, p->len);
	if (err)
		free(p->before);
	return err;
}

/* ld.so has asked about the CPU before it makes any other call than these. */
static bool still_early(struct stub *stub)
{
	struct {
		uint8_t op, pad[3];
		uint32_t arch;
		uint64_t rip, rsp, nr, args[6];
	} info = { 0 };

	if (ptrace(GET_SYSCALL_INFO, stub->pid, sizeof(info), &info) <= 0)
		return false;
	if (info.arch == AUDIT_ARCH_I386)
		return info.op != 1 || info.nr == 45 || info.nr == 384; /* the same */
	return info.op != 1 || info.nr == SYS_brk || info.nr == SYS_arch_prctl;
}

/* Lets it run to the end of that part. Returns how often it asked, or -ESRCH. */
static int run(struct stub *stub, const struct ldso *ldso, const uint32_t *want, bool *stopped)
{
	int status, asked = 0;

	for (;;) {
		if (stub_resume(stub, PTRACE_SYSCALL, 0))
			return -ESRCH;
		while (waitpid(stub->pid, &status, __WALL) < 0)
			if (errno != EINTR) {
				status = SIGKILL;
				break;
			}
		if (!WIFSTOPPED(status)) {
			trace_died(stub, status);
			return -ESRCH;
		}
		stub->stopped = true;
		if (status >> 16)
			continue;	/* an INTERRUPT sent before */
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			if (!still_early(stub))
				return asked;
		} else if (WSTOPSIG(status) == SIGTRAP && emulate(stub, ldso, want)) {
			asked++;
		} else {
			/* SIGSTOP, which cannot be blocked; or a fault, which will repeat itself. */
			if (WSTOPSIG(status) != SIGSTOP)
				return asked;
			*stopped = true;
		}
	}
}

int baseline_exec(struct stub *stub, const uint32_t want[WIRE_CPU_WORDS])
{
	uint32_t shown[WIRE_CPU_WORDS];
	struct planted planted;
	struct ldso ldso;
	uint64_t sigmask;
	bool stopped = false;
	int asked;

	memset(stub->process->cpu, 0, sizeof(stub->process->cpu));
	for (unsigned i = 0; i < WIRE_CPU_WORDS; i++)
		shown[i] = want[i] & baseline_home()[i];
	if (ldso_find(stub, &ldso) || !ldso.ncpuid || stub_get_sigmask(stub, &sigmask) ||
	    plant(stub, &ldso, &planted))
		return stub->dead ? -ESRCH : 0;
	/* Signals wait until it is over: the program has no handlers yet. */
	stub_set_sigmask(stub, SIGMASK_FROZEN);
	asked = run(stub, &ldso, shown, &stopped);
	if (asked >= 0) {
		stub_write(stub, planted.addr, planted.before, planted.len);
		stub_set_sigmask(stub, sigmask);
		if (stopped)
			syscall(SYS_tgkill, stub->process->pid, stub->pid, SIGSTOP);
	}
	free(planted.before);
	if (asked > 0)
		memcpy(stub->process->cpu, shown, sizeof(stub->process->cpu));
	return asked < 0 ? -ESRCH : 0;
}
