/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sendmsg and recvmsg: vectors, addresses, descriptors, credentials, what is cut off, and what is refused. */
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "tests/abi/abi.h"

static struct sockaddr_un name(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	strcpy(a.sun_path, path);
	return a;
}

/* A datagram gathered from three buffers and scattered into two; the sender's address comes along. */
static void gather_scatter(void)
{
	struct sockaddr_un a = name("a"), b = name("b"), from;
	int s = socket(AF_UNIX, SOCK_DGRAM, 0), r = socket(AF_UNIX, SOCK_DGRAM, 0);
	char one[8], two[64];
	struct iovec out[3] = { { "abc", 3 }, { "", 0 }, { "defghijklmnop", 13 } };
	struct iovec in[2] = { { one, sizeof(one) }, { two, sizeof(two) } };
	struct msghdr m = { .msg_name = &b, .msg_namelen = sizeof(b), .msg_iov = out, .msg_iovlen = 3 };
	struct msghdr g = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = in, .msg_iovlen = 2 };

	CHECK(!bind(s, (void *)&a, sizeof(a)) && !bind(r, (void *)&b, sizeof(b)));
	CHECK(sendmsg(s, &m, 0) == 16);
	memset(two, '#', sizeof(two));
	memset(&from, '#', sizeof(from));
	CHECK(recvmsg(r, &g, 0) == 16 && g.msg_flags == 0);
	CHECK(!memcmp(one, "abcdefgh", 8) && !memcmp(two, "ijklmnop#", 9));
	printf("from %u bytes: %d %s, then %c\n", g.msg_namelen, from.sun_family, from.sun_path,
	       ((char *)&from)[g.msg_namelen]);
	/* An address that does not fit is cut, but its length is told. */
	CHECK(sendmsg(s, &m, 0) == 16);
	memset(&from, '#', sizeof(from));
	g.msg_namelen = 1;
	in[1].iov_len = 3;
	CHECK(recvmsg(r, &g, 0) == 11 && g.msg_flags == MSG_TRUNC);
	printf("cut to %u, %d\n", g.msg_namelen, ((char *)&from)[1]);
	/* The true length of what is cut; and once more without taking it. */
	CHECK(sendmsg(s, &m, 0) == 16);
	CHECK(recvmsg(r, &g, MSG_PEEK | MSG_TRUNC) == 16 && recvmsg(r, &g, MSG_TRUNC) == 16);
	CHECK_FAILS(recvmsg(r, &g, MSG_DONTWAIT), EAGAIN);
	g.msg_name = NULL;
	g.msg_namelen = 77;
	CHECK(sendmsg(s, &m, 0) == 16 && recvmsg(r, &g, 0) == 11);
	printf("without a name: %u\n", g.msg_namelen);
	close(s);
	close(r);
	CHECK(!unlink("a") && !unlink("b"));
}

