/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The node's copy of the vDSO has each function replaced by `mov eax, NR; syscall; ret` (5, 2 and 1
 * bytes; done by home). An address inside of that means nothing in the real vDSO, so nobody may go
 * home, or have it in a signal frame, while he is there. In that of 32-bit programs it is the longer
 * ENTRY32; __kernel_vsyscall is left as it is but for its faster ways into the kernel, and means the same
 * everywhere.
 */
#include <string.h>

#include "kernel/cpu/trap.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/proc.h"
#include "kernel/proc/signal.h"

#define ENTRY_LEN  8
#define AT_SYSCALL 5
#define AT_RET	   7

static bool is_entry(uint64_t start)
{
	uint8_t code[ENTRY_LEN];

	if (copy_from_user(code, start, sizeof(code)))
		return false;
	return code[0] == 0xb8 && code[5] == 0x0f && code[6] == 0x05 && code[7] == 0xc3;
}

/* mov %ebx,%edx; mov 4(%esp),%ebx; mov 8(%esp),%ecx; mov $NR,%eax; int $0x80; mov %edx,%ebx; ret */
static const uint8_t entry32[] = { 0x89, 0xda, 0x8b, 0x5c, 0x24, 4,    0x8b, 0x4c, 0x24, 8,
				   0xb8, 0,    0,    0,	   0,	 0xcd, 0x80, 0x89, 0xd3, 0xc3 };
#define NR_AT	    11
#define AT_AFTER32  17
#define AT_RET32    19

static bool is_entry32(uint64_t start)
{
	uint8_t code[sizeof(entry32)];

	if (copy_from_user(code, start, sizeof(code)))
		return false;
	memset(code + NR_AT, 0, 4);
	return !memcmp(code, entry32, sizeof(code));
}

static void vdso_leave32(struct trapframe *tf)
{
	static const uint8_t before[] = { 2, 6, 10, 15 }; /* instructions up to the call */
	uint32_t back;

	for (unsigned i = 0; i < sizeof(before); i++) {
		if (!is_entry32(tf->rip - before[i]))
			continue;
		tf->rip -= before[i];
		tf->rbx = tf->rdx;
		restart_forget(tf);
		return;
	}
	if (is_entry32(tf->rip - AT_AFTER32)) {
		tf->rbx = tf->rdx;
		tf->rip += AT_RET32 - AT_AFTER32;
	}
	if (is_entry32(tf->rip - AT_RET32) && !get_user32(&back, tf->rsp)) {
		tf->rip = back;
		tf->rsp += 4;
	}
}

void vdso_leave(struct trapframe *tf)
{
	struct mm *mm = current->mm;
	uint64_t back;

	if (!mm->vdso_len || tf->rip - mm->vdso >= mm->vdso_len)
		return;
	if (current->proc->i386) {
		vdso_leave32(tf);
		return;
	}
	if (is_entry(tf->rip - AT_SYSCALL)) {
		tf->rip -= AT_SYSCALL;
		restart_forget(tf);
	} else if (is_entry(tf->rip - AT_RET) && !get_user64(&back, tf->rsp)) {
		tf->rip = back;
		tf->rsp += 8;
	}
}
