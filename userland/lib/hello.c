/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Greetings between this home and a node. */
#include "userland/lib/hello.h"

#include <stdio.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

struct wire_clock hello_clock(void)
{
	return (struct wire_clock){
		.realtime_ns = clock_ns(CLOCK_REALTIME),
		.monotonic_ns = clock_ns(CLOCK_MONOTONIC),
		.boottime_ns = clock_ns(CLOCK_BOOTTIME),
	};
}

/* The kernel's random id of this boot: nodes keep pages by it. */
static void boot_id(uint8_t id[16])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	unsigned byte;
	int c = 0;

	for (int i = 0; f && i < 16; i++) {
		if (fscanf(f, "%2x", &byte) != 1)
			break;
		id[i] = (uint8_t)byte;
		c = fgetc(f);
		if (c != '-')
			ungetc(c, f);
	}
	if (f)
		fclose(f);
}

struct wire_hello hello_make(void)
{
	struct wire_hello hello = {
		.magic = WIRE_MAGIC,
		.version = WIRE_VERSION,
		.role = 1,
		.clock = hello_clock(),
		.ncpu = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN),
		.pid = (uint32_t)getpid(),
		.uid = getuid(),
	};
	struct sysinfo info;

	boot_id(hello.id);
	gethostname(hello.name, sizeof(hello.name) - 1);
	if (!sysinfo(&info)) {
		hello.mem_total = (uint64_t)info.totalram * info.mem_unit;
		hello.mem_free = (uint64_t)info.freeram * info.mem_unit;
	}
	return hello;
}

const char *hello_check(struct wire_hello *hello)
{
	static char wrong[120];

	if (hello->magic != WIRE_MAGIC || hello->role != 2)
		return "it is no Muster node";
	if (hello->version != WIRE_VERSION) {
		snprintf(wrong, sizeof(wrong),
			 "it speaks version %u of the protocol, this home speaks version %u",
			 hello->version, WIRE_VERSION);
		return wrong;
	}
	hello->name[sizeof(hello->name) - 1] = 0;
	for (char *p = hello->name; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			*p = '?';
	return NULL;
}
