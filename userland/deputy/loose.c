/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lets programs go that change who they are: see loose.h. For the rules: execve(2), capabilities(7). */
#include "userland/deputy/loose.h"

#include <elf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "userland/deputy/agent.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/maps.h"
#include "userland/deputy/stub.h"
#include "userland/deputy/trace.h"
#include "userland/deputy/why.h"

/* The n-th number (from 0) after `key` in /proc/PID/status, in that base; -1: there is none. */
static long long status_field(const char *status, const char *key, int n, int base)
{
	const char *p = strstr(status, key);
	char *end;

	for (p = p ? p + strlen(key) : NULL; p; p = end) {
		unsigned long long v = strtoull(p, &end, base);

		if (end == p)
			return -1;
		if (!n--)
			return (long long)v;
	}
	return -1;
}

const char *loose_reason(struct stub *stub)
{
	enum { EFFECTIVE = 1 };
	const char *reason = NULL;
	char path[40], exe[40], *status;
	struct statvfs fs;
	struct stat st;
	size_t len;

	snprintf(exe, sizeof(exe), "/proc/%d/exe", stub->pid);
	if (stat(exe, &st) || statvfs(exe, &fs) || (fs.f_flag & ST_NOSUID))
		return NULL;
	snprintf(path, sizeof(path), "/proc/%d/status", stub->pid);
	status = proc_read(path, &len);
	if (!status)
		return NULL;
	if (status_field(status, "\nNoNewPrivs:", 0, 10) == 1)
		;
	else if ((st.st_mode & S_ISUID) && status_field(status, "\nUid:", EFFECTIVE, 10) != st.st_uid)
		reason = "it changes its user (set-user-id)";
	else if ((st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
		 status_field(status, "\nGid:", EFFECTIVE, 10) != st.st_gid)
		reason = "it changes its group (set-group-id)";
	else if (getxattr(exe, "security.capability", NULL, 0) > 0 &&
		 !status_field(status, "\nCapPrm:", 0, 16))
		reason = "it gets capabilities";
	free(status);
	return reason;
}

/* Where the program's name is, as execve was given it; 0: unknown, or it is another file's today. */
static uint64_t exec_name(struct stub *stub)
{
	char path[40], name[PATH_MAX], full[PATH_MAX + 40];
	uint64_t *aux, at = 0;
	struct stat exe, named;
	size_t len;
	long n;

	snprintf(path, sizeof(path), "/proc/%d/auxv", stub->pid);
	aux = (uint64_t *)proc_read(path, &len);
	for (size_t i = 0; aux && i + 1 < len / sizeof(*aux); i += 2)
		if (aux[i] == AT_EXECFN)
			at = aux[i + 1];
	free(aux);
	n = at ? stub_read_some(stub, at, name, sizeof(name)) : 0;
	if (n <= 0 || !memchr(name, 0, (size_t)n))
		return 0;
	snprintf(full, sizeof(full), "/proc/%d/%s/%s", stub->pid, *name == '/' ? "root" : "cwd", name);
	snprintf(path, sizeof(path), "/proc/%d/exe", stub->pid);
	if (stat(path, &exe) || stat(full, &named) || exe.st_dev != named.st_dev ||
	    exe.st_ino != named.st_ino)
		return 0;
	return at;
}

/* The registers with which it makes the same execve again. */
static bool set_up(struct stub *stub)
{
	struct user_regs_struct regs;
	uint64_t name = exec_name(stub), gadget = agent_find_syscall(stub), argc;

	if (!name || !gadget || stub_get_regs(stub, &regs) ||
	    stub_read(stub, regs.rsp, &argc, sizeof(argc)))
		return false;
	/* The stack as a program finds it: argc, argv, NULL, envp, NULL. */
	regs.rip = gadget;
	regs.rax = SYS_execve;
	regs.orig_rax = (uint64_t)-1;
	regs.rdi = name;
	regs.rsi = regs.rsp + 8;
	regs.rdx = regs.rsp + 8 * (argc + 2);
	return !stub_set_regs(stub, &regs);
}

struct ending {
	struct watch watch;
	pid_t pid;
};

static void on_end(struct watch *watch, uint32_t events)
{
	struct ending *ending = container_of(watch, struct ending, watch);
	struct stub *stub = stub_find(ending->pid);

	(void)events;
	if (stub && stub->process->loose)
		trace_died(stub, 0);
	loop_unwatch(watch);
	close(watch->fd);
	free(ending);
}

/* Our own child's end is reported to us anyway; of others we have to ask for it. */
static void watch_end(struct stub *stub)
{
	struct ending *ending = calloc(1, sizeof(*ending));

	if (!ending)
		deputy_fatal("out of memory");
	ending->pid = stub->pid;
	ending->watch.fn = on_end;
	ending->watch.fd = (int)syscall(SYS_pidfd_open, stub->pid, 0);
	if (ending->watch.fd < 0 || loop_watch(&ending->watch, EPOLLIN)) {
		if (ending->watch.fd >= 0)
			close(ending->watch.fd);
		free(ending);
		trace_died(stub, 0);
	}
}

bool loose_let_go(struct stub *stub, const char *reason)
{
	char path[40], *stat;
	int ppid = 0;
	size_t len;

	if (!set_up(stub))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/stat", stub->pid);
	stat = proc_read(path, &len);
	if (stat && strrchr(stat, ')'))
		sscanf(strrchr(stat, ')') + 1, " %*c %d", &ppid);
	free(stat);
	why_add(stub->process, "stays at home, untraced: %s", reason);
	stub->state = STUB_NATIVE;
	stub->process->loose = true;
	stub->stopped = false;
	if (ptrace(PTRACE_DETACH, stub->pid, 0, 0))
		return true; /* it has been killed: its end is on the way */
	if (ppid != getpid())
		watch_end(stub);
	return true;
}
