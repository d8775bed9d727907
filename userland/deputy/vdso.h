/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vDSO as a guest sees it on a node. The kernel's own reads the vvar pages and the TSC of this
 * machine, which mean nothing elsewhere; so the node gets a copy whose functions make the system
 * call instead. Addresses, sizes and symbols are unchanged: a program that has looked a function up
 * before the move finds it at the same place after it.
 */
#ifndef DEPUTY_VDSO_H
#define DEPUTY_VDSO_H

#include <stddef.h>
#include <stdint.h>

#include "proto/wire.h"

struct vdso {
	uint8_t *image;		/* patched, size bytes */
	size_t size;		/* whole pages */
	struct wire_file file;	/* identity: dev 0, ino 1, ctime_ns a hash of the content */
};

/*
 * Patches an image of `size` bytes in place: every function that has a system call behind it.
 * Returns how many were patched, or -EINVAL if it is no ELF shared object we understand (then it
 * may be half patched). Trusts nothing in the image.
 */
int vdso_patch(uint8_t *image, size_t size);

/*
 * This kernel's vDSO, patched; made at the first call, kept for good. Every 64-bit process of one
 * kernel has the same one. NULL if there is none or it cannot be patched.
 */
const struct vdso *vdso_get(void);

/* What names such a copy in the node's cache of files. number: 1, or 2 for that of 32-bit programs. */
struct wire_file vdso_identity(uint64_t number, const uint8_t *image, size_t size);

#endif
