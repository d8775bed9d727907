/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls that a freeze interrupts. Linux leaves one of its restart codes in rax and decides when
 * the process goes on: EINTR if a handler runs first, else the call again (signal(7)). The process
 * takes that state along, so that whoever lets it go on decides. Only -516 does not travel: how much
 * of a sleep is left, Linux remembers by itself. So the time is changed in the call's arguments, and
 * the code becomes that of a call that is begun anew.
 */
#ifndef DEPUTY_INTERRUPTED_H
#define DEPUTY_INTERRUPTED_H

#include <stdbool.h>
#include <stdint.h>

struct stub;
struct user_regs_struct;

/* Before the process is stopped: notes when it last ran. */
void interrupted_note(struct stub *stub);

/* Is it in a call that has been interrupted? nr: of the call, where Linux calls it restart_syscall. */
bool interrupted_call(const struct user_regs_struct *regs);

/* Stopped in one: makes *regs such that another kernel can go on with it as call nr. */
void interrupted_settle(struct stub *stub, struct user_regs_struct *regs, uint64_t nr);

/*
 * A forwarded call that is about to be made again at home (its number in rax) has waited for so long
 * already: the times that Linux does not keep for it are changed in its arguments.
 */
void interrupted_waited(struct stub *stub, struct user_regs_struct *regs, uint64_t ns);

#endif
