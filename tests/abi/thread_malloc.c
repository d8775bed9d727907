/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory by several threads at once: malloc, mmap, munmap, mprotect, faults on the same pages. */
#include <pthread.h>
#include <sys/mman.h>

#include "tests/abi/abi.h"

#define THREADS 4
#define PAGES 256

static pthread_barrier_t barrier;
static uint64_t *common;
static uint64_t sums[THREADS];

static void *work(void *arg)
{
	unsigned me = (uintptr_t)arg;
	uint64_t state = me + 1, h = 0;
	char *block[32] = { 0 };
	size_t size[32] = { 0 };

	for (int i = 0; i < 800; i++) {
		unsigned k = rnd(&state) % 32;

		if (block[k]) {
			for (size_t j = 0; j < size[k]; j += 97)
				CHECK(block[k][j] == (char)(k + me));
			free(block[k]);
		}
		size[k] = 1 + rnd(&state) % (i % 50 ? 3000 : 200000);
		block[k] = malloc(size[k]);
		memset(block[k], k + me, size[k]);
		h = hash(h, &size[k], sizeof(size[k]));
	}
	for (int k = 0; k < 32; k++)
		free(block[k]);
	/* Everybody touches the same fresh pages at once, and each its own word in them. */
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < PAGES; i++)
		common[i * 512 + me] = i + me;
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < PAGES; i++)
		for (unsigned j = 0; j < THREADS; j++)
			CHECK(common[i * 512 + j] == i + j);
	/* What one unmaps and maps again must be empty for it, whatever others do meanwhile. */
	for (int i = 0; i < 60; i++) {
		size_t len = (1 + i % 7) * 4096;
		uint64_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				   -1, 0);

		CHECK(p != MAP_FAILED);
		for (size_t j = 0; j < len / 8; j += 100) {
			CHECK(p[j] == 0);
			p[j] = j + me;
		}
		CHECK(!mprotect(p, 4096, PROT_READ) && p[100] == 100 + me);
		CHECK(!mprotect(p, 4096, PROT_READ | PROT_WRITE));
		p[1] = 1;
		CHECK(!madvise(p, 4096, MADV_DONTNEED) && !p[1] && !p[100]);
		CHECK(!munmap(p, len));
	}
	sums[me] = h;
	return NULL;
}

static void test(void)
{
	pthread_t t[THREADS];

	common = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(common != MAP_FAILED && !pthread_barrier_init(&barrier, NULL, THREADS));
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, work, (void *)i));
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(t[i], NULL));
	pthread_barrier_destroy(&barrier);
	CHECK(!munmap(common, PAGES * 4096));
	printf("%016llx\n", (unsigned long long)hash(0, sums, sizeof(sums)));
}
