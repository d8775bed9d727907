/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets stay at home and work: a pair, messages, a descriptor in a message, a listener and its client. */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static void send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { "F", 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	CHECK(sendmsg(sock, &msg, 0) == 1);
}

static int receive_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))], buf[4];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int fd;

	CHECK(recvmsg(sock, &msg, 0) == 1 && buf[0] == 'F' && CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

static void test(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = "socket" };
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int sv[2], p[2], fd, server, client, status, value;
	char buf[64];
	pid_t pid;

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, sv) && !pipe(p));
	CHECK(send(sv[0], "hello", 5, 0) == 5 && recv(sv[1], buf, 64, MSG_PEEK) == 5);
	CHECK(recv(sv[1], buf, 3, 0) == 3 && read(sv[1], buf + 3, 10) == 2 && !memcmp(buf, "hello", 5));
	CHECK_FAILS(recv(sv[1], buf, 1, MSG_DONTWAIT), EAGAIN);
	CHECK(!getsockopt(sv[0], SOL_SOCKET, SO_PEERCRED, &cred, &len) && cred.pid == getpid());
	len = sizeof(value);
	CHECK(!getsockopt(sv[0], SOL_SOCKET, SO_TYPE, &value, &len) && value == SOCK_STREAM);
	send_fd(sv[0], p[1]);
	fd = receive_fd(sv[1]);
	CHECK(write(fd, "via", 3) == 3 && read(p[0], buf, 64) == 3 && !memcmp(buf, "via", 3));
	close(fd);
	CHECK(!shutdown(sv[0], SHUT_WR) && recv(sv[1], buf, 1, 0) == 0);
	server = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(server >= 0 && !bind(server, (struct sockaddr *)&sun, sizeof(sun)) && !listen(server, 4));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		client = socket(AF_UNIX, SOCK_STREAM, 0);
		CHECK(!connect(client, (struct sockaddr *)&sun, sizeof(sun)));
		CHECK(write(client, "question", 8) == 8 && read(client, buf, 64) == 6);
		_exit(memcmp(buf, "answer", 6) ? 1 : 0);
	}
	client = accept(server, NULL, NULL);
	CHECK(client >= 0 && read(client, buf, 64) == 8 && write(client, "answer", 6) == 6);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	close(client);
	close(server);
	CHECK(!unlink("socket"));
	CHECK_FAILS(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&sun, sizeof(sun)), ENOENT);
	CHECK_FAILS(socket(99, SOCK_STREAM, 0), EAFNOSUPPORT);
	for (int i = 0; i < 2; i++) {
		close(sv[i]);
		close(p[i]);
	}
	close(p[1] + 1);
	for (int i = 3; i < 20; i++)
		close(i);
	printf("sockets ok\n");
}
