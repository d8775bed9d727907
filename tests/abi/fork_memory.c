/* SPDX-License-Identifier: GPL-2.0-or-later */
/* After fork each has a memory of its own, but for what is mapped shared; and so for their children. */
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

#define SIZE (1 << 20)

static int data = 5;

static void test(void)
{
	volatile int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				    -1, 0);
	uint8_t *heap = malloc(SIZE);
	int status, stack = 6;
	pid_t pid;

	CHECK(shared != MAP_FAILED && heap);
	data = 5;
	memset(heap, 7, SIZE);
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(data == 5 && stack == 6);
		for (int i = 0; i < SIZE; i++)
			CHECK(heap[i] == 7);
		memset(heap, 8, SIZE);
		data = 50;
		stack = 60;
		shared[0] = 70;
		pid = fork();
		if (pid == 0) {
			CHECK(data == 50 && stack == 60 && heap[SIZE - 1] == 8);
			data = 500;
			shared[1] = 700;
			_exit(1);
		}
		CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 1);
		CHECK(data == 50 && shared[1] == 700);
		_exit(2);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 2);
	CHECK(data == 5 && stack == 6 && heap[0] == 7 && heap[SIZE - 1] == 7);
	CHECK(shared[0] == 70 && shared[1] == 700);
	free(heap);
	munmap((void *)shared, 4096);
	printf("fork memory ok\n");
}
