/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file in which musterd keeps the nodes it has heard, over its own restarts: their numbers
 * stay, and `mosctl wake` knows the hardware address of one that is off. A text file: a first line
 * with the format's version, a line for each node as control.h has them, and `end` with their
 * count.
 */
#ifndef USERLAND_MUSTERD_REMEMBER_H
#define USERLAND_MUSTERD_REMEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userland/musterd/table.h"

/*
 * Where it is: $MUSTER_RUNTIME_DIR if somebody has set a folder of his own; /var/lib/muster for
 * root; else $XDG_STATE_HOME/muster or ~/.local/state/muster. Makes the folders. NULL, with err
 * filled: nowhere.
 */
const char *remember_path(char *buf, size_t size, char *err);

/*
 * Puts the nodes of the file into an empty table, as not heard, but for those that nobody has heard
 * for a year. Takes all of them or none. 0; -ENOENT: there is no file; another negative errno: err
 * says what is wrong, and where.
 */
int remember_load(struct table *t, const char *path, int64_t now_s, char *err);

/* Replaces the file as a whole: whatever fails, the old one stays. 0 or -errno, with err filled. */
int remember_save(const struct table *t, const char *path, uint64_t now_ms, int64_t now_s,
		  char *err);

#endif
