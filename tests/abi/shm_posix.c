/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shm_open, sem_open and memfd_create: memory with a name or a descriptor, shared by processes. */
#include <fcntl.h>
#include <semaphore.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

#define SIZE (64u << 10)

struct block {
	sem_t sem;
	unsigned count;
	uint8_t data[SIZE - 64];
};

static void reap(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void add(struct block *b, sem_t *sem, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		CHECK(!sem_wait(sem));
		b->count++;
		CHECK(!sem_post(sem));
	}
}

/* A name that no other run has; it is never printed. */
static void name_of(char *buf, size_t size, const char *what)
{
	snprintf(buf, size, "/muster-test-%s-%d", what, getpid());
}

static void named(void)
{
	char shm[64], sem[64];
	struct block *b, *again;
	struct stat st;
	sem_t *s;
	pid_t pid;
	int fd;

	name_of(shm, sizeof(shm), "shm");
	name_of(sem, sizeof(sem), "sem");
	fd = shm_open(shm, O_RDWR | O_CREAT | O_EXCL, 0600);
	CHECK(fd >= 0);
	CHECK(ftruncate(fd, SIZE) == 0);
	b = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(b != MAP_FAILED);
	CHECK(close(fd) == 0);
	s = sem_open(sem, O_CREAT | O_EXCL, 0600, 1);
	CHECK(s != SEM_FAILED);
	for (int i = 0; i < 3; i++) {
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			/* By name, as a program that was executed would. */
			sem_t *mine = sem_open(sem, 0);
			int own = shm_open(shm, O_RDWR, 0);
			struct block *c = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, own, 0);

			CHECK(mine != SEM_FAILED && own >= 0 && c != MAP_FAILED);
			CHECK(munmap(b, SIZE) == 0);
			add(c, mine, 100);
			c->data[1000 * i] = i + 1;
			CHECK(!sem_close(mine) && !close(own));
			_exit(0);
		}
	}
	add(b, s, 100);
	for (int i = 0; i < 3; i++)
		CHECK(wait(NULL) > 0);
	CHECK(b->count == 400);
	for (int i = 0; i < 3; i++)
		CHECK(b->data[1000 * i] == i + 1);
	fd = shm_open(shm, O_RDWR, 0);
	CHECK(fd >= 0 && fstat(fd, &st) == 0 && st.st_size == SIZE);
	again = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(again != MAP_FAILED && again->count == 400);
	b->count = 7;
	CHECK(again->count == 7);
	CHECK(munmap(again, SIZE) == 0 && munmap(b, SIZE) == 0 && close(fd) == 0);
	CHECK(!sem_close(s) && !sem_unlink(sem) && !shm_unlink(shm));
	CHECK_FAILS(shm_open(shm, O_RDWR, 0), ENOENT);
}

static void nameless(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	uint8_t buf[100];
	struct block *b;
	pid_t pid;

	CHECK(fd >= 0);
	CHECK(ftruncate(fd, SIZE) == 0);
	b = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(b != MAP_FAILED);
	CHECK(!sem_init(&b->sem, 1, 0));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK(!sem_wait(&b->sem));
		CHECK(pread(fd, buf, 5, offsetof(struct block, data)) == 5);
		CHECK(!memcmp(buf, "hello", 5));
		CHECK(pwrite(fd, "reply", 5, offsetof(struct block, data) + 9000) == 5);
		_exit(0);
	}
	memcpy(b->data, "hello", 5);
	CHECK(!sem_post(&b->sem));
	reap(pid);
	CHECK(!memcmp(b->data + 9000, "reply", 5));
	CHECK_FAILS(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	CHECK(munmap(b, SIZE) == 0);
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
	CHECK_FAILS((long)mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EPERM);
	CHECK(close(fd) == 0);
}

static void test(void)
{
	named();
	nameless();
	printf("posix shared memory ok\n");
}
