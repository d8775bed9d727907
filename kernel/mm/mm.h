/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's address space: mappings, page tables, and the pages that are still at home.
 *
 * A page of a mapping is in one of these states, kept in its page table entry:
 *   present  in memory here: a private page, a page of the file cache, or the shared zero page
 *   none     never touched here: zero-filled or the file's own content, on demand
 *   away     its content is at home, in the stub, and must be fetched before it can be used
 *
 * Locks, outermost first:
 *   mm->map_lock  one change of the map at a time, including telling home, so that home sees the
 *                 changes in the order in which they happened here. Held by the system calls.
 *                 May be held while waiting for home.
 *   mm->lock      mappings and page tables. Never held while waiting for home or for memory.
 * The functions below take mm->lock themselves. Those that change mappings expect the caller to
 * hold mm->map_lock (not asserted for an mm that nobody else knows yet).
 *
 * All functions need thread context with no spin lock held, and may sleep, unless said otherwise.
 * Functions named after a system call return what Linux would: a value or -errno. Several may also
 * return MM_NOT_SERVED, with nothing changed: the caller sends the process home, where Linux does
 * it.
 */
#ifndef KERNEL_MM_MM_H
#define KERNEL_MM_MM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/cpu/percpu.h"
#include "kernel/list.h"
#include "kernel/mm/page.h"
#include "kernel/mm/vma.h"
#include "kernel/sync/mutex.h"
#include "kernel/sync/waitq.h"
#include "proto/wire.h"

struct cfile;
struct trapframe;

/* Not an errno: "retreat, Linux does this". */
#define MM_NOT_SERVED (-4096L)

/* Linux's vm.mmap_min_addr and vm.max_map_count as every distribution has them. */
#define MM_MIN_ADDR 65536ul
#define MM_MAX_MAPS 65530u

/* Where Linux ends the address space of 32-bit programs. */
#define MM_END_I386 0xffffe000ul

/* Pages asked for by one fault: the window is aligned to its size. */
#define MM_FAULT_WINDOW 16u

/* mmap flags (mmap(2), x86-64); E's callers pass them as the program did. */
enum {
	MM_MAP_SHARED = 0x01,
	MM_MAP_PRIVATE = 0x02,
	MM_MAP_TYPE = 0x0f,
	MM_MAP_FIXED = 0x10,
	MM_MAP_ANONYMOUS = 0x20,
	MM_MAP_DENYWRITE = 0x800,
	MM_MAP_EXECUTABLE = 0x1000,
	MM_MAP_NORESERVE = 0x4000,
	MM_MAP_POPULATE = 0x8000,
	MM_MAP_NONBLOCK = 0x10000,
	MM_MAP_STACK = 0x20000,
	MM_MAP_FIXED_NOREPLACE = 0x100000,
};

enum {
	MM_MREMAP_MAYMOVE = 1,
	MM_MREMAP_FIXED = 2,
	MM_MREMAP_DONTUNMAP = 4,
};

/*
 * How pages come from home; the guest code embeds this in its own struct and sets mm->pager.
 *
 * fetch() asks home for npages (1 to WIRE_PAGE_GET_MAX) at addr and returns at once; it is called
 * with mm->lock held and must not sleep, nor take a lock under which mm functions are called. file:
 * wire_page_get.file. The answers are handed to mm_install() and mm_fetch_done() with the same
 * cookie, which is unique on this node. Returns 0, or -errno when nothing was sent.
 *
 * stack_grown(), if set, tells that the stack mapping now starts at `start` (same conditions).
 * release(), if set, is called when mm is destroyed: nothing will be asked any more. It may be
 * NULL.
 */
struct guest_pager {
	struct mm *mm; /* whose pager this is; no reference */
	int (*fetch)(struct guest_pager *pager, uint32_t cookie, uint64_t addr, unsigned npages,
		     bool file);
	void (*stack_grown)(struct guest_pager *pager, uint64_t start, uint64_t old_start);
	void (*release)(struct guest_pager *pager);
	bool dead; /* nothing will be answered any more: see mm_pager_lost() */
};

