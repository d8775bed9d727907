/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Putting an image together and sending it; the life of struct image afterwards. */
#include "userland/deputy/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>

#include "userland/deputy/agent.h"
#include "userland/deputy/baseline.h"
#include "userland/deputy/image_batch.h"
#include "userland/deputy/image_int.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/procinfo.h"
#include "userland/deputy/signals.h"
#include "userland/deputy/stub.h"

#define PAGE WIRE_PAGE_SIZE

static void collected_free(struct collected *c)
{
	for (unsigned i = 0; i < c->nthreads; i++) {
		free(c->threads[i]->signals.v);
		free(c->threads[i]);
	}
	free(c->threads);
	maps_free(&c->maps);
	free(c->files);
	free(c->vmas);
	free(c->signals.v);
	free(c->runs.v);
	free(c);
}

static int collect(struct process *process, const struct wire_hello *node, unsigned flags,
		   struct collected *c, struct wire_text *why)
{
	struct stub *stub = process_stub(process), *thread;
	bool fresh = flags & IMG_FRESH;
	int err;

	if (!stub)
		return -ESRCH;
	if (!baseline_eligible(fresh ? NULL : baseline_shown(process), node->cpu, why))
		return -ENOTSUP;
	c->image.flags = flags;
	for (unsigned i = 0; i < WIRE_CPU_WORDS; i++)
		c->image.cpu[i] = fresh ? node->cpu[i] & baseline_home()[i] :
					  baseline_shown(process)[i];
	if (fresh)
		baseline_fresh(stub);
	err = collect_maps(stub, c, why);
	if (!err)
		err = collect_process(stub, c, why);
	for_each_thread(thread, process)
		if (!err && !stub_ends(thread))
			err = collect_thread(thread, node->xcr0, c, why);
	if (!err)
		err = collect_signals(stub, true, &c->signals);
	if (!err)
		err = collect_runs(stub, c, why);
	return err;
}

/* An array in as many messages as it takes. */
static void send_array(struct session *session, unsigned type, uint32_t tid, uint32_t id, const void *v,
		       size_t n, size_t size)
{
	size_t most = WIRE_PAYLOAD_MAX / size;

	for (size_t i = 0; i < n; i += most) {
		size_t k = n - i < most ? n - i : most;

		session_send1(session, type, 0, tid, id, (const char *)v + i * size,
			      (uint32_t)(k * size));
	}
}

static void send_hot(struct image *image, struct session *session, uint32_t id,
		     const struct collected *c)
{
	uint64_t pages[HOT_MAX];
	unsigned n = collect_hot(c, c->image.flags & IMG_FRESH, pages, HOT_MAX);

	for (unsigned i = 0; i < n;) {
		unsigned k = 1;

		while (i + k < n && k < WIRE_PAGES_MAX && pages[i + k] == pages[i] + k * PAGE)
			k++;
		pages_send(image, session, WF_HOT, id, pages[i], k, false, false);
		i += k;
	}
}

static void send_signals(struct session *session, uint32_t tid, uint32_t id,
			 const struct collected_signals *signals)
{
	for (unsigned i = 0; i < signals->n; i++)
		session_send1(session, W_IMG_SIGNAL, 0, tid, id, &signals->v[i],
			      sizeof(signals->v[i]));
}

static void send_all(struct image *image, struct session *session, struct collected *c)
{
	uint32_t tid = (uint32_t)image->process->pid, id = session_id(session);

	session_send1(session, W_IMG_BEGIN, 0, tid, id, &c->image, sizeof(c->image));
	send_array(session, W_IMG_FILES, tid, id, c->files, c->nfiles, sizeof(c->files[0]));
	send_array(session, W_IMG_VMAS, tid, id, c->vmas, c->nvmas, sizeof(c->vmas[0]));
	session_send1(session, W_IMG_SIGACTS, 0, tid, id, c->sigacts, sizeof(c->sigacts));
	for (unsigned i = 0; i < c->nthreads; i++) {
		struct collected_thread *t = c->threads[i];
		const struct iovec iov[2] = { { &t->head, sizeof(t->head) },
					      { t->xstate, t->head.xstate_len } };

		session_send(session, W_IMG_THREAD, 0, tid, id, iov, 2);
		image_send_sched(session, tid, id, (pid_t)t->head.tid);
		send_signals(session, tid, id, &t->signals);
	}
	send_signals(session, tid, id, &c->signals);
	send_array(session, W_IMG_RUNS, tid, id, c->runs.v, c->runs.n, sizeof(c->runs.v[0]));
	send_hot(image, session, id, c);
	session_send_clocks(session);
	session_send1(session, W_IMG_COMMIT, 0, tid, id, NULL, 0);
}

/* Notes what is sent of them, to know it again in the stubs. */
static void note_pending(struct image *image, const struct collected_signals *signals)
{
	for (unsigned i = 0; i < signals->n; i++)
		memcpy(&image->pending[image->npending++], signals->v[i].info,
		       sizeof(image->pending[0]));
}

