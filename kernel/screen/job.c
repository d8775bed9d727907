/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Orders in threads. */
#include "kernel/screen/job.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "drivers/console/console.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/orders.h"
#include "kernel/proc/thread.h"

struct job {
	uint32_t refs;		/* atomic: the screen's and the thread's */
	char line[ORDER_LINE_MAX];
	struct order_out out;
	char piece[512];	/* out.text */
	int result;
	bool done;		/* written last */
	size_t len;		/* of text; grows after what it counts was written */
	char text[JOB_TEXT];
};

/* More of the answer, in the thread. */
static void deliver(struct order_out *out, bool last, int result)
{
	struct job *job = out->arg;
	size_t room = sizeof(job->text) - job->len, n = out->len < room ? out->len : room;

	memcpy(job->text + job->len, out->text, n);
	__atomic_store_n(&job->len, job->len + n, __ATOMIC_RELEASE);
	if (last) {
		job->result = result;
		__atomic_store_n(&job->done, true, __ATOMIC_RELEASE);
	}
	console_poke();
}

static void job_main(void *arg)
{
	struct job *job = arg;

	order_run(job->line, &job->out);
	job_put(job);
}

struct job *job_start(const char *line)
{
	struct job *job = kzalloc(sizeof(*job));

	if (!job)
		return NULL;
	job->refs = 2;
	snprintf(job->line, sizeof(job->line), "%s", line);
	job->out = (struct order_out){
		.text = job->piece,
		.size = sizeof(job->piece),
		.deliver = deliver,
		.arg = job,
	};
	if (kthread_create("order", job_main, job))
		return job;
	kfree(job);
	return NULL;
}

void job_put(struct job *job)
{
	if (job && !__atomic_sub_fetch(&job->refs, 1, __ATOMIC_ACQ_REL))
		kfree(job);
}

const char *job_text(const struct job *job, size_t *len)
{
	*len = __atomic_load_n(&job->len, __ATOMIC_ACQUIRE);
	return job->text;
}

const char *job_line(const struct job *job)
{
	return job->line;
}

bool job_done(const struct job *job, int *result)
{
	if (!__atomic_load_n(&job->done, __ATOMIC_ACQUIRE))
		return false;
	*result = job->result;
	return true;
}
