/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP and UDP over the loopback: addresses, options, out-of-band and thrown-away data, refusals. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static int listener(struct sockaddr_in *a)
{
	socklen_t len = sizeof(*a);
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	*a = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	CHECK(s >= 0 && !setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	CHECK(!bind(s, (void *)a, sizeof(*a)) && !listen(s, 8) && !getsockname(s, (void *)a, &len));
	CHECK(len == sizeof(*a) && a->sin_port);
	return s;
}

static void tcp(void)
{
	struct sockaddr_in a, peer, mine;
	int l = listener(&a), c, s, v;
	socklen_t len = sizeof(peer);
	struct linger lg = { 1, 0 };
	struct pollfd p;
	char buf[32] = "";

	c = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(!connect(c, (void *)&a, sizeof(a)));
	s = accept4(l, (void *)&peer, &len, SOCK_NONBLOCK);
	CHECK(s >= 0 && len == sizeof(peer) && (fcntl(s, F_GETFL) & O_NONBLOCK));
	len = sizeof(mine);
	CHECK(!getsockname(c, (void *)&mine, &len) && mine.sin_port == peer.sin_port);
	CHECK(!getpeername(c, (void *)&mine, &len) && mine.sin_port == a.sin_port);
	v = 1;
	CHECK(!setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &v, sizeof(v)));
	v = 0;
	len = sizeof(v);
	CHECK(!getsockopt(c, IPPROTO_TCP, TCP_NODELAY, &v, &len) && v == 1);
	CHECK(!getsockopt(l, SOL_SOCKET, SO_ACCEPTCONN, &v, &len) && v == 1);
	CHECK_FAILS(getsockopt(c, SOL_SOCKET, 9999, &v, &len), ENOPROTOOPT);
	CHECK_FAILS(setsockopt(c, SOL_SOCKET, SO_LINGER, &v, sizeof(v)), EINVAL);
	CHECK_FAILS(recv(s, buf, 4, 0), EAGAIN);
	CHECK(send(c, "hello world", 11, 0) == 11);
	p = (struct pollfd){ s, POLLIN, 0 };
	CHECK(poll(&p, 1, -1) == 1 && !ioctl(s, FIONREAD, &v) && v == 11);
	CHECK(recv(s, buf, 5, MSG_PEEK) == 5 && !memcmp(buf, "hello", 5));
	/* Thrown away: the buffer stays as it is. */
	memset(buf, '#', sizeof(buf));
	CHECK(recv(s, buf, 6, MSG_TRUNC) == 6 && buf[0] == '#' && buf[5] == '#');
	CHECK(recvfrom(s, buf, 32, 0, (void *)&peer, &len) == 5 && !memcmp(buf, "world#", 6));
	CHECK(send(c, "!", 1, MSG_OOB) == 1);
	p.events = POLLPRI;
	CHECK(poll(&p, 1, -1) == 1 && recv(s, buf, 1, MSG_OOB) == 1 && buf[0] == '!');
	CHECK(!shutdown(c, SHUT_WR));
	p.events = POLLIN | POLLRDHUP;
	CHECK(poll(&p, 1, -1) == 1 && (p.revents & POLLRDHUP) && recv(s, buf, 8, 0) == 0);
	CHECK(!setsockopt(s, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg)));
	close(s);
	p = (struct pollfd){ c, POLLIN, 0 };
	CHECK(poll(&p, 1, -1) == 1);
	CHECK_FAILS(recv(c, buf, 8, 0), ECONNRESET);
	len = sizeof(v);
	CHECK(!getsockopt(c, SOL_SOCKET, SO_ERROR, &v, &len) && v == 0);
	close(c);
	close(l);
	c = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_FAILS(connect(c, (void *)&a, sizeof(a)), ECONNREFUSED);
	CHECK_FAILS(connect(c, (void *)&a, 3), EINVAL);
	close(c);
}

static void nonblocking_connect(void)
{
	struct sockaddr_in a;
	int l = listener(&a), c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), v = -1;
	socklen_t len = sizeof(v);
	struct pollfd p = { c, POLLOUT, 0 };

	if (connect(c, (void *)&a, sizeof(a)))
		CHECK(errno == EINPROGRESS);
	CHECK(poll(&p, 1, -1) == 1 && !getsockopt(c, SOL_SOCKET, SO_ERROR, &v, &len) && v == 0);
	close(c);
	close(l);
}

static void udp(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, from;
	int r = socket(AF_INET, SOCK_DGRAM, 0), s = socket(AF_INET, SOCK_DGRAM, 0), n;
	struct timeval tv = { 0, 30000 };
	socklen_t len = sizeof(a);
	char buf[64];

	CHECK(!bind(r, (void *)&a, sizeof(a)) && !getsockname(r, (void *)&a, &len));
	CHECK(sendto(s, "datagram", 8, 0, (void *)&a, sizeof(a)) == 8);
	memset(buf, '#', sizeof(buf));
	len = sizeof(from);
	CHECK(recvfrom(r, buf, 4, MSG_TRUNC, (void *)&from, &len) == 8 && !memcmp(buf, "data#", 5));
	CHECK(len == sizeof(from) && from.sin_addr.s_addr == a.sin_addr.s_addr);
	CHECK(sendto(s, "", 0, 0, (void *)&a, sizeof(a)) == 0 && recv(r, buf, 8, 0) == 0);
	CHECK_FAILS(sendto(s, buf, 8, 0, NULL, 0), EDESTADDRREQ);
	CHECK(!setsockopt(r, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	CHECK_FAILS(recv(r, buf, 8, 0), EAGAIN);
	CHECK(!connect(s, (void *)&a, sizeof(a)));
	close(r);
	n = send(s, "x", 1, 0);
	CHECK(n == 1);
	CHECK_FAILS(recv(s, buf, 8, 0), ECONNREFUSED);
	close(s);
}

static void test(void)
{
	tcp();
	nonblocking_connect();
	udp();
	printf("inet ok\n");
}
