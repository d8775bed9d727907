/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device interrupts, by the two 8259s (data sheet 231468) or by an I/O APIC (82093AA), and the
 * dispatch of all vectors.
 *
 * The 8259s are the choice even where there is an I/O APIC: a PCI device's line number tells which
 * input of the 8259 it is wired to, while its I/O APIC input is known only to the AML code of ACPI,
 * which we do not run. They reach the boot CPU through its local APIC ("virtual wire"). The I/O APIC
 * serves machines that say they have no 8259, and irq=ioapic.
 */
#include "kernel/cpu/irq.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "kernel/cpu/acpi.h"
#include "kernel/cpu/apic.h"
#include "kernel/cpu/interrupt.h"
#include "kernel/cpu/ipi.h"
#include "kernel/cpu/percpu.h"
#include "kernel/cpu/trap.h"
#include "kernel/cpu/x86.h"
#include "kernel/kprintf.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/kmap.h"
#include "kernel/settings.h"
#include "kernel/sync/spinlock.h"
#include "kernel/time/timer.h"

#define LINES 16
#define LINE_TIMER 0
#define LINE_KEYBOARD 1
#define LINE_CASCADE 2
#define LINE_MOUSE 12

#define PIC1_CMD 0x20
#define PIC1_DATA 0x21
#define PIC2_CMD 0xa0
#define PIC2_DATA 0xa1
#define PIC_EOI 0x20
#define PIC_READ_ISR 0x0b
#define ICW1_INIT_ICW4 0x11
#define ICW4_8086 0x01
#define ELCR1 0x4d0
#define ELCR2 0x4d1

#define BIOS_VECTOR_IRQ0 0x08
#define BIOS_VECTOR_IRQ8 0x70

#define IOREGSEL 0x00
#define IOWIN 0x10
#define IOAPIC_VERSION 1
#define IOAPIC_ENTRY(pin) (0x10 + 2 * (pin))
#define ENTRY_LOW_ACTIVE (1u << 13)
#define ENTRY_LEVEL (1u << 15)
#define ENTRY_MASKED (1u << 16)

struct irq_action {
	struct irq_action *next;
	irq_handler_t handler;
	void *arg;
};

/* Actions are only ever added, so handlers walk the list without a lock. */
static struct irq_action *actions[LINES];
static bool level[LINES];
static uint64_t unclaimed[LINES];
static spinlock_t lock = SPINLOCK_INIT;
static volatile uint32_t *ioapic; /* NULL when the 8259s serve */
static uint16_t pic_mask = 0xffff & ~(1 << LINE_CASCADE);
static uint16_t bios_mask; /* as the BIOS had it */

static uint32_t ioapic_read(unsigned reg)
{
	ioapic[IOREGSEL / 4] = reg;
	return ioapic[IOWIN / 4];
}

static void ioapic_write(unsigned reg, uint32_t v)
{
	ioapic[IOREGSEL / 4] = reg;
	ioapic[IOWIN / 4] = v;
}

static void pic_write_mask(uint16_t mask)
{
	outb(PIC1_DATA, mask & 0xff);
	outb(PIC2_DATA, mask >> 8);
}

static void pic_program(unsigned base1, unsigned base2, uint16_t mask)
{
	outb(PIC1_CMD, ICW1_INIT_ICW4);
	outb(PIC2_CMD, ICW1_INIT_ICW4);
	outb(PIC1_DATA, base1);
	outb(PIC2_DATA, base2);
	outb(PIC1_DATA, 1 << LINE_CASCADE);
	outb(PIC2_DATA, LINE_CASCADE);
	outb(PIC1_DATA, ICW4_8086);
	outb(PIC2_DATA, ICW4_8086);
	pic_write_mask(mask);
}

static void pic_init(void)
{
	pic_program(VECTOR_IRQ_BASE, VECTOR_IRQ_BASE + 8, pic_mask);
}

static unsigned ioapic_pin(unsigned line)
{
	return acpi_info.line_gsi[line] - acpi_info.ioapic_gsi_base;
}

static void ioapic_init(void)
{
	unsigned pins = (ioapic_read(IOAPIC_VERSION) >> 16 & 0xff) + 1;

	for (unsigned pin = 0; pin < pins; pin++)
		ioapic_write(IOAPIC_ENTRY(pin), ENTRY_MASKED);
}

void irq_init(void)
{
	const char *wish = setting_get("irq");
	bool want = !acpi_info.has_pic || (wish && strcmp(wish, "ioapic") == 0);

	bios_mask = inb(PIC1_DATA) | inb(PIC2_DATA) << 8;
	pic_init(); /* even if unused: its reset vectors collide with exceptions */
	if (want && apic_present() && acpi_info.ioapic_pa) {
		ioapic = mmio_map(acpi_info.ioapic_pa, 4096);
		if (ioapic)
			ioapic_init();
	}
	kprintf("irq: %s\n", ioapic ? "I/O APIC" : apic_present() ? "PIC through the APIC" : "PIC");
}

