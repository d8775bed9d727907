/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Futexes. Those of shared memory are known by their place in it (FUTEX_PRIVATE: by their address all
 * the same, as Linux does). User memory may have to come from home, so it is never read under a
 * bucket's lock: a waiter queues itself first and looks at the word then. If a wake-up was spent on
 * it meanwhile, it counts as woken, whatever the word says.
 */
#include "kernel/proc/futex.h"

#include <errno.h>

#include "kernel/guest/guest.h"
#include "kernel/list.h"
#include "kernel/mm/filecache.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/proc.h"
#include "kernel/proc/restart.h"
#include "kernel/sync/waitq.h"

enum {
	FUTEX_WAIT,
	FUTEX_WAKE,
	FUTEX_FD,
	FUTEX_REQUEUE,
	FUTEX_CMP_REQUEUE,
	FUTEX_WAKE_OP,
	FUTEX_LOCK_PI,
	FUTEX_UNLOCK_PI,
	FUTEX_TRYLOCK_PI,
	FUTEX_WAIT_BITSET,
	FUTEX_WAKE_BITSET,
	FUTEX_PRIVATE = 128,
	FUTEX_CLOCK_REALTIME = 256,
};

#define BITSET_ANY UINT32_MAX
#define BUCKETS	   256

struct bucket {
	spinlock_t lock;
	struct list_head waiters; /* struct futex_waiter, oldest first */
};

/* What a word is known by. */
struct futex_key {
	const void *space;  /* an address space, or shared memory */
	uint64_t at;	    /* address, or offset */
	struct cfile *file; /* that shared memory, with a reference; or NULL */
};

/*
 * Lives on the waiting thread's stack. Which bucket it is in, and its key, only holders of all locks
 * change.
 */
struct futex_waiter {
	struct list_head link; /* empty: woken */
	struct futex_key key;
	uint32_t bitset;
	struct bucket *bucket;
	struct waitq wq;
};

static struct bucket buckets[BUCKETS];
static spinlock_t init_lock = SPINLOCK_INIT;
static bool ready;

static struct futex_key key_get(struct mm *mm, uint64_t addr, bool shared)
{
	struct futex_key key = { mm, addr, NULL };
	const struct vma *vma;

	if (!shared || !mm->vmas.live)
		return key;
	mutex_lock(&mm->lock);
	vma = vma_at(&mm->vmas, addr);
	if (vma && (vma->flags & VMA_LIVE)) {
		key.file = cfile_get(vma->file);
		key.space = vma->file;
		key.at = vma_offset_at(vma, addr);
	}
	mutex_unlock(&mm->lock);
	return key;
}

static void key_put(const struct futex_key *key)
{
	if (key->file)
		cfile_put(key->file);
}

static bool key_is(const struct futex_key *a, const struct futex_key *b)
{
	return a->space == b->space && a->at == b->at;
}

static struct bucket *bucket_of(const struct futex_key *key)
{
	uint64_t hash = ((uint64_t)key->space ^ key->at * 0x9e3779b97f4a7c15ull) *
			0x9e3779b97f4a7c15ull;

	if (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE)) {
		spin_lock(&init_lock);
		for (int i = 0; i < BUCKETS && !ready; i++)
			list_init(&buckets[i].waiters);
		__atomic_store_n(&ready, true, __ATOMIC_RELEASE);
		spin_unlock(&init_lock);
	}
	return &buckets[hash >> 56];
}

/* Takes the lock of the bucket that w is in now: a requeue may move it while one waits. */
static void waiter_lock(struct futex_waiter *w)
{
	for (;;) {
		struct bucket *b = __atomic_load_n(&w->bucket, __ATOMIC_ACQUIRE);

		spin_lock(&b->lock);
		if (b == w->bucket)
			return;
		spin_unlock(&b->lock);
	}
}

/* Takes w off; false when somebody woke it before. */
static bool waiter_remove(struct futex_waiter *w)
{
	bool queued;

	waiter_lock(w);
	queued = !list_empty(&w->link);
	list_del(&w->link);
	spin_unlock(&w->bucket->lock);
	return queued;
}

static bool waiter_woken(struct futex_waiter *w)
{
	return __atomic_load_n(&w->link.next, __ATOMIC_ACQUIRE) == &w->link;
}

