/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies to and from user memory: plain instructions whose faults end them early (ex_table). */
#include "kernel/mm/uaccess.h"

#include <errno.h>
#include <string.h>

#include "kernel/cpu/trap.h"
#include "kernel/cpu/x86.h"

/*
 * Eight bytes at a time, then one: the second loop also finds out where exactly the first one
 * failed.
 */
static size_t copy_bytes(void *dst, const void *src, size_t len)
{
	size_t words = len / 8;

	user_access_begin();
	__asm__ volatile("1: rep movsq\n\t"
			 "2:\n\t" EXTABLE(1b, 2b)
			 : "+c"(words), "+D"(dst), "+S"(src)
			 :
			 : "memory");
	len = words * 8 + len % 8;
	__asm__ volatile("1: rep movsb\n\t"
			 "2:\n\t" EXTABLE(1b, 2b)
			 : "+c"(len), "+D"(dst), "+S"(src)
			 :
			 : "memory");
	user_access_end();
	return len;
}

/* Of len bytes at addr, those that lie in the user half. */
static size_t clamp(uint64_t addr, size_t len)
{
	if (addr >= USER_END)
		return 0;
	return len < USER_END - addr ? len : USER_END - addr;
}

size_t copy_from_user(void *dst, uint64_t src, size_t len)
{
	size_t n = clamp(src, len);

	return len - n + (n ? copy_bytes(dst, (const void *)src, n) : 0);
}

size_t copy_to_user(uint64_t dst, const void *src, size_t len)
{
	size_t n = clamp(dst, len);

	return len - n + (n ? copy_bytes((void *)dst, src, n) : 0);
}

size_t clear_user(uint64_t dst, size_t len)
{
	size_t n = clamp(dst, len), left = n;
	void *p = (void *)dst;

	user_access_begin();
	__asm__ volatile("1: rep stosb\n\t"
			 "2:\n\t" EXTABLE(1b, 2b)
			 : "+c"(left), "+D"(p)
			 : "a"(0)
			 : "memory");
	user_access_end();
	return len - n + left;
}

long strncpy_from_user(char *dst, uint64_t src, size_t max)
{
	size_t done = 0;

	/* Page by page: what follows the NUL may not be mapped. */
	while (done < max) {
		size_t n = PAGE_SIZE - (src + done) % PAGE_SIZE, copied;
		const char *nul;

		if (n > max - done)
			n = max - done;
		copied = n - copy_from_user(dst + done, src + done, n);
		nul = memchr(dst + done, 0, copied);
		if (nul)
			return nul - dst;
		if (copied < n)
			return -EFAULT;
		done += n;
	}
	return (long)max;
}

#define DEFINE_GET(bits, suffix)                                 \
	int get_user##bits(uint##bits##_t *val, uint64_t addr)   \
	{                                                        \
		uint##bits##_t v = 0;                            \
		int err = -EFAULT;                               \
		if (!user_range_ok(addr, sizeof(v)))             \
			return -EFAULT;                          \
		user_access_begin();                             \
		__asm__ volatile("1: mov" suffix " (%2), %0\n\t" \
				 "xorl %1, %1\n\t"               \
				 "2:\n\t" EXTABLE(1b, 2b)        \
				 : "+&r"(v), "+&r"(err)          \
				 : "r"(addr)                     \
				 : "memory", "cc");              \
		user_access_end();                               \
		*val = v;                                        \
		return err;                                      \
	}

#define DEFINE_PUT(bits, suffix)                                 \
	int put_user##bits(uint64_t addr, uint##bits##_t val)    \
	{                                                        \
		int err = -EFAULT;                               \
		if (!user_range_ok(addr, sizeof(val)))           \
			return -EFAULT;                          \
		user_access_begin();                             \
		__asm__ volatile("1: mov" suffix " %1, (%2)\n\t" \
				 "xorl %0, %0\n\t"               \
				 "2:\n\t" EXTABLE(1b, 2b)        \
				 : "+&r"(err)                    \
				 : "r"(val), "r"(addr)           \
				 : "memory", "cc");              \
		user_access_end();                               \
		return err;                                      \
	}

DEFINE_GET(32, "l")
DEFINE_GET(64, "q")
DEFINE_PUT(32, "l")
DEFINE_PUT(64, "q")

int cmpxchg_user32(uint64_t addr, uint32_t old, uint32_t new_val, uint32_t *seen)
{
	int err = -EFAULT;

	if (!user_range_ok(addr, sizeof(old)))
		return -EFAULT;
	user_access_begin();
	__asm__ volatile("1: lock cmpxchgl %3, (%2)\n\t"
			 "movl $0, %1\n\t"
			 "2:\n\t" EXTABLE(1b, 2b)
			 : "+a"(old), "+&r"(err)
			 : "r"(addr), "r"(new_val)
			 : "memory", "cc");
	user_access_end();
	*seen = old;
	return err;
}

static bool touch(uint64_t addr, bool write)
{
	int err = -EFAULT;

	user_access_begin();
	/*
	 * Adding 0 with a lock asks for the right to write without losing another thread's store.
	 */
	if (write)
		__asm__ volatile("1: lock addb $0, (%1)\n\t"
				 "xorl %0, %0\n\t"
				 "2:\n\t" EXTABLE(1b, 2b)
				 : "+&r"(err)
				 : "r"(addr)
				 : "memory", "cc");
	else
		__asm__ volatile("1: testb $0, (%1)\n\t"
				 "xorl %0, %0\n\t"
				 "2:\n\t" EXTABLE(1b, 2b)
				 : "+&r"(err)
				 : "r"(addr)
				 : "memory", "cc");
	user_access_end();
	return !err;
}

static size_t prefix(uint64_t addr, size_t len, bool write)
{
	size_t max = clamp(addr, len), done = 0;

	while (done < max && touch(addr + done, write))
		done += PAGE_SIZE - (addr + done) % PAGE_SIZE;
	return done < max ? done : max;
}

size_t user_readable_prefix(uint64_t addr, size_t len)
{
	return prefix(addr, len, false);
}

size_t user_writable_prefix(uint64_t addr, size_t len)
{
	return prefix(addr, len, true);
}
