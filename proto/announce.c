/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks an announcement before anybody looks at it. */
#include "proto/announce.h"

#include <string.h>

static int is_text(const char *s, size_t max)
{
	size_t n = strnlen(s, max);

	if (n == 0 || n == max)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return 0;
	return 1;
}

const char *announce_check(const void *bytes, size_t len)
{
	struct announce a;

	if (len < sizeof(a))
		return "announcement cut short";
	memcpy(&a, bytes, sizeof(a));
	if (a.magic != ANNOUNCE_MAGIC)
		return "not an announcement";
	if (a.version != WIRE_VERSION)
		return "announcement of another version";
	if (len != sizeof(a))
		return "announcement too long";
	if (!is_text(a.name, sizeof(a.name)) || !is_text(a.program, sizeof(a.program)))
		return "announcement with a bad name";
	if (!a.ncpu || !a.port)
		return "announcement without CPUs or port";
	return NULL;
}
