/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image's thread: how home schedules it. Asked from outside: nothing is injected for it. */
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "userland/deputy/image_int.h"
#include "userland/deputy/session.h"

void image_send_sched(struct session *session, uint32_t pid, uint32_t id, pid_t tid)
{
	struct wire_sched sched;
	int policy = sched_getscheduler(tid);

	memset(&sched, 0, sizeof(sched));
	sched.policy = policy > 0 ? (uint32_t)policy : 0;
	sched.nice = getpriority(PRIO_PROCESS, (id_t)tid);
	/* Where home has more CPUs than the message can name, it names none: all. */
	if (syscall(SYS_sched_getaffinity, tid, sizeof(sched.cpus), sched.cpus) < 0)
		memset(sched.cpus, 0, sizeof(sched.cpus));
	session_send1(session, W_IMG_SCHED, 0, pid, id, &sched, sizeof(sched));
}
