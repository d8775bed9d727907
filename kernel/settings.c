/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of settings, and their values. docs/man/muster-node.7 has the same table for people;
 * tests/unit/test_settings.c compares them.
 */
#include "kernel/settings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "boot/boot_info.h"
#include "kernel/cmdline.h"
#include "kernel/kprintf.h"
#include "kernel/setting_forms.h"
#include "kernel/sync/spinlock.h"

static const struct setting table[] = {
	{ "ip", "A.B.C.D/LEN|dhcp", form_ip, "the node's address; without it, DHCP is asked" },
	{ "gw", "A.B.C.D", form_address, "the gateway that goes with a fixed address" },
	{ "name", "TEXT", form_name, "the node's name in lists; without it, made from its card" },
	{ "home", "A.B.C.D[:PORT]", form_endpoint, "announce to this machine too (no multicast there)" },
	{ "group", "A.B.C.D", form_group, "the multicast group of announcements" },
	{ "port", "PORT", form_port, "UDP port of announcements and TCP port of homes" },
	{ "advertise", "A.B.C.D[:PORT]", form_endpoint, "the address to announce, if it is translated" },
	{ "card", "ethN", form_card, "the network card; without it, the first with link and an answer" },
	{ "ne2000", "PORT[,LINE]", form_isa, "an ISA card there; without it, looked for" },
	{ "rtl8139", "c+|old", NULL, "old: drive an RTL8139C+ as its ancestors" },
	{ "control", "menu|home", NULL, "menu: take orders at the machine only, none from homes" },
	{ "menu", "on|off", NULL, "off: the keyboard and the serial line change nothing" },
	{ "console", "vga|serial", NULL, "messages go there only; without it, to both" },
	{ "panic", "halt|reboot|exit", NULL, "after a panic (exit: end QEMU); without it, halt" },
	{ "mem", "SIZE", form_size, "use memory below this address only" },
	{ "maxcpus", "NUMBER", form_number, "use no more CPUs than that" },
	{ "irq", "pic|ioapic", NULL, "the interrupt controller; without it, the 8259s if there are any" },
	{ "nolapic", "", form_none, "leave the local APIC alone: one CPU" },
	{ "muster.cfg", "bad", NULL, "said by grub.cfg when the settings file is of no use" },
#ifdef CONFIG_SELFTEST
	{ "selftest", "panic", form_any, "run the kernel's tests and stop" },
#endif
};

#define SETTINGS (sizeof(table) / sizeof(table[0]))
#define PROBLEMS_MAX 8
#define PROBLEM_SIZE 128

static struct {
	bool set, unsaved;
	char text[SETTING_MAX];
} values[SETTINGS];
static spinlock_t lock = SPINLOCK_INIT;

static char problems[PROBLEMS_MAX][PROBLEM_SIZE];
static unsigned problem_count; /* all, also those that were not kept */

static int find(const char *name, size_t len)
{
	for (unsigned i = 0; i < SETTINGS; i++)
		if (strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0)
			return i;
	return -ENOENT;
}

int settings_find(const char *name)
{
	return find(name, strlen(name));
}

static bool valid(const struct setting *s, const char *value)
{
	return s->valid ? s->valid(value) : form_word(s->takes, value);
}

static void add_problem(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Words come from a file that may hold anything, and go to a screen: only letters as they are. */
static void add_problem(const char *fmt, ...)
{
	va_list ap;
	char *out;

	if (problem_count++ >= PROBLEMS_MAX)
		return;
	out = problems[problem_count - 1];
	va_start(ap, fmt);
	vsnprintf(out, PROBLEM_SIZE, fmt, ap);
	va_end(ap);
	for (; *out; out++)
		if (*out < ' ' || *out > '~')
			*out = '?';
}

static void take_word(const struct cmdline_word *word)
{
	int i = find(word->text, word->key_len), shown = word->len < 40 ? word->len : 40;
	bool fits = word->value_len < SETTING_MAX;
	char value[SETTING_MAX] = "";

	if (i < 0) {
		add_problem("%.*s: there is no such setting: ignored", shown, word->text);
		return;
	}
	if (fits)
		memcpy(value, word->value, word->value_len);
	if (!fits || !valid(&table[i], value)) {
		add_problem("%.*s: the form is %s%s%s: ignored", shown, word->text, table[i].name,
			    *table[i].takes ? "=" : "", table[i].takes);
		return;
	}
	strcpy(values[i].text, value);
	values[i].set = true;
}

void settings_init(const char *line, bool cut)
{
	struct cmdline_word word;

	memset(values, 0, sizeof(values));
	problem_count = 0;
	for (const char *at = line; cmdline_next(&at, &word);)
		take_word(&word);
	if (setting_get("muster.cfg"))
		add_problem("muster.cfg is missing or damaged: started without it");
	if (cut)
		add_problem("the command line is longer than %u bytes: its end is ignored",
			    BOOT_CMDLINE_MAX - 1);
}

const char *settings_problem(unsigned index)
{
	static char more[48];

	if (index < problem_count && index < PROBLEMS_MAX)
		return problems[index];
	if (index != PROBLEMS_MAX || index >= problem_count)
		return NULL;
	snprintf(more, sizeof(more), "and %u more", problem_count - PROBLEMS_MAX);
	return more;
}

void settings_report(void)
{
	const char *text;

	for (unsigned i = 0; (text = settings_problem(i)) != NULL; i++)
		kprintf("settings: %s\n", text);
}

const char *setting_get(const char *name)
{
	int i = settings_find(name);

	return i >= 0 && values[i].set ? values[i].text : NULL;
}

uint64_t setting_get_u64(const char *name, uint64_t fallback)
{
	const char *text = setting_get(name);
	uint64_t n;

	return text && cmdline_number(text, &n) ? n : fallback;
}

int settings_change(const char *name, const char *value)
{
	int i = settings_find(name);
	unsigned long flags;

	if (i < 0)
		return i;
	if (value && (strlen(value) >= SETTING_MAX || !valid(&table[i], value)))
		return -EINVAL;
	flags = spin_lock_irqsave(&lock);
	values[i].unsaved |= values[i].set != (value != NULL) || (value && strcmp(values[i].text, value));
	values[i].set = value != NULL;
	strcpy(values[i].text, value ? value : "");
	spin_unlock_irqrestore(&lock, flags);
	return 0;
}

bool settings_look(unsigned index, struct setting_view *view)
{
	unsigned long flags;

	if (index >= SETTINGS)
		return false;
	flags = spin_lock_irqsave(&lock);
	view->setting = &table[index];
	view->set = values[index].set;
	view->unsaved = values[index].unsaved;
	memcpy(view->value, values[index].text, SETTING_MAX);
	spin_unlock_irqrestore(&lock, flags);
	return true;
}

void settings_saved(const struct setting_view *view)
{
	unsigned i = view->setting - table;
	unsigned long flags = spin_lock_irqsave(&lock);

	if (values[i].set == view->set && strcmp(values[i].text, view->value) == 0)
		values[i].unsaved = false;
	spin_unlock_irqrestore(&lock, flags);
}
