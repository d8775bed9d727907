/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be set on a node: one table (settings.c) of every name, its form and its meaning. Values
 * come from the kernel's command line, which has the same names on every medium, and can be changed
 * later. A word that is unknown or malformed is ignored and named: in the log, and to whoever asks.
 */
#ifndef KERNEL_SETTINGS_H
#define KERNEL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETTING_MAX 64 /* bytes of a value, its end included */

struct setting {
	const char *name;
	const char *takes; /* the form of its value, for people; "" for a bare word */
	/* NULL: `takes` lists the words, separated by '|'. */
	bool (*valid)(const char *value);
	const char *help; /* what it does, and what holds without it */
};

/* Takes the settings from a command line, of which the end is missing if cut. Once, before all users. */
void settings_init(const char *line, bool cut);

/* Prints the problems that settings_init() found: it runs before there is a console. */
void settings_report(void);

/*
 * The value of a setting, "" for a bare word, NULL when it is not set. It has the form that the table
 * says. Valid until that setting is changed: what is read at other times than the start is better
 * copied by settings_look(). Any context.
 */
const char *setting_get(const char *name);

/* A number, or fallback when it is not set. */
uint64_t setting_get_u64(const char *name, uint64_t fallback);

/*
 * Gives a setting a value, or with NULL takes it away. Only the setting changes: who wants it to take
 * effect at once tells the part it belongs to. 0; -ENOENT: no such setting; -EINVAL: not of its form;
 * then nothing is changed. Any context.
 */
int settings_change(const char *name, const char *value);

/*
 * Writes what was changed to muster.cfg on the medium that the node was started from, so that it holds
 * at the next start (kernel/medium/save.c). 0, or -errno and in why (at least 128 bytes) what is in the
 * way; everything is then as it was. The machine stands still for parts of the time, which is a second
 * or two with a floppy. Context of a kernel thread.
 */
int settings_save(char *why, size_t size);

/* One line of the table, as it is now. */
struct setting_view {
	const struct setting *setting;
	bool set;
	bool unsaved; /* changed since the start, or the last settings_save() */
	char value[SETTING_MAX];
};

/* Looks at the setting with this index; false behind the last. Any context. */
bool settings_look(unsigned index, struct setting_view *view);

/* Says that a setting is saved as it was when it was looked at; one that was changed since is not. */
void settings_saved(const struct setting_view *view);

/* The index of a setting, -ENOENT. */
int settings_find(const char *name);

/* Why a word of the command line was ignored, a line each; NULL behind the last. Constant. */
const char *settings_problem(unsigned index);

#endif
