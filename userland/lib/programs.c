/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds what was built or installed together with this program. */
#include "userland/lib/programs.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *program_dir(void)
{
	static char dir[PATH_MAX];
	ssize_t n;
	char *slash;

	if (*dir)
		return dir;
	n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
	if (n <= 0 || !(slash = strrchr(dir, '/'))) {
		*dir = 0;
		return NULL;
	}
	*slash = 0;
	return dir;
}

static char *look(const char *dir, const char *sub, const char *name, int mode, char *buf,
		  size_t size)
{
	if (!dir || !*dir)
		return NULL;
	if ((size_t)snprintf(buf, size, "%s/%s%s", dir, sub, name) >= size)
		return NULL;
	return access(buf, mode) ? NULL : buf;
}

char *program_path(const char *name, char *buf, size_t size)
{
	if (look(getenv("MUSTER_BIN"), "", name, X_OK, buf, size) ||
	    look(program_dir(), "", name, X_OK, buf, size) ||
	    look(program_dir(), "../sbin/", name, X_OK, buf, size))
		return buf;
	snprintf(buf, size, "%s", name);
	return buf;
}

char *image_path(const char *name, char *buf, size_t size)
{
	static const char *const subs[] = { "../images/", "../", "../share/muster/" };

	if (getenv("MUSTER_IMAGES"))
		return look(getenv("MUSTER_IMAGES"), "", name, R_OK, buf, size);
	for (unsigned i = 0; i < sizeof(subs) / sizeof(subs[0]); i++)
		if (look(program_dir(), subs[i], name, R_OK, buf, size))
			return buf;
	return NULL;
}
