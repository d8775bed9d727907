/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where our other programs and the images are: beside this one, in a build as when installed. */
#ifndef USERLAND_LIB_PROGRAMS_H
#define USERLAND_LIB_PROGRAMS_H

#include <stddef.h>

/* The folder of this program's own file; NULL if /proc does not say. The string is the library's. */
const char *program_dir(void);

/*
 * The path of our program name: in $MUSTER_BIN, beside this one, or in ../sbin of it; else just the
 * name, for PATH. Returns buf.
 */
char *program_path(const char *name, char *buf, size_t size);

/* The file name of the images: $MUSTER_IMAGES, ../images, .., ../share/muster. NULL: nowhere. */
char *image_path(const char *name, char *buf, size_t size);

#endif
