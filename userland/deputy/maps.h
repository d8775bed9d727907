/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The address space of a process as /proc/PID/maps or /proc/PID/smaps tells it: proc(5).
 *
 * A struct maps owns its entries and the text they point into; maps_free() releases both. The
 * parser trusts nothing in the text (a program chooses the names of its mappings).
 */
#ifndef DEPUTY_MAPS_H
#define DEPUTY_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* VmFlags of smaps, as far as a move cares; 0 throughout when maps was read instead. */
enum {
	VMF_GROWSDOWN = 1,	/* gd */
	VMF_IO = 2,		/* io, pf, mm: not ordinary memory */
	VMF_HUGETLB = 4,	/* ht */
	VMF_UFFD = 8,		/* um, uw, ui: somebody's userfaultfd */
	VMF_LOCKED = 16,	/* lo */
	VMF_FORK = 32,		/* dc, wf: MADV_DONTFORK, MADV_WIPEONFORK */
	VMF_NORESERVE = 64,	/* nr */
	VMF_SHADOW = 128,	/* ss: a shadow stack */
	VMF_PKEY = 256,		/* ProtectionKey other than 0 */
	VMF_UNTOUCHED = 512,	/* Rss and Swap are 0: no page of it exists */
	VMF_DENSE = 1024,	/* 7/8 or more of its pages exist */
};

/* Those with which a mapping cannot move. */
#define VMF_REFUSED (VMF_IO | VMF_HUGETLB | VMF_UFFD | VMF_FORK | VMF_SHADOW | VMF_PKEY)

struct map {
	uint64_t start, end;	/* page-aligned, start < end */
	uint64_t offset;	/* bytes into the file */
	uint64_t ino;
	uint32_t major, minor;
	uint32_t prot;		/* PROT_* */
	uint32_t vmf;		/* VMF_* */
	bool shared;
	bool deleted;		/* the path ended in " (deleted)", which is cut off */
	const char *name;	/* path, "[stack]", "anon_inode:..." or "" ; \n is escaped as \012 */
};

struct maps {
	struct map *v;		/* by ascending address, disjoint; nothing above the user half */
	size_t n;
	char *text;
};

/* Parses text (taken over, also on failure). 0, -EINVAL or -ENOMEM. */
int maps_parse(struct maps *maps, char *text, size_t len);

/* Reads and parses /proc/PID/maps, or smaps (slower: 9 us a MB) for the VMF_*. 0 or -errno. */
int maps_read(struct maps *maps, pid_t pid, bool smaps);

void maps_free(struct maps *maps);

/* The mapping that contains addr, or NULL. */
const struct map *maps_at(const struct maps *maps, uint64_t addr);

/* The mapping of that name ("[vdso]"), or NULL. */
const struct map *maps_named(const struct maps *maps, const char *name);

/* A whole file of /proc as a NUL-terminated string of *len bytes, for the caller to free. */
char *proc_read(const char *path, size_t *len);

#endif