/* One request on its way; guarded by mm->lock. */
struct mm_fetch {
	struct list_head link;
	uint32_t cookie;
	unsigned npages;
	uint64_t addr;
	struct cfile *file; /* the pages go into its cache, from index on; else NULL */
	uint64_t index;
	/* Which pages are still wanted: one that was unmapped or moved meanwhile is not. */
	uint64_t wanted[WIRE_PAGE_GET_MAX / 64];
};

struct mm {
	uint32_t refs; /* atomic */
	struct mutex map_lock;
	struct mutex lock;
	struct vma_set vmas;
	uint64_t root;	     /* physical address of the top-level table */
	struct cpumask cpus; /* CPUs whose CR3 may hold root */

	/* Told by home with the image; constant or changed under map_lock. */
	uint64_t brk_start, brk;
	uint64_t mmap_top;	 /* new mappings are placed below this */
	uint64_t end;		 /* the program's addresses end here: USER_END, or MM_END_I386 */
	uint32_t vdso_landing, vdso_sigreturn, vdso_rt_sigreturn; /* of 32-bit programs */
	uint64_t vdso, vdso_len; /* 0: none */
	uint64_t total_ram;	 /* of home, bytes; 0: overcommit is not judged */
	uint64_t rlim_stack;	 /* soft limits, bytes; UINT64_MAX: none */
	uint64_t rlim_data;

	struct guest_pager *pager;     /* set by kernel/guest; NULL: nothing can be fetched */
	struct list_head fetches;      /* of struct mm_fetch */
	struct waitq event_wq;	       /* pages arrived, a hold ended */
	uint32_t events;	       /* counts these; atomic */
	uint64_t hold_start, hold_end; /* faults here wait: see mm_hold() */
	bool share_written; /* shared memory that is a file was written since mm_share_protect() */
	bool prefetch_held;	       /* the background fetch passed by the hold */
	bool no_memory; /* an arriving page found no memory; the faulter reports it */

	/* Statistics, read without lock. */
	uint64_t rss_pages;	/* present, without the zero page */
	uint64_t private_pages; /* of these, those that are not the file cache's */
	uint64_t away_pages;
	uint64_t faults; /* that asked home */
	uint64_t minor_faults;
};

/* --- life (mm.c) ----------------------------------------------------------------------------- */

/* An empty address space with one reference, or NULL. */
struct mm *mm_create(void);

/* Any context that may not sleep may call mm_get; the last mm_put frees pages, tables, files. */
struct mm *mm_get(struct mm *mm);
void mm_put(struct mm *mm);

/*
 * A copy for fork: private pages are shared until written, away pages are away in both (home forks
 * the stub, so its copy has them too). The child has no pager yet. 0 or -ENOMEM.
 */
int mm_fork(struct mm *parent, struct mm **child);

/*
 * After home has forked the stub, before the child runs: pages that came from home since mm_fork()
 * are given to the child too. Home may have been told that the parent needs it no more, and have
 * dropped them before it forked.
 */
void mm_fork_settle(struct mm *parent, struct mm *child);

/* mm_activate(), see thread.h, is in tlb.c. A thread holds a reference of its thread->mm. */

/* --- building an image (mm.c) ---------------------------------------------------------------- */

/*
 * Adds a mapping that home described; file is NULL for WVMA_NO_FILE. Checks everything: 0, -EINVAL
 * (not page-aligned, empty, outside user space, overlapping, shared and writable), -ENOMEM.
 */
int mm_image_vma(struct mm *mm, const struct wire_vma *vma, struct cfile *file);

/* Marks pages inside mappings as away. 0, -EINVAL (outside any mapping), -ENOMEM. */
int mm_mark_away(struct mm *mm, uint64_t addr, uint64_t npages);

/* --- pages from home (fetch.c) --------------------------------------------------------------- */

