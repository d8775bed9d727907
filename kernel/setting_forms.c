/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of settings' values. See setting_forms.h. */
#include "kernel/setting_forms.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/cmdline.h"
#include "proto/limits.h"

/* Decimal digits only, no more than max; moves *at behind them. */
static bool take_number(const char **at, unsigned max, unsigned *n)
{
	const char *p = *at;

	for (*n = 0; *p >= '0' && *p <= '9' && *n <= max; p++)
		*n = *n * 10 + (*p - '0');
	if (p == *at || *n > max)
		return false;
	*at = p;
	return true;
}

/* A.B.C.D, the first number in *first; moves *at behind it. */
static bool take_address(const char **at, unsigned *first)
{
	unsigned n;

	for (int i = 0; i < 4; i++) {
		if (i && *(*at)++ != '.')
			return false;
		if (!take_number(at, 255, &n))
			return false;
		if (i == 0)
			*first = n;
	}
	return true;
}

bool form_address(const char *value)
{
	unsigned first;

	return take_address(&value, &first) && *value == '\0';
}

bool form_group(const char *value)
{
	unsigned first;

	return take_address(&value, &first) && *value == '\0' && first >= 224 && first <= 239;
}

bool form_ip(const char *value)
{
	unsigned first, len;

	if (strcmp(value, "dhcp") == 0)
		return true;
	/* A node has an address of its own: no group, no loopback, not "none". */
	if (!take_address(&value, &first) || first == 0 || first == 127 || first >= 224)
		return false;
	if (*value == '\0')
		return true;
	return *value++ == '/' && take_number(&value, 31, &len) && len && *value == '\0';
}

bool form_port(const char *value)
{
	unsigned port;

	return take_number(&value, 65535, &port) && port && *value == '\0';
}

bool form_endpoint(const char *value)
{
	unsigned first;

	return take_address(&value, &first) &&
	       (*value == '\0' || (*value == ':' && form_port(value + 1)));
}

bool form_number(const char *value)
{
	uint64_t n;

	return cmdline_number(value, &n) && n;
}

bool form_size(const char *value)
{
	return form_number(value);
}

bool form_name(const char *value)
{
	static const char name_letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					   "0123456789-_.";
	size_t len = strlen(value);

	/* Also a word of GRUB's language, in the settings file: nothing that means more there. */
	return len && len < WIRE_NAME_MAX && strspn(value, name_letters) == len;
}

bool form_card(const char *value)
{
	unsigned n;

	if (strncmp(value, "eth", 3) != 0)
		return false;
	value += 3;
	return take_number(&value, 255, &n) && *value == '\0';
}

bool form_isa(const char *value)
{
	unsigned line;
	char *end;
	unsigned long port = strtoul(value, &end, 16);

	/* Ports of ISA cards lie on multiples of 32, and above those of the board. */
	if (strncmp(value, "0x", 2) != 0 || port < 0x200 || port > 0x3e0 || port % 0x20)
		return false;
	value = end;
	return *value == '\0' ||
	       (*value++ == ',' && take_number(&value, 15, &line) && line > 2 && *value == '\0');
}

bool form_none(const char *value)
{
	return *value == '\0';
}

bool form_any(const char *value)
{
	(void)value;
	return true;
}

bool form_word(const char *words, const char *value)
{
	size_t len = strlen(value);

	while (*words) {
		size_t n = strcspn(words, "|");

		if (n == len && len && memcmp(words, value, len) == 0)
			return true;
		words += n;
		words += *words == '|';
	}
	return false;
}
