/* SPDX-License-Identifier: GPL-2.0-or-later */
/* futex(2) itself: who waits is woken once, by count, bit set, requeue and conditional change. */
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>

#include "tests/abi/abi.h"

#define THREADS 6

static uint32_t word, other, asleep, woken;

static long futex(uint32_t *at, int op, uint32_t val, const void *timeout, uint32_t *at2,
		  uint32_t val3)
{
	return syscall(SYS_futex, at, op | FUTEX_PRIVATE_FLAG, val, timeout, at2, val3);
}

/* Waits while word is 0; with the bit of its number. */
static void *waiter(void *arg)
{
	uint32_t bit = 1u << (uintptr_t)arg;

	__atomic_add_fetch(&asleep, 1, __ATOMIC_SEQ_CST);
	while (futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, bit)) {
		if (errno == EAGAIN)
			break;
		CHECK(errno == EINTR);
	}
	__atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void start(pthread_t *t)
{
	word = asleep = woken = 0;
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, waiter, (void *)i));
	while (__atomic_load_n(&asleep, __ATOMIC_SEQ_CST) < THREADS)
		sched_yield();
}

/* A wake-up may find some that do not sleep yet, or are on a move: repeated until n have been woken. */
static void wake_n(uint32_t *at, int op, unsigned n, uint32_t bits)
{
	unsigned sum = 0;

	while (sum < n) {
		long ret = futex(at, op, n - sum, NULL, NULL, bits);

		CHECK(ret >= 0 && sum + ret <= n);
		sum += ret;
		if (!ret)
			sched_yield();
	}
}

static void wait_woken(unsigned n)
{
	while (__atomic_load_n(&woken, __ATOMIC_SEQ_CST) < n)
		sched_yield();
	CHECK(woken == n);
}

static void join(pthread_t *t)
{
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(t[i], NULL));
	CHECK(woken == THREADS);
}

static void test(void)
{
	struct timespec ts = { 0, 5000000 }, bad = { 0, 1000000000 };
	pthread_t t[THREADS];
	long moved;

	word = 5;
	CHECK_FAILS(futex(&word, FUTEX_WAIT, 4, NULL, NULL, 0), EAGAIN);
	CHECK_FAILS(futex(&word, FUTEX_WAIT, 5, &ts, NULL, 0), ETIMEDOUT);
	CHECK_FAILS(futex(&word, FUTEX_WAIT, 5, &bad, NULL, 0), EINVAL);
	CHECK_FAILS(futex(&word, FUTEX_WAIT_BITSET, 5, NULL, NULL, 0), EINVAL);
	CHECK_FAILS(futex((void *)((char *)&word + 1), FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
	CHECK(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0);
	CHECK_FAILS(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &other, 4), EAGAIN);

	start(t);
	wake_n(&word, FUTEX_WAKE, 1, 0);
	wait_woken(1);
	wake_n(&word, FUTEX_WAKE, 3, 0);
	wait_woken(4);
	wake_n(&word, FUTEX_WAKE, 2, 0);
	join(t);

	/* Only those whose bit is meant. */
	start(t);
	wake_n(&word, FUTEX_WAKE_BITSET, 2, 1 << 2 | 1 << 4);
	wait_woken(2);
	CHECK(futex(&word, FUTEX_WAKE_BITSET, 9, NULL, NULL, 1 << 2 | 1 << 4) == 0);
	wake_n(&word, FUTEX_WAKE_BITSET, 4, FUTEX_BITSET_MATCH_ANY);
	join(t);

	/* Moved to another word, they are woken there; who was on the move itself waits at the first. */
	start(t);
	moved = 0;
	while (moved < 1) {
		moved = futex(&word, FUTEX_CMP_REQUEUE, 0, (void *)THREADS, &other, 0);
		CHECK(moved >= 0);
	}
	word = 1;
	while (__atomic_load_n(&woken, __ATOMIC_SEQ_CST) < THREADS) {
		CHECK(futex(&other, FUTEX_WAKE, 1, NULL, NULL, 0) >= 0);
		CHECK(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0) >= 0);
		sched_yield();
	}
	join(t);

	/* Changes one word, wakes at both if it was as expected. */
	start(t);
	other = 10;
	while (__atomic_load_n(&woken, __ATOMIC_SEQ_CST) < THREADS) {
		CHECK(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &other,
			    FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 10)) >= 0);
		CHECK(other == 15);
		other = 10;
		sched_yield();
	}
	join(t);
	other = 0xf0;
	CHECK(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &other,
		    FUTEX_OP(FUTEX_OP_XOR, 0xff, FUTEX_OP_CMP_GT, 5)) == 0);
	CHECK(other == 0x0f);
	CHECK(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &other,
		    FUTEX_OP((FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT), 8, FUTEX_OP_CMP_LT, 5)) == 0);
	CHECK(other == 0x10f);
	printf("futex ok\n");
}
