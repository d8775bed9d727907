/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image's process-wide state: limits, signal actions, heap; and what forbids a move. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <unistd.h>

#include "userland/deputy/agent.h"
#include "userland/deputy/baseline.h"
#include "userland/deputy/cputime.h"
#include "userland/deputy/image_batch.h"
#include "userland/deputy/i386.h"
#include "userland/deputy/image_int.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/stub.h"

#define NLIMITS 16

static bool status_value(const char *status, const char *key, unsigned long *value)
{
	const char *p = strstr(status, key);

	if (!p)
		return false;
	*value = strtoul(p + strlen(key), NULL, 10);
	return true;
}

/* Its clocks are not ours. */
static bool other_time(pid_t pid)
{
	char path[40], ours[64], its[64];
	ssize_t n, m;

	snprintf(path, sizeof(path), "/proc/%d/ns/time", pid);
	n = readlink("/proc/self/ns/time", ours, sizeof(ours));
	m = readlink(path, its, sizeof(its));
	return n > 0 && m > 0 && (n != m || memcmp(ours, its, (size_t)n));
}

/* Its own pid is not the one that it has here: NSpid has one number for each level below ours. */
static bool nested_pid(const char *status)
{
	const char *p = strstr(status, "\nNSpid:\t");

	return p && strcspn(p + 8, "\t\n") < strcspn(p + 8, "\n");
}

static int unfit(struct wire_text *why, const char *text)
{
	wire_text_set(why, WHY_STATE, "%s", text);
	return -ENOTSUP;
}

int image_fits(struct stub *stub, struct wire_text *why)
{
	unsigned long v;
	char path[40], *status, *persona;
	size_t len;
	int err = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", stub->pid);
	status = proc_read(path, &len);
	if (!status)
		return unfit(why, "its state in /proc could not be read");
	if (status_value(status, "\nThreads:", &v) && v != process_threads(stub->process)) {
		wire_text_set(why, WHY_STATE, "of its %lu threads not all could be stopped", v);
		err = -ENOTSUP;
	} else if (status_value(status, "\nSeccomp:", &v) && v) {
		err = unfit(why, "it runs under a seccomp filter");
	} else if (nested_pid(status)) {
		err = unfit(why, "it lives in a pid namespace of its own");
	} else if (strstr(status, "\nx86_Thread_features:\tshstk")) {
		err = unfit(why, "it has a shadow stack");
	}
	free(status);
	if (!err && other_time(stub->pid))
		err = unfit(why, "it lives in a time namespace of its own");
	if (err)
		return err;

	/* READ_IMPLIES_EXEC and the like change what the memory calls mean; the rest is harmless. */
	snprintf(path, sizeof(path), "/proc/%d/personality", stub->pid);
	persona = proc_read(path, &len);
	if (persona) {
		v = strtoul(persona, NULL, 16);
		free(persona);
		if (v & ~(unsigned long)PERSONALITY_HARMLESS)
			return unfit(why, "it has a personality(2) other than Linux's own");
	}
	return 0;
}

/* Field n (from 1, as in proc(5)) of /proc/PID/stat. The name may hold spaces and parentheses. */
static uint64_t stat_field(const char *stat, int n)
{
	const char *p = strrchr(stat, ')');

	for (int i = 2; p && i < n; i++)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p + 1, NULL, 10) : 0;
}

/* The signals of one of its descriptors, if that is a signalfd(2): proc(5), fdinfo. */
static uint64_t signals_read(pid_t pid, const char *fd)
{
	char path[64], *info, *p;
	uint64_t set = 0;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.16s", pid, fd);
	info = proc_read(path, &len);
	p = info ? strstr(info, "\nsigmask:") : NULL;
	if (p)
		set = strtoull(p + 9, NULL, 16);
	free(info);
	return set;
}

/* A file that shows a process's memory, and will not show it right once that is at the node: proc(5). */
static bool shows_memory(const char *target)
{
	static const char *const names[] = { "/mem", "/pagemap", "/clear_refs" };
	const char *name = strrchr(target, '/');
	int pid;

	if (sscanf(target, "/proc/%d/", &pid) != 1 || !process_find(pid))
		return false;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* What matters of its descriptors: the signals that it may read from any, and whether one shows memory. */
struct descriptors {
	uint64_t signals;
	bool memory;
};

static struct descriptors find_descriptors(pid_t pid)
{
	struct descriptors d = { 0 };
	char path[40], target[64];
	struct dirent *e;
	ssize_t n;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		n = readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = 0;
		if (!strcmp(target, "anon_inode:[signalfd]"))
			d.signals |= signals_read(pid, e->d_name);
		else if (shows_memory(target))
			d.memory = true;
	}
	if (dir)
		closedir(dir);
	return d;
}

static void read_stat(struct stub *stub, struct wire_image *image)
{
	uint64_t tick = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
	char path[40], *stat;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/stat", stub->pid);
	stat = proc_read(path, &len);
	if (!stat)
		return;
	image->utime_ns = stat_field(stat, 14) * tick;
	image->stime_ns = stat_field(stat, 15) * tick;
	image->brk_start = stat_field(stat, 47);
	cputime_leaves(stub->process, image);
	free(stat);
}

