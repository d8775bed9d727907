/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages as such. */
#ifndef DEPUTY_PAGES_H
#define DEPUTY_PAGES_H

#include <stdbool.h>

/* Is a page (WIRE_PAGE_SIZE bytes, aligned to 8) all zeros? */
bool page_is_zero(const void *page);

#endif
