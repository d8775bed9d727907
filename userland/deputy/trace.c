/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What ptrace reports. Processes at home run at full speed: their forks and execs are noted, their
 * signals and job control pass through untouched. Stops of stubs that are away go to away.c.
 */
#include "userland/deputy/trace.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "userland/deputy/away.h"
#include "userland/deputy/backlog.h"
#include "userland/deputy/baseline.h"
#include "userland/deputy/cputime.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/freeze.h"
#include "userland/deputy/front.h"
#include "userland/deputy/home.h"
#include "userland/deputy/image.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/loose.h"
#include "userland/deputy/move.h"
#include "userland/deputy/session.h"
#include "userland/deputy/procinfo.h"
#include "userland/deputy/signals.h"
#include "userland/deputy/stub.h"
#include "userland/deputy/why.h"

/* A newborn whose parent was killed before it could report it is let go after this time. */
#define ORPHAN_MS 1000

#define STOPS_A_TURN 128	/* then the nodes get their turn: they must hear from us */

static struct list_head dead = LIST_HEAD_INIT(dead);
static struct alarm orphan_alarm;
static struct alarm more_alarm;

bool trace_empty(void)
{
	return list_empty(&stubs);
}

int stub_resume(struct stub *stub, int request, int sig)
{
	if (ptrace(request, stub->pid, 0, (long)sig))
		return -ESRCH;
	stub->stopped = false;
	return 0;
}

void trace_run_native(struct stub *stub)
{
	stub->state = STUB_NATIVE;
	stub->group_stop = false;
	stub_resume(stub, home_resume_request(stub), 0);
}

/* A thread made just before all of its process was stopped has its part in that. */
static void run_newborn(struct stub *stub)
{
	if (!stub->group_stop) {
		trace_run_native(stub);
		return;
	}
	stub->state = STUB_NATIVE;
	stub_resume(stub, PTRACE_LISTEN, 0);
}

static void orphans_go(struct alarm *alarm)
{
	struct stub *stub;

	list_for_each_entry(stub, &stubs, link)
		if (stub->state == STUB_NEWBORN && stub->stopped && !stub->born_known)
			run_newborn(stub);
	(void)alarm;
}

/* Only wakes the loop, which polls after each turn. */
static void more_stops(struct alarm *alarm)
{
	(void)alarm;
}

int trace_seize(pid_t pid)
{
	struct stub *stub;

	alarm_init(&orphan_alarm, orphans_go);
	alarm_init(&more_alarm, more_stops);
	if (ptrace(PTRACE_SEIZE, pid, 0, (long)TRACE_OPTIONS))
		return -errno;
	stub = stub_new(pid, pid);
	stub->state = STUB_NATIVE;
	stub->process->starting = true;
	return 0;
}

void trace_died(struct stub *stub, int status)
{
	stub->stopped = false;
	if (stub->dead)
		return;
	stub->dead = true;
	stub->last_status = status;
	list_add_tail(&stub->grave, &dead);
}

static bool is_zombie(pid_t pid)
{
	struct procinfo info;

	procinfo_read(pid, &info);
	return info.state == 'Z' || info.state == 'X' || info.state == '?';
}

/* Ends only: stops are kept for trace_poll(). */
static void take_ends(struct process *process, const struct stub *but)
{
	struct stub *stub;
	siginfo_t info;

	for_each_thread(stub, process) {
		info.si_pid = 0;
		if (stub != but && !stub->dead &&
		    !waitid(P_PID, (id_t)stub->pid, &info, WEXITED | WNOHANG | __WALL) &&
		    info.si_pid)
			trace_died(stub, info.si_code == CLD_EXITED ? info.si_status << 8 :
								      info.si_status);
	}
}

pid_t trace_wait(struct stub *stub, int *status)
{
	struct process *process = stub->process;
	bool alone = stub->pid != process->pid || process->threads.next == process->threads.prev;
	siginfo_t info;
	pid_t pid;

	for (;;) {
		pid = waitpid(stub->pid, status, __WALL | (alone ? 0 : WNOHANG));
		if (pid > 0 || (pid < 0 && errno != EINTR))
			return pid;
		if (pid < 0)
			continue;
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOWAIT | __WALL) ||
		    info.si_pid == stub->pid)
			continue;
		/* Somebody else's, which keeps until its turn. */
		if (is_zombie(stub->pid))
			take_ends(process, stub);
		else
			usleep(20);
	}
}

/* Out of the callbacks that may still hold it: tells those concerned, and frees it. */
static void bury(struct stub *stub)
{
	struct process *process = stub->process;
	bool last = process->threads.next == process->threads.prev;

	debug("%d (%s) ended, status %x, was %s", stub->pid, process->comm, stub->last_status,
	      stub_state_name(stub));
	if (last)
		away_ended(process);
	if (stub->pid == front_main_pid())
		front_ended(stub->last_status);
	backlog_go(stub);
	stub_free(stub);
	if (!last)
		move_frozen(process);
}

/* --- births --- */

static void native_stop(struct stub *stub, int event, int sig);

