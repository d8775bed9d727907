/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables and JSON for people and programs: columns as wide as needed, strings quoted as RFC 8259. */
#ifndef USERLAND_LIB_TABLE_PRINT_H
#define USERLAND_LIB_TABLE_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct columns;

/* heads: NULL-terminated; a head starting with '>' is of a right-aligned column. */
struct columns *columns_new(const char *const *heads);
/* One row: as many cells as heads. The strings are copied. */
void columns_row(struct columns *c, const char *const *cells);
/* Prints the heads and all rows, and frees everything. */
void columns_print(struct columns *c, FILE *out);

void json_string(FILE *out, const char *s);

/* "1.5 GB", "212 MB", "64 KB": powers of 1024, at most 4 characters of number. Returns buf. */
char *human_bytes(uint64_t bytes, char *buf, size_t size);
/* "4.2 s", "350 ms", "3:04:05". Returns buf. */
char *human_ms(uint64_t ms, char *buf, size_t size);

#endif
