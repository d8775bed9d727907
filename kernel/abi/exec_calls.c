/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * execve happens at home, where the binary formats, scripts and setuid rules are. When it succeeds,
 * there is no answer: home sends a fresh image of the same pid, or keeps the process, and this one
 * is taken away.
 */
#include <errno.h>
#include <string.h>

#include "kernel/abi/abi.h"
#include "kernel/abi/layout.h"
#include "kernel/guest/guest.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/uaccess.h"

#define PATH_BYTES  4096u
#define STRINGS_MAX (4u << 20)	 /* bytes: the largest block of our heap */
#define STRING_MAX  (128u << 10) /* Linux's MAX_ARG_STRLEN */

/* Argument and environment strings, one after the other, and the places of pointers to them. */
struct strings {
	char *data;
	size_t used, size;
	struct wire_fixup *fixups;
	unsigned n, room;
	bool bad;  /* a pointer was bad: what follows `used` is an unmapped page at home */
	bool full; /* more than can be carried */
};

static bool grow(void **p, size_t used, size_t *size, size_t max)
{
	size_t want = *size ? *size * 2 : 4096;
	void *more;

	if (want > max)
		want = max;
	if (want <= used)
		return false;
	more = krealloc(*p, want);
	if (!more)
		return false;
	*p = more;
	*size = want;
	return true;
}

/* Notes that the next pointer of vector `buf` points to where the next string will be. */
static bool add_pointer(struct strings *s, unsigned buf, unsigned index)
{
	if (s->n == s->room) {
		size_t size = s->room * sizeof(s->fixups[0]);
		void *p = s->fixups;

		if (s->n >= WIRE_FIXUPS_MAX ||
		    !grow(&p, size, &size, WIRE_FIXUPS_MAX * sizeof(s->fixups[0])))
			return false;
		s->fixups = p;
		s->room = size / sizeof(s->fixups[0]);
	}
	s->fixups[s->n++] = (struct wire_fixup){
		.buf = buf, .target = 3, .offset = index * user_long_size(), .delta = s->used
	};
	return true;
}

/* Copies a string. Linux refuses one that is longer than STRING_MAX, so that much will do. */
static bool add_string(struct strings *s, uint64_t from)
{
	for (;;) {
		size_t left = s->size - s->used;
		void *p = s->data;
		long n;

		if (left > STRING_MAX)
			left = STRING_MAX;
		n = left ? strncpy_from_user(s->data + s->used, from, left) : 0;
		if (n == -EFAULT) {
			size_t ok = user_readable_prefix(from, left);

			/* A later part of it may be good, but the string is not. */
			s->used += ok ? ok - copy_from_user(s->data + s->used, from, ok) : 0;
			s->bad = true;
			return true;
		}
		if ((size_t)n < left) {
			s->used += n + 1;
			return true;
		}
		if (left == STRING_MAX) {
			s->used += left;
			return true;
		}
		if (!grow(&p, s->used, &s->size, STRINGS_MAX))
			return false;
		s->data = p;
	}
}

/*
 * Takes in the vector (argv or envp) at addr as buffer `buf` of the call. The pointers in it are
 * replaced at home. A bad pointer ends it: Linux stops with EFAULT there.
 */
static void add_vector(struct fcall *call, struct strings *s, unsigned buf, unsigned arg,
		       uint64_t addr)
{
	uint64_t p;
	unsigned n = 0;

	call->buf[buf] = (struct fbuf){ .addr = addr, .arg = arg, .flags = WBUF_IN };
	if (!addr) {
		/* NULL is an empty vector to Linux; the buffer stays, so that the numbers do. */
		call->buf[buf].arg = WBUF_NO_ARG;
		return;
	}
	for (;; n++) {
		if (get_user_long(&p, addr + n * user_long_size())) {
			call->buf[buf].flags |= WBUF_BAD;
			break;
		}
		if (!p) {
			n++;
			break;
		}
		if (s->bad) {
			call->buf[buf].flags |= WBUF_BAD;
			break;
		}
		if (!add_pointer(s, buf, n) || !add_string(s, p)) {
			s->full = true;
			break;
		}
	}
	call->buf[buf].len = n * user_long_size();
}

static long do_exec(uint64_t nr, const uint64_t args[6], unsigned path_arg)
{
	uint64_t path = args[path_arg];
	struct fcall *call = kzalloc(sizeof(*call));
	struct strings s = { 0 };
	char *name = kmalloc(PATH_BYTES);
	long ret, n;

	if (!call || !name) {
		ret = retreat(WHY_MEMORY, "no memory for execve");
		goto out;
	}
	call->nr = nr;
	memcpy(call->args, args, sizeof(call->args));
	/* Home has kept the stub's mask open; the new program inherits this one. */
	call->args[5] = current_user->sigmask;
	n = strncpy_from_user(name, path, PATH_BYTES);
	if (n == -EFAULT) {
		n = user_readable_prefix(path, PATH_BYTES);
		call->buf[0] = (struct fbuf){ path, n, path_arg, WBUF_IN | WBUF_BAD, false };
	} else {
		n = n < (long)PATH_BYTES ? n + 1 : n;
		call->buf[0] = (struct fbuf){ (uint64_t)name, n, path_arg, WBUF_IN, true };
	}
	if (!path)
		call->buf[0].arg = WBUF_NO_ARG;
	add_vector(call, &s, 1, path_arg + 1, args[path_arg + 1]);
	add_vector(call, &s, 2, path_arg + 2, args[path_arg + 2]);
	if (s.full) {
		ret = not_served(nr, "more arguments than can be carried");
		goto out;
	}
	call->buf[3] = (struct fbuf){ (uint64_t)s.data, s.used, WBUF_NO_ARG,
				      WBUF_IN | (s.bad ? WBUF_BAD : 0), true };
	call->nbufs = 4;
	call->fixups = s.fixups;
	call->nfixups = s.n;
	guest_report();
	if (current_user->retreating) {
		ret = RETREATED;
		goto out;
	}
	guest_execing();
	ret = guest_call(call);
out:
	kfree(s.data);
	kfree(s.fixups);
	kfree(name);
	kfree(call);
	return ret;
}

long sys_execve(struct trapframe *tf, const uint64_t args[6])
{
	const uint64_t a[6] = { args[0], args[1], args[2] };

	return do_exec(tf->error, a, 0);
}

long sys_execveat(struct trapframe *tf, const uint64_t args[6])
{
	const uint64_t a[6] = { args[0], args[1], args[2], args[3], args[4] };

	return do_exec(tf->error, a, 1);
}
