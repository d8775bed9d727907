/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of the address space. The node decides and acts, and home repeats it in the stub, so that
 * both maps stay the same. Where home might refuse (limits of address space, very large sizes), it is
 * asked first. mm->map_lock is held over both, so that home sees changes in their order.
 */
#include <errno.h>

#include "kernel/abi/abi.h"
#include "kernel/guest/guest.h"
#include "kernel/mm/filecache.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/restart.h"

enum {
	NR_MMAP = 9, NR_MPROTECT = 10, NR_MUNMAP = 11, NR_BRK = 12, NR_MREMAP = 25, NR_MSYNC = 26,
	NR_MADVISE = 28, NR_MLOCKALL = 151, NR_MLOCK2 = 325, NR_PKEY_ALLOC = 330, NR_PKEY_FREE = 331,
};

#define PROT_ALL (WVMA_READ | WVMA_WRITE | WVMA_EXEC)

#define ANON_FLAGS                                                                                 \
	(MM_MAP_PRIVATE | MM_MAP_FIXED | MM_MAP_ANONYMOUS | MM_MAP_DENYWRITE | MM_MAP_EXECUTABLE |     \
	 MM_MAP_NORESERVE | MM_MAP_POPULATE | MM_MAP_NONBLOCK | MM_MAP_STACK |                         \
	 MM_MAP_FIXED_NOREPLACE)
#define FILE_FLAGS ((ANON_FLAGS & ~MM_MAP_ANONYMOUS) | MM_MAP_SHARED)
#define SHARED_ANON_FLAGS ((ANON_FLAGS & ~MM_MAP_PRIVATE) | MM_MAP_SHARED)

#define MM_MAP_TYPE_VALIDATE 3u

/* Above these, home is asked before anything is done here. */
#define ASK_BYTES (64ull << 20)
#define ASK_MAPS 60000u

static bool ask_first(struct mm *mm, uint64_t bytes)
{
	return current_proc->map_sync || bytes >= ASK_BYTES || mm->vmas.count > ASK_MAPS;
}

/* A change of the map may split mappings, and their descriptions are the kernel's memory. */
static bool no_room(void)
{
	return !guest_memory_ok(1);
}

static long retreat_no_room(void)
{
	return retreat(WHY_MEMORY, "no memory left for the description of mappings");
}

/* --- mmap ----------------------------------------------------------------------------------------- */

/* What home is told: this very place; and nothing is to be put into memory there. */
static uint64_t replay_flags(uint64_t flags)
{
	return (flags & ~(uint64_t)(MM_MAP_FIXED_NOREPLACE | MM_MAP_POPULATE)) | MM_MAP_FIXED;
}

static long map_anon_asking(struct mm *mm, const uint64_t args[6])
{
	uint64_t len = args[1], prot = args[2], flags = args[3];
	long at = mm_place(mm, args[0], len, flags), ret;

	if (at < 0)
		return at;
	ret = home_call(NR_MMAP, at, len, prot, replay_flags(flags), -1, 0);
	if (ret < 0)
		return ret;
	ret = mm_map_anon(mm, at, len, prot,
			  (flags & ~MM_MAP_FIXED_NOREPLACE) | MM_MAP_FIXED);
	if (ret < 0)
		home_replay(NR_MUNMAP, at, len, 0, 0, 0, 0);
	return ret;
}

static long map_anon(struct mm *mm, const uint64_t args[6])
{
	uint64_t len = args[1], prot = args[2], flags = args[3];
	long ret;

	if (ask_first(mm, len))
		return map_anon_asking(mm, args);
	ret = mm_map_anon(mm, args[0], len, prot, flags);
	if (ret >= 0)
		home_replay(NR_MMAP, ret, len, prot, replay_flags(flags) | MM_MAP_NORESERVE, -1, 0);
	return ret;
}

