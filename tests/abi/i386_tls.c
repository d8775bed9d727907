/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segments of a program's own: set_thread_area, selectors in FS and ES, over forks and time.
 */
#include <asm/ldt.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static uint32_t area[4] = { 0x11111111, 0x22222222, 0x33333333, 0x44444444 };

static uint32_t fs_read(uint32_t offset)
{
	uint32_t v;

	__asm__ volatile("movl %%fs:(%1), %0" : "=r"(v) : "r"(offset));
	return v;
}

static void fs_set(uint16_t selector)
{
	__asm__ volatile("movw %0, %%fs" : : "r"(selector));
}

static uint16_t fs_get(void)
{
	uint16_t v;

	__asm__ volatile("movw %%fs, %0" : "=r"(v));
	return v;
}

static void test(void)
{
	struct user_desc d = {
		.entry_number = -1,
		.base_addr = (unsigned long)area,
		.limit = sizeof(area) - 1,
		.seg_32bit = 1,
		.useable = 1,
	}, got, bad = d;
	int status, entry;
	pid_t pid;

	CHECK(!syscall(SYS_set_thread_area, &d));
	entry = d.entry_number;
	CHECK(entry >= 12 && entry <= 14);
	fs_set(entry * 8 + 3);
	CHECK(fs_read(0) == 0x11111111 && fs_read(12) == 0x44444444);
	memset(&got, 0xff, sizeof(got));
	got.entry_number = entry;
	CHECK(!syscall(SYS_get_thread_area, &got));
	CHECK(got.base_addr == d.base_addr && got.limit == d.limit && got.seg_32bit && got.useable &&
	      !got.limit_in_pages && !got.seg_not_present && !got.read_exec_only && !got.contents);
	/* A change shows in a register that holds the selector. */
	d.base_addr += 4;
	d.limit -= 4;
	CHECK(!syscall(SYS_set_thread_area, &d) && fs_read(0) == 0x22222222);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		for (int i = 0; i < 50; i++)
			sched_yield();
		_exit(fs_get() == entry * 8 + 3 && fs_read(8) == 0x44444444 ? 7 : 8);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 7 << 8);
	bad.entry_number = 11;
	CHECK_FAILS(syscall(SYS_set_thread_area, &bad), EINVAL);
	CHECK_FAILS(syscall(SYS_get_thread_area, &bad), EINVAL);
	bad.entry_number = entry;
	bad.contents = 2;
	CHECK_FAILS(syscall(SYS_set_thread_area, &bad), EINVAL);
	CHECK_FAILS(syscall(SYS_set_thread_area, (void *)16), EFAULT);
	CHECK(fs_read(4) == 0x33333333);
	fs_set(0);
	/* Taken back, so that the next round finds one free. */
	memset(&got, 0, sizeof(got));
	got.entry_number = entry;
	got.read_exec_only = 1;
	got.seg_not_present = 1;
	CHECK(!syscall(SYS_set_thread_area, &got));
	printf("segments ok\n");
}
