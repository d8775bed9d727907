/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The slow path of spin locks.
 */
#include "kernel/sync/spinlock.h"

#include "kernel/cpu/ipi.h"
#include "kernel/cpu/x86.h"
#include "kernel/kprintf.h"
#include "kernel/panic.h"
#include "kernel/time/clock.h"

/* Far beyond any honest wait, even on an overcommitted emulator: it is a deadlock. */
#define STUCK_NS (30 * NSEC_PER_SEC)
#define SPINS_PER_LOOK 1024

void spin_wait(spinlock_t *lock)
{
	uint64_t give_up = clock_now_ns() + STUCK_NS;
	uint64_t spins = 0;

	while (spin_is_locked(lock)) {
		cpu_relax();
		/* The holder may be waiting for this CPU to answer. */
		if (!irqs_enabled())
			ipi_poll();
		if (++spins % SPINS_PER_LOOK == 0 && clock_now_ns() > give_up &&
		    !panic_in_progress())
			panic("spin lock %lx is stuck", (uint64_t)lock);
	}
}