long map_by_home(struct mm *mm, const struct wire_mmap *map, uint32_t flags, struct wire_text *why)
{
	struct wire_file id;
	struct cfile *file;
	long ret;

	mm_hold(mm, map->addr, PAGE_ALIGN_UP(map->len));
	ret = guest_mmap(map, &id, why);
	if (ret >= 0) {
		file = filecache_open(current_proc->home_id, &id);
		ret = -ENOMEM;
		if (file) {
			ret = mm_map_file(mm, map->addr, map->len, map->prot,
					  (flags & ~MM_MAP_FIXED_NOREPLACE) | MM_MAP_FIXED, file,
					  map->offset);
			cfile_put(file);
		}
		/* What is there now at home is the new file: the old pages here mean nothing. */
		if (ret < 0) {
			mm_unmap(mm, map->addr, map->len);
			home_replay(NR_MUNMAP, map->addr, map->len, 0, 0, 0, 0);
			wire_text_set(why, WHY_MEMORY, "no memory for the mapping of a file");
		}
	}
	mm_release(mm);
	return ret;
}

/* A file; or shared memory, which is one, too, but has no name. */
static long map_file(struct mm *mm, const uint64_t args[6], struct wire_text *why)
{
	uint64_t len = args[1], flags = args[3];
	struct wire_mmap map = {
		.len = len,
		.prot = args[2],
		.flags = (flags & ~(uint64_t)MM_MAP_POPULATE) |
			 (flags & MM_MAP_FIXED ? 0 : MM_MAP_FIXED_NOREPLACE),
		.fd = (int)args[4],
		/* Linux does not look at it for memory that is no file's. */
		.offset = flags & MM_MAP_ANONYMOUS ? 0 : args[5],
	};
	long at = mm_place(mm, args[0], len, flags);

	if (at < 0)
		return at;
	map.addr = at;
	return map_by_home(mm, &map, flags, why);
}

long sys_mmap(struct trapframe *tf, const uint64_t args[6])
{
	uint64_t len = args[1], prot = args[2], flags = (uint32_t)args[3];
	const uint64_t a[6] = { args[0], len, prot, flags, args[4], args[5] };
	bool anon = flags & MM_MAP_ANONYMOUS, shared_anon, shared;
	struct wire_text why = { .code = WHY_NONE };
	struct mm *mm = current->mm;
	long ret;

	(void)tf;
	if (args[5] & ~PAGE_MASK)
		return -EINVAL;
	shared_anon = anon && (flags & MM_MAP_TYPE) == MM_MAP_SHARED;
	if (prot & ~(uint64_t)PROT_ALL)
		return retreat(WHY_MAPPING, "mmap with protection %#llx", (unsigned long long)prot);
	/* No other kind of anonymous memory takes these for its flags. */
	if (anon && (flags & MM_MAP_TYPE) == MM_MAP_TYPE_VALIDATE)
		return -EINVAL;
	if (flags & ~(uint64_t)(shared_anon ? SHARED_ANON_FLAGS : anon ? ANON_FLAGS : FILE_FLAGS))
		return retreat(WHY_MAPPING, "mmap with flags %#llx", (unsigned long long)flags);
	/* For an error: home says which, since it knows the descriptor. */
	if (!len || !(flags & MM_MAP_TYPE)) {
		if (anon)
			return -EINVAL;
		if (mm_range_reserved(mm, args[0], len))
			return retreat(WHY_MAPPING, "mmap where home has reserved memory");
		return home_call(NR_MMAP, args[0], len, prot, flags, args[4], args[5]);
	}
	if (!anon && (flags & MM_MAP_TYPE) == MM_MAP_TYPE_VALIDATE)
		return retreat(WHY_MAPPING, "mmap of type MAP_SHARED_VALIDATE");

	if (no_room())
		return retreat_no_room();
	shared = (flags & MM_MAP_TYPE) == MM_MAP_SHARED;
	if (shared && !guest_share_begin(current_proc))
		return retreat(WHY_MAPPING, "others take shared memory home just now");
	if ((flags & MM_MAP_FIXED) && mm_range_live(mm, args[0], len))
		guest_share_sync(current_proc->session);
	mutex_lock(&mm->map_lock);
	ret = anon && !shared_anon ? map_anon(mm, a) : map_file(mm, a, &why);
	mutex_unlock(&mm->map_lock);
	if (shared)
		guest_share_end(current_proc, !anon && ret >= 0);
	if (why.code != WHY_NONE)
		return retreat(why.code, "%s", why.text);
	if (ret == MM_NOT_SERVED)
		return retreat(WHY_MAPPING, "mmap of %llu bytes at %#llx, flags %#llx",
			       (unsigned long long)len, (unsigned long long)args[0],
			       (unsigned long long)flags);
	return ret;
}

