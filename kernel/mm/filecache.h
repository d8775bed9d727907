/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The node's cache of file pages: a file page travels once and serves every process of its home. A
 * file is known by its home's boot id and the identity that home gives it (struct wire_file), so a
 * changed file is another file. The vDSO is one too, under an identity of its own.
 *
 * Who holds a struct cfile holds a reference. Without references it stays, as long as memory lasts:
 * filecache_shrink() drops pages that nobody maps, the least recently used files first.
 *
 * A slot is absent, on its way (somebody has asked home), a page, or known not to exist (beyond the
 * end of the file). One spin lock guards all of it; nothing here sleeps except filecache_wait().
 * The cache holds one reference on each of its pages, every mapping another.
 *
 * Portable but for its environment, which tests/unit/test_filecache.c replaces.
 */
#ifndef KERNEL_MM_FILECACHE_H
#define KERNEL_MM_FILECACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/wire.h"

struct cfile;
struct page;

/* A reference on that file's cache, made if it is new; NULL when memory is out. */
struct cfile *filecache_open(const uint8_t home_id[16], const struct wire_file *file);
struct cfile *cfile_get(struct cfile *file);
void cfile_put(struct cfile *file);

const struct wire_file *cfile_identity(const struct cfile *file);

/* Pages that the file has: accesses from this index on are beyond its end. */
uint64_t cfile_pages(const struct cfile *file);

/*
 * Memory that is written in place, for all who map it (WFILE_SHARED, WFILE_FRESH). Nothing of it is
 * evicted; it is dropped with the last reference. fresh: what is absent is all zeros. What is beyond
 * the end of the others only home knows, at the moment: see filecache_forget().
 */
bool cfile_live(const struct cfile *file);
bool cfile_fresh(const struct cfile *file);

/* Others than those who map it can see it: it is a file. */
bool cfile_seen(const struct cfile *file);

/*
 * Home has another content: drops the pages that are the same as home's were. Between the two nobody
 * finds any page, and the caller takes those pages out of all mappings that do not write to them.
 */
void filecache_stale_begin(struct cfile *file);
void filecache_stale_end(struct cfile *file);

/* The page at index, which is present, is about to differ from home's. */
void filecache_dirty(struct cfile *file, uint64_t index);

/*
 * The first page from *index on and below end that differs from home's: with a reference for the
 * caller, its index in *index, and no longer marked; NULL when there is none.
 */
struct page *filecache_take_dirty(struct cfile *file, uint64_t *index, uint64_t end);

/* A slot known not to exist becomes absent: it is to be asked for anew. */
void filecache_forget(struct cfile *file, uint64_t index);

enum cpage_state { CPAGE_ABSENT, CPAGE_COMING, CPAGE_PRESENT, CPAGE_NONE };

/* What is at index. CPAGE_PRESENT: *page is it, with a reference for the caller. */
enum cpage_state filecache_lookup(struct cfile *file, uint64_t index, struct page **page);

/*
 * Claims absent slots from index on, at most max: from now on they are on their way. Stops at the
 * first that is not absent. Returns how many; 0 also when memory is out. The caller asks home, and
 * ends with filecache_install() for all, or filecache_abandon().
 */
unsigned filecache_claim(struct cfile *file, uint64_t index, unsigned max);

/*
 * Content for one claimed slot. kind and data as in W_PAGES. Wakes those who wait. 0, or -ENOMEM:
 * the slot is absent again.
 */
int filecache_install(struct cfile *file, uint64_t index, enum wire_page_kind kind,
		      const void *data);

/* Slots that are still on their way become absent; those who wait ask for themselves. */
void filecache_abandon(struct cfile *file, uint64_t index, unsigned npages);

/* Sleeps until the slot is no longer on its way, or stop(arg) holds. */
void filecache_wait(struct cfile *file, uint64_t index, bool (*stop)(void *arg), void *arg);

/* Wakes all of filecache_wait() to look at their stop() again. Any context. */
void filecache_wake(void);

/* Frees up to want pages that nobody maps; returns how many. Any thread context, locks allowed. */
size_t filecache_shrink(size_t want);

struct filecache_stats {
	uint64_t files, pages; /* now */
	uint64_t hits, misses; /* lookups that found a page, or claimed it */
	uint64_t evicted;
};

void filecache_stats(struct filecache_stats *stats);

#endif
