/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The node's copy of the vDSO has each function replaced by `mov eax, NR; syscall; ret` (5, 2 and 1
 * bytes; done by home). An address inside of that means nothing in the real vDSO, so nobody may go
 * home, or have it in a signal frame, while he is there.
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

void vdso_leave(struct trapframe *tf)
{
	struct mm *mm = current->mm;
	uint64_t back;

	if (!mm->vdso_len || tf->rip - mm->vdso >= mm->vdso_len)
		return;
	if (is_entry(tf->rip - AT_SYSCALL)) {
		tf->rip -= AT_SYSCALL;
		restart_forget(tf);
	} else if (is_entry(tf->rip - AT_RET) && !get_user64(&back, tf->rsp)) {
		tf->rip = back;
		tf->rsp += 8;
	}
}
