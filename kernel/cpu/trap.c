/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens at each entry: exceptions, interrupts, system calls; and the way back to user mode.
 */
#include "kernel/cpu/trap.h"

#include <stddef.h>

#include "kernel/cpu/apic.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/features.h"
#include "kernel/cpu/interrupt.h"
#include "kernel/cpu/percpu.h"
#include "kernel/cpu/tables.h"
#include "kernel/cpu/x86.h"
#include "kernel/kprintf.h"
#include "kernel/mm/page.h"
#include "kernel/panic.h"
#include "kernel/proc/thread.h"
#include "proto/syscalls.h"

_Static_assert(offsetof(struct trapframe, vector) == 120, "entry.S");
_Static_assert(offsetof(struct trapframe, cs) == 144, "entry.S");
_Static_assert(sizeof(struct trapframe) == 176, "entry.S");
_Static_assert(offsetof(struct thread, ksp) == 0, "entry.S");

#define IDT_INTERRUPT_GATE 0x8e00
#define IDT_USER_GATE 0xee00 /* INT3, INTO and INT 0x80 may be executed in user mode */

/* Flags that user mode may have; the rest is forced. */
#define RFLAGS_USER 0x00244dd5ul /* CF PF AF ZF SF TF DF OF NT AC ID */
#define RFLAGS_FIXED 0x2ul



static uint64_t idt[256][2] __attribute__((aligned(16)));

extern char trap_stubs[], syscall_entry[], syscall_entry32[];
extern const struct {
	uint64_t insn, fixup;
} ex_table_start[], ex_table_end[];

static const char *const exception_name[] = {
	"divide error",	     "debug",		   "NMI",
	"breakpoint",	     "overflow",	   "bound range",
	"invalid opcode",    "no FPU",		   "double fault",
	"coprocessor segment", "invalid TSS",	   "segment not present",
	"stack fault",	     "general protection", "page fault",
	"reserved",	     "x87 error",	   "alignment check",
	"machine check",     "SIMD error",
};

__attribute__((weak)) bool user_page_fault(struct trapframe *tf, uint64_t addr, uint64_t err)
{
	if (trap_from_user(tf))
		panic_trap(tf, "page fault in user mode at %lx (error %lx), nobody to serve it",
			   addr, err);
	return false;
}

__attribute__((weak)) void user_exception(struct trapframe *tf)
{
	panic_trap(tf, "exception %lu in user mode, nobody to serve it", tf->vector);
}

__attribute__((weak)) void syscall_dispatch(struct trapframe *tf)
{
	panic_trap(tf, "system call %lu, nobody to serve it", tf->error);
}

__attribute__((weak)) void return_to_user_work(struct trapframe *tf)
{
	(void)tf;
	thread_clear_work(current, ~0u);
}

static void idt_set(unsigned vector, unsigned type, unsigned ist)
{
	uint64_t stub = (uint64_t)trap_stubs;
	uint64_t target = 0;

	/* Stubs are 16 bytes apart: .balign 16 in entry.S, none is longer. */
	target = stub + 16ul * vector;
	idt[vector][0] = (target & 0xffff) | (uint64_t)KERNEL_CS << 16 |
			 (uint64_t)(type | ist) << 32 | (target >> 16 & 0xffff) << 48;
	idt[vector][1] = target >> 32;
}

void trap_init(void)
{
	for (unsigned v = 0; v < 256; v++)
		idt_set(v, IDT_INTERRUPT_GATE, 0);
	idt_set(TRAP_BREAKPOINT, IDT_USER_GATE, 0);
	idt_set(TRAP_OVERFLOW, IDT_USER_GATE, 0);
	idt_set(VECTOR_INT80, IDT_USER_GATE, 0);
	idt_set(TRAP_NMI, IDT_INTERRUPT_GATE, IST_NMI);
	idt_set(TRAP_DOUBLE_FAULT, IDT_INTERRUPT_GATE, IST_DOUBLE_FAULT);
	idt_set(TRAP_MACHINE_CHECK, IDT_INTERRUPT_GATE, IST_MACHINE_CHECK);
}

void trap_init_cpu(void)
{
	struct descriptor_ptr idtr = { sizeof(idt) - 1, (uint64_t)idt };

	__asm__ volatile("lidt %0" : : "m"(idtr));
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
	/* SYSRET takes user SS from base + 8 and CS from base + 16. */
	wrmsr(MSR_STAR, (uint64_t)KERNEL_CS << 32 | (uint64_t)USER32_CS << 48);
	wrmsr(MSR_LSTAR, (uint64_t)syscall_entry);
	/* 32-bit code: SYSCALL where the CPU has it (AMD); SYSENTER faults. See fastcall.c. */
	wrmsr(MSR_CSTAR, (uint64_t)syscall_entry32);
	wrmsr(MSR_SYSENTER_CS, 0);
	wrmsr(MSR_SFMASK, RFLAGS_IF | RFLAGS_TF | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC | RFLAGS_RF |
				  RFLAGS_CF);
}

