/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first and only program of the Linux guest that nodes are measured against: loads the modules of
 * network cards, takes the address that the kernel's command line names, and offers the services that
 * a bench node has (net/bench.c: echo, sink, source, on the same ports). Static: the initramfs holds
 * nothing else.
 *
 *	address=A.B.C.D		of the first card, /24; without it: says that it runs, and waits
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MODULES "/modules"
#define CHUNK (256 * 1024)

enum { ECHO_PORT = 7747, SINK_PORT = 7748, SOURCE_PORT = 7749 };

static char buffer[CHUNK];

/* Whoever needs another fails until that is there: so again, as long as it helps. */
static void load_modules(void)
{
	bool progress = true;

	while (progress) {
		DIR *dir = opendir(MODULES);
		struct dirent *e;

		progress = false;
		while (dir && (e = readdir(dir))) {
			int fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_CLOEXEC);

			if (e->d_name[0] != '.' && fd >= 0 && !syscall(SYS_finit_module, fd, "", 0))
				progress = true;
			if (fd >= 0)
				close(fd);
		}
		if (dir)
			closedir(dir);
	}
}

static bool set_address(const char *name, const char *address)
{
	struct ifreq ifr = { 0 };
	struct sockaddr_in *sin = (struct sockaddr_in *)&ifr.ifr_addr;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	sin->sin_family = AF_INET;
	ok = inet_pton(AF_INET, address, &sin->sin_addr) == 1 && !ioctl(fd, SIOCSIFADDR, &ifr) &&
	     inet_pton(AF_INET, "255.255.255.0", &sin->sin_addr) == 1 &&
	     !ioctl(fd, SIOCSIFNETMASK, &ifr) && !ioctl(fd, SIOCGIFFLAGS, &ifr);
	ifr.ifr_flags |= IFF_UP;
	ok = ok && !ioctl(fd, SIOCSIFFLAGS, &ifr);
	close(fd);
	return ok;
}

/* The first interface that is not the loopback one; 10 s for the cards to show up. */
static const char *first_card(void)
{
	static char name[IF_NAMESIZE];

	for (int i = 0; i < 1000; i++, usleep(10000)) {
		struct if_nameindex *all = if_nameindex();
		bool found = false;

		for (struct if_nameindex *n = all; n && n->if_index && !found; n++) {
			found = strcmp(n->if_name, "lo") != 0;
			if (found)
				snprintf(name, sizeof(name), "%s", n->if_name);
		}
		if_freenameindex(all);
		if (found)
			return name;
	}
	return NULL;
}

static void serve(int fd, int port)
{
	ssize_t n;

	while ((n = port == SOURCE_PORT ? CHUNK : read(fd, buffer, CHUNK)) > 0)
		if (port != SINK_PORT && write(fd, buffer, n) != n)
			break;
	_exit(0);
}

static void listen_on(int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0), conn;

	if (fork() != 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) || listen(fd, 16))
		_exit(1);
	while ((conn = accept(fd, NULL, NULL)) >= 0) {
		setsockopt(conn, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (fork() == 0)
			serve(conn, port);
		close(conn);
	}
	_exit(1);
}

int main(void)
{
	const char *address = getenv("address"), *card;
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	printf("linux: init runs, %lu ms after the kernel's clock began\n",
	       ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
	fflush(stdout);
	signal(SIGCHLD, SIG_IGN);
	if (address) {
		load_modules();
		card = first_card();
		if (!card || !set_address(card, address)) {
			printf("linux: there is no card to use\n");
		} else {
			listen_on(ECHO_PORT);
			listen_on(SINK_PORT);
			listen_on(SOURCE_PORT);
			printf("linux: serves at %s\n", address);
		}
		fflush(stdout);
	}
	for (;;)
		pause();
}
