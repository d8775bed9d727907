/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cache of file pages: a hash of files, each with a sparse table of slots. */
#include "kernel/mm/filecache.h"

#include <errno.h>
#include <string.h>

#include "kernel/list.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"
#include "kernel/sync/spinlock.h"
#include "kernel/sync/waitq.h"

#define BUCKETS	    256
#define CHUNK_SLOTS 256

/*
 * A slot's value: one of these, or the address of a struct page, with SLOT_TOUCHED when it was
 * looked up since filecache_shrink() last came by, and SLOT_DIRTY when home has another content.
 */
enum { SLOT_ABSENT = 0, SLOT_COMING = 2, SLOT_NONE = 4, SLOT_SPECIAL_MAX = 6 };
#define SLOT_TOUCHED 1ul
#define SLOT_DIRTY   2ul

struct chunk {
	unsigned used; /* slots that are not absent */
	uint64_t slot[CHUNK_SLOTS];
};

struct cfile {
	uint8_t home_id[16];
	struct wire_file id;
	uint32_t refs;
	uint64_t pages; /* present */
	uint64_t used;	/* slots that are not absent */
	unsigned stale; /* pages are being dropped: see filecache_stale_begin() */
	struct list_head bucket_link;
	struct list_head age_link; /* least recently used first */
	struct chunk **chunks;
	size_t nchunks;
};

/* Guards all that follows, every file and slot. */
static spinlock_t cache_lock = SPINLOCK_INIT;
static struct list_head buckets[BUCKETS];
static struct list_head by_age = LIST_HEAD_INIT(by_age);
static struct waitq cache_wq = WAITQ_INIT(cache_wq);
static struct filecache_stats stats;
static bool ready;

static struct list_head *bucket_of(const uint8_t home_id[16], const struct wire_file *id)
{
	uint64_t h = id->ino * 0x9e3779b97f4a7c15ull ^ id->dev ^ id->mtime_ns ^ home_id[0];

	if (!ready) {
		for (int i = 0; i < BUCKETS; i++)
			list_init(&buckets[i]);
		ready = true;
	}
	return &buckets[(h ^ h >> 32) % BUCKETS];
}

static bool is_page(uint64_t slot)
{
	return slot > SLOT_SPECIAL_MAX;
}

static struct page *slot_page(uint64_t slot)
{
	return (struct page *)(slot & ~(SLOT_TOUCHED | SLOT_DIRTY));
}

/* The slot at index, or NULL where there is no chunk. */
static uint64_t *find_slot(const struct cfile *file, uint64_t index)
{
	uint64_t c = index / CHUNK_SLOTS;

	return c < file->nchunks && file->chunks[c] ? &file->chunks[c]->slot[index % CHUNK_SLOTS]
						    : NULL;
}

/* The same, made if need be; NULL when memory is out. */
static uint64_t *make_slot(struct cfile *file, uint64_t index)
{
	uint64_t c = index / CHUNK_SLOTS;

	if (c >= file->nchunks) {
		size_t n = c + 1 + c / 2;
		struct chunk **chunks = krealloc(file->chunks, n * sizeof(*chunks));

		if (!chunks)
			return NULL;
		memset(chunks + file->nchunks, 0, (n - file->nchunks) * sizeof(*chunks));
		file->chunks = chunks;
		file->nchunks = n;
	}
	if (!file->chunks[c])
		file->chunks[c] = kzalloc(sizeof(struct chunk));
	return find_slot(file, index);
}

/* Changes a slot that exists; frees its chunk with the last one in use. */
static void set_slot(struct cfile *file, uint64_t index, uint64_t value)
{
	struct chunk *chunk = file->chunks[index / CHUNK_SLOTS];
	uint64_t *slot = &chunk->slot[index % CHUNK_SLOTS];
	int used = (value != SLOT_ABSENT) - (*slot != SLOT_ABSENT);
	int pages = is_page(value) - is_page(*slot);

	*slot = value;
	chunk->used += used;
	file->used += used;
	file->pages += pages;
	stats.pages += pages;
	if (!chunk->used) {
		file->chunks[index / CHUNK_SLOTS] = NULL;
		kfree(chunk);
	}
}

/* Frees a file that nobody holds and that caches nothing. */
static void reap(struct cfile *file)
{
	if (file->refs || file->used)
		return;
	list_del(&file->bucket_link);
	list_del(&file->age_link);
	stats.files--;
	kfree(file->chunks);
	kfree(file);
}

static void touch(struct cfile *file)
{
	list_del(&file->age_link);
	list_add_tail(&file->age_link, &by_age);
}

struct cfile *filecache_open(const uint8_t home_id[16], const struct wire_file *id)
{
	struct list_head *bucket;
	struct cfile *file;

