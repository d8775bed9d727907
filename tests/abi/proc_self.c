/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process reads about itself is true: its program, arguments, name, folder and descriptors. */
#include <fcntl.h>
#include <limits.h>
#include <sys/prctl.h>
#include <sys/utsname.h>

#include "tests/abi/abi.h"

static void test(void)
{
	char a[PATH_MAX], b[PATH_MAX], name[17];
	struct utsname un;
	ssize_t n;
	int fd;

	n = readlink("/proc/self/cwd", a, sizeof(a) - 1);
	CHECK(n > 0);
	a[n] = 0;
	CHECK(getcwd(b, sizeof(b)) && !strcmp(a, b));
	n = readlink("/proc/self/exe", a, sizeof(a) - 1);
	CHECK(n > 0);
	a[n] = 0;
	CHECK(!strcmp(strrchr(a, '/'), "/proc_self"));
	fd = open("/proc/self/cmdline", O_RDONLY);
	n = read(fd, a, sizeof(a) - 1);
	CHECK(n > 0 && !close(fd));
	a[n] = 0;
	CHECK(strstr(a, "proc_self") && (size_t)n == strlen(a) + 1);
	CHECK(!prctl(PR_SET_NAME, "renamed-process-here") && !prctl(PR_GET_NAME, name));
	CHECK(!strcmp(name, "renamed-process"));
	fd = open("/proc/self/comm", O_RDONLY);
	n = read(fd, a, sizeof(a));
	CHECK(n == 16 && !memcmp(a, "renamed-process\n", 16));
	snprintf(a, sizeof(a), "/proc/self/fd/%d", fd);
	CHECK((n = readlink(a, b, sizeof(b))) > 0 && !close(fd));
	CHECK(!uname(&un) && !strcmp(un.sysname, "Linux") && !strcmp(un.machine, "x86_64"));
	CHECK(sysconf(_SC_PAGESIZE) == 4096 && sysconf(_SC_NPROCESSORS_ONLN) > 0);
	printf("self ok\n");
}
