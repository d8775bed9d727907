/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that only i386 programs make, or that take their arguments in another way there. What can be
 * said by another call of the table is said by that one.
 */
#include <errno.h>

#include "kernel/abi/abi.h"
#include "kernel/abi/compat.h"
#include "kernel/cpu/tables.h"
#include "kernel/guest/guest.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"

/* Reads an argument block of n words. */
static int get_words(uint64_t *v, unsigned n, uint64_t addr)
{
	uint32_t half[6];

	if (copy_from_user(half, addr, n * sizeof(half[0])))
		return -EFAULT;
	for (unsigned i = 0; i < n; i++)
		v[i] = half[i];
	return 0;
}

/* --- files and memory ------------------------------------------------------------------------- */

long sys32_mmap(struct trapframe *tf, const uint64_t args[6])
{
	uint64_t a[6];

	return get_words(a, 6, args[0]) ? -EFAULT : sys_mmap(tf, a);
}

/* The offset is in units of 4096 bytes. */
long sys32_mmap2(struct trapframe *tf, const uint64_t args[6])
{
	const uint64_t a[6] = { args[0], args[1], args[2], args[3], args[4], args[5] << 12 };

	return sys_mmap(tf, a);
}

long sys32_ftruncate(struct trapframe *tf, const uint64_t args[6])
{
	const uint64_t a[6] = { args[0], (uint64_t)(int32_t)args[1] };

	return sys_ftruncate(tf, a);
}

long sys32_ftruncate64(struct trapframe *tf, const uint64_t args[6])
{
	const uint64_t a[6] = { args[0], args[1] | args[2] << 32 };

	return sys_ftruncate(tf, a);
}

long sys32_select(struct trapframe *tf, const uint64_t args[6])
{
	uint64_t a[6] = { 0 };

	(void)tf;
	return get_words(a, 5, args[0]) ? -EFAULT : forward(142 | SYS_I386, a);
}

/* --- sockets ---------------------------------------------------------------------------------- */

/* socketcall(2): by its first argument. Those with messages go home as the direct calls do. */
static const struct {
	uint16_t nr;	/* of the direct call */
	uint8_t nargs;
	sys_fn *fn;	/* that looks at its options first; NULL: forwarded */
} socket_calls[] = {
	[1] = { 359, 3, NULL },  /* socket */
	[2] = { 361, 3, NULL },  /* bind */
	[3] = { 362, 3, NULL },  /* connect */
	[4] = { 363, 2, NULL },  /* listen */
	[5] = { 364, 3, NULL },  /* accept: accept4 without flags */
	[6] = { 367, 3, NULL },  /* getsockname */
	[7] = { 368, 3, NULL },  /* getpeername */
	[8] = { 360, 4, NULL },  /* socketpair */
	[9] = { 369, 4, sys_sendto },  /* send: sendto without an address */
	[10] = { 371, 4, sys_recvfrom }, /* recv: recvfrom without an address */
	[11] = { 369, 6, sys_sendto }, /* sendto */
	[12] = { 371, 6, sys_recvfrom }, /* recvfrom */
	[13] = { 373, 2, NULL }, /* shutdown */
	[14] = { 366, 5, sys_setsockopt }, /* setsockopt */
	[15] = { 365, 5, sys_getsockopt }, /* getsockopt */
	[18] = { 364, 4, NULL }, /* accept4 */
};

/* It goes home by its own number; what may be repeated is the call as it was made. */
static long as_direct(struct trapframe *tf, unsigned call, const uint64_t a[6])
{
	uint64_t made = tf->error;
	long ret;

	tf->error = socket_calls[call].nr | SYS_I386;
	ret = socket_calls[call].fn(tf, a);
	tf->error = made;
	return ret;
}

long sys32_socketcall(struct trapframe *tf, const uint64_t args[6])
{
	uint64_t a[6] = { 0 }, call = args[0];

	if (call >= sizeof(socket_calls) / sizeof(socket_calls[0]) || !socket_calls[call].nr)
		return not_served(102 | SYS_I386, "of another kind");
	if (get_words(a, socket_calls[call].nargs, args[1]))
		return -EFAULT;
	return socket_calls[call].fn ? as_direct(tf, call, a) :
				       forward(socket_calls[call].nr | SYS_I386, a);
}

/* --- thread-local storage --------------------------------------------------------------------- */

#define NR32_SET_THREAD_AREA 243

static int get_tls(struct wire_tls *tls, uint64_t from)
{
	return copy_from_user(tls, from, sizeof(*tls)) ? -EFAULT : 0;
}

static bool is_tls_entry(uint32_t entry)
{
	return entry >= GDT_TLS && entry < GDT_TLS + TLS_ENTRIES;
}