static void wake_locked(struct futex_waiter *w)
{
	/* w lives until its owner, who takes the bucket's lock once more, has seen this. */
	list_del(&w->link);
	waitq_wake_all(&w->wq);
}

/* --- waiting ---------------------------------------------------------------------------------- */

static long wait_for(uint64_t addr, bool shared, uint32_t val, uint32_t bitset,
		     uint64_t deadline_ns)
{
	struct futex_waiter w = {
		.key = key_get(current->mm, addr, shared),
		.bitset = bitset,
	};
	uint32_t seen;
	int err;

	w.bucket = bucket_of(&w.key);
	waitq_init(&w.wq);
	spin_lock(&w.bucket->lock);
	list_add_tail(&w.link, &w.bucket->waiters);
	spin_unlock(&w.bucket->lock);

	err = get_user32(&seen, addr);
	if (!err && seen == val)
		err = wait_event_interruptible(&w.wq, waiter_woken(&w), deadline_ns);
	else if (!err)
		err = -EAGAIN;
	if (!waiter_remove(&w))
		err = 0;
	key_put(&w.key);
	return err;
}

long futex_wait_on(uint64_t addr, bool shared, uint32_t val, uint32_t bitset, uint64_t deadline_ns)
{
	struct restart_block *r = &current_user->restart;
	long ret;

	ret = wait_for(addr, shared, val, bitset, deadline_ns);
	if (ret != -EINTR)
		return ret;
	if (deadline_ns == WAIT_FOREVER)
		return -ERESTARTSYS_;
	*r = (struct restart_block){ RESTART_FUTEX, deadline_ns, { addr, val, bitset, shared } };
	return -ERESTART_RESTARTBLOCK_;
}

/* The timeout argument as a deadline of clock_now_ns(). 0, -EFAULT or -EINVAL. */
static int deadline_from(uint64_t timeout, unsigned op, uint64_t *deadline)
{
	int64_t ts[2];
	int64_t ns;

	*deadline = WAIT_FOREVER;
	if (!timeout)
		return 0;
	if (copy_from_user(ts, timeout, sizeof(ts)))
		return -EFAULT;
	if (ts[0] < 0 || ts[1] < 0 || ts[1] >= (int64_t)NSEC_PER_SEC)
		return -EINVAL;
	if (ts[0] > (int64_t)(INT64_MAX / NSEC_PER_SEC) / 2)
		return 0;
	ns = ts[0] * (int64_t)NSEC_PER_SEC + ts[1];
	if ((op & ~(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME)) == FUTEX_WAIT)
		ns += clock_now_ns();
	else if (op & FUTEX_CLOCK_REALTIME)
		ns -= guest_realtime_offset(current->proc);
	else
		ns -= guest_monotonic_offset(current->proc);
	*deadline = ns < 0 ? 0 : ns;
	return 0;
}

/* --- waking ----------------------------------------------------------------------------------- */

static long wake_in(struct bucket *b, const struct futex_key *key, int n, uint32_t bitset)
{
	struct futex_waiter *w, *tmp;
	long woken = 0;

	list_for_each_entry_safe(w, tmp, &b->waiters, link) {
		if (woken >= n)
			break;
		if (key_is(&w->key, key) && (w->bitset & bitset)) {
			wake_locked(w);
			woken++;
		}
	}
	return woken;
}

static long wake(struct mm *mm, uint64_t addr, bool shared, int n, uint32_t bitset)
{
	struct futex_key key = key_get(mm, addr, shared);
	struct bucket *b = bucket_of(&key);
	long woken;

	spin_lock(&b->lock);
	woken = wake_in(b, &key, n, bitset);
	spin_unlock(&b->lock);
	key_put(&key);
	return woken;
}

long futex_wake_address(struct mm *mm, uint64_t addr, int n)
{
	return wake(mm, addr, true, n, BITSET_ANY);
}

static void lock_two(struct bucket *a, struct bucket *b)
{
	if (a > b) {
		struct bucket *t = a;

		a = b;
		b = t;
	}
	spin_lock(&a->lock);
	if (a != b)
		spin_lock(&b->lock);
}

