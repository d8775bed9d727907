/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spin locks. A kernel path is never preempted, so a plain spin_lock() suffices for data that no
 * interrupt handler touches; what handlers touch takes spin_lock_irqsave(). Never sleep, never wait
 * for an IPI while holding one.
 *
 * Test-and-set on purpose, not tickets: under an emulator with fewer cores than CPUs, a ticket
 * holder that is not running would stop everybody behind it.
 */
#ifndef KERNEL_SYNC_SPINLOCK_H
#define KERNEL_SYNC_SPINLOCK_H

#include <stdbool.h>
#include <stdint.h>

typedef struct spinlock {
	uint32_t locked;
} spinlock_t;

#define SPINLOCK_INIT { 0 }

/* Waits until the lock may be free; answers IPIs meanwhile; panics when that takes half a minute. */
void spin_wait(spinlock_t *lock);

static inline void spin_init(spinlock_t *lock)
{
	lock->locked = 0;
}

static inline bool spin_trylock(spinlock_t *lock)
{
	return __atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE) == 0;
}

static inline void spin_lock(spinlock_t *lock)
{
	while (__builtin_expect(!spin_trylock(lock), 0))
		spin_wait(lock);
}

static inline void spin_unlock(spinlock_t *lock)
{
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
}

static inline bool spin_is_locked(const spinlock_t *lock)
{
	return __atomic_load_n(&lock->locked, __ATOMIC_RELAXED) != 0;
}

/* Disables interrupts on this CPU; returns the flags for irq_restore(). */
static inline unsigned long irq_save(void)
{
	unsigned long flags;

	__asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
	return flags;
}

static inline void irq_restore(unsigned long flags)
{
	__asm__ volatile("pushq %0; popfq" : : "r"(flags) : "memory", "cc");
}

static inline unsigned long spin_lock_irqsave(spinlock_t *lock)
{
	unsigned long flags = irq_save();

	spin_lock(lock);
	return flags;
}

static inline void spin_unlock_irqrestore(spinlock_t *lock, unsigned long flags)
{
	spin_unlock(lock);
	irq_restore(flags);
}

#endif