/* Where the answers of the injected calls are put, from BATCH_DATA on. */
struct answers {
	struct wire_sigact sigacts[64];
	uint64_t limits[NLIMITS][2];
	struct itimerval timers[2];
};

static int ask(struct stub *stub, struct answers *a, uint64_t *brk)
{
	int64_t scratch = agent_scratch(stub, BATCH_DATA + sizeof(*a));
	uint64_t at = (uint64_t)scratch + BATCH_DATA;
	struct batch_call calls[64 + NLIMITS + 3];
	unsigned n = 0;
	int err;

#define AT(field) (at + offsetof(struct answers, field))
	for (unsigned i = 0; i < 64; i++)
		calls[n++] = BATCH(SYS_rt_sigaction, i + 1, 0, AT(sigacts) + i * sizeof(a->sigacts[0]), 8);
	for (unsigned i = 0; i < NLIMITS; i++)
		calls[n++] = BATCH(SYS_prlimit64, 0, i, 0, AT(limits) + i * sizeof(a->limits[0]));
	calls[n++] = BATCH(SYS_getitimer, ITIMER_VIRTUAL, AT(timers));
	calls[n++] = BATCH(SYS_getitimer, ITIMER_PROF, AT(timers) + sizeof(a->timers[0]));
	calls[n++] = BATCH(SYS_brk, 0);
#undef AT
	memset(a, 0, sizeof(*a));
	if (scratch < 0)
		return -ENOMEM;
	err = stub_write(stub, at, a, sizeof(*a));
	if (!err)
		err = stub_batch(stub, calls, n);
	if (!err)
		err = stub_read(stub, at, a, sizeof(*a));
	*brk = (uint64_t)calls[n - 1].ret;
	return err;
}

static bool limits_map(const uint64_t limits[NLIMITS][2])
{
	return limits[RLIMIT_AS][0] != UINT64_MAX || limits[RLIMIT_DATA][0] != UINT64_MAX;
}

/*
 * Where Linux starts to place mappings is not told. For a program with an ld.so it is where that
 * was put, the highest of them; for others a place well below the stack's limit.
 */
static uint64_t mmap_top(const struct collected *c)
{
	const struct map *stack = maps_named(&c->maps, "[stack]");
	uint64_t room = c->image.rlim[RLIMIT_STACK][0], most = (uint64_t)64 << 30;

	if (!stack)
		return c->image.mmap_top;
	if (c->image.mmap_top > stack->start / 2)
		return c->image.mmap_top;
	if (room < 128u << 20)
		room = 128u << 20;
	if (stack && most > stack->start / 6 * 5)
		most = stack->start / 6 * 5;
	if (room > most)
		room = most;
	return (stack->start - room - (1u << 20)) & ~(uint64_t)4095;
}

int collect_process(struct stub *stub, struct collected *c, struct wire_text *why)
{
	struct answers *a = malloc(sizeof(*a));
	struct descriptors files;
	struct sysinfo info;
	int err = a ? ask(stub, a, &c->image.brk) : -ENOMEM;

	if (err) {
		wire_text_set(why, WHY_STATE, "its state could not be read: %s", strerror(-err));
		free(a);
		return err;
	}
	if (a->timers[0].it_value.tv_sec || a->timers[0].it_value.tv_usec ||
	    a->timers[1].it_value.tv_sec || a->timers[1].it_value.tv_usec) {
		free(a);
		return unfit(why, "it has a timer that counts its CPU time (setitimer)");
	}
	files = find_descriptors(process_live_pid(stub->process));
	if (files.memory) {
		free(a);
		return unfit(why, "it has a file of /proc open that shows memory");
	}
	stub->process->sfd_mask = files.signals;
	c->image.sfd_mask = stub->process->sfd_mask;
	c->image.pid = (uint32_t)stub->process->pid;
	memcpy(c->image.comm, stub->process->comm, sizeof(c->image.comm));
	c->image.comm[sizeof(c->image.comm) - 1] = 0;
	read_stat(stub, &c->image);
	if (!sysinfo(&info))
		c->image.total_ram = (uint64_t)info.totalram * info.mem_unit;
	memcpy(c->image.rlim, a->limits, sizeof(c->image.rlim));
	if (limits_map(a->limits))
		c->image.flags |= IMG_MAP_SYNC;
	/* Locked memory refuses some changes. */
	for (size_t i = 0; i < c->maps.n; i++)
		if (c->maps.v[i].vmf & VMF_LOCKED)
			c->image.flags |= IMG_MAP_SYNC;
	c->image.mmap_top = mmap_top(c);
	if (stub->process->i386)
		i386_image(stub, &c->image);
	memcpy(c->sigacts, a->sigacts, sizeof(c->sigacts));
	free(a);
	return 0;
}