int image_send(struct process *process, struct session *session, unsigned flags, struct wire_text *why)
{
	struct collected *c = calloc(1, sizeof(*c));
	struct image *image;
	unsigned nsignals;
	int err = -ENOMEM;

	memset(why, 0, sizeof(*why));
	if (!c)
		goto out;
	err = collect(process, session_node(session), flags, c, why);
	if (err)
		goto out;
	err = -ENOMEM;
	image_forget(process);
	image = image_new(process);
	if (!image)
		goto out;
	image->vdso_start = c->image.vdso;
	image->vdso_end = c->image.vdso + c->image.vdso_len;
	memcpy(image->node_cpu, session_node(session)->cpu, sizeof(image->node_cpu));
	image->fresh = flags & IMG_FRESH;
	image->bytes_named = c->runs.pages * PAGE;
	nsignals = c->signals.n;
	for (unsigned i = 0; i < c->nthreads; i++)
		nsignals += c->threads[i]->signals.n;
	image->pending = calloc(nsignals + 1, sizeof(image->pending[0]));
	if (!image->pending) {
		free(image);
		goto out;
	}
	for (unsigned i = 0; i < c->nthreads; i++)
		note_pending(image, &c->threads[i]->signals);
	note_pending(image, &c->signals);
	process->image = image;
	send_all(image, session, c);
	err = 0;
out:
	if (err && why->code == WHY_NONE)
		wire_text_set(why, WHY_MEMORY, "its image could not be put together: %s",
			      strerror(-err));
	if (c)
		collected_free(c);
	return err;
}

static bool equal_signal(const siginfo_t *sent, siginfo_t *info)
{
	if (memcmp(sent, info, sizeof(*info)))
		return false;
	if (info->si_code == SI_TIMER)
		info->si_overrun = -1; /* as of the next: no expiration is left */
	return true;
}

/*
 * The same signal? How often a timer expired while its signal was pending, Linux says when that is taken:
 * what it did not say before is left in *info, to be added there.
 */
static bool same_signal(const siginfo_t *sent, siginfo_t *info)
{
	if (info->si_code != SI_TIMER || sent->si_code != SI_TIMER ||
	    sent->si_signo != info->si_signo || sent->si_timerid != info->si_timerid)
		return false;
	info->si_overrun -= sent->si_overrun + 1;
	return true;
}

static bool sent_as(struct image *image, siginfo_t *info, bool (*same)(const siginfo_t *, siginfo_t *))
{
	for (unsigned i = 0; i < image->npending; i++)
		if (same(&image->pending[i], info)) {
			image->pending[i] = image->pending[--image->npending];
			return true;
		}
	return false;
}

/* Was this signal part of the image? Then the node has it. */
static bool was_sent(struct image *image, siginfo_t *info)
{
	/* One that came home with the process counts no more; its timer may have another one here. */
	return sent_as(image, info, equal_signal) || sent_as(image, info, same_signal);
}

/*
 * What is pending goes on waiting at the node; here it would be reported again as soon as the mask
 * opens. (What it does not open for is not sent.) Those that came since the image was sent are kept, to
 * be told to the node. A fast timer has its next one pending as soon as one is taken; all that was sent of
 * that number is taken by then.
 */
static void take_pending(struct stub *stub)
{
	uint64_t set = SIGMASK_FROZEN & ~stub->held_mask;
	const uint64_t zero[2] = { 0, 0 };
	int64_t at = agent_scratch(stub, 4096);
	siginfo_t info;

	if (at < 0 || stub_write(stub, (uint64_t)at, &set, sizeof(set)) ||
	    stub_write(stub, (uint64_t)at + 64, zero, sizeof(zero)))
		return;
	while (inject_call(stub, SYS_rt_sigtimedwait, at, at + 128, at + 64, sizeof(set)) > 0) {
		if (stub_read(stub, (uint64_t)at + 128, &info, sizeof(info)))
			return;
		if (was_sent(stub->process->image, &info)) {
			if (info.si_code == SI_TIMER && info.si_overrun >= 0)
				signal_keep(stub, &info);
			continue;
		}
		signal_keep(stub, &info);
		if (info.si_code == SI_TIMER) {
			set &= ~(UINT64_C(1) << (info.si_signo - 1));
			if (stub_write(stub, (uint64_t)at, &set, sizeof(set)))
				return;
		}
	}
}

void image_running(struct process *process)
{
	struct stub *stub;

	if (!process->image)
		return;
	baseline_learns(process, process->image->node_cpu, process->image->fresh);
	for_each_thread(stub, process) {
		if (stub_ends(stub))
			continue;
		if (process->image->npending)
			take_pending(stub);
		image_thread_leave(stub);
	}
}

void image_abort(struct process *process)
{
	/* Nothing in the stubs has been changed yet. */
	image_forget(process);
}

void image_done(struct process *process)
{
	struct stub *stub;

	if (!process->image)
		return;
	process->image->drop = true;
	stub = image_idler(process);
	if (stub)
		image_idle(stub);
}

struct stub *image_idler(const struct process *process)
{
	struct stub *stub;

	if (!process->image || !process->image->drop)
		return NULL;
	for_each_thread(stub, process)
		if (!stub->dead && (stub->state == STUB_IDLE || stub->state == STUB_PARKED))
			return stub;
	return NULL;
}

bool image_wants_idle(const struct stub *stub)
{
	return image_idler(stub->process) == stub;
}

void image_idle(struct stub *stub)
{
	struct image *image = stub->process->image;
	struct runs keep = { 0 };
	uint64_t start, end;

	if (!image_wants_idle(stub) || stub->state != STUB_IDLE || !stub->stopped)
		return;
	/* What ps(1) shows of it is read from its memory here. */
	if (procinfo_args(stub->process->pid, &start, &end) && end > start)
		runs_add(&keep, start, (end - start) / WIRE_PAGE_SIZE, RUN_KEEP);
	image->drop = pages_drop(stub, &keep, &image->drop_from) > 0;
	free(keep.v);
}

void image_forked(struct process *parent, struct process *child)
{
	baseline_inherit(child, parent);
	if (!parent->image)
		return;
	child->image = image_new(child);
	if (!child->image)
		return;
	child->image->vdso_start = parent->image->vdso_start;
	child->image->vdso_end = parent->image->vdso_end;
}

uint64_t image_bytes(const struct process *process)
{
	const struct image *image = process->image;

	if (!image)
		return 0;
	return image->bytes_sent < image->bytes_named ? image->bytes_sent : image->bytes_named;
}
