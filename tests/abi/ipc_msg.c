/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System V message queues: types, truncation, waiting, the state of a queue. */
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

struct msg {
	long type;
	char text[16];
};

static void test(void)
{
	int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600), status;
	struct msg m = { 3, "three" }, got;
	struct msqid_ds ds;
	struct msginfo info;
	pid_t pid;

	CHECK(id >= 0 && !msgsnd(id, &m, 6, 0));
	m = (struct msg){ 1, "one" };
	CHECK(!msgsnd(id, &m, 4, 0));
	m = (struct msg){ 2, "two" };
	CHECK(!msgsnd(id, &m, 4, 0));
	CHECK(!msgctl(id, IPC_STAT, &ds) && ds.msg_qnum == 3 && ds.msg_lspid == getpid() && ds.msg_lrpid == 0);
	memset(&got, '#', sizeof(got));
	CHECK(msgrcv(id, &got, 16, 1, 0) == 4 && got.type == 1 && !strcmp(got.text, "one") && got.text[4] == '#');
	CHECK_FAILS(msgrcv(id, &got, 2, 0, 0), E2BIG);
	CHECK(msgrcv(id, &got, 2, -2, MSG_NOERROR) == 2 && got.type == 2 && !memcmp(got.text, "tw", 2));
	CHECK_FAILS(msgrcv(id, &got, 16, 9, IPC_NOWAIT), ENOMSG);
	CHECK(msgrcv(id, &got, 16, 1, MSG_EXCEPT) == 6 && got.type == 3);
	m.type = 0;
	CHECK_FAILS(msgsnd(id, &m, 1, 0), EINVAL);
	CHECK_FAILS(msgsnd(id, (void *)16, 1, 0), EFAULT);
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(msgrcv(id, &got, 16, 0, 0) == 4 && got.type == 8 ? 0 : 1);
	usleep(10000);
	m = (struct msg){ 8, "hey" };
	CHECK(!msgsnd(id, &m, 4, 0) && waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(!msgctl(id, IPC_STAT, &ds) && ds.msg_qnum == 0 && ds.msg_lrpid == pid);
	ds.msg_qbytes = 100;
	CHECK(!msgctl(id, IPC_SET, &ds) && !msgctl(id, IPC_STAT, &ds) && ds.msg_qbytes == 100);
	CHECK(msgctl(0, MSG_INFO, (void *)&info) >= 0 && info.msgmax > 0);
	CHECK(!msgctl(id, IPC_RMID, NULL));
	CHECK_FAILS(msgctl(id, IPC_STAT, &ds), EINVAL);
	printf("queues ok\n");
}
