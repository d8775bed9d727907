/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sendmmsg and recvmmsg: as many as there are, their lengths, and what an error in the middle leaves. */
#include <fcntl.h>
#include <sys/socket.h>
#include <time.h>

#include "tests/abi/abi.h"

#define N 5

static void test(void)
{
	struct mmsghdr out[N], in[N + 3];
	struct iovec iov[2 * N], riov[N + 3];
	char text[N][16], buf[N + 3][8];
	struct timespec ts = { 3600, 0 }, bad = { -1, 0 };
	int sv[2], n;

	CHECK(!socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
	memset(out, 0, sizeof(out));
	memset(in, 0, sizeof(in));
	for (int i = 0; i < N; i++) {
		snprintf(text[i], sizeof(text[i]), "%d-%.*s", i, i, "xxxxxx");
		iov[2 * i] = (struct iovec){ text[i], 2 };
		iov[2 * i + 1] = (struct iovec){ text[i] + 2, strlen(text[i] + 2) };
		out[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[2 * i], .msg_iovlen = 2 };
		out[i].msg_len = 99;
	}
	for (int i = 0; i < N + 3; i++) {
		riov[i] = (struct iovec){ buf[i], sizeof(buf[i]) };
		in[i].msg_hdr = (struct msghdr){ .msg_iov = &riov[i], .msg_iovlen = 1 };
		in[i].msg_len = 99;
	}
	CHECK(sendmmsg(sv[0], out, N, 0) == N);
	memset(buf, '#', sizeof(buf));
	n = recvmmsg(sv[1], in, N + 3, MSG_WAITFORONE, NULL);
	CHECK(n == N);
	for (int i = 0; i < N + 3; i++)
		printf("%u %u %.8s\n", out[i < N ? i : 0].msg_len, in[i].msg_len, buf[i]);
	CHECK_FAILS(recvmmsg(sv[1], in, 2, MSG_DONTWAIT, NULL), EAGAIN);
	/* All that was asked for, and no more; the time is not over. */
	CHECK(sendmmsg(sv[0], out, 3, 0) == 3 && recvmmsg(sv[1], in, 2, 0, &ts) == 2 && ts.tv_sec > 3000);
	CHECK(recv(sv[1], buf[0], 8, 0) == 4);
	CHECK_FAILS(recvmmsg(sv[1], in, 2, 0, &bad), EINVAL);
	CHECK_FAILS(recvmmsg(sv[1], in, 2, 0, (void *)16), EFAULT);
	/* The second is bad: the first went. */
	iov[2].iov_base = (void *)16;
	CHECK(sendmmsg(sv[0], out, 3, 0) == 1 && recv(sv[1], buf[0], 8, 0) == 2);
	CHECK_FAILS(sendmmsg(sv[0], out + 1, 2, 0), EFAULT);
	CHECK(sendmmsg(sv[0], out, 0, 0) == 0 && recvmmsg(sv[1], in, 0, 0, NULL) == 0);
	CHECK_FAILS(sendmmsg(987, out, 1, 0), EBADF);
	CHECK_FAILS(sendmmsg(987, out, 0, 0), EBADF);
	close(sv[0]);
	close(sv[1]);
	printf("several ok\n");
}
