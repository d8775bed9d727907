/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The states of a stub whose process is away: see away.h. */
#include "userland/deputy/away.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "userland/deputy/agent.h"
#include "userland/deputy/call.h"
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
#define HOLD_MS 50 /* the node's time to answer a SIGTTIN */

static bool is_stop_signal(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

static void tell(struct stub *stub, unsigned type)
{
	if (stub->session && !stub->unannounced)
		session_send1(stub->session, type, 0, (uint32_t)stub->pid, 0, NULL, 0);
}

/* --- idle and parked --- */

static int set_pause(struct stub *stub)
{
	static const uint64_t none[6];

	return inject_prepare(stub, SYS_pause, none);
}

static void go_on(struct stub *stub);

static void park(struct alarm *alarm)
{
	struct stub *stub = container_of(alarm, struct stub, park);

	if (stub->state != STUB_IDLE || stub->dead)
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
	while (!stub->dead && (stub->state == STUB_IDLE || stub->state == STUB_RETURNING) &&
	       session_up(stub->session)) {
		call = call_first(stub);
		if (!call)
			break;
		lifecycle_begin(stub, call);
	}
	if (stub->state == STUB_IDLE && !stub->dead) {
		image_idle(stub);
		alarm_set(&stub->park, image_wants_idle(stub) ? 0 : MS(PARK_MS));
	}
}

void away_work(struct stub *stub)
{
	switch (stub->state) {
	case STUB_IDLE:
	case STUB_RETURNING:
		/* Something is running already if the queue was not empty before. */
		go_on(stub);
		break;
	case STUB_PARKED:
		/* A stopped job does its calls when it is continued. */
		if (!stub->waking && !stub->group_stop) {
			stub->waking = true;
			ptrace(PTRACE_INTERRUPT, stub->pid, 0, 0);
		}
		break;
	default:
		break;
	}
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
	} else if (call_first(stub) || image_wants_idle(stub)) {
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
		stub_resume(stub, PTRACE_CONT, sig);
		return;
	}
	if (sig == SIGSTOP) {
		stub_resume(stub, PTRACE_CONT, SIGSTOP);
		return;
	}
	signal_seen(stub, sig);
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

static void on_event_stop(struct stub *stub, int sig)
{
	if (is_stop_signal(sig)) {
		if (!stub->group_stop) {
			stub->group_stop = true;
			if (sig == SIGSTOP)
				tell(stub, W_STOP);
			if (stub->pid == front_main_pid())
				front_stopped(sig);
		} else if (stub->abort) {
			finish_abort(stub);
			return;
		}
		stub_resume(stub, PTRACE_LISTEN, 0);
		return;
	}
	if (stub->group_stop) {
		stub->group_stop = false;
		tell(stub, W_CONT);
		if (stub->pid == front_main_pid())
			front_continued();
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

void away_begin(struct stub *stub)
{
	stub_set_sigmask(stub, 0);
	signal_flush_to_node(stub);
	become_idle(stub);
}

void away_fork(struct stub *parent, struct stub *child)
{
	child->session = parent->session;
	child->regs = parent->regs;
	child->sigmask = parent->sigmask;
	child->unannounced = true;
	agent_inherit(child, parent);
	memcpy(child->comm, parent->comm, sizeof(child->comm));
	image_forked(parent, child);
	why_add(child, "born on %s, a child of process %d there", session_name(parent->session),
		parent->tgid);
}

void away_born(struct stub *child)
{
	become_idle(child);
}

void away_announced(struct stub *child)
{
	if (!child->unannounced)
		return;
	child->unannounced = false;
	signal_flush_to_node(child);
	if (child->group_stop)
		tell(child, W_STOP);
}

struct session *away_exec(struct stub *stub)
{
	call_forget(stub);
	image_forget(stub);
	home_forget(stub);
	agent_gone(stub);
	/* The program that was replaced had no occasion to deal with these. */
	signal_take_back(stub, stub->signals_at_exec);
	stub->execing = false;
	stub->abort = false;
	return stub->session;
}

void away_ended(struct stub *stub)
{
	if (!stub->ended_by_node)
		tell(stub, W_KILL);
}

static void lost(struct stub *stub, struct session *session, const char *why)
{
	deputy_say("%s is gone (%s); process %d (%s) was running there and is lost",
		   session_name(session), why, stub->tgid, stub->comm);
	stub->ended_by_node = true;
	kill(stub->tgid, SIGKILL);
}

void away_session_lost(struct session *session, const char *why)
{
	struct stub *stub;

	move_session_lost(session, why);
	shared_session_lost(session);
	list_for_each_entry(stub, &stubs, link) {
		if (stub->session != session)
			continue;
		alarm_cancel(&stub->park);
		alarm_cancel(&stub->hold);
		call_forget(stub);
		if (stub->dead) {
			;
		} else if (stub->state == STUB_NATIVE || stub->state == STUB_FREEZING) {
			/*
			 * Home already; what matters is whether pages of it were still there: it must
			 * be dead before they become zeros.
			 */
			if (home_pending(stub))
				lost(stub, session, why);
			home_forget(stub);
		} else if (stub->state != STUB_DYING) {
			lost(stub, session, why);
			stub->state = STUB_DYING;
		}
		image_forget(stub);
		stub->session = NULL;
	}
}