/* Both its first stop and its parent's event have come. */
static void born(struct stub *child)
{
	if (move_freezes(child->process)) {
		/* Its process is being stopped, to be moved. */
		child->state = STUB_FREEZING;
		if (child->group_stop)
			native_stop(child, PTRACE_EVENT_STOP, SIGSTOP);
		else
			move_stopped(child);
	} else if (process_away(child->process)) {
		child->group_stop = false;
		away_born(child);
	} else {
		run_newborn(child);
	}
}

/* Of two processes with one memory neither can move. A vfork's parent sleeps until its end. */
static void note_shared_vm(struct stub *parent, struct stub *child, int event)
{
	if (child->process == parent->process || parent->state == STUB_CALLING)
		return;
	if (event == PTRACE_EVENT_VFORK) {
		child->process->shares_vm = true;
	} else if (event == PTRACE_EVENT_CLONE &&
		   !syscall(SYS_kcmp, parent->pid, child->pid, KCMP_VM, 0, 0)) {
		parent->process->shares_vm = true;
		child->process->shares_vm = true;
	}
}

static void on_child(struct stub *parent, pid_t pid, int event)
{
	struct stub *child = stub_find(pid);

	if (!child)
		child = stub_new(pid, event == PTRACE_EVENT_CLONE ? parent->process->pid : pid);
	child->born_known = true;
	note_shared_vm(parent, child, event);
	if (child->process != parent->process) {
		baseline_inherit(child->process, parent->process);
		cputime_born(parent->process->pid, child->process->pid);
	}
	if (parent->state == STUB_CALLING)
		away_fork(parent, child);
	if (child->stopped)
		born(child);
}

