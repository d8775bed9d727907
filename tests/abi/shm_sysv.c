/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System V shared memory: attached, inherited, attached again by id and by key, detached, removed. */
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

#define PAGE 4096ul
#define SIZE (20 * PAGE + 100)

static void reap(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void sem(int id, int by)
{
	struct sembuf op = { .sem_op = by };

	CHECK(semop(id, &op, 1) == 0);
}

static void test(void)
{
	int id = shmget(IPC_PRIVATE, SIZE, IPC_CREAT | 0600), again;
	int lock = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
	volatile uint32_t *p, *q;
	uint8_t *place;
	struct shmid_ds ds;
	uint64_t h = 0;
	key_t key;
	pid_t pid;

	CHECK(id >= 0 && lock >= 0);
	p = shmat(id, NULL, 0);
	CHECK(p != (void *)-1);
	CHECK(p[0] == 0 && p[SIZE / 4 - 1] == 0);
	sem(lock, 1);
	for (int i = 0; i < 3; i++) {
		pid = fork();
		CHECK(pid >= 0);
		if (pid)
			continue;
		/* One way to it was inherited, the other is its own. */
		q = shmat(id, NULL, 0);
		CHECK(q != (void *)-1 && q != p);
		for (int k = 0; k < 100; k++) {
			sem(lock, -1);
			q[0]++;
			CHECK(p[0] == q[0]);
			sem(lock, 1);
		}
		q[1024 * (i + 1)] = i + 1;
		CHECK(shmdt((void *)q) == 0);
		CHECK(p[1024 * (i + 1)] == (uint32_t)i + 1);
		_exit(0);
	}
	for (int i = 0; i < 3; i++)
		CHECK(wait(NULL) > 0);
	CHECK(p[0] == 300);
	for (int i = 0; i < 3; i++)
		CHECK(p[1024 * (i + 1)] == (uint32_t)i + 1);
	CHECK(shmctl(id, IPC_STAT, &ds) == 0);
	CHECK(ds.shm_segsz == SIZE && ds.shm_nattch == 1);

	/* Nobody has it attached, and it keeps what was written. */
	for (unsigned i = 0; i < SIZE / 4; i++)
		p[i] = i * 3;
	h = hash(h, (void *)p, SIZE);
	CHECK(shmdt((void *)p) == 0);
	CHECK_FAILS(shmdt((void *)p), EINVAL);
	CHECK(shmctl(id, IPC_STAT, &ds) == 0 && ds.shm_nattch == 0);
	p = shmat(id, NULL, SHM_RDONLY);
	CHECK(p != (void *)-1);
	CHECK(hash(0, (void *)p, SIZE) == h);
	CHECK_FAILS(mprotect((void *)p, PAGE, PROT_READ | PROT_WRITE), EACCES);
	CHECK_FAILS(shmdt((uint8_t *)p + PAGE), EINVAL);
	CHECK_FAILS(shmdt((uint8_t *)p + 1), EINVAL);
	CHECK_FAILS((long)shmat(id, (void *)p, 0), EINVAL);
	CHECK_FAILS((long)shmat(id, (uint8_t *)p + 5, 0), EINVAL);
	CHECK_FAILS((long)shmat(-1, NULL, 0), EINVAL);
	place = mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(place != MAP_FAILED && munmap(place, 64 * PAGE) == 0);
	q = shmat(id, place + 77, SHM_RND);
	CHECK(q == (void *)place);
	q[7] = 1234;
	CHECK(p[7] == 1234);
	/* A part of it unmapped, the rest is detached all the same. */
	CHECK(munmap((uint8_t *)q + 2 * PAGE, PAGE) == 0);
	CHECK(shmctl(id, IPC_STAT, &ds) == 0 && ds.shm_nattch == 3);
	CHECK(shmdt((void *)q) == 0);
	CHECK(shmctl(id, IPC_STAT, &ds) == 0 && ds.shm_nattch == 1);
	/* Removed, it lives as long as somebody has it. */
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	CHECK(p[7] == 1234);
	CHECK(shmdt((void *)p) == 0);
	CHECK_FAILS((long)shmat(id, NULL, 0), EINVAL);

	/* By key, by two processes that are not related through it; the last to have it ended. */
	key = 0x4d550000 + (getpid() & 0xffff);
	id = shmget(key, 3 * PAGE, IPC_CREAT | IPC_EXCL | 0600);
	CHECK(id >= 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		q = shmat(shmget(key, 0, 0), NULL, 0);
		CHECK(q != (void *)-1);
		q[2000] = 99;
		_exit(0);
	}
	reap(pid);
	again = shmget(key, 0, 0);
	CHECK(again == id);
	p = shmat(again, NULL, 0);
	CHECK(p != (void *)-1);
	CHECK(p[2000] == 99);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0 && shmdt((void *)p) == 0);
	CHECK(semctl(lock, 0, IPC_RMID) == 0);
	printf("segment %016llx\n", (unsigned long long)h);
}
