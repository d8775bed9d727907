/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of muster.cfg, which is GRUB's language and belongs to people, too: only the words between
 * the quotes of its last `set muster_args=` line are changed, and the filling of '#' at its end, by
 * which it keeps its length. Portable.
 */
#ifndef KERNEL_MEDIUM_EDIT_H
#define KERNEL_MEDIUM_EDIT_H

#include <stddef.h>

struct setting_edit {
	const char *name;
	const char *value; /* NULL: the word is taken out; "": a bare word */
};

/*
 * Changes the file's text in place, where it may grow up to room bytes. Returns its new length, or
 * with nothing changed -EINVAL (the line is not there, or not of a form that we understand) or -ENOSPC,
 * and in why what is wrong.
 */
int settings_file_edit(char *text, size_t len, size_t room, const struct setting_edit *edits,
		       unsigned count, char *why, size_t size);

#endif
