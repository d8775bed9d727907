/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/PID/status, stat and statm: who nobody traces runs, sleeps or stops; memory and time that were used show.
 * Not moved: at home Linux shows who traces a process.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static char text[8192];

static char *file(pid_t pid, const char *name)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	n = read(fd, text, sizeof(text) - 1);
	CHECK(n > 0 && read(fd, path, 1) == 0 && !close(fd));
	text[n] = 0;
	return text;
}

static long field(pid_t pid, const char *name)
{
	char *p = strstr(file(pid, "status"), name);

	CHECK(p);
	return atol(p + strlen(name));
}

static char state(pid_t pid)
{
	char c;

	CHECK(sscanf(strrchr(file(pid, "stat"), ')') + 1, " %c", &c) == 1);
	return c;
}

static void wait_state(pid_t pid, char want)
{
	while (state(pid) != want)
		usleep(5000);
}

static void test(void)
{
	long before, after, size, resident;
	size_t len = 32 << 20;
	int fds[2], status;
	pid_t pid;
	char *p, c;

	CHECK(field(getpid(), "TracerPid:") == 0 && field(getpid(), "Pid:") == getpid());
	CHECK(field(getpid(), "PPid:") == getppid() && strstr(text, "State:\tR (running)") && field(getpid(), "Threads:") == 1);
	CHECK(state(getpid()) == 'R');
	before = field(getpid(), "VmRSS:");
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(p, 1, len);
	after = field(getpid(), "VmRSS:");
	CHECK(after - before > 30 << 10 && field(getpid(), "VmHWM:") >= after && field(getpid(), "RssAnon:") > 30 << 10);
	CHECK(sscanf(file(getpid(), "statm"), "%ld %ld", &size, &resident) == 2 && resident * 4 > 30 << 10);
	CHECK(field(getpid(), "VmSize:") == size * 4);
	CHECK(!munmap(p, len));
	CHECK(!pipe(fds));
	pid = fork();
	if (!pid) {
		CHECK(read(fds[0], &c, 1) == 1);
		pause();
		_exit(0);
	}
	wait_state(pid, 'S');
	CHECK(field(pid, "TracerPid:") == 0 && field(pid, "PPid:") == getpid());
	CHECK(!kill(pid, SIGSTOP) && waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	wait_state(pid, 'T');
	CHECK(strstr(file(pid, "status"), "State:\tT (stopped)"));
	CHECK(!kill(pid, SIGCONT));
	wait_state(pid, 'S');
	CHECK(write(fds[1], "x", 1) == 1);
	CHECK(!kill(pid, SIGTERM));
	wait_state(pid, 'Z');
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	close(fds[0]);
	close(fds[1]);
	printf("status ok\n");
}