static void line_enable(unsigned line)
{
	if (ioapic) {
		unsigned flags = acpi_info.line_flags[line];
		uint32_t entry = VECTOR_IRQ_BASE + line;

		/* An override's explicit word counts; else level lines are PCI's, active low. */
		if ((flags & 0xc) == 0xc || ((flags & 0xc) == 0 && level[line]))
			entry |= ENTRY_LEVEL;
		if ((flags & 0x3) == 0x3 || ((flags & 0x3) == 0 && level[line]))
			entry |= ENTRY_LOW_ACTIVE;
		ioapic_write(IOAPIC_ENTRY(ioapic_pin(line)) + 1, cpu_percpu(0)->apic_id << 24);
		ioapic_write(IOAPIC_ENTRY(ioapic_pin(line)), entry);
		return;
	}
	if (level[line]) {
		uint16_t port = line < 8 ? ELCR1 : ELCR2;

		outb(port, inb(port) | 1 << (line & 7));
	}
	pic_mask &= ~(1u << line);
	pic_write_mask(pic_mask);
}

void irq_set_level(unsigned line)
{
	/* Lines 0, 1, 2, 8 and 13 are the board's own and always edges. */
	if (line < LINES && line != 0 && line != 1 && line != 2 && line != 8 && line != 13)
		level[line] = true;
}

int irq_register(unsigned line, irq_handler_t handler, void *arg)
{
	struct irq_action *a;
	unsigned long flags;

	if (line >= LINES || line == LINE_CASCADE)
		return -EINVAL;
	a = kmalloc(sizeof(*a));
	if (a == NULL)
		return -ENOMEM;
	a->handler = handler;
	a->arg = arg;
	flags = spin_lock_irqsave(&lock);
	a->next = actions[line];
	__atomic_store_n(&actions[line], a, __ATOMIC_RELEASE);
	line_enable(line);
	spin_unlock_irqrestore(&lock, flags);
	return 0;
}

void irq_leave_only(unsigned line)
{
	if (ioapic) {
		for (unsigned i = 0; i < LINES; i++)
			if (actions[i] && i != line)
				ioapic_write(IOAPIC_ENTRY(ioapic_pin(i)), ENTRY_MASKED);
		return;
	}
	pic_mask = ~(1u << line | 1u << LINE_CASCADE);
	pic_write_mask(pic_mask);
}

/* The 8259 shows lines 7 and 15 when a request vanished before it was taken: no EOI to that one. */
static bool pic_spurious(unsigned line)
{
	if (line != 7 && line != 15)
		return false;
	uint16_t port = line == 7 ? PIC1_CMD : PIC2_CMD;

	outb(port, PIC_READ_ISR);
	if (inb(port) & 0x80)
		return false;
	if (line == 15)
		outb(PIC1_CMD, PIC_EOI); /* the first 8259 did see its cascade line */
	return true;
}

static void line_ack(unsigned line)
{
	if (ioapic) {
		apic_eoi();
		return;
	}
	if (line >= 8)
		outb(PIC2_CMD, PIC_EOI);
	outb(PIC1_CMD, PIC_EOI);
}

static bool ask_handlers(unsigned line)
{
	bool claimed = false;

	for (struct irq_action *a = __atomic_load_n(&actions[line], __ATOMIC_ACQUIRE); a; a = a->next)
		claimed |= a->handler(a->arg);
	return claimed;
}

static void line_interrupt(unsigned line)
{
	if (!ioapic && pic_spurious(line))
		return;
	if (!ask_handlers(line) && unclaimed[line]++ == 1000)
		kprintf("irq: line %u keeps interrupting, and none of its devices says why\n", line);
	line_ack(line);
}

void irq_lend(void)
{
	/* Keys are ours: the BIOS would take them out of the controller. */
	uint16_t mask = bios_mask | 1 << LINE_KEYBOARD | 1 << LINE_MOUSE;

	/* So are the lines of our cards, which the BIOS does not know how to quiet. */
	for (unsigned line = 0; line < LINES; line++)
		if (line != LINE_TIMER && actions[line])
			mask |= 1 << line;
	apic_hold(true);
	timer_lend();
	pic_program(BIOS_VECTOR_IRQ0, BIOS_VECTOR_IRQ8, mask);
}

void irq_take_back(void)
{
	struct percpu *pc = this_cpu();

	pic_init();
	/* Edges that the controllers saw meanwhile are forgotten. */
	pc->irq_depth++;
	for (unsigned line = 0; line < LINES; line++)
		ask_handlers(line);
	pc->irq_depth--;
	apic_hold(false);
}

void interrupt_handle(unsigned vector)
{
	struct percpu *pc = this_cpu();

	pc->irq_depth++;
	pc->irq_count++;
	switch (vector) {
	case VECTOR_TIMER:
		pc->timer_count++;
		apic_eoi();
		timer_interrupt();
		break;
	case VECTOR_RESCHED:
		/* The way back looks at need_resched and work; an idle CPU is awake now. */
		pc->ipi_count++;
		apic_eoi();
		break;
	case VECTOR_IPI_CALL:
		pc->ipi_count++;
		apic_eoi();
		ipi_poll();
		break;
	case VECTOR_SPURIOUS:
		break;
	default:
		if (vector - VECTOR_IRQ_BASE < LINES)
			line_interrupt(vector - VECTOR_IRQ_BASE);
		else
			kprintf("irq: unexpected vector %u\n", vector);
	}
	pc->irq_depth--;
}
