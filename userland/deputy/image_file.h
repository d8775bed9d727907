/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mapped files: what they are called on the wire, and whether a shared mapping of one can be away.
 */
#ifndef DEPUTY_IMAGE_FILE_H
#define DEPUTY_IMAGE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "proto/wire.h"
#include "userland/deputy/maps.h"

/* The identity of a file as fstat(2) tells it: the same for every mapping of the same content. */
void file_identity(const struct stat *st, struct wire_file *file);

/*
 * The file that is mapped there. Its own attributes are had by its path, if that still leads to
 * it, or by map_files; else it gets an identity that nothing else has, which only costs caching.
 * Returns whether *st was filled in.
 */
bool file_of_map(pid_t pid, const struct map *map, struct wire_file *file, struct stat *st);

/* The mapped file's own content, open for reading; -1 if it cannot be had. */
int file_open_map(pid_t pid, const struct map *map);

/*
 * A shared mapping shows what others write to the file. A node would not see that; so it may be
 * away only if it cannot write and nobody is about to. fd: open on the file, or -1 if it cannot be
 * opened. path: its name, "" if that is not known.
 */
bool file_shared_safe(int fd, const struct stat *st, const char *path);

#endif
