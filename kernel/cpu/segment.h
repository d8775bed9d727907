/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segments of guests. 32-bit programs find their thread's data by a selector in GS whose descriptor
 * they ask for by set_thread_area(2); there are three such descriptors for each thread, in the GDT of
 * the CPU that runs it. In 64-bit code selectors mean little, but any program may load them.
 */
#ifndef KERNEL_CPU_SEGMENT_H
#define KERNEL_CPU_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

struct thread;
struct wire_tls;

#define TLS_ENTRIES 3

/*
 * The running thread's selectors into t, and those of t, with its descriptors, into the CPU. A load
 * changes the bases of FS and GS, which the caller sets afterwards. Interrupts are off.
 */
void segments_save(struct thread *t);
void segments_load(const struct thread *t);

/* A fork's child: those of its parent, which have just been saved. */
void segments_inherit(struct thread *child, const struct thread *parent);

/* The base that loading this selector gives. */
uint64_t segment_base(const struct thread *t, uint16_t selector);

/* A descriptor as set_thread_area(2) makes it. False when Linux would refuse it. */
bool tls_descriptor(const struct wire_tls *tls, uint64_t *desc);

/* What get_thread_area(2) says of a descriptor; tls->entry is left alone. */
void tls_describe(uint64_t desc, struct wire_tls *tls);

/*
 * Gives the current thread this descriptor; a segment register that holds its selector is loaded anew, as
 * Linux does.
 */
void tls_set(unsigned index, uint64_t desc);

#endif
