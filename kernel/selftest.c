/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the core that need the machine itself: several CPUs, interrupts, real page tables. Built
 * in with CONFIG_SELFTEST, run by the word `selftest` on the command line; the kernel then stops as
 * panic= says. The last line is `selftest: N passed, N failed`.
 */
#ifdef CONFIG_SELFTEST

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/rtc.h"
#include "kernel/cpu/features.h"
#include "kernel/cpu/fpu.h"
#include "kernel/cpu/ipi.h"
#include "kernel/cpu/percpu.h"
#include "kernel/cpu/trap.h"
#include "kernel/cpu/x86.h"
#include "kernel/image.h"
#include "kernel/init.h"
#include "kernel/kprintf.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"
#include "kernel/mm/selftest_mm.h"
#include "kernel/proc/sched.h"
#include "kernel/proc/thread.h"
#include "kernel/settings.h"
#include "kernel/sync/mutex.h"
#include "kernel/time/clock.h"

static unsigned failures; /* of the test that runs */

#define CHECK(expr)                                                                                \
	do {                                                                                       \
		if (!(expr)) {                                                                     \
			__atomic_add_fetch(&failures, 1, __ATOMIC_SEQ_CST);                        \
			kprintf("selftest: %s:%d: %s\n", __FILE__, __LINE__, #expr);               \
		}                                                                                  \
	} while (0)

/* Runs fn(arg + i) for i < n in n threads and waits for all of them. */
struct crew {
	struct waitq done;
	unsigned left;
	void (*fn)(unsigned i);
};

struct member {
	struct crew *crew;
	unsigned i;
};

static void member_main(void *arg)
{
	struct member m = *(struct member *)arg;

	kfree(arg);
	m.crew->fn(m.i);
	__atomic_sub_fetch(&m.crew->left, 1, __ATOMIC_SEQ_CST);
	waitq_wake_all(&m.crew->done);
}

static void run_crew(unsigned n, void (*fn)(unsigned i))
{
	/* Static: the last member may still be inside waitq_wake_all() when we return. */
	static struct crew crew;
	unsigned threads = thread_count();
	uint64_t end;

	waitq_init(&crew.done);
	crew.left = n;
	crew.fn = fn;
	for (unsigned i = 0; i < n; i++) {
		struct member *m = kmalloc(sizeof(*m));

		m->crew = &crew;
		m->i = i;
		KASSERT(kthread_create("crew", member_main, m) != NULL);
	}
	wait_event(&crew.done, __atomic_load_n(&crew.left, __ATOMIC_SEQ_CST) == 0);
	/* Until the members have left the wait queue and the reaper has freed their stacks. */
	end = clock_now_ns() + 10 * NSEC_PER_SEC;
	do
		sleep_until(clock_now_ns() + NSEC_PER_MSEC);
	while (thread_count() > threads && clock_now_ns() < end);
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* --- memory ---------------------------------------------------------------------------------------- */

#define HELD 64

static void page_member(unsigned i)
{
	struct page *held[HELD] = { NULL };
	uint32_t random = i + 1;

	for (int round = 0; round < 4000; round++) {
		unsigned slot = next_random(&random) % HELD;
		struct page *p = held[slot];

		if (p) {
			uint64_t *first = page_virt(p);
			uint64_t *last = (uint64_t *)((char *)first + (PAGE_SIZE << p->order)) - 1;

			CHECK(*first == page_phys(p) + i && *last == page_phys(p) + i);
			CHECK(page_refs(p) == 1);
			page_put(p);
			held[slot] = NULL;
		} else if ((p = page_alloc(next_random(&random) % 4)) != NULL) {
			uint64_t *first = page_virt(p);

			CHECK((page_phys(p) & ((PAGE_SIZE << p->order) - 1)) == 0);
			*first = page_phys(p) + i;
			*((uint64_t *)((char *)first + (PAGE_SIZE << p->order)) - 1) =
				page_phys(p) + i;
			held[slot] = p;
		}
		if (round % 64 == 0)
			thread_yield();
	}
	for (unsigned slot = 0; slot < HELD; slot++)
		if (held[slot])
			page_put(held[slot]);
}

static void test_pages(void)
{
	uint64_t before;

	/* What leaks, leaks each time; the heap's slabs grow when more members than before live at once. */
	for (int i = 0; i < 10; i++) {
		before = mem_free_pages();
		run_crew(2 * cpu_count(), page_member);
		if (mem_free_pages() == before)
			break;
	}
	CHECK(mem_free_pages() == before);

	/* All memory can be had, once; then the answer is NULL; then all comes back, joined. */
	struct list_head all = LIST_HEAD_INIT(all);
	struct page *p;
	uint64_t n = 0;

	while ((p = page_alloc(0)) != NULL) {
		list_add(&p->link, &all);
		/* Not all of a large machine, which an emulator would have to find memory for. */
		if (n++ % 16 == 0)
			*(volatile uint64_t *)page_virt(p) = n;
	}
	CHECK(n == before);
	while (!list_empty(&all)) {
		p = list_first_entry(&all, struct page, link);
		list_del(&p->link);
		page_put(p);
	}
	CHECK(mem_free_pages() == before);
	p = page_alloc(PAGE_MAX_ORDER);
	CHECK(p != NULL);
	page_free(p, PAGE_MAX_ORDER);
	p = page_alloc_low(0);
	CHECK(p && page_phys(p) < 1ul << 32);
	page_put(p);
	/* References. */
	p = page_alloc_zero(1);
	page_get(p);
	page_put(p);
	CHECK(page_refs(p) == 1 && *(uint64_t *)page_virt(p) == 0);
	page_put(p);
}

static void heap_member(unsigned i)
{
	uint8_t *held[HELD] = { NULL };
	size_t size[HELD];
	uint32_t random = i + 77;

	for (int round = 0; round < 8000; round++) {
		unsigned slot = next_random(&random) % HELD;

		if (held[slot]) {
			CHECK(held[slot][0] == (uint8_t)slot &&
			      held[slot][size[slot] - 1] == (uint8_t)(slot + i));
			if (next_random(&random) % 4 == 0) {
				size_t grown = size[slot] + next_random(&random) % 5000;
				uint8_t keep = held[slot][0];

				held[slot] = krealloc(held[slot], grown);
				size[slot] = grown;
				CHECK(held[slot] && held[slot][0] == keep);
				held[slot][grown - 1] = slot + i;
			}
			kfree(held[slot]);
			held[slot] = NULL;
		} else {
			size[slot] = 2 + next_random(&random) % (round % 16 ? 700 : 20000);
			held[slot] = kmalloc(size[slot]);
			CHECK(held[slot] && ((uint64_t)held[slot] & 15) == 0);
			CHECK(ksize(held[slot]) >= size[slot]);
			held[slot][0] = slot;
			held[slot][size[slot] - 1] = slot + i;
		}
	}
	for (unsigned slot = 0; slot < HELD; slot++)
		kfree(held[slot]);
}

static void test_heap(void)
{
	uint64_t before = kmalloc_pages();
	void *p;

	run_crew(2 * cpu_count(), heap_member);
	/* One empty slab may stay per class. */
	CHECK(kmalloc_pages() < before + 32);
	p = kmalloc(4ul << 20);
	CHECK(p != NULL && ksize(p) == 4ul << 20);
	kfree(p);
	CHECK(kmalloc((4ul << 20) + 1) == NULL);
	p = calloc(1000, 3);
	CHECK(p && ((uint8_t *)p)[0] == 0 && ((uint8_t *)p)[2999] == 0);
	free(p);
	volatile size_t too_many = 1ul << 62;

	CHECK(calloc(too_many, 16) == NULL);
}

static void test_libc(void)
{
	char buf[64], big[300], *end;

	snprintf(buf, sizeof(buf), "%llu %zu %-5s|%08lx %d", 12345678901ull, (size_t)7, "ab", 0xbeeful,
		 -3);
	CHECK(strcmp(buf, "12345678901 7 ab   |0000beef -3") == 0);
	CHECK(strtoul("0x1fz", &end, 0) == 0x1f && *end == 'z');
	for (unsigned i = 0; i < sizeof(big); i++)
		big[i] = i;
	memmove(big + 3, big, 200);
	CHECK(big[3] == 0 && big[202] == (char)199 && big[203] == (char)203);
	memmove(big, big + 3, 200);
	CHECK(big[0] == 0 && big[199] == (char)199);
	memset(big, 0x5a, 17);
	CHECK(big[16] == 0x5a && big[17] == 17);
	CHECK(memcmp(memcpy(buf, big, 33), big, 33) == 0);
}

static void test_memory_above_4g(void)
{
	struct page *p = NULL;

	if (page_array_len <= 1ul << 20)
		return;
	p = page_alloc(3);
	CHECK(p && page_phys(p) >= 1ul << 32);
	memset(page_virt(p), 0x77, PAGE_SIZE << 3);
	CHECK(((uint8_t *)page_virt(p))[(PAGE_SIZE << 3) - 1] == 0x77);
	page_put(p);
	/* The very last frame. */
	memset(phys_virt((page_array_len - 1) << PAGE_SHIFT), 0, 8);
}

/* --- threads --------------------------------------------------------------------------------------- */

static struct mutex shared_mutex;
static uint64_t shared_count;
static spinlock_t shared_lock = SPINLOCK_INIT;

static void mutex_member(unsigned i)
{
	for (int round = 0; round < 500; round++) {
		mutex_lock(&shared_mutex);
		uint64_t seen = shared_count;

		if (round % 16 == (int)i % 16)
			thread_yield();
		shared_count = seen + 1;
		mutex_unlock(&shared_mutex);
	}
}

static void test_mutex(void)
{
	unsigned n = 4 * cpu_count();

	mutex_init(&shared_mutex);
	shared_count = 0;
	run_crew(n, mutex_member);
	CHECK(shared_count == 500ul * n);
	CHECK(mutex_trylock(&shared_mutex) && mutex_held(&shared_mutex));
	CHECK(!mutex_trylock(&shared_mutex));
	mutex_unlock(&shared_mutex);
}

static void spin_member(unsigned i)
{
	(void)i;
	for (int round = 0; round < 20000; round++) {
		unsigned long flags = spin_lock_irqsave(&shared_lock);

		shared_count++;
		spin_unlock_irqrestore(&shared_lock, flags);
	}
}

static void test_spinlock(void)
{
	unsigned n = 2 * cpu_count();

	shared_count = 0;
	run_crew(n, spin_member);
	CHECK(shared_count == 20000ul * n);
}

static struct waitq ping_waitq[16], pong_waitq[16];
static uint32_t ball[16];

/* Even members throw, odd ones throw back. */
static void pingpong_member(unsigned i)
{
	unsigned pair = i / 2;

	for (uint32_t round = 0; round < 1000; round++) {
		if (i % 2 == 0) {
			__atomic_store_n(&ball[pair], 2 * round + 1, __ATOMIC_SEQ_CST);
			waitq_wake_one(&pong_waitq[pair]);
			wait_event(&ping_waitq[pair],
				   __atomic_load_n(&ball[pair], __ATOMIC_SEQ_CST) == 2 * round + 2);
		} else {
			wait_event(&pong_waitq[pair],
				   __atomic_load_n(&ball[pair], __ATOMIC_SEQ_CST) == 2 * round + 1);
			__atomic_store_n(&ball[pair], 2 * round + 2, __ATOMIC_SEQ_CST);
			waitq_wake_one(&ping_waitq[pair]);
		}
	}
}

static void test_pingpong(void)
{
	unsigned pairs = cpu_count() < 8 ? 2 * cpu_count() : 16;

	for (unsigned i = 0; i < 16; i++) {
		waitq_init(&ping_waitq[i]);
		waitq_init(&pong_waitq[i]);
		ball[i] = 0;
	}
	uint64_t start = clock_now_ns();

	run_crew(2 * pairs, pingpong_member);
	for (unsigned i = 0; i < pairs; i++)
		CHECK(ball[i] == 2000);
	kprintf("selftest: a throw takes %lu ns\n", (clock_now_ns() - start) / (2000 * pairs));
}

static struct thread *sleeper;
static int sleeper_result;
static bool sleeper_done;

static void sleeper_main(void *arg)
{
	struct waitq nobody = WAITQ_INIT(nobody);

	(void)arg;
	sleeper_result = wait_event_interruptible(&nobody, false, WAIT_FOREVER);
	thread_clear_work(current, THREAD_WORK_SIGNAL);
	__atomic_store_n(&sleeper_done, true, __ATOMIC_SEQ_CST);
}

static void test_interruptible(void)
{
	struct waitq nobody = WAITQ_INIT(nobody);
	uint64_t start = clock_now_ns();

	CHECK(!wait_event_timeout(&nobody, false, start + 30 * NSEC_PER_MSEC));
	CHECK(clock_now_ns() >= start + 30 * NSEC_PER_MSEC);
	CHECK(wait_event_timeout(&nobody, true, start));
	CHECK(wait_event_interruptible(&nobody, false, clock_now_ns() + 1000) == -ETIMEDOUT);
	CHECK(list_empty(&nobody.waiters));

	sleeper_done = false;
	sleeper = kthread_create("sleeper", sleeper_main, NULL);
	thread_get(sleeper);
	sleep_until(clock_now_ns() + 20 * NSEC_PER_MSEC);
	CHECK(!sleeper_done);
	thread_set_work(sleeper, THREAD_WORK_SIGNAL);
	sleep_until(clock_now_ns() + 50 * NSEC_PER_MSEC);
	CHECK(sleeper_done && sleeper_result == -EINTR);
	CHECK(sleeper->state == THREAD_DEAD);
	thread_put(sleeper);
}

/* Busy kernel threads spread: as many as there are CPUs must run at the same moment. */
static unsigned meeting;

static void meet_member(unsigned i)
{
	uint64_t give_up = clock_now_ns() + 5 * NSEC_PER_SEC;

	(void)i;
	__atomic_add_fetch(&meeting, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&meeting, __ATOMIC_SEQ_CST) < (unsigned)cpu_count() &&
	       clock_now_ns() < give_up)
		cpu_relax();
	CHECK(__atomic_load_n(&meeting, __ATOMIC_SEQ_CST) == (unsigned)cpu_count());
}

static void test_all_cpus_used(void)
{
	for (int round = 0; round < 10; round++) {
		meeting = 0;
		run_crew(cpu_count(), meet_member);
	}
}

static void test_thread_memory(void)
{
	uint64_t before;

	run_crew(8, spin_member);
	before = mem_free_pages();
	for (int round = 0; round < 20; round++)
		run_crew(16, spin_member);
	sleep_until(clock_now_ns() + 100 * NSEC_PER_MSEC);
	CHECK(mem_free_pages() + 8 >= before);
}

/* --- time ------------------------------------------------------------------------------------------ */

#define TIMERS 200

static struct timer timers[TIMERS];
static uint64_t fired_at[TIMERS];
static unsigned fired;
static unsigned order[TIMERS];

static void timer_note(void *arg)
{
	unsigned i = (uint64_t)arg;

	fired_at[i] = clock_now_ns();
	order[fired++] = i;
}

static void test_timers(void)
{
	uint32_t random = 5;
	uint64_t start = clock_now_ns() + 20 * NSEC_PER_MSEC;
	unsigned cancelled = 0;

	fired = 0;
	memset(fired_at, 0, sizeof(fired_at));
	/* All on one CPU, which the interrupts-off stretch makes sure of. */
	unsigned long flags = irq_save();

	for (unsigned i = 0; i < TIMERS; i++) {
		timer_init(&timers[i]);
		timer_set(&timers[i], start + next_random(&random) % (50 * NSEC_PER_MSEC),
			  timer_note, (void *)(uint64_t)i);
	}
	for (unsigned i = 0; i < TIMERS; i += 3)
		timer_set(&timers[i], start + next_random(&random) % (80 * NSEC_PER_MSEC),
			  timer_note, (void *)(uint64_t)i);
	for (unsigned i = 0; i < TIMERS; i += 5) {
		CHECK(timer_cancel(&timers[i]));
		CHECK(!timer_cancel(&timers[i]));
		cancelled++;
	}
	irq_restore(flags);
	sleep_until(start + 100 * NSEC_PER_MSEC);
	CHECK(fired == TIMERS - cancelled);
	for (unsigned k = 0; k < fired; k++) {
		CHECK(fired_at[order[k]] >= timers[order[k]].deadline_ns);
		CHECK(k == 0 || timers[order[k]].deadline_ns >= timers[order[k - 1]].deadline_ns);
		CHECK(order[k] % 5 != 0);
	}
}

static void sleep_member(unsigned i)
{
	for (int round = 0; round < 20; round++) {
		uint64_t until = clock_now_ns() + (i % 7 + 1) * NSEC_PER_MSEC / 2;

		sleep_until(until);
		CHECK(clock_now_ns() >= until);
	}
}

static void test_clock(void)
{
	uint64_t last = clock_now_ns(), start = last;
	uint64_t rtc = rtc_read();

	for (int i = 0; i < 100000; i++) {
		uint64_t now = clock_now_ns();

		CHECK(now >= last);
		last = now;
	}
	start = clock_now_ns();
	clock_delay_us(2000);
	CHECK(clock_now_ns() - start >= 1990 * NSEC_PER_USEC);
	CHECK(rtc > 1700000000 && rtc < 5000000000);
	run_crew(32, sleep_member);
}

/* --- between CPUs ---------------------------------------------------------------------------------- */

static uint32_t ipi_seen[MAX_CPUS];

static void ipi_note(void *arg)
{
	__atomic_add_fetch(&ipi_seen[cpu_id()], (uint64_t)arg, __ATOMIC_SEQ_CST);
}

static void ipi_member(unsigned i)
{
	(void)i;
	for (int round = 0; round < 200; round++) {
		ipi_call_others(ipi_note, (void *)1, round % 3 != 0);
		if (round % 8 == 0)
			thread_yield();
	}
	ipi_call_others(ipi_note, NULL, true);
}

static void test_ipi(void)
{
	uint32_t total = 0;

	memset(ipi_seen, 0, sizeof(ipi_seen));
	run_crew(2 * cpu_count(), ipi_member);
	for (int cpu = 0; cpu < cpu_count(); cpu++)
		total += ipi_seen[cpu];
	CHECK(total == 2u * cpu_count() * 200 * (cpu_count() - 1));
}

/* --- protection ------------------------------------------------------------------------------------ */

/* Reads or writes at a; true when that faulted and the exception table recovered it. */
static bool faults(uint64_t a, bool write)
{
	uint64_t failed = 0;

	if (write)
		__asm__ volatile("1: orb $0, (%1)\n\t"
				 "jmp 3f\n"
				 "2: movq $1, %0\n"
				 "3:\n\t" EXTABLE(1b, 2b)
				 : "+r"(failed)
				 : "r"(a)
				 : "memory");
	else
		__asm__ volatile("1: movb (%1), %%al\n\t"
				 "jmp 3f\n"
				 "2: movq $1, %0\n"
				 "3:\n\t" EXTABLE(1b, 2b)
				 : "+r"(failed)
				 : "r"(a)
				 : "memory", "rax");
	return failed;
}

static void test_protection(void)
{
	static uint64_t data;

	CHECK(!faults((uint64_t)&data, true));
	CHECK(!faults((uint64_t)kernel_text_start, false));
	CHECK(faults((uint64_t)kernel_text_start, true));
	CHECK(faults((uint64_t)kernel_rodata_start, true));
	CHECK(faults((uint64_t)phys_virt(virt_phys(kernel_text_start)), true));
	CHECK(!faults((uint64_t)phys_virt(virt_phys(&data)), true));
	CHECK(faults(0xdead000000000000, false)); /* not canonical */
	CHECK(faults(KERNEL_BASE, false));
	CHECK(faults(DIRECT_MAP + (1ul << 45), false));
}

static void test_fpu(void)
{
	uint8_t *xstate = fpu_state_alloc();
	uint64_t features = 1ull << 9;

	CHECK(xstate && ((uint64_t)xstate & 63) == 0);
	CHECK(fpu_state_sanitize(xstate, fpu_state_size()) == 0);
	CHECK(fpu_state_sanitize(xstate, fpu_state_size() - 1) == -EINVAL);
	memcpy(xstate + XSAVE_LEGACY_SIZE, &features, sizeof(features));
	CHECK(fpu_state_sanitize(xstate, fpu_state_size()) == -EINVAL);
	fpu_state_init(xstate);
	memset(xstate + 24, 0xff, 4); /* MXCSR: reserved bits would fault */
	CHECK(fpu_state_sanitize(xstate, fpu_state_size()) == 0);
	unsigned long flags = irq_save();

	fpu_restore(xstate);
	fpu_save(xstate);
	memset(xstate + XSAVE_LEGACY_SIZE + 8, 0xff, 16); /* compacted form and reserved bits */
	if (fpu_xcr0() & XFEATURE_AVX)
		fpu_restore(xstate);
	irq_restore(flags);
	CHECK(!(fpu_xcr0() & XFEATURE_AVX) || xstate[XSAVE_LEGACY_SIZE + 8] == 0);
	fpu_state_free(xstate);
}

static void test_mm(void)
{
	failures += mm_selftest();
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "libc", test_libc },
	{ "pages", test_pages },
	{ "memory above 4 GB", test_memory_above_4g },
	{ "heap", test_heap },
	{ "protection", test_protection },
	{ "fpu state", test_fpu },
	{ "spin lock", test_spinlock },
	{ "mutex", test_mutex },
	{ "wait queues back and forth", test_pingpong },
	{ "interruptible and timed waits", test_interruptible },
	{ "all CPUs are used", test_all_cpus_used },
	{ "threads give their memory back", test_thread_memory },
	{ "timers", test_timers },
	{ "clock and sleep", test_clock },
	{ "calls between CPUs", test_ipi },
	{ "address spaces", test_mm },
};

