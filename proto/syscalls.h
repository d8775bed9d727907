/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who serves which system call, and how its arguments travel: the tables made of syscalls.def,
 * ioctls.def and commands.def. Node (dispatch, marshalling), deputy (what it accepts),
 * documentation and tests all derive from them.
 */
#ifndef PROTO_SYSCALLS_H
#define PROTO_SYSCALLS_H

#include <stddef.h>
#include <stdint.h>

#define SYSCALL_MAX 462 /* the last number of Linux 6.12 on x86-64, and on i386 */

/*
 * Wherever a number of a system call is expected, one with this bit is meant as i386's: made by int
 * 0x80, with pointers, longs and structs of 32-bit programs. syscalls32.def has their rows.
 */
#define SYS_I386 0x20000000u

static inline int sys_is_i386(uint64_t nr)
{
	return (nr & ~0xffffull) == SYS_I386;
}

enum sys_class {
	SYS_UNKNOWN, /* no such call: retreat, home knows */
	SYS_LOCAL,   /* served by the node alone */
	SYS_SPLIT,	/* served by the node, and replayed at home, or forwarded in some forms */
	SYS_FORWARD,	/* executed in the stub */
	SYS_RETREAT,	/* the process goes home for it */
};

/* How an argument travels; `ref` names another argument, `size` counts bytes. */
enum sys_argkind {
	ARG_NONE,
	ARG_V,		/* a value */
	ARG_FD,		/* a value: a file descriptor */
	ARG_STR,	/* string, at most PATH_MAX bytes */
	ARG_IN,		/* `size` bytes to home */
	ARG_IN_LEN,	/* as many bytes as argument ref says, plus size */
	ARG_IN_MUL,	/* argument ref times size */
	ARG_OUT,	/* `size` bytes from home, all of them written whenever the call succeeds */
	ARG_OUT_RET,	/* room for argument ref bytes; the first `return value` are written */
	ARG_OUT_RETMUL, /* room for argument ref times size; return value times size are written */
	ARG_PART,	/* `size` bytes from home; the call may write only some of them, with ref
			 * even when it fails. They go there first, so that the rest stays as it was */
	ARG_PART_LEN,  /* the same, argument ref plus size bytes */
	ARG_SELF,      /* a struct that begins with a length: so many bytes plus size to home; with
			* ref also back, even when the call fails */
	ARG_INOUT,     /* `size` bytes, read first, written afterwards */
	ARG_INOUT_MUL, /* argument ref times size bytes; written back on failure too */
	ARG_TIMEOUT,   /* `size` bytes in; the time left comes back, also on failure, if writable */
	ARG_FDSET,     /* bits for argument ref descriptors, in words of `size` bytes, both ways */
	ARG_IOV_IN,    /* ref counts the struct iovec here, of `size` bytes; gathered */
	ARG_IOV_OUT,   /* the same, scattered */
	ARG_OUT_LENP,  /* room for *(u32 *)argument ref bytes, both ways */
	ARG_LENP,      /* that pointer: 4 bytes both ways */
	ARG_SIGMASK,   /* a signal set of argument ref bytes, applied on the node; NULL goes home */
	ARG_SIGMASKP,  /* pointer to {such a pointer, its size} (pselect6) */
	ARG_CMD,       /* argument ref selects a row of another table */
};

struct sys_arg {
	uint8_t kind; /* enum sys_argkind */
	uint8_t ref;
	uint16_t size;
};

struct sys_desc {
	const char *name; /* NULL: no such call */
	uint8_t class;	  /* enum sys_class */
	struct sys_arg args[6];
};

/* A command of ioctl, fcntl, prctl...: replaces the row of the call. */
struct cmd_desc {
	uint32_t nr; /* the system call */
	uint32_t cmd;
	struct sys_desc desc; /* name of the command; FORWARD, SPLIT or RETREAT */
};

extern const struct sys_desc sys_table[SYSCALL_MAX + 1];
extern const struct sys_desc sys32_table[SYSCALL_MAX + 1];
extern const struct cmd_desc cmd_table[];
extern const size_t cmd_table_len;

/* The row of a call, also for a number that does not exist (class SYS_UNKNOWN, name NULL). */
const struct sys_desc *sys_lookup(uint64_t nr);

/* "read", or "363" for a number without a name (then in buf). */
const char *sys_name(uint64_t nr, char buf[24]);

/*
 * The row that holds for these arguments: that of the command, where the call has commands. NULL
 * when the command is not known. Needs no user memory.
 */
const struct sys_desc *sys_resolve(uint64_t nr, const uint64_t args[6]);

/* May a node ask home for this call? (The arguments are judged by their buffers.) */
int sys_accepted(uint64_t nr);

static inline int sys_arg_is_pointer(const struct sys_arg *a)
{
	return a->kind >= ARG_STR && a->kind != ARG_CMD;
}

#endif