/* --- the others ------------------------------------------------------------------------------------- */

/* Sends home what has been done, or the process when it cannot be done here. */
static long finish(struct mm *mm, uint64_t nr, const uint64_t args[6], long ret)
{
	/* mprotect and madvise stop at a hole with ENOMEM, having done what lies before it. */
	if (ret >= 0 || ret == -ENOMEM)
		home_replay(nr, args[0], args[1], args[2], 0, 0, 0);
	mm_release(mm);
	mutex_unlock(&mm->map_lock);
	if (ret == MM_NOT_SERVED)
		return not_served(nr, "a mapping of another kind");
	return ret;
}

long sys_munmap(struct trapframe *tf, const uint64_t args[6])
{
	struct mm *mm = current->mm;

	(void)tf;
	if (mm_range_live(mm, args[0], args[1]))
		guest_share_sync(current_proc->session);
	mutex_lock(&mm->map_lock);
	return finish(mm, NR_MUNMAP, args, mm_unmap(mm, args[0], args[1]));
}

long sys_mprotect(struct trapframe *tf, const uint64_t args[6])
{
	uint64_t addr = args[0], len = PAGE_ALIGN_UP(args[1]);
	uint64_t done[6] = { addr, 0, args[2] };
	struct mm *mm = current->mm;
	long ret;

	(void)tf;
	if (args[2] & ~(uint64_t)PROT_ALL)
		return not_served(NR_MPROTECT, "special protection");
	/* An error, or nothing to do. */
	if ((addr & ~PAGE_MASK) || addr + len <= addr)
		return mm_protect(mm, addr, args[1], args[2]);
	if (no_room())
		return retreat_no_room();
	mutex_lock(&mm->map_lock);
	/* What lies behind the first hole is not the call's; much may that is not the program's. */
	done[1] = mm_range_reach(mm, addr, len);
	/*
	 * Making much writable counts against home's memory, as mapping it does; and whether a file may
	 * be written depends on how it was opened.
	 */
	if ((args[2] & WVMA_WRITE) &&
	    (ask_first(mm, done[1]) || mm_range_live(mm, addr, done[1]))) {
		ret = home_call(NR_MPROTECT, addr, done[1], args[2], 0, 0, 0);
		if (ret < 0) {
			mutex_unlock(&mm->map_lock);
			return ret;
		}
	}
	return finish(mm, NR_MPROTECT, done, mm_protect(mm, addr, len, args[2]));
}

/*
 * Programs that would use keys ask for one and do without if there is none: on most machines. Where
 * home has them, the process is there from then on; the call is made again there.
 */
long sys_pkey_alloc(struct trapframe *tf, const uint64_t args[6])
{
	long key = forward(NR_PKEY_ALLOC, args);
	uint64_t give_back[6] = { (uint64_t)key };

	(void)tf;
	if (key < 0)
		return key;
	forward(NR_PKEY_FREE, give_back);
	return not_served(NR_PKEY_ALLOC, "protection keys, which a node does not keep");
}

long sys_pkey_mprotect(struct trapframe *tf, const uint64_t args[6])
{
	if ((int)args[3] != -1)
		return not_served(329, "a protection key");
	return sys_mprotect(tf, args);
}

/*
 * Here first, since only then it is known where it ends up. If home must be asked and refuses, it is
 * moved back.
 */
