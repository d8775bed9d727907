/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image on its way home: received, checked, put into the stub, let go. */
#include "userland/deputy/home.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "proto/syscalls.h"
#include "userland/deputy/agent.h"
#include "userland/deputy/baseline.h"
#include "userland/deputy/count.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/home_int.h"
#include "userland/deputy/image.h"
#include "userland/deputy/image_batch.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/move.h"
#include "userland/deputy/procinfo.h"
#include "userland/deputy/session.h"
#include "userland/deputy/signals.h"
#include "userland/deputy/stub.h"
#include "userland/deputy/trace.h"
#include "userland/deputy/xstate.h"

#define PAGE		WIRE_PAGE_SIZE
#define USER_TOP	0x7ffffffff000ULL
#define SIGNALS_MAX	65536u		/* more than any RLIMIT_SIGPENDING that is usual */
#define RUNS_MAX	(1u << 24)
#define HOT_MESSAGES_MAX 1024u		/* for each thread */
#define ARGS_MAX	(8u << 20)	/* bytes: execve(2) takes at most 6 MB */

/* A message of hot pages, kept until the stub is ready for it. */
struct hot_page {
	struct hot_page *next;
	uint32_t len;
	struct wire_pages pages;	/* len bytes, with its content */
};

static void home_free(struct home *home)
{
	struct hot_page *hot;

	home_fetch_free(home);
	while ((hot = home->hot)) {
		home->hot = hot->next;
		free(hot);
	}
	home->process->home = NULL;
	maps_free(&home->maps);
	for (unsigned i = 0; i < home->nthreads; i++)
		free(home->threads[i].xstate);
	free(home->threads);
	free(home->signals);
	free(home->runs.v);
	free(home->first);
	free(home->state);
	free(home);
}

/* Frees home. The process runs on at the node, and its stubs are what they were: away. */
static void refuse(struct home *home, const struct wire_text *why)
{
	struct process *process = home->process;
	struct wire_text text = *why;

	session_send1(home->session, W_IMG_REFUSED, 0, (uint32_t)process->pid, home->id, &text,
		      sizeof(text));
	home_free(home);
	move_stays_away(process, &text);
}

/* --- receiving --- */

const char *home_begin(struct process *process, struct session *session, uint32_t id,
		       const struct wire_image *image)
{
	struct home *home;

	if (process->home)
		return "second image of a process on its way home";
	if (!(image->flags & IMG_HOME) || image->pid != (uint32_t)process->pid)
		return "image with an impossible head";
	home = calloc(1, sizeof(*home));
	if (!home)
		return "no memory for an image";
	home->process = process;
	home->session = session;
	home->id = id;
	home->image = *image;
	home->uffd = -1;
	list_init(&home->fetches);
	process->home = home;
	return NULL;
}

static const char *on_thread(struct home *home, const struct wire_hdr *hdr, const void *payload)
{
	const struct wire_thread *t = payload;
	struct home_thread *v;

	if (hdr->len != sizeof(*t) + (uint64_t)t->xstate_len)
		return "thread cut short";
	if (home->nthreads >= process_threads(home->process))
		return "thread of a process that has none left";
	v = realloc(home->threads, (home->nthreads + 1) * sizeof(*v));
	if (!v)
		return "no memory for an image";
	home->threads = v;
	v += home->nthreads;
	*v = (struct home_thread){ .head = *t, .xstate = malloc(t->xstate_len + 1) };
	if (!v->xstate)
		return "no memory for an image";
	memcpy(v->xstate, t + 1, t->xstate_len);
	home->nthreads++;
	return NULL;
}

const struct home_thread *home_thread(const struct home *home, pid_t tid)
{
	for (unsigned i = 0; i < home->nthreads; i++)
		if (home->threads[i].head.tid == (uint32_t)tid)
			return &home->threads[i];
	return NULL;
}

static const char *on_signal(struct home *home, const struct wire_signal *signal)
{
	struct home_signal *v;

	if (signal->signo < 1 || signal->signo > 64 || home->nsignals >= SIGNALS_MAX ||
	    !home->nthreads)
		return "signal that cannot be";
	v = realloc(home->signals, (home->nsignals + 1) * sizeof(*v));
	if (!v)
		return "no memory for an image";
	home->signals = v;
	v[home->nsignals++] = (struct home_signal){ home->nthreads - 1, *signal };
	return NULL;
}