/*
 * Pages arrived. kinds: npages of enum wire_page_kind; data: the raw ones in order. cookie is that
 * of the request, or 0 for hot pages sent unasked with the image. A page that is no longer wanted
 * (unmapped, moved, written) is dropped. Called by the network thread; does not wait for home.
 * 0, or -EINVAL when they do not belong to the request.
 */
int mm_install(struct mm *mm, uint32_t cookie, uint64_t addr, unsigned npages, const uint8_t *kinds,
	       const void *data);

/* The last answer to this request has been installed, or it failed: those who wait look again. */
void mm_fetch_done(struct mm *mm, uint32_t cookie);

/* The pager is dead: forgets every request and wakes everybody. Before the pager is freed. */
void mm_pager_lost(struct mm *mm);

/*
 * Asks home for the next run of up to max away pages that are not yet on their way, from *cursor on
 * (wrapping round once). Returns the pages asked for, 0 when there are none or memory is short.
 */
unsigned mm_prefetch(struct mm *mm, uint64_t *cursor, unsigned max);

/* --- the way home (collect.c) ---------------------------------------------------------------- */

/*
 * Calls fn for each run of private pages: those that home does not have, and (away) those that were
 * never fetched, of which home's own copy is the current one. One walk for both, because pages may
 * still be arriving: each is in one of the two. fn is called with mm->lock held; a result other than
 * 0 ends the walk and is returned. The process must be frozen.
 */
typedef int mm_collect_fn(void *arg, uint64_t addr, uint64_t npages, bool away);
int mm_collect(struct mm *mm, mm_collect_fn *fn, void *arg);

/*
 * The content of one page for home. WPAGE_RAW: 4096 bytes are in buf; WPAGE_ZERO: all zero;
 * WPAGE_NONE: this node has no content that home lacks.
 */
enum wire_page_kind mm_read_page(struct mm *mm, uint64_t addr, void *buf);

/* --- shared memory (shared.c) ------------------------------------------------------------------ */

/*
 * Calls fn for pages of shared memory that are mapped here and differ from home's, which then count as
 * the same; nobody who maps them may run. fn may sleep; a result other than 0 ends it and is returned,
 * and home has none of those last given to it. Or -ENOMEM.
 */
enum {
	MM_PUT_FILES = 1,    /* only what others can see */
	MM_PUT_WRITABLE = 2, /* only by mappings that may be written */
};
typedef int mm_put_fn(void *arg, const struct wire_put *put, const void *pages);
int mm_put_shared(struct mm *mm, unsigned which, mm_put_fn *fn, void *arg);

/*
 * The same while they run, for memory that is a file: first mm_share_protect() of all who map it, so that
 * the next write is seen; then mm_put_shared(); then mm_share_mark(), because what was written meanwhile
 * may have been sent or not.
 */
void mm_share_protect(struct mm *mm);
void mm_share_mark(struct mm *mm);

/*
 * Home has another content of this file: pages of it that are the same as home's were are forgotten.
 * First mm_share_stale() of all who may map it, then filecache_stale().
 */
void mm_share_stale(struct mm *mm, const struct cfile *file);

/* --- system calls (mmap.c, mremap.c). Caller holds map_lock and tells home after success. ---- */

/*
 * Chooses where a mapping of len bytes goes, as Linux does: at addr when fixed or when it is free,
 * else the highest place below mmap_top. Returns the address or -errno. For a file mapping, which
 * home makes first; the place stays free as long as map_lock is held.
 */
long mm_place(struct mm *mm, uint64_t addr, uint64_t len, uint32_t flags);

/* Anonymous private memory. Returns the address. */
long mm_map_anon(struct mm *mm, uint64_t addr, uint64_t len, uint32_t prot, uint32_t flags);

/*
 * A file mapping at exactly addr (from mm_place), replacing what is there; home has made it
 * already. Takes its own reference of file.
 */
long mm_map_file(struct mm *mm, uint64_t addr, uint64_t len, uint32_t prot, uint32_t flags,
		 struct cfile *file, uint64_t offset);