	spin_lock(&cache_lock);
	bucket = bucket_of(home_id, id);
	list_for_each_entry(file, bucket, bucket_link) {
		if (memcmp(&file->id, id, sizeof(*id)) || memcmp(file->home_id, home_id, 16))
			continue;
		file->refs++;
		touch(file);
		goto out;
	}
	file = kzalloc(sizeof(*file));
	if (file) {
		memcpy(file->home_id, home_id, 16);
		file->id = *id;
		file->refs = 1;
		list_add_tail(&file->bucket_link, bucket);
		list_add_tail(&file->age_link, &by_age);
		stats.files++;
	}
out:
	spin_unlock(&cache_lock);
	return file;
}

/* Frees all pages: nobody can reach them any more. */
static void drop_all(struct cfile *file)
{
	for (size_t c = 0; c < file->nchunks; c++)
		for (unsigned i = 0; i < CHUNK_SLOTS && file->chunks[c]; i++) {
			uint64_t slot = file->chunks[c]->slot[i];

			if (slot == SLOT_ABSENT)
				continue;
			set_slot(file, c * CHUNK_SLOTS + i, SLOT_ABSENT);
			if (is_page(slot))
				page_put(slot_page(slot));
		}
}

struct cfile *cfile_get(struct cfile *file)
{
	spin_lock(&cache_lock);
	file->refs++;
	spin_unlock(&cache_lock);
	return file;
}

void cfile_put(struct cfile *file)
{
	spin_lock(&cache_lock);
	file->refs--;
	if (!file->refs && cfile_live(file))
		drop_all(file);
	reap(file);
	spin_unlock(&cache_lock);
}

bool cfile_live(const struct cfile *file)
{
	return file->id.mtime_ns >= WFILE_FRESH;
}

bool cfile_fresh(const struct cfile *file)
{
	return file->id.mtime_ns == WFILE_FRESH;
}

bool cfile_seen(const struct cfile *file)
{
	return cfile_live(file) && file->id.dev != WFILE_MEMORY;
}

void filecache_stale_begin(struct cfile *file)
{
	spin_lock(&cache_lock);
	file->stale++;
	spin_unlock(&cache_lock);
}

void filecache_stale_end(struct cfile *file)
{
	spin_lock(&cache_lock);
	for (size_t c = 0; c < file->nchunks; c++)
		for (unsigned i = 0; i < CHUNK_SLOTS && file->chunks[c]; i++) {
			uint64_t slot = file->chunks[c]->slot[i];

			/* What is still mapped is being written. */
			if (slot == SLOT_ABSENT || slot == SLOT_COMING ||
			    (is_page(slot) &&
			     ((slot & SLOT_DIRTY) || page_refs(slot_page(slot)) > 1)))
				continue;
			set_slot(file, c * CHUNK_SLOTS + i, SLOT_ABSENT);
			if (is_page(slot))
				page_put(slot_page(slot));
		}
	file->stale--;
	spin_unlock(&cache_lock);
	waitq_wake_all(&cache_wq);
}

void filecache_dirty(struct cfile *file, uint64_t index)
{
	uint64_t *slot;

	spin_lock(&cache_lock);
	slot = find_slot(file, index);
	if (slot && is_page(*slot))
		*slot |= SLOT_DIRTY;
	spin_unlock(&cache_lock);
}

struct page *filecache_take_dirty(struct cfile *file, uint64_t *index, uint64_t end)
{
	struct page *page = NULL;

	spin_lock(&cache_lock);
	while (*index < end && *index / CHUNK_SLOTS < file->nchunks) {
		uint64_t *slot = find_slot(file, *index);

		if (!slot) {
			*index = (*index / CHUNK_SLOTS + 1) * CHUNK_SLOTS;
			continue;
		}
		if (is_page(*slot) && (*slot & SLOT_DIRTY)) {
			*slot &= ~SLOT_DIRTY;
			page = page_get(slot_page(*slot));
			break;
		}
		++*index;
	}
	spin_unlock(&cache_lock);
	return page;
}

void filecache_forget(struct cfile *file, uint64_t index)
{
	const uint64_t *slot;

	spin_lock(&cache_lock);
	slot = find_slot(file, index);
	if (slot && *slot == SLOT_NONE)
		set_slot(file, index, SLOT_ABSENT);
	spin_unlock(&cache_lock);
}

const struct wire_file *cfile_identity(const struct cfile *file)
{
	return &file->id;
}

uint64_t cfile_pages(const struct cfile *file)
{
	return file->id.size / WIRE_PAGE_SIZE + (file->id.size % WIRE_PAGE_SIZE != 0);
}

enum cpage_state filecache_lookup(struct cfile *file, uint64_t index, struct page **page)
{
	enum cpage_state state = CPAGE_ABSENT;
	uint64_t *slot;