static const char *on_runs(struct home *home, const struct wire_hdr *hdr, const void *payload)
{
	const struct wire_run *run = payload;

	if (hdr->len % sizeof(*run))
		return "runs cut short";
	for (size_t i = 0; i < hdr->len / sizeof(*run); i++) {
		uint64_t len = (uint64_t)run[i].npages * PAGE;

		if (run[i].kind > RUN_KEEP || !run[i].npages || run[i].addr % PAGE ||
		    run[i].addr > USER_TOP || len > USER_TOP - run[i].addr ||
		    home->runs.n >= RUNS_MAX)
			return "run of pages that cannot be";
		if (runs_add(&home->runs, run[i].addr, run[i].npages, run[i].kind))
			return "no memory for an image";
	}
	return NULL;
}

static const char *on_hot(struct home *home, const struct wire_hdr *hdr, const void *payload)
{
	struct hot_page *hot;

	if (home->nhot++ >= HOT_MESSAGES_MAX * home->nthreads)
		return "too many pages sent unasked";
	hot = malloc(offsetof(struct hot_page, pages) + hdr->len);
	if (!hot)
		return "no memory for an image";
	hot->len = hdr->len;
	memcpy(&hot->pages, payload, hdr->len);
	hot->next = home->hot;
	home->hot = hot;
	return NULL;
}

/* --- filling the stub --- */

