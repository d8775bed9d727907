/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stub's memory. process_vm_*(2) is quick but honours the page's rights; /proc/PID/mem, under
 * ptrace, does not, so it serves what the first refuses.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "userland/deputy/inject.h"
#include "userland/deputy/stub.h"

static int mem_open(const struct stub *stub, int mode)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/mem", stub->pid);
	return open(path, mode | O_CLOEXEC);
}

long stub_read_some(struct stub *stub, uint64_t addr, void *buf, size_t len)
{
	struct iovec local = { buf, len };
	struct iovec remote = { (void *)addr, len };
	ssize_t n = process_vm_readv(stub->pid, &local, 1, &remote, 1, 0);
	size_t done = n > 0 ? (size_t)n : 0;
	int fd;

	if (done == len)
		return (long)len;
	fd = mem_open(stub, O_RDONLY);
	if (fd < 0)
		return done ? (long)done : -errno;
	while (done < len) {
		n = pread(fd, (char *)buf + done, len - done, (off_t)(addr + done));
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	close(fd);
	return done ? (long)done : -EFAULT;
}

int stub_read(struct stub *stub, uint64_t addr, void *buf, size_t len)
{
	long n = len ? stub_read_some(stub, addr, buf, len) : 0;

	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : -EFAULT;
}

int stub_write(struct stub *stub, uint64_t addr, const void *buf, size_t len)
{
	struct iovec local = { (void *)buf, len };
	struct iovec remote = { (void *)addr, len };
	ssize_t n;
	size_t done;
	int fd, err = 0;

	if (!len)
		return 0;
	n = process_vm_writev(stub->pid, &local, 1, &remote, 1, 0);
	done = n > 0 ? (size_t)n : 0;
	if (done == len)
		return 0;
	fd = mem_open(stub, O_RDWR);
	if (fd < 0)
		return -errno;
	while (done < len) {
		n = pwrite(fd, (const char *)buf + done, len - done, (off_t)(addr + done));
		if (n <= 0) {
			err = n < 0 ? -errno : -EFAULT;
			break;
		}
		done += (size_t)n;
	}
	close(fd);
	return err;
}