static bool is_stop_signal(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

static void newborn_stop(struct stub *stub, int event, int sig)
{
	stub->group_stop = event == PTRACE_EVENT_STOP && is_stop_signal(sig);
	if (stub->born_known)
		born(stub);
	else if (!alarm_pending(&orphan_alarm))
		alarm_set(&orphan_alarm, MS(ORPHAN_MS));
}

/* --- execve --- */

/* Goes on from EVENT_EXEC to the end of the call: only then the registers are the program's. */
static int finish_exec(struct stub *stub)
{
	int status;

	if (stub_resume(stub, PTRACE_SYSCALL, 0))
		return -ESRCH;
	for (;;) {
		if (waitpid(stub->pid, &status, __WALL) < 0) {
			if (errno == EINTR)
				continue;
			status = SIGKILL;
		}
		if (!WIFSTOPPED(status)) {
			trace_died(stub, status);
			return -ESRCH;
		}
		stub->stopped = true;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			return 0;
		if (stub_resume(stub, PTRACE_SYSCALL, 0))
			return -ESRCH;
	}
}

/* The pid is the leader's; another thread may have made the call, and its old pid is gone then. */
static struct stub *on_exec(struct stub *stub)
{
	unsigned long former = 0;
	struct stub *caller;

	ptrace(PTRACE_GETEVENTMSG, stub->pid, 0, &former);
	caller = (pid_t)former == stub->pid ? NULL : stub_find((pid_t)former);
	if (caller) {
		list_del(&stub->grave);
		stub_free(stub);
		stub_rename(caller, caller->process->pid);
		stub = caller;
		stub->stopped = true;
	}
	process_refresh(stub->process);
	stub->process->starting = false;
	stub->process->shares_vm = false;
	debug("%d executes %s", stub->pid, stub->process->comm);
	return stub;
}

/* The program it was is no more, here and at the node. */
static void leave_node(struct process *process)
{
	if (process->session)
		session_send1(process->session, W_KILL, 0, (uint32_t)process->pid, 0, NULL, 0);
	image_forget(process);
	process->session = NULL;
}

/*
 * With a baseline asked for, a program for a node starts at home, where its questions about the CPU
 * can be answered, and is moved right after.
 */
static void exec_before_move(struct stub *stub, struct session *to)
{
	static const struct move_request nobody;
	uint32_t cpu[WIRE_CPU_WORDS];

	struct process *process = stub->process;

	leave_node(process);
	baseline_default(cpu);
	if (baseline_exec(stub, cpu))
		return;
	trace_run_native(stub);
	move_out(process->pid, to, &nobody);
}

/* True: it is not ours to run any more, or dead. */
static bool exec_loose(struct stub *stub, const char *reason)
{
	leave_node(stub->process);
	if (stub->process->move)
		move_cannot(stub->process, reason);
	if (finish_exec(stub))
		return true;
	if (loose_let_go(stub, reason))
		return true;
	why_add(stub->process, "runs without its new rights: %s, but it could not be let go", reason);
	trace_run_native(stub);
	return true;
}

static void exec_stop(struct stub *stub)
{
	uint32_t cpu[WIRE_CPU_WORDS];
	struct session *to;
	const char *reason;
	bool freezing;

	stub = on_exec(stub);
	to = stub_away(stub) ? away_exec(stub) : front_place(stub->pid);
	reason = loose_reason(stub);
	if (reason && exec_loose(stub, reason))
		return;
	if (to && baseline_asked()) {
		exec_before_move(stub, to);
		return;
	}
	if (!to) {
		freezing = stub->state == STUB_FREEZING;
		baseline_default(cpu);
		if (baseline_exec(stub, cpu))
			return;
		/* Its interrupt was used up; the move is of the process, not of the program. */
		freeze_insist(stub);
		trace_run_native(stub);
		if (freezing)
			stub->state = STUB_FREEZING;
		return;
	}
	if (!finish_exec(stub))
		move_fresh(stub->process, to);
}

/* --- a process that runs freely --- */

static bool at_syscall_exit(struct stub *stub)
{
	struct __ptrace_syscall_info info = { 0 };

	return ptrace(PTRACE_GET_SYSCALL_INFO, stub->pid, sizeof(info), &info) > 0 &&
	       info.op == PTRACE_SYSCALL_INFO_EXIT;
}

/* A thread that is to be frozen has stopped: where it can be, or just before Linux tells it of a fault. */
static void freeze_stop(struct stub *stub)
{
	if (signal_fault_pending(stub))
		stub_resume(stub, home_resume_request(stub), 0);
	else
		move_stopped(stub);
}

static void native_stop(struct stub *stub, int event, int sig)
{
	if (event == PTRACE_EVENT_STOP && is_stop_signal(sig)) {
		if (!stub->group_stop && stub->pid == front_main_pid())
			front_stopped(sig);
		stub->group_stop = true;
		stub_resume(stub, PTRACE_LISTEN, 0);
		if (stub->state == STUB_FREEZING)
			move_cannot(stub->process, "it is stopped by job control: continue it first");
		return;
	}
	if (event == PTRACE_EVENT_STOP) {
		if (stub->group_stop) {
			stub->group_stop = false;
			if (stub->pid == front_main_pid())
				front_continued();
		}
		if (stub->state == STUB_FREEZING)
			freeze_stop(stub);
		else
			stub_resume(stub, home_resume_request(stub), 0);
		return;
	}
	if (!event && sig == (SIGTRAP | 0x80) && stub->state == STUB_FREEZING &&
	    at_syscall_exit(stub)) {
		/* Our interrupt has ended its call: it may not go on and see that. */
		freeze_stop(stub);
		return;
	}
	if (event || sig == (SIGTRAP | 0x80))
		sig = 0;
	else if (stub->process->pid == front_main_pid())
		front_signal_seen(stub, sig);
	freeze_insist(stub);
	stub_resume(stub, home_resume_request(stub), sig);
}

static void on_status(pid_t pid, int status)
{
	struct stub *stub = stub_find(pid);
	int event = status >> 16, sig = WSTOPSIG(status);
	unsigned long msg = 0;

	if (WIFCONTINUED(status)) {
		if (stub && stub->process->loose)
			front_continued();
		return;
	}
	if (!WIFSTOPPED(status)) {
		if (stub)
			trace_died(stub, status);
		return;
	}
	if (stub && stub->process->loose) {
		front_stopped(sig);
		return;
	}
	if (!stub)
		stub = stub_new(pid, pid);
	stub->stopped = true;

	switch (event) {
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		ptrace(PTRACE_GETEVENTMSG, pid, 0, &msg);
		on_child(stub, (pid_t)msg, event);
		break;
	}
	if (stub->process->home && stub->state == STUB_NATIVE && home_stop(stub, status))
		return;
	if (event == PTRACE_EVENT_EXEC) {
		exec_stop(stub);
		return;
	}

	switch (stub->state) {
	case STUB_NEWBORN:
		newborn_stop(stub, event, sig);
		break;
	case STUB_NATIVE:
	case STUB_FREEZING:
		if (!home_stop(stub, status))
			native_stop(stub, event, sig);
		break;
	case STUB_LEAVING:
	case STUB_RETURNING:
		/* Stopped by us; only a leftover of an earlier resume can report. */
		break;
	default:
		away_stop(stub, event, sig);
	}
}

void trace_again(struct stub *stub, int status)
{
	on_status(stub->pid, status);
}

/*
 * Let go (loose.h), the main program is our child and no more: its stops are told as to any parent.
 * Of those that are traced we may not ask for WCONTINUED: it would be gone for their parents.
 */
static void poll_loose(void)
{
	struct stub *stub = stub_find(front_main_pid());
	int status;

	while (stub && stub->process->loose &&
	       waitpid(stub->pid, &status, WNOHANG | WUNTRACED | WCONTINUED) > 0) {
		on_status(stub->pid, status);
		if (!WIFSTOPPED(status) && !WIFCONTINUED(status))
			break;
	}
}

void trace_poll(void)
{
	int status, n = 0;
	pid_t pid;

	while (n < STOPS_A_TURN && (pid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
		on_status(pid, status);
		n++;
	}
	poll_loose();
	if (n == STOPS_A_TURN)
		alarm_set(&more_alarm, 0);
	while (!list_empty(&dead))
		bury(list_first_entry(&dead, struct stub, grave));
}