static int by_address(const void *a, const void *b)
{
	const struct wire_run *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/*
 * The stack has grown at the node. Linux grows it here when something is written below it, as if
 * the program had: /proc/PID/mem does.
 */
static void grow_stack(struct home *home, struct stub *stub)
{
	const struct map *stack = maps_named(&home->maps, "[stack]");
	uint64_t lowest = stack ? stack->start : 0;
	const uint8_t zero = 0;

	if (!stack)
		return;
	for (size_t i = 0; i < home->runs.n; i++)
		if (home->runs.v[i].addr < lowest && !maps_at(&home->maps, home->runs.v[i].addr) &&
		    (stack == home->maps.v || home->runs.v[i].addr >= stack[-1].end))
			lowest = home->runs.v[i].addr;
	if (lowest == stack->start || stub_write(stub, lowest, &zero, 1))
		return;
	maps_free(&home->maps);
	maps_read(&home->maps, process_live_pid(home->process), false);
}

/* Cuts the runs where mappings end. NULL, or what is wrong with them. */
static const char *fit_runs(struct home *home, uint64_t *where)
{
	struct runs cut = { 0 };

	for (size_t i = 0; i < home->runs.n; i++) {
		struct wire_run run = home->runs.v[i];

		*where = run.addr;
		if (i && run.addr < home->runs.v[i - 1].addr +
				    (uint64_t)home->runs.v[i - 1].npages * PAGE)
			goto bad;
		while (run.npages) {
			const struct map *map = maps_at(&home->maps, run.addr);
			uint64_t n = map ? (map->end - run.addr) / PAGE : 0;
			struct wire_run *v;

			*where = run.addr;
			if (!map || map->shared || !strncmp(map->name, "[v", 2) ||
			    agent_touched(home->process, map->start, map->end))
				goto bad;
			if (n > run.npages)
				n = run.npages;
			/* Not runs_add(), which would join what is to be cut. */
			if (cut.n == cut.room) {
				cut.room = cut.room ? 2 * cut.room : 256;
				v = realloc(cut.v, cut.room * sizeof(*v));
				if (!v)
					goto bad;
				cut.v = v;
			}
			cut.v[cut.n++] = (struct wire_run){ run.addr, (uint32_t)n, run.kind };
			run.addr += n * PAGE;
			run.npages -= (uint32_t)n;
		}
	}
	free(home->runs.v);
	home->runs = cut;
	return NULL;
bad:
	free(cut.v);
	return "no private memory here";
}

static int count_pages(struct home *home)
{
	home->first = calloc(home->runs.n + 1, sizeof(home->first[0]));
	if (!home->first)
		return -ENOMEM;
	for (size_t i = 0; i < home->runs.n; i++) {
		home->first[i] = home->total;
		if (home->runs.v[i].kind == RUN_SOURCE)
			home->total += home->runs.v[i].npages;
	}
	home->left = home->total;
	home->state = calloc(home->total + 1, 1);
	return home->state ? 0 : -ENOMEM;
}

/*
 * Pages that Linux itself touches when it lets the process go, or that are touched at once; and those
 * that /proc/PID/cmdline and environ are read from, which for whoever reads them are missing (they do
 * not wait).
 */
static void want_at_once(struct home *home)
{
	uint64_t start, end;

	if (procinfo_args(home->process->pid, &start, &end) && end > start &&
	    end - start <= ARGS_MAX)
		home_want(home, start, (uint32_t)((end - start) / PAGE));

	for (unsigned i = 0; i < home->nthreads; i++) {
		const struct wire_thread *t = &home->threads[i].head;

		home_want(home, t->regs.rsp & ~(uint64_t)(PAGE - 1), 1);
		if (!t->rseq_size)
			continue;
		home_want(home, t->rseq_addr & ~(uint64_t)(PAGE - 1), 1);
		home_want(home, (t->rseq_addr + t->rseq_size - 1) & ~(uint64_t)(PAGE - 1), 1);
	}
}

/* Each thread that lives here must have come, and no other. */
static int match_threads(struct home *home, struct wire_text *why)
{
	for (unsigned i = 0; i < home->nthreads; i++) {
		struct home_thread *t = &home->threads[i];
		struct stub *stub = stub_find((pid_t)t->head.tid);

		if (!stub || stub->process != home->process || stub_ends(stub) ||
		    home_thread(home, stub->pid) != t) {
			wire_text_set(why, WHY_STATE, "its thread %u is not one of its threads here",
				      t->head.tid);
			return -ESRCH;
		}
		t->stub = stub;
	}
	if (home->nthreads == process_threads(home->process))
		return 0;
	wire_text_set(why, WHY_STATE, "of its %u threads %u were to come home",
		      process_threads(home->process), home->nthreads);
	return -ESRCH;
}

static int fill_stub(struct home *home, struct wire_text *why)
{
	struct stub *stub = home->threads[0].stub;
	uint64_t where = 0;
	const char *bad;
	struct hot_page *hot;
	int err;

	if (home->runs.n)
		qsort(home->runs.v, home->runs.n, sizeof(home->runs.v[0]), by_address);
	err = maps_read(&home->maps, process_live_pid(home->process), false);
	if (err)
		goto failed;
	grow_stack(home, stub);
	bad = fit_runs(home, &where);
	if (bad) {
		wire_text_set(why, WHY_MAPPING, "%s for its page at %llx", bad,
			      (unsigned long long)where);
		return -EFAULT;
	}
	err = count_pages(home);
	if (!err)
		err = pages_drop(stub, &home->runs, NULL);
	while (!err && (hot = home->hot)) {
		err = home_install(home, hot->pages.addr, hot->pages.npages, hot->pages.kind,
				   (const uint8_t *)(&hot->pages + 1));
		home->hot = hot->next;
		free(hot);
	}
	if (!err)
		return 0;
failed:
	wire_text_set(why, WHY_STATE, "its memory could not be put in place: %s", strerror(-err));
	return err;
}

static const char *on_commit(struct home *home)
{
	struct wire_text why = { 0 };

	if (!home->nthreads)
		return "image that is not complete";
	home->phase = HOME_GATHERING;
	if (match_threads(home, &why) || fill_stub(home, &why)) {
		refuse(home, &why);
		return NULL;
	}
	home_uffd_open(home);
	want_at_once(home);
	home_fill(home);
	home_advance(home);
	return NULL;
}

/* --- letting it go --- */

/*
 * In a call that Linux is to restart, or to end with EINTR if a handler runs first (signal(7)). Not
 * -516: how such a call goes on, Linux would have to remember itself.
 */
static bool interrupted(const struct wire_regs *w)
{
	int64_t ret = (int64_t)w->rax;

	return w->orig_rax <= SYSCALL_MAX && (ret == -512 || ret == -513 || ret == -514);
}

/* Those who check are the kernel's own entry points; what they refuse ends in a refusal. */
static int set_thread(const struct home_thread *thread, struct wire_text *why)
{
	const struct wire_thread *t = &thread->head;
	struct stub *stub = thread->stub;
	struct user_regs_struct regs = stub->regs, old = stub->regs;
	const struct wire_regs *w = &t->regs;
	const struct {
		uint64_t sp, flags, size;
	} altstack = { t->altstack_sp, t->altstack_flags, t->altstack_size };
	struct batch_call calls[4];
	int64_t scratch = agent_scratch(stub, 2 * BATCH_DATA);
	uint64_t at = (uint64_t)scratch + BATCH_DATA;
	int err = scratch < 0 ? (int)scratch : 0;
	unsigned n = 0;

	if (!err)
		err = stub_write(stub, at, &altstack, sizeof(altstack));
	calls[n++] = BATCH(SYS_sigaltstack, at, 0);
	calls[n++] = BATCH(SYS_set_robust_list, t->robust_list, t->robust_len);
	calls[n++] = BATCH(SYS_set_tid_address, t->clear_tid);
	if (t->rseq_size)
		calls[n++] = BATCH(SYS_rseq, t->rseq_addr, t->rseq_size, 0, t->rseq_sig);
	/* sigaltstack(2) refuses while the stack pointer is on the present one. */
	stub->regs.rsp = at + 1024;
	if (!err)
		err = stub_batch(stub, calls, n);
	stub->regs = old;
	if (!err && calls[0].ret < 0)
		err = (int)calls[0].ret;
	if (err) {
		wire_text_set(why, WHY_STATE, "its signal stack could not be set: %s", strerror(-err));
		return err;
	}

	regs.r15 = w->r15, regs.r14 = w->r14, regs.r13 = w->r13, regs.r12 = w->r12;
	regs.rbp = w->rbp, regs.rbx = w->rbx, regs.r11 = w->r11, regs.r10 = w->r10;
	regs.r9 = w->r9, regs.r8 = w->r8, regs.rax = w->rax, regs.rcx = w->rcx;
	regs.rdx = w->rdx, regs.rsi = w->rsi, regs.rdi = w->rdi;
	regs.rip = w->rip, regs.rsp = w->rsp, regs.eflags = w->eflags;
	regs.fs_base = w->fs_base, regs.gs_base = w->gs_base;
	/* Segments stay as they are: programs of 64 bits have no others. */
	regs.orig_rax = interrupted(w) ? w->orig_rax : (uint64_t)-1;
	err = stub_set_regs(stub, &regs);
	if (err) {
		wire_text_set(why, WHY_STATE, "its registers could not be set: %s", strerror(-err));
		return err;
	}
	stub->regs = regs;
	stub->sigmask = t->sigmask;
	return 0;
}

static int set_xstate(const struct home_thread *thread, struct wire_text *why)
{
	uint8_t area[16384];
	struct iovec iov = { area, sizeof(area) };
	pid_t pid = thread->stub->pid;
	const char *bad;

	if (ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &iov))
		goto failed;
	bad = xstate_from_wire(xlayout_home(), thread->xstate, thread->head.xstate_len, area,
			       iov.iov_len);
	if (bad) {
		wire_text_set(why, WHY_CPU, "%s", bad);
		return -EINVAL;
	}
	if (!ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &iov))
		return 0;
