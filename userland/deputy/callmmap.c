/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mmap of a file for a process that is away: made in the stub too, so that the mapping is real at
 * home and its pages can be read there. Refused is what a node could not keep true: memory that
 * others than its guests see change, and devices.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "userland/deputy/agent.h"
#include "userland/deputy/call.h"
#include "userland/deputy/image_file.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/session.h"
#include "userland/deputy/shared.h"
#include "userland/deputy/stub.h"

/* The same file, opened anew. */
static int open_fd(const struct stub *stub, int fd)
{
	char path[64];
	int own;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", stub->pid, fd);
	own = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (own < 0)
		return errno == ENOENT ? -EBADF : -errno;
	return own;
}

/* A copy of the stub's descriptor: pidfd_getfd(2). */
static int copy_fd(const struct stub *stub, int fd)
{
	struct stub *any = process_stub(stub->process);
	int pidfd, copy;

	/* It asks the leader, who has no descriptors any more when it has ended before the others. */
	if (!any || any->pid != stub->process->pid)
		return open_fd(stub, fd);
	pidfd = (int)syscall(SYS_pidfd_open, stub->process->pid, 0);
	if (pidfd < 0)
		return -errno;
	copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (copy < 0)
		copy = -errno;
	close(pidfd);
	return copy;
}

/* Asked on a descriptor of our own: what is set on the program's would show. */
static bool shared_safe(int copy, const struct stat *st)
{
	char link[64], path[4096];
	ssize_t n;
	bool safe;
	int fd;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", copy);
	n = readlink(link, path, sizeof(path) - 1);
	path[n < 0 ? 0 : n] = 0;
	fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	safe = file_shared_safe(fd, st, path);
	if (fd >= 0)
		close(fd);
	return safe;
}

static void judge(struct session *session, int copy, const struct wire_mmap *map,
		  const struct stat *st, struct wire_mmapped *mapped)
{
	struct wire_text *why = &mapped->why;
	int type = (int)(map->flags & MAP_TYPE);
	struct statfs fs;

	if (!S_ISREG(st->st_mode)) {
		wire_text_set(why, WHY_MAPPING, "mmap of a device or another special file");
	} else if (!fstatfs(copy, &fs) && fs.f_type == HUGETLBFS_MAGIC) {
		wire_text_set(why, WHY_MAPPING, "mmap of huge pages");
	} else if (type == MAP_PRIVATE || (!(map->prot & PROT_WRITE) && !shared_is(session, st) &&
					   shared_safe(copy, st))) {
		file_identity(st, &mapped->file);
	} else {
		shared_file(session, copy, st, &mapped->file, why);
	}
}

static void answer(struct stub *stub, const struct call *call, const struct wire_mmapped *mapped)
{
	session_send1(stub->process->session, W_MMAPPED, 0, (uint32_t)stub->pid, call->hdr.id, mapped,
		      sizeof(*mapped));
}

/* What no node asks for. */
static bool impossible(const struct wire_mmap *map)
{
	if (map->kind == MMAP_SHMAT)
		return map->flags & ~(uint32_t)(SHM_RDONLY | SHM_EXEC) || !map->addr;
	return map->kind != MMAP_FILE || !(map->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) ||
	       ((map->flags & MAP_ANONYMOUS) && (map->flags & MAP_TYPE) != MAP_SHARED);
}

void call_mmap(struct stub *stub, struct call *call)
{
	struct wire_mmapped mapped = { 0 };
	struct wire_mmap map;
	struct stat st;
	int copy;

	memcpy(&map, call->bytes, sizeof(map));
	if (impossible(&map) ||
	    map.addr + map.len < map.addr ||
	    agent_touched(stub->process, map.addr, map.addr + map.len)) {
		session_fail(stub->process->session, "it sent an impossible mmap for process %d",
			     stub->process->pid);
		return;
	}
	copy = map.kind != MMAP_FILE || (map.flags & MAP_ANONYMOUS) ? -EBADF :
								      copy_fd(stub, map.fd);
	if (map.kind == MMAP_SHMAT)
		shared_segment(stub, map.fd, &mapped.file, &mapped.why);
	else if (map.flags & MAP_ANONYMOUS)
		shared_identity_new(map.len, &mapped.file);
	else if (copy >= 0 && !fstat(copy, &st)) {
		judge(stub->process->session, copy, &map, &st, &mapped);
	} else if (copy != -EBADF) {
		wire_text_set(&mapped.why, WHY_MAPPING,
			      "mmap of a descriptor that home cannot see");
	}
	if (copy >= 0)
		close(copy);
	/* On a bad descriptor Linux says itself what is wrong with the call. */
	mapped.ret = -EAGAIN;
	if (mapped.why.code == WHY_NONE && map.kind == MMAP_SHMAT)
		mapped.ret = inject_call(stub, SYS_shmat, map.fd, map.addr, map.flags);
	else if (mapped.why.code == WHY_NONE)
		mapped.ret = inject_call(stub, SYS_mmap, map.addr, map.len, map.prot, map.flags,
					 map.fd, map.offset);
	if (stub->dead)
		return;
	shared_look(stub->process->session);
	answer(stub, call, &mapped);
}
