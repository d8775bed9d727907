/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lengths that no memory has, in calls that go home: an error of the length itself, or of the
 * memory; or no matter since so much is not needed.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "tests/abi/abi.h"

#define SHOW(what, expr)                                             \
	do {                                                         \
		long ret_;                                           \
		errno = 0;                                           \
		ret_ = (long)(expr);                                 \
		printf("%s, %s: %ld %s\n", what, lens[i].name, ret_, \
		       ret_ == -1 ? strerrorname_np(errno) : "");    \
	} while (0)

static void test(void)
{
	static const struct {
		size_t len;
		const char *name;
	} lens[] = {
		{ 1ul << 30, "1 GB" },
		{ INT32_MAX, "2 GB" },
		{ UINT32_MAX, "4 GB" },
		{ 1ul << 46, "half of all" },
		{ INT64_MAX, "2^63 - 1" },
		{ -4096, "-1 pages" },
		{ -1, "-1" },
	};
	static char text[64] = "name";
	struct sembuf sem = { 0, 0, IPC_NOWAIT };
	struct timespec ts = { 0, 0 };
	int semid, msgid, sock, file, dir;
	struct {
		long type;
		char text[8];
	} msg = { .type = 1 };
	char path[4096];
	mqd_t mq;

	semid = semget(IPC_PRIVATE, 1, 0600);
	msgid = msgget(IPC_PRIVATE, 0600);
	sock = socket(AF_UNIX, SOCK_DGRAM, 0);
	file = open("file", O_RDWR | O_CREAT, 0600);
	dir = open(".", O_RDONLY | O_DIRECTORY);
	snprintf(path, sizeof(path), "/absurd-%d", getpid());
	mq = mq_open(path, O_RDWR | O_CREAT | O_NONBLOCK, 0600, NULL);
	CHECK(semid >= 0 && msgid >= 0 && sock >= 0 && file >= 0 && dir >= 0 && mq >= 0);
	CHECK(!mq_unlink(path) && !symlink("file", "link"));
	for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		size_t len = lens[i].len;

		SHOW("semop", syscall(SYS_semop, semid, &sem, len));
		SHOW("semtimedop", syscall(SYS_semtimedop, semid, &sem, len, &ts));
		SHOW("msgsnd", syscall(SYS_msgsnd, msgid, &msg, len, IPC_NOWAIT));
		SHOW("msgrcv", syscall(SYS_msgrcv, msgid, &msg, len, 0, IPC_NOWAIT));
		SHOW("mq_timedsend", syscall(SYS_mq_timedsend, mq, text, len, 0, &ts));
		SHOW("mq_timedreceive", syscall(SYS_mq_timedreceive, mq, text, len, NULL, &ts));
		SHOW("connect", syscall(SYS_connect, sock, text, len));
		SHOW("bind", syscall(SYS_bind, sock, text, len));
		SHOW("getcwd", syscall(SYS_getcwd, path, len) > 0 ? 1 : -1);
		SHOW("getcwd of nothing", syscall(SYS_getcwd, 8ul, len));
		SHOW("readlink", syscall(SYS_readlink, "link", path, len));
		SHOW("getdents64 of a file", syscall(SYS_getdents64, file, path, len));
		SHOW("setxattr", syscall(SYS_setxattr, "file", "user.absurd", text, len, 0));
		SHOW("getxattr", syscall(SYS_getxattr, "file", "user.absurd", path, len));
		SHOW("listxattr", syscall(SYS_listxattr, "file", path, len) >= 0 ? 0 : -1);
		SHOW("add_key", syscall(SYS_add_key, "user", "absurd", text, len, -1000));
		SHOW("write", syscall(SYS_pwrite64, file, text, len, -1));
	}
	CHECK(!semctl(semid, 0, IPC_RMID) && !msgctl(msgid, IPC_RMID, NULL));
	CHECK(!close(sock) && !close(file) && !close(dir) && !mq_close(mq) && !unlink("link") &&
	      !unlink("file"));
}