failed:
	wire_text_set(why, WHY_STATE, "its extended registers could not be set: %s", strerror(errno));
	return -errno;
}

static int set_threads(struct home *home, struct wire_text *why)
{
	int err = 0;

	for (unsigned i = 0; i < home->nthreads && !err; i++) {
		err = set_thread(&home->threads[i], why);
		if (!err)
			err = set_xstate(&home->threads[i], why);
	}
	return err;
}

static void raise_signals(struct home *home)
{
	for (unsigned i = 0; i < home->nsignals; i++) {
		const struct wire_signal *signal = &home->signals[i].signal;
		siginfo_t info;

		_Static_assert(sizeof(info) == sizeof(signal->info), "siginfo_t");
		memcpy(&info, signal->info, sizeof(info));
		info.si_signo = (int)signal->signo;
		signal_raise(home->threads[home->signals[i].thread].stub, &info,
			     (int)signal->to_process);
	}
}

static void let_go(struct home *home)
{
	struct process *process = home->process;
	struct wire_text why = { 0 };

	/* Since then threads can only have ended with the whole process, which is being told. */
	if (match_threads(home, &why))
		return;
	if (set_threads(home, &why)) {
		refuse(home, &why);
		return;
	}
	raise_signals(home);
	if (!process_stub(process))
		return;
	if (home->image.why.code == WHY_CPU)
		baseline_knows_home(process);
	home->phase = HOME_RUNNING;
	home->cursor_run = 0;
	home->cursor_page = 0;
	image_forget(process);
	session_send1(home->session, W_IMG_RUNNING, 0, (uint32_t)process->pid, home->id, NULL, 0);
	count_return(&home->image.why);
	move_came_home(process);
	if (process->home != home)
		return;
	home_fill(home);
	home_advance(home);
}

