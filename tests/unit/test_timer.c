/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The timer heap against a plain array: random arming, moving, cancelling and firing, also from
 * within the callbacks.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(expr)                                                                                \
	do {                                                                                       \
		if (!(expr)) {                                                                     \
			printf("FAIL %s:%d: %s\n", __FILE__, __LINE__, #expr);                     \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* --- the environment, in place of the kernel's headers --- */

#define KERNEL_CPU_APIC_H
#define KERNEL_CPU_INTERRUPT_H
#define KERNEL_CPU_IRQ_H
#define KERNEL_CPU_PERCPU_H
#define KERNEL_CPU_X86_H
#define KERNEL_KPRINTF_H
#define KERNEL_PROC_SCHED_H
#define KERNEL_SYNC_SPINLOCK_H

#define MAX_CPUS 4
#define KASSERT CHECK

typedef int spinlock_t;

static uint64_t now_ns = 1000, armed_ns = UINT64_MAX;
static int cpu;

static void spin_lock(spinlock_t *l)
{
	CHECK(*l == 0);
	*l = 1;
}

static void spin_unlock(spinlock_t *l)
{
	*l = 0;
}

static unsigned long irq_save(void)
{
	return 0;
}

static void irq_restore(unsigned long flags)
{
	(void)flags;
}

static int cpu_id(void)
{
	return cpu;
}

static bool apic_present(void)
{
	return true;
}

static void apic_timer_set(uint32_t count)
{
	armed_ns = count ? now_ns + count : UINT64_MAX;
}

/* The APIC timer counts nanoseconds down from calibration's start. */
static uint64_t calibrating;

static uint32_t apic_timer_left(void)
{
	return UINT32_MAX - (uint32_t)calibrating;
}

static void panic(const char *why)
{
	printf("panic: %s\n", why);
	exit(1);
}

static void irq_register(unsigned line, bool (*fn)(void *), void *arg)
{
	(void)line, (void)fn, (void)arg;
}

static void outb(uint16_t port, uint8_t v)
{
	(void)port, (void)v;
}

static void cpu_relax(void)
{
}

static uint64_t sched_tick(uint64_t now)
{
	(void)now;
	return UINT64_MAX;
}

#include "kernel/time/clock.h"

uint64_t clock_now_ns(void)
{
	return now_ns;
}

void clock_delay_us(unsigned us)
{
	calibrating += us * 1000ul;
	now_ns += us * 1000ul;
}

#include "kernel/time/timer.c"

/* --- the test ---------------------------------------------------------------------------------------- */

#define TIMERS 200

static struct timer timers[TIMERS];
static uint64_t due[TIMERS]; /* 0: not armed */
static uint64_t last_fired;

static void fire(void *arg)
{
	unsigned i = (uintptr_t)arg;

	CHECK(due[i] && due[i] <= now_ns && due[i] >= last_fired);
	last_fired = due[i];
	due[i] = 0;
	if (rand() % 4 == 0) {
		/* Itself again, later; and another one away. */
		unsigned other = rand() % TIMERS;

		due[i] = now_ns + 1 + rand() % 5000;
		timer_set(&timers[i], due[i], fire, arg);
		if (other != i) {
			CHECK(timer_cancel(&timers[other]) == (due[other] != 0));
			due[other] = 0;
		}
	}
}

int main(void)
{
	srand(1);
	timer_init_hardware();
	for (unsigned i = 0; i < TIMERS; i++)
		timer_init(&timers[i]);
	for (int round = 0; round < 200000; round++) {
		unsigned i = rand() % TIMERS;
		uint64_t first = UINT64_MAX;

		switch (rand() % 4) {
		case 0:
		case 1:
			due[i] = now_ns + 1 + rand() % 100000;
			timer_set(&timers[i], due[i], fire, (void *)(uintptr_t)i);
			break;
		case 2:
			CHECK(timer_cancel(&timers[i]) == (due[i] != 0));
			due[i] = 0;
			break;
		default:
			now_ns += rand() % 3000;
			last_fired = 0;
			timer_interrupt();
			for (unsigned k = 0; k < TIMERS; k++)
				CHECK(due[k] == 0 || due[k] > now_ns);
		}
		for (unsigned k = 0; k < TIMERS; k++)
			if (due[k] && due[k] < first)
				first = due[k];
		/* The hardware comes in time for the earliest (2 us is its shortest shot). */
		CHECK(first == UINT64_MAX || armed_ns <= first + SHORTEST_NS);
	}
	/* A timer that goes to another CPU's heap. */
	cpu = 1;
	timer_set(&timers[0], now_ns + 10, fire, NULL);
	CHECK(timers[0].cpu == 1 && bases[1].root == &timers[0]);
	cpu = 0;
	CHECK(timer_cancel(&timers[0]) && bases[1].root == NULL);
	printf("ok\n");
	return 0;
}
