/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end: say everything that helps to find the cause, then stop the machine as panic= says:
 * halt (the default), reboot, or exit (QEMU's isa-debug-exit, so that a test ends at once).
 */
#include "kernel/panic.h"

#include <stdio.h>
#include <string.h>

#include "drivers/console/console.h"
#include "drivers/power.h"
#include "kernel/cpu/apic.h"
#include "kernel/cpu/percpu.h"
#include "kernel/cpu/trap.h"
#include "kernel/cpu/x86.h"
#include "kernel/image.h"
#include "kernel/kprintf.h"
#include "kernel/ksym.h"
#include "kernel/mm/page.h"
#include "kernel/proc/thread.h"
#include "kernel/settings.h"
#include "kernel/time/clock.h"

#define BACKTRACE_MAX 24
#define TRACE_SHOWN 32
#define DEBUG_EXIT_PORT 0xf4
#define DEBUG_EXIT_PANIC 0x7f /* QEMU then exits with 255 */

static int panicking_cpu = -1;

bool panic_in_progress(void)
{
	return __atomic_load_n(&panicking_cpu, __ATOMIC_RELAXED) >= 0;
}

static const char *symbol_of(uint64_t address, uint64_t *offset)
{
	uint32_t low = 0, high = ksym_count;
	uint32_t wanted = (uint32_t)(address - KERNEL_BASE);

	if (address < (uint64_t)kernel_text_start || address >= (uint64_t)kernel_text_end ||
	    ksym_count == 0)
		return NULL;
	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (ksym_table[mid].offset <= wanted)
			low = mid;
		else
			high = mid;
	}
	*offset = wanted - ksym_table[low].offset;
	return ksym_names + ksym_table[low].name;
}

static void print_address(uint64_t address)
{
	uint64_t offset = 0;
	const char *name = symbol_of(address, &offset);

	if (name)
		kprintf("  %016lx %s+0x%lx\n", address, name,
			offset);
	else
		kprintf("  %016lx\n", address);
}

/* Is this a place where a kernel stack can be? Following a wild pointer would fault again. */
static bool stack_address(uint64_t a)
{
	if (a & 7)
		return false;
	if (a >= (uint64_t)kernel_text_end && a < KERNEL_BASE + (64ul << 20))
		return true;
	return a >= DIRECT_MAP && a < DIRECT_MAP + (page_array_len << PAGE_SHIFT);
}

void backtrace_print(uint64_t rip, uint64_t rbp)
{
	kprintf("called from:\n");
	if (rip)
		print_address(rip);
	for (int i = 0; i < BACKTRACE_MAX && stack_address(rbp); i++) {
		uint64_t *frame = (uint64_t *)rbp;

		if (frame[1] < (uint64_t)kernel_text_start || frame[1] >= (uint64_t)kernel_text_end)
			break;
		print_address(frame[1]);
		if (frame[0] <= rbp)
			break;
		rbp = frame[0];
	}
}

static void print_registers(const struct trapframe *tf)
{
	kprintf("rip %016lx cs %04lx rflags %08lx rsp %016lx ss %04lx\n", tf->rip, tf->cs,
		tf->rflags, tf->rsp, tf->ss);
	kprintf("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", tf->rax, tf->rbx, tf->rcx,
		tf->rdx);
	kprintf("rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", tf->rsi, tf->rdi, tf->rbp,
		tf->r8);
	kprintf("r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", tf->r9, tf->r10, tf->r11,
		tf->r12);
	kprintf("r13 %016lx r14 %016lx r15 %016lx\n", tf->r13, tf->r14, tf->r15);
	kprintf("vector %lu error %lx ", tf->vector, tf->error);
}

bool machine_stop_others(void)
{
	int none = -1;
	int me = cpu_id();

	irq_disable();
	if (!__atomic_compare_exchange_n(&panicking_cpu, &none, me, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST)) {
		if (none != me)
			for (;;) /* another CPU is telling its story already */
				__asm__ volatile("hlt");
		return false;
	}
	apic_nmi_others();
	console_panic();
	return true;
}

static void panic_begin(const char *why)
{
	if (!machine_stop_others()) {
		/* A panic inside the panic: its own report is what failed. */
		kprintf("\npanic while panicking: %s\n", why);
		machine_stop();
	}
	kprintf("\n*** muster: panic on CPU %d: %s\n", cpu_id(), why);
	if (current)
		kprintf("thread %lu \"%s\"%s, %lu ms after start\n",
			current->id, current->name,
			current->mm ? " (guest)" : "", clock_now_ns() / NSEC_PER_MSEC);
}

static void panic_end(uint64_t rip, uint64_t rbp)
{
	kprintf("cr2 %016lx cr3 %016lx cr4 %08lx\n", read_cr2(),
		read_cr3(), read_cr4());
	backtrace_print(rip, rbp);
	trace_dump(TRACE_SHOWN);
	thread_dump();
	machine_stop();
}

void panic(const char *fmt, ...)
{
	char why[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	panic_begin(why);
	panic_end(0, (uint64_t)__builtin_frame_address(0));
	__builtin_unreachable();
}

void panic_trap(struct trapframe *tf, const char *fmt, ...)
{
	char why[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	panic_begin(why);
	print_registers(tf);
	panic_end(tf->rip, tf->rbp);
	__builtin_unreachable();
}

void machine_stop(void)
{
	const char *how = setting_get("panic");

	irq_disable();
	if (how && strcmp(how, "exit") == 0)
		outb(DEBUG_EXIT_PORT, DEBUG_EXIT_PANIC);
	if (how && strcmp(how, "reboot") == 0)
		machine_reboot();
	kprintf("stopped. PgUp and PgDn show what is above.\n");
	console_panic_browse();
}
