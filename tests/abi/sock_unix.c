/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unix sockets: abstract names, sequenced packets, peer's identity, descriptors that cross, big sends. */
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static socklen_t abstract(struct sockaddr_un *a)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	return offsetof(struct sockaddr_un, sun_path) + 1 +
	       snprintf(a->sun_path + 1, sizeof(a->sun_path) - 1, "muster-%d", getpid());
}

static void packets(void)
{
	struct sockaddr_un a, got;
	socklen_t len = abstract(&a), n = sizeof(got);
	int l = socket(AF_UNIX, SOCK_SEQPACKET, 0), c = socket(AF_UNIX, SOCK_SEQPACKET, 0), s;
	struct ucred cred;
	char buf[16];

	CHECK(!bind(l, (void *)&a, len) && !listen(l, 1));
	CHECK_FAILS(bind(c, (void *)&a, len), EADDRINUSE);
	CHECK(!connect(c, (void *)&a, len) && (s = accept(l, (void *)&got, &n)) >= 0 && n == 2);
	n = sizeof(got);
	CHECK(!getpeername(c, (void *)&got, &n) && n == len && !memcmp(&got, &a, len));
	CHECK(send(c, "first", 5, 0) == 5 && send(c, "second", 6, MSG_EOR) == 6);
	CHECK(recv(s, buf, 3, 0) == 3 && recv(s, buf, 16, 0) == 6 && !memcmp(buf, "second", 6));
	n = sizeof(cred);
	CHECK(!getsockopt(s, SOL_SOCKET, SO_PEERCRED, &cred, &n) && cred.pid == getpid() && cred.uid == getuid());
	CHECK_FAILS(send(c, NULL, 1, 0), EFAULT);
	close(s);
	CHECK_FAILS(send(c, "x", 1, MSG_NOSIGNAL), EPIPE);
	close(c);
	close(l);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_FAILS(connect(c, (void *)&a, len), ECONNREFUSED);
	close(c);
}

/* More than fits: the writer waits until the reader has taken it. */
static void big(void)
{
	size_t len = 1 << 20, n = 0;
	char *out = malloc(len), *in = malloc(len);
	uint64_t state = 7;
	int sv[2], status;
	pid_t pid;

	for (size_t i = 0; i < len; i++)
		out[i] = rnd(&state);
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		close(sv[0]);
		for (size_t at = 0; at < len;) {
			ssize_t k = write(sv[1], out + at, len - at);

			CHECK(k > 0);
			at += k;
		}
		_exit(0);
	}
	close(sv[1]);
	while (n < len) {
		ssize_t k = recv(sv[0], in + n, len - n, MSG_WAITALL);

		CHECK(k > 0);
		n += k;
	}
	CHECK(!memcmp(in, out, len) && read(sv[0], in, 1) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	close(sv[0]);
	free(in);
	free(out);
}

static void test(void)
{
	packets();
	big();
	printf("unix ok\n");
}
