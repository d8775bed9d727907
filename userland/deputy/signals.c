/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals of a process that is away, or on its way: see signals.h. */
#include "userland/deputy/signals.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "userland/deputy/agent.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/front.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/session.h"
#include "userland/deputy/stub.h"

#define SENT_MAX 256 /* signals remembered after they were forwarded */

struct held_signal {
	struct list_head link;
	siginfo_t info;
};

_Static_assert(sizeof(siginfo_t) == sizeof(((struct wire_signal *)0)->info), "kernel siginfo");

static void add(struct list_head *list, const siginfo_t *info)
{
	struct held_signal *held = malloc(sizeof(*held));

	if (!held)
		deputy_fatal("out of memory");
	held->info = *info;
	list_add_tail(&held->link, list);
}

static struct held_signal *take(struct list_head *list)
{
	struct held_signal *held;

	if (list_empty(list))
		return NULL;
	held = list_first_entry(list, struct held_signal, link);
	list_del(&held->link);
	return held;
}

static void to_node(struct stub *stub, const siginfo_t *info)
{
	struct wire_signal signal = {
		.signo = (uint32_t)info->si_signo,
		.to_process = info->si_code != SI_TKILL,
	};

	memcpy(signal.info, info, sizeof(*info));
	session_send1(stub->session, W_SIGNAL, 0, (uint32_t)stub->pid, 0, &signal, sizeof(signal));
	add(&stub->sent_signals, info);
	/* The node is never that far behind. */
	if (++stub->signals_sent > SENT_MAX)
		free(take(&stub->sent_signals));
}

void signal_keep(struct stub *stub, const siginfo_t *info)
{
	add(&stub->held_signals, info);
}

void signal_seen(struct stub *stub, int signo)
{
	siginfo_t info;

	if (ptrace(PTRACE_GETSIGINFO, stub->pid, 0, &info)) {
		memset(&info, 0, sizeof(info));
		info.si_signo = signo;
		info.si_code = SI_KERNEL;
	}
	if (stub->pid == front_main_pid())
		front_signal_seen(stub, signo);
	debug("%d: signal %d in state %s", stub->pid, signo, stub_state_name(stub));
	if (stub->session && !stub->unannounced &&
	    (stub->state == STUB_IDLE || stub->state == STUB_PARKED || stub->state == STUB_CALLING))
		to_node(stub, &info);
	else
		signal_keep(stub, &info);
}

/* A stop is the kernel's affair wherever the program runs: it is sent once more, to be seen then. */
static bool stop_again(struct stub *stub, const siginfo_t *info)
{
	if (info->si_signo != SIGSTOP)
		return false;
	kill(stub->tgid, SIGSTOP);
	return true;
}

void signal_flush_to_node(struct stub *stub)
{
	struct held_signal *held;

	while ((held = take(&stub->held_signals))) {
		if (!stop_again(stub, &held->info))
			to_node(stub, &held->info);
		free(held);
	}
}

/*
 * Raised by the stub itself: only for itself may a process queue a signal with any si_code
 * (rt_sigqueueinfo(2)).
 */
int signal_raise(struct stub *stub, const siginfo_t *info, int to_process)
{
	int64_t at;
	int err;

	if (info->si_signo == SIGTRAP) {
		signal_keep(stub, info);
		return 0;
	}
	at = agent_scratch(stub, sizeof(*info));
	if (at < 0)
		return (int)at;
	err = stub_write(stub, (uint64_t)at, info, sizeof(*info));
	if (err)
		return err;
	if (to_process)
		return (int)inject_call(stub, SYS_rt_sigqueueinfo, stub->tgid, info->si_signo, at);
	return (int)inject_call(stub, SYS_rt_tgsigqueueinfo, stub->tgid, stub->pid, info->si_signo,
				at);
}

void signal_flush_home(struct stub *stub)
{
	struct held_signal *held, *next;

	/* What cannot be blocked stays in the list: raised in here it would be seen in here. */
	list_for_each_entry_safe(held, next, &stub->held_signals, link) {
		if (held->info.si_signo == SIGTRAP || held->info.si_signo == SIGSTOP)
			continue;
		list_del(&held->link);
		signal_raise(stub, &held->info, held->info.si_code != SI_TKILL);
		free(held);
	}
}

void signal_flush_outside(struct stub *stub)
{
	struct held_signal *held;

	while ((held = take(&stub->held_signals))) {
		int sig = held->info.si_signo;
		bool one = held->info.si_code == SI_TKILL;

		/* Linux lets nobody else claim that a signal comes from kill(2), or from itself. */
		if (stop_again(stub, &held->info))
			;
		else if (one)
			syscall(SYS_tgkill, stub->tgid, stub->pid, sig);
		else if (syscall(SYS_rt_sigqueueinfo, stub->tgid, sig, &held->info))
			kill(stub->tgid, sig);
		free(held);
	}
}

void signal_forget(struct stub *stub)
{
	struct held_signal *held;

	while ((held = take(&stub->held_signals)))
		free(held);
	signal_arrived(stub);
}

void signal_arrived(struct stub *stub)
{
	struct held_signal *held;

	while ((held = take(&stub->sent_signals)))
		free(held);
	stub->signals_sent = 0;
	stub->signals_at_exec = 0;
}

void signal_take_back(struct stub *stub, uint64_t taken)
{
	uint64_t back = taken < stub->signals_sent ? stub->signals_sent - taken : 0;

	for (; back && !list_empty(&stub->sent_signals); back--) {
		struct held_signal *held =
			list_last_entry(&stub->sent_signals, struct held_signal, link);

		list_del(&held->link);
		list_add(&held->link, &stub->held_signals);
	}
	stub->signals_sent = taken < stub->signals_sent ? taken : stub->signals_sent;
}
