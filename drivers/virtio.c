/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio on PCI: see virtio.h. */
#include "drivers/virtio.h"

#include <errno.h>
#include <string.h>

#include "drivers/pci.h"
#include "kernel/cpu/x86.h"
#include "kernel/mm/page.h"
#include "kernel/proc/thread.h"
#include "kernel/time/clock.h"

/* VIO 2.1: device status. */
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 };

/* VIO 4.1.4: what the capabilities of a modern card point to. */
enum { CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE, CAPS };
#define PCI_CAP_VENDOR 9

struct virtio_common {
	uint32_t device_feature_select, device_feature;
	uint32_t driver_feature_select, driver_feature;
	uint16_t msix_config, num_queues;
	uint8_t status, generation;
	uint16_t queue_select, queue_size, queue_msix_vector, queue_enable, queue_notify_off;
	uint32_t queue_desc[2], queue_driver[2], queue_device[2];
};

/* VIO 4.1.4.8: the ports of a legacy card, MSI-X being off. */
enum {
	PORT_DEVICE_FEATURES = 0,
	PORT_DRIVER_FEATURES = 4,
	PORT_QUEUE_ADDRESS = 8,
	PORT_QUEUE_SIZE = 12,
	PORT_QUEUE_SELECT = 14,
	PORT_NOTIFY = 16,
	PORT_STATUS = 18,
	PORT_ISR = 19,
	PORT_DEVICE = 20,
};

#define USED_NO_KICK 1
#define AVAIL_NO_IRQ 1
#define RESET_MS     1000

/* --- registers, of both kinds ----------------------------------------------------------------- */

static uint8_t get_status(struct virtio *v)
{
	return v->common ? v->common->status : inb(v->io + PORT_STATUS);
}

static void set_status(struct virtio *v, uint8_t status)
{
	if (v->common)
		v->common->status = status;
	else
		outb(v->io + PORT_STATUS, status);
}

uint8_t virtio_config(struct virtio *v, unsigned at)
{
	return v->common ? v->device[at] : inb(v->io + PORT_DEVICE + at);
}

uint8_t virtio_ack(struct virtio *v)
{
	/* Reading clears it. */
	return v->common ? *v->isr : inb(v->io + PORT_ISR);
}

int virtio_reset(struct virtio *v)
{
	uint64_t deadline = clock_now_ns() + RESET_MS * NSEC_PER_MSEC;

	set_status(v, 0);
	while (get_status(v)) {
		if (clock_now_ns() > deadline)
			return -ETIMEDOUT;
		sleep_until(clock_now_ns() + NSEC_PER_MSEC);
	}
	return 0;
}

/* Finds the four parts of a modern card (VIO 4.1.4). False: it is none, or not one for us. */
static bool find_parts(struct virtio *v, const struct pci_dev *pci)
{
	static const uint8_t need[CAPS] = { [CAP_COMMON] = sizeof(struct virtio_common),
					    [CAP_NOTIFY] = 2,
					    [CAP_ISR] = 1,
					    [CAP_DEVICE] = 8 };
	volatile uint8_t *part[CAPS] = { NULL }, *mapped[6] = { NULL };

	for (unsigned at = 0; (at = pci_find_cap(pci, PCI_CAP_VENDOR, at));) {
		unsigned type = pci_read8(pci, at + 3), bar = pci_read8(pci, at + 4);
		uint64_t offset = pci_read32(pci, at + 8), len = pci_read32(pci, at + 12);

		/* Of several the first counts; a type that we do not know is not for us. */
		if (type < CAP_COMMON || type >= CAPS || part[type] || bar > 5 || len < need[type])
			continue;
		if (pci->bar[bar].io || offset + len > pci->bar[bar].size)
			continue;
		if (!mapped[bar])
			mapped[bar] = pci_map_bar(pci, bar);
		if (!mapped[bar])
			continue;
		part[type] = mapped[bar] + offset;
		if (type == CAP_NOTIFY) {
			v->notify_size = len;
			v->notify_multiplier = pci_read32(pci, at + 16);
		}
	}
	for (unsigned type = CAP_COMMON; type < CAPS; type++)
		if (!part[type])
			return false;
	v->common = (volatile void *)part[CAP_COMMON];
	v->notify = part[CAP_NOTIFY];
	v->isr = part[CAP_ISR];
	v->device = part[CAP_DEVICE];
	return true;
}

int virtio_open(struct virtio *v, const struct pci_dev *pci)
{
	if (!find_parts(v, pci)) {
		v->io = pci_io_bar(pci, 0);
		if (!v->io)
			return -EIO;
	}
	return virtio_reset(v);
}

uint64_t virtio_offers(struct virtio *v)
{
	uint64_t low;

	if (!v->common)
		return inl(v->io + PORT_DEVICE_FEATURES);
	v->common->device_feature_select = 0;
	low = v->common->device_feature;
	v->common->device_feature_select = 1;
	return low | (uint64_t)v->common->device_feature << 32;
}

