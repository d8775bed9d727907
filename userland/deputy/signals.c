/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals of a process that is away, or on its way: see signals.h. */
#include "userland/deputy/signals.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "userland/deputy/agent.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/front.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/session.h"
#include "userland/deputy/stub.h"

#define SENT_MAX 256 /* signals remembered after they were forwarded */
#define SEEN_MAX 16  /* signals that may show during one call */
#define RAISES_MAX 64

#define BIT(sig) (UINT64_C(1) << ((sig) - 1))
#define FAULTS \
	(BIT(SIGILL) | BIT(SIGTRAP) | BIT(SIGBUS) | BIT(SIGFPE) | BIT(SIGSEGV) | BIT(SIGSYS))
/* Never blocked: what a stub does wrong by itself, its traps, and job control. */
#define NOT_HELD_OFF                                                                    \
	(FAULTS | BIT(SIGKILL) | BIT(SIGSTOP) | BIT(SIGCONT) | BIT(SIGTSTP) | BIT(SIGTTIN) | \
	 BIT(SIGTTOU))

struct held_signal {
	struct list_head link;
	pid_t tid;		/* of the thread that it is for; 0: the process */
	siginfo_t info;
};

_Static_assert(sizeof(siginfo_t) == sizeof(((struct wire_signal *)0)->info), "kernel siginfo");

static void add(struct list_head *list, pid_t tid, const siginfo_t *info)
{
	struct held_signal *held = malloc(sizeof(*held));

	if (!held)
		deputy_fatal("out of memory");
	held->tid = tid;
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

static void to_node(struct process *process, pid_t tid, const siginfo_t *info)
{
	struct wire_signal signal = {
		.signo = (uint32_t)info->si_signo,
		.to_process = !tid,
	};

	memcpy(signal.info, info, sizeof(*info));
	session_send1(process->session, W_SIGNAL, 0, (uint32_t)(tid ? tid : process->pid), 0,
		      &signal, sizeof(signal));
	add(&process->sent_signals, tid, info);
	/* The node is never that far behind. */
	if (++process->signals_sent > SENT_MAX)
		free(take(&process->sent_signals));
}

/* Linux's answer to an instruction or call of the thread itself. */
static bool is_fault(const siginfo_t *info)
{
	return info->si_code > 0 && (BIT(info->si_signo) & FAULTS);
}

/*
 * Raised in a stub whose calls are injected, it would be seen at once: SIGTRAP is not blocked there, and with
 * that of a gadget Linux takes a fault from the queue even if it is.
 */
static bool shows_anyway(const siginfo_t *info)
{
	return info->si_signo == SIGTRAP || is_fault(info);
}

bool signal_fault_pending(const struct stub *stub)
{
	struct __ptrace_peeksiginfo_args args = { .nr = 16 };
	siginfo_t infos[16];
	uint64_t mask;
	long n;

	while ((n = ptrace(PTRACE_PEEKSIGINFO, stub->pid, &args, infos)) > 0) {
		for (long i = 0; i < n; i++)
			if (is_fault(&infos[i]) &&
			    !ptrace(PTRACE_GETSIGMASK, stub->pid, sizeof(mask), &mask) &&
			    !(BIT(infos[i].si_signo) & mask))
				return true;
		args.off += (uint64_t)n;
	}
	return false;
}

/* Does this timer of timer_create(2) signal a thread (SIGEV_THREAD_ID)? proc(5), timers. */
static bool timer_of_thread(const struct process *process, int id)
{
	char path[40], line[128];
	bool found = false, of_thread = false;
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "/proc/%d/timers", process->pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "ID: %d", &n) == 1)
			found = n == id;
		else if (found && !strncmp(line, "notify:", 7))
			of_thread = strstr(line, "/tid.") != NULL;
	}
	if (f)
		fclose(f);
	return of_thread;
}

/*
 * Is this signal for the thread that shows it, and not for the process? It is if it was sent so
 * (tgkill(2), a timer), or if Linux answers the thread's own call or instruction with it.
 */
static bool for_thread(const struct stub *stub, const siginfo_t *info)
{
	if (info->si_code == SI_TKILL || is_fault(info))
		return true;
	if (info->si_code == SI_TIMER)
		return timer_of_thread(stub->process, info->si_timerid);
	return (info->si_signo == SIGPIPE || info->si_signo == SIGXFSZ) &&
	       stub->state == STUB_CALLING && info->si_code == SI_USER &&
	       info->si_pid == stub->process->pid;
}

void signal_keep(struct stub *stub, const siginfo_t *info)
{
	add(&stub->process->held_signals, for_thread(stub, info) ? stub->pid : 0, info);
}

