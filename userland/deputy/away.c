/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The states of a stub whose process is away: see away.h. */
#include "userland/deputy/away.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "userland/deputy/agent.h"
#include "userland/deputy/backlog.h"
#include "userland/deputy/call.h"
#include "userland/deputy/cputime.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/front.h"
#include "userland/deputy/home.h"
#include "userland/deputy/image.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/interrupted.h"
#include "userland/deputy/lifecycle.h"
#include "userland/deputy/move.h"
#include "userland/deputy/session.h"
#include "userland/deputy/shared.h"
#include "userland/deputy/signals.h"
#include "userland/deputy/stub.h"
#include "userland/deputy/trace.h"
#include "userland/deputy/why.h"

#define PARK_MS 2  /* idle for so long: the next call pays a wake-up, signals show at once */
#define CONT_BIT (UINT64_C(1) << (SIGCONT - 1))
#define HOLD_MS 50 /* the node's time to answer a SIGTTIN */

static bool is_stop_signal(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

static void tell(struct process *process, unsigned type)
{
	if (process->session && !process->unannounced)
		session_send1(process->session, type, 0, (uint32_t)process->pid, 0, NULL, 0);
}

/* --- idle and parked --- */

static int set_pause(struct stub *stub)
{
	static const uint64_t none[6];

	return inject_prepare(stub, SYS_pause, none);
}

static void go_on(struct stub *stub);

/* Some threads have stopped by job control: the process has when all have. */
static bool stopping(const struct process *process)
{
	const struct stub *stub;

	for_each_thread(stub, process)
		if (stub->group_stop)
			return true;
	return false;
}

static void park(struct alarm *alarm)
{
	struct stub *stub = container_of(alarm, struct stub, park);

	if (stub->state != STUB_IDLE || stub->dead)
		return;
	if (backlog_gathers(stub->process) && !stopping(stub->process))
		return;
	if (image_wants_idle(stub)) {
		go_on(stub);
		return;
	}
	if (set_pause(stub) || stub_resume(stub, PTRACE_CONT, 0))
		return;
	stub->waking = false;
	stub->state = STUB_PARKED;
}

/* Begins the first thing in the queue, or waits for one. */
static void go_on(struct stub *stub)
{
	struct call *call;

	/* The state first: a process that has just come home has no session. */
	while (!stub->dead && stub->state == STUB_IDLE && session_up(stub->process->session)) {
		call = call_first(stub);
		if (!call)
			break;
		lifecycle_begin(stub, call);
	}
	if (stub->state == STUB_IDLE && !stub->dead) {
		image_idle(stub);
		alarm_set(&stub->park, image_wants_idle(stub) ? 0 : MS(PARK_MS));
		backlog_go(stub);
	}
}

/* A stopped job does its calls when it is continued. */
static void wake(struct stub *stub)
{
	if (stub->waking || stub->group_stop)
		return;
	stub->waking = true;
	ptrace(PTRACE_INTERRUPT, stub->pid, 0, 0);
}

void away_work(struct stub *stub)
{
	/* Something is running already if the queue was not empty before. */
	if (stub->state == STUB_IDLE)
		go_on(stub);
	else if (stub->state == STUB_PARKED)
		wake(stub);
}

bool away_gathered(const struct process *process)
{
	struct stub *stub;

	for_each_thread(stub, process)
		if (!stub_ends(stub) && (stub->state != STUB_IDLE || call_first(stub)))
			return false;
	return true;
}

void away_gather(struct process *process)
{
	struct stub *stub;

	for_each_thread(stub, process)
		if (!stub->dead && stub->state == STUB_PARKED)
			wake(stub);
}

static void become_idle(struct stub *stub)
{
	stub->state = STUB_IDLE;
	stub->waking = false;
	stub->abort = false;
	go_on(stub);
}

/* --- a call --- */

/* The first in the queue has ended; ret may be one of the kernel's restart codes after an abort. */
static void end_call(struct stub *stub, int64_t ret)
{
	alarm_cancel(&stub->hold);
	lifecycle_end(stub, call_first(stub), ret);
	if (stub->dead || stub->state != STUB_CALLING)
		return;
	become_idle(stub);
}

/* Stopped inside a call, before, or after it: what its result is if it must end now. */
static int64_t aborted_result(struct stub *stub, const struct user_regs_struct *regs)
{
	if (regs->rip == agent_gadget(stub))
		return -513; /* not begun, or to be begun anew: ERESTARTNOINTR */
	/* -EINTR if a handler runs; begun anew if it was for nothing: ERESTARTNOHAND. */
	if ((int64_t)regs->rax == -EINTR && (int64_t)regs->orig_rax >= 0 &&
	    regs->orig_rax != SYS_close)
		return -514;
	return (int64_t)regs->rax;
}

static void finish_abort(struct stub *stub)
{
	struct user_regs_struct regs;
	int64_t ret;

	if (stub_get_regs(stub, &regs))
		return;
	if (regs.rip == agent_trap(stub)) {
		/*
		 * It has ended by itself, and the stop that we asked for came before the trap's: that
		 * SIGTRAP is still pending, and as it comes it ends the call.
		 */
		stub_resume(stub, stub->group_stop ? PTRACE_LISTEN : PTRACE_CONT, 0);
		return;
	}
	ret = aborted_result(stub, &regs);
	if (stub->group_stop) {
		/* Answered; the stub goes on listening, with nothing to restart. */
		set_pause(stub);
		lifecycle_end(stub, call_first(stub), ret);
		stub->state = STUB_PARKED;
		stub->abort = false;
		stub_resume(stub, PTRACE_LISTEN, 0);
		return;
	}
	end_call(stub, ret);
}

/*
 * Lets the call go on after a stop. Linux restarts most interrupted calls by itself; some end with
 * -EINTR in any case (signal(7)) though the program may have ignored or blocked the signal: begun
 * anew. Not close(2), which has closed the descriptor then.
 */
static void resume_call(struct stub *stub)
{
	struct call *call = call_first(stub);
	struct user_regs_struct regs;
	uint64_t now;

	if (stub_get_regs(stub, &regs))
		return;
	if ((int64_t)regs.rax == -EINTR && (int64_t)regs.orig_rax >= 0 &&
	    regs.orig_rax != SYS_close && regs.rip == agent_gadget(stub) + 2) {
		regs.rip = agent_gadget(stub);
		regs.rax = regs.orig_rax;
		regs.orig_rax = (uint64_t)-1;
		if (call) {
			now = loop_now();
			interrupted_waited(stub, &regs, now - call->since_ns);
			call->since_ns = now;
		}
		stub_set_regs(stub, &regs);
	}
	stub_resume(stub, PTRACE_CONT, 0);
}

void away_abort(struct stub *stub)
{
	if (stub->state != STUB_CALLING)
		return;
	stub->abort = true;
	if (stub->stopped && !stub->group_stop)
		finish_abort(stub); /* held at a signal */
	else
		ptrace(PTRACE_INTERRUPT, stub->pid, 0, 0);
}

/* --- signals --- */

static void hold_over(struct alarm *alarm)
{
	struct stub *stub = container_of(alarm, struct stub, hold);

	if (stub->state == STUB_CALLING && stub->stopped && !stub->dead)
		resume_call(stub);
}

/* After a stop that changed nothing. */
static void carry_on(struct stub *stub)
{
	if (stub->state == STUB_CALLING) {
		if (stub->abort)
			finish_abort(stub);
		else
			resume_call(stub);
	} else if (call_first(stub) || image_wants_idle(stub) ||
		   backlog_gathers(stub->process)) {
		become_idle(stub);
	} else {
		stub->waking = false;
		stub_resume(stub, PTRACE_CONT, 0);
	}
}

static void on_signal(struct stub *stub, int sig)
{
	siginfo_t info;

	if (stub->raised == sig) {
		/* Ours: it takes effect as the node decided. */
		stub->raised = 0;
		stub_resume(stub, PTRACE_CONT, stub->raised_void ? 0 : sig);
		return;
	}
	/* The stop that is being raised came first. */
	if (sig == SIGCONT)
		stub->raised_void = true;
	if (sig == SIGSTOP) {
		stub_resume(stub, PTRACE_CONT, SIGSTOP);
		return;
	}
	signal_seen(stub, sig);
	if (stub->state == STUB_CALLING)
		signal_hold_off(stub, sig);
	/*
	 * The terminal refused a background job: the call would be refused again at once. The node
	 * knows whether the program stops, and then aborts the call.
	 */
	if ((sig == SIGTTIN || sig == SIGTTOU) && stub->state == STUB_CALLING && !stub->abort &&
	    !ptrace(PTRACE_GETSIGINFO, stub->pid, 0, &info) && info.si_code == SI_KERNEL) {
		alarm_set(&stub->hold, MS(HOLD_MS));
		return;
	}
	carry_on(stub);
}

/*
 * All threads of a stopped process say so; it is told once, as one of them, always the same as long
 * as it lives, sees it.
 */
static void note_stop(struct stub *stub, int sig)
{
	struct process *process = stub->process;

	if (process->stopped || process_stub(process) != stub)
		return;
	process->stopped = true;
	if (sig == SIGSTOP)
		tell(process, W_STOP);
	if (process->pid == front_main_pid())
		front_stopped(sig);
}

/*
 * The node hears of it by the SIGCONT that shows next. If it went on before that came, a stop of its own
 * doing that follows at once would be undone by it. None shows if it is to be read from a signalfd(2).
 */
static void note_cont(struct stub *stub)
{
	struct process *process = stub->process;

	if (!process->stopped || process_stub(process) != stub)
		return;
	process->stopped = false;
	if (process_held(process) & CONT_BIT)
		tell(process, W_CONT);
	if (process->pid == front_main_pid())
		front_continued();
}

/*
 * Those that are gathered for an image take their part in the stop, or nobody would see it. The image
 * waits until the process is continued.
 */
static void join_stop(struct process *process)
{
	struct stub *stub;

	for_each_thread(stub, process)
		if (stub->state == STUB_IDLE && !call_first(stub))
			alarm_set(&stub->park, 0);
}

static void on_event_stop(struct stub *stub, int sig)
{
	if (is_stop_signal(sig)) {
		if (!stub->group_stop) {
			stub->group_stop = true;
			note_stop(stub, sig);
			join_stop(stub->process);
		} else if (stub->abort) {
			finish_abort(stub);
			return;
		}
		stub_resume(stub, PTRACE_LISTEN, 0);
		return;
	}
	if (stub->group_stop) {
		stub->group_stop = false;
		note_cont(stub);
	}
	carry_on(stub);
}

static bool at_trap(struct stub *stub, int64_t *ret)
{
	struct user_regs_struct regs;

	if (stub_get_regs(stub, &regs) || regs.rip != agent_trap(stub))
		return false;
	*ret = (int64_t)regs.rax;
	return true;
}

void away_stop(struct stub *stub, int event, int sig)
{
	int64_t ret;

	if (stub->state == STUB_DYING) {
		lifecycle_dying_stop(stub, event ? 0 : sig);
		return;
	}
	if (stub->state == STUB_IDLE)
		return; /* stopped by us; nothing new can come of it */
	if (event == PTRACE_EVENT_STOP)
		on_event_stop(stub, sig);
	else if (event)
		stub_resume(stub, PTRACE_CONT, 0);
	else if (sig == SIGTRAP && stub->state == STUB_CALLING && at_trap(stub, &ret))
		end_call(stub, ret);
	else
		on_signal(stub, sig);
}

/* --- beginning and end --- */

void away_init(struct stub *stub)
{
	alarm_init(&stub->park, park);
	alarm_init(&stub->hold, hold_over);
}

void away_begin(struct process *process)
{
	struct stub *stub;

	for_each_thread(stub, process)
		if (!stub_ends(stub))
			stub_set_sigmask(stub, stub->held_mask);
	signal_flush_to_node(process);
	for_each_thread(stub, process)
		if (!stub_ends(stub))
			become_idle(stub);
}

void away_fork(struct stub *parent, struct stub *child)
{
	struct process *from = parent->process, *to = child->process;

	child->regs = parent->regs;
	child->sigmask = parent->sigmask;
	child->held_off = parent->held_off;
	child->mask_before = parent->mask_before;
	child->held_mask = parent->held_mask;
	if (from == to)
		return;
	to->session = from->session;
	to->unannounced = true;
	agent_inherit(child, parent);
	memcpy(to->comm, from->comm, sizeof(to->comm));
	image_forked(from, to);
	why_add(to, "born on %s, a child of process %d there", session_name(from->session),
		from->pid);
}

void away_born(struct stub *child)
{
	signal_show_again(child);
	become_idle(child);
}

void away_announced(struct process *child)
{
	if (!child->unannounced)
		return;
	child->unannounced = false;
	signal_flush_to_node(child);
	if (child->stopped)
		tell(child, W_STOP);
}

struct session *away_exec(struct stub *stub)
{
	struct process *process = stub->process;

	call_forget(stub);
	backlog_forget(process);
	image_forget(process);
	home_forget(process);
	agent_gone(process);
	/* The program that was replaced had no occasion to deal with these. */
	signal_take_back(process, process->signals_at_exec);
	signal_exec_succeeded(process);
	process->execing = false;
	stub->abort = false;
	return process->session;
}

const char *away_returns(struct process *process, uint32_t id, const struct wire_image *image)
{
	struct stub *stub;

	for_each_thread(stub, process) {
		if (stub_ends(stub))
			continue;
		alarm_cancel(&stub->park);
		stub->state = STUB_RETURNING;
		stub_set_sigmask(stub, SIGMASK_FROZEN);
	}
	shared_leaving(process);
	signal_take_back(process, image->signals);
	move_returning(process, image);
	return home_begin(process, process->session, id, image);
}

void away_ended(struct process *process)
{
	cputime_died(process);
	if (!process->ended_by_node)
		tell(process, W_KILL);
}

static void lost(struct process *process, struct session *session, const char *why)
{
	deputy_say("%s is gone (%s); process %d (%s) was running there and is lost",
		   session_name(session), why, process->pid, process->comm);
	process->ended_by_node = true;
	kill(process->pid, SIGKILL);
}

static void process_lost(struct process *process, struct session *session, const char *why)
{
	struct stub *stub;

	backlog_forget(process);
	for_each_thread(stub, process) {
		alarm_cancel(&stub->park);
		alarm_cancel(&stub->hold);
		call_forget(stub);
	}
	if (!process_stub(process)) {
		;
	} else if (!process_away(process)) {
		/*
		 * Home already; what matters is whether pages of it were still there: it must be dead
		 * before they become zeros.
		 */
		if (home_pending(process))
			lost(process, session, why);
		home_forget(process);
	} else {
		lost(process, session, why);
		for_each_thread(stub, process)
			stub->state = STUB_DYING;
	}
	image_forget(process);
	process->session = NULL;
}

void away_session_lost(struct session *session, const char *why)
{
	struct process *process;

	move_session_lost(session, why);
	shared_session_lost(session);
	list_for_each_entry(process, &processes, link)
		if (process->session == session)
			process_lost(process, session, why);
}