static uint64_t fixup_find(uint64_t rip)
{
	for (__typeof__(&ex_table_start[0]) e = ex_table_start; e < ex_table_end; e++)
		if (e->insn == rip)
			return e->fixup;
	return 0;
}

static void kernel_exception(struct trapframe *tf, uint64_t addr)
{
	uint64_t fixup = fixup_find(tf->rip);

	if (tf->vector == TRAP_PAGE_FAULT && fixup && addr < USER_END && !in_interrupt()) {
		/* A copy to or from user memory: the page may be on its way from home. */
		bool enabled = tf->rflags & RFLAGS_IF;

		if (enabled)
			irq_enable();
		if (user_page_fault(tf, addr, tf->error))
			fixup = tf->rip;
		if (enabled)
			irq_disable();
	}
	if (fixup) {
		tf->rip = fixup;
		return;
	}
	if (tf->vector == TRAP_PAGE_FAULT)
		panic_trap(tf, "page fault in the kernel at %lx (error %lx: %s%s)", addr, tf->error,
			   tf->error & PF_INSTRUCTION ? "execute" :
			   tf->error & PF_WRITE	      ? "write" :
							"read",
			   tf->error & PF_PRESENT ? ", not allowed" : ", not mapped");
	panic_trap(tf, "%s in the kernel (error %lx)",
		   tf->vector < sizeof(exception_name) / sizeof(exception_name[0]) ?
			   exception_name[tf->vector] :
			   "unknown exception",
		   tf->error);
}

static bool canonical_user(uint64_t address)
{
	return address < USER_END;
}

/*
 * Before every return to user mode, with interrupts off: serves what is pending, then makes sure
 * that IRET cannot fault (a fault there would come with the user's GS).
 */
static void trap_exit_user(struct trapframe *tf)
{
	for (;;) {
		if (this_cpu()->need_resched) {
			schedule();
		} else if (thread_work(current)) {
			return_to_user_work(tf);
			irq_disable();
		} else if (!canonical_user(tf->rip)) {
			/* Where the CPU itself would raise it in user mode. */
			tf->vector = TRAP_PROTECTION;
			tf->error = 0;
			irq_enable();
			user_exception(tf);
			irq_disable();
			if (!canonical_user(tf->rip) && !thread_work(current))
				panic_trap(tf, "user_exception() resumes at %lx", tf->rip);
		} else {
			break;
		}
	}
	if (tf->cs == USER32_CS) {
		tf->rip = (uint32_t)tf->rip;
		tf->rsp = (uint32_t)tf->rsp;
	} else {
		tf->cs = USER_CS;
	}
	tf->ss = USER_SS;
	tf->rflags = (tf->rflags & RFLAGS_USER) | RFLAGS_FIXED | RFLAGS_IF;
}

void trap_handle(struct trapframe *tf)
{
	bool user = trap_from_user(tf);

	if (tf->vector == VECTOR_INT80 && user) {
		irq_enable();
		trap_syscall32(tf);
		irq_disable();
	} else if (tf->vector >= VECTOR_IRQ_BASE) {
		interrupt_handle(tf->vector);
	} else if (tf->vector == TRAP_PAGE_FAULT) {
		uint64_t addr = read_cr2();

		if (user) {
			irq_enable();
			user_page_fault(tf, addr, tf->error);
			irq_disable();
		} else {
			kernel_exception(tf, addr);
		}
	} else if (user) {
		irq_enable();
		user_exception(tf);
		irq_disable();
	} else {
		kernel_exception(tf, 0);
	}
	if (user)
		trap_exit_user(tf);
}

/* True when the registers allow SYSRET: it loads rip from rcx and rflags from r11. */
bool trap_syscall(struct trapframe *tf)
{
	irq_enable();
	syscall_dispatch(tf);
	irq_disable();
	trap_exit_user(tf);
	return tf->rcx == tf->rip && tf->r11 == tf->rflags && tf->vector == TRAP_SYSCALL &&
	       tf->cs == USER_CS && !(tf->rflags & (RFLAGS_TF | RFLAGS_RF));
}

void trap_syscall32(struct trapframe *tf)
{
	tf->vector = TRAP_SYSCALL32;
	tf->error = (uint32_t)tf->rax | SYS_I386;
	syscall_dispatch(tf);
}

/* SYSCALL in 32-bit code, as a CPU without it would have met it. */
void trap_no_syscall32(struct trapframe *tf)
{
	tf->rip -= 2;
	trap_handle(tf);
}

void trap_enter_user(struct trapframe *tf)
{
	irq_disable();
	trap_exit_user(tf);
	jump_to_frame(tf);
}

void trap_handle_ist(struct trapframe *tf)
{
	if (tf->vector == TRAP_NMI) {
		if (panic_in_progress())
			for (;;)
				__asm__ volatile("cli; hlt");
		trace("NMI at %lx", tf->rip);
		return;
	}
	if (tf->vector == TRAP_MACHINE_CHECK)
		panic_trap(tf, "machine check: the hardware reports an error");
	panic_trap(tf, "double fault: the kernel stack of \"%s\" may be exhausted",
		   current ? current->name : "?");
}
