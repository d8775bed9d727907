/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ioctls of pipes, sockets, files, interfaces and terminals: answers, settings, and what is no terminal. */
#include <fcntl.h>
#include <linux/fs.h>
#include <net/if.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>

#include "tests/abi/abi.h"

static void pipes_and_files(void)
{
	int p[2], v = -1, on = 1, fd = open("f", O_RDWR | O_CREAT, 0644);
	struct winsize ws;
	char c;

	CHECK(!pipe(p) && write(p[1], "12345", 5) == 5 && !ioctl(p[0], FIONREAD, &v) && v == 5);
	CHECK(!ioctl(p[0], FIONBIO, &on) && (fcntl(p[0], F_GETFL) & O_NONBLOCK));
	on = 0;
	CHECK(!ioctl(p[0], FIONBIO, &on) && !(fcntl(p[0], F_GETFL) & O_NONBLOCK));
	CHECK(!ioctl(p[0], FIOCLEX) && fcntl(p[0], F_GETFD) == FD_CLOEXEC && !ioctl(p[0], FIONCLEX) && fcntl(p[0], F_GETFD) == 0);
	CHECK_FAILS(ioctl(p[0], TIOCGWINSZ, &ws), ENOTTY);
	CHECK(!isatty(p[0]) && errno == ENOTTY && !isatty(fd));
	CHECK(write(fd, "abcdef", 6) == 6 && lseek(fd, 2, SEEK_SET) == 2 && !ioctl(fd, FIONREAD, &v) && v == 4);
	CHECK(!ioctl(fd, FIGETBSZ, &v) && v > 0);
	CHECK_FAILS(ioctl(987, FIONREAD, &v), EBADF);
	CHECK_FAILS(ioctl(p[0], FIONREAD, (void *)16), EFAULT);
	CHECK(read(p[0], &c, 1) == 1);
	close(p[0]);
	close(p[1]);
	close(fd);
	unlink("f");
}

static void interfaces(void)
{
	struct ifreq req[16], one = { .ifr_name = "lo" };
	struct ifconf conf = { .ifc_len = sizeof(req), .ifc_req = req };
	int s = socket(AF_INET, SOCK_DGRAM, 0), n, lo = 0, len;

	CHECK(s >= 0 && !ioctl(s, SIOCGIFCONF, &conf) && conf.ifc_len > 0 && conf.ifc_len % sizeof(req[0]) == 0);
	n = conf.ifc_len / sizeof(req[0]);
	for (int i = 0; i < n; i++)
		lo += !strcmp(req[i].ifr_name, "lo");
	CHECK(lo >= 1 && conf.ifc_req == req);
	len = conf.ifc_len;
	conf = (struct ifconf){ 0 };
	CHECK(!ioctl(s, SIOCGIFCONF, &conf) && conf.ifc_len == len);
	conf = (struct ifconf){ .ifc_len = sizeof(req[0]), .ifc_req = req };
	CHECK(!ioctl(s, SIOCGIFCONF, &conf) && conf.ifc_len == sizeof(req[0]));
	CHECK(!ioctl(s, SIOCGIFFLAGS, &one) && (one.ifr_flags & IFF_LOOPBACK));
	CHECK(!ioctl(s, SIOCGIFINDEX, &one) && one.ifr_ifindex == (int)if_nametoindex("lo"));
	CHECK(!ioctl(s, SIOCGIFADDR, &one) && one.ifr_addr.sa_family == AF_INET);
	strcpy(one.ifr_name, "nothing0");
	CHECK_FAILS(ioctl(s, SIOCGIFMTU, &one), ENODEV);
	close(s);
}

static void terminals(void)
{
	struct winsize ws = { 33, 99, 1, 2 }, got;
	struct termios t;
	int m, s, v;
	char buf[64];

	CHECK(!openpty(&m, &s, buf, NULL, &ws) && !strncmp(buf, "/dev/pts/", 9) && isatty(s));
	CHECK(!ioctl(s, TIOCGWINSZ, &got) && got.ws_row == 33 && got.ws_col == 99 && got.ws_ypixel == 2);
	got.ws_col = 77;
	CHECK(!ioctl(m, TIOCSWINSZ, &got) && !ioctl(s, TIOCGWINSZ, &ws) && ws.ws_col == 77);
	CHECK(!tcgetattr(s, &t) && (t.c_lflag & ICANON));
	cfmakeraw(&t);
	CHECK(!tcsetattr(s, TCSADRAIN, &t) && !tcgetattr(m, &t) && !(t.c_lflag & (ICANON | ECHO)) && cfgetospeed(&t) == B38400);
	CHECK(write(m, "raw", 3) == 3 && read(s, buf, 64) == 3 && write(s, "out", 3) == 3);
	/* It comes through a moment later. */
	do
		CHECK(!ioctl(m, FIONREAD, &v) && v <= 3);
	while (v < 3 && !usleep(1000));
	CHECK(!ioctl(s, TIOCOUTQ, &v) && !tcflush(m, TCIOFLUSH) && !tcdrain(s) && !tcflow(s, TCOON));
	CHECK(!ioctl(s, TIOCEXCL) && !ioctl(s, TIOCNXCL) && !ioctl(m, TIOCGPTN, &v) && v >= 0);
	CHECK(tcgetpgrp(s) == -1 && errno == ENOTTY);
	v = 1;
	CHECK(!ioctl(m, TIOCPKT, &v) && write(s, "p", 1) == 1 && read(m, buf, 64) >= 1);
	close(s);
	CHECK(read(m, buf, 64) >= -1);
	close(m);
}

static void test(void)
{
	pipes_and_files();
	interfaces();
	terminals();
	printf("ioctl ok\n");
}
