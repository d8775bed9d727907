/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPU time burnt on nodes, and who gets to know of it: see cputime.h. */
#include "userland/deputy/cputime.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/list.h"
#include "userland/deputy/call.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/maps.h"
#include "userland/deputy/stub.h"

#define USEC 1000u
#define SEC  1000000000u

/* User and system time, ns. */
struct times {
	uint64_t user, system;
};

struct account {
	struct list_head link;
	pid_t pid;
	pid_t parent;		/* when it was made; or when it ended, if that could be seen */
	bool dead;		/* kept for the parent */
	bool told;		/* the node's last word is in `away` */
	struct times away;	/* burnt on nodes */
	struct times children;	/* the same of children it has waited for, and of theirs */
	struct times sent;	/* what the node was told, or told itself last */
};

static struct list_head accounts = LIST_HEAD_INIT(accounts);

static struct account *find(pid_t pid, bool dead)
{
	struct account *a;

	list_for_each_entry(a, &accounts, link)
		if (a->pid == pid && a->dead == dead)
			return a;
	return NULL;
}

static struct account *living(pid_t pid)
{
	struct account *a = find(pid, false);

	if (a)
		return a;
	a = calloc(1, sizeof(*a));
	if (!a)
		deputy_fatal("out of memory");
	a->pid = pid;
	list_add_tail(&a->link, &accounts);
	return a;
}

static void drop(struct account *a)
{
	list_del(&a->link);
	free(a);
}

static void add(struct times *to, const struct times *more)
{
	to->user += more->user;
	to->system += more->system;
}

/* --- who waits for whom --- */

/* State and parent of a process; false when there is none. */
static bool look(pid_t pid, char *state, pid_t *parent)
{
	char path[40], *stat, *p;
	size_t len;
	bool ok;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	stat = proc_read(path, &len);
	p = stat ? strrchr(stat, ')') : NULL;
	ok = p && sscanf(p + 1, " %c %d", state, parent) == 2;
	free(stat);
	return ok;
}

/* Does it ignore SIGCHLD? Then its children's times count for nobody. */
static bool ignores_children(pid_t pid)
{
	unsigned long long set = 0;
	char path[40], *status, *p;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = proc_read(path, &len);
	p = status ? strstr(status, "\nSigIgn:") : NULL;
	if (p)
		set = strtoull(p + 8, NULL, 16);
	free(status);
	return set >> (SIGCHLD - 1) & 1;
}

/* Has the parent of this ended process waited for it? Then nothing of it is left in the table. */
static bool reaped(const struct account *a)
{
	pid_t parent;
	char state;

	return !look(a->pid, &state, &parent) || state != 'Z' || parent != a->parent;
}

/* Brings the account of a living process up to date with the children it has waited for. */
static struct account *settled(pid_t pid)
{
	struct account *parent = living(pid), *a, *next;

	list_for_each_entry_safe(a, next, &accounts, link) {
		if (!a->dead || a->parent != pid || !reaped(a))
			continue;
		add(&parent->children, &a->away);
		add(&parent->children, &a->children);
		drop(a);
	}
	return parent;
}

void cputime_born(pid_t parent, pid_t child)
{
	living(child)->parent = parent;
}

void cputime_died(struct process *process)
{
	struct account *self = settled(process->pid), *a, *next;
	pid_t parent;
	char state;

	/* It was killed: what the node said last must do. */
	if (!self->told && process->session)
		self->away.user += process->stat.cpu_ns;
	/* A child it did not wait for is another's now. */
	list_for_each_entry_safe(a, next, &accounts, link)
		if (a->dead && a->parent == process->pid)
			drop(a);
	if (look(self->pid, &state, &parent))
		self->parent = parent;
	if (!(self->away.user | self->away.system | self->children.user | self->children.system) ||
	    !process_find(self->parent) || ignores_children(self->parent)) {
		drop(self);
		return;
	}
	/* One of the same pid that was waited for long ago. */
	a = find(self->pid, true);
	if (a) {
		a->pid = 0;
		settled(a->parent);
	}
	self->dead = true;
}

/* --- what is burnt --- */

void cputime_leaves(struct process *process, struct wire_image *image)
{
	struct account *a = living(process->pid);

	image->utime_ns += a->away.user;
	image->stime_ns += a->away.system;
	a->sent = (struct times){ image->utime_ns, image->stime_ns };
	a->told = false;
}

void cputime_told(struct process *process, uint64_t utime_ns, uint64_t stime_ns)
{
	struct account *a = living(process->pid);

	if (utime_ns > a->sent.user)
		a->away.user += utime_ns - a->sent.user;
	if (stime_ns > a->sent.system)
		a->away.system += stime_ns - a->sent.system;
	a->sent = (struct times){ utime_ns, stime_ns };
	a->told = true;
}

/* --- answers --- */

static void add_to_timeval(struct timeval *tv, uint64_t ns)
{
	uint64_t usec = (uint64_t)tv->tv_usec + ns % SEC / USEC;

	tv->tv_sec += (time_t)(ns / SEC + usec / (SEC / USEC));
	tv->tv_usec = (suseconds_t)(usec % (SEC / USEC));
}

static void add_to_rusage(uint8_t *at, uint32_t len, const struct times *more)
{
	struct rusage ru;

	if (len != sizeof(ru))
		return;
	memcpy(&ru, at, sizeof(ru));
	add_to_timeval(&ru.ru_utime, more->user);
	add_to_timeval(&ru.ru_stime, more->system);
	memcpy(at, &ru, sizeof(ru));
}

static void add_to_tms(uint8_t *at, uint32_t len, const struct times *children)
{
	uint64_t tick = SEC / (uint64_t)sysconf(_SC_CLK_TCK);
	int64_t tms[4];

	if (len != sizeof(tms))
		return;
	memcpy(tms, at, sizeof(tms));
	tms[2] += (int64_t)(children->user / tick);
	tms[3] += (int64_t)(children->system / tick);
	memcpy(at, tms, sizeof(tms));
}

/* What wait tells of a child: its own time, and that of the children it has waited for itself. */
static void add_child(uint8_t *at, uint32_t len, pid_t pid)
{
	struct account *a = find(pid, true);
	struct times sum = { 0 };

	if (!a)
		a = find(pid, false);
	if (!a)
		return;
	add(&sum, &a->away);
	add(&sum, &a->children);
	add_to_rusage(at, len, &sum);
}

void cputime_answer(struct stub *stub, const struct call *call, int64_t ret, uint8_t *content,
		    const uint32_t *lens)
{
	uint8_t *of[6] = { NULL };	/* the content of each argument's buffer */
	uint32_t len[6] = { 0 };
	siginfo_t info;

	for (unsigned i = 0; i < call->head.nbufs; i++) {
		if (call->bufs[i].arg < 6) {
			of[call->bufs[i].arg] = content;
			len[call->bufs[i].arg] = lens[i];
		}
		content += lens[i];
	}
	switch (call->head.nr) {
	case SYS_wait4:
		if (ret > 0)
			add_child(of[3], len[3], (pid_t)ret);
		break;
	case SYS_waitid:
		if (ret || len[2] != sizeof(info))
			break;
		memcpy(&info, of[2], sizeof(info));
		add_child(of[4], len[4], info.si_pid);
		break;
	case SYS_getrusage:
		if (!ret && (int)call->head.args[0] == RUSAGE_CHILDREN)
			add_to_rusage(of[1], len[1], &settled(stub->process->pid)->children);
		break;
	case SYS_times:
		add_to_tms(of[0], len[0], &settled(stub->process->pid)->children);
		break;
	}
}