static void complete(struct home *home)
{
	struct process *process = home->process;
	struct stub *stub;

	session_send1(home->session, W_IMG_DONE, 0, (uint32_t)process->pid, home->id, NULL, 0);
	home->phase = HOME_DONE;
	debug("%d: all %llu pages are home; %llu faults, %llu times held, uffd %s", process->pid,
	      (unsigned long long)home->total, (unsigned long long)home->faults,
	      (unsigned long long)home->holds, home->uffd < 0 ? "none" :
	      home->kernel_faults ? "for all accesses" : "for user accesses");
	/* Closing the uffd ends its hold on the mappings. */
	home_fetch_free(home);
	move_home_done(process);
	home_forget(process);
	for_each_thread(stub, process) {
		if (stub->dead || !stub->held)
			continue;
		stub->held = false;
		trace_again(stub, stub->held_status);
	}
}

void home_advance(struct home *home)
{
	if (!process_stub(home->process))
		return;
	if (home->phase == HOME_GATHERING && !home->must_left && !home->urgent)
		let_go(home);	/* which comes back here if that was all */
	else if (home->phase == HOME_RUNNING && !home->left)
		complete(home);
	else if (home->phase == HOME_RUNNING)
		home_recheck(home);
}

/* --- from outside --- */

const char *home_message(struct process *process, struct session *session, const struct wire_hdr *hdr,
			 const void *payload)
{
	struct home *home = process->home;
	const char *bad;

	if (hdr->type == W_PAGES) {
		bad = wire_check_pages(payload, hdr->len);
		/* Answers to questions of a return that was given up. */
		if (bad || !home || home->session != session)
			return bad;
		if (hdr->flags & WF_HOT)
			return home->phase == HOME_RECEIVING ? on_hot(home, hdr, payload) :
							       "pages sent unasked";
		bad = home_pages(home, hdr, payload);
		if (bad)
			return bad;
		home_fill(home);
		home_advance(home);
		return NULL;
	}
	if (!home || home->session != session || home->phase != HOME_RECEIVING)
		return "part of an image that was not begun";
	switch (hdr->type) {
	case W_IMG_THREAD:
		return on_thread(home, hdr, payload);
	case W_IMG_SIGNAL:
		return on_signal(home, payload);
	case W_IMG_RUNS:
		return on_runs(home, hdr, payload);
	case W_IMG_COMMIT:
		return on_commit(home);
	}
	return "not part of an image on its way home";
}

bool home_pending(const struct process *process)
{
	return process->home && process->home->phase == HOME_RUNNING;
}

uint64_t home_forget(struct process *process)
{
	uint64_t left = process->home ? process->home->left : 0;

	if (process->home)
		home_free(process->home);
	return left;
}

uint64_t home_bytes(const struct process *process)
{
	return process->home ? (process->home->total - process->home->left) * PAGE : 0;
}