	spin_lock(&cache_lock);
	slot = find_slot(file, index);
	if (file->stale) {
		state = CPAGE_COMING;
	} else if (slot && is_page(*slot)) {
		*page = page_get(slot_page(*slot));
		*slot |= SLOT_TOUCHED;
		touch(file);
		stats.hits++;
		state = CPAGE_PRESENT;
	} else if (slot && *slot != SLOT_ABSENT) {
		state = *slot == SLOT_COMING ? CPAGE_COMING : CPAGE_NONE;
	}
	spin_unlock(&cache_lock);
	return state;
}

unsigned filecache_claim(struct cfile *file, uint64_t index, unsigned max)
{
	unsigned n;

	spin_lock(&cache_lock);
	for (n = 0; n < max; n++) {
		uint64_t *slot = make_slot(file, index + n);

		if (!slot || *slot != SLOT_ABSENT)
			break;
		set_slot(file, index + n, SLOT_COMING);
	}
	stats.misses += n;
	spin_unlock(&cache_lock);
	return n;
}

int filecache_install(struct cfile *file, uint64_t index, enum wire_page_kind kind,
		      const void *data)
{
	struct page *page = NULL;
	uint64_t *slot, value = SLOT_NONE;

	if (kind == WPAGE_RAW || kind == WPAGE_ZERO) {
		page = kind == WPAGE_RAW ? page_alloc(0) : page_alloc_zero(0);
		if (page && kind == WPAGE_RAW)
			memcpy(page_virt(page), data, PAGE_SIZE);
		value = page ? (uint64_t)page | SLOT_TOUCHED : SLOT_ABSENT;
	}
	spin_lock(&cache_lock);
	slot = find_slot(file, index);
	if (slot && *slot == SLOT_COMING) {
		set_slot(file, index, value);
		page = NULL;
	}
	spin_unlock(&cache_lock);
	if (page)
		page_put(page);
	waitq_wake_all(&cache_wq);
	return value == SLOT_ABSENT ? -ENOMEM : 0;
}

void filecache_abandon(struct cfile *file, uint64_t index, unsigned npages)
{
	spin_lock(&cache_lock);
	for (; npages; index++, npages--) {
		const uint64_t *slot = find_slot(file, index);

		if (slot && *slot == SLOT_COMING)
			set_slot(file, index, SLOT_ABSENT);
	}
	spin_unlock(&cache_lock);
	waitq_wake_all(&cache_wq);
}

static bool is_coming(const struct cfile *file, uint64_t index)
{
	const uint64_t *slot;
	bool coming;

	spin_lock(&cache_lock);
	slot = find_slot(file, index);
	coming = file->stale || (slot && *slot == SLOT_COMING);
	spin_unlock(&cache_lock);
	return coming;
}

void filecache_wait(struct cfile *file, uint64_t index, bool (*stop)(void *arg), void *arg)
{
	wait_event(&cache_wq, !is_coming(file, index) || stop(arg));
}

void filecache_wake(void)
{
	waitq_wake_all(&cache_wq);
}

/* Drops pages of one file that nobody maps, those touched lately only if `all`. */
static size_t shrink_file(struct cfile *file, size_t want, bool all)
{
	size_t freed = 0;

	for (size_t c = 0; c < file->nchunks && freed < want; c++) {
		for (unsigned i = 0; i < CHUNK_SLOTS && freed < want && file->chunks[c]; i++) {
			uint64_t *slot = &file->chunks[c]->slot[i];
			struct page *page = slot_page(*slot);

			/* Remembered for nobody: else the file would never be freed. */
			if (*slot == SLOT_NONE && !file->refs)
				set_slot(file, c * CHUNK_SLOTS + i, SLOT_ABSENT);
			if (!file->chunks[c])
				break;
			if (!is_page(*slot) || page_refs(page) != 1)
				continue;
			if ((*slot & SLOT_TOUCHED) && !all) {
				*slot &= ~SLOT_TOUCHED;
				continue;
			}
			set_slot(file, c * CHUNK_SLOTS + i, SLOT_ABSENT);
			page_put(page);
			freed++;
		}
	}
	return freed;
}

size_t filecache_shrink(size_t want)
{
	struct cfile *file, *next;
	size_t freed = 0;

	spin_lock(&cache_lock);
	for (int all = 0; all <= 1 && freed < want; all++) {
		list_for_each_entry_safe(file, next, &by_age, age_link) {
			if (freed >= want)
				break;
			if ((!file->pages && file->refs) || cfile_live(file))
				continue;
			freed += shrink_file(file, want - freed, all);
			reap(file);
		}
	}
	stats.evicted += freed;
	spin_unlock(&cache_lock);
	return freed;
}

void filecache_stats(struct filecache_stats *out)
{
	spin_lock(&cache_lock);
	*out = stats;
	spin_unlock(&cache_lock);
}