/* Several descriptors and the sender's identity in one message. */
static void control(void)
{
	union {
		char bytes[CMSG_SPACE(3 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} c;
	struct iovec iov = { "x", 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c) };
	int sv[2], one = 1, fds[3], got[3], creds = 0, rights = 0;
	struct ucred cred = { getpid(), getuid(), getgid() };
	struct cmsghdr *h;
	struct stat st, st2;
	char buf[4];

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	CHECK(!setsockopt(sv[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	for (int i = 0; i < 3; i++)
		CHECK((fds[i] = open(i == 0 ? "/dev/null" : i == 1 ? "/dev/zero" : ".", O_RDONLY)) >= 0);
	memset(&c, 0, sizeof(c));
	h = CMSG_FIRSTHDR(&m);
	*h = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(fds)) };
	memcpy(CMSG_DATA(h), fds, sizeof(fds));
	h = CMSG_NXTHDR(&m, h);
	*h = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS, .cmsg_len = CMSG_LEN(sizeof(cred)) };
	memcpy(CMSG_DATA(h), &cred, sizeof(cred));
	CHECK(sendmsg(sv[0], &m, 0) == 1);
	memset(&c, '#', sizeof(c));
	iov.iov_base = buf;
	CHECK(recvmsg(sv[1], &m, MSG_CMSG_CLOEXEC) == 1);
	printf("control %zu bytes, flags %#x\n", m.msg_controllen, m.msg_flags);
	for (h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		if (h->cmsg_type == SCM_CREDENTIALS && h->cmsg_len == CMSG_LEN(sizeof(cred))) {
			memcpy(&cred, CMSG_DATA(h), sizeof(cred));
			creds += cred.pid == getpid() && cred.uid == getuid() && cred.gid == getgid();
		}
		if (h->cmsg_type == SCM_RIGHTS && h->cmsg_len == CMSG_LEN(sizeof(got))) {
			memcpy(got, CMSG_DATA(h), sizeof(got));
			rights++;
		}
	}
	CHECK(creds == 1 && rights == 1);
	for (int i = 0; i < 3; i++) {
		CHECK(got[i] != fds[i] && !fstat(got[i], &st) && !fstat(fds[i], &st2));
		CHECK(st.st_ino == st2.st_ino && st.st_rdev == st2.st_rdev && fcntl(got[i], F_GETFD) == FD_CLOEXEC);
		close(got[i]);
	}
	/* Room for one of three: the others are not received at all. */
	m.msg_controllen = CMSG_SPACE(3 * sizeof(int));
	h = CMSG_FIRSTHDR(&m);
	*h = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(fds)) };
	memcpy(CMSG_DATA(h), fds, sizeof(fds));
	CHECK(sendmsg(sv[1], &m, 0) == 1);
	memset(&c, '#', sizeof(c));
	m.msg_controllen = CMSG_LEN(sizeof(int));
	CHECK(recvmsg(sv[0], &m, 0) == 1 && m.msg_flags == MSG_CTRUNC);
	printf("cut: %zu bytes, message %zu, then %c\n", m.msg_controllen, CMSG_FIRSTHDR(&m)->cmsg_len,
	       c.bytes[CMSG_LEN(sizeof(int))]);
	memcpy(got, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	close(got[0]);
	/* A descriptor that is not one. */
	m.msg_controllen = CMSG_SPACE(sizeof(int));
	h = CMSG_FIRSTHDR(&m);
	*h = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) };
	memcpy(CMSG_DATA(h), &(int){ 987 }, sizeof(int));
	CHECK_FAILS(sendmsg(sv[1], &m, 0), EBADF);
	h->cmsg_len = 3;
	CHECK_FAILS(sendmsg(sv[1], &m, 0), EINVAL);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	close(sv[0]);
	close(sv[1]);
}

static void refused(void)
{
	struct iovec iov = { "x", 1 }, many[2] = { { "y", 1 }, { (void *)16, 5 } };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = IOV_MAX + 1 };
	struct sockaddr_un nowhere = name("nowhere");
	int sv[2];
	char buf[8];

	CHECK(!socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
	CHECK_FAILS(sendmsg(sv[0], &m, 0), EMSGSIZE);
	CHECK_FAILS(sendmsg(sv[0], (void *)16, 0), EFAULT);
	CHECK_FAILS(sendmsg(987, (void *)16, 0), EBADF);
	CHECK_FAILS(sendmsg(0x7ffffff, &m, 0), EBADF);
	m.msg_iovlen = 1;
	iov.iov_len = (size_t)-1;
	CHECK_FAILS(sendmsg(sv[0], &m, 0), EINVAL);
	iov.iov_len = 1;
	iov.iov_base = (void *)16;
	CHECK_FAILS(sendmsg(sv[0], &m, 0), EFAULT);
	m.msg_iov = many;
	m.msg_iovlen = 2;
	CHECK_FAILS(sendmsg(sv[0], &m, 0), EFAULT);
	m.msg_iov = (void *)16;
	CHECK_FAILS(sendmsg(sv[0], &m, 0), EFAULT);
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	iov.iov_base = buf;
	m.msg_control = (void *)16;
	m.msg_controllen = 64;
	CHECK_FAILS(sendmsg(sv[0], &m, 0), EFAULT);
	m.msg_control = NULL;
	m.msg_controllen = 0;
	m.msg_name = &nowhere;
	m.msg_namelen = (socklen_t)-1;
	CHECK_FAILS(sendmsg(sv[0], &m, 0), EINVAL);
	m.msg_namelen = 0;
	m.msg_iovlen = 0;
	CHECK(sendmsg(sv[0], &m, 0) == 0);
	m.msg_iovlen = 1;
	iov.iov_len = 8;
	m.msg_name = NULL;
	CHECK(recvmsg(sv[1], &m, 0) == 0);
	CHECK_FAILS(recvmsg(sv[1], &m, MSG_DONTWAIT), EAGAIN);
	CHECK_FAILS(recvmsg(0, &m, 0), ENOTSOCK);
	close(sv[0]);
	close(sv[1]);
}

static void test(void)
{
	int null = dup2(open("/dev/null", O_RDWR), 0);

	CHECK(null == 0);
	close(3);
	gather_scatter();
	control();
	refused();
	printf("messages ok\n");
}