static void unlock_two(struct bucket *a, struct bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

static long requeue(uint64_t from, uint64_t to, bool shared, int nwake, int nmove)
{
	struct futex_key key = key_get(current->mm, from, shared);
	struct futex_key target = key_get(current->mm, to, shared);
	struct bucket *a = bucket_of(&key), *b = bucket_of(&target);
	struct futex_waiter *w, *tmp;
	long done, moved = 0;

	lock_two(a, b);
	done = wake_in(a, &key, nwake, BITSET_ANY);
	list_for_each_entry_safe(w, tmp, &a->waiters, link) {
		if (moved >= nmove)
			break;
		if (!key_is(&w->key, &key))
			continue;
		/* Never self-linked in between: that would look like a wake-up. */
		w->link.prev->next = w->link.next;
		w->link.next->prev = w->link.prev;
		if (target.file)
			cfile_get(target.file);
		key_put(&w->key);
		w->key = target;
		list_insert_between(&w->link, b->waiters.prev, &b->waiters);
		__atomic_store_n(&w->bucket, b, __ATOMIC_RELEASE);
		moved++;
	}
	unlock_two(a, b);
	key_put(&key);
	key_put(&target);
	return done + moved;
}

/*
 * FUTEX_WAKE_OP: changes the second word by `op`, and wakes there, too, if its old value says so.
 */
static long wake_op(uint64_t addr, uint64_t addr2, bool shared, int n, int n2, uint32_t op)
{
	int32_t oparg = (int32_t)(op << 8) >> 20, cmparg = (int32_t)(op << 20) >> 20;
	unsigned kind = op >> 28 & 7, cmp = op >> 24 & 15;
	uint32_t old, val, seen;
	bool match;
	long woken;

	if (op >> 28 & 8)
		oparg = (int32_t)(1u << (oparg & 31));
	if (kind > 4)
		return -ENOSYS;
	if (get_user32(&old, addr2))
		return -EFAULT;
	for (;;) {
		val = kind == 0	  ? (uint32_t)oparg
		      : kind == 1 ? old + oparg
		      : kind == 2 ? old | oparg
		      : kind == 3 ? old & ~oparg
				  : old ^ oparg;
		if (cmpxchg_user32(addr2, old, val, &seen))
			return -EFAULT;
		if (seen == old)
			break;
		old = seen;
	}
	switch (cmp) {
	case 0:
		match = (int32_t)old == cmparg;
		break;
	case 1:
		match = (int32_t)old != cmparg;
		break;
	case 2:
		match = (int32_t)old < cmparg;
		break;
	case 3:
		match = (int32_t)old <= cmparg;
		break;
	case 4:
		match = (int32_t)old > cmparg;
		break;
	case 5:
		match = (int32_t)old >= cmparg;
		break;
	default:
		return -ENOSYS;
	}
	woken = wake(current->mm, addr, shared, n, BITSET_ANY);
	if (match)
		woken += wake(current->mm, addr2, shared, n2, BITSET_ANY);
	return woken;
}

/* --- robust mutexes --------------------------------------------------------------------------- */

#define FUTEX_WAITERS 0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID 0x3fffffffu
#define ROBUST_LIST_LIMIT 2048	/* as Linux: the list may be a circle */
#define ROBUST_PI 1ull		/* in a pointer: the mutex is a PI one, not served here */

/* One mutex of the list. The word is changed by others at any moment. False: memory is gone. */
static bool robust_release(struct uthread *u, uint64_t addr, bool pending)
{
	uint32_t val, seen;

	if (get_user32(&val, addr))
		return false;
	for (;;) {
		/* The owner died between releasing it and waking: whoever waits must not wait on. */
		if (pending && !val) {
			wake(current->mm, addr, true, 1, BITSET_ANY);
			return true;
		}
		if ((val & FUTEX_TID) != u->tid)
			return true;
		if (cmpxchg_user32(addr, val, (val & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &seen))
			return false;
		if (seen == val)
			break;
		val = seen;
	}
	if (val & FUTEX_WAITERS)
		wake(current->mm, addr, true, 1, BITSET_ANY);
	return true;
}

static void robust_exit(struct uthread *u)
{
	uint64_t entry, next, offset, pending, head = u->robust_list;

	if (!head || get_user64(&entry, head) || get_user64(&offset, head + 8) ||
	    get_user64(&pending, head + 16))
		return;
	for (int i = 0; i < ROBUST_LIST_LIMIT && (entry & ~ROBUST_PI) != head; i++) {
		/* Read before the mutex is given away: its memory may go with it. */
		bool bad = get_user64(&next, entry & ~ROBUST_PI);

		if ((entry & ~ROBUST_PI) != (pending & ~ROBUST_PI) &&
		    !robust_release(u, (entry & ~ROBUST_PI) + offset, false))
			return;
		if (bad)
			return;
		entry = next;
	}
	if (pending & ~ROBUST_PI)
		robust_release(u, (pending & ~ROBUST_PI) + offset, true);
}

void futex_die(struct uthread *u)
{
	if (current->mm->vmas.live)
		robust_exit(u);
}

bool futex_exit_prepare(struct uthread *u)
{
	robust_exit(u);
	if (u->clear_tid)
		user_writable_prefix(u->clear_tid, sizeof(uint32_t));
	/* Also when memory had to come from home, and there was no room for it. */
	return !u->retreating;
}

/* --- the call --------------------------------------------------------------------------------- */

/*
 * A word that another process may share (no FUTEX_PRIVATE) is found by its page, so there must be
 * one; read-only it must be a file's. 0, -EFAULT, or RETREATED if it is a file that is not
 * shared here as at home.
 */
static long check_shared(uint64_t addr, unsigned op)
{
	struct mm *mm = current->mm;
	bool shared, file;
	struct vma *vma;

	if (op & FUTEX_PRIVATE)
		return 0;
	mutex_lock(&mm->lock);
	vma = vma_at(&mm->vmas, addr);
	shared = vma && (vma->flags & (WVMA_SHARED | VMA_LIVE)) == WVMA_SHARED;
	file = vma && vma->file;
	mutex_unlock(&mm->lock);
	if (shared)
		return retreat(WHY_SYSCALL, "futex in a shared mapping of a file");
	if (user_writable_prefix(addr, 4) == 4 || (file && user_readable_prefix(addr, 4) == 4))
		return 0;
	return -EFAULT;
}

long futex_call(const uint64_t args[6])
{
	uint64_t addr = args[0], addr2 = args[4], deadline;
	unsigned op = (uint32_t)args[1];
	int n = (int)args[2], n2 = (int)args[3];
	uint32_t val3 = (uint32_t)args[5], seen;
	unsigned cmd = op & ~(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME);
	bool shared = !(op & FUTEX_PRIVATE);
	long err;

	if ((op & FUTEX_CLOCK_REALTIME) && cmd != FUTEX_WAIT_BITSET)
		return retreat(WHY_SYSCALL, "futex operation %#x", op);
	if (cmd > FUTEX_WAKE_BITSET || cmd == FUTEX_FD ||
	    (cmd >= FUTEX_LOCK_PI && cmd <= FUTEX_TRYLOCK_PI))
		return retreat(WHY_SYSCALL, "futex operation %#x", op);
	if (cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET) {
		err = deadline_from(args[3], op, &deadline);
		if (err)
			return err;
	}
	if ((cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_WAKE_BITSET) && !val3)
		return -EINVAL;
	if ((addr & 3) ||
	    ((cmd == FUTEX_REQUEUE || cmd == FUTEX_CMP_REQUEUE || cmd == FUTEX_WAKE_OP) &&
	     (addr2 & 3)))
		return -EINVAL;
	if (!user_range_ok(addr, 4))
		return -EFAULT;
	err = check_shared(addr, op);
	if (err)
		return err;

	/* Linux wakes one for a count of 0 or less. */
	switch (cmd) {
	case FUTEX_WAIT:
		return futex_wait_on(addr, shared, n, BITSET_ANY, deadline);
	case FUTEX_WAIT_BITSET:
		return futex_wait_on(addr, shared, n, val3, deadline);
	case FUTEX_WAKE:
		return wake(current->mm, addr, shared, n < 1 ? 1 : n, BITSET_ANY);
	case FUTEX_WAKE_BITSET:
		return wake(current->mm, addr, shared, n < 1 ? 1 : n, val3);
	case FUTEX_WAKE_OP:
		return wake_op(addr, addr2, shared, n < 1 ? 1 : n, n2 < 1 ? 1 : n2, val3);
	default:
		if (n < 0 || n2 < 0)
			return -EINVAL;
		if (cmd == FUTEX_CMP_REQUEUE) {
			if (get_user32(&seen, addr))
				return -EFAULT;
			if (seen != val3)
				return -EAGAIN;
		}
		return requeue(addr, addr2, shared, n, n2);
	}
}
