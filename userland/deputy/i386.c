/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is special about 32-bit programs: see i386.h. */
#include "userland/deputy/i386.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/syscalls.h"
#include "userland/deputy/agent.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/stub.h"
#include "userland/deputy/vdso32.h"

#define TLS_FIRST 12 /* of three entries of the GDT */
#define ROBUST_LEN 12

enum { NR32_SET_ROBUST_LIST = 311, NR32_GET_ROBUST_LIST = 312, NR32_MMAP2 = 192, NR32_MUNMAP = 91 };

/* What executed it decides how its memory is laid out, and so which calls its vDSO makes. */
static bool program_is_32(struct stub *stub, const struct vdso_range *vdso)
{
	unsigned char ident[EI_NIDENT] = { 0 };
	char path[40];
	int fd;

	if (vdso->end && !stub_read(stub, vdso->start, ident, sizeof(ident)))
		return ident[EI_CLASS] == ELFCLASS32;
	snprintf(path, sizeof(path), "/proc/%d/exe", stub->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, ident, sizeof(ident)) != sizeof(ident))
		ident[EI_CLASS] = 0;
	close(fd);
	return ident[EI_CLASS] == ELFCLASS32;
}

void i386_recognise_program(struct stub *stub, const struct vdso_range *vdso)
{
	stub->process->i386 = program_is_32(stub, vdso);
}

int i386_recognise(struct stub *stub)
{
	if (stub->regs.cs != (stub->process->i386 ? CS_32 : CS_64))
		return -ENOEXEC;
	if (stub->process->i386) {
		stub->regs.rax = (uint64_t)(int64_t)(int32_t)stub->regs.rax;
		stub->regs.orig_rax = (uint64_t)(int64_t)(int32_t)stub->regs.orig_rax;
	}
	return 0;
}

bool i386_may_leave_vdso(struct stub *stub, uint64_t vdso)
{
	const struct vdso32 *v = stub->process->i386 ? vdso32_get(stub) : NULL;
	uint64_t at = stub->regs.rip - vdso;
	uint32_t ebp;

	if (!v)
		return false;
	if (v->fast && at == v->fast + 2 && !stub_read(stub, stub->regs.rsp, &ebp, sizeof(ebp))) {
		/* The mov is done, and nothing else: by int 0x80 then, with ebp as it was. */
		stub->regs.rbp = ebp;
		stub->regs.rip = vdso + v->landing - 2;
		return true;
	}
	/* The trampolines are some bytes long, and padded. */
	return (at >= v->vsyscall && at < v->vsyscall_end) ||
	       (v->sigreturn && at - v->sigreturn < 16) ||
	       (v->rt_sigreturn && at - v->rt_sigreturn < 16);
}

/* glibc loads the number just before it calls __kernel_vsyscall, whose frame lies on the stack. */
uint64_t i386_restarted_call(struct stub *stub)
{
	static const uint8_t by_gs[] = { 0x65, 0xff, 0x15 }; /* call *%gs:16 */
	static const uint32_t with_timeout[] = { 162, 168, 240, 267, 407, 422 };
	uint8_t code[12];
	uint32_t back, nr;

	if (stub_read(stub, stub->regs.rsp + 12, &back, sizeof(back)) ||
	    stub_read(stub, back - sizeof(code), code, sizeof(code)) || code[0] != 0xb8 ||
	    memcmp(code + 5, by_gs, sizeof(by_gs)))
		return UINT64_MAX;
	memcpy(&nr, code + 1, sizeof(nr));
	for (unsigned i = 0; i < sizeof(with_timeout) / sizeof(with_timeout[0]); i++)
		if (nr == with_timeout[i])
			return nr;
	return UINT64_MAX;
}

void i386_call_regs(struct user_regs_struct *regs, long nr, const uint64_t args[6])
{
	regs->rax = (uint64_t)nr & ~(uint64_t)SYS_I386;
	regs->rbx = args[0];
	regs->rcx = args[1];
	regs->rdx = args[2];
	regs->rsi = args[3];
	regs->rdi = args[4];
	regs->rbp = args[5];
}

long i386_mmap_call(long nr, uint64_t args[6])
{
	if (nr == SYS_munmap)
		return NR32_MUNMAP | SYS_I386;
	args[5] /= WIRE_PAGE_SIZE;
	return NR32_MMAP2 | SYS_I386;
}

void i386_image(struct stub *stub, struct wire_image *image)
{
	const struct vdso32 *v = vdso32_get(stub);
	uint32_t base = (uint32_t)image->vdso;

	image->flags |= IMG_I386;
	if (!v || !base)
		return;
	image->vdso_landing = base + v->landing;
	image->vdso_sigreturn = v->sigreturn ? base + v->sigreturn : 0;
	image->vdso_rt_sigreturn = v->rt_sigreturn ? base + v->rt_sigreturn : 0;
}

void i386_collect(struct stub *stub, struct wire_thread *t)
{
	int64_t at = agent_scratch(stub, 4096);
	uint32_t robust[2] = { 0, 0 };

	for (uint32_t i = 0; i < 3; i++) {
		t->tls[i] = (struct wire_tls){ .entry = TLS_FIRST + i };
		/* Fails only where there is no such thing; all zeros is none. */
		if (ptrace(PTRACE_GET_THREAD_AREA, stub->pid, TLS_FIRST + i, &t->tls[i]))
			t->tls[i] = (struct wire_tls){ .entry = TLS_FIRST + i };
	}
	if (at < 0 || inject_call(stub, NR32_GET_ROBUST_LIST | SYS_I386, 0, at, at + 4) ||
	    stub_read(stub, (uint64_t)at, robust, sizeof(robust)))
		return;
	t->robust_list = robust[0];
	t->robust_len = robust[1];
}

const uint8_t *i386_low_copy(const uint8_t *data, size_t len)
{
	static uint8_t *low;

	if (!low) {
		low = mmap(NULL, I386_LOW_MAX, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
		if (low == MAP_FAILED)
			deputy_fatal("no memory below 4 GB");
	}
	memcpy(low, data, len < I386_LOW_MAX ? len : I386_LOW_MAX);
	return low;
}

void i386_leave(struct stub *stub)
{
	inject_call(stub, NR32_SET_ROBUST_LIST | SYS_I386, 0, ROBUST_LEN);
}

void i386_return(struct stub *stub, const struct wire_thread *t, struct user_regs_struct *regs)
{
	inject_call(stub, NR32_SET_ROBUST_LIST | SYS_I386, t->robust_list, ROBUST_LEN);
	/* Linux itself looks whether they are a user's. */
	regs->cs = t->regs.cs;
	regs->ds = t->regs.ds;
	regs->es = t->regs.es;
	regs->fs = t->regs.fs;
	regs->gs = t->regs.gs;
}
