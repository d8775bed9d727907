/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Terminals: a pipe is none; a pseudo-terminal is one, echoes, edits lines, has a size and raises ^C. */
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

#include "tests/abi/abi.h"

static void child(int slave)
{
	char line[64];
	ssize_t n;

	CHECK(setsid() == getpid() && !ioctl(slave, TIOCSCTTY, 0));
	CHECK(dup2(slave, 0) == 0 && isatty(0) && tcgetpgrp(0) == getpid());
	n = read(0, line, sizeof(line));
	CHECK(n == 6 && !memcmp(line, "hellp\n", 6));
	CHECK(write(slave, "ready", 5) == 5);
	for (;;)
		pause();
}

static void test(void)
{
	struct winsize ws = { .ws_row = 33, .ws_col = 44 }, got;
	struct termios tio;
	int master, slave, p[2], status;
	char buf[128];
	size_t have = 0;
	ssize_t n;
	pid_t pid;

	CHECK(!pipe(p) && !isatty(p[0]));
	CHECK_FAILS(tcgetattr(p[0], &tio), ENOTTY);
	CHECK(!openpty(&master, &slave, NULL, NULL, &ws));
	CHECK(isatty(slave) && !ioctl(slave, TIOCGWINSZ, &got));
	CHECK(got.ws_row == 33 && got.ws_col == 44);
	CHECK(!tcgetattr(slave, &tio) && (tio.c_lflag & ICANON) && (tio.c_lflag & ECHO));
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(master);
		child(slave);
	}
	/* 0177 erases. */
	CHECK(write(master, "helllo\177\177p\n", 10) == 10);
	while (have < sizeof(buf) - 1 && !memmem(buf, have, "ready", 5)) {
		n = read(master, buf + have, sizeof(buf) - have);
		CHECK(n > 0);
		have += n;
	}
	CHECK(write(master, "\003", 1) == 1);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
	tio.c_lflag &= ~(ICANON | ECHO);
	CHECK(!tcsetattr(slave, TCSANOW, &tio));
	CHECK(write(master, "x", 1) == 1 && read(slave, buf, 10) == 1 && buf[0] == 'x');
	close(master);
	CHECK(read(slave, buf, 1) == 0);
	close(slave);
	close(p[0]);
	close(p[1]);
	printf("terminal ok\n");
}
