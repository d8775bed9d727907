/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of orders, and how a line becomes one. What they do is in order_*.c. */
#include "kernel/orders.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernel/kprintf.h"
#include "kernel/orders_int.h"

enum { CHANGES, LOOKS };

const struct order orders[] = {
#define ORDER(name, args, kind, help) { #name, args, help, kind == LOOKS, order_##name },
#include "proto/orders.def"
#undef ORDER
	{ 0 },
};

int order_help(char *args, struct order_out *out)
{
	if (*args)
		return -EINVAL;
	for (const struct order *o = orders; o->name; o++) {
		int width = strlen(o->name) + (*o->args ? 1 + strlen(o->args) : 0);

		order_print(out, "%s%s%s%*s  %s\n", o->name, *o->args ? " " : "", o->args,
			    width < 24 ? 24 - width : 0, "", o->help);
	}
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

char *order_word(char **args)
{
	char *word = *args, *end;

	while (is_blank(*word))
		word++;
	for (end = word; *end && !is_blank(*end); end++)
		;
	*args = end;
	if (*end)
		*(*args)++ = '\0';
	while (is_blank(**args))
		(*args)++;
	return *word ? word : NULL;
}

void order_flush(struct order_out *out)
{
	if (!out->deliver || !out->len)
		return;
	out->deliver(out, false, 0);
	out->len = 0;
	out->text[0] = '\0';
}

void order_end(struct order_out *out, int result)
{
	if (out->ended)
		return;
	out->ended = true;
	if (out->deliver)
		out->deliver(out, true, result);
}

/* Adds a piece; what does not fit is delivered first, or cut off where nobody takes it. */
static void add(struct order_out *out, const char *text, size_t len)
{
	while (len) {
		size_t room = out->size - 1 - out->len, n = len < room ? len : room;

		memcpy(out->text + out->len, text, n);
		out->len += n;
		out->text[out->len] = '\0';
		text += n;
		len -= n;
		if (len && !out->deliver)
			return;
		if (len)
			order_flush(out);
	}
}

void order_print(struct order_out *out, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* Names come from homes, and this goes to terminals. */
	for (char *p = line; n > 0 && *p; p++)
		if ((*p < ' ' && *p != '\n') || *p > '~')
			*p = '?';
	if (n > 0)
		add(out, line, n < (int)sizeof(line) ? n : (int)sizeof(line) - 1);
}

static const struct order *find(const char *name)
{
	for (const struct order *o = orders; o->name; o++)
		if (!strcmp(o->name, name))
			return o;
	return NULL;
}

static int run(char *line, struct order_out *out)
{
	char *args = line, *name, *end;
	const struct order *o;
	int err;

	for (const char *p = line; *p; p++)
		if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f) {
			order_print(out, "an order is one line of words\n");
			return -EINVAL;
		}
	name = order_word(&args);
	o = name ? find(name) : NULL;
	if (!o) {
		order_print(out, "there is no order %s; `help` lists them\n", name ? name : "\"\"");
		return -EINVAL;
	}
	for (end = args + strlen(args); end > args && is_blank(end[-1]);)
		*--end = '\0';
	if (!o->looks)
		kprintf("order: %s%s%s (%s)\n", name, *args ? " " : "", args,
			out->who ? out->who : "at the machine");
	err = o->run(args, out);
	if (err == -EINVAL && !out->len)
		order_print(out, "%s wants: %s%s%s\n", name, name, *o->args ? " " : "", o->args);
	return err;
}

int order_run(const char *line, struct order_out *out)
{
	char copy[ORDER_LINE_MAX];
	size_t len = strnlen(line, sizeof(copy));
	int err = -EINVAL;

	out->len = 0;
	out->ended = false;
	out->text[0] = '\0';
	if (len < sizeof(copy)) {
		memcpy(copy, line, len + 1);
		err = run(copy, out);
	} else {
		order_print(out, "an order has at most %d characters\n", ORDER_LINE_MAX - 1);
	}
	order_end(out, err);
	return err;
}
