/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vDSO of 32-bit programs as a guest sees it on a node: see vdso.h. __kernel_vsyscall stays as it is
 * but for its faster way into the kernel (SYSENTER or SYSCALL): the int 0x80 behind it serves.
 */
#ifndef DEPUTY_VDSO32_H
#define DEPUTY_VDSO32_H

#include "userland/deputy/vdso.h"

struct process;
struct stub;

struct vdso32 {
	struct vdso vdso;
	/* Offsets; 0: not there. */
	uint32_t vsyscall, vsyscall_end;	/* __kernel_vsyscall */
	uint32_t landing;			/* behind its int 0x80 */
	uint32_t fast;				/* its faster way in: 4 bytes, the first 2 a mov */
	uint32_t sigreturn, rt_sigreturn;
};

/*
 * Patches an image of `size` bytes in place and fills in *out but for its struct vdso. Returns how many
 * functions were patched, or -EINVAL. Trusts nothing in the image.
 */
int vdso32_patch(uint8_t *image, size_t size, struct vdso32 *out);

/*
 * This kernel's, read out of a 32-bit stub at the first call; kept for good. NULL if there is none or it
 * cannot be patched.
 */
const struct vdso32 *vdso32_get(struct stub *stub);

/* The one that this process has, patched, or NULL. */
const struct vdso *vdso_of(struct process *process);

#endif
