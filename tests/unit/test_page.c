/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page allocator and the heap on it, with a piece of the host's memory as the machine's. The plan
 * for a memory map is tested against a map of bytes.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CHECK(expr)                                                                                \
	do {                                                                                       \
		if (!(expr)) {                                                                     \
			printf("FAIL %s:%d: %s\n", __FILE__, __LINE__, #expr);                     \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* --- the environment, in place of the kernel's headers --- */

#define KERNEL_SYNC_SPINLOCK_H
#define KERNEL_KPRINTF_H
#define KERNEL_SETTINGS_H
#define KERNEL_IMAGE_H
#define KERNEL_MM_KMAP_H
#define CONFIG_SELFTEST /* poisoning too */

typedef struct {
	int held;
} spinlock_t;

#define SPINLOCK_INIT { 0 }

static void spin_init(spinlock_t *l)
{
	l->held = 0;
}

static unsigned long spin_lock_irqsave(spinlock_t *l)
{
	CHECK(l->held == 0);
	l->held = 1;
	return 0;
}

static void spin_unlock_irqrestore(spinlock_t *l, unsigned long flags)
{
	(void)flags;
	l->held = 0;
}

static void kprintf(const char *fmt, ...)
{
	(void)fmt;
}

static void __attribute__((noreturn)) panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	printf("\n");
	exit(1);
}

#define KASSERT CHECK

static uint64_t mem_limit = UINT64_MAX;

static uint64_t setting_get_u64(const char *key, uint64_t fallback)
{
	(void)key, (void)fallback;
	return mem_limit;
}

static uint64_t kmap_early(void)
{
	return 1ul << 32;
}

static uint8_t *machine;

#define DIRECT_MAP ((uint64_t)machine)

/* The image's place, as physical addresses: see page_init(). */
#define boot_load_start ((char *)0x100000)
#define boot_bss_end ((char *)0x180000)
#include "boot/boot_info.h"
#include "kernel/mm/page.h"
#include "kernel/mm/page_boot.h"

#include "kernel/mm/page.c"
#include "kernel/mm/page_boot.c"
#include "kernel/mm/kmalloc.c"

/* --- plans ------------------------------------------------------------------------------------------- */

static uint32_t rnd(void)
{
	static uint32_t state = 12345;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

#define MAP_FRAMES 4096

/* Random maps of 16 MB in page-sized steps, some unaligned; each frame's fate is known. */
static void test_plans(void)
{
	static bool usable[MAP_FRAMES];
	static struct boot_info bi;
	static struct page_plan plan;

	for (int round = 0; round < 2000; round++) {
		uint64_t at = 0, bytes = 0;

		memset(&bi, 0, sizeof(bi));
		memset(usable, 0, sizeof(usable));
		while (bi.range_count < 60 && at < MAP_FRAMES * PAGE_SIZE) {
			struct boot_range *r = &bi.range[bi.range_count++];

			r->base = at + (rnd() % 3 ? 0 : rnd() % (64 * PAGE_SIZE));
			r->len = 1 + rnd() % (300 * PAGE_SIZE);
			r->type = rnd() % 3 ? BOOT_MEM_USABLE : BOOT_MEM_RESERVED;
			at = r->base + r->len;
			if (r->type != BOOT_MEM_USABLE)
				continue;
			for (uint64_t f = (r->base + PAGE_SIZE - 1) / PAGE_SIZE;
			     (f + 1) * PAGE_SIZE <= at && f < MAP_FRAMES; f++)
				if (f >= 256)
					usable[f] = true;
		}
		if (rnd() % 2) {
			bi.module_count = 1;
			bi.module[0].base = rnd() % (MAP_FRAMES * PAGE_SIZE);
			bi.module[0].len = 1 + rnd() % (50 * PAGE_SIZE);
		}
		page_plan_make(&plan, &bi, 0x100000, 0x123456, MAP_FRAMES * PAGE_SIZE,
			       rnd() % 2 ? UINT64_MAX : MAP_FRAMES * PAGE_SIZE / 2, 40);
		for (uint64_t f = 0; f < MAP_FRAMES; f++)
			bytes += usable[f] ? PAGE_SIZE : 0;
		CHECK(plan.usable == bytes);
		if (plan.array_base) {
			uint64_t n = (plan.frames * 40 + PAGE_SIZE - 1) / PAGE_SIZE;

			for (uint64_t f = plan.array_base / PAGE_SIZE; n--; f++) {
				CHECK(f < MAP_FRAMES && usable[f]);
				usable[f] = false;
			}
		}
		for (uint64_t f = 256; f < 0x124; f++)
			usable[f] = false;
		for (unsigned m = 0; m < bi.module_count; m++)
			for (uint64_t f = bi.module[m].base / PAGE_SIZE;
			     f * PAGE_SIZE < bi.module[m].base + bi.module[m].len; f++)
				if (f < MAP_FRAMES)
					usable[f] = false;
		CHECK(plan.dropped == 0);
		for (unsigned i = 0; i < plan.free_count; i++) {
			CHECK(i == 0 || plan.free[i].first >= plan.free[i - 1].end);
			for (uint64_t f = plan.free[i].first; f < plan.free[i].end; f++) {
				CHECK(f < plan.frames && usable[f]);
				usable[f] = false;
			}
		}
		for (uint64_t f = 0; f < MAP_FRAMES; f++)
			CHECK(!usable[f]);
	}
}

/* A server's map: 3 GB low, the rest above 4 GB. The table of 2 TB takes 16 GB. */
static void test_terabytes(void)
{
	static struct boot_info bi;
	static struct page_plan plan;
	uint64_t high = (2ul << 40) - (3ul << 30);

	bi.range_count = 3;
	bi.range[0] = (struct boot_range){ 0, 0x9fc00, BOOT_MEM_USABLE };
	bi.range[1] = (struct boot_range){ 0x100000, (3ul << 30) - 0x100000, BOOT_MEM_USABLE };
	bi.range[2] = (struct boot_range){ 4ul << 30, high, BOOT_MEM_USABLE };
	page_plan_make(&plan, &bi, 0x100000, 0x180000, UINT64_MAX, 512ul << 30, sizeof(struct page));
	CHECK(plan.frames == ((4ul << 30) + high) / PAGE_SIZE);
	CHECK(plan.array_base >= 4ul << 30);
	CHECK(plan.array_base + plan.frames * sizeof(struct page) <= 512ul << 30);
	/* Without large pages there is no place for it. */
	page_plan_make(&plan, &bi, 0x100000, 0x180000, UINT64_MAX, 4ul << 30, sizeof(struct page));
	CHECK(plan.array_base == 0);
}

/* --- the allocators ---------------------------------------------------------------------------------- */

#define MACHINE_SIZE (32ul << 20)
#define HELD 300

static void machine_start(void)
{
	static struct boot_info bi;

	machine = mmap(NULL, MACHINE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(machine != MAP_FAILED);
	bi.range_count = 3;
	bi.range[0] = (struct boot_range){ 0, 0x9fc00, BOOT_MEM_USABLE };
	bi.range[1] = (struct boot_range){ 0x100000, 0x900000, BOOT_MEM_USABLE };
	bi.range[2] = (struct boot_range){ 0xb00800, MACHINE_SIZE - 0xb00800, BOOT_MEM_USABLE };
	CHECK(page_plan_low(&bi, 1) == 0x9e000);
	CHECK(page_plan_low(&bi, 5) == 0x9a000);
	page_init(&bi);
}

static void test_pages(void)
{
	static struct page *held[HELD];
	uint64_t before = mem_free_pages();

	CHECK(before + CLASSES >= mem_total_pages() && before > 7000 && before < 8192);
	for (int round = 0; round < 200000; round++) {
		unsigned i = rnd() % HELD;

		if (held[i]) {
			CHECK(*(uint64_t *)page_virt(held[i]) == i && page_refs(held[i]) == 1);
			page_put(held[i]);
			held[i] = NULL;
		} else {
			unsigned order = rnd() % 100 ? rnd() % 5 : PAGE_MAX_ORDER;

			held[i] = page_alloc(order);
			if (held[i] == NULL)
				continue;
			CHECK(page_phys(held[i]) % (PAGE_SIZE << order) == 0);
			CHECK(page_phys(held[i]) >= 0x180000);
			CHECK(virt_page(page_virt(held[i])) == held[i]);
			for (unsigned k = 0; k < 1u << order; k++)
				*(uint64_t *)page_virt(held[i] + k) = i;
		}
	}
	for (unsigned i = 0; i < HELD; i++)
		if (held[i])
			page_put(held[i]);
	CHECK(mem_free_pages() == before);
	/* All joined again: the largest blocks exist. */
	struct page *big = page_alloc(PAGE_MAX_ORDER);

	CHECK(big);
	page_free(big, PAGE_MAX_ORDER);
	while (page_alloc(0))
		;
	CHECK(mem_free_pages() == 0 && kmalloc(5000) == NULL);
}

static void test_heap(void)
{
	static uint8_t *held[HELD];
	static size_t size[HELD];
	uint64_t before = mem_free_pages();

	for (int round = 0; round < 300000; round++) {
		unsigned i = rnd() % HELD;

		if (held[i] && rnd() % 3 == 0) {
			size_t n = 1 + rnd() % 6000;
			uint8_t first = held[i][0];
			uint8_t *p = krealloc(held[i], n);

			CHECK(p && p[0] == first && ksize(p) >= n);
			held[i] = p;
			size[i] = n;
			p[0] = i;
			p[n - 1] = i;
		} else if (held[i]) {
			CHECK(held[i][0] == (uint8_t)i && held[i][size[i] - 1] == (uint8_t)i);
			kfree(held[i]);
			held[i] = NULL;
		} else {
			size[i] = 1 + (rnd() % 50 ? rnd() % 1500 : rnd() % 100000);
			held[i] = kmalloc(size[i]);
			if (held[i] == NULL)
				continue;
			CHECK(((uint64_t)held[i] & 15) == 0);
			if (size[i] >= 64 && (size[i] & (size[i] - 1)) == 0)
				CHECK(((uint64_t)held[i] & 63) == 0);
			memset(held[i], i, size[i]);
		}
	}
	for (unsigned i = 0; i < HELD; i++)
		kfree(held[i]);
	CHECK(before - mem_free_pages() <= CLASSES && kmalloc_pages() <= CLASSES);
	uint8_t *z = kzalloc(3000);

	for (int i = 0; i < 3000; i++)
		CHECK(z[i] == 0);
	kfree(z);
	kfree(NULL);
	CHECK(kmalloc(5ul << 20) == NULL);
}

int main(void)
{
	test_plans();
	test_terabytes();
	machine_start();
	test_heap();
	test_pages();
	printf("ok\n");
	return 0;
}
