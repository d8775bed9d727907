/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arrays that grow as they are filled. */
#ifndef USERLAND_LIB_GROW_H
#define USERLAND_LIB_GROW_H

#include <stdlib.h>

/*
 * The array (from malloc, or NULL) with room for one more item behind the count that it holds; *size
 * is how many have room. NULL without memory: the old one is then as it was.
 */
static inline void *grow(void *array, int *size, int count, size_t item)
{
	int more = *size ? 2 * *size : 16;

	if (count < *size)
		return array;
	array = reallocarray(array, more, item);
	if (array)
		*size = more;
	return array;
}

#endif
