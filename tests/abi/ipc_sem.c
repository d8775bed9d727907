/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System V semaphores: arrays of values, who waits, times, undo at exit, permissions, removal under a waiter. */
#include <signal.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

static void op(int id, int n, int by, int flags)
{
	struct sembuf b = { n, by, flags };

	CHECK(!semop(id, &b, 1));
}

static void test(void)
{
	unsigned short set[5] = { 1, 2, 3, 4, 5 }, get[6] = { 9, 9, 9, 9, 9, 9 };
	struct sembuf two[2] = { { 0, -1, IPC_NOWAIT }, { 1, -9, IPC_NOWAIT } };
	int id = semget(IPC_PRIVATE, 5, IPC_CREAT | 0600), status;
	struct semid_ds ds;
	struct seminfo info;
	pid_t pid;

	CHECK(id >= 0 && !semctl(id, 0, SETALL, (union semun){ .array = set }));
	CHECK(!semctl(id, 0, GETALL, (union semun){ .array = get }));
	for (int i = 0; i < 6; i++)
		printf("%d ", get[i]);
	CHECK(!semctl(id, 0, IPC_STAT, (union semun){ .buf = &ds }) && ds.sem_nsems == 5 && (ds.sem_perm.mode & 0777) == 0600);
	CHECK(!semctl(id, 2, SETVAL, (union semun){ .val = 7 }) && semctl(id, 2, GETVAL) == 7);
	CHECK(semctl(id, 2, GETPID) == getpid() && semctl(id, 2, GETNCNT) == 0 && semctl(id, 2, GETZCNT) == 0);
	/* All or nothing. */
	CHECK_FAILS(semop(id, two, 2), EAGAIN);
	CHECK(semctl(id, 0, GETVAL) == 1);
	op(id, 4, -5, 0);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		op(id, 0, 3, SEM_UNDO);
		op(id, 4, -2, 0);
		_exit(semctl(id, 0, GETVAL));
	}
	while (semctl(id, 4, GETNCNT) != 1)
		usleep(2000);
	op(id, 4, 2, 0);
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 4 && semctl(id, 0, GETVAL) == 1);
	ds.sem_perm.mode = 0640;
	CHECK(!semctl(id, 0, IPC_SET, (union semun){ .buf = &ds }) && !semctl(id, 0, IPC_STAT, (union semun){ .buf = &ds }));
	CHECK((ds.sem_perm.mode & 0777) == 0640 && semctl(0, 0, SEM_INFO, (union semun){ .info = &info }) >= 0 && info.semmsl > 0);
	CHECK_FAILS(semctl(id, 5, GETVAL), EINVAL);
	CHECK_FAILS(semctl(id, 0, SETVAL, (union semun){ .val = 40000 }), ERANGE);
	CHECK_FAILS(semctl(id, 0, IPC_STAT, (union semun){ .buf = (void *)16 }), EFAULT);
	pid = fork();
	if (!pid) {
		struct sembuf b = { 4, -1, 0 };

		/*
		 * A move wakes it and has it sleep anew. If the set goes just in between, it comes too late,
		 * and Linux says what it says to all that come later.
		 */
		_exit(semop(id, &b, 1) == -1 && (errno == EIDRM || errno == EINVAL) ? 0 : errno);
	}
	while (semctl(id, 4, GETNCNT) != 1)
		usleep(2000);
	CHECK(!semctl(id, 0, IPC_RMID) && waitpid(pid, &status, 0) == pid && status == 0);
	CHECK_FAILS(semctl(id, 0, GETALL, (union semun){ .array = get }), EINVAL);
	printf("semaphores ok\n");
}