long sys_mremap(struct trapframe *tf, const uint64_t args[6])
{
	uint64_t addr = args[0], old_len = args[1], new_len = args[2], flags = args[3];
	struct mm *mm = current->mm;
	bool ask;
	long ret, home = 0;

	(void)tf;
	if (no_room())
		return retreat_no_room();
	if (mm_range_live(mm, addr, old_len))
		guest_share_sync(current_proc->session);
	mutex_lock(&mm->map_lock);
	ask = new_len > old_len && ask_first(mm, new_len - old_len);
	ret = mm_remap(mm, addr, old_len, new_len, flags, args[4]);
	if (ret >= 0) {
		bool moved = (uint64_t)ret != addr;
		uint64_t home_flags = moved ? MM_MREMAP_MAYMOVE | MM_MREMAP_FIXED : 0;

		if (ask)
			home = home_call(NR_MREMAP, addr, old_len, new_len, home_flags,
					 moved ? ret : 0, 0);
		else
			home_replay(NR_MREMAP, addr, old_len, new_len, home_flags,
				    moved ? ret : 0, 0);
		if (home < 0) {
			mm_remap(mm, ret, new_len, old_len,
				 moved ? MM_MREMAP_MAYMOVE | MM_MREMAP_FIXED : 0, addr);
			ret = home;
		}
	}
	mm_release(mm);
	mutex_unlock(&mm->map_lock);
	if (ret == MM_NOT_SERVED)
		return not_served(NR_MREMAP, "a mapping of another kind");
	return ret;
}

long sys_brk(struct trapframe *tf, const uint64_t args[6])
{
	struct mm *mm = current->mm;
	uint64_t old;
	long ret, home;

	(void)tf;
	if (no_room())
		return retreat_no_room();
	mutex_lock(&mm->map_lock);
	old = mm->brk;
	if (args[0] > old && ask_first(mm, args[0] - old)) {
		home = home_call(NR_BRK, args[0], 0, 0, 0, 0, 0);
		if (home != (long)args[0]) {
			mutex_unlock(&mm->map_lock);
			/* Interrupted before home had begun: that says nothing of the break. */
			return restart_code(home) ? home : (long)old;
		}
	}
	ret = mm_brk(mm, args[0]);
	if (ret >= 0 && (uint64_t)ret != old)
		home_replay(NR_BRK, ret, 0, 0, 0, 0, 0);
	else if (ask_first(mm, args[0] - old))
		home_replay(NR_BRK, old, 0, 0, 0, 0, 0);
	mutex_unlock(&mm->map_lock);
	if (ret == MM_NOT_SERVED)
		return not_served(NR_BRK, "");
	return ret;
}

/* --- locked memory ---------------------------------------------------------------------------------- */

#define MLOCK_ONFAULT 1
#define MCL_ONFAULT 4

/*
 * Nothing here is ever swapped out. Home counts what is locked, and says what is wrong; but pages that are
 * away shall not be made there. From now on it is asked about all changes, since some are refused.
 */
static long lock_at_home(uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2)
{
	struct mm *mm = current->mm;
	long ret;

	mutex_lock(&mm->map_lock);
	ret = home_call(nr, a0, a1, a2, 0, 0, 0);
	if (ret >= 0)
		current_proc->map_sync = true;
	mutex_unlock(&mm->map_lock);
	return ret;
}

/* It stops at the first hole, which home must see, too. */
static long lock_range(uint64_t addr, uint64_t len, uint64_t flags)
{
	uint64_t start = addr & PAGE_MASK, reach;

	reach = mm_range_reach(current->mm, start, len + (addr - start));
	if (reach < len && mm_range_reserved(current->mm, start + reach, PAGE_SIZE))
		return not_served(NR_MLOCK2, "where home has reserved memory");
	return lock_at_home(NR_MLOCK2, addr, len, flags);
}

long sys_mlock(struct trapframe *tf, const uint64_t args[6])
{
	(void)tf;
	return lock_range(args[0], args[1], MLOCK_ONFAULT);
}

long sys_mlock2(struct trapframe *tf, const uint64_t args[6])
{
	(void)tf;
	return lock_range(args[0], args[1], args[2] | MLOCK_ONFAULT);
}