/* VIO 3.1.1. */
int virtio_negotiate(struct virtio *v, uint64_t want)
{
	set_status(v, ACKNOWLEDGE);
	set_status(v, ACKNOWLEDGE | DRIVER);
	v->features = virtio_offers(v) & (want | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1);
	if (!v->common) {
		outl(v->io + PORT_DRIVER_FEATURES, v->features);
		return 0;
	}
	if (!(v->features & VIRTIO_F_VERSION_1))
		return -ENOTSUP;
	v->common->driver_feature_select = 0;
	v->common->driver_feature = v->features;
	v->common->driver_feature_select = 1;
	v->common->driver_feature = v->features >> 32;
	set_status(v, ACKNOWLEDGE | DRIVER | FEATURES_OK);
	return get_status(v) & FEATURES_OK ? 0 : -ENOTSUP;
}

void virtio_start(struct virtio *v)
{
	set_status(v, get_status(v) | DRIVER_OK);
}

/* --- virtqueues ------------------------------------------------------------------------------- */

/* Where the card says up to which entry it needs no kick, and we up to which no interrupt. */
static const volatile uint16_t *avail_event(const struct virtq *q)
{
	return (const volatile uint16_t *)&q->used->ring[q->size];
}

static volatile uint16_t *used_event(struct virtq *q)
{
	return &q->avail->ring[q->size];
}

static void set_address(volatile uint32_t reg[2], const void *p)
{
	uint64_t phys = virt_phys(p);

	reg[0] = phys;
	reg[1] = phys >> 32;
}

static int enable_modern(struct virtio *v, struct virtq *q)
{
	uint64_t at = (uint64_t)v->common->queue_notify_off * v->notify_multiplier;

	if (at + 2 > v->notify_size)
		return -EIO;
	q->notify = (volatile void *)(v->notify + at);
	v->common->queue_size = q->size;
	set_address(v->common->queue_desc, q->desc);
	set_address(v->common->queue_driver, q->avail);
	set_address(v->common->queue_device, q->used);
	v->common->queue_enable = 1;
	return 0;
}

/* The layout of VIO 2.7.2 is prescribed for legacy cards and good for modern ones. */
int virtq_make(struct virtio *v, struct virtq *q, unsigned number, unsigned max)
{
	unsigned order = 0;
	size_t used_at, size;

	q->number = number;
	if (v->common) {
		v->common->queue_select = number;
		q->size = v->common->queue_size;
		if (q->size > max)
			q->size = max;
	} else {
		outw(v->io + PORT_QUEUE_SELECT, number);
		q->size = inw(v->io + PORT_QUEUE_SIZE);
	}
	if (q->size < 2 || q->size & (q->size - 1))
		return -EIO;
	used_at = PAGE_ALIGN_UP(q->size * sizeof(*q->desc) + sizeof(*q->avail) +
				(q->size + 1) * sizeof(q->avail->ring[0]));
	size = used_at + sizeof(*q->used) + q->size * sizeof(q->used->ring[0]) + sizeof(uint16_t);
	while (PAGE_SIZE << order < size)
		order++;
	q->mem = page_alloc_low(order);
	if (!q->mem)
		return -ENOMEM;
	q->desc = page_virt(q->mem);
	memset(q->desc, 0, PAGE_SIZE << order);
	q->avail = (void *)&q->desc[q->size];
	q->used = (void *)((uint8_t *)q->desc + used_at);
	if (v->common)
		return enable_modern(v, q);
	outl(v->io + PORT_QUEUE_ADDRESS, page_phys(q->mem) >> PAGE_SHIFT);
	return 0;
}

void virtq_free(struct virtq *q)
{
	if (q->mem)
		page_put(q->mem);
}

void virtq_give(struct virtq *q, uint16_t head)
{
	q->avail->ring[q->avail_idx % q->size] = head;
	q->avail_idx++;
	__atomic_store_n(&q->avail->idx, q->avail_idx, __ATOMIC_RELEASE);
}

void virtq_kick(struct virtio *v, struct virtq *q)
{
	uint16_t given = q->avail_idx - q->kicked_idx;
	bool wanted;

	if (!given)
		return;
	/* Either the card sees our index before it sleeps, or we see that it wants a kick. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (v->features & VIRTIO_F_EVENT_IDX)
		wanted = (uint16_t)(q->avail_idx - *avail_event(q) - 1) < given;
	else
		wanted = !(*(const volatile uint16_t *)&q->used->flags & USED_NO_KICK);
	q->kicked_idx = q->avail_idx;
	if (!wanted)
		return;
	if (q->notify)
		*q->notify = q->number;
	else
		outw(v->io + PORT_NOTIFY, q->number);
}

unsigned virtq_used(const struct virtq *q)
{
	return (uint16_t)(__atomic_load_n(&q->used->idx, __ATOMIC_ACQUIRE) - q->used_idx);
}

bool virtq_arm(struct virtio *v, struct virtq *q, bool on)
{
	if (v->features & VIRTIO_F_EVENT_IDX)
		*used_event(q) = on ? q->used_idx : q->used_idx - 1;
	else
		*(volatile uint16_t *)&q->avail->flags = on ? 0 : AVAIL_NO_IRQ;
	/* Either the card sees this before it decides, or we see what it has done. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return on && virtq_used(q);
}
