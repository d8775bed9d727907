/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef USERLAND_LIB_REMOVE_TREE_H
#define USERLAND_LIB_REMOVE_TREE_H

/* Removes a folder with all that is in it, as far as it can; links are not followed. */
void remove_tree(const char *dir);

#endif