/* What a panic looks like: selftest=panic on the command line, for the test that reads the report. */
static void __attribute__((noinline)) crash(unsigned depth)
{
	trace("crash at depth %u", depth);
	if (depth == 0)
		*(volatile uint64_t *)phys_virt(1ul << 45) = 1;
	else
		crash(depth - 1);
	trace("came back");
}

void selftest_run(void)
{
	unsigned passed = 0, failed = 0;

	if (strcmp(setting_get("selftest"), "panic") == 0)
		crash(3);

	for (unsigned i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		uint64_t start = clock_now_ns();

		failures = 0;
		tests[i].run();
		kprintf("selftest: %-32s %s (%lu ms)\n", tests[i].name, failures ? "FAILED" : "ok",
			(clock_now_ns() - start) / NSEC_PER_MSEC);
		if (failures)
			failed++;
		else
			passed++;
	}
	kprintf("selftest: CPU busy ms:");
	for (int cpu = 0; cpu < cpu_count(); cpu++)
		kprintf(" %lu", cpu_busy_ns(cpu) / NSEC_PER_MSEC);
	kprintf(", load %u.%03u\n", sched_load_milli() / 1000, sched_load_milli() % 1000);
	kprintf("selftest: %u passed, %u failed\n", passed, failed);
	machine_stop();
}

#endif