/*
 * From hold to release nothing in the range is asked of home: page faults there wait. Needed while
 * this node and home see the map differently, or a page would be fetched under a meaning that it
 * does not have there: between home's mmap with MAP_FIXED and ours, and between our mremap or
 * MADV_DONTNEED and the moment when the message about it is in the stream. mm_remap() and
 * mm_advise_dontneed() hold what they changed; the caller releases it after telling home, or at once
 * when they failed. One range at a time (map_lock); releasing without a hold does nothing.
 */
void mm_hold(struct mm *mm, uint64_t addr, uint64_t len);
void mm_release(struct mm *mm);

long mm_unmap(struct mm *mm, uint64_t addr, uint64_t len);
long mm_protect(struct mm *mm, uint64_t addr, uint64_t len, uint32_t prot);
long mm_remap(struct mm *mm, uint64_t addr, uint64_t old_len, uint64_t new_len, uint32_t flags,
	      uint64_t new_addr);

/*
 * MADV_DONTNEED; lazy: MADV_FREE (anonymous only; the pages are dropped at once, which it allows).
 */
long mm_advise_dontneed(struct mm *mm, uint64_t addr, uint64_t len, bool lazy);

/* As the brk system call: the new break, or the old one when it cannot be moved there. */
long mm_brk(struct mm *mm, uint64_t brk);

/*
 * shmdt: removes what is left of the System V segment that was attached at addr. 0, -EINVAL when there is
 * none.
 */
long mm_detach(struct mm *mm, uint64_t addr);

/* Is any of the range shared memory that is written in place? */
bool mm_range_live(struct mm *mm, uint64_t addr, uint64_t len);

/*
 * How many bytes of the range, from its start, are mapped without a hole: what a call that stops
 * at the first one concerns. Memory that home reserves counts as a hole: the program sees none.
 */
uint64_t mm_range_reach(struct mm *mm, uint64_t addr, uint64_t len);

/* Is any of the range reserved by home? */
bool mm_range_reserved(struct mm *mm, uint64_t addr, uint64_t len);

/* True when every page of the range is mapped: what madvise, mlock and msync ask. */
bool mm_range_mapped(struct mm *mm, uint64_t addr, uint64_t len);

/* Sets bit 0 of vec[i] for each page i of start..end that has content, here or at home. */
void mm_resident(struct mm *mm, uint64_t start, uint64_t end, uint8_t *vec);

/* --- faults (fault.c) ------------------------------------------------------------------------ */

enum mm_access { MM_READ = WVMA_READ, MM_WRITE = WVMA_WRITE, MM_EXEC = WVMA_EXEC };

struct fault_info {
	int signo;     /* SIGSEGV or SIGBUS */
	int code;      /* si_code */
	uint64_t addr; /* si_addr */
};

/*
 * Makes addr accessible. 0: try again. -EFAULT: info says which signal. -ENOMEM: no memory left
 * here. -EINTR: the thread is being killed or home is lost. -EREMOTE: memory that only exists at
 * home.
 */
int mm_fault(struct mm *mm, uint64_t addr, enum mm_access access, struct fault_info *info);

/*
 * Hooks with weak defaults (hooks.c). The first three end a fault that mm_fault could not resolve:
 * send the signal, or send the guest home. The signal is for faults in user mode only. The other
 * two are also called for a fault in a copy to or from user memory (trap_from_user(tf) is false):
 * the copy then fails, and the system call should be repeated at home instead of returning -EFAULT.
 */
void user_fault_signal(struct trapframe *tf, int signo, int code, uint64_t addr);
void user_out_of_memory(struct trapframe *tf);
void user_fault_remote(struct trapframe *tf, uint64_t addr);

/*
 * Is there room for npages more, with a reserve left for the kernel and for the guests' way home? Drops
 * cached file pages if need be. Also asked before the kernel takes memory on a guest's behalf.
 */
bool guest_memory_ok(uint64_t npages);

/* Frees memory by sending a guest home; true when trying again makes sense. May sleep long. */
bool guest_memory_pressure(void);

/* Is the current thread being killed? Whoever sets that also calls thread_set_work(). */
bool user_thread_killed(void);

#endif