void signal_seen(struct stub *stub, int signo)
{
	struct process *process = stub->process;
	siginfo_t info;

	if (ptrace(PTRACE_GETSIGINFO, stub->pid, 0, &info)) {
		memset(&info, 0, sizeof(info));
		info.si_signo = signo;
		info.si_code = SI_KERNEL;
	}
	if (process->pid == front_main_pid())
		front_signal_seen(stub, signo);
	debug("%d: signal %d in state %s", stub->pid, signo, stub_state_name(stub));
	if (process->session && !process->unannounced &&
	    (stub->state == STUB_IDLE || stub->state == STUB_PARKED || stub->state == STUB_CALLING))
		to_node(process, for_thread(stub, &info) ? stub->pid : 0, &info);
	else
		signal_keep(stub, &info);
}

void signal_hold_off(struct stub *stub, int signo)
{
	if (++stub->seen_in_call <= SEEN_MAX || (BIT(signo) & NOT_HELD_OFF) ||
	    stub->process->execing)
		return;
	if (!stub->held_off && stub_get_sigmask(stub, &stub->mask_before))
		return;
	stub->held_off |= BIT(signo);
	stub_set_sigmask(stub, stub->mask_before | stub->held_off);
}

void signal_show_again(struct stub *stub)
{
	stub->seen_in_call = 0;
	if (!stub->held_off)
		return;
	stub->held_off = 0;
	stub_set_sigmask(stub, stub->mask_before);
}

/* A stop is the kernel's affair wherever the program runs: it is sent once more, to be seen then. */
static bool stop_again(struct process *process, const siginfo_t *info)
{
	if (info->si_signo != SIGSTOP)
		return false;
	kill(process->pid, SIGSTOP);
	return true;
}

void signal_flush_to_node(struct process *process)
{
	struct held_signal *held;

	while ((held = take(&process->held_signals))) {
		if (!stop_again(process, &held->info))
			to_node(process, held->tid, &held->info);
		free(held);
	}
}

/*
 * Has the timer of this signal expired here, too? Of one number below the real-time ones Linux queues one
 * signal, and would drop ours: the two become one, with the expirations of both.
 */
static void join_timer(struct stub *stub, siginfo_t *info, uint64_t at)
{
	const struct {
		uint64_t set;
		struct timespec now;
	} wait = { BIT(info->si_signo), { 0, 0 } };
	siginfo_t here;

	if (stub_write(stub, at, &wait, sizeof(wait)) ||
	    inject_call(stub, SYS_rt_sigtimedwait, at, at + sizeof(wait),
			at + offsetof(typeof(wait), now), sizeof(wait.set)) != info->si_signo ||
	    stub_read(stub, at + sizeof(wait), &here, sizeof(here)))
		return;
	if (here.si_code == SI_TIMER && here.si_timerid == info->si_timerid)
		info->si_overrun += here.si_overrun + 1;
}

static bool is_queued(const struct stub *stub, const siginfo_t *info, int to_process)
{
	struct __ptrace_peeksiginfo_args args = {
		.flags = to_process ? PTRACE_PEEKSIGINFO_SHARED : 0, .nr = 16,
	};
	siginfo_t infos[16];
	long n;

	while ((n = ptrace(PTRACE_PEEKSIGINFO, stub->pid, &args, infos)) > 0) {
		for (long i = 0; i < n; i++)
			if (!memcmp(&infos[i], info, sizeof(*info)))
				return true;
		args.off += (uint64_t)n;
	}
	return false;
}

static int raise_at(struct stub *stub, const siginfo_t *info, int to_process, int64_t at)
{
	int err = stub_write(stub, (uint64_t)at, info, sizeof(*info));

	if (err)
		return err;
	if (to_process)
		/* By its own id, which stands for the process here. */
		return (int)inject_call(stub, SYS_rt_sigqueueinfo, stub->pid, info->si_signo, at);
	return (int)inject_call(stub, SYS_rt_tgsigqueueinfo, stub->process->pid, stub->pid, info->si_signo,
				at);
}

/*
 * Raised by the stub itself: only for itself may a process queue a signal with any si_code
 * (rt_sigqueueinfo(2)).
 */
int signal_raise(struct stub *stub, const siginfo_t *info, int to_process)
{
	bool timer = info->si_code == SI_TIMER && info->si_signo < __SIGRTMIN;
	siginfo_t raised = *info;
	int64_t at;
	int err;

	if (shows_anyway(info)) {
		signal_keep(stub, info);
		return 0;
	}
	at = agent_scratch(stub, 2 * sizeof(*info));
	if (at < 0)
		return (int)at;
	/* A fast timer may expire just between the two. */
	for (int tries = 0; tries < RAISES_MAX; tries++) {
		if (timer)
			join_timer(stub, &raised, (uint64_t)at);
		err = raise_at(stub, &raised, to_process, at);
		if (err || !timer || is_queued(stub, &raised, to_process))
			break;
	}
	return err;
}

/* The thread that a held signal is for; one that may have ended since, and its signals with it. */
static struct stub *receiver(struct process *process, const struct held_signal *held)
{
	struct stub *stub = held->tid ? stub_find(held->tid) : process_stub(process);

	return stub && stub->process == process && !stub_ends(stub) ? stub : NULL;
}

