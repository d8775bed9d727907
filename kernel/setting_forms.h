/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The forms a setting's value can have: true if it has it. Portable; any context. */
#ifndef KERNEL_SETTING_FORMS_H
#define KERNEL_SETTING_FORMS_H

#include <stdbool.h>

bool form_address(const char *value);  /* A.B.C.D */
bool form_ip(const char *value);       /* A.B.C.D, A.B.C.D/LEN (1-31) or dhcp */
bool form_endpoint(const char *value); /* A.B.C.D or A.B.C.D:PORT */
bool form_group(const char *value);    /* a multicast address */
bool form_port(const char *value);     /* 1-65535 */
bool form_number(const char *value);   /* 1 and more */
bool form_size(const char *value);     /* bytes, with K, M or G */
bool form_name(const char *value); /* letters, digits, - _ and . ; short enough to be announced */
bool form_isa(const char *value);  /* 0x300 or 0x300,9 */
bool form_card(const char *value); /* eth0, eth1... */
bool form_none(const char *value); /* a bare word */
bool form_any(const char *value);

/* One of words, which are separated by '|'. */
bool form_word(const char *words, const char *value);

#endif
