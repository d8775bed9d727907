/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "userland/lib/args.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void args_add(struct args *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (a->n >= ARGS_MAX - 1 || vasprintf(&a->v[a->n++], fmt, ap) < 0)
		abort();
	va_end(ap);
}

void args_free(struct args *a)
{
	for (unsigned i = 0; i < a->n; i++)
		free(a->v[i]);
}