void signal_flush_home(struct process *process)
{
	struct held_signal *held, *next;
	struct stub *stub;

	list_for_each_entry_safe(held, next, &process->held_signals, link) {
		if (shows_anyway(&held->info) || held->info.si_signo == SIGSTOP)
			continue;
		list_del(&held->link);
		stub = receiver(process, held);
		if (stub)
			signal_raise(stub, &held->info, !held->tid);
		free(held);
	}
}

void signal_flush_outside(struct process *process)
{
	struct held_signal *held;

	while ((held = take(&process->held_signals))) {
		int sig = held->info.si_signo;

		/* Linux lets nobody else claim that a signal comes from kill(2), or from itself. */
		if (stop_again(process, &held->info))
			;
		else if (held->tid)
			syscall(SYS_tgkill, process->pid, held->tid, sig);
		else if (syscall(SYS_rt_sigqueueinfo, process->pid, sig, &held->info))
			kill(process->pid, sig);
		free(held);
	}
}

static void forget(struct list_head *list)
{
	struct held_signal *held;

	while ((held = take(list)))
		free(held);
}

void signal_forget(struct process *process)
{
	forget(&process->held_signals);
	signal_arrived(process);
}

void signal_arrived(struct process *process)
{
	forget(&process->sent_signals);
	forget(&process->exec_signals);
	process->exec_told = false;
	process->signals_sent = 0;
	process->signals_at_exec = 0;
}

void signal_take_back(struct process *process, uint64_t taken)
{
	uint64_t back = taken < process->signals_sent ? process->signals_sent - taken : 0;

	for (; back && !list_empty(&process->sent_signals); back--) {
		struct held_signal *held =
			list_last_entry(&process->sent_signals, struct held_signal, link);

		list_del(&held->link);
		list_add(&held->link, &process->held_signals);
	}
	process->signals_sent = taken < process->signals_sent ? taken : process->signals_sent;
}

bool signal_sent_since(const struct process *process, uint64_t taken, int signo)
{
	uint64_t n = taken < process->signals_sent ? process->signals_sent - taken : 0;
	struct list_head *at;

	for (at = process->sent_signals.prev; n && at != &process->sent_signals; at = at->prev, n--)
		if (list_entry(at, struct held_signal, link)->info.si_signo == signo)
			return true;
	return false;
}

/* --- over execve --- */

void signal_execing(struct process *process, const struct wire_execing *msg)
{
	forget(&process->exec_signals);
	process->exec_taken = msg->signals;
	process->exec_told = true;
}

const char *signal_exec_inherits(struct process *process, const struct wire_signal *signal)
{
	siginfo_t info;

	if (signal->signo < 1 || signal->signo > 64)
		return "signal that cannot be";
	memcpy(&info, signal->info, sizeof(info));
	info.si_signo = (int)signal->signo;
	add(&process->exec_signals, signal->to_process ? 0 : process->pid, &info);
	return NULL;
}

static bool blocks(const struct stub *stub, const struct held_signal *held)
{
	int sig = held->info.si_signo;

	return !shows_anyway(&held->info) && (stub->sigmask >> (sig - 1) & 1);
}

void signal_exec_begins(struct stub *stub)
{
	struct process *process = stub->process;
	struct held_signal *held;

	process->signals_at_exec = process->signals_sent;
	if (!process->exec_told)
		return;
	if (process->exec_taken < process->signals_sent)
		process->signals_at_exec = process->exec_taken;
	list_for_each_entry(held, &process->exec_signals, link)
		if (blocks(stub, held))
			signal_raise(stub, &held->info, !held->tid);
}

void signal_exec_failed(struct stub *stub)
{
	const struct {
		uint64_t set;
		struct timespec now;
	} none = { 0 };
	struct process *process = stub->process;
	int64_t at = list_empty(&process->exec_signals) ? 0 : agent_scratch(stub, sizeof(none));
	struct held_signal *held;

	if (at > 0 && !stub_set_sigmask(stub, SIGMASK_FROZEN))
		list_for_each_entry(held, &process->exec_signals, link) {
			uint64_t bit = UINT64_C(1) << (held->info.si_signo - 1);

			/* Real-time signals are queued: the first of its number is ours. */
			if (blocks(stub, held) && !stub_write(stub, (uint64_t)at, &none, sizeof(none)) &&
			    !stub_write(stub, (uint64_t)at, &bit, sizeof(bit)))
				inject_call(stub, SYS_rt_sigtimedwait, at, 0,
					    at + (int64_t)offsetof(typeof(none), now), sizeof(bit));
		}
	forget(&process->exec_signals);
	process->exec_told = false;
}

void signal_exec_succeeded(struct process *process)
{
	const struct stub *stub = process_stub(process);
	struct held_signal *held, *next;

	list_for_each_entry_safe(held, next, &process->exec_signals, link) {
		if (stub && blocks(stub, held))
			continue;
		held->tid = 0;
		list_del(&held->link);
		list_add_tail(&held->link, &process->held_signals);
	}
	forget(&process->exec_signals);
	process->exec_told = false;
}
