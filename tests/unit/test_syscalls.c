/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system-call table: complete, in step with the host's numbers, and every description possible.
 * Sources: proto/syscalls.c
 */
#include <asm/unistd_64.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <linux/fs.h>
#include <linux/sockios.h>
#include <asm/termbits.h>
#include <stdio.h>
#include <string.h>

#include "proto/syscalls.h"
#include "tests/unit/unit.h"

#define GAP_FIRST 336
#define GAP_LAST 423

/* How often each number has a line. */
static int lines[SYSCALL_MAX + 1];

static void count_lines(void)
{
#define SYSCALL(nr, ...) lines[nr]++;
#include "proto/syscalls.def"
#undef SYSCALL
}

TEST(complete)
{
	char buf[24];

	count_lines();
	for (int nr = 0; nr <= SYSCALL_MAX; nr++) {
		bool gap = nr >= GAP_FIRST && nr <= GAP_LAST;

		CHECK(lines[nr] == (gap ? 0 : 1));
		CHECK((sys_lookup(nr)->class == SYS_UNKNOWN) == gap);
	}
	CHECK(sys_lookup(SYSCALL_MAX + 1)->class == SYS_UNKNOWN);
	CHECK(sys_lookup(UINT64_MAX)->class == SYS_UNKNOWN && !sys_accepted(UINT64_MAX));
	CHECK(!strcmp(sys_name(400, buf), "400") && !strcmp(sys_name(0, buf), "read"));
	CHECK(!strcmp(sys_name(UINT64_MAX, buf), "18446744073709551615"));
}

/* A sample over the whole range against the host's own header; a shift anywhere would show. */
TEST(numbers)
{
#define SAME(call) CHECK(!strcmp(sys_lookup(__NR_##call)->name, #call))
	SAME(read); SAME(mmap); SAME(brk); SAME(ioctl); SAME(select); SAME(pause);
	SAME(sendfile); SAME(clone); SAME(execve); SAME(uname); SAME(fcntl); SAME(getcwd);
	SAME(chmod); SAME(gettimeofday); SAME(ptrace); SAME(setsid); SAME(capget);
	SAME(sigaltstack); SAME(personality); SAME(mlock); SAME(prctl); SAME(mount); SAME(gettid);
	SAME(setxattr); SAME(futex); SAME(getdents64); SAME(timer_create); SAME(exit_group);
	SAME(tgkill); SAME(mq_open); SAME(waitid); SAME(openat); SAME(pselect6); SAME(ppoll);
	SAME(splice); SAME(eventfd2); SAME(pipe2); SAME(prlimit64); SAME(getcpu); SAME(seccomp);
	SAME(getrandom); SAME(execveat); SAME(statx); SAME(rseq); SAME(pidfd_send_signal);
	SAME(clone3); SAME(openat2); SAME(epoll_pwait2); SAME(futex_waitv);
#undef SAME
}

static void check_args(const char *name, const struct sys_desc *d)
{
	int n = 6, iovecs = 0;

	while (n && d->args[n - 1].kind == ARG_NONE)
		n--;
	for (int i = 0; i < n; i++) {
		const struct sys_arg *a = &d->args[i];
		int ref = d->args[a->ref].kind;

		CHECK(a->kind != ARG_NONE);
		switch (a->kind) {
		case ARG_IN_LEN:
		case ARG_IN_MUL:
		case ARG_OUT_RET:
		case ARG_OUT_RETMUL:
		case ARG_PART_LEN:
		case ARG_INOUT_MUL:
		case ARG_FDSET:
		case ARG_IOV_IN:
		case ARG_IOV_OUT:
		case ARG_SIGMASK:
			if (a->ref >= n || (ref != ARG_V && ref != ARG_FD))
				printf("%s: argument %d counts by %d\n", name, i, a->ref);
			CHECK(a->ref < n && (ref == ARG_V || ref == ARG_FD));
			break;
		case ARG_OUT_LENP:
			CHECK(ref == ARG_LENP || (ref == ARG_PART && d->args[a->ref].size == 4));
			break;
		case ARG_IN:
		case ARG_OUT:
		case ARG_INOUT:
		case ARG_PART:
		case ARG_TIMEOUT:
			CHECK(a->size > 0);
			break;
		default:
			break;
		}
		/* marshal_iovec() replaces the next argument, the count, by 1. */
		if (a->kind == ARG_IOV_IN || a->kind == ARG_IOV_OUT) {
			CHECK(a->ref == i + 1);
			iovecs++;
		}
		if (a->kind == ARG_OUT_RETMUL || a->kind == ARG_OUT_RET)
			iovecs++;
	}
	/* The copies that forward.c keeps for them are one each. */
	CHECK(iovecs <= 1);
}

TEST(descriptions)
{
	for (int nr = 0; nr <= SYSCALL_MAX; nr++)
		check_args(sys_table[nr].name, sys_lookup(nr));
	for (size_t i = 0; i < cmd_table_len; i++) {
		check_args(cmd_table[i].desc.name, &cmd_table[i].desc);
		for (size_t j = 0; j < i; j++)
			CHECK(cmd_table[i].nr != cmd_table[j].nr ||
			      cmd_table[i].cmd != cmd_table[j].cmd);
	}
}

TEST(commands)
{
	const uint64_t tcgets[6] = { 0, TCGETS }, unknown[6] = { 0, 0xdeadbeef };
	const uint64_t getfs[6] = { 0x1003 };

	CHECK(!strcmp(sys_resolve(__NR_ioctl, tcgets)->name, "TCGETS"));
	CHECK(sys_resolve(__NR_ioctl, tcgets)->args[2].size == sizeof(struct termios));
	CHECK(!sys_resolve(__NR_ioctl, unknown));
	CHECK(!strcmp(sys_resolve(__NR_arch_prctl, getfs)->name, "ARCH_GET_FS"));
	CHECK(!strcmp(sys_resolve(__NR_read, unknown)->name, "read"));
	for (size_t i = 0; i < cmd_table_len; i++) {
		const struct cmd_desc *c = &cmd_table[i];
		unsigned size = c->desc.args[2].size;

		/*
		 * Numbers made by _IOR and _IOW since the 1990s tell the size; FS_IOC_* lie (int,
		 * not long).
		 */
		if (c->nr == __NR_ioctl && _IOC_SIZE(c->cmd) &&
		    sys_arg_is_pointer(&c->desc.args[2]))
			CHECK(_IOC_SIZE(c->cmd) == size);
#define NUMBER(n) (!strcmp(c->desc.name, #n) && c->cmd != (uint32_t)n)
		CHECK(!NUMBER(TIOCGWINSZ) && !NUMBER(FIONREAD) && !NUMBER(TCGETS2) &&
		      !NUMBER(SIOCGIFCONF) && !NUMBER(FS_IOC_GETFLAGS) && !NUMBER(BLKGETSIZE64));
#undef NUMBER
	}
}

TEST(classes)
{
	CHECK(sys_accepted(__NR_read) && sys_accepted(__NR_mmap) && sys_accepted(__NR_execve));
	/*
	 * Home forks by its own message, and makes nothing else for a node that it does not know.
	 */
	CHECK(!sys_accepted(__NR_fork) && !sys_accepted(__NR_clone) && !sys_accepted(__NR_clone3));
	CHECK(!sys_accepted(__NR_ptrace) && !sys_accepted(__NR_getpid) && !sys_accepted(400));
}