long sys_mlockall(struct trapframe *tf, const uint64_t args[6])
{
	uint64_t flags = (uint32_t)args[0];

	(void)tf;
	/* ONFAULT alone is an error: not to be made by us of what is none, or hidden. */
	return lock_at_home(NR_MLOCKALL, flags && !(flags & MCL_ONFAULT) ? flags | MCL_ONFAULT : flags,
			    0, 0);
}

/* --- advice ---------------------------------------------------------------------------------------- */

enum {
	MADV_NORMAL = 0, MADV_RANDOM = 1, MADV_SEQUENTIAL = 2, MADV_WILLNEED = 3,
	MADV_DONTNEED = 4, MADV_FREE = 8, MADV_MERGEABLE = 12, MADV_UNMERGEABLE = 13,
	MADV_HUGEPAGE = 14, MADV_NOHUGEPAGE = 15, MADV_DONTDUMP = 16, MADV_DODUMP = 17,
	MADV_COLD = 20, MADV_PAGEOUT = 21,
};

long sys_madvise(struct trapframe *tf, const uint64_t args[6])
{
	uint64_t addr = args[0], len = PAGE_ALIGN_UP(args[1]);
	struct mm *mm = current->mm;
	long ret;

	(void)tf;
	if ((addr & ~PAGE_MASK) || len < args[1] || addr + len < addr)
		return -EINVAL;
	switch ((int)args[2]) {
	case MADV_DONTNEED:
	case MADV_FREE:
		if (!len)
			return 0;
		if (mm_range_reserved(mm, addr, len))
			return not_served(NR_MADVISE, "where home has reserved memory");
		mutex_lock(&mm->map_lock);
		/* Locked memory is not given up. */
		if (current_proc->map_sync) {
			ret = home_call(NR_MADVISE, addr, args[1], args[2], 0, 0, 0);
			if (ret < 0 && ret != -ENOMEM) {
				mutex_unlock(&mm->map_lock);
				return ret;
			}
		}
		ret = mm_advise_dontneed(mm, addr, len, (int)args[2] == MADV_FREE);
		return finish(mm, NR_MADVISE, args, ret);
	/* Hints for the machine that has the memory, and for moves to come. */
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_COLD:
	case MADV_PAGEOUT:
		return mm_range_mapped(mm, addr, len) ? 0 : -ENOMEM;
	/* What home's kernel was built with decides whether these are an error. */
	case MADV_MERGEABLE:
	case MADV_UNMERGEABLE:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
		if (mm_range_reserved(mm, addr, len))
			return not_served(NR_MADVISE, "where home has reserved memory");
		return home_call(NR_MADVISE, addr, args[1], args[2], 0, 0, 0);
	default:
		/* Home tells of no memory at all whether there is such an advice. */
		ret = home_call(NR_MADVISE, addr, 0, args[2], 0, 0, 0);
		if (ret == -EINVAL || restart_code(ret))
			return ret;
		return retreat(WHY_SYSCALL, "madvise %d", (int)args[2]);
	}
}

/* What was written is put into home's copy of the file; from there it goes to the disk. */
long sys_msync(struct trapframe *tf, const uint64_t args[6])
{
	enum { MS_ASYNC = 1, MS_INVALIDATE = 2, MS_SYNC = 4 };
	uint64_t addr = args[0], len = PAGE_ALIGN_UP(args[1]), flags = args[2];

	(void)tf;
	if ((flags & ~(uint64_t)(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || (addr & ~PAGE_MASK) ||
	    ((flags & MS_ASYNC) && (flags & MS_SYNC)))
		return -EINVAL;
	/* A length that is more than all pages is none. */
	if (addr + len < addr)
		return -ENOMEM;
	if (len && mm_range_live(current->mm, addr, len))
		return home_call(NR_MSYNC, addr, len, flags, 0, 0, 0);
	return !len || mm_range_mapped(current->mm, addr, len) ? 0 : -ENOMEM;
}
