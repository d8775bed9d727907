/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System V semaphores and POSIX message queues: forms whose buffers the table cannot describe. */
#include <errno.h>
#include <string.h>

#include "kernel/abi/abi.h"
#include "kernel/guest/guest.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/restart.h"

enum { NR_SEMCTL = 66, NR_MQ_NOTIFY = 244 };
enum { IPC_STAT_ = 2, GETALL_ = 13, SETALL_ = 17 };

/* struct semid64_ds of <asm/sembuf.h>. */
struct semid_ds64 {
	uint8_t perm[48];
	uint64_t otime, unused1, ctime, unused2;
	uint64_t nsems;
	uint64_t unused3[2];
};

_Static_assert(sizeof(struct semid_ds64) == 104, "struct semid64_ds of x86-64");

/* All values of a set: an array whose length only home knows. */
static long all_values(const uint64_t args[6], uint8_t kind)
{
	struct semid_ds64 ds;
	struct fcall stat = {
		.nr = NR_SEMCTL,
		.args = { args[0], 0, IPC_STAT_ },
		.nbufs = 1,
		.buf[0] = { (uint64_t)&ds, sizeof(ds), 3, WBUF_OUT, true },
	};
	struct sys_desc d = { "semctl", SYS_SPLIT, { { ARG_V, 0, 0 }, { ARG_V, 0, 0 }, { ARG_V, 0, 0 } } };
	long err = guest_call(&stat);

	if (restart_code(err) || err == -EINVAL || err == -EIDRM)
		return err;
	/* A set that may be written but not read. */
	if (err)
		return not_served(NR_SEMCTL, "a set that cannot be asked for its size");
	d.args[3].kind = kind;
	d.args[3].size = ds.nsems * sizeof(uint16_t);
	return forward_as(&d, NR_SEMCTL, args);
}

long sys_semctl(struct trapframe *tf, const uint64_t args[6])
{
	(void)tf;
	switch ((uint32_t)args[2]) {
	case GETALL_:
		return all_values(args, ARG_OUT);
	case SETALL_:
		return all_values(args, ARG_IN);
	default:
		return forward(NR_SEMCTL, args);
	}
}

/* struct sigevent: value, signo, notify. */
long sys_mq_notify(struct trapframe *tf, const uint64_t args[6])
{
	enum { NOTIFY_OFFSET = 12, SIGEV_THREAD_ = 2 };
	uint32_t notify;

	(void)tf;
	if (args[1] && !get_user32(&notify, args[1] + NOTIFY_OFFSET) && notify == SIGEV_THREAD_)
		return not_served(NR_MQ_NOTIFY, "SIGEV_THREAD, whose value is a pointer");
	return forward(NR_MQ_NOTIFY, args);
}