/* Home has it too, for the day the thread returns. */
static void replay(const struct wire_tls *tls)
{
	struct fcall call = {
		.nr = NR32_SET_THREAD_AREA | SYS_I386,
		.nbufs = 1,
		.buf[0] = { (uint64_t)tls, sizeof(*tls), 0, WBUF_IN, true },
	};

	guest_call_oneway(&call);
}

long sys32_set_thread_area(struct trapframe *tf, const uint64_t args[6])
{
	struct wire_tls tls;
	uint64_t desc;
	unsigned i = 0;

	(void)tf;
	if (get_tls(&tls, args[0]))
		return -EFAULT;
	if (!tls_descriptor(&tls, &desc))
		return -EINVAL;
	if (tls.entry == UINT32_MAX) {
		while (i < TLS_ENTRIES && current->tls[i])
			i++;
		if (i == TLS_ENTRIES)
			return -ESRCH;
		tls.entry = GDT_TLS + i;
		if (put_user32(args[0], tls.entry))
			return -EFAULT;
	}
	if (!is_tls_entry(tls.entry))
		return -EINVAL;
	tls_set(tls.entry - GDT_TLS, desc);
	replay(&tls);
	return 0;
}

long sys32_get_thread_area(struct trapframe *tf, const uint64_t args[6])
{
	struct wire_tls tls;

	(void)tf;
	if (get_user32(&tls.entry, args[0]))
		return -EFAULT;
	if (!is_tls_entry(tls.entry))
		return -EINVAL;
	tls_describe(current->tls[tls.entry - GDT_TLS], &tls);
	return copy_to_user(args[0], &tls, sizeof(tls)) ? -EFAULT : 0;
}

/* --- clone ------------------------------------------------------------------------------------ */

long compat_check_tls(uint64_t user_desc)
{
	struct wire_tls tls;
	uint64_t desc;

	if (get_tls(&tls, user_desc))
		return -EFAULT;
	return tls_descriptor(&tls, &desc) && is_tls_entry(tls.entry) ? 0 : -EINVAL;
}

void compat_clone_tls(struct thread *child, uint64_t user_desc)
{
	struct wire_tls tls;
	uint64_t desc;

	child->fs_base = current->fs_base;
	/* Changed meanwhile by another thread: then it is as if the child had not asked. */
	if (get_tls(&tls, user_desc) || !tls_descriptor(&tls, &desc) || !is_tls_entry(tls.entry))
		return;
	child->tls[tls.entry - GDT_TLS] = desc;
	/* What the selector it inherits stands for, it has from now on. */
	if (child->gs == tls.entry * 8 + 3)
		child->gs_base = tls.base;
	if (child->fs == tls.entry * 8 + 3)
		child->fs_base = tls.base;
	uthread_of(child)->tls_changed = true;
}

void compat_replay_tls(void)
{
	struct wire_tls tls;

	current_user->tls_changed = false;
	for (unsigned i = 0; i < TLS_ENTRIES; i++) {
		tls.entry = GDT_TLS + i;
		tls_describe(current->tls[i], &tls);
		/* Linux's way to say "none", which is what tls_describe() makes of zeros but for a bit. */
		if (!current->tls[i])
			tls.flags = WTLS_READ_ONLY | WTLS_NOT_PRESENT;
		replay(&tls);
	}
}

/* The last two arguments are the other way round. */
long sys32_clone(struct trapframe *tf, const uint64_t args[6])
{
	const uint64_t a[6] = { args[0], args[1], args[2], args[4], args[3] };

	return sys_clone(tf, a);
}

/* --- other ways in ---------------------------------------------------------------------------- */

/*
 * Both leave the number in eax and the second argument in ebp's place, and the sixth on the stack,
 * where __kernel_vsyscall has pushed ecx, edx and ebp; they return behind its int 0x80, which pops
 * them. SYSENTER has the stack pointer in ebp, SYSCALL the second argument.
 */
bool compat_fast_call(struct trapframe *tf)
{
	uint32_t sixth, landing = current->mm->vdso_landing;
	uint8_t code[2];

	if (tf->cs != USER32_CS || !landing || copy_from_user(code, tf->rip, sizeof(code)) ||
	    code[0] != 0x0f)
		return false;
	if (code[1] == 0x34)
		tf->rsp = (uint32_t)tf->rbp;
	else if (code[1] == 0x05)
		tf->rcx = (uint32_t)tf->rbp;
	else
		return false;
	tf->rip = landing;
	if (get_user32(&sixth, tf->rsp)) {
		tf->rax = -EFAULT;
		return true;
	}
	tf->rbp = sixth;
	trap_syscall32(tf);
	return true;
}
