/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System V shared memory: shmat and shmdt. Segments are home's; what is attached is shared memory like any
 * other (kernel/mm/shared.c).
 */
#include <errno.h>

#include "kernel/abi/abi.h"
#include "kernel/guest/guest.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/restart.h"

enum { NR_SHMCTL = 31, NR_SHMDT = 67 };

#define IPC_STAT 2
#define SHM_RDONLY 010000u
#define SHM_RND 020000u
#define SHM_EXEC 0100000u

/* struct shmid64_ds of <asm/shmbuf.h>: the size follows the permissions. */
struct shm_status {
	uint64_t perm[6], size, rest[7];
};

_Static_assert(sizeof(struct shm_status) == 112, "as Linux has it");

static long segment_size(uint64_t id, uint64_t *size)
{
	struct shm_status status;
	struct fcall call = {
		.nr = NR_SHMCTL,
		.args = { id, IPC_STAT },
		.nbufs = 1,
		.buf[0] = { (uint64_t)&status, sizeof(status), 2, WBUF_OUT, true },
	};
	long ret = guest_call(&call);

	*size = status.size;
	return ret < 0 ? ret : 0;
}

static long attach(struct mm *mm, struct wire_mmap *map, struct wire_text *why)
{
	long at = mm_place(mm, map->addr, map->len, map->addr ? MM_MAP_FIXED_NOREPLACE : 0);

	if (at == -EEXIST)
		return -EINVAL;
	if (at < 0)
		return at;
	map->addr = at;
	return map_by_home(mm, map, MM_MAP_SHARED, why);
}

long sys_shmat(struct trapframe *tf, const uint64_t args[6])
{
	struct wire_mmap map = { .addr = args[1], .flags = (uint32_t)args[2], .fd = (int)args[0],
				 .kind = MMAP_SHMAT };
	struct wire_text why = { .code = WHY_NONE };
	struct mm *mm = current->mm;
	long ret;

	(void)tf;
	if (map.flags & ~(SHM_RDONLY | SHM_RND | SHM_EXEC))
		return retreat(WHY_MAPPING, "shmat with flags %#o", map.flags);
	if (map.fd < 0)
		return -EINVAL;
	if (map.addr % PAGE_SIZE && !(map.flags & SHM_RND))
		return -EINVAL;
	if (map.addr && map.addr < PAGE_SIZE)
		return retreat(WHY_MAPPING, "shmat at the beginning of memory");
	map.addr = PAGE_ALIGN_DOWN(map.addr);
	map.flags &= ~SHM_RND;
	map.prot = WVMA_READ | (map.flags & SHM_RDONLY ? 0 : WVMA_WRITE) |
		   (map.flags & SHM_EXEC ? WVMA_EXEC : 0);
	ret = segment_size(args[0], &map.len);
	if (ret)
		return ret;
	map.len = PAGE_ALIGN_UP(map.len);
	if (!guest_share_begin(current_proc))
		return retreat(WHY_MAPPING, "others take shared memory home just now");
	mutex_lock(&mm->map_lock);
	ret = attach(mm, &map, &why);
	mutex_unlock(&mm->map_lock);
	guest_share_end(current_proc, ret >= 0);
	if (why.code != WHY_NONE)
		return retreat(why.code, "%s", why.text);
	return ret == MM_NOT_SERVED ? retreat(WHY_MAPPING, "shmat at a special place") : ret;
}

long sys_shmdt(struct trapframe *tf, const uint64_t args[6])
{
	struct mm *mm = current->mm;
	long ret;

	(void)tf;
	if (args[0] % PAGE_SIZE)
		return -EINVAL;
	/* Whoever attaches it next finds what was written. */
	guest_share_sync(current_proc->session);
	mutex_lock(&mm->map_lock);
	ret = mm_detach(mm, args[0]);
	if (!ret)
		home_replay(NR_SHMDT, args[0], 0, 0, 0, 0, 0);
	mutex_unlock(&mm->map_lock);
	return ret;
}
