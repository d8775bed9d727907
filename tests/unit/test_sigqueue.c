/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pending signals: standard ones once, real-time ones counted and in order, synchronous ones first;
 * and what happens without memory.
 * Sources: kernel/proc/sigqueue.c
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/mm/kmalloc.h"
#include "kernel/proc/sigqueue.h"
#include "tests/unit/unit.h"

static int memory_out;

void *kmalloc(size_t size)
{
	return memory_out ? NULL : malloc(size);
}

void kfree(void *p)
{
	free(p);
}

static struct sigpend *fresh(void)
{
	static struct sigpend p;

	sigpend_init(&p);
	return &p;
}

static struct siginfo info(int signo, int code)
{
	return (struct siginfo){ .signo = signo, .code = code };
}

static int add(struct sigpend *p, int signo, int code)
{
	struct siginfo i = info(signo, code);

	return sigpend_add(p, &i, false, false);
}

static int take(struct sigpend *p, int signo)
{
	struct sigentry e;

	sigpend_take(p, signo, &e);
	CHECK(e.info.signo == signo);
	return e.info.code;
}

TEST(standard)
{
	struct sigpend *p = fresh();

	CHECK(!sigpend_next(p, 0));
	CHECK(!add(p, LSIG_TERM, 1) && !add(p, LSIG_TERM, 2));
	CHECK(sigpend_next(p, 0) == LSIG_TERM);
	CHECK(!sigpend_next(p, SIGBIT(LSIG_TERM)));
	CHECK(take(p, LSIG_TERM) == 1 && !sigpend_next(p, 0) && list_empty(&p->queue));
}

TEST(realtime)
{
	struct sigpend *p = fresh();

	for (int i = 0; i < 5; i++)
		CHECK(!add(p, 40, i) && !add(p, 34, 10 + i));
	for (int i = 0; i < 5; i++) {
		CHECK(sigpend_next(p, 0) == 34);
		CHECK(take(p, 34) == 10 + i);
	}
	for (int i = 0; i < 5; i++) {
		CHECK(sigpend_next(p, 0) == 40);
		CHECK(take(p, 40) == i);
	}
	CHECK(!p->set);
	CHECK(!add(p, 64, 3) && sigpend_next(p, 0) == 64 && take(p, 64) == 3);
}

TEST(synchronous_first)
{
	struct sigpend *p = fresh();
	struct siginfo front = info(LSIG_SEGV, 2);

	add(p, LSIG_HUP, 0);
	add(p, LSIG_INT, 0);
	CHECK(!sigpend_add(p, &front, true, true));
	CHECK(sigpend_next(p, 0) == LSIG_SEGV);
	CHECK(sigpend_next(p, SIGBIT(LSIG_SEGV)) == LSIG_HUP);

	struct sigentry e;

	sigpend_take(p, LSIG_SEGV, &e);
	CHECK(e.fault && e.info.code == 2);
	sigpend_flush(p, SIGBIT(LSIG_HUP));
	CHECK(sigpend_next(p, 0) == LSIG_INT);
	sigpend_clear(p);
	CHECK(!p->set && list_empty(&p->queue));
}

TEST(no_memory)
{
	struct sigpend *p = fresh();

	memory_out = 1;
	/* A standard signal is never lost, only what is known of it; a real-time one is refused. */
	CHECK(!add(p, LSIG_USR1, 7) && sigpend_next(p, 0) == LSIG_USR1);
	CHECK(take(p, LSIG_USR1) == LSI_USER && !p->set);
	CHECK(add(p, 40, 1) == -EAGAIN && !p->set);
	memory_out = 0;
}
