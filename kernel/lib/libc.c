/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What newlib expects from below: the heap is kmalloc, there are no files, and the process that
 * abort() and assert() end is the kernel.
 */
#include <errno.h>
#include <reent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/kprintf.h"
#include "kernel/mm/kmalloc.h"

void *malloc(size_t size)
{
	return kmalloc(size);
}

void free(void *p)
{
	kfree(p);
}

void *realloc(void *p, size_t size)
{
	return krealloc(p, size);
}

/* gcc would turn a malloc and memset below into a call of calloc itself; kzalloc hides them. */
void *calloc(size_t n, size_t size)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? NULL : kzalloc(bytes);
}

void *_malloc_r(struct _reent *r, size_t size)
{
	(void)r;
	return kmalloc(size);
}

void _free_r(struct _reent *r, void *p)
{
	(void)r;
	kfree(p);
}

void *_realloc_r(struct _reent *r, void *p, size_t size)
{
	(void)r;
	return krealloc(p, size);
}

void *_calloc_r(struct _reent *r, size_t n, size_t size)
{
	(void)r;
	return calloc(n, size);
}

void abort(void)
{
	panic("abort() called");
}

void _exit(int status)
{
	panic("_exit(%d) called", status);
}

void __assert_func(const char *file, int line, const char *function, const char *expression)
{
	panic("assertion failed: %s (%s:%d, %s)", expression, file, line, function);
}

/* stdio's string functions carry the code for files along; no file is ever opened. */
_ssize_t _read_r(struct _reent *r, int fd, void *buf, size_t len)
{
	(void)fd, (void)buf, (void)len;
	r->_errno = EBADF;
	return -1;
}

_ssize_t _write_r(struct _reent *r, int fd, const void *buf, size_t len)
{
	(void)fd, (void)buf, (void)len;
	r->_errno = EBADF;
	return -1;
}

int _close_r(struct _reent *r, int fd)
{
	(void)fd;
	r->_errno = EBADF;
	return -1;
}

_off_t _lseek_r(struct _reent *r, int fd, _off_t offset, int whence)
{
	(void)fd, (void)offset, (void)whence;
	r->_errno = EBADF;
	return -1;
}

int _fstat_r(struct _reent *r, int fd, struct stat *st)
{
	(void)fd, (void)st;
	r->_errno = EBADF;
	return -1;
}

int _isatty_r(struct _reent *r, int fd)
{
	(void)fd;
	r->_errno = EBADF;
	return 0;
}
